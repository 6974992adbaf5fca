"""Arrays that are in memory already, as a source."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from lossctl.arrays import Ragged, offsets_of, widened
from lossctl.errors import DataError
from lossctl.readers.source import Cells, Column, Kind, Rows, Wanted, cut
from lossctl.sequences import encode, is_text


class MemorySource:
    """Named columns: arrays of shape (n,) or (n, k), `Ragged`, or lists of text.

    Raises DataError for arrays that are not numeric or text, for columns of unlike lengths, and
    for no rows.
    """

    format = "memory"
    rereads = True

    def __init__(self, path: str, columns: Mapping[str, Any]) -> None:
        self.path = path
        self.details: Mapping[str, str] = {}
        held = [_cells(f"{path}[{name}]", values) for name, values in columns.items()]
        self._cells = [cells for cells, _ in held]
        self.columns = tuple(_column(name, *one) for name, one in zip(columns, held, strict=True))
        lengths = {len(cells.values) for cells in self._cells}
        if len(lengths) > 1:
            said = ", ".join(f"{c.name} {len(v.values)}" for c, v in zip(self.columns, self._cells,
                                                                        strict=True))  # fmt: skip
            raise DataError(f"{path}: columns of unlike lengths: {said}")
        self.rows: int | None = lengths.pop() if lengths else 0

    def blocks(self, wanted: Sequence[Wanted], size: int) -> Iterator[Rows]:
        """Slices of the columns."""
        count = self.rows or 0
        if not count:
            raise DataError(f"{self.path} has no rows")
        whole = Rows(count, [self._as(one) for one in wanted])
        for start in range(0, count, size):
            yield cut(whole, start, min(start + size, count))

    def _as(self, wanted: Wanted) -> Cells:
        cells, column = self._cells[wanted.index], self.columns[wanted.index]
        text = column.kind == "text"
        if wanted.kind == "number" and text:
            raise DataError(f"{self.path}[{column.name}] is text, not numbers")
        if wanted.kind == "text" and not text:
            from lossctl.readers.arrow import strings

            values: Any = cells.values
            if column.kind == "boolean":
                values = values.astype(bool)
            return Cells(strings([_written(value) for value in values.tolist()]), cells.missing)
        return cells

    def close(self) -> None:
        """Nothing is open."""


def _written(value: Any) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value))
    )


def _cells(name: str, values: Any) -> tuple[Cells, np.dtype[Any] | None]:
    """A column, and what its numbers are stored as; None where they have no type of their own."""
    if isinstance(values, Ragged | Cells):
        return (values if isinstance(values, Cells) else Cells(values)), None
    try:
        array = np.asarray(values)
    except ValueError:  # lists of unequal lengths
        ragged = _ragged(name, values)
        if ragged is None:
            raise DataError(f"{name} holds numbers and lists") from None
        return ragged, None
    if array.dtype.kind == "O":
        ragged = _ragged(name, values)
        if ragged is not None:
            return ragged, None
        array = _from_objects(name, array)
    if array.dtype.kind in "US" and array.ndim == 2 and not isinstance(values, np.ndarray):
        return Cells(encode(values)), None
    if array.dtype.kind in "US":
        from lossctl.readers.arrow import strings

        return Cells(strings([str(value) for value in array.tolist()])), None
    if array.dtype.kind not in "biuf":
        raise DataError(f"{name} holds {array.dtype}, not numbers or text")
    if not 1 <= array.ndim <= 4:
        raise DataError(f"{name} has {array.ndim} dimensions; rows need one to four")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return Cells(widened(np.ascontiguousarray(array))), array.dtype


def _from_objects(name: str, array: Any) -> Any:
    if all(isinstance(value, str) for value in array.flat):
        return array.astype(str)
    try:
        if all(isinstance(value, int) for value in array.flat):
            kind = np.uint64 if max(array.flat, default=0) >= 2**63 else np.int64
            return array.astype(kind)
        return array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as problem:
        raise DataError(f"{name} is not numeric: {problem}") from None


def _ragged(name: str, values: Any) -> Cells | None:
    """Lists of numbers, of words, or of equally long lists of numbers, one per row."""
    rows = list(values)
    if not all(isinstance(row, list | tuple | np.ndarray) for row in rows):
        return None
    if any(isinstance(part, str) for row in rows for part in row):
        if not all(isinstance(part, str) for row in rows for part in row):
            raise DataError(f"{name} is not numeric: it holds texts and numbers")
        return Cells(encode(rows))
    try:
        parts = [np.asarray(row, dtype=None if len(row) else np.float64) for row in rows]
    except (TypeError, ValueError) as problem:
        raise DataError(f"{name} is not numeric: {problem}") from None
    depths = {part.ndim for part in parts if part.size}
    for place, part in enumerate(parts):
        flat = part.ndim == 1 or (part.ndim == 2 and depths == {2})
        if part.dtype.kind not in "biuf" or not flat:
            raise DataError(f"{name} row #{place} is not a list of numbers")
    widths = {part.shape[1:] for part in parts if part.size}
    if len(widths) > 1:
        raise DataError(f"{name}: the vectors of its rows have unlike lengths")
    width = widths.pop() if widths else ()
    offsets = offsets_of([len(part) for part in parts])
    filled = [part for part in parts if part.size]
    joined = np.concatenate(filled) if filled else np.empty((0, *width))
    return Cells(Ragged(widened(joined), offsets))


def _column(name: str, cells: Cells, stored: np.dtype[Any] | None) -> Column:
    values: Any = cells.values
    if isinstance(values, Ragged):
        kind: Kind = (
            "words" if is_text(values) else "list" if values.values.ndim == 1 else "vectors"
        )
        return Column(name, kind, -1, kind)
    if isinstance(values, np.ndarray):
        dtype = values.dtype if stored is None else stored
        kinds: dict[str, Kind] = {"b": "boolean", "i": "integer", "u": "integer"}
        axes = values.shape[1:] if values.ndim > 2 else ()
        width = math.prod(values.shape[1:]) if values.ndim > 1 else None
        return Column(name, kinds.get(dtype.kind, "number"), width, dtype.name, axes)
    return Column(name, "text", None, "string")
