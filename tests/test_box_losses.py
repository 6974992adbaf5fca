"""Overlap of boxes: worked examples, degenerate boxes, far and huge coordinates, formats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from tests.loss_cases import LOSSES
from tests.oracles import ORACLES

NAMES = ("iou_loss", "giou_loss", "diou_loss", "ciou_loss")
every_name = pytest.mark.parametrize("name", NAMES)


def cost(text: str, pred: Any, target: Any) -> list[float]:
    spec = parse(text)
    found: list[float] = spec.loss(pred, target, **spec.all_settings).tolist()
    return found


def boxes(seed: int, size: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Pairs that are far apart, overlap, or nearly agree, as corners."""
    rng = np.random.default_rng(seed)
    first = np.sort(rng.uniform(0.0, 6.0, (size, 2, 2)), axis=1).reshape(size, 4)
    second = np.sort(rng.uniform(0.0, 6.0, (size, 2, 2)), axis=1).reshape(size, 4)
    near = first + rng.normal(0.0, 1.0, (size, 4)) * 10.0 ** -rng.integers(2, 15, (size, 1))
    return first, np.where(rng.random((size, 1)) < 0.5, np.sort(
        near.reshape(size, 2, 2), axis=1).reshape(size, 4), second)  # fmt: skip


def ulps(name: str, pred: np.ndarray, target: np.ndarray, **told: Any) -> float:
    """The greatest distance from the oracle."""
    found = []
    for got, p, t in zip(LOSSES[name](pred, target, **told), pred, target, strict=True):
        want = ORACLES[name](p.tolist(), t.tolist(), **told)
        found.append(float(abs(want - float(got))) / math.ulp(float(want)))
    return max(found)


# --- worked examples ---------------------------------------------------------------------------


def test_worked_examples() -> None:
    pred = [[0, 0, 2, 2], [0, 0, 4, 3], [1.5, 2, 5, 7]]
    target = [[1, 1, 3, 3], [1, 1, 3, 5], [2, 2.5, 6, 6]]
    assert cost("iou_loss", pred, target) == pytest.approx([6 / 7, 0.75, 0.5], rel=1e-15)
    assert cost("giou", pred, target) == pytest.approx([6 / 7 + 2 / 9, 0.95, 0.5 + 1 / 15])
    assert cost("diou", pred, target) == pytest.approx([6 / 7 + 1 / 9, 33 / 41, 0.5138121546961326])
    assert cost("ciou", pred, target) == pytest.approx(
        [6 / 7 + 1 / 9, 0.8139454525253753, 0.5148746624112653], rel=1e-14
    )


def test_giou_where_the_seed_has_the_wrong_sign() -> None:
    # Apart on both axes, where it printed +0.111 and +0.583, and on one, where it printed -0.583.
    pred = [[0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 1, 1]]
    target = [[2, 2, 3, 3], [3, 5, 4, 6], [2, 0, 3, 2]]
    right = [-7 / 9, -19 / 24, -0.5]
    assert cost("giou:as_similarity=true", pred, target) == pytest.approx(right, rel=1e-15)
    assert [round(value, 3) for value in right] == [-0.778, -0.792, -0.5]
    assert cost("giou", pred, target) == pytest.approx([1 - value for value in right], rel=1e-15)
    # The same boxes with y turned round: image coordinates do not matter.
    turned = [[[x1, -y2, x2, -y1] for x1, y1, x2, y2 in side] for side in (pred, target)]
    assert cost("giou", *turned) == pytest.approx([1 - value for value in right], rel=1e-15)


def test_diou_and_ciou_pair_row_by_row_and_equal_points_are_no_nan() -> None:
    point = [[1, 1, 1, 1]]
    assert cost("diou", point, point) == cost("ciou", point, point) == [1.0]
    with pytest.raises(DataError, match="shapes differ"):
        cost("diou", [[0, 0, 1, 1]] * 3, [[0, 0, 1, 1]] * 2)
    assert len(cost("diou", [[0, 0, 1, 1]] * 3, [[0, 0, 1, 1]] * 3)) == 3


def test_ciou_value_where_the_seed_adds_a_surrogate() -> None:
    # It printed a similarity of 0.470, and for the boxes 100 times as large 202.35, clamped to 1.
    for scale in (1.0, 100.0, 2.0**-500):
        pred, target = np.array([[0, 0, 1, 1.0]]) * scale, np.array([[0, 0, 2, 1.0]]) * scale
        assert cost("ciou", pred, target) == pytest.approx([0.553248129298557], rel=1e-14)
        similar = cost("ciou:as_similarity=true", pred, target)
        assert similar == pytest.approx([0.4467518707], rel=1e-9)
    assert cost("ciou", [[0, 0, 1, 1], [3, 4, 10, 6]], [[0, 0, 1, 1], [3, 4, 10, 6]]) == [0.0, 0.0]


