"""A plan's files opened, bound and read in passes: what every command that scores begins with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

from lossctl.align import Feed, Ledger, by_row
from lossctl.analyses.context import Context
from lossctl.analyses.detectors import rows_of
from lossctl.answered import Partly
from lossctl.arrays import Ragged
from lossctl.batch import Batch, joined
from lossctl.batches import Batches
from lossctl.binding import Binding, Bound, OpenSource, bind
from lossctl.errors import DataError, UsageError
from lossctl.grammar import Common, parse_all
from lossctl.join import by_key
from lossctl.panel import bind_models
from lossctl.partial import Partial
from lossctl.passes import Again, Passes, Progress, Reread
from lossctl.plan import Plan
from lossctl.readers import open_source
from lossctl.readers.source import Source
from lossctl.report import SIDES
from lossctl.rounds import Rounds, ask
from lossctl.shown import Shown
from lossctl.spec import Spec
from lossctl.spool import IN_MEMORY, Spool
from lossctl.tasks import Decision, decide

T = TypeVar("T")

BLOCK_ROWS = 1 << 16
BLOCK_VALUES = 1 << 20
TOGETHER = 1 << 27  # values that are held for losses that need all rows at once


@dataclass(frozen=True, slots=True)
class Scoring:
    """The rows of one plan, ready to be asked."""

    plan: Plan
    specs: tuple[Spec, ...]
    task: Decision
    binding: Binding
    ledger: Ledger
    batches: Batches
    first: Batch | None  # None where every row has the label that is ignored
    passes: Passes | None
    context: Context | None
    partial: Partial | None = None  # of several models: what rows add that not all answer

    def ask(self, question: Rounds[T]) -> T:
        """The answer to a question about all rows. Raises DataError."""
        assert self.passes is not None
        return ask(question, self.passes)

    def rows(self) -> tuple[Context, Batch]:
        """What analyses are told, and the first rows. Raises DataError where no row counts."""
        if self.context is None or self.first is None:
            raise DataError(f"every row has the ignored label {self.plan.ignore_index}")
        return self.context, self.first

    @property
    def scored(self) -> int:
        """The rows that were scored, once all were read."""
        return self.batches.scored

    def counts(self, ignored: int = 0) -> dict[str, Any]:
        """What was read, scored and dropped; `ignored` more rows count in no average."""
        ledger = self.ledger
        if self.binding.models:
            return {"read": self._read(), "scored": self.scored, "dropped": dict(ledger.dropped)}
        dropped = {**ledger.dropped, "ignored": ledger.dropped["ignored"] + ignored}
        read = {"pred": ledger.read[0], "target": ledger.read[min(1, len(ledger.read) - 1)]}
        return {"read": read, "scored": self.scored, "dropped": dropped}

    def _read(self) -> dict[str, int]:
        """The rows of the targets, and of every model's file."""
        read, binding = self.ledger.read, self.binding
        counts = {} if self.plan.target is None else {"target": read[1]}
        for number, model in enumerate(binding.models):
            counts[model.name] = read[binding.own(number)[0].feed]
        return counts

    @property
    def models(self) -> tuple[dict[str, Any], ...]:
        """Every model: its name, where its columns come from, and the rows that it leaves out."""
        found = []
        for number, model in enumerate(self.binding.models):
            bound = self.binding.own(number)
            source = self.binding.feeds[bound[0].feed].source
            columns = [column for one in bound for column in one.columns]
            lost = self.ledger.lost.get(model.name, {})
            found.append({"name": model.name, "path": source.path, "format": source.format,
                          "columns": columns, "left_out": dict(lost)})  # fmt: skip
        return tuple(found)

    @property
    def inputs(self) -> dict[str, Any]:
        """Where each role comes from."""
        binding = self.binding
        if binding.models:
            shared = {n: b for n, b in binding.bound.items() if n not in binding.owners}
            binding = replace(binding, bound=shared)
        return inputs_of(binding)


@contextmanager
def scoring(plan: Plan, progress: Progress | None = None) -> Iterator[Scoring]:
    """A plan's rows; every file is closed at the end.

    `progress` is called with the rows of this
    pass so far, their number where it is known, and the number of the pass. Raises UsageError and
    DataError.
    """
    with opened(plan) as (pred, target, opener):
        specs, task = question(plan, pred, target)
        several = task.task == "multilabel"
        binder = bind_models if plan.models else bind
        common = common_of(plan, task)
        beside = tuple(parse_all(plan.beside, common))
        binding = binder(plan, (*specs, *beside), pred, target, opener, several=several)
        spool = Spool(plan.spool_limit)
        try:
            yield _scoring(plan, specs, beside, task, binding, spool, progress)
        finally:
            spool.close()


