"""Wrong inputs are said, each with what another reading makes of the loss; honest ones never."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.analyses.detectors import DETECTORS, notes, rounds, rows_of
from lossctl.analyses.detectors.line import line
from lossctl.rounds import Asked, ask
from lossctl.states import grown
from tests.batches import part as some_rows
from tests.honest import Columns, Data, Random, honest_sets
from tests.samples import SAMPLES
from tests.test_from_files import FILES, sample_files

SETS, SEED = 1000, 20240229


def said(data: Data, *losses: str, inputs: Any = None) -> list[str]:
    found = notes(data.context(*losses, inputs=inputs), data.batch)
    assert all(note.code == "wrong-input" and note.warning for note in found)
    return [note.text for note in found]


# --- silence ----------------------------------------------------------------------------------


def test_a_thousand_honest_sets_are_silent() -> None:
    kinds: Counter[str] = Counter()
    for data in honest_sets(SETS, SEED):
        assert said(data) == [], f"{data.kind} of {len(data.columns['pred'])} rows"
        kinds[data.kind] += 1
    assert sum(kinds.values()) == SETS
    assert len(kinds) > 25


def test_honest_sets_are_of_all_qualities() -> None:
    """What is silent holds good models and useless ones, or silence would prove nothing."""
    good = useless = 0
    for data in honest_sets(200, SEED):
        if data.task == "regression" and data.columns["target"].ndim == 1:
            pred, target = data.columns["pred"], data.columns["target"]
            if target.std() > 0:
                share = np.square(pred - target).mean() / target.var()
                good += share < 0.1
                useless += share > 0.9
    assert good > 15
    assert useless > 15


@pytest.mark.parametrize("detector", DETECTORS, ids=lambda one: one.name)
def test_few_rows_prove_nothing(detector: Any) -> None:
    target = np.arange(19.0) ** 1.5 + 0.123
    for pred in (100.0 * target, -target, target[::-1], np.roll(target, 1), target, target * 0.0):
        data = Data("few", "regression", {"pred": pred, "target": target})
        assert detector.detect(data.context(), data.batch) is None


# --- each mistake -----------------------------------------------------------------------------

Fault = Callable[[Random, int], Data]


def regression(random: Random, n: int, level: float = 20.0, noise: float = 0.3) -> Columns:
    target = level + 5.0 * random.normal(size=n)
    return {"pred": target + 5.0 * noise * random.normal(size=n), "target": target}


def faulty(columns: Columns, task: str = "regression", **changed: Any) -> Data:
    return Data("faulty", task, {**columns, **changed})


def probabilities(random: Random, n: int) -> tuple[Any, Any]:
    logit = 3.0 * random.normal(size=n)
    return logit, (random.uniform(size=n) < 1 / (1 + np.exp(-logit))).astype(float)


def softmax(logits: Any) -> Any:
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def classes(random: Random, n: int, k: int = 5) -> Columns:
    logits = 4.0 * random.normal(size=(n, k))
    label = (logits + random.gumbel(size=(n, k))).argmax(axis=1)
    return {"pred": softmax(logits), "label": label}


def corners(random: Random, n: int) -> Columns:
    low = random.uniform(50, 400, size=(n, 2))
    target = np.hstack([low, low + random.uniform(30, 120, size=(n, 2))])
    return {"pred": target + 3.0 * random.normal(size=(n, 4)), "target": target}


def sized(box: Any) -> Any:
    return np.hstack([box[:, :2], box[:, 2:] - box[:, :2]])


def shifted(by: int) -> Fault:
    def make(random: Random, n: int) -> Data:
        rows = regression(random, n)
        return faulty(rows, pred=np.roll(rows["pred"], by))

    return make


def shifted_binary(random: Random, n: int) -> Data:
    logit, label = probabilities(random, n)
    return Data(
        "faulty", "binary", {"pred": np.roll(1 / (1 + np.exp(-logit)), -1), "target": label}
    )


def shifted_classes(random: Random, n: int) -> Data:
    rows = classes(random, n)
    return faulty(rows, "multiclass", pred=np.roll(rows["pred"], 1, axis=0))


def shifted_boxes(random: Random, n: int) -> Data:
    rows = corners(random, n)
    return faulty(rows, "boxes", pred=np.roll(rows["pred"], 2, axis=0))


def backwards(random: Random, n: int) -> Data:
    rows = regression(random, n)
    return faulty(rows, pred=rows["pred"][::-1])


def as_text(random: Random, n: int) -> Data:
    rows = regression(random, n)
    listed = sorted(range(n), key=lambda number: str(number + 1))
    return faulty(rows, target=rows["target"][listed])


def ranked(random: Random, n: int) -> Data:
    rows = regression(random, n, noise=0.1)
    return faulty(rows, target=np.sort(rows["target"]))


def scaled(factor: float, **how: float) -> Fault:
    def make(random: Random, n: int) -> Data:
        rows = regression(random, n, **how)
        return faulty(rows, pred=rows["pred"] * factor)

    return make


def fahrenheit(random: Random, n: int) -> Data:
    rows = regression(random, n)
    return faulty(rows, pred=1.8 * rows["pred"] + 32.0)


def kelvin(random: Random, n: int) -> Data:
    rows = regression(random, n)
    return faulty(rows, target=rows["target"] + 273.15)


def angles(random: Random, n: int) -> Data:
    target = random.uniform(-180.0, 180.0, size=n)
    return faulty({"pred": np.radians(target + 5.0 * random.normal(size=n)), "target": target})


def logarithms(random: Random, n: int) -> Data:
    target = random.lognormal(5.0, 1.0, size=n)
    return faulty({"pred": np.log(target) + 0.1 * random.normal(size=n), "target": target})


def negated(random: Random, n: int) -> Data:
    rows = regression(random, n, level=0.0)
    return faulty(rows, pred=-rows["pred"])


def exchanged(random: Random, n: int) -> Data:
    logit, label = probabilities(random, n)
    return Data("faulty", "binary", {"pred": 1 / (1 + np.exp(logit)), "target": label})


def exchanged_logits(random: Random, n: int) -> Data:
    logit, label = probabilities(random, n)
    return Data("faulty", "logits", {"pred": -logit, "target": label})


def logits_as_numbers(random: Random, n: int) -> Data:
    logit, label = probabilities(random, n)
    return Data("faulty", "regression", {"pred": logit, "target": label})


def probabilities_as_logits(random: Random, n: int) -> Data:
    logit, label = probabilities(random, n)
    return Data("faulty", "logits", {"pred": 1 / (1 + np.exp(-2 * logit)), "target": label})


def shares_as_logits(random: Random, n: int) -> Data:
    return Data("faulty", "class logits", classes(random, n))


def swapped(random: Random, n: int) -> Data:
    logit, label = probabilities(random, n)
    return Data("faulty", "binary", {"pred": label, "target": 1 / (1 + np.exp(-logit))})


def counted_from_one(random: Random, n: int) -> Data:
    rows = classes(random, n)
    told = rows["pred"].argmax(axis=1)
    return Data("faulty", "classes", {"pred": told, "label": rows["label"] + 1})


def columns_from_one(random: Random, n: int) -> Data:
    """Scores of classes 0 … 5, of which 0 is nothing, against labels 0 … 4."""
    rows = classes(random, n)
    scores = np.hstack([np.full((n, 1), 1e-3), rows["pred"]])
    return faulty(rows, "multiclass", pred=scores / scores.sum(axis=1, keepdims=True))


def sized_predictions(random: Random, n: int) -> Data:
    """(x, y, w, h) with w and h so large that nothing shows: x2 = w > x."""
    low = random.uniform(5, 20, size=(n, 2))
    target = np.hstack([low, low + random.uniform(30, 120, size=(n, 2))])
    pred = sized(target + random.normal(size=(n, 4)))
    return Data("faulty", "boxes", {"pred": pred, "target": target})


def corners_as_sizes(random: Random, n: int) -> Data:
    rows = corners(random, n)
    return Data("faulty", "sized boxes", {"pred": rows["pred"], "target": sized(rows["target"])})


def placeholder(random: Random, n: int) -> Data:
    rows = regression(random, n, level=200.0)
    return faulty(rows, pred=np.full(n, -1.0))


def copied(random: Random, n: int) -> Data:
    rows = regression(random, n)
    pred = np.where(np.arange(n) == 3, 0.0, rows["target"])
    return faulty(rows, pred=pred if n > 50 else rows["target"])


def copied_single(random: Random, n: int) -> Data:
    rows = regression(random, n)
    return faulty(rows, pred=rows["target"].astype(np.float32).astype(float))


def copied_rounded(random: Random, n: int) -> Data:
    rows = regression(random, n)
    return faulty(rows, pred=np.round(rows["target"], 3))


FAULTS = [
    (shifted(1), "rows look shifted by one: pairing prediction i with target i - 1 makes mse"),
    (shifted(-1), "rows look shifted by one: pairing prediction i with target i + 1 makes mse"),
    (shifted(3), "rows look shifted by 3: pairing"),
    (shifted_binary, "rows look shifted by one: pairing prediction i with target i + 1 makes bce"),
    (shifted_classes, "rows look shifted by one"),
    (shifted_boxes, "rows look shifted by 2"),
    (backwards, "one side looks reversed: pairing the first prediction with the last target"),
    (as_text, "look sorted by number as text"),
    (ranked, "the targets are in order and the predictions are not"),
    (scaled(100.0), "predictions look 100 times too large (per cent against fractions?)"),
    (scaled(0.01), "predictions look 100 times too small (per cent against fractions?)"),
    (scaled(0.001, level=0.0, noise=0.1), "predictions look 1000 times too small"),
    (scaled(3.6), "predictions look 3.6 times too large (km/h and m/s?)"),
    (scaled(1 / 2.54, noise=0.1), "predictions look 2.54 times too small"),
    (fahrenheit, "predictions look like degrees Fahrenheit where targets are Celsius"),
    (kelvin, "predictions look like degrees Celsius where targets are Kelvin"),
    (angles, "predictions look like radians where targets are degrees"),
    (logarithms, "predictions look like logarithms of"),
    (negated, "predictions look negated: with the other sign they make mse"),
    (exchanged, "the two classes look exchanged: 1 - p makes bce"),
    (exchanged_logits, "the two classes look exchanged: the other sign makes bce"),
    (logits_as_numbers, "predictions look like logits: they run from"),
    (probabilities_as_logits, "predictions look like probabilities, not logits: they lie between"),
    (shares_as_logits, "predictions look like probabilities, not logits: they are rows that sum"),
    (swapped, "the files look swapped: p.csv[a] holds only 0 and 1, t.csv[b]"),
    (counted_from_one, "the labels look counted from 1 and the other side from 0"),
    (columns_from_one, "the predictions look counted from 1 and the other side from 0"),
    (sized_predictions, "predictions look like (x, y, w, h) read as (x1, y1, x2, y2)"),
    (corners_as_sizes, "predictions look like (x1, y1, x2, y2) read as (x, y, w, h)"),
    (placeholder, "predictions are -1 in all"),
    (copied, "predictions equal the targets in"),
    (copied_single, "up to the rounding of float32"),
    (copied_rounded, "up to 3 decimals"),
]  # fmt: skip
NEUTRAL = {
    "pred": {"path": "p.csv", "columns": ["a"]},
    "target": {"path": "t.csv", "columns": ["b"]},
}


@pytest.mark.parametrize(("fault", "text"), FAULTS, ids=[text[:40] for _, text in FAULTS])
@pytest.mark.parametrize("rows", [150, 600])
def test_a_mistake_is_said(fault: Fault, text: str, rows: int) -> None:
    for seed in range(5):
        found = said(fault(np.random.default_rng(seed), rows), inputs=NEUTRAL)
        assert len(found) == 1, (seed, found)
        assert text in found[0]


# --- predictions that are conditional means, which spread less than their targets --------------


def means(random: Random, n: int, level: float, explained: float) -> Columns:
    """Predictions of deviation 1 that leave so much of their targets' variance unexplained."""
    pred = level + random.normal(size=n)
    return {"pred": pred, "target": pred + np.sqrt(1 / explained - 1) * random.normal(size=n)}


