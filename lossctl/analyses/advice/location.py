"""The constant that makes each loss least: what a loss asks a prediction to be (Gneiting 2011)."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import ONE, exact_dot, exact_sum, ratio
from lossctl.selection import middle, reached


def mean(values: Array, weights: Array | None = None) -> float:
    """The weighted mean: of squared error and of every other Bregman loss."""
    if weights is None:
        return ratio(exact_sum(values), values.size * ONE)
    return ratio(exact_dot(values, weights), exact_sum(weights))


def quantile(values: Array, level: float = 0.5, weights: Array | None = None) -> float:
    """The weighted `level` quantile: of pinball, and at 0.5 of absolute error.

    Where a whole interval is as good, its middle. The level is read as the decimal that prints it.
    """
    mass = np.ones(values.size) if weights is None else weights
    order = np.argsort(values, kind="stable")
    ordered, mass = values[order], mass[order]
    if mass[0] == 0.0 or mass[-1] == 0.0:
        ordered, mass = ordered[mass > 0.0], mass[mass > 0.0]
    exactly = Fraction(repr(float(level))) * exact_sum(mass)
    low = reached(ordered, mass, -int(-exactly // 1), beyond=False)
    return middle(low, reached(ordered, mass, int(exactly // 1), beyond=True))


def median(values: Array, weights: Array | None = None) -> float:
    """The weighted median."""
    return quantile(values, 0.5, weights)


def expectile(values: Array, level: float, weights: Array | None = None) -> float:
    """The constant c with level * E(y - c)+ = (1 - level) * E(c - y)+ (Newey and Powell 1987)."""
    mass = np.ones(values.size) if weights is None else weights

    def score(c: float) -> float:
        e = values - c
        return float((mass * np.where(e > 0.0, level * e, (1.0 - level) * e)).sum())

    return zero_of(score, float(values.min()), float(values.max()))


def huber(values: Array, delta: float) -> float:
    """Between the median and the mean (Huber 1964)."""
    return _centre(values, lambda e: np.clip(e, -delta, delta))


def log_cosh(values: Array) -> float:
    """Between the median and the mean, smoothly."""
    return _centre(values, np.tanh)


def fourth_power(values: Array) -> float:
    """Beyond the mean, towards the longer tail."""
    return _centre(values, lambda e: e**3)


def _centre(values: Array, slope: Callable[[Array], Array]) -> float:
    low, high = float(values.min()), float(values.max())
    return zero_of(lambda c: float(slope(values - c).sum()), low, high)


def zero_of(falling: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that falls from `low` to `high` passes 0, by bisection, to 1e-16 of the
    way between them."""
    least = 1e-16 * (high - low)
    while True:
        between = low + (high - low) / 2.0
        if high - low <= least or not low < between < high:
            return between
        value = falling(between)
        if value == 0.0:
            return between
        low, high = (between, high) if value > 0.0 else (low, between)
