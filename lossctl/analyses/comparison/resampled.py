"""Rows by the hand: bootstrap intervals, and tests of signs and ranks, of no more rows than fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.comparison.question import Question
from lossctl.analyses.context import Context
from lossctl.analyses.error_curves import Rows
from lossctl.analyses.inference.bootstrap import ROWS, intervals, sums_drawn, sums_without
from lossctl.analyses.inference.signflip import sign_flip
from lossctl.analyses.inference.wilcoxon import signed_rank
from lossctl.arrays import Array, Integers
from lossctl.batch import Batch
from lossctl.errors import DataError
from lossctl.hashing import mixed
from lossctl.models import Model
from lossctl.reductions.additive import Additive
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.terms import LossTerms
from lossctl.units import BUCKETS, UnitsState, UnitSums


@dataclass(frozen=True, slots=True)
class Side:
    """What each row adds to one of the sums of a model's loss: a, or b."""

    terms: LossTerms
    below: bool

    def __call__(self, batch: Batch) -> Array:
        terms = self.terms(batch)
        if self.below:
            return np.ones(batch.count) if terms.b is None else terms.b
        with np.errstate(over="ignore"):
            parts = (np.ldexp(part, shift) for part, shift in terms.parts)
            return sum(parts, np.zeros(batch.count))


@dataclass(frozen=True, slots=True)
class BucketOf:
    """The bucket of each row, by a hash of its key, or of its number."""

    def __call__(self, batch: Batch) -> Integers:
        return (mixed(batch.order) & np.uint64(BUCKETS - 1)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Resampled:
    """By loss: the rows' a and b of every model, (2 M, n), or None; and the same by bucket."""

    columns: dict[str, Array]
    buckets: dict[str, UnitsState]
    reductions: dict[str, Additive]
    drawn: dict[str, Array]
    signed: frozenset[str]  # the losses that are best at 0

    def interval(
        self, spec: str, number: int, question: Question, rows: int, weighing: int
    ) -> tuple[float, float] | None:
        """The BCa interval of the difference of a model's value from the first one's; None where
        there is none. `rows` count in the loss, `weighing` of them weigh anything."""
        if spec not in self.drawn:
            return None
        columns = self.columns[spec].T
        reduction = self.reductions[spec]

        def statistic(sums: Array) -> Array:
            each = [_values(reduction, sums[:, 2 * n], sums[:, 2 * n + 1], rows, weighing)
                    for n in (0, number)]  # fmt: skip
            if spec in self.signed:
                each = [np.abs(one) for one in each]
            return each[1] - each[0]

        total = columns.sum(axis=0)[np.newaxis]
        with np.errstate(all="ignore"):
            found = intervals(
                float(statistic(total)[0]), statistic(self.drawn[spec]),
                statistic(sums_without(columns)), question.confidence,
            )  # fmt: skip
        return found.bca

    def p(self, spec: str, number: int, question: Question) -> float | None:
        """The p-value of the test that was asked for; None where it does not fit."""
        columns = self.columns.get(spec)
        if question.test == "permutation" and columns is None and spec in self.buckets:
            columns = self.buckets[spec].table[:, 1:].T
        if columns is None:
            return None
        a, b = columns[0::2], columns[1::2]
        gap = a[number] - a[0]
        if spec in self.signed or (b[number] != b[0]).any():
            if question.test == "wilcoxon":
                return None  # influences are not alike on both sides, if nothing differs
            gap = self._influences(spec, a, b, number)
        if not np.isfinite(gap).all():
            return None
        if question.test == "wilcoxon":
            return signed_rank(gap).p
        return sign_flip(gap, question.resamples, question.seed).p

    def _influences(self, spec: str, a: Array, b: Array, number: int) -> Array:
        """What each row makes of the difference of two values that are no sums of what rows add:
        their influences, and its part of the difference."""
        sides, values = [], []
        for one in (0, number):
            with np.errstate(all="ignore"):
                value = a[one].sum() / b[one].sum()
                side = (a[one] - value * b[one]) / b[one].sum()
            sign = -1.0 if spec in self.signed and value < 0.0 else 1.0
            sides.append(sign * side)
            values.append(sign * value)
        found: Array = sides[1] - sides[0] + (values[1] - values[0]) / a.shape[1]
        return found


def _values(reduction: Additive, a: Array, b: Array, rows: int, weighing: int) -> Array:
    """The values of sums, as `Additive.finish` makes them of exact ones."""
    by: dict[str, Array | float] = {"weights": b, "rows": rows, "nonzero": weighing, "one": 1.0}
    inner: Array = a / by[reduction.divisor]
    if reduction.outer == "root":
        return np.sqrt(np.maximum(inner, 0.0))
    return np.exp(inner) if reduction.outer == "exp" else inner


def fits(context: Context, spec: Spec) -> bool:
    """Whether a loss can be worked out of the sums of some rows."""
    return context.one_sum(spec) and spec.offset == (0.0, 0.0)


def rounds(
    context: Context, models: Sequence[Model], question: Question
) -> Rounds[Resampled | None]:
    """The rows of the losses, where a bootstrap or a test of rows is asked for. Raises DataError
    for more than ROWS; signs of more are flipped by bucket."""
    wanted = question.interval == "bca" or question.test in ("permutation", "wilcoxon")
    specs = [spec for spec in context.specs if fits(context, spec)]
    if not wanted or not specs:
        return None
    signed = frozenset(str(spec) for spec in specs if spec.direction == "zero")
    terms = {spec: [LossTerms(spec, None, model) for model in models] for spec in specs}
    columns = tuple(context.weighing(Side(one, below)) for spec in specs for one in terms[spec]
                    for below in (False, True))  # fmt: skip
    rows = Rows(columns, ROWS)
    table = (yield (rows,))[rows].table()
    reductions = {str(spec): spec.reduction for spec in specs
                  if isinstance(spec.reduction, Additive)}  # fmt: skip
    if table is None:
        many = f"there are more than {ROWS} rows"
        if question.interval == "bca":
            raise DataError(f"--ci bca: {many}", "--ci delta takes any number")
        if question.test == "wilcoxon":
            raise DataError(f"--test wilcoxon: {many}", "--test sign takes any number")
        unit = context.weighing(BucketOf())
        asked = {
            spec: UnitSums(unit, tuple(context.weighing(one) for one in terms[spec]))
            for spec in specs
        }
        states = yield tuple(asked.values())
        return Resampled(
            {}, {str(spec): states[asked[spec]] for spec in specs}, reductions, {}, signed
        )
    width = 2 * len(models)
    each = {str(spec): table[place * width : (place + 1) * width]
            for place, spec in enumerate(specs)}  # fmt: skip
    drawn: dict[str, Array] = {}
    if question.interval == "bca" and table.shape[1] > 1:
        with np.errstate(all="ignore"):
            sums = sums_drawn(table.T, question.resamples, question.seed)
        drawn = {str(spec): sums[:, place * width : (place + 1) * width]
                 for place, spec in enumerate(specs)}  # fmt: skip
    return Resampled(each, {}, reductions, drawn, signed)
