"""From the cells of a block to one role's column, in the shape that its losses need."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.arrays import Integers, Mask, Ragged, offsets_of, widened
from lossctl.binding import Bound
from lossctl.errors import DataError
from lossctl.readers.source import Cells
from lossctl.sequences import encode, is_text


def column_of(bound: Bound, cells: list[Cells], rows: Integers) -> Any:
    """A role's cells as one array (rows,), (rows, k), or Ragged. Raises DataError."""
    shape = bound.domain.shape
    if bound.classes is not None:
        return _labels(bound, cells[0], rows)
    values = [cell.values for cell in cells]
    if shape == "text":
        return _sequences(bound, values)
    if shape == "ragged":
        return _frames(bound, values) if bound.domain.axes else _lists(bound, values)
    arrays = [
        _square(v, bound, rows) if isinstance(v, Ragged) else widened(np.asarray(v)) for v in values
    ]
    column = arrays[0] if len(arrays) == 1 else np.column_stack(arrays)
    if shape == "vector":
        column = column.reshape(column.shape[0], -1)
        if bound.domain.width not in (None, column.shape[1]):
            raise DataError(
                f"{bound.name} has {column.shape[1]} values a row, but {_who(bound)} needs "
                f"{bound.domain.width}"
            )
        if "classes" in bound.domain.axes and column.shape[1] == 1:
            raise DataError(f"{bound.name} has one value a row, but {_who(bound)} needs one for "
                            "each class")  # fmt: skip
    elif column.ndim > 2:
        raise DataError(
            f"{bound.name} has {column.shape[1:]} values a row, but {_who(bound)} needs "
            f"{'one value' if shape == 'one' else 'values or vectors'}"
        )
    elif column.ndim == 2 and column.shape[1] == 1:
        column = column[:, 0]
    if shape == "one" and column.ndim == 2:
        raise DataError(
            f"{bound.name} has {column.shape[1]} values a row, but {_who(bound)} needs one"
        )
    return np.ascontiguousarray(column)


def _who(bound: Bound) -> str:
    return bound.domains[0][0]


def _labels(bound: Bound, cells: Cells, rows: Integers) -> Any:
    assert bound.classes is not None
    texts: Any = cells.values
    return bound.classes.coded(texts.to_pylist(), bound.name, rows)


def _sequences(bound: Bound, values: list[Any]) -> Ragged:
    """Texts as code points; lists as they are."""
    if len(values) == 1 and isinstance(values[0], Ragged) and values[0].values.ndim == 1:
        return values[0]
    if len(values) == 1 and not isinstance(values[0], np.ndarray | Ragged):
        return encode(text or "" for text in values[0].to_pylist())
    if len(values) == 1 and isinstance(values[0], np.ndarray) and values[0].ndim == 2:
        return _lists(bound, values)
    raise DataError(f"{bound.name} is not a column of texts or lists, which {_who(bound)} needs")


def _lists(bound: Bound, values: list[Any]) -> Ragged:
    """Lists of any length; a matrix is lists of equal length."""
    only = values[0]
    if len(values) == 1 and isinstance(only, Ragged) and only.values.ndim == 1:
        if is_text(only):
            raise DataError(f"{bound.name} holds words, not the numbers that {_who(bound)} needs")
        return only
    if len(values) == 1 and not isinstance(only, Ragged) and only.ndim == 2:
        return Ragged(only.reshape(-1), offsets_of(np.full(*only.shape)))
    raise DataError(f"{bound.name} is not a list column, which {_who(bound)} needs")


def _frames(bound: Bound, values: list[Any]) -> Ragged:
    """Lists of vectors; an array (rows, T, C) is such lists of equal length."""
    only = values[0]
    if len(values) == 1 and isinstance(only, Ragged) and only.values.ndim == 2:
        return only
    if len(values) == 1 and isinstance(only, np.ndarray) and only.ndim == 3:
        count, frames, width = only.shape
        values_of = widened(only).reshape(count * frames, width)
        return Ragged(values_of, offsets_of(np.full(count, frames)))
    raise DataError(
        f"{bound.name} is no array (n, T, {bound.domain.axes[0]}) and no column of lists of "
        f"vectors, which {_who(bound)} needs"
    )


def _square(values: Ragged, bound: Bound, rows: Integers) -> Any:
    """Lists of equal length as (rows, k)."""
    lengths = np.diff(values.offsets)
    if lengths.size and (lengths != lengths[0]).any():
        row = int(np.flatnonzero(lengths != lengths[0])[0])
        raise DataError(
            f"{bound.name} row #{int(rows[row])} has {int(lengths[row])} values, row "
            f"#{int(rows[0])} has {int(lengths[0])}"
        )
    flat: Any = values.values
    if is_text(values) or len(flat) == 0:
        raise DataError(f"{bound.name} holds no numbers, which {_who(bound)} needs")
    return widened(flat.reshape(len(values), -1))


def unusable(bound: Bound, column: Any, cells: list[Cells]) -> Mask | None:
    """Rows with a value that is missing, NaN, or infinite where the domain has no infinity."""
    bad: Any = None
    values = column.values if isinstance(column, Ragged) else column
    if values.dtype.kind == "f":
        broken = np.isnan(values) if bound.domain.infinite else ~np.isfinite(values)
        if broken.any():
            broken = broken.reshape(len(broken), -1).any(axis=1)
            bad = np.asarray(broken)
            if isinstance(column, Ragged):
                bad = np.zeros(len(column), dtype=bool)
                bad[column.owners(np.flatnonzero(broken))] = True
    for cell in cells:
        if cell.missing is not None:
            missing = cell.missing if cell.missing.ndim == 1 else cell.missing.any(axis=1)
            bad = missing if bad is None else bad | missing
    result: Mask | None = bad
    return result
