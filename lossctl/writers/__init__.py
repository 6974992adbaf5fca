"""Rows into files and pipes, block after block: one file per format."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lossctl.extras import Extra

FORMATS = ("tsv", "csv", "jsonl", "parquet")
SUFFIXES = {".parquet": "parquet", ".pq": "parquet"}  # beside those of reports


class Sink(Protocol):
    """Takes bytes."""

    def write(self, data: Any, /) -> Any: ...


class Writer(Protocol):
    """Takes blocks of the same columns."""

    def write(self, rows: Mapping[str, Extra]) -> None: ...


def writer(format: str, sink: Any) -> AbstractContextManager[Writer]:  # noqa: A002  the option's name
    """The writer of a format, which is done when it is left."""
    if format == "parquet":
        from lossctl.writers.parquet import Parquet

        return Parquet(sink)
    from lossctl.writers.lines import Lines

    return Lines(format, sink)


def suffix_format(path: str) -> str | None:
    """The format of rows alone that a file's suffix names; None where it names none."""
    from pathlib import PurePath

    return SUFFIXES.get(PurePath(path).suffix.lower())
