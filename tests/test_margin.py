"""A margin over a baseline: Fieller's interval, one-sided tests, and sequences of looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lossctl.analyses.inference.anytime import anytime_critical, mixture
from lossctl.analyses.inference.margin import Paired, beyond_p, fieller
from lossctl.errors import DataError, UsageError
from lossctl.stats import asymptotic_confidence_sequence, gate

rows = st.lists(st.tuples(st.floats(0.5, 9.0), st.floats(0.5, 9.0)), min_size=3, max_size=30)


def pair(first: np.ndarray, second: np.ndarray) -> Paired:
    d = second - first
    cov = np.cov(np.array([first, d])) / first.size
    return Paired(first.mean(), d.mean(), cov[1, 1], cov[0, 1], cov[0, 0])


@given(rows, st.floats(0.5, 4.0))
def test_an_end_is_where_the_excess_is_as_many_errors(
    pairs: list[tuple[float, float]], critical: float
) -> None:
    first, second = (np.array(side) for side in zip(*pairs, strict=True))
    made = pair(first, second)
    ends = fieller(made, critical)
    if ends is None:
        assert made.baseline <= critical * math.sqrt(made.own) * (1 + 1e-9)
        return
    for end in ends:
        excess, error = made.excess(end)
        u = second - (1 + end) * first
        assert error == pytest.approx(u.std(ddof=1) / math.sqrt(u.size), rel=1e-4, abs=1e-6)
        if error > 1e-6 * made.baseline:
            assert abs(excess) == pytest.approx(critical * error, rel=1e-4)
    inside, _ = made.excess(sum(ends) / 2)
    assert ends[0] <= made.difference / made.baseline + 1e-9
    assert ends[1] >= made.difference / made.baseline - 1e-9
    assert math.isfinite(inside)


@given(st.floats(-9.0, 9.0), st.floats(0.01, 9.0), st.integers(1, 200))
def test_one_sided_p_values_are_scipys(excess: float, error: float, degrees: int) -> None:
    expected = stats.t.sf(excess / error, degrees)
    assert beyond_p(excess, error, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-300)


def test_without_spread_nothing_is_left_to_chance() -> None:
    assert (beyond_p(1.0, 0.0, 5), beyond_p(0.0, 0.0, 5), beyond_p(-1.0, 0.0, 5)) == (0.0, 1.0, 1.0)


@given(rows, st.floats(-0.5, 0.5))
def test_the_verdicts_of_a_gate(pairs: list[tuple[float, float]], margin: float) -> None:
    first, second = (list(side) for side in zip(*pairs, strict=True))
    found = gate(first, second, margin)
    worse, within = found["p_worse_than_margin"], found["p_not_worse_than_margin"]
    assert worse + within == pytest.approx(2.0 if found["u_se"] == found["u_mean"] == 0.0 else 1.0)
    expected = "fail" if worse < 0.05 else "pass" if within < 0.05 else "inconclusive"
    assert found["verdict"] == expected


def test_what_has_no_ratio_is_refused() -> None:
    with pytest.raises(DataError, match="mean 0"):
        gate([0.0, 0.0], [1.0, 2.0], 0.1)
    with pytest.raises(UsageError, match="margin"):
        gate([1.0, 2.0], [1.0, 2.0], -1.0)
    with pytest.raises(UsageError, match="alpha"):
        gate([1.0, 2.0], [1.0, 2.0], 0.1, alpha=0.0)
    for how in ({"n": 0}, {"var": -1.0}, {"var": math.nan}, {"alpha": 1.0}, {"t_opt": 0.0}):
        with pytest.raises(UsageError):
            asymptotic_confidence_sequence(**({"n": 9, "mean": 0.0, "var": 1.0} | how))


@given(st.integers(2, 10**7), st.floats(0.001, 0.2), st.floats(10.0, 1e6))
def test_a_sequence_is_wider_than_one_look(n: int, alpha: float, best: float) -> None:
    one = stats.norm.ppf(1 - alpha / 2)
    assert anytime_critical(n, alpha, mixture(best, alpha)) > one


def test_a_sequence_is_tightest_where_it_is_told_to_be() -> None:
    """The boundary over the root of n is least, in standard errors, at about the chosen n."""
    rho2 = mixture(500.0, 0.05)
    ratio = {n: anytime_critical(n, 0.05, rho2) for n in (20, 100, 300, 500, 800, 3000, 30000)}
    assert min(ratio, key=ratio.__getitem__) in (300, 500, 800)


def test_a_sequence_holds_at_all_looks() -> None:
    """At 20 looks one interval alone fails in a quarter of sequences, the sequence in under 5 %."""
    rng = np.random.default_rng(0)
    counts = np.arange(1, 21) * 100
    sums = np.add.reduceat(rng.normal(size=(2000, 2000)), counts - 100, axis=1).cumsum(axis=1)
    z = np.abs(sums) / np.sqrt(counts)
    alone = (z > stats.norm.ppf(0.975)).any(axis=1).mean()
    rho2 = mixture(1000.0, 0.05)
    reach = np.array([anytime_critical(n, 0.05, rho2) for n in counts])
    together = (z > reach).any(axis=1).mean()
    assert alone > 0.2
    assert together < 0.05
