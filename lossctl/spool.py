"""The bound columns of the first pass, kept for later passes: in memory while they are few, then
in a temporary file that has no name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

import numpy as np

from lossctl.arrays import Integers, Ragged
from lossctl.batch import Batch
from lossctl.errors import DataError

IN_MEMORY = 48 << 20  # bytes held before the file begins


class Spool:
    """Batches in, the same batches out, as often as wanted.

    Raises DataError past `limit` bytes.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.bytes = 0
        self._held: list[Batch] = []
        self._stored: list[_Stored] = []
        self._file: BinaryIO | None = None

    def add(self, batch: Batch) -> None:
        """Keep a batch's columns."""
        batch = replace(batch, memo={}, derived={})
        arrays = _arrays(batch)
        self.bytes += sum(array.nbytes for array in arrays)
        if self.limit is not None and self.bytes > self.limit:
            raise DataError(
                f"the temporary copy of the columns exceeds {self.limit} bytes",
                "raise --spool-limit, or ask for values alone with -b",
            )
        if self.bytes <= IN_MEMORY:
            self._held.append(batch)
            return
        shapes = [(array.dtype, array.shape) for array in arrays]
        first = int(batch.rows[0]) if _consecutive(batch.rows) else None
        self._stored.append(_Stored(_hollow(batch), first, batch.count, shapes))
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the spool
            for array in arrays:
                if array.size:
                    self._file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        except OSError as problem:
            raise _unwritable(problem) from None

    def batches(self) -> Iterator[Batch]:
        """Every batch, in the order in which they came."""
        for batch in self._held:
            yield replace(batch, memo={}, derived={})
        if self._file is None:
            return
        try:
            self._file.seek(0)  # writes what is left in the buffer, too
        except OSError as problem:
            raise _unwritable(problem) from None
        for stored in self._stored:
            yield _filled(stored, iter([_read(self._file, *shape) for shape in stored.shapes]))

    def close(self) -> None:
        """Give the file's space back."""
        if self._file is not None:
            self._file.close()


def _unwritable(problem: OSError) -> DataError:
    return DataError(
        f"the temporary copy of the columns cannot be written: {problem.strerror}",
        "set TMPDIR to a folder with room, or ask for values alone with -b",
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Stored:
    """A batch in the file: what it is without its rows, and what these are."""

    hollow: Batch
    first: int | None  # number of its first row, where its rows are consecutive
    count: int
    shapes: list[tuple[np.dtype[Any], tuple[int, ...]]]


def _read(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    array = np.empty(shape, dtype)
    if array.size:
        file.readinto(array.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]  # a buffered file has it
    return array


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
    return arrays


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
    )


def _emptied(column: Any) -> Any:
    empty = np.empty(0, dtype=np.int64)
    return Ragged(empty, empty) if isinstance(column, Ragged) else empty


def _filled(stored: _Stored, arrays: Iterator[Any]) -> Batch:
    hollow = stored.hollow
    if stored.first is None:
        rows = next(arrays)
    else:
        rows = np.arange(stored.first, stored.first + stored.count, dtype=np.int64)
    order = rows if hollow.order is hollow.rows else next(arrays)
    optional = {name: None if getattr(hollow, name) is None else next(arrays) for name in _OPTIONAL}
    columns = {
        role: column if role in hollow.wholes else _next(column, arrays)
        for role, column in hollow.columns.items()
    }
    ids = None if hollow.ids is None else _next(hollow.ids, arrays)
    return Batch(columns, hollow.wholes, optional["weight"], rows, order,
                 optional["target_rows"], ids)  # fmt: skip


def _next(like: Any, arrays: Iterator[Any]) -> Any:
    if isinstance(like, Ragged):
        return Ragged(next(arrays), next(arrays))
    return next(arrays)
