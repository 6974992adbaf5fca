"""Everything that `check` asks of the rows, in step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest
from lossctl.analyses.levels import Coded, Levels
from lossctl.analyses.within import Slice
from lossctl.batch import Batch
from lossctl.errors import UsageError, inert
from lossctl.gates.baseline import Baseline
from lossctl.gates.judged import Judge
from lossctl.gates.measured import Asked, Found
from lossctl.gates.measured import rounds as measured
from lossctl.gates.requirement import Requirement
from lossctl.gates.rules import Rules
from lossctl.grammar import Common
from lossctl.models import Model
from lossctl.plan import Plan
from lossctl.reductions import Reduced
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec

Parse = Callable[[str], Spec]
LEVELS = 50  # values of a column that a message can choose from


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was asked, what was found, and who judges it."""

    asked: Sequence[Asked]
    found: Sequence[Found]
    judge: Judge
    digest: str


def planned(plan: Plan, rules: Rules, baseline: Baseline | None) -> Plan:
    """The plan with what the requirements need: their losses, the columns of their slices, and the
    baseline as the first of two models."""
    plan = replace(plan, losses=rules.losses, show=(*plan.show, *rules.columns),
                   units=rules.question.units)  # fmt: skip
    if baseline is None or baseline.missing is not None:
        return plan
    models = baseline.contenders(plan.pred, plan.pred_col)
    return replace(plan, models=models, pred=models[0].pred, pred_col=models[0].columns)


def parsed(text: str, *, plan: Plan, common: Common) -> Spec:
    """The one loss that a text means here. Raises UsageError where it is several."""
    specs = replace(plan, losses=(text,)).specs((), common)
    if len(specs) != 1:
        raise UsageError(f"{text} is {len(specs)} losses here", "--like takes one library")
    return specs[0]


def rounds(
    context: Context,
    models: Sequence[Model],
    rules: Rules,
    baseline: Baseline | None,
    parse: Parse,
    like: Batch,
) -> Rounds[Measured]:
    """What is found of every requirement; `like` is any batch."""
    every = [_asked(one, context, parse, like) for one in rules.requirements]
    compared = len(models) > 1
    live = [one for one in every if compared or not one.quantity.against]
    columns = rules.columns
    asked: list[Rounds[Any]] = [
        measured(context, models, live, rules.question, like),
        in_step(one_state(Levels(Coded(name), LEVELS)) for name in columns),
        one_state(Digest()),
    ]
    told, levels, digest = yield from in_step(asked)
    answers = iter(told)
    nothing = Reduced(None, "undefined", None if baseline is None else baseline.missing)
    found = [next(answers) if compared or not one.quantity.against else Found(nothing)
             for one in every]  # fmt: skip
    known = {name: state.ordered() for name, state in zip(columns, levels, strict=True)}
    name = models[0].name if compared else "the baseline" if baseline is None else baseline.name
    return Measured(every, found, Judge(context, rules, name, known), str(digest))


def _asked(one: Requirement, context: Context, parse: Parse, like: Batch) -> Asked:
    """A requirement's loss and slice. Raises UsageError for what these losses or columns do not
    have."""
    quantity = one.quantity
    if quantity.function in ("rows", "dropped"):
        spec = None
    elif quantity.loss:
        spec = parse(quantity.loss)
    else:
        spec = next((each for each in context.specs if each.shares), context.specs[0])
    by_row = quantity.percentile is not None or quantity.function == "regressed_rows"
    if spec is not None and by_row and spec.reduction.pairs and spec.reduction.name != "ratio":
        raise UsageError(f"{one}: {spec.loss.label} has no value for a row of its own")
    for condition in quantity.where:
        text = like.extras[condition.column].is_text
        if text and condition.operator not in ("==", "!="):
            raise UsageError(f"{one}: {inert(condition.column)} is text, which has no order",
                             "compare it by = or !=")  # fmt: skip
    return Asked(quantity, spec, Slice(quantity.where) if quantity.where else None)


def dropped(counts: Mapping[str, Any]) -> tuple[int, int]:
    """How many rows are dropped, of how many."""
    return sum(counts["dropped"].values()), max(counts["read"].values(), default=0)