@pytest.mark.parametrize(
    ("factor", "level", "explained", "text"),
    [
        (0.01, 0.0, 0.85, "look 100 times too small"),
        (1 / 1.609344, 3.0, 0.8, "look 1.60934 times too small"),
        (10.0, 1.5, 0.5, "look 10 times too large (millimetres and centimetres?)"),
        (0.1, 10.0, 0.5, "look 10 times too small"),
        (-1.0, 0.0, 0.6, "look negated"),
        (-1.0, 2.0, 0.5, "look negated"),
    ],
)
def test_units_of_honest_predictions(
    factor: float, level: float, explained: float, text: str
) -> None:
    for seed in range(5):
        rows = means(np.random.default_rng(seed), 2000, level, explained)
        (said_of,) = said(faulty(rows, pred=factor * rows["pred"]))
        assert text in said_of


@pytest.mark.parametrize(
    ("factor", "level", "explained"),
    [
        (0.1, 0.0, 0.9),  # as a shrunk model
        (1 / 1.609344, 2.0, 0.4),  # as a weak one that is biased
        (1 / 2.54, 0.0, 0.9),
        (-1.0, 0.0, 0.3),  # as one that is worse than none
    ],
)
def test_units_that_may_be_weak_models_are_not_said(
    factor: float, level: float, explained: float
) -> None:
    for seed in range(5):
        rows = means(np.random.default_rng(seed), 2000, level, explained)
        assert said(faulty(rows, pred=factor * rows["pred"])) == []


