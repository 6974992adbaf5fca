"""How much worse a candidate is than a baseline, and how surely it is beyond a margin."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from lossctl.analyses.comparison.judged import ROUNDING, Judged, placed
from lossctl.analyses.context import Context
from lossctl.analyses.inference.margin import Paired, beyond_p, fieller
from lossctl.reductions.additive import Additive


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
    rows: int = 0


@dataclass(frozen=True, slots=True)
class _Scale:
    """Two values on the scale on which rows add up, and the way to margins there and back."""

    pair: Paired
    there: Callable[[float], float]
    back: Callable[[float], float]


Critical = Callable[[int, int], float]  # of degrees of freedom and rows: standard errors


def increase(
    context: Context, found: Judged, margin: float, relative: bool, critical: Critical
) -> Increase | None:
    """The change of the second model's value from the first one's, and where it stands to a margin;
    None where one of them has no value.

    `critical` is how many standard errors the interval reaches to either side.
    """
    measured = found.measured
    values = placed([measured.value(0), measured.value(1)], found.spec.direction)
    if values is None:
        return None
    before, after = values
    change: float | None = after - before
    above = after - before > margin
    if relative:
        change = (after - before) / before if before else (0.0 if after == before else None)
        above = change is None or change > margin
    versus, spread = found.against[0], measured.spread
    if versus.apart.wins is not None and versus.apart.wins.rows == versus.apart.wins.ties and (
        after == before
    ):  # fmt: skip
        return Increase(change, above, 0.0, 0.0, beyond=above, inside=not above, decides=0.0)
    if spread is None:
        return Increase(change, above, doubt=measured.why)
    error = float(spread.errors[0, 1])
    if not math.isfinite(error):
        return Increase(change, above, doubt="its spread is too large for a 64-bit float")
    error = 0.0 if error <= ROUNDING * max(abs(before), abs(after)) else error
    scale = _scale(context, found, before, after, error, relative)
    reach = critical(spread.degrees, spread.units) * (versus.serial or 1.0)
    excess, off = scale.pair.excess(scale.there(margin))
    doubt = None if versus.trusted or (versus.safe and above) else versus.why
    ends = fieller(scale.pair, reach)
    low, high = (None, None) if ends is None else map(scale.back, ends)
    return Increase(
        change, above, low, high,
        p=beyond_p(excess, off * (versus.serial or 1.0), spread.degrees),
        beyond=above and doubt is None and excess > reach * off,
        inside=not above and doubt is None and -excess >= reach * off,
        doubt=doubt,
        decides=None if low is None or high is None else (high - low) / 2.0,
        rows=spread.rows,
    )  # fmt: skip


def _scale(
    context: Context, found: Judged, before: float, after: float, error: float, relative: bool
) -> _Scale:
    """Where rows add up: the squares of root means, the logarithms of exponentials, else the values
    themselves. An absolute margin is one of the difference alone."""
    spread, spec = found.measured.spread, found.spec
    assert spread is not None
    variance, shared, own = error * error, float(spread.shared[1]), float(spread.own[0]) ** 2
    if not relative:
        return _Scale(Paired(1.0, after - before, variance, 0.0, 0.0), _same, _same)
    outer = spec.reduction.outer if isinstance(spec.reduction, Additive) else "identity"
    plain = context.penalty(spec) is None and context.one_sum(spec)
    gap = after - before
    if outer == "root" and plain:
        # Influences are 2 V those of the value V, so that of the difference they are
        # 2 (after d + gap b) where d and b are those of the difference and of the baseline.
        square = 4.0 * (after * after * variance + 2.0 * after * gap * shared + gap * gap * own)
        cross = 4.0 * before * (after * shared + gap * own)
        pair = Paired(before * before, (after + before) * gap, max(square, 0.0), cross,
                      4.0 * before * before * own)  # fmt: skip
        return _Scale(pair, lambda m: m * (2.0 + m), lambda d: math.sqrt(max(1.0 + d, 0.0)) - 1.0)
    if outer == "exp" and plain:
        bend = 1.0 / after - 1.0 / before
        square = variance / after**2 + 2.0 * bend / after * shared + bend * bend * own
        pair = Paired(1.0, math.log(after / before), max(square, 0.0), 0.0, 0.0)
        return _Scale(pair, math.log1p, math.expm1)
    return _Scale(Paired(before, gap, variance, shared, own), _same, _same)


def _same(value: float) -> float:
    return value
