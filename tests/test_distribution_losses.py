"""What divergences and scoring rules promise beyond the laws: edges, identities, errors."""

from __future__ import annotations

import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from tests.loss_cases import LOSSES
from tests.oracles import ORACLES

KL = LOSSES["kl_divergence"]
JS = LOSSES["js_divergence"]
NORMALS = LOSSES["kl_gaussian"]
BRIER = LOSSES["brier"]
RPS = LOSSES["ranked_probability_score"]
SPHERICAL = LOSSES["spherical_score"]
CRPS = LOSSES["crps_ensemble"]
GAUSSIAN = LOSSES["crps_gaussian"]
INTERVAL = LOSSES["interval_score"]
PINBALL = LOSSES["pinball"]

RNG = np.random.default_rng(5)
P, Q = RNG.dirichlet(np.ones(4), 9), RNG.dirichlet(np.ones(4), 9)
LABELS = RNG.integers(0, 4, 9).astype(np.float64)
INF = math.inf

entries = st.lists(st.floats(1e-3, 1.0), min_size=3, max_size=3)


def ulps(got: float, exact: Any) -> float:
    return float(abs(mpmath.mpf(float(got)) - exact)) / math.ulp(float(abs(exact)))


# --- Kullback and Leibler ------------------------------------------------------------------------


def test_zeros() -> None:
    target = [[0.0, 1.0], [0.5, 0.5], [0.0, 1.0], [0.5, 0.5]]
    pred = [[0.5, 0.5], [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]]
    assert KL(pred, target).tolist() == [math.log(2.0), INF, 0.0, 0.0]
    three = KL([[0.0, 0.6, 0.4]], [[0.0, 0.3, 0.7]])
    assert three.tolist() == [pytest.approx(0.18378689738681217, rel=1e-15)]
    keras = KL([[1.0, 0.0]], [[0.5, 0.5]], eps=1e-7)
    assert keras.tolist() == [pytest.approx(7.365900644919215, rel=1e-15)]
    with np.errstate(divide="ignore"):
        logs = KL(np.log(pred), np.log(target), log_input=True, log_target=True)
    assert logs.tolist() == [pytest.approx(math.log(2.0)), INF, 0.0, 0.0]
    reverse = KL(pred, target, direction="reverse")
    assert reverse.tolist() == KL(target, pred).tolist()


def test_variants_of_the_divergence() -> None:
    plain = KL(P, Q)
    np.testing.assert_allclose(plain, (Q * np.log(Q / P)).sum(axis=1), rtol=1e-13)
    np.testing.assert_allclose(KL(P, Q, base=2.0), plain / math.log(2.0), rtol=1e-15)
    np.testing.assert_allclose(KL(np.log(P), Q, log_input=True), plain, rtol=1e-12)
    np.testing.assert_allclose(KL(3.0 * P, 0.1 * Q, normalize=True), plain, rtol=1e-13)
    shifted = KL(np.log(P) + 7.0, Q, log_input=True, normalize=True)
    np.testing.assert_allclose(shifted, plain, rtol=1e-12)
    off = KL(3.0 * P, Q, generalized=True) - KL(3.0 * P, Q)
    np.testing.assert_allclose(off, 2.0, rtol=1e-13)
    entropy = -(Q * np.log(Q)).sum(axis=1)
    cross = LOSSES["categorical_cross_entropy"](P, Q)
    np.testing.assert_allclose(cross, plain + entropy, rtol=1e-13)
    assert (KL(3.0 * P, Q) < 0.0).any()  # no distribution, and said to be none
    assert parse("kl").low == -INF
    assert parse("kl:generalized=true").low == parse("kl:normalize=true").low == 0.0
    assert parse("kl:generalized=true,log_input=true").low == -INF
    spec = parse("kl:reduction=mean_over_elements")
    assert spec.divisor({"pred": P, "target": Q}).tolist() == [4.0] * 9


