"""Sequences as ragged rows: texts as code points, lists of words, lists of numbers.

A text is its code points as uint32. In a list of words each word follows `SEPARATOR`, which is
no code point; so a word and a list of that one word differ, and an empty list is an empty row.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from lossctl.arrays import Numbers, Ragged, offsets_of

SEPARATOR = 0x110000  # one past the last code point


def encode(rows: Iterable[str | list[str]]) -> Ragged:
    """Texts, or lists of words, as one ragged column."""
    parts = [_encoded(row) for row in rows]
    values = np.concatenate(parts) if parts else np.empty(0, dtype=np.uint32)
    return Ragged(values, offsets_of([part.size for part in parts]))


def _encoded(row: str | list[str]) -> Numbers:
    if isinstance(row, str):
        return _points(row)
    mark = np.array([SEPARATOR], dtype=np.uint32)
    parts = [part for word in row for part in (mark, _points(word))]
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.uint32)


def _points(text: str) -> Numbers:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint32)


def is_text(column: Ragged) -> bool:
    """Whether a ragged column holds texts or words, and not numbers."""
    return column.values.dtype == np.uint32


def decode(row: Numbers) -> str | list[str]:
    """One row of `encode`: its text, or its words."""
    if row.size and row[0] == SEPARATOR:
        places = np.flatnonzero(row == SEPARATOR)
        ends = [*places[1:].tolist(), row.size]
        pairs = zip(places.tolist(), ends, strict=True)
        return [_text(row[start + 1 : stop]) for start, stop in pairs]
    return _text(row)


def _text(points: Numbers) -> str:
    return points.astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
