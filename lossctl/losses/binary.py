"""Binary likelihoods: one probability or logit per sample, or one per label of several.

Targets are classes 0 and 1 or anything between (soft targets). From logits no probability is ever
formed where its logarithm is wanted, so that `floor`, `eps` and `log_clamp` concern probabilities
alone; only the focal loss clips a logit's probability too, as Keras does.
"""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from lossctl.arrays import Array, Logit, Mask, Numbers, Probability
from lossctl.loss import loss
from lossctl.numerics import floating, row_mean, row_sum
from lossctl.probabilities import (
    UNIT,
    Eps,
    Floor,
    FromLogits,
    LabelSmoothing,
    LogClamp,
    binary_clipped,
    binary_domains,
    binary_log_slopes,
    binary_logs,
    binary_probabilities,
    weighted_logs,
)
from lossctl.settings import Param

_TASKS = ("binary", "multilabel")
_PROBABILITY = "the probability of class 1"
_KERAS = {"eps": 1e-7, "reduction": "sum_over_batch_size"}


def _shares(target: Numbers, label_smoothing: float = 0.0) -> tuple[Array, Array]:
    """How much of each target is class 1, and how much class 0."""
    ones = floating(target)
    zeros = 1.0 - ones
    if label_smoothing == 0.0:
        return ones, zeros
    kept, half = 1.0 - label_smoothing, 0.5 * label_smoothing
    return ones * kept + half, zeros * kept + half


def _logs(pred: Numbers, *, from_logits: bool, **limits: Any) -> tuple[Array, Array]:
    """The logarithms of p and 1 - p; `limits` (floor, eps, log_clamp) for probabilities only."""
    return binary_logs(pred, from_logits=from_logits, **({} if from_logits else limits))


def _cost(ones: Array, zeros: Array, logs: tuple[Array, Array]) -> Array:
    """The sum -ones ln p - zeros ln(1 - p), never -0."""
    return 0.0 - (weighted_logs(ones, logs[0]) + weighted_logs(zeros, logs[1]))


def _slope(ones: Array, zeros: Array, pred: Numbers, from_logits: bool, **limits: Any) -> Array:
    """The derivative of `_cost` by `pred`."""
    slopes = binary_log_slopes(pred, from_logits=from_logits, **({} if from_logits else limits))
    return _cost(ones, zeros, slopes)


def _entropy_slope(
    pred: Numbers,
    target: Numbers,
    *,
    from_logits: bool,
    pos_weight: float,
    label_smoothing: float = 0.0,
    **limits: Any,
) -> Array:
    ones, zeros = _shares(target, label_smoothing)
    return _slope(pos_weight * ones, zeros, pred, from_logits, **limits)


