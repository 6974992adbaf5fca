"""The columns that say which row it is and what was predicted of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import numpy as np

from lossctl.arrays import Ragged
from lossctl.batch import Batch, taken
from lossctl.extras import Extra
from lossctl.numerics import residual
from lossctl.samples.cells import number, plain, texts
from lossctl.scoring import Scoring
from lossctl.sequences import decode, is_text

WIDEST = 8  # numbers of one role that have a column each
FIRST = ("target", "label", "pred", "mean")


class Described:
    """Called with some rows, gives their columns in order.

    The names in `taken` are for other columns: a column that is shown under one has `_shown` added.
    `told`: where rows are more than numbers, the cells that people are shown of them (the class
    and its probability, the overlap, the text), one row at a time; else the roles that are numbers.
    """

    def __init__(self, held: Scoring, *, told: bool, taken: Collection[str] = ()) -> None:
        assert held.context is not None
        self.context = held.context
        self.binding = held.binding
        self.told = told and held.context.point is None and held.context.shown is not None
        self.roles = self._roles()
        self.taken = set(taken)

    def __call__(self, batch: Batch) -> dict[str, Extra]:
        found = dict(_named(batch))
        found |= self._told(batch) if self.told else dict(self._values(batch))
        if batch.weight is not None:
            found["weight"] = number(batch.weight)
        for name, extra in batch.extras.items():
            free = name not in found and name not in self.taken
            found[name if free else f"{name}_shown"] = extra
        return found

    def _roles(self) -> list[str]:
        """Target first, then the prediction, then all others; one column that is read as two roles
        stands once."""
        bound = self.binding.bound
        ordered = [role for role in FIRST if role in bound]
        ordered += [role for role in bound if role not in FIRST]
        seen: set[tuple[int, tuple[int, ...]]] = set()
        kept = []
        for role in ordered:
            place = bound[role].feed, bound[role].places
            if place not in seen:
                seen.add(place)
                kept.append(role)
        return kept

    def _values(self, batch: Batch) -> Iterator[tuple[str, Extra]]:
        roles = [role for role in self.roles if role not in batch.wholes]
        for role in roles:
            column = batch.columns[role]
            if isinstance(column, Ragged):
                if is_text(column):
                    yield role, plain([_text(column.row(row)) for row in range(len(column))])
                continue
            if column.ndim > 2:
                continue
            if column.ndim == 1:
                yield role, self._value(role, column)
            elif column.shape[1] <= WIDEST:
                for place in range(column.shape[1]):
                    yield f"{role}_{place + 1}", number(column[:, place])
            if role == self.context.point or (role == "pred" and self.context.point == "mean"):
                yield from _residuals(column, batch.columns["target"])

    def _value(self, role: str, column: Any) -> Extra:
        classes = self.binding.bound[role].classes
        if classes is None:
            return number(column)
        codes, which = np.unique(column, return_inverse=True)
        return texts([classes.name(code) or f"{code:g}" for code in codes.tolist()], which)

    def _told(self, batch: Batch) -> dict[str, Extra]:
        """What is shown of each row; a row that lacks a cell has none there."""
        assert self.context.shown is not None
        rows = [self.context.shown(_alone(batch, place)) for place in range(batch.count)]
        names = dict.fromkeys(name for row in rows for name in row)
        return {name: plain([row.get(name) for row in rows]) for name in names}


def _named(batch: Batch) -> Iterator[tuple[str, Extra]]:
    """The row's numbers and its id."""
    yield "row", number(batch.rows)
    if batch.target_rows is not None:
        yield "target_row", number(batch.target_rows)
    if batch.ids is not None:
        yield "id", Extra(batch.ids, np.zeros(batch.count, dtype=bool))


def _text(row: Any) -> str:
    """A text, or words with blanks between."""
    text = decode(row)
    return text if isinstance(text, str) else " ".join(text)


def _residuals(pred: Any, target: Any) -> Iterator[tuple[str, Extra]]:
    """Pred - target; of several outputs each."""
    column = residual(pred, target)
    if column.ndim == 1:
        yield "residual", number(column)
    elif column.shape[1] <= WIDEST:
        for place in range(column.shape[1]):
            yield f"residual_{place + 1}", number(column[:, place])


def _alone(batch: Batch, place: int) -> Batch:
    """One row as a batch."""
    chosen = np.array([place])
    columns = {
        role: column if role in batch.wholes else taken(column, chosen)
        for role, column in batch.columns.items()
    }
    rows = batch.rows[chosen]
    return Batch(columns, batch.wholes, None, rows, rows)
