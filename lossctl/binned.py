"""Exact sums by bin: as `lossctl.exact`, each row's term going to the bin of the row.

A round takes as many leading bits of every value as float64 can add up without rounding, so that
`np.bincount` adds them exactly, in whatever order.
"""

from __future__ import annotations

import math

import numpy as np

from lossctl.arrays import Array, Integers
from lossctl.exact import (
    UNIT,
    Exact,
    all_zero,
    exact,
    in_limbs,
    scaled,
    times,
)
from lossctl.numerics import two_product

_BLOCK = 1 << 15
_BITS = 37  # a value's in one round: _BLOCK of them add up to 52 bits
_FLOOR = -1074  # exponent of the smallest float64
_LARGE = 960  # from this exponent on, values go one by one


def binned_sums(codes: Integers, bins: int, values: Array, exponent: int = 0) -> list[Exact]:
    """The sums of finite `values`, (n,), times 2**exponent, over the rows of each code below
    `bins`."""
    totals = [0] * bins
    for start in range(0, values.size, _BLOCK):
        piece = slice(start, start + _BLOCK)
        _add_block(totals, codes[piece], values[piece])
    return [total << (UNIT + _FLOOR + exponent) for total in totals]


def _add_block(totals: list[int], codes: Integers, values: Array) -> None:
    """Add to `totals`, in units of 2**-1074."""
    top = math.frexp(max(float(values.max()), -float(values.min())))[1]
    if top > _LARGE:
        large = np.abs(values) >= 2.0**_LARGE
        for code, value in zip(codes[large].tolist(), values[large].tolist(), strict=True):
            totals[code] += exact(value) >> (UNIT + _FLOOR)
        values, top = np.where(large, 0.0, values), _LARGE
    while not all_zero(values):
        grain = max(top - _BITS, _FLOOR)
        anchor = math.ldexp(1.5, grain + 52)
        high = values + anchor
        high -= anchor
        _add(totals, codes, high, grain, grain - _FLOOR)
        values = values - high
        top = grain


def _add(totals: list[int], codes: Integers, values: Array, grain: int, shift: int) -> None:
    """Add multiples of 2**grain, which float64 sums exactly, times 2**(shift - grain)."""
    sums = np.bincount(codes, values, len(totals))
    places = np.flatnonzero(sums)
    steps = np.ldexp(sums[places], -grain).astype(np.int64)
    for place, step in zip(places.tolist(), steps.tolist(), strict=True):
        totals[place] += step << shift


def binned_dots(codes: Integers, bins: int, left: Array, right: Array) -> list[Exact]:
    """The sums of left * right, exactly, over the rows of each code below `bins`."""
    totals = [0] * bins
    for start in range(0, left.size, _BLOCK):
        piece = slice(start, start + _BLOCK)
        first, second = left[piece], right[piece]
        parts = in_limbs(first), None if right is left else in_limbs(second)
        others = parts[0] if right is left else parts[1]
        if parts[0] is None or others is None:
            _add_careful(totals, codes[piece], first, second)
            continue
        for place, (limb, unit) in enumerate(parts[0]):
            for index, (other, above) in enumerate(others):
                if right is left and index > place:
                    continue
                twice = right is left and index < place
                grain = unit + above
                _add(totals, codes[piece], limb * other, grain, UNIT + grain + twice)
    return totals


def _add_careful(totals: list[int], codes: Integers, left: Array, right: Array) -> None:
    """As `exact.exact_dot` where factors leave the range of exact products."""
    for left_part, left_shift in scaled(left):
        for right_part, right_shift in scaled(right):
            for part in two_product(left_part, right_part):
                sums = binned_sums(codes, len(totals), part)
                for code, value in enumerate(sums):
                    totals[code] += times(value, left_shift + right_shift)
