"""A plan, or a state, and requirements in, a report with its gate out: what check does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from lossctl import __version__
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.digest import Digest
from lossctl.errors import UsageError
from lossctl.gates import asked, measured, of_state, selftest, sequential, suggest, told
from lossctl.gates.accepted import provenance
from lossctl.gates.baseline import Baseline
from lossctl.gates.judged import Judge, critical
from lossctl.gates.rules import Rules
from lossctl.gates.sequential import Looks
from lossctl.passes import Progress
from lossctl.plan import Plan
from lossctl.report import Report
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.run import kept_of, report_of, shard_of
from lossctl.scoring import common_of, scoring
from lossctl.shards.file import State
from lossctl.shards.report import report_of as report_of_state


def check_plan(
    plan: Plan,
    progress: Progress | None = None,
    *,
    rules: Rules,
    baseline: Baseline | None = None,
    looks: Looks | None = None,
    keep: Callable[[Looks], None] | None = None,
) -> Report:
    """Whether a plan's predictions meet requirements: the report of `check`, with its `gate`.

    `looks` are those of earlier runs on fewer of the rows; `keep` is told what they are now. Raises
    UsageError for requirements that need a baseline where none is named, for a slice by a column
    that is not there, and as `scoring` does; DataError where every row has the label that is
    ignored.
    """
    rules.check(baseline)
    plan = asked.planned(plan, rules, baseline)
    with scoring(plan, progress) as held:
        asked.check_sides(held.inputs, held.models)
        context, first = held.rows()
        models = held.binding.models
        parse = partial(asked.parsed, plan=plan, common=common_of(plan, held.task))
        question = asked.rounds(context, models, rules, baseline, parse, first)
        kept, shard = shard_of(held, asked.views(rules))
        seen = [] if looks is None else [sequential.rounds(looks, lambda: held.scored)]
        asking: list[Rounds[Any]] = [
            question, asked.wrong(context, models), shard, in_step(seen)
        ]  # fmt: skip
        found, wrong, states, placed = held.ask(in_step(asking))
        look = next(iter(placed), None)
        judge = Judge(context, rules, found.baseline, found.levels, look)
        checks = judge.checks(found.asked, found.found, *asked.dropped(held.counts()))
        gate = rules.gate(checks)
        if looks is not None and look is not None and keep is not None:
            keep(sequential.added(looks, look, gate.outcome))
        said = told.told(gate, rules, look)
        origin = [] if baseline is None else provenance(baseline, __version__)
        origin += told.left_out(held.models)
        if rules.self_test:
            tried = held.ask(
                selftest.tried(context, models, rules, found.asked, judge, checks, first)
            )
            said = selftest.told(tried)
        report = report_of(
            held,
            "check",
            table=said.table,
            shown=said.shown,
            models=held.models,
            notes=(*origin, *said.notes, *wrong),
            finding=said.finding,
            digest=found.digest,
            gate=said.gate,
        )
        return replace(report, targets=found.targets, **kept_of(held, kept, states))


def suggest_plan(
    plan: Plan,
    progress: Progress | None = None,
    *,
    losses: Sequence[str] = (),
    question: Question,
    baseline: Baseline | None = None,
) -> Report:
    """Limits of a plan's losses, and margins over a baseline, from the noise of the rows: the
    report of `check --suggest`.

    Raises UsageError for a baseline that is no predictions, and as `scoring` does; DataError where
    every row has the label that is ignored.
    """
    plan = replace(asked.with_baseline(plan, baseline), losses=tuple(losses), units=question.units)
    if baseline is not None and not baseline.is_model:
        raise UsageError("--suggest looks at the rows of both models",
                         "--baseline names predictions, not a state or report")  # fmt: skip
    with scoring(plan, progress) as held:
        context, first = held.rows()
        models = held.binding.models
        every = suggest.asked_of(held.specs, compared=len(models) > 1)
        asking: list[Rounds[Any]] = [
            measured.rounds(context, models or (None,), every, question, first),
            one_state(Digest()),
        ]
        found, digest = held.ask(in_step(asking))
        made = suggest.suggestions(context, held.specs, found, critical(question.confidence))
        compared = len(models) > 1
        return report_of(
            held, "check", table=suggest.table(made, compared=compared), models=held.models,
            parts=tuple(suggest.parts(made)), notes=tuple(suggest.notes(made, compared=compared)),
            finding=suggest.finding(made), digest=str(digest),
        )  # fmt: skip


def check_state(state: State, path: str, *, rules: Rules, baseline: Baseline | None) -> Report:
    """Whether the rows of a state meet requirements: as `check_plan`, from sums.

    Raises UsageError for a loss or slice that the state does not have.
    """
    rules.check(baseline)
    asked = of_state.asked_of(state, rules)
    found = of_state.found_of(state, asked, rules, baseline)
    name = "the baseline" if baseline is None else baseline.name
    rows = sum(state.dropped.values()), max(state.read.values(), default=0)
    gate = rules.gate(Judge(state.context, rules, name, {}).checks(asked, found, *rows))
    said = told.told(gate, rules)
    origin = [] if baseline is None else provenance(baseline, __version__)
    report = report_of_state(state, path, "check")
    return replace(
        report, losses=(), worst=None, parts=(), table=said.table, shown=said.shown,
        finding=said.finding, notes=(*origin, *said.notes), gate=said.gate,
    )  # fmt: skip
