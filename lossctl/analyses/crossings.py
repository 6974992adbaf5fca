"""Two curves of thresholds: which is the lower one everywhere, and where they cross.

Their difference is given as exact integers, so that "everywhere" has no slack for rounding.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Array, Integers, Mask

Side: TypeAlias = Literal["first", "second"]
Verdict: TypeAlias = Literal["first", "second", "neither", "alike"]
Wholes: TypeAlias = NDArray[Any]  # exact: int64, or Python's integers where these are too small
Values: TypeAlias = Callable[[Array, Mask], tuple[Array, Array]]

DRAWN = 128  # points of a curve
MOST = 16  # crossings, and leads, that are told


@dataclass(frozen=True, slots=True)
class Crossing:
    """Where one ceases to be ahead and the other begins: both curves' values there."""

    at: float
    first: float
    second: float
    then: Side


@dataclass(frozen=True, slots=True)
class Lead:
    """Between `low` and `high` one is ahead; most from `at` up to `until`, with these values."""

    ahead: Side
    low: float
    high: float
    at: float
    until: float
    first: float
    second: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Of two curves. `turns`: how often the lead changes; of the changes and the leads the largest
    MOST are told, by threshold. `at`, `first` and `second` are points for a drawing."""

    verdict: Verdict
    turns: int
    crossings: tuple[Crossing, ...]
    leads: tuple[Lead, ...]
    at: tuple[float, ...]
    first: tuple[float, ...]
    second: tuple[float, ...]


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Who is ahead on all of several curves."""
    found = set(verdicts) - {"alike"}
    return "alike" if not found else found.pop() if len(found) == 1 else "neither"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Where one is ahead, and where most: `below` means there the limit from below."""

    ahead: Side
    low: float
    high: float
    at: float
    until: float
    below: bool


@dataclass(frozen=True, slots=True)
class Trace:
    """What a difference tells; `places` are thresholds for a drawing."""

    verdict: Verdict
    turns: int
    crossings: tuple[tuple[float, Side], ...]
    leads: tuple[Stretch, ...]
    places: Array

    @property
    def asked(self) -> tuple[Array, Mask]:
        """Where the curves' values are wanted, and at which of these as limits from below."""
        leads = [one.at for one in self.leads]
        at = np.concatenate([self.places, [at for at, _ in self.crossings], leads])
        below = np.zeros(at.size, dtype=bool)
        below[at.size - len(leads) :] = [one.below for one in self.leads]
        return at, below

    def told(self, values: Values) -> Comparison:
        """With the curves' values."""
        first, second = (one.tolist() for one in values(*self.asked))
        drawn, turned = self.places.size, self.places.size + len(self.crossings)
        return Comparison(
            self.verdict,
            self.turns,
            tuple(
                Crossing(at, first[place], second[place], then)
                for place, (at, then) in enumerate(self.crossings, drawn)
            ),
            tuple(
                Lead(one.ahead, one.low, one.high, one.at, one.until, first[place], second[place])
                for place, one in enumerate(self.leads, turned)
            ),
            tuple(self.places.tolist()),
            tuple(first[:drawn]),
            tuple(second[:drawn]),
        )


def known_at(edges: Array, first: Array, second: Array, *, steps: bool) -> Values:
    """Two curves, known at the edges, at any threshold: steps, or straight lines between."""

    def values(at: Array, below: Mask) -> tuple[Array, Array]:
        if steps:
            places = np.searchsorted(edges, at, side="right") - 1
            return first[places], second[places]
        return np.interp(at, edges, first), np.interp(at, edges, second)

    return values


def difference(first: Iterable[int], second: Iterable[int]) -> Wholes:
    """Second - first, of Python's integers."""
    return np.array([b - a for a, b in zip(first, second, strict=True)], dtype=object)


