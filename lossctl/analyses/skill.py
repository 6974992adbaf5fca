"""Skill: how much better than the best constant prediction, where that is a mean or a median."""

from __future__ import annotations

import math

from lossctl.analyses.context import Context
from lossctl.moments import Moments
from lossctl.reductions import Median, Reduced, Values
from lossctl.rounds import Rounds, in_step
from lossctl.selection import Like
from lossctl.spec import Spec
from lossctl.states import Sums
from lossctl.terms import ColumnTerms, Constant, RoleColumn, WeightColumn


def rounds(context: Context, spec: Spec) -> Rounds[Reduced | None]:
    """The loss of the best constant; None where no mean or median is best."""
    elicits = spec.loss.elicits
    roles = [role.name for role in spec.roles]
    if elicits not in ("mean", "median") or not {roles[0], "target"} <= context.single:
        return None
    if spec.loss.low < 0.0 or "target" not in roles or spec.loss.penalty:
        return None
    outputs = context.outputs if spec.roles[0].domain.shape == "value" else 1
    columns = [RoleColumn("target", j if outputs > 1 else None) for j in range(outputs)]
    weight = WeightColumn() if context.weighted else None
    if elicits == "mean":
        means = [Moments(c, weight) if weight else Sums(ColumnTerms(c, None)) for c in columns]
        states = yield tuple(means)
        constants = tuple(states[one].mean for one in means)
    else:
        medians = yield from in_step(
            Median().rounds(_plain_values(column, weight, context.like)) for column in columns
        )
        if any(one.value is None for one in medians):
            return None
        constants = tuple(one.value or 0.0 for one in medians)
    view = Constant(roles[0], constants)
    return (yield from context.reduced(spec, view, moments=False))


def of(value: Reduced, reference: Reduced | None) -> float | None:
    """1 - value / reference; None where that means nothing, or is too large for a float."""
    if reference is None or value.value is None or not reference.value:
        return None
    gain = 1.0 - value.value / reference.value
    return gain if math.isfinite(gain) else None


def _plain_values(column: RoleColumn, weight: WeightColumn | None, like: Like | None) -> Values:
    return Values(
        terms=ColumnTerms(column, weight),
        column=column,
        weight=weight,
        moments=False,
        diverges=False,
        low=float("-inf"),
        high=float("inf"),
        like=like,
    )
