"""The medcouple: how skewed the middle of a sample is (Brys, Hubert and Struyf 2004).

The pairs are never all made: with their ratios in a matrix sorted both ways, a few rounds of
counting leave only those near the middle (Johnson and Mizoguchi 1978).
"""

from __future__ import annotations

import numpy as np

from lossctl.arrays import Array, Integers
from lossctl.selection import median_ranks

FEW = 1 << 18  # pairs that are looked at one by one


def medcouple(values: Array, centre: float) -> float:
    """The median, over pairs of values with lower <= centre <= upper, of how much farther the
    upper lies than the lower, as a fraction of their distance: from -1 to 1, above 0 for a long
    upper tail. `values` (n,) finite, n >= 1; `centre` their median. O(n log n) in time, O(n) in
    memory.
    """
    ordered = np.sort(values)
    above = ordered[ordered > centre] - centre
    below = centre - ordered[ordered < centre][::-1]
    tied = int(np.count_nonzero(ordered == centre))
    # Values at the centre: among themselves -1, 0 or 1, by their places from both ends.
    half = tied * (tied - 1) // 2
    least, most = below.size * tied + half, above.size * tied + half
    pairs = above.size * below.size
    low, high = median_ranks(least + tied + pairs + most)
    shorter = int(_counts(above, below, 1.0, least=False).sum())

    def at(rank: int) -> float:
        rank -= least
        if rank < 0:
            return -1.0
        if rank >= pairs + tied:
            return 1.0
        if shorter <= rank < shorter + tied:
            return 0.0
        ratio = _ranked(above, below, rank if rank < shorter else rank - tied)
        return 1.0 if ratio == np.inf else (ratio - 1.0) / (ratio + 1.0)

    first = at(low)
    return first if low == high else (first + at(high)) / 2.0


def _ranked(above: Array, below: Array, rank: int) -> float:
    """The ratio above / below of one rank among all pairs."""
    start = np.zeros(below.size, dtype=np.int64)
    stop = np.full(below.size, above.size)
    while True:
        width = stop - start
        left = int(width.sum())
        if left <= FEW:
            break
        rows = np.flatnonzero(width)
        with np.errstate(over="ignore", under="ignore"):
            middles = above[(start[rows] + stop[rows]) // 2] / below[rows]
        order = np.argsort(middles)
        weight = np.cumsum(width[rows][order])
        pivot = float(middles[order[np.searchsorted(weight, left / 2)]])
        less, upto = (_counts(above, below, pivot, least=one) for one in (False, True))
        if rank < less.sum():
            stop = less
        elif rank >= upto.sum():
            start = upto
        else:
            return pivot
    rows = np.repeat(np.arange(below.size), width)
    places = np.arange(left) - np.repeat(np.cumsum(width) - width, width) + start[rows]
    rank -= int(start.sum())
    with np.errstate(over="ignore", under="ignore"):
        return float(np.partition(above[places] / below[rows], rank)[rank])


def _counts(above: Array, below: Array, ratio: float, *, least: bool) -> Integers:
    """For each of `below`, how many above / below are less than a ratio (or equal, if `least`).

    By bisection: a quotient that is rounded grows with its numerator none the less.
    """
    start = np.zeros(below.size, dtype=np.int64)
    stop = np.full(below.size, above.size)
    with np.errstate(over="ignore", under="ignore"):
        for _ in range(above.size.bit_length()):
            middle = (start + stop) // 2
            found = above[np.minimum(middle, above.size - 1)] / below
            before = (found <= ratio if least else found < ratio) & (middle < stop)
            start = np.where(before, middle + 1, start)
            stop = np.where(before, stop, middle)
    return start
