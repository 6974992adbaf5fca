"""R2 and its kin: one sum of squares as a fraction of another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from lossctl.arrays import Array
from lossctl.exact import Exact, ratio
from lossctl.moments import Moments, MomentsState
from lossctl.reductions.deleted import of_moments
from lossctl.reductions.reduced import (
    CONFIDENCE,
    TOO_LARGE,
    TOO_SPREAD,
    Interval,
    Reduced,
    Slope,
    Status,
    Values,
    ratio_error,
    unrepresented,
)
from lossctl.rounds import Rounds
from lossctl.states import Sums, SumsState, TermsOf
from lossctl.student import t_quantile


@dataclass(frozen=True, slots=True)
class VarianceRatio:
    """1 - A / B, or A / B: sums of squares of the first column over the centred second.

    r2: A not centred. explained_variance: A centred. relative_squared_error: the ratio itself.
    A constant second column: `finite` gives 1 if A is 0, else 0 (scikit-learn's
    force_finite); otherwise the value is infinite or undefined.
    """

    name: str
    centre: bool = False
    complement: bool = True
    finite: bool = True
    squares: bool = False
    pairs: bool = True
    additive: bool = False
    sums: bool = False

    def rounds(self, values: Values) -> Rounds[Reduced]:
        assert values.second is not None and values.centred is not None
        first = Moments(values.column, values.weight)
        second = Moments(values.second, values.weight)
        states = yield (first, second)
        one: MomentsState = states[first]
        two: MomentsState = states[second]
        bad = unrepresented(max(one.infinite, two.infinite), values.diverges, one.count)
        if bad is not None:
            return bad
        if one.nonzero < 2:
            return Reduced(None, "undefined", "it needs at least two rows", one.count)
        try:
            value, status = self.finish(one, two)
        except OverflowError:
            return Reduced(None, "overflow", TOO_LARGE, one.count)
        interval, reason = None, None
        if values.moments and value is not None:
            if two.spread > 0:
                interval, reason = yield from self._interval(values, one, two, value)
            else:
                reason = "the target is constant"

        def finished(one: MomentsState, two: MomentsState) -> float | None:
            try:
                return None if one.nonzero < 2 else self.finish(one, two)[0]
            except OverflowError:
                return None

        def without(block: Any) -> float | None:
            return finished(one.less(first.make(block)), two.less(second.make(block)))

        def each(block: Any) -> Array:
            assert values.second is not None
            return of_moments(
                one,
                two,
                (values.column(block), values.second(block)),
                None if values.weight is None else values.weight(block),
                centre=self.centre,
                complement=self.complement,
                without=finished,
            )

        return Reduced(
            value,
            status,
            "the target is constant" if status != "ok" else None,
            one.count,
            interval,
            reason,
            without=without,
            each=each,
        )

    def finish(self, one: MomentsState, two: MomentsState) -> tuple[float | None, Status]:
        """Value and status. OverflowError where float64 cannot hold the value."""
        numerator = one.spread if self.centre else one.square
        denominator = two.spread  # both are the sum times W, in the same unit
        if denominator <= 0:
            if self.finite and self.complement:
                return (1.0 if numerator <= 0 else 0.0), "ok"
            return None, "undefined" if numerator <= 0 else "infinite"
        if self.complement:
            return ratio(denominator - numerator, denominator), "ok"
        return ratio(numerator, denominator), "ok"

    def linear(self, values: Values) -> Rounds[TermsOf | None]:
        """Near the means, the squares about them alone."""
        assert values.second is not None
        first, second = (Moments(one, values.weight) for one in (values.column, values.second))
        states = yield (first, second)
        return self._centred(values, states[first], states[second])

    def slope(self, a: Exact, b: Exact, rows: int, weighing: int) -> Slope:
        return Slope(-1.0 if self.complement else 1.0)

    def _centred(self, values: Values, one: MomentsState, two: MomentsState) -> TermsOf | None:
        assert values.centred is not None
        if one.infinite or two.infinite or two.spread <= 0:
            return None
        return values.centred(one.mean if self.centre else 0.0, two.mean)

    def _interval(
        self, values: Values, one: MomentsState, two: MomentsState, value: float
    ) -> Rounds[tuple[Interval | None, str | None]]:
        centred = self._centred(values, one, two)
        assert centred is not None
        sums = Sums(centred, moments=True)
        state: SumsState = (yield (sums,))[sums]
        if state.infinite or state.b <= 0:
            return None, TOO_SPREAD
        n = one.nonzero
        try:
            reach = t_quantile((1 + CONFIDENCE) / 2, n - 1) * ratio_error(state, n)
        except OverflowError:
            return None, TOO_SPREAD
        low, high = value - reach, value + reach
        if not math.isfinite(high - low):
            return None, TOO_SPREAD
        return Interval(max(low, values.low), min(high, values.high), CONFIDENCE, "delta"), None
