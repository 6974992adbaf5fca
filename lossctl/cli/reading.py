"""Options that say how files are read, from their texts."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.errors import UsageError
from lossctl.readers.source import ReadOptions

ALL_ROWS = 1 << 40


def read_options(
    input_format: str | None, encoding: str | None, delimiter: str | None, no_header: bool
) -> ReadOptions:
    r"""The reading options; `\t` and `tab` mean a tab."""
    if delimiter == "":
        raise UsageError("-d is empty", "give a character, such as ';'")
    if delimiter in ("\\t", "tab"):
        delimiter = "\t"
    return ReadOptions(
        format=input_format, encoding=encoding, delimiter=delimiter, header=not no_header
    )


def keys_of(texts: Sequence[str]) -> tuple[str, ...]:
    """`--on a,b --on c` as (a, b, c)."""
    keys = tuple(key.strip() for text in texts for key in text.split(","))
    if "" in keys:
        raise UsageError("--on has an empty key", "name one or more columns")
    return keys


def block_rows_of(text: str | None) -> int | None:
    """A number of rows, or `all`."""
    if text is None:
        return None
    if text == "all":
        return ALL_ROWS
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"--block-rows is {text}", "it is a whole number from 1 on, or all")
    return int(text)
