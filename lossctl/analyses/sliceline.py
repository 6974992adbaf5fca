"""SliceLine: which slices of one or two conditions are both bad and large.

Sagadeeva and Boehm (SIGMOD 2021): score = alpha (mean of S / mean - 1) - (1 - alpha) (n / |S| - 1).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lossctl.exact import Exact, ratio

ALPHA = 0.95
LEAST = 32  # rows of a slice
TENTH = 0.1  # above average, what a small slice is at least

Conditions: TypeAlias = tuple[tuple[int, int], ...]  # column and code, by column


@dataclass(frozen=True, slots=True)
class Sized:
    """The exact sums of a slice, or of all rows: mean a / b."""

    rows: int
    a: Exact
    b: Exact


@dataclass(frozen=True, slots=True)
class Candidate:
    """A slice and its score."""

    conditions: Conditions
    score: float
    sums: Sized


def support(rows: int) -> int:
    """How many rows a slice must have: a hundredth, and no less than LEAST."""
    return max(LEAST, -(-rows // 100))


def score(part: Sized, whole: Sized, alpha: float = ALPHA) -> float:
    """SliceLine's score of a slice; more than 0 where it is worse than it is small."""
    worse = ratio(part.a * whole.b, part.b * whole.a) - 1.0
    return alpha * worse - (1.0 - alpha) * (whole.rows / part.rows - 1.0)


def candidates(
    slices: Mapping[Conditions, Sized], whole: Sized, least: int, alpha: float = ALPHA
) -> list[Candidate]:
    """The slices of enough rows that score above 0, the highest first; of equal scores the fewer
    conditions, then the earlier columns."""
    if whole.a <= 0 or whole.b <= 0:
        return []
    found = [
        Candidate(conditions, score(one, whole, alpha), one)
        for conditions, one in slices.items()
        if one.rows >= least and one.b > 0
    ]
    found = [one for one in found if one.score > 0.0]
    return sorted(found, key=lambda one: (-one.score, len(one.conditions), one.conditions))


def telling(
    found: Sequence[Candidate], slices: Mapping[Conditions, Sized], whole: Sized, most: int
) -> list[Candidate]:
    """The first `most` candidates, without those whose rows an earlier one already is, and pairs
    that score no more than one of their conditions alone."""
    kept: list[Candidate] = []
    for one in found:
        if len(kept) == most:
            break
        if any(one.sums == other.sums for other in kept):
            continue
        parents = [slices[(condition,)] for condition in one.conditions if (condition,) in slices]
        alone = [score(parent, whole) for parent in parents if parent.b > 0]
        if len(one.conditions) == 1 or all(one.score > other for other in alone):
            kept.append(one)
    return kept


def apart(
    places: Iterable[int],
    masks: Mapping[int, Sized],
    whole: Sized,
    least: int,
    most: int,
    small: Container[int] = (),
) -> list[int]:
    """The first `most` places of candidates that still score above 0, and have enough rows, without
    the rows of those before them.

    `masks` are the rows by the set of candidates that they are in: bit i is candidate i. Of the
    `small` ones size costs nothing, but they must be a tenth above average.
    """
    kept: list[int] = []
    taken = 0
    for place in places:
        left = [one for mask, one in masks.items() if mask >> place & 1 and not mask & taken]
        rest = Sized(*(sum(getattr(one, name) for one in left) for name in ("rows", "a", "b")))
        if rest.b <= 0:
            continue
        if place in small:
            stays = rest.rows >= LEAST and score(rest, whole, 1.0) >= TENTH
        else:
            stays = rest.rows >= least and score(rest, whole) > 0.0
        if stays:
            kept.append(place)
            taken |= 1 << place
        if len(kept) == most:
            break
    return kept
