"""The worked examples of the texts that lossctl follows, their mistakes put right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl import losses
from lossctl.probabilities import binary_probabilities, class_probabilities


def value(pred: Any, target: Any, spec: str, **options: Any) -> float:
    found = lossctl.evaluate(pred, target, spec, **options).losses[0].value
    assert found is not None
    return found


# --- classes -----------------------------------------------------------------------------------

SHARES = [[0.15, 0.75, 0.1], [0.75, 0.15, 0.1]]
ONE_HOT = [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]]


def test_cross_entropy_one_hot_and_sparse() -> None:
    # Printed as 0.2876821, which is float32.
    assert f"{value(SHARES, ONE_HOT, 'cce'):.8f}" == "0.28768207"
    assert f"{value(SHARES, [1, 0], 'scce'):.8f}" == "0.28768207"
    assert value(SHARES, ONE_HOT, "cce") == value(SHARES, [1, 0], "scce") == -math.log(0.75)
    # The log loss is the cross-entropy for one-hot targets alone: of soft ones it is another.
    soft = [[0.2, 0.8, 0.0], [0.8, 0.2, 0.0]]
    expected = -(0.2 * math.log(0.15) + 0.8 * math.log(0.75))
    assert value(SHARES, soft, "cce") == pytest.approx(expected, rel=1e-15)


# --- sigmoid and softmax -----------------------------------------------------------------------

LOGITS = np.array([1.0, -1.0, 0.1, -0.1])
SIGMOID = [0.7310585786300049, 0.2689414213699951, 0.52497918747894, 0.47502081252106]
SOFTMAX = [0.5333970489122318, 0.07218744069211025, 0.2168630566828858, 0.1775524537127721]


def test_sigmoid_and_binary_cross_entropy() -> None:
    shares, rest = binary_probabilities(LOGITS, from_logits=True)
    assert shares == pytest.approx(SIGMOID, rel=1e-14)
    assert rest == pytest.approx(SIGMOID[1::-1] + SIGMOID[:1:-1], rel=1e-14)
    target = [1, 0, 1, 0]
    each = losses.binary_cross_entropy(LOGITS, target, from_logits=True)
    costs = [0.3132616875182228, 0.3132616875182228, 0.6443966600735709, 0.6443966600735709]
    assert each == pytest.approx(costs, rel=1e-14)
    assert each == pytest.approx(losses.binary_cross_entropy(shares, target), rel=1e-14)
    assert value(LOGITS, target, "bce", from_logits=True) == pytest.approx(0.4788291737958969)


def test_softmax_and_cross_entropy() -> None:
    shares = class_probabilities(LOGITS[np.newaxis], from_logits=True)
    assert shares[0] == pytest.approx(SOFTMAX, rel=1e-14)
    rows, label = np.tile(LOGITS, (4, 1)), np.arange(4)
    each = losses.sparse_categorical_cross_entropy(rows, label, from_logits=True)
    total = math.log(math.fsum(math.exp(z) for z in LOGITS))
    assert each == pytest.approx(total - LOGITS, rel=1e-14)
    assert each == pytest.approx(-np.log(SOFTMAX), rel=1e-14)
    mean = value(rows, label, "scce", from_logits=True)
    assert mean == pytest.approx(total, rel=1e-14)  # the logits sum to 0
    assert value(rows, np.eye(4), "cce", from_logits=True) == mean
    # Softmax before a loss that takes the softmax itself, as one text has it, is another number.
    twice = value(np.tile(SOFTMAX, (4, 1)), label, "scce", from_logits=True)
    assert abs(twice - mean) > 0.1


# --- what a constant is drawn to ----------------------------------------------------------------

# 90 % of the targets are 150, the others lie between 0 and 30.
TARGETS = np.array([150.0] * 90 + np.linspace(0.0, 30.0, 10).tolist())
CONSTANTS = np.arange(0.0, 180.5, 0.5)


@pytest.mark.parametrize(
    ("label", "best"),
    [("mae", 150.0), ("mse", 136.5), ("half_mse", 136.5), ("huber:delta=1000", 136.5),
     ("pinball", 150.0), ("pinball:quantile=0.05", 15.0)],
)  # fmt: skip
def test_what_a_constant_is_drawn_to(label: str, best: float) -> None:
    # One text says that the squared error draws to 0 to 30: it draws to the mean.
    assert TARGETS.mean() == 136.5
    values = [value(np.full(100, c), TARGETS, label, values_only=True) for c in CONSTANTS]
    lowest = CONSTANTS[np.asarray(values) == min(values)]
    assert lowest.min() <= best <= lowest.max()
    assert lowest.max() - lowest.min() <= (4.0 if "quantile" in label else 0.0)


# --- errors ------------------------------------------------------------------------------------


def test_two_errors_of_one_against_one_of_two() -> None:
    # The text's 2 and 4 are sums, and its one sample is two units off, not one.
    small, large = ([1.0, 1.0], [0.0, 0.0]), ([2.0, 0.0], [0.0, 0.0])
    assert value(*small, "mse:reduction=sum") == 2.0
    assert value(*large, "mse:reduction=sum") == 4.0
    assert (value(*small, "mse"), value(*large, "mse")) == (1.0, 2.0)
    assert value(*small, "mae:reduction=sum") == value(*large, "mae:reduction=sum") == 2.0
    assert value(*small, "mae") == value(*large, "mae") == 1.0


def test_the_pair_and_who_makes_it() -> None:
    # One text computes (1 + 3)/2 as 4; its code prints 2.0.
    report = lossctl.evaluate([2.0, 3.0], [1.0, 0.0], ["mae", "mse"])
    assert [loss.value for loss in report.losses] == [2.0, 5.0]
    assert report.losses[0].worst is not None and report.losses[1].worst is not None
    assert report.losses[0].worst["share"] == 0.75
    assert report.losses[1].worst["share"] == 0.9


@pytest.mark.parametrize(
    ("errors", "mae", "rmse"),
    [  # the second RMSE is printed as 6.79: cut off, not rounded
        ([0.0, 1.0, -2.0, -0.5, 1.5], 1.0, math.sqrt(7.5 / 5.0)),
        ([0.0, 1.0, 1.0, -2.0, 15.0], 3.8, math.sqrt(231.0 / 5.0)),
    ],
)
def test_an_outlier_in_mae_and_rmse(errors: list[float], mae: float, rmse: float) -> None:
    assert value(errors, [0.0] * 5, "mae") == mae
    assert value(errors, [0.0] * 5, "rmse") == pytest.approx(rmse, rel=1e-15)
    assert value(errors, [0.0] * 5, "l2_norm") == pytest.approx(math.sqrt(5.0) * rmse, rel=1e-15)


@pytest.mark.parametrize(("delta", "of"), [(1e-6, "mae"), (1e6, "half_mse")])
def test_huber_between_absolute_and_half_squared_error(delta: float, of: str) -> None:
    # Not MAE and MSE, as one text says: for small delta it is delta times the MAE.
    errors = [0.3, 1.0, -2.0, -0.5, 15.0]
    found = value(errors, [0.0] * 5, f"huber:delta={delta:f}")
    factor = delta if of == "mae" else 1.0
    assert found == pytest.approx(factor * value(errors, [0.0] * 5, of), rel=1e-5)