@pytest.mark.parametrize("explained", [0.45, 0.7, 0.95])
@pytest.mark.parametrize("to_degrees", [True, False])
def test_angles_are_not_minutes(explained: float, to_degrees: bool) -> None:
    """57.3 rather than 60, however much the predictions scatter."""
    for seed in range(5):
        random = np.random.default_rng(seed)
        pred = random.uniform(0.3, 1.5, size=1500)
        target = pred + pred.std() * np.sqrt(1 / explained - 1) * random.normal(size=1500)
        if to_degrees:
            rows, text = {"pred": pred, "target": np.degrees(target)}, "look like radians where"
        else:
            rows, text = {"pred": np.degrees(pred), "target": target}, "look like degrees where"
        (said_of,) = said(faulty(rows))
        assert text in said_of


def test_minutes_in_the_range_of_angles_are_minutes_where_they_surely_are() -> None:
    random = np.random.default_rng(0)
    target = random.uniform(60.0, 360.0, size=500)
    rows = {"pred": target / 60.0 + 0.02 * random.normal(size=500), "target": target}
    (text,) = said(faulty(rows))
    assert "60 times too small (minutes and seconds" in text


def test_scores_may_be_wrong_by_as_much_as_they_are_sure() -> None:
    """An AUC of 0.27 of 2,000 rows is no chance; of 100 rows it may be."""
    for rows, speaks in ((2000, True), (100, False)):
        random = np.random.default_rng(1)
        logit = 1.0 * random.normal(size=rows)
        label = (random.uniform(size=rows) < 1 / (1 + np.exp(-logit))).astype(float)
        told = 1 / (1 + np.exp(4.0 * logit))  # too sure, so that the loss falls
        texts = said(Data("faulty", "binary", {"pred": told, "target": label}))
        assert ["classes look exchanged" in text for text in texts] == [True] * speaks


