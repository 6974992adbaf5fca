"""Pairs of boxes: lengths and areas of what they share, of what is apart, and of the hull.

Everything is made of differences of corners, scaled by powers of two and put together so that
only areas that are not negative are added: nothing cancels for boxes that nearly agree or lie far
from the origin, and nothing overflows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np

from lossctl.arrays import Array, Integers, Mask, Numbers
from lossctl.numerics import difference_parts, floating, shared, two_sum

Exact: TypeAlias = tuple[Array, Array | None]  # a number as high + low; None: high alone


@dataclass(frozen=True, slots=True, eq=False)
class Axis:
    """Two intervals, prediction p and target t, in units of 2**exponent; (n,) each."""

    pred: Array  # length of p
    target: Array  # length of t
    both: Array  # length of what they share; negative: the gap between them
    only_pred: Array  # pred - both
    only_target: Array  # target - both
    hull: Array  # length of the smallest interval around both: in [1/2, 1), or 0
    low: Array  # how far the lower end of t lies above that of p
    high: Array  # how far the upper end of t lies above that of p
    exponent: Integers
    lengths: tuple[Array, Array]  # of p and t, in a unit common to both axes

    def centre(self, exponent: Integers) -> Array:
        """How far the centre of t lies above that of p, in units of 2**exponent."""
        return cast(Array, np.ldexp(0.5 * (self.low + self.high), self.exponent - exponent))

    def width(self, exponent: Integers) -> Array:
        """The hull in units of 2**exponent."""
        return cast(Array, np.ldexp(self.hull, self.exponent - exponent))


@dataclass(frozen=True, slots=True, eq=False)
class Overlap:
    """Areas of pairs of boxes, in units of 2**(x.exponent + y.exponent); (n,) each."""

    x: Axis
    y: Axis
    inter: Array  # the intersection
    apart: Array  # union - intersection
    union: Array
    hull: Array  # the smallest box around both
    spare: Array  # hull - union

    @property
    def unit(self) -> Integers:
        """The exponent of the longer side of the hull."""
        sides = (np.where(axis.hull == 0.0, -5000, axis.exponent) for axis in (self.x, self.y))
        return np.maximum(*sides)


def _minus(a: Exact, b: Exact) -> Array:
    """The difference, rounded about once."""
    if a[1] is None or b[1] is None:
        return a[0] - b[0]
    total, error = two_sum(a[0], -b[0])
    return total + (error + (a[1] - b[1]))


def _ends(box: Numbers, place: int, boxes: str, unit: Array) -> tuple[Exact, Exact]:
    """Where the boxes begin and end along x (place 0) or y (1)."""
    if boxes == "xyxy" and box.dtype.kind == "f":
        return (box[:, place] * unit, None), (box[:, place + 2] * unit, None)
    zero = np.zeros(len(box))
    first, second = (difference_parts(box[:, column], zero) for column in (place, place + 2))
    at, rest = (first[0] * unit, first[1] * unit), (second[0] * unit, second[1] * unit)
    if boxes == "xyxy":
        return at, rest
    if boxes == "xywh":
        return at, _sum(at, rest, 1.0)
    return _sum(at, rest, -0.5), _sum(at, rest, 0.5)


def _sum(a: tuple[Array, Array], b: tuple[Array, Array], factor: float) -> Exact:
    """The sum a + factor * b."""
    total, error = two_sum(a[0], factor * b[0])
    return total, error + (a[1] + factor * b[1])


def _axis(pred: Numbers, target: Numbers, place: int, boxes: str, far: Mask) -> Axis:
    unit = np.where(far, 0.125, 1.0)
    p_low, p_high = _ends(pred, place, boxes, unit)
    t_low, t_high = _ends(target, place, boxes, unit)
    lengths = _minus(p_high, p_low), _minus(t_high, t_low)
    across = (*lengths, _minus(p_high, t_low), _minus(t_high, p_low))
    low, high = _minus(t_low, p_low), _minus(t_high, p_high)
    hull = np.maximum.reduce(across)
    power = np.frexp(hull)[1]
    only_pred = np.maximum(low, 0.0) + np.maximum(-high, 0.0)
    only_target = np.maximum(-low, 0.0) + np.maximum(high, 0.0)
    return Axis(
        np.ldexp(lengths[0], -power),
        np.ldexp(lengths[1], -power),
        np.ldexp(np.minimum.reduce(across), -power),
        np.ldexp(only_pred, -power),
        np.ldexp(only_target, -power),
        np.ldexp(hull, -power),
        np.ldexp(low, -power),
        np.ldexp(high, -power),
        power + np.where(far, 3, 0),
        lengths,
    )


@shared
def overlap(pred: Numbers, target: Numbers, *, boxes: str) -> Overlap:
    """Every area as a sum of products that are not negative."""
    largest = np.maximum(np.abs(floating(pred)), np.abs(floating(target)))
    far = np.maximum.reduce([largest[:, place] for place in range(4)]) > 2.0**1020
    x, y = (_axis(pred, target, place, boxes, far) for place in (0, 1))
    meet = (x.both > 0.0) & (y.both > 0.0)
    inter = np.where(meet, x.both * y.both, 0.0)
    only_pred = np.where(meet, x.only_pred * y.pred + x.both * y.only_pred, x.pred * y.pred)
    only_target = np.where(
        meet, x.only_target * y.target + x.both * y.only_target, x.target * y.target
    )
    apart = only_pred + only_target
    # What is left of the hull: two corners, and the gap where they lie apart.
    corners = x.only_pred * y.only_target + x.only_target * y.only_pred
    gap = np.where(meet, 0.0, np.abs(x.both * y.both))
    both_ways = x.only_pred * y.only_target + (x.target * y.only_pred - x.both * y.pred)
    spare = np.where((x.both < 0.0) & (y.both < 0.0), both_ways, corners + gap)
    return Overlap(x, y, inter, apart, inter + apart, x.hull * y.hull, spare)
