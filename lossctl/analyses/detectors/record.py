"""What a detector is: one reading of the inputs that may be meant instead of the present one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.report import Note


@dataclass(frozen=True, slots=True)
class Detector:
    """`detect` tries another reading on some rows; None unless its evidence is overwhelming."""

    name: str
    detect: Callable[[Context, Batch], Note | None]
