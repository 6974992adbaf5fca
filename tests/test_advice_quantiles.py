"""Advice on quantiles and intervals, and on each of several outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.metrics import mean_pinball_loss

from lossctl.analyses.advice.evidence import Sampled
from lossctl.analyses.advice.rules.coverage import Quantiles, coverage, crossing
from lossctl.arrays import Array
from lossctl.cli import run

LEVELS = (0.1, 0.5, 0.9)


def quantiles(y: Array, pred: Array, weight: Array | None = None) -> Quantiles:
    even = np.arange(y.size) % 2 == 0
    mass = np.ones(y.size) if weight is None else weight
    return Quantiles(Sampled(y.size, y.size, even, mass, lambda n: f"#{n}"), y, pred, LEVELS)


def honest(seed: int, rows: int = 2000) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    x, scale = rng.normal(size=rows), np.exp(rng.normal(size=rows) / 3)
    pred = x[:, np.newaxis] + scale[:, np.newaxis] * stats.norm.ppf(LEVELS)
    return x + scale * rng.normal(size=rows), pred


def test_a_quantile_that_is_off_is_named_with_its_numbers() -> None:
    y, pred = honest(0)
    pred[:, 2] -= 0.8
    found = coverage(quantiles(y, pred))
    assert found is not None
    data = found.data["0.9"]
    below = (y <= pred[:, 2]).mean()
    assert data["below"] == pytest.approx(below)
    assert data["z"] == pytest.approx((below - 0.9) / np.sqrt(0.9 * 0.1 / y.size))
    assert data["before"] == pytest.approx(mean_pinball_loss(y, pred[:, 2], alpha=0.9))
    even = np.arange(y.size) % 2 == 0
    after = [
        mean_pinball_loss(y[~half], pred[~half, 2] + np.quantile((y - pred[:, 2])[half], 0.9),
                          alpha=0.9)
        for half in (even, ~even)
    ]  # fmt: skip
    assert data["after"] == pytest.approx(np.mean(after), rel=1e-4)
    assert data["cross_fitted"]
    assert found.finding == (
        f"Add {data['shift']:.3g} to the 0.9 quantile: {100 * below:.3g} % of targets lie below "
        "it, not 90 %."
    )
    assert found.gain == pytest.approx(1 - data["after"] / data["before"])
    assert "0.1 quantile" not in found.text


def test_quantiles_that_are_right_are_kept() -> None:
    """Of 100 honest sets nearly all; 3 standard errors, three quantiles each: 0.8 %."""
    kept = 0
    for seed in range(100):
        found = coverage(quantiles(*honest(seed)))
        assert found is not None
        kept += found.do == "none"
    assert kept >= 97


def test_targets_on_a_quantile_count_on_either_side() -> None:
    y = np.repeat(np.arange(10.0), 30)
    found = coverage(quantiles(y, np.full((300, 3), [1.0, 5.0, 9.0])))
    assert found is not None
    assert [one["z"] for one in found.data.values()] == [0.0, 0.0, 0.0]


def test_a_weight_is_as_many_rows() -> None:
    y, pred = honest(3, 400)
    pred[:, 0] += 0.7
    twice = np.arange(400) < 150
    order = np.repeat(np.arange(400), np.where(twice, 2, 1))
    one = coverage(quantiles(y, pred, np.where(twice, 2.0, 1.0)))
    other = coverage(quantiles(y[order], pred[order]))
    assert one is not None and other is not None
    for name in ("below", "shift", "before"):
        assert one.data["0.1"][name] == pytest.approx(other.data["0.1"][name])


def test_few_rows_say_nothing() -> None:
    y, pred = honest(0, 49)
    assert coverage(quantiles(y, pred)) is None


def test_quantiles_that_cross_are_sorted() -> None:
    y, pred = honest(1)
    assert crossing(quantiles(y, pred)) is None
    pred[7, 0] = pred[7, 2] + 1.0
    found = crossing(quantiles(y, pred))
    assert found is not None
    assert "1 of 2000 rows (#7) has a higher quantile below a lower one" in found.text
    before, after = (
        np.mean([mean_pinball_loss(y, q, alpha=a) for q, a in zip(p.T, LEVELS, strict=True)])
        for p in (pred, np.sort(pred, axis=1))
    )
    assert found.data["before"] == pytest.approx(before)
    assert found.data["after"] == pytest.approx(after) and after < before


# --- from files ---------------------------------------------------------------------------------


def advised(capfd: pytest.CaptureFixture[str], *arguments: Any) -> dict[str, Any]:
    assert run(["advise", *map(str, arguments), "-f", "json"]) == 0
    found: dict[str, Any] = json.loads(capfd.readouterr().out)
    return found


def test_from_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    y, pred = honest(5)
    pred[:, 0] += 0.9
    names = [f"q_{level}" for level in (0.9, 0.1, 0.5)]  # in no order
    frame = pd.DataFrame(pred[:, [2, 0, 1]], columns=names).assign(target=y)
    frame.to_csv(tmp_path / "q.csv", index=False)
    found = advised(capfd, tmp_path / "q.csv")
    assert found["finding"].startswith("Subtract 0.")
    assert "from the 0.1 quantile" in found["finding"]
    y, pred = honest(5)  # hold 80 %
    frame = pd.DataFrame({"lower": pred[:, 0], "upper": pred[:, 2], "target": y})
    frame.to_csv(tmp_path / "i.csv", index=False)
    found = advised(capfd, tmp_path / "i.csv")
    assert " of targets lie below it, not " in found["finding"]
    assert found["finding"].endswith("; intervals are taken to hold 90 %.")
    assert 0.08 < found["parts"]["coverage"]["0.05"]["below"] < 0.12


def test_each_output_has_its_own(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(3000, 2))
    target = (rng.random((3000, 2)) < 1 / (1 + np.exp(-logits))).astype(int)
    pred = 1 / (1 + np.exp(-logits * [1, 3]))
    for name, values, heads in (("p", pred, ["p_cat", "p_dog"]), ("t", target, ["cat", "dog"])):
        pd.DataFrame(values, columns=heads).to_csv(tmp_path / f"{name}.csv", index=False)
    found = advised(capfd, tmp_path / "p.csv", tmp_path / "t.csv")
    assert found["finding"].startswith("dog: Divide the logit by ")
    assert "cat: correction" in found["parts"]
    np.save(tmp_path / "y.npy", logits)
    np.save(tmp_path / "x.npy", logits + rng.normal(size=(3000, 2)) / 5 + [0, 1])
    found = advised(capfd, tmp_path / "x.npy", tmp_path / "y.npy")
    assert found["finding"].startswith("output 2: Subtract ")
