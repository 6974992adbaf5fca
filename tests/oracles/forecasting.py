"""Textbook percentage and scaled errors, to 50 digits. e = pred - target throughout.

`weighted_absolute_percentage_error` is a ratio of sums and takes whole lists; the others take one
sample (`train` is the whole training series). A non-zero error over a zero scale is inf; 0/0 is 0
in the percentage errors of one sample, and nan where a whole file or series gives the scale.
"""

from __future__ import annotations

from typing import Any

from mpmath import fsum, inf, mpf, nan

from tests.oracles.precision import to_50_digits


@to_50_digits
def mean_absolute_percentage_error(pred: mpf, target: mpf, *, scale: Any = 1, eps: Any = 0) -> mpf:
    e, size = abs(pred - target), max(abs(target), eps)
    if size == 0:
        return mpf(0) if e == 0 else inf
    return scale * e / size


@to_50_digits
def symmetric_mean_absolute_percentage_error(
    pred: mpf, target: mpf, *, scale: Any = 1, variant: str = "0-2"
) -> mpf:
    """Makridakis (1993), from 0 to 2; variant "0-1" is half of it."""
    size = abs(target) + abs(pred)
    if size == 0:
        return mpf(0)
    return scale * {"0-2": 2, "0-1": 1}[variant] * abs(pred - target) / size


@to_50_digits
def weighted_absolute_percentage_error(
    pred: list[mpf], target: list[mpf], *, weights: list[mpf] | None = None
) -> mpf:
    """Σ w|e| / Σ w|y| over whole lists."""
    w = weights if weights is not None else [mpf(1)] * len(target)
    return _over(
        fsum(w[i] * abs(pred[i] - target[i]) for i in range(len(target))),
        fsum(w[i] * abs(target[i]) for i in range(len(target))),
    )


@to_50_digits
def mean_absolute_scaled_error(
    pred: mpf, target: mpf, train: list[mpf], *, seasonality: Any = 1
) -> mpf:
    """Hyndman and Koehler (2006): |e| over the mean absolute seasonal difference of `train`."""
    m = int(seasonality)
    steps = [abs(train[t] - train[t - m]) for t in range(m, len(train))]
    return _over(abs(pred - target), fsum(steps) / len(steps))


@to_50_digits
def root_mean_squared_scaled_error(
    pred: mpf, target: mpf, train: list[mpf], *, seasonality: Any = 1
) -> mpf:
    """M5's RMSSE before mean and root: e² over the mean squared seasonal difference of `train`."""
    m = int(seasonality)
    steps = [(train[t] - train[t - m]) ** 2 for t in range(m, len(train))]
    return _over((pred - target) ** 2, fsum(steps) / len(steps))


def _over(numerator: mpf, denominator: mpf) -> mpf:
    if denominator == 0:
        return nan if numerator == 0 else inf
    return numerator / denominator


ORACLES = {
    oracle.__name__: oracle
    for oracle in (
        mean_absolute_percentage_error,
        symmetric_mean_absolute_percentage_error,
        weighted_absolute_percentage_error,
        mean_absolute_scaled_error,
        root_mean_squared_scaled_error,
    )
}

WHOLE = frozenset({"weighted_absolute_percentage_error"})