@loss(
    "bce",
    aliases=(
        "log_loss", "logloss", "logistic_loss", "cross_entropy", "sigmoid_cross_entropy",
        "bce_with_logits", "binary_crossentropy", "nll_binary",
    ),
    gradient=_entropy_slope,
    tasks=_TASKS,
    elicits=_PROBABILITY,
    diverges=True,
    domains=binary_domains,
    clipped=binary_clipped,
    like={
        "torch": {"log_clamp": -100.0, "reduction": "sum_over_batch_size"},
        "keras": _KERAS,
        "tensorflow": {"reduction": "sum_by_nonzero_weights"},
        "sklearn": {"eps": UNIT},
        "optax": {"eps": 0.0},
    },
    peers={
        "torch": "nn.BCELoss",
        "keras": "losses.BinaryCrossentropy",
        "tensorflow": "compat.v1.losses.sigmoid_cross_entropy",
        "sklearn": "metrics.log_loss",
        "optax": "losses.sigmoid_binary_cross_entropy",
    },
    reference="Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x",
    formula="-y ln p - (1 - y) ln(1 - p)",
)  # fmt: skip
def binary_cross_entropy(
    pred: Probability,
    target: Probability,
    *,
    from_logits: FromLogits = False,
    pos_weight: Annotated[
        float, Param("the weight of the part of class 1", 0.0, low_open=True)
    ] = 1.0,
    label_smoothing: LabelSmoothing = 0.0,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array:
    """How improbable the true class is under the predicted probability.

    A probability of 0 for what happened costs infinitely much; here no logarithm is taken below
    that of the rounding unit (36.04), and a perfect prediction costs exactly 0. scikit-learn
    clips at that unit and Keras at 1e-7, on both sides, torch clamps the logarithm at -100: see
    `eps` and `log_clamp`. Several labels per sample, shape (n, K), are averaged.
    """
    ones, zeros = _shares(target, label_smoothing)
    logs = _logs(pred, from_logits=from_logits, floor=floor, eps=eps, log_clamp=log_clamp)
    return _cost(pos_weight * ones, zeros, logs)


@loss(
    "weighted_ce",
    aliases=("weighted_cross_entropy_with_logits", "pos_weight_bce", "weighted_bce"),
    gradient=_entropy_slope,
    tasks=_TASKS,
    diverges=True,
    domains=binary_domains,
    clipped=binary_clipped,
    like={"torch": {"reduction": "sum_over_batch_size"}},
    peers={
        "torch": "nn.BCEWithLogitsLoss(pos_weight=...)",
        "tensorflow": "nn.weighted_cross_entropy_with_logits",
    },
    reference="King and Zeng (2001), doi:10.1093/oxfordjournals.pan.a004868, eq. 12",
    formula="-pos_weight y ln p - (1 - y) ln(1 - p)",
)
def weighted_cross_entropy(
    pred: Logit,
    target: Probability,
    *,
    from_logits: FromLogits = True,
    pos_weight: Annotated[float, Param("the weight of the part of class 1", 0.0)] = 1.0,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array:
    """Cross-entropy in which class 1 counts pos_weight times: above 1 it favours recall.

    `pred` holds logits, as in torch and TensorFlow, unless from_logits=false.
    """
    ones, zeros = _shares(target)
    logs = _logs(pred, from_logits=from_logits, floor=floor, eps=eps, log_clamp=log_clamp)
    return _cost(pos_weight * ones, zeros, logs)


def _balance(target: Numbers, alpha: float | str) -> tuple[float, float]:
    """The weights of class 1 and class 0."""
    if not isinstance(alpha, str):
        return alpha, 1.0 - alpha
    # Sums rounded once, so that the order of the rows changes no bit.
    ones, zeros = (math.fsum(part.ravel().tolist()) for part in _shares(target))
    return zeros / target.size, ones / target.size


def _balanced_slope(
    pred: Numbers, target: Numbers, *, from_logits: bool, alpha: float | str, **limits: Any
) -> Array:
    (ones, zeros), (one, zero) = _shares(target), _balance(target, alpha)
    return _slope(one * ones, zero * zeros, pred, from_logits, **limits)


@loss(
    "balanced_ce",
    aliases=("balanced_sigmoid_cross_entropy", "balanced_bce", "alpha_bce"),
    gradient=_balanced_slope,
    tasks=_TASKS,
    scope=lambda bound, *, alpha, **others: "file" if alpha == "auto" else "row",
    diverges=True,
    domains=binary_domains,
    clipped=binary_clipped,
    reference="Xie and Tu (2015), doi:10.1109/ICCV.2015.164, eq. 2",
    formula="-alpha y ln p - (1 - alpha) (1 - y) ln(1 - p)",
)
def balanced_cross_entropy(
    pred: Probability,
    target: Probability,
    *,
    from_logits: FromLogits = False,
    alpha: Annotated[
        float | str,
        Param("the weight of class 1, that of class 0 being 1 - alpha; auto: the share of class 0",
              0.0, 1.0, low_open=True, high_open=True, words=("auto",)),
    ] = 0.25,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array:  # fmt: skip
    """Cross-entropy in which the two classes count alpha and 1 - alpha.

    The mean divides by the samples, not by their alphas: alpha=0.5 is half of the plain
    cross-entropy. alpha=auto takes the share of class 0 among all targets, sample weights left
    aside, so that both classes count alike; a file of one class then costs 0.
    """
    (ones, zeros), (one, zero) = _shares(target), _balance(target, alpha)
    logs = _logs(pred, from_logits=from_logits, floor=floor, eps=eps, log_clamp=log_clamp)
    return _cost(one * ones, zero * zeros, logs)


# --- focal losses -------------------------------------------------------------------------------


def _focal_parts(
    pred: Numbers, target: Numbers, from_logits: bool, alpha: float | None, label_smoothing: float
) -> tuple[Array, Array, Array, Array]:
    """The shares of both classes, what alpha makes of the sample, and 1 - p of its class."""
    ones, zeros = _shares(target, label_smoothing)
    p, q = binary_probabilities(pred, from_logits=from_logits)
    balance = np.ones_like(ones) if alpha is None else alpha * ones + (1.0 - alpha) * zeros
    return ones, zeros, balance, ones * q + zeros * p


def _focal_slope(
    pred: Numbers,
    target: Numbers,
    *,
    from_logits: bool,
    alpha: float | None,
    gamma: float,
    label_smoothing: float,
    **limits: Any,
) -> Array:
    ones, zeros, balance, miss = _focal_parts(pred, target, from_logits, alpha, label_smoothing)
    p, q = binary_probabilities(pred, from_logits=from_logits)
    cost = _cost(ones, zeros, binary_logs(pred, from_logits=from_logits, **limits))
    slope = _cost(ones, zeros, binary_log_slopes(pred, from_logits=from_logits, **limits))
    moved = (zeros - ones) * (p * q if from_logits else 1.0)
    with np.errstate(all="ignore"):
        value = np.power(miss, gamma) * slope
        if gamma:  # where the cost is infinite its own slope outgrows it
            finite = np.where(np.isinf(cost), 0.0, cost)
            value = value + weighted_logs(finite, gamma * moved * np.power(miss, gamma - 1.0))
        return weighted_logs(balance, value)


def _focal_clipped(
    pred: Numbers, target: Numbers, *, from_logits: bool, eps: float | None, **others: Any
) -> Mask:
    if from_logits and eps is not None:
        pred = binary_probabilities(pred, from_logits=from_logits)[0]
        return binary_clipped(pred, target, from_logits=False, eps=eps)
    return binary_clipped(pred, target, from_logits=from_logits, eps=eps, **others)


def _positives(pred: Numbers, target: Numbers, **settings: Any) -> Array:
    """How much of each sample is class 1."""
    ones = floating(target)
    return row_mean(ones) if ones.ndim == 2 else ones


@loss(
    aliases=("focal", "focal_loss", "sigmoid_focal_loss", "binary_focal_crossentropy"),
    gradient=_focal_slope,
    tasks=_TASKS,
    diverges=True,
    divisors={"sum_over_positives": _positives},
    domains=binary_domains,
    clipped=_focal_clipped,
    like={"keras": {"alpha": None, **_KERAS}, "optax": {"eps": 0.0, "alpha": None}},
    peers={
        "torchvision": "ops.sigmoid_focal_loss",
        "keras": "losses.BinaryFocalCrossentropy",
        "optax": "losses.sigmoid_focal_loss",
        "monai": "losses.FocalLoss",
    },
    reference="Lin et al. (2017), doi:10.1109/ICCV.2017.324, eq. 5",
    formula="-alpha_t (1 - p_t)^gamma ln p_t, p_t = p if y = 1, else 1 - p",
)
def binary_focal(
    pred: Probability,
    target: Probability,
    *,
    from_logits: FromLogits = False,
    alpha: Annotated[
        float | None,
        Param("the weight of class 1, that of class 0 being 1 - alpha; null: no weights",
              0.0, 1.0, optional=True),
    ] = 0.25,
    gamma: Annotated[float, Param("how strongly easy samples fade; 0: not at all", 0.0)] = 2.0,
    label_smoothing: LabelSmoothing = 0.0,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array:  # fmt: skip
    """Cross-entropy in which samples that are predicted well fade away.

    Defaults and mean are the paper's and torchvision's; Keras and optax leave alpha off. The
    paper divides by the positives: reduction=sum_over_positives. A soft target takes
    p_t = y p + (1 - y) (1 - p). With `eps` the probability of a logit is clipped too, as in
    Keras, whose loss therefore saturates at 16.1.
    """
    ones, zeros, balance, miss = _focal_parts(pred, target, from_logits, alpha, label_smoothing)
    logs = binary_logs(pred, from_logits=from_logits, floor=floor, eps=eps, log_clamp=log_clamp)
    cost = _cost(ones, zeros, logs)
    faded = np.where(np.isinf(cost), cost, np.power(miss, gamma) * cost)
    return weighted_logs(balance, faded)


def _asymmetric_parts(
    pred: Numbers, from_logits: bool, clip: float, floor: float
) -> tuple[Array, Array, Array, Array, Array]:
    """The probabilities p, 1 - p and p less the clip; the floored logarithms of p and of 1 less
    the clipped one."""
    p, q = binary_probabilities(pred, from_logits=from_logits)
    shifted = np.maximum(p - clip, 0.0)
    rest = np.minimum(q + clip, 1.0)
    with np.errstate(divide="ignore"):
        least = math.log(floor) if floor else -math.inf
        log_p = binary_logs(pred, from_logits=True)[0] if from_logits else np.log(p)
        log_p = np.maximum(log_p, least)
        # Near 1 the logarithm of 1 - x is log1p(-x); near 0 that of the sum, which is exact there.
        near = np.log1p(-np.minimum(shifted, 0.5))
        log_rest = np.where(shifted < 0.5, near, np.log(rest))
    return p, q, shifted, log_p, np.where(rest < floor, least, log_rest)


def _asymmetric_slope(
    pred: Numbers,
    target: Numbers,
    *,
    from_logits: bool,
    gamma_neg: float,
    gamma_pos: float,
    clip: float,
    floor: float,
) -> Array:
    ones, zeros = _shares(target)
    p, q, shifted, log_p, log_rest = _asymmetric_parts(pred, from_logits, clip, floor)
    rest = 1.0 - shifted
    with np.errstate(all="ignore"):
        moved = p * q if from_logits else np.ones_like(p)
        up = np.where(p < floor, 0.0, q if from_logits else 1.0 / p)
        down = np.where((rest < floor) | (shifted == 0.0), 0.0, moved / rest)
        of_power = np.where(q > 0.0, gamma_pos * moved * (log_p / q), 0.0)
        of_shift = np.where(shifted > 0.0, gamma_neg * moved * (log_rest / shifted), 0.0)
        positive = weighted_logs(ones * np.power(q, gamma_pos), up - of_power)
        negative = weighted_logs(zeros * np.power(shifted, gamma_neg), of_shift - down)
    return 0.0 - (positive + negative)


@loss(
    aliases=("asl",),
    gradient=_asymmetric_slope,
    tasks=("multilabel", "binary"),
    diverges=True,
    domains=binary_domains,
    peers={"timm": "loss.AsymmetricLossMultiLabel"},
    reference="Ridnik et al. (2021), doi:10.1109/ICCV48922.2021.00015, eq. 7",
    formula="Σ_k -y (1 - p)^gamma_pos ln p - (1 - y) s^gamma_neg ln(1 - s), s = max(p - clip, 0)",
)
def asymmetric_loss(
    pred: Logit,
    target: Probability,
    *,
    from_logits: FromLogits = True,
    gamma_neg: Annotated[float, Param("how strongly easy negatives fade", 0.0)] = 4.0,
    gamma_pos: Annotated[float, Param("how strongly easy positives fade", 0.0)] = 1.0,
    clip: Annotated[
        float, Param("negatives up to this probability cost nothing", 0.0, 1.0, high_open=True)
    ] = 0.05,
    floor: Annotated[float, Param("least argument of a logarithm", 0.0, 1.0)] = 1e-8,
) -> Array:
    """A focal loss for many labels that forgives negatives more than positives.

    The costs of a sample's labels are added, and the mean is over samples: reduction=sum is the
    authors' code, whose gammas these are (the paper prefers gamma_pos=0).
    """
    ones, zeros = _shares(target)
    _, q, shifted, log_p, log_rest = _asymmetric_parts(pred, from_logits, clip, floor)
    powers = ones * np.power(q, gamma_pos), zeros * np.power(shifted, gamma_neg)
    values = _cost(*powers, (log_p, log_rest))
    return row_sum(values) if values.ndim == 2 else values
