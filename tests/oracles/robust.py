"""Textbook robust losses of one sample, to 50 digits. e = pred - target throughout.

All but Barron's are normalised to e²/2 near zero: Zhang (1997), statsmodels. Barron (2019), eq. 8,
divides by c².
"""

from __future__ import annotations

from typing import Any

from mpmath import exp, inf, log, mpf

from tests.oracles.precision import to_50_digits


@to_50_digits
def cauchy(pred: mpf, target: mpf, *, c: Any = 2.3849) -> mpf:
    return c**2 / 2 * log(1 + ((pred - target) / c) ** 2)


@to_50_digits
def welsch(pred: mpf, target: mpf, *, c: Any = 2.9846) -> mpf:
    return c**2 / 2 * (1 - exp(-(((pred - target) / c) ** 2)))


@to_50_digits
def geman_mcclure(pred: mpf, target: mpf, *, c: Any = 1) -> mpf:
    e = pred - target
    return e**2 / 2 / (1 + (e / c) ** 2)


@to_50_digits
def tukey_biweight(pred: mpf, target: mpf, *, c: Any = 4.685) -> mpf:
    e = pred - target
    return c**2 / 6 * (1 - (1 - (e / c) ** 2) ** 3) if abs(e) <= c else c**2 / 6


@to_50_digits
def general_robust(pred: mpf, target: mpf, *, alpha: Any = 1, c: Any = 1) -> mpf:
    z = ((pred - target) / c) ** 2
    if alpha == 2:
        return z / 2
    if alpha == 0:
        return log(1 + z / 2)
    if alpha == -inf:
        return 1 - exp(-z / 2)
    if alpha == inf:
        return exp(z / 2) - 1
    b = abs(alpha - 2)
    return b / alpha * ((z / b + 1) ** (alpha / 2) - 1)


ORACLES = {
    oracle.__name__: oracle
    for oracle in (cauchy, welsch, geman_mcclure, tukey_biweight, general_robust)
}
