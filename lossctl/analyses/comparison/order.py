"""Whether rows depend on those before them, in the order of the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lossctl.analyses.comparison.gaps import Gap
from lossctl.analyses.comparison.judged import Judged, Versus
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.inference.serial import Serial, autocorrelated
from lossctl.batch import Batch
from lossctl.models import Model
from lossctl.report import Note
from lossctl.terms import weighing

SURE = 0.01  # the p-value below which rows depend
MATTERS = 1.05  # times that the interval is too short


@dataclass(frozen=True, slots=True)
class Dependence:
    """The losses for which rows depend most: `serial` of the largest."""

    loss: str
    model: int
    serial: Serial
    rows: int


def checked(
    losses: Sequence[Judged], models: Sequence[Model], batch: Batch | None, question: Question
) -> tuple[list[Judged], Dependence | None]:
    """The losses with what the first rows say of those of which neighbours err alike; nothing is
    said where clusters or times were given."""
    if batch is None or question.cluster is not None or question.time is not None:
        return list(losses), None
    batch = weighing(batch)
    found: list[Dependence] = []
    made = []
    for one in losses:
        spec = one.spec
        if not spec.reduction.sums or one.measured.spread is None:
            made.append(one)
            continue
        against = []
        for versus in one.against:
            serial = _serial(Gap(spec, models[0], models[versus.model]), versus, batch)
            told = versus
            if serial is not None and _matters(serial, len(one.against)):
                told = replace(versus, serial=serial.understated)
                found.append(Dependence(spec.brief, versus.model, serial, batch.count))
            against.append(told)
        made.append(Judged(one.measured, tuple(against)))
    most = max(found, key=lambda each: each.serial.understated or 0.0, default=None)
    return made, most


def _matters(serial: Serial, tests: int) -> bool:
    """Whether rows surely depend, and enough for it to matter."""
    if serial.p is None or serial.understated is None:
        return False
    return serial.p < SURE / tests and serial.understated >= MATTERS


def _serial(gap: Gap, versus: Versus, batch: Batch) -> Serial | None:
    if versus.low is None:
        return None
    with np.errstate(all="ignore"):
        values = gap(batch)
    values = values if values.ndim == 1 else values[:, 0]
    return autocorrelated(values) if np.isfinite(values).all() else None


def note(found: Dependence, rows: int) -> Note:
    """The warning, with what takes it into account."""
    assert found.serial.understated is not None and found.serial.lag1 is not None
    where = "" if found.rows >= rows else f" of the first {found.rows}"
    text = (
        f"Rows next to each other{where} err alike (correlation {found.serial.lag1:.2f} by "
        f"{found.loss}): if they depend on each other, intervals are about "
        f"{found.serial.understated:.1f} times too short, or more, and verdicts may not hold; "
        "--time or --cluster takes that into account."
    )
    return Note("order", text, warning=True)