def test_a_threshold_drops_the_shape_penalty_of_boxes_that_hardly_overlap() -> None:
    pred, target = [[0, 0, 1, 1], [0, 0, 4, 3]], [[0, 0, 2, 1], [1, 1, 3, 5]]  # IoU 0.5, 0.25
    plain, distance = cost("ciou", pred, target), cost("diou", pred, target)
    told = cost("ciou:ciou_threshold=0.5", pred, target)
    assert told == [plain[0], distance[1]]
    assert plain[1] > distance[1]


def test_eps_as_torchvision() -> None:
    pred, target = [[0, 0, 1, 1], [0, 0, 100, 100]], [[0, 0, 2, 1], [0, 0, 200, 100]]
    expected = {
        "iou_loss": [0.5000000249999987, 0.5000000000025],
        "giou_loss": [0.5000000249999987, 0.5000000000025],
        "diou_loss": [0.5500000239999988, 0.5500000000024],
        "ciou_loss": [0.5532481525493884, 0.5532481287016081],
    }
    for name, values in expected.items():
        assert cost(f"{name}:eps=1e-7", pred, target) == pytest.approx(values, rel=1e-14)
    # It makes equal boxes of area 1e-4 cost 1e-3.
    small = [[0, 0, 0.01, 0.01]]
    assert cost("iou_loss:eps=1e-7", small, small) == pytest.approx([1e-7 / (1e-4 + 1e-7)])


# --- degenerate boxes --------------------------------------------------------------------------


def test_boxes_without_area() -> None:
    pred = [[1, 1, 1, 1], [0, 0, 2, 0], [0, 0, 0, 2], [5, 5, 5, 5], [1, 1, 1, 1]]
    target = [[1, 1, 1, 1], [0, 0, 2, 2], [0, 0, 0, 2], [1, 1, 1, 1], [0, 0, 2, 2]]
    assert cost("iou_loss", pred, target) == [1.0] * 5
    # Points at opposite corners of a hull are all of it apart; a line's hull has no area.
    assert cost("giou", pred, target) == [1.0, 1.0, 1.0, 2.0, 1.0]
    assert cost("diou", pred, target) == [1.0, 1.125, 1.0, 2.0, 1.0]
    assert cost("ciou", pred, target)[:3] == pytest.approx([1.0, 1.175, 1.0], rel=1e-15)
    for name in NAMES:
        assert np.isfinite(cost(f"{name}:eps=1e-7", pred, target)).all()


@every_name
def test_equal_boxes_cost_exactly_nothing(name: str) -> None:
    pred, _ = boxes(1)
    pred = np.concatenate([pred, pred * 1e150, pred * 1e-170, pred + 1e8])
    assert cost(name, pred, pred) == [0.0] * len(pred)
    assert cost(f"{name}:as_similarity=true", pred, pred) == [1.0] * len(pred)


def test_boxes_that_touch() -> None:
    pred, target = [[0, 0, 1, 1]], [[1, 0, 2, 1]]
    values = [cost(name, pred, target)[0] for name in NAMES]
    assert values == [1.0, 1.0, 1.2, 1.2]


# --- accuracy ----------------------------------------------------------------------------------


@every_name
@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-170, 2.0**1021 / 6.0])
def test_within_4_ulp_at_any_scale(name: str, scale: float) -> None:
    pred, target = boxes(2, 25)
    assert ulps(name, pred * scale, target * scale) <= 4.0
    squeezed = np.array([1e-150, 1.0, 1e-150, 1.0])
    assert ulps(name, pred[:10] * squeezed, target[:10] * squeezed) <= 4.0


@every_name
def test_small_boxes_far_from_the_origin(name: str) -> None:
    pred, target = boxes(3, 25)
    pred, target = 1e8 + pred * 1e-3, 1e8 + target * 1e-3
    assert ulps(name, pred, target) <= 4.0
    sized = [np.column_stack([box[:, :2], box[:, 2:] - box[:, :2]]) for box in (pred, target)]
    for form in ("xywh", "cxcywh"):
        assert ulps(name, *sized, boxes=form) <= 4.0


@every_name
def test_huge_and_whole_coordinates(name: str) -> None:
    most = np.finfo(np.float64).max
    ends = [[-most, -most, most, most], [0, 0, most, most], [-most, 0, 5e-324, 5e-324],
            [0, 0, 0, 0], [most, most, most, most]]  # fmt: skip
    pred = np.repeat(ends, 5, axis=0)
    target = np.tile(ends, (5, 1))
    for told in ("", ":eps=1e-7", ":as_similarity=true"):
        assert np.isfinite(cost(name + told, pred, target)).all()
    # Integers that float64 cannot hold are subtracted exactly.
    whole = np.array([[2**60, 2**60, 2**60 + 3, 2**60 + 1]])
    other = np.array([[2**60 + 1, 2**60, 2**60 + 3, 2**60 + 1]])
    assert cost(name, whole, other) == cost(name, whole - 2**60, other - 2**60)


# --- formats -----------------------------------------------------------------------------------


