"""Requirements of a candidate that is a state: what sums and the worst rows can tell."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from lossctl.analyses.context import Context
from lossctl.analyses.within import Slice
from lossctl.errors import UsageError
from lossctl.gates.against import missing, over, unlike
from lossctl.gates.baseline import Baseline
from lossctl.gates.measured import Asked, Found, named_row
from lossctl.gates.requirement import Requirement
from lossctl.gates.rules import Rules
from lossctl.reductions import Reduced
from lossctl.shards.file import State
from lossctl.shards.kept import Kept
from lossctl.spec import Spec

NO_VALUES = "a state holds sums, not the values of rows"
NOT_READ = "predictions, and a state is compared with a state or a report"


def asked_of(state: State, rules: Rules) -> list[Asked]:
    """Every requirement's loss and slice. Raises UsageError for what the state does not hold."""
    return [_asked(state, one) for one in rules.requirements]


def _asked(state: State, one: Requirement) -> Asked:
    quantity = one.quantity
    view = Slice(quantity.where) if quantity.where else None
    spec = None
    if quantity.function not in ("rows", "dropped"):
        spec = _spec(state.context, quantity.loss)
    wanted = Kept(spec or state.context.leading, view)
    if wanted.key not in state.kept:
        slices = sorted({key[1] for key in state.kept if key[1]})
        there = f"it has {', '.join(slices)}" if slices else "it has no slices"
        raise UsageError(f"{one}: the state does not have the slice {view}",
                         f"{there}; check --export state=FILE keeps its own")  # fmt: skip
    return Asked(quantity, spec, view)


def _spec(context: Context, text: str) -> Spec:
    """The loss of a state that a text means: its spec, or a name that only one has."""
    if not text:
        return next((one for one in context.specs if one.shares), context.specs[0])
    having = [one for one in context.specs if text in (str(one), one.brief)]
    having = having or [one for one in context.specs if text in (one.loss.label, one.loss.name)]
    if len(having) != 1:
        listed = ", ".join(map(str, context.specs))
        raise UsageError(f"the state has no loss {text}", f"it has {listed}")
    return having[0]


def found_of(
    state: State, asked: Sequence[Asked], rules: Rules, baseline: Baseline | None
) -> list[Found]:
    """What the state tells of each."""
    why: str | None = "there is no baseline"
    if baseline is not None:
        why = baseline.missing
        if why is None and baseline.is_model:
            why = f"the baseline {baseline.name} is {NOT_READ}"
        if why is None:
            why = unlike(baseline, state.targets, state.order, state.scored)
    return [_found(state, one, rules, baseline, why) for one in asked]


def _found(
    state: State, asked: Asked, rules: Rules, baseline: Baseline | None, why: str | None
) -> Found:
    context, quantity = state.context, asked.quantity
    kept = Kept(asked.spec or context.leading, asked.view)
    states = state.states[kept.key]
    if asked.spec is None:
        count = states["rows"].count
        return Found(Reduced(float(count), count=count))
    value = state.value(kept.key)
    rows = tuple(
        named_row(
            context,
            asked.spec,
            None,
            entry,
            state.like,
            None if quantity.function == "max" else value,
        )
        for entry in state.worst(kept.key)[:3]
    )
    found = Found(value, rows=rows)
    if quantity.function == "abs" and value.value is not None:
        return replace(found, reduced=replace(value, value=abs(value.value), interval=None))
    if quantity.function == "max":
        return _largest(found, context, asked.spec)
    if not quantity.against:
        return found if not quantity.function else missing(found, NO_VALUES)
    return over(context, asked, found, state.states, baseline, why, rules.question)


def _largest(found: Found, context: Context, spec: Spec) -> Found:
    """The largest value of a row: that of the worst one, where what rows add grows with it."""
    if context.weighted or not spec.shares or not found.rows or context.outputs > 1:
        return missing(found, NO_VALUES)
    value = found.rows[0]["value"]
    if value is None or not math.isfinite(value):
        return missing(found, "the worst row is infinite")
    return replace(found, reduced=replace(found.reduced, value=value, status="ok", interval=None))
