"""A stream of text cut into chunks of whole records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.errors import DataError
from lossctl.readers.csv_encoding import Utf8, first_bad, not_text
from lossctl.readers.csv_records import (
    QuotingError,
    Record,
    last_line_end,
    last_record_end,
    line_ends,
    quotes,
    records,
    well_quoted,
)


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """Whole records: the first is on `line` of the file, at byte `offset` of its text.

    `marks` are the positions of its quotes, as `quotes` finds them, and `well_quoted` what that
    function says of them.
    """

    data: bytes
    line: int
    offset: int
    marks: Any
    well_quoted: bool

    def before(self, stop: int) -> Chunk:
        """The records that stand before byte `stop`."""
        marks = self.marks[: np.searchsorted(self.marks, stop)]
        return Chunk(self.data[:stop], self.line, self.offset, marks, self.well_quoted)


@dataclass(slots=True)
class Chunks:
    """Cuts a stream at line ends outside quotes; blank lines at its end belong to no chunk.

    Memory is bounded by the chunk and by `limit`, the longest line that is accepted.
    """

    text: Utf8
    delimiter: bytes
    limit: int
    buffer: bytes = b""
    line: int = 1
    offset: int = 0
    _ended: bool = False
    _before: tuple[bytes, int, int] = (b"", 1, 0)

    def fill(self, size: int) -> None:
        """Have at least `size` bytes in the buffer, or all that are left."""
        parts = [self.buffer]
        lacking = size - len(self.buffer)
        while lacking > 0 and not self._ended:
            part = self.text.read(lacking)
            self._ended = not part
            parts.append(part)
            lacking -= len(part)
        if len(parts) > 1:
            self.buffer = b"".join(parts)

    def record(self) -> Record | None:
        """Take the first record; None if only blank lines are left. Raises DataError."""
        size = max(1, len(self.buffer))
        while True:
            self.fill(size)
            try:
                found = next(records(self.buffer, self.delimiter, self.line), None)
            except QuotingError as error:
                # An open quote, or one that closes at the last byte, may go on beyond it.
                if self._ended or error.definite:
                    raise misquoted(error, self.text.name) from None
                found = None
            if found is not None and (self._ended or found.stop < len(self.buffer)):
                break
            if self._ended:
                break
            self._limit(self.buffer)
            size = 2 * max(size, len(self.buffer))
        if found is None or not self.buffer.strip(b"\r\n"):
            self._fail()
            return None
        bad = first_bad(self.buffer[: found.end])
        if bad >= 0:
            offset = None if self.text.decoded else self.offset + bad
            where = f"{self.text.name} line {self.line}"
            raise not_text(self.buffer[: found.end], bad, offset, where)
        self._advance(line_ends(self.buffer[: found.end]) + 1, found.stop)
        return found

    def take(self, size: int) -> Chunk | None:
        """Take the next chunk, of about `size` bytes or one record; None at the end."""
        while True:
            self.fill(size)
            window = self.buffer[:size]
            last = self._ended and len(window) == len(self.buffer)
            whole = last and self.text.failure is None
            marks = quotes(window, self.delimiter)
            well = well_quoted(window, self.delimiter, marks, whole=whole)
            if whole:
                cut = len(window)
            elif well:
                cut = last_line_end(window, marks)
            else:
                cut = last_record_end(window, self.delimiter)
            end = _without_blank_lines(window, cut)
            if end == 0 and window[cut:] not in (b"", b"\r"):
                end = cut  # blank lines before a line that has not ended yet
            if end:
                within = marks[: np.searchsorted(marks, end)]
                chunk = Chunk(window[:end], self.line, self.offset, within, well)
                if end == cut:
                    self._advance(line_ends(chunk.data), end)
                else:
                    stop = end + (2 if window[end : end + 2] == b"\r\n" else 1)
                    self._advance(line_ends(chunk.data) + 1, stop)
                return chunk
            if last:
                self._fail()
                return None
            self._limit(window)
            size *= 2

    def rest(self, size: int) -> Iterator[Chunk]:
        """All that is left, in chunks of about `size` bytes."""
        while (chunk := self.take(size)) is not None:
            yield chunk

    def undo(self) -> None:
        """Give back what was taken last."""
        self.buffer, self.line, self.offset = self._before

    def _advance(self, lines: int, stop: int) -> None:
        self._before = self.buffer, self.line, self.offset
        self.line += lines
        self.offset += stop
        self.buffer = self.buffer[stop:]

    def _limit(self, line: bytes) -> None:
        # A CR at its end may be its line end.
        if len(line) - line.endswith(b"\r") > self.limit:
            raise too_long(self.text.name, self.line, self.limit)

    def _fail(self) -> None:
        if self.text.failure is not None:
            raise self.text.failure


def _without_blank_lines(data: bytes, end: int) -> int:
    """Where `data[:end]` ends without the line ends that are its last bytes."""
    tail = data[max(0, end - 4) : end]
    text = tail.rstrip(b"\r\n")
    return end - len(tail) + len(text) if text else len(data[:end].rstrip(b"\r\n"))


def too_long(name: str, line: int, limit: int) -> DataError:
    """The error for a line beyond the limit."""
    return DataError(
        f"{name} line {line}: longer than {limit} bytes",
        "check for a quote that never closes, or raise the limit of the length of a line",
    )


def misquoted(error: QuotingError, name: str) -> DataError:
    """The error for a quote out of place."""
    return DataError(f"{name} line {error.line}: {error.what}", error.fix)
