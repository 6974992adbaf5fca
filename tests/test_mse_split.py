"""The MSE taken apart, against plain formulas; its laws; and what it says."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

import lossctl
from lossctl import stats
from lossctl.analyses.decompositions.mse import Split, rounds, split_rounds, spreading_rounds
from tests.decomposed import answer, batch, context

TAME = st.integers(-400, 400).map(lambda n: n / 8)
ROWS = st.lists(st.tuples(TAME, TAME, st.sampled_from([0.0, 1.0, 2.0, 0.5])), min_size=2,
                max_size=9)  # fmt: skip


def found(pred: Any, target: Any, weight: Any = None, **how: Any) -> Split | None:
    asked = context("mse", weighted=weight is not None)
    question = split_rounds(asked, asked.specs[0])
    return answer(question, batch({"pred": pred, "target": target}, weight), **how)


def said(
    pred: Any, target: Any, decompose: bool = False, losses: tuple[str, ...] = ("mse",)
) -> Any:
    asked = context(*losses, decompose=decompose)
    whole = batch({"pred": pred, "target": target})
    parts = [answer(rounds(asked, spec), whole) for spec in asked.specs]
    (part,) = [part for part in parts if part is not None]
    json.dumps(part.data, allow_nan=False)
    return part


def plain(p: Any, y: Any, w: Any = None) -> dict[str, float]:
    """Theil's shares by their definitions."""
    w = np.ones(len(p)) if w is None else w

    def mean(values: Any) -> float:
        return float(np.average(values, weights=w))

    sp, sy = math.sqrt(mean((p - mean(p)) ** 2)), math.sqrt(mean((y - mean(y)) ** 2))
    rho = mean((p - mean(p)) * (y - mean(y))) / (sp * sy)
    mse = mean((p - y) ** 2)
    return {
        "mse": mse, "bias": mean(p - y), "r": rho,
        "um": mean(p - y) ** 2 / mse, "us": (sp - sy) ** 2 / mse,
        "uc": 2 * (1 - rho) * sp * sy / mse, "ur": (sp - rho * sy) ** 2 / mse,
        "ud": (1 - rho**2) * sy**2 / mse,
    }  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("scale", [1.0, 1e-120, 1e120])
def test_the_shares_are_their_definitions(weighted: bool, scale: float) -> None:
    rng = np.random.default_rng(4)
    y = rng.normal(50, 9, 300)
    p = 3 + 0.8 * y + rng.normal(0, 4, 300)
    w = rng.uniform(0.1, 3, 300) if weighted else None
    got = found(p * scale, y * scale, w)
    assert got is not None
    want = plain(p, y, w)
    for name in ("r", "um", "us", "uc", "ur", "ud"):
        assert getattr(got, name) == pytest.approx(want[name], abs=1e-11)
    assert got.bias == pytest.approx(want["bias"] * scale, rel=1e-12)
    assert got.mse == pytest.approx(want["mse"] * scale * scale, rel=1e-12)
    slope, intercept = np.polyfit(p, y, 1, w=None if w is None else np.sqrt(w))
    assert got.line is not None
    assert got.line.slope == pytest.approx(slope, rel=1e-9)
    assert got.line.intercept == pytest.approx(intercept * scale, rel=1e-9)


def test_the_line_removes_what_it_says() -> None:
    rng = np.random.default_rng(8)
    y = rng.normal(size=80)
    p = 2 * y + rng.normal(size=80) + 1
    got = found(p, y)
    assert got is not None and got.line is not None
    corrected = got.line.slope * p + got.line.intercept
    assert np.mean((corrected - y) ** 2) == pytest.approx((1 - got.removable) * got.mse, rel=1e-12)


def test_nothing_cancels_where_the_error_is_small_beside_the_spread() -> None:
    rng = np.random.default_rng(1)
    y = np.round(rng.normal(0, 1e8, 500))
    error = rng.integers(-3, 5, 500) / 4
    got = found(y + error, y)
    assert got is not None
    assert got.um == pytest.approx(error.mean() ** 2 / np.mean(error**2), rel=1e-13)
    assert got.us + got.um <= 1.0
    assert got.um + got.us + got.uc == pytest.approx(1.0, abs=1e-13)


@given(rows=ROWS, cut=st.integers(0, 9), seed=st.integers(1, 9), weighted=st.booleans())
def test_laws(rows: Any, cut: int, seed: int, weighted: bool) -> None:
    p, y, w = (np.array(column) for column in zip(*rows, strict=True))
    w = w if weighted else None
    got = found(p, y, w)
    assert got == found(p, y, w, cuts=[min(cut, len(p))], seed=seed)
    live = np.ones(len(p), dtype=bool) if w is None else w > 0
    if not (p != y)[live].any():
        assert got is None
        return
    assert got is not None
    assert got.um + got.us + got.uc == pytest.approx(1.0, abs=1e-12)
    assert got.um + got.ur + got.ud == pytest.approx(1.0, abs=1e-12)
    assert min(got.um, got.us, got.uc, got.ur, got.ud) >= 0.0


@given(rows=ROWS)
def test_a_weight_of_two_is_the_row_twice(rows: Any) -> None:
    p, y, _ = (np.array(column) for column in zip(*rows, strict=True))
    w = np.where(np.arange(len(p)) % 2 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(p)), w.astype(int))
    one, other = found(p, y, w), found(p[twice], y[twice])
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        for name in ("mse", "bias", "error_sd", "r", "um", "us", "uc", "ur", "ud", "line"):
            assert getattr(one, name) == getattr(other, name)


