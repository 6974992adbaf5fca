"""Margin losses and decisions: worked examples, the peers' traps, edges, identities, errors."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from tests.oracles.companion import ORACLES as COMPANIONS
from tests.oracles.margin import ORACLES

SCORES = np.array([0.411, -5.47, 0.803, -1.915, -2.614, -0.402, 1.0, -1.0, 0.0, 1e-9, 300.0])
SIGNS = np.array([-1.0, 1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, 1.0, -1.0, -1.0])
MARGINS = ("hinge", "squared_hinge", "perceptron", "exponential", "modified_huber", "logistic")
TABLE = np.array([[-3.0, -2.0, -5.0], [0.1, 0.2, 0.3], [4.0, 1.0, 1.0], [2.0, 2.0, 0.5]])


def score(text: str, pred: Any, target: Any) -> np.ndarray:
    spec = parse(text)
    return spec.loss(pred, target, **spec.all_settings)


# --- margins ------------------------------------------------------------------------------------


def test_values_at_the_kinks() -> None:
    pred, target = [1.0, -1.0, 0.0, 0.0, 2.0, -1.0, -3.0], [1, -1, 1, -1, 1, 1, 1]
    for name, expected in {
        "hinge": [0, 0, 1, 1, 0, 2, 4],
        "squared_hinge": [0, 0, 1, 1, 0, 4, 16],
        "perceptron": [0, 0, 0, 0, 0, 1, 3],
        "modified_huber": [0, 0, 1, 1, 0, 4, 12],
        "exponential": [math.exp(-m) for m in (1, 1, 0, 0, 2, -1, -3)],
        "logistic": [math.log1p(math.exp(-m)) for m in (1, 1, 0, 0, 2, -1, -3)],
    }.items():
        got = score(name, pred, target)
        assert got == pytest.approx(expected, rel=1e-15), name
        assert not np.signbit(got).any(), name
    assert math.isinf(score("exponential", [-710.0], [1])[0])


@pytest.mark.parametrize("name", MARGINS)
def test_margins_agree_with_the_textbook(name: str) -> None:
    spec = parse(name)
    got = spec.loss(SCORES, SIGNS)
    slopes = spec.loss.gradient(SCORES, SIGNS, **spec.all_settings)
    for f, y, value, slope in zip(SCORES.tolist(), SIGNS.tolist(), got, slopes, strict=True):
        want = ORACLES[name](f, y)
        assert abs(float(value) - want) <= 4 * math.ulp(float(want))
        with mpmath.workdps(70):
            step = mpmath.mpf(10) ** -22
            below, here, above = (
                ORACLES[name](mpmath.mpf(f) + side * step, y) for side in (-1, 0, 1)
            )
            sides = sorted([float((here - below) / step), float((above - here) / step)])
        slack = 1e-9 * max(abs(sides[0]), abs(sides[1]))
        assert sides[0] - slack <= slope <= sides[1] + slack, (f, y)
        if sides[1] - sides[0] > 0.5 * abs(sides[0] + sides[1]) + 1e-9:
            assert slope == 0.0  # at the kink


def test_slopes_are_0_at_the_kinks() -> None:
    for name, kink in {"hinge": 1.0, "perceptron": 0.0}.items():
        spec = parse(name)
        at = np.array([kink, -kink, kink - 0.5])
        slopes = spec.loss.gradient(at, np.array([1.0, -1.0, 1.0]), **spec.all_settings)
        assert slopes.tolist() == [0.0, 0.0, -1.0], name


@pytest.mark.parametrize("name", MARGINS)
def test_labels_0_and_1_are_read_as_signs_row_by_row(name: str) -> None:
    zeros = (SIGNS + 1.0) / 2.0
    assert score(name, SCORES, zeros).tobytes() == score(name, SCORES, SIGNS).tobytes()
    assert (
        score(f"{name}:labels=01", SCORES, zeros).tobytes() == score(name, SCORES, SIGNS).tobytes()
    )
    lone = score(name, [2.0, 3.0], [1, 1])
    assert lone.tolist() == score(name, [2.0, 3.0, 0.0], [1, 1, 0])[:2].tolist()
    with pytest.raises(DataError, match="not a mixture"):
        score(name, [1.0, 1.0], [-1, 0])
    for told, bad in (("pm1", 0), ("01", -1)):
        with pytest.raises(DataError, match="target row 1"):
            score(f"{name}:labels={told}", [1.0, 1.0], [1, bad])
    with pytest.raises(DataError, match="needs target from"):
        score(name, [1.0], [2])


def test_a_lone_class_is_not_misread() -> None:
    """scikit-learn's hinge_loss([1, 1], [2, 3]) is 3.5: it reads a lone class as -1."""
    assert lossctl.evaluate([2.0, 3.0], [1, 1], "hinge").losses[0].value == 0.0
    assert lossctl.evaluate([-2.0, -3.0], [1, 1], "hinge").losses[0].value == 3.5
    assert str(parse("hinge:labels=01")) == "hinge:labels=01"


