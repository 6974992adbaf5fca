"""What a cell of a text table means: a number, a missing value, text.

Numbers are ASCII decimal text, rounded correctly to float64. The grammar: an optional sign,
digits with an optional point (leading or trailing too), an optional exponent with `e`;
`nan`, `inf` and `infinity` in any case. Spaces and tabs around it do not count.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.arrays import Array, Mask, Numbers
from lossctl.errors import quoted
from lossctl.readers.arrow import blanks_missing, missing_cells, stored
from lossctl.readers.source import Cells, Kind

if TYPE_CHECKING:
    import pyarrow

MISSING = ("", "NA", "N/A", "n/a", "NULL", "null", "None", "none", "<NA>", "#N/A", "-", ".")
PADDING = " \t"

_BEYOND = 2.0**53  # from here on float64 skips integers
_OVER = 2**63
_LONGEST = 400  # digits: more cannot be a finite float64
_INTEGER = re.compile(r"[+-]?[0-9]+")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_NONFINITE = re.compile(r"[+-]?(?:nan|inf|infinity)", re.IGNORECASE | re.ASCII)
SAMPLE = 1000  # rows that must all be integer literals for the kind "integer"


class CellError(Exception):
    """A cell of a column of numbers that is none, by its row in the block."""

    def __init__(self, row: int, what: str, fix: str) -> None:
        super().__init__(what)
        self.row = row
        self.what = what
        self.fix = fix


@dataclass(frozen=True, slots=True)
class Seen:
    """What a column of numbers has held so far, so that no result depends on its blocks.

    A column with a `wide` integer (one that float64 cannot hold) is a column of 64-bit
    integers: it may hold no `decimal` (fractions, NaN, infinities, larger numbers), nor both
    `negative` numbers and integers `over` 2**63 - 1.
    """

    wide: bool = False
    decimal: bool = False
    negative: bool = False
    over: bool = False

    def then(self, later: Seen) -> Seen:
        """What it has held after another block."""
        return Seen(
            wide=self.wide or later.wide,
            decimal=self.decimal or later.decimal,
            negative=self.negative or later.negative,
            over=self.over or later.over,
        )

    @property
    def impossible(self) -> bool:
        """Whether no type holds all of it."""
        return self.wide and (self.decimal or (self.negative and self.over))


def is_number(cell: str) -> bool:
    """Whether a cell is a finite decimal number (as the names in a header hardly are)."""
    return _DECIMAL.fullmatch(cell.strip(PADDING)) is not None


def kind_of(cells: Sequence[str | None]) -> Kind:
    """The kind of a column by its first cell that is not missing: integer, number, boolean, text.

    It is `integer` when that and all others of the first 1000 rows are integer literals, and
    `number` when none of the cells holds a value.
    """
    bare = ((cell or "").strip(PADDING) for cell in cells)
    first = next((cell for cell in bare if cell not in MISSING), None)
    if first is None:
        return "number"
    if first.lower() in ("true", "false"):
        return "boolean"
    if _DECIMAL.fullmatch(first) is None:
        return "number" if _NONFINITE.fullmatch(first) else "text"
    sample = ((cell or "").strip(PADDING) for cell in cells[:SAMPLE])
    whole = all(cell in MISSING or _INTEGER.fullmatch(cell) for cell in sample)
    return "integer" if whole and _INTEGER.fullmatch(first) else "number"


def number(cell: str, row: int = 0) -> float | int | None:
    """The value of a cell: int for an integer literal of at most 64 bits, None if missing.

    Raises CellError for text, for a literal beyond float64 (overflow) and for an integer that
    neither float64 nor 64 bits can hold.
    """
    text = cell.strip(PADDING)
    if text in MISSING:
        return None
    if _DECIMAL.fullmatch(text) is None:
        if _NONFINITE.fullmatch(text):
            return float(text)
        raise CellError(row, f"{quoted(cell)} is not a number", _remedy(text))
    value = float(text)
    if math.isinf(value):
        raise CellError(row, f"{quoted(cell)} overflows float64", "the largest number is 1.797e308")
    if _INTEGER.fullmatch(text) is None:
        return value
    digits = text.lstrip("+-").lstrip("0")
    whole = int(digits[:_LONGEST] or "0") * (-1 if text.startswith("-") else 1)
    if -_OVER <= whole < 2 * _OVER:
        return whole
    if int(value) == whole:
        return value
    raise CellError(
        row,
        f"{quoted(cell)} is an integer that neither float64 nor 64 bits can hold",
        "write it as a decimal (with a point) if its rounding is meant",
    )


def texts(strings: pyarrow.Array) -> Cells:
    """A column of text; an empty cell, quoted or not, is the only missing one."""
    return blanks_missing(strings)


def numbers(
    floats: pyarrow.Array | None,
    strings: Callable[[], pyarrow.Array],
    seen: Seen,
    *,
    odd_nan: bool,
) -> tuple[Cells, Seen]:
    """A block of a column of numbers, and what the column has held up to its end.

    `floats` is Arrow's reading (nulls where missing), None where Arrow could not read it;
    `strings` gives the cells as text, which is asked for only where the reading needs a second
    look; `odd_nan` says that a NaN may have been spelt `nan(...)`. What came before decides
    only whether there is an error: the cells are the same after any. Raises CellError.
    """
    if floats is None:
        floats = _floats(strings())
    missing = missing_cells(floats)
    values: Array = stored(floats)
    if missing is not None:
        values = np.where(missing, 0.0, values)
    if not len(values):
        return Cells(values, missing), seen
    with np.errstate(invalid="ignore"):
        low, high = values.min(), values.max()
        fraction = seen.decimal or bool((values != np.trunc(values)).any())
    now = seen.then(Seen(decimal=fraction, negative=bool(low < 0)))
    if low > -_BEYOND and high < _BEYOND and not now.impossible:
        return Cells(_with_nan(values, missing), missing), now
    return _exactly(values, missing, strings, seen, odd_nan)


def _exactly(
    values: Array,
    missing: Mask | None,
    strings: Callable[[], pyarrow.Array],
    seen: Seen,
    odd_nan: bool,
) -> tuple[Cells, Seen]:
    """A block with numbers of 2**53 and more, NaN or infinities, or after wide integers."""
    far = ~(np.abs(values) < _BEYOND)
    rows = np.flatnonzero(far if odd_nan else far & ~np.isnan(values))
    integers, literal = _integers(strings, rows)
    wide = literal & _wide(integers)
    decimal = far | (values != np.trunc(values))
    decimal[rows] = ~literal
    over = literal & (integers >= _OVER)
    held = Seen(
        wide=bool(wide.any()),
        decimal=bool(decimal.any()),
        negative=bool((values < 0).any()),
        over=bool(over.any()),
    )
    now = seen.then(held)
    if now.impossible:
        never = len(values)
        first_wide = _first(rows[wide], seen.wide, never)
        mixed = max(first_wide, _first(np.flatnonzero(decimal), seen.decimal, never))
        negative = _first(np.flatnonzero(values < 0), seen.negative, never)
        spread = max(first_wide, negative, _first(rows[over], seen.over, never))
        row = min(mixed, spread)
        beside = "decimals" if row == mixed else "negative numbers and integers of 2**63 or more"
        raise CellError(
            row,
            f"{quoted(strings()[row])}: the column holds integers that float64 cannot hold "
            f"beside {beside}",
            "write those integers as decimals (with a point) if their rounding is meant",
        )
    if not held.wide:
        return Cells(_with_nan(values, missing), missing), now
    dtype = np.uint64 if over.any() else np.int64
    exact: Numbers = np.where(far, 0.0, values).astype(dtype)
    exact[rows] = integers.astype(dtype)
    return Cells(exact, missing), now


def _integers(strings: Callable[[], pyarrow.Array], rows: Any) -> tuple[Numbers, Mask]:
    """The cells of `rows` as exact integers, and which of them are integer literals."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(rows):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=bool)
    cells = strings().take(pa.array(rows))
    for type_ in (pa.int64(), pa.uint64()):
        try:
            integers: Numbers = pc.cast(cells, type_).to_numpy()
        except pa.ArrowInvalid:
            continue
        return integers, np.ones(len(rows), dtype=bool)
    values = [number(cell, int(row)) for cell, row in zip(cells.to_pylist(), rows, strict=True)]
    literal: Mask = np.array([isinstance(value, int) for value in values])
    held = [value if isinstance(value, int) else 0 for value in values]
    return np.array(held, dtype=object), literal


