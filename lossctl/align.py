"""Rows of several files brought side by side: by their order, or by a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.arrays import Integers, Ragged
from lossctl.errors import DataError, inert, quoted
from lossctl.readers.arrow import missing_cells, stored
from lossctl.readers.source import Cells, Rows, Source, Wanted, joined
from lossctl.report import listed

if TYPE_CHECKING:
    import pyarrow

JOIN_LIMIT = 1 << 33  # bytes that a join may hold


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

    @property
    def name(self) -> str:
        return "standard input" if self.source.path == "-" else self.source.path


@dataclass(slots=True)
class Ledger:
    """What was read, and what was dropped and why."""

    read: list[int] = field(default_factory=list)
    dropped: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(
            ("nan", "unmatched", "duplicate", "filtered", "ignored"), 0
        )
    )


@dataclass(frozen=True, slots=True, eq=False)
class Aligned:
    """One block of rows, side by side: the cells of every feed."""

    rows: Integers  # row numbers in the first feed
    cells: Sequence[Sequence[Cells]]
    order: Integers | None = None
    other_rows: Integers | None = None  # row numbers in the second feed


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


def by_key(
    feeds: list[Feed],
    keys: list[list[int]],
    size: int,
    ledger: Ledger,
    *,
    missing: str,
    duplicates: str,
) -> Iterator[Aligned]:
    """Rows of equal keys together, in the first feed's order. `keys` are places of text columns.

    Holds all feeds in memory. Raises DataError for keys that are absent, repeated or unmatched,
    unless `duplicates` (first, last) or `missing` (drop) say what to do.
    """
    import pyarrow.compute

    for feed in feeds:
        _within_limit(feed)
    tables = [_whole(feed) for feed in feeds]
    ledger.read = [table.count for table in tables]
    texts = [
        _key(feed, table, places) for feed, table, places in zip(feeds, tables, keys, strict=True)
    ]
    chosen = [
        _unique(feed, text, duplicates, ledger) for feed, text in zip(feeds, texts, strict=True)
    ]
    first = _taken(texts[0], chosen[0])
    partners = []
    for text, kept in zip(texts[1:], chosen[1:], strict=True):
        found = pyarrow.compute.index_in(first, value_set=_taken(text, kept))
        absent = missing_cells(found)
        places = stored(found).astype(np.int64)
        partners.append(places if absent is None else np.where(absent, -1, places))
    matched = np.ones(len(chosen[0]), dtype=bool)
    for found in partners:
        matched &= found >= 0
    _unmatched(feeds, first, texts, chosen, partners, matched, missing, ledger)
    rows = chosen[0][matched]
    others = [kept[found[matched]] for kept, found in zip(chosen[1:], partners, strict=True)]
    rank = np.empty(rows.size, dtype=np.int64)
    order = stored(pyarrow.compute.sort_indices(_taken(texts[0], rows)))
    rank[order] = np.arange(rows.size)
    for start in range(0, rows.size, size):
        part = slice(start, start + size)
        taken = [_take(tables[0], rows[part])]
        taken += [
            _take(table, other[part]) for table, other in zip(tables[1:], others, strict=True)
        ]
        yield Aligned(rows[part], taken, rank[part], others[0][part] if others else None)


def _within_limit(feed: Feed) -> None:
    rows = feed.source.rows
    needed = (
        0
        if rows is None
        else rows * sum(8 * max(feed.source.columns[w.index].width or 1, 1) for w in feed.wanted)
    )
    if needed > JOIN_LIMIT:
        raise DataError(
            f"{feed.name}: joining by a key would hold {needed >> 20} MiB of it in memory, more "
            f"than the limit of {JOIN_LIMIT >> 20} MiB",
            "sort both files by the key and pair them by row",
        )


def _whole(feed: Feed) -> Rows:
    blocks = list(feed.source.blocks(feed.wanted, 1 << 16))
    if not blocks:
        raise DataError(f"{feed.name} has no rows")
    return joined(blocks)


def _key(feed: Feed, table: Rows, places: list[int]) -> pyarrow.Array:
    """The key of each row as text; several columns are joined by a character that text files
    cannot hold. Integers are text without leading zeros, so that 007 and 7 differ."""
    import pyarrow.compute

    parts: list[Any] = [table.cells[place].values for place in places]
    for part in parts:
        absent = missing_cells(part)
        if absent is not None:
            row = int(np.flatnonzero(absent)[0])
            raise DataError(f"{feed.name} row #{row} has no key", "give every row one")
    if len(parts) == 1:
        return parts[0]
    return pyarrow.compute.binary_join_element_wise(*parts, "\0")


def _unique(feed: Feed, text: pyarrow.Array, duplicates: str, ledger: Ledger) -> Integers:
    """The rows that stay when each key counts once."""
    codes = text.dictionary_encode()
    keys = stored(codes.indices)
    repeats = len(text) - len(codes.dictionary)
    everything = np.arange(len(text), dtype=np.int64)
    if not repeats:
        return everything
    if duplicates == "error":
        counts = np.bincount(keys)
        names = [
            quoted(_said(codes.dictionary[int(k)].as_py())) for k in np.flatnonzero(counts > 1)[:4]
        ]
        raise DataError(
            f"{feed.name} has {repeats} rows whose key another row has already "
            f"(first: {listed(names, 3)})",
            "--duplicates first or last keeps one of each and counts the rest",
        )
    ledger.dropped["duplicate"] += repeats
    if duplicates == "first":
        _, kept = np.unique(keys, return_index=True)
    else:
        _, back = np.unique(keys[::-1], return_index=True)
        kept = len(keys) - 1 - back
    return np.sort(kept).astype(np.int64)


def _unmatched(
    feeds: list[Feed],
    first: pyarrow.Array,
    texts: list[pyarrow.Array],
    chosen: list[Integers],
    partners: list[Integers],
    matched: Any,
    missing: str,
    ledger: Ledger,
) -> None:
    """Count the rows without a partner, on every side; refuse them unless they may be dropped."""
    problems = []
    lonely = int((~matched).sum())
    if lonely:
        names = [quoted(_said(first[int(i)].as_py())) for i in np.flatnonzero(~matched)[:4]]
        problems.append(f"{lonely} keys of {feeds[0].name} are not in "
                        f"{_others(feeds)} (first: {listed(names, 3)})")  # fmt: skip
    total = lonely
    for feed, text, kept, found in zip(feeds[1:], texts[1:], chosen[1:], partners, strict=True):
        used = np.zeros(kept.size, dtype=bool)
        used[found[found >= 0]] = True
        idle = np.flatnonzero(~used)
        if idle.size:
            names = [quoted(_said(text[int(kept[i])].as_py())) for i in idle[:4]]
            problems.append(f"{idle.size} keys of {feed.name} are not in {feeds[0].name} "
                            f"(first: {listed(names, 3)})")  # fmt: skip
            total += int(idle.size)
    if problems and missing == "error":
        raise DataError("; ".join(problems), "--missing drop leaves them out and counts them")
    ledger.dropped["unmatched"] += total


def _others(feeds: list[Feed]) -> str:
    return " and ".join(feed.name for feed in feeds[1:])


def _said(key: str) -> str:
    return key.replace("\0", ", ")


def _take(table: Rows, rows: Integers) -> list[Cells]:
    return [
        Cells(
            cells.values.take(rows) if isinstance(cells.values, Ragged) else (
                cells.values[rows] if isinstance(cells.values, np.ndarray)
                else _taken(cells.values, rows)
            ),
            None if cells.missing is None else cells.missing[rows],
        )
        for cells in table.cells
    ]  # fmt: skip


def _taken(array: pyarrow.Array, rows: Integers) -> pyarrow.Array:
    """The chosen elements. An Arrow array made from buffers spares the import of pandas."""
    import pyarrow

    indices = np.ascontiguousarray(rows, dtype=np.int64)
    buffers = [None, pyarrow.py_buffer(indices.tobytes())]
    return array.take(pyarrow.Array.from_buffers(pyarrow.int64(), len(indices), buffers))


def disagreement(aligned: Aligned, places: tuple[int, int], name: str, feeds: list[Feed]) -> None:
    """Refuse a pairing by row order in which a shared column differs.

    `places` are the column's places in the first two feeds. Raises DataError with the first row.
    """
    left: Any = aligned.cells[0][places[0]].values
    right: Any = aligned.cells[1][places[1]].values
    if left.equals(right):
        return
    pairs = zip(left.to_pylist(), right.to_pylist(), strict=True)
    place, pair = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
    shown = ", ".join(inert(str(key)) for key in pair)
    raise DataError(
        f"{feeds[0].name} and {feeds[1].name} both have column {inert(name)} and disagree from "
        f"row #{int(aligned.rows[place])} ({shown})",
        f"--on {inert(name)} joins them, --by-row insists",
    )
