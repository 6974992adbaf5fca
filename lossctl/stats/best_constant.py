"""What each loss asks for: the constant prediction that makes it least."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.advice import location
from lossctl.arrays import Array
from lossctl.errors import UsageError
from lossctl.stats.inputs import above_zero, bounded


def best_constant(y: Any, tau: float = 0.9, delta: float = 1.0) -> dict[str, Any]:
    """The constant that minimises each loss of targets `y` (n,): pinball and expectile at `tau`,
    Huber at `delta`.

    None where a loss is not defined for these targets: MSLE needs all above -1, MAPE and MSPE
    none that is 0 (MSPE's optimum is none where the inverses cancel), Poisson's deviance needs all
    at least 0 and one above, gamma's all above 0. Gneiting (2011).

    Raises DataError for no values, any that is not finite or beyond ±1e100; UsageError unless
    0 < tau < 1 and delta > 0.
    """
    values = bounded(y, "y")
    if not 0.0 < tau < 1.0:
        raise UsageError(f"tau is {tau}, but must be between 0 and 1")
    middle = location.mean(values)
    least, positive = float(values.min()), float(values.max()) > 0.0
    return {
        "mse": middle,
        "mae": location.median(values),
        "pinball": location.quantile(values, tau),
        "expectile": location.expectile(values, tau),
        "huber": location.huber(values, above_zero(delta, "delta")),
        "logcosh": location.log_cosh(values),
        "msle": float(np.expm1(location.mean(np.log1p(values)))) if least > -1.0 else None,
        "mape": location.median(values, np.abs(1.0 / values)) if values.all() else None,
        "mspe": _squared_percentage(values),
        "poisson": middle if least >= 0.0 and positive else None,
        "gamma": middle if least > 0.0 else None,
        "l4": location.fourth_power(values),
    }


def _squared_percentage(values: Array) -> float | None:
    """sum(1 / y) / sum(1 / y²), scaled by the least |y| so that no square overflows."""
    if not values.all():
        return None
    unit = float(np.abs(values).min())
    inverse = unit / values
    return unit * float(inverse.sum()) / float(np.square(inverse).sum())
