"""Arrays to more than float64's precision, each with a bound of its error, rounded once at the end.

Sums and products of high + low have twice float64's digits (Dekker 1971), quotients and roots half
as many more: 26 bits first, which multiply exactly, then the rest. Where the bound leaves no doubt
which float64 is nearest, that is the exact value rounded; where it does, the caller works it out
with whole numbers (the test of Ziv 1991).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array, Mask
from lossctl.exact import ONE, Exact, exact, times
from lossctl.numerics import split, two_product, two_sum

_SUM = 2.0**-103  # relative to the summands
_PRODUCT = 2.0**-100
_QUOTIENT = 2.0**-74  # half the digits and then 53: 26 + 53, less what is rounded on the way
_LEAST = 2.0**-1000  # what products of tiny numbers may lose
_ROOM = 1.0 + 2.0**-20  # for the rounding of the bounds themselves


@dataclass(frozen=True, slots=True, eq=False)
class Twofold:
    """Numbers, none farther from high + low than `relative` of its size and `absolute` together.

    High is high + low rounded. The arrays broadcast; `absolute` may be one for all.
    """

    high: Array
    low: Array
    relative: float
    absolute: Array

    @classmethod
    def of(cls, values: Array) -> Twofold:
        """Float64 values as they are."""
        return cls(values, _NOTHING, 0.0, _NOTHING)

    @classmethod
    def of_exact(cls, value: Exact, unit: Exact = ONE) -> Twofold:
        """Value / unit, of whole numbers. OverflowError beyond float64's range."""
        high = value / unit
        top, bottom = high.as_integer_ratio()
        rest = value * bottom - top * unit
        if not rest:
            return cls.of(np.array([high]))
        low = rest / (unit * bottom)
        absolute = _NOTHING if abs(high) > 2.0**-800 else np.array([_LEAST])
        return cls(np.array([high]), np.array([low]), 2.0**-104, absolute)

    @property
    def off(self) -> Array:
        """How far the numbers may be from high + low."""
        return _ROOM * (self.relative * np.abs(self.high) + self.absolute)

    def __neg__(self) -> Twofold:
        return Twofold(-self.high, -self.low, self.relative, self.absolute)

    def __add__(self, other: Twofold) -> Twofold:
        high, error = two_sum(self.high, other.high)
        # Beside one number that is added to all, they need no bound each.
        sizes = (
            (self._most(), other._most()) if _one(self, other) else (self._size(), other._size())
        )
        off = (self.relative + _SUM) * sizes[0] + (other.relative + _SUM) * sizes[1]
        absolute = _ROOM * (off + self.absolute + other.absolute)
        return _ordered(high, error + (self.low + other.low), 0.0, absolute)

    def __sub__(self, other: Twofold) -> Twofold:
        return self + -other

    def __mul__(self, other: Twofold) -> Twofold:
        high, error = two_product(self.high, other.high)
        low = error + (self.high * other.low + self.low * other.high)
        absolute = (
            self._most() * other.absolute
            + other._most() * self.absolute
            + self.absolute * other.absolute
            + _LEAST
        )
        relative = self.relative + other.relative + _PRODUCT
        return _ordered(high, low, _ROOM * relative, _ROOM * absolute)

    def __truediv__(self, other: Twofold) -> Twofold:
        head, _ = split(self.high / other.high)
        above, below = split(other.high)
        # Head * above is exact, and so is what it leaves of high.
        rest = ((self.high - head * above) - head * (below + other.low)) + self.low
        least = other._least() - other.absolute
        absolute = (self.absolute + _LEAST) / least
        if other.absolute is not _NOTHING:
            absolute = absolute + self._most() / least * (other.absolute / least)
        relative = self.relative + other.relative + _QUOTIENT
        return _ordered(head, rest / other.high, _ROOM * relative, _ROOM * absolute)

    def root(self) -> Twofold:
        """The square root; NaN of what is below 0."""
        near = np.sqrt(self.high)
        head, _ = split(near)
        low = ((self.high - head * head) + self.low) / (near + head)
        least = np.sqrt(self._least())
        absolute = _ROOM * (self.absolute + _LEAST) / least
        return _ordered(head, low, _ROOM * (self.relative + _QUOTIENT), absolute)

    def nearest(self, spare: float = 0.0) -> tuple[Array, Mask]:
        """The nearest float64 of each, and where it is sure; `spare` is a further relative error.

        What lies near the ends of float64's range is never sure, nor is NaN.
        """
        value, size = self.high, np.abs(self.high)
        off = size * (_ROOM * (self.relative + spare))
        if self.absolute is not _NOTHING:
            off += self.absolute
        sure = (value + (self.low + off) == value) & (value + (self.low - off) == value)
        if not (size.min(initial=1.0) > 1e-290 and size.max(initial=1.0) < 1e290):
            sure &= (size < 1e290) & (size > 1e-290)
        return value, sure

    def _size(self) -> Array:
        return np.abs(self.high)

    def _most(self) -> Array:
        """The largest size, as an array of one."""
        return np.fmax.reduce(np.abs(self.high), keepdims=True, initial=0.0)

    def _least(self) -> Array:
        """The smallest size, as an array of one."""
        return np.fmin.reduce(np.abs(self.high), keepdims=True, initial=math.inf)


_NOTHING = np.zeros(1)


def _one(*numbers: Twofold) -> bool:
    return any(one.high.shape[0] == 1 for one in numbers)


def _ordered(high: Array, low: Array, relative: float, absolute: Array) -> Twofold:
    """High and low with nothing in low that high could hold; |high| is the larger."""
    total = high + low
    return Twofold(total, low - (total - high), relative, absolute)


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