def test_scores_are_never_squashed() -> None:
    """torchmetrics takes sigmoids once a score lies outside [0, 1]: 1.0101 instead of 2 here."""
    pred, target = np.array([-2.0, 1.0, 2.0]), np.array([1, 1, 0])
    squashed = 1.0 / (1.0 + np.exp(-pred))
    of_scores = lossctl.evaluate(pred, target, "hinge").losses[0].value
    of_sigmoids = lossctl.evaluate(squashed, target, "hinge").losses[0].value
    assert of_scores == 2.0
    assert of_sigmoids == pytest.approx(1.0101, abs=1e-4)
    inside = lossctl.evaluate([0.5, 1.0], [1, 1], "hinge").losses[0].value
    with_one_outside = lossctl.evaluate([0.5, 1.5], [1, 1], "hinge").losses[0].value
    assert inside == with_one_outside == 0.25


def test_margin_identities() -> None:
    zeros = (SIGNS + 1.0) / 2.0
    np.testing.assert_array_equal(
        score("logistic", SCORES, SIGNS), score("bce:from_logits=true", SCORES, zeros)
    )
    hinge = score("hinge", SCORES, SIGNS)
    np.testing.assert_array_equal(score("squared_hinge", SCORES, SIGNS), hinge**2)
    near = SIGNS * SCORES >= -1.0
    huber, squared = (score(n, SCORES, SIGNS) for n in ("modified_huber", "squared_hinge"))
    assert near.sum() == 8
    np.testing.assert_array_equal(huber[near], squared[near])
    assert (huber[~near] < squared[~near]).all()
    two = np.stack([-SCORES / 2, SCORES / 2], axis=1)
    np.testing.assert_allclose(score("multiclass_hinge", two, zeros), hinge, rtol=1e-15)
    wrong = score("zero_one:threshold=0", SCORES, SIGNS)
    for name in ("hinge", "squared_hinge", "exponential", "modified_huber"):
        assert (score(name, SCORES, SIGNS) >= wrong).all(), name  # all bound misclassification


def test_huge_scores() -> None:
    pred, target = [1e4, -1e4, -700.0, 300.0], [1, -1, 1, -1]
    assert score("hinge", pred, target).tolist() == [0.0, 0.0, 701.0, 301.0]
    assert score("logistic", pred, target).tolist() == [0.0, 0.0, 700.0, 300.0]
    assert score("modified_huber", pred, target).tolist() == [0.0, 0.0, 2800.0, 1200.0]
    assert score("exponential", pred, target)[2] == pytest.approx(math.exp(700.0), rel=1e-15)


# --- several classes ----------------------------------------------------------------------------


def test_the_variants_of_the_multiclass_hinge() -> None:
    label = [1, 2, 0, 1]
    for text, expected in {
        "multiclass_hinge": [0.0, 0.9, 0.0, 1.0],
        "multiclass_hinge:variant=keras": [3.0, 0.9, 0.0, 1.0],
        "multiclass_hinge:variant=sum_over_classes": [0.0, 1.7 / 3, 0.0, 1.0 / 3],
        "multiclass_hinge:margin=0": [0.0, 0.0, 0.0, 0.0],
        "multiclass_hinge:margin=4": [3.0, 3.9, 1.0, 4.0],
        "multiclass_hinge:margin=4,p=2": [9.0, 15.21, 1.0, 16.0],
    }.items():
        assert score(text, TABLE, label) == pytest.approx(expected, rel=1e-15, abs=0.0), text
    torch = "multiclass_hinge:variant=sum_over_classes,p=2,margin=2"
    want = [1 / 3, (1.9**2 + 1.8**2) / 3, 0.0, (4 + 0.25) / 3]
    assert score(torch, TABLE, label) == pytest.approx(want, rel=1e-14)


