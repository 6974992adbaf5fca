"""A plan in, a report out: what eval, advise and slices do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from lossctl import __version__, grammar
from lossctl import notes as said
from lossctl.analyses import detectors, evaluation, finding
from lossctl.analyses.digest import Digest
from lossctl.errors import DataError, UsageError
from lossctl.needs import TARGETS
from lossctl.passes import Progress
from lossctl.plan import Plan
from lossctl.report import Gate, Json, LossResult, Note, Part, Report, Table, Worst
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.scoring import Scoring, common_of, scoring

if TYPE_CHECKING:
    from lossctl.analyses.comparison.question import Question
    from lossctl.analyses.within import Slice

T = TypeVar("T")


def evaluate_plan(plan: Plan, progress: Progress | None = None) -> Report:
    """Score a plan's files: the report of `eval`. Raises UsageError and DataError.

    `progress` is called with the rows of this pass so far, their number where it is known, and
    the number of the pass.
    """
    with scoring(plan, progress) as held:
        if held.context is None:
            return _all_ignored(held)
        kept, shard = shard_of(held)
        targets = [one_state(Digest(TARGETS))] if plan.digest_targets else []
        asked: list[Rounds[Any]] = [
            evaluation.rounds(held.context, full=plan.full), in_step(targets), shard
        ]  # fmt: skip
        found, digests, states = held.ask(in_step(asked))
        report = replace(_report(held, found), targets=next(map(str, digests), None))
        return replace(report, **kept_of(held, kept, states))


def shard_of(held: Scoring, views: Iterable[Slice | None] = (None,)) -> tuple[Any, Rounds[Any]]:
    """What a state keeps of the slices, and the question that asks for it; nothing where no state
    is wanted. Raises UsageError for rows that a state could not tell apart."""
    if not held.plan.keep_state:
        return {}, in_step([])
    from lossctl.shards import made
    from lossctl.shards.kept import Kept, listed

    made.check(held.plan)
    kept = listed(Kept(spec, view) for view in views for spec in held.specs)
    return kept, made.rounds(held.rows()[0], kept, by_ids=held.plan.id_col is not None)


def kept_of(held: Scoring, kept: Any, states: Any) -> dict[str, Any]:
    """The fields of a report that hold the state."""
    if not kept:
        return {}
    from lossctl.shards import made

    state = made.state(held, kept, states)
    return {"state": state.to_json()}


def advise_plan(plan: Plan, progress: Progress | None = None) -> Report:
    """What to do about a plan's predictions: the report of `advise`, from one pass.

    Raises UsageError for a task that there are no rules for, and as `scoring` does; DataError
    where every row has the label that is ignored.
    """
    from lossctl.analyses.advice import asked

    with scoring(plan, progress) as held:
        context, _ = held.rows()
        (found, digest), wrong = _checked(held, asked.with_digest(context, held.task.task))
        return report_of(
            held,
            "advise",
            table=asked.table(found),
            parts=asked.parts(found),
            notes=(*asked.notes(found), *wrong),
            finding=finding.of_wrong(wrong[0]) if wrong else asked.finding(found),
            digest=digest,
        )


def slices_plan(
    plan: Plan,
    progress: Progress | None = None,
    *,
    against: Plan | None = None,
) -> Report:
    """Where a plan's predictions fail: the report of `slices`, by its groups, and on every column
    (`carry_all`); with `against` the change since that plan's, split by the groups.

    Raises UsageError where nothing of it is asked, and as `scoring` does; DataError where every
    row has the label that is ignored.
    """
    from lossctl.analyses import sliced

    if not plan.by and (against is not None or not plan.carry_all):
        raise UsageError("--by names no column", "--by region, or --find searches all columns")
    with scoring(plan, progress) as held:
        context, first = held.rows()
        leading = sliced.leading(context)
        texts = {name: extra.is_text for name, extra in first.extras.items()}
        if plan.carry_all and not texts:
            raise UsageError("--find: every column plays a role", "add columns to the targets")
        asked = sliced.rounds(context, plan.by, texts if plan.carry_all else None)
        found, wrong = _checked(held, asked)
        changes: list[Part] = []
        if against is not None:
            with scoring(against, progress) as other:
                old = sliced.before(other.rows()[0], plan.by, leading, found.groups)
                before, doubts = _checked(other, old)
                changes = sliced.changes(found, before)
                wrong += [replace(one, text=f"in --against {one.text}") for one in doubts]
        return report_of(
            held,
            "slices",
            table=sliced.table(context, found, changes),
            parts=sliced.parts(context, found, changes),
            notes=tuple(wrong),
            finding=(
                finding.of_wrong(wrong[0]) if wrong else sliced.finding(context, found, changes)
            ),
            digest=found.digest,
        )


def compare_plan(
    plan: Plan, progress: Progress | None = None, *, question: Question | None = None
) -> Report:
    """Several models on the same rows: the report of `compare`.

    Raises UsageError for fewer than two models, and as `scoring` does; DataError where every row
    has the label that is ignored.
    """
    from lossctl.analyses.comparison import abstained, compared, ranks, sweep, tables, told
    from lossctl.analyses.comparison import finding as answer
    from lossctl.analyses.comparison.question import Question

    asked = Question() if question is None else question
    if len(plan.models) < 2:
        raise UsageError("compare needs two models or more", "NAME=PREDS names each")
    if plan.nan == "propagate":
        raise UsageError("--nan propagate leaves nothing to compare", "--nan drop counts such rows")
    plan = replace(plan, units=asked.units)
    over = None if asked.sweep is None else sweep.range_of(asked.sweep)
    if over is not None:
        plan = replace(plan, beside=(over.text(over.low), over.text(over.high)))
    with scoring(plan, progress) as held:
        context, first = held.rows()
        context = compared.led(context, asked)
        if all(spec.reduction.name == "none" for spec in context.specs):
            raise UsageError("--reduction none leaves nothing to compare", "leave it out")
        models = held.binding.models
        parse = partial(grammar.parse, common=common_of(plan, held.task))
        swept = None if over is None else (over, parse)
        question_of = compared.rounds(context, models, asked, first, held.task.task, swept)
        found = held.ask(question_of)
        assert held.partial is not None
        names = found.names
        ranked = ranks.ranks(found.leading, asked)
        gone = abstained.abstained(
            found.leading, names, held.ledger.lost, held.partial,
            one_sum=context.one_sum(context.leading),
        )  # fmt: skip
        hidden = [names[one.model] for one in gone if one.hard]
        missing = abstained.part(gone, found.leading, names, held.scored)
        return report_of(
            held,
            "compare",
            table=tables.records(found.losses, names, asked.confidence),
            shown=tables.shown(found.losses, names, ranked, asked.confidence),
            models=held.models,
            parts=(*([] if missing is None else [missing]), *told.parts(found, asked, ranked)),
            notes=(*abstained.notes(gone, found.leading, names), *told.notes(found, asked)),
            finding=answer.finding(found, ranked, asked, hidden),
            digest=found.digest,
        )


def _checked(held: Scoring, question: Rounds[T]) -> tuple[T, list[Note]]:
    """The answer to a question, and what looks wrong about the inputs: then nothing else counts."""
    answers: list[Any] = held.ask(in_step([question, detectors.rounds(held.rows()[0])]))
    return answers[0], answers[1]


def _report(held: Scoring, found: evaluation.Evaluation) -> Report:
    plan, context, batches = held.plan, held.context, held.batches
    assert context is not None and held.first is not None
    if batches.poisoned:
        unknown = {
            name: replace(one, value=None, status="undefined", interval=None, total=None,
                          reason=_poisoned(batches.poisoned), without=None)
            for name, one in found.values.items()
        }  # fmt: skip
        found = evaluation.Evaluation(unknown, {}, {}, None, None, None, found.digest)
    with np.errstate(all="ignore"):  # what float64 cannot hold is said in words
        parts = evaluation.parts(context, found, held.first, held.scored, held.ledger.dropped)
    if plan.losses:
        for result in parts.losses:
            if result.status == "overflow":
                raise DataError(f"{result.spec} overflows: {result.reason}",
                                "scale the columns, or ask for other losses")  # fmt: skip
    return report_of(
        held,
        "eval",
        losses=parts.losses,
        worst=parts.worst,
        parts=parts.parts,
        notes=parts.notes,
        finding=parts.finding,
        ignored=parts.ignored,
        digest=found.digest,
    )


def report_of(
    held: Scoring,
    command: str,
    *,
    losses: tuple[LossResult, ...] = (),
    worst: Worst | None = None,
    table: Table | None = None,
    parts: tuple[Part, ...] = (),
    notes: tuple[Note, ...] = (),
    finding: str = "",
    ignored: int = 0,
    digest: str | None = None,
    shown: tuple[Table, ...] = (),
    models: tuple[Json, ...] = (),
    gate: Gate | None = None,
) -> Report:
    """What a command found, with what is said of every run: the files, the rows, the task."""
    plan = held.plan
    return Report(
        lossctl=__version__,
        command=command,
        task=held.task.task,
        signature=plan.signature(held.scored, digest, __version__),
        inputs=held.inputs,
        rows=held.counts(ignored),
        losses=losses,
        worst=worst,
        table=table,
        parts=parts,
        notes=(
            *said.of_task(plan, held.task),
            *said.of_settings(plan, held.task, held.specs),
            *said.of_pairing(plan, held.binding),
            *said.of_sums(held.batches),
            *notes,
        ),
        finding=finding,
        shown=shown,
        models=models,
        gate=gate,
    )


def _all_ignored(held: Scoring) -> Report:
    """The report of files in which no row counts: no loss has a value, and that is no error."""
    plan = held.plan
    reason = f"every row has the ignored label {plan.ignore_index}"
    results = tuple(
        LossResult(
            spec=str(spec), name=spec.loss.name, label=spec.loss.label,
            params=evaluation.params(spec.all_settings), reduction=spec.reduction.name,
            direction=spec.direction, value=None, status="undefined", reason=reason, n=0,
        )
        for spec in held.specs
    )  # fmt: skip
    return Report(
        lossctl=__version__,
        command="eval",
        task=held.task.task,
        signature=plan.signature(0, None, __version__),
        inputs=held.inputs,
        rows=held.counts(),
        losses=results,
        notes=tuple(said.of_task(plan, held.task)),
        finding=f"No loss has a value: {reason}.",
    )


def _poisoned(count: int) -> str:
    return "1 row holds NaN" if count == 1 else f"{count} rows hold NaN"
