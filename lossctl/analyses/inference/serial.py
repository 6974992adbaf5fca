"""Rows in order that are not independent: how to see it, and what it does to the error of a mean.

Autocovariances divide by n, so that every long-run variance by Bartlett's weights is at least 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from lossctl.analyses.inference.paired import MeanTest, mean_test
from lossctl.analyses.inference.ranks import midranks
from lossctl.analyses.inference.scaled import enlarged, near_one
from lossctl.arrays import Array
from lossctl.errors import UsageError

Kernel: TypeAlias = Literal["bartlett", "rectangular"]

LAGS = 4  # that the test of dependence looks at
FEWEST = 30  # rows below which it is not made
SHORTEST = 11  # rows from which a block length can be chosen


@dataclass(frozen=True, slots=True)
class Dependent:
    """The mean of rows in order, its error by a long-run variance over `lags` lags.

    `test` is None where that variance is not above 0.
    """

    lags: int
    mean: float
    test: MeanTest | None


@dataclass(frozen=True, slots=True)
class BlockLength:
    """The block lengths, in rows, for the stationary and for the circular bootstrap."""

    stationary: float
    circular: float


@dataclass(frozen=True, slots=True)
class Serial:
    """Whether rows depend on those before them.

    `lag1` is the correlation of neighbours, `p` that of the test over the first LAGS lags;
    `understated` is how many times as large the standard error of the mean is as that of
    independent rows. Each is None where it is not defined: too few rows, or nothing varies.
    """

    lag1: float | None
    p: float | None
    understated: float | None


def autocovariances(x: Array, lags: int) -> Array:
    """The autocovariances of `x` (n,) about its mean at lags 0 to `lags` < n, each / n."""
    left = x - x.mean()
    return np.array([left[lag:] @ left[: x.size - lag] for lag in range(lags + 1)]) / x.size


def long_run_variance(x: Array, lags: int, kernel: Kernel = "bartlett") -> float:
    """The variance of the mean of `x` (n,) times n, from autocovariances up to `lags` < n: with
    Bartlett's weights 1 - k / (lags + 1) (Newey and West 1987), or all of them alike."""
    g = autocovariances(x, lags)
    return float(g[0] + 2.0 * (_weights(lags, kernel) @ g[1:]))


def long_run_covariance(columns: Array, lags: int) -> Array:
    """The same for several series at once: `columns` (n, M) to (M, M), by Bartlett's weights."""
    left = columns - columns.mean(axis=0)
    n = len(left)
    total: Array = left.T @ left
    for lag, weight in enumerate(_weights(lags, "bartlett").tolist(), 1):
        cross = left[lag:].T @ left[: n - lag]
        total += weight * (cross + cross.T)
    return total / n


def _weights(lags: int, kernel: Kernel) -> Array:
    if kernel == "rectangular":
        return np.ones(lags)
    return 1.0 - np.arange(1, lags + 1) / (lags + 1.0)


def diebold_mariano(
    d: Array, horizon: int = 1, kernel: Kernel = "bartlett", confidence: float = 0.95
) -> Dependent:
    """The test of Diebold and Mariano (1995) of loss differences `d` (n,), n >= 2, of forecasts
    `horizon` steps ahead: horizon - 1 lags, the correction of Harvey, Leybourne and Newbold (1997),
    and Student's t with n - 1 degrees. For a horizon of 1 it is the paired t test.

    The rectangular kernel is that of other programs; its variance may be negative. Raises
    UsageError unless 1 <= horizon < n.
    """
    if not 1 <= horizon < d.size:
        raise UsageError(f"the horizon is {horizon}, but must be from 1 to {d.size - 1}")
    n, lags = d.size, horizon - 1
    small, exponent = near_one(d)
    mean = enlarged(float(small.mean()), exponent)
    if d.min() == d.max():
        return Dependent(lags, float(d[0]), None)
    variance = long_run_variance(small, lags, kernel)
    # A variance that is rounding alone would make any mean certain.
    if variance <= 1e-14 * float(np.square(small - small.mean()).mean()):
        return Dependent(lags, mean, None)
    error = enlarged(math.sqrt(variance / n * small_sample(n, horizon)), exponent)
    return Dependent(lags, mean, mean_test(mean, error, n - 1, confidence))


def small_sample(n: int, horizon: int) -> float:
    """By how much the variance of a mean over `n` steps falls short where `horizon` - 1 lags are
    estimated (Harvey, Leybourne and Newbold 1997)."""
    return n / (n + 1 - 2 * horizon + horizon * (horizon - 1) / n)


