"""Slices that are surely worse than all other rows, however small a part of them they are.

SliceLine's price of size, 0.05 (n / |S| - 1), shuts out what is surely bad in a small part of very
many rows. These are chosen by Welch's t against all other rows instead.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from statistics import NormalDist

from lossctl.analyses.contrast import gap, rest
from lossctl.analyses.sliceline import LEAST, Candidate, Conditions, Sized, score
from lossctl.states import SumsState, merged

TAIL = 0.00135  # beyond 3 standard errors; Bonferroni divides it
DOUBT = 2.0  # standard errors below which one mean is no larger than another
WORSE = (11, 10)  # how many times the mean elsewhere the mean is at least


def finite(sums: SumsState) -> SumsState:
    """The sums of the rows that are finite alone."""
    return replace(sums, count=sums.count - sums.infinite, infinite=0) if sums.infinite else sums


def sized(sums: SumsState) -> Sized:
    """What SliceLine scores of some rows."""
    return Sized(sums.count, sums.a, sums.b)


def apart(part: SumsState, others: SumsState) -> float:
    """How many standard errors the mean a / b of some rows is above that of others; -inf where it
    cannot be told."""
    found = gap(part, others)
    if found is None:
        return -math.inf
    above, error = found[0], math.hypot(*found[1:])
    if error == 0.0:
        return math.copysign(math.inf, above) if above else 0.0
    return above / error


def standouts(slices: Mapping[Conditions, SumsState], whole: SumsState) -> list[Candidate]:
    """The slices that stand out after Bonferroni over all of enough rows, the surest first."""
    found: list[tuple[float, Candidate]] = []
    least = floor(slices)
    for conditions, one in slices.items():
        if one.count < LEAST:
            continue
        others = rest(whole, one)
        if _larger(one, others) and (t := apart(one, others)) >= least:
            found.append((t, candidate(conditions, one, whole)))
    found.sort(key=lambda pair: (-pair[0], len(pair[1].conditions), pair[1].conditions))
    return [one for _, one in found]


def candidate(conditions: Conditions, one: SumsState, whole: SumsState) -> Candidate:
    """A slice with SliceLine's score."""
    return Candidate(conditions, score(sized(one), sized(whole)), sized(one))


def floor(slices: Mapping[Conditions, SumsState]) -> float:
    """The standard errors that one of so many slices must be above."""
    tested = sum(one.count >= LEAST for one in slices.values())
    return -NormalDist().inv_cdf(TAIL / max(tested, 1))


def narrowed(
    one: Candidate, slices: Mapping[Conditions, SumsState], whole: SumsState
) -> list[Candidate]:
    """The pairs that a slice of one condition is bad for, the surest first, where without them it
    is no worse than elsewhere; else the slice itself."""
    if len(one.conditions) > 1:
        return [one]
    parent = slices[one.conditions]
    outside = rest(whole, parent)
    by_column: dict[int, list[tuple[Conditions, SumsState]]] = {}
    for conditions, child in slices.items():
        if len(conditions) == 2 and one.conditions[0] in conditions:
            column = next(c for c in conditions if c != one.conditions[0])[0]
            by_column.setdefault(column, []).append((conditions, child))
    best, surest = [one], floor(slices)
    for children in by_column.values():
        bad = [
            (conditions, child)
            for conditions, child in children
            if child.count >= LEAST and child.a * parent.b > parent.a * child.b
        ]
        if not bad:
            continue
        worse = merged((child for _, child in bad), moments=True)
        others = rest(parent, worse)
        t = apart(worse, others)
        if others.count < LEAST or t < surest:
            continue
        if _larger(others, outside) and apart(others, outside) > DOUBT:
            continue
        surest = t
        bad.sort(key=lambda pair: -apart(pair[1], rest(whole, pair[1])))
        best = [candidate(conditions, child, whole) for conditions, child in bad]
    return best


def _larger(part: SumsState, others: SumsState) -> bool:
    """Whether the mean of some rows is at least WORSE times that of others."""
    if part.b <= 0 or others.b <= 0:
        return False
    return WORSE[1] * part.a * others.b >= WORSE[0] * others.a * part.b
