"""What is asked of the rows for advice, and the report's parts made from the answer.

Everything but the exact sums behind `aim` comes from one sample of rows, which is all of them
where there are no more than ROWS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.advice import functional
from lossctl.analyses.advice.advise import on_classes, on_errors
from lossctl.analyses.advice.classes import Classified, many_classes, two_classes
from lossctl.analyses.advice.evidence import Sampled, errors_of
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest
from lossctl.arrays import Array, Integers
from lossctl.batch import Batch
from lossctl.errors import UsageError, inert
from lossctl.few import Few
from lossctl.hashing import halves, mixed
from lossctl.numerics import floating
from lossctl.report import Column, Note, Part, Table, row_name
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import Sums
from lossctl.terms import ColumnTerms, WeightColumn

ROWS = 20_000
VALUES = 1_000_000  # of a sample: fewer rows where there are many classes
BINARY, CLASSES = "binary_cross_entropy", "sparse_categorical_cross_entropy"
KNOWN = "regression, and for probabilities of classes"


@dataclass(frozen=True, slots=True)
class Advised:
    """The advice, the most valuable first; `why` says why there is none."""

    given: tuple[Advice, ...]
    rows: int
    of: int
    why: str = ""


def rounds(context: Context, task: str) -> Rounds[Advised]:
    """Raises UsageError for predictions that there are no rules for."""
    by_name = {spec.loss.name: spec for spec in context.specs}
    look = _kind(context, by_name, task)
    every = Sums(ColumnTerms(WeightColumn(), None))
    asked: list[Rounds[Any]] = [one_state(Few(ROWS, "hash")), one_state(every)]
    if task == "regression" and context.point is not None:
        asked.append(functional.rounds(context.point))
    few, counted, *aim = yield from in_step(asked)
    batch: Batch = few.batch
    return look(batch, counted.count, *aim)


def with_digest(context: Context, task: str) -> Rounds[tuple[Advised, str]]:
    """The advice, and the digest of the rows that it is about. Raises as `rounds` does."""
    questions: list[Rounds[Any]] = [rounds(context, task), one_state(Digest())]
    found, digest = yield from in_step(questions)
    return found, str(digest)


def _kind(context: Context, by_name: dict[str, Spec], task: str) -> Callable[..., Advised]:
    """What to look at."""
    point = context.point
    if task == "regression" and point is not None and context.outputs == 1:
        return lambda batch, of, aim: _errors(batch, of, point, aim)
    for name, read in ((BINARY, _two), (CLASSES, _many)):
        if name in by_name and task in ("binary", "multiclass"):
            spec = by_name[name]
            return lambda batch, of, read=read, spec=spec: read(context, spec, batch, of)
    what = f"{task} of {context.outputs} outputs" if context.outputs > 1 else task
    if task in ("binary", "multiclass"):
        what += " without probabilities"
    raise UsageError(
        f"advise has no rules for {what}: it has for {KNOWN}", "lossctl eval says who makes a loss"
    )


def _sample(batch: Batch, of: int) -> tuple[Sampled, Integers]:
    """What is known of the rows, and their places in the batch, by what orders them: by key where
    there is one, so that the order of a file changes no digit."""
    rank: Integers = np.argsort(batch.order, kind="stable")
    weight = np.ones(batch.count) if batch.weight is None else batch.weight[rank]

    def name(place: int) -> str:
        sample = batch.sample(int(rank[place]))
        return inert(row_name(sample["row"], sample["id"]))

    return Sampled(batch.count, of, halves(batch.order[rank]), weight, name), rank


def _errors(batch: Batch, of: int, point: str, aim: functional.Implied | None) -> Advised:
    sample, rank = _sample(batch, of)
    y, p = (floating(batch.columns[role]).reshape(-1)[rank] for role in ("target", point))
    errors = errors_of(sample, y, p)
    if errors is None:
        return Advised((), batch.count, of, "values beyond 1e100 have no squares of squares")
    return Advised(tuple(on_errors(errors, aim)), batch.count, of)


def _two(context: Context, spec: Spec, batch: Batch, of: int) -> Advised:
    target = floating(batch.columns["target"])
    pred = floating(batch.columns["pred"])
    logits = two_classes(pred, from_logits=spec.told("from_logits") is True)
    return _classes(context, batch, of, logits, target, "the logit")


def _many(context: Context, spec: Spec, batch: Batch, of: int) -> Advised:
    pred, label = floating(batch.columns["pred"]), floating(batch.columns["label"])
    ignored = spec.told("ignore_index")
    if ignored is not None and (label == ignored).any():
        batch = batch.take(label != ignored)
        pred, label = floating(batch.columns["pred"]), floating(batch.columns["label"])
    from_logits = spec.told("from_logits") is True
    logits = many_classes(pred, from_logits=from_logits)
    given = "the logits" if from_logits else "log p"
    return _classes(context, batch, of, logits, label, given)


def _classes(
    context: Context, batch: Batch, of: int, logits: Array, label: Array, given: str
) -> Advised:
    most = max(1, VALUES // logits.shape[1])
    if batch.count > most:
        chosen = np.zeros(batch.count, dtype=np.bool_)
        chosen[np.argsort(mixed(batch.order), kind="stable")[:most]] = True
        batch, logits, label = batch.take(chosen), logits[chosen], label[chosen]

    def name(place: int) -> str:
        known = None if context.classes is None else context.classes.name(float(place))
        return inert(known or str(place))

    sample, rank = _sample(batch, of)
    rows = Classified(sample, logits[rank], label[rank].astype(np.int64), name, given)
    return Advised(tuple(on_classes(rows)), batch.count, of)


# --- the report -------------------------------------------------------------------------------

COLUMNS = (
    Column("topic", "text"),
    Column("advice", "text"),
    Column("gain", "share"),
    Column("p", "p"),
    Column("evidence", "text"),
)


def parts(found: Advised) -> tuple[Part, ...]:
    """One for each advice."""
    made = []
    for one in found.given:
        data = {"advice": one.do, "gain": one.gain, "p": one.p, **one.data}
        data["sampled"] = {"rows": found.rows, "of": found.of}
        made.append(Part(one.topic, one.text, data))
    return tuple(made)


def table(found: Advised) -> Table:
    """One row for each advice."""
    rows = tuple((one.topic, one.do, one.gain, one.p, one.text) for one in found.given)
    return Table(COLUMNS, rows, aside=True)


def notes(found: Advised) -> tuple[Note, ...]:
    """Where the numbers come from, if not from all rows."""
    if found.rows >= found.of:
        return ()
    text = (
        f"~: from {found.rows} of {found.of} rows, chosen by a hash of their number or key; what "
        f"predictions aim at is from all"
    )
    return (Note("sample", text),)


def finding(found: Advised) -> str:
    """The most valuable advice in one sentence."""
    if found.why:
        return f"No advice: {found.why}."
    if not found.given:
        return f"No advice: nothing shows in {found.rows} rows what would be better."
    return found.given[0].finding
