"""Opening an input once, by descriptor: regular files, pipes and standard input."""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeAlias, cast

from lossctl.errors import DataError, UsageError, quoted

Handle: TypeAlias = io.RawIOBase | io.BufferedIOBase

BLOCK = 1 << 20  # bytes per read
HEAD = 512  # bytes looked at to recognise a format
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(slots=True, eq=False)
class Opened:
    """An input that is open: a regular file (it can seek) or a pipe (it cannot).

    `head` is its first bytes, at most `HEAD`. `size` is None for a pipe.
    """

    path: str
    handle: Handle
    head: bytes
    before: os.stat_result | None  # of a regular file

    @property
    def name(self) -> str:
        """What messages call it."""
        return shown(self.path)

    @property
    def size(self) -> int | None:
        """Bytes of a regular file."""
        return None if self.before is None else self.before.st_size

    def forward(self) -> io.BufferedReader:
        """Its bytes from the first on; at their end the file must be as it was when opened."""
        return io.BufferedReader(_Forward(self), BLOCK)

    def random(self) -> io.BufferedReader:
        """A file that can seek, at its start; a pipe is copied to an unlinked temporary file."""
        if self.before is None:
            with self.forward() as pipe:
                spooled = spool(pipe, self.name)
            self.handle, self.before = spooled, os.fstat(spooled.fileno())
        self.handle.seek(0)
        return io.BufferedReader(cast(io.RawIOBase, self.handle))

    def verify(self) -> None:
        """Raise DataError if a regular file has changed since it was opened."""
        if self.before is None:
            return
        now = os.fstat(self.handle.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.before.st_size, self.before.st_mtime_ns):
            raise DataError(
                f"{self.name} changed while it was read ({self.before.st_size} bytes when opened,"
                f" {now.st_size} now)",
                "run again when nothing writes to it",
            )

    def close(self) -> None:
        """Release the file; standard input itself stays open."""
        if isinstance(self.handle, io.FileIO):
            self.handle.close()


def shown(path: str) -> str:
    """What messages call an input."""
    return "standard input" if path == "-" else path


def open_file(path: str) -> Opened:
    """Open a regular file, a FIFO or, for `-`, standard input.

    Raises UsageError for a URL or a terminal; DataError for whatever is missing, forbidden or
    not a file.
    """
    if path == "-":
        return _standard_input()
    if _URL.match(path):
        raise UsageError(f"{path} is a URL", "lossctl reads files only: download it first")
    if not path or "\0" in path:
        raise UsageError(f"{quoted(path)} is no path", "name a file, or - for standard input")
    try:
        # A device may act when it is opened, so that it is looked at before.
        _require_file(path, Path(path).stat().st_mode)
        handle = io.FileIO(path)
    except OSError as error:
        raise DataError(f"{path}: {_reason(error)}") from error
    try:
        return _opened(path, handle)
    except BaseException:
        handle.close()
        raise


def _standard_input() -> Opened:
    if sys.stdin is None:
        raise DataError("standard input is closed")
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):  # replaced by an object without a descriptor
        handle = cast(io.BufferedIOBase, sys.stdin.buffer)
        return Opened("-", handle, _fill(handle, "standard input"), None)
    if os.isatty(descriptor):
        raise UsageError("standard input is a terminal", "pipe data into it, or name a file")
    return _opened("-", io.FileIO(descriptor, closefd=False))


def _opened(path: str, handle: io.FileIO) -> Opened:
    """Note the state of a regular file that stands at its start; all else is read as a pipe."""
    name = shown(path)
    status = os.fstat(handle.fileno())
    if path != "-":
        _require_file(path, status.st_mode)
    elif stat.S_ISDIR(status.st_mode):
        raise DataError("standard input is a directory", "name a file")
    if not stat.S_ISREG(status.st_mode) or handle.tell() != 0:
        return Opened(path, handle, _fill(handle, name), None)
    head = _fill(handle, name)
    handle.seek(0)
    return Opened(path, handle, head, status)


def _require_file(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise DataError(f"{path} is a directory", "name a file")
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        kind = "a device" if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) else "not a file"
        raise DataError(f"{path} is {kind}", "name a file, a FIFO or - for standard input")


