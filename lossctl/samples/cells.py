"""Columns of cells that are numbers, whole numbers, texts, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lossctl.arrays import Integers, Numbers, Ragged, offsets_of
from lossctl.extras import Extra


def number(values: Numbers) -> Extra:
    """Numbers, of which NaN is no value."""
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=bool)
    return Extra(values, missing)


def texts(names: Sequence[str], which: Integers) -> Extra:
    """One of a few texts a row."""
    rows = [np.frombuffer(name.encode("utf-8", "replace"), dtype=np.uint8) for name in names]
    few = Ragged(np.concatenate([*rows, np.empty(0, np.uint8)]), offsets_of([len(r) for r in rows]))
    return Extra(few.take(np.asarray(which)), np.zeros(len(which), dtype=bool))


def plain(values: Sequence[Any]) -> Extra:
    """Any values: numbers where all are, or texts; None is no value."""
    missing = np.array([value is None for value in values], dtype=bool)
    held = [value for value in values if value is not None]
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in held):
        whole = all(isinstance(value, int) and abs(value) < 1 << 62 for value in held)
        kind = np.int64 if whole and held else np.float64
        return Extra(np.array([0 if v is None else v for v in values], dtype=kind), missing)
    written = ["" if value is None else _text(value) for value in values]
    return Extra(texts(written, np.arange(len(written))).values, missing)


def _text(value: Any) -> str:
    """A value as a text; of a list its parts, in brackets."""
    if isinstance(value, list | tuple):
        return "[" + " ".join(map(_text, value)) + "]"
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return str(value)
