"""Textbook formulas of `losses.binary`, to 50 digits, for one sample.

`pred` is a probability, or with from_logits a logit z whose probability is 1 / (1 + e**-z). The
unit at which logarithms are floored is that of float64, 2**-52; 1 - eps, the upper bound of a
clip, is taken as float64 has it.
"""

from __future__ import annotations

from typing import Any

from mpmath import exp, inf, log, log1p, mpf

from tests.oracles.precision import to_50_digits

UNIT = mpf(2) ** -52


@to_50_digits
def binary_cross_entropy(
    pred: mpf,
    target: mpf,
    *,
    from_logits: bool = False,
    pos_weight: Any = 1,
    label_smoothing: Any = 0,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    y = target * (1 - label_smoothing) + label_smoothing / 2
    log_p, log_q = logs(pred, from_logits, floor, eps, log_clamp)
    return -times(pos_weight * y, log_p) - times(1 - y, log_q)


@to_50_digits
def weighted_cross_entropy(
    pred: mpf,
    target: mpf,
    *,
    from_logits: bool = True,
    pos_weight: Any = 1,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    log_p, log_q = logs(pred, from_logits, floor, eps, log_clamp)
    return -times(pos_weight * target, log_p) - times(1 - target, log_q)


@to_50_digits
def balanced_cross_entropy(
    pred: mpf,
    target: mpf,
    *,
    from_logits: bool = False,
    alpha: Any = 0.25,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    """`alpha` is a number here: for auto, the caller's share of class 0."""
    log_p, log_q = logs(pred, from_logits, floor, eps, log_clamp)
    return -times(alpha * target, log_p) - times((1 - alpha) * (1 - target), log_q)


@to_50_digits
def binary_focal(
    pred: mpf,
    target: mpf,
    *,
    from_logits: bool = False,
    alpha: Any = 0.25,
    gamma: Any = 2,
    label_smoothing: Any = 0,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    y = target * (1 - label_smoothing) + label_smoothing / 2
    p, q = both(pred, from_logits)
    log_p, log_q = logs(pred, from_logits, floor, eps, log_clamp, clip_logits=True)
    cost = -times(y, log_p) - times(1 - y, log_q)
    p_t = p * y + q * (1 - y)
    alpha_t = 1 if alpha is None else alpha * y + (1 - alpha) * (1 - y)
    return times(alpha_t, cost if cost == inf else (1 - p_t) ** gamma * cost)


@to_50_digits
def asymmetric_loss(
    pred: Any,
    target: Any,
    *,
    from_logits: bool = True,
    gamma_neg: Any = 4,
    gamma_pos: Any = 1,
    clip: Any = 0.05,
    floor: Any = 1e-8,
) -> mpf:
    """`pred` and `target` are numbers, or lists with one per label."""
    if not isinstance(pred, list):
        pred, target = [pred], [target]
    total = mpf(0)
    for value, y in zip(pred, target, strict=True):
        p, q = both(value, from_logits)
        shifted = max(p - clip, mpf(0))
        total -= times(y * q**gamma_pos, ln(max(p, floor)))
        total -= times((1 - y) * shifted**gamma_neg, ln(max(min(q + clip, mpf(1)), floor)))
    return total


def both(pred: mpf, from_logits: bool) -> tuple[mpf, mpf]:
    """The probabilities of class 1 and class 0."""
    if not from_logits:
        return pred, 1 - pred
    if pred in (inf, -inf):
        return (mpf(1), mpf(0)) if pred > 0 else (mpf(0), mpf(1))
    return 1 / (1 + exp(-pred)), 1 / (1 + exp(pred))


def logs(
    pred: mpf, from_logits: bool, floor: Any, eps: Any, log_clamp: Any, clip_logits: bool = False
) -> tuple[mpf, mpf]:
    """Their logarithms. `floor`, `eps` and `log_clamp` are for probabilities; eps and log_clamp
    for logits too where `clip_logits`."""
    if from_logits:
        # ln(1 / (1 + exp(-z))), in which a sum with 1 would keep no digit of exp(-1e300).
        found = -log1p(exp(-pred)), -log1p(exp(pred))
        if not clip_logits:
            return found
        if eps:
            found = tuple(min(max(one, log(eps)), log(1 - eps)) for one in found)
    else:
        p, q = pred, 1 - pred
        if eps is not None:
            p = min(max(p, eps), mpf(1.0 - float(eps)))
            q = 1 - p
        elif log_clamp is None:
            p, q = max(p, floor), max(q, floor)
        found = ln(p), ln(q)
    if log_clamp is not None:
        found = tuple(max(one, log_clamp) for one in found)
    return found


def ln(x: mpf) -> mpf:
    return log(x) if x > 0 else -inf


def times(share: mpf, value: mpf) -> mpf:
    """The product, and 0 where the share is 0 and the value infinite."""
    return mpf(0) if share == 0 else share * value


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle
    for oracle in (
        binary_cross_entropy,
        weighted_cross_entropy,
        balanced_cross_entropy,
        binary_focal,
        asymmetric_loss,
    )
}
WHOLE: frozenset[str] = frozenset()
