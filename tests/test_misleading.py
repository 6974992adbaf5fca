"""What must not be said: findings that are false for data which are as they should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lossctl
from lossctl.cli import run

RNG = np.random.default_rng(12)


@pytest.fixture
def call(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """The JSON of a command; of other formats what it printed on stdout and stderr."""
    monkeypatch.delenv("LOSSCTL_FORMAT", raising=False)

    def called(*arguments: Any, form: str = "json") -> Any:
        capfd.readouterr()
        assert run([*map(str, arguments), "-f", form]) == 0, capfd.readouterr().err
        said = capfd.readouterr()
        return json.loads(said.out) if form == "json" else (said.out, said.err)

    return called


def saved(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def texts(report: Any) -> dict[str, str]:
    return {part.name: part.text for part in report.parts}


# --- weights ------------------------------------------------------------------------------------


def test_rows_of_weight_zero_are_not_there() -> None:
    """Neither in the tails, nor among the outliers, nor in Breusch and Pagan's test."""
    error, weight = RNG.normal(size=500), RNG.uniform(0.2, 2.0, 500)
    pred = RNG.normal(size=500)
    far = np.concatenate([error, np.full(9, 60.0)])
    wide = np.concatenate([pred, np.full(9, 50.0)])
    for rule in ("mad", "iqr", "adjusted", "esd"):
        one, other = (
            lossctl.evaluate(p, p - e, "mse,mae,rmse", weight=w, decompose=True, outliers=rule)
            for p, e, w in (
                (pred, error, weight),
                (wide, far, np.concatenate([weight, np.zeros(9)])),
            )
        )
        for name in ("tails", "outliers", "mse"):
            assert texts(one)[name] == texts(other)[name]
    values = {loss.name: loss.value for loss in one.losses}
    ratio = values["root_mean_squared_error"] / values["mean_absolute_error"]
    assert texts(one)["tails"].startswith(f"rmse/mae {ratio:.3f}")


def test_shares_of_kinds_are_of_the_weight() -> None:
    pred, label = RNG.uniform(0.05, 0.95, 400), RNG.integers(0, 2, 400)
    plain = lossctl.evaluate(pred, label, "bce", decompose=True, task="binary")
    weighed = lossctl.evaluate(
        pred, label, "bce", decompose=True, task="binary", weight=RNG.uniform(1.0, 9.0, 400)
    )
    assert "of rows" in texts(plain)["kinds"] and "of the weight" in texts(weighed)["kinds"]
    (kinds,) = [part for part in weighed.parts if part.name == "kinds"]
    assert kinds.table is not None and kinds.table.columns[2].name == "of weight"


def test_advice_does_not_see_rows_of_weight_zero(tmp_path: Path, call: Any) -> None:
    pred, error = RNG.normal(size=2000) * 3, RNG.normal(size=2000)
    error[:60] = 50.0
    path = saved(tmp_path / "w.csv", pred=pred, target=pred - error,
                 w=np.repeat([0.0, 1.0], [60, 1940]))  # fmt: skip
    found = call("advise", path, "--weight-col", "w")
    assert found["finding"].startswith("MSE suits these errors")
    assert any(note["code"] == "unweighted" for note in found["notes"])


# --- calibration and corrections ------------------------------------------------------------------


def test_errors_that_grow_are_no_miscalibration() -> None:
    """The best forecasts of skewed targets whose spread grows: the mean, exactly."""
    called = mended = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        mean = np.exp(rng.normal(12.0, 0.5, 600))
        target = mean * np.exp(rng.normal(0.0, 0.3, 600) - 0.045)
        found = texts(lossctl.evaluate(mean, target, "mse", decompose=True))
        called += "are miscalibrated" in found["calibration mse"]
        mended += "removable" in found["mse"]
    assert called <= 6
    assert mended <= 2


def test_a_constant_is_no_correction() -> None:
    target = RNG.normal(50.0, 10.0, 500)
    report = lossctl.evaluate(RNG.permutation(target), target, "mse")
    assert report.finding.startswith("A constant would do better: the mean of the targets ")
    ours = np.var(target) / report.losses[0].value
    assert f"would remove {100 * (1 - ours):.0f} %" in report.finding


