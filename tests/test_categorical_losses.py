"""What the likelihoods over classes promise beyond the laws: conventions, edges, identities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from lossctl.arrays import Array
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from lossctl.loss import Loss, named
from lossctl.numerics import softplus
from tests.loss_cases import LOSSES
from tests.oracles import ORACLES

CCE = LOSSES["categorical_cross_entropy"]
SCCE = LOSSES["sparse_categorical_cross_entropy"]
FOCAL = LOSSES["categorical_focal"]
GCE = LOSSES["generalized_cross_entropy"]
POLY = LOSSES["poly1_cross_entropy"]
PPL = LOSSES["perplexity"]
BPD = LOSSES["bits_per_dim"]
UNIT = float(np.finfo(np.float64).eps)

RNG = np.random.default_rng(4)
LOGITS = RNG.normal(0.0, 3.0, (9, 4))
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
LABELS = RNG.integers(0, 4, 9).astype(np.float64)
SOFT = RNG.dirichlet(np.ones(4), 9)
ONE_HOT = np.eye(4)[LABELS.astype(int)]
WEIGHTS = np.array([0.425, 2.185, 1.963, 1.413])


def terms(text: str, *columns: Any) -> tuple[Array, Array]:
    """Numerators and denominators of a spec."""
    spec = parse(text)
    roles = [role.name for role in spec.roles]
    values = spec.evaluate(dict(zip(roles, columns, strict=False)))
    return values if isinstance(values, tuple) else (values, np.ones(len(values)))


def mean(text: str, *columns: Any) -> float:
    over, under = terms(text, *columns)
    return float(over.sum() / under.sum())


# --- identities ----------------------------------------------------------------------------------


def test_of_one_hot_targets_all_cross_entropies_are_one() -> None:
    for told in ({}, {"from_logits": True}, {"normalize": True}, {"label_smoothing": 0.1}):
        pred = LOGITS if told.get("from_logits") else SHARES * (3.0 if "normalize" in told else 1)
        by_label = SCCE(pred, LABELS, **told)
        np.testing.assert_allclose(CCE(pred, ONE_HOT, **told), by_label, rtol=1e-14)
    plain = SCCE(SHARES, LABELS)
    assert FOCAL(SHARES, LABELS, gamma=0.0, alpha=None).tolist() == plain.tolist()
    assert POLY(SHARES, LABELS, epsilon=0.0).tolist() == plain.tolist()
    assert PPL(SHARES, LABELS).tolist() == plain.tolist()
    np.testing.assert_allclose(GCE(SHARES, LABELS, q=1e-9), plain, rtol=1e-7)
    absolute = np.abs(SHARES - ONE_HOT).sum(axis=1)
    np.testing.assert_allclose(2.0 * GCE(SHARES, LABELS, q=1.0), absolute, rtol=1e-13)
    np.testing.assert_allclose(SCCE(LOGITS, LABELS, from_logits=True), plain, rtol=1e-13)


def test_two_classes_are_the_binary_case() -> None:
    z = np.array([-30.0, -2.0, 0.0, 1.5, 40.0, 1e4])
    pair = np.stack([np.zeros(6), z], axis=1)
    got = SCCE(pair, np.ones(6), from_logits=True)
    np.testing.assert_allclose(got, softplus(-z), rtol=4e-16)
    assert got[4] == pytest.approx(4.248354255291589e-18, rel=1e-15)


def test_of_soft_targets_the_terms_are_weighted() -> None:
    logs = -np.log(SHARES)
    np.testing.assert_allclose(CCE(SHARES, SOFT), (SOFT * logs).sum(axis=1), rtol=1e-14)
    weighted = (SOFT * WEIGHTS * logs).sum(axis=1)
    np.testing.assert_allclose(CCE(SHARES, SOFT, WEIGHTS), weighted, rtol=1e-14)
    assert mean("cce", SHARES, SOFT, WEIGHTS) == pytest.approx(weighted.mean(), rel=1e-14)


# --- what an impossible class costs -------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "cost", "perfect"),
    [
        ({}, 36.04365338911715, 0.0),
        ({"eps": 1e-7}, 16.11809565095832, 1.0000000500000033e-07),
        ({"eps": UNIT}, 36.04365338911715, 2.220446049250313e-16),
        ({"eps": 0.0}, math.inf, 0.0),
        ({"log_clamp": -100.0}, 100.0, 0.0),
        ({"floor": 1e-3}, 3 * math.log(10.0), 0.0),
    ],
)
@pytest.mark.parametrize("label", ["scce", "cce", "ppl", "poly1:epsilon=0"])
def test_impossible_and_certain(
    told: dict[str, Any], cost: float, perfect: float, label: str
) -> None:
    loss = parse(label).loss
    settings = dict(parse(label).all_settings)
    pred = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]
    target: Any = [[1, 0, 0], [1, 0, 0]] if label == "cce" else [0, 0]
    got = loss(pred, target, **{**settings, **told})
    assert got.tolist() == [pytest.approx(cost, rel=1e-15), pytest.approx(perfect, rel=1e-15)]
    assert math.copysign(1.0, got[1]) == 1.0


def test_samples_that_a_floor_decides_are_counted() -> None:
    pred = np.array([[0.0, 1.0, 0.0], [0.0, 0.5, 0.5], [1e-9, 1.0 - 1e-9, 0.0]])
    for loss, target in ((CCE, np.eye(3)[[1, 0, 0]]), (SCCE, np.array([1.0, 0.0, 0.0]))):
        for told, cut in (({}, [0, 1, 0]), ({"eps": 1e-7}, [0, 1, 1]), ({"eps": 0.0}, [0, 0, 0])):
            assert clipped(loss, pred, target, told) == [bool(one) for one in cut]
        assert not any(clipped(loss, pred, target, {"from_logits": True}))
    assert clipped(SCCE, pred[:1], np.array([-1.0]), {"ignore_index": -1}) == [False]
    large = {"normalize": True, "eps": 1e-7}
    assert clipped(SCCE, pred[2:] * 1e6, np.array([0.0]), large) == [True]


def clipped(loss: Loss, pred: Array, target: Array, told: dict[str, Any]) -> list[bool]:
    assert loss.clipped is not None
    found: list[bool] = loss.clipped(pred, target, None, **loss.check(told)).tolist()
    return found


def test_a_class_without_a_share_costs_nothing_however_impossible() -> None:
    assert CCE([[0.0, 1.0]], [[0.0, 1.0]], eps=0.0).tolist() == [0.0]
    assert CCE([[-math.inf, 0.0]], [[0.0, 1.0]], from_logits=True).tolist() == [0.0]
    assert CCE([[-math.inf, 0.0]], [[0.5, 0.5]], from_logits=True).tolist() == [math.inf]
    assert CCE([[0.0, 1.0]], [[0.5, 0.5]], [0.0, 1.0], eps=0.0).tolist() == [0.0]
    assert SCCE([[0.0, 1.0]], [0], [0.0, 1.0], eps=0.0).tolist() == [0.0]


def test_infinite_and_huge_logits() -> None:
    inf = math.inf
    rows = [[1e4, 0.0, -1e4], [-1e4, 0.0, 1e4], [500.0, 500.0, 500.0], [inf, 0.0, inf],
            [-inf, -inf, -inf], [-inf, 3.0, 3.0]]  # fmt: skip
    got = SCCE(rows, [2, 2, 0, 0, 0, 1], from_logits=True)
    assert got[:2].tolist() == [2e4, 0.0]
    np.testing.assert_allclose(got[2:], np.log([3.0, 2.0, 3.0, 2.0]), rtol=3e-16)
    for loss in (FOCAL, GCE, POLY, PPL):
        assert not np.isnan(loss(rows, [2, 2, 0, 0, 0, 1], from_logits=True)).any()
    assert POLY(rows[:1], [2], from_logits=True).tolist() == [20002.0]
    assert FOCAL(rows[:1], [2], from_logits=True).tolist() == [5000.0]


def test_a_sure_class_keeps_its_digits() -> None:
    # The differences of these logits do not fit in a float, and an exponential magnifies that.
    rows = RNG.normal(0.0, 1.0, (40, 3)) + np.array([0.1, 47.3, 0.7])
    got = SCCE(rows, np.ones(40), from_logits=True)
    for row, value in zip(rows.tolist(), got, strict=True):
        exact = ORACLES[SCCE.name](row, 1, from_logits=True)
        assert abs(value - exact) <= 3 * math.ulp(float(exact))


# --- class weights, smoothing, ignored classes --------------------------------------------------


def test_class_weights_divide_the_mean_by_the_weights_of_the_labels() -> None:
    costs, own = SCCE(SHARES, LABELS), WEIGHTS[LABELS.astype(int)]
    over, under = terms("scce", SHARES, LABELS, WEIGHTS)
    np.testing.assert_allclose(over, own * costs, rtol=1e-15)
    assert under.tolist() == own.tolist()
    assert SCCE(SHARES, LABELS, WEIGHTS).tolist() == over.tolist()
    for text in ("ppl", "scce", "scce:normalize=true"):
        assert not isinstance(parse(text).evaluate({"pred": SHARES, "label": LABELS}), tuple)


def test_smoothing_with_class_weights() -> None:
    logs = -np.log(SHARES)
    own = WEIGHTS[LABELS.astype(int)]
    label = 0.9 * own * SCCE(SHARES, LABELS)
    torch = label + 0.1 / 4 * (WEIGHTS * logs).sum(axis=1)
    onehot = label + 0.1 / 4 * own * logs.sum(axis=1)
    told = {"label_smoothing": 0.1}
    np.testing.assert_allclose(SCCE(SHARES, LABELS, WEIGHTS, **told), torch, rtol=1e-14)
    keras = SCCE(SHARES, LABELS, WEIGHTS, smoothing="onehot", **told)
    np.testing.assert_allclose(keras, onehot, rtol=1e-14)
    assert not np.allclose(torch, onehot)
    same = SCCE(SHARES, LABELS, smoothing="onehot", **told)
    assert same.tolist() == SCCE(SHARES, LABELS, **told).tolist()
    uniform = SCCE(SHARES, LABELS, label_smoothing=1.0)
    np.testing.assert_allclose(uniform, logs.mean(axis=1), rtol=1e-14)


@pytest.mark.parametrize("text", ["scce", "ppl"])
def test_ignored_samples_score_0_and_do_not_count(text: str) -> None:
    labels = LABELS.copy()
    labels[[1, 4]] = -100.0
    over, under = terms(f"{text}:ignore_index=-100", SHARES, labels)
    kept = labels >= 0.0
    assert over[~kept].tolist() == [0.0, 0.0]
    assert under.tolist() == kept.astype(float).tolist()
    assert over[kept].tolist() == SCCE(SHARES, LABELS)[kept].tolist()
    loss = parse(text).loss
    assert loss(SHARES, labels, ignore_index=-100).tolist() == over.tolist()
    everything = terms(f"{text}:ignore_index=-100", SHARES[:2], np.full(2, -100.0))
    assert [column.tolist() for column in everything] == [[0.0, 0.0], [0.0, 0.0]]
    with pytest.raises(DataError, match="-100"):
        loss(SHARES, labels)
    with pytest.raises(DataError, match="-1"):
        loss(SHARES, [-1.0, *labels[1:]], ignore_index=-100)
    inside = terms(f"{text}:ignore_index=2", SHARES, LABELS)
    assert (inside[1] == 0.0).tolist() == (LABELS == 2.0).tolist()


def test_balanced_classes_count_alike() -> None:
    labels = np.array([0, 0, 0, 1, 3, 3, 3, 3, 1.0])
    costs = SCCE(SHARES, labels)
    over, under = terms("scce:balanced=true", SHARES, labels)
    # scikit-learn's "balanced": 9 rows, 3 classes that occur.
    assert under.tolist() == [9 / (3 * {0: 3, 1: 2, 3: 4}[int(one)]) for one in labels]
    np.testing.assert_allclose(over, under * costs, rtol=1e-15)
    of_classes = [costs[labels == one].mean() for one in (0, 1, 3)]
    assert mean("scce:balanced=true", SHARES, labels) == pytest.approx(np.mean(of_classes))
    spec = parse("scce:balanced=true")
    assert spec.scope(("pred", "label")) == "file"
    assert parse("scce").scope(("pred", "label")) == "row"
    _, ignoring = terms("scce:balanced=true,ignore_index=3", SHARES, labels)
    assert ignoring.tolist() == [5 / 6] * 3 + [1.25] + [0.0] * 4 + [1.25]
    with pytest.raises(UsageError, match="balanced"):
        SCCE(SHARES, labels, WEIGHTS, balanced=True)


# --- reshaped ---------------------------------------------------------------------------------


def test_focal_alphas() -> None:
    p = SHARES[np.arange(9), LABELS.astype(int)]
    bare = -((1.0 - p) ** 2) * np.log(p)
    np.testing.assert_allclose(FOCAL(SHARES, LABELS), 0.25 * bare, rtol=1e-13)
    np.testing.assert_allclose(FOCAL(SHARES, LABELS, alpha=None), bare, rtol=1e-13)
    each = FOCAL(SHARES, LABELS, alpha=tuple(WEIGHTS))
    np.testing.assert_allclose(each, WEIGHTS[LABELS.astype(int)] * bare, rtol=1e-13)
    background = FOCAL(SHARES, LABELS, alpha_mode="background")
    np.testing.assert_allclose(background, np.where(LABELS == 0, 0.75, 0.25) * bare, rtol=1e-13)
    assert str(parse("cfocal:alpha=[0.5;1;2;1]")) == "cfocal:alpha=[0.5;1;2;1]"
    with pytest.raises(UsageError, match="classes, 4"):
        FOCAL(SHARES, LABELS, alpha=(0.5, 0.5))
    with pytest.raises(UsageError, match="one number"):
        FOCAL(SHARES, LABELS, alpha=tuple(WEIGHTS), alpha_mode="background")
    np.testing.assert_allclose(
        FOCAL(LOGITS, LABELS, from_logits=True), FOCAL(SHARES, LABELS), rtol=1e-12
    )
    # Keras clips the probability in both factors.
    assert FOCAL([[1.0, 0.0]], [0], eps=1e-7, alpha=None)[0] == pytest.approx(1e-21, rel=1e-6)


def test_the_generalised_loss_is_bounded() -> None:
    assert GCE([[0.0, 1.0]], [0]).tolist() == [1 / 0.7]
    assert GCE([[1.0, 0.0]], [0]).tolist() == [0.0]
    assert GCE([[0.0, 1e4]], [0], from_logits=True, q=0.5).tolist() == [2.0]
    with pytest.raises(UsageError, match="q is 0"):
        GCE([[1.0, 0.0]], [0], q=0.0)


def test_poly_weighs_the_first_term_anew() -> None:
    p = SHARES[np.arange(9), LABELS.astype(int)]
    np.testing.assert_allclose(POLY(SHARES, LABELS), -np.log(p) + 2.0 * (1.0 - p), rtol=1e-14)
    assert (POLY(SHARES, LABELS, epsilon=-1.0) >= 0.0).all()


# --- exponents and units --------------------------------------------------------------------


def test_perplexity_of_even_odds_is_the_number_of_classes() -> None:
    spec = parse("ppl")
    assert spec.reduction.name == "exp_mean"
    costs = PPL(np.full((5, 4), 0.25), [0, 1, 2, 3, 0])
    assert math.exp(costs.mean()) == pytest.approx(4.0, rel=1e-15)
    # Softmax and then a logarithm, as torchmetrics has it, would be infinite here.
    assert PPL([[0.0, 800.0]], [0], from_logits=True).tolist() == [800.0]


def test_bits_per_dimension() -> None:
    assert BPD([math.log(2.0) * 6.0, -1.0], dims=3).tolist() == [
        pytest.approx(2.0), pytest.approx(-1.0 / (3 * math.log(2.0))),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="dims"):
        BPD([1.0], dims=0)
    assert {"sequence", "distribution", "regression"} == set(BPD.tasks)


def test_keras_clips_no_logits_of_a_softmax() -> None:
    keras = {"like": "keras", "from_logits": "true"}
    text = ",".join(f"{name}={value}" for name, value in keras.items())
    logits, rows = [[1e4, 0.0], [0.0, 800.0]], [[0.0, 1.0], [1.0, 0.0]]
    for label, target in (("cce", rows), ("scce", [1, 0])):
        spec = parse(f"{label}:{text}")
        assert spec.loss(logits, target, **spec.all_settings).tolist() == [1e4, 800.0]


# --- rows, domains, names ---------------------------------------------------------------------


def test_rows_that_do_not_sum_to_1_are_used_as_they_are_or_normalised() -> None:
    pred = [[0.2, 0.2], [2.0, 6.0]]
    assert SCCE(pred[:1], [0]).tolist() == [-math.log(0.2)]
    with pytest.raises(DataError, match="in \\[0, 1\\]"):
        SCCE(pred, [0, 1])
    np.testing.assert_allclose(SCCE(pred, [0, 1], normalize=True), -np.log([0.5, 0.75]), rtol=1e-15)
    with pytest.raises(DataError, match="positive sum"):
        SCCE([[0.5, 0.5], [0.0, 0.0]], [0, 1], normalize=True)
    # Neither the sum nor the share has to fit in a float, and a share near 1 keeps its digits.
    rows = [[1e308, 1e308], [1e300, 1e-300], [1e-9, 1.0]]
    far = SCCE(rows, [0, 1, 1], normalize=True, floor=0.0)
    np.testing.assert_allclose(far, [math.log(2), 600 * math.log(10), 1e-9], rtol=1e-9)
    assert far[2] == pytest.approx(math.log1p(1e-9), rel=1e-15)


@pytest.mark.parametrize("loss", [SCCE, FOCAL, GCE, POLY, PPL], ids=lambda loss: loss.label)
def test_labels_are_classes(loss: Any) -> None:
    for bad in (4.0, -1.0, 0.5, math.nan):
        with pytest.raises(DataError, match="label row 1"):
            loss(SHARES[:2], [0.0, bad])
    with pytest.raises(DataError, match="pred"):
        loss([[0.5, math.nan]], [0])
    with pytest.raises(DataError, match="pred"):
        loss([[1.5, -0.5]], [0])


def test_weights_and_classes_agree() -> None:
    with pytest.raises(DataError, match="4 classes, but class_weight has 3"):
        SCCE(SHARES, LABELS, [1.0, 2.0, 3.0])
    with pytest.raises(DataError, match="class_weight"):
        CCE(SHARES, SOFT, [1.0, 2.0, -3.0, 1.0])
    with pytest.raises(DataError, match="4 classes, but target has 3"):
        CCE(SHARES, SOFT[:, :3])


def test_names() -> None:
    for alias in ("softmax_loss", "nll", "log_loss", "cross_entropy"):
        assert SCCE in named(alias)
    assert CCE in named("cross_entropy")
    assert FOCAL in named("focal")
    for loss, peer, told in (
        (SCCE, "torch", {"eps": 0.0, "ignore_index": -100}),
        (SCCE, "sklearn", {"eps": UNIT}),
        (CCE, "optax", {"eps": 0.0}),
        (POLY, "optax", {"eps": 0.0}),
    ):
        assert loss.preset(peer) == told
    assert SCCE.preset("keras")["reduction"] == "sum_over_batch_size"
