"""Regression losses: symmetric functions of pred - target, logarithmic errors, structural risk."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, cast

import numpy as np

from lossctl.arrays import AboveMinusOne, Array, Domain, Numbers, Real, Whole
from lossctl.loss import loss
from lossctl.numerics import floating, log1p_ratio, magnitude, residual, residual_parts, squared
from lossctl.numerics import log_cosh as _log_cosh
from lossctl.settings import Param

_PER_ROW = {"reduction": "sum_over_batch_size"}
_TF1 = {"reduction": "sum_by_nonzero_weights"}


def _sign(pred: Numbers, target: Numbers) -> Array:
    return cast(Array, np.sign(residual(pred, target)))


def _twice(pred: Numbers, target: Numbers) -> Array:
    return 2.0 * residual(pred, target)


@loss(
    "mae",
    aliases=("l1", "l1_loss", "mean_absolute_difference", "absolute_error", "abs_error",
             "absolute_loss", "mad_error", "absolute_difference"),
    gradient=_sign,
    elicits="median",
    peers={"torch": "nn.L1Loss()", "keras": "losses.MeanAbsoluteError()",
           "tensorflow": "compat.v1.losses.absolute_difference",
           "sklearn": "metrics.mean_absolute_error"},
    like={"keras": _PER_ROW, "tensorflow": _TF1},
    reference="Laplace (1774), Mémoire sur la probabilité des causes par les évènements",
    formula="|e|",
)  # fmt: skip
def mean_absolute_error(pred: Real, target: Real) -> Array:
    """The size of the error; every unit of error counts the same.

    Called L1 loss by torch. The plain sum of |e|, which some texts call L1, is `l1_norm`.
    """
    return magnitude(pred, target)


@loss(
    "mse",
    aliases=("l2", "l2_loss", "squared_error", "squared_loss", "quadratic", "mean_square_error"),
    gradient=_twice,
    elicits="mean",
    peers={"torch": "nn.MSELoss()", "keras": "losses.MeanSquaredError()",
           "tensorflow": "compat.v1.losses.mean_squared_error",
           "sklearn": "metrics.mean_squared_error", "optax": "losses.squared_error"},
    like={"keras": _PER_ROW, "tensorflow": _TF1},
    reference="Legendre (1805), Gauss (1809)",
    formula="e²",
)  # fmt: skip
def mean_squared_error(pred: Real, target: Real) -> Array:
    """The squared error: large errors dominate it.

    What optax and TensorFlow call l2_loss is half of it (`half_mse`); the Euclidean norm is
    `l2_norm`.
    """
    return squared(pred, target)


@loss(
    "half_mse",
    aliases=("mse_2n", "half_squared_error"),
    gradient=residual,
    elicits="mean",
    peers={"sklearn": "HalfSquaredError, in training only", "optax": "losses.l2_loss",
           "tensorflow": "nn.l2_loss"},
    like={"tensorflow": {"reduction": "sum"}},
    reference="Bishop (2006), Pattern Recognition and Machine Learning, eq. 1.2",
    formula="e²/2",
)  # fmt: skip
def half_mean_squared_error(pred: Real, target: Real) -> Array:
    """Half the squared error, so that its derivative is the error itself."""
    return 0.5 * squared(pred, target)


@loss(
    "rmse",
    aliases=("root_mse",),
    gradient=_twice,
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
    aliases=("manhattan", "sum_absolute_error", "sae", "cityblock", "norm1"),
    gradient=_sign,
    reduction="sum",
    elicits="median",
    peers={"torch": "nn.L1Loss(reduction='sum')"},
    reference="Minkowski (1910), Geometrie der Zahlen",
    formula="Σ |e|",
)
def l1_norm(pred: Real, target: Real) -> Array:
    """The sum of the sizes of the errors. It grows with the number of rows: n times the MAE."""
    return magnitude(pred, target)


@loss(
    aliases=("euclidean", "norm2", "l2_distance"),
    gradient=_twice,
    reduction="norm",
    elicits="mean",
    peers={"numpy": "linalg.norm"},
    reference="Minkowski (1910), Geometrie der Zahlen",
    formula="√ Σ e²",
)
def l2_norm(pred: Real, target: Real) -> Array:
    """The Euclidean length of the vector of errors: √n times the RMSE. Its samples add squares."""
    return magnitude(pred, target)


@loss(
    aliases=("smoothl1", "smooth_l1_loss", "fast_rcnn_loss"),
    gradient=lambda pred, target, *, beta: (
        np.clip(residual(pred, target) / beta, -1.0, 1.0) if beta > 0.0 else _sign(pred, target)
    ),
    peers={"torch": "nn.SmoothL1Loss(beta=1.0)"},
    reference="Girshick (2015), Fast R-CNN, doi:10.1109/ICCV.2015.169",
    formula="e²/(2 beta) if |e| < beta, else |e| - beta/2",
)
def smooth_l1(
    pred: Real,
    target: Real,
    *,
    beta: Annotated[
        float, Param("where it turns linear, in the target's unit; 0 makes it |e|", 0.0)
    ] = 1.0,
) -> Array:
    """Quadratic near zero, |e| less a constant in the tails; its slope stays within 1.

    Equals huber(delta=beta) / beta.
    """
    size = magnitude(pred, target)
    if beta == 0.0:
        return size
    inner = np.minimum(size, beta)
    return cast(Array, (inner / beta) * (size - 0.5 * inner))


@loss(
    "huber",
    aliases=("huber_loss",),
    gradient=lambda pred, target, *, delta: np.clip(residual(pred, target), -delta, delta),
    peers={"torch": "nn.HuberLoss(delta=1.0)", "keras": "losses.Huber(delta=1.0)",
           "tensorflow": "compat.v1.losses.huber_loss(delta=1.0)",
           "optax": "losses.huber_loss(delta=1.0)"},
    like={"torch": _PER_ROW, "keras": _PER_ROW, "tensorflow": _TF1},
    reference="Huber (1964), doi:10.1214/aoms/1177703732",
    formula="e²/2 if |e| ≤ delta, else delta (|e| - delta/2)",
)  # fmt: skip
def huber(
    pred: Real,
    target: Real,
    *,
    delta: Annotated[
        float, Param("where it turns linear, in the target's unit", 0.0, low_open=True)
    ] = 1.0,
) -> Array:
    """Quadratic near zero, linear in the tails: one large error counts once, not squared.

    Equals delta * smooth_l1(beta=delta).
    """
    # Both branches in one: with q = min(|e|, delta) they are q (|e| - q/2).
    size = magnitude(pred, target)
    inner = np.minimum(size, delta)
    return cast(Array, inner * (size - 0.5 * inner))


@loss(
    aliases=("logcosh", "log_cosh_error"),
    gradient=lambda pred, target: np.tanh(residual(pred, target)),
    peers={"keras": "losses.LogCosh()", "optax": "losses.log_cosh"},
    like={"keras": _PER_ROW},
    reference="Chen et al. (2018), Log Hyperbolic Cosine Loss",
    formula="log cosh e",
)
def log_cosh(pred: Real, target: Real) -> Array:
    """About e²/2 near zero and |e| - log 2 far out, smooth everywhere."""
    return _log_cosh(residual(pred, target))


def _pseudo_huber_slope(
    pred: Numbers, target: Numbers, *, delta: float, charbonnier: bool
) -> Array:
    error = residual(pred, target)
    slope = error / np.hypot(error, delta)
    return cast(Array, slope if charbonnier else slope * delta)


@loss(
    aliases=("charbonnier", "soft_l1"),
    gradient=_pseudo_huber_slope,
    peers={"scipy": "special.pseudo_huber"},
    reference="Charbonnier et al. (1997), doi:10.1109/83.551699",
    formula="delta² (√(1 + (e/delta)²) - 1)",
)
def pseudo_huber(
    pred: Real,
    target: Real,
    *,
    delta: Annotated[
        float, Param("where it turns linear, in the target's unit", 0.0, low_open=True)
    ] = 1.0,
    charbonnier: Annotated[bool, Param("Charbonnier's own form, √(e² + delta²)")] = False,
) -> Array:
    """A smooth Huber: e²/2 near zero, delta |e| far out.

    Charbonnier's form differs by a factor and a constant (it is delta at zero): ask for it.
    """
    size = magnitude(pred, target)
    length = np.hypot(size, delta)
    if charbonnier:
        return cast(Array, length)
    # delta e² / (length + delta), with factors in an order that neither cancels nor overflows.
    part = _part(np.maximum(size, delta), length + delta)
    return cast(Array, size * (np.minimum(size, delta) * part))


def _part(piece: Array, whole: Array) -> Array:
    """The quotient, which is near 1 where both are infinite."""
    return np.where(np.isinf(piece), 1.0, piece / whole)


def _beyond(pred: Numbers, target: Numbers, epsilon: float) -> Array:
    """max(0, |pred - target| - epsilon), rounded once though the two may cancel."""
    high, low = residual_parts(pred, target)
    left_over = np.copysign(1.0, high) * low
    return cast(Array, np.maximum((np.abs(high) - epsilon) + left_over, 0.0))


_TUBE = Param("errors up to this size cost nothing", 0.0)


@loss(
    aliases=("svr", "eps_insensitive"),
    gradient=lambda pred, target, *, epsilon: np.where(
        _beyond(pred, target, epsilon) > 0.0, _sign(pred, target), 0.0
    ),
    peers={"sklearn": "svm.SVR(epsilon=0.1), in training only"},
    reference="Vapnik (1995), The Nature of Statistical Learning Theory",
    formula="max(0, |e| - epsilon)",
)
def epsilon_insensitive(
    pred: Real, target: Real, *, epsilon: Annotated[float, _TUBE] = 0.1
) -> Array:
    """The size of the error beyond a tube of half-width epsilon; inside it nothing counts."""
    return _beyond(pred, target, epsilon)


@loss(
    gradient=lambda pred, target, *, epsilon: (
        2.0 * _beyond(pred, target, epsilon) * _sign(pred, target)
    ),
    peers={
        "sklearn": "SGDRegressor(loss='squared_epsilon_insensitive'), in training only",
    },
    reference="Vapnik (1995), The Nature of Statistical Learning Theory",
    formula="max(0, |e| - epsilon)²",
)
def squared_epsilon_insensitive(
    pred: Real, target: Real, *, epsilon: Annotated[float, _TUBE] = 0.1
) -> Array:
    """The square of the error beyond a tube of half-width epsilon."""
    return np.square(_beyond(pred, target, epsilon))


_CLIP = Param(
    "floor both columns here first (Keras: 1e-7); null refuses values of -1 and below",
    -1.0,
    low_open=True,
    optional=True,
)


def _floored(clip: float | None) -> Mapping[str, Domain]:
    return {} if clip is None else {"pred": Domain("real"), "target": Domain("real")}


def _log_error(pred: Numbers, target: Numbers, clip: float | None) -> Array:
    if clip is not None:
        pred, target = np.maximum(floating(pred), clip), np.maximum(floating(target), clip)
    return log1p_ratio(pred, target)


def _log_slope(pred: Numbers, target: Numbers, *, clip: float | None) -> Array:
    slope = 2.0 * _log_error(pred, target, clip) / (1.0 + floating(pred))
    return slope if clip is None else np.where(pred < clip, 0.0, slope)


@loss(
    "msle",
    gradient=_log_slope,
    domains=_floored,
    peers={"keras": "losses.MeanSquaredLogarithmicError()",
           "sklearn": "metrics.mean_squared_log_error"},
    like={"keras": {"clip": 1e-7, **_PER_ROW}},
    reference="the mean squared error of log(1 + value)",
    formula="(log(1 + pred) - log(1 + target))²",
)  # fmt: skip
def mean_squared_logarithmic_error(
    pred: AboveMinusOne,
    target: AboveMinusOne,
    *,
    clip: Annotated[float | None, _CLIP] = None,
) -> Array:
    """The squared difference of log(1 + value): being off by a factor costs the same at any size.

    Values must be above -1. Keras turns negative ones into 1e-7 unseen; here only on request.
    """
    return np.square(_log_error(pred, target, clip))


@loss(
    "rmsle",
    gradient=_log_slope,
    reduction="root_mean",
    domains=_floored,
    peers={"sklearn": "metrics.root_mean_squared_log_error"},
    reference="the square root of the mean squared logarithmic error",
    formula="√ mean((log(1 + pred) - log(1 + target))²)",
)
def root_mean_squared_logarithmic_error(
    pred: AboveMinusOne,
    target: AboveMinusOne,
    *,
    clip: Annotated[float | None, _CLIP] = None,
) -> Array:
    """The root of MSLE; for small values about the typical relative error. Samples add squares."""
    return np.abs(_log_error(pred, target, clip))


def _penalty(parameters: Numbers, *, penalty: str, l1: float, l2: float, half: bool) -> float:
    sizes = np.abs(floating(parameters)).ravel()
    constant = 0.0
    try:
        if penalty != "l2":
            constant += l1 * math.fsum(sizes)
        if penalty != "l1":
            with np.errstate(over="ignore"):
                constant += (0.5 * l2 if half else l2) * math.fsum(np.square(sizes))
    except OverflowError:
        return math.inf
    return constant


@loss(
    aliases=("regularized_risk", "penalized_loss"),
    penalty=_penalty,
    peers={"keras": "regularizers.L2(l2=0.01), added to a loss"},
    like={"keras": _PER_ROW},
    reference="Vapnik (1992), Principles of Risk Minimization for Learning Theory",
    formula="base + l1 Σ|θ| + l2 Σθ²",
)
def structural_risk(
    values: Array,
    parameters: Whole,
    *,
    base: Annotated[str, Param("the loss that is penalised", nested=True)] = "mse",
    penalty: Annotated[
        str, Param("which norms of the parameters count", choices=("l1", "l2", "l1_l2"))
    ] = "l2",
    l1: Annotated[float, Param("weight of the sum of |parameter|", 0.0)] = 0.01,
    l2: Annotated[float, Param("weight of the sum of squared parameters", 0.0)] = 0.01,
    half: Annotated[bool, Param("halve the squares, as weight decay does")] = False,
) -> Any:
    """Another loss plus a penalty on the size of the model's parameters.

    The samples add what the base loss says; the penalty is a line of its own. Give the
    parameters without the bias, which is not penalised by habit. torch's weight decay and
    scikit-learn's SGD descend half the squares (half=true), though no function returns them.
    """
    return values
