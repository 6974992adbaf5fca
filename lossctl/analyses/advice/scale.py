"""The scale of the residuals, and what it makes of the settings that are in the target's unit."""

from __future__ import annotations

import math

import numpy as np

from lossctl.analyses.fences import CONSISTENT
from lossctl.arrays import Array

HUBER, TUKEY, LOG_COSH = 1.345, 4.685, 1.205  # 95 % efficiency for Gaussian errors


def robust_deviation(errors: Array) -> float:
    """The standard deviation that Gaussian errors with this median absolute deviation have."""
    deviations = np.abs(errors - float(np.median(errors)))
    return float(np.median(deviations)) / CONSISTENT


def density_at_median(errors: Array) -> float:
    """The density of errors at their median, with a normal kernel of Silverman's width; 0 where
    most of them are the same."""
    unit = robust_deviation(errors)
    if unit == 0.0:
        return 0.0
    width = 0.9 * min(unit, float(errors.std())) / errors.size**0.2
    z = (errors - float(np.median(errors))) / width
    height = float(np.exp(-0.5 * np.square(z)).mean())
    return height / (float(width) * math.sqrt(2.0 * math.pi))


def huber_spec(unit: float) -> str:
    """Huber's loss for errors of this robust deviation: 95 % efficiency if they are Gaussian."""
    return f"huber:delta={HUBER * unit:.3g}" if unit > 0.0 else "huber"
