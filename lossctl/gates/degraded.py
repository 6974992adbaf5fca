"""Predictions made worse, step by step: what a gate is tried on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.arrays import Integers, Mask, Ragged
from lossctl.batch import Batch, taken
from lossctl.few import Few, FewState
from lossctl.hashing import mixed
from lossctl.models import Model
from lossctl.needs import TARGETS
from lossctl.numerics import difference
from lossctl.rounds import Rounds

STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
BEYOND = (2.0, 5.0, 10.0)  # further steps of errors
SAMPLE = 1024  # rows whose predictions others get
KEPT = {*TARGETS, "weight", "batch", "target_length", "positive", "negative"}
_SALT = 0x5EED


@dataclass(frozen=True, slots=True)
class Grown:
    """A view: every error so much larger, by a fraction of itself."""

    by: float
    role: str
    model: Model | None = None

    def __call__(self, batch: Batch) -> Batch:
        seen = batch.seen(self.model)
        pred, target = seen.columns[self.role], seen.columns["target"]
        with np.errstate(over="ignore"):
            return seen.with_column(self.role, pred + self.by * difference(pred, target))

    def of(self, columns: Mapping[str, Any]) -> Mapping[str, Any]:
        """The model's own columns."""
        return columns if self.model is None else self.model.of(columns)

    @property
    def said(self) -> str:
        """The step in words."""
        return f"errors {100 * self.by:g} % larger"


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The rows whose predictions others get; one object for all steps."""

    batch: Batch


@dataclass(frozen=True, slots=True)
class Mixed:
    """A view: a share of the rows, by a hash of what orders them, with others' predictions."""

    by: float
    sample: Sample
    model: Model | None = None

    def __call__(self, batch: Batch) -> Batch:
        seen, others = batch.seen(self.model), self.sample.batch.seen(self.model)
        bits = mixed(batch.order)
        chosen = (bits >> np.uint64(11)).astype(np.float64) < self.by * 2.0**53
        if not chosen.any():
            return seen
        salted = mixed((bits ^ np.uint64(_SALT)).view(np.int64))
        places = (salted % np.uint64(others.count)).astype(np.int64)
        own = {
            role: _replaced(column, others.columns[role], chosen, places)
            for role, column in seen.columns.items()
            if role not in KEPT and role not in seen.wholes and "@" not in role
        }
        return replace(seen, columns={**seen.columns, **own}, memo={}, derived={})

    def of(self, columns: Mapping[str, Any]) -> Mapping[str, Any]:
        """The model's own columns."""
        return columns if self.model is None else self.model.of(columns)

    @property
    def said(self) -> str:
        """The step in words."""
        return f"{100 * self.by:g} % of the rows with predictions of others"


def _replaced(column: Any, others: Any, chosen: Mask, places: Integers) -> Any:
    """A column with the chosen rows' cells taken from others."""
    if not isinstance(column, Ragged):
        made = column.copy() if column.dtype == others.dtype else column.astype(np.float64)
        made[chosen] = others[places[chosen]]
        return made
    which = np.flatnonzero(chosen)
    order = np.arange(len(column))
    order[which] = len(column) + np.arange(which.size)
    return Ragged.join([column, taken(others, places[which])]).take(order)


Step = Grown | Mixed


def steps(point: str | None, model: Model | None) -> Rounds[list[list[Step]]]:
    """The ways to make predictions worse, each from the least step on. Errors grow only where a
    prediction is compared with a target."""
    few = Few(SAMPLE, "hash")
    state: FewState = (yield (few,))[few]
    batch = state.batch
    ways: list[list[Step]] = []
    if point is not None:
        ways.append([Grown(by, point, model) for by in (*STEPS, *BEYOND)])
    if batch is not None and batch.count > 1:
        sample = Sample(replace(batch, memo={}, derived={}))
        ways.append([Mixed(by, sample, model) for by in STEPS])
    return ways
