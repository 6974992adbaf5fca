"""Textbook formulas of `losses.margin`, to 50 digits, for one sample: m = y f with y = -1 or 1.

`pred` and `label` of the decisions are a number or text, or a list with one per class or label.
"""

from __future__ import annotations

from typing import Any

from mpmath import exp, log1p, mpf

from tests.oracles.precision import to_50_digits


@to_50_digits
def zero_one(pred: Any, label: Any, *, threshold: Any = None) -> int:
    if isinstance(pred, list) and not isinstance(label, list):
        return int(pred.index(max(pred)) != label)
    return int(any(wrong_labels(pred, label, threshold)))


@to_50_digits
def hamming(pred: Any, label: Any, *, threshold: Any = None) -> Any:
    wrong = wrong_labels(pred, label, threshold)
    return mpf(sum(wrong)) / len(wrong)


def wrong_labels(pred: Any, label: Any, threshold: Any) -> list[bool]:
    if not isinstance(pred, list):
        if threshold is None:
            return [pred != label]
        return [(pred - threshold) * sign(label) <= 0]
    if threshold is None:
        return [p != t for p, t in zip(pred, label, strict=True)]
    return [(p > threshold) != (t == 1) for p, t in zip(pred, label, strict=True)]


@to_50_digits
def hinge(pred: mpf, target: mpf, *, labels: str = "auto") -> Any:
    return max(0, 1 - sign(target) * pred)


@to_50_digits
def squared_hinge(pred: mpf, target: mpf, *, labels: str = "auto") -> Any:
    return max(0, 1 - sign(target) * pred) ** 2


@to_50_digits
def perceptron(pred: mpf, target: mpf, *, labels: str = "auto") -> Any:
    return max(0, -sign(target) * pred)


@to_50_digits
def exponential(pred: mpf, target: mpf, *, labels: str = "auto") -> mpf:
    return exp(-sign(target) * pred)


@to_50_digits
def modified_huber(pred: mpf, target: mpf, *, labels: str = "auto") -> Any:
    m = sign(target) * pred
    return max(0, 1 - m) ** 2 if m >= -1 else -4 * m


@to_50_digits
def logistic(pred: mpf, target: mpf, *, labels: str = "auto") -> mpf:
    return log1p(exp(-sign(target) * pred))


@to_50_digits
def multiclass_hinge(
    pred: list[mpf],
    label: Any,
    *,
    variant: str = "crammer_singer",
    p: Any = 1,
    margin: Any = 1,
) -> Any:
    true = pred[int(label)]
    others = [score for place, score in enumerate(pred) if place != int(label)]
    if variant == "sum_over_classes":
        return sum((max(0, margin - true + other) ** p for other in others), mpf(0)) / len(pred)
    if variant == "keras":
        others.append(mpf(0))
    return max(0, margin + max(others) - true) ** p if others else 0


def sign(target: mpf) -> int:
    return 1 if target == 1 else -1


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle
    for oracle in (
        zero_one,
        hamming,
        hinge,
        squared_hinge,
        perceptron,
        exponential,
        modified_huber,
        logistic,
        multiclass_hinge,
    )
}
WHOLE: frozenset[str] = frozenset()