def _reason(error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "permission denied"
    return (error.strerror or str(error)).lower()


def _fill(handle: Handle, name: str) -> bytes:
    """The first `HEAD` bytes, or all where there are fewer (a pipe may give a few at a time)."""
    head = b""
    buffer = bytearray(HEAD)
    while len(head) < HEAD:
        count = _read_some(handle, memoryview(buffer)[: HEAD - len(head)], name)
        if not count:
            break
        head += buffer[:count]
    return head


def _read_some(handle: Handle, buffer: memoryview, name: str) -> int:
    try:
        return handle.readinto(buffer) or 0
    except OSError as error:
        raise DataError(f"{name} cannot be read: {_reason(error)}") from error


class _Forward(io.RawIOBase):
    """An input from its first byte to its last, once."""

    def __init__(self, opened: Opened) -> None:
        self._opened = opened
        self._head = opened.head if opened.before is None else b""
        if opened.before is not None:
            opened.handle.seek(0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # bytes-like in typeshed
        if self._head:
            count = min(len(buffer), len(self._head))
            buffer[:count] = self._head[:count]
            self._head = self._head[count:]
            return count
        count = _read_some(self._opened.handle, buffer, self._opened.name)
        if not count:
            self._opened.verify()
        return count

    def close(self) -> None:
        if not self.closed:
            self._opened.close()
        super().close()


class Gunzip(io.RawIOBase):
    """The content of a gzip stream: every member, each with its checksum verified.

    Memory is bounded by the reader's buffer, whatever the ratio. Raises DataError for a stream
    that is cut short, damaged, or followed by anything that is not gzip.
    """

    def __init__(self, source: io.BufferedReader, name: str) -> None:
        self._source = source
        self._name = name
        self._member = zlib.decompressobj(wbits=31)
        self._fresh = True  # no byte of this member has been read
        self._input = b""
        self._members = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # bytes-like in typeshed
        """Fill the buffer, or as much as there is."""
        filled = 0
        while filled < len(buffer):
            if self._member.eof:
                self._input = self._member.unused_data
                self._member = zlib.decompressobj(wbits=31)
                self._fresh = True
                self._members += 1
            if not self._input:
                self._input = self._source.read1(1 << 16)
                if not self._input:
                    if self._fresh:
                        break
                    raise DataError(
                        f"{self._name}: the gzip data is cut short", "copy or compress it again"
                    )
            self._fresh = False
            try:
                piece = self._member.decompress(self._input, len(buffer) - filled)
            except zlib.error as error:
                raise self._damaged(error) from error
            self._input = self._member.unconsumed_tail
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        return filled

    def _damaged(self, error: zlib.error) -> DataError:
        reason = str(error).rpartition(": ")[2]
        if self._members and "header" in reason:
            return DataError(
                f"{self._name}: bytes that are not gzip follow gzip member {self._members}",
                "compress it again",
            )
        return DataError(f"{self._name}: the gzip data is damaged ({reason})", "copy it again")

    def close(self) -> None:
        """Release the file below."""
        if not self.closed:
            self._source.close()
        super().close()


def spool(source: IO[bytes], name: str) -> io.FileIO:
    """Copy what is left of a stream to an unlinked temporary file.

    Raises DataError where the temporary directory has no room.
    """
    # Unbuffered, so that the handle can be shared; TemporaryFile is unlinked from the start.
    target = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  (outlives this)
    try:
        while block := source.read(BLOCK):
            view = memoryview(block)
            while view:
                view = view[target.write(view) :]
    except OSError as error:
        target.close()
        raise DataError(
            f"{name} does not fit into the temporary directory: {_reason(error)}",
            "set TMPDIR to one with room, or name a file instead of a pipe",
        ) from error
    except BaseException:
        target.close()
        raise
    target.seek(0)
    return target


def content(head: bytes) -> str | None:
    """What the first bytes of a file say that it is; None for text and the unknown.

    parquet, npy and npz are formats that lossctl reads; every other name is a key of `OTHER`.
    Signs that are plain letters count only where a byte follows that no text has.
    """
    if head.startswith(b"PAR1") and _binary(head[4:8]):
        return "parquet"
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return _zip_content(head)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    return "html" if start.startswith((b"<!doctype html", b"<html")) else None


def _binary(part: bytes) -> bool:
    return any(byte < 9 or 13 < byte < 32 or byte >= 127 for byte in part) or not part


def _zip_content(head: bytes) -> str:
    """An archive by the name of its first member."""
    first = head[30 : 30 + int.from_bytes(head[26:28], "little")] if len(head) > 30 else b""
    if first.startswith((b"[Content_Types]", b"_rels/", b"xl/", b"docProps/")):
        return "xlsx"
    return "npz" if first.endswith(b".npy") else "zip"


_MAGIC = (
    (b"\x93NUMPY", "npy"),
    (b"PARE", "encrypted"),
    (b"\x1f\x8b", "gzip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh1AY&SY", "bzip2"),
    *((b"BZh%d1AY&SY" % level, "bzip2") for level in range(2, 10)),
    (b"\xfd7zXZ\0", "xz"),
    (b"ARROW1\0", "arrow"),
    (b"%PDF-", "pdf"),
    (b"\x89PNG\r\n", "image"),
    (b"\xff\xd8\xff", "image"),
    (b"\x89HDF\r\n", "hdf5"),
    (b"SQLite format 3\0", "sqlite"),
    (b"\xd0\xcf\x11\xe0", "xls"),
    *((b"\x80" + bytes([protocol]), "pickle") for protocol in range(2, 6)),
    (b"version https://git-lfs.github.com/", "lfs"),
)

# What to call content that lossctl does not read, and what to do about it.
OTHER = {
    "encrypted": ("encrypted Parquet", "decrypt it first"),
    "arrow": ("an Arrow IPC (Feather) file", "convert it to Parquet"),
    "pdf": ("a PDF document", "export its table as CSV"),
    "image": ("an image", "name a file of predictions"),
    "hdf5": ("HDF5", "export the array as .npy, or the table as Parquet"),
    "sqlite": ("an SQLite database", "export the table as CSV"),
    "xlsx": ("an Excel workbook", "save it as CSV"),
    "xls": ("an old Office document", "save it as CSV"),
    "zip": ("a zip archive", "unpack it, and name a file of it"),
    "pickle": ("a Python pickle, which could run code", "save it as .npy, Parquet or CSV"),
    "lfs": ("a Git LFS pointer instead of the data", "git lfs pull"),
    "html": ("a web page", "download the data itself"),
}

# Compressed content, and the command that unpacks it.
UNPACK = {"gzip": "gzip -dc", "zstd": "zstd -dc", "bzip2": "bzip2 -dc", "xz": "xz -dc"}