@pytest.mark.parametrize("variant", ["crammer_singer", "sum_over_classes", "keras"])
@pytest.mark.parametrize("p", [1, 2])
def test_the_multiclass_hinge_agrees_with_the_textbook(variant: str, p: int) -> None:
    told = {"variant": variant, "p": p, "margin": 0.7}
    loss = parse("multiclass_hinge").loss
    rng = np.random.default_rng(2)
    pred = np.concatenate([rng.normal(0.0, 1.0, (30, 4)), np.round(rng.normal(0.0, 1.0, (30, 4)))])
    pred[3] += 1e6  # differences of large scores
    label = rng.integers(0, 4, len(pred))
    got, slopes = loss(pred, label, **told), loss.gradient(pred, label, **told)
    for s, y, value, slope in zip(pred.tolist(), label.tolist(), got, slopes, strict=True):
        want = ORACLES["multiclass_hinge"](s, y, **told)
        assert abs(float(value) - want) <= 4 * math.ulp(float(want))
        for k in range(4):
            with mpmath.workdps(70):
                at = [[*s[:k], mpmath.mpf(s[k]) + side * mpmath.mpf(10) ** -22, *s[k + 1 :]]
                      for side in (-1, 0, 1)]  # fmt: skip
                below, here, above = (ORACLES["multiclass_hinge"](a, y, **told) for a in at)
                sides = sorted(
                    float(d * mpmath.mpf(10) ** 22) for d in (here - below, above - here)
                )
            assert sides[0] - 1e-9 <= slope[k] <= sides[1] + 1e-9, (s, y, k)
    upright = np.asfortranarray(pred)
    assert loss(upright, label, **told).tobytes() == got.tobytes()
    assert loss(pred[5:6], label[5:6], **told).tobytes() == got[5:6].tobytes()


def test_a_lead_just_short_of_the_margin_is_not_lost_in_rounding() -> None:
    for text in ("multiclass_hinge", "multiclass_hinge:variant=keras"):
        assert score(text, [[1.0, 1e-17, -3.0]], [0]).tolist() == [1e-17], text


def test_one_class_has_no_rival() -> None:
    assert score("multiclass_hinge", [[-3.0]], [0]).tolist() == [0.0]
    assert score("multiclass_hinge:variant=keras", [[-3.0]], [0]).tolist() == [4.0]
    assert score("multiclass_hinge:variant=sum_over_classes", [[-3.0]], [0]).tolist() == [0.0]
    with pytest.raises(DataError, match="below 3, the number of classes"):
        score("multiclass_hinge", TABLE, [0, 1, 2, 3])


# --- decisions ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pred", "label", "expected"),
    [
        ("zero_one", [0, 3, -7, 2], [0, 2, -7, -1], [0, 1, 0, 1]),
        ("zero_one", ["a", "b", "é"], ["a", "c", "é"], [0, 1, 0]),
        ("zero_one", [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2], [0.4, 0.4, 0.2]], [1, 0, 1], [0, 0, 1]),
        ("zero_one", [[-math.inf, 0.0], [math.inf, 0.0]], [1, 1], [0, 1]),
        ("zero_one", [[1, 0, 1], [1, 0, 1]], [[1, 0, 1], [1, 1, 1]], [0, 1]),
        ("zero_one", [[1], [0]], [1, 1], [0, 1]),
        ("zero_one:threshold=0.5", [0.6, 0.5, 0.5, 0.4, 0.4], [1, 1, 0, 0, 1], [0, 1, 1, 0, 1]),
        ("zero_one:threshold=0", [2.0, 0.0, -1.0], [1, -1, -1], [0, 1, 0]),
        ("zero_one:threshold=0.5", [[0.6, 0.5], [0.6, 0.5]], [[1, 0], [1, 1]], [0, 1]),
        ("hamming", [[1, 0, 1, 1], [0, 0, 0, 0]], [[1, 0, 1, 1], [1, 0, 0, 0]], [0, 0.25]),
        ("hamming:threshold=0.5", [[0.6, 0.5], [0.6, 0.5]], [[1, 0], [0, 1]], [0, 1]),
        ("hamming", [0, 3], [0, 2], [0, 1]),
        ("hamming:threshold=0.5", [0.5, 0.7], [0, 1], [1, 0]),
        ("accuracy", [0, 3, -7, 2], [0, 2, -7, -1], [1, 0, 1, 0]),
        ("accuracy:threshold=0.5", [0.6, 0.5], [1, 0], [1, 0]),
        ("accuracy", [[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]], [1, 1], [1, 0]),
    ],
)
def test_decisions(text: str, pred: Any, label: Any, expected: list[float]) -> None:
    got = score(text, pred, label)
    assert got.tolist() == expected
    assert got.dtype == np.float64
    spec = parse(text)
    oracle = (ORACLES | COMPANIONS)[spec.loss.name]
    rows = [p[0] if isinstance(p, list) and len(p) == 1 else p for p in pred]
    for p, y, value in zip(rows, label, expected, strict=True):
        assert oracle(p, y, **spec.all_settings) == value


