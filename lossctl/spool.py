"""The bound columns of the first pass, kept for later passes: in memory while they are few, then
in a temporary file that has no name."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from lossctl.batch import Batch
from lossctl.errors import DataError
from lossctl.flat import Flat, filled, flattened

IN_MEMORY = 48 << 20  # bytes held before the file begins


class Spool:
    """Batches in, the same batches out, as often as wanted.

    Raises DataError past `limit` bytes.
    """

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.bytes = 0
        self._held: list[Batch] = []
        self._stored: list[Flat] = []
        self._file: BinaryIO | None = None

    def add(self, batch: Batch) -> None:
        """Keep a batch's columns."""
        batch = replace(batch, memo={}, derived={})
        flat, arrays = flattened(batch)
        self.bytes += sum(array.nbytes for array in arrays)
        if self.limit is not None and self.bytes > self.limit:
            raise DataError(
                f"the temporary copy of the columns exceeds {self.limit} bytes",
                "raise --spool-limit, or ask for values alone with -b",
            )
        if self.bytes <= IN_MEMORY:
            self._held.append(batch)
            return
        self._stored.append(flat)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115  closed with the spool
            for array in arrays:
                if array.size:
                    self._file.write(array.data)
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
        for flat in self._stored:
            yield filled(flat, iter([_read(self._file, *shape) for shape in flat.shapes]))

    def close(self) -> None:
        """Give the file's space back."""
        if self._file is not None:
            self._file.close()


def _unwritable(problem: OSError) -> DataError:
    return DataError(
        f"the temporary copy of the columns cannot be written: {problem.strerror}",
        "set TMPDIR to a folder with room, or ask for values alone with -b",
    )


def _read(file: BinaryIO, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    array = np.empty(shape, dtype)
    if array.size:
        file.readinto(array.reshape(-1).view(np.uint8).data)  # type: ignore[attr-defined]  # a buffered file has it
    return array
