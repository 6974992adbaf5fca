"""Log-probabilities from probabilities or logits: computed once per batch, whoever asks.

What a probability of 0 costs is a convention. Here the argument of each logarithm is floored at
`floor` (the rounding unit of float64), so that a perfect prediction costs exactly 0; `eps` clips
the probability to [eps, 1 - eps] instead, on both sides, as scikit-learn and Keras do (0: exact);
`log_clamp` floors the logarithm itself, as torch does at -100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import numpy as np

from lossctl.arrays import (
    Array,
    Domain,
    Logit,
    Logits,
    Mask,
    Masses,
    Numbers,
    Probability,
    Simplex,
    domain_of,
)
from lossctl.numerics import floating, log_softmax, row_sum, shared, softplus
from lossctl.settings import Param

UNIT = float(np.finfo(np.float64).eps)

FromLogits: TypeAlias = Annotated[
    bool, Param("`pred` holds logits, not probabilities; never guessed from the values")
]
Floor: TypeAlias = Annotated[
    float, Param("least argument of a logarithm (probabilities only; `eps` switches it off)", 0.0)
]
Eps: TypeAlias = Annotated[
    float | None,
    Param("clip probabilities to [eps, 1 - eps] (0: exact, so that a 0 may cost infinitely much)",
          0.0, 0.5, optional=True),
]  # fmt: skip
LogClamp: TypeAlias = Annotated[
    float | None, Param("floor of the logarithm itself (torch: -100)", high=0.0, optional=True)
]
Normalize: TypeAlias = Annotated[bool, Param("divide each row by its sum first, as Keras does")]
LabelSmoothing: TypeAlias = Annotated[
    float, Param("the share of the target that is spread evenly over the classes", 0.0, 1.0)
]


@shared
def binary_logs(
    pred: Numbers,
    *,
    from_logits: bool,
    floor: float = UNIT,
    eps: float | None = None,
    log_clamp: float | None = None,
) -> tuple[Array, Array]:
    """The logarithms of p and of 1 - p, where `pred` is p or its logit; about 1 ulp each."""
    values = floating(pred)
    if from_logits:
        log_p, log_q = -softplus(-values), -softplus(values)
        if eps:
            low, high = math.log(eps), math.log1p(-eps)
            log_p, log_q = np.clip(log_p, low, high), np.clip(log_q, low, high)
    else:
        if log_clamp is not None:
            floor = 0.0
        if eps is not None:
            floor = 0.0
            values = np.clip(values, eps, 1.0 - eps)
        log_p = np.log(np.maximum(values, floor))
        log_q = np.where(1.0 - values < floor, math.log(floor) if floor else -math.inf,
                         np.log1p(-values))  # fmt: skip
    if log_clamp is not None:
        log_p, log_q = np.maximum(log_p, log_clamp), np.maximum(log_q, log_clamp)
    return log_p, log_q


@shared
def class_logs(
    pred: Numbers,
    *,
    from_logits: bool,
    normalize: bool = False,
    floor: float = UNIT,
    eps: float | None = None,
    log_clamp: float | None = None,
) -> Array:
    """The logarithm of each class's probability, (n, K), where `pred` holds rows of
    probabilities or of logits; a logit of -inf has log-probability -inf."""
    values = floating(pred)
    if from_logits:
        logs = log_softmax(values)
        if eps:
            logs = np.clip(logs, math.log(eps), math.log1p(-eps))
    else:
        if normalize:
            values = values / row_sum(values)[:, np.newaxis]
        if eps is not None:
            values = np.clip(values, eps, 1.0 - eps)
        elif log_clamp is None:
            values = np.maximum(values, floor)
        logs = np.log(values)
    return logs if log_clamp is None else np.maximum(logs, log_clamp)


@shared
def class_probabilities(pred: Numbers, *, from_logits: bool, normalize: bool = False) -> Array:
    """Each class's probability, (n, K)."""
    values = floating(pred)
    if from_logits:
        return np.exp(log_softmax(values))
    return values / row_sum(values)[:, np.newaxis] if normalize else values


@shared
def of_class(values: Array, label: Numbers) -> Array:
    """The entry of each row at its label, (n,); `label` holds whole numbers inside [0, K)."""
    picked: Array = np.take_along_axis(values, label.astype(np.int64)[:, np.newaxis], axis=1)
    return picked[:, 0]


def weighted_logs(share: Numbers, logs: Array) -> Array:
    """Share * logs, and 0 where the share is 0, however infinite the logarithm."""
    zero = share == 0.0
    return np.where(zero, 0.0, share * np.where(zero, 0.0, logs))


# --- what the settings make of the domains -----------------------------------------------------


def binary_domains(from_logits: bool) -> Mapping[str, Domain]:
    """The domain of `pred` for a loss with a setting from_logits."""
    return {"pred": domain_of(Logit if from_logits else Probability)}


def class_domains(from_logits: bool) -> Mapping[str, Domain]:
    """The same for rows of classes."""
    return {"pred": domain_of(Logits if from_logits else Simplex)}


def normalized_domains(from_logits: bool, normalize: bool) -> Mapping[str, Domain]:
    """The same where the rows may be normalised first."""
    if from_logits:
        return {"pred": domain_of(Logits)}
    return {"pred": domain_of(Masses if normalize else Simplex)}


# --- which samples a floor or clip decides -----------------------------------------------------


def binary_clipped(
    pred: Numbers,
    target: Numbers,
    *,
    from_logits: bool,
    floor: float = UNIT,
    eps: float | None = None,
    log_clamp: float | None = None,
    **_others: Any,
) -> Mask:
    """Samples of which a needed logarithm is of a probability below the floor or clip."""
    if from_logits:
        return np.zeros(len(pred), dtype=bool)
    least = eps if eps is not None else math.exp(log_clamp) if log_clamp is not None else floor
    low = (pred < least) & (target > 0.0)
    cut: Mask = low | ((1.0 - floating(pred) < least) & (target < 1.0))
    return np.asarray(cut.any(axis=1)) if cut.ndim == 2 else cut


def label_clipped(
    pred: Numbers,
    label: Numbers,
    *_roles: Any,
    from_logits: bool,
    floor: float = UNIT,
    eps: float | None = None,
    log_clamp: float | None = None,
    ignore_index: int | None = None,
    **_others: Any,
) -> Mask:
    """The same for rows of classes and a label."""
    if from_logits:
        return np.zeros(len(pred), dtype=bool)
    least = eps if eps is not None else math.exp(log_clamp) if log_clamp is not None else floor
    kept = np.ones(len(label), dtype=bool) if ignore_index is None else label != ignore_index
    cut: Mask = kept & (of_class(floating(pred), np.where(kept, label, 0)) < least)
    return cut
