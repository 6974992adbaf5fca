"""Which units of two sequences a cheapest alignment pairs: what was written for what."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from lossctl.arrays import Ragged
from lossctl.edits import Form, Level, counted, edit_weights, units

Pair: TypeAlias = tuple[str | None, str | None]  # of the target, of the prediction; None: nothing

# Beyond so many cells a row is not aligned: a second or two of work.
PRODUCT = 1 << 28  # of all units by all units, in C++
BAND = 1 << 22  # near the diagonal, in Python


@dataclass(frozen=True, slots=True)
class Edits:
    """The edits of one row, as `edits.counts` counts them, and the pairs that differ."""

    substitutions: int
    insertions: int
    deletions: int
    pairs: tuple[Pair, ...]


SAME = Edits(0, 0, 0, ())


def edits_of(
    pred: Ragged,
    target: Ragged,
    *,
    level: Level = "auto",
    unicode: Form = "NFC",
    substitution_cost: int = 1,
) -> Iterator[Edits | None]:
    """The edits of each row; None for a row that is too long to be aligned.

    Of several alignments that cost the least and have the same counts, it is one that pairs
    units as late as it can. Raises DataError as `edits.distances` does.
    """
    left, right = units(pred, target, level, unicode)
    for ours, true in zip(left, right, strict=True):
        yield _row(ours, true, substitution_cost)


def _row(ours: Sequence[Hashable], true: Sequence[Hashable], cost: int) -> Edits | None:
    if ours == true:
        return SAME
    start, stop = 0, min(len(ours), len(true))
    while start < stop and ours[start] == true[start]:
        start += 1
    end = 0
    while end < stop - start and ours[-1 - end] == true[-1 - end]:
        end += 1
    ours, true = ours[start : len(ours) - end], true[start : len(true) - end]
    if len(ours) * len(true) > PRODUCT:
        return None
    codes: dict[Hashable, int] = {}
    left, right = ([codes.setdefault(unit, len(codes)) for unit in side] for side in (ours, true))
    found = counted(left, right, cost)
    if (len(right) + 1) * (found[1] + found[2] + 1) > BAND:
        return None
    steps = _steps(left, right, found, cost)
    return Edits(*found, tuple(_pairs(ours, true, steps)))


def _steps(
    ours: list[int], true: list[int], found: tuple[int, int, int], cost: int
) -> Iterator[tuple[int, int]]:
    """From the end: how many units of `true` and of `ours` each step takes.

    With I insertions and D deletions, unit i of `true` can only meet one of the units i - D to
    i + I of `ours`.
    """
    _, insertions, deletions = found
    moved, _, unlike = edit_weights(len(ours) + len(true) + 1, cost)
    width = insertions + deletions + 1
    far = moved * (len(ours) + len(true) + 1)
    before = [far] * (width + 1)
    taken: list[bytearray] = []
    for i in range(len(true) + 1):
        here, ways = [far] * (width + 1), bytearray(width)
        for place in range(max(0, deletions - i), min(width, len(ours) - i + deletions + 1)):
            j = i + place - deletions
            best, way = (0, 0) if i == j == 0 else (far, 0)
            if i and j:
                best = before[place] + (0 if ours[j - 1] == true[i - 1] else unlike)
            if i and before[place + 1] + moved < best:
                best, way = before[place + 1] + moved, 1
            if place and here[place - 1] + moved < best:
                best, way = here[place - 1] + moved, 2
            here[place], ways[place] = best, way
        taken.append(ways)
        before = here
    i, j = len(true), len(ours)
    while i or j:
        way = taken[i][j - i + deletions]
        step = (0 if way == 2 else 1, 0 if way == 1 else 1)
        i, j = i - step[0], j - step[1]
        yield step


def _pairs(
    ours: Sequence[Hashable], true: Sequence[Hashable], steps: Iterator[tuple[int, int]]
) -> Iterator[Pair]:
    """The pairs of unlike units, from the end."""
    i, j = len(true), len(ours)
    for down, along in steps:
        i, j = i - down, j - along
        if not along:
            yield _name(true[i]), None
        elif not down:
            yield None, _name(ours[j])
        elif ours[j] != true[i]:
            yield _name(true[i]), _name(ours[j])


def _name(unit: Hashable) -> str:
    """A character or word as it is, a number as short as it can be."""
    if isinstance(unit, float) and unit.is_integer():
        return str(int(unit))
    return str(unit)
