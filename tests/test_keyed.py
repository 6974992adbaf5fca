"""Exact sums by group against rational arithmetic and against the sums of each group alone."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl import binned
from lossctl.batch import Batch
from lossctl.binned import binned_dots, binned_sums
from lossctl.exact import UNIT, exact_dot, exact_sum
from lossctl.grammar import parse
from lossctl.keyed import KeyedSums, distinct
from lossctl.states import Sums, Terms
from lossctl.terms import LossTerms
from tests.batches import batch, part
from tests.test_exact import HARD

FINITE = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(HARD)
ROWS = st.lists(st.tuples(st.integers(0, 3), FINITE, FINITE), max_size=20)


@dataclass(frozen=True)
class Given:
    """A key that stands in the batch."""

    name: str = "key"

    def __call__(self, block: Batch) -> Any:
        return block.columns[self.name]


@dataclass(frozen=True)
class Counted:
    """The prediction, of the rows of odd number."""

    def __call__(self, block: Batch) -> Terms:
        odd = block.rows % 2 == 1
        return Terms([(np.where(odd, block.columns["pred"], 0.0), 0)], odd * 1.0, odd)


def keyed(pred: Any, target: Any, key: Any, weight: Any = None) -> Batch:
    made = batch(pred, target, weight)
    made.columns["key"] = np.asarray(key, dtype=np.int64)
    return made


def total(values: Any) -> Fraction:
    return sum((Fraction(float(value)) for value in values), Fraction(0))


@given(ROWS)
def test_sums_and_products_of_bins_are_the_rational_ones(rows: list[Any]) -> None:
    codes = np.array([code for code, _, _ in rows], dtype=np.int64)
    left = np.array([one for _, one, _ in rows], dtype=float)
    right = np.array([other for _, _, other in rows], dtype=float)
    sums = binned_sums(codes, 4, left, 3)
    with np.errstate(all="ignore"):
        dots, squares = binned_dots(codes, 4, left, right), binned_dots(codes, 4, left, left)
    for code in range(4):
        mine = codes == code
        assert Fraction(sums[code], 1 << UNIT) == 8 * total(left[mine])
        pairs = zip(left[mine].tolist(), right[mine].tolist(), strict=True)
        products = sum((Fraction(a) * Fraction(b) for a, b in pairs), Fraction(0))
        assert Fraction(dots[code], 1 << UNIT) == products
        assert Fraction(squares[code], 1 << UNIT) == sum(Fraction(a) ** 2 for a in left[mine])


@pytest.mark.parametrize("bins", [1, 7, 5000])
def test_sums_of_full_blocks(bins: int) -> None:
    rng = np.random.default_rng(bins)
    codes = rng.integers(0, bins, 70_000)
    for values in (
        rng.uniform(0.99, 1.0, 70_000),  # all leading bits matter
        -np.full(70_000, np.nextafter(1.0, 0.0)),
        rng.normal(size=70_000) * 10.0 ** rng.integers(-30, 30, 70_000),
    ):
        sums, squares = binned_sums(codes, bins, values), binned_dots(codes, bins, values, values)
        dots = binned_dots(codes, bins, values, values[::-1])
        for code in (0, bins // 2, bins - 1):
            mine = codes == code
            assert sums[code] == exact_sum(values[mine])
            assert squares[code] == exact_dot(values[mine], values[mine])
            assert dots[code] == exact_dot(values[mine], values[::-1][mine])
        assert sum(sums) == exact_sum(values) and sum(dots) == exact_dot(values, values[::-1])


def test_a_round_adds_no_more_bits_than_float64_holds() -> None:
    assert binned._BLOCK.bit_length() - 1 + binned._BITS <= 53


WHOLE = st.integers(-(2**63), 2**63 - 1) | st.integers(-5, 5)


@given(st.lists(WHOLE, max_size=30))
def test_distinct_keys(keys: list[int]) -> None:
    found, codes = distinct(np.array(keys, dtype=np.int64))
    assert found == sorted(set(keys))
    assert [found[code] for code in codes] == keys


@given(st.integers(1, 3).flatmap(lambda k: st.lists(st.tuples(*[WHOLE] * k), max_size=30)))
def test_distinct_keys_of_several_numbers(keys: list[tuple[int, ...]]) -> None:
    width = len(keys[0]) if keys else 2
    found, codes = distinct(np.array(keys, dtype=np.int64).reshape(-1, width))
    assert found == sorted(set(keys))
    assert [found[code] for code in codes] == keys


@pytest.mark.parametrize("moments", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", ["mae", "rmse", "wape", "mse"])
@settings(max_examples=20)
@given(seed=st.integers(0, 10**6))
def test_each_group_has_the_sums_of_its_rows(
    name: str, weighted: bool, moments: bool, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 60))
    pred = rng.choice([0.1, 3.0, -2.5, 1e200, -1e308, 5e-324], n)
    key = rng.choice([-(2**62), -1, 0, 1, 9], n)
    whole = keyed(pred, rng.normal(size=n), key, rng.choice([0.0, 0.3], n) if weighted else None)
    terms = LossTerms(parse(name))
    with np.errstate(all="ignore"):
        groups = KeyedSums(Given(), terms, moments).make(whole).groups
        assert sorted(groups) == sorted(set(key.tolist()))
        for value, found in groups.items():
            alone = Sums(terms, moments).make(part(whole, np.flatnonzero(key == value)))
            assert found == alone


def test_rows_that_do_not_count() -> None:
    whole = keyed([1.0, 2.0, 3.0, 4.0], [0.0] * 4, [5, 5, 6, 6])
    groups = KeyedSums(Given(), Counted(), moments=True).make(whole).groups
    assert [(groups[k].count, groups[k].nonzero, groups[k].mean) for k in (5, 6)] == [
        (1, 1, 2.0),
        (1, 1, 4.0),
    ]


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(1, 5), st.integers(0, 12))
def test_more_groups_than_are_kept(keys: list[int], most: int, cut: int) -> None:
    asked = KeyedSums(Given(), LossTerms(parse("mae")), most=most)
    whole = keyed(np.ones(len(keys)), np.zeros(len(keys)), keys)
    first, second = (
        asked.make(part(whole, places))
        for places in (range(min(cut, len(keys))), range(min(cut, len(keys)), len(keys)))
    )
    state = second.merge(first)
    assert state == asked.make(whole)
    assert state.overfull == (len(set(keys)) > most)
    assert len(state.groups) == (0 if state.overfull else len(set(keys)))
