"""Exact order statistics and exact shares of the largest, in bounded memory.

Some of the rows tell where a value probably lies. One pass keeps the values that lie there and
counts those that do not; where it was not there, or too many are, another pass looks where it must
be. So the guess decides how many passes there are, and never what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import Exact, exact, exact_sum, ratio
from lossctl.ranges import HIGHEST, LIMIT, LOWEST, Range, RangeState, key_of, value_of
from lossctl.rounds import Rounds, in_step
from lossctl.states import Column, Specification

_SURE = 4.0  # standard deviations on either side of a guess
_LIKELY = 2.0  # the same, where there are too many rows to be sure


class Like(Protocol):
    """What is known of the rows before they have all been seen."""

    @property
    def rows(self) -> int | None:
        """How many there are, where a file says it."""
        ...

    def sample(self) -> Any:
        """Some of them as a block, the better the more passes were made; None if not needed."""
        ...


# --- order statistics -------------------------------------------------------------------------

Ranks = Callable[[int], Sequence[int]]


def order_statistics(
    column: Column, count: int | Specification, ranks: Ranks, like: Like | None = None
) -> Rounds[list[float]]:
    """The values of `ranks(count)` (0 is the smallest) among the `count` values of a column.

    The count may be given as sums that have it; where some of their rows are not finite, there is
    no answer (an empty list).
    """
    among = _scaled(ranks, count) if isinstance(count, int) else ranks
    guess = Range(column, *_likely(column, among, like))
    states = yield (guess,) if isinstance(count, int) else (count, guess)
    if not isinstance(count, int):
        if states[count].infinite:
            return []
        count = int(states[count].count)
    state: RangeState = states[guess]
    wanted = ranks(count)
    found: dict[int, float] = {}
    places = sorted({rank for rank in wanted if 0 <= rank - state.below < state.inside})
    if state.values is not None and places:
        offsets = [rank - state.below for rank in places]
        found = dict(zip(places, np.partition(state.gathered(), offsets)[offsets].tolist(),
                         strict=True))  # fmt: skip
    rest = [rank for rank in dict.fromkeys(wanted) if rank not in found]
    scaled = _scaled(ranks, count)
    more = yield from in_step(_searched(column, rank, state, scaled, like) for rank in rest)
    found |= zip(rest, more, strict=True)
    return [found[rank] for rank in wanted]


def _scaled(ranks: Ranks, count: int) -> Ranks:
    """Where the ranks among `count` values stand in a sample of them."""
    return lambda size: [rank * size // count for rank in ranks(count)] if count else []


def _searched(
    column: Column, rank: int, state: RangeState, ranks: Ranks, like: Like | None
) -> Rounds[float]:
    """The value of one rank, from where a range was looked at."""
    least, most = LOWEST, HIGHEST
    while True:
        low, high = state.within
        if rank < state.below:
            most = low
        elif rank >= state.below + state.inside:
            least = high
        else:
            least, most = low, high
            if state.values is not None:
                place = rank - state.below
                return float(np.partition(state.gathered(), place)[place])
            counts = np.cumsum(state.binned()[0])
            least, most = state.bin(int(np.searchsorted(counts, rank - state.below, side="right")))
        if most - least == 1:
            return value_of(least)
        # A better sample than the first, if there is one.
        low, high = _common((least, most), _likely(column, ranks, like))
        like = None
        asked = Range(column, low, high)
        state = (yield (asked,))[asked]


def _common(known: tuple[int, int], guess: tuple[int, int]) -> tuple[int, int]:
    """Where both ranges are, or the known one where they have nothing in common."""
    low, high = max(known[0], guess[0]), min(known[1], guess[1])
    return (low, high) if low < high else known


def _likely(column: Column, ranks: Ranks, like: Like | None) -> tuple[int, int]:
    """The keys between which the values of some ranks probably lie."""
    values = _sampled(column, like)
    wanted = ranks(values.size) if values.size else []
    if not wanted:
        return LOWEST, HIGHEST
    ends = min(wanted), max(wanted)
    spread = [math.sqrt(rank * (1.0 - rank / values.size)) for rank in ends]
    reach = [_reach(one, values.size, like) for one in spread]
    return _between(values, ends[0] - reach[0], ends[1] + reach[1])


def _reach(spread: float, size: int, like: Like | None) -> float:
    """How many places of a sample of this size to look on either side: as many as make it sure,
    or as a range may keep, but no less than makes it likely."""
    rows = None if like is None else like.rows
    kept = math.inf if rows is None else LIMIT / 4 * size / rows
    return min(_SURE * spread, max(_LIKELY * spread, kept)) + 1.0


def _sampled(column: Column, like: Like | None) -> Array:
    """What is known of a column's values beforehand, ascending."""
    block = None if like is None else like.sample()
    if block is None:
        return np.empty(0)
    with np.errstate(all="ignore"):
        return np.sort(column(block))


def _between(ordered: Array, first: float, last: float) -> tuple[int, int]:
    """The keys of the values at two places, or beyond all where there is no such place."""
    low, high = LOWEST, HIGHEST
    if first >= 0.0 and np.isfinite(ordered[int(first)]):
        low = key_of(ordered[int(first)])
    if last < ordered.size - 1 and np.isfinite(ordered[math.ceil(last)]):
        high = key_of(ordered[math.ceil(last)]) + 1
    return low, high


def median_ranks(count: int) -> tuple[int, int]:
    """The ranks whose values are averaged."""
    return (count - 1) // 2, count // 2


def median(column: Column, count: int | Specification, like: Like | None = None) -> Rounds[float]:
    """The middle value, or the mean of the two middle ones; NaN where there is no answer (see
    `order_statistics`)."""
    found = yield from order_statistics(column, count, median_ranks, like)
    return middle(*found) if found else math.nan


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


