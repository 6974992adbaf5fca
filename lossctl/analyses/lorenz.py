"""How unevenly rows make a loss: the Gini coefficient and the Lorenz curve.

From all values, exactly; from bins, between bounds (Gastwirth 1972): least where the values of a
bin are equal, most where they stand at its two ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import UNIT, Exact, exact, exact_dot, exact_sum, ratio
from lossctl.ranges import RangeState, value_of

TENTHS = 10
_SMALL = 20  # octaves below the mean: all values under them are as good as 0
_ROUNDED = 2.0**-25  # of the masses of bins


@dataclass(frozen=True, slots=True)
class Lorenz:
    """`tenths`: the share of the sum that each tenth of the rows makes, the smallest first."""

    gini: float
    tenths: tuple[float, ...]
    bound: float = 0.0  # of either
    tenths_bound: float = 0.0


def of_values(ordered: Array, absent: int = 0) -> Lorenz:
    """Of values >= 0, ascending, that do not sum to 0; the first `absent`, which are 0, are of
    rows that do not count."""
    ordered = ordered[absent:]
    return Lorenz(gini(ordered), _tenths(ordered))


def gini(ordered: Array) -> float:
    """The Gini coefficient of values >= 0, ascending: 0 if all are equal, near 1 if one is all."""
    n, total = ordered.size, exact_sum(ordered)
    if total == 0:
        return 0.0
    ranks = np.arange(1.0, n + 1.0)
    return ratio(2 * exact_dot(ordered, ranks) - (n + 1) * total, n * total)


def _tenths(ordered: Array) -> tuple[float, ...]:
    """A row that lies in two tenths is divided between them."""
    n = ordered.size
    sums: list[Exact] = [0]  # TENTHS times the running sum at each tenth
    last, below = 0, 0
    for tenth in range(1, TENTHS + 1):
        place, part = divmod(tenth * n, TENTHS)
        below += exact_sum(ordered[last:place])
        last = place
        sums.append(TENTHS * below + (part * exact(float(ordered[place])) if part else 0))
    return tuple(ratio(b - a, sums[-1]) for a, b in pairwise(sums))


# --- bins -----------------------------------------------------------------------------------------


def within(total: Exact, count: int) -> tuple[float, float]:
    """Where bins are worth having: from a small part of the mean to the sum, which no value
    exceeds."""
    mean = ratio(total, count << UNIT)
    return mean * 2.0**-_SMALL, ratio(total, 1 << UNIT)


def of_bins(state: RangeState, total: Exact, absent: int = 0) -> Lorenz:
    """Of the bins of values >= 0 between the bounds of `within`."""
    counts, masses = state.binned()
    places = np.flatnonzero(counts).tolist()
    edges = [tuple(map(value_of, state.bin(place))) for place in places]
    # The bin of what is smaller than all bins; then all others.
    low = np.array([0.0, *(edge[0] for edge in edges)])
    high = np.array([value_of(state.within[0]), *(edge[1] for edge in edges)])
    many = np.array([float(state.below - absent), *(float(counts[place]) for place in places)])
    mass = np.array([0.0, *(_mass(low_, int(masses[place]))
                            for (low_, _), place in zip(edges, places, strict=True))])  # fmt: skip
    whole = ratio(total, 1 << UNIT)
    mass[0] = max(0.0, whole - float(mass.sum()))
    mass[0] = min(mass[0], float(many[0]) * float(high[0]))
    mass *= whole / float(mass.sum())
    share, rows = mass / whole, many / many.sum()
    below = np.cumsum(share) - share
    equal = 1.0 - float((rows * (2.0 * below + share)).sum())
    mean = np.divide(mass, many, out=low.copy(), where=many > 0.0)
    mean = np.clip(mean, low, high)
    apart = rows**2 * (mean - low) * (high - mean) / (high - low) * (many.sum() / whole)
    spread = float(apart.sum())
    curve = np.interp(
        np.arange(TENTHS + 1) / TENTHS, np.r_[0.0, np.cumsum(rows)], np.r_[0.0, below + share]
    )
    # A chord lies above the curve by no more than the rows between the ends of its bin.
    off = float((rows * (high - low)).max() * (many.sum() / whole)) / 4.0
    slack = 2.0 * _ROUNDED + 2.0 * float(share[0])
    return Lorenz(
        equal + spread / 2.0,
        tuple(np.diff(curve).tolist()),
        spread / 2.0 + slack,
        2.0 * (off + slack),
    )


def _mass(low: float, leading: int) -> float:
    """What a bin's values sum to, from the leading bits of their significands."""
    exponent = max(int(np.array([low]).view(np.int64)[0] >> 52), 1)
    return float(np.ldexp(float(leading), exponent - 1023 - 26))
