"""What `evaluate` promises of any data: strict JSON, shares that add up, exact deletion."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas
import pytest
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.defaults import REGRESSION
from lossctl.report import Report

WILD = st.sampled_from(
    [0.0, 1.0, -1.0, 3.0, 5e-324, 1e-200, 1e154, 1e200, -1e200, 1.7e308, -1.7e308]
)
TAME = st.integers(-40, 40).map(lambda n: n / 8)
WEIGHTS = st.sampled_from([0.0, 0.5, 1.0, 2.0])


def rows(values: Any, most: int = 8) -> Any:
    return st.lists(st.tuples(values, values, WEIGHTS), min_size=1, max_size=most)


def columns(data: list[tuple[float, ...]]) -> list[list[float]]:
    return [list(column) for column in zip(*data, strict=True)]


@settings(max_examples=150)
@given(data=rows(WILD), weighted=st.booleans())
def test_any_finite_numbers_give_a_report(data: Any, weighted: bool) -> None:
    pred, target, weight = columns(data)
    how = {"weight": weight} if weighted and any(weight) else {}
    report = lossctl.evaluate(pred, target, **how)
    text = report.to_json()  # NaN and infinity are refused there
    assert Report.from_dict(json.loads(text)) == report == Report.from_dict(report.to_dict())
    assert repr(report) and report._repr_html_()
    for result in report.losses:
        assert (result.value is None) == (result.status != "ok")
        assert (result.reason is None) == (result.status == "ok")
        if result.interval is not None:
            assert result.interval["low"] <= result.value <= result.interval["high"]
            assert result.half is None or 0 <= result.half <= result.n


@given(data=rows(TAME), weighted=st.booleans())
def test_shares_sum_to_one(data: Any, weighted: bool) -> None:
    pred, target, weight = columns(data)
    how = {"weight": weight} if weighted and any(weight) else {}
    report = lossctl.evaluate(pred, target, top=len(pred), **how)
    assert report.worst is not None
    for spec in ("mae", "rmse", "mse", "huber", "log_cosh"):
        shares = [row.shares[spec] for row in report.worst.rows]
        assert len(shares) == len(pred)
        total = math.fsum(shares)
        assert total == pytest.approx(1.0, abs=1e-12) if report[spec].value else total == 0.0
    for spec in ("median_ae", "max_error", "bias", "r2"):
        assert {row.shares[spec] for row in report.worst.rows} == {None}


@settings(max_examples=40)
@given(data=rows(TAME, 6), weighted=st.booleans(), outputs=st.booleans())
def test_without_a_row_is_the_report_of_the_others(
    data: Any, weighted: bool, outputs: bool
) -> None:
    pred, target, weight = (np.array(column) for column in columns(data))
    if outputs:
        pred, target = (np.column_stack([a, a[::-1] * 2]) for a in (pred, target))
    weighted = weighted and bool(weight.any())
    report = lossctl.evaluate(pred, target, top=len(pred), weight=weight if weighted else None)
    assert report.worst is not None
    for row in report.worst.rows:
        keep = np.arange(len(pred)) != row.row
        if not keep.any() or (weighted and not weight[keep].any()):
            assert set(row.without.values()) == {None}
            continue
        left = lossctl.evaluate(
            pred[keep], target[keep], weight=weight[keep] if weighted else None, values_only=True
        )
        assert row.without == {result.spec: result.value for result in left.losses}


@given(data=rows(TAME, 12))
def test_half_is_the_fewest_that_make_half(data: Any) -> None:
    pred, target, _ = columns(data)
    report = lossctl.evaluate(pred, target, ["mae", "mse"])
    for spec, power in (("mae", 1), ("mse", 2)):
        terms = sorted(
            (abs(Fraction(p) - Fraction(t)) ** power for p, t in zip(pred, target, strict=True)),
            reverse=True,
        )
        if not sum(terms):
            assert report[spec].half is None
            continue
        fewest = next(k for k in range(len(terms) + 1) if 2 * sum(terms[:k]) >= sum(terms))
        assert report[spec].half == fewest


SKLEARN: dict[str, Any] = {
    "mae": sklearn.metrics.mean_absolute_error,
    "rmse": sklearn.metrics.root_mean_squared_error,
    "mse": sklearn.metrics.mean_squared_error,
    "median_ae": sklearn.metrics.median_absolute_error,
    "r2": sklearn.metrics.r2_score,
}


@pytest.mark.parametrize("weight", [None, np.array([1.0, 0.5, 2.0, 1.0, 3.0, 1.0])])
def test_several_outputs_are_averaged(weight: Any) -> None:
    rng = np.random.default_rng(3)
    pred, target = rng.normal(size=(6, 3)), rng.normal(size=(6, 3))
    report = lossctl.evaluate(pred, target, weight=weight)
    each = [lossctl.evaluate(pred[:, j], target[:, j], weight=weight) for j in range(3)]
    assert [result.spec for result in report.losses] == list(REGRESSION)
    for result in report.losses:
        expected = math.fsum(one[result.spec].value for one in each) / 3
        assert result.value == pytest.approx(expected, rel=1e-14)
    for spec, metric in SKLEARN.items():
        expected = metric(target, pred, sample_weight=weight)
        assert report[spec].value == pytest.approx(expected, rel=1e-12)
    pooled = lossctl.evaluate(pred, target, "rmse", multioutput="pooled", weight=weight)
    expected = math.sqrt(sklearn.metrics.mean_squared_error(target, pred, sample_weight=weight))
    assert pooled["rmse"].value == pytest.approx(expected, rel=1e-14)
    assert report.parts[0].name == "concentration"
    assert {note.code for note in report.notes} >= {"outputs"}
    column = lossctl.evaluate(pred[:, :1], target[:, 0], weight=weight)
    assert column["mae"].value == each[0]["mae"].value


def test_one_row_and_two() -> None:
    one = lossctl.evaluate([3.0], [1.0])
    assert [one[spec].value for spec in ("mae", "rmse", "median_ae", "bias")] == [2.0] * 4
    assert (one["r2"].status, one["mae"].no_interval) == ("undefined", "one row has no spread")
    assert one.worst is not None
    assert set(one.worst.rows[0].without.values()) == {None}
    two = lossctl.evaluate([3.0, 1.0], [1.0, 0.0])
    assert two["mae"].interval is not None
    assert two["r2"].value == 1 - 5 / 0.5
    assert two.worst is not None
    assert two.worst.rows[0].without["r2"] is None


def test_no_error_at_all() -> None:
    report = lossctl.evaluate([1.0, 2.0, 5.0], [1.0, 2.0, 5.0])
    assert [result.value for result in report.losses] == [0.0] * 8 + [1.0]
    assert report["mse"].half is None
    assert report.worst is not None
    assert {row.shares["mse"] for row in report.worst.rows} == {0.0}
    assert report.finding == "MSE is 0: no row adds to it."
    outliers = next(part for part in report.parts if part.name == "outliers")
    assert outliers.data["count"] == 0


@pytest.mark.parametrize("nan", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite(nan: float) -> None:
    pred, target = [1.0, nan, 3.0, 4.0], [1.0, 2.0, 4.0, math.nan]
    with pytest.raises(
        lossctl.DataError, match=r"1 value is NaN, missing or infinite \(first: #1\)"
    ):
        lossctl.evaluate(pred, target)
    dropped = lossctl.evaluate(pred, target, nan="drop")
    assert (dropped["mae"].value, dropped.rows["dropped"]["nan"]) == (0.5, 2)
    poisoned = lossctl.evaluate(pred, target, nan="propagate")
    assert {(one.value, one.status) for one in poisoned.losses} == {(None, "undefined")}
    assert poisoned.losses[0].reason == "2 rows hold NaN"
    assert poisoned.worst is None
    assert Report.from_dict(json.loads(poisoned.to_json())) == poisoned
    single = lossctl.evaluate([1.0, math.nan], [1.0, 2.0], "mae", nan="propagate")
    assert single.losses[0].reason == "1 row holds NaN"


def test_joining_with_duplicates_and_strangers() -> None:
    pred = pandas.DataFrame({"id": ["a", "b", "b", "x"], "p": [1.0, 2.0, 7.0, 9.0]})
    target = pandas.DataFrame({"id": ["b", "a", "z"], "y": [1.0, 1.0, 1.0]})
    with pytest.raises(lossctl.DataError, match="1 row whose key another row has already"):
        lossctl.evaluate(pred, target, on="id")
    with pytest.raises(lossctl.DataError, match="1 key of pred is not in target"):
        lossctl.evaluate(pred, target, on="id", duplicates="first")
    for keep, mae in (("first", 0.5), ("last", 3.0)):
        report = lossctl.evaluate(pred, target, "mae", on="id", duplicates=keep, missing="drop")
        assert report["mae"].value == mae
        assert report.rows["dropped"] == {
            "nan": 0, "unmatched": 2, "duplicate": 1, "filtered": 0, "ignored": 0,
        }  # fmt: skip
        assert report.worst is not None
        worst = report.worst.rows[0]
        assert (worst.id, worst.row, worst.target_row) == ("b", 1 if keep == "first" else 2, 0)


def test_outliers_among_rows_too_large_for_a_deviation() -> None:
    report = lossctl.evaluate([1.7e308, 1.0, 2.0], [-1.7e308, 0.0, 0.0])
    assert report["mae"].status == "overflow"
    assert "outliers" not in {part.name for part in report.parts}
    near = lossctl.evaluate([1.7e308, -1.7e308, 0.0], [0.0, 0.0, 0.0])
    assert near["mae"].value == 1.7e308 / 3 * 2
    assert near["median_ae"].value == 1.7e308
    alike = lossctl.evaluate([1.7e308, 1.7e308, 1.7e308, -1.7e308], [0.0] * 4)
    assert "outliers" not in {part.name for part in alike.parts}


def test_tails_of_huge_and_tiny_errors_are_those_of_plain_ones() -> None:
    errors = np.random.default_rng(2).normal(size=50)

    def tails(scale: float) -> Any:
        report = lossctl.evaluate(errors * scale, np.zeros(50))
        return next(part for part in report.parts if part.name == "tails").data

    plain = tails(1.0)
    assert plain["ratio"] == pytest.approx(math.sqrt(np.mean(errors**2)) / np.mean(abs(errors)))
    for exponent in (-900, 600):
        scaled = tails(2.0**exponent)
        assert scaled["ratio"] == plain["ratio"]
        assert scaled["z"] == pytest.approx(plain["z"], abs=1e-9)


@pytest.mark.parametrize("spec", ["rmse", "mse", "mae", "l2_norm"])
def test_the_worst_row_is_the_one_that_adds_most(spec: str) -> None:
    report = lossctl.evaluate([3.0, 2.0, 9.0], [0.0] * 3, spec, weight=[1.0, 4.0, 0.0])
    assert report.worst is not None
    assert [row.row for row in report.worst.rows] == [1, 0, 2]
    assert report.losses[0].worst is not None
    assert report.losses[0].worst["row"] == 1


@pytest.mark.parametrize("spec", ["scce:ignore_index=1", "ppl:ignore_index=1",
                                  "structural_risk:base=(scce:ignore_index=1)"])  # fmt: skip
def test_rows_that_a_loss_ignores_count_nowhere(spec):
    rng = np.random.default_rng(5)
    pred, label = rng.dirichlet(np.ones(3), 300), rng.integers(0, 3, 300)
    roles = {"parameters": [1.0, 2.0]} if spec.startswith("structural") else {}
    kept = label != 1
    fewer = lossctl.evaluate(pred[kept], label[kept], spec, roles=roles)
    said = set()
    for block_rows in (1, 7, None):
        whole = lossctl.evaluate(pred, label, spec, roles=roles, block_rows=block_rows)
        (one,), (other,) = whole.losses, fewer.losses
        assert (one.value, one.n, one.half) == (other.value, other.n, other.half)
        assert one.interval == other.interval
        assert whole.rows["dropped"]["ignored"] == 300 - kept.sum()
        assert whole.parts[0].data == fewer.parts[0].data
        said.add(whole.to_json())
    assert len(said) == 1
