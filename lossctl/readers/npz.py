"""NPZ archives: named arrays, each read from its zip member as a stream."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, cast

from lossctl.errors import DataError, LossctlError, quoted
from lossctl.readers.npy import (
    Block,
    File,
    Header,
    blocks_of,
    cells,
    check_size,
    laid_out,
    read_header,
)
from lossctl.readers.source import Column, ReadOptions, Rows, Wanted
from lossctl.readers.stream import Opened, spool

_SAVE_AGAIN = "save it again with numpy.savez"
_MAX_READ = 1 << 23  # bytes at once: of an archive's directory, some 80 000 members
_RATIO = 1000  # deflate reaches 1032; real arrays stay far below
_SMALL = 1 << 24  # bytes: below this, no ratio is a danger


class _Bounded:
    """The archive's file. zipfile reads a directory of any size in one go: not from here."""

    def __init__(self, file: File, name: str) -> None:
        self._file = file
        self._name = name

    def __getattr__(self, attribute: str) -> object:
        return getattr(self._file, attribute)

    def read(self, size: int = -1) -> bytes:
        data = b"" if size > _MAX_READ else self._file.read(size if size >= 0 else _MAX_READ + 1)
        if max(size, len(data or b"")) > _MAX_READ:
            raise DataError(f"{self._name} has too many members", _SAVE_AGAIN)
        return data or b""


@contextmanager
def _archive(where: str) -> Iterator[None]:
    """Turns whatever zipfile and zlib say of a damaged archive into a DataError."""
    try:
        yield
    except LossctlError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,  # also NotImplementedError: of a feature of zip
        OverflowError,
        KeyError,
    ) as error:
        reason = str(error).partition("\n")[0][:80] or type(error).__name__
        raise DataError(f"{where} is damaged ({reason})", "copy or save it again") from error


class NpzSource:
    """One column per array, under the array's name."""

    format = "npz"
    rereads = False

    def __init__(self, opened: Opened, options: ReadOptions) -> None:
        """Read the directory and each array's header. Raises DataError."""
        self.path = opened.path
        self._opened = opened
        self._file = opened.random()
        name = opened.name
        with _archive(name):
            self._zip = zipfile.ZipFile(cast(IO[bytes], _Bounded(self._file, name)))
        self._members = self._zip.infolist()
        _check_directory(self._members, name)
        self._headers: list[Header] = []
        self._layout = options.layout
        for member in self._members:
            _check_member(member, options.max_expansion, name)
            self._headers.append(self._header(member))
        unusable = [header.unusable for header in self._headers]
        if all(unusable):
            raise DataError(
                f"{self._where(self._members[0])} {unusable[0]}", "save numeric arrays of rows"
            )
        self.columns: tuple[Column, ...] = tuple(
            header.column(_array_name(member))
            for member, header in zip(self._members, self._headers, strict=True)
        )
        counts = {header.rows for header in self._headers if not header.unusable}
        self.rows = counts.pop() if len(counts) == 1 else None
        packed = any(member.compress_type != zipfile.ZIP_STORED for member in self._members)
        self.details: Mapping[str, str] = {
            "compression": "deflate" if packed else "none",
            "arrays": ", ".join(
                f"{column.name} {header.descr} {header.shape}"
                for column, header in zip(self.columns, self._headers, strict=True)
            ),
        }

    def _where(self, member: zipfile.ZipInfo) -> str:
        return f"{self._opened.name} array {quoted(_array_name(member))}"

    def _header(self, member: zipfile.ZipInfo) -> Header:
        where = self._where(member)
        with _archive(where), self._zip.open(member) as file:
            header = read_header(cast(File, file), where)
        if header.unusable:
            return header
        check_size(header, member.file_size, where)
        return laid_out(header, self._layout, where)

    def blocks(self, wanted: Sequence[Wanted], size: int) -> Iterator[Rows]:
        """See `Source`. Arrays of unlike lengths cannot be read together."""
        used = list(dict.fromkeys(want.index for want in wanted))
        for index in used:
            if reason := self._headers[index].unusable:
                raise DataError(
                    f"{self._where(self._members[index])} {reason}", "choose another array"
                )
        lengths = {self._headers[index].rows: index for index in used}
        if len(lengths) > 1:
            (rows, first), (other, second) = list(lengths.items())[:2]
            raise DataError(
                f"{self._where(self._members[first])} has {rows} rows,"
                f" {quoted(_array_name(self._members[second]))} has {other}",
                "read arrays of one length together",
            )
        streams = [self._stream(index, size) for index in used]
        for blocks in zip(*streams, strict=True):
            by_index = dict(zip(used, blocks, strict=True))
            found = [
                cells(by_index[want.index], want.kind, self._where(self._members[want.index]))
                for want in wanted
            ]
            yield Rows(len(blocks[0][1]), found)
        self._opened.verify()

    def _stream(self, index: int, size: int) -> Iterator[Block]:
        """One array's blocks; after the last of them its checksum is known to be right."""
        member, header = self._members[index], self._headers[index]
        where = self._where(member)
        with _archive(where), self._zip.open(member) as packed:
            file = cast(File, packed)
            header = laid_out(read_header(file, where), self._layout, where)
            if header.columns_apart:
                with spool(packed, where) as spooled:
                    yield from blocks_of(spooled, header, 0, size, where)
            else:
                yield from blocks_of(file, header, header.start, size, where)
                packed.read(1)  # zipfile compares the checksum at the end

    def close(self) -> None:
        """Release the file."""
        self._zip.close()
        self._file.close()
        self._opened.close()