def test_constants() -> None:
    flat = found([3.0, 3.0, 3.0], [1.0, 2.0, 6.0])
    assert flat is not None
    assert (flat.r, flat.line, flat.ur, flat.uc) == (None, None, 0.0, 0.0)
    assert flat.us == flat.ud == 1.0
    still = found([1.0, 2.0, 6.0], [2.0, 2.0, 2.0])
    assert still is not None
    assert (still.r, still.ud) == (None, 0.0)
    assert still.us == pytest.approx(still.ur)
    assert still.skill() == dict.fromkeys(still.skill())
    assert found([1.0, 2.0], [1.0, 2.0]) is None
    assert found([1e308, 0.0], [-1e308, 0.0]) is None


def test_the_p_value_is_that_of_the_f_test() -> None:
    rng = np.random.default_rng(3)
    y = rng.normal(size=40)
    p = y + rng.normal(size=40) + 0.2
    got = found(p, y)
    assert got is not None
    f = (got.removable / 2) / (got.ud / 38)
    assert got.p == pytest.approx(scipy_stats.f.sf(f, 2, 38), rel=1e-9)


def test_the_sentence() -> None:
    rng = np.random.default_rng(5)
    p = rng.normal(20, 5, 200)
    honest, biased = p + rng.normal(0, 1, 200), (p - 4) / 1.3 + rng.normal(0, 1, 200)
    assert said(p, honest).text.endswith(" noise: no shift or factor helps")
    text = said(p, biased).text
    assert text.startswith("MSE ")
    assert "% removable by p' = 0.7" in text
    assert "removable" not in said(p[:20], biased[:20]).text
    few = p.copy()
    few[:2] += 200
    assert "a few rows decide these shares" in said(few, honest).text
    flat = said(np.full(200, 30.0), honest).text
    assert "predictions are constant" in flat and "a shift by -1" in flat


def test_it_is_said_once_and_for_squares_of_one_output_alone() -> None:
    y, p = np.arange(5.0), np.arange(5.0) ** 2
    whole = batch({"pred": p, "target": y})
    asked = context("mae", "rmse", "mse")
    parts = [answer(rounds(asked, spec), whole) for spec in asked.specs]
    assert [part is None for part in parts] == [True, True, False]
    assert said(p, y, losses=("mae", "rmse")).name == "mse"
    for other in ({"point": None}, {"outputs": 2}):
        question = rounds(context("mse", **other), asked.specs[2])
        assert answer(question, whole) is None


def test_the_full_part() -> None:
    rng = np.random.default_rng(6)
    p = rng.uniform(1, 9, 400)
    y = p + rng.normal(0, 1, 400) * p
    part = said(p, y, decompose=True)
    assert "errors grow with the prediction" in part.text
    assert [row[0] for row in part.table.rows] == ["bias", "scale", "noise"]
    assert math.fsum(row[2] for row in part.table.rows) == pytest.approx(part.data["mse"])
    squares = (p - y) ** 2
    fit = scipy_stats.linregress(p, squares)
    assert part.data["breusch_pagan"]["lm"] == pytest.approx(400 * fit.rvalue**2, rel=1e-9)
    lm = part.data["breusch_pagan"]["lm"]
    assert part.data["breusch_pagan"]["p"] == pytest.approx(scipy_stats.chi2.sf(lm, 1), rel=1e-9)
    assert said(p, y).table is None


def test_spreading_does_not_mind_blocks() -> None:
    rng = np.random.default_rng(7)
    whole = batch({"pred": rng.normal(size=50), "target": rng.normal(size=50)})
    asked = context("mse")
    one = answer(spreading_rounds(asked), whole)
    assert one == answer(spreading_rounds(asked), whole, cuts=[3, 30], seed=2)
    assert one is not None


# --- the topic --------------------------------------------------------------------------------


def test_the_topic() -> None:
    y, p = np.array([1.0, 4.0, 2.0, 8.0]), np.array([2.0, 3.0, 2.0, 6.0])
    got = stats.mse_decomposition(y, p)
    r = p - y
    assert got["durbin_watson"] == pytest.approx(np.sum(np.diff(r) ** 2) / np.sum(r**2))
    skill = got["murphy_skill"]
    assert skill["skill"] == pytest.approx(1 - np.mean(r**2) / np.var(y))
    parts = skill["r2"] - skill["conditional_bias"] - skill["unconditional_bias"]
    assert skill["skill"] == pytest.approx(parts)
    perfect = stats.mse_decomposition([1.0, 2.0], [1.0, 2.0])
    assert set(perfect) == set(got)
    assert {name: one for name, one in perfect.items() if one is not None} == {
        "mse": 0.0, "bias": 0.0, "error_sd": 0.0,
    }  # fmt: skip
    assert stats.mse_decomposition([1.0], [3.0])["UM"] == 1.0


@pytest.mark.parametrize(("y", "p"), [([1.0], [1.0, 2.0]), ([], []), ([0.0], [math.nan]),
                                      ([0.0], [1e200]), ([[1.0]], [[1.0]])])  # fmt: skip
def test_bad_input(y: Any, p: Any) -> None:
    with pytest.raises(lossctl.DataError):
        stats.mse_decomposition(y, p)
