"""Bootstrap intervals of any statistic of sums over rows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from lossctl.arrays import Array
from lossctl.student import normal_quantile

Statistic: TypeAlias = Callable[[Array], Array]  # sums (B, k) to values (B,)
Interval: TypeAlias = tuple[float, float]

ROWS = 20_000  # up to which memory stays below 200 MB
_CELLS = 1 << 20  # rows drawn at once


@dataclass(frozen=True, slots=True, eq=False)
class Bootstrap:
    """A statistic, its `replicates` (B,), and intervals from them.

    `bias` is z0 and `acceleration` a of the BCa interval. None where one is not defined: a
    statistic that some resample does not have, replicates all on one side of it, or none that vary.
    """

    estimate: float
    percentile: Interval | None
    bca: Interval | None
    bias: float | None
    acceleration: float | None
    replicates: Array


def bootstrap(
    columns: Array,
    statistic: Statistic,
    *,
    replicates: int = 2000,
    confidence: float = 0.95,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> Bootstrap:
    """Percentile and BCa (Efron 1987) intervals of `statistic` of the sums of `columns` (n, k), for
    rows drawn with replacement; as `scipy.stats.bootstrap` with the same seed.

    A statistic that needs n asks for a column of ones. `progress` is told how many replicates are
    done. The work is n * replicates draws.
    """
    total = columns.sum(axis=0)
    estimate = float(statistic(total[np.newaxis])[0])
    if (columns == columns[0]).all():  # rounding alone would make the replicates vary
        same = (estimate, estimate) if math.isfinite(estimate) else None
        return Bootstrap(estimate, same, None, None, None, np.full(replicates, estimate))
    drawn = statistic(sums_drawn(columns, replicates, seed, progress))
    return intervals(estimate, drawn, statistic(sums_without(columns)), confidence)


def intervals(estimate: float, drawn: Array, without: Array, confidence: float) -> Bootstrap:
    """Percentile and BCa intervals of an estimate with its replicates `drawn` (B,) and its values
    `without` each of the rows (n,)."""
    if not (math.isfinite(estimate) and np.isfinite(drawn).all()):
        return Bootstrap(estimate, None, None, None, None, drawn)
    tail = (1.0 - confidence) / 2.0
    percentile = _between(drawn, tail, 1.0 - tail)
    bias = _bias(drawn, estimate)
    acceleration = _acceleration(without)
    bca = None
    if bias is not None and acceleration is not None:
        ends = [_moved(one, bias, acceleration) for one in (tail, 1.0 - tail)]
        if ends[0] is not None and ends[1] is not None:
            bca = _between(drawn, ends[0], ends[1])
    return Bootstrap(estimate, percentile, bca, bias, acceleration, drawn)


def sums_without(columns: Array) -> Array:
    """The sums of `columns` (n, k) without each row in turn, (n, k): of those before it and those
    after it, so that a row that is nearly the whole sum leaves the rest as it is."""
    sums = np.zeros_like(columns)
    np.cumsum(columns[:-1], axis=0, out=sums[1:])
    sums[:-1] += np.cumsum(columns[:0:-1], axis=0)[::-1]
    return sums


def sums_drawn(
    columns: Array,
    replicates: int,
    seed: int,
    progress: Callable[[int], object] | None = None,
) -> Array:
    """The sums of `columns` (n, k) over n rows drawn with replacement, (replicates, k)."""
    n = len(columns)
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // n)
    sums = np.empty((replicates, columns.shape[1]))
    for start in range(0, replicates, step):
        count = min(step, replicates - start)
        rows = rng.integers(0, n, size=(count, n))
        rows += n * np.arange(count)[:, np.newaxis]
        times = np.bincount(rows.ravel(), minlength=count * n).reshape(count, n)
        sums[start : start + count] = times.astype(np.float64) @ columns
        if progress is not None:
            progress(start + count)
    return sums


def _between(drawn: Array, low: float, high: float) -> Interval:
    ends = np.quantile(drawn, [low, high])
    return float(ends[0]), float(ends[1])


def _bias(drawn: Array, estimate: float) -> float | None:
    """z0: the normal quantile of the share of replicates below the estimate, ties counted half."""
    below = int((drawn < estimate).sum()) + int((drawn <= estimate).sum())
    if not 0 < below < 2 * drawn.size:
        return None
    return normal_quantile(below / (2 * drawn.size))


def _acceleration(without: Array) -> float | None:
    """A sixth of the skewness of the jackknife values (n,); None where they do not vary."""
    if without.size < 2 or not np.isfinite(without).all() or without.min() == without.max():
        return None
    apart = without.mean() - without
    apart = apart / np.abs(apart).max()
    squares = float(np.square(apart).sum())
    return float((apart**3).sum()) / float(6.0 * squares**1.5)


def _moved(probability: float, bias: float, acceleration: float) -> float | None:
    """Where BCa looks for a quantile; None where the acceleration is too large for that."""
    z = bias + normal_quantile(probability)
    if 1.0 - acceleration * z <= 0.0:
        return None
    return 0.5 * math.erfc(-(bias + z / (1.0 - acceleration * z)) / math.sqrt(2.0))
