"""Which values of a sample stand apart, by four rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.esd import LIMIT, extreme
from lossctl.analyses.fences import CUT, QUARTILES, around, between, robust_unit, tukey
from lossctl.analyses.medcouple import medcouple
from lossctl.arrays import Array, Mask
from lossctl.errors import UsageError
from lossctl.exact import ONE, exact_sum, ratio
from lossctl.selection import median
from lossctl.stats.sample import Itself, answer, numbers

LARGEST = 1e300  # of a value, so that no difference overflows


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
    ordered = np.sort(values)
    q1, q3 = (_quantile(ordered, quantile) for quantile in QUARTILES)
    skew = medcouple(values, centre)
    fences = tukey(q1, q3, skew)
    removed = values[extreme(values, gesd_max)].tolist()
    return {
        "median": centre,
        "mad": mad,
        "modified_z": z.tolist(),
        "modified_z_flagged": _places(np.abs(z) > CUT),
        "q1": q1,
        "q3": q3,
        "tukey_flagged": _outside(values, *tukey(q1, q3)),
        "medcouple": skew,
        "adjusted_fences": list(fences),
        "adjusted_flagged": _outside(values, *fences),
        "gesd_n_outliers": len(removed),
        "gesd_removed": sorted(removed),
    }


def _quantile(ordered: Array, quantile: float) -> float:
    low, high = around(quantile, ordered.size)
    return between(float(ordered[low]), float(ordered[high]), ordered.size, quantile)


def _places(flagged: Mask) -> list[int]:
    return [int(place) for place in np.flatnonzero(flagged)]


def _outside(values: Array, low: float, high: float) -> list[int]:
    return _places((values < low) | (values > high))