@settings(max_examples=60, deadline=None)
@given(entries, entries, st.integers(1, 52))
def test_near_equality_nothing_cancels(left: list[float], right: list[float], bits: int) -> None:
    target = np.array(left) / sum(left)
    pred = target * (1.0 + (np.array(right) - 0.5) * 2.0**-bits)
    exact = ORACLES["kl_divergence"](pred.tolist(), target.tolist(), generalized=True)
    got = KL([pred], [target], generalized=True)[0]
    assert got == float(exact) == 0.0 or ulps(got, exact) <= 6.0
    exact = ORACLES["kl_divergence"](pred.tolist(), target.tolist())
    excess = abs(mpmath.fsum(target) - mpmath.fsum(pred))
    unit = math.ulp(max(float(abs(exact)), float(excess)))
    assert abs(mpmath.mpf(float(KL([pred], [target])[0])) - exact) <= 8 * unit
    exact = ORACLES["js_divergence"](pred.tolist(), target.tolist())
    got = JS([pred], [target])[0]
    assert got == float(exact) == 0.0 or ulps(got, exact) <= 6.0


def test_equal_rows_are_no_distance_apart() -> None:
    for told in ({}, {"normalize": True}, {"generalized": True}, {"eps": 1e-7}, {"base": 2.0}):
        assert KL(Q, Q, **told).tolist() == [0.0] * 9
    for told in ({}, {"normalize": True}, {"sqrt": True}):
        assert JS(Q, Q, **told).tolist() == [0.0] * 9


def test_sizes_beyond_the_float_range() -> None:
    huge = KL([[1e308, 1e308]], [[1e-308, 1.0]], normalize=True)
    assert huge.tolist() == [pytest.approx(math.log(2.0), rel=1e-15)]
    tiny = KL([[1e160, 1e-300]], [[1.0, 1.0]], normalize=True)
    assert tiny.tolist() == [pytest.approx(230 * math.log(10.0) - math.log(2.0), rel=1e-14)]
    assert KL([[1e300]], [[1.0]]).tolist() == [pytest.approx(-300 * math.log(10.0), rel=1e-15)]
    assert JS([[1.7e308, 0.0]], [[0.0, 1.7e308]]).tolist() == [
        pytest.approx(1.7e308 * math.log(2.0), rel=1e-15)
    ]


def test_masses_are_not_negative() -> None:
    for loss in (KL, JS):
        with pytest.raises(DataError, match=r"pred row 0 is -0\.1"):
            loss([[-0.1, 1.1]], [[0.5, 0.5]])
        with pytest.raises(DataError, match="target row 1"):
            loss([[0.5, 0.5], [0.5, 0.5]], [[0.5, 0.5], [math.nan, 0.5]])
        with pytest.raises(DataError, match="positive sum"):
            loss([[0.0, 0.0]], [[0.5, 0.5]], normalize=True)
        with pytest.raises(UsageError, match="base is 1"):
            loss(P, Q, base=1.0)
    with pytest.raises(DataError, match="≤ 700"):
        KL([[INF, 0.0]], [[0.5, 0.5]], log_input=True)


# --- Jensen and Shannon ----------------------------------------------------------------------


def test_the_middle_divergence() -> None:
    middle = 0.5 * (P + Q)
    halves = 0.5 * KL(middle, P) + 0.5 * KL(middle, Q)
    np.testing.assert_allclose(JS(P, Q), halves, rtol=1e-13)
    assert JS(P, Q).tolist() == JS(Q, P).tolist()
    np.testing.assert_allclose(JS(P, Q, sqrt=True) ** 2, JS(P, Q), rtol=1e-15)
    disjoint = ([[1.0, 0.0]], [[0.0, 1.0]])
    assert JS(*disjoint).tolist() == [math.log(2.0)]
    assert JS(*disjoint, base=2.0).tolist() == [1.0]
    np.testing.assert_allclose(JS(3.0 * P, Q, normalize=True), JS(P, Q), rtol=1e-13)


def test_divergences_keep_their_digits_on_both_sides_of_each_formula() -> None:
    """Shares by 0 to almost 2 of their middle: the polynomials end at 0.45 and 0.6."""
    t = np.concatenate([np.linspace(-0.999, 0.999, 301), RNG.uniform(-0.62, 0.62, 300)])
    scale = np.exp(RNG.normal(0.0, 3.0, t.size))
    pred, target = (scale * (1.0 + t))[:, np.newaxis], (scale * (1.0 - t))[:, np.newaxis]
    for loss, told in ((KL, {"generalized": True}), (JS, {})):
        for got, p, q in zip(loss(pred, target, **told), pred, target, strict=True):
            exact = ORACLES[loss.name](p.tolist(), q.tolist(), **told)
            assert got == float(exact) == 0.0 or ulps(got, exact) <= 8.0


