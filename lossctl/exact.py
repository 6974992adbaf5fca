"""Exact sums: integers that count 2**-UNIT, whatever the order of the terms.

A sum of float64 values is kept as one Python integer, so that it depends neither on the order,
nor on blocks, nor on threads, and is rounded only once, when it becomes a result.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from lossctl.arrays import Array
from lossctl.numerics import two_product

Exact: TypeAlias = int  # in units of 2**-UNIT

UNIT = 5000  # room for squares of squares of the smallest float64
ONE: Exact = 1 << UNIT

_BLOCK = 1 << 15  # with 38 bits a round, a block's sum stays within float64's 53
_BITS = 38
_FLOOR = -1074  # exponent of the smallest float64
_HUGE = 2.0**480  # beyond these, products of two leave the range where they are exact
_TINY = 2.0**-480
_SHIFT = 600


def exact(value: float) -> Exact:
    """One finite float64 (or integer) as an exact number."""
    numerator, denominator = value.as_integer_ratio()
    return numerator << (UNIT + 1 - denominator.bit_length())


def exact_sum(values: Array, exponent: int = 0) -> Exact:
    """The sum of finite `values` (any shape) times 2**exponent."""
    flat = values.reshape(-1)
    total = 0
    for start in range(0, flat.size, _BLOCK):
        total += _block_sum(flat[start : start + _BLOCK])
    return total << (UNIT + _FLOOR + exponent)


def _block_sum(values: Array) -> int:
    """The sum in units of 2**-1074, in rounds: each takes the leading bits of every value.

    Adding a power of two large enough and taking it away again leaves in `high` only those
    bits of every value that are multiples of 2**grain; their sum is exact in plain float64.
    """
    top = max(float(values.max()), -float(values.min()))
    if top == 0.0:
        return 0
    exponent = math.frexp(top)[1]
    total = 0
    if exponent > 1000:  # the anchor would overflow: these few go one by one
        large = np.abs(values) >= 2.0**960
        total = sum(_in_floor_units(value) for value in values[large].tolist())
        values = np.where(large, 0.0, values)
        exponent = 960
    while True:
        grain = max(exponent - _BITS, _FLOOR)
        anchor = math.ldexp(1.5, grain + 52)
        high = values + anchor
        high -= anchor
        total += _in_floor_units(float(high.sum()))
        if grain == _FLOOR:
            return total
        values = values - high
        if not values.any():
            return total
        exponent = grain


def _in_floor_units(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator << (1 - _FLOOR - denominator.bit_length())


def exact_dot(left: Array, right: Array) -> Exact:
    """The sum of left * right, exactly, for finite 1-D arrays.

    Factors outside 2**-480 .. 2**480 are scaled by a power of two that depends on the factor
    alone, so that neither overflow nor underflow depends on the neighbours.
    """
    if _ordinary(left) and (right is left or _ordinary(right)):
        product, error = two_product(left, right)
        return exact_sum(product) + exact_sum(error)
    total = 0
    for left_part, left_shift in scaled(left):
        parts = [(left_part, left_shift)] if right is left else scaled(right)
        for right_part, right_shift in parts:
            product, error = two_product(left_part, right_part)
            shift = left_shift + right_shift
            total += exact_sum(product, shift) + exact_sum(error, shift)
    return total


def scaled(values: Array) -> list[tuple[Array, int]]:
    """`values` as a sum of parts times 2**shift, each part within range for a product."""
    if _ordinary(values):
        return [(values, 0)]
    size = np.abs(values)
    huge, tiny = size >= _HUGE, size < _TINY
    return [
        (np.where(huge | tiny, 0.0, values), 0),
        (np.where(huge, values, 0.0) * 2.0**-_SHIFT, _SHIFT),
        (np.where(tiny, values, 0.0) * 2.0**_SHIFT, -_SHIFT),
    ]


def _ordinary(values: Array) -> bool:
    size = np.abs(values)
    if float(size.max(initial=0.0)) >= _HUGE:
        return False
    return float(size.min(initial=np.inf, where=size > 0.0)) >= _TINY


def times(value: Exact, exponent: int) -> Exact:
    """`value` times 2**exponent."""
    return value << exponent if exponent >= 0 else value >> -exponent


def ratio(numerator: int, denominator: int, exponent: int = 0) -> float:
    """Numerator / denominator * 2**exponent as the nearest float64; OverflowError beyond its
    range."""
    if exponent < 0:
        return numerator / (denominator << -exponent)
    return (numerator << exponent) / denominator


def root_ratio(numerator: int, denominator: int, exponent: int = 0) -> float:
    """sqrt(numerator / denominator) * 2**exponent as float64, within 1 ulp of the exact value;
    OverflowError beyond its range."""
    if exponent < 0:
        denominator <<= -2 * exponent
    else:
        numerator <<= 2 * exponent
    if numerator <= 0:
        return 0.0
    shift = max(0, 140 - (numerator.bit_length() - denominator.bit_length()))
    shift += shift & 1
    return math.isqrt((numerator << shift) // denominator) / (1 << (shift // 2))
