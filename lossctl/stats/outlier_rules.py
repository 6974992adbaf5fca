"""Which values of a sample stand apart, by four rules."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lossctl.analyses.outliers import CUT, robust_unit
from lossctl.arrays import Array, Mask
from lossctl.errors import UsageError
from lossctl.exact import ONE, exact_sum, ratio
from lossctl.selection import median
from lossctl.stats.sample import Itself, answer, numbers
from lossctl.student import t_quantile

LIMIT = 5000  # values: the medcouple looks at all pairs
LARGEST = 1e300  # of a value, so that no difference overflows
ALPHA = 0.05


def outlier_rules(x: Any, gesd_max: int = 10) -> dict[str, Any]:
    """The outliers of `x` (n,) by position, and what each rule measures.

    modified z      0.6745 (x - median) / MAD beyond 3.5 (Iglewicz and Hoaglin 1993; where the MAD
                    is 0, by the mean absolute deviation, and 0 where that is 0 too)
    Tukey           beyond 1.5 interquartile ranges from the quartiles (NumPy's linear ones)
    adjusted        the same with fences moved by the medcouple (Hubert and Vandervieren 2008)
    generalised ESD up to `gesd_max` values taken away in turn, at 5 % (Rosner 1983)

    Raises DataError for fewer than three values, more than LIMIT, or any beyond ±LARGEST;
    UsageError unless 0 <= gesd_max <= n - 2.
    """
    values = numbers(x, "x", least=3, most=LIMIT)
    if float(np.abs(values).max()) > LARGEST:
        raise UsageError(f"x has a value beyond {LARGEST:g}", "scale it")
    if not 0 <= gesd_max <= values.size - 2:
        raise UsageError(f"gesd_max is {gesd_max}, but must be from 0 to {values.size - 2}")
    centre = answer(median(Itself(), values.size), values)
    deviation = np.abs(values - centre)
    mad = answer(median(Itself(), values.size), deviation)
    unit = robust_unit(mad, ratio(exact_sum(deviation), values.size * ONE))
    z = (values - centre) / unit if unit > 0.0 else np.zeros(values.size)
    q1, q3 = (float(quantile) for quantile in np.quantile(values, [0.25, 0.75]))
    reach = q3 - q1
    skew = _medcouple(values, centre)
    below, above = (-4.0, 3.0) if skew >= 0.0 else (-3.0, 4.0)
    fences = (q1 - 1.5 * math.exp(below * skew) * reach, q3 + 1.5 * math.exp(above * skew) * reach)
    removed = _extreme(values, gesd_max)
    return {
        "median": centre,
        "mad": mad,
        "modified_z": z.tolist(),
        "modified_z_flagged": _places(np.abs(z) > CUT),
        "q1": q1,
        "q3": q3,
        "tukey_flagged": _outside(values, q1 - 1.5 * reach, q3 + 1.5 * reach),
        "medcouple": skew,
        "adjusted_fences": list(fences),
        "adjusted_flagged": _outside(values, *fences),
        "gesd_n_outliers": len(removed),
        "gesd_removed": sorted(removed),
    }


def _places(flagged: Mask) -> list[int]:
    return [int(place) for place in np.flatnonzero(flagged)]


def _outside(values: Array, low: float, high: float) -> list[int]:
    return _places((values < low) | (values > high))


def _medcouple(values: Array, centre: float) -> float:
    """The median, over pairs with lower <= centre <= upper, of how much farther the upper lies
    (Brys, Hubert and Struyf 2004): from -1 to 1, above 0 for a long upper tail."""
    ordered = np.sort(values) - centre
    lower, upper = ordered[ordered <= 0.0], ordered[ordered >= 0.0]
    span = upper[:, np.newaxis] - lower
    with np.errstate(invalid="ignore"):
        pairs = (upper[:, np.newaxis] + lower) / span
    # Values at the centre: among themselves -1, 0 or 1, by their places from both ends.
    tied = int((ordered == 0.0).sum())
    if tied:
        places = np.arange(tied)
        pairs[:tied, lower.size - tied :] = np.sign(tied - 1 - places[:, np.newaxis] - places)
    return answer(median(Itself(), pairs.size), pairs.reshape(-1))


def _extreme(values: Array, most: int) -> list[float]:
    """The values that the generalised extreme studentised deviate test takes away."""
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
        if distance[worst] / spread > _critical(values.size - step + 1):
            found = step
        kept, places = np.delete(kept, worst), np.delete(places, worst)
    return [float(values[place]) for place in taken[:found]]


def _critical(n: int) -> float:
    """What the largest studentised deviate of n normal values exceeds with probability ALPHA."""
    t = t_quantile(1.0 - ALPHA / (2 * n), n - 2)
    return (n - 1) * t / math.sqrt((n - 2 + t * t) * n)
