"""What a second reading of `compare` found: each case once went wrong, or could have."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lossctl
from lossctl.analyses.comparison.instants import instants
from lossctl.cli.contenders import contenders
from lossctl.errors import DataError, UsageError
from tests.compared import compare

RNG = np.random.default_rng(20261121)


def test_models_whose_losses_are_equal_in_sum_alone_are_not_identical() -> None:
    target = np.zeros(40)
    one = np.tile([1.0, 2.0], 20)
    found = compare({"a": one, "b": one[::-1]}, target, ["mae", "medae", "zero_one"])
    assert found["mae", "b"]["difference"] == 0.0
    assert "dentical" not in found.report.finding


def test_identical_models_are_told_by_medians_too() -> None:
    one = RNG.normal(size=50)
    found = compare({"a": one, "b": one.copy()}, np.zeros(50), ["mae", "medae"])
    assert "Identical: a, b" in found.report.finding


@pytest.mark.parametrize("unit", ["cluster", "time"])
def test_groups_of_rows_that_depend_on_each_other_have_values_and_no_verdict(unit: str) -> None:
    n = 400
    frame = pd.DataFrame({"target": RNG.normal(size=n), "place": np.repeat(["x", "y"], n // 2),
                          "unit": np.arange(n) // 10})  # fmt: skip
    models = {"a": frame.target + RNG.normal(size=n), "b": frame.target + RNG.normal(size=n) / 2}
    preds = {name: pd.DataFrame({"pred": column}) for name, column in models.items()}
    alone = compare(preds, frame, ["mae"], by="place", target_col="target")
    assert alone.part("by place")["groups"][0]["models"]["b"]["verdict"] == "better"
    found = compare(preds, frame, ["mae"], by="place", target_col="target", **{unit: "unit"})
    groups = found.part("by place")["groups"]
    for group in groups:
        assert group["models"]["b"]["verdict"] is None
        assert group["models"]["b"]["low"] is None
        assert group["models"]["b"]["value"] is not None
    text = next(part.text for part in found.report.parts if part.name == "by place")
    assert "how surely is not worked out" in text


def test_a_group_in_which_every_row_differs_by_the_same_is_judged_by_signs() -> None:
    target = np.zeros(80)
    frame = pd.DataFrame({"target": target, "place": np.repeat(["x", "y"], 40)})
    preds = {name: pd.DataFrame({"pred": target + by}) for name, by in (("a", 2.0), ("b", 1.0))}
    found = compare(preds, frame, ["mae"], by="place", target_col="target")
    one = found.part("by place")["groups"][0]["models"]["b"]
    assert one["verdict"] == "better"
    assert one["p_corrected"] == pytest.approx(2 * 2 * 0.5**40)


def test_every_cluster_that_differs_by_the_same_is_no_test_of_rows() -> None:
    frame = pd.DataFrame({"target": np.zeros(80), "who": np.repeat(["x", "y"], 40)})
    preds = {name: pd.DataFrame({"pred": by + frame.target}) for name, by in (("a", 2.0), ("b", 1))}
    found = compare(preds, frame, ["mae"], cluster="who", target_col="target")
    assert found["mae", "b"]["p"] is None
    assert found["mae", "b"]["verdict"] not in ("better", "worse")
    plain = compare(preds, frame, ["mae"], target_col="target")
    assert plain["mae", "b"]["verdict"] == "better"


def test_many_rows_that_differ_by_the_same_have_the_smallest_p_value_there_is() -> None:
    target = np.zeros(3000)
    found = compare({"a": target + 2.0, "b": target + 1.0}, target, ["mae"])
    assert found["mae", "b"]["p"] == 0.0  # 2**-2999 is below float64
    assert found["mae", "b"]["verdict"] == "better"


# --- keys and rows that only some models answer -------------------------------------------------


def _keyed(where: Path, name: str, keys: np.ndarray, **columns: np.ndarray) -> str:
    path = where / f"{name}.csv"
    pd.DataFrame({"id": keys, **columns}).to_csv(path, index=False)
    return str(path)


def test_without_targets_apart_a_model_that_leaves_out_rows_is_told(tmp_path: Path) -> None:
    keys, target = np.arange(100), RNG.normal(size=100)
    pred = target + RNG.normal(size=100)
    whole = _keyed(tmp_path, "whole", keys, target=target, pred=pred)
    some = _keyed(tmp_path, "some", keys[:90], target=target[:90], pred=pred[:90] + 0.1)
    found = compare({"whole": whole, "some": some}, losses="mae", on="id", missing="drop")
    assert found.report.rows["scored"] == 90
    assert found.part("abstained")["models"]["some"]["rows"] == {"unmatched": 10}


def test_rows_are_named_by_their_number_in_their_own_file(tmp_path: Path) -> None:
    keys, target = np.arange(10), np.arange(10.0)
    truth = _keyed(tmp_path, "truth", keys, target=target)
    good = _keyed(tmp_path, "good", keys, pred=target)
    turned = target[::-1].copy()
    turned[1] = np.nan  # key 8, row 1 of its file and row 8 of the targets
    bad = _keyed(tmp_path, "bad", keys[::-1], pred=turned)
    with pytest.raises(DataError, match=r"bad\.csv.*first: #1\)"):
        lossctl.compare({"good": good, "bad": bad}, truth, "mae", on="id")


def test_rows_of_one_file_and_targets_are_those_of_the_targets(tmp_path: Path) -> None:
    keys, target = np.arange(40), np.zeros(40)
    other = np.zeros(40)
    other[7] = 5.0
    both = _keyed(tmp_path, "both", keys[::-1], one=target, two=other[::-1])
    truth = _keyed(tmp_path, "truth", keys, target=target)
    models = {"one": both, "two": both}
    found = lossctl.compare(models, truth, "mae", on="id", roles={}, pred_col="two")
    assert "Identical" in found.finding
    from lossctl.plan import Contender, Plan
    from lossctl.run import compare_plan

    plan = Plan(pred=both, target=truth, losses=("mae",), on=("id",), pred_col="one",
                models=(Contender("one", both, "one"), Contender("two", both, "two")))  # fmt: skip
    decides = next(part for part in compare_plan(plan).parts if part.name == "what decides")
    assert decides.data["mae"]["rows"] == [7]


def test_a_column_of_two_models_is_missing_for_both(tmp_path: Path) -> None:
    target = np.arange(40.0)
    pred = target + 1.0
    pred[3] = np.nan
    other = target + RNG.normal(size=40)
    same = pd.DataFrame({"pred": pred})
    path = tmp_path / "same.csv"
    same.to_csv(path, index=False)
    third = tmp_path / "third.csv"
    pd.DataFrame({"pred": other}).to_csv(third, index=False)
    truth = tmp_path / "truth.csv"
    pd.DataFrame({"target": target}).to_csv(truth, index=False)
    found = compare({"a": str(path), "b": str(path), "c": str(third)}, str(truth), "mae",
                    nan="drop")  # fmt: skip
    told = found.part("abstained")["models"]
    assert told["a"]["rows"] == told["b"]["rows"] == {"nan": 1}


def test_a_few_rows_that_are_left_out_are_not_called_hard() -> None:
    target = RNG.normal(size=200)
    worst = target + RNG.normal(size=200)
    gaps = target + RNG.normal(size=200)
    gaps[np.argsort(-np.abs(worst - target))[:3]] = np.nan
    found = compare({"a": worst, "gaps": gaps}, target, "mae", nan="drop")
    assert "hard" not in found.report.finding
    gaps[np.argsort(-np.abs(worst - target))[:20]] = np.nan
    found = compare({"a": worst, "gaps": gaps}, target, "mae", nan="drop")
    assert "hard" in found.report.finding


def test_rows_that_are_left_out_by_chance_are_seldom_called_hard() -> None:
    rng = np.random.default_rng(5)
    said = 0
    for _ in range(40):
        target = rng.normal(size=300)
        gaps = target + rng.normal(size=300)
        gaps[rng.choice(300, 12, replace=False)] = np.nan
        models = {"a": target + rng.normal(size=300), "gaps": gaps}
        said += "hard" in compare(models, target, "mse", nan="drop").report.finding
    assert said <= 5


# --- times and clusters ------------------------------------------------------------------------


def test_times_are_in_their_order() -> None:
    for levels in (
        [-(2**60), -5, -0.5, 0, 0.25, 3, 2**53, 2**53 + 1, 1_763_683_200_000_000_001],
        ["2025-12", "2026-01-01", "2026-01-01T00:00:00.000001", "2026-01-01T12:00:00+01:00",
         "2026-01-01T11:30:00Z", "2026-01-01T11:30:00.0000001", "2026-01-01T11:30:00.000000101Z",
         "2026-01-02 00:00:00"],
        ["-3", "0", "1e2", "200"],
    ):  # fmt: skip
        found = instants(levels, str)
        assert all(one < other for one, other in pairwise(found)), levels


@pytest.mark.parametrize(
    "levels",
    [["now"], ["today"], ["NaT"], ["nan"], [float("inf")], ["9999-99-99"], ["10000-01-01"],
     [2**63], ["2026-01-01", "20260102"], ["2026-01-01", "soon"]],
)  # fmt: skip
def test_what_is_no_time_is_refused(levels: list[object]) -> None:
    with pytest.raises(DataError, match=r"^row [01]"):
        instants(levels, lambda place: f"row {place}")


def test_clusters_beyond_what_floats_tell_apart_stay_apart() -> None:
    n = 120
    who = np.repeat(2**60 + np.arange(40), 3)
    target = RNG.normal(size=n)
    models = {"a": target + RNG.normal(size=n), "b": target + RNG.normal(size=n)}
    found = compare(models, target, "mae", cluster=who)
    small = compare(models, target, "mae", cluster=np.repeat(np.arange(40), 3))
    assert found["mae", "b"]["low"] == pytest.approx(small["mae", "b"]["low"], rel=1e-12)


# --- other options -----------------------------------------------------------------------------


def test_bca_of_a_sum_divided_by_all_rows_is_near_the_delta_method() -> None:
    n = 400
    target = RNG.normal(size=n)
    weight = np.where(np.arange(n) < 100, 0.0, 1.0)
    models = {"a": target + RNG.normal(size=n), "b": target + 1.5 * RNG.normal(size=n)}
    for loss in ("mae:reduction=sum", "mae:reduction=batchmean", "mae"):
        try:
            plain = compare(models, target, loss, weight=weight)
        except UsageError:
            continue
        drawn = compare(models, target, loss, weight=weight, ci="bca", resamples=2000)
        (one,), (other,) = plain.report.records()[1:], drawn.report.records()[1:]
        width = one["high"] - one["low"]
        assert abs(one["low"] - other["low"]) < 0.2 * width, loss
        assert abs(one["high"] - other["high"]) < 0.2 * width, loss


@pytest.mark.parametrize("name", ["row", "target_row", "id", "target", "label", "weight", "rank"])
def test_a_model_cannot_be_called_as_a_column_of_samples(name: str) -> None:
    with pytest.raises(UsageError, match=f"called {name}"):
        lossctl.compare({name: [1.0, 2.0], "b": [1.0, 2.0]}, [1.0, 2.0])


def test_what_compare_cannot_do_is_refused() -> None:
    models: dict[Any, Any] = {"a": [1.0, 2.0], "b": [2.0, 2.0]}
    with pytest.raises(UsageError, match="propagate"):
        lossctl.compare(models, [1.0, 2.0], nan="propagate")
    with pytest.raises(UsageError, match="exclude each other"):
        lossctl.compare(models, [1.0, 2.0], weight=[1.0, 1.0], weight_col="w")
    with pytest.raises(UsageError, match="texts"):
        lossctl.compare({1: [1.0, 2.0], "b": [2.0, 2.0]}, [1.0, 2.0])


def _table(where: Path, name: str, **columns: np.ndarray) -> Path:
    path = where / name
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_a_pipe_may_hold_the_columns_of_several_models(tmp_path: Path) -> None:
    target = RNG.normal(size=50)
    columns = {name: target + RNG.normal(size=50) for name in ("x", "y")}
    base = _table(tmp_path, "base.csv", pred=target + 1.0)
    two = _table(tmp_path, "two.csv", **columns)
    truth = _table(tmp_path, "truth.csv", target=target)
    words = [f"base={base}", "x=-:x", "y=-:y", "-t", str(truth), "-l", "mae", "-f", "csv"]
    done = subprocess.run(
        [sys.executable, "-m", "lossctl", "compare", *words],
        input=two.read_text(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    values = pd.read_csv(StringIO(done.stdout)).set_index("model")["value"]
    for name, column in columns.items():
        assert values[name] == pytest.approx(np.abs(column - target).mean(), rel=1e-12)


def test_a_file_whose_name_has_an_equals_sign_is_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    _table(tmp_path, "lr=1.csv", pred=np.zeros(3))
    found = contenders(["lr=1.csv", "new=lr=1.csv"], None, None)
    assert [(one.name, one.pred) for one in found] == [("lr=1", "lr=1.csv"), ("new", "lr=1.csv")]


def test_a_value_outside_a_domain_is_named_by_its_row_in_its_own_file(tmp_path: Path) -> None:
    keys = np.arange(10)
    truth = _table(tmp_path, "truth.csv", id=keys, target=keys % 2)
    good = _table(tmp_path, "good.csv", id=keys, pred=np.full(10, 0.5))
    over = np.full(10, 0.5)
    over[1] = 1.5
    bad = _table(tmp_path, "bad.csv", id=keys[::-1], pred=over)
    with pytest.raises(DataError, match=r"bad\.csv\[pred\] row #1 is 1\.5"):
        lossctl.compare({"good": str(good), "bad": str(bad)}, str(truth), "bce", on="id")


def test_a_time_that_is_none_is_named_by_its_row() -> None:
    frame = pd.DataFrame({"target": np.arange(40.0), "day": ["2026-01-01"] * 39 + ["soon"]})
    preds = {name: pd.DataFrame({"pred": RNG.normal(size=40)}) for name in "ab"}
    with pytest.raises(DataError, match="--time day row #39: soon"):
        lossctl.compare(preds, frame, "mae", time="day", target_col="target")


@pytest.mark.parametrize(
    "names", [("mae_new", "new"), ("x", "x_residual"), ("difference", "b"), ("a", "mae_a")]
)
def test_models_whose_columns_would_clash_in_samples_are_refused(
    names: tuple[str, str], tmp_path: Path
) -> None:
    target = RNG.normal(size=30)
    truth = _table(tmp_path, "truth.csv", target=target)
    words = [f"{name}={_table(tmp_path, f'{name}.csv', pred=target + 1.0)}" for name in names]
    done = subprocess.run(
        [sys.executable, "-m", "lossctl", "samples", *words, "-t", str(truth), "-l", "mae"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "two columns would be called" in done.stderr


def test_how_sure_is_told_as_a_part_of_the_references_loss() -> None:
    target = RNG.normal(size=300)
    models = {"a": target + RNG.normal(size=300), "b": target + 0.5 * RNG.normal(size=300)}
    found = compare(models, target, "mae")
    sure = found.part("how sure")
    assert sure["smallest"] == pytest.approx(found["mae", "b"]["smallest_shown"])
    assert sure["rows_for_one_percent"] == pytest.approx(found["mae", "b"]["rows_for_one_percent"])


def test_a_word_that_may_be_two_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a=b.csv", "b.csv"):
        _table(tmp_path, name, pred=np.zeros(3))
    with pytest.raises(UsageError, match="both files"):
        contenders(["a=b.csv", "b.csv"], None, None)
    found = contenders(["./a=b.csv", "a=./b.csv"], None, None)
    assert [(one.name, one.pred) for one in found] == [("a=b", "./a=b.csv"), ("a", "./b.csv")]
