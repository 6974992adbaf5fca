"""Rows in which several models differ: what each predicts and loses, and how much more."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.analyses import detectors
from lossctl.analyses.comparison.gaps import Gap, GapTerms
from lossctl.analyses.context import Context, prose
from lossctl.analyses.digest import Digest
from lossctl.analyses.wording import percent
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.errors import UsageError
from lossctl.exact import ONE, ratio
from lossctl.extras import Extra
from lossctl.models import Model
from lossctl.passes import Progress
from lossctl.plan import NOT_NAMES, Plan
from lossctl.report import Note, Part, Report, row_name, said_name
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.run import report_of
from lossctl.samples.answer import CHOSEN, TOLD, Rows, made_rows, top_rows
from lossctl.samples.cells import number
from lossctl.samples.described import Described
from lossctl.samples.measured import value_of
from lossctl.samples.question import Question
from lossctl.scoring import Scoring, scoring
from lossctl.shown import Shown
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState
from lossctl.tables import Column, Kind, Table

SORTS = ("difference", "better", "worse", "row")


@dataclass(frozen=True, slots=True)
class Furthest:
    """How far each row's losses lie apart: of all models from the first the largest difference, or
    how much the last is `better` or `worse`."""

    spec: Spec
    models: tuple[Model, ...]
    sort: str

    def __call__(self, batch: Batch) -> Array:
        gaps = [Gap(self.spec, self.models[0], model)(batch) for model in self.models[1:]]
        if self.sort == "difference":
            furthest: Array = np.max([np.abs(gap) for gap in gaps], axis=0)
            return furthest
        larger = (self.sort == "worse") != (self.spec.direction == "max")
        return gaps[-1] if larger else -gaps[-1]


@dataclass(frozen=True, slots=True)
class Apart:
    """The columns of one loss: every model's value, and how much larger it is than the first's."""

    spec: Spec
    models: tuple[Model, ...]

    def name(self, field: str) -> str:
        """`mae_ridge`, `mae_difference`."""
        return f"{self.spec}_{field}"

    def difference(self, number: int) -> str:
        """The name of a model's column of differences."""
        model = self.models[number].name
        return self.name("difference" if len(self.models) == 2 else f"{model}_difference")

    def columns(self, batch: Batch) -> Iterator[tuple[str, Extra]]:
        """Its columns of some rows."""
        values = [value_of(self.spec, batch.seen(model)) for model in self.models]
        for model, one in zip(self.models, values, strict=True):
            yield self.name(model.name), number(one)
        for place, one in enumerate(values[1:], 1):
            yield self.difference(place), number(one - values[0])


class DescribedByAll:
    """Called with some rows, gives what says which they are, and what each model predicted."""

    def __init__(self, held: Scoring, *, told: bool, taken: Collection[str]) -> None:
        """The names in `taken` are for other columns."""
        assert held.context is not None
        binding = held.binding
        self.models = binding.models
        self.taken = set(taken)
        self.each = []
        for place in range(len(self.models)):
            own = binding.of(place)
            context = replace(held.context, shown=Shown(own, held.specs))
            self.each.append(Described(replace(held, binding=own, context=context), told=told))

    def __call__(self, batch: Batch) -> dict[str, Extra]:
        found: dict[str, Extra] = {}
        predicted: dict[str, Extra] = {}
        for model, described in zip(self.models, self.each, strict=True):
            for name, extra in described(replace(batch.seen(model), extras={})).items():
                if name in NOT_NAMES:
                    found.setdefault(name, extra)
                    continue
                own = model.name if name == "pred" else f"{model.name}_{name}"
                if own in predicted or own in self.taken:
                    raise _clash(own)
                predicted[own] = extra
        made = found | predicted
        for name, extra in batch.extras.items():
            free = name not in made and name not in self.taken
            made[name if free else f"{name}_shown"] = extra
        return made


def _clash(name: str) -> UsageError:
    return UsageError(
        f"two columns would be called {name}", "NAME=PREDS gives the models other names"
    )


@dataclass(frozen=True, slots=True, eq=False)
class Differences:
    """What was asked: `rows` comes once, block after block; nothing is made before it is read."""

    held: Scoring
    question: Question
    losses: tuple[Apart, ...]
    rows: Iterator[Rows]
    most: int  # rows there may be
    sizes: SumsState  # of the leading loss's differences
    values: Mapping[str, Any]  # of all rows, by loss and model
    wrong: tuple[Note, ...]
    digest: str


@contextmanager
def differences(
    plan: Plan, question: Question, progress: Progress | None = None
) -> Iterator[Differences]:
    """The rows in which the models of a plan differ, as `question` asks for them. Raises UsageError
    and DataError before the first row comes."""
    if question.outlying or question.trim is not None:
        option = "--outliers" if question.outlying else "--trim"
        raise UsageError(f"{option} is about the rows of one model", "leave it out")
    with scoring(replace(plan, full=True), progress) as held:
        yield _differences(held, question)