def test_rows_beyond_one_piece_have_the_same_bits() -> None:
    rng = np.random.default_rng(8)
    pred, target = rng.dirichlet(np.ones(7), 5000), rng.dirichlet(np.ones(7), 5000)
    pred[::50, 0] = 0.0
    target[::50, 0] = 0.0
    for loss, told in ((KL, {}), (KL, {"direction": "reverse"}), (JS, {}), (KL, {"eps": 1e-7})):
        whole = loss(pred, target, **told)
        parts = [loss(pred[i : i + 333], target[i : i + 333], **told) for i in range(0, 5000, 333)]
        assert np.concatenate(parts).tobytes() == whole.tobytes()
        assert loss(np.asfortranarray(pred), target, **told).tobytes() == whole.tobytes()


# --- logits --------------------------------------------------------------------------------------

LOGITS = RNG.normal(0.0, 4.0, (9, 4))
SHARES = np.exp(LOGITS) / np.exp(LOGITS).sum(axis=1, keepdims=True)
SURE = np.array([[1e4, 0.0, -1e4], [-1e4, 1e4, 0.0], [0.0, -INF, 1e4], [-INF, 0.0, 0.0]])


@pytest.mark.parametrize("told", [{}, {"direction": "reverse"}, {"generalized": True},
                                  {"normalize": True}, {"eps": 1e-3}, {"base": 2.0}])  # fmt: skip
def test_divergences_of_logits(told: dict[str, Any]) -> None:
    by_share = KL(SHARES, Q, **told)
    np.testing.assert_allclose(KL(LOGITS, Q, from_logits=True, **told), by_share, rtol=1e-12)
    # Logarithms of probabilities are logits too, and from_logits wins.
    logs = KL(np.log(SHARES), Q, from_logits=True, log_input=True, **told)
    np.testing.assert_allclose(logs, by_share, rtol=1e-11)
    np.testing.assert_allclose(
        KL(LOGITS, np.log(Q), from_logits=True, log_target=True, **told), by_share, rtol=1e-11
    )


def test_logits_however_large() -> None:
    target = [[0.5, 0.5, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    # Half the target lies where the probability is e^-10000, e^-20000, e^-10000, and on both.
    half = math.log(0.5)
    forward = KL(SURE, target, from_logits=True)
    assert forward.tolist() == pytest.approx([5000 + half, 10000 + half, 5000 + half, 0.0])
    assert forward[3] == 0.0
    denormal = KL([[0.0, -740.0]], [[0.5, 0.5]], from_logits=True)
    assert denormal.tolist() == [pytest.approx(370.0 + half, rel=1e-15)]
    impossible = KL([[0.0, -INF]], [[0.5, 0.5]], from_logits=True)
    assert impossible.tolist() == [INF]
    # e^-20000 is no 0: where the target is 0, the reverse divergence is infinite.
    reverse = KL(SURE[:1], [[1.0, 0.0, 0.0]], from_logits=True, direction="reverse")
    assert reverse.tolist() == [INF]
    gone = KL([[1e4, -INF]], [[1.0, 0.0]], from_logits=True, direction="reverse")
    assert gone.tolist() == [0.0]
    middle = JS(SURE, target, from_logits=True)
    exact = [ORACLES["js_divergence"](z.tolist(), t, from_logits=True)
             for z, t in zip(SURE, target, strict=True)]  # fmt: skip
    assert middle.tolist() == pytest.approx([float(value) for value in exact], rel=1e-15)
    with pytest.raises(DataError, match="pred row 0 is -2"):
        JS([[4.0, -2.0]], [[0.5, 0.5]])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-8.0, 8.0), min_size=3, max_size=3), st.integers(0, 2),
       st.integers(1, 50))  # fmt: skip