def _scoring(
    plan: Plan,
    specs: tuple[Spec, ...],
    beside: tuple[Spec, ...],
    task: Decision,
    binding: Binding,
    spool: Spool,
    progress: Progress | None,
) -> Scoring:
    ledger = Ledger()
    size = plan.block_rows or _block_rows(binding)
    roles = {*binding.bound, *binding.wholes}
    together = frozenset(spec for spec in specs if spec.scope(roles) != "row")
    by_itself = tuple(spec for spec in specs if spec not in together)
    partly = Partial(by_itself, binding.models) if binding.models else None
    batches = _batches(plan, (*specs, *beside), task, binding, ledger, size, partly)
    first = _all_rows(batches, together) if together else next(batches, None)
    if first is None:
        batches.finish()
        if ledger.dropped["ignored"]:
            return Scoring(plan, specs, task, binding, ledger, batches, None, None, None, partly)
        raise DataError(_no_rows(binding, ledger))
    later: Again | None = None
    if _passes_needed(plan, specs):
        later = spool
        if not (plan.on or together) and _reread(binding):
            read = partial(_batches, plan, (*specs, *beside), task, binding)
            later = Reread(lambda: read(Ledger(), size))
    passes = Passes(first, batches, later, plan.workers if plan.processes else 1, progress)
    alone = binding.of(0) if binding.models else binding
    context = _context(plan, specs, task, alone, first, passes)
    if binding.models:
        context = replace(context, wholes=binding.wholes)
    return Scoring(plan, specs, task, binding, ledger, batches, first, passes, context, partly)


def _passes_needed(plan: Plan, specs: tuple[Spec, ...]) -> bool:
    """Whether later passes will read the rows again."""
    return plan.full or any(spec.reduction.name == "median" for spec in specs)


@contextmanager
def opened(plan: Plan) -> Iterator[tuple[Source, Source | None, OpenSource]]:
    """The prediction, the target, and what opens further files of a plan; all closed at the end."""
    held: list[Source] = []
    read = replace(plan.read, threads=plan.workers)

    def opener(given: Any) -> Source:
        source = open_source(given, read) if isinstance(given, str) else given
        held.append(source)
        return source

    try:
        pred = opener(plan.pred)
        yield pred, None if plan.target is None else opener(plan.target), opener
    finally:
        for source in held:
            source.close()


def question(plan: Plan, pred: Source, target: Source | None) -> tuple[tuple[Spec, ...], Decision]:
    """What is asked of the files: the losses, and the task.

    The losses that are asked for by name decide where the files leave the task open. Raises
    UsageError.
    """
    try:
        task = decide(plan, pred, target)
    except UsageError:
        if not plan.losses or plan.task != "auto":
            raise
        task = Decision("auto", ())
    specs = plan.specs(task.losses, common_of(plan, task))
    if plan.losses and plan.task == "auto":
        fitting = {name for spec in specs for name in spec.tasks}
        if task.task not in fitting:
            task = replace(task, task=next(iter(specs[0].tasks), "custom"), why="")
    for name, _ in plan.settings:
        if not any(spec.takes(name) for spec in specs):
            option = "class-weight balanced" if name == "balanced" else name.replace("_", "-")
            labels = ", ".join(spec.loss.label for spec in specs)
            raise UsageError(f"--{option}: no loss here has that setting", f"there is {labels}")
    counted = [role.domain for spec in specs for role in spec.roles]
    if plan.classes is not None and not any(
        "classes" in (*domain.axes, domain.indexes) for domain in counted
    ):
        raise UsageError("--classes: no loss here counts classes")
    if plan.ignore_index is not None and not any(one.indexes == "classes" for one in counted):
        raise UsageError("--ignore-index: no loss here takes the labels of classes")
    if plan.read.layout != "BTC" and not any(
        len(column.axes) == 2 for source in (pred, target) if source for column in source.columns
    ):
        raise UsageError(f"--layout {plan.read.layout}: no array here has three dimensions")
    return specs, task


def common_of(plan: Plan, task: Decision) -> Common:
    """What holds for every loss that does not say otherwise."""
    return Common(plan.reduction, {**task.settings, **dict(plan.settings)}, None, task.task)


def _batches(
    plan: Plan,
    specs: tuple[Spec, ...],
    task: Decision,
    binding: Binding,
    ledger: Ledger,
    size: int,
    partly: Partly | None = None,
) -> Batches:
    """The rows of the files, side by side, in blocks of `size`. Several models answer the rows of
    the targets."""
    if plan.on:
        shown = {*binding.extras.values(), binding.ids}
        rows = by_key(
            binding.feeds, binding.keys, size, ledger,
            missing=plan.missing, duplicates=plan.duplicates,
            told=any((feed, at) in shown for feed, keys in enumerate(binding.keys) for at in keys),
            lead=int(bool(binding.models) and plan.target is not None),
            partly=bool(binding.models),
            answered=bool(binding.models) and plan.target is None,
        )  # fmt: skip
    else:
        rows = by_row(binding.feeds, size, ledger)
    return Batches(
        plan, binding, specs, ledger, rows, perhaps=task.perhaps, task=task.task, partly=partly
    )


