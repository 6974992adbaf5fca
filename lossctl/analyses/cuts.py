"""How a column tells rows apart: by its values, or by bins of about equally many rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lossctl.analyses.levels import LARGEST, Coded, Level, Levels, LevelsState, Numbers
from lossctl.arrays import Integers, Ragged
from lossctl.batch import Batch
from lossctl.errors import DataError, inert
from lossctl.grouping import Grouping
from lossctl.ranges import Range, key_of
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.selection import Like, order_statistics

MOST = 10_000  # groups
HELD = 4096  # values of a column to bin from which on they are not counted one by one
NOWHERE = -1  # the code of a row that is in no group
MISSING = "(missing)"


@dataclass(frozen=True, slots=True)
class Cut:
    """The groups of a column, in their order, and the code of each row: the place of its group.

    `edges` cut numbers: a bin begins at an edge. Without them `levels` are the groups.
    """

    column: str
    names: tuple[str, ...]
    levels: tuple[Level, ...] = ()
    edges: tuple[float, ...] | None = None

    def __call__(self, batch: Batch) -> Integers:
        found: Integers | None = batch.derived.get(self)
        if found is None:
            found = batch.derived[self] = self._codes(batch)
        return found

    def _codes(self, batch: Batch) -> Integers:
        if self.edges is None:
            place = {level: code for code, level in enumerate(self.levels)}
            levels, codes = Coded(self.column)(batch)
            return np.array([place.get(one, NOWHERE) for one in levels], dtype=np.int64)[codes]
        extra = batch.extras[self.column]
        assert not isinstance(extra.values, Ragged)
        codes = np.searchsorted(np.array(self.edges), extra.values, side="right")
        return np.where(extra.missing, len(self.edges) + 1, codes)

    def joined(self, other: Cut) -> Cut:
        """With the values that only another column has, behind its own."""
        known = set(self.levels)
        more = [level for level in other.levels if level not in known]
        return by_level(self.column, [*self.levels, *more])

    def said(self, code: int) -> str:
        """A group in a sentence: `south`, `age 19 … 34`, `sex=2`."""
        name = self.names[code]
        if self.edges is not None:
            return f"{self.column} {name}"
        return name if isinstance(self.levels[code], str) else f"{self.column}={name}"

    def condition(self, code: int) -> str:
        """A group as one condition of several: `region=south`, `age 19 … 34`."""
        return f"{self.column}{'=' if self.edges is None else ' '}{self.names[code]}"

    def missing(self, code: int) -> bool:
        """Whether it is the rows that hold no value."""
        return code > len(self.edges) if self.edges is not None else self.levels[code] is None


def by_level(column: str, levels: Sequence[Level]) -> Cut:
    """One group for each value."""
    return Cut(column, tuple(_name(level) for level in levels), tuple(levels))


def _name(level: Level) -> str:
    if level is None:
        return MISSING
    return (level or '""') if isinstance(level, str) else repr(level)


def cut(grouping: Grouping, like: Like | None) -> Rounds[Cut]:
    """The groups of all rows. Raises DataError for more than MOST."""
    if grouping.bins is not None:
        return (yield from binned(grouping.column, grouping.bins, like))
    state: LevelsState = yield from one_state(Levels(Coded(grouping.column), MOST))
    if state.overfull:
        raise DataError(
            f"--by {inert(grouping.column)}: it has more than {MOST} different values",
            f"'bin({inert(grouping.column)},5)' groups numbers; else name a column of fewer",
        )
    return by_level(grouping.column, state.ordered())


def binned(column: str, bins: int, like: Like | None, plain: int = 1) -> Rounds[Cut]:
    """Bins of a column of numbers; up to `plain` different values are groups themselves.

    The value of rank j n / bins begins bin j: equal values are never parted, so that there are
    fewer bins where few values differ. A value that at least n / bins rows hold is a bin of its
    own, and the rest is cut into what remains of the bins.
    """
    levels = Levels(Coded(column), HELD)
    questions: list[Rounds[Any]] = [one_state(levels)]
    questions += [
        order_statistics(Numbers(column), levels, _first(of, bins), like) for of in range(bins + 1)
    ]
    state: LevelsState
    state, *answers = yield from in_step(questions)
    if not state.overfull and len(state.counts) <= plain:
        return by_level(column, state.ordered())
    if not state.count:
        return Cut(column, ("", MISSING), edges=())
    if state.overfull:
        firsts = yield from _searched(column, bins, state.count, answers, like)
    else:
        firsts = _counted(state, bins)
    spans = zip(firsts, [*firsts[1:], None], strict=True)
    highest = answers[-1][1]
    names = [
        _span(one.value, highest, math.inf) if after is None
        else _span(one.value, after.before, after.value)
        for one, after in spans
    ]  # fmt: skip
    return Cut(column, (*names, MISSING), edges=tuple(one.value for one in firsts[1:]))


@dataclass(frozen=True, slots=True)
class First:
    """The least value of a bin, and the value of the row before it in order."""

    value: float
    before: float


@dataclass(frozen=True, slots=True)
class Heavy:
    """The rank of the first row that holds a value, and how many rows hold it."""

    first: int
    rows: int


def _first(of: int, bins: int) -> Callable[[int], list[int]]:
    """The rank at which one of equally large bins begins, and those beside it; the last one's
    end."""

    def ranks(count: int) -> list[int]:
        return beside(of * count // bins if of < bins else count - 1, count) if count else []

    return ranks


def beside(rank: int, count: int) -> list[int]:
    """A rank, and those next to it."""
    return [max(rank - 1, 0), rank, min(rank + 1, count - 1)]


def begins(count: int, bins: int, heavy: Collection[Heavy]) -> list[int]:
    """The ranks at which bins begin: those of the heavy values, and between them as many bins as
    the rows there deserve, at least one."""
    free = count - sum(one.rows for one in heavy)
    left = max(bins - len(heavy), 0)
    ranks, at = set(), 0
    for one in [*sorted(heavy, key=lambda one: one.first), Heavy(count, 0)]:
        size = one.first - at
        if size:
            own = max(1, (2 * left * size + free) // (2 * free))
            ranks |= {at + of * size // own for of in range(own)}
        if one.rows:
            ranks.add(one.first)
        at = one.first + one.rows
    return sorted(ranks)


def heaviest(
    count: int, bins: int, known: Mapping[float, Heavy], heavy: Mapping[float, Heavy]
) -> dict[float, Heavy]:
    """The values that hold at least as many rows as a bin of what the heavy ones leave."""
    free, left = count - sum(one.rows for one in heavy.values()), bins - len(heavy)
    more = {value: one for value, one in known.items() if one.rows * left >= free}
    return {**heavy, **more} if left > 1 else dict(heavy)


def _counted(state: LevelsState, bins: int) -> list[First]:
    """The bins of values of which all are known."""
    rows: dict[float, int] = {}
    for level in state.ordered():
        if level is not None:
            value = min(max(float(level), -LARGEST), LARGEST)
            rows[value] = rows.get(value, 0) + state.counts[level]
    values = np.array(list(rows))
    ends = np.cumsum(list(rows.values()))
    known = {
        value: Heavy(end - own, own)
        for (value, own), end in zip(rows.items(), ends.tolist(), strict=True)
    }
    heavy: dict[float, Heavy] = {}
    while len(more := heaviest(state.count, bins, known, heavy)) > len(heavy):
        heavy = more
    ranks = begins(state.count, bins, heavy.values())
    places = np.unique(np.searchsorted(ends, ranks, side="right")).tolist()
    return [First(float(values[place]), float(values[max(place - 1, 0)])) for place in places]


def _searched(
    column: str, bins: int, count: int, answers: Sequence[list[float]], like: Like | None
) -> Rounds[list[First]]:
    """The bins of values of which there are too many to count each: those that may be heavy stand
    where a bin begins."""
    numbers = Numbers(column)
    known: dict[float, Heavy] = {}
    heavy: dict[float, Heavy] = {}
    found = answers[:-1]
    while True:
        tied = {at for below, at, above in found if at in (below, above)}
        asked = {value: Range(numbers, key_of(value), key_of(value) + 1)
                 for value in sorted(tied - set(known))}  # fmt: skip
        if asked:
            states = yield tuple(asked.values())
            for value, one in asked.items():
                known[value] = Heavy(states[one].below, states[one].inside)
        more = heaviest(count, bins, known, heavy)
        if len(more) == len(heavy):
            break
        heavy = more
        ranks = begins(count, bins, heavy.values())
        found = yield from in_step(
            order_statistics(numbers, count, partial(beside, rank), like) for rank in ranks
        )
    # Of the ranks that have one value the first knows what stands below it.
    firsts = {at: First(at, below) for below, at, _ in reversed(found)}
    return [firsts[value] for value in sorted(firsts)]


def _span(low: float, last: float, beyond: float) -> str:
    """`19 … 34`: the least and the largest value of a bin that ends before `beyond`."""
    if low == last:
        return _number(low)
    if last >= beyond:  # several rows hold the edge, and the value below it is not known
        return f"{_number(low)} … below {_number(beyond)}"
    return f"{_number(low)} … {_number(last)}"


def _number(value: float) -> str:
    return f"{math.copysign(math.inf, value) if abs(value) == LARGEST else value:.6g}"


def weighed(state: LevelsState, least: int) -> list[Level]:
    """The values that at least so many rows hold, in order."""
    return [level for level in state.ordered() if state.counts[level] >= least]
