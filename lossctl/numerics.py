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


# --- differences ------------------------------------------------------------------------------


def difference(left: Numbers, right: Numbers) -> Array:
    """left - right as float64, rounded once; exact for integers however large.

    Broadcasting is for scalars only: arrays must agree in shape, which the batch sees to.
    """
    if left.dtype.kind not in "iub" and right.dtype.kind not in "iub":
        return np.subtract(left, right, dtype=np.float64)
    left_high, left_low = _parts(left)
    right_high, right_low = _parts(right)
    high, error = two_sum(left_high, -right_high)
    return cast(Array, high + (error + (left_low - right_low)))


def _parts(values: Numbers) -> tuple[Array, Array]:
    """values = high + low exactly, both float64."""
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        high = values.astype(np.float64)
        return high, np.zeros_like(high)
    top = (values >> 32).astype(np.float64) * 4294967296.0
    bottom = (values & values.dtype.type(0xFFFFFFFF)).astype(np.float64)
    high = top + bottom
    return high, bottom - (high - top)


def two_sum(left: Array, right: Array) -> tuple[Array, Array]:
    """sum and error with sum + error = left + right exactly (Knuth)."""
    total = left + right
    shadow = total - left
    return total, (left - (total - shadow)) + (right - shadow)


_SPLIT = 134217729.0  # 2**27 + 1


def two_product(left: Array, right: Array) -> tuple[Array, Array]:
    """product and error with product + error = left * right exactly (Veltkamp, Dekker).

    Exact while no intermediate leaves the normal range: factors and product within
    2**-480 .. 2**480 are safe.
    """
    product = left * right
    left_high, left_low = _split(left)
    right_high, right_low = (left_high, left_low) if right is left else _split(right)
    error = left_high * right_high
    error -= product
    error += left_high * right_low
    error += left_low * right_high
    error += left_low * right_low
    return product, error


def _split(values: Array) -> tuple[Array, Array]:
    scaled = values * _SPLIT
    high = scaled - (scaled - values)
    return high, values - high


@shared
def residual(pred: Numbers, target: Numbers) -> Array:
    """pred - target, rounded once."""
    return difference(pred, target)


@shared
def magnitude(pred: Numbers, target: Numbers) -> Array:
    """|pred - target|, rounded once."""
    return np.abs(residual(pred, target))


@shared
def squared(pred: Numbers, target: Numbers) -> Array:
    """(pred - target)**2: two roundings. Infinite beyond 1e154."""
    return np.square(residual(pred, target))


@shared
def log1p_ratio(pred: Numbers, target: Numbers) -> Array:
    """log1p(pred) - log1p(target), accurate also where the two are nearly equal.

    log1p((pred - target) / (1 + target)); about 2 ulp.
    """
    return np.log1p(residual(pred, target) / (1.0 + target))


# --- stable functions -------------------------------------------------------------------------


def row_sum(values: Array) -> Array:
    """Sum over the last axis, column by column: the same bits for every layout and block size."""
    total = values[..., 0].astype(np.float64)
    for column in range(1, values.shape[-1]):
        total = total + values[..., column]
    return total


def row_mean(values: Array) -> Array:
    """Mean over the last axis."""
    return row_sum(values) / values.shape[-1]


def softplus(x: Array) -> Array:
    """log(1 + e**x) without overflow; about 1 ulp."""
    return cast(Array, np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))))


def log_cosh(x: Array) -> Array:
    """log(cosh(x)): log1p(2 sinh(x/2)**2) near 0, |x| + log1p(e**-2|x|) - log 2 beyond; 2 ulp."""
    size = np.abs(x)
    small = size <= 1.0
    half = np.sinh(np.where(small, size, 0.0) * 0.5)
    near = np.log1p(2.0 * half * half)
    far = size + (np.log1p(np.exp(-2.0 * size)) - math.log(2.0))
    return np.where(small, near, far)


def xlogy(x: Array, y: Array) -> Array:
    """x * log(y), and 0 where x is 0, whatever y is."""
    zero = x == 0.0
    return np.where(zero, 0.0, x * np.log(np.where(zero, 1.0, y)))


def log_softmax(logits: Array) -> Array:
    """logits - logsumexp over the last axis, shape (n, K); finite for |logit| up to 1e300.

    A logit of -inf has log-probability -inf.
    """
    top = np.max(logits, axis=-1, keepdims=True)
    shifted = logits - np.where(np.isfinite(top), top, 0.0)
    return cast(Array, shifted - np.log(row_sum(np.exp(shifted)))[..., np.newaxis])


def log1mexp(x: Array) -> Array:
    """log(1 - e**x) for x <= 0 (Maechler 2012); about 1 ulp."""
    near = x > -math.log(2.0)
    return np.where(
        near,
        np.log(-np.expm1(np.where(near, x, -1.0))),
        np.log1p(-np.exp(np.where(near, -1.0, x))),
    )


def deviation_from_one(ratio_minus_one: Array) -> Array:
    """r - log1p(r) for r > -1 without cancellation near 0; about 4 ulp.

    Near 0 by the series in s = r / (2 + r): log1p(r) = 2 (s + s**3/3 + ...), so that
    r - log1p(r) = r s - 2 (s**3/3 + s**5/5 + ...) (Loader 2000, bd0).
    """
    r = ratio_minus_one
    near = np.abs(r) < 0.1
    s = np.where(near, r, 0.0)
    s = s / (2.0 + s)
    square = s * s
    series = np.zeros_like(s)
    for degree in range(19, 1, -2):
        series = (series + 1.0 / degree) * square
    close = s * (np.where(near, r, 0.0) - 2.0 * series)
    with np.errstate(divide="ignore"):
        far = r - np.log1p(np.where(near, 0.0, r))
    return np.where(near, close, far)
