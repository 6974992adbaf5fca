"""From the values of the rows to one number: its finish, its interval, and it without a row.

Each reduction is a question in rounds (see `rounds`). What it is given are `Values`: the terms
and columns of one loss. What it answers is `Reduced`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol, TypeAlias

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import ONE, UNIT, Exact, exact, ratio, root_ratio
from lossctl.moments import Moments, MomentsState
from lossctl.rounds import Rounds, in_step
from lossctl.selection import HIGHEST, LIMIT, LOWEST, Gather, middle, order_statistic, reached
from lossctl.states import Column, Entry, Sums, SumsState, TermsOf, Top
from lossctl.student import median_rank, t_quantile

Status: TypeAlias = Literal["ok", "infinite", "overflow", "undefined", "not_applicable"]
Without: TypeAlias = Callable[[Any], "float | None"]

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval and how it was made."""

    low: float
    high: float
    confidence: float
    method: str


@dataclass(frozen=True, slots=True)
class Values:
    """One loss's values, as a reduction takes them; `output` of several is already chosen."""

    terms: TermsOf  # a = weight * value (squared where the reduction squares), b = weight
    column: Column  # the value itself, unweighted
    weight: Column | None
    moments: bool  # whether an interval is wanted
    diverges: bool  # a value may be mathematically infinite
    low: float  # range of the loss
    high: float
    second: Column | None = None  # the denominator's column, for reductions of two columns
    centred: Callable[[float, float], TermsOf] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """The result of a reduction."""

    value: float | None
    status: Status = "ok"
    reason: str | None = None
    count: int = 0
    interval: Interval | None = None
    no_interval: str | None = None
    total: Exact | None = None  # the sum that shares are shares of
    without: Without | None = None  # the value with one row (a block of it) left out


class Reduction(Protocol):
    """How the rows' values become one."""

    @property
    def name(self) -> str: ...

    @property
    def squares(self) -> bool:
        """Whether the terms are the squares of what the loss returns."""
        ...

    @property
    def pairs(self) -> bool:
        """Whether the loss returns two columns."""
        ...

    @property
    def additive(self) -> bool:
        """Whether one state serves several outputs."""
        ...

    def rounds(self, values: Values) -> Rounds[Reduced]: ...


@dataclass(frozen=True, slots=True)
class Additive:
    """g(sum(a) / divisor): means, sums, root means and norms."""

    name: str
    divisor: Literal["weights", "rows", "nonzero", "one"] = "weights"
    outer: Literal["identity", "root"] = "identity"
    pairs: bool = False

    @property
    def squares(self) -> bool:
        return self.outer == "root"

    @property
    def additive(self) -> bool:
        return self.outer == "identity" and not self.pairs

    def rounds(self, values: Values) -> Rounds[Reduced]:
        sums = Sums(values.terms, values.moments)
        state: SumsState = (yield (sums,))[sums]
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
            interval, reason = self._interval(state, values)
        return Reduced(
            value,
            count=state.count,
            interval=interval,
            no_interval=reason,
            total=state.a,
            without=lambda block: self._without(state, sums.make(block)),
        )

    def finish(self, state: SumsState) -> float | None:
        """The value; None where it divides by 0. OverflowError where float64 cannot hold it."""
        divisor = self._divisor(state)
        if divisor == 0:
            return None
        return root_ratio(state.a, divisor) if self.outer == "root" else ratio(state.a, divisor)

    def _divisor(self, state: SumsState) -> Exact:
        if self.divisor == "weights":
            return state.b
        counts = {"rows": state.count, "nonzero": state.nonzero, "one": 1}
        return counts[self.divisor] * ONE

    def _without(self, state: SumsState, row: SumsState) -> float | None:
        if row.infinite or state.count == row.count:
            return None
        try:
            return self.finish(less(state, row))
        except OverflowError:
            return None

    def _interval(self, state: SumsState, values: Values) -> tuple[Interval | None, str | None]:
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
                error = _ratio_error(state, n, shift)
            else:
                square = max(state.aa * n * ONE - state.a * state.a, 0) * n
                error = root_ratio(*shifted(square, n * (n - 1) * divisor * divisor, 2 * shift))
            centre = ratio(*shifted(state.a, divisor, shift))
            reach = t_quantile((1 + CONFIDENCE) / 2, n - 1) * error
            low, high = centre - reach, centre + reach
            if root:
                half = -(shift >> 1)
                low, high = math.ldexp(max(low, 0.0) ** 0.5, half), math.ldexp(high**0.5, half)
        except OverflowError:
            return None, TOO_SPREAD
        if not math.isfinite(high - low):
            return None, TOO_SPREAD
        least, most = values.low, values.high
        if self.divisor != "weights":  # a sum may exceed the range of one value
            least, most = 0.0 if least >= 0.0 else -math.inf, math.inf
        return Interval(max(low, least), min(high, most), CONFIDENCE, "delta"), None


def shifted(numerator: int, denominator: int, exponent: int) -> tuple[int, int]:
    """The two, with their quotient times 2**exponent."""
    if exponent >= 0:
        return numerator << exponent, denominator
    return numerator, denominator << -exponent


def _ratio_error(state: SumsState, n: int, shift: int = 0) -> float:
    """The standard error of sum(a) / sum(b) over `n` rows, from exact second moments (delta
    method), times 2**shift. OverflowError beyond float64's range."""
    a, b = state.a, state.b
    square = state.aa * b * b - 2 * state.ab * a * b + a * a * state.bb
    return root_ratio(*shifted((max(square, 0) * n) << UNIT, b**4 * (n - 1), 2 * shift))