def _wide(integers: Numbers) -> Mask:
    """Which integers float64 cannot hold: more than 53 bits between the first and last set."""
    if integers.dtype == object:
        return np.array([int(float(value)) != value for value in integers], dtype=bool)
    bits = integers.view(np.uint64)
    size = np.where(integers < 0, ~bits + np.uint64(1), bits)
    last = size & (~size + np.uint64(1))
    wide: Mask = size // np.maximum(last, np.uint64(1)) >= np.uint64(2**53)
    return wide


def _floats(strings: pyarrow.Array) -> pyarrow.Array:
    """Cells as float64 with nulls where missing. Raises CellError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    bare = pc.ascii_trim(strings, characters=PADDING)
    present = pc.if_else(pc.is_in(bare, pa.array(MISSING)), pa.scalar(None, pa.string()), bare)
    try:
        return pc.cast(present, pa.float64())
    except pa.ArrowInvalid:
        cells = strings.to_pylist()
        for row, cell in enumerate(cells):
            number(cell, row)
        values = [None if cell is None else float(cell) for cell in present.to_pylist()]
        return pa.array(values, pa.float64())


def _first(rows: Any, before: bool, never: int) -> int:
    """The first of `rows`; -1 if an earlier block had one, `never` if there is none."""
    if before:
        return -1
    return int(rows[0]) if len(rows) else never


def _with_nan(values: Array, missing: Mask | None) -> Array:
    return values if missing is None else np.where(missing, np.nan, values)


def _remedy(text: str) -> str:
    if text.lower() in ("true", "false"):
        return "write 0 and 1"
    if "−" in text or any(mark.isdigit() and not mark.isascii() for mark in text):
        return "digits are 0 to 9, signs + and -, in ASCII"
    if re.fullmatch(r"[+-]?[0-9][0-9.,_' ]*", text):
        return "write a decimal point and no thousands separators"
    if re.search(r"[$%€£¥]", text):
        return "write the bare number"
    return "a missing value is an empty cell, NA, null or none"
