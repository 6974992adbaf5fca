"""The line of targets on predictions, which has slope 1 where predictions are conditional means."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array

CHANCE = 3.0  # standard errors by which a slope may miss 1
CLOSE = 0.03  # so near 1 no chance is asked for: nobody is calibrated better


@dataclass(frozen=True, slots=True)
class Line:
    """Its slope, and the slope's standard error, whatever the errors' variances (MacKinnon and
    White 1985, HC3: rows that pull the line count by what it would miss without them)."""

    slope: float
    error: float

    def is_one(self, within: float, exact: float) -> bool:
        """Whether the slope is known to `exact` and is 1, to `within` and by all that is known."""
        off = abs(self.slope - 1.0)
        return self.error <= exact and off <= within and off <= max(CHANCE * self.error, CLOSE)


def straight(pred: Array, target: Array, within: float, exact: float) -> bool:
    """Whether targets are on the line of slope 1 over predictions, however much they scatter:
    honest predictions spread less than their targets do."""
    found = line(pred, target)
    return found is not None and found.is_one(within, exact)


def line(pred: Array, target: Array) -> Line | None:
    """Of targets on predictions; None where predictions do not vary."""
    away = pred - pred.mean()
    square = float(away @ away)
    if not 0.0 < square < math.inf:
        return None
    level = target - target.mean()
    slope = float(away @ level) / square
    pull = np.minimum(np.square(away) / square + 1.0 / away.size, 1.0 - 1e-9)
    left = (level - slope * away) / (1.0 - pull)
    error = math.sqrt(float(np.square(away * left).sum())) / square
    return Line(slope, error) if math.isfinite(slope + error) else None
