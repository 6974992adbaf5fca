"""What a correction saves on rows that did not choose it: fitted on one half and scored on the
other, both ways."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.advice.evidence import Sampled
from lossctl.arrays import Array, Mask

FEWEST = 100  # rows from which halves are made
LEAST = 0.01  # of a loss: less is not worth a sentence
SURE = 3.0  # standard errors


@dataclass(frozen=True, slots=True)
class Gain:
    """The mean loss before and after; `se` is the standard error of their difference."""

    before: float
    after: float
    se: float
    crossed: bool  # whether other rows chose the correction

    @property
    def data(self) -> dict[str, float | bool]:
        """As JSON."""
        return {"before": self.before, "after": self.after, "se": self.se,
                "cross_fitted": self.crossed}  # fmt: skip

    @property
    def share(self) -> float:
        """The share of the loss that is saved."""
        return (self.before - self.after) / self.before if self.before else 0.0

    @property
    def sure(self) -> bool:
        """Whether it is more than noise, and worth saying."""
        saved = self.before - self.after
        return saved > SURE * self.se and self.share >= LEAST


def gain(
    sample: Sampled, before: Array, after: Callable[[Mask, Mask], Array | None]
) -> Gain | None:
    """`before` is each row's loss; `after(fitted, scored)` that of the rows `scored` under what
    the rows `fitted` choose, or None where they choose nothing.

    In sample below FEWEST rows.
    """
    every = np.ones(sample.rows, dtype=np.bool_)
    crossed = sample.rows >= FEWEST and 0 < int(sample.even.sum()) < sample.rows
    ways = [(sample.even, ~sample.even), (~sample.even, sample.even)] if crossed else [(every,) * 2]
    now = np.empty(sample.rows)
    for fitted, scored in ways:
        made = after(fitted, scored) if sample.weight[fitted].any() else None
        if made is None:
            return None
        now[scored] = made
    weight = sample.weight / sample.weight.sum()
    saved = before - now
    mean = float((weight * saved).sum())
    spread = float((np.square(weight) * np.square(saved - mean)).sum())
    freedom = max(1.0 - 1.0 / sample.rows, 0.5)
    first, second = float((weight * before).sum()), float((weight * now).sum())
    found = Gain(first, second, math.sqrt(spread / freedom), crossed)
    return found if math.isfinite(found.before + found.after + found.se) else None


def how(found: Gain, rows: int) -> str:
    """How it was seen."""
    if found.crossed:
        return "fitted on one half, scored on the other, both ways"
    return f"in sample: {rows} rows are too few to halve"
