"""Columns of either file that no loss reads: those to group by, and those to show."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np

from lossctl.align import Feed
from lossctl.arrays import Ragged, offsets_of
from lossctl.choose import one
from lossctl.errors import UsageError, inert
from lossctl.extras import Extra
from lossctl.plan import Plan
from lossctl.readers.arrow import utf8
from lossctl.readers.source import Cells, Column

_NUMBERS = ("number", "integer")


def carried(plan: Plan, feeds: list[Feed], same: Collection[str]) -> dict[str, tuple[int, int]]:
    """Feed and place of each column that is grouped by or shown; the names in `same` are alike in
    both files. Raises UsageError for what is no column, or holds several values a row."""
    asked = [(grouping.column, "--by") for grouping in plan.by]
    asked += [(name, option) for option, name in plan.units]
    asked += [(name, "--show") for text in plan.show for name in _names(feeds, text)]
    found: dict[str, tuple[int, int]] = {}
    for name, option in asked:
        place, index = either(feeds, name, option, both=name in same)
        column = feeds[place].source.columns[index]
        if _kind(column) is None:
            raise UsageError(
                f"{option} {inert(name)}: {feeds[place].name} holds several values a row there",
                "name a column of one value a row",
            )
        if option == "--show" and name in plan.on and len(plan.on) > 1:
            found.setdefault(name, (place, feeds[place].key(index)))  # as they were compared: text
            continue
        found[name] = place, feeds[place].want(index, _kind(column))
    numeric = {g.column for g in plan.by if g.bins is not None}
    for name in numeric:
        place, at = found[name]
        want = feeds[place].wanted[at]
        if want.kind != "number":
            kind = feeds[place].source.columns[want.index].kind
            raise UsageError(f"--by bin({inert(name)},...): {inert(name)} is {kind}, not numbers",
                             f"--by {inert(name)} groups by its values")  # fmt: skip
    return found


def _names(feeds: list[Feed], text: str) -> list[str]:
    """The columns that a text names by comma; one whose name has a comma is named whole."""
    if any(column.name == text for feed in feeds for column in feed.source.columns):
        return [text]
    names = [name.strip() for name in text.split(",")]
    if "" in names:
        raise UsageError("--show has an empty name", "separate names by single commas")
    return names


def spare(
    plan: Plan, feeds: list[Feed], used: list[set[int]], known: Mapping[str, Any]
) -> dict[str, tuple[int, int]]:
    """Every column of one value a row that plays no role, names no row and is no weight."""
    names = {plan.id_col, plan.weight_col, *plan.on, *known}
    found: dict[str, tuple[int, int]] = {}
    for place, feed in enumerate(feeds):
        for index, column in enumerate(feed.source.columns):
            kind = _kind(column)
            taken = index in used[place] or column.name in names or column.name in found
            if kind is not None and column.name and not taken:
                found[column.name] = place, feed.want(index, kind)
    return found


def _kind(column: Column) -> Any:
    """How a column is read; None where a row holds more than one value."""
    if column.width is not None or column.kind in ("list", "vectors", "words"):
        return None
    return "number" if column.kind in _NUMBERS else "text"


def extra_of(cells: Cells) -> Extra:
    """The cells of one block as such a column."""
    values: Any = cells.values
    if isinstance(values, np.ndarray):
        missing = np.zeros(len(values), dtype=bool) if cells.missing is None else cells.missing
        if values.dtype.kind == "f":
            missing = missing | np.isnan(values)
        return Extra(values, missing)
    return Extra(text_bytes(values), np.asarray(values.is_null()).astype(bool))


def text_bytes(text: Any) -> Ragged:
    """A string array as rows of UTF-8 bytes; a null as an empty one."""
    if not text.null_count:
        return utf8(text)
    texts = [(value or "").encode("utf-8", "replace") for value in text.to_pylist()]
    offsets = offsets_of([len(one) for one in texts])
    return Ragged(np.frombuffer(b"".join(texts), dtype=np.uint8), offsets)


def either(feeds: list[Feed], text: str, option: str, *, both: bool = False) -> tuple[int, int]:
    """A column of either file: `pred.x`, `target.x`, or a name that only one of them has."""
    for place, prefix in enumerate(("pred.", "target.")):
        if text.startswith(prefix) and place < len(feeds):
            names = [column.name for column in feeds[place].source.columns]
            if text not in names:
                return place, one(feeds[place].source, text.removeprefix(prefix), option)
    having = [
        place
        for place, feed in enumerate(feeds)
        if any(column.name == text for column in feed.source.columns)
    ]
    if len(having) > 1 and not both:
        raise UsageError(
            f"predictions and targets both have a column {inert(text)}",
            f"{option} pred.{inert(text)} or target.{inert(text)} says which",
        )
    place = having[0] if having else 0
    if not having and len(feeds) > 1:
        files = " and ".join(feed.name for feed in feeds)
        raise UsageError(f"{option}: {files} have no column {inert(text)}")
    return place, one(feeds[place].source, text, option)
