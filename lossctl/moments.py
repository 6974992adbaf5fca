"""The exact first two moments of a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import Exact, exact, exact_dot, exact_moments, exact_sum, ratio, scaled, times
from lossctl.numerics import two_product
from lossctl.states import Block, Column, Json


@dataclass(frozen=True, slots=True)
class Moments:
    """Exact sums of w, w x and w x**2."""

    column: Column
    weight: Column | None = None

    def empty(self) -> MomentsState:
        return MomentsState()

    def make(self, block: Block) -> MomentsState:
        x = self.column(block)
        count, infinite = x.shape[0], 0
        w = None if self.weight is None else self.weight(block)
        finite = np.isfinite(x)
        if not finite.all():
            infinite = int((~finite).sum())
            x = np.where(finite, x, 0.0)
        if w is None:
            ones = exact(float(count))
            return MomentsState(count, count, infinite, ones, *exact_moments(x))
        nonzero = int(np.count_nonzero(w))
        square = _triple(w, x)
        return MomentsState(count, nonzero, infinite, exact_sum(w), exact_dot(w, x), square)


def _triple(w: Array, x: Array) -> Exact:
    """The sum of w x**2, exactly: factors out of range for a product are scaled first."""
    total = 0
    for left, left_shift in scaled(w):
        for right, right_shift in scaled(x):
            for part in two_product(left, right):
                shift = left_shift + right_shift
                total += times(exact_dot(part, x), shift)
    return total


@dataclass(frozen=True, slots=True)
class MomentsState:
    """Sums in units of 2**-UNIT."""

    count: int = 0
    nonzero: int = 0  # rows whose weight is not 0
    infinite: int = 0
    w: Exact = 0
    wx: Exact = 0
    wxx: Exact = 0

    @property
    def mean(self) -> float:
        """The weighted mean, rounded once."""
        return ratio(self.wx, self.w)

    @property
    def square(self) -> int:
        """sum(w x**2) * W, in units of 2**-2 UNIT."""
        return self.wxx * self.w

    @property
    def spread(self) -> int:
        """sum(w (x - mean)**2) * W, in units of 2**-2 UNIT."""
        return self.wxx * self.w - self.wx * self.wx

    def variance(self) -> float:
        """The population variance, rounded once."""
        return ratio(self.spread, self.w * self.w)

    def merge(self, other: MomentsState) -> MomentsState:
        return MomentsState(
            self.count + other.count,
            self.nonzero + other.nonzero,
            self.infinite + other.infinite,
            self.w + other.w,
            self.wx + other.wx,
            self.wxx + other.wxx,
        )

    def less(self, row: MomentsState) -> MomentsState:
        """With some of the rows left out."""
        return MomentsState(
            self.count - row.count,
            self.nonzero - row.nonzero,
            self.infinite - row.infinite,
            self.w - row.w,
            self.wx - row.wx,
            self.wxx - row.wxx,
        )

    def to_json(self) -> Json:
        sums = {"w": hex(self.w), "wx": hex(self.wx), "wxx": hex(self.wxx)}
        counts = {"count": self.count, "nonzero": self.nonzero, "infinite": self.infinite}
        return {**counts, **sums}

    @classmethod
    def from_json(cls, data: Json) -> MomentsState:
        sums = (int(data[name], 16) for name in ("w", "wx", "wxx"))
        return cls(data["count"], data["nonzero"], data["infinite"], *sums)