def test_near_the_target_logits_keep_their_digits(row: list[float], at: int, bits: int) -> None:
    """A divergence of v from rounded probabilities is known to the rounding unit times its root;
    the target's own sum is 1 but for its rounding, which counts exactly."""
    grown = np.exp(row)
    target = grown / grown.sum()
    row[at] += 2.0**-bits
    excess = float(abs(mpmath.fsum(target) - 1))
    for direction in ("forward", "reverse"):
        told = {"from_logits": True, "direction": direction}
        exact = ORACLES["kl_divergence"](row, target.tolist(), **told)
        got = KL([row], [target], **told)[0]
        allowed = 2e-15 * (math.sqrt(float(abs(exact))) + excess) + 1e-31
        assert abs(mpmath.mpf(float(got)) - exact) <= allowed


@pytest.mark.parametrize("loss", [BRIER, RPS, SPHERICAL], ids=lambda loss: loss.label)
def test_scores_of_logits(loss: Any) -> None:
    got = loss(LOGITS, LABELS, from_logits=True)
    np.testing.assert_allclose(got, loss(SHARES, LABELS), rtol=1e-12)
    for labels in ([0, 1, 2, 1], [2, 0, 0, 2], [1, 2, 1, 0]):
        for z, y, value in zip(SURE, labels, loss(SURE, labels, from_logits=True), strict=True):
            exact = ORACLES[loss.name](z.tolist(), y, from_logits=True)
            assert value == pytest.approx(float(exact), rel=1e-15)
    told = {**loss.check({}), "from_logits": True}
    slopes = loss.gradient(np.where(np.isinf(SURE), -1e4, SURE), np.array([0, 1, 2, 1]), **told)
    assert np.isfinite(slopes).all()
    # A class that is all but certain keeps the digits of what it lacks.
    near = loss([[40.0, 0.0]], [0], from_logits=True)[0]
    exact = ORACLES[loss.name]([40.0, 0.0], 0, from_logits=True)
    assert 0.0 < near < 1e-30
    assert ulps(near, exact) <= 8.0
    with pytest.raises(DataError, match="pred row"):
        loss(LOGITS, LABELS)


def test_brier_of_one_logit() -> None:
    z, y = np.array([-1e4, -800.0, -3.0, 0.0, 40.0, INF]), np.array([0, 1, 1, 0, 1, 0.0])
    got = BRIER(z, y, from_logits=True)
    share = 1.0 / (1.0 + np.exp(3.0))
    expected = [0.0, 1.0, (1.0 - share) ** 2, 0.25, math.exp(-80.0), 1.0]
    assert got.tolist() == pytest.approx(expected, rel=1e-14)
    rows = BRIER(np.stack([np.zeros(5), z[:5]], axis=1), y[:5], from_logits=True)
    assert rows.tolist() == pytest.approx(got[:5].tolist(), rel=1e-14)


# --- normals -----------------------------------------------------------------------------------


def test_two_normals() -> None:
    mean, scale, other, spread = [1.0], [2.0], [0.5], [0.7]
    got = NORMALS(mean, scale, other, spread)
    expected = math.log(2.0 / 0.7) + (0.49 + 0.25) / 8.0 - 0.5
    assert got.tolist() == [pytest.approx(expected, rel=1e-15)]
    squares = NORMALS(mean, [4.0], other, [0.49], variance=True)
    assert squares.tolist() == [pytest.approx(expected, rel=1e-14)]
    reverse = NORMALS(mean, scale, other, spread, direction="reverse")
    assert reverse.tolist() == NORMALS(other, spread, mean, scale).tolist()
    # A standard normal target: what a variational encoder is charged, one half less the sum.
    encoder = NORMALS(mean, scale, [0.0], [1.0], direction="reverse")
    assert encoder.tolist() == [pytest.approx(-0.5 * (1 + math.log(4.0) - 1.0 - 4.0), rel=1e-15)]
    assert NORMALS(mean, scale, mean, scale).tolist() == [0.0]
    with pytest.raises(DataError, match="scale row 0 is 0"):
        NORMALS(mean, [0.0], other, spread)


