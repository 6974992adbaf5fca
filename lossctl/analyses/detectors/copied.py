"""Predictions that are the targets: a copied column, or a target that the model was given."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.sides import Pair, points
from lossctl.analyses.detectors.trial import FEWEST, wrong
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.report import Note

NEARLY = 0.98  # of the rows
DISTINCT = 0.5  # of their values: counts, classes and zeros can be told without fault
FINE = 100.0  # steps of the last decimal within a standard deviation
SINGLE = 2.0**-24  # of a number, what float32 may lose of it
PRECISE = 1e-5  # of the standard deviation: what no model is right to


def detect(context: Context, batch: Batch) -> Note | None:
    """`pred equals target in 440 of 442 rows: …`."""
    sides = [context.inputs.get(role) for role in (context.point or "", "target")]
    same = sides[0] is not None and sides[0] == sides[1]
    if batch.count < FEWEST or same:
        return None  # one column in two roles is said elsewhere
    for pair in points(context, batch):
        found = _copied(pair)
        if found is None:
            continue
        count, how = found
        where = "" if pair.output is None else f" of output {pair.output}"
        return wrong(
            f"predictions{where} equal the targets in {count} of {batch.count} rows{how}: was the "
            "target among what the model was given, or its column copied?"
        )
    return None


def _copied(pair: Pair) -> tuple[int, str] | None:
    """In how many rows, and up to which rounding; None where a good model could be meant."""
    target, rows = pair.target, pair.target.size
    spread = float(target.std())
    if np.unique(target).size < DISTINCT * rows or not 0.0 < spread < np.inf:
        return None
    same = int(np.count_nonzero(pair.pred == target))
    if same >= NEARLY * rows:
        return (same, "") if _fine(target, spread) else None
    off = np.abs(pair.pred - target)
    close = int(np.count_nonzero(off <= SINGLE * np.abs(target)))
    if close >= NEARLY * rows and SINGLE * float(np.abs(target).max()) <= PRECISE * spread:
        return close, " up to the rounding of float32"
    for decimals in range(1, 8):
        step = 10.0**-decimals
        if step * FINE > spread:
            continue
        if not _written_with(pair.pred, decimals):
            continue
        rounded = int(np.count_nonzero(off <= 0.5 * step * (1.0 + 1e-6)))
        return (rounded, f" up to {decimals} decimals") if rounded >= NEARLY * rows else None
    return None


def _fine(values: Array, spread: float) -> bool:
    """Whether values are finer than anybody could guess."""
    return not _written_with(values, 0) or spread >= FINE


def _written_with(values: Array, decimals: int) -> bool:
    """Whether values have no more decimals than that."""
    with np.errstate(all="ignore"):
        return bool(np.all(np.abs(values - np.round(values, decimals)) <= 1e-9 * np.abs(values)))


DETECTOR = Detector("copied", detect)
