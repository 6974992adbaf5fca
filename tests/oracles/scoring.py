"""Textbook formulas of `losses.scoring`, to 50 digits. Labels count classes from 0."""

from __future__ import annotations

from typing import Any

from mpmath import mpf, ncdf, npdf, pi, sqrt

from tests.oracles.categorical import softmax
from tests.oracles.precision import to_50_digits


@to_50_digits
def brier(pred: Any, target: Any, *, scale_by_half: Any = "auto", from_logits: bool = False) -> mpf:
    """Brier (1950); one probability p stands for the row (1 - p, p)."""
    if from_logits:
        pred = softmax(pred) if isinstance(pred, list) else softmax([mpf(0), pred])[1]
    if not isinstance(pred, list):
        pred, target = [1 - pred, pred], [1 - target, target]
    elif not isinstance(target, list):
        target = [mpf(k == target) for k in range(len(pred))]
    total = sum((p - t) ** 2 for p, t in zip(pred, target, strict=True))
    half = len(pred) < 3 if scale_by_half == "auto" else scale_by_half
    return total / 2 if half else total


@to_50_digits
def ranked_probability_score(
    pred: Any, label: Any, *, normalize: bool = False, from_logits: bool = False
) -> mpf:
    """Epstein (1969), as Murphy (1971) writes it."""
    pred = softmax(pred) if from_logits else pred
    total = sum((sum(pred[: k + 1]) - (label <= k)) ** 2 for k in range(len(pred)))
    return total / max(len(pred) - 1, 1) if normalize else total


@to_50_digits
def spherical_score(pred: Any, label: Any, *, from_logits: bool = False) -> mpf:
    """One less the score of Gneiting and Raftery (2007), section 4.1, with alpha = 2."""
    pred = softmax(pred) if from_logits else pred
    norm = sqrt(sum(p**2 for p in pred))
    return 1 - pred[int(label)] / norm if norm else mpf(1)


@to_50_digits
def crps_ensemble(members: Any, target: Any, *, estimator: str = "nrg") -> mpf:
    """Gneiting and Raftery (2007), equation 21; Ferro (2014) divides by the unlike pairs."""
    m = len(members)
    pairs = sum(abs(x - y) for x in members for y in members)
    count = m * m if estimator == "nrg" else m * (m - 1)
    return sum(abs(x - target) for x in members) / m - pairs / (2 * count)


@to_50_digits
def crps_gaussian(mean: Any, scale: Any, target: Any, *, variance: bool = False) -> mpf:
    """Gneiting et al. (2005), equation 5."""
    s = sqrt(scale) if variance else scale
    if s == 0:
        return abs(target - mean)
    w = abs(target - mean) / s
    if w > 1000:  # there 1 - Φ and φ are below 1e-200000
        return abs(target - mean) - s / sqrt(pi)
    return s * (w * (2 * ncdf(w) - 1) + 2 * npdf(w) - 1 / sqrt(pi))


@to_50_digits
def interval_score(
    lower: Any, upper: Any, target: Any, *, alpha: Any = 0.1, level: Any = None
) -> mpf:
    """Gneiting and Raftery (2007), equation 43."""
    a = alpha if level is None else 1 - level
    below, above = max(lower - target, 0), max(target - upper, 0)
    return (upper - lower) + 2 / a * below + 2 / a * above


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle
    for oracle in (
        brier,
        ranked_probability_score,
        spherical_score,
        crps_ensemble,
        crps_gaussian,
        interval_score,
    )
}
WHOLE: frozenset[str] = frozenset()
