"""Quantiles against SciPy."""

from __future__ import annotations

import pytest
import scipy.stats

from lossctl.student import median_rank, normal_quantile, t_quantile

PROBABILITIES = (1e-6, 0.001, 0.025, 0.2, 0.5, 0.51, 0.9, 0.975, 0.995, 0.9995, 1 - 1e-7)
DEGREES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 13, 30, 57, 100, 441, 999, 1000, 1001, 5000, 10**6, 10**8)


@pytest.mark.parametrize("degrees", DEGREES)
def test_t_quantile(degrees: int) -> None:
    for probability in PROBABILITIES:
        expected = scipy.stats.t.ppf(probability, degrees)
        rel = 1e-10 if 1e-6 < probability < 1 - 1e-6 else 1e-8
        assert t_quantile(probability, degrees) == pytest.approx(expected, rel=rel, abs=1e-15)


def test_normal_quantile() -> None:
    for probability in (1e-12, *PROBABILITIES):
        expected = scipy.stats.norm.ppf(probability)
        assert normal_quantile(probability) == pytest.approx(expected, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_median_rank_is_the_narrowest_that_covers(confidence: float) -> None:
    for count in (*range(1, 60), 100, 999, 4999, 5000):
        rank = median_rank(count, confidence)
        missed = (1 - confidence) / 2
        if rank is None:  # even the whole range misses too often
            assert scipy.stats.binom.cdf(0, count, 0.5) > missed
        else:
            # The median lies below v[rank] when at most `rank` rows lie below the median.
            assert scipy.stats.binom.cdf(rank, count, 0.5) <= missed + 1e-9
            assert scipy.stats.binom.cdf(rank + 1, count, 0.5) > missed


def test_median_rank_of_many() -> None:
    for count in (5001, 100_000, 10**7):
        exact = int(scipy.stats.binom.ppf(0.025, count, 0.5)) - 1
        rank = median_rank(count, 0.95)
        assert rank is not None
        assert exact - 2 <= rank <= exact