# --- the largest ------------------------------------------------------------------------------


def largest(
    column: Column,
    count: int | Specification,
    number: Callable[[int], int],
    like: Like | None = None,
) -> Rounds[Array]:
    """The `number(count)` largest values (at most LIMIT), ascending; none where that is 0.

    The count may be given as sums that have it; where some of their rows are not finite, there is
    no answer (an empty array).
    """
    rows = like.rows if like is not None else None
    if isinstance(count, int):
        rows = count
    elif rows is None:
        states = yield (count,)
        rows = count = 0 if states[count].infinite else states[count].count
    guess = Range(column, _least_of(column, number(rows), rows, like), HIGHEST)
    asked: tuple[Specification, ...] = (guess,) if isinstance(count, int) else (count, guess)
    states = yield asked
    if not isinstance(count, int):
        count = 0 if states[count].infinite else states[count].count
    wanted = number(count)
    if wanted < 1:
        return np.empty(0)
    state: RangeState = states[guess]
    if state.values is not None and state.inside >= wanted:
        return np.sort(state.gathered())[-wanted:]
    least = (yield from order_statistics(column, count, lambda count: [count - wanted]))[0]
    beyond = Range(column, key_of(least) + 1, HIGHEST)
    above = np.sort((yield (beyond,))[beyond].gathered())
    return np.concatenate([np.full(wanted - above.size, least), above])


def _least_of(column: Column, number: int, rows: int, like: Like | None) -> int:
    """The key above which the `number` largest of `rows` values probably lie."""
    values = _sampled(column, like)
    if not values.size or number < 1:
        return LOWEST
    expected = values.size * number / rows
    return _between(values, values.size - expected - _SURE * math.sqrt(expected) - 2.0, np.inf)[0]


def fewest_for(
    column: Column,
    sums: Specification,
    goal_of: Callable[[Any], Exact | None],
    like: Like | None = None,
    part: float = 0.5,
) -> Rounds[int | None]:
    """How many of the largest values it takes to sum to at least a goal (values >= 0).

    `goal_of` tells it from the state of `sums`; None: there is no answer. `part` of all is about
    what it will be.
    """
    guess = Range(column, *_heavy(column, like, part), sums=True)
    states = yield (sums, guess)
    goal = goal_of(states[sums])
    if goal is None or goal <= 0:
        return goal if goal is None else 0
    state: RangeState = states[guess]
    # The values from `least` on sum to the goal, those from `most` on do not.
    least, most = 0, HIGHEST
    while True:
        low, high = state.within
        if state.sum_above >= goal:
            least = high
        else:
            most, above = high, state.sum_above
            inside = _sum_inside(state)
            if inside is not None and above + inside >= goal:
                return state.above + _fewest(state, goal - above)
            if inside is not None:
                most = low
        if most == state.within[1]:  # the values inside were too many to keep
            place = state.bin(_place_of_mass(state, goal - above))
        else:  # a better sample than the first, if there is one
            place, like = _heavy(column, like, part), None
        low, high = _common((least, most), place)
        asked = Range(column, low, high, sums=True)
        state = (yield (asked,))[asked]


def _sum_inside(state: RangeState) -> Exact | None:
    """The sum of the values in a range; None where they are not known."""
    if state.values is not None:
        return exact_sum(state.gathered())
    low, high = state.within
    return state.inside * exact(value_of(low)) if high - low == 1 else None


def _fewest(state: RangeState, goal: Exact) -> int:
    """How many of the largest values in a range sum to the goal."""
    if state.values is None:  # all are the same
        return -(-goal // exact(value_of(state.within[0])))
    return fewest_of(np.sort(state.gathered())[::-1], goal)


def fewest_of(values: Array, goal: Exact) -> int:
    """How many of the first `values` (>= 0, descending) sum to the goal, which all together do."""
    start = 0
    while values.size - start > 64:
        half = (values.size - start) // 2
        mass = exact_sum(values[start : start + half])
        if mass >= goal:
            values = values[: start + half]
        else:
            goal -= mass
            start += half
    for place, value in enumerate(values[start:].tolist(), start + 1):
        goal -= exact(value)
        if goal <= 0:
            return place
    return int(values.size)


def _heavy(column: Column, like: Like | None, part: float) -> tuple[int, int]:
    """The keys between which the largest values probably reach a part of the sum."""
    values = _sampled(column, like)
    with np.errstate(all="ignore"):
        sums = np.cumsum(values[::-1])
        if not values.size or not 0.0 < sums[-1] < math.inf:
            return 0, HIGHEST
        place = int(np.searchsorted(sums, part * sums[-1]))
        # What that part of the sum misses by, in values of the size that stands there.
        missed = np.square(values / values[::-1][place]).sum()
    reach = _reach(0.5 * math.sqrt(float(missed)), values.size, like)
    last = values.size - 1 - place
    low, high = _between(values, last - reach, last + reach)
    return max(low, 0), high


def _place_of_mass(state: RangeState, goal: Exact) -> int:
    """The bin in which the sum of the largest about reaches `goal`."""
    counts, masses = state.binned()
    passed = 0
    for place in np.flatnonzero(counts)[::-1].tolist():
        exponent = ((((state.within[0] >> state.shift) + place) << state.shift) >> 52) & 0x7FF
        unit = exact(np.ldexp(1.0, max(exponent, 1) - 1023 - 26).item())
        passed += int(masses[place]) * unit
        if passed >= goal:
            return int(place)
    return int(np.flatnonzero(counts)[0])
