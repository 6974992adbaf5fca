"""Agreement beyond chance: Cohen's kappa with quadratic weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.exact import Exact, ratio
from lossctl.moments import Moments, MomentsState
from lossctl.reductions.reduced import (
    CONFIDENCE,
    TOO_LARGE,
    TOO_SPREAD,
    Interval,
    Reduced,
    Slope,
    Values,
    ratio_error,
    unrepresented,
)
from lossctl.rounds import Rounds
from lossctl.states import Column, Sums, SumsState, Terms, TermsOf
from lossctl.student import t_quantile

ONE_RATING = "all ratings are one and the same"


@dataclass(frozen=True, slots=True)
class ExpectedTerms:
    """What each row adds to observed and expected disagreement, near the means of the ratings.

    a = w (p - t)², b = w ((p - mean t)² + (t - mean p)² - (mean p - mean t)²): the sums' ratio
    is 1 - kappa, and its linear part in each row is kappa's.
    """

    gap: Column
    left: Column
    right: Column
    weight: Column | None
    means: tuple[float, float]

    def __call__(self, block: Any) -> Terms:
        w = 1.0 if self.weight is None else self.weight(block)
        one, two = self.means
        with np.errstate(over="ignore", invalid="ignore"):
            a = w * np.square(self.gap(block))
            crossed = np.square(self.left(block) - two) + np.square(self.right(block) - one)
            b = w * (crossed - (one - two) ** 2)
        return Terms([(a, 0)], b)


@dataclass(frozen=True, slots=True)
class Kappa:
    """1 - Σ w (p - t)² / expected, of three columns: p - t, p and t.

    Expected is Σ w_i w_j (p_i - t_j)² / Σ w over all pairs i, j: what raters of these marginal
    distributions would disagree by chance. Undefined where that is 0: one rating only.
    """

    name: str = "kappa"
    squares: bool = False
    pairs: bool = True
    additive: bool = False
    sums: bool = False

    def rounds(self, values: Values) -> Rounds[Reduced]:
        assert values.second is not None and values.third is not None
        asked = tuple(
            Moments(column, values.weight)
            for column in (values.column, values.second, values.third)
        )
        states = yield asked
        gap, left, right = (states[one] for one in asked)
        infinite = max(gap.infinite, left.infinite, right.infinite)
        bad = unrepresented(infinite, values.diverges, gap.count)
        if bad is not None:
            return bad
        try:
            value = self.finish(gap, left, right)
        except OverflowError:
            return Reduced(None, "overflow", TOO_LARGE, gap.count)
        if value is None:
            return Reduced(None, "undefined", ONE_RATING, gap.count)
        interval, reason = None, None
        if values.moments:
            interval, reason = yield from self._interval(values, left, right, value)

        def without(block: Any) -> float | None:
            rest = [
                state.less(one.make(block))
                for one, state in zip(asked, (gap, left, right), strict=True)
            ]
            try:
                return self.finish(*rest)
            except OverflowError:
                return None

        return Reduced(
            value, count=gap.count, interval=interval, no_interval=reason, without=without
        )

    def finish(self, gap: MomentsState, left: MomentsState, right: MomentsState) -> float | None:
        """The value; None where no disagreement is expected. OverflowError where float64 cannot
        hold it."""
        expected = left.square + right.square - 2 * left.wx * right.wx
        if expected <= 0:
            return None
        return ratio(expected - gap.square, expected)

    def linear(self, values: Values) -> Rounds[TermsOf | None]:
        assert values.second is not None and values.third is not None
        left, right = (Moments(one, values.weight) for one in (values.second, values.third))
        states = yield (left, right)
        if states[left].infinite or states[right].infinite:
            return None
        return self._near(values, states[left], states[right])

    def slope(self, a: Exact, b: Exact, rows: int, weighing: int) -> Slope:
        return Slope(-1.0)

    def _near(self, values: Values, left: MomentsState, right: MomentsState) -> TermsOf:
        assert values.second is not None and values.third is not None
        means = left.mean, right.mean
        return ExpectedTerms(values.column, values.second, values.third, values.weight, means)

    def _interval(
        self, values: Values, left: MomentsState, right: MomentsState, value: float
    ) -> Rounds[tuple[Interval | None, str | None]]:
        n = left.nonzero
        if n < 2:
            return None, "one row has no spread"
        sums = Sums(self._near(values, left, right), moments=True)
        state: SumsState = (yield (sums,))[sums]
        if state.infinite or state.b <= 0:
            return None, TOO_SPREAD
        try:
            reach = t_quantile((1 + CONFIDENCE) / 2, n - 1) * ratio_error(state, n)
        except OverflowError:
            return None, TOO_SPREAD
        low, high = value - reach, value + reach
        if not math.isfinite(high - low):
            return None, TOO_SPREAD
        return Interval(max(low, values.low), min(high, values.high), CONFIDENCE, "delta"), None
