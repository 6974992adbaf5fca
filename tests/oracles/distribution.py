"""Textbook formulas of `losses.distribution`, to 50 digits."""

from __future__ import annotations

from typing import Any

from mpmath import exp, inf, log, mpf, sqrt

from tests.oracles.categorical import softmax
from tests.oracles.precision import to_50_digits


def masses(
    values: list[Any], logs: bool, normalize: bool, eps: Any, logits: bool = False
) -> list[Any]:
    rows = softmax(values) if logits else [exp(x) for x in values] if logs else values
    if normalize:
        rows = [x / sum(rows) for x in rows]
    return [min(max(x, eps), 1) for x in rows] if eps else rows


def entropy_term(p: Any, q: Any) -> Any:
    """p ln(p/q), with 0 ln 0 = 0."""
    if p == 0:
        return mpf(0)
    return inf if q == 0 else p * log(p / q)


def unit(base: Any) -> Any:
    return 1 if base == "e" else log(base)


@to_50_digits
def kl_divergence(
    pred: Any,
    target: Any,
    *,
    base: Any = "e",
    normalize: bool = False,
    eps: Any = 0,
    generalized: bool = False,
    from_logits: bool = False,
    log_input: bool = False,
    log_target: bool = False,
    direction: str = "forward",
) -> mpf:
    """Kullback and Leibler (1951), equation 2.4."""
    q = masses(pred, log_input, normalize, eps, from_logits)
    p = masses(target, log_target, normalize, eps)
    if direction == "reverse":
        p, q = q, p
    total = sum(entropy_term(a, b) for a, b in zip(p, q, strict=True))
    if generalized:
        total += sum(q) - sum(p)
    return total / unit(base)


@to_50_digits
def js_divergence(
    pred: Any,
    target: Any,
    *,
    base: Any = "e",
    normalize: bool = False,
    from_logits: bool = False,
    sqrt: bool = False,
) -> mpf:
    """Lin (1991), equation 3.5, with equal weights."""
    q, p = masses(pred, False, normalize, 0, from_logits), masses(target, False, normalize, 0)
    m = [(a + b) / 2 for a, b in zip(p, q, strict=True)]
    total = sum(entropy_term(a, c) for a, c in zip(p, m, strict=True)) / 2
    total += sum(entropy_term(b, c) for b, c in zip(q, m, strict=True)) / 2
    return root(max(total / unit(base), mpf(0))) if sqrt else total / unit(base)


root = sqrt


@to_50_digits
def kl_gaussian(
    mean: Any,
    scale: Any,
    target_mean: Any,
    target_scale: Any,
    *,
    variance: bool = False,
    direction: str = "forward",
) -> mpf:
    """Kullback (1959), chapter 9: of the second normal from the first."""
    v, w = (scale, target_scale) if variance else (scale**2, target_scale**2)
    if direction == "reverse":
        v, w = w, v
    return (log(v / w) + (w + (mean - target_mean) ** 2) / v - 1) / 2


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle for oracle in (kl_divergence, js_divergence, kl_gaussian)
}
WHOLE: frozenset[str] = frozenset()
