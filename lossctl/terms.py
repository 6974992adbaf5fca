"""What is summed, ranked and selected: columns and terms of a batch, as values that compare equal
when they mean the same, so that one pass serves all who ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.arrays import Array, Numbers
from lossctl.batch import Batch, View
from lossctl.exact import scaled
from lossctl.moments import Moments
from lossctl.numerics import floating, magnitude, residual, row_mean, square
from lossctl.reductions import Values
from lossctl.selection import Like
from lossctl.spec import Spec
from lossctl.states import Column, Specification, Sums, Terms


@dataclass(frozen=True, slots=True)
class LossColumn:
    """The value of each row, unweighted and not squared: one output's, or the outputs' mean."""

    spec: Spec
    output: int | None = None
    view: View | None = None
    place: int = 0  # of a loss that returns two columns

    def __call__(self, batch: Batch) -> Array:
        values = batch.seen(self.view).values(self.spec)
        if isinstance(values, tuple):
            values = values[self.place]
        values = np.asarray(values)
        if values.ndim == 1:
            column = values
        elif self.output is None:
            column = row_mean(values)
        else:
            column = np.ascontiguousarray(values[:, self.output])
        return floating(column)


@dataclass(frozen=True, slots=True)
class WeightColumn:
    """The weight of each row; 1 where none is given."""

    view: View | None = None

    def __call__(self, batch: Batch) -> Array:
        batch = batch.seen(self.view)
        return np.ones(batch.count) if batch.weight is None else batch.weight


@dataclass(frozen=True, slots=True)
class LossTerms:
    """What each row adds to a loss: a = weight * value (squared if the reduction squares),
    b = weight (times the denominator, for a ratio)."""

    spec: Spec
    output: int | None = None
    view: View | None = None

    def __call__(self, batch: Batch) -> Terms:
        weight = batch.seen(self.view).weight
        reduction = self.spec.reduction
        if reduction.squares:
            return Terms(self._squares(batch, weight), weight)
        seen = batch.seen(self.view)
        values = LossColumn(self.spec, self.output, self.view)(batch)
        second, counted = None, None
        if isinstance(seen.values(self.spec), tuple):
            second = LossColumn(self.spec, self.output, self.view, 1)(batch)
            counted = None if reduction.pairs else second != 0.0
        else:
            second = self.spec.divisor(seen.columns)
        if second is None:
            return Terms([(_weighted(values, weight), 0)], weight)
        b = second if weight is None else weight * second
        return Terms([(_weighted(values, weight), 0)], b, counted)

    def _squares(self, batch: Batch, weight: Array | None) -> list[tuple[Array, int]]:
        values = batch.seen(self.view).values(self.spec)
        if values.ndim == 2 and self.output is None:
            with np.errstate(over="ignore"):
                return [(_weighted(row_mean(np.square(values)), weight), 0)]
        column = values if values.ndim == 1 else np.ascontiguousarray(values[:, self.output])
        return [(_weighted(square(part), weight), 2 * s) for part, s in scaled(column)]


def _weighted(values: Array, weight: Array | None) -> Array:
    if weight is None:
        return values
    with np.errstate(over="ignore", invalid="ignore"):
        return np.where(weight == 0.0, 0.0, weight * values)


@dataclass(frozen=True, slots=True)
class Contribution:
    """What each row adds to the sum that shares are shares of, times 2**shift; `counted`: of the
    rows that count alone."""

    spec: Spec
    shift: int = 0
    counted: bool = False

    def __call__(self, batch: Batch) -> Array:
        terms = LossTerms(self.spec)(batch)
        parts, added = terms.parts, terms.parts[0][0]
        if len(parts) > 1 or self.shift:
            with np.errstate(over="ignore", under="ignore"):
                scaled_parts = (np.ldexp(part, shift + self.shift) for part, shift in parts)
                added = sum(scaled_parts, np.zeros(batch.count))
        return added[terms.counted] if self.counted and terms.counted is not None else added


@dataclass(frozen=True, slots=True)
class TailSize:
    """How much a row weighs in a value that is no sum of shares: |a|, or the square of the first
    of two columns."""

    spec: Spec

    def __call__(self, batch: Batch) -> Array:
        values = LossColumn(self.spec)(batch)
        with np.errstate(over="ignore"):
            size = np.square(values) if self.spec.reduction.pairs else np.abs(values)
        return size if batch.weight is None else _weighted(size, batch.weight)


@dataclass(frozen=True, slots=True)
class Score:
    """What ranks rows by how much they add: the root of it, where squares may overflow."""

    spec: Spec

    def __call__(self, batch: Batch) -> Array:
        values = batch.values(self.spec)
        if self.spec.reduction.squares and values.ndim == 1:
            size: Array = np.abs(values)
            return size if batch.weight is None else _weighted(size, np.sqrt(batch.weight))
        if self.spec.reduction.name in ("max", "median") or not self.spec.shares:
            size = np.abs(LossColumn(self.spec)(batch))
            return size if batch.weight is None else np.where(batch.weight > 0.0, size, -1.0)
        return Contribution(self.spec)(batch)


@dataclass(frozen=True, slots=True)
class RoleColumn:
    """A role's values as float64; one output of several."""

    role: str
    output: int | None = None
    view: View | None = None

    def __call__(self, batch: Batch) -> Array:
        values: Numbers = batch.seen(self.view).columns[self.role]
        if values.ndim == 2:
            values = np.ascontiguousarray(values[:, self.output or 0])
        return floating(values)


@dataclass(frozen=True, slots=True)
class Residual:
    """pred - target of each row (one output)."""

    pred: str = "pred"

    def __call__(self, batch: Batch) -> Array:
        column = residual(batch.columns[self.pred], batch.columns["target"])
        return column if column.ndim == 1 else column[:, 0]