@settings(max_examples=60, deadline=None)
@given(
    st.floats(-10, 10), st.floats(1e-3, 10), st.floats(-1, 1), st.floats(-0.5, 0.5),
    st.integers(0, 52), st.booleans(),
)  # fmt: skip
def test_nearly_equal_normals(
    mean: float, scale: float, by: float, wider: float, bits: int, variance: bool
) -> None:
    row = [mean, scale, mean + by * 2.0**-bits, scale * (1.0 + wider * 2.0**-bits)]
    exact = ORACLES["kl_gaussian"](*row, variance=variance)
    got = NORMALS(*([value] for value in row), variance=variance)[0]
    assert got == float(exact) or ulps(got, exact) <= 6.0


# --- classes -----------------------------------------------------------------------------------


def test_brier_of_one_probability_and_of_rows() -> None:
    p, y = P[:, 0] / 2.0, np.array([0, 1, 0, 1, 1, 0, 0, 1, 1.0])
    assert BRIER(p, y).tolist() == ((p - y) ** 2).tolist()
    rows = np.stack([1.0 - p, p], axis=1)
    np.testing.assert_allclose(BRIER(rows, y), BRIER(p, y), rtol=1e-13)
    for half, factor in (("auto", 1.0), (True, 1.0), (False, 2.0)):
        np.testing.assert_allclose(BRIER(p, y, scale_by_half=half), factor * (p - y) ** 2)
        np.testing.assert_allclose(
            BRIER(rows, y, scale_by_half=half), BRIER(p, y, scale_by_half=half), rtol=1e-13
        )
    one_hot = np.eye(4)[LABELS.astype(int)]
    full = ((P - one_hot) ** 2).sum(axis=1)
    np.testing.assert_allclose(BRIER(P, LABELS), full, rtol=1e-14)
    assert BRIER(P, one_hot).tolist() == BRIER(P, LABELS).tolist()
    np.testing.assert_allclose(BRIER(P, LABELS, scale_by_half=True), 0.5 * full, rtol=1e-14)
    np.testing.assert_allclose(BRIER(P, Q), ((P - Q) ** 2).sum(axis=1), rtol=1e-14)
    assert BRIER([[1.0, 0.0, 0.0]], [1]).tolist() == [2.0]


def test_brier_takes_no_impossible_outcome() -> None:
    for pred, target, words in (
        ([0.5, 0.5], [1.0, 2.0], r"row 1: .*targets in \[0, 1\]"),
        (P[:2], [0.0, 1.5], "row 1: .*a class, a whole number"),
        (P[:2], [0.0, 4.0], "below 4, the number of classes"),
        (P[:2], Q[:2] * 4.0, r"row \d: .*targets in \[0, 1\]"),
        (P[:2], Q[:2, :3], "4 classes, but target has 3"),
        ([0.5, 0.5], [[0.0, 1.0], [1.0, 0.0]], "one probability a row"),
        ([0.5, 1.5], [0.0, 1.0], "pred row 1 is 1.5"),
        ([0.5, 0.5], [0.0, -1.0], "target row 1 is -1"),
    ):
        with pytest.raises(DataError, match=words):
            BRIER(pred, target)


def test_brier_says_of_rows_alone_that_they_do_not_sum_to_1() -> None:
    rule = parse("brier").roles[0].domain.row
    assert rule is not None
    assert rule.warning
    assert rule.broken(np.array([[0.5, 0.5], [0.5, 0.25]])).tolist() == [False, True]
    assert rule.broken(np.array([0.5, 0.25])).tolist() == [False, False]


def test_ranked_probabilities() -> None:
    steps = np.arange(4)[np.newaxis, :] >= LABELS[:, np.newaxis]
    direct = ((np.cumsum(P, axis=1) - steps) ** 2).sum(axis=1)
    np.testing.assert_allclose(RPS(P, LABELS), direct, rtol=1e-12)
    np.testing.assert_allclose(RPS(P, LABELS, normalize=True), direct / 3.0, rtol=1e-12)
    sure = np.eye(4)
    assert RPS(sure, [0, 0, 0, 0]).tolist() == [0.0, 1.0, 2.0, 3.0]
    binary = RPS([[0.3, 0.7]], [1], normalize=True)
    assert binary.tolist() == [pytest.approx(0.09, rel=1e-15)]
    # Ensembles of whole numbers: the CRPS of the counts.
    crps = CRPS([[0.0, 1.0, 1.0, 3.0]], [2.0])
    assert RPS([[0.25, 0.5, 0.0, 0.25]], [2]).tolist() == [pytest.approx(crps[0], rel=1e-15)]
    assert RPS([[1.0]], [0], normalize=True).tolist() == [0.0]
    exact = ORACLES["ranked_probability_score"]([1e-9, 1.0 - 2e-9, 1e-9], 1)
    assert ulps(RPS([[1e-9, 1.0 - 2e-9, 1e-9]], [1])[0], exact) <= 4.0


