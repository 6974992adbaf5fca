"""Log-probabilities from probabilities or logits: computed once per batch, whoever asks.

What a probability of 0 costs is a convention. Here the argument of each logarithm is floored at
`floor` (the rounding unit of float64), so that a perfect prediction costs exactly 0; `eps` clips
the probability to [eps, 1 - eps] instead, on both sides, as scikit-learn and Keras do (0: exact);
`log_clamp` floors the logarithm itself, as torch does at -100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

import numpy as np

from lossctl.arrays import (
    POSITIVE_SUM,
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
from lossctl.numerics import floating, log_ratio, row_sum, shared, softplus
from lossctl.settings import Param
from lossctl.softmax import log_softmax, log_softmax_of, softmax

UNIT = float(np.finfo(np.float64).eps)

FromLogits: TypeAlias = Annotated[
    bool, Param("`pred` holds logits, not probabilities; never guessed from the values")
]
Floor: TypeAlias = Annotated[
    float,
    Param("least argument of a logarithm (probabilities only; `eps` switches it off)", 0.0, 1.0),
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
def binary_probabilities(pred: Numbers, *, from_logits: bool) -> tuple[Array, Array]:
    """The probabilities of class 1 and class 0; from logits each within 2 ulp."""
    values = floating(pred)
    if not from_logits:
        return values, 1.0 - values
    small = np.exp(-np.abs(values))
    less, more = small / (1.0 + small), 1.0 / (1.0 + small)
    positive = values >= 0.0
    return np.where(positive, more, less), np.where(positive, less, more)


def shares_of(logits: Numbers) -> tuple[Array, Array]:
    """The probability of class 1, or of every class, and what it lacks of 1."""
    if logits.ndim == 1:
        return binary_probabilities(logits, from_logits=True)
    return softmax(floating(logits))


def binary_log_slopes(
    pred: Numbers,
    *,
    from_logits: bool,
    floor: float = UNIT,
    eps: float | None = None,
    log_clamp: float | None = None,
) -> tuple[Array, Array]:
    """The derivatives by `pred` of ln p and ln(1 - p): 0 where a floor or clip holds them."""
    p, q = binary_probabilities(pred, from_logits=from_logits)
    with np.errstate(divide="ignore", over="ignore"):
        up, down = (q, -p) if from_logits else (1.0 / p, -1.0 / q)
        least = 0.0 if eps is not None or log_clamp is not None or from_logits else floor
        held_up, held_down = p < least, q < least
        if eps is not None:
            held_up = held_down = (p < eps) | (q < eps)
        if log_clamp is not None:
            held_up = held_up | (np.log(p) < log_clamp)
            held_down = held_down | (np.log(q) < log_clamp)
    return np.where(held_up, 0.0, up), np.where(held_down, 0.0, down)


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
        return _held(log_softmax(values), None, eps, log_clamp)
    with np.errstate(divide="ignore"):
        logs = log_shares(values) if normalize else np.log(values)
    return _held(logs, floor, eps, log_clamp)


@shared
def label_logs(
    pred: Numbers,
    label: Numbers,
    *,
    from_logits: bool,
    normalize: bool = False,
    floor: float = UNIT,
    eps: float | None = None,
    log_clamp: float | None = None,
) -> Array:
    """The entry of `class_logs` at each row's label, (n,)."""
    values = floating(pred)
    if from_logits:
        return _held(log_softmax_of(values, label), None, eps, log_clamp)
    with np.errstate(divide="ignore"):
        logs = of_class(log_shares(values), label) if normalize else np.log(of_class(values, label))
    return _held(logs, floor, eps, log_clamp)


def _held(logs: Array, floor: float | None, eps: float | None, log_clamp: float | None) -> Array:
    """Logarithms within their limits; those of logits have no floor."""
    if eps or (eps is not None and floor is not None):
        logs = np.clip(logs, math.log(eps) if eps else -math.inf, math.log1p(-eps))
    elif floor is not None and log_clamp is None:
        logs = np.maximum(logs, math.log(floor) if floor else -math.inf)
    return logs if log_clamp is None else np.maximum(logs, log_clamp)


@shared
def class_probabilities(pred: Numbers, *, from_logits: bool, normalize: bool = False) -> Array:
    """Each class's probability, (n, K)."""
    values = floating(pred)
    if from_logits:
        return softmax(values)[0]
    return normalized(values) if normalize else values


def normalized(values: Array) -> Array:
    """Each row by its sum, which is positive."""
    total = row_sum(values)[:, np.newaxis]
    beyond = np.isinf(total)
    if beyond.any():
        values = np.where(beyond, values * 2.0**-64, values)
        total = row_sum(values)[:, np.newaxis]
    shares: Array = values / total
    return shares


def log_shares(values: Array) -> Array:
    """The logarithm of each value's share of its row's sum, which is positive; 2 ulp, also of a
    share near 1, and of one that float64 cannot hold."""
    top = np.max(values, axis=1, keepdims=True)
    others = values / top
    # As in log_softmax, the largest is the 1 of log1p.
    np.put_along_axis(others, np.argmax(values, axis=1)[:, np.newaxis], 0.0, axis=1)
    return log_ratio(values, top) - np.log1p(row_sum(others))[:, np.newaxis]


@shared
def of_class(values: Array, label: Numbers) -> Array:
    """The entry of each row at its label, (n,); `label` holds whole numbers inside [0, K)."""
    picked: Array = np.take_along_axis(values, label.astype(np.int64)[:, np.newaxis], axis=1)
    return picked[:, 0]


def at_class(label: Numbers, values: Array, classes: int) -> Array:
    """Rows of zeros but for `values` at the label."""
    rows = np.zeros((len(label), classes))
    np.put_along_axis(rows, label.astype(np.int64)[:, np.newaxis], values[:, np.newaxis], axis=1)
    return rows


def class_slopes(
    pred: Numbers,
    by_log: Array | float,
    by_share: Array | float = 0.0,
    *,
    from_logits: bool,
    normalize: bool = False,
    floor: float = 0.0,
    eps: float | None = None,
    log_clamp: float | None = None,
) -> Array:
    """The derivatives of a loss by `pred`, (n, K), from those by the logarithms that `class_logs`
    gives and by the probabilities. A logarithm that a floor or clip holds does not move."""
    told: dict[str, Any] = {"from_logits": from_logits, "normalize": normalize}
    logs = class_logs(pred, floor=floor, eps=eps, log_clamp=log_clamp, **told)
    raw = class_logs(pred, floor=0.0, **told)
    shares = class_probabilities(pred, **told)
    inner = np.where(logs == raw, by_log, 0.0)
    within = eps is None or ((shares >= eps) & (shares <= 1.0 - eps))
    own = np.where(within, by_share, 0.0)
    if from_logits:
        inner = inner + own * shares
        slopes: Array = inner - shares * row_sum(inner)[:, np.newaxis]
        return slopes
    slopes = np.where(inner == 0.0, 0.0, inner / shares) + own
    if normalize:
        level = row_sum(slopes * shares)[:, np.newaxis]
        slopes = (slopes - level) / row_sum(floating(pred))[:, np.newaxis]
    return slopes


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
    if normalize:
        return {"pred": replace(domain_of(Masses), row=POSITIVE_SUM)}
    return {"pred": domain_of(Simplex)}


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
    normalize: bool = False,
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
    shares = class_probabilities(pred, from_logits=False, normalize=normalize)
    cut: Mask = kept & (of_class(shares, np.where(kept, label, 0)) < least)
    return cut
