"""What the smallest and the largest value tell of a domain, against a look at every value."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl.arrays import Box, Count, Domain, Logit, Positive, Probability, Real, Sign, domain_of

HALF_OPEN = Domain("half-open", low=-1.0, high=1.0, low_open=True, high_open=True)
DOMAINS = [HALF_OPEN, *map(domain_of, (Real, Positive, Probability, Logit, Sign, Count, Box))]
EDGES = st.sampled_from([0.0, -0.0, 1.0, -1.0, 0.5, 2.0, 5e-324, math.inf, -math.inf, math.nan])


@given(st.sampled_from(DOMAINS), st.lists(EDGES | st.floats(), max_size=4))
def test_a_span_inside_holds_no_value_outside(domain: Domain, values: list[float]) -> None:
    array = np.array(values)
    if domain.spans(array):
        assert not domain.outside(array).any()
        assert not np.isnan(array).any()


@pytest.mark.parametrize(
    ("domain", "inside", "end"),
    [
        (HALF_OPEN, [-0.9, 0.9], -1.0),
        (HALF_OPEN, [-0.9, 0.9], 1.0),
        (domain_of(Real), [-1e308, 1e308], math.inf),
        (domain_of(Real), [-1e308, 1e308], -math.inf),
        (domain_of(Real), [-1e308, 1e308], math.nan),
        (domain_of(Positive), [5e-324, 1e308], 0.0),
        (domain_of(Probability), [0.0, 1.0], 1.0 + 2.0**-52),
        (domain_of(Probability), [0.0, 1.0], -5e-324),
    ],
)
def test_one_value_outside_is_seen(domain: Domain, inside: list[float], end: float) -> None:
    assert domain.spans(np.array(inside))
    assert domain.spans(np.array([inside, inside[::-1]]))
    assert not domain.spans(np.array([*inside, end]))


@pytest.mark.parametrize("role", [Sign, Count])
def test_two_ends_do_not_tell_of_whole_numbers_or_choices(role: Any) -> None:
    assert not domain_of(role).spans(np.array([0.0, 1.0]))


def test_integers_are_compared_as_they_are() -> None:
    large = np.array([1, 2**63 - 1])
    assert domain_of(Positive).spans(large)
    assert not domain_of(Probability).spans(large)
    assert domain_of(Real).spans(large.astype(np.uint64) * 2)
