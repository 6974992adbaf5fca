"""Stable primitives, each with its accuracy, and the sharing of work within a batch."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

import numpy as np

from lossctl.arrays import Array, Numbers

P = ParamSpec("P")
R = TypeVar("R")

Memo = dict[tuple[Any, ...], tuple[Any, tuple[Any, ...]]]
_active = threading.local()


@contextmanager
def sharing(memo: Memo) -> Iterator[None]:
    """Within this context the primitives marked `shared` compute each result once.

    Results are kept in `memo` by function, arrays and settings, with their arguments, so
    that an array's identity cannot be taken over by another while the memo lives.
    """
    before = getattr(_active, "memo", None)
    _active.memo = memo
    try:
        yield
    finally:
        _active.memo = before


def shared(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a primitive whose result all losses of one batch may use."""

    @wraps(function)
    def remembered(*args: P.args, **settings: P.kwargs) -> R:
        memo: Memo | None = getattr(_active, "memo", None)
        if memo is None:
            return function(*args, **settings)
        key = (function, *map(_identity, args), *sorted(settings.items()))
        found = memo.get(key)
        if found is None:
            found = (function(*args, **settings), args)
            memo[key] = found
        return cast(R, found[0])

    return remembered


def _identity(value: object) -> object:
    return id(value) if isinstance(value, np.ndarray) else value


# --- pieces -----------------------------------------------------------------------------------

_PIECE = 1 << 14  # values that fit the cache, several arrays of them


