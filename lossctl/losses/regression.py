"""Regression losses: functions of pred - target, and the deviances of counts and amounts."""

from __future__ import annotations

from typing import Annotated

import numpy as np

from lossctl.arrays import Array, Real
from lossctl.loss import Param, loss
from lossctl.numerics import log_cosh as _log_cosh
from lossctl.numerics import magnitude, residual, squared


def _sign(pred: Array, target: Array) -> Array:
    return np.sign(residual(pred, target))


@loss(
    "mae",
    aliases=("l1", "l1_loss", "mean_absolute_difference", "absolute_error", "absolute_loss",
             "mad_error", "absolute_difference"),
    gradient=_sign,
    elicits="median",
    peers={"torch": "nn.L1Loss()", "keras": "losses.MeanAbsoluteError()",
           "sklearn": "metrics.mean_absolute_error"},
    reference="Laplace (1774); CATALOGUE",
    formula="|e|",
)  # fmt: skip
def mean_absolute_error(pred: Real, target: Real) -> Array:
    """The size of the error; every unit of error counts the same."""
    return magnitude(pred, target)


@loss(
    "mse",
    aliases=("l2", "l2_loss", "squared_error", "squared_loss", "quadratic", "mean_square_error"),
    gradient=lambda pred, target: 2.0 * residual(pred, target),
    elicits="mean",
    peers={"torch": "nn.MSELoss()", "keras": "losses.MeanSquaredError()",
           "sklearn": "metrics.mean_squared_error", "optax": "squared_error"},
    reference="Legendre (1805), Gauss (1809)",
    formula="e²",
)  # fmt: skip
def mean_squared_error(pred: Real, target: Real) -> Array:
    """The squared error: large errors dominate it."""
    return squared(pred, target)


@loss(
    "rmse",
    aliases=("root_mse",),
    gradient=lambda pred, target: 2.0 * residual(pred, target),
    reduction="root_mean",
    elicits="mean",
    peers={"sklearn": "metrics.root_mean_squared_error"},
    reference="the square root of the mean squared error",
    formula="√ mean(e²)",
)
def root_mean_squared_error(pred: Real, target: Real) -> Array:
    """The root of the mean squared error, in the target's unit. Its samples add their squares."""
    return magnitude(pred, target)


@loss(
    "huber",
    aliases=("huber_loss",),
    gradient=lambda pred, target, *, delta: np.clip(residual(pred, target), -delta, delta),
    peers={"torch": "nn.HuberLoss(delta=1.0)", "keras": "losses.Huber(delta=1.0)",
           "optax": "huber_loss(delta=1.0)"},
    reference="Huber (1964), doi:10.1214/aoms/1177703732",
    formula="e²/2 if |e| ≤ delta, else delta (|e| - delta/2)",
)  # fmt: skip
def huber(
    pred: Real,
    target: Real,
    *,
    delta: Annotated[float, Param("where it turns linear, in the target's unit", 0.0, low_open=True)]
    = 1.0,
) -> Array:
    """Quadratic near zero, linear in the tails: one large error counts once, not squared.

    Equals delta * smooth_l1(beta=delta).
    """
    # 0.5 e^2 inside, delta (|e| - 0.5 delta) outside: with q = min(|e|, delta), q (|e| - q/2).
    size = magnitude(pred, target)
    quadratic = np.minimum(size, delta)
    return quadratic * (size - 0.5 * quadratic)


@loss(
    "log_cosh",
    aliases=("logcosh", "log_cosh_error"),
    gradient=lambda pred, target: np.tanh(residual(pred, target)),
    peers={"keras": "losses.LogCosh()", "optax": "log_cosh"},
    reference="Chen et al. (2018), Log Hyperbolic Cosine Loss",
    formula="log cosh e",
)
def log_cosh(pred: Real, target: Real) -> Array:
    """About e²/2 near zero and |e| - log 2 far out, smooth everywhere."""
    return _log_cosh(residual(pred, target))
