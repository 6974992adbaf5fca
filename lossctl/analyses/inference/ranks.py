"""Ranks, where equal values share the mean of theirs."""

from __future__ import annotations

import numpy as np

from lossctl.arrays import Array, Integers


def midranks(values: Array) -> tuple[Array, Integers]:
    """The ranks of `values` (n,) from 1 on, and how many values each distinct one has."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2.0
    ranks: Array = middle[place]
    return ranks, counts.astype(np.int64)
