"""The topics of `lossctl.stats` against plain formulas and against `evaluate`."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import r2_score, root_mean_squared_error

import lossctl
from lossctl import stats
from lossctl.analyses.concentration import pareto_fit
from lossctl.analyses.esd import critical
from lossctl.analyses.lorenz import gini

Y = np.array([3.0, -0.5, 2.0, 7.0, 4.2, 1.1, 0.4, 9.0])
P = np.array([2.5, 0.0, 2.1, 7.8, 5.3, 1.0, 0.1, 4.0])


def test_the_topics_are_functions() -> None:
    for name in stats.__all__:
        assert callable(getattr(lossctl.stats, name))
    with pytest.raises(AttributeError):
        _ = lossctl.stats.no_such_topic


# --- contribution -----------------------------------------------------------------------------


def test_contribution_is_deletion() -> None:
    found = stats.contribution(Y, P, 2)
    rmse = root_mean_squared_error(Y, P)
    for row in range(8):
        y, p = np.delete(Y, row), np.delete(P, row)
        assert found["rmse_loo_change"][row] == pytest.approx(
            root_mean_squared_error(y, p) - rmse, abs=1e-12
        )
        assert found["r2_loo"][row] == pytest.approx(r2_score(y, p), abs=1e-12)


def test_contribution_is_what_evaluate_says() -> None:
    found, report = stats.contribution(Y, P), lossctl.evaluate(P, Y, ["mse", "mae"], top=8)
    assert report.worst is not None
    for name in ("mae", "mse"):
        assert found[name]["mean"] == report[name].value
        assert found[name]["n_for_half"] == report[name].half
        for row in report.worst.rows:
            assert found[name]["share"][row.row] == row.shares[name]


def test_gini_is_the_mean_difference() -> None:
    rng = np.random.default_rng(1)
    for values in (rng.pareto(1.5, 40), np.array([0.0, 0.0, 1.0]), np.ones(5), np.array([3.0])):
        pairs = np.abs(values[:, np.newaxis] - values)
        expected = pairs.mean() / (2 * values.mean())
        assert gini(np.sort(values)) == pytest.approx(expected, abs=1e-15)


def test_contribution_of_nothing_wrong_and_of_one_row() -> None:
    perfect = stats.contribution([1.0, 2.0, 4.0], [1.0, 2.0, 4.0])
    assert perfect["mse"]["share"] == [0.0, 0.0, 0.0]
    assert (perfect["mse"]["gini"], perfect["mse"]["n_for_half"]) == (0.0, 0)
    assert perfect["mse"]["effective_n"] is None
    assert perfect["rmse_over_mae"] is None
    one = stats.contribution([1.0], [3.0])
    assert (one["rmse"], one["r2_loo"], one["rmse_loo_change"]) == (2.0, [None], [None])
    assert one["mae"]["mean_without_topk"] is None


@pytest.mark.parametrize(
    ("y", "p", "k", "error"),
    [
        ([1.0], [1.0, 2.0], 1, lossctl.DataError),
        ([], [], 1, lossctl.DataError),
        ([1.0, math.nan], [1.0, 2.0], 1, lossctl.DataError),
        ([[1.0]], [[1.0]], 1, lossctl.DataError),
        (["a"], [1.0], 1, lossctl.DataError),
        ([0.0], [1e200], 1, lossctl.DataError),
        ([1.0], [1.0], 2, lossctl.UsageError),
        ([1.0], [1.0], 0, lossctl.UsageError),
    ],
)
def test_contribution_refuses(y: list, p: list, k: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        stats.contribution(y, p, k)


# --- pareto_khat ------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [0.2, 0.5, 0.9, 1.5])
def test_khat_finds_the_shape_of_a_pareto_tail(shape: float) -> None:
    values = np.random.default_rng(6).pareto(1 / shape, 40_000) + 1
    assert stats.pareto_khat(values)["khat"] == pytest.approx(shape, abs=0.1)


def test_khat_has_no_unit_and_sigma_has() -> None:
    values = np.random.default_rng(3).pareto(1.5, 500)
    plain = stats.pareto_khat(values, 60)
    for scale in (2.0**-1000, 2.0**40, 2.0**900):
        scaled = stats.pareto_khat(values * scale, 60)
        assert scaled["khat"] == plain["khat"]
        assert scaled["sigma"] == plain["sigma"] * scale
    assert plain["khat"] > 0.1 > -0.5 > stats.pareto_khat(np.arange(500.0))["khat"]


def test_khat_of_long_tails_raises_no_warning() -> None:
    values = np.random.default_rng(0).standard_cauchy(100_000) ** 2
    found = stats.pareto_khat(values)
    assert found["khat"] == pytest.approx(2.0, abs=0.15)
    assert found["min_sample_size"] == math.inf


def test_khat_where_a_grid_point_is_the_exponential_tail() -> None:
    # Its shape is 0 there, and the likelihood 0/0.
    fit = pareto_fit(np.array([1.0] * 4 + [1.5] * 11 + [3.0]), 0.0)
    assert fit is not None
    assert math.isfinite(fit.khat) and math.isfinite(fit.sigma)


def test_khat_of_no_tail_at_all() -> None:
    assert stats.pareto_khat(np.ones(50))["khat"] is None
    assert pareto_fit(np.ones(4), 0.5) is None
    assert pareto_fit(np.array([1.0, 1.0, 1.0, 1.0, 2.0]), 1.0) is None
    for length in (4, 6, -1):
        with pytest.raises(lossctl.UsageError):
            stats.pareto_khat(np.arange(6.0), length)
    with pytest.raises(lossctl.DataError):
        stats.pareto_khat([1.0, 2.0])


# --- outlier_rules ----------------------------------------------------------------------------


def medcouple(values: np.ndarray) -> float:
    """By its definition, for samples without values at the median."""
    centre = np.median(values)
    pairs = [
        ((high - centre) - (centre - low)) / (high - low)
        for high in values[values > centre] for low in values[values < centre]
    ]  # fmt: skip
    return float(np.median(pairs))


def test_medcouple() -> None:
    for seed in range(5):
        values = np.random.default_rng(seed).exponential(size=40)
        found = stats.outlier_rules(values)["medcouple"]
        assert found == pytest.approx(medcouple(values), abs=1e-12)
        assert stats.outlier_rules(-values)["medcouple"] == pytest.approx(-found, abs=1e-12)
    assert stats.outlier_rules([1.0, 2.0, 3.0, 4.0, 5.0], 1)["medcouple"] == 0.0
    assert stats.outlier_rules([0.0] * 9, 1)["medcouple"] == 0.0


def test_modified_z_where_more_than_half_are_alike() -> None:
    values = [0.0] * 8 + [1.0, -100.0]
    found = stats.outlier_rules(values, 2)
    assert (found["mad"], found["median"]) == (0.0, 0.0)
    assert found["modified_z"][9] == pytest.approx(-100 / (1.253314 * 10.1))
    assert found["modified_z_flagged"] == [9]
    assert stats.outlier_rules([2.0] * 5, 2)["modified_z"] == [0.0] * 5


def test_modified_z_flags_what_evaluate_flags() -> None:
    rng = np.random.default_rng(9)
    target, pred = rng.normal(size=200), rng.standard_t(2, 200)
    part = next(p for p in lossctl.evaluate(pred, target).parts if p.name == "outliers")
    flagged = stats.outlier_rules(pred - target)["modified_z_flagged"]
    assert len(flagged) == part.data["count"]
    assert set(part.data["rows"]) <= set(flagged)


def test_generalised_esd_sees_through_masking() -> None:
    values = np.r_[np.random.default_rng(4).normal(size=30), 50.0, 51.0]
    found = stats.outlier_rules(values, 5)
    assert found["gesd_removed"] == [50.0, 51.0]
    assert stats.outlier_rules(values * 1e299 / 51, 5)["gesd_n_outliers"] == 2
    assert stats.outlier_rules([1.0, 1.0, 1.0, 1.0], 2)["gesd_n_outliers"] == 0


def test_critical_values_of_the_generalised_esd() -> None:
    # NIST handbook 1.3.5.17.3, for Rosner's 54 values
    assert [round(critical(54 - step), 3) for step in range(5)] == [
        3.159, 3.151, 3.144, 3.136, 3.128,
    ]  # fmt: skip


@pytest.mark.parametrize("most", [-1, 2, 9])
def test_outlier_rules_refuse(most: int) -> None:
    with pytest.raises(lossctl.UsageError):
        stats.outlier_rules([1.0, 2.0, 3.0], most)
    with pytest.raises(lossctl.UsageError, match="scale it"):
        stats.outlier_rules([1.0, 2.0, 1e301], 1)
    with pytest.raises(lossctl.DataError, match="more than the limit"):
        stats.outlier_rules(np.zeros(5001))