def test_spherical_scores() -> None:
    own = P[np.arange(9), LABELS.astype(int)]
    direct = 1.0 - own / np.sqrt((P**2).sum(axis=1))
    np.testing.assert_allclose(SPHERICAL(P, LABELS), direct, rtol=1e-12)
    edges = SPHERICAL([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0], [1e-200, 0.0]], [0, 0, 0, 0])
    assert edges.tolist() == [0.0, 1.0, 1.0, 0.0]
    near = SPHERICAL([[1.0 - 1e-9, 1e-9]], [0])[0]
    assert near == pytest.approx(0.5e-18, rel=1e-8)


@pytest.mark.parametrize("loss", [BRIER, RPS, SPHERICAL], ids=lambda loss: loss.label)
def test_scores_are_proper(loss: Any) -> None:
    for truth in Q[:4]:
        expected = [
            sum(t * loss([row], [float(k)])[0] for k, t in enumerate(truth))
            for row in (truth, *P, np.full(4, 0.25))
        ]
        assert expected[0] == min(expected)


# --- values --------------------------------------------------------------------------------------


def test_ensembles() -> None:
    members, target = RNG.normal(0.0, 2.0, (9, 6)), RNG.normal(0.0, 2.0, 9)
    one = CRPS(members[:, :1], target)
    assert one.tolist() == np.abs(members[:, 0] - target).tolist()
    near = np.abs(members - target[:, np.newaxis]).mean(axis=1)
    spread = np.abs(members[:, :, np.newaxis] - members[:, np.newaxis]).sum(axis=(1, 2))
    np.testing.assert_allclose(CRPS(members, target), near - spread / 72.0, rtol=1e-12)
    fair = CRPS(members, target, estimator="fair")
    np.testing.assert_allclose(fair, near - spread / 60.0, rtol=1e-11, atol=1e-15)
    assert CRPS(members[:, ::-1], target).tolist() == CRPS(members, target).tolist()
    with pytest.raises(DataError, match="two members"):
        CRPS(members[:, :1], target, estimator="fair")


def test_a_common_offset_costs_an_ensemble_no_digits() -> None:
    members = np.array([[1e9, 1e9 + 0.5, 1e9 + 0.25]])
    assert CRPS(members, [1e9]).tolist() == [pytest.approx((3 * 0.25 + 0.5) / 9, rel=1e-15)]
    whole = np.array([[2**60 + 1, 2**60 + 3]])
    assert CRPS(whole, np.array([2**60])).tolist() == [(3 * 1 + 1 * 3) / 4]
    assert CRPS([[-1.0, 1.0]], [0.0], estimator="fair").tolist() == [0.0]
    assert CRPS([[-1.7e308, 1.7e308]], [0.0]).tolist() == [pytest.approx(0.85e308)]
    assert not np.isnan(CRPS([[-1.7e308, 1.7e308]], [1.7e308], estimator="fair")).any()


def test_normal_forecasts() -> None:
    at_mean = GAUSSIAN([3.0], [2.0], [3.0])
    expected = 2.0 * (2.0 / math.sqrt(2.0 * math.pi) - 1.0 / math.sqrt(math.pi))
    assert at_mean.tolist() == [pytest.approx(expected, rel=1e-15)]
    assert GAUSSIAN([3.0, 3.0], [0.0, 0.0], [5.0, 3.0]).tolist() == [2.0, 0.0]
    far = GAUSSIAN([0.0, 0.0], [1.0, 1e-300], [1e6, -1e6])
    assert far.tolist() == [1e6 - 1.0 / math.sqrt(math.pi), 1e6]
    variance = GAUSSIAN([1.0], [4.0], [0.5], variance=True)
    assert variance.tolist() == GAUSSIAN([1.0], [2.0], [0.5]).tolist()
    x = np.linspace(-9.0, 9.0, 40001)
    normal = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    cumulative = np.cumsum(normal) * (x[1] - x[0])
    integral = ((cumulative - (x >= 0.7)) ** 2).sum() * (x[1] - x[0])
    assert GAUSSIAN([0.0], [1.0], [0.7])[0] == pytest.approx(integral, rel=1e-3)
    with pytest.raises(DataError, match="scale row 0 is -1"):
        GAUSSIAN([0.0], [-1.0], [0.0])


