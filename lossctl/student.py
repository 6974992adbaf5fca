"""Quantiles of Student's t and of the normal distribution, without SciPy."""

from __future__ import annotations

import math


def t_quantile(probability: float, degrees: int) -> float:
    """The `probability` quantile of Student's t with whole `degrees` >= 1 of freedom.

    Newton's method on the exact finite series of the distribution function (Abramowitz and
    Stegun 26.7.3 and 26.7.4), relative error below 1e-12; from 1000 degrees on the
    Cornish-Fisher expansion (26.7.5), below 1e-11.
    """
    if probability == 0.5:
        return 0.0
    if probability < 0.5:
        return -t_quantile(1.0 - probability, degrees)
    z = normal_quantile(probability)
    if degrees >= 1000:
        return _cornish_fisher(z, degrees)
    if degrees == 1:
        return math.tan(math.pi * (probability - 0.5))
    if degrees == 2:
        a = 2.0 * probability - 1.0
        return a * math.sqrt(2.0 / (1.0 - a * a))
    t = _cornish_fisher(z, degrees) if degrees > 8 else z * (1.0 + 2.0 / degrees)
    constant = math.exp(math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)) / math.sqrt(
        degrees * math.pi
    )
    for _ in range(100):
        density = constant * math.exp(-(degrees + 1) / 2 * math.log1p(t * t / degrees))
        step = (_t_cdf(t, degrees) - probability) / density
        t = max(t - step, t / 4)
        if abs(step) <= 1e-14 * t:
            break
    return t


def _t_cdf(t: float, degrees: int) -> float:
    angle = math.atan2(t, math.sqrt(degrees))
    cosine2 = degrees / (degrees + t * t)
    if degrees % 2:
        term, total = math.cos(angle), math.cos(angle)
        for power in range(3, degrees - 1, 2):
            term *= cosine2 * (power - 1) / power
            total += term
        inside = (angle + math.sin(angle) * total) * 2.0 / math.pi
    else:
        term, total = 1.0, 1.0
        for power in range(2, degrees - 1, 2):
            term *= cosine2 * (power - 1) / power
            total += term
        inside = math.sin(angle) * total
    return 0.5 + 0.5 * inside


def _cornish_fisher(z: float, degrees: int) -> float:
    v = float(degrees)
    return (
        z
        + (z**3 + z) / (4 * v)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * v**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * v**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * v**4)
    )


def normal_quantile(probability: float) -> float:
    """The normal quantile: Newton's method on erfc, relative error below 1e-14."""
    lower = probability < 0.5
    tail = probability if lower else 1.0 - probability
    z = math.sqrt(max(0.0, -2.0 * math.log(2.0 * tail))) if tail < 0.25 else 2.5 * (0.5 - tail)
    for _ in range(60):
        density = math.exp(-z * z / 2.0) / math.sqrt(2.0 * math.pi)
        step = (0.5 * math.erfc(z / math.sqrt(2.0)) - tail) / density
        z += max(-1.0, min(1.0, step))
        if abs(step) <= 1e-15 * max(z, 1.0):
            break
    return -z if lower else z


def median_rank(count: int, confidence: float) -> int | None:
    """The rank r (from 0) for which [v[r], v[count - 1 - r]] holds the median with at least
    `confidence`, by the binomial distribution; None where even the whole range does not."""
    allowed = (1.0 - confidence) / 2.0
    if count > 5000:
        spread = normal_quantile(1.0 - allowed) * math.sqrt(count) / 2.0
        return max(0, math.floor((count - 1) / 2.0 - spread))
    log_half = -count * math.log(2.0)
    below = 0.0
    for rank in range(count):
        log_choose = math.lgamma(count + 1) - math.lgamma(rank + 1) - math.lgamma(count - rank + 1)
        below += math.exp(log_choose + log_half)
        if below > allowed:
            return rank - 1 if rank else None
    return None
