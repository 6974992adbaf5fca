"""Exact order statistics and exact shares of the largest, in bounded memory.

Values are found by their bit pattern: a histogram of the leading bits narrows the range that
holds the wanted rank until what is inside can be gathered and sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array, Integers
from lossctl.exact import Exact, exact, exact_sum, ratio
from lossctl.rounds import Rounds, in_step
from lossctl.states import UNLIKE, Column, Json, Sums, Terms

LIMIT = 1 << 18  # values that one question gathers at a time
_BINS = 16  # bits of a histogram
_TOP = 0x7FF0000000000000  # key of infinity
LOWEST, HIGHEST = -_TOP, _TOP + 1


def sortable(values: Array) -> Integers:
    """int64 keys that sort as the float64 values do (-0.0 as 0.0; no NaN)."""
    bits = np.ascontiguousarray(values + 0.0).view(np.int64)
    if float(values.min(initial=0.0)) >= 0.0:
        return bits
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many values have their key in each of the ranges of 2**shift keys in [low, high),
    and about how much they sum to (`masses`, see the state).
    """

    column: Column
    low: int
    high: int
    shift: int

    def empty(self) -> HistogramState:
        size = ((self.high - 1) >> self.shift) - (self.low >> self.shift) + 1
        nothing = np.zeros(size, dtype=np.int64)
        return HistogramState((self.low, self.high, self.shift), nothing, nothing)

    def make(self, block: object) -> HistogramState:
        keys = sortable(self.column(block))
        keys = keys[(keys >= self.low) & (keys < self.high)]
        bins = (keys >> self.shift) - (self.low >> self.shift)
        size = ((self.high - 1) >> self.shift) - (self.low >> self.shift) + 1
        leading = ((keys >> 26) & 0x3FFFFFF) + np.where((keys >> 52) & 0x7FF, 0x4000000, 0)
        masses = np.bincount(bins, weights=leading, minlength=size).astype(np.int64)
        ranges = (self.low, self.high, self.shift)
        return HistogramState(ranges, np.bincount(bins, minlength=size), masses)


@dataclass(frozen=True, slots=True, eq=False)
class HistogramState:
    """`masses` adds the leading 27 bits of each value's significand: integers, so that merging
    is exact, and close enough to tell where to look.
    """

    ranges: tuple[int, int, int]  # low, high, shift
    counts: Integers
    masses: Integers

    def merge(self, other: HistogramState) -> HistogramState:
        if self.ranges != other.ranges:
            raise ValueError(UNLIKE)
        counts, masses = self.counts + other.counts, self.masses + other.masses
        return HistogramState(self.ranges, counts, masses)

    def to_json(self) -> Json:
        counts, masses = self.counts.tolist(), self.masses.tolist()
        return {"ranges": list(self.ranges), "counts": counts, "masses": masses}

    @classmethod
    def from_json(cls, data: Json) -> HistogramState:
        low, high, shift = data["ranges"]
        return cls((low, high, shift), np.array(data["counts"]), np.array(data["masses"]))


@dataclass(frozen=True, slots=True)
class Gather:
    """The values (and weights) whose key lies in [low, high)."""

    column: Column
    weight: Column | None
    low: int
    high: int

    def empty(self) -> GatherState:
        weights = None if self.weight is None else np.empty(0)
        return GatherState((self.low, self.high), np.empty(0), weights)

    def make(self, block: object) -> GatherState:
        values = self.column(block)
        keys = sortable(values)
        inside = (keys >= self.low) & (keys < self.high)
        weights = None if self.weight is None else self.weight(block)[inside]
        return GatherState((self.low, self.high), values[inside], weights)


@dataclass(frozen=True, slots=True, eq=False)
class GatherState:
    """Values in no particular order; `in_order` sorts them."""

    within: tuple[int, int]  # low, high
    values: Array
    weights: Array | None = None

    def merge(self, other: GatherState) -> GatherState:
        if self.within != other.within or (self.weights is None) != (other.weights is None):
            raise ValueError(UNLIKE)
        weights = None
        if self.weights is not None and other.weights is not None:
            weights = np.concatenate([self.weights, other.weights])
        return GatherState(self.within, np.concatenate([self.values, other.values]), weights)

    def in_order(self) -> tuple[Array, Array | None]:
        """Values ascending, weights with them (ties by weight, so that order cannot matter)."""
        if self.weights is None:
            return np.sort(self.values), None
        order = np.lexsort((self.weights, self.values))
        return self.values[order], self.weights[order]

    def to_json(self) -> Json:
        values, weights = self.in_order()
        return {
            "within": list(self.within),
            "values": [value.hex() for value in values.tolist()],
            "weights": None if weights is None else [value.hex() for value in weights.tolist()],
        }

    @classmethod
    def from_json(cls, data: Json) -> GatherState:
        weights = data["weights"]
        low, high = data["within"]
        return cls(
            (low, high),
            np.array([float.fromhex(value) for value in data["values"]]),
            None if weights is None else np.array([float.fromhex(value) for value in weights]),
        )


@dataclass(frozen=True, slots=True)
class Within:
    """The terms of a column's values with their key in [low, high): a = the value, b = 1."""

    column: Column
    low: int
    high: int

    def __call__(self, block: object) -> Terms:
        values = self.column(block)
        keys = sortable(values)
        inside = (keys >= self.low) & (keys < self.high)
        return Terms([(np.where(inside, values, 0.0), 0)], inside.astype(np.float64))


