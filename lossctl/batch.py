"""A block of aligned rows: roles bound to columns, and a memo of what was computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from lossctl.arrays import Array, Integers, Mask, Ragged, concatenated, widened
from lossctl.extras import Extra
from lossctl.extras import joined as extra_columns
from lossctl.numerics import Memo, row_mean, sharing
from lossctl.spec import Spec


class View(Protocol):
    """A batch seen differently: fewer rows, or another prediction. Equal views hash alike."""

    def __hash__(self) -> int: ...

    def __call__(self, batch: Batch, /) -> Batch: ...


@dataclass(slots=True, eq=False)
class Batch:
    """Rows ready to be scored.

    `columns` holds every role: float64 of shape (rows, ...), integers where float64 could not
    hold them, or `Ragged`; the roles in `wholes` are not row-aligned. `order` breaks ties.
    """

    columns: dict[str, Any]
    wholes: frozenset[str]
    weight: Array | None
    rows: Integers  # row numbers in the prediction file
    order: Integers
    target_rows: Integers | None = None
    ids: Ragged | Integers | None = None  # utf-8 bytes, or whole numbers
    together: frozenset[Spec] = frozenset()
    extras: dict[str, Extra] = field(default_factory=dict)  # columns that no loss reads
    memo: Memo = field(default_factory=dict)
    derived: dict[Any, Any] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return int(self.rows.shape[0])

    def values(self, spec: Spec) -> Any:
        """What the loss's function returns for these rows, computed once."""
        found = self.derived.get(spec)
        if found is None:
            with sharing(self.memo):
                found = spec.evaluate(self.columns)
            self.derived[spec] = found
        return found

    def seen(self, view: View | None) -> Batch:
        """This batch through a view, made once."""
        if view is None:
            return self
        found = self.derived.get(view)
        if found is None:
            found = view(self)
            if found is self:
                return self  # held by itself, its arrays would stay until cycles are looked for
            found.memo = self.memo  # arrays are told apart by identity
            self.derived[view] = found
        made: Batch = found
        return made

    def take(self, keep: Mask) -> Batch:
        """The rows that `keep` marks, as a batch of its own."""
        return self.at(np.flatnonzero(keep))

    def at(self, chosen: Integers) -> Batch:
        """The rows at these places, in their order."""
        rows = self.rows.take(chosen)
        return replace(
            self,
            columns={
                role: column if role in self.wholes else taken(column, chosen)
                for role, column in self.columns.items()
            },
            weight=None if self.weight is None else self.weight[chosen],
            rows=rows,
            order=rows if self.order is self.rows else self.order.take(chosen),
            target_rows=None if self.target_rows is None else self.target_rows[chosen],
            ids=None if self.ids is None else self.ids.take(chosen),
            extras={name: extra.take(chosen) for name, extra in self.extras.items()},
            memo={},
            derived={},
        )

    def numbered_from(self, first: int) -> Batch:
        """The batch of a part of the rows, of which the first has this number."""
        if not first:
            return self
        rows = self.rows + first
        order = rows if self.order is self.rows else self.order
        return replace(self, rows=rows, order=order, memo={}, derived={})

    def without_rows(self, rows: Integers) -> Batch:
        """The other rows than those of these numbers."""
        return self.take(~np.isin(self.rows, rows))

    def with_column(self, role: str, column: Any) -> Batch:
        """The same rows with another column for one role."""
        return replace(self, columns={**self.columns, role: column}, memo={}, derived={})

    def sample(self, index: int) -> dict[str, Any]:
        """One row as plain data: numbers, id and the values of every row-aligned role."""
        identity = None
        if isinstance(self.ids, np.ndarray):
            identity = str(int(self.ids[index]))
        elif self.ids is not None:
            identity = self.ids.row(index).tobytes().decode("utf-8", "replace")
        return {
            "row": int(self.rows[index]),
            "target_row": None if self.target_rows is None else int(self.target_rows[index]),
            "id": identity,
            "order": int(self.order[index]),
            "weight": None if self.weight is None else float(self.weight[index]),
            "columns": {
                role: _plain(column, index)
                for role, column in self.columns.items()
                if role not in self.wholes
            },
            "values": {spec.text: _at(self.values(spec), index) for spec in self.together},
            "extras": {name: extra.cell(index) for name, extra in self.extras.items()},
        }

    def of_sample(self, sample: Mapping[str, Any]) -> Batch:
        """A batch of the one row that `sample` describes, with this batch's whole roles."""
        columns = dict(self.columns)
        for role, value in sample["columns"].items():
            like = self.columns[role]
            if isinstance(like, Ragged):
                row = np.asarray(value, dtype=like.values.dtype)
                row = row.reshape(-1, *like.values.shape[1:])
                columns[role] = Ragged(row, np.array([0, len(row)], dtype=np.int64))
            else:
                whole = isinstance(value[0] if isinstance(value, list) and value else value, int)
                columns[role] = np.array([value], dtype=None if whole else np.float64)
        weight = sample["weight"]
        values = sample.get("values", {})
        return Batch(
            columns,
            self.wholes,
            None if weight is None else np.array([weight]),
            np.array([sample["row"]]),
            np.array([sample["order"]]),
            derived={spec: _as_row(values[spec.text]) for spec in self.together},
        )


def joined(parts: Sequence[Batch], together: frozenset[Spec]) -> Batch:
    """All rows of several batches as one, in their order."""
    first = parts[0]
    columns = dict(first.columns)
    for role in columns:
        if role not in first.wholes:
            columns[role] = _concatenated([part.columns[role] for part in parts])
    weight, target_rows, ids = (
        None if getattr(first, name) is None else _concatenated([getattr(p, name) for p in parts])
        for name in ("weight", "target_rows", "ids")
    )
    rows = order = _concatenated([part.rows for part in parts])
    if any(part.order is not part.rows for part in parts):
        order = _concatenated([part.order for part in parts])
    extras = {name: extra_columns([part.extras[name] for part in parts]) for name in first.extras}
    return Batch(columns, first.wholes, weight, rows, order, target_rows, ids, together, extras)


def _concatenated(parts: list[Any]) -> Any:
    return Ragged.join(parts) if isinstance(parts[0], Ragged) else concatenated(parts)


def _at(values: Any, index: int) -> Any:
    """The value of one row as plain data; of a pair, both."""
    if isinstance(values, tuple):
        return [_at(one, index) for one in values]
    return float(row_mean(values)[index] if values.ndim == 2 else values[index])


def _as_row(value: Any) -> Any:
    return tuple(map(_as_row, value)) if isinstance(value, list) else np.array([value])


def taken(column: Any, chosen: Integers) -> Any:
    """The chosen rows of a column."""
    return column.take(chosen) if isinstance(column, Ragged) else column.take(chosen, axis=0)


def _plain(column: Any, index: int) -> Any:
    row = column.row(index) if isinstance(column, Ragged) else column[index]
    # As float wherever float64 holds the values, whatever the type of the block.
    return widened(np.atleast_1d(row)).reshape(np.shape(row)).tolist()
