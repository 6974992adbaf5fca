"""Rows of several files brought side by side by a key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.align import Aligned, Feed, Ledger
from lossctl.arrays import Integers, Ragged
from lossctl.errors import DataError, quoted
from lossctl.filled import Filled
from lossctl.keys import KeyColumn, Keys, places_of, repeats, text_of, text_order
from lossctl.readers.arrow import missing_cells, stored
from lossctl.readers.source import Cells
from lossctl.report import listed

JOIN_LIMIT = 1 << 33  # bytes that a join may hold
_BETWEEN = "\0"  # stands between the columns of a key
_PER_ROW = 32  # bytes of a row beside its values: key, partner, order, and the table of places


def by_key(
    feeds: list[Feed],
    keys: list[list[int]],
    size: int,
    ledger: Ledger,
    *,
    missing: str,
    duplicates: str,
    told: bool = True,
    lead: int = 0,
    partly: bool = False,
    answered: bool = False,
) -> Iterator[Aligned]:
    """Rows of equal keys together, in the order of the feed that leads. `keys` are places of
    `Feed.key`; there, where they are `told`, the cells of every feed are the keys as they were
    compared: int64 or text.

    Holds all feeds in memory. Raises DataError for more than may be held, and for keys that are
    absent, repeated or unmatched, unless `duplicates` (first, last) or `missing` (drop) say what
    to do. `partly`: rows that only some of the feeds have are not dropped, but told as absent;
    those of the leading one alone too, where it is a model's that `answered` them.
    """
    _within_limit(feeds, sum(_known_size(feed) for feed in feeds), "would hold")
    tables = _tables(feeds, keys, size)
    ledger.read = [table.count for table in tables]
    turned = [lead, *(place for place in range(len(feeds)) if place != lead)]
    feeds, keys = [feeds[at] for at in turned], [keys[at] for at in turned]
    tables = [tables[at] for at in turned]
    held = [_key(feed, table) for feed, table in zip(feeds, tables, strict=True)]
    if not all(isinstance(one, np.ndarray) for one in held):
        held = [text_of(one) for one in held]
    chosen = [_unique(feed, one, duplicates, ledger) for feed, one in zip(feeds, held, strict=True)]
    held = [_taken(one, rows) for one, rows in zip(held, chosen, strict=True)]
    partners = [_partners(held[0], one) for one in held[1:]]
    everywhere = np.ones(len(held[0]), dtype=bool)
    for found in partners:
        everywhere &= found >= 0
    matched = everywhere
    if partly and missing == "drop":
        # Without targets of their own the first model's file leads: its rows are answered.
        matched = np.full(len(held[0]), answered, dtype=bool)
        for found in partners:
            matched |= found >= 0
    _unmatched(feeds, held, partners, missing)
    ledger.dropped["unmatched"] += int(np.count_nonzero(~matched)) + _idle(held, partners)
    key, rows = held[0], chosen[0]
    if not matched.all():
        key = _taken(key, np.flatnonzero(matched))
        rows = np.flatnonzero(matched) if rows is None else rows[matched]
        partners = [found[matched] for found in partners]
    lacking: list[Any] = [None, *(found < 0 if partly else None for found in partners)]
    if partly:  # any row stands in for one that is absent
        partners = [np.maximum(found, 0) for found in partners]
    places = [rows, *(_through(kept, p) for kept, p in zip(chosen[1:], partners, strict=True))]
    order = text_order(key)
    del held, matched, everywhere, partners, chosen
    back = np.argsort(turned).tolist()
    for start in range(0, len(key), size):
        part = slice(start, min(start + size, len(key)))
        numbers = [_numbers(one, part) for one in places]
        cells = [
            _take(table, part if place is None else number)
            for table, place, number in zip(tables, places, numbers, strict=True)
        ]
        columns = _columns(key[part], len(keys[0])) if told else []
        for side, at in zip(cells, keys, strict=True):
            for place, one in zip(at, columns, strict=False):
                side[place] = Cells(one)
        second = numbers[1] if len(feeds) == 2 and lead == 0 else None
        absent = [None if one is None else one[part] for one in lacking]
        yield Aligned(numbers[0], [cells[at] for at in back], order[part], second,
                      [absent[at] for at in back], [numbers[at] for at in back])  # fmt: skip


def _through(kept: Integers | None, places: Any) -> Any:
    return places if kept is None else kept[places]


def _numbers(rows: Any, part: slice) -> Integers:
    """The row numbers of a part; None stands for every row."""
    if rows is None:
        return np.arange(part.start, part.stop, dtype=np.int64)
    numbers: Integers = rows[part].astype(np.int64)
    return numbers


def _known_size(feed: Feed) -> int:
    """The bytes that a feed will take in memory, as far as its file says."""
    widths = [max(feed.source.columns[want.index].width or 1, 1) for want in feed.wanted]
    return (feed.source.rows or 0) * (8 * sum(widths) + _PER_ROW)


def _within_limit(feeds: list[Feed], size: int, verb: str) -> None:
    if size > JOIN_LIMIT:
        names = " and ".join(feed.name for feed in feeds)
        raise DataError(
            f"{names}: joining by a key {verb} {size >> 20} MiB in memory, more than the limit of "
            f"{JOIN_LIMIT >> 20} MiB",
            "sort both files by the key and pair them by row",
        )


@dataclass(slots=True)
class _Table:
    """One feed, held whole: its columns, those of the key apart (None among the others)."""

    count: int
    columns: list[Cells | None]
    keys: list[KeyColumn]


def _tables(feeds: list[Feed], keys: list[list[int]], size: int) -> list[_Table]:
    """Every feed. Raises DataError as soon as they take more than the limit."""
    held = [0] * len(feeds)

    def read(side: int) -> _Table:
        feed, known = feeds[side], feeds[side].source.rows
        told = {place: KeyColumn(known) for place in keys[side]}
        columns = [None if at in told else Filled(known) for at in range(len(feed.wanted))]
        count = 0
        for block in feed.source.blocks(feed.wanted, size):
            held[side] += _PER_ROW * block.count + sum(_bytes(cells) for cells in block.cells)
            _within_limit(feeds, sum(held), "holds")
            count += block.count
            for at, cells in enumerate(block.cells):
                (columns[at] or told[at]).add(cells)
        if not count:
            raise DataError(f"{feed.name} has no rows")
        whole = [None if one is None else one.finish() for one in columns]
        return _Table(count, whole, list(told.values()))

    return [read(side) for side in range(len(feeds))]


def _bytes(cells: Cells) -> int:
    values: Any = cells.values
    size = values.values.nbytes + values.offsets.nbytes if isinstance(values, Ragged) else (
        values.nbytes
    )  # fmt: skip
    return int(size) + (0 if cells.missing is None else cells.missing.nbytes)


def _key(feed: Feed, table: _Table) -> Keys:
    """The key of each row; several columns are joined by a character that text files cannot
    hold."""
    for column in table.keys:
        if column.lacking is not None:
            raise DataError(f"{feed.name} row #{column.lacking} has no key", "give every row one")
    parts = [column.finish() for column in table.keys]
    table.keys.clear()
    if len(parts) == 1:
        return parts[0]
    from pyarrow import compute

    return compute.binary_join_element_wise(*(text_of(part) for part in parts), _BETWEEN)


def _columns(key: Keys, count: int) -> list[Any]:
    """The columns of some keys, as text where they are several."""
    if count == 1:
        return [key]
    from pyarrow import compute

    lists = compute.split_pattern(key, _BETWEEN)
    return [compute.list_element(lists, place) for place in range(count)]


def _unique(feed: Feed, keys: Keys, duplicates: str, ledger: Ledger) -> Integers | None:
    """The rows that stay when each key counts once; None: all of them."""
    if isinstance(keys, np.ndarray) and not repeats(keys):
        return None
    codes = text_of(keys).dictionary_encode()
    places = stored(codes.indices)
    count = len(keys) - len(codes.dictionary)
    if not count:
        return None
    if duplicates == "error":
        counts = np.bincount(places)
        names = [
            quoted(_said(codes.dictionary[int(k)].as_py())) for k in np.flatnonzero(counts > 1)[:4]
        ]
        raise DataError(
            f"{feed.name} has {count} row{'s' * (count != 1)} whose key another row has already "
            f"(first: {listed(names, 3)})",
            "--duplicates first or last keeps one of each and counts the rest",
        )
    ledger.dropped["duplicate"] += count
    if duplicates == "first":
        _, kept = np.unique(places, return_index=True)
    else:
        _, back = np.unique(places[::-1], return_index=True)
        kept = len(places) - 1 - back
    return np.sort(kept).astype(np.int64)


def _partners(keys: Keys, among: Keys) -> Integers:
    """Where each key stands among others, -1 where it does not."""
    if isinstance(keys, np.ndarray) and isinstance(among, np.ndarray):
        return places_of(keys, among)
    from pyarrow import compute

    found = compute.index_in(keys, value_set=among)
    absent = missing_cells(found)
    places: Integers = stored(found).astype(np.int64)
    return places if absent is None else np.where(absent, -1, places)


def _unmatched(
    feeds: list[Feed], keys: Sequence[Keys], partners: list[Integers], missing: str
) -> None:
    """Refuse rows without a partner, on every side, unless they may be dropped."""
    if missing != "error":
        return
    problems = []
    for feed, own, found in zip(feeds[1:], keys[1:], partners, strict=True):
        lonely = np.flatnonzero(found < 0)
        if lonely.size:
            problems.append(_absent(feeds[0], keys[0], lonely, feed.name))
        idle = _unused(own, found)
        if idle.size:
            problems.append(_absent(feed, own, idle, feeds[0].name))
    if problems:
        raise DataError("; ".join(problems), "--missing drop leaves them out and counts them")


def _unused(keys: Keys, found: Integers) -> Integers:
    """The rows that are nobody's partner."""
    matched = found[found >= 0]
    if len(keys) == matched.size:
        return np.empty(0, dtype=np.int64)
    used = np.zeros(len(keys), dtype=bool)
    used[matched] = True
    return np.flatnonzero(~used)


