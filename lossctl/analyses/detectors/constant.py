"""A prediction that is one value in every row, and no baseline: a placeholder or a wrong column."""

from __future__ import annotations

import math

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.sides import Pair, correlation, points
from lossctl.analyses.detectors.trial import FALL, FEWEST, Trial, judge, wrong
from lossctl.batch import Batch
from lossctl.report import Note

STICKY = 0.5  # a series whose last value is a fair forecast of all that follow


def detect(context: Context, batch: Batch) -> Note | None:
    """`pred is 0 in all 442 rows, below every target (25 … 346): …`. A mean, a median, a quantile
    or a class lies within the targets and may be meant; so may the last value of a series."""
    spec = judge(context, batch)
    if spec is None or batch.count < FEWEST:
        return None
    for pair in points(context, batch):
        value = float(pair.pred[0])
        low, high = float(pair.target.min()), float(pair.target.max())
        outside = not low <= value <= high
        if not outside or low == high or np.any(pair.pred != value):
            continue
        if not (_placeholder(value) or _far(value, low, high)) or _flat_forecast(pair):
            continue
        best = float(np.median(pair.target))
        trial = Trial(spec, batch, pair.read_as(batch, np.full(batch.count, best)))
        if trial.fall < FALL:
            continue
        where = "" if pair.output is None else f" of output {pair.output}"
        side = "below" if value < low else "above"
        return wrong(
            f"predictions{where} are {value:.6g} in all {batch.count} rows, {side} every target "
            f"({low:.6g} … {high:.6g}): their median {best:.6g} makes {trial.said}"
        )
    return None


def _placeholder(value: float) -> bool:
    """Whether it is written with one digit, or nines: 0, -1, 100, -999."""
    digits = f"{abs(value):.6g}".strip("0.")
    return len(digits) <= 1 or set(digits) == {"9"}


def _far(value: float, low: float, high: float) -> bool:
    """Whether it lies further from all targets than they from one another."""
    return max(low - value, value - high) > high - low


def _flat_forecast(pair: Pair) -> bool:
    """Whether the value may be the last one of a series before these rows."""
    if correlation(pair.target[1:], pair.target[:-1]) < STICKY:
        return False
    step = float(np.abs(np.diff(pair.target)).mean())
    return math.isfinite(step) and abs(float(pair.pred[0]) - float(pair.target[0])) <= 10.0 * step


DETECTOR = Detector("constant", detect)
