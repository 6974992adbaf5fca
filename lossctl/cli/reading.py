"""Options that say how files are read, from their texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from lossctl.errors import UsageError
from lossctl.percent import fraction_of
from lossctl.plan import RoleInput, role_input
from lossctl.readers.source import ReadOptions

ALL_ROWS = 1 << 40


def read_options(
    input_format: str | None,
    encoding: str | None,
    delimiter: str | None,
    no_header: bool,
    layout: str = "BTC",
) -> ReadOptions:
    r"""The reading options; `\t` and `tab` mean a tab."""
    if delimiter == "":
        raise UsageError("-d is empty", "give a character, such as ';'")
    if encoding == "":
        raise UsageError("--encoding is empty", "name one, such as latin-1")
    if delimiter in ("\\t", "tab"):
        delimiter = "\t"
    if layout not in ("BTC", "TBC"):
        raise UsageError(f"--layout is {layout}", "it is one of BTC, TBC")
    return ReadOptions(
        format=input_format,
        encoding=encoding,
        delimiter=delimiter,
        header=not no_header,
        layout=layout,
    )


def keys_of(texts: Sequence[str], option: str = "--on") -> tuple[str, ...]:
    """`--on a,b --on c` as (a, b, c)."""
    keys = tuple(key.strip() for text in texts for key in text.split(","))
    if "" in keys:
        raise UsageError(f"{option} has an empty name", "separate names by single commas")
    return keys


def label_of(text: str | None) -> int | None:
    """The label that `--ignore-index` names."""
    if text is None or re.fullmatch(r"[+-]?\d+", text):
        return None if text is None else int(text)
    raise UsageError(
        f"--ignore-index is {text}, which is no whole number",
        f"--where 'label != {text}' leaves the rows of a class out by its name",
    )


def confidence_of(text: str) -> float:
    """The fraction that `--confidence` gives."""
    try:
        return fraction_of(text)
    except ValueError:
        raise UsageError(f"--confidence is {text}", "it is a share: 95% or 0.95") from None


def settings_of(**given: Any) -> tuple[tuple[str, Any], ...]:
    """The settings that options give to every loss that has them."""
    return tuple((name, value) for name, value in given.items() if value is not None)


def roles_of(texts: Sequence[str], class_weight: str | None) -> tuple[RoleInput, ...]:
    """The roles bound by hand."""
    roles = [role_input(text) for text in texts]
    if class_weight not in (None, "balanced"):
        roles.append(role_input(f"class_weight={class_weight}"))
    return tuple(roles)


def block_rows_of(text: str | None) -> int | None:
    """A number of rows, or `all`."""
    if text is None:
        return None
    if text == "all":
        return ALL_ROWS
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"--block-rows is {text}", "it is a whole number from 1 on, or all")
    return int(text)
