"""Exact reductions of per-sample terms: rational arithmetic, no rounding before the end.

Terms and weights are finite numbers of any kind (float, int, Fraction, mpf); no weights means 1
each. The rational reductions return a Fraction, so that `float()` of it is the correctly rounded
value (and OverflowError where float64 has none); `root_mean`, `norm` and `exp_mean` return an mpf
of 50 digits.
Raises ZeroDivisionError where the divisor is 0, ValueError where there is no value to choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import mpmath
from mpmath import mpf

Numbers = Sequence[Any]


def exact(number: Any) -> Fraction:
    """`number` as the rational it is."""
    if isinstance(number, mpf):
        if not mpmath.isfinite(number):
            raise ValueError(f"{number} is not a rational number")
        return Fraction(*mpmath.libmp.to_rational(number._mpf_))
    return Fraction(number)


def total(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """Σ w x."""
    return sum((w * x for x, w in _pairs(terms, weights)), Fraction(0))


def mean(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """Σ w x / Σ w."""
    return total(terms, weights) / sum(w for _, w in _pairs(terms, weights))


def sum_over_batch_size(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """Σ w x / n, as Keras divides."""
    return total(terms, weights) / len(terms)


def sum_by_nonzero_weights(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """Σ w x / #{w ≠ 0}, as TensorFlow 1 divides; 0 where every weight is 0."""
    count = sum(1 for _, w in _pairs(terms, weights) if w != 0)
    return total(terms, weights) / count if count else Fraction(0)


def batchmean(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """Σ w x / n, as torch's KL divergence divides the sums of its rows."""
    return sum_over_batch_size(terms, weights)


def sum_over_positives(
    terms: Numbers, positives: Numbers, weights: Numbers | None = None
) -> Fraction:
    """Σ w x / Σ w [the row is of class 1]: the terms of all rows, divided by few."""
    return total(terms, weights) / total(positives, weights)


def mean_nonzero(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """The mean of the terms that are not 0."""
    kept = [(x, w) for x, w in _pairs(terms, weights) if x != 0]
    return mean([x for x, _ in kept], [w for _, w in kept])


def mean_over_elements(
    terms: Numbers, elements: Numbers, weights: Numbers | None = None
) -> Fraction:
    """Σ w x / Σ w k, where a row's x is a sum over its k elements."""
    return total(terms, weights) / total(elements, weights)


def exp_mean(terms: Numbers, weights: Numbers | None = None) -> mpf:
    """exp(Σ w x / Σ w)."""
    inner = mean(terms, weights)
    with mpmath.workdps(60):
        value = mpmath.exp(mpf(inner.numerator) / mpf(inner.denominator))
    with mpmath.workdps(50):
        return +value


def root_mean(terms: Numbers, weights: Numbers | None = None) -> mpf:
    """√(Σ w x / Σ w)."""
    return _root(mean(terms, weights))


def norm(terms: Numbers, weights: Numbers | None = None) -> mpf:
    """√(Σ w x)."""
    return _root(total(terms, weights))


def ratio(numerators: Numbers, denominators: Numbers, weights: Numbers | None = None) -> Fraction:
    """Σ w a / Σ w b."""
    return total(numerators, weights) / total(denominators, weights)


def maximum(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """The largest term whose weight is not 0."""
    return max(x for x, w in _pairs(terms, weights) if w > 0)


def median(terms: Numbers, weights: Numbers | None = None) -> Fraction:
    """The averaged inverse of the weighted distribution function at ½, as scikit-learn takes it.

    The smallest term at which the running weight reaches half of the whole; where it is half
    exactly, the middle of that term and the next one. Terms of weight 0 do not count. Without
    weights it is the usual median.
    """
    pairs = sorted((x, w) for x, w in _pairs(terms, weights) if w > 0)
    half = sum((w for _, w in pairs), Fraction(0)) / 2
    running = Fraction(0)
    for position, (term, weight) in enumerate(pairs):
        running += weight
        if running == half:
            return (term + pairs[position + 1][0]) / 2
        if running > half:
            return term
    raise ValueError("no term has a weight above 0")


def _pairs(terms: Numbers, weights: Numbers | None) -> list[tuple[Fraction, Fraction]]:
    w = weights if weights is not None else [1] * len(terms)
    return [(exact(x), exact(wi)) for x, wi in zip(terms, w, strict=True)]


def _root(square: Fraction) -> mpf:
    with mpmath.workdps(60):
        root = mpmath.sqrt(mpf(square.numerator) / mpf(square.denominator))
    with mpmath.workdps(50):
        return +root


REDUCTIONS = {
    "mean": mean,
    "sum": total,
    "sum_over_batch_size": sum_over_batch_size,
    "sum_by_nonzero_weights": sum_by_nonzero_weights,
    "batchmean": batchmean,
    "sum_over_positives": sum_over_positives,
    "mean_nonzero": mean_nonzero,
    "mean_over_elements": mean_over_elements,
    "exp_mean": exp_mean,
    "root_mean": root_mean,
    "norm": norm,
    "ratio": ratio,
    "max": maximum,
    "median": median,
}