@pytest.mark.parametrize("by", [-8, 8])
def test_a_shift_by_eight_rows(by: int) -> None:
    (text,) = said(shifted(by)(np.random.default_rng(0), 300))
    assert f"rows look shifted by 8: pairing prediction i with target i {'-+'[by < 0]} 8" in text


@pytest.mark.parametrize("lag", [6, 7, 8])
def test_a_naive_forecast_of_few_rows_is_no_shift(lag: int) -> None:
    noise = np.random.default_rng(0).normal(size=40 + lag)
    assert said(faulty({"pred": noise[:-lag], "target": noise[lag:]})) == []


def test_the_line_is_least_squares_and_its_error_hc3() -> None:
    random = np.random.default_rng(3)
    pred = random.lognormal(size=60)
    target = 2.0 + 0.7 * pred + pred * random.normal(size=60)
    found = line(pred, target)
    assert found is not None
    x = np.column_stack([np.ones(60), pred])
    hat = x @ np.linalg.inv(x.T @ x)
    left = target - x @ np.linalg.lstsq(x, target, rcond=None)[0]
    left = left / (1.0 - np.sum(hat * x, axis=1))
    covariance = hat.T @ np.diag(left**2) @ hat
    assert found.slope == pytest.approx(np.polyfit(pred, target, 1)[0])
    assert found.error == pytest.approx(np.sqrt(covariance[1, 1]))
    assert line(np.ones(5), np.arange(5.0)) is None


