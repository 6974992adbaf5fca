"""What every analysis is told: the losses, and the shape of the data."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossctl.arrays import Array
from lossctl.batch import Batch, View
from lossctl.classes import Classes
from lossctl.exact import ONE, exact, ratio
from lossctl.grouping import Grouping
from lossctl.models import Model
from lossctl.reductions import TOO_LARGE, TOO_SPREAD, Reduced
from lossctl.reductions.additive import Additive
from lossctl.report import Json, LossResult
from lossctl.rounds import Rounds, ask_of, in_step
from lossctl.selection import Like
from lossctl.spec import Spec
from lossctl.terms import Weighing, values_of
from lossctl.twofold import exactly, mean_of


@dataclass(frozen=True, slots=True)
class Context:
    """The question, as the analyses see it."""

    specs: tuple[Spec, ...]
    leading: Spec
    weighted: bool = False
    outputs: int = 1  # columns of the prediction, where they are outputs; 1 for (n,)
    wholes: Mapping[str, Any] = field(default_factory=dict)
    top: int = 0
    moments: bool = False  # intervals are wanted
    pooled: bool = False  # several outputs are scored as one
    point: str | None = (
        None  # the role that is compared with the target, where residuals mean something
    )
    single: frozenset[str] = frozenset()  # the roles of one value a row, or one per output
    whole: Batch | None = None  # all rows, where losses need them together
    like: Like | None = None  # what is known of the rows beforehand
    shown: Callable[[Batch], Json] | None = (
        None  # what to show of a row, where roles are not enough
    )
    classes: Classes | None = None  # what classes are called
    outliers_rule: str = "mad"  # see `fences`
    by: tuple[Grouping, ...] = ()
    decompose: bool = False  # everything is wanted of every loss, at its cost
    inputs: Mapping[str, Any] = field(default_factory=dict)  # role: {"path", "columns"}
    few: int = 1 << 14  # how many rows a sample may hold; fewer where rows are wide

    def weighing(self, column: Any) -> Any:
        """A column, or the terms of a sum, of the rows that weigh anything."""
        return Weighing(column) if self.weighted else column

    def one_sum(self, spec: Spec) -> bool:
        """Whether the loss is one sum over another, and every row adds to both by itself."""
        if self.whole is not None and spec in self.whole.together:
            return False
        alone = self.outputs == 1 or self.adds_up(spec)
        return isinstance(spec.reduction, Additive) and alone

    def adds_up(self, spec: Spec) -> bool:
        """Whether the loss of several outputs is one sum over rows."""
        return spec.reduction.additive or (self.pooled and spec.reduction.squares)

    def reduced(
        self, spec: Spec, view: View | None = None, *, moments: bool | None = None
    ) -> Rounds[Reduced]:
        """The value of one loss: the mean over outputs where it does not add up over them."""
        wanted = self.moments if moments is None else moments
        reduction = spec.reduction
        outputs = self.outputs if spec.roles[0].domain.shape == "value" else 1
        if outputs == 1 or self.adds_up(spec):
            values = values_of(
                spec, weighted=self.weighted, moments=wanted, view=view, like=self.like
            )
            reduced = yield from reduction.rounds(values)
        else:
            each = yield from in_step(
                reduction.rounds(
                    values_of(spec, weighted=self.weighted, moments=False, output=j, view=view)
                )
                for j in range(outputs)
            )
            reduced = _averaged(each)
        if self.whole is not None and spec in self.whole.together:
            reduced = replace(
                reduced, without=lambda block: self._recomputed(spec, block), each=None
            )
        return self.with_penalty(spec, reduced, view)

    def _recomputed(self, spec: Spec, block: Batch) -> float | None:
        """The value of all other rows, where every row enters the others' values."""
        assert self.whole is not None
        rest = self.whole.without_rows(block.rows)
        if rest.count == 0:
            return None
        values = values_of(spec, weighted=self.weighted, moments=False)
        return ask_of(spec.reduction.rounds(values), rest).value

    def penalty(self, spec: Spec, view: View | None = None) -> float | None:
        """The part of the value that no sample makes; None for most losses."""
        if spec.loss.penalty is None:
            return None
        wholes = view.of(self.wholes) if isinstance(view, Model) else self.wholes
        own = {k: v for k, v in spec.all_settings.items() if k != spec.loss.nests}
        return float(spec.loss.penalty(*(wholes[name] for name in spec.loss.wholes), **own))

    def with_penalty(self, spec: Spec, reduced: Reduced, view: View | None = None) -> Reduced:
        """The value with the part that no sample makes."""
        penalty = self.penalty(spec, view)
        if penalty is None or reduced.value is None:
            return reduced
        return shifted(reduced, penalty)


def shifted(reduced: Reduced, constant: float) -> Reduced:
    """The same result with a constant added to every value; overflow where that is too large."""

    def moved(value: float | None) -> float | None:
        try:
            return None if value is None else ratio(exact(value) + exact(constant), ONE)
        except OverflowError:
            return None

    value = moved(reduced.value)
    if value is None:
        return Reduced(None, "overflow", TOO_LARGE, reduced.count)
    inner, interval, reason = reduced.without, reduced.interval, reduced.no_interval
    each = reduced.each

    def moved_each(block: Any) -> Array:
        assert each is not None
        values = each(block) + constant
        return np.where(np.isfinite(values), values, math.nan)

    if interval is not None:
        low, high = interval.low + constant, interval.high + constant
        interval = replace(interval, low=low, high=high)
        if not math.isfinite(high):
            interval, reason = None, TOO_SPREAD
    return replace(
        reduced,
        value=value,
        interval=interval,
        no_interval=reason,
        without=None if inner is None else lambda block: moved(inner(block)),
        each=None if each is None else moved_each,
    )


def _averaged(each: list[Reduced]) -> Reduced:
    """The mean over outputs of their values."""
    for one in each:
        if one.status != "ok":
            return one

    def without(block: Any) -> float | None:
        values = [one.without(block) for one in each if one.without is not None]
        return None if len(values) < len(each) else _mean(values)

    def of_each(block: Any) -> Array:
        columns = [one.each(block) for one in each if one.each is not None]
        value, sure = mean_of(columns)
        for row in np.flatnonzero(~sure):
            held = [float(column[row]) for column in columns]
            value[row] = exactly(_mean([None if math.isnan(one) else one for one in held]))
        return value

    return Reduced(
        _mean([one.value for one in each]),
        count=each[0].count,
        no_interval="not offered for the mean over several outputs",
        without=without,
        each=of_each if all(one.each is not None for one in each) else None,
    )


def _mean(values: list[float | None]) -> float | None:
    known = [exact(value) for value in values if value is not None]
    return ratio(sum(known), len(known) * ONE) if len(known) == len(values) else None


def prose(loss: Spec | LossResult) -> str:
    """A loss's name inside a sentence: MAE, RMSE, KL, where it is made of initials; others as
    they are."""
    text = loss.brief if isinstance(loss, Spec) else loss.title
    name = loss.loss.name if isinstance(loss, Spec) else loss.name
    initials = "".join(word[:1] for word in name.split("_"))
    short = text.isalnum() and text.islower() and (len(text) <= 3 or text == initials)
    if len(text) > LONG:  # all of its settings would drown the sentence
        return loss.loss.label if isinstance(loss, Spec) else loss.label
    return text.upper() if short else text


LONG = 32


def percent(fraction: float) -> str:
    """`1.8 %`."""
    return f"{100 * fraction:.1f} %"
