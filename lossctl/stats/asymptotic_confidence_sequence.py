"""A mean's interval that holds at every look."""

from __future__ import annotations

import math
from typing import Any

from lossctl.analyses.inference.anytime import anytime_critical, mixture
from lossctl.errors import UsageError
from lossctl.stats.inputs import above_zero
from lossctl.student import normal_quantile


def asymptotic_confidence_sequence(
    n: int, mean: float, var: float, alpha: float = 0.05, t_opt: float = 500.0
) -> dict[str, Any]:
    """The asymptotic confidence sequence of a mean after `n` rows of variance `var` (Waudby-Smith
    et al. 2024, Theorem 2.2): at every n at once it holds the mean with probability 1 - alpha.

    `t_opt` is the number of rows at which it is tightest; `fixed_n_radius` is that of the interval
    that holds at one n alone. Raises UsageError unless n >= 1, var >= 0, 0 < alpha < 1, t_opt > 0.
    """
    if n < 1:
        raise UsageError(f"n is {n}, but must be at least 1")
    if not 0.0 <= var < math.inf or not math.isfinite(mean):
        raise UsageError(f"mean is {mean}, var is {var}", "both must be finite, and var at least 0")
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha is {alpha}, but must be between 0 and 1")
    rho2 = mixture(above_zero(t_opt, "t_opt"), alpha)
    error = math.sqrt(var / n)
    radius = anytime_critical(n, alpha, rho2) * error
    return {
        "rho2": rho2,
        "radius": radius,
        "interval": [mean - radius, mean + radius],
        "fixed_n_radius": normal_quantile(1.0 - alpha / 2.0) * error,
    }