def test_intervals() -> None:
    lower, upper = np.array([1.0, 1.0, 1.0, 2.0]), np.array([3.0, 3.0, 3.0, 2.0])
    target = np.array([2.0, 0.0, 3.5, 2.0])
    assert INTERVAL(lower, upper, target).tolist() == [2.0, 22.0, 12.0, 0.0]
    assert INTERVAL(lower, upper, target, alpha=0.25).tolist() == [2.0, 10.0, 6.0, 0.0]
    assert INTERVAL(lower, upper, target, level=0.75).tolist() == [2.0, 10.0, 6.0, 0.0]
    low = PINBALL(lower, target, quantile=0.05)
    high = PINBALL(upper, target, quantile=0.95)
    np.testing.assert_allclose(
        INTERVAL(lower, upper, target), 2.0 / 0.1 * (low + high), rtol=1e-13, atol=1e-15
    )
    with pytest.raises(
        DataError, match=r"row 2: lower is 4\.?, upper is 3\.?, .* needs lower ≤ upper"
    ):
        INTERVAL([1.0, 1.0, 4.0], [3.0, 3.0, 3.0], [0.0, 0.0, 0.0])
    with pytest.raises(DataError, match=r"row 1: lower is \[1\.?,? 4\.?\], .*lower ≤ upper"):
        INTERVAL([[1.0, 1.0], [1.0, 4.0]], np.full((2, 2), 3.0), np.zeros((2, 2)))
    for wrong in (0.0, 1.0):
        with pytest.raises(UsageError, match="alpha"):
            INTERVAL(lower, upper, target, alpha=wrong)


# --- quantiles -----------------------------------------------------------------------------------


def test_several_quantiles_are_averaged() -> None:
    pred, target = np.sort(RNG.normal(0.0, 1.0, (9, 3)), axis=1), RNG.normal(0.0, 1.0, 9)
    levels = (0.1, 0.5, 0.9)
    alone = [
        PINBALL(pred[:, k], target, quantile=level, scale=2.0) for k, level in enumerate(levels)
    ]
    got = PINBALL(pred, target, quantile=levels, scale=2.0)
    np.testing.assert_allclose(got, np.mean(alone, axis=0), rtol=1e-15)
    spec = parse("pinball:quantile=[0.1;0.5;0.9]")
    assert str(spec) == "pinball:quantile=[0.1;0.5;0.9]"
    assert [role.domain.shape for role in spec.roles] == ["vector", "one"]
    with pytest.raises(DataError, match="3 values a row, not 2"):
        PINBALL(pred, target, quantile=(0.1, 0.9))
    with pytest.raises(UsageError, match="quantile"):
        PINBALL(pred, target, quantile=(0.1, 0.5, 1.5))
    # With one number there is one quantile of every output.
    both = PINBALL(pred, np.stack([target] * 3, axis=1), quantile=0.5)
    np.testing.assert_allclose(
        both, 0.5 * np.abs(pred - target[:, np.newaxis]).mean(axis=1), rtol=1e-14
    )


def test_presets() -> None:
    assert KL.preset("torch") == {"reduction": "mean_over_elements"}
    assert KL.preset("keras") == {"eps": 1e-7, "reduction": "sum_over_batch_size"}
    assert KL.preset("optax") == {}
    assert BRIER.preset("sklearn") == {}
    spec = parse("kl:like=torch,log_input=true")
    values = spec.evaluate({"pred": np.log(P), "target": Q})
    divided = values.sum() / spec.divisor({"pred": P, "target": Q}).sum()
    assert divided == pytest.approx((Q * np.log(Q / P)).mean(), rel=1e-13)
