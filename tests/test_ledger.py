"""The ledger of numbers against plain NumPy: rows, shares, and values by other conventions."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.analyses import ledger
from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.grammar import parse_all
from lossctl.report import Part
from lossctl.rounds import Asked, ask, in_step
from lossctl.states import grown
from tests.batches import part as some_rows

RANDOM = np.random.default_rng(5)
LABEL = (RANDOM.uniform(size=300) < 0.4).astype(float)
CHANCE = np.clip(LABEL + 0.4 * RANDOM.normal(size=300), 0.0, 1.0)
WRONG = np.where(LABEL == 1.0, CHANCE, 1.0 - CHANCE) == 0.0  # the truth has no probability


def numbers(*losses: str, blocks: int = 1, weight: Any = None, **columns: Any) -> Part | None:
    """The part of losses over rows that come in so many blocks; passes as they are asked for."""
    specs = tuple(parse_all(losses))
    given = {role: np.asarray(column, dtype=float) for role, column in columns.items()}
    count = len(next(iter(given.values())))
    whole = Batch(given, frozenset(), weight, np.arange(count), np.arange(count))
    parts = [some_rows(whole, places) for places in np.array_split(np.arange(count), blocks)]
    context = Context(specs, specs[0], weight is not None, 1, {}, 10, True, False, None)

    def make_pass(asked: Asked) -> dict[Any, Any]:
        states = {one: one.empty() for one in asked}
        for block in parts:
            states = {one: grown(one, state, block) for one, state in states.items()}
        return states

    with np.errstate(all="ignore"):
        found = ask(in_step(ledger.rounds(context, spec) for spec in specs), make_pass)
        values = ask(in_step(context.reduced(spec) for spec in specs), make_pass)
    names = [str(spec) for spec in specs]
    return ledger.part(
        context,
        dict(zip(names, found, strict=True)),
        dict(zip(names, values, strict=True)),
        {"nan": 2},
    )


def told(part: Part | None, loss: str) -> Any:
    assert part is not None
    json.dumps(part.data, allow_nan=False)
    return part.data["losses"][loss]


def bce(eps: float = 0.0, log_clamp: float = -np.inf) -> Any:
    truth = np.where(LABEL == 1.0, CHANCE, 1.0 - CHANCE)
    with np.errstate(divide="ignore"):
        return -np.maximum(np.log(np.clip(truth, eps, 1.0 - eps)), log_clamp)


def test_clipped_rows_their_share_and_what_others_say() -> None:
    assert 1 < WRONG.sum() < 10
    part = numbers("bce", pred=CHANCE, target=LABEL)
    found = told(part, "bce")
    floor = np.finfo(float).eps
    own = -np.log(np.maximum(np.where(LABEL == 1.0, CHANCE, 1.0 - CHANCE), floor))
    assert found["clipped"]["rows"] == WRONG.sum()
    assert found["clipped"]["share"] == pytest.approx(own[WRONG].sum() / own.sum(), rel=1e-12)
    sure = (CHANCE == 0.0) | (CHANCE == 1.0)
    assert found["saturated"]["rows"] == sure.sum() > WRONG.sum()
    said = {one["like"][0]: one["value"] for one in found["conventions"]}
    assert said["keras"] == pytest.approx(bce(eps=1e-7).mean(), rel=1e-12)
    assert said["torch"] == pytest.approx(bce(log_clamp=-100.0).mean(), rel=1e-12)
    assert said["sklearn"] == pytest.approx(bce(eps=floor).mean(), rel=1e-12)
    assert said["optax"] is None
    assert found["conventions"][-1]["status"] == "infinite"
    assert part is not None
    share = 100 * own[WRONG].sum() / own.sum()
    assert part.text == (
        f"{WRONG.sum()} clipped rows = {share:.1f} % of bce: "
        f"{bce(log_clamp=-100.0).mean():.4g} with log_clamp=-100 (torch), "
        f"{bce(eps=1e-7).mean():.4g} with eps=1e-07 (keras), infinite with eps=0 (optax)"
    )
    assert part.data["dropped"] == {"nan": 2}


def test_blocks_change_nothing() -> None:
    whole = numbers("bce", "binary_focal", pred=CHANCE, target=LABEL)
    for blocks in (2, 7, 300):
        assert numbers("bce", "binary_focal", blocks=blocks, pred=CHANCE, target=LABEL) == whole


def test_weights_are_those_of_the_loss() -> None:
    weight = RANDOM.integers(0, 4, size=300).astype(float)
    found = told(numbers("bce", weight=weight, pred=CHANCE, target=LABEL), "bce")
    keras = next(one for one in found["conventions"] if one["like"] == ["keras"])
    assert keras["value"] == pytest.approx(np.average(bce(eps=1e-7), weights=weight), rel=1e-12)


def test_the_own_convention_is_not_said_again() -> None:
    part = numbers("bce:eps=1e-7", pred=CHANCE, target=LABEL)
    peers = [one["like"] for one in told(part, "bce:eps=1e-07")["conventions"]]
    assert ["keras"] not in peers
    assert ["torch"] in peers
    assert part is not None
    assert "keras" not in part.text
    assert "sklearn" in part.text


def test_a_loss_that_no_library_clips_is_tried_with_the_usual_eps() -> None:
    part = numbers("weighted_ce:from_logits=false", pred=CHANCE, target=LABEL)
    only = told(part, "weighted_ce:from_logits=false")["conventions"]
    assert [one["settings"] for one in only] == [{"eps": 1e-7, "log_clamp": None}]
    assert only[0]["value"] == pytest.approx(bce(eps=1e-7).mean(), rel=1e-12)


def test_rows_that_do_not_sum_to_one() -> None:
    pred = RANDOM.dirichlet([2.0, 2.0, 2.0], size=50)
    pred[7] *= 0.8
    pred[9] *= 1.0 + 1e-6  # what float32 rounds is no fault
    label = RANDOM.integers(0, 3, size=50)
    part = numbers("scce", pred=pred, label=label)
    found = told(part, "scce")
    cost = -np.log(pred[np.arange(50), label])
    assert found["unnormalised"]["rows"] == 1
    assert found["unnormalised"]["share"] == pytest.approx(cost[7] / cost.sum(), rel=1e-12)
    shares = pred / pred.sum(axis=1, keepdims=True)
    (other,) = found["conventions"]
    assert other["settings"] == {"normalize": True}
    assert other["value"] == pytest.approx(-np.log(shares[np.arange(50), label]).mean(), rel=1e-12)
    assert part is not None
    assert part.text.startswith("1 row that does not sum to 1 = ")
    assert numbers("scce:normalize=true", pred=pred, label=label) is None


def test_rows_beyond_all_numbers() -> None:
    target = np.array([0.0, 0.0, 1.0, 2.0, 4.0])
    pred = np.array([1.0, 1.0, 1.5, 2.0, 3.0])
    part = numbers("mape", "mse", pred=pred, target=target)
    assert part is not None
    assert set(part.data["losses"]) == {"mape"}
    rest = np.mean(np.abs(pred - target)[2:] / target[2:])
    assert told(part, "mape")["infinite"] == {"rows": 2, "others": pytest.approx(rest)}
    assert part.text == f"2 rows are not finite in mape, the others give {rest:.4g}"


def test_nothing_is_said_where_nothing_is_to_be_said() -> None:
    chance = np.clip(CHANCE, 0.01, 0.99)
    assert numbers("bce", "brier", pred=chance, target=LABEL) is None
    assert numbers("mse", "r2", "max_error", pred=CHANCE, target=LABEL) is None
    logits = "bce:from_logits=true"
    assert numbers(logits, pred=900.0 * (CHANCE - 0.5), target=LABEL) is None


def test_right_predictions_of_one_are_no_matter() -> None:
    assert numbers("bce", pred=LABEL, target=LABEL) is None


def test_narrow_variances_are_clipped_without_a_convention() -> None:
    columns: dict[str, Any] = {
        "mean": [0.0, 1.0, 2.0],
        "scale": [1.0, 1e-9, 1.0],
        "target": [0.1, 1.0, 2.2],
    }
    part = numbers("gaussian_nll", **columns)
    assert part is not None
    assert part.text.startswith("1 clipped row in gaussian_nll")
    assert told(part, "gaussian_nll")["clipped"] == {"rows": 1, "share": None}


def test_rows_are_counted_whatever_they_add() -> None:
    """Clipped rows of weight 0 are clipped all the same; infinite ones have no share."""
    weight = np.where(WRONG, 0.0, 1.0)
    found = told(numbers("bce", weight=weight, pred=CHANCE, target=LABEL), "bce")
    assert found["clipped"] == {"rows": WRONG.sum(), "share": 0.0}
    found = told(numbers("bce:eps=0", pred=CHANCE, target=LABEL), "bce:eps=0")
    assert found["clipped"]["share"] is None
    assert found["infinite"]["rows"] == WRONG.sum()


def test_the_numbers_stand_in_a_report() -> None:
    report = lossctl.evaluate(CHANCE, LABEL.astype(int), "bce")
    (part,) = (one for one in report.parts if one.name == "numbers")
    expected = numbers("bce", pred=CHANCE, target=LABEL)
    assert expected is not None
    assert part.text == expected.text
    silent = lossctl.evaluate(CHANCE, LABEL.astype(int), "brier", task="binary")
    assert all(one.name != "numbers" for one in silent.parts)
