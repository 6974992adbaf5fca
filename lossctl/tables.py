"""Small tables of typed columns: what analyses make, renderers draw and machines read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "text",  # a string
    "row",  # the name of a row: its id, or its number
    "value",  # a number, to four significant digits
    "data", "signed",  # a number of the data; a column of them shares its decimals
    "share", "skill",  # a fraction, shown as per cent
    "p",  # how surprising something would be by chance
    "count",  # a whole number
    "interval",  # {"low", "high", "trusted"}; of fractions shown as per cent: "percent" too
    "shift",  # {"value", "percent"}: a difference, or a fraction shown as per cent
    "amount",  # {"value", "beside", "percent", "signed"}: in so many digits that it is not `beside`
    "outcome",  # met, violated or undecided
    "marked",  # {"value", "mark"}: a number, and a sign behind it
    "worst",  # {"row", "id", "share"}
    "half",  # {"count", "of"}
    "change",  # {"value", "change"}: a value and its relative change
    "bar",  # a fraction, drawn
    "spark",  # a list of numbers >= 0, drawn as a curve
]  # fmt: skip
Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table. Where space is short, those of highest `rank` go first (0: never)."""

    name: str
    kind: Kind
    rank: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A small table: one tuple per row, None for an empty cell."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    aside: bool = False  # for machines: to people the parts say it
    wraps: bool = False  # columns that have no room stand below, beside the first one again


_PARTS: dict[str, tuple[str, ...]] = {
    "interval": ("low", "high", "trusted"),
    "change": ("value",),
    "shift": ("value",),
    "amount": ("value",),
    "marked": ("value",),
    "half": ("count",),
    "worst": ("row", "id", "share"),
    "bar": (),
    "spark": (),
}


def flat(columns: Sequence[Column], row: Sequence[Any]) -> Json:
    """One row of a table, each number for itself: of an interval both ends."""
    flat: Json = {}
    for column, value in zip(columns, row, strict=True):
        keys = _PARTS.get(column.kind)
        name = column.name.replace(" ", "_")
        if keys is None:
            flat[name] = value
        elif len(keys) == 1:
            flat[name] = None if value is None else value[keys[0]]
        else:
            names = keys if column.kind == "interval" else [f"{name}_{key}" for key in keys]
            flat |= {n: None if value is None else value.get(k)
                     for n, k in zip(names, keys, strict=True)}  # fmt: skip
    return flat


def table_data(table: Table | None) -> Json | None:
    """A table as JSON-ready data."""
    if table is None:
        return None
    columns = [asdict(column) for column in table.columns]
    how = {name: True for name in ("aside", "wraps") if getattr(table, name)}
    return {"columns": columns, "rows": [list(row) for row in table.rows], **how}


def table_from(data: Mapping[str, Any] | None) -> Table | None:
    """The table that `table_data` wrote."""
    if data is None:
        return None
    columns = tuple(Column(**column) for column in data["columns"])
    rows = tuple(tuple(row) for row in data["rows"])
    return Table(columns, rows, data.get("aside", False), data.get("wraps", False))
