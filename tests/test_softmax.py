"""The softmax against 200 digits, and its functions against each other, to the bit."""

from __future__ import annotations

import math
from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from lossctl import softmax
from lossctl.arrays import Array

RNG = np.random.default_rng(11)
# What the sums of a row, its highest and ties among classes may be.
AWKWARD = np.array([0.0, -0.0, math.inf, -math.inf, 1e308, -1e308, 5e-324, 1e-17, -1e-17, -2e-16,
                    0.3, 1.0, 1.0 + 2.0**-52, -745.0])  # fmt: skip
NEARLY_EQUAL = np.array([0.0, -0.0, 1e-17, -1e-17, -2e-16, -0.3, -1.0, -3.7])
SPREADS = (1e-9, 0.1, 3.0, 100.0)
SHAPES = [(1, 1), (5, 1), (1, 100), (2_000, 3), (700, 100), (3, 17_000)]


def logits(rows: int, classes: int) -> Array:
    """Rows of every spread, some of them of awkward values, some nearly equal."""
    found: Array = RNG.normal(size=(rows, classes)) * RNG.choice(SPREADS, size=(rows, 1))
    found[::3] = RNG.choice(AWKWARD, size=found[::3].shape)
    found[1::3] = RNG.choice(NEARLY_EQUAL, size=found[1::3].shape)
    return found


def labels(rows: int, classes: int) -> Array:
    return RNG.integers(0, classes, rows).astype(np.float64)


def bits(values: Array) -> bytes:
    return np.ascontiguousarray(values).tobytes()


@pytest.mark.parametrize("spread", SPREADS)
def test_to_a_few_ulp(spread: float) -> None:
    rows, label = RNG.normal(size=(12, 9)) * spread, labels(12, 9)
    shares, lacking = softmax.softmax(rows)
    logs, growth = softmax.log_softmax(rows), softmax.exponentials(rows)
    apart = softmax.squared_distance(rows, label)
    for place, row in enumerate(rows):
        with mpmath.workdps(200):
            exact = [mpmath.exp(mpmath.mpf(value) - mpmath.mpf(max(row))) for value in row]
            whole, wanted = mpmath.fsum(exact), mpmath.mpf(0)
            for k, value in enumerate(exact):
                share, rest = value / whole, (whole - value) / whole
                assert abs(shares[place, k] / share - 1) < 1e-15
                assert abs(lacking[place, k] / rest - 1) < 1e-15
                assert abs(logs[place, k] / mpmath.log(share) - 1) < 1e-15
                assert abs(growth[place, k] / value - 1) < 1e-15
                wanted += (rest if k == label[place] else share) ** 2
            assert abs(apart[place] / wanted - 1) < 3e-15


def test_infinite_and_equal_logits() -> None:
    rows = np.array([[1e308, 0.0, -1e308], [0.0, 0.0, -math.inf], [-745.0, -745.0, -745.0],
                     [math.inf, 3.0, math.inf], [-math.inf, -math.inf, -math.inf]])  # fmt: skip
    got = softmax.log_softmax(rows)
    assert got[0].tolist() == [0.0, -1e308, -math.inf]
    assert got[1].tolist() == [-math.log(2), -math.log(2), -math.inf]
    assert got[2] == pytest.approx([-math.log(3)] * 3, 1e-15)
    assert got[3].tolist() == [-math.log(2), -math.inf, -math.log(2)]
    assert got[4] == pytest.approx([-math.log(3)] * 3, 1e-15)
    assert softmax.softmax(rows)[0][3].tolist() == [0.5, 0.0, 0.5]
    assert softmax.softmax(rows)[1][0].tolist() == [0.0, 1.0, 1.0]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_entry_at_the_label(shape: tuple[int, int]) -> None:
    rows, label = logits(*shape), labels(*shape)
    at = np.arange(len(rows)), label.astype(np.int64)
    assert bits(softmax.log_softmax_of(rows, label)) == bits(softmax.log_softmax(rows)[at])


@pytest.mark.parametrize("shape", SHAPES)
def test_the_squared_distance_is_that_of_the_softmax(shape: tuple[int, int]) -> None:
    rows, label = logits(*shape), labels(*shape)
    shares, lacking = softmax.softmax(rows)
    gap = np.where(label[:, np.newaxis] == np.arange(shape[1]), -lacking, shares)
    expected = np.zeros(len(rows))
    for column in gap.T:
        expected = expected + column * column
    assert bits(softmax.squared_distance(rows, label)) == bits(expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_first_of_what_rounds_to_the_largest_lacks_the_sum_of_the_others(
    shape: tuple[int, int],
) -> None:
    rows = logits(*shape)
    growth, (shares, lacking) = softmax.exponentials(rows), softmax.softmax(rows)
    for place in range(0, len(rows), 7):
        first = int(np.argmax(growth[place]))
        others = 0.0
        for value in np.delete(growth[place], first).tolist():
            others += value
        share = growth[place] / (1.0 + others)
        rest = 1.0 - share
        rest[first] = others / (1.0 + others)
        assert bits(shares[place]) == bits(share)
        assert bits(lacking[place]) == bits(rest)


@pytest.mark.parametrize(
    "function",
    [
        softmax.log_softmax,
        softmax.exponentials,
        lambda rows: softmax.softmax(rows)[0],
        lambda rows: softmax.softmax(rows)[1],
    ],
)
@pytest.mark.parametrize("shape", SHAPES)
def test_a_row_has_the_same_bits_alone_and_in_every_layout(
    function: Callable[[Array], Array], shape: tuple[int, int]
) -> None:
    rows = logits(*shape)
    whole = function(rows)
    assert bits(function(np.asfortranarray(rows))) == bits(whole)
    assert bits(function(rows[::-1])) == bits(whole[::-1])
    for place in range(0, len(rows), 97):
        assert bits(function(rows[place : place + 1])) == bits(whole[place])
