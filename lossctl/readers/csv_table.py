"""Chunks of a text table made into cells by pyarrow, and the exact look where it stumbles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.errors import DataError, quoted
from lossctl.readers.cells import MISSING, SAMPLE, CellError, Seen, kind_of, numbers, texts
from lossctl.readers.csv_chunks import Chunk, misquoted, too_long
from lossctl.readers.csv_encoding import first_bad, not_text
from lossctl.readers.csv_lines import PAYS, plain_numbers
from lossctl.readers.csv_records import QuotingError, blank_line, records
from lossctl.readers.source import Cells, Kind, Rows, Wanted

if TYPE_CHECKING:
    import pyarrow


class RecordError(Exception):
    """Damage in a chunk; it lies in the record that starts at byte `at`."""

    def __init__(self, at: int, error: DataError) -> None:
        super().__init__(str(error))
        self.at = at
        self.error = error


@dataclass(slots=True)
class Table:
    """The layout that every record must have, and what error messages call things.

    `hint` says what is probably wrong with the whole reading (another delimiter), if anything.
    """

    name: str
    titles: Sequence[str]
    delimiter: bytes
    limit: int
    header: bool = True
    hint: str | None = None
    decoded: bool = False
    _places: list[str] = field(init=False, default_factory=list)
    _plain: bool = field(init=False)  # whether `plain_numbers` may do; it changes no result

    def __post_init__(self) -> None:
        self._places.extend(map(str, range(len(self.titles))))
        self._plain = len(self.titles) == 1

    def rows(
        self, chunk: Chunk, wanted: Sequence[Wanted], seen: Sequence[Seen]
    ) -> tuple[Rows, list[Seen]]:
        """The wanted cells of a chunk, and what each column has held up to its end.

        Raises RecordError for the first damaged record that was found, which need not be the first.
        """
        import pyarrow as pa

        data = chunk.data
        if (
            len(data) > self.limit
            or len(self.delimiter) > 1
            or first_bad(data) >= 0
            or not chunk.well_quoted
        ):
            self.examine(chunk)
        as_text = {column.index for column in wanted if column.kind == "text"} or (
            set() if wanted else {0}
        )
        indices = sorted(as_text | {column.index for column in wanted})
        try:
            arrays = self._read(
                chunk, {i: pa.string() if i in as_text else pa.float64() for i in indices}
            )
        except pa.ArrowInvalid:
            # A cell that Arrow takes for no number (lossctl may), or damage.
            as_text.update(indices)
            arrays = self._strings(chunk, indices)
        odd_nan = b"(" in data
        cells: list[Cells] = []
        now: list[Seen] = []
        for column, before in zip(wanted, seen, strict=True):
            index = column.index
            if column.kind == "text":
                cells.append(texts(arrays[index]))
                now.append(before)
                continue
            try:
                found, after = numbers(
                    None if index in as_text else arrays[index],
                    partial(self._string, chunk, index),
                    before,
                    odd_nan=odd_nan,
                )
            except CellError as bad:
                raise self._fault(chunk, bad, index) from None
            cells.append(found)
            now.append(after)
        if len(self.titles) > 1 and _empty_row(cells) and blank_line(data):
            self.examine(chunk)  # Arrow reads a blank line as a row of empty cells
        return Rows(len(arrays[indices[0]]), cells), now

    def alone(self, chunk: Chunk, wanted: Sequence[Wanted]) -> tuple[Rows, list[Seen]] | None:
        """The `rows` of a chunk as if nothing came before it; None for damage in it."""
        try:
            return self.rows(chunk, wanted, [Seen()] * len(wanted))
        except RecordError:
            return None

    def sound(
        self, chunk: Chunk, wanted: Sequence[Wanted], seen: Sequence[Seen], fault: RecordError
    ) -> tuple[Rows | None, DataError]:
        """The rows before the first damaged record of a chunk, and the error to raise for it."""
        while fault.at:
            chunk = chunk.before(fault.at)
            try:
                return self.rows(chunk, wanted, seen)[0], fault.error
            except RecordError as earlier:
                fault = earlier
        return None, fault.error

    def kinds(self, chunk: Chunk) -> list[Kind]:
        """The kinds of the columns, from the first rows. Raises DataError for damage in them."""
        everything = [Wanted(index, "text") for index in range(len(self.titles))]
        seen = [Seen()] * len(everything)
        try:
            rows, _ = self.rows(chunk, everything, seen)
        except RecordError as fault:
            raise self.sound(chunk, everything, seen, fault)[1] from None
        return [_kind(cells.values) for cells in rows.cells]

    def examine(self, chunk: Chunk) -> None:
        """Raise RecordError for the first record that is not as RFC 4180 and the header have it."""
        data, width = chunk.data, len(self.titles)
        bad = first_bad(data)
        try:
            for record in records(data, self.delimiter, chunk.line):
                error: DataError | None = None
                if record.end - record.start > self.limit:
                    error = too_long(self.name, record.line, self.limit)
                elif 0 <= bad < record.end:
                    error = self._bad_byte(chunk, bad, record.start, record.end, record.line)
                elif width > 1 and record.end == record.start:
                    error = self._error(record.line, "blank line between rows", "remove it")
                elif len(record.fields) != width:
                    count = len(record.fields)
                    what = f"{count} field{'s' * (count > 1)}, {self._first} has {width}"
                    error = self._error(record.line, what, "nothing was read past it")
                if error is not None:
                    raise RecordError(record.start, error)
        except QuotingError as found:
            extent = (found.at if found.definite else len(data)) - found.start
            if extent > self.limit:
                error = too_long(self.name, found.line, self.limit)
            elif 0 <= bad < found.at:
                error = self._bad_byte(chunk, bad, found.start, found.at, found.line)
            else:
                error = misquoted(found, self.name)
            raise RecordError(found.start, error) from None

    @property
    def _first(self) -> str:
        return "header" if self.header else "line 1"

    def _error(self, line: int, what: str, fix: str) -> DataError:
        return DataError(f"{self.name} line {line}: {what}", self.hint or fix)

    def _bad_byte(self, chunk: Chunk, at: int, start: int, stop: int, line: int) -> DataError:
        offset = None if self.decoded else chunk.offset + at
        where = f"{self.name} line {line}"
        return not_text(chunk.data[start:stop], at - start, offset, where)

    def _fault(self, chunk: Chunk, bad: CellError, index: int) -> RecordError:
        found = records(chunk.data, self.delimiter, chunk.line)
        record = next(islice(found, bad.row, None))
        title = quoted(self.titles[index]) if self.titles[index] else str(index + 1)
        where = f"{self.name} line {record.line}, column {title}"
        return RecordError(record.start, DataError(f"{where}: {bad.what}", self.hint or bad.fix))

    def _string(self, chunk: Chunk, index: int) -> pyarrow.Array:
        return self._strings(chunk, [index])[index]

    def _strings(self, chunk: Chunk, indices: Sequence[int]) -> dict[int, Any]:
        """Columns as text. Raises RecordError."""
        import pyarrow as pa

        try:
            return self._read(chunk, dict.fromkeys(indices, pa.string()))
        except pa.ArrowInvalid:
            self.examine(chunk)
            return self._split(chunk.data, indices)

    def _read(self, chunk: Chunk, types: Mapping[int, pyarrow.DataType]) -> dict[int, Any]:
        """Columns by Arrow, each in one array. Raises pyarrow.ArrowInvalid."""
        import pyarrow as pa
        from pyarrow import csv

        if len(self.delimiter) > 1:
            raise pa.ArrowInvalid("a delimiter of several bytes")
        data, has_quotes = chunk.data, len(chunk.marks) > 0
        if self._plain and chunk.offset >= PAYS and types == {0: pa.float64()}:
            numbers = None if has_quotes else plain_numbers(data)
            if numbers is not None:
                return {0: numbers}
            self._plain = False
        table = csv.read_csv(
            pa.BufferReader(data),
            read_options=csv.ReadOptions(
                use_threads=False, block_size=len(data) + 1, column_names=self._places
            ),
            parse_options=csv.ParseOptions(
                delimiter=self.delimiter.decode(),
                quote_char='"' if has_quotes else False,
                newlines_in_values=has_quotes,
                ignore_empty_lines=False,
            ),
            convert_options=csv.ConvertOptions(
                column_types={str(index): kind for index, kind in types.items()},
                include_columns=[str(index) for index in types],
                null_values=MISSING,
                strings_can_be_null=False,
                quoted_strings_can_be_null=True,
                check_utf8=False,
            ),
        )
        return {index: _whole(column) for index, column in zip(types, table.columns, strict=True)}

    def _split(self, data: bytes, indices: Sequence[int]) -> dict[int, Any]:
        """Columns as text, of records that were examined, for what Arrow cannot parse."""
        import pyarrow as pa

        found = [record.fields for record in records(data, self.delimiter, 1)]
        return {
            index: pa.array([fields[index].decode() for fields in found], pa.string())
            for index in indices
        }


def _whole(column: pyarrow.ChunkedArray) -> pyarrow.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _empty_row(cells: Sequence[Cells]) -> bool:
    """Whether all cells of some row are missing."""
    masks = [column.missing for column in cells if column.missing is not None]
    return len(masks) == len(cells) and bool(np.logical_and.reduce(masks).any())


def _kind(strings: pyarrow.Array) -> Kind:
    sample = strings.slice(0, SAMPLE)
    if sample.null_count == len(sample):
        sample = strings
    return kind_of(sample.to_pylist())
