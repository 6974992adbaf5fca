"""The columns of a table as text: one way of writing for each kind of column."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lossctl.renderers import numbers
from lossctl.renderers.numbers import PRECISION
from lossctl.renderers.spark import spark
from lossctl.renderers.typeset import Style, padded, shortened, shown, told_apart, width
from lossctl.report import Kind, Table, row_name

BAR = 20  # cells of a full bar
_EIGHTHS = " ▏▎▍▌▋▊▉"
_LIST = 20  # cells of a list of outputs; four numbers (a box) are always whole
_LEFT: tuple[Kind, ...] = ("text", "outcome", "row", "worst", "interval", "half", "bar", "spark")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: a name, which may be shortened, and numbers, which may not."""

    name: str = ""
    firm: str = ""
    style: Style = ""


@dataclass(frozen=True, slots=True)
class Cells:
    """One column as text. Names and numbers share its width, or stand `beside` each other."""

    header: str
    kind: Kind
    rank: int
    cells: tuple[Cell, ...]
    left: bool
    beside: bool

    @property
    def firm(self) -> int:
        """The width of the part that cannot be shortened."""
        return max((width(cell.firm) for cell in self.cells), default=0)

    def width(self, longest: int) -> int:
        """The width of the column when names and header are at most `longest` cells wide."""
        names = max((width(cell.name) for cell in self.cells), default=0)
        body = min(names, longest)
        body = body + 2 + self.firm if self.beside and self.firm else max(body, self.firm)
        return max(body, min(width(self.header), longest))

    def head(self, cells: int) -> str:
        """The header in `cells` cells."""
        return padded(shortened(self.header, cells), cells, not self.left)

    def body(self, cells: int) -> list[str]:
        """The rows in `cells` cells each."""
        beside = self.beside and self.firm
        room = cells - 2 - self.firm if beside else cells
        names = told_apart([cell.name for cell in self.cells], room)
        if not beside:
            return [
                padded(cell.firm or name, cells, not self.left)
                for cell, name in zip(self.cells, names, strict=True)
            ]
        return [
            f"{padded(name, room)}  {padded(cell.firm, self.firm)}"
            for cell, name in zip(self.cells, names, strict=True)
        ]


def columns(table: Table, precision: int = PRECISION) -> list[Cells]:
    """The columns of `table` as text, every number to `precision` significant digits."""
    decimals = _decimals(table, precision)
    made = []
    for place, column in enumerate(table.columns):
        values = [row[place] for row in table.rows]
        if column.kind in ("data", "signed"):
            cells = _data(values, decimals[place], precision, column.kind == "signed")
        else:
            cells = _KINDS[column.kind](values, precision)
        numeric = column.kind not in _LEFT and any(cell.firm for cell in cells)
        made.append(
            Cells(shown(column.name).strip(), column.kind, column.rank, tuple(cells),
                  not numeric, column.kind == "worst")
        )  # fmt: skip
    return made


def _decimals(table: Table, precision: int) -> dict[int, int | None]:
    """The decimals of each data column. Those that always stay share them with the residual."""
    found = {
        place: [row[place] for row in table.rows if _is_number(row[place])]
        for place, column in enumerate(table.columns)
        if column.kind in ("data", "signed")
    }
    signed = [place for place in found if table.columns[place].kind == "signed"]
    together = [place for place in found if table.columns[place].rank == 0]
    pool = [value for place in together for value in found[place]]
    shared = numbers.shared_decimals(pool, precision)
    made = {
        place: shared
        if signed and place in together
        else numbers.shared_decimals(values, precision)
        for place, values in found.items()
    }
    for place in signed:  # small differences of large numbers show their own digits
        own = numbers.shared_decimals(found[place], precision)
        if own is None or shared is None or own > shared + 1:
            made[place] = own
    return made


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _data(values: Sequence[Any], decimals: int | None, precision: int, signed: bool) -> list[Cell]:
    cells = []
    for value in values:
        if value is None:
            cells.append(Cell())
        elif _is_number(value):
            cells.append(Cell(firm=numbers.datum(value, decimals, precision, signed)))
        elif isinstance(value, list | tuple):
            cells.append(Cell(firm=_list(value, precision)))
        else:
            cells.append(Cell(name=shown(value)))
    return _at_the_point(cells)


