"""Binary likelihoods: worked examples, edges, identities, and what the peers' settings give."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from tests.oracles.binary import ORACLES

UNIT = 2.0**-52
LOGITS = np.array([1.0, -1.0, 0.1, -0.1])
Z = np.array([-700.0, -36.5, -3.2, -1.0, -0.1, 0.0, 1e-9, 0.4, 2.0, 5.8, 40.0, 709.0])
SOFT = np.array([1.0, 0.0, 0.3, 1.0, 0.0, 0.9, 0.0, 1.0, 0.25, 0.0, 1.0, 0.0])
P = np.array([1e-9, 0.02, 0.25, 0.5, 0.5, 0.7, 0.9, 0.999, 1e-300, 0.1, 1.0 - 1e-12, 0.6])
NAMES = list(ORACLES)


def score(text: str, pred: Any, target: Any) -> np.ndarray:
    spec = parse(text)
    return spec.loss(pred, target, **spec.all_settings)


# --- worked examples ----------------------------------------------------------------------------


def test_sigmoids_and_cross_entropies_by_hand() -> None:
    """The logits 1, -1, 0.1, -0.1: their probabilities and what either class costs."""
    ones, zeros = np.ones(4), np.zeros(4)
    cost_one = [0.313262, 1.313262, 0.644397, 0.744397]
    cost_zero = [1.313262, 0.313262, 0.744397, 0.644397]
    of_one, of_zero = (score("bce:from_logits=true", LOGITS, y) for y in (ones, zeros))
    assert of_one == pytest.approx(cost_one, abs=5e-7)
    assert of_zero == pytest.approx(cost_zero, abs=5e-7)
    assert np.exp(-of_one) == pytest.approx([0.731059, 0.268941, 0.524979, 0.475021], abs=5e-7)
    assert of_zero - of_one == pytest.approx(LOGITS, abs=1e-15)


def test_what_a_certain_error_costs() -> None:
    pred, target = [0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 1.0, 0.0]
    log = -math.log(UNIT)
    assert score("bce", pred, target).tolist() == [0.0, 0.0, log, log]
    assert log == pytest.approx(36.0437, abs=1e-4)
    assert score("bce:log_clamp=-100", pred, target).tolist() == [0.0, 0.0, 100.0, 100.0]
    assert score("bce:eps=0", pred, target).tolist() == [0.0, 0.0, math.inf, math.inf]
    keras = score("bce:eps=1e-7", pred, target)
    assert keras == pytest.approx([1e-7, 1e-7, 16.118096, 16.118096], rel=1e-6)
    sklearn = score("bce:like=sklearn", pred, target)
    assert sklearn == pytest.approx([UNIT, UNIT, log, log], rel=1e-15)
    assert not np.signbit(score("bce", pred, target)).any()  # 0, not -0


def test_clipped_samples_are_marked() -> None:
    pred, target = np.array([0.0, 0.0, 1.0, 1e-9]), np.array([0.0, 1.0, 0.5, 1.0])
    for text, marked in {
        "bce": [False, True, True, False],
        "bce:eps=1e-7": [False, True, True, True],
        "bce:eps=0": [False] * 4,
        "binary_focal": [False, True, True, False],
    }.items():
        spec = parse(text)
        assert spec.loss.clipped(pred, target, **spec.all_settings).tolist() == marked, text
    focal = parse("binary_focal:from_logits=true,eps=1e-7")
    wrong = focal.loss.clipped(np.array([-20.0, -1.0]), np.ones(2), **focal.all_settings)
    assert wrong.tolist() == [True, False]
    entropy = parse("bce:from_logits=true")
    assert not entropy.loss.clipped(np.array([-900.0]), np.ones(1), **entropy.all_settings).any()


# --- against the textbook -----------------------------------------------------------------------

TOLD = {
    "bce": 4.0,
    "bce:pos_weight=3": 4.0,
    "bce:label_smoothing=0.1": 4.0,
    "bce:label_smoothing=1": 4.0,
    "bce:floor=0.01": 4.0,
    "bce:eps=0.01": 4.0,
    "bce:log_clamp=-5": 4.0,
    "weighted_ce:pos_weight=0": 4.0,
    "weighted_ce:pos_weight=7.5": 4.0,
    "balanced_ce": 4.0,
    "balanced_ce:alpha=0.9": 4.0,
    "binary_focal": 8.0,
    "binary_focal:gamma=0": 4.0,
    "binary_focal:gamma=5,alpha=null": 14.0,
    "binary_focal:alpha=1,gamma=0.5": 6.0,
    "binary_focal:label_smoothing=0.2": 8.0,
    "binary_focal:eps=0.01": 8.0,
    "asymmetric_loss:clip=0": 12.0,
    "asymmetric_loss:floor=0.2,gamma_pos=0": 40.0,  # p - clip magnifies the rounding of p
    "asymmetric_loss": 40.0,
}


@pytest.mark.parametrize("text", TOLD)
@pytest.mark.parametrize("from_logits", [False, True])
def test_agrees_with_the_textbook(text: str, from_logits: bool) -> None:
    spec = parse(text + ("," if ":" in text else ":") + f"from_logits={str(from_logits).lower()}")
    pred = Z if from_logits else P
    for target in (SOFT, np.round(SOFT)):
        got = spec.loss(pred, target, **spec.all_settings)
        slopes = spec.loss.gradient(pred, target, **spec.all_settings)
        oracle = ORACLES[spec.loss.name]
        for p, y, value, slope in zip(pred.tolist(), target.tolist(), got, slopes, strict=True):
            want = oracle(p, y, **spec.all_settings)
            assert abs(float(value) - want) <= TOLD[text] * math.ulp(float(want)), (p, y)
            if p == 1e-300:
                continue  # 50 digits hold no difference there
            with mpmath.workdps(70):
                step = mpmath.mpf(10) ** -22 * mpmath.mpf(abs(p) or 1)
                below, above = (
                    oracle(mpmath.mpf(p) + side * step, y, **spec.all_settings) for side in (-1, 1)
                )
                expected = float((above - below) / (2 * step))
            assert slope == pytest.approx(expected, rel=1e-7, abs=1e-12), (p, y)


# --- identities ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "factor", "right"),
    [
        ("weighted_ce", 1.0, "bce"),
        ("weighted_ce:pos_weight=3", 1.0, "bce:pos_weight=3"),
        ("balanced_ce:alpha=0.5", 0.5, "bce"),
        ("balanced_ce:alpha=0.75", 0.25, "bce:pos_weight=3"),  # alpha = q / (1 + q)
        ("binary_focal:gamma=0,alpha=null", 1.0, "bce"),
        ("asymmetric_loss:gamma_neg=0,gamma_pos=0,clip=0,floor=0", 1.0, "bce:floor=0"),
    ],
)
def test_identity(left: str, factor: float, right: str) -> None:
    for from_logits, pred in (("true", Z), ("false", P)):
        one, other = (
            score(text + ("," if ":" in text else ":") + f"from_logits={from_logits}", pred, SOFT)
            for text in (left, right)
        )
        np.testing.assert_allclose(one, factor * other, rtol=4e-15, atol=0.0)


def test_focal_and_asymmetric_agree_where_they_are_the_same() -> None:
    hard = np.round(SOFT)
    focal = score("binary_focal:from_logits=true,alpha=null,gamma=3", Z, hard)
    same = score("asymmetric_loss:gamma_neg=3,gamma_pos=3,clip=0,floor=0", Z, hard)
    np.testing.assert_allclose(focal, same, rtol=1e-14, atol=0.0)


def test_probabilities_and_logits_agree() -> None:
    z = np.linspace(-8.0, 8.0, 33)
    y = (np.arange(33) % 3) / 2.0
    for name in ("bce", "weighted_ce", "balanced_ce", "binary_focal", "asymmetric_loss"):
        of_logits = score(f"{name}:from_logits=true", z, y)
        of_p = score(f"{name}:from_logits=false", 1.0 / (1.0 + np.exp(-z)), y)
        np.testing.assert_allclose(of_logits, of_p, rtol=1e-11, atol=1e-16, err_msg=name)


@pytest.mark.parametrize("name", ["bce", "weighted_ce", "balanced_ce", "binary_focal"])
def test_huge_and_infinite_logits(name: str) -> None:
    z = [1e4, 1e4, -1e4, -1e4, math.inf, math.inf, -math.inf, -math.inf]
    factor = {"balanced_ce": (0.25, 0.75), "binary_focal": (0.25, 0.75)}.get(name, (1.0, 1.0))
    one, zero = 1e4 * factor[0], 1e4 * factor[1]
    got = score(f"{name}:from_logits=true", z, [1, 0, 1, 0, 1, 0, 1, 0])
    assert got.tolist() == [0.0, zero, one, 0.0, 0.0, math.inf, math.inf, 0.0]


def test_only_the_focal_loss_clips_a_logit() -> None:
    """As Keras does; the others keep the exact value of what is past every clip."""
    for name in ("bce", "weighted_ce"):
        for limit in ("eps=1e-7", "log_clamp=-100"):
            assert score(f"{name}:from_logits=true,{limit}", [-1e4], [1.0]).tolist() == [1e4]
    focal = score("binary_focal:from_logits=true,eps=1e-7,alpha=null", [-1e4, -700.0], [1.0, 1.0])
    assert focal == pytest.approx([16.118096] * 2, abs=1e-6)


def test_an_alpha_of_0_silences_an_infinite_cost() -> None:
    assert score("binary_focal:alpha=0,eps=0", [0.0, 1.0], [1.0, 0.0]).tolist() == [0.0, math.inf]
    assert score("weighted_ce:pos_weight=0", [-math.inf], [1.0]).tolist() == [0.0]


# --- several labels, the share of class 0, and the positives --------------------------------------


def test_several_labels_are_averaged_but_added_by_the_asymmetric_loss() -> None:
    pred, target = Z.reshape(4, 3), np.round(SOFT).reshape(4, 3)
    for name in NAMES:
        text = f"{name}:from_logits=true"
        each = score(text, Z, np.round(SOFT)).reshape(4, 3)
        total = each[:, 0] + each[:, 1] + each[:, 2]
        expected = total if name == "asymmetric_loss" else total / 3
        assert score(text, pred, target).tolist() == expected.tolist()
        upright = np.asfortranarray(pred)
        assert score(text, upright, target).tobytes() == score(text, pred, target).tobytes()


def test_alpha_auto_is_the_share_of_class_0() -> None:
    target = np.array([0.0, 0.0, 1.0, 1.0, 1.0, 1.0])
    pred = np.array([0.857, 0.84, 0.442, 0.529, 0.526, 0.692])
    got = score("balanced_ce:alpha=auto", pred, target)
    want = [
        float(ORACLES["balanced_cross_entropy"](p, y, alpha=1 / 3))
        for p, y in zip(pred.tolist(), target.tolist(), strict=True)
    ]
    np.testing.assert_allclose(got, want, rtol=1e-15)
    assert score("balanced_ce:alpha=auto", pred, np.ones(6)).tolist() == [0.0] * 6
    spec = parse("balanced_ce:alpha=auto")
    assert (spec.scope({"pred"}), parse("balanced_ce").scope({"pred"})) == ("file", "row")
    whole = lossctl.evaluate(pred, target, spec.text, block_rows=2).losses[0]
    assert whole.value == pytest.approx(math.fsum(want) / 6, rel=1e-15)
    with pytest.raises(UsageError, match=r"in \(0, 1\) or auto"):
        parse("balanced_ce:alpha=1")


def test_sum_over_positives() -> None:
    pred, target = [0.2, 0.7, 0.9, 0.4], [0.0, 1.0, 1.0, 0.0]
    text = "binary_focal:reduction=sum_over_positives"
    values = score("binary_focal", pred, target)
    assert lossctl.evaluate(pred, target, text).losses[0].value == pytest.approx(
        math.fsum(values) / 2, rel=1e-15
    )
    table = lossctl.evaluate(np.reshape(pred, (2, 2)), np.reshape(target, (2, 2)), text)
    assert table.losses[0].value == pytest.approx(math.fsum(values) / 2, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [  # what torch 2.13.0 and scikit-learn 1.9.1 give for these rows and weights
        ("bce:like=torch", 50.17229077393384),
        ("bce:like=sklearn", 20.793277106848475),
    ],
)
def test_presets(text: str, expected: float) -> None:
    pred, target, weight = [0.0, 0.7, 0.4, 1.0], [1.0, 1.0, 0.0, 0.0], [1.0, 0.5, 1.0, 1.0]
    got = lossctl.evaluate(pred, target, text, weight=weight).losses[0].value
    assert got == pytest.approx(expected, rel=1e-14)


# --- errors -------------------------------------------------------------------------------------


def test_a_probability_is_never_guessed_to_be_a_logit() -> None:
    for name in ("bce", "balanced_ce", "binary_focal", "weighted_ce:from_logits=false"):
        with pytest.raises(DataError, match=r"row 1 is 1.5 but .* needs pred in \[0, 1\]"):
            score(name, [0.5, 1.5], [0.0, 1.0])
        with pytest.raises(DataError, match="needs target in"):
            score(name, [0.5, 0.5], [0.0, -1.0])
    with pytest.raises(DataError, match="pred"):
        score("bce:from_logits=true", [math.nan], [1.0])


@pytest.mark.parametrize(
    "text",
    ["bce:pos_weight=0", "weighted_ce:pos_weight=-1", "binary_focal:alpha=1.1", "bce:eps=0.6",
     "binary_focal:gamma=-1", "bce:label_smoothing=1.1", "asymmetric_loss:clip=1"],
)  # fmt: skip
def test_settings_out_of_range(text: str) -> None:
    with pytest.raises(UsageError, match="must be"):
        parse(text)
