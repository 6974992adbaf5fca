"""Reductions against exact rational arithmetic; without a row, with intervals and weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.stats
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.exact import exact
from lossctl.grammar import parse
from lossctl.loss import get
from lossctl.reductions import REDUCTIONS, Reduced
from lossctl.spec import Spec, make
from lossctl.stats.sample import answer
from tests.batches import batch, part
from tests.oracles import REDUCTIONS as ORACLES
from tests.oracles.companion import ORACLES as COMPANIONS


def counting(reduction: str, counts: Callable[..., np.ndarray]) -> Spec:
    """The mean absolute error, divided by what a loss with a divisor of its own says it counts."""
    loss = replace(get("mae"), divisors={reduction: counts})
    return make(loss, {}, reduction)


def kappa() -> Spec:
    """Quadratic weighted kappa, whose columns are any numbers here."""
    return make(replace(get("qwk"), signature=get("mae").signature), {})


# One spec for every reduction, and what its oracle takes: the terms of the rows.
SPECS = {
    "mean": parse("mae"),
    "sum": parse("l1_norm"),
    "sum_over_batch_size": parse("mae:reduction=sum_over_batch_size"),
    "sum_by_nonzero_weights": parse("mae:reduction=sum_by_nonzero_weights"),
    "batchmean": parse("mae:reduction=batchmean"),
    "sum_over_positives": counting("sum_over_positives", lambda pred, target: 1.0 * (target > 0.0)),
    "mean_nonzero": counting("mean_nonzero", lambda pred, target: 1.0 * (pred != target)),
    "mean_over_elements": counting(
        "mean_over_elements", lambda pred, target: np.full(len(pred), 3.0)
    ),
    "root_mean": parse("rmse"),
    "norm": parse("l2_norm"),
    "exp_mean": make(replace(get("mae"), reduction="exp_mean"), {}),
    "ratio": parse("wape"),
    "max": parse("max_error"),
    "median": parse("median_ae"),
    "variance_ratio": parse("r2"),
    "variance_ratio_raw": parse("r2:force_finite=false"),
    "explained_variance": parse("explained_variance"),
    "explained_variance_raw": parse("explained_variance:force_finite=false"),
    "relative_variance": parse("rse"),
    "kappa": kappa(),
}
OF_ALL_ROWS = ("sum_over_batch_size", "batchmean", "max")  # a row of weight 0 or 2 is one row
EIGHTHS = st.integers(-64, 64).map(lambda n: n / 8)
WEIGHTS = st.sampled_from([0.0, 0.25, 1.0, 2.0, 3.5])
ROWS = st.lists(st.tuples(EIGHTHS, EIGHTHS, WEIGHTS), min_size=1, max_size=9)


def reduced(spec: Spec, rows: Batch, moments: bool = True) -> Reduced:
    context = Context(
        specs=(spec,), leading=spec, weighted=rows.weight is not None, outputs=1, wholes={}, top=1,
        moments=moments, pooled=False, point="pred",
    )  # fmt: skip
    return answer(context.reduced(spec), rows)


def oracle(name: str, rows: Batch) -> Any:
    """The exact value; None where it divides by 0 or has too few rows."""
    pred, target = (
        [Fraction(v) for v in rows.columns[role].tolist()] for role in ("pred", "target")
    )
    errors = [p - t for p, t in zip(pred, target, strict=True)]
    weights = None if rows.weight is None else [Fraction(w) for w in rows.weight.tolist()]
    try:
        if name == "sum_over_positives":
            return ORACLES[name]([abs(e) for e in errors], [int(t > 0) for t in target], weights)
        if name == "mean_over_elements":
            return ORACLES[name]([abs(e) for e in errors], [3] * len(errors), weights)
        if name == "kappa":
            value = COMPANIONS["quadratic_weighted_kappa"](pred, target, weights=weights)
            return None if mpmath.isnan(value) else value
        if name in ("root_mean", "norm"):
            return ORACLES[name]([e * e for e in errors], weights)
        if name == "ratio":
            return ORACLES[name]([abs(e) for e in errors], [abs(t) for t in target], weights)
        if name in ORACLES:
            return ORACLES[name]([abs(e) for e in errors], weights)
        return variance(name, errors, target, weights)
    except (ZeroDivisionError, ValueError):
        return None


def variance(
    name: str, errors: list[Fraction], target: list[Fraction], weights: list[Fraction] | None
) -> Fraction | None:
    w = weights or [Fraction(1)] * len(errors)
    if sum(1 for one in w if one) < 2:
        return None
    centre = ORACLES["mean"](errors, w) if name.startswith("explained") else 0
    over = sum(a * (e - centre) ** 2 for a, e in zip(w, errors, strict=True))
    middle = ORACLES["mean"](target, w)
    under = sum(a * (t - middle) ** 2 for a, t in zip(w, target, strict=True))
    if not under:
        if name.endswith("raw") or name == "relative_variance":
            return None
        return Fraction(int(not over))
    return over / under if name == "relative_variance" else 1 - over / under


def close(value: float | None, expected: Any, name: str) -> bool:
    if expected is None or value is None:
        return expected is None and value is None
    if name in ("root_mean", "norm"):
        return abs(value - float(expected)) <= math.ulp(float(expected))
    if name == "exp_mean":  # the rounding of the mean, magnified by its size
        return abs(value - float(expected)) <= 20 * math.ulp(float(expected))
    return value == float(expected)


def test_every_reduction_is_examined() -> None:
    assert set(SPECS) == set(REDUCTIONS) - {"none"}
    assert all(spec.reduction.name == name for name, spec in SPECS.items())


@pytest.mark.parametrize("weighted", [False, True])
def test_none_leaves_the_rows_alone(weighted: bool) -> None:
    weight = (1.0, 2.0, 0.5) if weighted else None
    rows = batch((1.0, 3.0, 2.0), (0.0, 0.0, 4.0), weight)
    found = reduced(parse("mae:reduction=none"), rows)
    assert (found.value, found.status, found.count) == (None, "not_applicable", 3)
    assert found.total == exact(8.0 if weighted else 6.0), "shares are of the sum"


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("weighted", [False, True])
@settings(max_examples=60)
@given(rows=ROWS)
def test_value_and_every_row_left_out(name: str, weighted: bool, rows: list[Any]) -> None:
    pred, target, weight = zip(*rows, strict=True)
    assume(not weighted or any(weight))
    whole = batch(pred, target, weight if weighted else None)
    found = reduced(SPECS[name], whole)
    assert close(found.value, oracle(name, whole), name)
    assert (found.status == "ok") == (found.value is not None)
    if found.without is None:
        return
    for row in range(whole.count):
        others = [place for place in range(whole.count) if place != row]
        left = part(whole, others)
        without = found.without(part(whole, [row]))
        if not others or (weighted and not left.weight.any()):  # nothing is left
            assert without in (None, 0.0)
        else:
            assert close(without, oracle(name, left), name)
            assert without == reduced(SPECS[name], left, moments=False).value


@pytest.mark.parametrize("name", [n for n in SPECS if n not in OF_ALL_ROWS])
@settings(max_examples=40)
@given(rows=ROWS)
def test_weight_two_is_the_row_twice_and_zero_is_its_absence(name: str, rows: list[Any]) -> None:
    pred, target, _ = (list(column) for column in zip(*rows, strict=True))
    weight = [float(place % 3) for place in range(len(rows))]
    assume(any(weight))
    places = [place for place, times in enumerate(weight) for _ in range(int(times))]
    again = batch([pred[p] for p in places], [target[p] for p in places], [1.0] * len(places))
    spec = SPECS[name]
    once, twice = reduced(spec, batch(pred, target, weight)), reduced(spec, again)
    if name == "sum_by_nonzero_weights":
        kept = [place for place, times in enumerate(weight) if times]
        twice = reduced(spec, part(batch(pred, target, weight), kept))
    if sum(1 for one in weight if one) > 1:  # one row twice has no variance of its own
        assert once.value == twice.value
    kept = [place for place, times in enumerate(weight) if times]
    absent = reduced(spec, part(batch(pred, target, weight), kept))
    assert (once.value, once.status) == (absent.value, absent.status)
    if name not in ("norm", "sum"):
        assert once.interval == absent.interval


def test_maximum_passes_over_weight_zero() -> None:
    report = lossctl.evaluate([9.0, 2.0, 1.0], [0.0] * 3, "max_error", weight=[0.0, 1.0, 1.0])
    assert report["max_error"].value == 2.0
    assert report["max_error"].worst == {"row": 1, "id": None, "share": None}


# --- intervals --------------------------------------------------------------------------------

ERRORS = np.array([0.5, -1.0, 3.0, 2.0, -0.25, 4.0, 1.5])
TARGET = np.array([1.0, 2.0, 4.0, 8.0, 3.0, 1.0, 5.0])


def interval(
    spec: str | Spec, errors: Any = ERRORS, target: Any = TARGET, weight: Any = None
) -> Any:
    found = reduced(
        parse(spec) if isinstance(spec, str) else spec, batch(target + errors, target, weight)
    ).interval
    return None if found is None else (found.low, found.high)


def of_t(values: np.ndarray, scale: float = 1.0) -> tuple[float, float]:
    found = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values))
    return max(0.0, found[0] * scale), found[1] * scale


def test_interval_of_a_mean_is_the_t_interval() -> None:
    assert interval("mae") == pytest.approx(of_t(abs(ERRORS)), rel=1e-12)
    assert interval("mse") == pytest.approx(of_t(ERRORS**2), rel=1e-12)
    assert interval("bias") == pytest.approx(
        scipy.stats.t.interval(0.95, 6, ERRORS.mean(), scipy.stats.sem(ERRORS)), rel=1e-12
    )


def test_interval_of_a_sum_and_of_roots() -> None:
    n = len(ERRORS)
    assert interval("l1_norm") == pytest.approx(of_t(abs(ERRORS), n), rel=1e-12)
    low, high = of_t(ERRORS**2)
    assert interval("rmse") == pytest.approx((math.sqrt(low), math.sqrt(high)), rel=1e-12)
    assert interval("l2_norm") == pytest.approx(
        (math.sqrt(n * low), math.sqrt(n * high)), rel=1e-12
    )


def test_interval_of_a_ratio_is_the_delta_method() -> None:
    over, under = abs(ERRORS), abs(TARGET)
    value = over.sum() / under.sum()
    influence = (over - value * under) / under.mean()
    reach = scipy.stats.t.ppf(0.975, 6) * influence.std(ddof=1) / math.sqrt(7)
    assert interval("wape") == pytest.approx((value - reach, value + reach), rel=1e-12)
    over, under = ERRORS**2, (TARGET - TARGET.mean()) ** 2
    value = over.sum() / under.sum()
    influence = (over - value * under) / under.mean()
    reach = scipy.stats.t.ppf(0.975, 6) * influence.std(ddof=1) / math.sqrt(7)
    expected = (1 - value - reach, min(1.0, 1 - value + reach))
    assert interval("r2") == pytest.approx(expected, rel=1e-12)


def test_interval_of_an_exponential_is_that_of_its_mean() -> None:
    low, high = interval("mae")
    assert interval(SPECS["exp_mean"]) == pytest.approx((math.exp(low), math.exp(high)), rel=1e-12)


def test_intervals_of_divisors_are_those_of_a_ratio() -> None:
    over = abs(ERRORS)
    for name, counts in (
        ("sum_over_positives", np.array([0.0, 1.0, 1.0, 0.0, 1.0, 1.0, 0.0])),
        ("mean_nonzero", np.ones(7)),
        ("mean_over_elements", np.full(7, 3.0)),
    ):
        target = np.where(counts > 0.0, TARGET, -TARGET)
        value = over.sum() / counts.sum()
        n = np.count_nonzero(counts)
        influence = (over - value * counts) / counts.sum()
        error = math.sqrt(n / (n - 1) * (influence**2).sum())
        reach = scipy.stats.t.ppf(0.975, n - 1) * error
        found = interval(SPECS[name], target=target)
        assert found == pytest.approx((max(0.0, value - reach), value + reach), rel=1e-12), name


def test_interval_of_kappa_is_the_delta_method() -> None:
    """Its influence, by numbers: what a little more weight on each row does to the value."""
    pred, target = (
        np.array([2.0, 0, 1, 1, 0, 3, 0, 3, 2, 0]),
        np.array([2.0, 3, 1, 3, 0, 0, 0, 0, 2, 1]),
    )
    spec, n = SPECS["kappa"], 10
    oracle = COMPANIONS["quadratic_weighted_kappa"]
    plain = oracle(pred.tolist(), target.tolist())
    influence = []
    for row in range(n):
        weights = [Fraction(1) + Fraction(int(place == row), 10**12) for place in range(n)]
        moved = oracle(pred.tolist(), target.tolist(), weights=weights)
        influence.append(float((moved - plain) * 10**12) * n)
    reach = scipy.stats.t.ppf(0.975, n - 1) * np.std(influence, ddof=1) / math.sqrt(n)
    low, high = interval(spec, errors=pred - target, target=target)
    assert (low, high) == pytest.approx((float(plain) - reach, float(plain) + reach), rel=1e-9)
    moved = interval(spec, errors=pred - target, target=target - 1e6)
    assert moved == pytest.approx((low, high), rel=1e-9)  # the means are rounded


def test_interval_of_a_weighted_mean() -> None:
    weight = np.array([1.0, 2.0, 0.0, 0.5, 1.0, 3.0, 1.0])
    kept = weight > 0
    w, values = weight[kept], abs(ERRORS)[kept]
    value = np.average(values, weights=w)
    influence = w * (values - value) / w.mean()
    reach = scipy.stats.t.ppf(0.975, 5) * math.sqrt((influence**2).sum() / (6 * 5))
    low, high = interval("bias", errors=abs(ERRORS), weight=weight)
    assert (low, high) == pytest.approx((value - reach, value + reach), rel=1e-12)
    assert interval("mae", weight=weight) == (0.0, high)


@pytest.mark.parametrize("exponent", [-700, 0, 500])
def test_interval_of_rmse_where_squares_leave_the_range(exponent: int) -> None:
    scale = 2.0**exponent
    low, high = interval("rmse", errors=ERRORS * scale, target=np.zeros(7))
    plain = interval("rmse", target=np.zeros(7))
    assert (low / scale, high / scale) == plain


def test_interval_of_a_median_is_binomial() -> None:
    values = np.arange(1.0, 31.0)
    found = interval("median_ae", errors=values, target=np.zeros(30))
    rank = int(scipy.stats.binom.ppf(0.025, 30, 0.5))
    assert found == (values[rank - 1], values[-rank])
    assert scipy.stats.binom.cdf(rank - 1, 30, 0.5) <= 0.025 < scipy.stats.binom.cdf(rank, 30, 0.5)
    assert interval("median_ae", errors=values[:5], target=np.zeros(5)) is None


@given(st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=1, max_size=12))
def test_intervals_hold_their_value(rows: list[tuple[float, float]]) -> None:
    pred, target = zip(*rows, strict=True)
    for result in lossctl.evaluate(list(pred), list(target)).losses:
        if result.interval is not None:
            assert result.interval["low"] <= result.value <= result.interval["high"]


# --- what float64 cannot hold -----------------------------------------------------------------


def test_overflow_is_a_status_by_default_and_an_error_on_request() -> None:
    report = lossctl.evaluate([1e200, 0.0], [0.0, 0.0])
    assert (report["mse"].value, report["mse"].status) == (None, "overflow")
    assert report["rmse"].value == pytest.approx(1e200 / math.sqrt(2), rel=1e-15)
    assert report["rmse"].half == 1
    with pytest.raises(lossctl.DataError, match="mse overflows"):
        lossctl.evaluate([1e200, 0.0], [0.0, 0.0], "mse")


def test_small_squares_do_not_vanish_from_rmse() -> None:
    report = lossctl.evaluate([1e-200] * 4, [0.0] * 4, ["rmse", "mse"])
    assert report["rmse"].value == 1e-200
    assert report["rmse"].half == 2
    assert report["mse"].value == 0.0


@pytest.mark.parametrize("text", ["r2", "explained_variance", "rse"])
@pytest.mark.parametrize("exponent", [-900, 600, 1015])
def test_fractions_of_variance_have_no_unit(text: str, exponent: int) -> None:
    pred, target, weight = TARGET + ERRORS, TARGET, [1.0, 2.0, 0.5, 1.0, 3.0, 0.0, 1.0]
    for w in (None, weight):
        plain = lossctl.evaluate(pred, target, text, weight=w)
        moved = np.ldexp(pred, exponent), np.ldexp(target, exponent)
        scaled = lossctl.evaluate(*moved, text, weight=w)
        assert scaled.losses[0].value == plain.losses[0].value


def test_infinite_undefined_and_zero() -> None:
    assert lossctl.evaluate([1.0, 2.0], [0.0, 1.0], "mape")["mape"].status == "infinite"
    assert lossctl.evaluate([1.0, 2.0], [0.0, 0.0], "wape")["wape"].status == "infinite"
    assert lossctl.evaluate([0.0, 0.0], [0.0, 0.0], "wape")["wape"].status == "undefined"
    assert lossctl.evaluate([1.0], [0.0], "r2")["r2"].status == "undefined"
    constant = lossctl.evaluate([1.0, 2.0], [3.0, 3.0], ["r2:force_finite=false", "r2", "rse"])
    assert [one.status for one in constant.losses] == ["infinite", "ok", "infinite"]
    with pytest.raises(lossctl.DataError, match="every weight is 0"):
        lossctl.evaluate([1.0], [0.0], weight=[0.0])


def test_a_penalty_too_large_is_an_overflow() -> None:
    spec = "structural_risk:base=mse,l2=1"
    with pytest.raises(lossctl.DataError, match="overflows"):
        lossctl.evaluate([1.0, 2.0], [0.0, 0.0], spec, roles={"parameters": [1e200]})
    report = lossctl.evaluate([1.0, 3.0], [0.0, 0.0], spec, roles={"parameters": [2.0, 1.0]})
    assert report.losses[0].value == 10.0
    assert report.losses[0].penalty == 5.0
    assert report.worst is not None
    assert report.worst.rows[0].shares[report.losses[0].spec] == 0.9
    assert report.worst.rows[0].without[report.losses[0].spec] == 6.0
