"""The generalised extreme studentised deviate test (Rosner 1983): it sees through masking."""

from __future__ import annotations

import math

import numpy as np

from lossctl.arrays import Array
from lossctl.student import t_quantile

LIMIT = 5000  # values: every step looks at all that are left
ALPHA = 0.05


def extreme(values: Array, most: int) -> Array:
    """Which of `values` (n,), n >= 3, the test takes away at ALPHA: their places, in the order in
    which they go. 0 <= most <= n - 2.
    """
    kept = values / (float(np.abs(values).max()) or 1.0)  # the test has no unit
    places = np.arange(values.size)
    found = 0
    taken: list[int] = []
    for step in range(1, most + 1):
        spread = float(np.std(kept, ddof=1))
        if spread == 0.0:
            break
        distance = np.abs(kept - kept.mean())
        worst = int(distance.argmax())
        taken.append(int(places[worst]))
        if distance[worst] / spread > critical(values.size - step + 1):
            found = step
        kept, places = np.delete(kept, worst), np.delete(places, worst)
    return np.array(taken[:found], dtype=np.int64)


def critical(n: int) -> float:
    """What the largest studentised deviate of n normal values exceeds with probability ALPHA."""
    t = t_quantile(1.0 - ALPHA / (2 * n), n - 2)
    return (n - 1) * t / math.sqrt((n - 2 + t * t) * n)
