"""A candidate's value against a baseline's and a margin: how surely it is beyond it, and their
ratio's interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lossctl.analyses.significance import student_p


@dataclass(frozen=True, slots=True)
class Paired:
    """A baseline's value and how much larger the candidate's is, with the variances of both
    estimates and their covariance.

    The difference is held by itself, so that models that differ little lose no digits.
    """

    baseline: float
    difference: float
    variance: float  # of the difference
    shared: float  # its covariance with the baseline's value
    own: float  # the variance of the baseline's value

    def excess(self, margin: float) -> tuple[float, float]:
        """How far the candidate is beyond (1 + margin) times the baseline, and the standard error
        of that."""
        variance = self.variance - 2.0 * margin * self.shared + margin * (margin * self.own)
        return self.difference - margin * self.baseline, math.sqrt(max(variance, 0.0))


def beyond_p(excess: float, error: float, degrees: float) -> float:
    """The one-sided p-value of an excess: how likely one so large is where there is none. Without
    spread it is 0, or 1."""
    if error == 0.0:
        return 0.0 if excess > 0.0 else 1.0
    both = student_p(excess / error, degrees)
    return both / 2.0 if excess > 0.0 else 1.0 - both / 2.0


def fieller(pair: Paired, critical: float) -> tuple[float, float] | None:
    """The interval of candidate / baseline - 1 (Fieller 1954): the margins that an excess of fewer
    than `critical` standard errors goes with. None where the baseline is itself not told from 0, so
    that the margins are no interval."""
    square = critical * critical
    a = pair.baseline * pair.baseline - square * pair.own
    if a <= 0.0:
        return None
    b = pair.difference * pair.baseline - square * pair.shared
    c = pair.difference * pair.difference - square * pair.variance
    root = math.sqrt(max(b * b - a * c, 0.0))
    return (b - root) / a, (b + root) / a
