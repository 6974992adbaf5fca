"""Losses of embeddings: special points, identities, kinks, extreme vectors, order and errors."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest

import lossctl
from lossctl import losses
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from lossctl.losses import angular, embedding
from tests.oracles import ORACLES
from tests.oracles.embedding import class_means

RNG = np.random.default_rng(11)
X = RNG.normal(size=(12, 3))
LABEL = np.array([0, 1, 2, 0, 1, 2, 0, 1, 3, 0, 1, 1])
W = RNG.normal(size=(4, 3))
A, P, N = RNG.normal(size=(3, 40, 3))


def close(got: Any, want: Any, rtol: float = 1e-14) -> None:
    np.testing.assert_allclose(got, want, rtol=rtol, atol=0.0)


# --- center loss --------------------------------------------------------------------------------


def test_center_loss_from_centers_and_from_class_means() -> None:
    centers = [[0.0, 0.0], [3.0, 4.0]]
    assert losses.center_loss([[3.0, 4.0], [3.0, 4.0]], [0, 1], centers).tolist() == [12.5, 0.0]
    assert losses.center_loss([[3.0, 4.0]], [0], centers, half=False).tolist() == [25.0]
    # A lone member costs 0; two lie half their distance from the mean.
    got = losses.center_loss([[1.0, 7.0], [3.0, 7.0], [0.1, 0.3]], [5, 5, 900])
    assert got.tolist() == [0.5, 0.5, 0.0]


def test_class_means_are_exact_sums() -> None:
    """Close to the mean and far from zero, and beyond what a plain sum can hold."""
    points = 1e9 + RNG.normal(size=(30, 2)) * 1e-4
    label = RNG.integers(0, 3, 30)
    with mpmath.workdps(60):
        rows = [[mpmath.mpf(value) for value in row] for row in points.tolist()]
        means = class_means(rows, label.tolist())
        centers = [means[place] for place in range(3)]
        want = [float(2 * ORACLES["center_loss"](rows[i], label[i], centers)) for i in range(30)]
    close(losses.center_loss(points, label, half=False), want, 1e-15)
    top = np.finfo(np.float64).max
    huge = losses.center_loss([[top], [top], [top]], [0, 0, 0])
    assert huge.tolist() == [0.0, 0.0, 0.0]


def test_order_of_rows_changes_no_bit() -> None:
    points = np.exp(RNG.normal(0.0, 8.0, (200, 3))) * RNG.choice([-1.0, 1.0], (200, 3))
    label = RNG.integers(0, 7, 200)
    batch = RNG.integers(0, 3, 200)
    order = RNG.permutation(200)
    for name, roles in (("center_loss", (points, label)), ("info_nce", (points, label)),
                        ("info_nce", (points, label, batch))):  # fmt: skip
        loss = losses.__getattr__(name)
        mixed = loss(*(role[order] for role in roles))
        assert mixed.tobytes() == loss(*roles)[order].tobytes(), name


def test_center_scope_and_note() -> None:
    spec = parse("center")
    assert spec.scope(["embedding", "label", "centers"]) == "row"
    assert spec.scope(["embedding", "label"]) == "file"
    assert "not a loss alone" in spec.loss.note(**spec.all_settings)
    assert parse("combine:(mse)+(mae)").loss.note is None
    with pytest.raises(DataError, match="below 2, the number of classes"):
        losses.center_loss([[1.0]], [2], [[0.0], [1.0]])
    with pytest.raises(DataError, match="dimensions"):
        losses.center_loss([[1.0, 2.0]], [0], [[0.0], [1.0]])


# --- triplets and pairs -------------------------------------------------------------------------


def test_triplet_by_hand() -> None:
    anchor, positive, negative = [[0.0, 0.0]], [[3.0, 4.0]], [[6.0, 8.0]]
    triplet = losses.triplet_margin
    assert triplet(anchor, positive, negative).tolist() == [0.0]
    assert triplet(anchor, positive, negative, margin=6.0).tolist() == [1.0]
    assert triplet(anchor, positive, negative, margin=6.0, swap=True).tolist() == [6.0]
    assert triplet(anchor, positive, negative, margin=8.0, p=1.0).tolist() == [1.0]
    assert triplet(anchor, positive, negative, margin=8.0, p=math.inf).tolist() == [4.0]
    assert triplet(anchor, anchor, anchor).tolist() == [1.0]
    # optax forgets |·| for p=1 and gets 0 here.
    assert triplet([[1.0]], [[0.0]], [[3.0]], p=1.0, margin=3.0).tolist() == [2.0]
    with pytest.raises(UsageError, match=r"p is 0\.5"):
        triplet(anchor, positive, negative, p=0.5)


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 700.0, math.inf])
def test_distances_neither_overflow_nor_vanish(p: float) -> None:
    for size in (1e300, 1.0, 1e-300):
        near = losses.triplet_margin(
            np.full((1, 4), size), np.zeros((1, 4)), np.full((1, 4), size), p=p, margin=0.0
        )
        close(near / size, [4.0 ** (1.0 / p)])


def test_huge_triplets_are_never_nan() -> None:
    top = np.finfo(np.float64).max
    values = losses.triplet_margin([[top], [top]], [[-top], [top]], [[-top], [-top]])
    assert values.tolist() == [math.inf, 0.0]


def test_contrastive_by_hand() -> None:
    left, right, target = [[0.0, 0.0]] * 3, [[0.0, 2.0], [0.0, 0.5], [0.0, 2.0]], [1, 0, 0]
    pair = losses.contrastive
    assert pair(left, right, target).tolist() == [2.0, 0.125, 0.0]
    assert pair(left, right, target, half=False).tolist() == [4.0, 0.25, 0.0]
    assert pair(left, right, target, squared=False, half=False).tolist() == [2.0, 0.5, 0.0]
    assert pair(left, right, target, margin=3.0).tolist() == [2.0, 3.125, 0.5]
    swapped = pair(left, right, [0, 1, 1], similar=0)
    assert swapped.tolist() == pair(left, right, target).tolist()
    with pytest.raises(DataError, match=r"from \{0, 1\}"):
        pair(left, right, [1, 0, -1])


def test_means_over_what_costs_something() -> None:
    """As AvgNonZeroReducer of pytorch-metric-learning."""
    values = losses.triplet_margin(A, P, N)
    spec = "triplet:reduction=mean_nonzero"
    report = lossctl.evaluate(A, None, [spec, "triplet"], roles={"positive": P, "negative": N})
    by_name = {result.spec: result.value for result in report.losses}
    assert 0 < np.count_nonzero(values) < len(values)
    close(by_name[spec], values.sum() / np.count_nonzero(values))
    close(by_name["triplet"], values.mean())
    pairs = parse("contrastive:reduction=mean_nonzero")
    counts = pairs.divisor({"left": A, "right": P, "target": np.arange(40) % 2})
    alike = losses.contrastive(A, P, np.arange(40) % 2) > 0.0
    assert counts.tolist() == alike.astype(float).tolist()


# --- cosine -------------------------------------------------------------------------------------


def test_cosine_special_points() -> None:
    cosine = losses.cosine_distance
    got = cosine([[1.0, 0.0], [2.0, 2.0], [1.0, 0.0], [0.0, 0.0], [0.0, 0.0]],
                 [[-3.0, 0.0], [1.0, 1.0], [0.0, 5.0], [1.0, 0.0], [0.0, 0.0]])  # fmt: skip
    assert got.tolist() == [2.0, 0.0, 1.0, 1.0, 1.0]
    assert cosine([[1.0, 0.0]], [[5.0, 0.0]], sign="keras").tolist() == [-1.0]
    assert cosine([[0.1, 0.1, 0.1]], [[0.7, 0.7, 0.7]]).tolist() == [0.0]  # parallel exactly


@pytest.mark.parametrize("step", [1e-3, 1e-8, 1e-12, 2.0**-52])
@pytest.mark.parametrize("size", [1e-300, 1.0, 1e300])
def test_nearly_parallel_vectors_keep_their_digits(step: float, size: float) -> None:
    one = RNG.normal(size=(20, 3))
    other = 0.7 * one * (1.0 + step * RNG.choice([-1.0, 0.0, 1.0], one.shape))
    got = losses.cosine_distance(size * one, other)
    want = [ORACLES["cosine_distance"](*pair) for pair in zip(
        (size * one).tolist(), other.tolist(), strict=True)]  # fmt: skip
    for value, exact in zip(got.tolist(), want, strict=True):
        assert abs(value - exact) <= 1e-15 * abs(exact)
    assert 0.0 < got.max() < step * step


def test_signs_of_cosine_have_their_least_value() -> None:
    assert (losses.cosine_distance.low, losses.cosine_distance.high) == (-1.0, 2.0)
    assert parse("cosine").low == 0.0
    assert parse("cosine").shares
    assert parse("cosine:sign=keras").low == -1.0
    assert not parse("cosine:like=keras").shares


# --- InfoNCE ------------------------------------------------------------------------------------


def test_info_nce_by_hand() -> None:
    points, label = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], [4, 4, 7]
    got = losses.info_nce(points, label, temperature=0.5)
    close(got[:2], np.log1p(np.exp(-2.0)))
    assert got[2] == 0.0  # no positive
    assert losses.info_nce(points, [1, 1, 1]).tolist() == [0.0, 0.0, 0.0]  # no negative
    dot = losses.info_nce(np.array(points) * 3.0, label, temperature=1.0, similarity="dot")
    close(dot[:2], np.log1p(np.exp(-9.0)))


def test_info_nce_counts_pairs_and_keeps_batches_apart() -> None:
    spec = parse("info_nce")
    assert spec.scope(["embedding", "label"]) == "file"
    assert spec.scope(["embedding", "label", "batch"]) == "group"
    _, pairs = spec.evaluate({"embedding": X, "label": LABEL.astype(float)})
    assert pairs.tolist() == [3.0, 4.0, 1.0, 3.0, 4.0, 1.0, 3.0, 4.0, 0.0, 3.0, 4.0, 4.0]
    batch = np.array([5, 5, 5, 5, 5, 9, 9, 9, 9, 9, 9, 9])
    together = losses.info_nce(X, LABEL, batch)
    apart = [losses.info_nce(X[batch == one], LABEL[batch == one]) for one in (5, 9)]
    assert together.tobytes() == np.concatenate(apart).tobytes()
    assert together.tolist() != losses.info_nce(X, LABEL).tolist()


@pytest.mark.parametrize("similarity", ["cosine", "dot"])
@pytest.mark.parametrize("batch", [None, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1]])
def test_info_nce_agrees_with_the_formula(similarity: str, batch: list[int] | None) -> None:
    told = {"similarity": similarity, "temperature": 0.3}
    columns = {"embedding": X, "label": LABEL.astype(float),
               "batch": None if batch is None else np.array(batch, dtype=float)}  # fmt: skip
    sums, pairs = parse(f"info_nce:similarity={similarity},temperature=0.3").evaluate(columns)
    want = ORACLES["info_nce"](X.tolist(), LABEL.tolist(), batch, **told)
    assert abs(math.fsum(sums) / math.fsum(pairs) - want) <= 1e-14 * want


def test_info_nce_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = losses.info_nce(X, LABEL)
    for held in (1, 30, 70):
        monkeypatch.setattr(embedding, "_SIMILARITIES", held)
        assert losses.info_nce(X, LABEL).tobytes() == whole.tobytes()


def test_info_nce_of_extreme_points() -> None:
    points = [[1e200, 0.0], [1e200, 1e180], [-1e200, 5.0], [1e-200, 1e-200], [0.0, 0.0]]
    label = [0, 0, 1, 1, 1]
    for similarity in ("cosine", "dot"):
        for temperature in (1e-300, 0.07, 1e300):
            values = losses.info_nce(points, label, similarity=similarity, temperature=temperature)
            assert not np.isnan(values).any()
            assert (values >= 0.0).all()
    # Both products are beyond float64, so nothing is known of their difference.
    assert (
        losses.info_nce(points[:2] * 2, [0, 0, 1, 1], similarity="dot").tolist() == [math.inf] * 4
    )


# --- margins on angles --------------------------------------------------------------------------


def test_large_margin_of_1_is_the_softmax_loss() -> None:
    scores = X @ W.T
    plain = np.log(np.exp(scores).sum(axis=1)) - scores[np.arange(12), LABEL]
    close(losses.large_margin_softmax(X, LABEL, W, margin=1), plain, 1e-13)
    close(losses.large_margin_softmax(X, LABEL, W, margin=4, blend=1e18), plain, 1e-13)
    # A margin only makes it harder, the more the larger.
    values = [losses.large_margin_softmax(X, LABEL, W, margin=m) for m in (1, 2, 3, 4)]
    assert (np.diff(values, axis=0) > 0.0).all()


def test_psi_falls_from_1_to_1_less_twice_the_margin() -> None:
    """At the ends of its pieces, from a point that lies at that angle to its class vector."""
    for margin in (2, 3, 4, 7):
        for k in range(margin + 1):
            theta = k * math.pi / margin
            point = [[math.cos(theta), math.sin(theta)]]
            got = losses.large_margin_softmax(point, [0], [[1.0, 0.0], [0.0, 0.0]], margin=margin)
            psi = (-1) ** k * math.cos(k * math.pi) - 2 * k
            close(got, np.log1p(np.exp(-psi)), 1e-13)


def test_points_and_vectors_of_zeros() -> None:
    zero = np.zeros((1, 3))
    assert losses.large_margin_softmax(zero, [0], W)[0] == pytest.approx(math.log(4), rel=1e-15)
    for loss in (losses.arcface, losses.cosface):
        values = np.concatenate([loss(zero, [0], W), loss(X, LABEL, np.zeros((4, 3)))])
        assert np.isfinite(values).all()


def test_arcface_keeps_rising_beyond_pi() -> None:
    theta = np.linspace(0.0, math.pi, 400)
    points = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    for margin in (0.0, 0.5, 2.0):
        values = losses.arcface(points, np.zeros(400), [[1.0, 0.0], [0.0, 0.0]], scale=4.0,
                                margin=margin)  # fmt: skip
        assert (np.diff(values) > 0.0).all()
    facing = losses.arcface([[1.0, 0.0]], [0], [[2.0, 0.0], [0.0, 1.0]], scale=2.0, margin=0.5)
    close(facing, np.log1p(np.exp(-2.0 * math.cos(0.5))))
    less = losses.cosface([[1.0, 0.0]], [0], [[2.0, 0.0], [0.0, 1.0]], scale=2.0, margin=0.5)
    close(less, np.log1p(np.exp(-2.0 * 0.5)))


@pytest.mark.parametrize("name", ["large_margin_softmax", "arcface", "cosface"])
def test_margins_at_extreme_scores(name: str) -> None:
    loss = losses.__getattr__(name)
    told = {} if name == "large_margin_softmax" else {"scale": 1e4}
    for size in (1e-300, 1e4, 1e154, 1e300):
        values = loss(size * X, LABEL, 1e4 * W, **told)
        assert not np.isnan(values).any()
        assert (values >= 0.0).all()
    # Two scores beyond float64: nothing is known of their difference.
    if name == "large_margin_softmax":
        for margin in (1, 4):
            values = loss([[1e200]], [0], [[1e200], [1e200]], margin=margin)
            assert values.tolist() == [math.inf]


@pytest.mark.parametrize("name", ["large_margin_softmax", "arcface", "cosface"])
def test_margins_in_blocks(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loss = losses.__getattr__(name)
    whole = loss(X, LABEL, W)
    monkeypatch.setattr(angular, "_SCORES", 9)
    assert loss(X, LABEL, W).tobytes() == whole.tobytes()
    with pytest.raises(DataError, match="below 4, the number of classes"):
        loss(X, LABEL + 1, W)


# --- gradients ----------------------------------------------------------------------------------

SLOPES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("center_loss", (X, LABEL, W), {}),
    ("center_loss", (X, LABEL, W), {"half": False}),
    ("triplet_margin", (A, P, N), {}),
    ("triplet_margin", (A, P, N), {"p": 1.0, "swap": True}),
    ("triplet_margin", (A, P, N), {"p": 3.0, "eps": 0.1, "margin": 2.0}),
    ("triplet_margin", (A, P, N), {"p": math.inf, "margin": 2.0}),
    ("contrastive", (A, P, np.arange(40) % 2), {"margin": 3.0}),
    ("contrastive", (A, P, np.arange(40) % 2), {"squared": False, "similar": 0, "half": False}),
    ("cosine_distance", (A, P), {}),
    ("cosine_distance", (A, P), {"sign": "keras"}),
    ("large_margin_softmax", (X, LABEL, W), {"margin": 1}),
    ("large_margin_softmax", (X, LABEL, W), {"margin": 3}),
    ("large_margin_softmax", (X, LABEL, W), {"blend": 0.7}),
    ("arcface", (X, LABEL, W), {"scale": 3.0}),
    ("arcface", (X, LABEL, W), {"scale": 3.0, "margin": 2.5}),
    ("cosface", (X, LABEL, W), {"scale": 3.0}),
]


@pytest.mark.parametrize(("name", "roles", "told"), SLOPES)
def test_gradient_is_the_limit_of_differences(
    name: str, roles: tuple[Any, ...], told: dict[str, Any]
) -> None:
    loss = losses.__getattr__(name)
    columns = [np.asarray(role, dtype=np.float64) for role in roles]
    got = loss.gradient(*columns, **loss.check(told))
    assert got.shape == columns[0].shape
    assert np.count_nonzero(got)
    for place in range(got.shape[1]):
        step = np.zeros(columns[0].shape)
        step[:, place] = 1e-6
        above, below = (loss(columns[0] + side * step, *roles[1:], **told) for side in (1, -1))
        np.testing.assert_allclose(got[:, place], (above - below) / 2e-6, rtol=1e-6, atol=1e-8)


def test_gradients_where_there_is_none_are_0() -> None:
    same = np.ones((2, 3))
    told = losses.triplet_margin.check({})
    assert not losses.triplet_margin.gradient(same, same, same, **told).any()
    zero = np.zeros((2, 3))
    assert not losses.cosine_distance.gradient(zero, same, sign="distance").any()
    for loss in (losses.arcface, losses.cosface):
        slopes = loss.gradient(zero, np.zeros(2), W, **loss.check({}))
        assert not slopes.any()


# --- accuracy -----------------------------------------------------------------------------------

SETTINGS: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    *SLOPES[:8],
    ("large_margin_softmax", (X, LABEL, W), {"margin": 7}),
    ("large_margin_softmax", (X, LABEL, W), {"blend": 0.7}),
    ("arcface", (X, LABEL, W), {}),
    ("arcface", (X, LABEL, W), {"margin": 2.5}),
    ("cosface", (X, LABEL, W), {}),
]


@pytest.mark.parametrize(("name", "roles", "told"), SETTINGS)
def test_agrees_with_the_oracle(name: str, roles: tuple[Any, ...], told: dict[str, Any]) -> None:
    got = losses.__getattr__(name)(*roles, **told)
    for row, value in enumerate(got.tolist()):
        sample = [role if len(role) != len(got) else role[row] for role in map(np.asarray, roles)]
        want = ORACLES[name](*(part.tolist() for part in sample), **told)
        assert abs(value - want) <= 1e-13 * abs(want) + (1e-15 if want < 1e-2 else 0.0), row


def test_oracles_of_whole_files_see_weights() -> None:
    doubled = ORACLES["info_nce"](X[:4].tolist(), [0, 0, 1, 1], weights=[1, 1, 0, 0])
    sums, pairs = parse("info_nce").evaluate(
        {"embedding": X[:4], "label": np.array([0.0, 0, 1, 1])}
    )
    assert abs(float(doubled) - (sums[0] + sums[1]) / (pairs[0] + pairs[1])) < 1e-12
