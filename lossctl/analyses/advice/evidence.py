"""What the rules look at: the errors of all rows, or of a sample of them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.advice.scale import density_at_median, robust_deviation
from lossctl.analyses.fences import CUT
from lossctl.arrays import Array, Integers, Mask
from lossctl.report import listed

FEW = 10  # outliers that may be mistakes rather than how the errors are
LARGEST = 1e100  # of a value: beyond it, or its inverse, squares of squares leave float64


@dataclass(frozen=True, slots=True, eq=False)
class Sampled:
    """How many rows there are, which of them are looked at, and what they are called."""

    rows: int  # looked at
    of: int  # in all
    even: Mask  # one of two halves that have nothing to do with one another
    weight: Array  # 1 where none is given
    name: Callable[[int], str]

    @property
    def mark(self) -> str:
        """What stands before a number that is that of a sample."""
        return "~" if self.of > self.rows else ""

    def names(self, places: Integers, most: int = 3) -> str:
        """`#371 #17 …`."""
        return listed([self.name(int(place)) for place in places[: most + 1]], most)


@dataclass(frozen=True, slots=True, eq=False)
class Errors:
    """Targets `y`, predictions `p` and residuals `r` = p - y, each (n,)."""

    sample: Sampled
    y: Array
    p: Array
    r: Array
    median: float
    unit: float  # the robust deviation of r; 0 where most residuals are the same
    inner: Mask  # rows that are no outliers: within 3.5 robust deviations of the median

    @property
    def n(self) -> int:
        return self.sample.rows

    @property
    def common(self) -> Mask:
        """The rows that tell what the errors are like: all, but for a few outliers. Where there
        are many, they belong to it."""
        few = self.n - int(self.inner.sum()) <= max(FEW, self.n // 100)
        return self.inner if few else np.ones(self.n, dtype=np.bool_)

    def outliers(self) -> Integers:
        """The rows that are, the farthest first."""
        far = np.abs(self.r - self.median)
        found: Integers = np.flatnonzero(~self.inner)
        return found[np.argsort(-far[found], kind="stable")]

    def apart(self) -> float:
        """How many standard errors the mean of r lies from its median; 0 where most of r is the
        same. By the influence of each row on both: no symmetry and no normality is assumed, and
        where r has no variance the error is large."""
        density = density_at_median(self.r)
        if density == 0.0:
            return 0.0
        mean = float(self.r.mean())
        influence = self.r - mean - np.sign(self.r - self.median) / (2.0 * density)
        error = float(influence.std()) / math.sqrt(self.r.size)
        return (mean - self.median) / error if error > 0.0 else 0.0


def errors_of(sample: Sampled, y: Array, p: Array) -> Errors | None:
    """None for values that are not finite, or too large or too small."""
    largest = float(np.maximum(np.abs(y), np.abs(p)).max(initial=0.0))
    if not y.size or not (largest == 0.0 or 1.0 / LARGEST <= largest <= LARGEST):
        return None
    r = p - y
    unit, centre = robust_deviation(r), float(np.median(r))
    inner = np.abs(r - centre) <= CUT * unit if unit > 0.0 else np.ones(r.size, dtype=np.bool_)
    return Errors(sample, y, p, r, centre, unit, inner)
