"""What each class adds to KL, JS and cross-entropy, against their formulas written out."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.special import rel_entr

from lossctl.analyses.decompositions.class_terms import LISTED, rounds
from lossctl.batch import Batch
from lossctl.grammar import parse
from tests.decomposed import batch as rows_of
from tests.decomposed import found

NAMES = ("ant", "bee", "cat", "dog")


def data(weighted: bool = False, n: int = 30, k: int = 4) -> Batch:
    rng = np.random.default_rng(8)
    target, pred = rng.dirichlet(np.ones(k), n), rng.dirichlet(np.full(k, 2.0), n)
    target[:5, 0] = 0.0
    target[:5] /= target[:5].sum(axis=1, keepdims=True)
    weight = rng.choice([0.0, 0.5, 2.0], n) if weighted else None
    return rows_of({"pred": pred, "target": target}, weight)


def middle(p: Any, q: Any) -> Any:
    m = (p + q) / 2
    return (rel_entr(p, m) + rel_entr(q, m)) / 2


FORMULAS = {
    "kl": rel_entr,
    "kl:base=2": lambda p, q: rel_entr(p, q) / math.log(2),
    "kl:direction=reverse,eps=0.001": lambda p, q: rel_entr(
        np.clip(q, 0.001, 1), np.clip(p, 0.001, 1)
    ),
    "kl:generalized=true": lambda p, q: rel_entr(p, q) - p + q,
    "js": middle,
    "js:base=2": lambda p, q: middle(p, q) / math.log(2),
    "cce": lambda p, q: -p * np.log(q),
    "cce:label_smoothing=0.1": lambda p, q: -(0.9 * p + 0.025) * np.log(q),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("spec", FORMULAS)
def test_each_class_adds_its_term(spec: str, weighted: bool) -> None:
    batch = data(weighted)
    part = found(rounds, spec, batch, NAMES)
    assert part is not None
    weight = np.ones(batch.count) if batch.weight is None else batch.weight
    expected = np.average(
        FORMULAS[spec](batch.columns["target"], batch.columns["pred"]), weights=weight, axis=0
    )
    value = np.average(
        parse(spec).evaluate({"class_weight": None, **batch.columns}), weights=weight
    )
    classes = part.data["classes"]
    assert [one["adds"] for one in classes] == sorted(
        (one["adds"] for one in classes), reverse=True
    )
    for one in classes:
        place = NAMES.index(one["class"])
        assert one["adds"] == pytest.approx(expected[place], rel=1e-11, abs=1e-14)
        assert one["share"] == pytest.approx(expected[place] / value, rel=1e-11, abs=1e-14)
        if spec == "kl":
            for side in ("target", "pred"):
                mean = np.average(batch.columns[side][:, place], weights=weight)
                assert one[side] == pytest.approx(mean, rel=1e-12)
    assert sum(one["adds"] for one in classes) == pytest.approx(value, rel=1e-12)
    assert part.data["value"] == pytest.approx(value, rel=1e-12)
    assert part.data["below_zero"] == (expected < 0).sum()


def test_logits_logarithms_and_other_means() -> None:
    batch = data()
    plain = found(rounds, "kl", batch)
    logs = {"pred": np.log(batch.columns["pred"]), "target": batch.columns["target"]}
    assert plain is not None
    for spec, scale in (
        ("kl:from_logits=true", 1.0),
        ("kl:log_input=true", 1.0),
        ("kl:from_logits=true,reduction=mean_over_elements", 0.25),
        ("kl:from_logits=true,reduction=sum", 30.0),
    ):
        other = found(rounds, spec, rows_of(logs))
        assert other is not None
        for one, same in zip(plain.data["classes"], other.data["classes"], strict=True):
            assert one["class"] == same["class"]
            assert same["adds"] == pytest.approx(scale * one["adds"], rel=1e-11, abs=1e-14)
            assert same["share"] == pytest.approx(one["share"], rel=1e-10)


def test_class_weights_count() -> None:
    batch = data()
    batch.columns["class_weight"] = np.array([1.0, 2.0, 3.0, 0.0])
    weighted, plain = found(rounds, "cce", batch), found(rounds, "cce", data())
    assert weighted is not None and plain is not None
    adds = {one["class"]: one["adds"] for one in plain.data["classes"]}
    for one in weighted.data["classes"]:
        factor = batch.columns["class_weight"][int(one["class"])]
        assert one["adds"] == pytest.approx(factor * adds[one["class"]], rel=1e-12)


def test_sentence_and_table() -> None:
    target, pred = np.array([[0.5, 0.5, 0.0]]), np.array([[0.25, 0.625, 0.125]])
    part = found(rounds, "kl", rows_of({"pred": pred, "target": target}), NAMES[:3])
    assert part is not None and part.table is not None
    assert part.name == "classes kl"
    assert part.text == (
        "KL 0.235: class ant adds 0.347 (147.5 %); "
        "1 class takes 0.112 off (negative where more is predicted than is)"
    )
    assert [row[0] for row in part.table.rows] == ["ant", "cat", "bee"]
    assert part.table.rows[0][3:] == (0.5, 0.25)
    no_loss = rows_of({"pred": target, "target": target})
    assert found(rounds, "kl", no_loss) is None


def test_of_many_classes_the_largest_and_the_last_are_listed() -> None:
    part = found(rounds, "kl", data(k=25))
    assert part is not None and part.table is not None
    assert len(part.table.rows) == LISTED and part.data["count"] == 25
    listed = [one["class"] for one in part.data["classes"]]
    assert [row[0] for row in part.table.rows] == [*listed[: LISTED - 1], listed[-1]]


def test_blocks_order_and_weights() -> None:
    batch = data(weighted=True)
    whole = found(rounds, "kl", batch)
    assert found(rounds, "kl", batch, blocks=[range(3), range(3, 4), range(4, 30)]) == whole
    assert batch.weight is not None
    turned = {role: column[::-1].copy() for role, column in batch.columns.items()}
    assert found(rounds, "kl", rows_of(turned, batch.weight[::-1])) == whole
    twice = np.arange(30) % 3 == 0
    repeated = {role: np.concatenate([c, c[twice]]) for role, c in batch.columns.items()}
    assert found(rounds, "kl", rows_of(batch.columns, 1.0 + twice)) == found(
        rounds, "kl", rows_of(repeated)
    )


def test_it_is_silent_where_nothing_adds_up() -> None:
    batch = data()
    assert found(rounds, "js:sqrt=true", batch) is None
    impossible = np.where(np.arange(4) == 1, 0.0, 1 / 3) * np.ones((30, 1))
    infinite = rows_of({"pred": impossible, "target": batch.columns["target"]})
    assert found(rounds, "kl", infinite) is None
    labels = rows_of({"pred": batch.columns["pred"], "label": np.zeros(30)})
    assert found(rounds, "scce", labels) is None