def test_labels_are_compared_as_they_are() -> None:
    """Not as floats: 2**60 and 2**60 + 1 are two labels, whatever the types of the columns."""
    big = 2**60
    ones, others = np.array([big, big + 1]), np.array([big + 1, big + 1])
    assert score("zero_one", ones, others).tolist() == [1.0, 0.0]
    assert score("zero_one", np.array([float(big), 3.0]), np.array([big + 1, 3])).tolist() == [1, 0]
    assert score("zero_one", ones.astype(np.uint64), others).tolist() == [1.0, 0.0]


def test_decisions_refuse_what_cannot_be_compared() -> None:
    with pytest.raises(DataError, match="label 3 is none of the classes 0 to 2"):
        score("zero_one", TABLE, [0, 1, 2, 3])
    with pytest.raises(DataError, match=r"label 0\.5 is none of the classes"):
        score("accuracy", TABLE, [0, 1, 2, 0.5])
    with pytest.raises(DataError, match="pred has 3 values a row, but label 2 values a row"):
        score("zero_one", TABLE, np.ones((4, 2)))
    with pytest.raises(DataError, match="pred has 3 values a row, but label one value a row"):
        score("hamming", TABLE, np.ones(4))
    with pytest.raises(DataError, match="pred has 3 values a row, but label one value a row"):
        score("zero_one:threshold=0", TABLE, np.ones(4))
    with pytest.raises(DataError, match="needs label from"):
        score("zero_one:threshold=0.5", [0.1, 0.2], [0, 2])
    with pytest.raises(DataError, match="not a mixture"):
        score("zero_one:threshold=0.5", [0.1, 0.2], [0, -1])


def test_weighted_and_counted() -> None:
    pred, label, weight = [0, 0, 2, 2, 1, 1], [0, 0, 1, 2, 2, 1], [0.0, 1.0, 2.0, 0.5, 0.0, 4.0]
    told = {"weight": weight}
    assert lossctl.evaluate(pred, label, "zero_one", **told).losses[0].value == 2.0 / 7.5
    assert lossctl.evaluate(pred, label, "accuracy", **told).losses[0].value == 5.5 / 7.5
    assert lossctl.evaluate(pred, label, "zero_one:reduction=sum").losses[0].value == 2.0


# --- agreement of ratings -------------------------------------------------------------------------

RATED = [2, 0, 1, 1, 0, 3, 0, 3, 2, 0], [2, 3, 1, 3, 0, 0, 0, 0, 2, 1]


def kappa(pred: Any, label: Any, weight: Any = None) -> Any:
    return lossctl.evaluate(pred, label, "qwk", weight=weight)


def test_quadratic_weighted_kappa() -> None:
    oracle = COMPANIONS["quadratic_weighted_kappa"]
    report = kappa(*RATED)
    result = report.losses[0]
    assert result.value == -3 / 17  # as scikit-learn's cohen_kappa_score
    assert result.interval["low"] < result.value < result.interval["high"]
    assert report.worst is not None
    for row in report.worst.rows:
        left, right = ([v for k, v in enumerate(c) if k != row.row] for c in RATED)
        assert row.without[result.spec] == float(oracle(left, right))
    weight = [1.0, 2.0, 0.0, 0.5, 1.0, 1.0, 3.0, 1.0, 0.0, 1.0]
    assert kappa(*RATED, weight).losses[0].value == float(oracle(*RATED, weights=weight))
    far = kappa([0, 1, 2, 3], [3, 2, 1, 0]).losses[0]
    assert (far.value, kappa([0, 1, 2], [0, 1, 2]).losses[0].value) == (-1.0, 1.0)
    moved = kappa([v - 2 for v in RATED[0]], [v - 2 for v in RATED[1]]).losses[0]
    assert moved.value == result.value


def test_kappa_of_one_rating() -> None:
    only = kappa([2, 2, 2], [2, 2, 2]).losses[0]
    assert (only.value, only.status) == (None, "undefined")
    assert "one and the same" in only.reason
    assert kappa([1, 1, 1], [2, 2, 2]).losses[0].value == 0.0
    assert kappa([1, 1, 2], [2, 2, 2]).losses[0].value == 0.0
    with pytest.raises(DataError, match="whole number"):
        kappa([1.5], [2])
    with pytest.raises(UsageError, match="it takes kappa"):
        parse("qwk:reduction=mean")
