"""What is made of each pair of true and predicted class, against plain sums over masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lossctl.analyses.decompositions.confusion import EXCESS, LISTED, rounds
from lossctl.batch import Batch
from lossctl.grammar import parse
from tests.decomposed import batch as rows_of
from tests.decomposed import found

NAMES = ("ant", "bee", "cat", "dog")


def data(seed: int, n: int = 60, k: int = 4, weighted: bool = False) -> Batch:
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(n, k)) * 2.0
    label = rng.integers(0, k, n)
    logits[np.arange(n), label] += 1.5
    pred = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    weight = rng.choice([0.0, 0.5, 1.0, 2.0], n) if weighted else None
    return rows_of({"pred": pred, "label": label.astype(float)}, weight)


def values(spec: str, batch: Batch) -> Any:
    return parse(spec).evaluate({"class_weight": None, **batch.columns})


@pytest.mark.parametrize("spec", ["scce", "cfocal", "zero_one", "gce", "rps", "multiclass_hinge"])
@pytest.mark.parametrize("weighted", [False, True])
def test_cells_are_the_sums_of_their_rows(spec: str, weighted: bool) -> None:
    batch = data(3, weighted=weighted)
    part = found(rounds, spec, batch, NAMES)
    assert part is not None
    loss = values(spec, batch)
    weight = np.ones(batch.count) if batch.weight is None else batch.weight
    label, read = batch.columns["label"], batch.columns["pred"].argmax(axis=1)
    total = (weight * loss).sum()
    assert part.data["count"] == len(part.data["cells"])
    assert sum(cell["rows"] for cell in part.data["cells"]) == batch.count
    for cell in part.data["cells"]:
        mine = (label == NAMES.index(cell["true"])) & (read == NAMES.index(cell["read_as"]))
        assert cell["rows"] == mine.sum() > 0
        assert cell["row_share"] == pytest.approx(weight[mine].sum() / weight.sum(), rel=1e-12)
        share = (weight * loss)[mine].sum() / total
        assert cell["loss_share"] == pytest.approx(share, rel=1e-12)
    for one in part.data["classes"]:
        mine = label == NAMES.index(one["class"])
        assert one["rows"] == mine.sum()
        assert one["loss_share"] == pytest.approx((weight * loss)[mine].sum() / total, rel=1e-12)
        mean = (weight * loss)[mine].sum() / weight[mine].sum()
        assert one["mean"] == pytest.approx(mean, rel=1e-12)
        assert one["lift"] == pytest.approx(mean / (total / weight.sum()), rel=1e-12)
    right = part.data["read_right"]
    mine = label == read
    assert right["rows"] == mine.sum()
    assert right["loss_share"] == pytest.approx((weight * loss)[mine].sum() / total, abs=1e-15)


@pytest.mark.parametrize("key", ["cells", "classes"])
def test_shares_sum_to_one(key: str) -> None:
    part = found(rounds, "scce", data(5, weighted=True), NAMES)
    assert part is not None
    for share in ("row_share", "loss_share"):
        assert sum(one[share] for one in part.data[key]) == pytest.approx(1.0, abs=1e-15)


def test_blocks_and_order_change_nothing() -> None:
    batch = data(7, weighted=True)
    whole = found(rounds, "scce", batch, NAMES)
    shuffled = np.random.default_rng(0).permutation(60)
    for size in (1, 7, 59):
        blocks = [range(at, min(at + size, 60)) for at in range(0, 60, size)]
        assert found(rounds, "scce", batch, NAMES, blocks) == whole
    columns = {role: column[shuffled] for role, column in batch.columns.items()}
    assert batch.weight is not None
    assert found(rounds, "scce", rows_of(columns, batch.weight[shuffled]), NAMES) == whole


def test_weight_two_is_the_row_twice() -> None:
    batch = data(9)
    twice = np.arange(60) % 3 == 0
    weighted = found(rounds, "scce", rows_of(batch.columns, 1.0 + twice), NAMES)
    columns = {role: np.concatenate([c, c[twice]]) for role, c in batch.columns.items()}
    repeated = found(rounds, "scce", rows_of(columns), NAMES)
    assert weighted is not None and repeated is not None
    for one, other in zip(weighted.data["cells"], repeated.data["cells"], strict=True):
        for name in ("true", "read_as", "row_share", "loss_share", "mean"):
            assert one[name] == other[name]


def test_the_class_that_stands_out_is_named_with_what_it_is_read_as() -> None:
    label = np.repeat([0, 1, 2, 3], 10)
    pred = np.full((40, 4), 0.02)
    pred[np.arange(40), label] = 0.94
    pred[20:26, 2], pred[20:26, 1] = 0.02, 0.94
    part = found(rounds, "scce", rows_of({"pred": pred, "label": label * 1.0}), NAMES)
    assert part is not None and part.table is not None
    assert part.name == "confusion scce"
    assert part.text == (
        "class cat is 25.0 % of rows and 92.7 % of SCCE; most of it read as bee (6 rows)"
    )
    first, last = part.table.rows
    assert first[:4] == ("cat", "bee", 6, 0.15)
    assert last[:3] == ("any", "itself", 34)


def test_classes_that_do_not_stand_out() -> None:
    label = np.repeat([0, 1], 10)
    pred = np.where(np.arange(2) == label[:, np.newaxis], 0.9, 0.1)
    pred[3], pred[13], pred[14] = [0.1, 0.9], [0.9, 0.1], [0.9, 0.1]
    batch = rows_of({"pred": pred, "label": label * 1.0})
    part = found(rounds, "zero_one", batch)
    assert part is not None
    assert part.text == (
        "no class stands out in zero_one; the costliest mistake is 1 read as 0: 2 rows, "
        "66.7 % of it"
    )
    assert EXCESS < 2 / 3 - 1 / 2  # the lift is what is missing
    pred[[3, 13, 14]] = pred[[0, 10, 10]]
    part = found(rounds, "scce", rows_of({"pred": pred, "label": label * 1.0}))
    assert part is not None and part.table is not None
    assert part.text == "no class stands out in SCCE; every row is read right"
    assert len(part.table.rows) == 1


def test_the_table_lists_the_costliest_mistakes() -> None:
    batch = data(11, n=900, k=8)
    part = found(rounds, "scce", batch)
    assert part is not None and part.table is not None
    assert len(part.table.rows) == LISTED + 1
    wrong = [cell for cell in part.data["cells"] if cell["true"] != cell["read_as"]]
    assert [row[:2] for row in part.table.rows[:-1]] == [
        (cell["true"], cell["read_as"]) for cell in wrong[:LISTED]
    ]
    shares = [cell["loss_share"] for cell in wrong]
    assert shares == sorted(shares, reverse=True)


def test_ignored_labels_are_in_no_cell() -> None:
    batch = data(13)
    batch.columns["label"][:5] = -100.0
    part = found(rounds, "scce:ignore_index=-100", batch)
    assert part is not None
    assert sum(cell["rows"] for cell in part.data["cells"]) == 55
    assert {one["class"] for one in part.data["classes"]} == {"0", "1", "2", "3"}


def test_labels_for_labels() -> None:
    label, pred = np.array([0.0, 0, 1, 2, 2]), np.array([0.0, 1, 1, 2**51, 2])
    part = found(rounds, "zero_one", rows_of({"pred": pred, "label": label}))
    assert part is not None
    wrong = {(c["true"], c["read_as"]): c["loss_share"] for c in part.data["cells"] if c["mean"]}
    assert wrong == {("0", "1"): 0.5, ("2", str(2**51)): 0.5}


@pytest.mark.parametrize(
    ("spec", "columns"),
    [
        ("mse", {"pred": np.ones(2), "target": np.zeros(2)}),
        ("accuracy", {"pred": np.ones(2), "label": np.zeros(2)}),  # larger is better
        ("zero_one:threshold=0.5", {"pred": np.ones(2), "label": np.zeros(2)}),
        ("zero_one", {"pred": np.ones((2, 3)), "label": np.zeros((2, 3))}),  # several labels
        ("brier", {"pred": np.ones(2), "target": np.zeros(2)}),
        ("cce", {"pred": np.eye(2), "target": np.eye(2)[::-1]}),
    ],
)
def test_it_is_silent_where_no_row_has_a_true_and_a_predicted_class(
    spec: str, columns: dict[str, Any]
) -> None:
    assert found(rounds, spec, rows_of(columns)) is None


def test_it_is_silent_of_what_is_infinite_or_nothing() -> None:
    label = np.zeros(2)
    infinite = np.array([[0.0, 1.0], [1.0, 0.0]])
    assert found(rounds, "scce:eps=0", rows_of({"pred": infinite, "label": label})) is None
    assert found(rounds, "scce", rows_of({"pred": infinite[[1, 1]], "label": label})) is None
