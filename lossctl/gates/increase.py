"""How much worse a candidate is than a baseline, and how surely it is beyond a margin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lossctl.analyses.comparison.judged import FEWEST, ROUNDING, Judged, placed
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.context import Context
from lossctl.analyses.inference.margin import Paired, beyond_p, fieller
from lossctl.reductions.additive import Additive
from lossctl.spec import Spec


@dataclass(frozen=True, slots=True)
class Pair:
    """The values of baseline and candidate so that less is better, and their joint spread: the
    variances of the difference and of the baseline's value, and the covariance of both.

    `variance` is None where nothing is known of it, for the reason `doubt`. `doubt` says what keeps
    the spread from being believed, `safe` that it would only hide a difference. `identical`: no row
    differs. Of `units` that are independent; errors are `wider` times as large as they say.
    """

    before: float
    after: float
    variance: float | None = None
    shared: float = 0.0
    own: float = 0.0
    degrees: int = 1
    units: int = 0
    doubt: str | None = None
    safe: bool = False
    identical: bool = False
    wider: float = 1.0


@dataclass(frozen=True, slots=True)
class Increase:
    """The change for the worse: `change` of the value, as a fraction of the baseline's where
    `relative`; None where that is 0. `low` and `high` are its interval, None where there is none.

    `doubt` says what keeps the interval from being believed, `p` how likely so large an excess over
    the margin is by chance, one-sided. `beyond` and `inside` are whether the value lies surely
    beyond the margin, or surely within; `decides` is half the width of the interval.
    """

    change: float | None
    above: bool  # whether the value itself is beyond the margin
    low: float | None = None
    high: float | None = None
    p: float | None = None
    beyond: bool = False
    inside: bool = False
    doubt: str | None = None
    decides: float | None = None


@dataclass(frozen=True, slots=True)
class _Scale:
    """Two values on the scale on which rows add up, and the way to margins there and back."""

    pair: Paired
    there: Callable[[float], float]
    back: Callable[[float], float]


Critical = Callable[[int, int], float]  # of degrees of freedom and units: standard errors


def pair_of(found: Judged, question: Question) -> Pair | None:
    """Both values as rows that are paired tell them; None where one has no value."""
    measured = found.measured
    values = placed([measured.value(0), measured.value(1)], found.spec.direction)
    if values is None:
        return None
    before, after = values
    versus, spread = found.against[0], measured.spread
    wins = versus.apart.wins
    if wins is not None and wins.rows == wins.ties and after == before:
        return Pair(before, after, identical=True)
    if spread is None:
        return Pair(before, after, doubt=measured.why)
    error = float(spread.errors[0, 1])
    if not math.isfinite(error):
        return Pair(before, after, doubt="its spread is too large for a 64-bit float")
    error = 0.0 if error <= ROUNDING * max(abs(before), abs(after)) else error
    doubt = None if versus.trusted else versus.why
    if spread.units < FEWEST:  # whatever else there is to say
        doubt = f"{spread.units} {question.unit} are too few to judge"
    return Pair(
        before, after, error * error, float(spread.shared[1]), float(spread.own[0]) ** 2,
        spread.degrees, spread.units, doubt, versus.safe,
        wider=versus.serial or 1.0,
    )  # fmt: skip


def increase(
    context: Context, spec: Spec, pair: Pair, margin: float, relative: bool, critical: Critical
) -> Increase:
    """The change from the baseline to the candidate, and where it stands to a margin.

    `critical` is how many standard errors the interval reaches to either side.
    """
    gap = pair.after - pair.before
    change: float | None = gap
    if relative:
        change = gap / pair.before if pair.before else (0.0 if not gap else None)
    above = change is None or change > margin
    if pair.identical:
        return Increase(change, above, 0.0, 0.0, beyond=above, inside=not above, decides=0.0)
    if pair.variance is None:
        return Increase(change, above, doubt=pair.doubt)
    scale = _scale(context, spec, pair, pair.variance, relative)
    reach = critical(pair.degrees, pair.units) * pair.wider
    excess, off = scale.pair.excess(scale.there(margin))
    if not math.isfinite(excess) or not math.isfinite(off):
        return Increase(change, above, doubt="the margin is too large for a 64-bit float")
    doubt = None if pair.safe and above else pair.doubt
    ends = fieller(scale.pair, reach)
    low, high = (None, None) if ends is None else map(scale.back, ends)
    return Increase(
        change, above, low, high,
        p=beyond_p(excess, off * pair.wider, pair.degrees),
        beyond=above and doubt is None and excess > reach * off,
        inside=not above and doubt is None and -excess >= reach * off,
        doubt=doubt,
        decides=None if low is None or high is None else (high - low) / 2.0,
    )  # fmt: skip


def _scale(context: Context, spec: Spec, pair: Pair, variance: float, relative: bool) -> _Scale:
    """Where rows add up: the squares of root means, the logarithms of exponentials, else the values
    themselves. An absolute margin is one of the difference alone."""
    before, after, shared, own = pair.before, pair.after, pair.shared, pair.own
    gap = after - before
    if not relative:
        return _Scale(Paired(1.0, gap, variance, 0.0, 0.0), _same, _same)
    outer = outer_of(context, spec)
    if outer == "root":
        # Influences are 2 V those of the value V, so that of the difference they are
        # 2 (after d + gap b) where d and b are those of the difference and of the baseline.
        square = 4.0 * (after * after * variance + 2.0 * after * gap * shared + gap * gap * own)
        cross = 4.0 * before * (after * shared + gap * own)
        both = Paired(before * before, (after + before) * gap, max(square, 0.0), cross,
                      4.0 * before * before * own)  # fmt: skip
        return _Scale(both, lambda m: m * (2.0 + m), lambda d: math.sqrt(max(1.0 + d, 0.0)) - 1.0)
    if outer == "exp":
        bend = 1.0 / after - 1.0 / before
        square = variance / after**2 + 2.0 * bend / after * shared + bend * bend * own
        both = Paired(1.0, math.log(after / before), max(square, 0.0), 0.0, 0.0)
        return _Scale(both, math.log1p, math.expm1)
    return _Scale(Paired(before, gap, variance, shared, own), _same, _same)


def outer_of(context: Context, spec: Spec) -> str:
    """What is done last to the sums of one loss: `root`, `exp`, or nothing that matters here."""
    if context.penalty(spec) is not None or not context.one_sum(spec):
        return "identity"
    return spec.reduction.outer if isinstance(spec.reduction, Additive) else "identity"


def _same(value: float) -> float:
    return value
