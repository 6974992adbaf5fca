"""Wrong inputs: other readings of the first rows, tried after scoring, one file each.

Each speaks only where another reading explains the rows far better and the present one does next
to nothing: a bad model is no mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors import (
    as_text,
    backwards,
    boxes,
    constant,
    copied,
    logits,
    negated,
    off_by_one,
    ranked,
    shifted,
    swapped,
    unit,
)
from lossctl.analyses.detectors.record import Detector
from lossctl.arrays import Ragged
from lossctl.batch import Batch
from lossctl.few import Few
from lossctl.models import Model
from lossctl.report import Note
from lossctl.rounds import Rounds

DETECTORS: tuple[Detector, ...] = (
    swapped.DETECTOR,
    logits.DETECTOR,
    negated.DETECTOR,
    unit.DETECTOR,
    boxes.DETECTOR,
    off_by_one.DETECTOR,
    shifted.DETECTOR,
    backwards.DETECTOR,
    as_text.DETECTOR,
    ranked.DETECTOR,
    constant.DETECTOR,
    copied.DETECTOR,
)


ROWS, VALUES = 1 << 14, 1 << 21  # that are kept in memory to try readings on


def rows_of(like: Batch) -> int:
    """How many rows like those of a batch are kept: fewer where they are wide."""
    columns = (one for role, one in like.columns.items() if role not in like.wholes)
    values = sum((one.values if isinstance(one, Ragged) else one).size for one in columns)
    return max(1, min(ROWS, VALUES * like.count // max(values, 1)))


def rounds(context: Context, models: Sequence[Model] = ()) -> Rounds[list[Note]]:
    """What is said of the first rows, of each of several `models`; they are asked for in the first
    pass."""
    few = Few(context.few, "row")
    batch: Batch | None = (yield (few,))[few].batch
    if batch is None:
        return []
    return of_models(context, models, batch) if models else notes(context, batch)


def of_models(context: Context, models: Sequence[Model], batch: Batch) -> list[Note]:
    """What the detectors say of each model's first rows, with its name."""
    return [
        replace(note, text=f"{model.name}: {note.text}")
        for model in models
        for note in notes(context, batch.seen(model))
    ]


def notes(context: Context, batch: Batch) -> list[Note]:
    """What the detectors say of the first rows."""
    with np.errstate(all="ignore"):  # what is not finite is no evidence
        said = [detector.detect(context, batch) for detector in DETECTORS]
    where = "" if batch.count < context.few else f" (tried on the first {batch.count} rows)"
    return [replace(note, text=note.text + where) for note in said if note is not None]


__all__ = ["DETECTORS", "Detector", "notes", "of_models", "rounds", "rows_of"]
