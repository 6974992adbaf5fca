"""One side sorted by its values, the other as it was."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.pairing import unrelated
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.sides import Pair, certainty, correlation, points
from lossctl.analyses.detectors.trial import Trial, complete, judge, wrong
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.report import Note

LEAST = 50  # rows of which one side must be in order
DISTINCT = 0.5  # of its values: classes and counts are often in order
ALIKE = 0.95  # what the loss must fall by: whatever is in order matches better than at random


def detect(context: Context, batch: Batch) -> Note | None:
    """`the targets are sorted and the predictions are not: pairing by rank makes mse …`. A model
    that is good has the distribution of its targets; one that is useless is nearly constant."""
    spec = judge(context, batch)
    if spec is None or batch.count < LEAST or not unrelated(context, batch):
        return None
    for pair in points(context, batch):
        side = _in_order(pair)
        if side is None or not complete(context, batch):
            continue
        ranked = pair.pred.copy()
        ranked[np.argsort(pair.target, kind="stable")] = np.sort(pair.pred)
        trial = Trial(spec, batch, pair.read_as(batch, ranked))
        if trial.fall >= ALIKE:
            other = "predictions" if side == "targets" else "targets"
            return wrong(
                f"the {side} are in order and the {other} are not: pairing them by rank makes "
                f"{trial.said}; give both in the order of the data, or pair them by --on KEY"
            )
    return None


def _in_order(pair: Pair) -> str | None:
    """Which side is in order, where the other has nothing to do with it."""
    t = certainty(correlation(pair.pred, pair.target), pair.pred.size)
    sides = {"predictions": _ordered(pair.pred), "targets": _ordered(pair.target)}
    found = [name for name, ordered in sides.items() if ordered]
    return found[0] if len(found) == 1 and abs(t) < 3.0 else None


def _ordered(values: Array) -> bool:
    steps = np.diff(values)
    if np.unique(values).size < DISTINCT * values.size:
        return False
    return bool((steps >= 0.0).all() or (steps <= 0.0).all())


DETECTOR = Detector("ranked", detect)
