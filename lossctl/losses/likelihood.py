"""Negative log-likelihoods and unit deviances of amounts and counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, cast, get_args

import numpy as np

from lossctl.arrays import Array, Domain, Mask, NonNegative, Numbers, Positive, Real
from lossctl.loss import loss
from lossctl.numerics import (
    exponential_gap,
    floating,
    gamma_gap,
    log_ratio,
    poisson_gap,
    residual,
    squared,
    xlogy,
)
from lossctl.settings import Param

REAL, NON_NEGATIVE, POSITIVE = (
    next(part for part in get_args(role) if isinstance(part, Domain))
    for role in (Real, NonNegative, Positive)
)
HALF_LOG_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def _spread(scale: Numbers, eps: float, variance: bool) -> Array:
    """The standard deviation, or the variance where that is what `scale` holds, floored."""
    return np.maximum(floating(scale), _least(eps, variance))


def _least(eps: float, variance: bool) -> float:
    return eps if variance else math.sqrt(eps)


def _narrow(
    mean: Numbers, scale: Numbers, target: Numbers, *, eps: float, variance: bool, **_others: Any
) -> Mask:
    """Samples whose variance lies below eps."""
    narrow = np.asarray(floating(scale) < _least(eps, variance))
    return np.asarray(narrow.any(axis=1)) if narrow.ndim == 2 else narrow


def _gaussian_slope(
    mean: Numbers,
    scale: Numbers,
    target: Numbers,
    *,
    full: bool,
    eps: float,
    variance: bool,
) -> Array:
    spread = _spread(scale, eps, variance)
    slope = residual(mean, target) / spread
    return slope if variance else slope / spread


def _gaussian_note(*, full: bool, **_others: Any) -> str | None:
    if full:
        return None
    return "gaussian_nll leaves out ½ ln 2π = 0.9189 per sample, as torch does (full=true adds it)"


@loss(
    aliases=("gaussian_negative_log_likelihood", "normal_nll"),
    tasks=("regression", "distribution"),
    gradient=_gaussian_slope,
    low=-math.inf,
    domains=lambda eps: {"scale": NON_NEGATIVE if eps > 0.0 else POSITIVE},
    clipped=_narrow,
    clips="a variance below eps",
    note=_gaussian_note,
    peers={"torch": "nn.GaussianNLLLoss()"},
    reference="Nix and Weigend (1994), doi:10.1109/ICNN.1994.374138",
    formula="½ (ln v + (target - mean)²/v), v = max(variance, eps)",
)
def gaussian_nll(
    mean: Real,
    scale: NonNegative,
    target: Real,
    *,
    full: Annotated[bool, Param("add the constant ½ ln 2π")] = False,
    eps: Annotated[float, Param("the smallest variance", 0.0)] = 1e-6,
    variance: Annotated[
        bool, Param("`scale` holds the variance; false: the standard deviation")
    ] = True,
) -> Array:
    """How improbable the target is under a normal distribution: rewards an honest spread.

    It can be negative. `scale` holds the variance, as in torch, and the constant is left out,
    as in torch; a variance below eps counts as eps.
    """
    error = residual(mean, target)
    spread = _spread(scale, eps, variance)
    log_variance = np.log(spread) if variance else 2.0 * np.log(spread)
    squares = error * (error / spread) if variance else np.square(error / spread)
    value = 0.5 * (log_variance + squares)
    return value + HALF_LOG_TWO_PI if full else value


def _poisson_domains(log_input: bool) -> Mapping[str, Domain]:
    return {"pred": REAL} if log_input else {}


def _poisson_slope(
    pred: Numbers, target: Numbers, *, log_input: bool, full: bool | str, eps: float
) -> Array:
    if log_input:
        return np.exp(floating(pred)) - floating(target)
    return np.where(target > 0, 1.0 - target / (floating(pred) + eps), 1.0)


@loss(
    aliases=("poisson",),
    gradient=_poisson_slope,
    low=-math.inf,
    elicits="mean",
    diverges=True,
    domains=_poisson_domains,
    peers={
        "torch": "nn.PoissonNLLLoss()",
        "keras": "losses.Poisson()",
        "tensorflow": "nn.log_poisson_loss",
    },
    like={
        "torch": {"eps": 1e-8},
        "keras": {"eps": 1e-7, "reduction": "sum_over_batch_size"},
    },
    reference="Nelder and Wedderburn (1972), doi:10.2307/2344614",
    formula="pred - target ln(pred + eps); on the log scale exp(pred) - target pred",
)
def poisson_nll(
    pred: NonNegative,
    target: NonNegative,
    *,
    log_input: Annotated[
        bool, Param("`pred` is the logarithm of the rate, as torch has it")
    ] = False,
    full: Annotated[
        bool | str,
        Param(
            "add ln target!; stirling: torch's approximation of it",
            choices=(False, True, "stirling"),
        ),
    ] = False,
    eps: Annotated[float, Param("added to the rate inside the logarithm", 0.0)] = 0.0,
) -> Array:
    """How improbable a count is at the predicted rate. It can be negative unless full=true.

    `pred` is the rate, as in Keras; torch takes its logarithm unless told otherwise. A rate of 0
    for a count above 0 is infinitely improbable (eps avoids it).
    """
    rate = np.exp(floating(pred)) if log_input else floating(pred)
    count = floating(target)
    if full is False:
        if log_input:
            return np.where(np.isinf(rate), rate, rate - count * pred)
        return rate - xlogy(count, rate + eps)
    # With r = ln target! - target ln target + target it is the gap plus r: neither is negative.
    if full == "stirling":
        half_log = 0.5 * np.log(2.0 * math.pi * np.maximum(count, 1.0))
        rest = np.where(count > 1.0, half_log, count - xlogy(count, count))
    else:
        rest = _factorial_rest(count)
    inside = rate if log_input else rate + eps
    usual = (inside > 1e-290) & np.isfinite(inside)
    gap = poisson_gap(target, np.where(usual, inside, 1.0))
    logs = count * pred if log_input else xlogy(count, inside)
    far = (inside - logs) + (xlogy(count, count) - count)
    gap = np.where(usual, gap, np.where(np.isinf(inside), inside, far))
    return gap + rest if log_input else (gap + rest) - eps


def _factorial_rest(count: Array) -> Array:
    """The sum ln count! - count ln count + count: Stirling's series from 10 on.

    Within 16 ulp for whole counts; within 1e-15 below 1.
    """
    from scipy.special import gammaln  # slow to import, and few ask for it

    large = count >= 10.0
    n = np.where(large, count, 10.0)
    step = np.square(1.0 / n)
    series = np.zeros_like(n)
    for term in (-691 / 360360, 1 / 1188, -1 / 1680, 1 / 1260, -1 / 360, 1 / 12):
        series = series * step + term
    small = np.where(large, 1.0, count)
    below = (gammaln(small + 1.0) - xlogy(small, small)) + small
    return np.where(large, series / n + 0.5 * np.log(2.0 * math.pi * n), below)


@loss(
    aliases=("mean_poisson_deviance",),
    gradient=lambda pred, target: 2.0 * (residual(pred, target) / pred),
    elicits="mean",
    peers={"sklearn": "metrics.mean_poisson_deviance"},
    reference="Nelder and Wedderburn (1972), doi:10.2307/2344614",
    formula="2 (target ln(target/pred) - target + pred)",
)
def poisson_deviance(pred: Positive, target: NonNegative) -> Array:
    """Twice what the likelihood of a count loses against the perfect rate; 0 when they agree.

    Errors weigh as much as the rate is small: 1 instead of 3 costs more than 101 instead of 103.
    """
    return 2.0 * poisson_gap(target, pred)


@loss(
    aliases=("mean_gamma_deviance",),
    gradient=lambda pred, target: 2.0 * (residual(pred, target) / pred) / pred,
    elicits="mean",
    peers={"sklearn": "metrics.mean_gamma_deviance"},
    reference="McCullagh and Nelder (1989), Generalized Linear Models, table 2.1",
    formula="2 (ln(pred/target) + target/pred - 1)",
)
def gamma_deviance(pred: Positive, target: Positive) -> Array:
    """For positive amounts whose spread grows with their size: only the ratio counts."""
    return 2.0 * gamma_gap(target, pred)


def _tweedie_domains(power: float) -> Mapping[str, Domain]:
    if power == 0.0:
        return {"pred": REAL, "target": REAL}
    if power < 0.0:
        return {"pred": POSITIVE, "target": REAL}
    return {"pred": POSITIVE, "target": NON_NEGATIVE if power < 2.0 else POSITIVE}


@loss(
    aliases=("mean_tweedie_deviance", "tweedie"),
    gradient=lambda pred, target, *, power: (
        2.0 * residual(pred, target) / np.power(floating(pred), power)
    ),
    elicits="mean",
    domains=_tweedie_domains,
    peers={"sklearn": "metrics.mean_tweedie_deviance(power=0)"},
    like={"sklearn": {"power": 0.0}},
    reference="Jørgensen (1987), doi:10.1111/j.2517-6161.1987.tb01685.x",
    formula="2 (target^(2-power)/((1-power)(2-power)) - target pred^(1-power)/(1-power)"
    " + pred^(2-power)/(2-power))",
)
def tweedie_deviance(
    pred: Positive,
    target: NonNegative,
    *,
    power: Annotated[
        float,
        Param("the variance grows with this power of the mean: 0 squared error, 1 Poisson, "
              "2 gamma, 3 inverse Gaussian", gap=(0.0, 1.0)),
    ] = 1.5,
) -> Array:  # fmt: skip
    """The deviance of amounts whose variance is a power of their mean, zeros included below 2.

    The default of 1.5 suits claims and rainfall; scikit-learn's default is 0, the squared error.
    """
    if power == 0.0:
        return squared(pred, target)
    if power == 1.0:
        return 2.0 * poisson_gap(target, pred)
    if power == 2.0:
        return 2.0 * gamma_gap(target, pred)
    y, p = floating(target), floating(pred)
    error = residual(pred, target)
    if power == 1.5:
        root = np.sqrt(p)
        half = error / (np.sqrt(y) + root)
        return cast(Array, 4.0 * (half * half / root))
    if power == 3.0:
        return (error / p) * ((error / p) / y)
    return 2.0 * _tweedie_gap(y, p, error, power)


def _tweedie_gap(y: Array, p: Array, error: Array, power: float) -> Array:
    """The integral of (p - u) / u**power over u from y to p, as quotients that do not cancel.

    With a = 2 - power, b = 1 - power, t = log(y/p) and E(k) = (e**(k t) - 1) / k it is
    p**a (E(a) - E(1)) / b = p**a (e**t E(b) - E(1)) / a. The series serves where t is small, else
    the form whose divisor is the larger, which covers the limits 1 and 2.
    """
    a, b = 2.0 - power, 1.0 - power
    held = y > 0.0
    inside = np.where(held, y, p)
    ratio = -error / p
    t = np.where(np.abs(ratio) < 0.5, np.log1p(np.where(held, ratio, 0.0)), log_ratio(inside, p))
    near = np.abs(t) * max(1.0, abs(a)) <= 1.0
    series = p**a * exponential_gap(np.where(near, t, 0.0), a)
    k = b if abs(b) <= abs(a) else a
    small = np.abs(k * t) <= 1.0
    growth = np.expm1(np.where(small, k * t, 0.0)) / k
    line = _scaled(error, p, b)
    if k == b:
        level = _scaled(y, p, b)
        far = (np.where(small, level * growth, (inside**a - level) / b) + line) / a
    else:
        far = (np.where(small, p**a * growth, (inside**a - p**a) / a) + line) / b
    zero = p**a / a - _scaled(y, p, b) / b
    gap = np.where(held, np.where(near, series, far), zero)
    # Beyond the float range the powers make inf - inf, or 0 * inf: so large is the value.
    return np.where(error == 0.0, 0.0, np.where(np.isnan(gap), np.inf, gap))


def _scaled(factor: Array, p: Array, power: float) -> Array:
    """The product factor * p**power, also where the power alone leaves the float range."""
    powers = p**power
    beyond = (powers < 1e-307) | (powers > 1e307)
    if not beyond.any():
        return factor * powers
    whole = (np.abs(factor) ** (1.0 / power) * p) ** power
    return np.where(beyond, np.copysign(whole, factor), factor * powers)
