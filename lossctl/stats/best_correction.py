"""The best shift, scale and line for predictions, in sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.advice import correction
from lossctl.analyses.advice.correction import Correction
from lossctl.analyses.advice.location import mean
from lossctl.arrays import Array
from lossctl.stats.inputs import paired


def best_correction(y: Any, p: Any) -> dict[str, Any]:
    """How far the MSE and MAE of predictions `p` of targets `y`, both (n,), fall when a constant
    is added, a factor multiplied, or (MSE) both: the best of each and the loss after it.

    `affine_mse` is [slope, offset]. A scale is None where all predictions are 0, the line where
    they are all the same. In sample: `lossctl advise` scores corrections on rows that did not
    choose them.

    Raises DataError for no rows, or values that are not finite or beyond ±1e100.
    """
    target, pred = paired(y, p)
    weight = np.ones(target.size)
    found: dict[str, Any] = {
        loss: mean(correction.errors(loss, target, pred)) for loss in correction.FITS
    }
    for loss, fits in correction.FITS.items():
        for fit in fits:
            made = fit(target, pred, weight)
            name = fit.__name__
            found[name] = None if made is None else _value(made)
            found[f"{loss}_after_{name.removesuffix(f'_{loss}')}"] = _after(
                made, loss, target, pred
            )
    return found


def _value(made: Correction) -> float | list[float]:
    if made.kind == "affine":
        return [made.slope, made.offset]
    return made.offset if made.kind == "shift" else made.slope


def _after(made: Correction | None, loss: str, target: Array, pred: Array) -> float | None:
    return None if made is None else mean(correction.errors(loss, target, made(pred)))
