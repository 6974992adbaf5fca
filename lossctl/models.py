"""Several models' answers about the same rows: one batch holds all, a view shows those of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lossctl.batch import Batch

APART = "@"  # stands between a role and the number of the model whose column it is


@dataclass(frozen=True, slots=True)
class Model:
    """A view: the batch as one model's. `columns` names, by role, those that are its own; the first
    model's are the roles themselves."""

    name: str
    columns: tuple[tuple[str, str], ...] = ()

    def __call__(self, batch: Batch) -> Batch:
        if not self.columns:
            return batch
        return replace(batch, columns=self.of(batch.columns), memo={}, derived={})

    def of(self, columns: Mapping[str, Any]) -> dict[str, Any]:
        """All columns, its own by their roles."""
        return {**columns, **{role: columns[column] for role, column in self.columns}}


def column_name(role: str, number: int) -> str:
    """What a model's column for a role is called in a batch; the first model is number 0."""
    return f"{role}{APART}{number}" if number else role


def role_of(column: str) -> str:
    """The role of a column of a batch."""
    return column.partition(APART)[0]
