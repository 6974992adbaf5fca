"""What the predictions seem to aim at: a quantile and an expectile level, with the tests that tell
a mean or a median (Elliott, Komunjer and Timmermann 2005, with a constant instrument)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.significance import sign_p, student_p
from lossctl.batch import Batch
from lossctl.exact import ONE, ratio, root_ratio
from lossctl.rounds import Rounds
from lossctl.states import Sums, SumsState, Terms
from lossctl.terms import Residual, Weighing


@dataclass(frozen=True, slots=True)
class Side:
    """Of every row: how far its prediction is above the target (or below, if `under`), and
    whether it is."""

    point: str
    under: bool

    def __call__(self, batch: Batch) -> Terms:
        error = Residual(self.point)(batch)
        size = np.maximum(-error if self.under else error, 0.0)
        return Terms([(size, 0)], np.where(size > 0.0, 1.0, 0.0))


@dataclass(frozen=True, slots=True)
class Implied:
    """`quantile` is the share of targets below their prediction (half of those that are equal),
    `expectile` that of the absolute error on that side: 0.5 and 0.5 are median and mean."""

    rows: int
    below: int
    above: int
    quantile: float
    expectile: float | None
    expectile_se: float | None
    mean: float  # of prediction - target
    mean_se: float | None
    mean_p: float | None  # Student's test that the mean residual is 0
    median_p: float  # the sign test


def implied(over: SumsState, under: SumsState) -> Implied:
    """From the exact sums of both `Side`s. Raises OverflowError where squares leave float64."""
    n = over.count
    below, above = over.b // ONE, under.b // ONE
    size, total = over.a + under.a, over.a - under.a
    square = over.aa + under.aa
    average = ratio(total, n * ONE)
    level = error = standard = p = None
    if size:
        level = ratio(over.a, size)
        # Each row adds (r+ - level |r|): its square is (1 - level)² r² above, level² r² below.
        rest = ratio(under.a, size)
        spread = rest * rest * ratio(over.aa, n * ONE) + level * level * ratio(under.aa, n * ONE)
        error = math.sqrt(spread / n) / ratio(size, n * ONE)
    if n > 1:
        standard = root_ratio(square * n * ONE - total * total, n * n * (n - 1) * ONE * ONE)
        p = 1.0 if total == 0 else 0.0
        if standard > 0.0:
            p = student_p(average / standard, n - 1)
    quantile = ratio(2 * below + (n - below - above), 2 * n)
    return Implied(
        n, below, above, quantile, level, error, average, standard, p, sign_p(below, above)
    )


def rounds(point: str, *, weighted: bool = False) -> Rounds[Implied | None]:
    """Of the rows that weigh anything, each counting 1. None where a residual is not finite, or its
    square is too large."""
    sides = (Side(point, False), Side(point, True))
    over, under = (Sums(Weighing(s) if weighted else s, moments=True) for s in sides)
    states = yield (over, under)
    if states[over].infinite or not states[over].count:
        return None
    try:
        return implied(states[over], states[under])
    except OverflowError:
        return None
