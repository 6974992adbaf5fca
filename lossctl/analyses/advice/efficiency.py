"""How many rows the location that a loss fits needs: its asymptotic variance E psi² / (E psi')²
(Huber 1964), in units of the squared robust deviation. For symmetric errors only, where all of
these losses have the same centre."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.analyses.advice.scale import HUBER, density_at_median, robust_deviation
from lossctl.arrays import Array


@dataclass(frozen=True, slots=True)
class Efficiency:
    """The asymptotic variances."""

    mse: float
    mae: float
    huber: float
    logcosh: float

    def fewer(self, loss: str) -> float:
        """The share of rows that `loss` saves over the MSE."""
        return 1.0 - float(getattr(self, loss)) / self.mse


def of_sample(errors: Array, tuning: float = HUBER) -> Efficiency | None:
    """Of errors (n,); None where more than half of them are the same. The kernel that finds their
    density at the median rounds a peak there off, and so understates what the MAE saves."""
    centre = float(np.median(errors))
    unit = robust_deviation(errors)
    if unit == 0.0:
        return None
    z = (errors - centre) / unit
    inside = float((np.abs(z) <= tuning).mean())
    cosh = float((1.0 - np.square(np.tanh(z))).mean())
    return Efficiency(
        mse=float(z.var()),
        mae=0.25 / density_at_median(z) ** 2,
        huber=float(np.square(np.clip(z, -tuning, tuning)).mean()) / inside**2,
        logcosh=float(np.square(np.tanh(z)).mean()) / cosh**2,
    )
