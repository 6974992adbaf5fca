"""Means, sums, root means and norms."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial

from lossctl.exact import ONE, UNIT, Exact, exact, ratio, root_ratio
from lossctl.reductions.deleted import Divisor, Outer, of_sums
from lossctl.reductions.reduced import (
    CONFIDENCE,
    TOO_LARGE,
    TOO_SPREAD,
    ZERO,
    Interval,
    Reduced,
    Slope,
    Values,
    ratio_error,
    unrepresented,
)
from lossctl.rounds import Rounds
from lossctl.states import Sums, SumsState, TermsOf
from lossctl.student import t_quantile


@dataclass(frozen=True, slots=True)
class Additive:
    """g(sum(a) / divisor): means, sums, root means, norms, and the exponential of a mean."""

    name: str
    divisor: Divisor = "weights"
    outer: Outer = "identity"
    pairs: bool = False

    @property
    def squares(self) -> bool:
        return self.outer == "root"

    @property
    def sums(self) -> bool:
        return True

    @property
    def additive(self) -> bool:
        return self.outer == "identity" and not self.pairs

    def rounds(self, values: Values) -> Rounds[Reduced]:
        sums = Sums(values.terms, values.moments)
        rows: SumsState = (yield (sums,))[sums]
        added = exact(values.offset[0]), exact(values.offset[1])
        state = replace(rows, a=rows.a + added[0], b=rows.b + added[1])
        bad = unrepresented(state.infinite, values.diverges, state.count)
        if bad is not None:
            return bad
        try:
            value = self.finish(state)
        except OverflowError:
            return Reduced(None, "overflow", TOO_LARGE, state.count)
        if value is None:
            return Reduced(None, "infinite" if state.a else "undefined", ZERO, state.count)
        interval, reason = None, None
        if values.moments:
            interval, reason = self._interval(state, values, value)
        without = partial(self._without, state)
        return Reduced(
            value,
            count=state.count,
            interval=interval,
            no_interval=reason,
            total=rows.a,
            added=added[0],
            divisor=self._divisor(state),
            without=lambda block: without(sums.make(block)),
            each=lambda block: of_sums(
                state, values.terms(block), self.divisor, self.outer, without
            ),
        )

    def linear(self, values: Values) -> Rounds[TermsOf | None]:
        yield from ()
        return values.terms

    def slope(self, a: Exact, b: Exact, rows: int, weighing: int) -> Slope:
        divisor = self._divided(b, rows, weighing)
        by = 1.0
        if self.outer == "root":
            by = 0.5 / root_ratio(a, divisor) if a > 0 else 0.0
        if self.outer == "exp":
            by = math.exp(ratio(a, divisor))
        if self.divisor == "weights":
            return Slope(by)
        return Slope(by * weighing / (divisor >> UNIT), True)

    def finish(self, state: SumsState) -> float | None:
        """The value; None where it divides by 0. OverflowError where float64 cannot hold it."""
        divisor = self._divisor(state)
        if divisor == 0:
            return None
        if self.outer == "root":
            return root_ratio(state.a, divisor)
        inner = ratio(state.a, divisor)
        return math.exp(inner) if self.outer == "exp" else inner

    def finished(self, state: SumsState) -> float | None:
        """The value; None where there is none that is finite."""
        if state.infinite:
            return None
        try:
            return self.finish(state)
        except OverflowError:
            return None

    def _divisor(self, state: SumsState) -> Exact:
        return self._divided(state.b, state.count, state.nonzero)

    def _divided(self, weights: Exact, rows: int, weighing: int) -> Exact:
        if self.divisor == "weights":
            return weights
        counts = {"rows": rows, "nonzero": weighing, "one": 1}
        return counts[self.divisor] * ONE

    def _without(self, state: SumsState, row: SumsState) -> float | None:
        if row.infinite or state.count == row.count:
            return None
        return self.finished(state.less(row))

    def _alike(
        self, state: SumsState, values: Values, value: float
    ) -> tuple[Interval | None, str | None]:
        """Where all rows have the same loss. At an end of what a loss can be, what would give so
        many of them with probability 2.5 % (Clopper and Pearson 1934); else nothing is known."""
        least, most = values.low, values.high
        bounded = math.isfinite(most - least) and value in (least, most) and not any(values.offset)
        if not (bounded and self.divisor == "weights" and self.outer == "identity"):
            return None, "all rows have the same loss"
        reach = (most - least) * -math.expm1(math.log((1 - CONFIDENCE) / 2) / state.effective)
        low, high = (least, least + reach) if value == least else (most - reach, most)
        return Interval(low, high, CONFIDENCE, "exact"), None

    def _interval(
        self, state: SumsState, values: Values, value: float
    ) -> tuple[Interval | None, str | None]:
        """Rows of weight 0 are as if they were not there."""
        n = state.nonzero
        if n < 2:
            return None, "one row has no spread"
        divisor = self._divisor(state)
        root = self.outer == "root"
        # Squares may leave float64's range where their root does not.
        shift = (divisor.bit_length() - state.a.bit_length()) & -2 if root else 0
        try:
            # The row's influence is (a - V b) / B where the weights divide, a - mean(a) elsewhere.
            if self.divisor == "weights":
                added = exact(values.offset[0]), exact(values.offset[1])
                error = ratio_error(state, n, shift, added)
            else:
                square = max(state.aa * n * ONE - state.a * state.a, 0) * n
                error = root_ratio(square, n * (n - 1) * divisor * divisor, shift)
            if error == 0.0:
                return self._alike(state, values, value)
            centre = ratio(state.a, divisor, shift)
            reach = t_quantile((1 + CONFIDENCE) / 2, n - 1) * error
            low, high = centre - reach, centre + reach
            if root:
                half = -(shift >> 1)
                low, high = math.ldexp(max(low, 0.0) ** 0.5, half), math.ldexp(high**0.5, half)
            if self.outer == "exp":
                low, high = math.exp(low), math.exp(high)
        except OverflowError:
            return None, TOO_SPREAD
        if not math.isfinite(high - low):
            return None, TOO_SPREAD
        least, most = values.low, values.high
        if self.divisor != "weights":  # a sum may exceed the range of one value
            least, most = 0.0 if least >= 0.0 else -math.inf, math.inf
        low, high = min(max(low, least), value), max(min(high, most), value)
        return Interval(low, high, CONFIDENCE, "delta"), None
