"""Each loss without its own largest part: a trimmed mean, by exact selection and exact sums."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lossctl.analyses.concentration import by_weight, shift_of
from lossctl.analyses.context import Context
from lossctl.batch import Batch, View
from lossctl.errors import UsageError
from lossctl.exact import ratio
from lossctl.reductions import Reduced
from lossctl.rounds import Rounds
from lossctl.selection import order_statistics
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState
from lossctl.terms import Contribution, LossTerms, Through


@dataclass(frozen=True, slots=True)
class Trimmed:
    """A loss without the `count` rows that add most to it, and the share that those make: None
    where it is infinite with them."""

    count: int
    rows: int
    value: float | None
    share: float | None
    status: str = "ok"
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Adding:
    """The rows that add more than `least` (times 2**shift) to a loss; `equal`: just as much."""

    spec: Spec
    shift: int
    least: float
    equal: bool
    of: View | None = None

    def __call__(self, batch: Batch) -> Batch:
        batch = batch.seen(self.of)
        added = Contribution(self.spec, self.shift)(batch)
        return batch.take(added == self.least if self.equal else added > self.least)


def trimmed(
    context: Context, spec: Spec, fraction: float, view: View | None = None
) -> Rounds[Trimmed | None]:
    """The loss (through a view) without the floor(`fraction` n) rows that add most to it.

    Of rows that add the same, of which only some go, each goes in part: so neither blocks nor
    order matter, where their weights differ. Infinite rows are the largest: the value is finite
    where all of them go. None for a loss that is no sum of parts of one sign, or to which no row
    adds. Raises UsageError unless 0 <= fraction < 1.
    """
    if not 0.0 <= fraction < 1.0:
        raise UsageError(f"cannot trim {fraction:g} of the rows", "use 0 to less than 1 (100 %)")
    if not spec.shares or spec.direction == "max" or spec.reduction.name in ("max", "median"):
        return None
    if context.outputs > 1 and not context.adds_up(spec):
        return None
    if context.whole is not None and spec in context.whole.together:
        return None
    sums = Sums(LossTerms(spec, None, view), context.moments)
    state: SumsState = (yield (sums,))[sums]
    if state.a < 0 or (state.a == 0 and not state.infinite):
        return None
    # The weight of an infinite row is left out of the sums with it.
    rows = state.nonzero + state.infinite if by_weight(context, spec) else state.count
    count = int(fraction * rows)
    less = SumsState(moments=state.moments)
    if count:
        shift = shift_of(state) if state.a else 0
        column = Through(Contribution(spec, shift, counted=True), view)
        [least] = yield from order_statistics(
            column, state.count, lambda n: [n - count], context.like
        )
        more, same = (
            Sums(LossTerms(spec, None, Adding(spec, shift, least, equal, view)), context.moments)
            for equal in (False, True)
        )
        states = yield (more, same)
        less = states[more].merge(_part(states[same], count - states[more].count))
    reduced = _reduced(context, spec, view, sums, state.less(less))
    if reduced is None:
        return None
    share = None if state.infinite else ratio(less.a, state.a)
    return Trimmed(count, rows, reduced.value, share, reduced.status, reduced.reason)


def _part(state: SumsState, count: int) -> SumsState:
    """That many of rows that all add the same: of weights, which may differ, their mean."""
    return replace(
        state,
        count=count,
        nonzero=state.nonzero * count // state.count,
        infinite=state.infinite * count // state.count,
        a=state.a * count // state.count,
        b=state.b * count // state.count,
    )


def _reduced(
    context: Context, spec: Spec, view: View | None, sums: Sums, left: SumsState
) -> Reduced | None:
    """The loss whose sums these are; None where it asks for more than sums."""
    question = context.reduced(spec, view, moments=False)
    for asked in next(question):
        if not isinstance(asked, Sums) or asked.terms != sums.terms:
            return None
    try:
        question.send({replace(sums, moments=False): left})
    except StopIteration as stop:
        result: Reduced = stop.value
        return result
    return None
