"""Paired differences: the t test of their mean, its size, and how often they fall on each side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.inference.scaled import enlarged, near_one
from lossctl.analyses.significance import student_p
from lossctl.arrays import Array
from lossctl.student import normal_quantile, t_quantile


@dataclass(frozen=True, slots=True)
class MeanTest:
    """A mean with its standard error, the two-sided test that it is 0, and its interval.

    t, p, low and high are None where the error is 0: nothing varies, and nothing is tested.
    """

    mean: float
    error: float
    degrees: float
    t: float | None
    p: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Paired:
    """The differences of `n` rows; `effect` is Cohen's d_z = mean / sd.

    `sd` and `test` are None for one row; `effect` is None where nothing varies.
    """

    n: int
    mean: float
    sd: float | None
    effect: float | None
    test: MeanTest | None


@dataclass(frozen=True, slots=True)
class Sides:
    """How many differences are above 0, are 0, and are below."""

    above: int
    ties: int
    below: int

    @property
    def n(self) -> int:
        """All of them."""
        return self.above + self.ties + self.below


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of rows, with its interval."""

    rate: float
    low: float
    high: float


def mean_test(mean: float, error: float, degrees: float, confidence: float = 0.95) -> MeanTest:
    """Student's test of a mean with this standard error (>= 0) and `degrees` >= 1 of freedom.

    Of a fraction of a degree the p-value makes use, the interval does not: it is a little wider.
    """
    if error == 0.0:
        return MeanTest(mean, error, degrees, None, None, None, None)
    t = mean / error
    half = t_quantile(0.5 + confidence / 2.0, max(1, math.floor(degrees))) * error
    return MeanTest(mean, error, degrees, t, student_p(t, degrees), mean - half, mean + half)


def paired(d: Array, confidence: float = 0.95) -> Paired:
    """The paired t test of differences `d` (n,), n >= 1, all finite (Student 1908)."""
    n = d.size
    small, exponent = near_one(d)
    if d.min() == d.max():  # their mean may be rounded, and then they would seem to vary
        value = float(d[0])
        still = None if n == 1 else mean_test(value, 0.0, n - 1)
        return Paired(n, value, None if n == 1 else 0.0, None, still)
    mean = float(small.mean())
    spread = math.sqrt(float(np.square(small - mean).sum()) / (n - 1))
    centre, sd = enlarged(mean, exponent), enlarged(spread, exponent)
    test = mean_test(centre, sd / math.sqrt(n), n - 1, confidence)
    return Paired(n, centre, sd, None if sd == 0.0 else mean / spread, test)


def sides(d: Array) -> Sides:
    """On which side of 0 the differences `d` (n,) lie. Their sign test is
    `significance.sign_p(below, above)`."""
    above, below = int((d > 0.0).sum()), int((d < 0.0).sum())
    return Sides(above, d.size - above - below, below)


def wilson(count: int, n: int, confidence: float = 0.95) -> Rate:
    """`count` of `n` >= 1 rows as a share, with Wilson's (1927) score interval."""
    z2 = normal_quantile(0.5 + confidence / 2.0) ** 2
    rate = count / n
    centre = (rate + z2 / (2 * n)) / (1.0 + z2 / n)
    half = math.sqrt(z2 / n * (rate * (1.0 - rate) + z2 / (4 * n))) / (1.0 + z2 / n)
    # Of all rows the formula is exactly 1, and rounding is not; of none it is exactly 0 in both.
    return Rate(rate, centre - half, 1.0 if count == n else centre + half)
