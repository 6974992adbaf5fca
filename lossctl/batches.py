"""From aligned cells to batches: shapes, filters, weights, missing values and domains checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lossctl.align import Aligned, Ledger, disagreement
from lossctl.arrays import Array, Mask, Ragged, offsets_of, widened
from lossctl.batch import Batch
from lossctl.binding import Binding, Bound
from lossctl.errors import DataError
from lossctl.plan import Plan
from lossctl.readers.source import Cells
from lossctl.report import listed


class Batches:
    """An iterator of batches that counts what it drops; `finish` judges the counts."""

    def __init__(
        self,
        plan: Plan,
        binding: Binding,
        ledger: Ledger,
        rows: Iterator[Aligned],
    ) -> None:
        self.plan = plan
        self.binding = binding
        self.ledger = ledger
        self.rows = rows
        self.scored = 0
        self.poisoned = 0
        self._weight_seen = False
        self._bad: dict[str, list[str]] = {}
        self._bad_count: dict[str, int] = {}
        self._shape: dict[str, tuple[int, ...]] = {}
        self.known = binding.feeds[0].source.rows

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        for aligned in self.rows:
            batch = self._batch(aligned)
            if batch is not None:
                self.scored += batch.count
                return batch
        raise StopIteration

    def scored_all_at(self, first: Batch) -> bool:
        """Whether one batch is all there is, as far as the file says."""
        return self.known is not None and self.known <= first.count

    def finish(self) -> None:
        """Raise DataError for values that are not finite, unless they may be dropped, and for
        weights that are all zero."""
        if self._bad and self.plan.nan == "error":
            problems = []
            for name, count in self._bad_count.items():
                rows = listed(self._bad[name])
                verb = "value is" if count == 1 else "values are"
                problems.append(f"{name}: {count} {verb} NaN, missing or infinite (first: {rows})")
            raise DataError("; ".join(problems), "--nan drop leaves them out and counts them")
        if self.binding.weight is not None and self.scored and not self._weight_seen:
            name = self.binding.weight.name
            raise DataError(f"{name}: every weight is 0", "some must be positive")

    def _batch(self, aligned: Aligned) -> Batch | None:
        for name, places in self.binding.guards:
            disagreement(aligned, places, name, self.binding.feeds)
        columns: dict[str, Any] = {}
        bad = np.zeros(aligned.rows.shape[0], dtype=bool)
        keep = np.ones(aligned.rows.shape[0], dtype=bool)
        for condition, feed, place in self.binding.conditions:
            keep &= condition.holds(aligned.cells[feed][place])
        self.ledger.dropped["filtered"] += int((~keep).sum())
        for role, bound in self.binding.bound.items():
            cells = [aligned.cells[bound.feed][place] for place in bound.places]
            columns[role] = self._column(bound, cells, aligned)
            missing = _unusable(bound, columns[role], cells)
            if missing is not None and (missing & keep).any():
                self._note_bad(bound.name, aligned, missing & keep)
                bad |= missing
        self._agree(columns)
        weight = self._weights(aligned, keep)
        ids = None
        if self.binding.ids is not None:
            ids = _as_bytes(aligned.cells[self.binding.ids[0]][self.binding.ids[1]])
        order = aligned.rows if aligned.order is None else aligned.order
        self.ledger.dropped["nan"] += int((bad & keep).sum())
        if self.plan.nan == "propagate":
            self.poisoned += int((bad & keep).sum())
        keep &= ~bad
        batch = Batch(
            {**columns, **self.binding.wholes},
            frozenset(self.binding.wholes),
            weight,
            aligned.rows,
            order,
            aligned.other_rows,
            ids,
        )
        if not keep.all():
            if not keep.any():
                return None
            batch = batch.take(keep)
        self._check_domains(batch)
        return batch

    def _column(self, bound: Bound, cells: list[Cells], aligned: Aligned) -> Any:
        """A role's cells as one array (rows,), (rows, k), or Ragged."""
        values = [cell.values for cell in cells]
        shape = bound.domain.shape
        if shape == "ragged":
            return self._lists(bound, values)
        arrays = [
            _square(v, bound, aligned) if isinstance(v, Ragged) else widened(np.asarray(v))
            for v in values
        ]
        column = arrays[0] if len(arrays) == 1 else np.column_stack(arrays)
        if shape == "value" and column.ndim == 2 and column.shape[1] == 1:
            column = column[:, 0]
        if shape == "vector":
            column = column.reshape(column.shape[0], -1)
            if bound.domain.width not in (None, column.shape[1]):
                raise DataError(
                    f"{bound.name} has {column.shape[1]} values a row, but {self._who(bound)} "
                    f"needs {bound.domain.width}"
                )
        known = self._shape.setdefault(bound.role, column.shape[1:])
        if known != column.shape[1:]:
            raise DataError(
                f"{bound.name} row #{int(aligned.rows[0])} has {column.shape[1:]} values, earlier "
                f"rows have {known}"
            )
        return np.ascontiguousarray(column)

    def _lists(self, bound: Bound, values: list[Any]) -> Ragged:
        """Lists of any length; a matrix is lists of equal length."""
        only = values[0]
        if len(values) == 1 and isinstance(only, Ragged):
            return only
        if len(values) == 1 and only.ndim == 2:
            offsets = np.arange(only.shape[0] + 1, dtype=np.int64) * only.shape[1]
            return Ragged(only.reshape(-1), offsets)
        raise DataError(f"{bound.name} is not a list column, which {self._who(bound)} needs")

    def _who(self, bound: Bound) -> str:
        return bound.domains[0][0]

    def _agree(self, columns: dict[str, Any]) -> None:
        """Roles of one value per output must have the same shape: nothing is broadcast."""
        shapes = {
            role: columns[role].shape[1:]
            for role, bound in self.binding.bound.items()
            if bound.domain.shape == "value"
        }
        if len(set(shapes.values())) > 1:
            said = ", ".join(
                f"{self.binding.bound[role].name} has {shape[0] if shape else 1}"
                for role, shape in shapes.items()
            )
            raise DataError(
                f"values a row: {said}", "choose as many columns of each; nothing is broadcast"
            )

    def _note_bad(self, name: str, aligned: Aligned, bad: Mask) -> None:
        self._bad_count[name] = self._bad_count.get(name, 0) + int(bad.sum())
        rows = self._bad.setdefault(name, [])
        if len(rows) < 6:
            rows += [f"#{int(row)}" for row in aligned.rows[np.flatnonzero(bad)[:6]]]

    def _weights(self, aligned: Aligned, keep: Mask) -> Array | None:
        bound = self.binding.weight
        if bound is None:
            return None
        cells = aligned.cells[bound.feed][bound.places[0]]
        values: Any = cells.values
        if isinstance(values, Ragged) or values.ndim != 1:
            raise DataError(f"{bound.name} holds more than one value a row")
        weight = np.asarray(values, dtype=np.float64)
        missing = cells.missing
        bad = ~(np.isfinite(weight) & (weight >= 0.0)) & keep
        if missing is not None:
            bad |= missing & keep
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            value = "missing" if missing is not None and missing[row] else f"{weight[row]:g}"
            raise DataError(
                f"{bound.name} row #{int(aligned.rows[row])}: a weight is {value}",
                "weights are finite and not negative",
            )
        self._weight_seen = self._weight_seen or bool((weight > 0.0).any())
        return weight

    def _check_domains(self, batch: Batch) -> None:
        for role, bound in self.binding.bound.items():
            column = batch.columns[role]
            values = column.values if isinstance(column, Ragged) else column
            for label, domain in bound.domains:
                outside = domain.outside(values)
                if not outside.any():
                    continue
                at = np.argwhere(outside)[0]
                if isinstance(column, Ragged):
                    place = int(np.searchsorted(column.offsets, at[0], side="right")) - 1
                else:
                    place = int(at[0])
                raise DataError(
                    f"{bound.name} row #{int(batch.rows[place])} is {values[tuple(at)]:.6g} but "
                    f"{label} needs {role} {domain.rule()}"
                )


