"""Classes counted from 0 on one side and from 1 on the other."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.trial import FALL, FEWEST, SURE, Trial, judge, wrong
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.numerics import floating
from lossctl.report import Note

LEAST = 40  # rows, so that no class is missing from one end by chance
RIGHT = 0.5  # of the rows must meet when one side is counted anew
WRONG = 0.2  # of them at most may meet as they are


def detect(context: Context, batch: Batch) -> Note | None:
    """`classes look counted from 1 on one side: …`. Where both sides have the same lowest and
    highest class they are on one scale, and who is off by one is off by one (as with ratings)."""
    spec = judge(context, batch)
    if spec is None or batch.count < FEWEST or "pred" not in batch.columns:
        return None
    pred, label = batch.columns["pred"], batch.columns.get("label")
    if not isinstance(pred, np.ndarray) or not isinstance(label, np.ndarray) or label.ndim > 1:
        return None
    told = _told(floating(pred))
    true = floating(label)
    if told is None or not np.isfinite(true).all() or np.any(true != np.trunc(true)):
        return None
    for by in (1, -1):
        if not _meet(told, true, by):
            continue
        # As many classes as there are bound the label that is counted anew.
        kept = (true - by >= 0.0) & (true - by < (pred.shape[1] if pred.ndim == 2 else np.inf))
        if np.count_nonzero(kept) < FEWEST:
            continue
        now = batch.take(kept)
        trial = Trial(spec, now, now.with_column("label", true[kept] - by))
        if trial.fall < FALL or trial.sure < SURE:
            continue
        where = "labels" if by > 0 else "predictions"
        return wrong(
            f"the {where} look counted from 1 and the other side from 0: label {-by:+d} makes "
            f"{trial.said}"
        )
    return None


def _told(pred: Array) -> Array | None:
    """The class that each row predicts."""
    if pred.ndim == 2:
        return floating(pred.argmax(axis=1)) if np.isfinite(pred).all() else None
    whole = np.isfinite(pred).all() and not np.any(pred != np.trunc(pred))
    return pred if whole else None


def _meet(told: Array, true: Array, by: int) -> bool:
    """Whether the classes agree but for `by`, from the lowest to the highest; three at least, of
    which one side has a 0 and the other none."""
    span = true.max() - true.min()
    lowest = {float(true.min()), float(told.min())}
    ends = (true.min() - told.min() == by, true.max() - told.max() == by)
    return (
        bool(span >= 2)
        and all(ends)
        and lowest == {0.0, 1.0}
        and true.size >= LEAST
        and float((told + by == true).mean()) >= RIGHT
        and float((told == true).mean()) <= WRONG
    )


DETECTOR = Detector("off by one", detect)
