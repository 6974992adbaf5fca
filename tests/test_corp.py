"""Miscalibration, discrimination, uncertainty: against plain isotonic regressions; laws; words."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import sklearn.isotonic
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.special import xlogy

import lossctl
from lossctl import stats
from lossctl.analyses.decompositions.corp import BITS, Corp, Level, corp_rounds, rounds
from lossctl.analyses.decompositions.isotonic import quantile_fit
from tests.decomposed import answer, batch, context

RNG = np.random.default_rng(31)
P = np.round(RNG.beta(1, 2, 500), 3)
Y = (RNG.random(500) < P**1.5).astype(float)
W = RNG.integers(1, 4, 500).astype(float)
COUNTS = RNG.poisson(4 * P + 0.1).astype(float)
SPECS = ["mse", "rmse", "brier", "brier:scale_by_half=false", "bce", "poisson_deviance"]


def corp(spec: str, pred: Any, target: Any, weight: Any = None, most: int = 4096,
         **how: Any) -> Corp | None:  # fmt: skip
    asked = context(spec, weighted=weight is not None)
    question = corp_rounds(asked, asked.specs[0], most)
    return answer(question, batch({"pred": pred, "target": target}, weight), **how)


def score(spec: str, pred: Any, target: Any, weight: Any = None) -> float:
    """By its formula."""
    if spec.startswith("brier"):
        values = (pred - target) ** 2 * (2 if "false" in spec else 1)
    elif spec == "bce":
        values = -xlogy(target, pred) - xlogy(1 - target, 1 - pred)
    elif spec == "poisson_deviance":
        values = 2 * (xlogy(target, np.where(target > 0, target / pred, 1)) - target + pred)
    else:
        values = (pred - target) ** 2
    return float(np.average(values, weights=weight))


def plain(spec: str, pred: Any, target: Any, weight: Any = None) -> tuple[float, float, float]:
    """MCB, DSC and UNC by their definitions, recalibrating with scikit-learn."""
    fit = sklearn.isotonic.IsotonicRegression().fit(pred, target, weight).predict(pred)
    if spec == "poisson_deviance" and fit.min() == 0:
        first = fit <= np.unique(fit)[1]
        fit[first] = np.average(target[first], weights=None if weight is None else weight[first])
    constant = np.full_like(pred, np.average(target, weights=weight))
    best, flat = score(spec, fit, target, weight), score(spec, constant, target, weight)
    return score(spec, pred, target, weight) - best, flat - best, flat


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("spec", SPECS)
def test_the_parts_are_their_definitions(spec: str, weight: Any) -> None:
    pred, target = (P + 0.001, COUNTS) if spec == "poisson_deviance" else (P, Y)
    found = corp(spec, pred, target, weight)
    assert found is not None and found.exact
    parts = (found.mcb, found.dsc, found.unc)
    assert parts == pytest.approx(plain(spec, pred, target, weight), abs=1e-10)
    assert found.mcb - found.dsc + found.unc == pytest.approx(found.score, rel=1e-12)
    assert found.score == pytest.approx(score(spec, pred, target, weight), rel=1e-10)


def test_logits_are_their_probabilities() -> None:
    logit = np.round(RNG.normal(0, 2, 300), 2)
    y = (RNG.random(300) < 1 / (1 + np.exp(-logit))).astype(float)
    for spec in ("bce", "brier"):
        found = corp(f"{spec}:from_logits=true", logit, y)
        assert found is not None
        expected = plain(spec, 1 / (1 + np.exp(-logit)), y)
        assert (found.mcb, found.dsc, found.unc) == pytest.approx(expected, abs=1e-10)


@settings(max_examples=30, deadline=None)
@given(cut=st.integers(0, 500), seed=st.integers(1, 9), most=st.sampled_from([4096, 40]))
def test_blocks_and_order_do_not_matter(cut: int, seed: int, most: int) -> None:
    one = corp("bce", P, Y, most=most)
    other = corp("bce", P, Y, most=most, cuts=[cut, 100], seed=seed)
    assert one is not None and other is not None
    for name in ("score", "mcb", "dsc", "unc", "bits", "bound", "calibrated"):
        assert getattr(one, name) == getattr(other, name)


@pytest.mark.parametrize("spec", SPECS)
def test_a_weight_of_two_is_the_row_twice(spec: str) -> None:
    pred, target = (P + 0.001, COUNTS) if spec == "poisson_deviance" else (P, Y)
    twice = np.repeat(np.arange(500), W.astype(int))
    one, other = corp(spec, pred, target, W), corp(spec, pred[twice], target[twice])
    assert one is not None and other is not None
    assert (one.dsc, one.mcb) == pytest.approx((other.dsc, other.mcb), abs=1e-13)


@pytest.mark.parametrize("spec", ["bce", "brier"])
def test_quantised_forecasts_miss_no_more_than_their_bound(spec: str) -> None:
    rng = np.random.default_rng(7)
    p = rng.beta(0.5, 0.5, 20_000)
    y = (rng.random(20_000) < p).astype(float)
    mcb, dsc, unc = plain(spec, p, y)
    found = corp(spec, p, y)
    assert found is not None and not found.exact
    assert len(found.atoms.w) <= 4096
    assert found.unc == pytest.approx(unc, rel=1e-12)
    assert found.bound is not None
    assert 0 < dsc - found.dsc <= found.bound < 0.02 * dsc
    assert mcb - found.mcb == pytest.approx(dsc - found.dsc, abs=1e-9)


@pytest.mark.parametrize("folded", [True, False])
@pytest.mark.parametrize("bits", [BITS, 6, 0])
def test_levels_are_near_their_forecasts(folded: bool, bits: int) -> None:
    values = np.array([0.0, 1e-300, 1e-9, 0.2, 0.5, 0.75, 1 - 1e-9, 1.0])
    if not folded:
        values = np.append(values, [-3.5, 1e300, -1e-5])
    level = Level("pred", folded, bits)
    keys = level(batch({"pred": values}))
    back = np.array([level.forecast(int(key)) for key in keys])
    if bits == BITS:
        assert back.tolist() == values.tolist()
        return
    reach = 2.0**-bits * np.minimum(np.abs(values), np.abs(1 - values) if folded else np.inf)
    assert (np.abs(back - values) <= reach + 1e-300).all()
    order = np.argsort(values)
    assert (np.diff(back[order]) >= 0).all()


def test_calibrated_forecasts_show_what_is_said_of_them() -> None:
    rng = np.random.default_rng(9)
    p = np.round(rng.beta(2, 2, 400), 2)
    seen = []
    expected = None
    for _ in range(60):
        found = corp("brier", p, (rng.random(400) < p).astype(float))
        assert found is not None and found.calibrated is not None
        expected = found.calibrated
        seen.append(found.mcb)
    assert expected is not None
    assert np.mean(seen) == pytest.approx(expected.mean, rel=0.15)
    inside = [expected.low <= one <= expected.high for one in seen]
    assert 0.78 < np.mean(inside) <= 1.0
    normal = [corp("mse", p, p + rng.normal(0, 0.3, 400)) for _ in range(60)]
    shown = [one.calibrated.mean for one in normal if one and one.calibrated]
    assert np.mean([one.mcb for one in normal if one]) == pytest.approx(np.mean(shown), rel=0.15)


def said(spec: str, pred: Any, target: Any, others: tuple[str, ...] = ()) -> Any:
    asked = context(spec, *others)
    part = answer(rounds(asked, asked.specs[0]), batch({"pred": pred, "target": target}))
    if part is not None:
        json.dumps(part.data, allow_nan=False)
    return part


def test_the_sentence_calls_only_the_miscalibrated_so() -> None:
    rng = np.random.default_rng(10)
    p = np.round(rng.random(2000), 2)
    y = (rng.random(2000) < p).astype(float)
    for spec in ("bce", "brier", "mse"):
        assert said(spec, p.clip(0.01, 0.99), y).text.endswith(": no evidence of miscalibration")
        squeezed = 0.25 + p / 2
        assert said(spec, squeezed, y).text.endswith(": the forecasts are miscalibrated")
    few = said("brier", squeezed[:20], y[:20]).text
    assert "the forecasts are" not in few
    assert "~" in said("bce", rng.random(9000), (rng.random(9000) < 0.3).astype(float)).text


def test_the_table_holds_every_row_in_ten_groups() -> None:
    part = said("bce", P, Y, ("brier",))
    assert part.name == "calibration bce"
    rows = part.table.rows
    assert 8 <= len(rows) <= 10
    assert sum(row[2] for row in rows) == 500
    forecasts = [row[0] for row in rows]
    assert forecasts == sorted(forecasts)
    observed = math.fsum(row[1] * row[2] for row in rows) / 500
    assert observed == pytest.approx(Y.mean())
    asked = context("bce", "brier")
    second = answer(rounds(asked, asked.specs[1]), batch({"pred": P, "target": Y}))
    assert second is not None and second.table is None


@pytest.mark.parametrize("spec", ["bce:pos_weight=2", "bce:label_smoothing=0.1", "mae", "huber"])
def test_other_losses_are_left_alone(spec: str) -> None:
    assert said(spec, P, Y) is None


def test_nothing_is_said_where_it_has_no_meaning() -> None:
    assert said("bce:eps=0", [0.0, 0.5], [1.0, 1.0]) is None
    assert said("poisson_deviance", [1.0, 2.0], [0.0, 0.0]) is None
    assert said("mse", [1e200, 0.0], [0.0, 0.0]) is None
    asked = context("bce", decompose=False)
    assert answer(rounds(asked, asked.specs[0]), batch({"pred": P, "target": Y})) is None
    one = said("brier", [0.5], [1.0])
    assert one.data["DSC"] == one.data["UNC"] == 0.0


# --- quantiles --------------------------------------------------------------------------------


def cheapest(order: Any, y: Any, w: Any, level: float) -> float:
    """The least pinball loss of any fit that ascends with `order`: a linear programme."""
    n, atoms = len(y), int(max(order)) + 1
    cost = np.concatenate([np.zeros(atoms), level * w, (1 - level) * w])
    equal = np.zeros((n, atoms + 2 * n))
    for row in range(n):
        equal[row, order[row]], equal[row, atoms + row], equal[row, atoms + n + row] = 1, 1, -1
    ascends = np.zeros((max(atoms - 1, 1), atoms + 2 * n))
    for place in range(atoms - 1):
        ascends[place, place], ascends[place, place + 1] = 1, -1
    bounds = [(None, None)] * atoms + [(0, None)] * (2 * n)
    found = linprog(cost, ascends, np.zeros(len(ascends)), equal, y, bounds)
    return float(found.fun)


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(0, 6), st.integers(-9, 9), st.sampled_from([1.0, 2.5])),
                  min_size=1, max_size=12),
    level=st.sampled_from([0.1, 0.5, 0.9]),
)  # fmt: skip
def test_no_ascending_fit_is_cheaper(rows: Any, level: float) -> None:
    p, y, w = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    order = np.unique(p, return_inverse=True)[1]
    fit = quantile_fit(order, y, w, level)
    by_rank = fit[np.argsort(p, kind="stable")]
    assert (np.diff(by_rank) >= 0).all()
    paid = float(np.sum(w * np.where(y > fit, level * (y - fit), (1 - level) * (fit - y))))
    assert paid == pytest.approx(cheapest(order, y, w, level), abs=1e-7)


@pytest.mark.parametrize(("loss", "level"), [("pinball_loss", 0.9), ("absolute_error", None)])
def test_parts_of_a_quantile_loss(loss: str, level: float | None) -> None:
    rng = np.random.default_rng(3)
    p = rng.normal(size=400)
    y = p + rng.normal(size=400)
    got = stats.corp_decomposition(y, p, loss, level)
    alpha, factor = (level, 1) if level else (0.5, 2)
    score = factor * sklearn.metrics.mean_pinball_loss(y, p, alpha=alpha)
    constant = np.full(400, np.quantile(y, alpha, method="inverted_cdf"))
    assert got["score"] == pytest.approx(score, rel=1e-12)
    unc = factor * sklearn.metrics.mean_pinball_loss(y, constant, alpha=alpha)
    assert got["UNC"] == pytest.approx(unc, rel=1e-12)
    assert got["MCB"] - got["DSC"] + got["UNC"] == pytest.approx(score, rel=1e-12)
    assert got["MCB"] >= 0 and got["DSC"] > 0
    better = stats.corp_decomposition(y, y, loss, level)
    assert better["MCB"] == better["score"] == 0.0


# --- the topic --------------------------------------------------------------------------------


@pytest.mark.parametrize(("loss", "spec"), [("squared_error", "mse"), ("log_loss", "bce"),
                                            ("poisson_deviance", "poisson_deviance")])  # fmt: skip
def test_the_topic_of_more_forecasts_than_are_kept(loss: str, spec: str) -> None:
    rng = np.random.default_rng(12)
    p = rng.uniform(0.01, 0.99, 6000)
    y = rng.poisson(p).astype(float) if "poisson" in loss else (rng.random(6000) < p).astype(float)
    got = stats.corp_decomposition(y, p, loss)
    assert [got[name] for name in ("MCB", "DSC", "UNC")] == pytest.approx(
        plain(spec, p, y), abs=1e-9
    )


@pytest.mark.parametrize(
    ("y", "p", "loss", "level", "error"),
    [
        ([1.0], [1.0], "zero_one", None, lossctl.UsageError),
        ([1.0], [1.0], "squared_error", 0.5, lossctl.UsageError),
        ([1.0], [1.0], "pinball_loss", 1.0, lossctl.UsageError),
        ([1.0], [1.0, 2.0], "squared_error", None, lossctl.DataError),
        ([1.0], [1.5], "log_loss", None, lossctl.DataError),
        ([1.0], [0.0], "log_loss", None, lossctl.DataError),
        ([1.0], [0.0], "poisson_deviance", None, lossctl.DataError),
        ([0.0, 0.0], [1.0, 2.0], "poisson_deviance", None, lossctl.DataError),
        ([math.nan], [0.0], "squared_error", None, lossctl.DataError),
        ([], [], "squared_error", None, lossctl.DataError),
    ],
)
def test_bad_input(y: Any, p: Any, loss: str, level: float | None, error: Any) -> None:
    with pytest.raises(error):
        stats.corp_decomposition(y, p, loss, level)
