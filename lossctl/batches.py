"""From aligned cells to batches: shapes, filters, weights, missing values and domains checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lossctl.align import Aligned, Ledger, disagreement
from lossctl.answered import Answers, Partly, answers, cells_of, check_truths
from lossctl.arrays import ORDERED_CORNERS, Array, Domain, Integers, Mask, Ragged
from lossctl.batch import Batch
from lossctl.binding import Binding, Bound
from lossctl.carried import extra_of, text_bytes
from lossctl.columns import column_of
from lossctl.errors import DataError, UsageError
from lossctl.models import role_of
from lossctl.needs import TARGETS
from lossctl.numerics import floating, row_sum
from lossctl.plan import Plan
from lossctl.readers.source import Cells
from lossctl.report import listed
from lossctl.roles import axis_sizes, first_fault
from lossctl.spec import Spec

SINGLE = float(np.sqrt(np.finfo(np.float32).eps))
ROUNDED = 1e-3  # how far from 1 a row may sum that was written with four digits


class Batches:
    """An iterator of batches that counts what it drops; `finish` judges the counts."""

    def __init__(
        self,
        plan: Plan,
        binding: Binding,
        specs: tuple[Spec, ...],
        ledger: Ledger,
        rows: Iterator[Aligned],
        *,
        perhaps: str = "",
        task: str = "regression",
        partly: Partly | None = None,
    ) -> None:
        self.plan = plan
        self.binding = binding
        self.specs = specs
        self.ledger = ledger
        self.rows = rows
        self.scored = 0
        self.poisoned = 0
        self._weight_seen = False
        self._bad: dict[str, list[str]] = {}
        self._bad_count: dict[str, int] = {}
        self._shape: dict[str, tuple[int, ...]] = {}
        self._chosen: dict[str, set[float]] = {}
        self._whole_domains = binding.whole_domains
        self._partly = partly
        self.perhaps = perhaps
        self.task = task
        self.chances = bool(perhaps)  # whether all that was seen could be probabilities
        # By column: rows that do not sum to 1, the worst of them, and its sum.
        self.off: dict[str, tuple[int, int, float]] = {}
        self.known = binding.feeds[0].source.rows
        self._check_axes()

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        for aligned in self.rows:
            batch = self._batch(aligned)
            if batch is not None:
                self.scored += batch.count
                return batch.numbered_from(self.plan.first_row)
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
        for one in self.binding.bound.values():
            if one.classes is not None:
                one.classes.check_found(one.name)
        if self.perhaps and self.chances and self.scored:
            pred, target = (self.binding.bound[role].name for role in ("pred", "target"))
            said = f"{pred} lies between 0 and 1 and {target} is 0 or 1"
            if self.perhaps == "distribution":
                said = f"every row of {pred} and {target} sums to 1"
            raise UsageError(
                f"{said}: it could be {self.perhaps} or {self.task}",
                f"--task {self.perhaps} or --task {self.task} says which",
            )
        if self.binding.weight is not None and self.scored and not self._weight_seen:
            name = self.binding.weight.name
            raise DataError(f"{name}: every weight is 0", "some must be positive")

    def _batch(self, aligned: Aligned) -> Batch | None:
        for guard in self.binding.guards:
            disagreement(aligned, guard, self.binding.feeds)
        columns: dict[str, Any] = {}
        keep = np.ones(aligned.rows.shape[0], dtype=bool)
        for condition, feed, place in self.binding.conditions:
            keep &= condition.holds(aligned.cells[feed][place])
        self._drop("filtered", ~keep)
        for role, bound in self.binding.bound.items():
            cells = cells_of(aligned, bound)
            own = aligned.rows_of(bound.feed)
            column = column_of(bound, cells, own)
            columns[role] = self._same_shape(role, bound, column, int(own[0]))
        if self.plan.ignore_index is not None:
            ignored = keep & self._ignored(columns, aligned)
            self._drop("ignored", ignored)
            keep &= ~ignored
        check_truths(self.binding, columns, aligned, keep)
        found = answers(self.binding, columns, aligned, keep, self._note_bad)
        self._agree(columns)
        weight = self._weights(aligned, keep)
        ids = None
        if self.binding.ids is not None:
            ids = _ids(aligned.cells[self.binding.ids[0]][self.binding.ids[1]])
        order = aligned.rows if aligned.order is None else aligned.order
        wanted, keep = keep, found.everywhere(keep)
        for why, count in found.lost(wanted).items():
            self.ledger.dropped[why] += count
            self.poisoned += count if why == "nan" and self.plan.nan == "propagate" else 0
        batch = Batch(
            {**columns, **self.binding.wholes},
            frozenset(self.binding.wholes),
            weight,
            aligned.rows,
            order,
            aligned.other_rows,
            ids,
            extras={
                name: extra_of(aligned.cells[feed][place])
                for name, (feed, place) in self.binding.extras.items()
            },
        )
        if self.binding.models and not keep.all():
            self._tell_partly(batch, aligned, found, wanted)
        if not keep.all():
            if not keep.any():
                return None
            batch = batch.take(keep)
        self._check_domains(batch, aligned)
        return batch

    def _tell_partly(self, batch: Batch, aligned: Aligned, found: Answers, keep: Mask) -> None:
        """Tell of the rows that only some models answer; each model's are checked like others."""
        models = self.binding.models
        answered: dict[int, Mask] = {}
        for number, (rows, why) in enumerate(found.of_models(keep, len(models))):
            lost = self.ledger.lost.setdefault(models[number].name, {})
            for name, count in why.items():
                lost[name] = lost.get(name, 0) + count
            answered[number] = rows
            if rows.any() and self._partly is not None:
                self._check_domains(batch.take(rows), aligned, owner=number)
        if self._partly is not None:
            self._partly(batch, answered)

    def _drop(self, why: str, rows: Mask) -> int:
        count = int(np.count_nonzero(rows))
        self.ledger.dropped[why] += count
        return count

    def _ignored(self, columns: dict[str, Any], aligned: Aligned) -> Mask:
        """The rows whose label is the one that is left out."""
        ignored = np.zeros(aligned.rows.shape[0], dtype=bool)
        for role in TARGETS:
            if role in columns and isinstance(columns[role], np.ndarray):
                column = columns[role]
                ignored |= column == self.plan.ignore_index if column.ndim == 1 else False
        return ignored

    def _same_shape(self, name: str, bound: Bound, column: Any, row: int) -> Any:
        shape = (column.values if isinstance(column, Ragged) else column).shape[1:]
        known = self._shape.setdefault(name, shape)
        if known != shape and len(column):
            raise DataError(
                f"{bound.name} row #{row} has {shape} values, earlier rows have {known}"
            )
        return column

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

    def _note_bad(self, bound: Bound, aligned: Aligned, bad: Mask) -> None:
        self._bad_count[bound.name] = self._bad_count.get(bound.name, 0) + int(bad.sum())
        rows = self._bad.setdefault(bound.name, [])
        if len(rows) < 6:
            own = aligned.rows_of(bound.feed)
            rows += [f"#{int(row)}" for row in own[np.flatnonzero(bad)[:6]]]

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
                f"{bound.name} row #{aligned.row_of(bound.feed, row)}: a weight is {value}",
                "weights are finite and not negative",
            )
        self._weight_seen = self._weight_seen or bool((weight > 0.0).any())
        return weight

    def _check_domains(self, batch: Batch, aligned: Aligned, owner: int | None = None) -> None:
        """Of all columns, or those of one model and what all share."""
        bound = {
            role: one for role, one in self.binding.bound.items() if self._concerns(role, owner)
        }
        owners = range(len(self.binding.models)) or [None]
        sizes = {
            number: self._axes(batch, bound, number)
            for number in (owners if owner is None else [owner])
        }
        for role, one in bound.items():
            column = batch.columns[role]
            own = sizes[self.binding.owners.get(role, next(iter(sizes)))]
            for label, domain in one.domains:
                fault = first_fault(column, domain, own)
                if fault is not None:
                    row, value, rule = fault
                    number = _own_row(one, batch, aligned, row)
                    raise DataError(
                        f"{one.name} row #{number} is {value} but {label} needs {one.role} {rule}",
                        self._remedy(one, domain, column),
                    )
                self._check_choices(one, domain, column)
            ruled = [domain for _, domain in one.domains if domain.row is not None]
            if ruled and ruled[0].row is not None and ruled[0].row.warning:
                self._note_sums(one, ruled[0], column, batch.rows)
        self._check_rows(batch, owner)
        if owner is None and "target" in batch.columns:
            for role, column in batch.columns.items():
                if self.chances and role_of(role) == "pred":
                    self.chances = _chances(column, batch.columns["target"])

    def _axes(self, batch: Batch, bound: dict[str, Bound], owner: int | None) -> dict[str, int]:
        """How long every axis is, of what one model is scored with."""
        wholes = (
            (role, domain, batch.columns[role])
            for role, domain in self._whole_domains
            if self._concerns(role, owner)
        )
        given = [
            (one.name, domain, batch.columns[role])
            for role, one in bound.items()
            if self._concerns(role, owner)
            for _, domain in one.domains
        ]
        sizes = axis_sizes([*given, *wholes])
        self._check_classes(sizes)
        return sizes

    def _remedy(self, bound: Bound, domain: Domain, column: Any) -> str | None:
        """What may help values that are no probabilities, or no corners."""
        if domain.row is ORDERED_CORNERS:
            return "--boxes xywh if they are a corner and a size, cxcywh if a centre and a size"
        if bound.role != "pred" or domain.high != 1.0:
            return None
        if any(spec.takes("from_logits") for spec in self.specs):
            single = len(bound.places) == 1
            margins = ", -l hinge if they are margins" if single else ""
            if column.min() >= 0.0 and column.max() <= 100.0:
                return f"divide them by 100 if they are per cent, --from-logits if logits{margins}"
            return f"--from-logits if they are logits{margins}"
        return "-l names losses that take scores"

    def _check_axes(self) -> None:
        """Pictures of as many pixels may still be of other height and width."""
        said: dict[tuple[int, ...], str] = {}
        for one in self.binding.bound.values():
            if "pixels" in one.domain.axes and len(one.places) == 1:
                feed = self.binding.feeds[one.feed]
                axes = feed.source.columns[feed.wanted[one.places[0]].index].axes
                said.setdefault(axes, f"{one.name} has {' × '.join(map(str, axes))} pixels a row")
        if len(said) > 1 and () not in said:
            raise DataError(", ".join(said.values()), "both sides must have the same shape")

    def _concerns(self, role: str, owner: int | None) -> bool:
        return owner is None or self.binding.owners.get(role, owner) == owner

    def _check_rows(self, batch: Batch, owner: int | None = None) -> None:
        """Roles that contradict each other within a row."""
        models = self.binding.models
        views = [None] if not models else models if owner is None else [models[owner]]
        for view in views:
            columns = batch.seen(view).columns
            for spec in self.specs:
                fault = spec.loss.contradiction(columns, spec.all_settings)
                if fault is not None:
                    row, words = fault
                    of = "" if view is None else f"{view.name} "
                    raise DataError(f"{of}row #{int(batch.rows[row])}: {words}")

    def _check_classes(self, sizes: dict[str, int]) -> None:
        wanted, found = self.plan.classes, sizes.get("classes")
        if wanted is not None and found is not None and wanted != found:
            raise DataError(f"{found} classes are there, but --classes is {wanted}",
                            "choose the columns with --pred-col")  # fmt: skip
        named = len(self.plan.labels)
        if named and found is not None and named != found:
            raise DataError(f"{found} classes are there, but --labels names {named}")

    def _check_choices(self, bound: Bound, domain: Domain, column: Any) -> None:
        """Of several sets of values, one must hold all that the file has."""
        if not domain.choices:
            return
        seen = self._chosen.setdefault(bound.role, set())
        new = set(np.unique(column).tolist()) - seen
        seen |= new
        if new and domain.mixed(np.array(sorted(seen))):
            listed = ", ".join(f"{value:g}" for value in sorted(seen))
            raise DataError(f"{bound.name} holds {listed}, but must be {domain.rule()}",
                            "a mixture says nothing clear")  # fmt: skip

    def _note_sums(self, bound: Bound, domain: Domain, column: Any, rows: Integers) -> None:
        assert domain.row is not None
        broken = np.flatnonzero(domain.row.broken(column))
        sums = row_sum(floating(column[broken])) if broken.size else np.empty(0)
        if bound.single:  # what a row of float32 sums to is only so near to 1
            near = np.abs(sums - 1.0) <= SINGLE
            broken, sums = broken[~near], sums[~near]
        if not broken.size:
            return
        far = int(np.argmax(np.abs(sums - 1.0)))
        count, row, value = self.off.get(bound.name, (0, -1, 1.0))
        if abs(float(sums[far]) - 1.0) > abs(value - 1.0):
            row, value = int(rows[broken[far]]), float(sums[far])
        self.off[bound.name] = (count + broken.size, row, value)


def _chances(pred: Any, target: Any) -> bool:
    """Whether these could be probabilities against what happened, or distributions."""
    if pred.ndim == 1:
        happened = (target == 0.0) | (target == 1.0)
        return bool(((pred >= 0.0) & (pred <= 1.0) & happened).all())
    sides = (floating(pred), floating(target))
    return all(
        bool((one >= 0.0).all() and (np.abs(row_sum(one) - 1.0) <= ROUNDED).all()) for one in sides
    )


def _own_row(bound: Bound, batch: Batch, aligned: Aligned, row: int) -> int:
    """The number of a row of a batch in the file that a column is of."""
    if not aligned.own:
        return int(batch.rows[row])
    place = int(np.flatnonzero(aligned.rows == batch.rows[row])[0])
    return aligned.row_of(bound.feed, place)


def _ids(cells: Cells) -> Ragged | Integers:
    """What names the rows: whole numbers as they are, text as utf-8 bytes with offsets."""
    return cells.values if isinstance(cells.values, np.ndarray) else text_bytes(cells.values)
