"""Where outliers begin: two fences around the signed residuals, by one of four rules.

mad       3.5 by the modified z-score (Iglewicz and Hoaglin 1993); where the median absolute
          deviation is 0, from the mean one
iqr       1.5 interquartile ranges beyond the quartiles (Tukey 1977)
adjusted  the same, moved by the medcouple (Hubert and Vandervieren 2008)
esd       what the generalised extreme studentised deviate test takes away (Rosner 1983)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.esd import LIMIT, extreme
from lossctl.analyses.medcouple import medcouple
from lossctl.batch import View
from lossctl.errors import UsageError
from lossctl.exact import ONE, ratio
from lossctl.few import Few
from lossctl.ranges import Range, RangeState
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.selection import median, order_statistics
from lossctl.states import Column, Sums
from lossctl.terms import (
    Between,
    Beyond,
    Deviation,
    Inside,
    Residual,
    SizeTerms,
    WhereWeighing,
)

RULES = ("mad", "iqr", "adjusted", "esd")
CUT = 3.5
CONSISTENT = 0.6745  # MAD of a standard normal
MEAN_CONSISTENT = 1.253314  # sd / mean absolute deviation of a normal
QUARTILES = (0.25, 0.75)
WHISKER = 1.5  # interquartile ranges
SAMPLED = 20_000  # rows from which the medcouple is estimated where there are more
MEDCOUPLE_VARIANCE = 1.35  # of √n times the medcouple of normal values, by simulation

GAUSSIAN = 4.652581580710801e-4  # P(|Z| > 3.5)
TUKEY = 0.006976603239280243  # P(|Z| > 2.697959), where the fences of normal values stand


@dataclass(frozen=True, slots=True)
class Fences:
    """Rows whose residual lies below `low` or above `high` are flagged."""

    rule: str
    point: str
    rows: int
    centre: float  # the median
    low: float  # -inf where nothing below is flagged
    high: float
    reach: float | None = None  # mad: rows farther from the centre are flagged
    fallback: bool = False  # the MAD was 0: mean absolute deviation instead
    skew: float | None = None  # the medcouple
    weighted: bool = False  # rows of weight 0 are never flagged
    error: float | None = None  # its bound (two standard errors), where it is that of a sample

    @property
    def share(self) -> float | None:
        """The share of Gaussian residuals that the rule flags; None where it has another aim."""
        return {"mad": GAUSSIAN, "iqr": TUKEY, "adjusted": TUKEY}.get(self.rule)

    @property
    def score(self) -> Column:
        """What is above `cut` of the flagged rows, and the larger the farther out they are."""
        near = self.reach is not None
        score: Column = (
            Deviation(self.centre, self.point) if near else Beyond(self.low, self.high, self.point)
        )
        return WhereWeighing(score) if self.weighted else score

    @property
    def cut(self) -> float:
        return 0.0 if self.reach is None else self.reach

    def view(self, out: bool) -> View:
        """The rows inside; the flagged ones where `out`."""
        if self.reach is not None:
            return Inside(self.centre, self.reach, self.point, out)
        return Between(self.low, self.high, self.point, out)


def rounds(context: Context) -> Rounds[Fences | None]:
    """The fences of the rule that is asked for, around the residuals of all rows that weigh
    anything, each counting 1.

    None where there is no single residual per row, or residuals near float64's end. Raises
    UsageError for more rows than a rule is for.
    """
    if context.point is None or context.outputs > 1:
        return None
    terms = context.weighing(SizeTerms(0.0, context.point))
    sizes = Sums(terms, moments=context.moments)
    found: Fences | None = yield from _FIND[context.outliers_rule](context, context.point, sizes)
    return found if found is None else replace(found, weighted=context.weighted)


def _mad(context: Context, point: str, sizes: Sums) -> Rounds[Fences | None]:
    middle = yield from _middle(context, point, sizes)
    if middle is None:
        return None
    count, centre = middle
    spread = yield from median(context.weighing(Deviation(centre, point)), count, context.like)
    fallback, mean_size = spread == 0.0, 0.0
    if fallback:
        sums = Sums(context.weighing(SizeTerms(centre, point)))
        state = (yield (sums,))[sums]
        if state.infinite:
            return None
        mean_size = ratio(state.a, count * ONE)
    reach = CUT * robust_unit(spread, mean_size)
    if not math.isfinite(reach):
        return None
    return Fences(
        "mad", point, count, centre, centre - reach, centre + reach, reach, fallback
    )  # fmt: skip


def _iqr(context: Context, point: str, sizes: Sums) -> Rounds[Fences | None]:
    found = yield from _quarters(context, point, sizes)
    if found is None:
        return None
    count, centre, first, third = found
    return Fences("iqr", point, count, centre, *tukey(first, third))


def _adjusted(context: Context, point: str, sizes: Sums) -> Rounds[Fences | None]:
    asked: list[Rounds[Any]] = [_quarters(context, point, sizes), one_state(Few(SAMPLED, "hash"))]
    found, state = yield from in_step(asked)
    if found is None:
        return None
    count, centre, first, third = found
    residuals = context.weighing(Residual(point))(state.batch)
    whole = residuals.size == count
    skew = medcouple(residuals, centre if whole else float(np.median(residuals)))
    error = None if whole else 2.0 * math.sqrt(MEDCOUPLE_VARIANCE / SAMPLED)
    low, high = tukey(first, third, skew)
    return Fences("adjusted", point, count, centre, low, high, skew=skew, error=error)


def _esd(context: Context, point: str, sizes: Sums) -> Rounds[Fences | None]:
    middle = yield from _middle(context, point, sizes)
    if middle is None:
        return None
    count, centre = middle
    if count > LIMIT:
        raise UsageError(
            f"--outliers esd: the test is for {LIMIT} rows or fewer, and there are {count}",
            "use --outliers mad, iqr or adjusted",
        )
    everything = Range(context.weighing(Residual(point)))
    state: RangeState = (yield (everything,))[everything]
    values = np.sort(state.gathered())
    # As many as Rosner's tables go, or one row in twenty.
    most = min(count - 2, max(10, count // 20))
    taken = values[extreme(values, most)] if most > 0 else np.empty(0)
    # Values that are equal cannot be told apart: they go together.
    below, above = taken[taken < centre], taken[taken > centre]
    low = math.nextafter(float(below.max()), math.inf) if below.size else -math.inf
    high = math.nextafter(float(above.min()), -math.inf) if above.size else math.inf
    return Fences("esd", point, count, centre, low, high)


_FIND: dict[str, Callable[[Context, str, Sums], Rounds[Fences | None]]] = {
    "mad": _mad, "iqr": _iqr, "adjusted": _adjusted, "esd": _esd,
}  # fmt: skip


def _middle(context: Context, point: str, sizes: Sums) -> Rounds[tuple[int, float] | None]:
    """How many residuals there are, and their median."""
    column = context.weighing(Residual(point))
    asked: list[Rounds[Any]] = [one_state(sizes), median(column, sizes, context.like)]
    state, centre = yield from in_step(asked)
    return None if state.infinite else (state.count, centre)


def _quarters(
    context: Context, point: str, sizes: Sums
) -> Rounds[tuple[int, float, float, float] | None]:
    """The count, the median and the first and third quartile."""
    column = context.weighing(Residual(point))
    asked: list[Rounds[Any]] = [_middle(context, point, sizes)]
    asked += [order_statistics(column, sizes, partial(around, q), context.like) for q in QUARTILES]
    middle, *ends = yield from in_step(asked)
    if middle is None:
        return None
    count, centre = middle
    first, third = (
        between(low, high, count, q) for q, (low, high) in zip(QUARTILES, ends, strict=True)
    )
    return count, centre, first, third


# --- the formulas --------------------------------------------------------------------------------


def robust_unit(spread: float, mean_size: float) -> float:
    """The size of a deviation with |modified z| = 1: from the MAD, or where that is 0 from the
    mean absolute deviation."""
    return spread / CONSISTENT if spread > 0.0 else MEAN_CONSISTENT * mean_size


def around(quantile: float, count: int) -> tuple[int, int]:
    """The ranks on either side of a quantile of `count` values (NumPy's linear one)."""
    place = int((count - 1) * quantile)
    return place, min(place + 1, count - 1)


def between(low: float, high: float, count: int, quantile: float) -> float:
    """The quantile itself, rounded as NumPy does."""
    place = (count - 1) * quantile
    part, reach = place - int(place), high - low
    return low + reach * part if part < 0.5 else high - reach * (1.0 - part)


def tukey(first: float, third: float, skew: float = 0.0) -> tuple[float, float]:
    """The fences of a box plot: adjusted to a medcouple, or the usual ones where that is 0."""
    below, above = (-4.0, 3.0) if skew >= 0.0 else (-3.0, 4.0)
    reach = third - first
    return (
        first - WHISKER * math.exp(below * skew) * reach,
        third + WHISKER * math.exp(above * skew) * reach,
    )
