"""The data digest: the same for the same rows in any order, another for any other data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Ragged
from lossctl.batch import Batch
from lossctl.states import Json

_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)
_WORD = (1 << 64) - 1


@dataclass(frozen=True, slots=True)
class Digest:
    """The sum of two 64-bit hashes of every row: roles in their order, then the weight."""

    def empty(self) -> DigestState:
        return DigestState()

    def make(self, batch: Batch) -> DigestState:
        first = np.full(batch.count, _SEEDS[0], dtype=np.uint64)
        second = np.full(batch.count, _SEEDS[1], dtype=np.uint64)
        for role in sorted(batch.columns):
            if role in batch.wholes:
                bits = _whole(batch.columns[role])
                first, second = _mixed(first ^ bits), _mixed(second + bits)
                continue
            for bits in _bits(batch.columns[role]):
                first, second = _mixed(first ^ bits), _mixed(second + bits)
        if batch.weight is not None:
            bits = (batch.weight + 0.0).view(np.uint64)
            first, second = _mixed(first ^ bits), _mixed(second + bits)
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


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """splitmix64's finaliser."""
    bits = bits ^ (bits >> np.uint64(30))
    bits = bits * np.uint64(0xBF58476D1CE4E5B9)
    bits = bits ^ (bits >> np.uint64(27))
    bits = bits * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


def _bits(column: object) -> list[NDArray[np.uint64]]:
    if isinstance(column, Ragged):
        rows = [_fnv(column.row(i).tobytes()) for i in range(len(column))]
        return [np.array(rows, dtype=np.uint64)]
    values: NDArray[np.float64] = column  # type: ignore[assignment]  # roles are arrays or Ragged
    flat = values.reshape(values.shape[0], -1)
    words = (flat + 0.0).view(np.uint64) if flat.dtype.kind == "f" else flat.astype(np.uint64)
    return [np.ascontiguousarray(words[:, place]) for place in range(words.shape[1])]


def _whole(values: NDArray[np.float64]) -> np.uint64:
    return np.uint64(_fnv(np.ascontiguousarray(values).tobytes()))


def _fnv(data: bytes) -> int:
    """FNV-1a over 64 bits, eight bytes at a time."""
    state = 0xCBF29CE484222325
    for start in range(0, len(data), 8):
        state = ((state ^ int.from_bytes(data[start : start + 8], "little")) * 0x100000001B3) & _WORD
    return state
