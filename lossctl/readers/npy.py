"""NPY files, read by a parser of our own: nothing in the header is ever evaluated or unpickled.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import widened
from lossctl.errors import DataError, quoted
from lossctl.readers.source import As, Cells, Column, Kind, Rechunker, Rows, Wanted
from lossctl.readers.stream import BLOCK, Opened, spool

Block: TypeAlias = tuple[int, NDArray[Any]]  # the number of its first row, values as stored

MAX_HEADER = 10_000  # bytes; NumPy's own limit for files that are not trusted
_PIECE = 1 << 24  # bytes that are asked of a pipe at once: what it claims to hold may be a lie

_ENTRY = re.compile(
    r"""\s*(?P<quote>['"])(?P<key>descr|fortran_order|shape)(?P=quote)\s*:\s*
    (?: (?P<text>'[^'\\]*'|"[^"\\]*") | (?P<fields>\[.*\]) | (?P<flag>True|False)
      | \((?P<shape>\s*|\s*\d{1,30}L?\s*,\s*|\s*\d{1,30}L?(?:\s*,\s*\d{1,30}L?)+\s*,?\s*)\) )
    \s*(?:,|(?=\}))""",
    re.VERBOSE | re.DOTALL,
)
_DTYPE = re.compile(r"\|b1|[<>|][iu]1|[<>](?:[iu][248]|f[248])|[<>]U[1-9]\d{0,6}|\|S[1-9]\d{0,6}")
_REFUSED = {
    "O": "Python objects, whose loading could run code",
    "V": "raw bytes",
    "c": "complex numbers",
    "M": "dates",
    "m": "durations",
    "f": "floats of a size that depends on the machine",
}
_KNOWN = re.compile(r"[<>|=]?(?:([OVcMm])|(f)(?:12|16))")
_SAVE_AGAIN = "save it again with numpy.save"


class File(Protocol):
    """What an array is read from: a file, a pipe, or a member of an archive."""

    def readinto(self, buffer: memoryview, /) -> int | None:
        """Fill the buffer, or as much as there is."""
        ...

    def read(self, size: int = ..., /) -> bytes | None:
        """Bytes, fewer at the end."""
        ...

    def seek(self, offset: int, /) -> int:
        """Go to a byte (regular files only)."""
        ...

    def close(self) -> None:
        """Release it."""
        ...


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of an array says. `start` is where its data begins, in bytes.

    `dtype` is None where lossctl cannot score the type; then `unusable` says why. With
    `second_axis` the rows of a three-dimensional array lie on its second axis (time first).
    """

    descr: str
    dtype: np.dtype[Any] | None
    fortran: bool
    shape: tuple[int, ...]
    start: int
    unusable: str | None
    second_axis: bool = False

    @property
    def rows(self) -> int:
        """Rows of a usable array."""
        return self.shape[self.second_axis]

    @property
    def axes(self) -> tuple[int, ...]:
        """The shape of one row."""
        return (self.shape[0], *self.shape[2:]) if self.second_axis else self.shape[1:]

    @property
    def width(self) -> int:
        """Values per row of a usable array."""
        return math.prod(self.axes)

    def shaped(self, block: NDArray[Any]) -> NDArray[Any]:
        """Rows of `width` values as they lie in the array, in the shape of its rows."""
        if len(self.axes) < 2:
            return block if self.width > 1 else block[:, 0]
        if self.fortran:
            back = block.reshape(len(block), *reversed(self.axes))
            return back.transpose(0, *range(len(self.axes), 0, -1))
        return block.reshape(len(block), *self.axes)

    @property
    def nbytes(self) -> int:
        """Bytes of data of a usable array."""
        assert self.dtype is not None
        return self.rows * self.width * self.dtype.itemsize

    @property
    def columns_apart(self) -> bool:
        """Whether a row's values do not lie together."""
        return (self.fortran or self.second_axis) and self.width > 1 and self.rows > 1

    def column(self, name: str) -> Column:
        """The array as a column; (n, 1) is the same as (n,)."""
        if self.dtype is None or self.unusable:
            return Column(name, "other", None, f"{self.descr} {self.shape}")
        kinds: dict[str, Kind] = {"b": "boolean", "i": "integer", "u": "integer", "f": "number"}
        kind = kinds.get(self.dtype.kind, "text")
        axes = self.axes if len(self.axes) > 1 else ()
        width = self.width if self.width > 1 or axes else None
        return Column(name, kind, width, self.dtype.name, axes)

    def details(self) -> dict[str, str]:
        """For `inspect`."""
        order = "Fortran" if self.fortran else "C"
        return {"dtype": self.descr, "shape": str(self.shape), "order": order}


def read_header(file: File, where: str) -> Header:
    """Read a header, leaving the file at the data. Raises DataError for a damaged one.

    An array that is sound but not one that lossctl can score has `unusable` set.
    """
    start = file.read(8) or b""
    if len(start) < 8 or not start.startswith(b"\x93NUMPY"):
        raise DataError(f"{where}: not an NPY array", "save it with numpy.save")
    version = (start[6], start[7])
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise DataError(f"{where}: NPY version {version[0]}.{version[1]} is unknown", _SAVE_AGAIN)
    field = 2 if version == (1, 0) else 4
    size = int.from_bytes(file.read(field) or b"", "little")
    if size > MAX_HEADER:
        raise DataError(
            f"{where}: the header has {size} bytes, more than the {MAX_HEADER} allowed", _SAVE_AGAIN
        )
    raw = file.read(size) or b""
    if len(raw) < size:
        raise DataError(f"{where}: cut short within the header", "copy it again")
    return _parse(raw.decode("latin-1"), 8 + field + size, where)


def _parse(text: str, start: int, where: str) -> Header:
    found: dict[str, re.Match[str]] = {}
    position = 1
    while text.startswith("{") and (match := _ENTRY.match(text, position)):
        if match["key"] in found:
            raise DataError(f"{where}: the header gives {match['key']} twice", _SAVE_AGAIN)
        found[match["key"]] = match
        position = match.end()
    sound = (
        len(found) == 3
        and text[position:].strip(" \n") == "}"
        and (found["descr"]["text"] or found["descr"]["fields"])
        and found["fortran_order"]["flag"]
        and found["shape"]["shape"] is not None
    )
    if not sound:
        raise DataError(
            f"{where}: the header is not one that NumPy writes: {quoted(text.strip(), 60)}",
            _SAVE_AGAIN,
        )
    descr = (found["descr"]["text"] or "")[1:-1] or found["descr"]["fields"]
    shape = tuple(int(number) for number in re.findall(r"\d+", found["shape"]["shape"]))
    fortran = found["fortran_order"]["flag"] == "True"
    dtype = np.dtype(descr) if _DTYPE.fullmatch(descr) else None
    return Header(descr, dtype, fortran, shape, start, _unusable(descr, dtype, shape))


def _unusable(descr: str, dtype: np.dtype[Any] | None, shape: tuple[int, ...]) -> str | None:
    """Why lossctl cannot score such an array, if it cannot."""
    if descr.startswith("["):
        return f"holds records (dtype {quoted(descr)}), which are not scored"
    if dtype is None:
        known = _KNOWN.match(descr)
        reason = _REFUSED[known[1] or known[2]] if known else "not a type that is read"
        return f"has dtype {quoted(descr)}: {reason}"
    if not 1 <= len(shape) <= 4:
        return f"has {len(shape)} dimensions; rows need one to four"
    if 0 in shape:
        return f"has shape {shape}: no rows" if shape[0] == 0 else f"has shape {shape}: no columns"
    return None


def laid_out(header: Header, layout: str, where: str) -> Header:
    """The header, with the rows on the second axis of three where the layout says so.

    Raises DataError for such an array in Fortran order.
    """
    if layout != "TBC" or len(header.shape) != 3:
        return header
    if header.fortran:
        raise DataError(f"{where} is in Fortran order, which --layout TBC does not read",
                        "save it in C order")  # fmt: skip
    return replace(header, second_axis=True)


def check_size(header: Header, size: int, where: str) -> None:
    """Raise DataError unless a usable array takes just the rest of `size` bytes."""
    claimed, held = header.nbytes, size - header.start
    if claimed == held:
        return
    says = f"{where}: shape {header.shape} of {header.descr} needs {claimed} bytes of data"
    if claimed > held:
        raise DataError(f"{says}, {max(held, 0)} are there", "copy or save it again")
    raise DataError(
        f"{says}, {held} are there: {held - claimed} more follow", "one array per file: save again"
    )


def blocks_of(file: File, header: Header, start: int, size: int, where: str) -> Iterator[Block]:
    """The rows of an array as stored, `size` at a time, each with its first row's number.

    The data begins at byte `start`, where a file that cannot seek stands already. Only Fortran
    order with several columns seeks.
    """
    assert header.dtype is not None
    for row in range(0, header.rows, size):
        count = min(size, header.rows - row)
        if header.columns_apart:
            # Of each slab (a column; a moment of all rows) the part that belongs to these rows.
            each = header.shape[2] if header.second_axis else 1
            slabs = np.empty((header.width // each, count * each), header.dtype)
            for slab in range(len(slabs)):
                first = (slab * header.rows + row) * each
                file.seek(start + first * header.dtype.itemsize)
                _fill(file, slabs[slab], row, header, where)
            if header.second_axis:
                yield row, slabs.reshape(-1, count, each).transpose(1, 0, 2)
            else:
                yield row, header.shaped(slabs.T)
            continue
        block = np.empty((count, header.width), header.dtype)
        _fill(file, block, row, header, where)
        yield row, header.shaped(block)


def _fill(file: File, target: NDArray[Any], row: int, header: Header, where: str) -> None:
    view = memoryview(cast(bytes, target.reshape(-1).view(np.uint8)))
    while view:
        count = file.readinto(view[:BLOCK])
        if not count:
            raise DataError(
                f"{where} is cut short after row {row} of {header.rows}", "copy it again"
            )
        view = view[count:]


def cells(block: Block, kind: As, where: str) -> Cells:
    """A block of an array as numbers or as text. Raises DataError for what is neither."""
    start, values = block
    if values.dtype.kind == "b":
        _check_booleans(values, start, where)
    if kind == "number":
        if values.dtype.kind in "US":
            raise DataError(f"{where} holds text, not numbers", "choose another array")
        return Cells(widened(values))
    if values.ndim > 1:
        raise DataError(
            f"{where} has {values[0].size} values per row, a text one", "choose another array"
        )
    from lossctl.readers import arrow

    if values.dtype.kind in "US":
        return Cells(arrow.strings(_strings(values, start, where)))
    return Cells(arrow.strings(arrow.written(values)))


def _check_booleans(values: NDArray[Any], start: int, where: str) -> None:
    stored = np.ascontiguousarray(values).view(np.uint8).reshape(len(values), -1)
    if stored.max() > 1:
        row, column = (int(index[0]) for index in np.nonzero(stored > 1))
        raise DataError(
            f"{where} row {start + row}: a bool is stored as {stored[row, column]}", _SAVE_AGAIN
        )


def _strings(values: NDArray[Any], start: int, where: str) -> list[str]:
    """Fixed-width text, each cell checked to be text."""
    native = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
    if values.dtype.kind == "S":
        try:
            return [cell.decode() for cell in native.tolist()]
        except UnicodeDecodeError as error:
            raise DataError(f"{where} holds bytes that are not UTF-8", _SAVE_AGAIN) from error
    codes = native.view(np.uint32).reshape(len(native), -1)
    bad = ((codes > 0x10FFFF) | ((codes >= 0xD800) & (codes < 0xE000))).any(axis=1)
    if bad.any():
        row = start + int(np.flatnonzero(bad)[0])
        raise DataError(f"{where} row {row}: a character outside Unicode", "save the text again")
    strings: list[str] = native.tolist()
    return strings


class NpySource:
    """One array: one column without a name, of width d where its shape is (n, d)."""

    format = "npy"

    def __init__(self, opened: Opened, layout: str = "BTC") -> None:
        """Read the header of an input. Raises DataError."""
        self.path = opened.path
        self._opened = opened
        self._seeks = opened.size is not None
        file = opened.random() if self._seeks else opened.forward()
        header = read_header(file, opened.name)
        if header.unusable:
            raise DataError(f"{opened.name} {header.unusable}", "save a numeric array of rows")
        header = laid_out(header, layout, opened.name)
        self._file: File = file
        self._start = header.start
        size = opened.size
        if size is None and (header.columns_apart or header.nbytes > _PIECE * header.rows):
            spooled = spool(file, opened.name)
            size = header.start + os.fstat(spooled.fileno()).st_size
            self._file, self._start, self._seeks = spooled, 0, True
        try:
            if size is not None:
                check_size(header, size, opened.name)
        except DataError:
            self._file.close()
            raise
        self._header = header
        self.columns: tuple[Column, ...] = (header.column(""),)
        self.rows: int | None = header.rows
        self.rereads = self._seeks
        self.details: Mapping[str, str] = header.details()

    def blocks(self, wanted: Sequence[Wanted], size: int) -> Iterator[Rows]:
        """See `Source`."""
        header, name = self._header, self._opened.name
        # What a pipe claims to hold may be a lie, so that little is asked of it at once.
        step = size if self._seeks else min(size, max(1, _PIECE * header.rows // header.nbytes))
        if self._seeks:
            self._file.seek(self._start)
        cutter = Rechunker(size)
        for block in blocks_of(self._file, header, self._start, step, name):
            found = [cells(block, want.kind, name) for want in wanted]
            yield from cutter.push(Rows(len(block[1]), found))
        yield from cutter.finish()
        if not self._seeks and self._file.read(1):
            raise DataError(
                f"{name}: more bytes follow the {header.rows} rows of the array",
                "one array per stream",
            )
        self._opened.verify()

    def close(self) -> None:
        """Release the file."""
        self._file.close()
        self._opened.close()
