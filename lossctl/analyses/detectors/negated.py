"""The sign of numbers, or the two classes, exchanged."""

from __future__ import annotations

import math

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.line import straight
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.sides import (
    Pair,
    drifting,
    outcomes,
    points,
    related,
)
from lossctl.analyses.detectors.trial import FALL, FEWEST, MUCH, SURE, Trial, judge, wrong
from lossctl.arrays import Array, Mask
from lossctl.batch import Batch
from lossctl.report import Note

# Of pairs of unlike rows, those that scores rank rightly, and standard errors below half: no model
# is so far below it (and 4.5 is all that 20 rows can have), or so surely.
RANKED = ((0.2, 4.5), (0.35, 10.0))
ERRORS = 4.5  # standard errors of the loss's fall
GOOD, FAIR = 0.35, 0.6  # of the targets' variance: errors with the other sign; with slope -1
SLOPE = (0.15, 0.125)  # how nearly -1, and how well known


def detect(context: Context, batch: Batch) -> Note | None:
    """`predictions look negated: …`, or `the two classes look exchanged: …`."""
    if batch.count < FEWEST:
        return None
    found = outcomes(batch)
    return _classes(context, batch, found) if found else _numbers(context, batch)


def _numbers(context: Context, batch: Batch) -> Note | None:
    spec = judge(context, batch)
    if spec is None:
        return None
    for pair in points(context, batch):
        spread = float(np.square(pair.target - pair.target.mean()).mean())
        now, then = (float(np.square(one - pair.target).mean()) for one in (pair.pred, -pair.pred))
        if not (0.0 < spread < math.inf and now >= 2.0 * spread and then <= FAIR * spread):
            continue
        good = then <= GOOD * spread
        if not good and not straight(-pair.pred, pair.target, *SLOPE):
            continue
        centred = abs(float(pair.target.mean())) < math.sqrt(spread)
        # Trends in opposite directions are no negation.
        doubtful = centred or not good or drifting(pair)
        if doubtful and related(pair) > -SURE:
            continue
        trial = Trial(spec, batch, pair.read_as(batch, -pair.pred))
        if then <= (1.0 - MUCH / 1.2) * now and trial.fall >= FALL and trial.sure >= SURE:
            where = "" if pair.output is None else f" of output {pair.output}"
            return wrong(f"predictions{where} look negated: with the other sign they make "
                         f"{trial.said}")  # fmt: skip
    return None


def _classes(context: Context, batch: Batch, found: list[Pair]) -> Note | None:
    spec = judge(context, batch)
    if spec is None or not all(_ranked_wrongly(pair) for pair in found):
        return None
    chances = all(pair.pred.min() >= 0.0 and pair.pred.max() <= 1.0 for pair in found)
    scores = batch.columns["pred"]
    exchanged = 1.0 - scores if chances else -scores
    trial = Trial(spec, batch, batch.with_column("pred", np.asarray(exchanged, dtype=np.float64)))
    if trial.fall < FALL or trial.sure < ERRORS:
        return None
    read = "1 - p makes" if chances else "the other sign makes"
    return wrong(f"the two classes look exchanged: {read} {trial.said}; --positive names the class "
                 "that counts as 1")  # fmt: skip


def _ranked_wrongly(pair: Pair) -> bool:
    """Whether scores are lower for class 1 than for class 0, beyond all chance."""
    ones = pair.target > 0.0
    n, m = int(ones.sum()), int((~ones).sum())
    error = math.sqrt((n + m + 1) / (12.0 * n * m))
    area = _area(pair.pred, ones)
    return any(area <= most and 0.5 - area >= errors * error for most, errors in RANKED)


def _area(scores: Array, ones: Mask) -> float:
    """How many pairs of unlike rows are ranked rightly, ties half (Mann and Whitney 1947)."""
    others = np.sort(scores[~ones])
    below = np.searchsorted(others, scores[ones], side="left")
    upto = np.searchsorted(others, scores[ones], side="right")
    return float((below + upto).mean() / 2.0 / others.size)


DETECTOR = Detector("negated", detect)
