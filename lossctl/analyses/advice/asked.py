"""What is asked of the rows for advice, and the report's parts made from the answer.

Everything but the exact sums behind `aim` comes from one sample of rows, which is all of them
where there are no more than ROWS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from lossctl.analyses.advice import functional
from lossctl.analyses.advice.advise import on_classes, on_errors, on_outputs, on_quantiles
from lossctl.analyses.advice.classes import Classified, many_classes, two_classes
from lossctl.analyses.advice.evidence import Sampled, errors_of
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.advice.rules.coverage import Quantiles
from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest
from lossctl.arrays import Array, Integers
from lossctl.batch import Batch
from lossctl.errors import UsageError, inert
from lossctl.few import Few
from lossctl.hashing import halves, mixed
from lossctl.numerics import floating
from lossctl.report import Column, Note, Part, Table, row_name
from lossctl.rounds import Rounds, ask_of, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import Sums
from lossctl.terms import ColumnTerms, WeightColumn, weighing

ROWS = 20_000
VALUES = 1_000_000  # of a sample: fewer rows where there are many classes
BINARY, CLASSES = "binary_cross_entropy", "sparse_categorical_cross_entropy"
QUANTILES, INTERVAL = "pinball", "interval_score"
OUTPUTS = 20  # more have no advice each
KNOWN = "regression, probabilities of classes, quantiles and intervals"


@dataclass(frozen=True, slots=True)
class Advised:
    """The advice, the most valuable first; `why` says why there is none."""

    given: tuple[Advice, ...]
    rows: int
    of: int
    why: str = ""
    weighted: bool = False


def rounds(context: Context, task: str) -> Rounds[Advised]:
    """Raises UsageError for predictions that there are no rules for."""
    look = _kind(context, task)
    weight = WeightColumn()
    every = Sums(ColumnTerms(weight, weight))
    asked: list[Rounds[Any]] = [one_state(Few(ROWS, "hash")), one_state(every)]
    if task == "regression" and context.point is not None and context.outputs == 1:
        asked.append(functional.rounds(context.point, weighted=context.weighted))
    few, counted, *aim = yield from in_step(asked)
    batch: Batch = weighing(few.batch)
    if not batch.count:
        return Advised((), 0, counted.nonzero, "no row weighs anything")
    shaped = context.weighted and task == "regression"
    return replace(look(batch, counted.nonzero, *aim), weighted=shaped)


def with_digest(context: Context, task: str) -> Rounds[tuple[Advised, str]]:
    """The advice, and the digest of the rows that it is about. Raises as `rounds` does."""
    questions: list[Rounds[Any]] = [rounds(context, task), one_state(Digest())]
    found, digest = yield from in_step(questions)
    return found, str(digest)


def _kind(context: Context, task: str) -> Callable[..., Advised]:
    """What to look at."""
    by_name = {spec.loss.name: spec for spec in context.specs}
    point, outputs = context.point, context.outputs
    if task == "regression" and point is not None and outputs == 1:
        return lambda batch, of, aim: _errors(batch, of, point, aim)
    if task == "regression" and point is not None and outputs <= OUTPUTS:
        return lambda batch, of: _each(context, batch, partial(_alone, of=of, point=point))
    if task == "multilabel" and BINARY in by_name and outputs <= OUTPUTS:
        spec = by_name[BINARY]
        alone = replace(context, classes=None)  # those of the outputs, not of each
        return lambda batch, of: _each(context, batch, partial(_two, alone, spec, of=of))
    for name, read in ((BINARY, _two), (CLASSES, _many)):
        if name in by_name and task in ("binary", "multiclass"):
            spec = by_name[name]
            return lambda batch, of, read=read, spec=spec: read(context, spec, batch, of)
    for name, ends in ((QUANTILES, _quantiles), (INTERVAL, _ends)):
        if name in by_name and task in ("quantile", "interval"):
            spec = by_name[name]
            return lambda batch, of, ends=ends, spec=spec: _levels(batch, of, *ends(spec, batch))
    what = f"{task} of {outputs} outputs" if outputs > 1 else task
    if task in ("binary", "multiclass"):
        what += " without probabilities"
    raise UsageError(
        f"advise has no rules for {what}: it has for {KNOWN}", "lossctl eval says who makes a loss"
    )


def _each(context: Context, batch: Batch, look: Callable[[Batch], Advised]) -> Advised:
    """The advice on every output alone, each named as the targets' column is."""
    found: dict[str, Advised] = {}
    for place in range(context.outputs):
        columns = {
            role: column[:, place] if column.ndim == 2 else column
            for role, column in batch.columns.items()
        }
        alone = replace(batch, columns=columns, memo={}, derived={})
        found[_output(context, place)] = look(alone)
    first = next(iter(found.values()))
    why = "; ".join(f"{name}: {one.why}" for name, one in found.items() if one.why)
    given = on_outputs({name: one.given for name, one in found.items()})
    return Advised(tuple(given), first.rows, first.of, "" if given else why)