# --- what is said, and of which rows ----------------------------------------------------------


def test_the_numbers_are_those_of_the_loss() -> None:
    rows = regression(np.random.default_rng(1), 300)
    (text,) = said(faulty(rows, pred=np.roll(rows["pred"], 1)))
    pred, target = np.roll(rows["pred"], 1), rows["target"]
    now = np.square(pred - target)[1:].mean()
    then = np.square(pred[1:] - target[:-1]).mean()
    change = 100 * (then - now) / now
    assert f"makes mse {then:.4g} instead of {now:.4g} ({change:+.0f} %)" in text


def test_the_loss_that_is_asked_for_is_the_one_that_falls() -> None:
    rows = regression(np.random.default_rng(1), 300)
    data = faulty(rows, pred=rows["pred"] / 1000.0)
    pred, target = rows["pred"], rows["target"]
    for loss, value in (
        ("rmse", np.sqrt(np.square(pred - target).mean())),
        ("mae", np.abs(pred - target).mean()),
        ("r2", np.square(pred - target).mean()),  # of which rows are no parts: mse judges
    ):
        (text,) = said(data, loss)
        assert f"{'mse' if loss == 'r2' else loss} {value:.4g} instead of" in text


def test_where_rows_were_left_out_the_numbers_of_rows_decide() -> None:
    rows = regression(np.random.default_rng(2), 400)
    data = faulty(rows, pred=np.roll(rows["pred"], 1))
    kept = np.random.default_rng(3).uniform(size=400) < 0.8
    batch = data.batch.take(kept)
    texts = [note.text for note in notes(data.context(), batch)]
    assert len(texts) == 1
    assert "shifted by one" in texts[0]


def test_only_the_first_of_many_rows_are_tried_and_that_is_said() -> None:
    rows = regression(np.random.default_rng(2), 400)
    for pred, reading in ((np.roll(rows["pred"], 1), "shifted by one"), (rows["pred"][::-1], "")):
        data = faulty(rows, pred=pred)
        texts = [note.text for note in notes(data.context(few=400), data.batch)]
        assert bool(texts) == bool(reading)  # what is last is not known
        assert all(text.endswith("(tried on the first 400 rows)") for text in texts)


def test_one_output_of_several() -> None:
    random = np.random.default_rng(4)
    target = 50.0 + 10.0 * random.normal(size=(300, 3))
    pred = target + random.normal(size=(300, 3))
    pred[:, 1] /= 100.0
    (text,) = said(faulty({"pred": pred, "target": target}))
    assert "predictions of output 1 look 100 times too small" in text


@pytest.mark.parametrize(
    ("pred", "target", "speaks"),
    [
        (("target.csv", "target"), ("preds.csv", "pred"), True),
        (("y_true.npy", ""), ("y_pred.npy", ""), True),
        (("run/labels.csv", "label"), ("run/probs.csv", "p"), True),
        (("preds.csv", "pred"), ("target.csv", "target"), False),
        (("both.csv", "target"), ("both.csv", "pred"), True),
        (("target_2023.csv", "pred"), ("target.csv", "target"), False),
        (("ridge.csv", "a"), ("predictors.csv", "b"), False),
        (("-", "label"), ("forecast.csv", "label"), False),
    ],
)
def test_names_that_say_that_files_are_swapped(
    pred: tuple[str, str], target: tuple[str, str], speaks: bool
) -> None:
    inputs = {
        role: {"path": path, "columns": [column]}
        for role, (path, column) in (("pred", pred), ("target", target))
    }
    texts = said(faulty(regression(np.random.default_rng(0), 100)), inputs=inputs)
    assert bool(texts) == speaks
    assert all("the files look swapped by their names" in text for text in texts)


def test_a_naive_forecast_is_no_shift_and_a_look_ahead_is() -> None:
    """What equals the target before its own is a forecast; what equals the one after is not."""
    noise = np.random.default_rng(6).normal(size=500)
    before = faulty({"pred": noise[:-1], "target": noise[1:]})
    after = faulty({"pred": noise[1:], "target": noise[:-1]})
    assert said(before) == []
    assert ["shifted by one" in text for text in said(after)] == [True]


