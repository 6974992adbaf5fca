"""Textbook formulas of `losses.categorical`, to 50 digits. Labels count classes from 0."""

from __future__ import annotations

from typing import Any

from mpmath import exp, inf, log, mpf

from tests.oracles.precision import to_50_digits

UNIT = mpf(2) ** -52


def softmax(z: list[Any]) -> list[Any]:
    top = max(z)
    if abs(top) == inf:
        return [mpf(int(x == top)) / sum(y == top for y in z) for x in z]
    return [exp(x - top) / sum(exp(y - top) for y in z) for x in z]


def logs(
    pred: list[Any], from_logits: bool, normalize: bool, floor: Any, eps: Any, log_clamp: Any
) -> list[Any]:
    """The logarithm of each class's probability; conventions about 0 for probabilities only."""
    if from_logits:
        return [log(x) if x > 0 else -inf for x in softmax(pred)]
    p = [x / sum(pred) for x in pred] if normalize else pred
    if eps is not None:
        p = [min(max(x, eps), 1 - eps) for x in p]
    elif log_clamp is None:
        p = [max(x, floor) for x in p]
    found = [log(x) if x > 0 else -inf for x in p]
    return found if log_clamp is None else [max(x, log_clamp) for x in found]


def cost(share: Any, log_p: Any) -> Any:
    return 0 if share == 0 else -share * log_p


@to_50_digits
def categorical_cross_entropy(
    pred: Any,
    target: Any,
    class_weight: Any = None,
    *,
    from_logits: bool = False,
    normalize: bool = False,
    label_smoothing: Any = 0,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    k = len(pred)
    w = class_weight or [1] * k
    t = [x * (1 - label_smoothing) + label_smoothing / k for x in target]
    log_p = logs(pred, from_logits, normalize, floor, eps, log_clamp)
    return mpf(sum(cost(w[j] * t[j], log_p[j]) for j in range(k)))


@to_50_digits
def sparse_categorical_cross_entropy(
    pred: Any,
    label: Any,
    class_weight: Any = None,
    *,
    from_logits: bool = False,
    normalize: bool = False,
    label_smoothing: Any = 0,
    smoothing: str = "torch",
    ignore_index: Any = None,
    balanced: bool = False,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    """Of one row; `balanced` counts the classes of a file, and one row is a file of one class."""
    if label == ignore_index:
        return mpf(0)
    k, y = len(pred), int(label)
    w = class_weight or [mpf(j == y or not balanced) for j in range(k)]
    inside = w if smoothing == "torch" else [w[y]] * k
    log_p = logs(pred, from_logits, normalize, floor, eps, log_clamp)
    spread = [cost(label_smoothing / k * inside[j], log_p[j]) for j in range(k)]
    return mpf(cost((1 - label_smoothing) * w[y], log_p[y]) + sum(spread))


@to_50_digits
def perplexity(
    pred: Any,
    label: Any,
    *,
    from_logits: bool = False,
    normalize: bool = False,
    ignore_index: Any = None,
    floor: Any = UNIT,
    eps: Any = None,
    log_clamp: Any = None,
) -> mpf:
    """The negative log-likelihood, whose mean the reduction exponentiates."""
    if label == ignore_index:
        return mpf(0)
    return -logs(pred, from_logits, normalize, floor, eps, log_clamp)[int(label)]


@to_50_digits
def bits_per_dim(pred: Any, *, dims: Any = 1) -> mpf:
    return pred / dims / log(2)


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle
    for oracle in (
        categorical_cross_entropy,
        sparse_categorical_cross_entropy,
        perplexity,
        bits_per_dim,
    )
}
WHOLE: frozenset[str] = frozenset()
