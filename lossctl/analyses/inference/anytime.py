"""Intervals that hold however often one looks while rows keep coming.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (Annals of
Statistics 2024), from Robbins' normal mixture.
"""

from __future__ import annotations

import math


def mixture(best_at: float, alpha: float) -> float:
    """The mixture's rho squared for which the sequence is tightest after `best_at` rows."""
    square, log = alpha * alpha, -2.0 * math.log(alpha)
    return (log - square + math.log(log + 1.0 - square)) / best_at


def anytime_critical(n: float, alpha: float, rho2: float) -> float:
    """How many standard errors of a mean of `n` rows the interval reaches to either side: it holds
    at every n at once with probability 1 - alpha, for large n."""
    scaled = n * rho2
    return math.sqrt(2.0 * (scaled + 1.0) / scaled * math.log(math.sqrt(scaled + 1.0) / alpha))
