"""The terms of box losses against their formulas written out, and against the loss itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lossctl.analyses.decompositions.box_terms import rounds
from lossctl.batch import Batch
from lossctl.grammar import parse
from tests.decomposed import batch as rows_of
from tests.decomposed import found


def corners(seed: int, n: int) -> Any:
    rng = np.random.default_rng(seed)
    low = rng.uniform(0, 10, (n, 2))
    return np.concatenate([low, low + rng.uniform(0.5, 8, (n, 2))], axis=1)


def data(n: int = 40, weighted: bool = False) -> Batch:
    weight = np.random.default_rng(5).choice([0.0, 0.5, 2.0], n) if weighted else None
    return rows_of({"pred": corners(1, n), "target": corners(2, n)}, weight)


def oracle(pred: Any, target: Any) -> dict[str, Any]:
    """Each term of boxes as corners, after Rezatofighi et al. and Zheng et al."""
    low, high = np.maximum(pred[:, :2], target[:, :2]), np.minimum(pred[:, 2:], target[:, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=1)
    area_p, area_t = ((b[:, 2:] - b[:, :2]).prod(axis=1) for b in (pred, target))
    union = area_p + area_t - inter
    hull = np.maximum(pred[:, 2:], target[:, 2:]) - np.minimum(pred[:, :2], target[:, :2])
    far = ((pred[:, :2] + pred[:, 2:] - target[:, :2] - target[:, 2:]) ** 2).sum(axis=1) / 4
    overlap = 1 - inter / union
    shape_p, shape_t = (
        np.arctan((b[:, 2] - b[:, 0]) / (b[:, 3] - b[:, 1])) for b in (pred, target)
    )
    v = 4 / math.pi**2 * (shape_t - shape_p) ** 2
    return {
        "overlap": overlap,
        "enclosing": 1 - union / hull.prod(axis=1),
        "centre": far / (hull**2).sum(axis=1),
        "aspect": v * v / (overlap + v),
    }


NAMES = {
    "giou": ("overlap", "enclosing"),
    "diou": ("overlap", "centre"),
    "ciou": ("overlap", "centre", "aspect"),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spec", NAMES)
def test_each_piece_is_its_mean_and_they_add_up(spec: str, weighted: bool) -> None:
    batch = data(weighted=weighted)
    part = found(rounds, spec, batch)
    assert part is not None and part.table is not None
    weight = np.ones(batch.count) if batch.weight is None else batch.weight
    expected = oracle(batch.columns["pred"], batch.columns["target"])
    value = np.average(parse(spec).evaluate(batch.columns), weights=weight)
    pieces = part.data["pieces"]
    assert tuple(pieces) == NAMES[spec]
    for name, piece in pieces.items():
        mean = np.average(expected[name], weights=weight)
        assert piece["value"] == pytest.approx(mean, rel=1e-11)
        assert piece["share"] == pytest.approx(mean / value, rel=1e-11)
    assert sum(piece["value"] for piece in pieces.values()) == pytest.approx(value, rel=1e-15)
    assert part.data["value"] == pytest.approx(value, rel=1e-15)
    assert [row[:3] for row in part.table.rows] == [
        (name, piece["value"], piece["share"]) for name, piece in pieces.items()
    ]


@pytest.mark.parametrize("boxes", ["xywh", "cxcywh"])
def test_boxes_given_otherwise_have_the_same_pieces(boxes: str) -> None:
    batch = data()
    columns = {}
    for role, box in batch.columns.items():
        size = box[:, 2:] - box[:, :2]
        first = box[:, :2] if boxes == "xywh" else box[:, :2] + size / 2
        columns[role] = np.concatenate([first, size], axis=1)
    one, other = (
        found(rounds, "ciou", batch),
        found(rounds, f"ciou:boxes={boxes}", rows_of(columns)),
    )
    assert one is not None and other is not None
    for name, piece in one.data["pieces"].items():
        assert other.data["pieces"][name]["value"] == pytest.approx(piece["value"], rel=1e-11)


def test_settings_reach_the_pieces() -> None:
    batch = data()
    plain, without = found(rounds, "ciou", batch), found(rounds, "ciou:ciou_threshold=1", batch)
    wide = found(rounds, "ciou:eps=5", batch)
    assert plain is not None and without is not None and wide is not None
    assert plain.data["pieces"]["aspect"]["value"] > 0.0
    assert without.data["pieces"]["aspect"]["value"] == 0.0
    assert wide.data["pieces"]["centre"]["value"] < plain.data["pieces"]["centre"]["value"]
    value = parse("ciou:eps=5").evaluate(batch.columns).mean()
    assert wide.data["value"] == pytest.approx(value, rel=1e-15)


ONE = rows_of({"pred": np.array([[0.0, 0, 2, 1]]), "target": np.array([[1.0, 0, 3, 1]])})


@pytest.mark.parametrize(
    ("spec", "text"),
    [
        ("diou", "diou 0.7667 = 0.6667 overlap + 0.1000 centre"),
        ("giou", "giou 0.6667 = 0.6667 overlap + 0.0000 enclosing"),
        ("ciou", "ciou 0.7667 = 0.6667 overlap + 0.1000 centre + 0.0000 aspect"),
        ("diou:as_similarity=true", "diou 0.2333 = 1 - 0.6667 overlap - 0.1000 centre"),
        ("diou:reduction=sum", "diou 1.533 = 1.333 overlap + 0.200 centre"),
        ("diou:as_similarity=true,reduction=sum", "diou 0.4667 = 2 - 1.333 overlap - 0.200 centre"),
    ],
)
def test_sentence(spec: str, text: str) -> None:
    twice = {role: np.repeat(column, 2, axis=0) for role, column in ONE.columns.items()}
    part = found(rounds, spec, rows_of(twice), decompose=False)
    assert part is not None and part.table is None
    assert part.text == text


def test_a_small_piece_is_not_zero() -> None:
    columns = {"pred": np.array([[0.0, 0, 1, 1]]), "target": np.array([[0.0, 0, 1.004, 1]])}
    part = found(rounds, "ciou", rows_of(columns))
    assert part is not None
    assert part.text == "ciou 0.003986 = 0.003984 overlap + 0.000002 centre + 6.5e-10 aspect"


@pytest.mark.parametrize("weighted", [False, True])
def test_pairs_that_share_nothing_are_counted(weighted: bool) -> None:
    batch = data(weighted=weighted)
    part = found(rounds, "giou", batch)
    assert part is not None
    expected = oracle(batch.columns["pred"], batch.columns["target"])
    weight = np.ones(batch.count) if batch.weight is None else batch.weight
    loss, lone = weight * parse("giou").evaluate(batch.columns), expected["overlap"] == 1.0
    assert 1 < lone.sum() < batch.count
    assert part.data["apart"]["rows"] == lone.sum()
    assert part.data["apart"]["share"] == pytest.approx(loss[lone].sum() / loss.sum(), rel=1e-12)
    percent = f"{100 * loss[lone].sum() / loss.sum():.1f} %"
    assert part.text.endswith(f"; {lone.sum()} pairs do not overlap and make {percent} of the loss")
    assert "overlap and" not in getattr(found(rounds, "giou", ONE), "text", "overlap and")


def test_blocks_order_and_weights() -> None:
    batch = data(weighted=True)
    whole = found(rounds, "ciou", batch)
    assert found(rounds, "ciou", batch, blocks=[range(7), range(7, 8), range(8, 40)]) == whole
    assert batch.weight is not None
    turned = {role: column[::-1].copy() for role, column in batch.columns.items()}
    assert found(rounds, "ciou", rows_of(turned, batch.weight[::-1])) == whole
    twice = np.arange(40) % 3 == 0
    weighted = found(rounds, "ciou", rows_of(batch.columns, 1.0 + twice))
    repeated = {role: np.concatenate([c, c[twice]]) for role, c in batch.columns.items()}
    other = found(rounds, "ciou", rows_of(repeated))
    assert other is not None and weighted is not None
    assert other.data["pieces"] == weighted.data["pieces"]
    assert other.data["apart"]["share"] == weighted.data["apart"]["share"]


def test_it_is_silent_of_other_losses_and_of_no_loss() -> None:
    assert found(rounds, "iou_loss", data()) is None
    same = rows_of({"pred": corners(1, 3), "target": corners(1, 3)})
    assert found(rounds, "giou", same) is None
    assert found(rounds, "giou:reduction=none", data()) is None
