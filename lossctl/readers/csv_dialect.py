"""How a text table is written: its delimiter, its line ends, its header."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lossctl.errors import DataError, UsageError, quoted
from lossctl.readers.cells import is_number

_NAMES = {"\t": "tab", " ": "space"}
_LINES = 5  # that another delimiter must split alike to be probable


def delimiter_of(text: str) -> bytes:
    r"""A delimiter as the user gives it (`\t` and `tab` mean the tab). Raises UsageError."""
    text = {"\\t": "\t", "tab": "\t"}.get(text, text)
    impossible = re.search('["\r\n\0\ud800-\udfff]', text)
    if not text or impossible:
        raise UsageError(
            f"{quoted(text)} cannot be a delimiter", "for instance ',' ';' '|' tab or '::'"
        )
    return text.encode()


def shown_delimiter(delimiter: bytes) -> str:
    """A delimiter as a word or itself."""
    text = delimiter.decode(errors="replace")
    return _NAMES.get(text, text)


def probable_delimiter(start: bytes, delimiter: bytes) -> str | None:
    """The delimiter, as `-d` takes it, that would split the first lines evenly.

    None where `delimiter` splits the first line, or no other splits all alike.
    """
    lines = [line for line in start[: 1 << 16].splitlines()[: _LINES + 1] if line][:_LINES]
    if not lines or delimiter in lines[0]:
        return None
    for other in (b";", b"\t", b"|", b","):
        fields = lines[0].count(other)
        if other != delimiter and fields and all(line.count(other) == fields for line in lines):
            return _NAMES.get(other.decode(), quoted(other.decode()))
    return None


def line_end_names(start: bytes) -> str:
    """The kinds of line ends in the start of a file, the commonest first."""
    both = start.count(b"\r\n")
    counts = {"LF": start.count(b"\n") - both, "CRLF": both, "CR": start.count(b"\r") - both}
    found = sorted((name for name in counts if counts[name]), key=lambda name: -counts[name])
    return ", ".join(found) or "none"


def header_names(cells: Sequence[bytes], name: str) -> list[str]:
    """The column names of a header, as they stand. Raises DataError if all are numbers."""
    names = [cell.decode() for cell in cells]
    filled = [cell for cell in names if cell]
    if filled and all(is_number(cell) for cell in filled):
        shown = ", ".join(quoted(cell, 20) for cell in filled[:3])
        raise DataError(
            f"{name} line 1: the header holds only numbers ({shown})",
            "if it is the first row of data, read the file with -H",
        )
    return names


def header_hint(names: Sequence[str]) -> str | None:
    """What to say of a header in which a row of data may be hidden."""
    first = next((name for name in names if is_number(name)), None)
    if first is None:
        return None
    return (
        f"line 1 was read as the header, though {quoted(first, 20)} is a number: -H if it is data"
    )
