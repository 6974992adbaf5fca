"""Easy and hard, positive and negative samples: their rows and what they make of each loss."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.analyses.decompositions.kinds import Made, fitting, made_rounds, rounds
from tests.decomposed import answer, batch, context

RNG = np.random.default_rng(11)
Y = (RNG.random(400) < 0.3).astype(float)
LOGIT = RNG.normal(-1 + 2.2 * Y, 1.6)
P = 1 / (1 + np.exp(-LOGIT))
W = RNG.uniform(0.2, 3, 400)
KINDS = {
    "hard positives": (Y == 1) & (P < 0.5), "hard negatives": (Y == 0) & (P > 0.5),
    "easy positives": (Y == 1) & (P >= 0.5), "easy negatives": (Y == 0) & (P <= 0.5),
}  # fmt: skip
BINARY = ("bce", "binary_focal", "balanced_ce:alpha=0.7")


def made(losses: tuple[str, ...], columns: Any, weight: Any = None, **how: Any) -> dict[str, Made]:
    asked = context(*losses, weighted=weight is not None, point=None)
    found = answer(made_rounds(fitting(asked)), batch(columns, weight), **how)
    return {str(one.kind): one for one in found}


@pytest.mark.parametrize("weight", [None, W])
@pytest.mark.parametrize("logits", [False, True])
def test_each_kind_is_its_rows(weight: Any, logits: bool) -> None:
    suffix = "from_logits=true" if logits else ""
    losses = tuple(
        one + ("" if not suffix else ("," if ":" in one else ":") + suffix) for one in BINARY
    )
    found = made(losses, {"pred": LOGIT if logits else P, "target": Y}, weight)
    assert set(found) == set(KINDS)
    w = np.ones(400) if weight is None else weight
    for name, chosen in KINDS.items():
        one = found[name]
        assert one.rows == chosen.sum()
        assert one.share == pytest.approx(w[chosen].sum() / w.sum(), rel=1e-12)
        for spec, label in zip(one.of, losses, strict=True):
            values = lossctl.evaluate(
                LOGIT if logits else P, Y, label, top=400, weight=weight
            ).worst.rows
            share = {row.row: row.shares[spec] for row in values}
            expected = sum(share[row] for row in np.flatnonzero(chosen))
            assert one.of[spec] == pytest.approx(expected, abs=1e-12)
    for spec in found["hard positives"].of:
        assert sum(one.of[spec] for one in found.values()) == pytest.approx(1.0, abs=1e-12)


def test_blocks_order_and_weights() -> None:
    columns = {"pred": P, "target": Y}
    found = made(("bce",), columns)
    assert found == made(("bce",), columns, cuts=[1, 77, 200], seed=5)
    weight = np.where(np.arange(400) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(400), weight.astype(int))
    heavy = made(("bce",), columns, weight)
    doubled = made(("bce",), {"pred": P[twice], "target": Y[twice]})
    for name, one in heavy.items():
        assert (one.share, one.of) == (doubled[name].share, doubled[name].of)


def test_half_is_easy_and_ties_are_told() -> None:
    found = made(("bce",), {"pred": [0.5, 0.5, 0.4, 0.6], "target": [1, 0, 1, 0]})
    assert {name: one.rows for name, one in found.items()} == {
        "hard positives": 1, "hard negatives": 1, "easy positives": 1, "easy negatives": 1,
    }  # fmt: skip


@pytest.mark.parametrize("spec", ["scce", "scce:ignore_index=1", "cfocal"])
@pytest.mark.parametrize("logits", [False, True])
def test_classes_are_hard_or_easy(spec: str, logits: bool) -> None:
    rng = np.random.default_rng(2)
    scores, label = rng.normal(size=(90, 3)) * 2, rng.integers(0, 3, 90)
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    asked = spec + (("," if ":" in spec else ":") + "from_logits=true" if logits else "")
    found = made((asked,), {"pred": scores if logits else p, "label": label})
    kept = label != 1 if "ignore" in spec else np.ones(90, dtype=bool)
    truth = p[np.arange(90), label]
    hard = kept & (truth < 0.5)
    assert (found["hard rows"].rows, found["easy rows"].rows) == (hard.sum(), (kept & ~hard).sum())
    values = -np.log(truth) * ((1 - truth) ** 2 if spec == "cfocal" else 1)
    (share,) = found["hard rows"].of.values()
    assert share == pytest.approx(values[hard].sum() / values[kept].sum(), rel=1e-9)


def test_what_is_no_sum_is_not_taken_apart() -> None:
    assert fitting(context("mse")) == []
    assert [str(one) for one in fitting(context("bce", "scce", "binary_focal"))] == [
        "bce", "binary_focal",
    ]  # fmt: skip


def test_one_part_for_all_losses() -> None:
    asked = context("accuracy", "bce", "brier", "binary_focal", point=None)
    whole = batch({"pred": P, "target": Y})
    parts = [answer(rounds(asked, spec), whole) for spec in asked.specs]
    assert [part is not None for part in parts] == [False, True, False, False]
    part = parts[1]
    assert part is not None and part.table is not None
    json.dumps(part.data, allow_nan=False)
    assert [column.name for column in part.table.columns] == [
        "kind", "rows", "of rows", "bce", "binary_focal",
    ]  # fmt: skip
    assert sum(row[1] for row in part.table.rows) == 400
    brief = answer(rounds(context("bce", decompose=False), asked.specs[1]), whole)
    assert brief is not None and brief.table is None


def test_the_sentence_names_who_makes_most() -> None:
    pred, target = np.full(1000, 0.01), np.zeros(1000)
    pred[:30] = 0.9999
    asked = context("bce", decompose=False)
    part = answer(rounds(asked, asked.specs[0]), batch({"pred": pred, "target": target}))
    assert part is not None
    assert part.text == "hard negatives (p(true) < 0.5) are 3 % of rows and 97 % of bce"
    target[:] = 0
    pred[:30] = 0.51
    part = answer(rounds(asked, asked.specs[0]), batch({"pred": pred, "target": target}))
    assert part is not None
    assert part.text.startswith("hard negatives")
    pred[:] = 0.4
    pred[:30] = 0.51
    part = answer(rounds(asked, asked.specs[0]), batch({"pred": pred, "target": target}))
    assert part is not None
    assert part.text == (
        "easy negatives are 97 % of rows and 96 % of bce; "
        "hard rows (p(true) < 0.5) are 3 % of rows and 4.1 % of bce"
    )


@pytest.mark.parametrize("outputs", [1, 2])
def test_nothing_is_said_of_no_loss_infinite_loss_or_several_labels(outputs: int) -> None:
    if outputs == 2:
        assert fitting(context("bce", outputs=2)) == []
        return
    assert made(("bce:eps=0",), {"pred": [0.0, 0.5], "target": [1.0, 1.0]}) == {}
    assert made(("bce",), {"pred": [0.0, 1.0], "target": [0.0, 1.0]}) == {}
