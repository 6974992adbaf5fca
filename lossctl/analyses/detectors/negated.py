"""The sign of numbers, or the two classes, exchanged."""

from __future__ import annotations

import math

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.sides import (
    Pair,
    certainty,
    correlation,
    outcomes,
    points,
    whitened,
)
from lossctl.analyses.detectors.trial import FALL, FEWEST, MUCH, SURE, Trial, judge, wrong
from lossctl.arrays import Array, Mask
from lossctl.batch import Batch
from lossctl.report import Note

RANKED = 0.2  # of pairs of unlike rows that scores rank rightly: no model is so far below half
ERRORS = 4.5  # standard errors below half, which is all that 20 rows can have


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
        if not (0.0 < spread < math.inf and now >= 2.0 * spread and then <= 0.35 * spread):
            continue
        centred = abs(float(pair.target.mean())) < math.sqrt(spread)
        if centred:  # trends in opposite directions are no negation
            r = correlation(whitened(pair.pred), whitened(pair.target))
            if certainty(r, pair.pred.size) > -SURE:
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
    return area <= RANKED and 0.5 - area >= ERRORS * error


def _area(scores: Array, ones: Mask) -> float:
    """How many pairs of unlike rows are ranked rightly, ties half (Mann and Whitney 1947)."""
    others = np.sort(scores[~ones])
    below = np.searchsorted(others, scores[ones], side="left")
    upto = np.searchsorted(others, scores[ones], side="right")
    return float((below + upto).mean() / 2.0 / others.size)


DETECTOR = Detector("negated", detect)
