"""What is asked of the rows: which, in which order, and what more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lossctl.errors import UsageError
from lossctl.percent import fraction_of

SORTS = ("share", "loss", "residual", "delta", "row")
TOP = 20


@dataclass(frozen=True, slots=True)
class Question:
    """`top` rows of a sort, or (None) all; `flagged`: outliers alone; `outlying`: a column says
    which they are; `trim`: also each loss without that fraction of its own largest rows."""

    top: int | None = TOP
    sort: str = "share"
    outlying: bool = False
    flagged: bool = False
    trim: float | None = None
    signed: bool = True  # a signature is written, which names the data

    @property
    def ranked(self) -> bool:
        """Whether rows are ordered by something, and so have a rank."""
        return self.sort != "row"


def question(
    *,
    top: int | None,
    every: bool,
    sort: str | None,
    outliers: str | None,
    trim: str | None,
    sorts: Sequence[str] = SORTS,
) -> Question:
    """The question that the options ask; `sorts` are what rows can be ordered by, the first where
    nobody says. Raises UsageError for those that contradict each other."""
    if sort is not None and sort not in sorts:
        raise UsageError(f"--sort is {sort}", f"it is one of {', '.join(sorts)}")
    if every and top is not None:
        raise UsageError("--all and --top exclude each other")
    if top is not None and top < 1:
        raise UsageError(f"--top is {top}", "it must be at least 1")
    flagged = outliers is not None and not every
    if top is None and not every and not flagged:
        top = TOP
    return Question(
        top=top,
        sort=sort or ("row" if every else sorts[0]),
        outlying=outliers is not None,
        flagged=flagged,
        trim=None if trim is None else _trimmed(trim),
    )


def _trimmed(text: str) -> float:
    """The share of the rows that `--trim` leaves out. Raises UsageError."""
    try:
        value = fraction_of(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value < 1.0:
        raise UsageError(f"--trim is {text}", "it is a share of the rows: 1% or 0.01")
    return value
