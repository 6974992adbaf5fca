"""Rows as Parquet, uncompressed, written by another thread while the next are made."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from lossctl.arrays import Ragged
from lossctl.errors import DataError
from lossctl.extras import Extra
from lossctl.writers import Sink
from lossctl.writers.arrow import array_of

if TYPE_CHECKING:
    import pyarrow

GROUP = 1 << 18  # rows of a row group


class Parquet:
    """Writes row groups of up to `GROUP` rows."""

    def __init__(self, sink: Sink) -> None:
        self.sink = sink
        self.native: Any = None
        self.schema: Any = None
        self.waiting: list[pyarrow.RecordBatch] = []
        self.count = 0
        self.file: Any = None
        self.other = ThreadPoolExecutor(1)
        self.writing: Future[None] | None = None

    def write(self, rows: Mapping[str, Extra]) -> None:
        """A block of rows. Raises DataError for numbers that a column of the first cannot hold."""
        import pyarrow

        arrays = [array_of(extra) for extra in rows.values()]
        if self.schema is None:
            self._begin(rows, [array.type for array in arrays])
        try:
            batch = pyarrow.RecordBatch.from_arrays(
                [a.cast(f.type) for a, f in zip(arrays, self.schema, strict=True)],
                schema=self.schema,
            )
        except pyarrow.ArrowInvalid as problem:
            raise DataError(f"a column cannot be written as Parquet: {problem}",
                            "csv and jsonl hold every number") from None  # fmt: skip
        self.waiting.append(batch)
        self.count += len(batch)
        if self.count >= GROUP:
            self._flush()

    def _begin(self, rows: Mapping[str, Extra], types: list[Any]) -> None:
        import pyarrow
        import pyarrow.parquet as parquet

        fields = [pyarrow.field(name, kind) for name, kind in zip(rows, types, strict=True)]
        self.schema = pyarrow.schema(fields)
        texts = [name for name, extra in rows.items() if isinstance(extra.values, Ragged)]
        whole = [one.name for one in fields if one.type == pyarrow.int64()]
        self.native = _native(self.sink)
        self.file = parquet.ParquetWriter(
            self.native or self.sink,
            self.schema,
            compression="none",
            use_dictionary=texts,
            column_encoding=dict.fromkeys(whole, "DELTA_BINARY_PACKED"),
            write_statistics=False,
            data_page_size=1 << 22,  # one a column: few writes
        )

    def _flush(self) -> None:
        import pyarrow

        table = pyarrow.Table.from_batches(self.waiting, self.schema)
        self.waiting, self.count = [], 0
        self._wait()
        self.writing = self.other.submit(self.file.write_table, table, GROUP)

    def _wait(self) -> None:
        """Until what was given is written; its error is raised here."""
        if self.writing is not None:
            self.writing.result()

    def __enter__(self) -> Parquet:
        return self

    def __exit__(self, kind: object, *error: object) -> None:
        """Write what is left, and the end of the file; nothing where something went wrong."""
        try:
            if kind is None:
                if self.waiting:
                    self._flush()
                self._wait()
                if self.file is not None:
                    self.file.close()
        finally:
            self.other.shutdown(cancel_futures=True)
            if self.native is not None:
                with suppress(Exception):  # it would close itself, after the file
                    self.file.close()
                self.native.close()


def _native(sink: Sink) -> Any:
    """The same file opened by Arrow, which need not wait for Python then; None where it cannot."""
    import pyarrow

    if sys.platform != "linux" or not isinstance(sink, io.BufferedWriter):
        return None
    number = sink.fileno()
    if not stat.S_ISREG(os.fstat(number).st_mode):
        return None
    try:
        # To append: a file that is cut to nothing first makes some file systems wait for the disk.
        return pyarrow.OSFile(f"/proc/self/fd/{number}", "ab")
    except OSError:
        return None
