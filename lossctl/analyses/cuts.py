"""How a column tells rows apart: by its values, or by bins of about equally many rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.levels import LARGEST, Coded, Level, Levels, LevelsState, Numbers
from lossctl.arrays import Integers, Ragged
from lossctl.batch import Batch
from lossctl.errors import DataError, inert
from lossctl.grouping import Grouping
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
    fewer bins where few values differ.
    """
    levels = Levels(Coded(column), HELD)

    def ranks(of: int) -> Any:
        def wanted(count: int) -> list[int]:
            place = of * count // bins if of < bins else count
            return [max(place - 1, 0), min(place, count - 1)] if count else []

        return wanted

    questions: list[Rounds[Any]] = [one_state(levels)]
    questions += [
        order_statistics(Numbers(column), levels, ranks(of), like) for of in range(bins + 1)
    ]
    answers: list[Any] = yield from in_step(questions)
    state: LevelsState = answers[0]
    if not state.overfull and len(state.counts) <= plain:
        return by_level(column, state.ordered())
    if not state.count:
        return Cut(column, ("", MISSING), edges=())
    lowest, highest = answers[1][1], answers[-1][0]
    # Of the ranks that have one value the first knows what stands below it.
    before = {above: below for below, above in reversed(answers[2:-1]) if above > lowest}
    edges = sorted(before)
    if not state.overfull:  # the values are known: what stands below an edge is, too
        known = sorted(level for level in state.counts if level is not None)
        numbers = np.clip(np.array(known, dtype=np.float64), -LARGEST, LARGEST)
        before = {edge: float(numbers[np.searchsorted(numbers, edge) - 1]) for edge in edges}
    lows = [lowest, *edges]
    names = [_span(low, before[high], high) for low, high in zip(lows, edges, strict=False)] + [
        _span(lows[-1], highest, math.inf)
    ]
    return Cut(column, (*names, MISSING), edges=tuple(edges))


def _span(low: float, last: float, beyond: float) -> str:
    """`19 … 34`: the least and the largest value of a bin that ends before `beyond`."""
    if last >= beyond:  # several rows hold the edge, and the value below it is not known
        return f"{_number(low)} … below {_number(beyond)}"
    return _number(low) if low == last else f"{_number(low)} … {_number(last)}"


def _number(value: float) -> str:
    return f"{value:.6g}"


def weighed(state: LevelsState, least: int) -> list[Level]:
    """The values that at least so many rows hold, in order."""
    return [level for level in state.ordered() if state.counts[level] >= least]
