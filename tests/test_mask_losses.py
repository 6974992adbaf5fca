"""Overlap of masks: what empty images, soft and hard masks, and peers' conventions cost."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from lossctl.student import t_quantile
from tests.loss_cases import LOSSES
from tests.oracles import ORACLES

TARGET = np.array([[1, 1, 0, 1, 1, 1], [1, 0, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0]], dtype=float)
HARD = np.array([[0, 1, 0, 1, 0, 0], [0, 0, 1, 0, 1, 0], [0, 1, 0, 1, 0, 0]], dtype=float)
SOFT = np.array(
    [
        [0.331, 0.563, 0.069, 0.992, 0.332, 0.205],
        [0.469, 0.342, 0.667, 0.281, 0.685, 0.215],
        [0.21, 0.67, 0.273, 0.654, 0.469, 0.304],
    ]
)
SCORES = np.log(SOFT / (1.0 - SOFT))
EMPTY = np.zeros((1, 4))
RATIOS = ("dice", "jaccard", "tversky", "focal_tversky")
every_ratio = pytest.mark.parametrize("name", RATIOS)


def cost(text: str, pred: Any, target: Any) -> np.ndarray:
    spec = parse(text)
    return spec.loss(pred, target, **spec.all_settings)


def pair(text: str, pred: np.ndarray, target: np.ndarray) -> list[list[float]]:
    return [column.tolist() for column in parse(text).evaluate({"pred": pred, "target": target})]


def pixels(n: int, m: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((n, m)), (rng.random((n, m)) < 0.4).astype(float)


# --- worked examples ---------------------------------------------------------------------------


def test_hard_masks_count_pixels() -> None:
    assert cost("dice", HARD, TARGET) == pytest.approx([3 / 7, 1.0, 1 / 3], rel=1e-15)
    assert cost("jaccard", HARD, TARGET) == pytest.approx([0.6, 1.0, 0.5], rel=1e-15)
    # Three false negatives of five, two false positives beside one, two false negatives of four.
    assert cost("tversky:alpha=1,beta=0", HARD, TARGET).tolist() == [0.0, 1.0, 0.0]
    assert cost("tversky:alpha=0,beta=1", HARD, TARGET) == pytest.approx([0.6, 1.0, 0.5])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dice", [0.35317672183662574, 0.7436458048647172, 0.45075987841945286]),
        ("dice:squared_denominator=true",
         [0.26213578041550617, 0.6052562362570885, 0.31909242971711244]),
        ("jaccard", [0.5219964490037483, 0.8529780564263323, 0.6214121097842028]),
        ("tversky:alpha=1,beta=0", [0.027688603531300163, 0.8236179014667169, 0.2996124031007752]),
        ("focal_tversky", [0.5306009751454079, 0.7544803486456534, 0.5896054659458921]),
    ],
)  # fmt: skip
def test_soft_masks(text: str, expected: list[float]) -> None:
    assert cost(text, SOFT, TARGET) == pytest.approx(expected, rel=1e-14)


def test_the_seed_scored_an_empty_image_as_a_miss_and_took_one_ratio() -> None:
    assert cost("dice", EMPTY, EMPTY).tolist() == [0.0]
    assert cost("dice:smooth_den=1e-5", EMPTY, EMPTY).tolist() == [1.0]
    num, den = pair("dice:aggregate=global", SOFT, TARGET)
    assert math.fsum(num) / math.fsum(den) == pytest.approx(0.46996785291297727, rel=1e-14)
    assert np.mean(cost("dice", SOFT, TARGET)) == pytest.approx(0.5158608017069319, rel=1e-14)
    # Its heading calls dice the IoU loss: they differ.
    assert not np.allclose(cost("dice", SOFT, TARGET), cost("jaccard", SOFT, TARGET))


# --- identities --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("tversky", "dice"),
        ("tversky:alpha=1,beta=1", "jaccard"),
        ("tversky:smooth=0.5", "dice:smooth=1"),
        ("focal_tversky:gamma=1", "tversky:alpha=0.3,beta=0.7"),
        ("dice:threshold=0.5", "dice:threshold=0.5,squared_denominator=true"),
        ("dice:smooth=2", "dice:smooth_num=2"),
        ("dice:smooth=2", "dice:smooth_num=2,smooth_den=2"),
    ],
)
def test_identity(left: str, right: str) -> None:
    pred, target = pixels(20, 13)
    np.testing.assert_allclose(cost(left, pred, target), cost(right, pred, target), rtol=1e-14)


def test_jaccard_follows_from_dice() -> None:
    pred, target = pixels(20, 13)
    dice = cost("dice", pred, target)
    np.testing.assert_allclose(cost("jaccard", pred, target), 2 * dice / (1 + dice), rtol=1e-14)
    np.testing.assert_allclose(
        cost("focal_tversky:gamma=2", pred, target),
        np.square(cost("tversky:alpha=0.3,beta=0.7", pred, target)), rtol=1e-14,
    )  # fmt: skip


@every_ratio
def test_logits_are_the_same_masks(name: str) -> None:
    np.testing.assert_allclose(
        cost(f"{name}:from_logits=true", SCORES, TARGET), cost(name, SOFT, TARGET), rtol=1e-14
    )
    with pytest.raises(DataError, match=r"pred row 0 is .* in \[0, 1\]"):
        cost(name, SCORES, TARGET)
    with pytest.raises(DataError, match="target"):
        cost(f"{name}:from_logits=true", SCORES, 2 * TARGET)


@every_ratio
def test_global_is_one_ratio_over_all_pixels(name: str) -> None:
    pred, target = pixels(9, 7)
    spec = parse(f"{name}:aggregate=global")
    whole = ORACLES[name](pred.ravel().tolist(), target.ravel().tolist())
    found = spec.evaluate({"pred": pred, "target": target})
    if isinstance(found, tuple):
        assert spec.reduction.name == "ratio"
        value = math.fsum(found[0]) / math.fsum(found[1])
    else:
        assert (spec.reduction.name, spec.scope(("pred", "target"))) == ("sum", "file")
        value = math.fsum(found)
        order = np.random.default_rng(0).permutation(9)
        again = spec.evaluate({"pred": pred[order], "target": target[order]})
        assert again.tobytes() == found[order].tobytes()
        assert spec.evaluate({"pred": target, "target": target}).tolist() == [0.0] * 9
    assert value == pytest.approx(float(whole), rel=1e-14)


@every_ratio
@pytest.mark.parametrize("told", ["smooth=1", "smooth_den=0.25", "smooth_num=0.5,smooth_den=90"])
def test_over_all_images_smoothing_is_added_once(name: str, told: str, tmp_path: Path) -> None:
    pred, target = pixels(40, 7)
    files = [str(tmp_path / "pred.npy"), str(tmp_path / "target.npy")]
    for path, array in zip(files, (pred, target), strict=True):
        np.save(path, array)
    text = f"{name}:{told},aggregate=global"
    report = lossctl.evaluate(*files, text, task="masks", top=40)
    loss = report.losses[0]
    given = {key: float(value) for key, value in (part.split("=") for part in told.split(","))}

    def exact(kept: Any) -> float:
        return float(
            ORACLES[name](pred[kept].ravel().tolist(), target[kept].ravel().tolist(), **given)
        )

    every = np.ones(40, dtype=bool)
    assert loss.value == pytest.approx(exact(every), rel=1e-14)
    # Without a row smoothing is added all the same, and no row has a share in it.
    top = report.worst.rows[0]
    kept = every.copy()
    kept[top.row] = False
    assert top.without[loss.spec] == pytest.approx(exact(kept), rel=1e-13)
    shares = [row.shares[loss.spec] for row in report.worst.rows]
    assert math.fsum(shares) == pytest.approx(1.0, rel=1e-12)
    if name != "focal_tversky":
        spec = parse(loss.spec)
        num, den = spec.evaluate({"pred": pred, "target": target})
        pulls = (num - loss.value * den) / (den.sum() + spec.offset[1])
        shown = {row.row: row.pull[loss.spec] for row in report.worst.rows}
        assert [shown[place] for place in range(40)] == pytest.approx(pulls.tolist(), abs=1e-15)
        half = t_quantile(0.975, 39) * math.sqrt(40) * pulls.std(ddof=1)
        reach = (loss.interval["high"] - loss.interval["low"]) / 2
        assert reach == pytest.approx(half, rel=1e-12)


def test_the_ratio_of_empty_images_is_what_is_added() -> None:
    empty = np.zeros((3, 4))
    for told, value in (("like=keras", 1.0), ("smooth=1,aggregate=global", 0.0),
                        ("smooth_num=1,smooth_den=4,aggregate=global", 0.75)):  # fmt: skip
        found = lossctl.evaluate(empty, empty, f"dice:{told}", task="masks").losses[0]
        assert found.value == value
    plain = lossctl.evaluate(empty, empty, "dice:aggregate=global", task="masks").losses[0]
    assert (plain.value, plain.status) == (None, "undefined")


# --- empty images, settings --------------------------------------------------------------------


@every_ratio
def test_what_an_empty_image_costs(name: str) -> None:
    pred = np.array([[0.0, 0.0], [0.0, 0.0], [0.5, 0.0], [5e-324, 0.0]])
    target = np.array([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0], [0.0, 0.0]])
    assert cost(name, pred, target).tolist() == [0.0, 1.0, 1.0, 1.0]
    assert cost(f"{name}:empty=1", pred, target).tolist() == [1.0] * 4
    assert cost(f"{name}:empty=0.25", pred, target).tolist() == [0.25, 1.0, 1.0, 1.0]
    assert pair(f"{name}:empty=nan", pred, target) == [[0.0, 1.0, 1.0, 1.0], [0.0, 1.0, 1.0, 1.0]]
    assert cost(f"{name}:smooth=1,empty=1", EMPTY, EMPTY).tolist() == [0.0]
    note = parse(f"{name}:empty=nan")
    assert "left out" in note.loss.note(**note.all_settings)
    assert note.loss.note(**note.loss.check({})) is None
    with pytest.raises(UsageError, match="or nan"):
        parse(f"{name}:empty=2")


@every_ratio
def test_settings_that_contradict_are_refused(name: str) -> None:
    for told in ("smooth_num=2,smooth_den=1", "smooth=1,smooth_den=0.5"):
        with pytest.raises(UsageError, match="losses would be negative"):
            cost(f"{name}:{told}", SOFT, TARGET)
        with pytest.raises(UsageError, match="losses would be negative"):
            cost(f"{name}:aggregate=global,{told}", SOFT, TARGET)
    for told in ("empty=1", "empty=nan"):
        with pytest.raises(UsageError, match="one ratio over all images"):
            cost(f"{name}:aggregate=global,{told}", SOFT, TARGET)
    with pytest.raises(UsageError):
        parse(f"{name}:threshold=0")


@every_ratio
def test_a_threshold_hardens_the_prediction(name: str) -> None:
    hard = (SOFT >= 0.469).astype(float)
    assert cost(f"{name}:threshold=0.469", SOFT, TARGET).tobytes() == cost(
        name, hard, TARGET).tobytes()  # fmt: skip
    logits = np.array([[-1.0, 0.0, 2.0]])
    assert cost(f"{name}:threshold=0.5,from_logits=true", logits, [[0.0, 1.0, 1.0]]).tolist() == [
        0.0
    ]
    gradient = parse(f"{name}:threshold=0.5")
    slopes = gradient.loss.gradient(SOFT, TARGET, **gradient.all_settings)
    assert slopes.tolist() == np.zeros((3, 6)).tolist()


@every_ratio
def test_huge_logits(name: str) -> None:
    target = np.array([[1.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    right, wrong = 1e4 * (2 * target - 1), -1e4 * (2 * target - 1)
    # Even e^-10000 of a pixel is all of the prediction where the target is empty.
    assert cost(f"{name}:from_logits=true", right, target).tolist() == [0.0, 1.0]
    assert cost(f"{name}:from_logits=true", wrong, target).tolist() == [1.0, 1.0]
    infinite = np.where(target > 0, np.inf, -np.inf)
    assert cost(f"{name}:from_logits=true", infinite, target).tolist() == [0.0, 0.0]
    assert cost(f"{name}:from_logits=true,smooth=1", right, target).tolist() == [0.0, 0.0]


@every_ratio
def test_hard_masks_that_agree_cost_nothing_and_disjoint_ones_everything(name: str) -> None:
    rng = np.random.default_rng(0)
    target = (rng.random((6, 1001)) < 0.3).astype(float)
    assert cost(name, target, target).tolist() == [0.0] * 6
    off = rng.random((6, 1001)) * (1.0 - target)
    assert cost(name, off, target).tolist() == [1.0] * 6


def test_a_soft_target_is_met_only_with_squares() -> None:
    soft = np.array([[0.3, 0.7, 1e-200]])
    assert cost("dice", soft, soft)[0] > 0.4
    assert cost("dice:squared_denominator=true", soft, soft).tolist() == [0.0]
    tiny = np.array([[1e-200, 0.0]])
    assert cost("dice:squared_denominator=true", tiny, 0.5 * tiny)[0] == pytest.approx(0.2)


@pytest.mark.parametrize("name", [*RATIOS, "lovasz_hinge"])
def test_many_pixels_change_no_bit_with_layout_or_block(name: str) -> None:
    pred, target = pixels(8, 4099)
    loss = LOSSES[name]
    whole = loss(pred, target)
    alone = [loss(pred[i : i + 1], target[i : i + 1])[0] for i in range(8)]
    assert whole.tolist() == alone
    assert loss(np.asfortranarray(pred), np.asfortranarray(target)).tobytes() == whole.tobytes()
    assert loss(pred.reshape(8, -1, 1), target.reshape(8, 1, -1)).tobytes() == whole.tobytes()
    got, want = float(whole[0]), ORACLES[name](pred[0].tolist(), target[0].tolist())
    assert abs(got - want) <= 4 * math.ulp(got)


def test_masks_of_unlike_size() -> None:
    with pytest.raises(DataError, match="6 pixels, but target has 5"):
        cost("dice", SOFT, TARGET[:, :5])


# --- the Lovász hinge --------------------------------------------------------------------------


def test_lovasz_worked_examples() -> None:
    scores = np.array([[-2.13, 1.051, 0.77, -3.381, -1.027, 1.334],
                       [4.197, -1.924, -2.4, -2.271, -3.274, -3.772],
                       [0.413, 4.284, -0.908, 0.896, 1.207, 1.531]])  # fmt: skip
    assert cost("lovasz_hinge", scores, TARGET) == pytest.approx([2.0256, 0.0, 3.7009 / 3])
    # Without a true pixel only the greatest error counts; with one it bounds 1 - IoU.
    assert cost("lovasz", [[0.5, -2.0, 3.0]], [[0, 0, 0]]).tolist() == [4.0]
    assert cost("lovasz", [[-1.0, -1.0, -1.0]], [[0, 0, 0]]).tolist() == [0.0]
    assert cost("lovasz", [[-1.0]], [[1]]).tolist() == [2.0]
    assert cost("lovasz", [[0.0, 0.0]], [[1, 0]]).tolist() == [1.0]


def test_lovasz_is_above_the_jaccard_loss_of_the_hard_masks() -> None:
    rng = np.random.default_rng(3)
    scores, target = rng.normal(0, 2, (50, 9)), (rng.random((50, 9)) < 0.5).astype(float)
    hard = cost("jaccard", (scores > 0).astype(float), target)
    assert (cost("lovasz_hinge", scores, target) >= hard - 1e-15).all()


def test_lovasz_over_all_images_is_that_of_one_image_of_all_pixels() -> None:
    rng = np.random.default_rng(5)
    scores = np.round(rng.normal(0, 2, (6, 8)))  # many errors are equal
    target = (rng.random((6, 8)) < 0.4).astype(float)
    spec = parse("lovasz_hinge:aggregate=global")
    assert (spec.reduction.name, spec.scope(("pred", "target"))) == ("sum", "file")
    parts = cost("lovasz_hinge:aggregate=global", scores, target)
    whole = cost("lovasz_hinge", scores.reshape(1, -1), target.reshape(1, -1))[0]
    assert math.fsum(parts) == pytest.approx(whole, rel=1e-14)
    order = rng.permutation(6)
    again = cost("lovasz_hinge:aggregate=global", scores[order], target[order])
    assert again.tobytes() == parts[order].tobytes()
    nothing = cost("lovasz_hinge:aggregate=global", scores, 0 * target)
    assert math.fsum(nothing) == pytest.approx(1.0 + scores.max())


def test_lovasz_takes_hard_targets_only() -> None:
    with pytest.raises(DataError, match="whole number"):
        cost("lovasz_hinge", [[1.0, 2.0]], [[0.5, 1.0]])


# --- peers -------------------------------------------------------------------------------------


def test_presets_of_peers() -> None:
    # Keras adds 1e-7 below, to all images together by default; optax adds 1 in I + s, which is 2
    # in 2I + s, and takes logits.
    areas = 2 * (SOFT * TARGET).sum(axis=1), SOFT.sum(axis=1) + TARGET.sum(axis=1)
    keras = 1 - areas[0] / (areas[1] + 1e-7)
    per_image = "dice:like=keras,aggregate=sample,smooth_den=1e-7"
    np.testing.assert_allclose(cost(per_image, SOFT, TARGET), keras, rtol=1e-14)
    pooled = lossctl.evaluate(SOFT, TARGET, "dice:like=keras").losses[0].value
    assert pooled == pytest.approx(1 - areas[0].sum() / (areas[1].sum() + 1e-7), rel=1e-14)
    optax = 1 - (areas[0] + 2) / (areas[1] + 2)
    np.testing.assert_allclose(
        cost("dice:like=optax,from_logits=true", SCORES, TARGET), optax, rtol=1e-14
    )
    np.testing.assert_allclose(
        cost("tversky:like=optax,from_logits=true", SCORES, TARGET), optax, rtol=1e-14
    )


def test_alpha_weighs_false_positives() -> None:
    only_false_positives = np.array([[1.0, 1.0, 1.0]]), np.array([[1.0, 0.0, 0.0]])
    assert cost("tversky:alpha=1,beta=0", *only_false_positives)[0] == pytest.approx(2 / 3)
    assert cost("tversky:alpha=0,beta=1", *only_false_positives)[0] == 0.0