def _output(context: Context, place: int) -> str:
    columns = context.inputs.get("target", {}).get("columns", [])
    named = len(columns) == context.outputs and len(set(columns)) == len(columns)
    return inert(columns[place]) if named else f"output {place + 1}"


def _sample(batch: Batch, of: int) -> tuple[Sampled, Integers]:
    """What is known of the rows, and their places in the batch, by what orders them: by key where
    there is one, so that the order of a file changes no digit."""
    rank: Integers = np.argsort(batch.order, kind="stable")
    weight = WeightColumn()(batch)[rank]

    def name(place: int) -> str:
        sample = batch.sample(int(rank[place]))
        return inert(row_name(sample["row"], sample["id"]))

    return Sampled(batch.count, of, halves(batch.order[rank]), weight, name), rank


def _alone(batch: Batch, of: int, point: str) -> Advised:
    """One of several outputs: what it aims at is from the sample too."""
    with np.errstate(all="ignore"):
        aim = ask_of(functional.rounds(point), batch)
    return _errors(batch, of, point, aim)


def _errors(batch: Batch, of: int, point: str, aim: functional.Implied | None) -> Advised:
    sample, rank = _sample(batch, of)
    y, p = (floating(batch.columns[role]).reshape(-1)[rank] for role in ("target", point))
    errors = errors_of(sample, y, p)
    if errors is None:
        return Advised(
            (),
            batch.count,
            of,
            "values beyond 1e100, or all below 1e-100, have no squares of squares",
        )
    return Advised(tuple(on_errors(errors, aim)), batch.count, of)


def _two(context: Context, spec: Spec, batch: Batch, of: int) -> Advised:
    target = floating(batch.columns["target"])
    pred = floating(batch.columns["pred"])
    logits = two_classes(pred, from_logits=spec.told("from_logits") is True)
    return _classes(context, batch, of, logits, target, "the logit")


def _quantiles(spec: Spec, batch: Batch) -> tuple[Array, tuple[float, ...], str]:
    """The predictions (n, K), their levels, and what is to be said of these."""
    level = spec.told("quantile")
    levels = level if isinstance(level, tuple) else (float(level),)
    return floating(batch.columns["pred"]).reshape(batch.count, len(levels)), levels, ""


def _ends(spec: Spec, batch: Batch) -> tuple[Array, tuple[float, ...], str]:
    """Both ends of intervals, as quantiles that leave out as much on either side."""
    inside = spec.told("level")
    outside = spec.told("alpha") if inside is None else 1.0 - inside
    ends = [floating(batch.columns[role]).reshape(-1) for role in ("lower", "upper")]
    taken = f"intervals are taken to hold {100.0 * (1.0 - outside):g} %"
    return np.stack(ends, axis=1), (outside / 2.0, 1.0 - outside / 2.0), taken


def _levels(batch: Batch, of: int, pred: Array, levels: tuple[float, ...], taken: str) -> Advised:
    sample, rank = _sample(batch, of)
    y = floating(batch.columns["target"]).reshape(-1)[rank]
    if not (np.isfinite(pred).all() and np.isfinite(y).all()):
        return Advised((), batch.count, of, "values are not finite")
    rising = sorted(range(len(levels)), key=lambda place: levels[place])
    ordered = tuple(levels[place] for place in rising)
    rows = Quantiles(sample, y, pred[rank][:, rising], ordered, taken)
    return Advised(tuple(on_quantiles(rows)), batch.count, of)


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
    """Where the numbers come from, if not from all rows; which of them are not weighted."""
    made = []
    if found.rows < found.of:
        text = (
            f"~: from {found.rows} of {found.of} rows, chosen by a hash of their number or key; "
            f"what predictions aim at is from all"
        )
        made.append(Note("sample", text))
    if found.weighted:
        text = (
            "what a correction saves is weighted; what errors look like is not: there rows that "
            "weigh anything count alike"
        )
        made.append(Note("unweighted", text))
    return tuple(made)


def finding(found: Advised) -> str:
    """The most valuable advice in one sentence."""
    if found.why:
        return f"No advice: {found.why}."
    if not found.given:
        rows = "one row" if found.rows == 1 else f"{found.rows} rows"
        return f"No advice: nothing shows in {rows} what would be better."
    return found.given[0].finding
