"""Identities between losses, and what single losses promise beyond the laws."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from tests.loss_cases import LOSSES

E = np.array([-700.0, -3.0, -1.0, -0.1, -1e-9, 0.0, 1e-200, 0.25, 0.999, 1.0, 1.5, 12.0, 1e6])
Y = np.array([2.0, 1.0, 0.5, 7.0, 3.0, 2.0, 4.0, 1.25, 2.0, 3.0, 1.0, 5.0, 9.0])
COUNTS = np.array([0.0, 1.0, 0.0, 7.0, 3.0, 2.0, 4.0, 1.0, 2.0, 3.0, 1.0, 5.0, 9.0])
POSITIVE = np.abs(E) + 0.1


def score(text: str, pred: np.ndarray = E, target: np.ndarray = Y) -> np.ndarray:
    spec = parse(text)
    return spec.loss(pred, target, **spec.all_settings)


@pytest.mark.parametrize(
    ("left", "factor", "right", "pred", "target"),
    [
        ("huber", 1.0, "smooth_l1", E, Y),
        ("huber:delta=2.5", 2.5, "smooth_l1:beta=2.5", E, Y),
        ("smooth_l1:beta=0", 1.0, "mae", E, Y),
        ("half_mse", 0.5, "mse", E, Y),
        ("rmse", 1.0, "mse", E, Y),
        ("l2_norm", 1.0, "mse", E, Y),
        ("l1_norm", 1.0, "mae", E, Y),
        ("pinball", 0.5, "mae", E, Y),
        ("pinball:scale=2", 1.0, "mae", E, Y),
        ("expectile", 0.5, "mse", E, Y),
        ("epsilon_insensitive:epsilon=0", 1.0, "mae", E, Y),
        ("squared_epsilon_insensitive:epsilon=0", 1.0, "mse", E, Y),
        ("tweedie:power=0", 1.0, "mse", E, Y),
        ("tweedie:power=1", 1.0, "poisson_deviance", POSITIVE, COUNTS),
        ("tweedie:power=2", 1.0, "gamma_deviance", POSITIVE, Y),
        ("tweedie:power=1.0000000000001", 1.0, "poisson_deviance", POSITIVE, COUNTS),
        ("tweedie:power=2.0000000000001", 1.0, "gamma_deviance", POSITIVE, Y),
        ("tweedie:power=1.5000000000001", 1.0, "tweedie", POSITIVE, Y),
        ("general_robust:alpha=2", 0.5, "mse", E, Y),
        ("general_robust", 1.0, "pseudo_huber", E, Y),
        (f"cauchy:c={2 * 2**0.5}", 4.0, "general_robust:alpha=0,c=2", E, Y),
        (f"welsch:c={2 * 2**0.5}", 4.0, "general_robust:alpha=-inf,c=2", E, Y),
        ("geman_mcclure:c=2", 1.0, "general_robust:alpha=-2,c=1", E, Y),
        ("mape:zero=skip", 1.0, "mape", E, Y),
        ("smape:variant=0-1,scale=2", 1.0, "smape", E, Y),
        ("rmsle", 1.0, "msle", POSITIVE, Y),
        ("bias", 1.0, "mae", Y + np.abs(E), Y),
    ],
)
def test_identity(
    left: str, factor: float, right: str, pred: np.ndarray, target: np.ndarray
) -> None:
    one, other = score(left, pred, target), factor * score(right, pred, target)
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=0.0)
    if factor == 1.0 and right in ("mae", "mse", "smooth_l1"):
        assert one.tobytes() == other.tobytes()


def test_gaussian_and_poisson_constants() -> None:
    nll = LOSSES["gaussian_nll"]
    scale = np.abs(E) + 0.5
    dropped = nll(E, scale, Y, full=True) - nll(E, scale, Y)
    np.testing.assert_allclose(dropped, 0.5 * math.log(2 * math.pi), rtol=1e-9)
    by_deviation = nll(E, np.sqrt(scale), Y, variance=False)
    np.testing.assert_allclose(by_deviation, nll(E, scale, Y), rtol=1e-12, atol=1e-12)
    assert "0.9189" in nll.note(**nll.check({}))
    assert nll.note(**nll.check({"full": True})) is None
    with pytest.raises(DataError, match="> 0"):
        nll([0.0], [0.0], [0.0], eps=0.0)
    poisson = LOSSES["poisson_nll"]
    # The log-likelihood of a large count is small though each of its terms is large.
    assert poisson([1e6], [1e6], full=True)[0] == pytest.approx(7.826694, abs=1e-6)
    assert np.exp(-poisson(np.full(60, 4.0), np.arange(60.0), full=True)).sum() == pytest.approx(1)
    assert poisson([0.0, 0.0], [0.0, 2.0]).tolist() == [0.0, math.inf]
    logs = poisson(np.log(POSITIVE), COUNTS, log_input=True)
    np.testing.assert_allclose(logs, poisson(POSITIVE, COUNTS), rtol=1e-12, atol=1e-12)


def test_structural_risk_is_the_base_loss_and_a_penalty() -> None:
    risk = LOSSES["structural_risk"]
    parameters = np.array([3.0, -4.0])
    spec = parse("structural_risk:base=(huber:delta=2),penalty=l1_l2,l1=0.5,l2=0.25")
    assert [role.name for role in spec.roles] == ["pred", "target", "parameters"]
    values = risk(E, Y, parameters, base="huber:delta=2")
    assert values.tobytes() == LOSSES["huber"](E, Y, delta=2.0).tobytes()
    told = {"l1": 0.5, "l2": 0.25, "half": False}
    assert risk.penalty(parameters, penalty="l1_l2", **told) == 0.5 * 7 + 0.25 * 25
    assert risk.penalty(parameters, penalty="l1", **told) == 0.5 * 7
    assert risk.penalty(parameters, penalty="l2", **told) == 0.25 * 25
    assert risk.penalty(parameters, penalty="l2", l1=9.0, l2=0.25, half=True) == 0.125 * 25
    assert risk.penalty(np.array([1e200]), penalty="l2", **told) == math.inf
    assert parse("structural_risk:base=rmse").reduction.name == "root_mean"
    with pytest.raises(UsageError):
        risk(E, Y, parameters, base="hubber")


def test_percentage_errors_at_zero() -> None:
    mape = LOSSES["mean_absolute_percentage_error"]
    pred, target = np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.0, 2.0])
    assert mape(pred, target).tolist() == [0.0, math.inf, 0.5]
    assert mape(pred, target, eps=0.5, scale=100.0).tolist() == [0.0, 200.0, 50.0]
    spec = parse("mape:zero=skip")
    values, counted = spec.evaluate({"pred": pred, "target": target})
    assert (values.tolist(), counted.tolist()) == ([0.0, 0.0, 0.5], [0.0, 0.0, 1.0])
    assert spec.reduction.name == "ratio"
    assert "target is 0" in mape.note(**spec.all_settings)
    assert parse("mape").reduction.name == "mean"
    smape = LOSSES["symmetric_mean_absolute_percentage_error"]
    assert smape(pred, target).tolist() == [0.0, 2.0, 0.4]


@pytest.mark.parametrize("name", ["mase", "rmsse"])
def test_scaled_errors_need_a_series_that_changes(name: str) -> None:
    loss = parse(name).loss
    assert loss([1.0, 2.0], [1.0, 1.0], [5.0, 5.0, 5.0]).tolist() == [0.0, math.inf]
    assert loss([3.0], [1.0], [[1.0], [3.0], [1.0]]).tolist() == [1.0]
    assert loss([2e200], [0.0], [0.0, 1e200, 3e200], seasonality=2).tolist() == [
        pytest.approx((2 / 3) ** (1 if name == "mase" else 2))
    ]
    with pytest.raises(DataError, match="2 values, but seasonality=2"):
        loss([1.0], [1.0], [5.0, 6.0], seasonality=2)
    with pytest.raises(DataError, match="one series"):
        loss([1.0], [1.0], np.ones((4, 2)))


def test_what_a_constant_is_best_for() -> None:
    means = [name for name, loss in LOSSES.items() if loss.elicits == "mean"]
    medians = [name for name, loss in LOSSES.items() if loss.elicits == "median"]
    rng = np.random.default_rng(0)
    target = np.exp(rng.normal(0.0, 1.0, 201))
    for names, best in ((means, target.mean()), (medians, np.median(target))):
        for name in names:
            values = [LOSSES[name](np.full(201, best * f), target).sum() for f in (0.99, 1.0, 1.01)]
            assert values[1] < min(values[0], values[2]), name
    assert set(medians) == {"mean_absolute_error", "l1_norm"}
    assert "tweedie_deviance" in means


def test_the_edge_of_the_tube_is_not_blurred_by_rounding() -> None:
    # Rounded on its own, each of these errors is exactly as wide as the tube.
    pred, target = np.array([1000.1, 7.3, 0.4]), np.array([-1e-14, -1e17, 0.1])
    epsilon = [1000.1, 1e17, 0.30000000000000004]
    for p, y, width in zip(pred, target, epsilon, strict=True):
        exact = max(abs(Fraction(p) - Fraction(y)) - Fraction(width), Fraction(0))
        got = LOSSES["epsilon_insensitive"]([p], [y], epsilon=width)[0]
        assert got == pytest.approx(float(exact), rel=1e-15, abs=0.0)


def test_settings_that_choose_a_reduction() -> None:
    assert parse("r2").reduction.name == "variance_ratio"
    assert parse("r2:force_finite=false").reduction.name == "variance_ratio_raw"
    assert parse("explained_variance").reduction.name == "explained_variance"
    assert parse("explained_variance:force_finite=false").reduction.name == "explained_variance_raw"


@pytest.mark.parametrize("power", [0.001, 0.5, 0.95])
def test_no_tweedie_model_has_a_power_between_0_and_1(power: float) -> None:
    with pytest.raises(UsageError, match="≤ 0 or ≥ 1"):
        parse(f"tweedie:power={power}")


# --- identities between families ----------------------------------------------------------------

RNG = np.random.default_rng(11)
P = RNG.dirichlet(np.ones(4), 20)
Q = RNG.dirichlet(np.ones(4), 20)
Z = RNG.normal(0.0, 3.0, (20, 4))
CLASS = RNG.integers(0, 4, 20).astype(float)
ONE_HOT = np.eye(4)[CLASS.astype(int)]
LOGIT = RNG.normal(0.0, 3.0, 20)
BIT = RNG.integers(0, 2, 20).astype(float)
POINT = RNG.normal(0.0, 1.0, (20, 3))
CLASS_VECTORS = RNG.normal(0.0, 1.0, (4, 3))
LOW, HIGH = np.sort(RNG.normal(0.0, 1.0, (2, 20)), axis=0)
SOFT, MASK = RNG.random((20, 6)), RNG.integers(0, 2, (20, 6)).astype(float)


def rows(text: str, *roles: np.ndarray) -> np.ndarray:
    spec = parse(text)
    return spec.loss(*roles, **spec.all_settings)


def entropy(shares: np.ndarray) -> np.ndarray:
    return -(shares * np.log(shares)).sum(axis=1)


def test_identities_between_families() -> None:
    half = (BIT + 1.0) / 2.0
    pairs = [
        (rows("cce", Q, P), rows("kl", Q, P) + entropy(P)),
        (rows("js", P, Q), (rows("kl", (P + Q) / 2, P) + rows("kl", (P + Q) / 2, Q)) / 2),
        (rows("cce:from_logits=true", Z, ONE_HOT), rows("scce:from_logits=true", Z, CLASS)),
        (rows("gce:q=1", P, CLASS), 1.0 - (P * ONE_HOT).sum(axis=1)),
        (rows("brier:scale_by_half=false", P, ONE_HOT), ((P - ONE_HOT) ** 2).sum(axis=1)),
        (rows("l_softmax:margin=1", POINT, CLASS, CLASS_VECTORS),
         rows("scce:from_logits=true", POINT @ CLASS_VECTORS.T, CLASS)),
        (rows("logistic", LOGIT, BIT), rows("bce:from_logits=true", LOGIT, BIT)),
        (rows("weighted_ce", LOGIT, half), rows("bce:from_logits=true", LOGIT, half)),
        (rows("binary_focal:gamma=0,alpha=0.5,from_logits=true", LOGIT, BIT),
         0.5 * rows("bce:from_logits=true", LOGIT, BIT)),
        (rows("brier", P[:, 0], BIT), rows("mse", P[:, 0], BIT)),
        (rows("rps", P[:, :2] / P[:, :2].sum(axis=1)[:, None], BIT),
         rows("mse", P[:, 1] / P[:, :2].sum(axis=1), BIT)),
        (rows("crps", POINT[:, :1], LOGIT), rows("mae", POINT[:, 0], LOGIT)),
        (rows("interval_score:alpha=0.1", LOW, HIGH, LOGIT),
         20.0 * (rows("pinball:quantile=0.05", LOW, LOGIT)
                 + rows("pinball:quantile=0.95", HIGH, LOGIT))),
        (rows("crps_gaussian", LOW, np.zeros(20), LOGIT), rows("mae", LOW, LOGIT)),
        (rows("tversky", SOFT, MASK), rows("dice", SOFT, MASK)),
        (rows("tversky:alpha=1,beta=1", SOFT, MASK), rows("jaccard", SOFT, MASK)),
        (rows("hamming", MASK, MASK[::-1]), rows("mae", MASK, MASK[::-1])),
        (rows("contrastive:half=false", POINT, POINT[::-1], np.ones(20)),
         3.0 * rows("mse", POINT, POINT[::-1])),
    ]  # fmt: skip
    for place, (left, right) in enumerate(pairs):
        np.testing.assert_allclose(left, right, rtol=1e-12, atol=1e-15, err_msg=str(place))
