"""Exact sums: integers that count 2**-UNIT, whatever the order of the terms.

A sum of float64 values is kept as one Python integer, so that it depends neither on the order,
nor on blocks, nor on threads, and is rounded only once, when it becomes a result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from lossctl.arrays import Array
from lossctl.numerics import shared, two_product

Exact: TypeAlias = int  # in units of 2**-UNIT

UNIT = 5000  # room for squares of squares of the smallest float64
ONE: Exact = 1 << UNIT

_BLOCK = 1 << 14  # values that fit the cache; with _BITS a round, 63 bits hold a block's sum
_BITS = 47
_DOT = 1 << 15  # likewise of products: with _LIMB bits a factor, float64's 53 bits hold their sum
_LIMB = 19
_MOST = 8  # limbs: values that need more are split into products and errors instead
_FLOOR = -1074  # exponent of the smallest float64
_WORD = 1 << 64
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

    Adding a power of two large enough leaves in every value only its multiple of 2**grain, which
    then stands in the last bits of the float64: read as integers, they add up exactly.
    """
    top = max(float(values.max()), -float(values.min()))
    if top == 0.0:
        return 0
    exponent = math.frexp(top)[1]
    total = 0
    if exponent > 1000:  # the anchor would overflow: these few go one by one
        large = np.abs(values) >= 2.0**960
        total = sum(_in_units(value) for value in values[large].tolist())
        values = np.where(large, 0.0, values)
        exponent = 960
    while True:
        grain = max(exponent - _BITS, _FLOOR)
        high = values + math.ldexp(1.5, grain + 52)
        anchor = ((grain + 1075) << 52) | (1 << 51)  # its bits
        steps = (int(np.add.reduce(high.view(np.int64))) - values.size * anchor) % _WORD
        total += (steps - _WORD if steps > _WORD >> 1 else steps) << (grain - _FLOOR)
        if grain == _FLOOR:
            return total
        high -= math.ldexp(1.5, grain + 52)
        values = np.subtract(values, high, out=high)
        if all_zero(values):
            return total
        exponent = grain


def all_zero(values: Array) -> bool:
    """Whether all of at least one value are 0."""
    return float(values.max()) == 0.0 == float(values.min())


def _in_units(value: float) -> int:
    numerator, denominator = value.as_integer_ratio()
    return numerator << (1 - _FLOOR - denominator.bit_length())


def exact_dot(left: Array, right: Array) -> Exact:
    """The sum of left * right, exactly, for finite 1-D arrays."""
    if right is left:
        return exact_moments(left)[1]
    total = 0
    for start in range(0, left.size, _DOT):
        first, second = left[start : start + _DOT], right[start : start + _DOT]
        parts = in_limbs(first), in_limbs(second)
        if parts[0] is None or parts[1] is None:
            total += _careful_dot(first, second)
        else:
            total += sum(_dot(one, other) for one in parts[0] for other in parts[1])
    return total


@shared
def exact_moments(values: Array) -> tuple[Exact, Exact]:
    """The sums of `values` and of their squares, exactly, for a finite 1-D array."""
    first, second = 0, 0
    for start in range(0, values.size, _DOT):
        block = values[start : start + _DOT]
        limbs = in_limbs(block)
        if limbs is None:
            first += exact_sum(block)
            second += _careful_dot(block, block)
            continue
        low = limbs[-1][1]
        total, squares = 0, 0
        for place, (limb, unit) in enumerate(limbs):
            total += _steps(limb.sum(), unit) << (unit - low)
            squares += _steps(np.dot(limb, limb), 2 * unit) << 2 * (unit - low)
            for other, above in limbs[:place]:
                steps = _steps(np.dot(limb, other), unit + above)
                squares += steps << (unit + above - 2 * low + 1)
        first += total << (UNIT + low)
        second += squares << (UNIT + 2 * low)
    return first, second


def exact_gram(columns: Sequence[Array]) -> tuple[list[Exact], list[list[Exact]]]:
    """The sum of each of some finite columns (n,), and of the products of any two of them."""
    size = len(columns)
    sums, products = [0] * size, [[0] * size for _ in range(size)]
    for start in range(0, columns[0].size if size else 0, _DOT):
        blocks = [column[start : start + _DOT] for column in columns]
        limbs = [in_limbs(block) for block in blocks]
        if any(one is None for one in limbs):
            for i, left in enumerate(blocks):
                sums[i] += exact_sum(left)
                for j, right in enumerate(blocks[: i + 1]):
                    products[i][j] += exact_dot(left, right)
            continue
        # Every product of two limbs adds up without rounding, in whatever order BLAS does it.
        flat = [(i, limb, unit) for i, one in enumerate(limbs) for limb, unit in one or []]
        table = np.array([limb for _, limb, _ in flat])
        totals, dots = table.sum(axis=1).tolist(), (table @ table.T).tolist()
        for place, (i, _, unit) in enumerate(flat):
            sums[i] += _steps(totals[place], unit) << (UNIT + unit)
            row = dots[place]
            for other, (j, _, above) in enumerate(flat):
                if j <= i:
                    products[i][j] += _steps(row[other], unit + above) << (UNIT + unit + above)
    for i in range(size):
        for j in range(i):
            products[j][i] = products[i][j]
    return sums, products


Limb: TypeAlias = tuple[Array, int]  # multiples of 2**int, of a few bits


def in_limbs(values: Array) -> list[Limb] | None:
    """Arrays whose sum is `values`, each a small multiple of one power of two.

    The sums of the products of two of them are exact in float64, in whatever order they are added.
    None where that takes too many, or where a product could leave float64's range.
    """
    top = max(float(values.max()), -float(values.min()))
    unit = math.frexp(top)[1] if top else 0
    if unit > 480:
        return None
    limbs: list[Limb] = []
    while len(limbs) < _MOST and unit > -480:
        unit -= _LIMB
        anchor = math.ldexp(1.5, unit + 52)
        limb = values + anchor
        limb -= anchor
        limbs.append((limb, unit))
        values = values - limb
        if len(limbs) > 2 and all_zero(values):
            return limbs
    return None


def _dot(left: Limb, right: Limb) -> Exact:
    unit = left[1] + right[1]
    return _steps(np.dot(left[0], right[0]), unit) << (UNIT + unit)


def _steps(value: float, unit: int) -> int:
    """A multiple of 2**unit as a number of those."""
    return int(math.ldexp(value, -unit))


def _careful_dot(left: Array, right: Array) -> Exact:
    """The sum of left * right by products and their errors (Dekker).

    Factors outside 2**-480 .. 2**480 are scaled by a power of two that depends on the factor
    alone, so that neither overflow nor underflow depends on the neighbours.
    """
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
    tiny = size < _TINY
    return not tiny.any() or not size[tiny].any()


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
