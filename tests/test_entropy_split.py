"""Cross-entropy as entropy plus divergence, and against the base rate: plain formulas, laws."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import lossctl
from lossctl import stats
from lossctl.analyses.decompositions.entropy import Halves, entropy_rounds, rounds
from lossctl.report import Part
from tests.decomposed import answer, batch, context

RNG = np.random.default_rng(21)
P, T = RNG.dirichlet(np.ones(4), 60), RNG.dirichlet(np.full(4, 0.3), 60)
W = RNG.integers(1, 4, 60).astype(float)


def halves(spec: str, columns: Any, weight: Any = None, **how: Any) -> Halves:
    asked = context(spec, weighted=weight is not None, point=None)
    found = answer(entropy_rounds(asked, asked.specs[0]), batch(columns, weight), **how)
    assert found is not None
    return found


def part(spec: str, columns: Any, weight: Any = None, decompose: bool = True) -> Part | None:
    asked = context(spec, weighted=weight is not None, point=None, decompose=decompose)
    found = answer(rounds(asked, asked.specs[0]), batch(columns, weight))
    if found is not None:
        json.dumps(found.data, allow_nan=False)
    return found


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("logits", [False, True])
def test_entropy_and_divergence_are_those_of_scipy(weight: Any, logits: bool) -> None:
    spec = "cce:from_logits=true" if logits else "cce"
    found = halves(spec, {"pred": np.log(P) + 3 if logits else P, "target": T}, weight)
    entropy = np.average(scipy.stats.entropy(T, axis=1), weights=weight)
    kl = np.average(scipy.stats.entropy(T, P, axis=1), weights=weight)
    assert found.entropy == pytest.approx(entropy, rel=1e-12)
    assert found.kl == pytest.approx(kl, rel=1e-12)
    assert found.entropy + found.kl == pytest.approx(found.cross_entropy, rel=1e-15)


def test_smoothed_targets_are_split_as_they_are_scored() -> None:
    found = halves("cce:label_smoothing=0.2", {"pred": P, "target": T})
    smoothed = 0.8 * T + 0.05
    assert found.entropy == pytest.approx(scipy.stats.entropy(smoothed, axis=1).mean(), rel=1e-12)
    assert found.kl == pytest.approx(scipy.stats.entropy(smoothed, P, axis=1).mean(), rel=1e-12)


@given(cut=st.integers(0, 60), seed=st.integers(1, 9))
def test_blocks_and_order_do_not_matter(cut: int, seed: int) -> None:
    columns = {"pred": P, "target": T}
    assert halves("cce", columns, W, cuts=[cut], seed=seed) == halves("cce", columns, W)


def test_a_weight_of_two_is_the_row_twice() -> None:
    twice = np.repeat(np.arange(60), W.astype(int))
    one = halves("cce", {"pred": P, "target": T}, W)
    other = halves("cce", {"pred": P[twice], "target": T[twice]})
    assert one.kl == pytest.approx(other.kl, rel=1e-15)
    assert one.entropy == pytest.approx(other.entropy, rel=1e-15)


def test_what_it_says_of_distributions() -> None:
    pred, target = P.copy(), T.copy()
    pred[0], target[0] = [0, 0.5, 0.5, 0], [0.5, 0.5, 0, 0]
    said = part("cce", {"pred": pred, "target": target})
    assert said is not None
    assert said.data["zeros"] == 1
    assert "1 row has p = 0 where the target is not 0 (infinite; shown clipped" in said.text
    assert part("cce", {"pred": P, "target": T}, decompose=False) is None
    assert part("cce:eps=0", {"pred": pred, "target": target}) is None


# --- against the base rate --------------------------------------------------------------------


@pytest.mark.parametrize("weight", [None, W])
def test_the_base_rate_of_two_classes(weight: Any) -> None:
    y = (P[:, 0] + 0.3 * RNG.normal(size=60) > 0.25).astype(float)
    found = part("bce", {"pred": P[:, 0], "target": y}, weight, decompose=False)
    assert found is not None
    rate = np.average(y, weights=weight)
    floor = scipy.stats.entropy([rate, 1 - rate])
    value = lossctl.evaluate(P[:, 0], y, "bce", weight=weight)["bce"].value
    assert found.data["base_rate"] == pytest.approx(floor, rel=1e-12)
    assert found.data["skill"] == pytest.approx(1 - value / floor, rel=1e-10)
    assert ("less" in found.text) == (value < floor)
    assert "zeros" not in found.data


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("ignored", [None, 2])
def test_the_base_rate_of_classes(weight: Any, ignored: int | None) -> None:
    label = RNG.integers(0, 4, 60)
    spec = "scce" if ignored is None else f"scce:ignore_index={ignored}"
    found = part(spec, {"pred": P, "label": label}, weight)
    assert found is not None
    kept = np.ones(60, dtype=bool) if ignored is None else label != ignored
    counts = np.bincount(label[kept], None if weight is None else weight[kept])
    assert found.data["base_rate"] == pytest.approx(scipy.stats.entropy(counts), rel=1e-12)
    value = np.average(-np.log(P[np.arange(60), label])[kept],
                       weights=None if weight is None else weight[kept])  # fmt: skip
    assert found.data["cross_entropy"] == pytest.approx(value, rel=1e-12)
    assert part(spec, {"pred": P, "label": label}, weight, decompose=False) is None


def test_rows_of_no_probability_are_counted() -> None:
    two = part("bce", {"pred": [0.0, 1.0, 0.0, 0.4], "target": [1.0, 0.0, 0.0, 1.0]})
    assert two is not None and two.data["zeros"] == 2
    assert "2 rows have p = 0 for the truth (infinite; shown clipped at 2.22e-16)" in two.text
    clamped = part("bce:log_clamp=-100", {"pred": [0.0, 0.5], "target": [1.0, 0.0]})
    assert clamped is not None and "a logarithm of -100" in clamped.text
    pred = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5], [0.0, 0.5, 0.5]])
    three = part("scce:ignore_index=1", {"pred": pred, "label": [0, 1, 1]})
    assert three is None  # one class is left: no base rate to compare with
    three = part("scce", {"pred": pred, "label": [0, 2, 1]})
    assert three is not None and three.data["zeros"] == 1
    assert "times that of the base rate" in three.text
    logits = part("bce:from_logits=true", {"pred": [900.0, -1.0], "target": [0.0, 1.0]})
    assert logits is not None and logits.data["zeros"] == 0


@pytest.mark.parametrize(
    "spec", ["bce:pos_weight=2", "bce:label_smoothing=0.1", "scce:label_smoothing=0.1", "brier",
             "scce:balanced=true"],
)  # fmt: skip
def test_other_losses_have_no_base_rate(spec: str) -> None:
    asked = context(spec, point=None)
    columns = {"pred": P[:, 0], "target": np.ones(60), "label": np.ones(60)}
    assert answer(rounds(asked, asked.specs[0]), batch(columns)) is None


def test_class_weights_have_no_base_rate() -> None:
    asked = context("scce", point=None, wholes={"class_weight": np.ones(4)})
    columns = {"pred": P, "label": np.zeros(60, dtype=int)}
    assert answer(rounds(asked, asked.specs[0]), batch(columns)) is None


def test_it_is_said_once() -> None:
    asked = context("bce:eps=1e-7", "bce", point=None)
    whole = batch({"pred": [0.2, 0.9], "target": [0.0, 1.0]})
    parts = [answer(rounds(asked, spec), whole) for spec in asked.specs]
    assert [one is not None for one in parts] == [True, False]


# --- the topic --------------------------------------------------------------------------------


def test_the_topic() -> None:
    got = stats.cross_entropy_split(T, P)
    assert got["kl"] == pytest.approx(scipy.stats.entropy(T, P, axis=1).mean(), rel=1e-12)
    assert got["zeros"] == 0
    never = stats.cross_entropy_split([[0.5, 0.5], [1.0, 0.0]], [[0.0, 1.0], [0.5, 0.5]])
    assert never == {
        "entropy": pytest.approx(math.log(2) / 2), "kl": math.inf, "cross_entropy": math.inf,
        "zeros": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("target", "prob"),
    [([[0.5, 0.5]], [[0.5, 0.4]]), ([[0.9, 0.5]], [[0.5, 0.5]]), ([[1.0, 0.0]], [[1.0]]),
     ([[0.5, 0.5]], [[1.5, -0.5]]), ([0.5], [0.5]), ([[math.nan, 1.0]], [[0.5, 0.5]])],
)  # fmt: skip
def test_bad_input(target: Any, prob: Any) -> None:
    with pytest.raises(lossctl.DataError):
        stats.cross_entropy_split(target, prob)
