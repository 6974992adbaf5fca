"""The primitives against exact arithmetic, and the sharing of results."""

from __future__ import annotations

import math
import threading
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from lossctl import numerics
from tests.oracles.precision import to_50_digits

MODERATE = st.floats(-1e100, 1e100, allow_subnormal=False).filter(lambda x: abs(x) > 1e-100)
INTEGERS = st.sampled_from([np.int64, np.uint64]).flatmap(
    lambda kind: st.integers(int(np.iinfo(kind).min), int(np.iinfo(kind).max)).map(
        lambda value: np.array([value], dtype=kind)
    )
)


@given(INTEGERS, INTEGERS)
@settings(deadline=None)
def test_difference_of_integers_is_rounded_once(left: np.ndarray, right: np.ndarray) -> None:
    exact = int(left[0]) - int(right[0])
    assert numerics.difference(left, right)[0] == float(exact)
    high, low = numerics.difference_parts(left, right)
    assert high[0] == float(exact)
    assert abs(Fraction(high[0]) + Fraction(low[0]) - exact) <= abs(exact) * Fraction(1, 2**104)


@given(MODERATE, MODERATE)
def test_parts_are_exact(left: float, right: float) -> None:
    one, other = np.array([left]), np.array([right])
    high, low = numerics.residual_parts(one, other)
    assert high[0] == left - right
    assert Fraction(high[0]) + Fraction(low[0]) == Fraction(left) - Fraction(right)
    total, error = numerics.two_sum(one, other)
    assert Fraction(total[0]) + Fraction(error[0]) == Fraction(left) + Fraction(right)
    product, error = numerics.two_product(one, other)
    assert Fraction(product[0]) + Fraction(error[0]) == Fraction(left) * Fraction(right)


def test_parts_of_an_overflow() -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        high, low = numerics.difference_parts(np.array([1.7e308]), np.array([-1.7e308]))
    assert (high[0], low[0]) == (math.inf, 0.0)


def grid(low: float, high: float) -> np.ndarray:
    """Values of either end's sign, geometric from tiny to the ends, and some in between."""
    rng = np.random.default_rng(7)
    tiny = np.geomspace(1e-18, 1.0, 60)
    values = np.concatenate([tiny, -tiny, rng.uniform(max(low, -50.0), min(high, 50.0), 60)])
    return values[(values > low) & (values < high)]


AROUND_ONE = 1.0 + grid(-1.0, 1.0)
PAIRS = [(x, m) for m in (1.0, 3.7e-5, 8.1e200) for x in (m * AROUND_ONE).tolist()]
PAIRS += [(1e-300, 1e250), (1e250, 1e-300), (2.0, 1.0), (0.5, 1.0), (1.0, 1e-8)]


@pytest.mark.parametrize(
    ("function", "formula", "points", "ulps"),
    [
        (numerics.softplus, lambda x: mpmath.log(1 + mpmath.exp(x)), grid(-800, 800), 2),
        (numerics.log_cosh, lambda x: mpmath.log(mpmath.cosh(x)), grid(-800, 800), 2.5),
        (numerics.log1p_square, lambda x: mpmath.log(1 + x**2), grid(-800, 800), 2.5),
        (numerics.log1p_square, lambda x: mpmath.log(1 + x**2), np.array([1e150, -1e300]), 2),
        (lambda t: numerics.exponential_gap(t, 0.0), lambda t: mpmath.exp(t) - 1 - t,
         grid(-1.5, 1.5), 8),
        (lambda t: numerics.exponential_gap(t, 1.0), lambda t: (t - 1) * mpmath.exp(t) + 1,
         grid(-1.5, 1.5), 12),
    ],
)  # fmt: skip
def test_function_of_one_number(
    function: Any, formula: Any, points: np.ndarray, ulps: float
) -> None:
    exact = to_50_digits(lambda x: formula(x))
    with np.errstate(all="ignore"):
        got = function(points)
    for x, value in zip(points.tolist(), got.tolist(), strict=True):
        want = exact(x)
        assert abs(mpf(value) - want) <= ulps * math.ulp(float(want)), x