def _array_name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(".npy")


def _check_directory(members: Sequence[zipfile.ZipInfo], name: str) -> None:
    """Raise DataError unless every member is one array, and no two share a name or bytes."""
    if not members:
        raise DataError(f"{name} holds no arrays", _SAVE_AGAIN)
    seen: set[str] = set()
    end = -1
    for member in sorted(members, key=lambda member: member.header_offset):
        shown = quoted(member.filename)
        if not member.filename.endswith(".npy"):
            raise DataError(
                f"{name} holds {quoted(member.filename)}, which is no array", _SAVE_AGAIN
            )
        if _leads_out(member):
            raise DataError(f"{name}: the name {shown} leads out of the archive", _SAVE_AGAIN)
        if member.filename in seen:
            raise DataError(f"{name} holds {shown} twice", _SAVE_AGAIN)
        if member.header_offset < end:
            raise DataError(f"{name}: {shown} overlaps another member", _SAVE_AGAIN)
        seen.add(member.filename)
        end = member.header_offset + member.compress_size


def _leads_out(member: zipfile.ZipInfo) -> bool:
    """Names are only ever shown, never used as paths; one like this was made to do harm."""
    name = member.orig_filename
    absolute = name.startswith("/") or re.match(r"[A-Za-z]:", name) is not None
    return absolute or "\\" in name or "\0" in name or ".." in name.split("/")


def _check_member(member: zipfile.ZipInfo, limit: int, name: str) -> None:
    where = f"{name} array {quoted(_array_name(member))}"
    if stat.S_ISLNK(member.external_attr >> 16):
        raise DataError(f"{where} is a symbolic link", _SAVE_AGAIN)
    if member.flag_bits & 0x41:
        raise DataError(f"{where} is encrypted", _SAVE_AGAIN)
    if member.compress_type == zipfile.ZIP_STORED:
        return
    if member.compress_type != zipfile.ZIP_DEFLATED:
        raise DataError(
            f"{where} is compressed by method {member.compress_type}, not by deflate", _SAVE_AGAIN
        )
    size, packed = member.file_size, member.compress_size
    if size > limit:
        raise DataError(
            f"{where} unpacks to {size} bytes, more than max_expansion ({limit}) allows",
            "save it uncompressed (numpy.savez)",
        )
    if size > _SMALL and size > _RATIO * packed:
        raise DataError(
            f"{where} unpacks from {packed} to {size} bytes, more than {_RATIO} times its size",
            "save it uncompressed (numpy.savez)",
        )