@dataclass(frozen=True, slots=True)
class Deviation:
    """|residual - centre| of each row."""

    centre: float
    pred: str = "pred"

    def __call__(self, batch: Batch) -> Array:
        if self.centre == 0.0:
            column = magnitude(batch.columns[self.pred], batch.columns["target"])
            return column if column.ndim == 1 else column[:, 0]
        return np.abs(Residual(self.pred)(batch) - self.centre)


@dataclass(frozen=True, slots=True)
class Beyond:
    """How far each row's residual lies outside [low, high]; 0 or less inside."""

    low: float
    high: float
    pred: str = "pred"

    def __call__(self, batch: Batch) -> Array:
        column = Residual(self.pred)(batch)
        return np.maximum(self.low - column, column - self.high)


@dataclass(frozen=True, slots=True)
class SizeTerms:
    """a = |residual - centre|, every row counting 1."""

    centre: float
    pred: str

    def __call__(self, batch: Batch) -> Terms:
        return Terms([(Deviation(self.centre, self.pred)(batch), 0)])


@dataclass(frozen=True, slots=True)
class Through:
    """A column of the rows seen through a view."""

    of: Callable[[Batch], Any]
    view: View | None

    def __call__(self, batch: Batch) -> Any:
        return self.of(batch.seen(self.view))


@dataclass(frozen=True, slots=True)
class Weighing:
    """A column, or the terms of a sum, of the rows whose weight is not 0: the others are as if they
    were not there, where rows count alike too."""

    of: Callable[[Batch], Any]

    def __call__(self, batch: Batch) -> Any:
        return self.of(weighing(batch))


def weighing(batch: Batch) -> Batch:
    """The rows whose weight is not 0."""
    if batch.weight is None or batch.weight.all():
        return batch
    found: Batch | None = batch.derived.get(weighing)
    if found is None:
        found = batch.derived[weighing] = batch.take(batch.weight != 0.0)
    return found


@dataclass(frozen=True, slots=True)
class WhereWeighing:
    """A score of each row; -inf where its weight is 0."""

    score: Column

    def __call__(self, batch: Batch) -> Array:
        scores: Array = self.score(batch)
        return scores if batch.weight is None else np.where(batch.weight == 0.0, -np.inf, scores)


@dataclass(frozen=True, slots=True)
class ColumnTerms:
    """a = weight * a column's value, b = weight."""

    column: Column
    weight: WeightColumn | None

    def __call__(self, batch: Batch) -> Terms:
        weight = None if self.weight is None else self.weight(batch)
        return Terms([(_weighted(self.column(batch), weight), 0)], weight)


@dataclass(frozen=True, slots=True)
class Centred:
    """a = w (first - centre)**2, b = w (second - mean)**2 of a loss that returns two columns."""

    spec: Spec
    output: int | None
    view: View | None
    centre: float
    mean: float

    def __call__(self, batch: Batch) -> Terms:
        weight = batch.seen(self.view).weight
        first = LossColumn(self.spec, self.output, self.view)(batch) - self.centre
        second = LossColumn(self.spec, self.output, self.view, 1)(batch) - self.mean
        with np.errstate(over="ignore"):
            a, b = np.square(first), np.square(second)
        return Terms([(_weighted(a, weight), 0)], _weighted(b, weight))


# --- views ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant:
    """Every prediction replaced by one constant (per output)."""

    role: str
    value: tuple[float, ...]

    def __call__(self, batch: Batch) -> Batch:
        like = batch.columns[self.role]
        value = self.value[0] if like.ndim == 1 else np.array(self.value)
        return batch.with_column(self.role, np.broadcast_to(value, like.shape).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Inside:
    """The rows whose residual lies within `reach` of `centre`; all others where `out`."""

    centre: float
    reach: float
    pred: str = "pred"
    out: bool = False

    def __call__(self, batch: Batch) -> Batch:
        near = Deviation(self.centre, self.pred)(batch) <= self.reach
        kept = ~near if self.out else near
        return batch if kept.all() else batch.take(kept)


@dataclass(frozen=True, slots=True)
class Between:
    """The rows whose residual lies from `low` to `high`; all others where `out`."""

    low: float
    high: float
    pred: str = "pred"
    out: bool = False

    def __call__(self, batch: Batch) -> Batch:
        column = Residual(self.pred)(batch)
        near = (column >= self.low) & (column <= self.high)
        kept = ~near if self.out else near
        return batch if kept.all() else batch.take(kept)


def seen_through(asked: Specification, view: View | None) -> Sums | Moments | None:
    """The same sums over the rows of another view; None for what is no sum."""
    if isinstance(asked, Sums) and isinstance(asked.terms, LossTerms):
        return replace(asked, terms=replace(asked.terms, view=view))
    if isinstance(asked, Moments) and isinstance(asked.column, LossColumn):
        weight = None if asked.weight is None else WeightColumn(view)
        return Moments(replace(asked.column, view=view), weight)
    return None


def values_of(
    spec: Spec,
    *,
    weighted: bool,
    moments: bool,
    output: int | None = None,
    view: View | None = None,
    like: Like | None = None,
) -> Values:
    """What a reduction needs to know of one loss."""
    return Values(
        terms=LossTerms(spec, output, view),
        column=LossColumn(spec, output, view),
        weight=WeightColumn(view) if weighted else None,
        moments=moments,
        diverges=spec.diverges,
        low=spec.low,
        high=spec.high,
        offset=spec.offset,
        like=like,
        second=LossColumn(spec, output, view, 1) if spec.reduction.pairs else None,
        third=LossColumn(spec, output, view, 2) if spec.reduction.pairs else None,
        centred=lambda centre, mean: Centred(spec, output, view, centre, mean),
    )
