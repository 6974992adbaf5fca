"""The data digest: the same for the same rows in any order, another for any other data."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Ragged
from lossctl.batch import Batch
from lossctl.hashing import mix
from lossctl.states import Json

_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
_WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Digest:
    """The sum of two 64-bit hashes of every row: roles in their order (those that are named, or
    all), then the weight; with `ordered` what orders the row, too."""

    roles: tuple[str, ...] | None = None
    ordered: bool = False

    def empty(self) -> DigestState:
        return DigestState()

    def make(self, batch: Batch) -> DigestState:
        first = np.full(batch.count, _SEEDS[0], dtype=np.uint64)
        second = np.full(batch.count, _SEEDS[1], dtype=np.uint64)
        for role in sorted(batch.columns):
            if self.roles is not None and role not in self.roles:
                continue
            column = batch.columns[role]
            for bits in [_whole(column)] if role in batch.wholes else _bits(column):
                _mix_in(first, second, bits)
        if batch.weight is not None:
            _mix_in(first, second, (batch.weight + 0.0).view(np.uint64))
        if self.ordered:
            _mix_in(first, second, batch.order.astype(np.int64).view(np.uint64))
        return DigestState(int(first.sum(dtype=np.uint64)), int(second.sum(dtype=np.uint64)))


@dataclass(frozen=True, slots=True)
class DigestState:
    """Two sums modulo 2**64."""

    first: int = 0
    second: int = 0

    def merge(self, other: DigestState) -> DigestState:
        return DigestState((self.first + other.first) & _WORD, (self.second + other.second) & _WORD)

    def __str__(self) -> str:
        return f"{self.first:016x}{self.second:016x}"

    def to_json(self) -> Json:
        return {"first": hex(self.first), "second": hex(self.second)}

    @classmethod
    def from_json(cls, data: Json) -> DigestState:
        return cls(int(data["first"], 16), int(data["second"], 16))


def _mix_in(
    first: NDArray[np.uint64], second: NDArray[np.uint64], bits: NDArray[np.uint64]
) -> None:
    """Let both hashes of every row depend on one more value, in place."""
    first ^= bits
    second += bits
    for state in (first, second):
        mix(state)


def _bits(column: object) -> list[NDArray[np.uint64]]:
    if isinstance(column, Ragged):
        words = _words(column.values)
        ends = column.offsets.tolist()
        rows = [_fnv(words[a:b].tobytes()) for a, b in itertools.pairwise(ends)]
        return [np.array(rows, dtype=np.uint64)]
    values: NDArray[Any] = column  # type: ignore[assignment]  # roles are arrays or Ragged
    words = _words(values).reshape(values.shape[0], -1)
    return [np.ascontiguousarray(words[:, place]) for place in range(words.shape[1])]


def _words(values: NDArray[Any]) -> NDArray[np.uint64]:
    """The bits of each value as float64; of an integer that float64 cannot hold, the integer.

    So a value has the same bits whatever the type of the block in which it comes.
    """
    wide = np.ascontiguousarray(values, dtype=np.float64) + 0.0
    words = wide.view(np.uint64)
    if values.dtype.kind not in "iu":
        return words
    beyond = np.array(
        [int(w) != v for w, v in zip(wide.flat, values.flat, strict=True)], dtype=bool
    )
    return np.where(beyond.reshape(values.shape), values.astype(np.uint64), words)


def _whole(values: NDArray[Any]) -> NDArray[np.uint64]:
    return np.array([_fnv(_words(values).tobytes())], dtype=np.uint64)


def _fnv(data: bytes) -> int:
    """FNV-1a over 64 bits, eight bytes at a time."""
    state = 0xCBF29CE484222325
    for start in range(0, len(data), 8):
        state = (
            (state ^ int.from_bytes(data[start : start + 8], "little")) * 0x100000001B3
        ) & _WORD
    return state
