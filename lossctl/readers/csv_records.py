"""Records of a text table as RFC 4180 has them, read strictly.

A field is quoted if a quote is its first byte; then its closing quote stands before a delimiter
or a line end, and a quote inside it is doubled. In any other field a quote is a plain character.
LF, CRLF and CR each end a line outside quotes, mixed or not.

`records` looks at one record after another; the vectorised functions say the same about many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

_QUOTE, _LF, _CR = b'"\n\r'
_PIECE = 1 << 16  # bytes that fit the cache


@dataclass(frozen=True, slots=True)
class Record:
    """One row: `data[start:end]` without its line end, which ends at `stop`; line from 1."""

    start: int
    end: int
    stop: int
    line: int
    fields: list[bytes]


class QuotingError(Exception):
    """A quote where none may stand: at byte `at`, in the record that starts at `start`.

    `definite` says that no bytes after the end of the data could mend it.
    """

    def __init__(
        self, start: int, at: int, line: int, what: str, fix: str, *, definite: bool
    ) -> None:
        super().__init__(what)
        self.start = start
        self.at = at
        self.line = line
        self.what = what
        self.fix = fix
        self.definite = definite


def records(data: bytes, delimiter: bytes, line: int) -> Iterator[Record]:
    """The records of `data`, the first of which is on `line`. Raises QuotingError."""
    mark = re.escape(delimiter)
    plain = rb"(?:(?!%s)[^\r\n])*+" % mark if len(delimiter) > 1 else rb"[^\r\n%s]*+" % mark
    field = re.compile(rb'(?:"((?:[^"]++|"")*+)"|(?!")(%s))(%s|\r\n?|\n|\Z)' % (plain, mark))
    position = 0
    while position < len(data):
        start, fields, lines = position, [], 1
        while True:
            found = field.match(data, position)
            if found is None:
                raise _misquoted(data, start, position, line + lines - 1, delimiter)
            inside, bare, tail = found.groups()
            if inside is None:
                fields.append(bare)
            else:
                fields.append(inside.replace(b'""', b'"'))
                lines += line_ends(inside)
            position = found.end()
            if tail != delimiter:
                break
        yield Record(start, position - len(tail), position, line, fields)
        line += lines


def _misquoted(data: bytes, start: int, position: int, line: int, delimiter: bytes) -> QuotingError:
    """Why no field can be read at `position`."""
    closed = re.compile(rb'"(?:[^"]++|"")*+"').match(data, position)
    if closed is None:
        what, fix = "a quote opens here that is never closed", 'close it; inside quotes write ""'
        return QuotingError(start, position, line, what, fix, definite=False)
    line += line_ends(closed.group())
    at = closed.end()
    what, fix = "text after a closing quote", 'inside quotes write a quote as ""'
    return QuotingError(start, at, line, what, fix, definite=at + len(delimiter) <= len(data))


def line_ends(data: bytes) -> int:
    """How many line ends stand in `data`: LF, CRLF, CR."""
    octets = np.frombuffer(data, dtype=np.uint8)
    pieces = (octets[start : start + _PIECE] for start in range(0, len(data), _PIECE))
    if b"\r" not in data:
        return sum(int(np.count_nonzero(piece == _LF)) for piece in pieces)
    both = data.count(b"\r\n")
    return sum(int(np.count_nonzero((piece == _LF) | (piece == _CR))) for piece in pieces) - both


def blank_line(data: bytes) -> bool:
    """Whether an empty line may stand in `data` (or two line ends inside quotes)."""
    if data[:1] in (b"\n", b"\r"):
        return True
    return any(pair in data for pair in (b"\n\n", b"\n\r", b"\r\r"))


def quotes(data: bytes, delimiter: bytes) -> Any:
    """The positions of the quotes in `data`; none if no field starts with one."""
    if b'"' not in data:
        return np.empty(0, dtype=np.intp)
    octets = np.frombuffer(data, dtype=np.uint8)
    marks = np.flatnonzero(octets == _QUOTE)
    if marks[0] == 0 or _ends(delimiter[-1:])[octets[marks - 1]].any():
        return marks
    return marks[:0]


def _ends(more: bytes) -> Any:
    """A table of the bytes that may stand beside an enclosing quote: line ends and `more`."""
    table = np.zeros(256, dtype=bool)
    table[list(b"\r\n" + more)] = True
    return table


def well_quoted(data: bytes, delimiter: bytes, marks: Any, *, whole: bool) -> bool:
    """Whether all quotes enclose fields, or are doubled inside; closed too, if `data` is `whole`.

    `marks` are the positions of the quotes. Counted from 0, an even quote opens a field or, after
    another quote, goes on with it (a doubled quote); an odd one closes it or is the first of two.
    If this is False, only `records` can tell whether the quotes are right.
    """
    if not len(marks):
        return True
    if len(delimiter) > 1 or (whole and len(marks) % 2):
        return False
    octets, beside = np.frombuffer(data, dtype=np.uint8), _ends(delimiter + b'"')
    opening, closing = marks[::2], marks[1::2]
    before = octets[opening[opening > 0] - 1]
    after = octets[closing[closing < len(data) - 1] + 1]
    return bool(beside[before].all() and beside[after].all())


def last_line_end(data: bytes, marks: Any) -> int:
    """The position after the last line end outside quotes, 0 if there is none.

    A CR that is the last byte does not count: it may be half of a CRLF.
    """
    limit = len(data)
    while True:
        cut = max(data.rfind(b"\n", 0, limit), data.rfind(b"\r", 0, min(limit, len(data) - 1)))
        if cut < 0:
            return 0
        before = int(np.searchsorted(marks, cut))
        if before % 2 == 0:
            return cut + 1
        limit = int(marks[before - 1])


def last_record_end(data: bytes, delimiter: bytes) -> int:
    """`last_line_end` where quotes stand inside fields too; the end of the data if misquoted."""
    end = 0
    try:
        for record in records(data, delimiter, 1):
            if record.stop < len(data) or data.endswith(b"\n"):
                end = record.stop
    except QuotingError as error:
        return len(data) if error.definite else error.start
    return end