def pieces(rows: int, width: int = 1) -> Iterator[slice]:
    """The rows, each of so many values, in pieces that fit the cache."""
    step = max(_PIECE // width, 1)
    return (slice(start, start + step) for start in range(0, rows, step))


def in_pieces(function: Callable[..., Array]) -> Callable[..., Array]:
    """Have a function of arrays of one shape, value by value, work on pieces that fit the cache."""

    @wraps(function)
    def whole(*arrays: Numbers) -> Array:
        first = arrays[0]
        if first.size <= _PIECE:
            return function(*arrays)
        flat = [array.reshape(-1) for array in arrays]
        found = np.empty(first.size)
        for piece in pieces(first.size):
            found[piece] = function(*(array[piece] for array in flat))
        return found.reshape(first.shape)

    return whole


# --- differences ------------------------------------------------------------------------------


def difference(left: Numbers, right: Numbers) -> Array:
    """The difference left - right as float64, rounded once; exact for integers however large.
    Infinite where float64 cannot hold it.

    Broadcasting is for scalars only: arrays must agree in shape, which the batch sees to.
    """
    if left.dtype.kind not in "iub" and right.dtype.kind not in "iub":
        with np.errstate(over="ignore"):
            return np.subtract(left, right, dtype=np.float64)
    high, low = difference_parts(left, right)
    return high + low


def difference_parts(left: Numbers, right: Numbers) -> tuple[Array, Array]:
    """High and low with left - right = high + low, high rounded once.

    Exact for floats (Knuth), and to twice the precision for integers beyond 2**53. Where the
    difference overflows, low is 0.
    """
    left_high, left_low = _parts(left)
    right_high, right_low = _parts(right)
    high, error = two_sum(left_high, -right_high)
    if left.dtype.kind in "iu" or right.dtype.kind in "iu":
        rest = error + (left_low - right_low)
        total = high + rest
        high, error = total, rest - (total - high)
    return high, np.where(np.isfinite(high), error, 0.0)


def floating(values: Numbers) -> Array:
    """The values as float64, each integer rounded once."""
    return values.astype(np.float64, copy=False)


def _parts(values: Numbers) -> tuple[Array, Array]:
    """High and low, both float64, with values = high + low exactly."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        high = values.astype(np.float64)
        return high, np.zeros_like(high)
    top = (values >> 32).astype(np.float64) * 4294967296.0
    bottom = (values & values.dtype.type(0xFFFFFFFF)).astype(np.float64)
    high = top + bottom
    return high, bottom - (high - top)


def two_sum(left: Array, right: Array) -> tuple[Array, Array]:
    """Sum and error with sum + error = left + right exactly (Knuth)."""
    total = left + right
    shadow = total - left
    return total, (left - (total - shadow)) + (right - shadow)


_SPLIT = 134217729.0  # 2**27 + 1


def two_product(left: Array, right: Array) -> tuple[Array, Array]:
    """Product and error with product + error = left * right exactly (Veltkamp, Dekker).

    Exact while no intermediate leaves the normal range: factors and product within
    2**-480 .. 2**480 are safe.
    """
    product = left * right
    left_high, left_low = split(left)
    right_high, right_low = (left_high, left_low) if right is left else split(right)
    error = left_high * right_high
    error -= product
    error += left_high * right_low
    error += left_low * right_high
    error += left_low * right_low
    return product, error


def split(values: Array) -> tuple[Array, Array]:
    """High and low of 26 bits each, high + low = values exactly (Veltkamp); up to 2**996."""
    scaled = values * _SPLIT
    high = scaled - (scaled - values)
    return high, values - high


@shared
def residual(pred: Numbers, target: Numbers) -> Array:
    """The residual pred - target, rounded once."""
    return difference(pred, target)


@shared
def residual_parts(pred: Numbers, target: Numbers) -> tuple[Array, Array]:
    """The residual as high + low, low being what the rounding of high left over."""
    return difference_parts(pred, target)


@shared
def magnitude(pred: Numbers, target: Numbers) -> Array:
    """|pred - target|, rounded once."""
    return cast(Array, np.abs(residual(pred, target)))


@shared
def square(values: Array) -> Array:
    """The squares. Infinite beyond 1e154."""
    return cast(Array, np.square(values))


@shared
def squared(pred: Numbers, target: Numbers) -> Array:
    """(pred - target)**2: two roundings. Infinite beyond 1e154."""
    return square(magnitude(pred, target))


@shared
def log1p_ratio(pred: Numbers, target: Numbers) -> Array:
    """The log of (1 + pred) / (1 + target), values above -1, without cancellation; 3 ulp."""
    below = 1.0 + np.minimum(floating(pred), floating(target))
    size = magnitude(pred, target)
    ratio = size / below
    logs = np.log1p(ratio)
    beyond = ratio > 1e300
    if beyond.any():
        logs = np.where(beyond, np.log(size) - np.log(below), logs)
    return cast(Array, np.copysign(logs, residual(pred, target)))


# --- stable functions -------------------------------------------------------------------------


def row_sum(values: Array) -> Array:
    """Sum over the last axis, column by column: the same bits for every layout and block size."""
    if values.ndim != 2:
        total = values[..., 0].astype(np.float64)
        for column in range(1, values.shape[-1]):
            total = total + values[..., column]
        return total
    sums = np.empty(len(values))
    for rows in pieces(*values.shape):
        sums[rows] = column_sum(np.ascontiguousarray(values[rows].T, dtype=np.float64))
    return sums


def column_sum(values: Array) -> Array:
    """Sum over the first of two axes, one row after another; `values` is C-contiguous."""
    if values.shape[1] == 1:  # where NumPy would sum by halves
        return cast(Array, np.add.accumulate(values, axis=0)[-1])
    return cast(Array, np.add.reduce(values, axis=0, initial=-0.0))


def row_mean(values: Array) -> Array:
    """Mean over the last axis."""
    return cast(Array, row_sum(values) / values.shape[-1])


def softplus(x: Array) -> Array:
    """log(1 + e**x) without overflow; about 1 ulp."""
    return cast(Array, np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))))


def log_cosh(x: Array) -> Array:
    """log(cosh(x)): log1p(2 sinh(x/2)**2) near 0, |x| + log1p(e**-2|x|) - log 2 beyond; 2 ulp."""
    size = np.abs(x).reshape(-1)
    near = np.flatnonzero(size <= 1.0)
    half = np.sinh(0.5 * size[near])
    values = size + (np.log1p(np.exp(-2.0 * size)) - math.log(2.0))
    values[near] = np.log1p(2.0 * half * half)
    return values.reshape(x.shape)


def xlogy(x: Array, y: Array) -> Array:
    """The product x * log(y), and 0 where x is 0, whatever y is."""
    zero = x == 0.0
    return np.where(zero, 0.0, x * np.log(np.where(zero, 1.0, y)))


def log1p_square(x: Array) -> Array:
    """Logarithm of 1 + x**2, also where the square overflows; about 2 ulp."""
    size = np.abs(x)
    logs = np.log1p(size * size)
    beyond = size > 1e150
    return np.where(beyond, 2.0 * np.log(size), logs) if beyond.any() else logs


def log_ratio(over: Array, under: Array) -> Array:
    """The log of over / under, both positive, also where the quotient overflows; 2 ulp."""
    quotient = over / under
    logs = np.log(quotient)
    beyond = (quotient < 1e-300) | (quotient > 1e300)
    return np.where(beyond, np.log(over) - np.log(under), logs) if beyond.any() else logs


def polynomial(coefficients: tuple[float, ...], x: Array) -> Array:
    """The sum of coefficients times powers of x, the constant first."""
    value = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value *= x
        value += coefficient
    return value


@in_pieces
def poisson_gap(x: Numbers, mean: Numbers) -> Array:
    """The gap x log(x / mean) + mean - x for x >= 0, mean > 0; 4 ulp, also where x is near mean.

    Near by s (d - 2 x (s**2/3 + s**4/5 + ...)) with d = mean - x and s = d / (x + mean)
    (Loader 2000, bd0): no term cancels another.
    """
    gap = difference(mean, x)
    x, mean = floating(x), floating(mean)
    s = _share(gap, x, mean)
    near = s * (gap - 2.0 * (x * _atanh_tail(s)))
    far = mean + x * (log_ratio(np.where(x > 0.0, x, mean), mean) - 1.0)
    return np.where(np.abs(s) <= _NEAR, near, far)


@in_pieces
def gamma_gap(x: Numbers, mean: Numbers) -> Array:
    """The gap r - 1 - log(r) with r = x / mean, both > 0; 4 ulp, also where r is near 1."""
    gap = difference(x, mean)
    x, mean = floating(x), floating(mean)
    s = _share(gap, x, mean)
    near = s * (gap / mean - 2.0 * _atanh_tail(s))
    far = (x / mean - 1.0) - log_ratio(x, mean)
    return np.where(np.abs(s) <= _NEAR, near, far)


_NEAR = 0.45  # x and mean within a factor of 2.6; beyond it the plain forms cancel little


def _share(gap: Array, left: Array, right: Array) -> Array:
    """The quotient gap / (left + right), also where the sum overflows."""
    total = left + right
    share = gap / total
    beyond = np.isinf(total)
    if not beyond.any():
        return share
    return np.where(beyond, 0.5 * gap / (0.5 * left + 0.5 * right), share)


# (atanh(s) / s - 1) / s**2 as a polynomial in s**2, interpolated at the Chebyshev nodes of
# [0, 0.2026]; it misses by less than 1e-16 of the value.
_ATANH = (
    0.3333333333333333, 0.19999999999999368, 0.14285714285888118, 0.11111111092334172,
    0.09090910141668938, 0.07692272820496253, 0.06667406230024066, 0.05871905003962964,
    0.05363337147519965, 0.041108608967903894, 0.07143078639816813, -0.03419670060162704,
    0.139807996554602,
)  # fmt: skip


def _atanh_tail(s: Array) -> Array:
    """The series atanh(s) / s - 1 = s**2/3 + s**4/5 + ... to full precision for |s| <= 0.45."""
    square = np.minimum(s * s, 0.2026)
    return square * polynomial(_ATANH, square)


def exponential_gap(t: Array, a: float) -> Array:
    """The divided difference (E(a) - E(1)) / (a - 1) of E(k) = (e**(k t) - 1) / k.

    By its power series, for |t| max(1, |a|) <= 1.5; a = 0 makes it e**t - 1 - t. About 6 ulp.
    """
    series = np.zeros_like(t)
    for degree in range(30, 1, -1):
        powers = math.fsum(a**power for power in range(degree - 1))
        series = (series + powers / math.factorial(degree)) * t
    return series * t