def _idle(keys: Sequence[Keys], partners: list[Integers]) -> int:
    """How many rows of the other feeds are nobody's partner."""
    pairs = zip(keys[1:], partners, strict=True)
    return sum(int(_unused(own, found).size) for own, found in pairs)


def _absent(feed: Feed, keys: Keys, rows: Integers, others: str) -> str:
    """`3 keys of a.csv are not in b.csv (first: '7' '8' '9')`."""
    are = "key of {} is" if rows.size == 1 else "keys of {} are"
    return f"{rows.size} {are.format(feed.name)} not in {others} ({_first(keys, rows)})"


def _first(keys: Keys, rows: Integers) -> str:
    """The names of the first of these rows' keys."""
    names = text_of(_taken(keys, rows[:4])).to_pylist()
    return f"first: {listed([quoted(_said(name)) for name in names], 3)}"


def _said(key: str) -> str:
    return key.replace("\0", ", ")


def _take(table: _Table, rows: Integers | slice) -> list[Cells]:
    """Rows by their numbers, or a run of them; without the key."""
    nothing = Cells(np.empty(0))
    return [nothing if cells is None else _cells_of(cells, rows) for cells in table.columns]


def _cells_of(cells: Cells, rows: Integers | slice) -> Cells:
    missing = None if cells.missing is None else cells.missing[rows]
    if isinstance(rows, slice):
        values: Any = cells.values
        whole = isinstance(values, Ragged)
        return Cells(values.slice(rows.start, rows.stop) if whole else values[rows], missing)
    return Cells(_taken(cells.values, rows), missing)


def _taken(values: Any, rows: Integers | None) -> Any:
    """The chosen elements of an array; None: all. An Arrow array made from buffers spares the
    import of pandas."""
    if rows is None:
        return values
    if isinstance(values, np.ndarray):
        return values[rows]
    if isinstance(values, Ragged):
        return values.take(rows)
    import pyarrow

    indices = np.ascontiguousarray(rows, dtype=np.int64)
    buffers = [None, pyarrow.py_buffer(indices.tobytes())]
    return values.take(pyarrow.Array.from_buffers(pyarrow.int64(), len(indices), buffers))