def _list(values: Sequence[Any], precision: int) -> str:
    """`[1.2 3.4 …]`: as many of the first as fit, at least one."""
    parts = []
    for value in values:
        if _is_number(value):
            text = numbers.significant(value, precision)
            parts.append(text if "e" in text or "." not in text else text.rstrip("0").rstrip("."))
        elif isinstance(value, list | tuple):
            parts.append(_list(value, precision))
        else:
            parts.append("-" if value is None else shortened(shown(value), _LIST // 2))
    kept = len(parts)
    room = _LIST if len(parts) > 4 else 2 * _LIST
    while kept > 1 and width(" ".join(parts[:kept])) > room - (2 if kept == len(parts) else 4):
        kept -= 1
    return "[" + " ".join([*parts[:kept], *(["…"] if kept < len(parts) else [])]) + "]"


def _at_the_point(cells: list[Cell]) -> list[Cell]:
    """The cells with their numbers aligned at the decimal point."""
    parts = [_point(cell.firm) for cell in cells]
    before = max((width(part[0]) for part in parts), default=0)
    after = max((width(part[1]) for part in parts), default=0)
    return [
        Cell(cell.name, padded(left, before, right=True) + padded(right, after), cell.style)
        if cell.firm
        else cell
        for cell, (left, right) in zip(cells, parts, strict=True)
    ]


def _point(number: str) -> tuple[str, str]:
    if number.startswith("["):
        return number, ""
    place = min((number.find(mark) for mark in ".e" if mark in number), default=len(number))
    return number[:place], number[place:]


def _names(values: Sequence[Any], _: int) -> list[Cell]:
    return [Cell(name="" if value is None else shown(value)) for value in values]


def _values(values: Sequence[Any], precision: int) -> list[Cell]:
    cells = []
    for value in values:
        if _is_number(value):
            cells.append(Cell(firm=numbers.significant(value, precision)))
        else:
            cells.append(Cell(name="" if value is None else shown(value), style="yellow"))
    return _at_the_point(cells)


def _firm(text: Callable[[Any], str]) -> Callable[[Sequence[Any], int], list[Cell]]:
    def cells(values: Sequence[Any], _: int) -> list[Cell]:
        return [Cell() if value is None else Cell(firm=text(value)) for value in values]

    return cells


def _skills(values: Sequence[Any], _: int) -> list[Cell]:
    return [
        Cell()
        if value is None
        else Cell(firm=numbers.per_cent(value), style="red" if value < 0 else "")
        for value in values
    ]


def _intervals(values: Sequence[Any], precision: int) -> list[Cell]:
    ends = [None if value is None else _pair(value, precision) for value in values]
    before = max((len(pair[0]) for pair in ends if pair), default=0)
    cells = []
    for value, pair in zip(values, ends, strict=True):
        if pair is None:
            cells.append(Cell())
            continue
        text = f"{pair[0]:>{before}} … {pair[1]}"
        trusted = value.get("trusted", True)
        cells.append(Cell(firm=text if trusted else f"{text} !", style="" if trusted else "yellow"))
    return cells


def _pair(value: dict[str, Any], precision: int) -> tuple[str, str]:
    """Both ends as text."""
    if not value.get("percent"):
        return numbers.interval(*_ends(value), precision)
    low, high = _ends(value)
    decimals = 0 if max(abs(low), abs(high)) >= 1.0 else 1
    return tuple(numbers.per_cent(end, decimals, signed=True) for end in (low, high))  # type: ignore[return-value]  # two


def _shifts(values: Sequence[Any], precision: int) -> list[Cell]:
    cells = []
    for value in values:
        if value is None:
            cells.append(Cell())
        elif value["percent"]:
            decimals = 0 if abs(value["value"]) >= 1.0 else 1
            cells.append(Cell(firm=numbers.per_cent(value["value"], decimals, signed=True)))
        else:
            sign = "+" if value["value"] > 0 else ""
            short = numbers.significant(value["value"], max(precision - 1, 1))
            cells.append(Cell(firm=sign + short))
    return _at_the_point(cells)


def _amounts(values: Sequence[Any], precision: int) -> list[Cell]:
    """Numbers that have little in common, each in digits enough to differ from its limit."""
    return [Cell() if value is None else Cell(firm=_amount(value, precision)) for value in values]


def _amount(value: dict[str, Any], precision: int) -> str:
    number, beside = value["value"], value["beside"]
    factor, unit = (100.0, " %") if value["percent"] else (1.0, "")
    digits = precision
    if value["percent"]:
        whole = len(f"{abs(factor * number):.0f}") if abs(number) < 1e12 else 1
        digits = max(precision - 2, whole)
    text = numbers.significant(factor * number, digits)
    while beside is not None and beside != number and digits < _ALL:
        if text != numbers.significant(factor * beside, digits):
            break
        digits += 1
        text = numbers.significant(factor * number, digits)
    if "." in text and "e" not in text:
        text = text.rstrip("0").rstrip(".")
    return f"{'+' if value['signed'] and number > 0 else ''}{text}{unit}"


_ALL = 17  # digits that tell any two numbers apart


def _outcomes(values: Sequence[Any], _: int) -> list[Cell]:
    return [Cell(name=value, style=_OUTCOME_STYLES.get(value, "")) for value in values]


_OUTCOME_STYLES: dict[str, Style] = {"met": "green", "violated": "red", "undecided": "yellow"}


def _marked(values: Sequence[Any], precision: int) -> list[Cell]:
    """Numbers of rows that have little in common, each with its mark; what is bad in colour too."""
    cells = []
    for value in values:
        if value is None or not _is_number(value["value"]):
            name = "" if value is None or value["value"] is None else shown(value["value"])
            cells.append(Cell(name=name, style="yellow"))
            continue
        mark = value["mark"]
        text = f"{numbers.significant(value['value'], precision)} {mark or ' '}"
        cells.append(Cell(firm=text, style=_MARK_STYLES.get(mark, "")))
    return cells


_MARK_STYLES: dict[str, Style] = {"-": "red", "+": "green", "?": "yellow"}


def _ends(value: dict[str, Any]) -> tuple[float, float]:
    low, high = value["low"], value["high"]
    return -math.inf if low is None else low, math.inf if high is None else high


def _worst(values: Sequence[Any], _: int) -> list[Cell]:
    shares = [
        "" if value is None or value.get("share") is None else numbers.per_cent(value["share"], 1)
        for value in values
    ]
    longest = max((len(share) for share in shares), default=0)
    least = max(longest, len("10.0 %")) if longest else 0
    return [
        Cell()
        if value is None
        else Cell(shown(row_name(value["row"], value["id"])), padded(share, least, right=True))
        for value, share in zip(values, shares, strict=True)
    ]


def _halves(values: Sequence[Any], _: int) -> list[Cell]:
    longest = max((len(str(value["count"])) for value in values if value), default=0)
    cells = []
    for value in values:
        if value is None:
            cells.append(Cell())
            continue
        count, of = value["count"], value["of"]
        text = f"{count:>{longest}} {'row' if count == 1 else 'rows'}"
        share = round(100 * count / of) if of else 0
        cells.append(Cell(firm=f"{text} ({share} %)" if share else text))
    return cells


def _changes(values: Sequence[Any], precision: int) -> list[Cell]:
    changes = [value["change"] for value in values if value and value["change"] is not None]
    decimals = 0 if any(abs(change) >= 0.0995 for change in changes) else 1
    left = _at_the_point(
        [Cell(firm=numbers.significant(value["value"], precision)) if value else Cell()
         for value in values]
    )  # fmt: skip
    right = [
        ""
        if not value or value["change"] is None
        else numbers.per_cent(value["change"], decimals, signed=True)
        for value in values
    ]
    longest = max((len(text) for text in right), default=0)
    return [
        Cell(firm=f"{cell.firm} {text:>{longest}}") if cell.firm else cell
        for cell, text in zip(left, right, strict=True)
    ]


def _bars(values: Sequence[Any], _: int) -> list[Cell]:
    return [Cell() if not value else Cell(firm=_bar(value)) for value in values]


def _bar(fraction: float) -> str:
    """A fraction of `BAR` cells, in eighths of a cell: one at least."""
    full, eighths = divmod(max(1, round(min(fraction, 1) * BAR * 8)), 8)
    return "█" * full + (_EIGHTHS[eighths] if eighths else "")


_KINDS: dict[Kind, Callable[[Sequence[Any], int], list[Cell]]] = {
    "text": _names,
    "row": _names,
    "value": _values,
    "share": _firm(lambda share: numbers.per_cent(share, 1)),
    "skill": _skills,
    "p": _firm(numbers.p_value),
    "count": _firm(str),
    "interval": _intervals,
    "worst": _worst,
    "half": _halves,
    "change": _changes,
    "shift": _shifts,
    "amount": _amounts,
    "outcome": _outcomes,
    "marked": _marked,
    "bar": _bars,
    "spark": _firm(spark),
}
