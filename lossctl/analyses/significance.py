"""How surprising a statistic would be if there were nothing to find: two-sided p-values, with the
relative accuracy of the tails, without SciPy."""

from __future__ import annotations

import math

_MANY = 1_000_000  # degrees of freedom, or rows, from which the normal distribution stands in


def normal_p(z: float) -> float:
    """P(|Z| >= |z|)."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def chi_square_p(statistic: float) -> float:
    """P(X >= statistic) with one degree of freedom."""
    return math.erfc(math.sqrt(max(statistic, 0.0) / 2.0))


def student_p(t: float, degrees: float) -> float:
    """P(|T| >= |t|) of Student's t."""
    if degrees > _MANY or math.isinf(t):
        return normal_p(t)
    return incomplete_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t))


def sign_p(fewer: int, more: int) -> float:
    """The exact sign test: how likely a fair coin is to split that unevenly, or more so."""
    fewer, more = min(fewer, more), max(fewer, more)
    count = fewer + more
    if count > _MANY:
        return normal_p(max(0.0, more - fewer - 1.0) / math.sqrt(count))
    # P(X <= fewer) is a regularised incomplete beta function.
    return min(1.0, 2.0 * incomplete_beta(float(more), fewer + 1.0, 0.5)) if more else 1.0


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b) by Lentz's continued fraction (Numerical
    Recipes 6.4); relative error below 1e-11 for a, b <= 1000, 1e-8 up to a million."""
    if x <= 0.0 or x >= 1.0:
        return float(x >= 1.0)
    if x > (a + 1.0) / (a + b + 2.0):  # where the fraction of the other end converges
        return 1.0 - incomplete_beta(b, a, 1.0 - x)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    tiny = 1e-300
    c, d = 1.0, 1.0 / ((1.0 - (a + b) * x / (a + 1.0)) or tiny)
    fraction = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / ((1.0 + term * d) or tiny)
            c = (1.0 + term / c) or tiny
            fraction *= c * d
        if abs(c * d - 1.0) < 1e-15:
            break
    return front * fraction / a