def test_one_column_in_two_roles_is_no_copy() -> None:
    rows = regression(np.random.default_rng(0), 100)
    one = {"path": "a.csv", "columns": ["y"]}
    data = faulty(rows, pred=rows["target"])
    assert said(data, inputs={"pred": one, "target": one}) == []
    assert len(said(data, inputs={"pred": one, "target": {**one, "columns": ["z"]}})) == 1


def test_values_beyond_all_squares_are_no_evidence_and_no_error() -> None:
    random = np.random.default_rng(8)
    for size in (1e-310, 1e-200, 1e160, 1.7e308):
        target = size * random.uniform(-1.0, 1.0, size=60)
        for pred in (target[::-1], -target, np.full(60, size), target / 100.0, np.zeros(60)):
            said(faulty({"pred": pred, "target": target}))


@pytest.mark.parametrize("blocks", [1, 3, 40])
def test_the_rows_are_asked_for_in_one_pass(blocks: int) -> None:
    rows = regression(np.random.default_rng(1), 400)
    data = faulty(rows, pred=rows["pred"] * 100.0)
    context, parts = data.context(few=300), np.array_split(np.arange(400), blocks)
    passes = []

    def make_pass(asked: Asked) -> dict[Any, Any]:
        passes.append(asked)
        states = {one: one.empty() for one in asked}
        for places in reversed(parts):
            block = some_rows(data.batch, places)
            states = {one: grown(one, state, block) for one, state in states.items()}
        return states

    found = ask(rounds(context), make_pass)
    assert found == notes(context, some_rows(data.batch, range(300)))
    assert len(passes) == len(found) == 1


def test_wide_rows_are_fewer() -> None:
    narrow, wide = np.zeros((50, 2)), np.zeros((50, 2**14))
    batches = [Data("", "regression", {"pred": one, "target": one}).batch for one in (narrow, wide)]
    assert [rows_of(one) for one in batches] == [2**14, 2**6]
    assert rows_of(batches[0].take(np.zeros(50, dtype=bool))) == 1


# --- in reports -------------------------------------------------------------------------------


def warned(report: Any) -> list[str]:
    return [note.text for note in report.notes if note.code == "wrong-input"]


@pytest.mark.parametrize(("task", "preds", "targets"), FILES)
def test_sample_data_are_silent(task: str, preds: str, targets: str | None) -> None:
    assert warned(lossctl.evaluate(*sample_files(preds, targets), task=task)) == []


@pytest.mark.parametrize(
    ("preds", "targets", "how"),
    [
        ("binary/logistic_logits.csv", "binary/target.csv", {"from_logits": True}),
        ("binary/svm.csv", "binary/target.csv", {"losses": "hinge"}),
        ("binary/forest.csv", "binary/target.csv", {"task": "binary"}),
        ("diabetes/broken.csv", "diabetes/target.csv", {"on": "id"}),
        ("diabetes/knn.csv", "diabetes/target.csv", {"losses": ["r2", "bias"]}),
        ("multiclass/predicted.csv", "multiclass/target.csv", {"task": "multiclass"}),
        ("ensemble/gaussian_trees.csv", "diabetes/target.csv", {}),
    ],
)
def test_other_sample_data_are_silent(preds: str, targets: str, how: dict[str, Any]) -> None:
    assert warned(lossctl.evaluate(*sample_files(preds, targets), **how)) == []


def test_a_report_warns() -> None:
    pred, target = (np.load(SAMPLES / "diabetes" / f"{name}.npy") for name in ("ridge", "target"))
    (shifted_by_one,) = warned(lossctl.evaluate(np.roll(pred, 1), target))
    assert "shifted by one" in shifted_by_one
    (percent,) = warned(lossctl.evaluate(pred / 1000.0, target))
    assert "1000 times too small" in percent
    files = sample_files("diabetes/target.csv", "diabetes/ridge.csv")
    (names,) = warned(lossctl.evaluate(*files, pred_col="target", target_col="pred"))
    assert "swapped by their names" in names
