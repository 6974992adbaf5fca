"""All values of a column, while they are few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array
from lossctl.ranges import packed, unpacked
from lossctl.states import UNLIKE, Column, Json


@dataclass(frozen=True, slots=True)
class Held:
    """The values of a column; nothing where they are more than `most`."""

    column: Column
    most: int

    def empty(self) -> HeldState:
        return HeldState(self.most, ())

    def make(self, block: object) -> HeldState:
        values = self.column(block)
        return HeldState(self.most, (values,) if values.size <= self.most else None)

    def grow(self, state: HeldState, block: object) -> HeldState:
        """As `state.merge(self.make(block))`; of too many nothing is computed."""
        return state if state.values is None else state.merge(self.make(block))


@dataclass(frozen=True, slots=True, eq=False)
class HeldState:
    """`values` in no particular order; None where they are too many."""

    most: int
    values: tuple[Array, ...] | None

    def merge(self, other: HeldState) -> HeldState:
        if self.most != other.most:
            raise ValueError(UNLIKE)
        if self.values is None or other.values is None:
            return HeldState(self.most, None)
        values = self.values + other.values
        fits = sum(one.size for one in values) <= self.most
        return HeldState(self.most, values if fits else None)

    def ordered(self) -> Array | None:
        """The values, ascending."""
        if self.values is None:
            return None
        return np.sort(np.concatenate(self.values)) if self.values else np.empty(0)

    def to_json(self) -> Json:
        ordered = self.ordered()
        return {"most": self.most, "values": None if ordered is None else packed(ordered)}

    @classmethod
    def from_json(cls, data: Json) -> HeldState:
        values = data["values"]
        return cls(data["most"], None if values is None else (unpacked(values),))
