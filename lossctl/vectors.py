"""Lengths, products and angles of rows of vectors, where neither squares nor products overflow.

Every sum goes coordinate by coordinate, so that a row's bits do not depend on other rows.
"""

from __future__ import annotations

import math
from typing import cast

import numpy as np

from lossctl.arrays import Array, Integers, Numbers
from lossctl.numerics import floating, row_sum, two_product

_TILE = 1 << 14  # products that fit the cache


def scaled(vectors: Numbers) -> tuple[Array, Integers]:
    """Vectors (n, d) and exponents (n,), vectors * 2**exponents being those given: the largest
    coordinate of each row lies in [0.5, 1), or the row is 0."""
    rows = floating(vectors)
    _, exponents = np.frexp(np.max(np.abs(rows), axis=-1))
    if np.abs(exponents).max(initial=0) < 1000:  # a factor does the same, faster
        return rows * np.ldexp(1.0, -exponents)[..., np.newaxis], exponents.astype(np.int64)
    return np.ldexp(rows, -exponents[..., np.newaxis]), exponents.astype(np.int64)


def length(vectors: Numbers, p: float = 2.0) -> Array:
    """The p-norm of each row, p in [1, inf]; about d/2 + 2 ulp for d coordinates."""
    rows, exponents = scaled(vectors)
    sizes = np.abs(rows)
    if p == 2.0:
        norm = np.sqrt(row_sum(np.square(sizes)))
    elif p == 1.0:
        norm = row_sum(sizes)
    else:
        # Against the largest no power of all coordinates can vanish, however large p is.
        largest = np.max(sizes, axis=-1)
        if math.isinf(p):
            norm = largest
        else:
            shares = sizes / np.where(largest > 0.0, largest, 1.0)[..., np.newaxis]
            norm = largest * np.power(row_sum(np.power(shares, p)), 1.0 / p)
            norm = np.where(np.isinf(largest), largest, norm)
    return cast(Array, np.ldexp(norm, exponents))


def units(vectors: Numbers) -> Array:
    """Each row divided by its Euclidean length; a row of zeros stays."""
    rows, _ = scaled(vectors)
    norm = np.sqrt(row_sum(np.square(rows)))
    return rows / np.where(norm > 0.0, norm, 1.0)[..., np.newaxis]


def products(left: Numbers, right: Numbers) -> Array:
    """Dot products of every row of `left` (n, d) with every row of `right` (m, d), shape (n, m);
    infinite where float64 cannot hold one."""
    a, powers = scaled(left)
    b, others = scaled(right)
    columns = np.ascontiguousarray(b.T)
    found = np.empty((len(a), len(b)))
    step = max(1, _TILE // max(len(b), 1))
    for start in range(0, len(a), step):
        rows, total = a[start : start + step], found[start : start + step]
        np.multiply(rows[:, :1], columns[0], out=total)
        added = np.empty_like(total)
        for place in range(1, a.shape[1]):
            total += np.multiply(rows[:, place, np.newaxis], columns[place], out=added)
    if np.abs(powers).max(initial=0) + np.abs(others).max(initial=0) < 1000:
        factors = np.ldexp(1.0, powers)[:, np.newaxis] * np.ldexp(1.0, others)
        return cast(Array, found * factors)
    return cast(Array, np.ldexp(found, powers[:, np.newaxis] + others))


_PARALLEL = 1e-28  # below it the rounding of s would be seen


def cosine_gap(left: Numbers, right: Numbers) -> Array:
    """1 - cos of the angle between each two rows, in [0, 2]; 1 where one is 0.

    About d/2 + 4 ulp for d coordinates, also where they are nearly parallel; exactly 0 where they
    are parallel.
    """
    a, _ = scaled(left)
    b, _ = scaled(right)
    first, second = np.sqrt(row_sum(np.square(a))), np.sqrt(row_sum(np.square(b)))
    zero = (first == 0.0) | (second == 0.0)
    s = np.where(zero, 1.0, first) / np.where(zero, 1.0, second)
    gap = np.where(zero, 1.0, _gap(a, b, _less(a, s, b), s))
    close = gap < _PARALLEL
    if close.any():
        a, b = a[close], b[close]
        pivot = np.argmax(np.abs(b), axis=1)[:, np.newaxis]
        over, under = np.take_along_axis(a, pivot, axis=1), np.take_along_axis(b, pivot, axis=1)
        crossed, lost = two_product(a, np.broadcast_to(under, a.shape))
        other, more = two_product(b, np.broadcast_to(over, b.shape))
        rest = ((crossed - other) + (lost - more)) / under
        gap[close] = _gap(a, b, rest, (over / under)[:, 0])
    return gap


def _less(a: Array, s: Array, b: Array) -> Array:
    """The difference a - s b, its product exact."""
    product, lost = two_product(np.broadcast_to(s[:, np.newaxis], b.shape), b)
    return (a - product) - lost


def _gap(a: Array, b: Array, rest: Array, s: Array) -> Array:
    """1 - cos from `rest` = a - s b, for any s > 0 at which a and s b are about equally long.

    It is (rest² - t²) / (2 s |a||b|) with t = |a| - s|b| = rest·(a + s b) / (|a| + s|b|): the
    rounding of s cancels out, and where `rest` is small no digit is lost.
    """
    first, second = np.sqrt(row_sum(np.square(a))), np.sqrt(row_sum(np.square(b)))
    with np.errstate(invalid="ignore", divide="ignore"):  # rows of zeros, which the caller sets
        along = row_sum(rest * (a + s[:, np.newaxis] * b)) / (first + s * second)
        gap = (row_sum(np.square(rest)) - np.square(along)) / (2.0 * s * first * second)
    return np.clip(gap, 0.0, 2.0)


def angle(left: Numbers, right: Numbers) -> Array:
    """The angle between each two rows in radians, accurate near 0 and near π; π/2 where one is
    0."""
    near, far = cosine_gap(left, right), cosine_gap(left, -floating(right))
    return 2.0 * np.arctan2(np.sqrt(near), np.sqrt(far))


def distance_slope(apart: Array, distance: Array, p: float) -> Array:
    """The slope of a distance by its left point, (n, d); 0 where the distance is 0."""
    sizes, whole = np.abs(apart), distance[:, np.newaxis]
    share = sizes / np.where(whole > 0.0, whole, 1.0)
    if math.isinf(p):
        largest = (share == 1.0) & (whole > 0.0)
        return cast(Array, np.sign(apart) * largest / np.maximum(row_sum(largest), 1.0)[:, None])
    return cast(Array, np.sign(apart) * np.power(share, p - 1.0))
