"""The different values of a column that no loss reads, and how many rows hold each."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias

import numpy as np

from lossctl.arrays import Integers, Ragged
from lossctl.batch import Batch
from lossctl.extras import Extra, plain
from lossctl.states import UNLIKE, Json

Level: TypeAlias = Any  # a text, a number (a whole one as int), or None where a cell is missing


@dataclass(frozen=True, slots=True)
class Coded:
    """The different cells of a column of one block, and the place of each row's among them."""

    column: str

    def __call__(self, batch: Batch) -> tuple[list[Level], Integers]:
        found: tuple[list[Level], Integers] | None = batch.derived.get(self)
        if found is None:
            found = batch.derived[self] = coded(batch.extras[self.column])
        return found

    def missing(self, batch: Batch) -> int:
        """How many rows hold no value."""
        return int(np.count_nonzero(batch.extras[self.column].missing))


class CellsOf(Hashable, Protocol):
    """The different cells of a block, and the place of each row's among them; how many hold no
    value. Equal ones hash alike."""

    def __call__(self, block: Any, /) -> tuple[list[Level], Integers]: ...

    def missing(self, block: Any, /) -> int: ...


def coded(extra: Extra) -> tuple[list[Level], Integers]:
    """The different cells, and the place of each row's among them (n,); some may stand in no row.
    Missing cells are one of their own, the last."""
    if isinstance(extra.values, Ragged):
        levels, codes = _texts(extra.values)
    else:
        found, codes = np.unique(extra.values, return_inverse=True)
        levels = [plain(value) for value in found.tolist()]
    if extra.missing.any():
        codes = np.where(extra.missing, len(levels), codes)
        levels = [*levels, None]
    return levels, codes


def _texts(rows: Ragged) -> tuple[list[Level], Integers]:
    import pyarrow

    buffers = [
        None,
        pyarrow.py_buffer(np.ascontiguousarray(rows.offsets, dtype=np.int64)),
        pyarrow.py_buffer(np.ascontiguousarray(rows.values, dtype=np.uint8)),
    ]
    texts = pyarrow.Array.from_buffers(pyarrow.large_binary(), len(rows), buffers)
    made = texts.dictionary_encode()
    levels = [one.decode("utf-8", "replace") for one in made.dictionary.to_pylist()]
    return levels, made.indices.to_numpy(zero_copy_only=False).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Levels:
    """How many rows hold each value of a column. Of more than `most` values nothing is kept but
    that there are more, and how many rows hold any."""

    cells: CellsOf
    most: int

    def empty(self) -> LevelsState:
        return LevelsState(self.most)

    def make(self, block: Batch) -> LevelsState:
        levels, codes = self.cells(block)
        counts: dict[Level, int] = {}
        for level, count in zip(
            levels, np.bincount(codes, None, len(levels)).tolist(), strict=True
        ):
            if count:
                counts[level] = counts.get(level, 0) + count
        return self._empty(block, counts).bounded()

    def grow(self, state: LevelsState, block: Batch) -> LevelsState:
        """As `state.merge(self.make(block))`; of too many values no more are looked at."""
        if state.overfull:
            return state.merge(replace(self._empty(block, {}), overfull=True))
        return state.merge(self.make(block))

    def _empty(self, block: Batch, counts: dict[Level, int]) -> LevelsState:
        missing = self.cells.missing(block)
        return LevelsState(self.most, counts, block.count - missing, missing)


@dataclass(frozen=True, slots=True)
class LevelsState:
    """Rows by value; none where there are more values than `most`."""

    most: int
    counts: Mapping[Level, int] = field(default_factory=dict)
    count: int = 0  # rows that hold a value
    missing: int = 0
    overfull: bool = False

    @property
    def infinite(self) -> int:
        """None: `Numbers` brings infinite values into float64's range."""
        return 0

    def merge(self, other: LevelsState) -> LevelsState:
        if self.most != other.most:
            raise ValueError(UNLIKE)
        overfull = self.overfull or other.overfull
        counts = {} if overfull else dict(self.counts)
        for level, count in other.counts.items() if not overfull else ():
            counts[level] = counts.get(level, 0) + count
        made = (self.count + other.count, self.missing + other.missing, overfull)
        return LevelsState(self.most, counts, *made).bounded()

    def bounded(self) -> LevelsState:
        """Without the values, if there are too many."""
        return replace(self, counts={}, overfull=True) if len(self.counts) > self.most else self

    def ordered(self) -> list[Level]:
        """The values: numbers ascending, then texts, then what is missing."""
        return sorted(self.counts, key=rank)

    def to_json(self) -> Json:
        counts = [[*_written(level), self.counts[level]] for level in self.ordered()]
        return {
            "most": self.most,
            "counts": counts,
            "count": self.count,
            "missing": self.missing,
            "overfull": self.overfull,
        }

    @classmethod
    def from_json(cls, data: Json) -> LevelsState:
        counts = {_read(kind, text): count for kind, text, count in data["counts"]}
        return cls(data["most"], counts, data["count"], data["missing"], data["overfull"])


def rank(level: Level) -> tuple[int, Any]:
    """What sorts values of several kinds."""
    if level is None:
        return 2, 0
    return (1, level) if isinstance(level, str) else (0, level)


def _written(level: Level) -> tuple[str, Any]:
    if isinstance(level, float):
        return "float", level.hex()
    return ("none" if level is None else "plain"), level


def _read(kind: str, text: Any) -> Level:
    return float.fromhex(text) if kind == "float" else text


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of a column, without the missing ones; infinite ones as the largest float64."""

    column: str

    def __call__(self, batch: Batch) -> Any:
        extra = batch.extras[self.column]
        assert not isinstance(extra.values, Ragged)
        values = extra.values.astype(np.float64)
        kept = values[~extra.missing] if extra.missing.any() else values
        return np.clip(kept, -LARGEST, LARGEST)


LARGEST = math.nextafter(math.inf, 0.0)