def block_length(x: Array) -> BlockLength | None:
    """The block lengths of Politis and White (2004, as corrected by Patton, Politis and White 2009)
    for the mean of `x` (n,): as `arch.bootstrap.optimal_block_length`.

    None below SHORTEST rows, and where nothing varies.
    """
    n = x.size
    if n < SHORTEST or x.min() == x.max():
        return None
    left = near_one(x)[0]
    left = left - left.mean()
    most = math.ceil(min(3.0 * math.sqrt(n), n / 3.0))
    run = max(5, int(math.log10(n)))
    last = math.ceil(math.sqrt(n)) + run
    band = 2.0 * math.sqrt(math.log10(n) / n)
    covariances: list[float] = []
    quiet = 0  # how many correlations in a row have been within the band
    while quiet < run and len(covariances) <= last:
        lag = len(covariances)
        cross = float(left[lag:] @ left[: n - lag])
        later, earlier = left[lag + 1 :], left[: n - lag - 1]
        size = math.sqrt(float(later @ later) * float(earlier @ earlier))
        quiet = quiet + 1 if size > 0.0 and abs(cross) / size < band else 0
        covariances.append(cross / n)
    # Those that are not quiet, twice over; all where they never fall quiet before the last.
    loud = len(covariances) - run if quiet >= run and len(covariances) <= last else last
    span = min(2 * max(loud, 1), last)
    covariances += [
        float(left[lag:] @ left[: n - lag]) / n for lag in range(len(covariances), span + 1)
    ]
    lags = np.arange(1, span + 1)
    weights = np.minimum(1.0, 2.0 * (1.0 - lags / span)) * covariances[1 : span + 1]
    slope = 2.0 * float(lags @ weights)
    spread = covariances[0] + 2.0 * float(weights.sum())
    if spread == 0.0:
        return BlockLength(float(most), float(most))
    stationary = (slope * slope / (spread * spread) * n) ** (1.0 / 3.0)
    circular = (1.5 * slope * slope / (spread * spread) * n) ** (1.0 / 3.0)
    return BlockLength(min(stationary, float(most)), min(circular, float(most)))


def autocorrelated(d: Array) -> Serial:
    """Whether rows `d` (n,) in order depend on those before them.

    Two tests over the first LAGS lags, both chi-square under independence, and the p-value is the
    larger: one of the products of neighbours, each lag by its own spread, so that changing or heavy
    tailed variances raise no alarm (Cumby and Huizinga 1992); and Box and Pierce's of ranks, as the
    first raises some where rows are very skewed. The mean takes a little from every product, which
    is added again.
    """
    n = d.size
    if n < 2 or d.min() == d.max():
        return Serial(None, None, None)
    left = near_one(d)[0]
    left = left - left.mean()
    covariances = autocovariances(left, 1)
    length = block_length(d)
    understated = None
    if length is not None:
        lags = max(0, math.ceil(length.circular) - 1)
        ratio = long_run_variance(left, lags) / float(covariances[0])
        understated = math.sqrt(max(ratio, 0.0))
    p = None
    if n >= FEWEST:
        ranks = midranks(d)[0]
        p = max(
            _p(sum(product_z(left, lag) ** 2 for lag in range(1, LAGS + 1))),
            _p(sum(rank_z(ranks, lag) ** 2 for lag in range(1, LAGS + 1))),
        )
    return Serial(float(covariances[1] / covariances[0]), p, understated)


def product_z(left: Array, lag: int) -> float:
    """The sum of products of `left` (n,), of mean 0, with itself `lag` rows before, by its own
    standard error."""
    products = left[lag:] * left[:-lag]
    error = math.sqrt(float(products @ products))
    lost = float(left @ left) / left.size * (left.size - lag) / left.size
    return (float(products.sum()) + lost) / error if error > 0.0 else 0.0


def rank_z(ranks: Array, lag: int) -> float:
    """The same of ranks (n,), not all equal, by the standard error of independent rows."""
    left = ranks - ranks.mean()
    n = ranks.size
    variance = float(left @ left) / n
    lost = variance * (n - lag) / n
    return (float(left[lag:] @ left[:-lag]) + lost) / (variance * math.sqrt(n - lag))


def _p(statistic: float) -> float:
    """P(X >= statistic) of chi-square with LAGS = 4 degrees of freedom."""
    half = statistic / 2.0
    return math.exp(-half) * (1.0 + half)
