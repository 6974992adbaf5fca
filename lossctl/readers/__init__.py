"""Reading files: `open_source` finds the format, checks it against the content, and opens."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import BinaryIO

from lossctl.errors import DataError, UsageError, quoted
from lossctl.readers.source import ReadOptions, Source
from lossctl.readers.stream import (
    BLOCK,
    HEAD,
    OTHER,
    UNPACK,
    Gunzip,
    Opened,
    content,
    open_file,
)

FORMATS = ("csv", "tsv", "parquet", "npy", "npz", "jsonl")
_SUFFIXES = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".npy": "npy",
    ".npz": "npz",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
}
_COMPRESSED = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
_BINARY = {"parquet": "Parquet", "npy": "an NPY array", "npz": "an NPZ archive"}


def open_source(path: str, options: ReadOptions) -> Source:
    """Open a file, a FIFO or, for `-`, standard input, and read what it says of its columns.

    The format is `options.format`, else the suffix's, else the content's; content of another
    format is refused. Raises DataError or UsageError.
    """
    if options.format is not None and options.format not in FORMATS:
        raise UsageError(
            f"unknown input format {quoted(options.format)}", f"one of {', '.join(FORMATS)}"
        )
    opened = open_file(path)
    try:
        return _source(opened, options)
    except BaseException:
        opened.close()
        raise


def _source(opened: Opened, options: ReadOptions) -> Source:
    if not opened.head:
        raise DataError(f"{opened.name} is empty (0 bytes)", "check what wrote it")
    suffix, packed = _suffixes(opened.path)
    declared = options.format or _SUFFIXES.get(suffix)
    head, found = opened.head, content(opened.head)
    if packed and found != packed:
        raise DataError(
            f"{opened.name} does not hold the {packed} data that its name says", "rename it"
        )
    if found in UNPACK and (found != "gzip" or declared in _BINARY):
        raise DataError(
            f"{opened.name} is compressed with {found}",
            f"unpack it: {UNPACK[found]} FILE | lossctl ... -",
        )
    if found != "gzip":
        form = _form(opened.name, declared, suffix, options, head, found)
        return _binary(opened, form, options) or _text(
            opened.forward(), opened, form, options, None
        )
    stream = io.BufferedReader(Gunzip(opened.forward(), opened.name), BLOCK)
    head = stream.peek(HEAD)[:HEAD]
    if not head:
        raise DataError(f"{opened.name} is empty (gzip data of 0 bytes)", "check what wrote it")
    found = content(head)
    if found in UNPACK:
        raise DataError(f"{opened.name} is compressed twice ({found} in gzip)", "unpack it once")
    form = _form(opened.name, declared, suffix, options, head, found)
    if form in _BINARY:
        raise DataError(
            f"{opened.name} holds {_BINARY[form]} in gzip",
            "unpack it: gzip -dc FILE | lossctl ... -",
        )
    return _text(stream, opened, form, options, "gzip")


def _suffixes(path: str) -> tuple[str, str | None]:
    """The suffix that names the format, and the compression that the last one names."""
    if path == "-":
        return "", None
    name = PurePath(path)
    packed = _COMPRESSED.get(name.suffix.lower())
    return (PurePath(name.stem) if packed else name).suffix.lower(), packed


def _form(
    name: str,
    declared: str | None,
    suffix: str,
    options: ReadOptions,
    head: bytes,
    found: str | None,
) -> str:
    """The format to read, once name or option and content agree."""
    form = declared or (found if found in _BINARY else None)
    if found == "zip" and form == "npz":
        return "npz"  # whose reader says which member is no array
    if found in OTHER:
        what, remedy = OTHER[found]
        raise DataError(f"{_claim(name, suffix, options)} holds {what}", remedy)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if form is None:
        return "jsonl" if start.startswith(b"{") else "csv"
    if found is not None and found != form:
        raise DataError(
            f"{_claim(name, suffix, options)} holds {_BINARY[found]}",
            f"--input-format {found}, or rename it",
        )
    if form in _BINARY and found is None:
        # The reader of Parquet says more of a file that only begins well.
        if form == "parquet" and head.startswith(b"PAR1"):
            return form
        raise DataError(
            f"{_claim(name, suffix, options)} does not hold {_BINARY[form]};"
            f" it begins {quoted(head[:16].decode('latin-1'))}",
            "give its real format with --input-format",
        )
    if form in ("csv", "tsv") and start.startswith(b'{"'):
        raise DataError(
            f"{_claim(name, suffix, options)} holds JSON lines",
            "--input-format jsonl, or rename it",
        )
    return form


def _claim(name: str, suffix: str, options: ReadOptions) -> str:
    if options.format:
        return f"{name}, to be read as {options.format},"
    return f"{name} is named {suffix} but" if suffix in _SUFFIXES else name


def _binary(opened: Opened, form: str, options: ReadOptions) -> Source | None:
    # Each reader loads its library, so that it is imported only for its own files.
    if form == "parquet":
        from lossctl.readers.parquet import ParquetSource

        return ParquetSource(opened, options)
    if form == "npy":
        from lossctl.readers.npy import NpySource

        return NpySource(opened, options.layout)
    if form == "npz":
        from lossctl.readers.npz import NpzSource

        return NpzSource(opened, options)
    return None


def _text(
    stream: BinaryIO,
    opened: Opened,
    form: str,
    options: ReadOptions,
    compression: str | None,
) -> Source:
    if form == "jsonl":
        from lossctl.readers.jsonl import JsonlSource

        return JsonlSource(stream, opened.path, options, compression)
    from lossctl.readers.csv import open_csv
    from lossctl.readers.csv_encoding import Bytes

    data: Bytes = stream
    if compression and options.threads > 1 and opened.size is not None:
        from lossctl.readers.ahead import ReadAhead

        data = ReadAhead(stream)
    delimiter = options.delimiter or ("\t" if form == "tsv" else ",")
    try:
        return open_csv(data, opened.path, options, delimiter=delimiter, compression=compression)
    except BaseException:
        data.close()
        raise
