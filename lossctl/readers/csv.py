"""Reading CSV and TSV: pyarrow parses chunks of whole lines; all trouble is looked at exactly.

The rules are those of docs/input-files.md. Every chunk is checked as a whole by a few
vectorised tests. Only if one of them fails is it gone through record by record, so that the
error names the first damaged line, whatever the size of the chunks.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from lossctl.errors import DataError
from lossctl.readers.cells import Seen
from lossctl.readers.csv_chunks import Chunk, Chunks
from lossctl.readers.csv_dialect import (
    delimiter_of,
    header_hint,
    header_names,
    line_end_names,
    probable_delimiter,
    shown_delimiter,
)
from lossctl.readers.csv_encoding import BOM, Bytes, Utf8, refuse_foreign
from lossctl.readers.csv_table import RecordError, Table
from lossctl.readers.source import Column, ReadOptions, Rechunker, Rows, Wanted
from lossctl.readers.stream import shown

CHUNK = 1 << 20  # bytes parsed at once
HEAD = 1 << 20  # bytes looked at for encoding, dialect and the kinds of the columns
_LONGEST = 1 << 29  # no option lets a line be longer: pyarrow counts bytes in 32 bits


@dataclass(slots=True, eq=False)
class CsvSource:
    """An open CSV or TSV file, read once, in order."""

    path: str
    format: str
    columns: tuple[Column, ...]
    rows: int | None
    details: Mapping[str, str]
    _stream: Bytes
    _chunks: Chunks
    _table: Table
    _chunk_bytes: int
    _threads: int
    rereads: bool = field(init=False, default=False)
    _used: bool = field(init=False, default=False)

    def blocks(self, wanted: Sequence[Wanted], size: int) -> Iterator[Rows]:
        """The rows in file order; see `Source`. The rows can be had once."""
        if self._used:
            raise RuntimeError("the rows of a text table can be read once; open it again")
        self._used = True
        table, rechunker = self._table, Rechunker(size)
        seen = [Seen()] * len(wanted)
        with closing(self._ahead(wanted)) as chunks:
            for chunk, alone in chunks:
                if alone is not None:
                    rows, held = alone
                    now = [one.then(other) for one, other in zip(seen, held, strict=True)]
                if alone is None or any(column.impossible for column in now):
                    try:
                        rows, now = table.rows(chunk, wanted, seen)
                    except RecordError as fault:
                        # The rows before the damage come first, so that their error does too.
                        before, error = table.sound(chunk, wanted, seen, fault)
                        if before is not None:
                            yield from rechunker.push(before)
                        raise error from None
                seen = now
                yield from rechunker.push(rows)
        yield from rechunker.finish()

    def _ahead(
        self, wanted: Sequence[Wanted]
    ) -> Generator[tuple[Chunk, tuple[Rows, list[Seen]] | None]]:
        """The chunks, each with what threads have made of it alone, if they have."""
        chunks = self._chunks.rest(self._chunk_bytes)
        if self._threads > 1:
            # Most files have one chunk, which is not worth a thread.
            yield from ((chunk, None) for chunk in islice(chunks, 1))
            from lossctl.readers.ahead import in_order

            # Two files are read at once as a rule, and scored besides.
            threads = (self._threads + 1) // 2
            yield from in_order(chunks, partial(self._table.alone, wanted=wanted), threads)
        else:
            yield from ((chunk, None) for chunk in chunks)

    def close(self) -> None:
        """Release the file."""
        self._stream.close()


def open_csv(
    stream: Bytes,
    path: str,
    options: ReadOptions,
    *,
    delimiter: str,
    compression: str | None,
    chunk_bytes: int = CHUNK,
) -> CsvSource:
    """Read the header and the first rows of a forward-only stream of bytes.

    `delimiter` is the default that `options.delimiter` overrides; `chunk_bytes` changes no result.
    Raises DataError for anything damaged in the first MiB, UsageError for impossible options.
    """
    name = shown(path)
    mark = delimiter_of(options.delimiter or delimiter)
    text = Utf8(stream, name, options.encoding or "utf-8")
    chunks = Chunks(text, mark, min(options.max_line_bytes, _LONGEST))
    chunks.fill(HEAD)
    if not text.decoded:
        refuse_foreign(chunks.buffer, name)
    marked = chunks.buffer.startswith(BOM)
    if marked:
        chunks.buffer, chunks.offset = chunks.buffer[len(BOM) :], len(BOM)
    start = chunks.buffer
    titles = _titles(chunks, name, header=options.header)
    hint = _hint(start, mark, titles)
    table = Table(name, titles, mark, chunks.limit, options.header, hint, text.decoded)
    first = chunks.take(HEAD)
    if first is None:
        raise DataError(f"{name}: a header and no rows", "check what wrote it")
    kinds = table.kinds(first)
    chunks.undo()
    details = {
        "delimiter": shown_delimiter(mark),
        "encoding": text.encoding + (" with a byte order mark" if marked else ""),
        "compression": compression or "none",
        "line ends": line_end_names(start),
        "quoted": "yes" if b'"' in start else "no",
    }
    hint = hint or (header_hint(titles) if options.header else None)
    if hint is not None:
        details["hint"] = hint
    columns = tuple(Column(title, kind) for title, kind in zip(titles, kinds, strict=True))
    form = "tsv" if mark == b"\t" else "csv"
    return CsvSource(
        path, form, columns, None, details, stream, chunks, table, chunk_bytes, options.threads
    )


def _titles(chunks: Chunks, name: str, *, header: bool) -> list[str]:
    """The names of the columns: the header's, which is taken, or else 1, 2, ..."""
    record = chunks.record()
    if record is None:
        raise DataError(f"{name} is empty", "check what wrote it")
    if record.end == record.start:
        what = "the header is expected" if header else "the first row is expected"
        raise DataError(f"{name} line 1: a blank line, where {what}", "remove it")
    if header:
        return header_names(record.fields, name)
    chunks.undo()
    return [str(number) for number in range(1, len(record.fields) + 1)]


def _hint(start: bytes, delimiter: bytes, titles: Sequence[str]) -> str | None:
    """What is probably wrong with the whole reading, as far as the first lines tell."""
    if len(titles) > 1:
        return None
    if start.startswith(b"#"):
        return "lossctl knows no comment lines: remove the lines that begin with #"
    probable = probable_delimiter(start, delimiter)
    return probable and f"the delimiter is probably {probable}: -d {probable}"
