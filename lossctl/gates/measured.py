"""What the rows say of each quantity that a requirement names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses.comparison import measured as pairs
from lossctl.analyses.comparison.judged import judged
from lossctl.analyses.comparison.order import checked
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.context import Context
from lossctl.analyses.within import RowCount, Slice, within
from lossctl.analyses.worst import share
from lossctl.batch import Batch, View
from lossctl.few import Few
from lossctl.gates.increase import Pair, pair_of
from lossctl.gates.requirement import Quantity
from lossctl.gates.rows import Regressed, RowLoss, Worsening, added
from lossctl.reductions import Reduced
from lossctl.reductions.reduced import unrepresented
from lossctl.report import Json
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.selection import order_statistics
from lossctl.spec import Spec
from lossctl.states import Column, Entry, Sums, Top
from lossctl.terms import LossColumn, LossTerms, Score, Through, WhereWeighing

WORST = 3  # rows that a requirement names


@dataclass(frozen=True, slots=True)
class Asked:
    """A quantity, its loss, and the rows that it is of."""

    quantity: Quantity
    spec: Spec | None
    view: Slice | None


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What is known of one quantity: its value, or what keeps it from having one; of an increase
    both models' values and their joint spread; the worst rows."""

    reduced: Reduced
    pair: Pair | None = None
    rows: tuple[Json, ...] = ()


NO_ROWS = Reduced(None, "undefined", "no row is in the slice", 0)


def rounds(
    context: Context,
    models: Sequence[View | None],
    asked: Sequence[Asked],
    question: Question,
    like: Batch,
) -> Rounds[list[Found]]:
    """What is found of each, by the last of the models (None: the rows as they are); of what needs
    a baseline by the first one, too. `like` is any batch."""
    own = models[-1]
    found: list[Found | None] = yield from in_step(
        within(one.view, _of(context, models, own, one, question, like)) for one in asked
    )
    return [one or Found(NO_ROWS) for one in found]


def _of(
    context: Context,
    models: Sequence[View | None],
    own: View | None,
    asked: Asked,
    question: Question,
    like: Batch,
) -> Rounds[Found]:
    quantity, spec = asked.quantity, asked.spec
    if spec is None:
        count = (yield from one_state(RowCount())).count
        return Found(Reduced(float(count), count=count))
    if quantity.function == "regressed_rows":
        return (yield from _regressed(context, models, spec, quantity.beyond, like))
    if quantity.function == "increase":
        return (yield from _increase(context, models, spec, question, like, asked.view is None))
    top = Top(WhereWeighing(Through(Score(spec), own)), WORST)
    share_of = quantity.percentile
    value = (
        context.reduced(spec, own) if share_of is None else _statistic(context, spec, own, share_of)
    )
    asked_of: list[Rounds[Any]] = [value, one_state(top)]
    reduced, worst = yield from in_step(asked_of)
    if quantity.function == "abs" and reduced.value is not None:
        reduced = replace(reduced, value=abs(reduced.value), interval=None)
    told = None if share_of is not None else reduced
    named = [named_row(context, spec, own, entry, like, told) for entry in worst.entries]
    return Found(reduced, rows=tuple(named))


def _statistic(context: Context, spec: Spec, own: View | None, share_of: float) -> Rounds[Reduced]:
    """The value that so large a share of the rows' values does not exceed, between two of them by
    a straight line (numpy.quantile's "linear"). Every row that weighs anything counts once."""
    counted = Sums(context.weighing(LossTerms(spec, None, own)))

    def ranks(n: int) -> list[int]:
        place = share_of * (n - 1)
        return [math.floor(place), math.ceil(place)] if n else []

    asked: list[Rounds[Any]] = [
        one_state(counted),
        order_statistics(RowLoss(spec, own), counted, ranks, context.like),
    ]
    state, values = yield from in_step(asked)
    bad = unrepresented(state.infinite, spec.diverges, state.count)
    if bad is not None:
        return bad
    if not values:
        return Reduced(None, "undefined", "no row counts", 0)
    low, high = values
    place = share_of * (state.count - 1)
    return Reduced(low + (high - low) * (place - math.floor(place)), count=state.count)


def _regressed(
    context: Context, models: Sequence[View | None], spec: Spec, beyond: float, like: Batch
) -> Rounds[Found]:
    column = Worsening(spec, models[0], models[-1])
    counted, top = Regressed(column, beyond), Top(column, WORST)
    states = yield (counted, top)
    state = states[counted]
    reduced = Reduced(float(state.worse), count=state.count)
    if not state.count:
        reduced = Reduced(None, "undefined", "no row counts", 0)
    return Found(reduced, rows=_worsened(context, spec, models, column, states[top].entries, like))


def _increase(
    context: Context,
    models: Sequence[View | None],
    spec: Spec,
    question: Question,
    like: Batch,
    all_rows: bool,
) -> Rounds[Found]:
    """Both models' values, and all that says how surely they differ."""
    pair: Any = (models[0], models[-1])
    column = added(spec, *pair)
    top, few = Top(column, WORST), Few(context.few, "row")
    asked: list[Rounds[Any]] = [
        pairs.rounds(context, pair, spec, question),
        one_state(top),
        one_state(few) if all_rows else in_step([]),
    ]
    found, worst, held = yield from in_step(asked)
    (one,), _ = checked(judged([found], question), pair, held.batch if all_rows else None, question)
    rows = _worsened(context, spec, models, column, worst.entries, like)
    lacking = next((value for value in found.values if value.status != "ok"), found.values[1])
    return Found(lacking, pair_of(one, question), rows)


def _worsened(
    context: Context,
    spec: Spec,
    models: Sequence[View | None],
    column: Column,
    entries: Sequence[Entry],
    like: Batch,
) -> tuple[Json, ...]:
    """The rows that became worse, with by how much."""
    return tuple(
        named_row(context, spec, models[-1], entry, like) | {"worse": entry.score}
        for entry in entries
        if 0.0 < entry.score < math.inf
    )


def named_row(
    context: Context,
    spec: Spec,
    own: View | None,
    entry: Entry,
    like: Batch,
    value: Reduced | None = None,
) -> Json:
    """A row's number and id, its value, and its share of the whole `value`, if that is asked."""
    row = like.of_sample({**entry.sample, "row": entry.sample["row"] or 0})
    loss = float(LossColumn(spec, None, own)(row)[0])
    found = {"row": entry.sample["row"], "id": entry.sample["id"],
             "value": loss if math.isfinite(loss) else None}  # fmt: skip
    if value is not None:
        found["share"] = share(context, spec, value, row if own is None else own(row))
    return found