def _differences(held: Scoring, question: Question) -> Differences:
    context, first = held.rows()
    models = held.binding.models
    specs = context.specs
    leading = next((spec for spec in specs if spec.shares), None)
    if leading is None:
        raise UsageError("no loss here adds up over rows", "-l names one that does")
    if not held.plan.losses:
        specs = (leading,)
    context = replace(context, specs=specs, leading=leading, moments=False)
    sizes, values, wrong, digest = held.ask(_sums(context, models))
    losses = tuple(Apart(spec, models) for spec in specs if not spec.reduction.pairs)
    key = None if question.sort == "row" else Furthest(leading, models, question.sort)
    wanted = None
    chosen = CHOSEN if context.point is not None else TOLD
    if question.top is not None and question.top <= chosen:
        wanted = held.ask(top_rows(key, question.top))
    most = held.scored if question.top is None else min(question.top, held.scored)
    taken = ["rank", *(one.name(model.name) for one in losses for model in models)]
    taken += [one.difference(place) for one in losses for place in range(1, len(models))]
    for name in taken:
        if taken.count(name) > 1:
            raise _clash(name)
    described = DescribedByAll(held, told=wanted is not None, taken=taken)
    described(first.take(np.arange(first.count) < 1))  # where models' columns clash it raises
    rows = made_rows(held, question, described, losses, key, wanted)
    return Differences(held, question, losses, rows, most, sizes, values, wrong, digest)


def _sums(
    context: Context, models: tuple[Model, ...]
) -> Rounds[tuple[SumsState, dict[str, Any], tuple[Note, ...], str]]:
    pairs = [(spec, model) for spec in context.specs for model in models]
    asked: list[Rounds[Any]] = [
        one_state(Sums(GapTerms(Gap(context.leading, models[0], models[-1])))),
        in_step(context.reduced(spec, model, moments=False) for spec, model in pairs),
        detectors.rounds(context, models),
        one_state(Digest()),
    ]
    size, reduced, wrong, digest = yield from in_step(asked)
    values: dict[str, Any] = {}
    for (spec, model), one in zip(pairs, reduced, strict=True):
        values.setdefault(str(spec), {})[model.name] = one.value
    return size, values, tuple(wrong), str(digest)


def report(
    found: Differences, rows: dict[str, list[Any]] | None = None, *, screen: bool = False
) -> Report:
    """The report; `rows` are those of its table, `screen` has it name rows as people do."""
    table = None if rows is None or not rows.get("row") else _table(found, rows, screen)
    said = [f"{prose(one.spec)} " + ", ".join(
                f"{name} {value:.4g}" for name, value in found.values[str(one.spec)].items()
                if value is not None)
            for one in found.losses]  # fmt: skip
    parts = (Part("all rows", " · ".join(said), {"losses": dict(found.values)}),)
    finding = "" if rows is None else _finding(found, rows)
    return report_of(
        found.held, "samples", table=table, parts=parts, notes=found.wrong, finding=finding,
        digest=found.digest, models=found.held.models,
    )  # fmt: skip


def _table(found: Differences, rows: dict[str, list[Any]], screen: bool) -> Table:
    names = [model.name for model in found.held.binding.models]
    columns: list[Column] = []
    cells = []
    ids = rows.get("id", [None] * len(rows["row"]))
    for name, values in rows.items():
        if screen and name in ("rank", "id", "target_row"):
            continue
        kind: Kind = "data"
        rank = 20 + len(columns)
        if name == "row":
            kind, rank = ("row", 0) if screen else ("count", 0)
            if screen:
                values = [row_name(row, None if one is None else str(one))
                          for row, one in zip(values, ids, strict=True)]  # fmt: skip
        elif name in ("target", "label", *names):
            rank = 1
        elif name.endswith("_difference"):
            kind, rank = "signed", 2 if name != found.losses[0].difference(1) else 0
        elif name.endswith("_residual") and screen:
            continue
        columns.append(Column(name, kind, rank))
        cells.append([_plain(value) for value in values])
    return Table(tuple(columns), tuple(zip(*cells, strict=True)))


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _finding(found: Differences, rows: dict[str, list[Any]]) -> str:
    """Who is better in the rows that are listed, and how much of all differences they make."""
    if not rows.get("row"):
        return ""
    one = found.losses[0]
    name = prose(one.spec)
    first, *others = [model.name for model in found.held.binding.models]
    count = len(rows["row"])
    said, apart = [], 0.0
    for place, other in enumerate(others, 1):
        gaps = [gap for gap in rows[one.difference(place)] if isinstance(gap, int | float)]
        sign = -1.0 if one.spec.direction == "max" else 1.0
        worse = sum(gap * sign > 0.0 for gap in gaps)
        better = sum(gap * sign < 0.0 for gap in gaps)
        said.append(f"{other} is better than {first} in {better}, worse in {worse}")
        apart += sum(map(abs, gaps)) if len(others) == 1 else 0.0
    text = f"Of the {'row' if count == 1 else f'{count} rows'} listed {'; '.join(said)}"
    weighted = found.held.binding.weight is not None
    whole = found.sizes
    plain = found.question.sort == "difference" and len(others) == 1 and not weighted
    if plain and whole.a > 0 and not whole.infinite and not one.spec.reduction.squares:
        share = apart / ratio(whole.a, ONE)
        text += f"; they make {percent(min(share, 1.0))} of all differences of {name}"
    ids = rows.get("id", [None])
    start = said_name(rows["row"][0], None if ids[0] is None else str(ids[0]))
    return f"{text}; {start} comes first." if count > 1 else f"{text}."
