"""Edit distance between sequences: the fewest insertions, deletions and substitutions.

What is compared are units: the characters of texts, or tokens (the words of a text, of a list of
words, or numbers). RapidFuzz aligns them; see docs/adr/0010-rapidfuzz.md.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np

from lossctl.arrays import Array, Numbers, Ragged
from lossctl.errors import DataError
from lossctl.numerics import shared
from lossctl.sequences import SEPARATOR, is_text

Level: TypeAlias = Literal["auto", "char", "token"]
Form: TypeAlias = Literal["NFC", "NFKC", "none"]
Kind: TypeAlias = Literal["texts", "lists of words", "lists of numbers"]
Units: TypeAlias = Sequence[Sequence[Hashable]]

# Below these code points every text is its own normal form, and nothing combines.
_PLAIN = {"NFC": 0x300, "NFKC": 0xA0}


@shared
def distances(
    pred: Ragged,
    target: Ragged,
    *,
    level: Level = "auto",
    unicode: Form = "NFC",
    substitution_cost: int = 1,
) -> tuple[Array, Array, Array]:
    """The distance of each row, and how many units `pred` and `target` have there, each (n,).

    An insertion or deletion costs 1. `level` auto: characters of texts, tokens of lists. Texts are
    brought to a Unicode normal form first. Raises DataError where texts stand beside lists.
    """
    from rapidfuzz.distance.Levenshtein import distance

    left, right = _coded(*units(pred, target, level, unicode))
    weights = (1, 1, min(substitution_cost, 2))  # a deletion and an insertion replace any unit
    found = [distance(b, a, weights=weights) for a, b in zip(left, right, strict=True)]
    return (
        np.array(found, dtype=np.float64),
        np.array([len(row) for row in left], dtype=np.float64),
        np.array([len(row) for row in right], dtype=np.float64),
    )


def counts(
    pred: Numbers,
    target: Numbers,
    *,
    level: Level = "auto",
    unicode: Form = "NFC",
    substitution_cost: int = 1,
) -> tuple[int, int, int]:
    """Substitutions, insertions (units of `pred` that `target` lacks) and deletions of one row.

    They are those of a cheapest alignment; among several, of one with the fewest insertions and
    deletions, and then the fewest substitutions. So the counts are unique, if the alignment is not.
    """
    first, second = (Ragged(row, np.array([0, len(row)])) for row in (pred, target))
    (ours,), (true,) = _coded(*units(first, second, level, unicode))
    return counted(ours, true, substitution_cost)


def counted(ours: Sequence[Hashable], true: Sequence[Hashable], cost: int) -> tuple[int, int, int]:
    """The counts of one row, of units that compare as `distances` needs them."""
    from rapidfuzz.distance.Levenshtein import distance

    # One whole number holds cost, insertions and deletions, and substitutions, as digits.
    digit = len(ours) + len(true) + 1
    rest, substitutions = divmod(distance(true, ours, weights=edit_weights(digit, cost)), digit)
    moves, longer = rest % digit, len(ours) - len(true)
    return substitutions, (moves + longer) // 2, (moves - longer) // 2


def edit_weights(digit: int, cost: int) -> tuple[int, int, int]:
    """What an insertion, a deletion and a substitution cost, in whole numbers of three digits."""
    moved = digit * digit + digit
    return moved, moved, cost * digit * digit + 1


def units(pred: Ragged, target: Ragged, level: Level, form: Form) -> tuple[Units, Units]:
    """What is compared of each row: texts, of which it is the characters, or lists of tokens."""
    kinds: dict[str, Kind | None] = {"pred": _kind("pred", pred), "target": _kind("target", target)}
    known = {name: kind for name, kind in kinds.items() if kind is not None}
    if len(set(known.values())) > 1:
        said = ", ".join(f"{name} holds {kind}" for name, kind in known.items())
        raise DataError(f"{said}: they cannot be compared", "give both in the same form")
    kind: Kind = next(iter(known.values()), "texts")
    if level == "char" and kind != "texts":
        raise DataError(
            f"{' and '.join(known)} hold {kind}, which have no characters to compare",
            "level=token compares their members",
        )
    if kind == "texts" and level != "token":
        return _texts(pred, form), _texts(target, form)
    return _tokens(pred, kind, form), _tokens(target, kind, form)


def _coded(left: Units, right: Units) -> tuple[Units, Units]:
    """Tokens as numbers, as RapidFuzz compares anything else but characters by its hash."""
    codes: dict[Hashable, int] = {}
    found = (
        [
            row if isinstance(row, str) else [codes.setdefault(token, len(codes)) for token in row]
            for row in rows
        ]
        for rows in (left, right)
    )
    return next(found), next(found)


def _kind(role: str, column: Ragged) -> Kind | None:
    """What the rows of a column are; None where all are empty."""
    if not column.values.size:
        return None
    if not is_text(column):
        return "lists of numbers"
    marked = column.values == SEPARATOR
    if not marked.any():
        return "texts"
    starts = column.offsets[:-1][np.diff(column.offsets) > 0]
    if not marked[starts].all():
        raise DataError(f"{role} holds texts and lists of words", "make its rows alike")
    return "lists of words"


def _tokens(column: Ragged, kind: Kind, form: Form) -> Units:
    if kind == "texts":
        return [text.split() for text in _texts(column, form)]
    if kind == "lists of numbers":
        members: Sequence[Hashable] = column.values.tolist()
        offsets = column.offsets
    else:
        marks = np.flatnonzero(column.values == SEPARATOR)
        ends = np.append(marks, column.values.size)
        words = Ragged(np.delete(column.values, marks), ends - np.arange(ends.size))
        members = _texts(words, form)
        offsets = np.searchsorted(marks, column.offsets)
    return [members[start:stop] for start, stop in pairwise(offsets.tolist())]


def _texts(column: Ragged, form: Form) -> list[str]:
    points = column.values.astype("<u4", copy=False)
    whole = points.tobytes().decode("utf-32-le", "surrogatepass")
    texts = [whole[start:stop] for start, stop in pairwise(column.offsets.tolist())]
    if form == "none" or points.max(initial=0) < _PLAIN[form]:
        return texts
    return [unicodedata.normalize(form, text) for text in texts]
