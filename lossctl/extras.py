"""Columns that play no role in a loss and travel with the rows: to group by, or to show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Integers, Mask, Numbers, Ragged, concatenated


@dataclass(frozen=True, slots=True, eq=False)
class Extra:
    """One such column of a block.

    `values` are numbers (n,), or texts as rows of UTF-8 bytes; `missing` (n,) marks the cells that
    hold no value.
    """

    values: Numbers | Ragged
    missing: Mask

    def __len__(self) -> int:
        return len(self.missing)

    @property
    def is_text(self) -> bool:
        return isinstance(self.values, Ragged)

    def take(self, chosen: Integers) -> Extra:
        """The rows of these places."""
        return Extra(self.values.take(chosen), self.missing.take(chosen))

    def cell(self, index: int) -> Any:
        """One value as plain data: a number (a whole one as int), a text, or None."""
        if self.missing[index]:
            return None
        if isinstance(self.values, Ragged):
            return self.values.row(index).tobytes().decode("utf-8", "replace")
        return plain(self.values[index].item())

    def arrays(self) -> list[Any]:
        """The arrays that it is made of."""
        if isinstance(self.values, Ragged):
            return [self.values.values, self.values.offsets, self.missing]
        return [self.values, self.missing]


def joined(parts: list[Extra]) -> Extra:
    """The rows of several blocks, one after another."""
    missing = np.concatenate([part.missing for part in parts])
    values: list[Any] = [part.values for part in parts]
    if isinstance(values[0], Ragged):
        return Extra(Ragged.join(values), missing)
    return Extra(concatenated(values), missing)


def plain(value: Any) -> Any:
    """A number as people write it: a whole one as int."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
