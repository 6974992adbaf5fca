"""Rows shifted against one another: a header read as a row, a lag, a row lost at one end."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.pairing import Pairing, better, unrelated
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.trial import FEWEST, wrong
from lossctl.batch import Batch
from lossctl.report import Note

FURTHEST = 8


def detect(context: Context, batch: Batch) -> Note | None:
    """`rows look shifted by one: pairing prediction i with target i + 1 makes mse …`."""
    if not unrelated(context, batch):
        return None
    found = []
    for size in range(1, FURTHEST + 1):
        for by in (size, -size):
            # By the numbers of the rows, as some may have been left out.
            partner = np.searchsorted(batch.rows, batch.rows + by)
            partner = np.minimum(partner, batch.count - 1)
            held = np.flatnonzero(batch.rows[partner] == batch.rows + by)
            if held.size < FEWEST:
                continue
            trial = better(context, batch, Pairing(held, partner[held]))
            if trial is not None:
                found.append((trial.fall, by, trial.said))
    if not found:
        return None
    _, by, said = max(found)
    far = "one" if abs(by) == 1 else str(abs(by))
    sign = "+" if by > 0 else "-"
    return wrong(
        f"rows look shifted by {far}: pairing prediction i with target i {sign} {abs(by)} makes "
        f"{said}; check the order of both files"
    )


DETECTOR = Detector("shifted", detect)
