"""A plan and a question in, the rows out: passes for the sums, and one that makes the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from lossctl.analyses import detectors
from lossctl.analyses import outliers as outliers_of
from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest
from lossctl.analyses.fences import Fences
from lossctl.analyses.outliers import Outliers
from lossctl.analyses.trimmed import Trimmed, trimmed
from lossctl.batch import Batch, joined
from lossctl.errors import UsageError
from lossctl.extras import Extra
from lossctl.numerics import sharing
from lossctl.passes import Progress
from lossctl.plan import Plan
from lossctl.reductions import Reduced
from lossctl.report import Note
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.samples.cells import number
from lossctl.samples.described import Described
from lossctl.samples.measured import SLOW, Measured, measured
from lossctl.samples.order import Running, key_of
from lossctl.samples.question import Question
from lossctl.samples.sorting import Sorted, keys_of, splitters
from lossctl.scoring import Scoring, scoring
from lossctl.spec import Spec
from lossctl.states import Column, Top

Rows = Mapping[str, Extra]
CHOSEN = 1000  # rows that are picked by their numbers; more are sorted
TOLD = 10_000  # rows of which people are shown more than numbers


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """What was asked: `rows` comes once, block after block; nothing is made before it is read."""

    held: Scoring
    question: Question
    leading: Measured
    losses: tuple[Measured, ...]
    rows: Iterator[Rows]
    most: int  # rows there may be
    trimmed: Mapping[str, Trimmed] = field(default_factory=dict)
    outliers: Outliers | None = None
    notes: tuple[Note, ...] = ()
    wrong: tuple[Note, ...] = ()  # what looks wrong with the inputs
    digest: str | None = None

    @property
    def running(self) -> str | None:
        """The column of running shares; None where there is none."""
        shared = self.question.ranked and "share" in self.leading.fields
        return self.leading.name("running") if shared else None


@contextmanager
def samples(plan: Plan, question: Question, progress: Progress | None = None) -> Iterator[Samples]:
    """The rows that `question` asks for, of a plan's files. Raises UsageError and DataError before
    the first row comes."""
    with scoring(replace(plan, full=True), progress) as held:
        yield _samples(held, question)


def _samples(held: Scoring, question: Question) -> Samples:
    whole, _ = held.rows()
    context = _chosen(held.plan, replace(whole, moments=False))
    answers = held.ask(_sums(context, whole, question))
    values: dict[Spec, Reduced] = dict(zip(context.specs, answers.values, strict=True))
    if question.outlying and answers.outliers is None:
        raise UsageError("--outliers: these rows have no single residual that could lie far out",
                         "leave it out")  # fmt: skip
    key = key_of(context, question.sort, context.leading, values[context.leading], held.scored)
    wanted = None
    chosen = CHOSEN if context.point is not None else TOLD
    if question.top is not None and question.top <= chosen and not question.flagged:
        wanted = held.ask(top_rows(key, question.top))
    most = held.scored if question.top is None else min(question.top, held.scored)
    losses, notes = _losses(context, held, values, most)
    leading = next(one for one in losses if one.spec == context.leading)
    taken = {one.name(name) for one in losses for name in (*one.fields, "running")}
    described = Described(held, told=wanted is not None, taken=taken | {"rank", "outlier"})
    fences = None if answers.outliers is None else answers.outliers.fences
    made = _Made(held, question, described, losses, leading, key, fences)
    return Samples(
        held, question, leading, losses, made.rows(wanted), most,
        {str(spec): one for spec, one in answers.trimmed.items() if one is not None},
        answers.outliers, notes, answers.wrong, answers.digest,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Answers:
    values: list[Reduced]
    wrong: tuple[Note, ...]
    digest: str | None
    outliers: Outliers | None
    trimmed: dict[Spec, Trimmed | None]


def _chosen(plan: Plan, context: Context) -> Context:
    """Without -l, the leading loss; and its root, which is in the unit of the data."""
    if plan.losses:
        return context
    roots = (spec for spec in context.specs if _root(context, spec))
    return replace(context, specs=(context.leading, *roots))


def _root(context: Context, spec: Spec) -> bool:
    return context.leading.loss.label == "mse" and spec.loss.label == "rmse"


def _sums(context: Context, whole: Context, question: Question) -> Rounds[_Answers]:
    """`whole` has all losses, which decide what looks wrong."""
    asked: list[Rounds[Any]] = [context.reduced(spec) for spec in context.specs]
    asked += [detectors.rounds(whole), _digest(question)]
    if question.outlying:
        asked.append(outliers_of.rounds(context))
    if question.trim is not None:
        asked += [trimmed(context, spec, question.trim) for spec in context.specs]
    found = yield from in_step(asked)
    count = len(context.specs)
    values, wrong, digest, rest = found[:count], found[count], found[count + 1], found[count + 2 :]
    outliers = rest.pop(0) if question.outlying else None
    cuts = dict(zip(context.specs, rest, strict=False))
    return _Answers(values, tuple(wrong), digest, outliers, cuts)


def _digest(question: Question) -> Rounds[str | None]:
    return str((yield from one_state(Digest()))) if question.signed else None


def top_rows(key: Column | None, count: int) -> Rounds[Any]:
    """The numbers of the rows that come first, in their order."""
    top = Top(_First() if key is None else key, count)
    state = yield from one_state(top)
    return np.array([entry.sample["row"] for entry in state.entries], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _First:
    """The rows in the order of the file."""

    def __call__(self, batch: Batch) -> Any:
        return -batch.rows.astype(np.float64)


class MeasuredRows(Protocol):
    """Makes the columns of one loss."""

    def name(self, field: str) -> str: ...

    def columns(self, batch: Batch) -> Iterator[tuple[str, Extra]]: ...


def made_rows(
    held: Scoring,
    question: Question,
    described: Callable[[Batch], dict[str, Extra]],
    losses: Sequence[MeasuredRows],
    key: Column | None,
    wanted: Any = None,
) -> Iterator[Rows]:
    """The rows that a question asks for: those of the numbers `wanted`, where they are known."""
    return _Made(held, question, described, losses, losses[0], key, None).rows(wanted)


def _losses(
    context: Context, held: Scoring, values: Mapping[Spec, Reduced], most: int
) -> tuple[tuple[Measured, ...], tuple[Note, ...]]:
    """The losses and their columns; without -l no more than say something new."""
    found, left = [], []
    for spec in context.specs:
        one = measured(context, spec, values[spec])
        if most > SLOW and one.reduced.each is None and one.reduced.without is not None:
            left.append(str(spec))
            one = replace(one, fields=tuple(f for f in one.fields if f not in _REST))
        if not held.plan.losses and len(context.specs) > 1:
            root = spec != context.leading
            one = replace(one, fields=tuple(f for f in one.fields if (f in _REST) == root))
        found.append(one)
    if not left:
        return tuple(found), ()
    text = (f"{', '.join(left)} without each row is left out: it has no closed form, "
            f"and there are more than {SLOW} rows")  # fmt: skip
    return tuple(found), (Note("without", text),)


_REST = ("without", "delta")


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """Makes the rows, in the last pass."""

    held: Scoring
    question: Question
    described: Callable[[Batch], dict[str, Extra]]
    losses: Sequence[MeasuredRows]
    leading: MeasuredRows
    key: Column | None
    fences: Fences | None

    def rows(self, wanted: Any) -> Iterator[Rows]:
        """The rows in their order: those of the numbers `wanted`, where they are known."""
        left = self.question.top
        running, rank = Running(), 0
        for found in self._in_order() if wanted is None else [self._picked(wanted)]:
            size = len(found["row"])
            if left is not None and size > left:
                found = {name: extra.take(np.arange(left)) for name, extra in found.items()}
                size = left
            yield self._ranked(found, rank, running) if self.question.ranked else found
            rank += size
            left = None if left is None else left - size
            if left == 0:
                return

    def _in_order(self) -> Iterator[dict[str, Extra]]:
        if self.key is None:
            for batch in self._batches():
                yield self._described_and_measured(batch)
            return
        with Sorted(splitters(self.held, self.key)) as rows:
            for batch in self._batches():
                rows.add(self._described_and_measured(batch), keys_of(self.key, batch), batch.order)
            yield from rows.in_order()

    def _batches(self) -> Iterator[Batch]:
        passes = self.held.passes
        assert passes is not None
        if not self.question.flagged:
            yield from passes.once_more()
            return
        assert self.fences is not None
        empty = True
        for batch in passes.once_more():
            flagged = self.fences.score(batch) > self.fences.cut
            if flagged.any():
                empty = False
                yield batch.take(flagged)
        if empty:  # the columns are known even so
            yield passes.first.take(np.zeros(passes.first.count, dtype=bool))

    def _described_and_measured(self, batch: Batch) -> dict[str, Extra]:
        return self.described(batch) | self._measured(batch)

    def _measured(self, batch: Batch) -> dict[str, Extra]:
        found: dict[str, Extra] = {}
        with np.errstate(all="ignore"), sharing(batch.memo):
            for loss in self.losses:
                found |= dict(loss.columns(batch))
            if self.fences is not None:
                flagged = self.fences.score(batch) > self.fences.cut
                found["outlier"] = Extra(flagged, np.zeros(batch.count, dtype=bool))
        return found

    def _picked(self, wanted: Any) -> dict[str, Extra]:
        """The rows of these numbers, in the order of these."""
        parts, columns = [], []
        for batch in self._batches():
            keep = np.isin(batch.rows, wanted)
            if not keep.any():
                continue
            parts.append(batch.take(keep))
            if batch.together:  # their values depend on the other rows
                chosen = np.flatnonzero(keep)
                made = self._measured(batch)
                columns.append({name: extra.take(chosen) for name, extra in made.items()})
        whole = parts[0] if len(parts) == 1 else joined(parts, frozenset())
        found = self.described(whole) | (columns[0] if columns else self._measured(whole))
        place = {row: index for index, row in enumerate(whole.rows.tolist())}
        ranks = np.array([place[row] for row in wanted.tolist()], dtype=np.int64)
        return {name: extra.take(ranks) for name, extra in found.items()}

    def _ranked(self, found: dict[str, Extra], rank: int, running: Running) -> dict[str, Extra]:
        """With their rank, and the share that they and all before them make."""
        made = {"rank": number(np.arange(rank + 1, rank + 1 + len(found["row"])))}
        share = self.leading.name("share")
        for name, extra in found.items():
            made[name] = extra
            if name == share:
                shares: Any = extra.values
                made[self.leading.name("running")] = number(running(shares))
        return made
