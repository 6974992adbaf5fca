"""Textbook formulas of `losses.reshaped`, to 50 digits. Labels count classes from 0."""

from __future__ import annotations

from typing import Any

from mpmath import inf, log, mpf

from tests.oracles.categorical import UNIT, logs, softmax
from tests.oracles.precision import to_50_digits


@to_50_digits
def categorical_focal(
    pred: Any,
    label: Any,
    *,
    alpha: Any = 0.25,
    gamma: Any = 2,
    alpha_mode: str = "keras",
    from_logits: bool = False,
    normalize: bool = False,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    """Lin et al. (2017), equation 5."""
    y = int(label)
    p = softmax(pred) if from_logits else [x / sum(pred) for x in pred] if normalize else pred
    p_y = p[y] if not eps else min(max(p[y], eps), 1 - eps)
    if alpha is None:
        a = mpf(1)
    elif isinstance(alpha, list):
        a = alpha[y]
    else:
        a = 1 - alpha if alpha_mode == "background" and y == 0 else alpha
    if from_logits:  # here, as in Keras, the probability of a logit is clipped too
        log_p = log(p_y) if p_y > 0 else -inf
        log_p = log_p if log_clamp is None else max(log_p, log_clamp)
    else:
        log_p = logs(pred, from_logits, normalize, floor, eps, log_clamp)[y]
    factor = a * (1 - p_y) ** gamma
    return mpf(0) if factor == 0 else -factor * log_p


@to_50_digits
def generalized_cross_entropy(
    pred: Any, label: Any, *, q: Any = 0.7, from_logits: bool = False
) -> mpf:
    """Zhang and Sabuncu (2018), equation 6."""
    p = softmax(pred) if from_logits else pred
    return (1 - p[int(label)] ** q) / q


@to_50_digits
def poly1_cross_entropy(
    pred: Any,
    label: Any,
    *,
    epsilon: Any = 2,
    from_logits: bool = False,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    """Leng et al. (2022), equation 6."""
    p = softmax(pred) if from_logits else pred
    log_p = logs(pred, from_logits, False, floor, eps, log_clamp)[int(label)]
    return inf if log_p == -inf else -log_p + epsilon * (1 - p[int(label)])


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle
    for oracle in (categorical_focal, generalized_cross_entropy, poly1_cross_entropy)
}
WHOLE: frozenset[str] = frozenset()