def _reread(binding: Binding) -> bool:
    """Whether later passes read the files again: a copy in memory is cheaper, but may be large."""
    held = sum(8 * _values_a_row(feed) * (feed.source.rows or 0) for feed in binding.feeds)
    return held > IN_MEMORY and all(feed.source.rereads for feed in binding.feeds)


def _values_a_row(feed: Feed) -> int:
    columns = feed.source.columns
    return sum(max(columns[want.index].width or 1, 1) for want in feed.wanted)


def _all_rows(batches: Batches, together: frozenset[Spec]) -> Batch | None:
    """Every row as one batch, for losses whose values depend on other rows. Raises DataError for
    more than can be held."""
    parts, values = [], 0
    for batch in batches:
        parts.append(batch)
        values += batch.count + sum(
            (column.values if isinstance(column, Ragged) else column).size
            for role, column in batch.columns.items()
            if role not in batch.wholes and column is not None
        )
        if values > TOGETHER:
            names = ", ".join(str(spec) for spec in together)
            raise DataError(
                f"{names} needs all rows at once: more than {TOGETHER} values are too many",
                "score fewer rows, or other losses",
            )
    return joined(parts, together) if parts else None


def _block_rows(binding: Binding) -> int:
    """Rows whose values fit the cache."""
    values = sum(_values_a_row(feed) for feed in binding.feeds)
    return max(1, min(BLOCK_ROWS, BLOCK_VALUES // max(values, 1)))


def _no_rows(binding: Binding, ledger: Ledger) -> str:
    dropped = [f"{count} {why}" for why, count in ledger.dropped.items() if count]
    if dropped:
        return f"no rows are left to score: dropped {', '.join(dropped)}"
    return f"{binding.feeds[0].name} has no rows"


def _context(
    plan: Plan,
    specs: tuple[Spec, ...],
    task: Decision,
    binding: Binding,
    first: Batch,
    passes: Passes,
) -> Context:
    leading = next((spec for spec in specs if spec.shares), specs[0])
    if not plan.losses:
        leading = next((spec for spec in specs if spec.loss.label == "mse"), leading)
    point = next((role for role in ("pred", "mean") if role in binding.bound), None)
    if task.task in ("binary", "multilabel"):
        point = None  # 0 and 1 less a probability is no residual
    if point is not None:
        bound = binding.bound
        alike = (
            "target" in bound
            and bound[point].domain.shape == "value"
            and (bound["target"].domain.shape == "value")
        )
        point = point if alike else None
    outputs = 1
    for role, b in binding.bound.items():
        if b.domain.shape == "value" and first.columns[role].ndim == 2:
            outputs = max(outputs, first.columns[role].shape[1])
    shown = Shown(binding, specs)
    return Context(
        specs=specs,
        leading=leading,
        weighted=first.weight is not None,
        outputs=outputs,
        wholes=binding.wholes,
        top=plan.top,
        moments=plan.full,
        pooled=plan.multioutput == "pooled",
        point=point,
        single=frozenset(role for role, b in binding.bound.items() if _single(b, first)),
        whole=first if first.together else None,
        like=passes,
        shown=shown,
        classes=shown.classes,
        outliers_rule=plan.outliers,
        by=plan.by,
        decompose=plan.decompose,
        inputs=inputs_of(binding),
        few=rows_of(first),
    )


def _single(bound: Bound, batch: Batch) -> bool:
    column = batch.columns[bound.role]
    flat = not isinstance(column, Ragged) and column.ndim == 1
    return flat or bound.domain.shape == "value"


def inputs_of(binding: Binding) -> dict[str, Any]:
    """Where each role comes from: prediction first, then target, then the rest, then weights."""
    bound = list(binding.bound.values())
    bound.sort(key=lambda one: SIDES.index(one.role) if one.role in SIDES else len(SIDES))
    if binding.weight is not None:
        bound.append(binding.weight)
    found = {one.role: (binding.feeds[one.feed].source, one.columns) for one in bound}
    for role, (source, places) in binding.whole_places.items():
        found[role] = (source, tuple(source.columns[place].name for place in places))
    return {
        role: {"path": source.path, "format": source.format, "columns": list(columns)}
        for role, (source, columns) in found.items()
    }