def less(state: SumsState, row: SumsState) -> SumsState:
    """The sums with some of the rows left out."""
    return replace(
        state,
        count=state.count - row.count,
        nonzero=state.nonzero - row.nonzero,
        a=state.a - row.a,
        b=state.b - row.b,
    )


TOO_LARGE = "the value is too large for a 64-bit float"
TOO_SPREAD = "its spread is too large for a 64-bit float"
ZERO = "the denominator is zero"


def unrepresented(infinite: int, diverges: bool, count: int) -> Reduced | None:
    """The result where some rows' values are not finite; None where all are."""
    if not infinite:
        return None
    rows = f"{infinite} row" + ("s" if infinite > 1 else "")
    if diverges:
        verb = "are" if infinite > 1 else "is"
        return Reduced(None, "infinite", f"{rows} {verb} infinite", count)
    return Reduced(None, "overflow", f"{rows} too large for a 64-bit float", count)


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
        if values.moments and status == "ok":
            if two.spread > 0:
                interval, reason = yield from self._interval(values, one, two)
            else:
                reason = "the target is constant"

        def without(block: Any) -> float | None:
            rest = one.less(first.make(block)), two.less(second.make(block))
            try:
                return None if rest[0].nonzero < 2 else self.finish(*rest)[0]
            except OverflowError:
                return None

        return Reduced(
            value,
            status,
            "the target is constant" if status != "ok" else None,
            one.count,
            interval,
            reason,
            without=without,
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

    def _interval(
        self, values: Values, one: MomentsState, two: MomentsState
    ) -> Rounds[tuple[Interval | None, str | None]]:
        assert values.centred is not None
        centred = values.centred(one.mean if self.centre else 0.0, two.mean)
        sums = Sums(centred, moments=True)
        state: SumsState = (yield (sums,))[sums]
        if state.infinite or state.b <= 0:
            return None, TOO_SPREAD
        n = one.nonzero
        try:
            reach = t_quantile((1 + CONFIDENCE) / 2, n - 1) * _ratio_error(state, n)
            at = ratio(state.a, state.b)
        except OverflowError:
            return None, TOO_SPREAD
        if self.complement:
            at = 1.0 - at
        low, high = at - reach, at + reach
        return Interval(max(low, values.low), min(high, values.high), CONFIDENCE, "delta"), None


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


@dataclass(frozen=True, slots=True)
class Maximum:
    """The largest value. Rows of weight 0 do not count."""

    name: str = "max"
    squares: bool = False
    pairs: bool = False
    additive: bool = False

    def rounds(self, values: Values) -> Rounds[Reduced]:
        column = Counted(values.column, values.weight)
        top = Top(column, 2)
        count = Sums(values.terms)
        states = yield (top, count)
        entries: tuple[Entry, ...] = states[top].entries
        bad = unrepresented(states[count].infinite, values.diverges, states[count].count)
        if bad is not None:
            return bad

        def without(block: Any) -> float | None:
            if states[count].nonzero < 2:
                return None
            held = float(column(block)[0])
            return entries[1].score if held == entries[0].score else entries[0].score

        return Reduced(
            entries[0].score,
            count=states[count].count,
            no_interval="a maximum has no honest interval",
            without=without,
        )


@dataclass(frozen=True, slots=True)
class Median:
    """The middle value; weighted: the averaged inverse distribution function (scikit-learn)."""

    name: str = "median"
    squares: bool = False
    pairs: bool = False
    additive: bool = False

    def rounds(self, values: Values) -> Rounds[Reduced]:
        sums = Sums(values.terms)
        state: SumsState = (yield (sums,))[sums]
        bad = unrepresented(state.infinite, values.diverges, state.count)
        if bad is not None:
            return bad
        if values.weight is not None:
            return (yield from self._weighted(values, state))
        n = state.count
        rank = median_rank(n, CONFIDENCE) if values.moments else None
        middles = sorted({max((n - 2) // 2, 0), (n - 1) // 2, n // 2, min((n + 1) // 2, n - 1)})
        ends = [] if rank is None else [rank, n - 1 - rank]
        found = yield from in_step(
            [order_statistic(values.column, n, place) for place in [*middles, *ends]]
        )
        at = dict(zip(middles, found, strict=False))
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

        return Reduced(
            middle(at[(n - 1) // 2], at[n // 2]),
            count=n,
            interval=interval,
            no_interval="fewer than six rows" if values.moments and rank is None else None,
            without=without,
        )

    def _weighted(self, values: Values, state: SumsState) -> Rounds[Reduced]:
        if state.count > 64 * LIMIT:
            reason = f"a weighted median of more than {64 * LIMIT} rows"
            return Reduced(None, "not_applicable", reason, state.count)
        gather = Gather(values.column, values.weight, LOWEST, HIGHEST)
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


REDUCTIONS: dict[str, Reduction] = {
    reduction.name: reduction
    for reduction in (
        Additive("mean"),
        Additive("sum", divisor="one"),
        Additive("sum_over_batch_size", divisor="rows"),
        Additive("sum_by_nonzero_weights", divisor="nonzero"),
        Additive("root_mean", outer="root"),
        Additive("norm", divisor="one", outer="root"),
        Additive("ratio", pairs=True),
        VarianceRatio("variance_ratio"),
        VarianceRatio("variance_ratio_raw", finite=False),
        VarianceRatio("explained_variance", centre=True),
        VarianceRatio("explained_variance_raw", centre=True, finite=False),
        VarianceRatio("relative_variance", complement=False),
        Maximum(),
        Median(),
    )
}

MEANS = ("mean", "sum", "sum_over_batch_size", "sum_by_nonzero_weights")
