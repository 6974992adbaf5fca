"""Why a mean squared error is as large as it is."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.decompositions.mse import data, split_rounds, spreading_rounds
from lossctl.arrays import Array
from lossctl.errors import DataError
from lossctl.exact import exact_dot, ratio
from lossctl.grammar import parse
from lossctl.stats.sample import answer, batch_of, numbers, same_length


def mse_decomposition(y: Any, p: Any) -> dict[str, Any]:
    """The MSE of predictions `p` of targets `y`, both (n,), taken apart.

    UM, US, UC           Theil's shares (1966) of bias, of unequal spreads, of lacking correlation
    UR, UD               bias apart: what the calibration line removes, and what it does not
    murphy_skill         1 - MSE / variance of y = r2 - conditional - unconditional bias (1988)
    calibration_line     y = slope p + intercept by least squares
    breusch_pagan_lm, _p whether the squared residuals change with p (Koenker 1981)
    durbin_watson        sum of squared differences of neighbours over the sum of squares, in row
                         order: 2 where neighbours do not go together

    Standard deviations divide by n. None where a number is not defined: the correlation of
    constants, everything but the MSE where there is no error. Raises DataError for columns of
    unequal lengths, without rows, or not finite.
    """
    target, pred = numbers(y, "y"), numbers(p, "p")
    same_length(target, pred)
    batch = batch_of({"pred": pred, "target": target})
    mse = parse("mse")
    context = Context(
        specs=(mse,),
        leading=mse,
        point="pred",
        decompose=True,
    )
    found = answer(split_rounds(context, mse), batch)
    if found is None:
        if (pred != target).any():
            raise DataError("the squared errors leave the range of a 64-bit float")
        return {"mse": 0.0, "bias": 0.0, "error_sd": 0.0, **dict.fromkeys(_REST)}
    spreads = answer(spreading_rounds(context), batch)
    told = data(found)
    return {
        **{name: told[name] for name in ("mse", "bias", "error_sd", "r", *_SHARES)},
        "murphy_skill": found.skill(),
        "calibration_line": told["line"],
        "breusch_pagan_lm": None if spreads is None else spreads.lm,
        "breusch_pagan_p": None if spreads is None else spreads.p,
        "durbin_watson": durbin_watson(pred - target),
    }


_SHARES = ("UM", "US", "UC", "UR", "UD")
_REST = (
    "r", *_SHARES, "murphy_skill", "calibration_line", "breusch_pagan_lm", "breusch_pagan_p",
    "durbin_watson",
)  # fmt: skip


def durbin_watson(residuals: Array) -> float | None:
    """From 0 to 4; None where there is no error (Durbin and Watson 1950)."""
    steps, squares = np.diff(residuals), exact_dot(residuals, residuals)
    return ratio(exact_dot(steps, steps) if steps.size else 0, squares) if squares else None
