"""Everything that `check` asks of the rows, in step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses import detectors
from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest, DigestState
from lossctl.analyses.levels import Coded, Level, Levels
from lossctl.analyses.within import Slice
from lossctl.batch import Batch
from lossctl.errors import UsageError, inert
from lossctl.few import Few
from lossctl.gates.against import increases, over, unlike
from lossctl.gates.baseline import Baseline
from lossctl.gates.measured import Asked, Found
from lossctl.gates.measured import rounds as measured
from lossctl.gates.requirement import Requirement
from lossctl.gates.rules import Rules
from lossctl.grammar import Common
from lossctl.models import Model
from lossctl.needs import TARGETS
from lossctl.plan import Plan
from lossctl.report import ASIDE, Note
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.shards import made
from lossctl.shards.kept import listed
from lossctl.shards.made import Answers
from lossctl.spec import Spec

Parse = Callable[[str], Spec]
LEVELS = 50  # values of a column that a message can choose from


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What was asked and found, and what judging it takes: see `Judge`."""

    asked: Sequence[Asked]
    found: Sequence[Found]
    baseline: str  # what it is called
    levels: Mapping[str, Sequence[Level]]
    digest: str
    targets: str


def planned(plan: Plan, rules: Rules, baseline: Baseline | None) -> Plan:
    """The plan with what the requirements need: their losses, the columns of their slices, and the
    baseline as the first of two models."""
    slices = ((str(r), one.column) for r in rules.requirements for one in r.quantity.where)
    plan = replace(plan, losses=rules.losses, units=(*rules.question.units, *slices))
    return with_baseline(plan, baseline)


def with_baseline(plan: Plan, baseline: Baseline | None) -> Plan:
    """The plan with predictions that are its baseline as the first of two models."""
    if baseline is None or not baseline.is_model:
        return plan
    models = baseline.contenders(plan.pred, plan.pred_col)
    return replace(plan, models=models, pred=models[0].pred, pred_col=models[0].columns)


def check_sides(inputs: Mapping[str, Any], models: Sequence[Mapping[str, Any]]) -> None:
    """Raises UsageError where one column is prediction and target: such a gate always passes."""
    truths = [(inputs[role]["path"], inputs[role]["columns"]) for role in TARGETS if role in inputs]
    sides = [inputs[role] for role in inputs if role not in (*TARGETS, *ASIDE)] + list(models)
    for one in sides:
        if (one["path"], one["columns"]) in truths:
            name = inert(", ".join(filter(None, one["columns"])) or "a column")
            raise UsageError(f"{one['path']}: {name} is prediction and target at once",
                             "--pred-col and --target-col name two columns")  # fmt: skip


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
    # Over a state or report a candidate's own value is asked for: the rest is in the file.
    live = every if compared else [_own(one) for one in every]
    columns = rules.columns
    over = None if baseline is None else baseline.state
    kept = [] if over is None else increases(every)
    by_ids = over is not None and over.parts.by_ids
    if kept and by_ids and like.ids is None:
        raise UsageError("the rows of the baseline are told by their ids", "--id-col names them")
    asked: list[Rounds[Any]] = [
        measured(context, models or (None,), live, rules.question, like),
        in_step(one_state(Levels(Coded(name), LEVELS)) for name in columns),
        one_state(Digest()),
        one_state(Digest(TARGETS)),
        made.rounds(context, listed(kept), by_ids=by_ids) if kept else in_step([]),
    ]
    found, levels, digest, targets, states = yield from in_step(asked)
    if not compared and baseline is not None:
        found = _against(context, rules, baseline, every, found, targets, states or None)
    known = {name: state.ordered() for name, state in zip(columns, levels, strict=True)}
    name = models[0].name if compared else "the baseline" if baseline is None else baseline.name
    return Measured(every, found, name, known, str(digest), str(targets))


def wrong(context: Context, models: Sequence[Model]) -> Rounds[list[Note]]:
    """What looks wrong about the inputs."""
    if len(models) < 2:
        return (yield from detectors.rounds(context))
    few = Few(context.few, "row")
    batch = (yield from one_state(few)).batch
    return [] if batch is None else detectors.of_models(context, models[1:], batch)


def views(rules: Rules) -> list[Slice | None]:
    """All rows, and every slice that is asked for, each once."""
    each = dict.fromkeys(r.quantity.where for r in rules.requirements)
    return [None, *(Slice(where) for where in each if where)]


def _own(one: Asked) -> Asked:
    """A requirement of a baseline as one of the candidate's own value."""
    return (
        replace(one, quantity=replace(one.quantity, function="")) if one.quantity.against else one
    )


def _against(
    context: Context,
    rules: Rules,
    baseline: Baseline,
    every: Sequence[Asked],
    found: Sequence[Found],
    targets: DigestState,
    answers: Answers | None,
) -> list[Found]:
    """What is found of requirements of a baseline that is not read beside the candidate."""
    order = None if answers is None else answers.order
    rows = found[0].reduced.count if found else 0
    why = baseline.missing or unlike(baseline, targets, order, rows)
    states = {} if answers is None else answers.states
    return [
        over(context, one, own, states, baseline, why, rules.question)
        if one.quantity.against else own
        for one, own in zip(every, found, strict=True)
    ]  # fmt: skip


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
