"""The only orchestration: a plan in, a report out."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np

from lossctl import __version__
from lossctl.align import Ledger, by_key, by_row
from lossctl.analyses import evaluation
from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.batches import Batches
from lossctl.binding import TARGETS, Binding, bind
from lossctl.errors import DataError
from lossctl.passes import Passes, Progress
from lossctl.plan import Plan
from lossctl.readers import open_source
from lossctl.readers.source import Source
from lossctl.report import SIDES, Note, Report
from lossctl.rounds import ask
from lossctl.spec import Spec
from lossctl.spool import Spool

BLOCK_ROWS = 1 << 15
BLOCK_VALUES = 1 << 20


def evaluate_plan(plan: Plan, progress: Progress | None = None) -> Report:
    """Score a plan's files. Raises UsageError and DataError; reads nothing twice.

    `progress` is called with the rows of this pass so far, their number where it is known, and
    the number of the pass.
    """
    specs = plan.specs()
    opened: list[Source] = []

    def opener(given: Any) -> Source:
        source = open_source(given, plan.read) if isinstance(given, str) else given
        opened.append(source)
        return source

    try:
        binding = bind(plan, specs, opener)
        return _evaluate(plan, specs, binding, progress)
    finally:
        for source in opened:
            source.close()


def _evaluate(
    plan: Plan, specs: tuple[Spec, ...], binding: Binding, progress: Progress | None
) -> Report:
    ledger = Ledger()
    size = plan.block_rows or _block_rows(binding)
    if plan.on:
        rows = by_key(
            binding.feeds, binding.keys, size, ledger,
            missing=plan.missing, duplicates=plan.duplicates,
        )  # fmt: skip
    else:
        rows = by_row(binding.feeds, size, ledger)
    batches = Batches(plan, binding, ledger, rows)
    first = next(batches, None)
    if first is None:
        batches.finish()
        raise DataError(_no_rows(binding, ledger))
    context = _context(plan, specs, binding, first)
    spool = Spool(plan.spool_limit) if evaluation.passes_needed(specs, full=plan.full) else None
    threads = plan.threads or min(4, os.cpu_count() or 1)

    passes = Passes(first, batches, spool, threads, progress)
    try:
        found = ask(evaluation.rounds(context, full=plan.full), passes)
    finally:
        if spool is not None:
            spool.close()
    return _report(plan, context, binding, ledger, batches, found, first)


def _block_rows(binding: Binding) -> int:
    """Rows whose values fit the cache."""
    values = sum(
        max(feed.source.columns[want.index].width or 1, 1)
        for feed in binding.feeds
        for want in feed.wanted
    )
    return max(1, min(BLOCK_ROWS, BLOCK_VALUES // max(values, 1)))


def _no_rows(binding: Binding, ledger: Ledger) -> str:
    dropped = [f"{count} {why}" for why, count in ledger.dropped.items() if count]
    if dropped:
        return f"no rows are left to score: dropped {', '.join(dropped)}"
    return f"{binding.feeds[0].name} has no rows"


def _context(plan: Plan, specs: tuple[Spec, ...], binding: Binding, first: Batch) -> Context:
    leading = next((spec for spec in specs if spec.shares), specs[0])
    if not plan.losses:
        leading = next(spec for spec in specs if spec.loss.label == "mse")
    point = next((role for role in ("pred", "mean") if role in binding.bound), None)
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
    )


def _report(
    plan: Plan,
    context: Context,
    binding: Binding,
    ledger: Ledger,
    batches: Batches,
    found: evaluation.Evaluation,
    like: Batch,
) -> Report:
    if batches.poisoned:
        unknown = {
            name: replace(one, value=None, status="undefined", interval=None, total=None,
                          reason=_poisoned(batches.poisoned), without=None)
            for name, one in found.values.items()
        }  # fmt: skip
        found = evaluation.Evaluation(unknown, {}, {}, None, None, None, found.digest)
    with np.errstate(all="ignore"):  # what float64 cannot hold is said in words
        parts = evaluation.parts(context, found, like)
    if plan.losses:
        for result in parts.losses:
            if result.status == "overflow":
                raise DataError(f"{result.spec} overflows: {result.reason}",
                                "scale the columns, or ask for other losses")  # fmt: skip
    scored = batches.scored
    return Report(
        lossctl=__version__,
        command="eval",
        task="regression" if context.point else "custom",
        signature=plan.signature(scored, found.digest, __version__),
        inputs=_inputs(binding),
        rows={
            "read": {"pred": ledger.read[0], "target": ledger.read[min(1, len(ledger.read) - 1)]},
            "scored": scored,
            "dropped": dict(ledger.dropped),
        },
        losses=parts.losses,
        worst=parts.worst,
        parts=parts.parts,
        notes=(*_pairing_notes(plan, binding), *parts.notes),
        finding=parts.finding,
    )


def _poisoned(count: int) -> str:
    return "1 row holds NaN" if count == 1 else f"{count} rows hold NaN"


def _inputs(binding: Binding) -> dict[str, Any]:
    """Where each role comes from: prediction first, then target, then the rest, then weights."""
    bound = list(binding.bound.values())
    bound.sort(key=lambda one: SIDES.index(one.role) if one.role in SIDES else len(SIDES))
    if binding.weight is not None:
        bound.append(binding.weight)
    sources = [binding.feeds[one.feed].source for one in bound]
    return {
        one.role: {"path": source.path, "format": source.format, "columns": list(one.columns)}
        for one, source in zip(bound, sources, strict=True)
    }


def _pairing_notes(plan: Plan, binding: Binding) -> list[Note]:
    feeds = binding.feeds
    notes = []
    if binding.weight is not None:
        name = binding.weight.columns[0] or "a column"
        notes.append(Note("weighted", f"rows are weighted by {name}"))
    sides = [
        {(b.feed, b.places) for b in binding.bound.values() if (b.role in TARGETS) is target}
        for target in (False, True)
    ]
    if sides[0] & sides[1]:
        notes.append(Note("same_column", "one column plays two roles", warning=True))
    same = len(feeds) > 1 and isinstance(plan.pred, str) and plan.pred == plan.target
    if same:
        notes.append(Note("same_file", "both sides come from one file", warning=True))
    return notes
