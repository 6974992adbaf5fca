"""The maximum and the median, and no reduction at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import Exact, exact
from lossctl.ranges import Gather
from lossctl.reductions.reduced import CONFIDENCE, Interval, Reduced, Slope, Values, unrepresented
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.selection import middle, order_statistics, reached
from lossctl.states import Column, Entry, Sums, SumsState, TermsOf, Top
from lossctl.student import median_rank

GATHERED = 1 << 24  # rows whose weighted median is found


@dataclass(frozen=True, slots=True)
class Counted:
    """A column in which rows of weight 0 are lower than all others."""

    column: Column
    weight: Column | None

    def __call__(self, block: Any) -> Array:
        values = self.column(block)
        if self.weight is None:
            return values
        return np.where(self.weight(block) > 0.0, values, -np.inf)


class _NotSmooth:
    """A value that follows from no sums."""

    __slots__ = ()

    def linear(self, values: Values) -> Rounds[TermsOf | None]:
        yield from ()
        return None

    def slope(self, a: Exact, b: Exact, rows: int, weighing: int) -> Slope:
        raise ValueError("no sums have a slope here")


@dataclass(frozen=True, slots=True)
class Maximum(_NotSmooth):
    """The largest value. Rows of weight 0 do not count."""

    name: str = "max"
    squares: bool = False
    pairs: bool = False
    additive: bool = False
    sums: bool = False

    def rounds(self, values: Values) -> Rounds[Reduced]:
        column = Counted(values.column, values.weight)
        top = Top(column, 2)
        count = Sums(values.terms, values.moments)
        states = yield (top, count)
        entries: tuple[Entry, ...] = states[top].entries
        bad = unrepresented(states[count].infinite, values.diverges, states[count].count)
        if bad is not None:
            return bad

        def without(block: Any) -> float | None:
            held = float(column(block)[0])
            if states[count].nonzero - (held > -np.inf) < 1:
                return None
            return entries[1].score if held == entries[0].score else entries[0].score

        def each(block: Any) -> Array:
            held = column(block)
            others = states[count].nonzero - (held > -np.inf)
            first = entries[0].score
            second = entries[1].score if len(entries) > 1 else first
            return np.where(others < 1, np.nan, np.where(held == first, second, first))

        return Reduced(
            entries[0].score,
            count=states[count].count,
            no_interval="a maximum has no honest interval",
            without=without,
            each=each,
        )


@dataclass(frozen=True, slots=True)
class Unreduced(_NotSmooth):
    """No value of the whole: each row keeps its own."""

    name: str = "none"
    squares: bool = False
    pairs: bool = False
    additive: bool = True
    sums: bool = True

    def rounds(self, values: Values) -> Rounds[Reduced]:
        sums = Sums(values.terms)
        state: SumsState = (yield (sums,))[sums]
        reason = "each row keeps its own value (reduction=none)"
        return Reduced(None, "not_applicable", reason, state.count, total=state.a)


@dataclass(frozen=True, slots=True)
class Median(_NotSmooth):
    """The middle value; weighted: the averaged inverse distribution function (scikit-learn)."""

    name: str = "median"
    squares: bool = False
    pairs: bool = False
    additive: bool = False
    sums: bool = False

    def rounds(self, values: Values) -> Rounds[Reduced]:
        sums = Sums(values.terms)
        if values.weight is not None:
            return (yield from self._weighted(values, (yield (sums,))[sums]))
        ranks = _with_ends if values.moments else _middles
        asked: list[Rounds[Any]] = [
            one_state(sums),
            order_statistics(values.column, sums, ranks, values.like),
        ]
        answers = yield from in_step(asked)
        state: SumsState = answers[0]
        bad = unrepresented(state.infinite, values.diverges, state.count)
        if bad is not None:
            return bad
        n = state.count
        found: list[float] = answers[1]
        rank = median_rank(n, CONFIDENCE) if values.moments else None
        at = dict(zip(_middles(n), found, strict=False))
        interval = None
        if rank is not None:
            interval = Interval(found[-2], found[-1], CONFIDENCE, "binomial")

        def without(block: Any) -> float | None:
            if n < 2:
                return None
            held = float(values.column(block)[0])

            def kept(place: int) -> float:
                return at[place] if held > at[place] else at[place + 1]

            return middle(kept((n - 2) // 2), kept((n - 1) // 2))

        def each(block: Any) -> Array:
            held = values.column(block)
            first, second = (n - 2) // 2, (n - 1) // 2
            if n < 2:
                return np.full(held.shape, np.nan)
            kept = [
                [middle(at[first + 1 - low], at[second + 1 - high]) for high in (0, 1)]
                for low in (0, 1)
            ]
            low, high = ((held > at[rank]).astype(np.intp) for rank in (first, second))
            return np.array(kept)[low, high]

        return Reduced(
            middle(at[(n - 1) // 2], at[n // 2]),
            count=n,
            interval=interval,
            no_interval="fewer than six rows" if values.moments and rank is None else None,
            without=without,
            each=each,
        )

    def _weighted(self, values: Values, state: SumsState) -> Rounds[Reduced]:
        assert values.weight is not None
        bad = unrepresented(state.infinite, values.diverges, state.count)
        if bad is not None:
            return bad
        if state.count > GATHERED:
            reason = f"a weighted median of more than {GATHERED} rows"
            return Reduced(None, "not_applicable", reason, state.count)
        gather = Gather(values.column, values.weight)
        column, weights = (yield (gather,))[gather].in_order()

        def at(held: float | None, mass: float) -> float:
            masses = weights
            if held is not None:
                masses = weights.copy()
                place = int(((column == held) & (weights == mass)).argmax())
                masses[place] = 0.0
            half = (state.b - exact(mass)) >> 1  # exact: the unit is far below float64's
            low = reached(column, masses, half, beyond=False)
            return middle(low, reached(column, masses, half, beyond=True))

        def without(block: Any) -> float | None:
            assert values.weight is not None
            held, mass = float(values.column(block)[0]), float(values.weight(block)[0])
            return None if state.nonzero - (mass > 0.0) < 1 else at(held, mass)

        return Reduced(
            at(None, 0.0),
            count=state.count,
            no_interval="not offered for weighted rows",
            without=without,
        )


def _middles(n: int) -> list[int]:
    """The ranks that make the median, with one row left out too."""
    return sorted({max((n - 2) // 2, 0), (n - 1) // 2, n // 2, min((n + 1) // 2, n - 1)})


def _with_ends(n: int) -> list[int]:
    """The same, and those of the interval's ends."""
    rank = median_rank(n, CONFIDENCE)
    return _middles(n) + ([] if rank is None else [rank, n - 1 - rank])
