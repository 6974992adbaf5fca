"""Textbook companion metrics, to 50 digits, as scikit-learn defines them. e = pred - target.

All take whole lists and optional weights, but `mean_bias_error` and `accuracy`, which take one
sample. The sums
are rational, so that a constant target is constant and not constant but for rounding.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from mpmath import inf, mpf, nan

from tests.oracles.margin import zero_one
from tests.oracles.precision import to_50_digits
from tests.oracles.reductions import exact, maximum, mean, median, total

Weights = list[mpf] | None


@to_50_digits
def r2(
    pred: list[mpf], target: list[mpf], *, weights: Weights = None, force_finite: bool = True
) -> Any:
    """1 - Σ w e² / Σ w (y-ȳ)²; nan below two rows, whatever their weights."""
    if len(target) < 2:
        return nan
    squares = total([e**2 for e in _errors(pred, target)], weights)
    return _explained(squares, _spread([exact(y) for y in target], weights), force_finite)


@to_50_digits
def explained_variance(
    pred: list[mpf], target: list[mpf], *, weights: Weights = None, force_finite: bool = True
) -> Any:
    """1 - Var(e) / Var(y)."""
    left = _spread(_errors(pred, target), weights)
    return _explained(left, _spread([exact(y) for y in target], weights), force_finite)


@to_50_digits
def relative_squared_error(pred: list[mpf], target: list[mpf], *, weights: Weights = None) -> Any:
    """Σ w e² / Σ w (y-ȳ)²; over a constant target inf, or nan when the prediction is perfect."""
    squares = total([e**2 for e in _errors(pred, target)], weights)
    whole = _spread([exact(y) for y in target], weights)
    if whole == 0:
        return nan if squares == 0 else inf
    return squares / whole


@to_50_digits
def max_error(pred: list[mpf], target: list[mpf], *, weights: Weights = None) -> Any:
    return maximum([abs(e) for e in _errors(pred, target)], weights)


@to_50_digits
def median_absolute_error(pred: list[mpf], target: list[mpf], *, weights: Weights = None) -> Any:
    return median([abs(e) for e in _errors(pred, target)], weights)


@to_50_digits
def mean_bias_error(pred: mpf, target: mpf) -> mpf:
    return pred - target


@to_50_digits
def accuracy(pred: Any, label: Any, *, threshold: Any = None) -> mpf:
    return 1 - zero_one(pred, label, threshold=threshold)


@to_50_digits
def quadratic_weighted_kappa(pred: list[mpf], label: list[mpf], *, weights: Weights = None) -> Any:
    """From the table of both raters, as it is defined; nan where nothing is expected."""
    w = [exact(one) for one in weights or [mpf(1)] * len(pred)]
    rows = list(zip(map(exact, pred), map(exact, label), w, strict=True))
    mass = sum(w)
    observed = sum(one * (p - t) ** 2 for p, t, one in rows) / mass
    expected = (
        sum(one * other * (p - t) ** 2 for p, _, one in rows for _, t, other in rows) / mass**2
    )
    return nan if expected == 0 else 1 - observed / expected


def _errors(pred: list[mpf], target: list[mpf]) -> list[Fraction]:
    return [exact(p) - exact(y) for p, y in zip(pred, target, strict=True)]


def _spread(values: list[Fraction], weights: Weights) -> Fraction:
    """The weighted sum of squares around the weighted mean."""
    centre = mean(values, weights)
    return total([(v - centre) ** 2 for v in values], weights)


def _explained(residual: Fraction, whole: Fraction, force_finite: bool) -> Any:
    if whole != 0:
        return 1 - residual / whole
    if force_finite:
        return 1 if residual == 0 else 0
    return nan if residual == 0 else -inf


ORACLES = {
    oracle.__name__: oracle
    for oracle in (
        r2,
        explained_variance,
        relative_squared_error,
        max_error,
        median_absolute_error,
        mean_bias_error,
        accuracy,
        quadratic_weighted_kappa,
    )
}

WHOLE = frozenset(ORACLES) - {"mean_bias_error", "accuracy"}