@pytest.mark.parametrize(
    ("function", "formula", "ulps"),
    [
        (numerics.poisson_gap, lambda x, m: x * mpmath.log(x / m) + m - x, 4),
        (numerics.gamma_gap, lambda x, m: x / m - 1 - mpmath.log(x / m), 4),
        (numerics.log1p_ratio, lambda p, y: mpmath.log(1 + p) - mpmath.log(1 + y), 3),
        (numerics.log_ratio, lambda a, b: mpmath.log(a / b), None),
    ],
)
def test_function_of_two_numbers(function: Any, formula: Any, ulps: float | None) -> None:
    exact = to_50_digits(lambda left, right: formula(left, right))
    left, right = (np.array(column) for column in zip(*PAIRS, strict=True))
    with np.errstate(all="ignore"):
        got = function(left, right)
    for pair, value in zip(PAIRS, got.tolist(), strict=True):
        want = exact(*pair)
        if abs(want) > 1e308:
            assert value == math.inf, pair
            continue
        # log_ratio alone takes the quotient as it is rounded.
        error = ulps * math.ulp(float(want)) if ulps else 2e-16 * max(1.0, abs(float(want)))
        assert abs(mpf(value) - want) <= error, pair


def test_log1p_ratio_where_one_value_is_near_minus_one() -> None:
    almost = -1.0 + 2.0**-52
    with np.errstate(over="ignore"):
        got = numerics.log1p_ratio(np.array([almost, 0.0]), np.array([1e300, 1e18]))
    assert got == pytest.approx([-52 * math.log(2) - 300 * math.log(10), -18 * math.log(10)], 1e-15)


def test_xlogy() -> None:
    got = numerics.xlogy(np.array([0.0, 0.0, 2.0]), np.array([0.0, math.inf, math.e]))
    assert got.tolist() == [0.0, 0.0, 2.0]


def test_row_sums_do_not_depend_on_layout() -> None:
    values = np.random.default_rng(0).normal(size=(50, 17))
    expected = numerics.row_sum(values).tobytes()
    assert numerics.row_sum(np.asfortranarray(values)).tobytes() == expected
    assert numerics.row_sum(values[:1]).tobytes() == expected[:8]
    assert numerics.row_mean(np.array([[1.0, 2.0, 6.0]])).tolist() == [3.0]


@pytest.mark.parametrize("shape", [(1, 200), (2, 33), (7, 3), (3, 20_000), (9_000, 2), (4, 1)])
@pytest.mark.parametrize("kind", [np.float64, np.int64, np.bool_])
def test_row_sums_add_one_column_after_another(shape: tuple[int, int], kind: type) -> None:
    rng = np.random.default_rng(1)
    values = (rng.normal(size=shape) * 10.0 ** rng.integers(-9, 9, size=shape)).astype(kind)
    expected = values[:, 0].astype(np.float64)
    for column in values.T[1:]:
        expected = expected + column
    assert numerics.row_sum(values).tobytes() == expected.tobytes()


@pytest.mark.parametrize("rows", [1, 2])
def test_the_sum_of_negative_zeros_is_one(rows: int) -> None:
    assert np.signbit(numerics.row_sum(np.full((rows, 3), -0.0))).all()


def test_sharing_computes_once_and_only_within() -> None:
    calls = []

    @numerics.shared
    def measured(values: np.ndarray, *, factor: float = 1.0) -> np.ndarray:
        calls.append(factor)
        return values * factor

    one, other = np.ones(3), np.ones(3)
    memo: numerics.Memo = {}
    with numerics.sharing(memo):
        assert measured(one) is measured(one)
        measured(one, factor=2.0)
        measured(other)
        seen_elsewhere: list[bool] = []
        thread = threading.Thread(target=lambda: seen_elsewhere.append(bool(measured(one) is None)))
        thread.start()
        thread.join()
    assert calls == [1.0, 2.0, 1.0, 1.0]  # the last one in the other thread, which shares nothing
    assert measured(one) is not measured(one)
    assert len(memo) == 3
