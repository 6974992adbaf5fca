"""Textbook regression losses of one sample, to 50 digits. e = pred - target throughout.

Each function takes the roles of one sample and returns its loss; the root and the norm are the
reduction's work, so `root_mean_squared_error` and `l2_norm` return e².
"""

from __future__ import annotations

from typing import Any

from mpmath import cosh, exp, inf, log, loggamma, mpf, pi, sqrt

from tests.oracles.precision import to_50_digits


@to_50_digits
def mean_absolute_error(pred: mpf, target: mpf) -> mpf:
    return abs(pred - target)


@to_50_digits
def mean_squared_error(pred: mpf, target: mpf) -> mpf:
    return (pred - target) ** 2


@to_50_digits
def half_mean_squared_error(pred: mpf, target: mpf) -> mpf:
    return (pred - target) ** 2 / 2


@to_50_digits
def root_mean_squared_error(pred: mpf, target: mpf) -> mpf:
    return (pred - target) ** 2


@to_50_digits
def l1_norm(pred: mpf, target: mpf) -> mpf:
    return abs(pred - target)


@to_50_digits
def l2_norm(pred: mpf, target: mpf) -> mpf:
    return (pred - target) ** 2


@to_50_digits
def smooth_l1(pred: mpf, target: mpf, *, beta: Any = 1) -> mpf:
    """Girshick (2015), with the width as torch's `beta`; beta = 0 is |e|."""
    e = abs(pred - target)
    return e**2 / (2 * beta) if e < beta else e - beta / 2


@to_50_digits
def huber(pred: mpf, target: mpf, *, delta: Any = 1) -> mpf:
    """Huber (1964)."""
    e = abs(pred - target)
    return e**2 / 2 if e <= delta else delta * (e - delta / 2)


@to_50_digits
def log_cosh(pred: mpf, target: mpf) -> mpf:
    return log(cosh(pred - target))


@to_50_digits
def mean_squared_logarithmic_error(pred: mpf, target: mpf, *, clip: Any = None) -> mpf:
    """(log(1+p) - log(1+y))²; `clip` floors both values first, as Keras does with 1e-7."""
    if clip is not None:
        pred, target = max(pred, clip), max(target, clip)
    return (log(1 + pred) - log(1 + target)) ** 2


@to_50_digits
def root_mean_squared_logarithmic_error(pred: mpf, target: mpf, *, clip: Any = None) -> mpf:
    if clip is not None:
        pred, target = max(pred, clip), max(target, clip)
    return (log(1 + pred) - log(1 + target)) ** 2


@to_50_digits
def pinball(pred: Any, target: mpf, *, quantile: Any = 0.5, scale: Any = 1) -> mpf:
    """Koenker and Bassett (1978); of several quantiles the mean."""
    if isinstance(quantile, list):
        each = [max(t * (target - p), (t - 1) * (target - p))
                for p, t in zip(pred, quantile, strict=True)]  # fmt: skip
        return scale * sum(each) / len(each)
    return scale * max(quantile * (target - pred), (quantile - 1) * (target - pred))


@to_50_digits
def pseudo_huber(pred: mpf, target: mpf, *, delta: Any = 1, charbonnier: bool = False) -> mpf:
    """δ²(√(1+(e/δ)²)-1); Charbonnier's form is √(e²+δ²)."""
    e = pred - target
    if charbonnier:
        return sqrt(e**2 + delta**2)
    return delta**2 * (sqrt(1 + (e / delta) ** 2) - 1)


@to_50_digits
def epsilon_insensitive(pred: mpf, target: mpf, *, epsilon: Any = 0.1) -> mpf:
    return max(mpf(0), abs(pred - target) - epsilon)


@to_50_digits
def squared_epsilon_insensitive(pred: mpf, target: mpf, *, epsilon: Any = 0.1) -> mpf:
    return max(mpf(0), abs(pred - target) - epsilon) ** 2


@to_50_digits
def gaussian_nll(
    mean: mpf,
    scale: mpf,
    target: mpf,
    *,
    full: bool = False,
    eps: Any = 1e-6,
    variance: bool = True,
) -> mpf:
    """½(ln v + (y-μ)²/v), with v floored at eps; `full` adds ½ ln 2π. `scale` is v, or its root."""
    v = max(scale if variance else scale**2, eps)
    if v == 0:
        return -inf if mean == target else inf
    loss = (log(v) + (target - mean) ** 2 / v) / 2
    return loss + log(2 * pi) / 2 if full else loss


@to_50_digits
def poisson_nll(
    pred: mpf, target: mpf, *, log_input: bool = False, full: Any = False, eps: Any = 0
) -> mpf:
    """λ - y ln(λ+eps), or e^z - y z; `full` adds ln y!, "stirling" torch's approximation of it."""
    if log_input:
        loss = exp(pred) - target * pred
    elif target == 0:
        loss = pred
    else:
        loss = pred - target * log(pred + eps)
    if full == "stirling":
        if target > 1:
            loss += target * log(target) - target + log(2 * pi * target) / 2
    elif full:
        loss += loggamma(target + 1)
    return loss


@to_50_digits
def poisson_deviance(pred: mpf, target: mpf) -> mpf:
    if target == 0:
        return 2 * pred
    return 2 * (target * log(target / pred) - target + pred)


@to_50_digits
def gamma_deviance(pred: mpf, target: mpf) -> mpf:
    return 2 * (log(pred / target) + target / pred - 1)


@to_50_digits
def tweedie_deviance(pred: mpf, target: mpf, *, power: Any = 1.5) -> mpf:
    """Jørgensen (1987); powers 0, 1 and 2 are the squared error, Poisson and gamma deviances."""
    q = power
    if q == 0:
        return (pred - target) ** 2
    if q == 1:
        return poisson_deviance(pred, target)
    if q == 2:
        return gamma_deviance(pred, target)
    return 2 * (
        max(target, mpf(0)) ** (2 - q) / ((1 - q) * (2 - q))
        - target * pred ** (1 - q) / (1 - q)
        + pred ** (2 - q) / (2 - q)
    )


@to_50_digits
def expectile(pred: mpf, target: mpf, *, quantile: Any = 0.5) -> mpf:
    """Newey and Powell (1987)."""
    below = 1 if target < pred else 0
    return abs(quantile - below) * (pred - target) ** 2


@to_50_digits
def linex(pred: mpf, target: mpf, *, a: Any = 1) -> mpf:
    """Varian (1975), Zellner (1986)."""
    e = pred - target
    return exp(a * e) - a * e - 1


ORACLES = {
    oracle.__name__: oracle
    for oracle in (
        mean_absolute_error,
        mean_squared_error,
        half_mean_squared_error,
        root_mean_squared_error,
        l1_norm,
        l2_norm,
        smooth_l1,
        huber,
        log_cosh,
        mean_squared_logarithmic_error,
        root_mean_squared_logarithmic_error,
        pinball,
        pseudo_huber,
        epsilon_insensitive,
        squared_epsilon_insensitive,
        gaussian_nll,
        poisson_nll,
        poisson_deviance,
        gamma_deviance,
        tweedie_deviance,
        expectile,
        linex,
    )
}
