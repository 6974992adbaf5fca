"""What requirements ask of single rows: their values of a loss, and which model is worse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.comparison.gaps import Gap
from lossctl.arrays import Array, Mask
from lossctl.batch import Batch, View
from lossctl.spec import Spec
from lossctl.states import Column, Json
from lossctl.terms import LossColumn, LossTerms, WhereWeighing


def counting(spec: Spec, batch: Batch, view: View | None) -> Mask | None:
    """The rows that count in a loss: those that weigh anything and are not left out; None for
    all."""
    keep: Mask | None = None
    seen = batch.seen(view)
    if seen.weight is not None and not seen.weight.all():
        keep = seen.weight != 0.0
    counted = LossTerms(spec, None, view)(batch).counted
    if counted is not None and not counted.all():
        keep = counted if keep is None else keep & counted
    return keep


@dataclass(frozen=True, slots=True)
class RowLoss:
    """The value of each row that counts, unweighted."""

    spec: Spec
    view: View | None = None

    def __call__(self, batch: Batch) -> Array:
        values = LossColumn(self.spec, None, self.view)(batch)
        keep = counting(self.spec, batch, self.view)
        return values if keep is None else values[keep]


@dataclass(frozen=True, slots=True)
class Worsening:
    """How much worse each row's value is by the second view than by the first; -inf where a row
    does not count, or the first one's value is infinite: nothing is worse than that."""

    spec: Spec
    first: View | None
    second: View | None

    def __call__(self, batch: Batch) -> Array:
        one, other = (LossColumn(self.spec, None, view)(batch)
                      for view in (self.first, self.second))  # fmt: skip
        direction = self.spec.direction
        if direction == "zero":
            one, other = np.abs(one), np.abs(other)
        with np.errstate(over="ignore", invalid="ignore"):
            gap: Array = one - other if direction == "max" else other - one
        gap = np.where(np.isnan(gap), 0.0, gap)  # both are infinite
        keep = counting(self.spec, batch, self.first)
        return gap if keep is None else np.where(keep, gap, -np.inf)


def added(spec: Spec, first: Any, second: Any) -> Column:
    """How much more each row adds to what makes the loss worse by the second view: of R2 and its
    kin the squares; of what is best at 0 how much farther from 0 the row is."""
    if spec.direction == "zero":
        return Worsening(spec, first, second)
    similar = spec.direction == "max" and not spec.reduction.pairs
    return WhereWeighing(Gap(spec, first, second, -1.0 if similar else 1.0))


@dataclass(frozen=True, slots=True)
class Regressed:
    """In how many rows a value is worse by more than `beyond`."""

    column: Worsening
    beyond: float

    def empty(self) -> RegressedState:
        return RegressedState()

    def make(self, block: Batch) -> RegressedState:
        column = self.column(block)
        return RegressedState(int(np.count_nonzero(column > self.beyond)),
                              int(np.count_nonzero(column > -np.inf)))  # fmt: skip


@dataclass(frozen=True, slots=True)
class RegressedState:
    """Rows that are worse, and all that count."""

    worse: int = 0
    count: int = 0

    def merge(self, other: RegressedState) -> RegressedState:
        return RegressedState(self.worse + other.worse, self.count + other.count)

    def to_json(self) -> Json:
        return {"worse": self.worse, "count": self.count}

    @classmethod
    def from_json(cls, data: Json) -> RegressedState:
        return cls(data["worse"], data["count"])
