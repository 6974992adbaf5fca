"""The worst samples: their share under every loss side by side, and each loss without them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.exact import ratio
from lossctl.numerics import difference
from lossctl.reductions import Reduced
from lossctl.report import Json, Worst, WorstRow
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import Entry, Sums, Top
from lossctl.terms import LossColumn, LossTerms, Score


@dataclass(frozen=True, slots=True)
class WorstOf:
    """The rows that add most to each loss: many of the leading one, one of each other."""

    tops: dict[str, tuple[Entry, ...]]


def rounds(context: Context) -> Rounds[WorstOf]:
    """Asked in the first pass, while ids are at hand."""
    asked = {
        spec: Top(Score(spec), max(context.top, 1) if spec == context.leading else 1)
        for spec in context.specs
    }
    states = yield tuple(asked.values())
    return WorstOf({str(spec): states[top].entries for spec, top in asked.items()})


def has_worst(context: Context, spec: Spec) -> bool:
    """Whether one row can be called the worst of this loss."""
    if context.outputs > 1 and not context.adds_up(spec):
        return False
    return (spec.shares and spec.direction != "max") or spec.reduction.name == "max"


def of_loss(
    context: Context, spec: Spec, found: WorstOf, value: Reduced, share: float | None
) -> Json | None:
    """The `worst` field of one loss."""
    if not has_worst(context, spec) or not found.tops[str(spec)] or value.status == "undefined":
        return None
    sample = found.tops[str(spec)][0].sample
    return {"row": sample["row"], "id": sample["id"], "share": share}


def has_shares(context: Context, spec: Spec, value: Reduced) -> bool:
    """Whether rows have shares of a loss: parts of one sign of one sum."""
    return (
        spec.shares
        and spec.direction != "max"
        and value.total is not None
        and value.status in ("ok", "not_applicable")
        and value.total >= 0
        and (context.outputs == 1 or context.adds_up(spec))
    )


def share(context: Context, spec: Spec, value: Reduced, row: Batch) -> float | None:
    """The share of one row in a loss, from exact sums; None where shares mean nothing."""
    if not has_shares(context, spec, value):
        return None
    assert value.total is not None
    state = Sums(LossTerms(spec)).make(row)
    if state.infinite:
        return None
    return ratio(state.a, value.total) if value.total else 0.0


def part(context: Context, found: WorstOf, values: dict[str, Reduced], like: Batch) -> Worst | None:
    """The worst rows of the leading loss; None where what rows add to it is good."""
    if context.leading.direction == "max" and context.leading.reduction.sums:
        return None
    entries = found.tops[str(context.leading)][: context.top]
    if not entries:
        return None
    return Worst(
        str(context.leading),
        tuple(_row(context, entry.sample, values, like.of_sample(entry.sample))
              for entry in entries),
    )  # fmt: skip


def _row(context: Context, sample: Json, values: dict[str, Reduced], row: Batch) -> WorstRow:
    specs = context.specs
    return WorstRow(
        row=sample["row"],
        target_row=sample["target_row"],
        id=sample["id"],
        values=_shown(context, sample, row),
        losses={str(spec): _loss(spec, row) for spec in specs},
        shares={str(spec): share(context, spec, values[str(spec)], row) for spec in specs},
        without={str(spec): _without(values[str(spec)], row) for spec in specs},
        pull={
            str(spec): pull(spec, values[str(spec)], row)
            for spec in specs
            if spec.reduction.name == "ratio"
        },
    )


def pull(spec: Spec, value: Reduced, row: Batch) -> float | None:
    """How far a row pulls a ratio A / B, to first order: (a - V b) / B. All rows' sum to 0."""
    if value.value is None or not value.total or not value.divisor:
        return None
    state = Sums(LossTerms(spec)).make(row)
    if state.infinite:
        return None
    total = value.total + value.added
    return ratio(state.a * value.divisor - total * state.b, value.divisor * value.divisor)


def _without(value: Reduced, row: Batch) -> float | None:
    return None if value.without is None else value.without(row)


def _loss(spec: Spec, row: Batch) -> float | None:
    if spec.reduction.pairs and spec.reduction.name != "ratio":
        return None
    if spec.reduction.squares:
        total = Sums(LossTerms(spec)).make(replace(row, weight=None, memo={}, derived={}))
        try:
            return ratio(total.a, total.b) if not total.infinite else None
        except OverflowError:
            return None
    value = float(LossColumn(spec)(row)[0])
    return value if math.isfinite(value) else None


def _shown(context: Context, sample: Json, row: Batch) -> Json:
    """Target first, then prediction, then their difference, then the other roles; or what the
    context says, where rows are more than numbers."""
    if context.point is None and context.shown is not None:
        return context.shown(row)
    columns = dict(sample["columns"])
    shown: Json = {}
    for role in ("target", "label", "pred", "mean"):
        if role in columns:
            value = columns.pop(role)
            if role != "mean" or shown.get("pred") != value:  # one column read as both
                shown[role] = value
    if context.point is not None:
        residual: Any = difference(row.columns[context.point], row.columns["target"])[0]
        value = residual.tolist()
        shown["residual"] = value if not _infinite(value) else None
    return {**shown, **columns}


def _infinite(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(abs(one) == float("inf") for one in values)
