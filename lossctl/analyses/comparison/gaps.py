"""What tells two models apart row by row: how much more one adds to a loss, and who is better."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.models import Model
from lossctl.spec import Spec
from lossctl.states import Json, Terms
from lossctl.terms import Contribution, LossTerms, Score, TailSize


@dataclass(frozen=True, slots=True)
class Gap:
    """How much more each row adds to a loss of the `second` model than of the `first`, times
    `sign`."""

    spec: Spec
    first: Model
    second: Model
    sign: float = 1.0

    def __call__(self, batch: Batch) -> Array:
        # Of a ratio of squares, the squares.
        squares = self.spec.reduction.pairs and not self.spec.reduction.sums
        column = TailSize(self.spec) if squares else Contribution(self.spec)
        one, other = (column(batch.seen(model)) for model in (self.first, self.second))
        with np.errstate(over="ignore", invalid="ignore"):
            gap: Array = (other - one) * self.sign
        return gap


@dataclass(frozen=True, slots=True)
class GapTerms:
    """a = the size of the gap, every row counting 1."""

    gap: Gap

    def __call__(self, batch: Batch) -> Terms:
        return Terms([(np.abs(self.gap(batch)), 0)])


@dataclass(frozen=True, slots=True)
class Wins:
    """In how many rows the second model is better than the first, as good, and worse. Rows of
    weight 0, and rows that the loss leaves out, do not count."""

    spec: Spec
    first: Model
    second: Model

    def empty(self) -> WinsState:
        return WinsState()

    def make(self, batch: Batch) -> WinsState:
        one, other = (Score(self.spec)(batch.seen(model)) for model in (self.first, self.second))
        keep = np.ones(batch.count, dtype=bool)
        if batch.weight is not None:
            keep &= batch.weight != 0.0
        counted = LossTerms(self.spec)(batch.seen(self.first)).counted
        if counted is not None:
            keep &= counted
        less, more = (int(np.count_nonzero(side & keep)) for side in (other < one, other > one))
        if self.spec.direction == "max" and not self.spec.reduction.pairs:
            less, more = more, less
        return WinsState(less, int(np.count_nonzero(keep)) - less - more, more)


@dataclass(frozen=True, slots=True)
class WinsState:
    """Rows in which the second model is `better`, as good, and `worse`."""

    better: int = 0
    ties: int = 0
    worse: int = 0

    @property
    def rows(self) -> int:
        """All of them."""
        return self.better + self.ties + self.worse

    def merge(self, other: WinsState) -> WinsState:
        return WinsState(
            self.better + other.better, self.ties + other.ties, self.worse + other.worse
        )

    def to_json(self) -> Json:
        return {"better": self.better, "ties": self.ties, "worse": self.worse}

    @classmethod
    def from_json(cls, data: Json) -> WinsState:
        return cls(data["better"], data["ties"], data["worse"])
