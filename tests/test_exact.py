"""Exact sums against rational arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lossctl import exact
from lossctl.exact import (
    UNIT,
    exact_dot,
    exact_moments,
    exact_sum,
    ratio,
    root_ratio,
    scaled,
    times,
)

HARD = [0.0, -0.0, 5e-324, -5e-324, 2.2e-308, 1e-200, 1e-16, 0.1, 1.0, 1e16, 2.0**53, 1e100, 1e200,
        -1e200, 1.7e308, -1.7e308, 1.7976931348623157e308]  # fmt: skip
FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(HARD)


def fraction(value: int) -> Fraction:
    return Fraction(value, 1 << UNIT)


def total(values: np.ndarray) -> Fraction:
    return sum((Fraction(float(value)) for value in values), Fraction(0))


vectors = st.integers(0, 40).flatmap(lambda n: arrays(np.float64, n, elements=FINITE))
pairs = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*[arrays(np.float64, n, elements=FINITE)] * 2)
)


@given(FINITE)
def test_one_number(value: float) -> None:
    assert fraction(exact.exact(value)) == Fraction(value)


@given(vectors, st.integers(-1200, 1200))
def test_sum_is_the_rational_sum(values: np.ndarray, exponent: int) -> None:
    assert fraction(exact_sum(values, exponent)) == total(values) * Fraction(2) ** exponent


@given(vectors, st.randoms(use_true_random=False), st.integers(0, 40))
def test_sum_of_any_split_and_order(values: np.ndarray, random, place: int) -> None:
    shuffled = values.copy()
    random.shuffle(shuffled)
    parts = exact_sum(shuffled[:place]) + exact_sum(shuffled[place:])
    assert parts == exact_sum(values)


def test_sum_over_several_blocks_and_shapes() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(size=70_000) * 10.0 ** rng.integers(-300, 300, 70_000)
    expected = exact_sum(values)
    assert fraction(expected) == total(values)
    assert exact_sum(values.reshape(700, 100)) == exact_sum(values[::-1]) == expected
    assert exact_sum(values[::2]) + exact_sum(values[1::2]) == expected


def test_full_blocks_whose_leading_bits_all_matter() -> None:
    for seed in range(12):
        values = np.random.default_rng(seed).uniform(0.99, 1.0, 32_768)
        assert fraction(exact_sum(values)) == total(values)
        assert fraction(exact_sum(-values)) == -total(values)


@pytest.mark.parametrize("size", [1, 2, 32_768, 32_769])
def test_sum_of_full_blocks_of_one_value(size: int) -> None:
    for value in (1.7976931348623157e308, np.nextafter(1.0, 0.0), 5e-324, 0.1):
        assert fraction(exact_sum(np.full(size, value))) == Fraction(value) * size


@given(pairs)
def test_dot_is_the_rational_dot(both: tuple[np.ndarray, np.ndarray]) -> None:
    left, right = both
    products = (
        Fraction(a) * Fraction(b) for a, b in zip(left.tolist(), right.tolist(), strict=True)
    )
    expected = sum(products, Fraction(0))
    assert fraction(exact_dot(left, right)) == expected
    assert fraction(exact_dot(left, left)) == sum(Fraction(a) ** 2 for a in left.tolist())


@given(vectors)
def test_moments_are_the_rational_ones(values: np.ndarray) -> None:
    first, second = exact_moments(values)
    assert fraction(first) == total(values)
    assert fraction(second) == sum((Fraction(one) ** 2 for one in values.tolist()), Fraction(0))


def test_moments_of_full_blocks_whose_leading_bits_all_matter() -> None:
    for seed, low in enumerate((0.99, -1.0, 0.999999)):
        values = np.random.default_rng(seed).uniform(low, 1.0, 32_768 + 100)
        first, second = exact_moments(values)
        assert fraction(first) == total(values)
        # As integers: the sum of so many fractions takes long.
        squares = sum(int(Fraction(one) * 2**1074) ** 2 for one in values.tolist())
        assert second == squares << (UNIT - 2148)
        assert exact_dot(values, values[::-1].copy()) == exact_dot(values[::-1].copy(), values)


@given(vectors)
def test_scaled_parts_make_the_values_and_square_within_range(values: np.ndarray) -> None:
    parts = scaled(values)
    rebuilt = sum((total(part) * Fraction(2) ** shift for part, shift in parts), Fraction(0))
    assert rebuilt == total(values)
    for part, _ in parts:
        squares = np.square(part[part != 0.0])
        assert ((squares > 0.0) & np.isfinite(squares)).all()


@given(FINITE, FINITE.filter(lambda x: x != 0), st.integers(-900, 900))
def test_ratio_rounds_once(over: float, under: float, exponent: int) -> None:
    expected = Fraction(over) / Fraction(under) * Fraction(2) ** exponent
    try:
        want = float(expected)
    except OverflowError:
        with pytest.raises(OverflowError):
            ratio(exact.exact(over), exact.exact(under), exponent)
    else:
        assert ratio(exact.exact(over), exact.exact(under), exponent) == want


@settings(max_examples=300)
@given(FINITE.map(abs), FINITE.map(abs).filter(lambda x: x > 0), st.integers(-200, 200))
def test_root_ratio_is_within_one_ulp(over: float, under: float, exponent: int) -> None:
    square = Fraction(over) / Fraction(under) * Fraction(4) ** exponent
    try:
        root = root_ratio(exact.exact(over), exact.exact(under), exponent)
    except OverflowError:
        assert square > Fraction(1.7e308) ** 2
        return
    below, above = np.nextafter(root, 0.0), np.nextafter(root, np.inf)
    assert Fraction(float(below)) ** 2 <= square
    assert above == np.inf or square <= Fraction(float(above)) ** 2


@given(st.integers(-(2**80), 2**80), st.integers(0, 90))
def test_times(value: int, exponent: int) -> None:
    assert times(value << 90, -exponent) == value << (90 - exponent)
    assert times(value, exponent) == value * 2**exponent
