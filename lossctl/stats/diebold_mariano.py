"""Two forecasts of one series compared."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.inference import serial
from lossctl.arrays import Array
from lossctl.errors import DataError
from lossctl.stats.inputs import paired
from lossctl.stats.sample import same_length


def diebold_mariano(y: Any, f1: Any, f2: Any) -> dict[str, Any]:
    """The tests of Diebold and Mariano (1995) of forecasts `f1` and `f2` of `y`, all (n,), by
    squared and absolute error, 1 and 2 steps ahead: with the correction of Harvey, Leybourne and
    Newbold (1997), by Bartlett's and by the rectangular kernel.

    A statistic below 0 says that `f1` is better. A variance that is not above 0, as the rectangular
    kernel may have, gives `error` instead. Raises DataError for fewer than 3 rows, or inputs of
    unlike length.
    """
    (target, first), (_, second) = paired(y, f1), paired(y, f2)
    same_length(target, second)
    if target.size < 3:
        raise DataError(f"y has {target.size} values, but needs 3 or more")
    losses = {
        "mse": np.square(first - target) - np.square(second - target),
        "mae": np.abs(first - target) - np.abs(second - target),
    }
    return {
        f"{name}_h{horizon}_{kernel}_hln": _tested(d, horizon, kernel)
        for name, d in losses.items()
        for horizon in (1, 2)
        for kernel in ("bartlett", "rectangular")
    }


def _tested(d: Array, horizon: int, kernel: Any) -> dict[str, Any]:
    test = serial.diebold_mariano(d, horizon, kernel).test
    if test is None:
        return {"error": "the long-run variance of the loss differences is not above 0"}
    return {"statistic": test.t, "pvalue": test.p}
