"""The mean of rows that come in clusters, whose rows are not independent of each other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.inference.paired import MeanTest, mean_test, paired
from lossctl.analyses.inference.scaled import enlarged, near_one
from lossctl.arrays import Array


@dataclass(frozen=True, slots=True)
class Clustered:
    """A mean of `n` rows in `clusters`.

    `test` has the cluster-robust error, and is None for one cluster. `plain_error` is that of
    independent rows (None for one row, or where it is not known), and `effect` (Kish's design
    effect) how many times as large the variance is; None where the plain error is 0.
    """

    n: float
    clusters: int
    mean: float
    test: MeanTest | None
    plain_error: float | None
    effect: float | None


def clustered(d: Array, codes: Any, confidence: float = 0.95) -> Clustered:
    """The mean of `d` (n,), n >= 1, with rows of equal `codes` (n,) as one cluster."""
    _, place, counts = np.unique(codes, return_inverse=True, return_counts=True)
    alone = paired(d)
    # Sums of what the mean leaves over: a large mean has cancelled before they are rounded.
    left, exponent = near_one(d - alone.mean)
    sums = np.bincount(place, left, minlength=counts.size).astype(np.float64)
    error = _error(sums, counts.astype(np.float64))
    plain = None if alone.test is None else alone.test.error
    if error is None:
        return Clustered(d.size, 1, alone.mean, None, plain, None)
    error = enlarged(error, exponent)
    effect = (error / plain) ** 2 if plain else None
    test = mean_test(alone.mean, error, counts.size - 1, confidence)
    return Clustered(d.size, counts.size, alone.mean, test, plain, effect)


def _error(sums: Array, counts: Array) -> float | None:
    """The standard error of the mean; None for one cluster."""
    if counts.size == 1:
        return None
    n = float(counts.sum())
    left = sums - float(sums.sum()) / n * counts
    return math.sqrt(counts.size / (counts.size - 1) * float(left @ left)) / n
