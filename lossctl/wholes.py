"""Side inputs that are not row-aligned: parameters, class weights, centers, training series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lossctl.align import Feed
from lossctl.arrays import Array, Domain, Integers, Ragged
from lossctl.choose import KEYS, listing
from lossctl.classes import Classes, of_columns
from lossctl.errors import DataError, UsageError, quoted
from lossctl.readers.source import Source
from lossctl.roles import first_fault

WHOLE_LIMIT = 1 << 24  # values of one side input
PER_CLASS = ("classes",)  # the axes of one value for each class
NAMES = ("class", "label", "name", "category")  # columns that say which class a row is about


def read_whole(
    feed: Feed, places: list[int], role: str, domain: Domain, classes: Sequence[str] = ()
) -> Array:
    """A side input: all values of its columns, rows first, as one array (n,) or (n, k).

    One value for each class is brought into the order of `classes` where the file says which is
    whose: in a column beside, or, where it has one row, in the names of its columns.
    """
    beside = names_beside(feed.source, places) if domain.axes == PER_CLASS else None
    whole, texts = _read(feed, places, role, beside)
    wide = domain.axes == PER_CLASS and len(places) > 1
    if wide:
        names = [feed.source.columns[place].name for place in places]
        if len(whole) > 1:
            raise UsageError(
                f"{feed.name} has {len(names)} columns that could be {role}: {listing(names)}",
                "choose one with --role",
            )
        whole = whole.T
    if whole.shape[1] == 1 and len(domain.axes) < 2:
        whole = whole[:, 0]
    if domain.axes and whole.ndim != len(domain.axes):
        said = " × ".join(domain.axes)
        raise DataError(f"{feed.name}: {role} has shape {whole.shape}, but {said} are wanted")
    fault = first_fault(whole, domain, {})
    if fault is not None:
        where = f"column {names[fault[0]]}" if wide else f"row {fault[0]}"
        raise DataError(f"{feed.name}: {role} {where} is {fault[1]}, but must be {fault[2]}")
    if wide:
        bare = of_columns(names)
        return whole[_order(bare if set(bare) == set(classes) else names, feed.name, classes)]
    if beside is not None:
        where = f"{feed.name}[{feed.source.columns[beside].name}]"
        return whole[_order(texts, where, classes)]
    return whole


def names_beside(source: Source, places: Sequence[int] = ()) -> int | None:
    """The column that names the class of each row, beside one of numbers (that of `places`)."""
    if source.format == "npz" and source.rows is None:
        return None  # arrays of unlike lengths are no table
    numbers = set(places or _numeric(source))
    for place, column in enumerate(source.columns):
        named = column.name.lower() in NAMES and column.width is None
        fits = column.kind in ("text", "integer", "number", "boolean")
        if named and fits and (numbers - {place}) and place not in places:
            return place
    return None


def wide_places(source: Source, role: str) -> list[int]:
    """The columns of a file that has one for each class; none where they are no such columns."""
    found = _numeric(source)
    called = any(source.columns[place].name.lower() == role for place in found)
    return [] if called or len(found) < 2 or names_beside(source) is not None else found


def _numeric(source: Source) -> list[int]:
    return [
        place
        for place, column in enumerate(source.columns)
        if column.kind in ("number", "integer") and column.width is None
        if column.name.lower() not in KEYS
    ]


def _read(
    feed: Feed, places: list[int], role: str, beside: int | None
) -> tuple[Array, list[str | None]]:
    """All values of the columns, (n, k), and the texts of the column beside them."""
    wanted = [feed.want(place) for place in places]
    named = None if beside is None else feed.want(beside, "text")
    parts: list[Array] = []
    texts: list[str | None] = []
    count = 0
    for block in feed.source.blocks(feed.wanted, 1 << 15):
        columns = [_flat(block.cells[place].values, feed, role) for place in wanted]
        for values in columns:
            if not np.isfinite(values).all():
                raise DataError(f"{feed.name}: {role} holds a value that is missing or not finite")
        parts.append(np.column_stack(columns))
        if named is not None:
            cells: Any = block.cells[named].values
            texts += cells.to_pylist()
        count += parts[-1].size
        if count > WHOLE_LIMIT:
            raise DataError(f"{feed.name}: {role} has more than {WHOLE_LIMIT} values, the limit")
    feed.source.close()
    if not count:
        raise DataError(f"{feed.name}: {role} has no values")
    return np.concatenate(parts), texts


def _order(texts: Sequence[str | None], where: str, classes: Sequence[str]) -> Integers:
    """The place, among `texts`, of each class in order.

    Raises DataError for a class that is missing, unknown or there twice, and UsageError for names
    where the classes have none.
    """
    codes = _codes(texts, where, classes)
    first: dict[float, int] = {}
    for place, code in enumerate(codes):
        if code in first:
            raise DataError(f"{where} names the class {quoted(texts[place])} twice",
                            "give each class once")  # fmt: skip
        first[code] = place
    count = len(classes) or len(texts)
    missing = [code for code in range(count) if code not in first]
    if missing:
        names = [classes[code] if classes else str(code) for code in missing]
        raise DataError(f"{where} does not name the class {listing(names)}",
                        "give each class once")  # fmt: skip
    return np.array([first[code] for code in range(count)], dtype=np.int64)


def _codes(texts: Sequence[str | None], where: str, classes: Sequence[str]) -> list[float]:
    rows = np.arange(len(texts))
    if None in texts or "" in texts:
        row = next(row for row, text in enumerate(texts) if not text)
        raise DataError(f"{where} row #{row} is empty", "it names a class")
    if classes:
        found: list[float] = Classes(classes).coded(texts, where, rows).tolist()
        return found
    try:
        numbers = [float(text or "") for text in texts]
    except ValueError:
        raise UsageError(
            f"{where} names classes, and the predictions do not say which is which",
            "--labels gives the classes in order; or number them from 0",
        ) from None
    for row, number in enumerate(numbers):
        if number < 0 or not number.is_integer():
            raise DataError(f"{where} row #{row} is {quoted(texts[row])}",
                            "classes are whole numbers from 0")  # fmt: skip
    return numbers


def _flat(values: Any, feed: Feed, role: str) -> Array:
    """One block of a column as (rows,) or (rows, k)."""
    if isinstance(values, Ragged):
        lengths = np.diff(values.offsets)
        if values.values.ndim > 1 or (lengths != lengths[:1]).any():
            raise DataError(f"{feed.name}: {role} holds lists of unlike lengths")
        values = values.values.reshape(len(values), -1)
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