def order_statistic(column: Column, count: int, rank: int) -> Rounds[float]:
    """The value of `rank` (0 is the smallest) among the `count` values of a column."""
    low, high, inside = LOWEST, HIGHEST, count
    while inside > LIMIT and high - low > 1:
        shift = max(0, (high - low - 1).bit_length() - _BINS)
        histogram = Histogram(column, low, high, shift)
        counts = (yield (histogram,))[histogram].counts
        cumulative = np.cumsum(counts)
        place = int(np.searchsorted(cumulative, rank, side="right"))
        rank -= int(cumulative[place]) - int(counts[place])
        inside = int(counts[place])
        low, high = _narrowed(low, high, shift, place)
    if high - low == 1:
        return _value(low)
    gather = Gather(column, None, low, high)
    values = (yield (gather,))[gather].values
    return float(np.partition(values, rank)[rank])


def median(column: Column, count: int) -> Rounds[float]:
    """The middle value, or the mean of the two middle ones."""
    low, high = yield from in_step(
        [order_statistic(column, count, rank) for rank in ((count - 1) // 2, count // 2)]
    )
    return middle(low, high)


def middle(low: float, high: float) -> float:
    """(low + high) / 2, rounded once."""
    return ratio(exact(low) + exact(high), exact(2.0))


def reached(values: Array, weights: Array, target: Exact, *, beyond: bool) -> float:
    """The first of `values` (ascending) at which the running weight reaches `target`, or passes
    it if `beyond`. Rows of weight 0 are as if they were not there.
    """
    start, below = 0, 0
    while len(values) - start > 64:  # bisection with exact sums
        half = (len(values) - start) // 2
        mass = exact_sum(weights[start : start + half])
        if below + mass > target or (not beyond and below + mass == target):
            values, weights = values[: start + half], weights[: start + half]
        else:
            below += mass
            start += half
    for value, mass in zip(values[start:].tolist(), weights[start:].tolist(), strict=True):
        below += exact(mass)
        if mass > 0.0 and (below > target or (not beyond and below == target)):
            return float(value)
    return float(values[-1])


def largest(column: Column, count: int, number: int) -> Rounds[Array]:
    """The `number` largest values, ascending."""
    least = yield from order_statistic(column, count, count - number)
    key = int(sortable(np.array([least]))[0])
    gather = Gather(column, None, key + 1, HIGHEST)
    above = np.sort((yield (gather,))[gather].values)
    return np.concatenate([np.full(number - above.size, least), above])


def fewest_for(column: Column, count: int, goal: Exact) -> Rounds[int]:
    """How many of the largest values it takes to sum to at least `goal` (values >= 0)."""
    if goal <= 0:
        return 0
    low, high, inside = 0, HIGHEST, count
    taken, above = 0, 0
    while inside > LIMIT and high - low > 1:
        shift = max(0, (high - low - 1).bit_length() - _BINS)
        histogram = Histogram(column, low, high, shift)
        state = (yield (histogram,))[histogram]
        place = _place_of_mass(state, low, shift, goal - above)
        first, last = 0, state.counts.size - 1
        while True:  # the histogram's masses are near; exact ones decide
            new_low, new_high = _narrowed(low, high, shift, place)
            over = Sums(Within(column, new_high, high))
            here = Sums(Within(column, new_low, new_high))
            states = yield (over, here)
            if states[over].a + above >= goal:
                first = place + 1
            elif states[over].a + states[here].a + above < goal and place > first:
                last = place - 1
            else:
                break
            place = (first + last) // 2
        taken += states[over].nonzero
        above += states[over].a
        inside = int(state.counts[place])
        low, high = new_low, new_high
    if high - low == 1:
        each = exact(_value(low))
        return taken + (-((above - goal) // each) if each else 0)
    gather = Gather(column, None, low, high)
    values = np.sort((yield (gather,))[gather].values)[::-1]
    start = 0
    while values.size - start > 64:
        half = (values.size - start) // 2
        mass = exact_sum(values[start : start + half])
        if above + mass >= goal:
            values = values[: start + half]
        else:
            above += mass
            start += half
    for place, value in enumerate(values[start:].tolist(), start + 1):
        above += exact(value)
        if above >= goal:
            return taken + place
    return taken + int(values.size)


def _place_of_mass(state: HistogramState, low: int, shift: int, goal: Exact) -> int:
    """The range in which the sum of the largest about reaches `goal`."""
    passed = 0
    for place in np.flatnonzero(state.counts)[::-1].tolist():
        exponent = ((((low >> shift) + place) << shift) >> 52) & 0x7FF
        unit = exact(np.ldexp(1.0, max(exponent, 1) - 1023 - 26).item())
        passed += int(state.masses[place]) * unit
        if passed >= goal:
            return int(place)
    return int(np.flatnonzero(state.counts)[0])


def _narrowed(low: int, high: int, shift: int, place: int) -> tuple[int, int]:
    first = ((low >> shift) + place) << shift
    return max(low, first), min(high, first + (1 << shift))


def _value(key: int) -> float:
    bits = key if key >= 0 else -(2**63) - key
    return float(np.array([bits], dtype=np.int64).view(np.float64)[0])
