"""Questions about a slice of the rows: those for which all conditions hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lossctl.analyses.levels import Coded
from lossctl.arrays import Mask
from lossctl.batch import Batch, View
from lossctl.rounds import Rounds
from lossctl.states import Json, Specification, grown
from lossctl.where import Condition

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice:
    """A view: the rows for which every condition holds of their cells. None holds of a missing
    cell."""

    conditions: tuple[Condition, ...]

    def __str__(self) -> str:
        return "&".join(map(str, self.conditions))

    def __call__(self, batch: Batch) -> Batch:
        keep: Mask = np.ones(batch.count, dtype=bool)
        for condition in self.conditions:
            levels, codes = Coded(condition.column)(batch)
            keep &= np.array([condition.holds_of(level) for level in levels], dtype=bool)[codes]
        return batch if keep.all() else batch.take(keep)


@dataclass(frozen=True, slots=True)
class RowCount:
    """How many rows there are that weigh anything."""

    def empty(self) -> RowCountState:
        return RowCountState()

    def make(self, block: Batch) -> RowCountState:
        weight = block.weight
        return RowCountState(block.count if weight is None else int(np.count_nonzero(weight)))


@dataclass(frozen=True, slots=True)
class RowCountState:
    """So many."""

    count: int = 0

    def merge(self, other: RowCountState) -> RowCountState:
        return RowCountState(self.count + other.count)

    def to_json(self) -> Json:
        return {"count": self.count}

    @classmethod
    def from_json(cls, data: Json) -> RowCountState:
        return cls(data["count"])


@dataclass(frozen=True, slots=True)
class Within:
    """A specification of the rows as a view shows them."""

    view: View
    of: Specification

    def empty(self) -> Any:
        return self.of.empty()

    def make(self, block: Batch) -> Any:
        seen = block.seen(self.view)
        return self.of.make(seen) if seen.count else self.of.empty()

    def grow(self, state: Any, block: Batch) -> Any:
        """As `state.merge(self.make(block))`, by the specification's own way where it has one."""
        seen = block.seen(self.view)
        return grown(self.of, state, seen) if seen.count else state


def within(view: Slice | None, question: Rounds[T]) -> Rounds[T | None]:
    """A question about the rows of a slice; None where it has no rows. Without one, as it is."""
    if view is None:
        return (yield from question)
    counted = Within(view, RowCount())
    try:
        asked = next(question)
    except StopIteration as stop:
        answer: T = stop.value
        return answer
    first = True
    while True:
        told = {one: Within(view, one) for one in asked}
        states: Mapping[Any, Any] = yield (*told.values(), *([counted] if first else []))
        if first and not states[counted].count:
            question.close()
            return None
        first = False
        try:
            asked = question.send({one: states[told[one]] for one in asked})
        except StopIteration as stop:
            answer = stop.value
            return answer
