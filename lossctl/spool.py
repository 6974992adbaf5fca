"""The bound columns of the first pass, kept for later passes: in memory while they are few, then
in a temporary file that has no name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from lossctl.arrays import Ragged
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
        self._shapes: list[tuple[Batch, list[_Stored]]] = []
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
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the spool
            stored = []
            for array in arrays:
                if array.size:
                    self._file.write(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
                stored.append(_Stored(array.dtype, array.shape))
        except OSError as problem:
            raise _unwritable(problem) from None
        self._shapes.append((_hollow(batch), stored))

    def batches(self) -> Iterator[Batch]:
        """Every batch, in the order in which they came."""
        for batch in self._held:
            yield replace(batch, memo={}, derived={})
        if self._file is None:
            return
        try:
            self._file.flush()
        except OSError as problem:
            raise _unwritable(problem) from None
        self._file.seek(0)
        for hollow, stored in self._shapes:
            yield _filled(hollow, iter([one.read(self._file) for one in stored]))

    def close(self) -> None:
        """Give the file's space back."""
        if self._file is not None:
            self._file.close()


def _unwritable(problem: OSError) -> DataError:
    return DataError(
        f"the temporary copy of the columns cannot be written: {problem.strerror}",
        "set TMPDIR to a folder with room, or ask for values alone with -b",
    )


class _Stored:
    __slots__ = ("dtype", "shape")

    def __init__(self, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
        self.dtype = dtype
        self.shape = shape

    def read(self, file: BinaryIO) -> Any:
        array = np.empty(self.shape, self.dtype)
        if array.size:
            file.readinto(array.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]  # a buffered file has it
        return array


_OPTIONAL = ("weight", "target_rows")


def _arrays(batch: Batch) -> list[Any]:
    """Every row-aligned array of a batch, in one fixed order."""
    arrays: list[Any] = [batch.rows]
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
        ids=None if batch.ids is None else Ragged(empty, empty),
    )


def _emptied(column: Any) -> Any:
    empty = np.empty(0, dtype=np.int64)
    return Ragged(empty, empty) if isinstance(column, Ragged) else empty


def _filled(hollow: Batch, arrays: Iterator[Any]) -> Batch:
    rows = next(arrays)
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
