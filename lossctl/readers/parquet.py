"""Parquet files: only the wanted columns, every page checksum and every batch verified."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow
import pyarrow.parquet

from lossctl.errors import DataError, LossctlError, quoted
from lossctl.readers import arrow
from lossctl.readers.footer import values_per_chunk
from lossctl.readers.source import Cells, Column, ReadOptions, Rechunker, Rows, Wanted
from lossctl.readers.stream import Opened

_BATCH_VALUES = 1 << 18  # decoding fewer at once costs more than it saves
_MOST_VALUES = 1 << 22  # of lists: their rows may be long
_SMALLER = "write it again in smaller row groups"
_BUFFER = 1 << 16  # bytes read at once: more fall out of the processor's cache


@contextmanager
def _library(name: str) -> Iterator[None]:
    """Turns whatever the library says of a file into one line.

    Damaged files have made it raise nearly every type there is (ArrowInvalid, OSError,
    UnicodeDecodeError, MemoryError, NotImplementedError, TypeError), hence `Exception`; only
    calls of the library stand inside.
    """
    try:
        yield
    except LossctlError:
        raise
    except Exception as error:
        reason = str(error).partition("\n")[0]
        reason = (reason if len(reason) <= 120 else reason[:119] + "…") or type(error).__name__
        raise DataError(
            f"{name}: the Parquet data is damaged or not supported: {reason}"
        ) from error


class ParquetSource:
    """The top-level columns of a file; what is nested, but for lists of numbers, is `other`."""

    format = "parquet"
    rereads = True

    def __init__(self, opened: Opened, options: ReadOptions) -> None:
        """Read the footer. Raises DataError for damage, no rows, or nothing to score."""
        self.path = opened.path
        self._opened = opened
        self._limit = options.max_expansion
        self._file = opened.random()
        self._native = _native(self._file.fileno())
        name = opened.name
        with _library(name):
            file = self._reader()
            self._meta = file.metadata
            self._fields = list(file.schema_arrow)
            creator = self._meta.created_by or ""
            # Never `row_group(i).column(j)`: see `footer`.
            groups = range(self._meta.num_row_groups)
            self._counts = [self._meta.row_group(index).num_rows for index in groups]
        self.rows: int | None = self._meta.num_rows
        if self.rows != sum(self._counts) or min(self._counts, default=0) < 0:
            raise DataError(
                f"{name}: the footer says {self.rows} rows, its row groups {sum(self._counts)}",
                "write the file again",
            )
        if self.rows == 0:
            raise DataError(f"{name} has no rows", "check what wrote it")
        self.columns: tuple[Column, ...] = tuple(
            Column(field.name, *arrow.kind_of(field.type), str(field.type))
            for field in self._fields
        )
        if all(column.kind == "other" for column in self.columns):
            listed = ", ".join(
                f"{quoted(column.name)} {quoted(column.type)}" for column in self.columns[:3]
            )
            raise DataError(
                f"{name} has no column of numbers or text ({listed})", "write numeric columns"
            )
        self.details: Mapping[str, str] = {
            "row groups": str(len(self._counts)),
            "created by": creator,
        }

    def _reader(self, dictionaries: Sequence[str] = ()) -> Any:
        self._file.seek(0)
        return pyarrow.parquet.ParquetFile(
            self._native or self._file,
            read_dictionary=list(dictionaries),
            memory_map=False,
            buffer_size=_BUFFER,
            pre_buffer=False,
            page_checksum_verification=True,
        )

    def _where(self, index: int) -> str:
        return f"{self._opened.name} column {quoted(self._fields[index].name)}"

    def blocks(self, wanted: Sequence[Wanted], size: int) -> Iterator[Rows]:
        """See `Source`."""
        cutter = Rechunker(size)
        count = 0
        for batch, found in self._batches(wanted, size) if wanted else self._empty(size):
            count += batch
            yield from cutter.push(Rows(batch, found))
        if count != self.rows:
            raise DataError(
                f"{self._opened.name}: the footer says {self.rows} rows, {count} are there",
                "write the file again",
            )
        yield from cutter.finish()
        self._opened.verify()

    def _empty(self, size: int) -> Iterator[tuple[int, list[Cells]]]:
        """Row counts alone."""
        assert self.rows is not None
        for start in range(0, self.rows, size):
            yield min(size, self.rows - start), []

    def _batches(self, wanted: Sequence[Wanted], size: int) -> Iterator[tuple[int, list[Cells]]]:
        used = sorted({want.index for want in wanted})
        longest = self._bounded(used)
        values = longest * len(used)
        rows = max(1, min(size, _MOST_VALUES // values), _BATCH_VALUES // values)
        names = [self._fields[index].name for index in used]
        # Text as a dictionary: a long text that is stored once cannot fill the memory.
        texts = [self._fields[index].name for index in used if _is_text(self._fields[index].type)]
        with _library(self._opened.name):
            batches = self._reader(texts).iter_batches(rows, columns=names, use_threads=False)
        positions: dict[int, int] = {}
        while True:
            with _library(self._opened.name):
                batch = next(batches, None)
                if batch is None:
                    return
                batch.validate(full=True)
            positions = positions or self._positions(used, batch.schema)
            yield (
                len(batch),
                [self._cells(batch.column(positions[want.index]), want) for want in wanted],
            )

    def _positions(self, used: Sequence[int], schema: Any) -> dict[int, int]:
        """Where in a batch each column stands. A name may come twice, and may draw in others."""
        places: dict[str, list[int]] = {}
        for place, name in enumerate(schema.names):
            places.setdefault(name, []).append(place)
        names = [field.name for field in self._fields]
        return {index: places[names[index]][names[:index].count(names[index])] for index in used}

    def _cells(self, array: Any, want: Wanted) -> Cells:
        where = self._where(want.index)
        if want.kind == "number":
            return arrow.numbers(array, where)
        self._bound_text(array, where)
        return arrow.text(array, where)

    def _bound_text(self, array: Any, where: str) -> None:
        if not pyarrow.types.is_dictionary(array.type) or not _is_text(array.type.value_type):
            return
        from pyarrow import compute

        lengths = compute.binary_length(array.dictionary)
        total = compute.sum(compute.take(lengths, array.indices)).as_py() or 0
        self._within(total, f"{where}: the texts of {len(array)} rows", "read shorter texts")

    def _bounded(self, used: Sequence[int]) -> int:
        """Refuse row groups beyond the limit; the values per row of the longest lists."""
        for group, rows in enumerate(self._counts):
            self._within(8 * rows, f"{self._opened.name}: {rows} rows in row group {group}")
        if not any(self.columns[index].kind == "list" for index in used):
            return 1
        with _library(self._opened.name):
            groups = list(zip(self._counts, values_per_chunk(self._file), strict=True))
        leaves = self._leaves()
        longest = 1
        for group, (rows, chunks) in enumerate(groups):
            for index in used:
                claimed = max(
                    (chunks[leaf] for leaf in leaves[index] if leaf < len(chunks)), default=0
                )
                self._within(
                    8 * claimed, f"{self._where(index)}, row group {group}: {claimed} values"
                )
                longest = max(longest, -(-claimed // max(rows, 1)))
        return longest

    def _within(self, size: int, what: str, fix: str = _SMALLER) -> None:
        if size > self._limit:
            raise DataError(
                f"{what} take {size} bytes, more than max_expansion ({self._limit}) allows",
                fix,
            )

    def _leaves(self) -> list[range]:
        """The stored columns below each top-level column."""
        leaves: list[range] = []
        start = 0
        for field in self._fields:
            stop = start + _leaf_count(field.type)
            leaves.append(range(start, stop))
            start = stop
        if start != self._meta.num_columns:  # an unknown type: look at all of them
            return [range(self._meta.num_columns)] * len(leaves)
        return leaves

    def close(self) -> None:
        """Release the file."""
        if self._native is not None:
            self._native.close()
        self._file.close()
        self._opened.close()


def _native(descriptor: int) -> Any:
    """The same open file, read by the library itself, which so need not wait for its turn of the
    interpreter while other threads score. None where the system has no names for open files."""
    try:
        return pyarrow.OSFile(f"/dev/fd/{descriptor}")
    except OSError:
        return None


def _leaf_count(kind: Any) -> int:
    if isinstance(kind, pyarrow.BaseExtensionType):
        kind = kind.storage_type
    if kind.num_fields == 0:
        return 1
    return sum(_leaf_count(kind.field(index).type) for index in range(kind.num_fields))


def _is_text(kind: Any) -> bool:
    """Whether a type is one of strings or bytes."""
    types = pyarrow.types
    tests = (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    return any(test(kind) for test in tests)