def test_a_mean_is_not_judged_as_a_median(tmp_path: Path, call: Any) -> None:
    """Most targets are 0: 0 for every row has the least MAE, and the worst RMSE."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        mean = np.exp(rng.normal(0.0, 0.5, 1000))
        target = np.where(rng.random(1000) < 0.6, 0.0, rng.gamma(2.0, mean / 0.8))
        found = call("advise", saved(tmp_path / "z.csv", pred=mean, target=target))
        assert "constant" not in found["parts"] and "correction" not in found["parts"]
        assert "mae or huber" not in found["parts"].get("tails", {"text": ""})["text"]


def test_small_errors_have_no_advice(tmp_path: Path, call: Any) -> None:
    target = RNG.normal(size=100) * 1e-298
    path = saved(tmp_path / "t.csv", pred=target * RNG.normal(size=100), target=target)
    assert "no squares of squares" in call("advise", path)["finding"]


# --- values ---------------------------------------------------------------------------------------


def test_losses_that_are_all_alike_have_no_spread() -> None:
    label = np.arange(300) % 2
    for pred, ends in (
        (label, (0.025 ** (1 / 300), 1.0)),
        (1 - label, (0.0, 1 - 0.025 ** (1 / 300))),
    ):
        one = lossctl.evaluate(pred, label, "accuracy", task="binary").losses[0]
        assert one.interval is not None and one.interval["method"] == "exact"
        assert (one.interval["low"], one.interval["high"]) == pytest.approx(ends)
    one = lossctl.evaluate(label + 3.0, label * 1.0, "mse").losses[0]
    assert one.interval is None and one.no_interval == "all rows have the same loss"


def test_squares_that_are_too_small_are_not_called_nothing() -> None:
    pred, target = np.array([[1.0, 2, 3, 4], [2.0, 2, 1, 9]]) * 1e-300
    report = lossctl.evaluate(pred, target, "mse,rmse,mae")
    assert report.finding == ("MSE is 0, as float64 holds no squares so small; RMSE is 2.739e-300.")
    assert lossctl.evaluate(pred, pred, "mse,rmse").finding == "MSE is 0: no row adds to it."


# --- groups ---------------------------------------------------------------------------------------


def test_what_another_loss_tells_apart_is_said(tmp_path: Path, call: Any) -> None:
    rng = np.random.default_rng(0)
    group = rng.choice(["north", "south", "east"], 3000, p=[0.1, 0.5, 0.4])
    error = rng.standard_t(2.2, 3000) * np.where(group == "north", 1.6, 1.0)
    path = saved(tmp_path / "g.csv", pred=error, target=0.0 * error, group=group)
    found = call("slices", path, "--by", "group", "-l", "mse,mae")["finding"]
    assert found.startswith("No group of group stands out in MSE (least Holm p ")
    assert "; in MAE north is worse (Holm p " in found


def test_a_group_that_is_not_listed_is_where_it_can_be(tmp_path: Path, call: Any) -> None:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 40, 4000)
    error = rng.normal(size=4000) * np.where(group == 7, 0.2, 1.0)
    path = saved(tmp_path / "g.csv", pred=error, target=0.0 * error, group=group)
    found = call("slices", path, "--by", "group", "-l", "mse", "--top", "5")
    assert found["finding"].startswith("group=7 makes only ")
    assert found["finding"].endswith("; --top 40 lists it.")
    assert found["parts"]["by group"]["text"].startswith("40 groups, 5 shown; ")


def test_the_older_files_are_looked_at_too(tmp_path: Path, call: Any) -> None:
    rng = np.random.default_rng(0)
    group, target = rng.choice(list("abc"), 600), rng.normal(size=600) * 10
    now = saved(tmp_path / "now.csv", pred=target + rng.normal(size=600), target=target, g=group)
    pred = target + 2 * rng.normal(size=600)
    told = ("slices", now, "--by", "g", "-l", "rmse", "--against")
    old = saved(tmp_path / "old.csv", pred=pred, target=target, g=group)
    found = call(*told, old)
    before = np.square(pred - target).mean()
    assert found["parts"]["mix g"]["before"] == pytest.approx(before)
    assert found["finding"].startswith("RMSE² -") and "rmse² before" in json.dumps(
        found, ensure_ascii=False
    )
    shifted = saved(tmp_path / "shifted.csv", pred=np.roll(pred, 1), target=target, g=group)
    assert call(*told, shifted)["finding"] == (
        "Check the files before anything else: in --against rows look shifted by one."
    )
    other = saved(tmp_path / "other.csv", pred=pred, target=target, g=np.char.add(group, "x"))
    assert "have no group of g in common" in call(*told, other)["finding"]


# --- several keys, formats of one table -----------------------------------------------


def test_several_keys_are_shown_and_grouped_by(tmp_path: Path, call: Any) -> None:
    one = saved(tmp_path / "p.csv", k=[1, 2, 3], m=list("abc"), pred=[1.0, 3.0, 4.0])
    two = saved(tmp_path / "t.csv", k=[3, 2, 1], m=list("cba"), target=[1.0, 2.0, 3.0])
    out, _ = call("samples", one, two, "--on", "k,m", form="csv")
    assert [line.split(",")[6:8] for line in out.splitlines()] == [
        ["k", "m"], ["3", "c"], ["1", "a"], ["2", "b"],
    ]  # fmt: skip
    found = call("slices", one, two, "--on", "k,m", "--by", "m")
    assert {group["group"] for group in found["parts"]["by m"]["groups"]} == set("abc")


def test_what_a_table_leaves_out_is_said(tmp_path: Path, call: Any) -> None:
    path = saved(tmp_path / "a.csv", pred=RNG.normal(size=90), target=RNG.normal(size=90),
                 g=np.arange(90) % 2)  # fmt: skip
    _, err = call("eval", path, "--by", "g", "--decompose", form="tsv")
    assert err == (
        "lossctl: note: -f tsv leaves out the groups and the decompositions: table, md, html and "
        "json have it\n"
    )
    assert call("eval", path, form="tsv")[1] == ""
    assert call("eval", path, "--by", "g", form="md")[1] == ""


# --- found by a third reader ----------------------------------------------------------------------


@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-160, 1e-155, 1e150])
@pytest.mark.parametrize(
    "told", [["eval", "--decompose"], ["eval", "--by", "g"], ["slices", "--find"]]
)
def test_numbers_of_any_size(tmp_path: Path, call: Any, size: float, told: list[str]) -> None:
    path = saved(tmp_path / "v.csv", pred=RNG.normal(size=200) * size,
                 target=RNG.normal(size=200) * size, g=np.arange(200) % 3)  # fmt: skip
    assert call(told[0], path, *told[1:])["rows"]["scored"] == 200


def test_each_output_keeps_its_aim(tmp_path: Path, call: Any) -> None:
    x = RNG.normal(size=1200)
    mean = np.stack([10 + 3 * x, 20 + 6 * x], axis=1)
    error = np.stack([RNG.normal(size=1200), RNG.gamma(1.0, 1.0, 1200) - 1.0], axis=1)
    np.save(tmp_path / "p.npy", mean)
    np.save(tmp_path / "t.npy", mean + error)
    found = call("advise", tmp_path / "p.npy", tmp_path / "t.npy")["parts"]
    assert "behave like a mean" in found["output 2: aim"]["text"]
    assert not any("correction" in name for name in found)


def test_a_wrong_scale_is_no_noise_that_grows(tmp_path: Path, call: Any) -> None:
    mean = np.abs(10 + 3 * RNG.normal(size=900)) + 2.0
    target = np.abs(mean + RNG.normal(size=900))
    path = saved(tmp_path / "s.csv", pred=1.3 * mean + 1.0, target=target)
    found = call("advise", path)["parts"]
    assert "correction" in found and "spread" not in found


def test_calibrated_probabilities_are_rarely_called_otherwise() -> None:
    called = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        prob = 1.0 / (1.0 + np.exp(-2.0 * rng.normal(size=600)))
        label = (rng.random(600) < prob).astype(float)
        report = lossctl.evaluate(prob, label, "brier,bce", task="binary", decompose=True)
        called += any("are miscalibrated" in text for text in texts(report).values())
    assert called <= 3


def test_the_tail_does_not_see_rows_of_weight_zero() -> None:
    error = RNG.standard_t(3, size=400)
    both = np.concatenate([error, np.zeros(3000)])
    one, other = (
        lossctl.evaluate(e, 0.0 * e, "mse", weight=w, decompose=True)
        for e, w in ((error, np.ones(400)), (both, np.repeat([1.0, 0.0], [400, 3000])))
    )
    found = [
        next(p for p in report.parts if p.name == "concentration").data["losses"]["mse"]["khat"]
        for report in (one, other)
    ]
    assert found[0] == pytest.approx(found[1])


def test_keys_that_are_shown_are_whole(tmp_path: Path, call: Any) -> None:
    keys = [9007199254740993, 9007199254740995, 3]
    one = saved(tmp_path / "p.csv", k=keys, m=list("abc"), pred=[1.0, 3.0, 4.0])
    two = saved(tmp_path / "t.csv", k=keys, m=list("abc"), target=[1.5, 2.0, 3.0])
    for form in ("table", "csv", "jsonl", "md"):
        out, _ = call("samples", one, two, "--on", "k,m", form=form)
        assert all(str(key) in out for key in keys)


def test_weighted_errors_whose_mean_is_too_small() -> None:
    error = np.array([5e-324] + [0.0] * 99)
    report = lossctl.evaluate(error, 0.0 * error, "mse,mae,rmse", weight=np.full(100, 2.0))
    assert "tails" not in texts(report)