def traced(at: Array, starts: Wholes, ends: Wholes | None = None) -> Trace:
    """What the difference second - first of two curves tells, the lower of which is the better.

    `at`, (m,), ascending, are the thresholds. From each to the next the difference goes along a
    straight line, from `starts`, (m,), to `ends`, (m - 1,); it stays what it is without `ends`.
    The last start is 0.
    """
    steps = ends is None
    if ends is None:
        ends = starts[:-1]
    passed = np.empty(2 * at.size - 1, dtype=starts.dtype if starts.dtype == ends.dtype else object)
    passed[0::2], passed[1::2] = starts, ends
    signs = (passed > 0).astype(np.int8) - (passed < 0).astype(np.int8)
    led = np.flatnonzero(signs)
    places = at[drawn_at(at.size)]
    if not led.size:
        return Trace("alike", 0, (), (), places)
    turned = np.flatnonzero(np.diff(signs[led])) + 1
    begins, finishes = led[np.r_[0, turned]], led[np.r_[turned - 1, led.size - 1]]
    gaps = np.maximum.reduceat(np.abs(passed), begins).tolist()
    meant: list[Verdict] = ["second", "neither", "first"]
    verdict = meant[1 if turned.size else 1 + int(signs[led[0]])]
    line = _Line(at, passed, steps)
    # A change is as large as the smaller of the leads between which it is.
    changes = _largest([min(gaps[run - 1], gaps[run]) for run in range(1, len(gaps))])
    return Trace(
        verdict,
        int(turned.size),
        tuple((line.left(begins[run + 1]), _side(signs[begins[run + 1]])) for run in changes),
        tuple(
            line.stretch(_side(signs[begins[run]]), int(begins[run]), int(finishes[run]), gaps[run])
            for run in _largest(gaps)
        ),
        places,
    )


def drawn_at(count: int, most: int = DRAWN) -> Integers:
    """`most` of so many places, evenly, with the first and the last."""
    if count <= most:
        return np.arange(count)
    return np.arange(most) * (count - 1) // (most - 1)


def _largest(sizes: list[Any]) -> list[int]:
    """The places of the MOST largest, in order."""
    ranked = sorted(range(len(sizes)), key=lambda place: (-sizes[place], place))
    return sorted(ranked[:MOST])


def _side(sign: Any) -> Side:
    return "first" if sign > 0 else "second"


@dataclass(frozen=True, slots=True)
class _Line:
    """The difference at the start and before the end of each piece, in turn."""

    at: Array
    passed: Wholes
    steps: bool

    def left(self, place: Any) -> float:
        """Where a lead begins whose first place this is."""
        piece, end = divmod(int(place), 2)
        return self._root(piece) if end else float(self.at[piece])

    def right(self, place: int) -> float:
        """Where a lead ends whose last place this is."""
        piece, end = divmod(place, 2)
        if end:
            return float(self.at[piece + 1])
        return float(self.at[piece]) if piece == self.at.size - 1 else self._root(piece)

    def _root(self, piece: int) -> float:
        """Where a piece is 0 that is at most at one of its ends, or of two signs."""
        start, end = int(self.passed[2 * piece]), int(self.passed[2 * piece + 1])
        low, high = float(self.at[piece]), float(self.at[piece + 1])
        part = start / (start - end)
        return low * (1.0 - part) + high * part

    def stretch(self, ahead: Side, begin: int, finish: int, gap: Any) -> Stretch:
        """The lead from one place to another, which is somewhere as large as `gap`."""
        run = np.abs(self.passed[begin : finish + 1])
        piece, end = divmod(begin + int(np.argmax(run == gap)), 2)
        at = float(self.at[piece + end])
        until = float(self.at[min(piece + 1, self.at.size - 1)]) if self.steps else at
        return Stretch(ahead, self.left(begin), self.right(finish), at, until, bool(end))


# --- integers for all thresholds --------------------------------------------------------------

_SPARE = 24  # bits: of the sum over FULL rows of two models, and of a difference


def wholes(values: Array) -> Wholes:
    """Finite `values`, (n,), as integers that count one power of two: int64 where sums of them
    stay within it, else Python's."""
    parts, exponents = np.frexp(values)
    whole = np.ldexp(parts, 53).astype(np.int64)
    lowest = np.where(whole == 0, 1, whole & -whole)
    places = exponents - 54 + np.frexp(lowest.astype(np.float64))[1]
    present = whole != 0
    if not present.any():
        return np.zeros(values.size, dtype=np.int64)
    unit = int(places[present].min())
    shift = np.where(present, exponents.astype(np.int64) - 53 - unit, 0)
    whole >>= np.maximum(-shift, 0)
    np.maximum(shift, 0, out=shift)
    if int(exponents[present].max()) - unit <= 62 - _SPARE:
        return whole << shift
    large: Wholes = whole.astype(object) << shift.astype(object)
    return large


def summed_at(places: Integers, values: Wholes, count: int) -> Wholes:
    """The sums of `values` of each of so many places."""
    found = np.zeros(count, dtype=values.dtype)
    if places.size:
        order = np.argsort(places, kind="stable")
        ordered = places[order]
        begins = np.flatnonzero(np.r_[True, np.diff(ordered) != 0])
        found[ordered[begins]] = np.add.reduceat(values[order], begins)
    return found


def weights_of(weight: Array | None, rows: int) -> Wholes:
    """Weights as integers; 1 each where there are none."""
    return np.ones(rows, dtype=np.int64) if weight is None else wholes(weight).astype(object)
