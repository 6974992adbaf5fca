"""Arrays to twice float64's precision, each with a bound of its error, rounded once at the end.

Sums, products, quotients and roots of high + low (Dekker 1971). Where the bound leaves no doubt
which float64 is nearest, that is the exact value rounded; where it does, the caller works it out
with whole numbers (the test of Ziv 1991).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array, Mask
from lossctl.exact import ONE, Exact, exact, times
from lossctl.numerics import two_product, two_sum

_SUM = 2.0**-103  # relative to the summands
_PRODUCT = 2.0**-100
_LEAST = 2.0**-1000  # what products of tiny numbers may lose
_ROOM = 1.0 + 2.0**-20  # for the rounding of the bounds themselves


@dataclass(frozen=True, slots=True, eq=False)
class Twofold:
    """Numbers of which none is farther than `off` from high + low; arrays that broadcast."""

    high: Array
    low: Array
    off: Array

    @classmethod
    def of(cls, values: Array) -> Twofold:
        """Float64 values as they are."""
        zero = np.zeros(1)
        return cls(values, zero, zero)

    @classmethod
    def of_exact(cls, value: Exact, unit: Exact = ONE) -> Twofold:
        """Value / unit, of whole numbers. OverflowError beyond float64's range."""
        high = value / unit
        top, bottom = high.as_integer_ratio()
        low = (value * bottom - top * unit) / (unit * bottom)
        off = abs(low) * 2.0**-52 + _LEAST if low else 0.0
        return cls(np.array([high]), np.array([low]), np.array([off]))

    def __add__(self, other: Twofold) -> Twofold:
        high, error = two_sum(self.high, other.high)
        size = np.abs(self.high) + np.abs(other.high)
        return _ordered(high, error + (self.low + other.low), self.off + other.off + _SUM * size)

    def __sub__(self, other: Twofold) -> Twofold:
        return self + Twofold(-other.high, -other.low, other.off)

    def __mul__(self, other: Twofold) -> Twofold:
        high, error = two_product(self.high, other.high)
        low = error + (self.high * other.low + self.low * other.high)
        left, right = np.abs(self.high), np.abs(other.high)
        off = _ROOM * (left * other.off + right * self.off + self.off * other.off)
        return _ordered(high, low, off + (_PRODUCT * (left * right) + _LEAST))

    def __truediv__(self, other: Twofold) -> Twofold:
        high = self.high / other.high
        product, error = two_product(high, other.high)
        rest = (self.high - product) - error + self.low - high * other.low
        size = np.abs(high)
        off = (self.off + size * other.off + _LEAST) / (np.abs(other.high) - other.off) * _ROOM
        return _ordered(high, rest / other.high, off + _PRODUCT * size)

    def root(self) -> Twofold:
        """The square root; NaN of what is below 0."""
        high = np.sqrt(self.high)
        product, error = two_product(high, high)
        low = ((self.high - product) - error + self.low) / (2.0 * high)
        off = (self.off + _LEAST) / high * _ROOM
        return _ordered(high, low, off + _PRODUCT * high)

    def nearest(self, spare: float = 0.0) -> tuple[Array, Mask]:
        """The nearest float64 of each, and where it is sure; `spare` is a further relative error.

        What lies near the ends of float64's range is never sure, nor is NaN.
        """
        off = _ROOM * (self.off + spare * np.abs(self.high))
        value = self.high + self.low
        rest = (self.high - value) + self.low
        size = np.abs(value)
        sure = (value + (rest + off) == value) & (value + (rest - off) == value)
        return value, sure & (size < 1e290) & (size > 1e-290)


def _ordered(high: Array, low: Array, off: Array) -> Twofold:
    """High and low with nothing in low that high could hold; |high| is the larger."""
    total = high + low
    return Twofold(total, low - (total - high), off)


def mean_of(columns: list[Array]) -> tuple[Array, Mask]:
    """The mean of several numbers a row, rounded once, and where it is sure."""
    total = Twofold.of(columns[0])
    for column in columns[1:]:
        total = total + Twofold.of(column)
    return (total / Twofold.of(np.array([float(len(columns))]))).nearest()


def exactly(value: float | None) -> float:
    """A value, NaN for none: as an array holds it."""
    return math.nan if value is None else value


def exact_of(parts: list[tuple[Array, int]], row: int) -> Exact:
    """One row of the terms of a sum, as a whole number."""
    total = 0
    for part, shift in parts:
        value = exact(float(part[row]))
        total += times(value, shift)
    return total