@every_name
def test_formats_are_the_same_boxes(name: str) -> None:
    corners = [np.round(side * 8) / 8 for side in boxes(4)]
    sizes = [side[:, 2:] - side[:, :2] for side in corners]
    by_corner = [np.column_stack([s[:, :2], w]) for s, w in zip(corners, sizes, strict=True)]
    by_centre = [np.column_stack([s[:, :2] + w / 2, w])
                 for s, w in zip(corners, sizes, strict=True)]  # fmt: skip
    values = cost(name, *corners)
    assert cost(f"{name}:boxes=xywh", *by_corner) == pytest.approx(values, rel=1e-15)
    assert cost(f"{name}:boxes=cxcywh", *by_centre) == pytest.approx(values, rel=1e-15)


@every_name
def test_what_is_no_box(name: str) -> None:
    good = [[0, 0, 1, 1]]
    with pytest.raises(DataError, match=r"pred row 1 is \[2, 0, 1, 1\].* x1 ≤ x2 and y1 ≤ y2"):
        cost(name, [*good, [2, 0, 1, 1]], good * 2)
    with pytest.raises(DataError, match=r"target row 0 .* w ≥ 0 and h ≥ 0"):
        cost(f"{name}:boxes=xywh", good, [[0, 0, 1, -1]])
    # Corner 5, size 1: a box by its size, though not by its corners.
    assert cost(f"{name}:boxes=xywh", [[5, 5, 1, 1]], [[5, 5, 1, 1]]) == [0.0]
    with pytest.raises(DataError, match="3 values a row, not 4"):
        cost(name, [[0, 0, 1]], good)
    with pytest.raises(DataError):
        cost(name, [[0, 0, 1, math.inf]], good)
    with pytest.raises(UsageError, match="one of xyxy, xywh, cxcywh"):
        parse(f"{name}:boxes=yxyx")


# --- identities --------------------------------------------------------------------------------


def test_identities() -> None:
    pred, target = boxes(5)
    iou, giou, diou, ciou = (np.array(cost(name, pred, target)) for name in NAMES)
    assert (giou >= iou).all()
    assert (diou >= iou).all()
    assert (ciou >= diou).all()
    assert max(iou.max() - 1.0, giou.max() - 2.0, diou.max() - 2.0, ciou.max() - 2.5) <= 0.0
    for name, values in zip(NAMES, (iou, giou, diou, ciou), strict=True):
        assert cost(name, target, pred) == pytest.approx(values.tolist(), rel=1e-14)
        similar = np.array(cost(f"{name}:as_similarity=true", pred, target))
        np.testing.assert_allclose(similar, 1.0 - values, rtol=0.0, atol=1e-15)
    # Squares have one shape: no penalty for it.
    square = np.column_stack([pred[:, :2], pred[:, :2] + 1.0])
    other = np.column_stack([target[:, :2], target[:, :2] + 2.0])
    assert cost("ciou", square, other) == pytest.approx(cost("diou", square, other), rel=1e-14)


def test_a_note_says_that_a_similarity_is_printed() -> None:
    spec = parse("giou:as_similarity=true")
    assert "larger is better" in spec.loss.note(**spec.all_settings)
    assert spec.loss.note(**spec.loss.check({})) is None


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("iou_loss", 0.0, 1.0), ("giou", -1.0, 2.0), ("diou", -1.0, 2.0), ("ciou", -1.5, 2.5)],
)
def test_a_similarity_has_its_own_range_and_no_worst_row(
    name: str, least: float, most: float
) -> None:
    loss, similarity = parse(name), parse(f"{name}:as_similarity=true")
    assert (loss.low, loss.high, loss.direction) == (0.0, most, "min")
    assert (similarity.low, similarity.high, similarity.direction) == (least, 1.0, "max")
    pred, target = boxes(6, 30)
    pred[3] = target[3]
    report = lossctl.evaluate(pred, target, [name, str(similarity)], task="boxes")
    assert report.losses[0].worst is not None
    assert report.losses[1].worst is None
    assert report.losses[1].direction == "max"
    alone = lossctl.evaluate(pred, target, str(similarity), task="boxes")
    assert alone.worst is None
    assert "worst" not in alone.finding
    interval = alone.losses[0].interval
    assert least <= interval["low"] <= interval["high"] <= 1.0


def test_a_gradient_step_helps_where_iou_is_flat() -> None:
    pred, target = np.array([[0.0, 0.0, 1.0, 1.0]]), np.array([[4.0, 0.0, 5.0, 1.0]])
    told = parse("iou_loss").all_settings
    assert LOSSES["iou_loss"].gradient(pred, target, **told).tolist() == [[0.0] * 4]
    for name in ("giou_loss", "diou_loss"):
        slope = LOSSES[name].gradient(pred, target, **told)
        assert slope[0, 2] < 0.0
        assert cost(name, pred - 0.1 * slope, target) < cost(name, pred, target)
    assert LOSSES["ciou_loss"].gradient is None
