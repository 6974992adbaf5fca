"""Wilcoxon's signed-rank test: of symmetry about 0, not of the mean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.inference.ranks import midranks
from lossctl.analyses.significance import normal_p
from lossctl.arrays import Array, Integers

EXACT = 50  # rows up to which the distribution is counted out
EXACT_TIES = 13  # the same where sizes are equal, or differences are 0


@dataclass(frozen=True, slots=True)
class SignedRank:
    """The smaller sum of ranks, its two-sided p-value, and of how many differences they are.

    `p` is None where every difference is 0.
    """

    statistic: float
    p: float | None
    exact: bool
    used: int


def signed_rank(d: Array) -> SignedRank:
    """Wilcoxon's (1945) test of differences `d` (n,), as `scipy.stats.wilcoxon` makes it: zeros are
    left out; exact for few rows; else normal, corrected for ties and without continuity
    correction."""
    sizes = np.abs(d[d != 0.0])
    if not sizes.size:
        return SignedRank(0.0, None, True, 0)
    ranks, counts = midranks(sizes)
    above = float(ranks[d[d != 0.0] > 0.0].sum())
    whole = sizes.size * (sizes.size + 1) / 2.0
    statistic = min(above, whole - above)
    plain = sizes.size == d.size and bool((counts == 1).all())
    if d.size <= (EXACT if plain else EXACT_TIES):
        return SignedRank(statistic, _exact(ranks, statistic), True, sizes.size)
    n = float(sizes.size)
    tied = float((counts.astype(np.float64) ** 3 - counts).sum())
    variance = (n * (n + 1.0) * (2.0 * n + 1.0) - tied / 2.0) / 24.0
    z = (statistic - whole / 2.0) / math.sqrt(variance)
    return SignedRank(statistic, normal_p(z), False, sizes.size)


def _exact(ranks: Array, statistic: float) -> float:
    """How many of all sets of ranks have a sum up to `statistic`, twice, as a share."""
    doubled: Integers = np.rint(2.0 * ranks).astype(np.int64)  # midranks are halves
    ways = np.zeros(int(doubled.sum()) + 1, dtype=np.int64)
    ways[0] = 1
    for rank in doubled.tolist():
        ways[rank:] += ways[: ways.size - rank].copy()
    low = int(ways[: round(2.0 * statistic) + 1].sum())
    return min(1.0, 2.0 * low / 2.0**ranks.size)
