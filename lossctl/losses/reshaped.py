"""Cross-entropies reshaped: easy samples made light, what a wrong label can cost bounded."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from lossctl.arrays import Array, Label, Numbers, Simplex
from lossctl.errors import UsageError
from lossctl.loss import loss
from lossctl.losses.categorical import KERAS, label_logs_of, slopes_of
from lossctl.numerics import floating
from lossctl.probabilities import (
    UNIT,
    Eps,
    Floor,
    FromLogits,
    LogClamp,
    Normalize,
    at_class,
    class_domains,
    class_probabilities,
    class_slopes,
    label_clipped,
    label_logs,
    normalized_domains,
    of_class,
    weighted_logs,
)
from lossctl.settings import Param
from lossctl.softmax import log_softmax_of


def _class_alpha(alpha: float | tuple[float, ...] | None, mode: str, classes: int) -> Array:
    """The factor of each class. Raises UsageError for a vector of another length."""
    if isinstance(alpha, tuple):
        if len(alpha) != classes or mode == "background":
            wanted = "one number" if mode == "background" else f"as many as classes, {classes}"
            raise UsageError(f"cfocal: alpha holds {len(alpha)} numbers, but {wanted} is wanted")
        return np.array(alpha)
    factors = np.full(classes, 1.0 if alpha is None else alpha)
    if alpha is not None and mode == "background":
        factors[0] = 1.0 - alpha
    return factors


def _focal_parts(
    pred: Numbers, label: Numbers, *, from_logits: bool, normalize: bool, **told: Any
) -> tuple[Array, Array]:
    """The label's log-probability, and one less its probability, without cancellation."""
    log_p = label_logs(pred, label, from_logits=from_logits, normalize=normalize, **told)
    eps = told["eps"]
    if from_logits or normalize:
        exact = label_logs(pred, label, from_logits=from_logits, normalize=normalize, floor=0.0,
                           eps=eps)  # fmt: skip
        return log_p, -np.expm1(exact)
    rest = 1.0 - of_class(floating(pred), label)
    return log_p, rest if eps is None else np.clip(rest, eps, 1.0 - eps)


def _focal_slope(
    pred: Numbers,
    label: Numbers,
    *,
    alpha: float | tuple[float, ...] | None,
    gamma: float,
    alpha_mode: str,
    **told: Any,
) -> Array:
    classes = pred.shape[1]
    log_p, rest = _focal_parts(pred, label, **told)
    factor = _class_alpha(alpha, alpha_mode, classes)[label.astype(np.int64)]
    by_share = np.where(rest > 0.0, gamma * np.power(rest, gamma - 1.0) * log_p, 0.0)
    return class_slopes(
        pred,
        at_class(label, -factor * np.power(rest, gamma), classes),
        at_class(label, factor * by_share, classes),
        **told,
    )


@loss(
    "cfocal",
    aliases=("focal", "focal_loss", "softmax_focal", "categorical_focal_crossentropy"),
    gradient=_focal_slope,
    tasks=("multiclass",),
    diverges=True,
    domains=normalized_domains,
    clipped=label_clipped,
    peers={"keras": "losses.CategoricalFocalCrossentropy"},
    like={"keras": KERAS},
    reference="Lin et al. (2017), doi:10.1109/ICCV.2017.324",
    formula="-α_y (1 - p_y)^γ ln p_y",
)
def categorical_focal(
    pred: Simplex,
    label: Label,
    *,
    alpha: Annotated[
        float | tuple[float, ...] | None,
        Param("factor of every class, or of each (null: 1)", 0.0, optional=True, vector=True),
    ] = 0.25,
    gamma: Annotated[float, Param("the larger, the less an easy sample costs", 0.0)] = 2.0,
    alpha_mode: Annotated[
        str,
        Param("background: class 0 gets 1 - alpha instead, as in MONAI",
              choices=("keras", "background")),
    ] = "keras",
    from_logits: FromLogits = False,
    normalize: Normalize = False,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array:  # fmt: skip
    """Cross-entropy that makes little of samples which are right already.

    One alpha for all classes merely scales, as in Keras; the clip `eps` acts on both factors.
    """
    log_p, rest = _focal_parts(pred, label, from_logits=from_logits, normalize=normalize,
                                  floor=floor, eps=eps, log_clamp=log_clamp)  # fmt: skip
    factor = _class_alpha(alpha, alpha_mode, pred.shape[1])[label.astype(np.int64)]
    return 0.0 - weighted_logs(factor * np.power(rest, gamma), log_p)


def _generalized_slope(pred: Numbers, label: Numbers, *, q: float, from_logits: bool) -> Array:
    p = of_class(class_probabilities(pred, from_logits=from_logits), label)
    if from_logits:
        return class_slopes(pred, at_class(label, -np.power(p, q), pred.shape[1]), from_logits=True)
    return at_class(label, -np.power(p, q - 1.0), pred.shape[1])


@loss(
    "gce",
    aliases=("lq", "lq_loss", "categorical_generalized_cross_entropy"),
    gradient=_generalized_slope,
    tasks=("multiclass",),
    domains=class_domains,
    peers={"keras": "losses.CategoricalGeneralizedCrossEntropy"},
    like={"keras": {"reduction": "sum_over_batch_size"}},
    reference="Zhang and Sabuncu (2018), doi:10.48550/arXiv.1805.07836",
    formula="(1 - p_y^q) / q",
)
def generalized_cross_entropy(
    pred: Simplex,
    label: Label,
    *,
    q: Annotated[
        float, Param("towards 0 the cross-entropy, at 1 one less the probability", 0.0, 1.0,
                     low_open=True)
    ] = 0.7,
    from_logits: FromLogits = False,
) -> Array:  # fmt: skip
    """Between cross-entropy and absolute error: a wrong label costs at most 1/q."""
    if from_logits:
        logs = log_softmax_of(floating(pred), label)
    elif q == 1.0:
        return 1.0 - of_class(floating(pred), label)
    else:
        logs = np.log(of_class(floating(pred), label))
    return (0.0 - np.expm1(q * logs)) / q


def _poly_slope(pred: Numbers, label: Numbers, *, epsilon: float, **told: Any) -> Array:
    minus = at_class(label, np.full(len(label), -1.0), pred.shape[1])
    by_share = class_slopes(pred, 0.0, epsilon * minus, from_logits=told["from_logits"])
    return slopes_of(pred, minus, **told) + by_share


@loss(
    "poly1",
    aliases=("poly_loss", "poly1_loss", "poly_loss_cross_entropy"),
    gradient=_poly_slope,
    tasks=("multiclass",),
    diverges=True,
    domains=class_domains,
    clipped=label_clipped,
    peers={"optax": "losses.poly_loss_cross_entropy"},
    like={"optax": {"eps": 0.0}},
    reference="Leng et al. (2022), doi:10.48550/arXiv.2204.12511",
    formula="-ln p_y + ε (1 - p_y)",
)
def poly1_cross_entropy(
    pred: Simplex,
    label: Label,
    *,
    epsilon: Annotated[float, Param("factor of 1 - p (some ports take 1)", -1.0)] = 2.0,
    from_logits: FromLogits = False,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array:
    """Cross-entropy with the first term of its expansion in 1 - p weighted anew."""
    logs = label_logs_of(pred, label, from_logits=from_logits, floor=floor, eps=eps,
                         log_clamp=log_clamp)  # fmt: skip
    if from_logits:
        rest = -np.expm1(log_softmax_of(floating(pred), label))
    else:
        rest = 1.0 - of_class(floating(pred), label)
    value: Array = epsilon * rest - logs
    return value
