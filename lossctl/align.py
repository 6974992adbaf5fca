"""Rows of several files brought side by side, by their order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lossctl.arrays import Integers, Mask
from lossctl.errors import DataError, inert
from lossctl.readers.source import Cells, Source, Wanted


@dataclass(slots=True)
class Feed:
    """One source and the columns that are read from it; `want` gives a column's place."""

    source: Source
    wanted: list[Wanted] = field(default_factory=list)

    def want(self, index: int, kind: Any = "number") -> int:
        """The place, in each block, of one column read as numbers or as text."""
        asked = Wanted(index, kind)
        if asked not in self.wanted:
            self.wanted.append(asked)
        return self.wanted.index(asked)

    def key(self, index: int) -> int:
        """The place, in each block, of a column that rows are joined by: nothing else reads it.

        Integers of binary files are read as numbers; in a text file 007 is another key than 7,
        and a decimal may be larger than any number that is read exactly.
        """
        column = self.source.columns[index]
        stored = self.source.format in ("parquet", "npy", "npz") and "decimal" not in column.type
        whole = stored and column.kind == "integer" and column.width is None
        self.wanted.append(Wanted(index, "number" if whole else "text"))
        return len(self.wanted) - 1

    @property
    def name(self) -> str:
        return "standard input" if self.source.path == "-" else self.source.path


@dataclass(slots=True)
class Ledger:
    """What was read, and what was dropped and why."""

    read: list[int] = field(default_factory=list)  # rows of each feed
    dropped: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("nan", "unmatched", "duplicate", "filtered", "ignored"), 0
        )
    )
    lost: dict[str, dict[str, int]] = field(default_factory=dict)  # by model: what it alone lacks


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """One block of rows, side by side: the cells of every feed."""

    rows: Integers  # row numbers in the first feed
    cells: Sequence[Sequence[Cells]]
    order: Integers | None = None
    other_rows: Integers | None = None  # row numbers in the second feed
    absent: Sequence[Mask | None] = ()  # by feed: the rows that it does not have
    own: Sequence[Integers] = ()  # by feed: row numbers in it, where they are not the same in all

    def rows_of(self, feed: int) -> Integers:
        """The row numbers in one feed."""
        return self.own[feed] if self.own else self.rows

    def row_of(self, feed: int, place: int) -> int:
        """One of them."""
        return int(self.rows_of(feed)[place])


def by_row(feeds: list[Feed], size: int, ledger: Ledger) -> Iterator[Aligned]:
    """Row i of every feed together. Raises DataError where one has fewer rows than another."""
    streams = [feed.source.blocks(feed.wanted, size) for feed in feeds]
    ledger.read = [0] * len(feeds)
    start = 0
    while True:
        blocks = [next(stream, None) for stream in streams]
        counts = [0 if block is None else block.count for block in blocks]
        for place, count in enumerate(counts):
            ledger.read[place] += count
        if len(set(counts)) > 1:
            for place, stream in enumerate(streams):
                ledger.read[place] += sum(block.count for block in stream)
            raise _unequal(feeds, ledger.read)
        if not counts[0]:
            return
        rows = np.arange(start, start + counts[0], dtype=np.int64)
        start += counts[0]
        yield Aligned(rows, [block.cells for block in blocks if block is not None])


def _unequal(feeds: list[Feed], read: list[int]) -> DataError:
    said = ", ".join(
        f"{feed.name} has {count} rows" for feed, count in zip(feeds, read, strict=True)
    )
    return DataError(
        f"{said}: rows are paired in order and their numbers differ",
        "--on KEY pairs them by a column",
    )


@dataclass(frozen=True, slots=True)
class Guard:
    """A column that two feeds share and that must be the same in both, row by row: feed and place
    of each."""

    name: str
    first: tuple[int, int]
    second: tuple[int, int]


def disagreement(aligned: Aligned, guard: Guard, feeds: list[Feed]) -> None:
    """Refuse a pairing by row order in which a shared column of text differs. Raises DataError
    with the first row."""
    left, right = (_texts(aligned, at) for at in (guard.first, guard.second))
    if left.equals(right):
        return
    pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
    place, pair = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
    shown = ", ".join(inert(str(key)) for key in pair)
    name = inert(guard.name)
    names = [feeds[feed].name for feed, _ in (guard.first, guard.second)]
    raise DataError(
        f"{names[0]} and {names[1]} both have column {name} and disagree from "
        f"row #{aligned.row_of(guard.first[0], place)} ({shown})",
        f"--on {name} joins them, --by-row insists",
    )


def _texts(aligned: Aligned, at: tuple[int, int]) -> Any:
    return aligned.cells[at[0]][at[1]].values
