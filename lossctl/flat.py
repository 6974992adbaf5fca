"""A batch as flat arrays, and back: to keep it in a file, or to send it to another process."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.arrays import Integers, Ragged
from lossctl.batch import Batch
from lossctl.extras import Extra


@dataclass(frozen=True, slots=True, eq=False)
class Flat:
    """What a batch is beside its arrays."""

    hollow: Batch
    first: int | None  # number of its first row, where its rows are consecutive
    count: int
    shapes: list[tuple[np.dtype[Any], tuple[int, ...]]]


def flattened(batch: Batch) -> tuple[Flat, list[Any]]:
    """A batch in two parts, and its arrays as bytes that lie together."""
    arrays = _arrays(batch)
    first = int(batch.rows[0]) if _consecutive(batch.rows) else None
    shapes = [(array.dtype, array.shape) for array in arrays]
    octets = [np.ascontiguousarray(array).reshape(-1).view(np.uint8) for array in arrays]
    return Flat(_hollow(batch), first, batch.count, shapes), octets


_OPTIONAL = ("weight", "target_rows")


def _consecutive(rows: Integers) -> bool:
    """Whether row numbers, which only grow, leave none out."""
    return bool(rows.size) and int(rows[-1]) - int(rows[0]) == rows.size - 1


def _arrays(batch: Batch) -> list[Any]:
    """Every row-aligned array of a batch, in one fixed order."""
    arrays: list[Any] = [] if _consecutive(batch.rows) else [batch.rows]
    if batch.order is not batch.rows:
        arrays.append(batch.order)
    arrays += [getattr(batch, name) for name in _OPTIONAL if getattr(batch, name) is not None]
    columns = [column for role, column in batch.columns.items() if role not in batch.wholes]
    for column in (*columns, batch.ids):
        if isinstance(column, Ragged):
            arrays += [column.values, column.offsets]
        elif column is not None:
            arrays.append(column)
    return arrays + [array for extra in batch.extras.values() for array in extra.arrays()]


def _hollow(batch: Batch) -> Batch:
    """The batch without its rows: what cannot be read back from the arrays alone."""
    empty = np.empty(0, dtype=np.int64)
    rows = empty
    return replace(
        batch,
        rows=rows,
        order=rows if batch.order is batch.rows else np.empty(0, dtype=np.int64),
        weight=None if batch.weight is None else np.empty(0),
        target_rows=None if batch.target_rows is None else empty,
        columns={
            role: column if role in batch.wholes else _emptied(column)
            for role, column in batch.columns.items()
        },
        ids=None if batch.ids is None else _emptied(batch.ids),
        extras={
            name: Extra(_emptied(extra.values), np.empty(0, dtype=bool))
            for name, extra in batch.extras.items()
        },
    )


def _emptied(column: Any) -> Any:
    empty = np.empty(0, dtype=np.int64)
    return Ragged(empty, empty) if isinstance(column, Ragged) else empty


def filled(flat: Flat, arrays: Iterator[Any]) -> Batch:
    """The batch of which `arrays` are the arrays, in their order."""
    hollow = flat.hollow
    if flat.first is None:
        rows = next(arrays)
    else:
        rows = np.arange(flat.first, flat.first + flat.count, dtype=np.int64)
    order = rows if hollow.order is hollow.rows else next(arrays)
    optional = {name: None if getattr(hollow, name) is None else next(arrays) for name in _OPTIONAL}
    columns = {
        role: column if role in hollow.wholes else _next(column, arrays)
        for role, column in hollow.columns.items()
    }
    ids = None if hollow.ids is None else _next(hollow.ids, arrays)
    extras = {
        name: Extra(_next(extra.values, arrays), next(arrays))
        for name, extra in hollow.extras.items()
    }
    return Batch(columns, hollow.wholes, optional["weight"], rows, order,
                 optional["target_rows"], ids, extras=extras)  # fmt: skip


def _next(like: Any, arrays: Iterator[Any]) -> Any:
    if isinstance(like, Ragged):
        return Ragged(next(arrays), next(arrays))
    return next(arrays)