def _square(values: Ragged, bound: Bound, aligned: Aligned) -> Any:
    """Lists of equal length as (rows, k)."""
    lengths = np.diff(values.offsets)
    if lengths.size and (lengths != lengths[0]).any():
        row = int(np.flatnonzero(lengths != lengths[0])[0])
        raise DataError(
            f"{bound.name} row #{int(aligned.rows[row])} has {int(lengths[row])} values, row "
            f"#{int(aligned.rows[0])} has {int(lengths[0])}"
        )
    return widened(values.values.reshape(len(values), -1))


def _unusable(bound: Bound, column: Any, cells: list[Cells]) -> Mask | None:
    """Rows with a value that is missing, NaN, or infinite where the domain has no infinity."""
    bad: Any = None
    if isinstance(column, Ragged):
        broken = ~np.isfinite(column.values)
        if broken.any():
            bad = np.zeros(len(column), dtype=bool)
            owners = np.searchsorted(column.offsets, np.flatnonzero(broken), side="right") - 1
            bad[owners] = True
    elif column.dtype.kind == "f":
        broken = np.isnan(column) if bound.domain.infinite else ~np.isfinite(column)
        if broken.any():
            bad = np.asarray(broken if broken.ndim == 1 else broken.any(axis=1))
    for cell in cells:
        if cell.missing is not None:
            missing = cell.missing if cell.missing.ndim == 1 else cell.missing.any(axis=1)
            bad = missing if bad is None else bad | missing
    result: Mask | None = bad
    return result


def _as_bytes(cells: Cells) -> Ragged:
    """A text column as utf-8 bytes with offsets."""
    text: Any = cells.values
    texts = [(value or "").encode("utf-8", "replace") for value in text.to_pylist()]
    offsets = offsets_of([len(one) for one in texts])
    return Ragged(np.frombuffer(b"".join(texts), dtype=np.uint8), offsets)
