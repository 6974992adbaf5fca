"""One side in reverse order."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.pairing import Pairing, better, unrelated
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.trial import complete, wrong
from lossctl.batch import Batch
from lossctl.report import Note


def detect(context: Context, batch: Batch) -> Note | None:
    """`one side looks reversed: pairing the first prediction with the last target makes …`. Only
    where the batch holds all rows, or the first are not paired with the last."""
    if not complete(context, batch) or not unrelated(context, batch):
        return None
    rows = np.arange(batch.count)
    trial = better(context, batch, Pairing(rows, batch.count - 1 - rows))
    if trial is None:
        return None
    return wrong(
        "one side looks reversed: pairing the first prediction with the last target makes "
        f"{trial.said}; check the order of both files"
    )


DETECTOR = Detector("reversed", detect)
