"""One side in the order of its row numbers as text: 1, 10, 11, 2, as files are listed."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.pairing import Pairing, better, unrelated
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.trial import complete, wrong
from lossctl.arrays import Integers
from lossctl.batch import Batch
from lossctl.report import Note


def detect(context: Context, batch: Batch) -> Note | None:
    """`one side looks sorted by its numbers as text (0, 1, 10, 100, …): … makes …`."""
    if batch.count < 12 or not complete(context, batch) or not unrelated(context, batch):
        return None
    here = np.arange(batch.count)
    for start in (0, 1):
        listed = _as_text(batch.count, start)
        for side, pairing in (
            ("predictions", Pairing(here, listed)),
            ("targets", Pairing(listed, here)),
        ):
            trial = better(context, batch, pairing)
            if trial is not None:
                said = ", ".join(str(one + start) for one in listed[:4])
                return wrong(
                    f"the {side} look sorted by number as text ({said}, …): pairing the rows of "
                    f"one number makes {trial.said}; sort both sides alike, or pair by --on KEY"
                )
    return None


def _as_text(count: int, start: int) -> Integers:
    """The numbers from `start` on, less it, in the order of their texts."""
    return np.argsort(np.arange(start, start + count).astype(str), kind="stable")


DETECTOR = Detector("as text", detect)
