"""The fewest rows without which a loss would prefer the other of two models.

Leaving out the rows that speak most for the first is best: for means that is exact (Broderick,
Giordano and Meager 2020 approximate it for what is no mean).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.analyses.comparison.gaps import Gap
from lossctl.analyses.comparison.measured import Measured
from lossctl.analyses.context import Context
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.exact import Exact, ratio
from lossctl.models import Model
from lossctl.reductions.additive import Additive
from lossctl.report import Json
from lossctl.rounds import Rounds
from lossctl.selection import fewest_for
from lossctl.states import Sums, SumsState, Terms, Top, merged
from lossctl.terms import LossTerms

LISTED = 50  # rows that are named


@dataclass(frozen=True, slots=True)
class Lead:
    """By how much each row speaks for the first model: 0 where it does not."""

    gap: Gap

    def __call__(self, batch: Batch) -> Array:
        return np.maximum(self.gap(batch), 0.0)


@dataclass(frozen=True, slots=True)
class LeadTerms:
    """a = the gap, or only what speaks for the first model; every row counts 1."""

    gap: Gap
    only: bool

    def __call__(self, batch: Batch) -> Terms:
        gap = self.gap(batch)
        return Terms([(np.maximum(gap, 0.0) if self.only else gap, 0)])


@dataclass(frozen=True, slots=True)
class Flip:
    """Of one loss: the model that it prefers and the next, how many rows would have to go before it
    prefers the other (None: no rows would do), the first of these, and both values without them,
    where all are named."""

    first: int
    second: int
    count: int | None
    rows: int
    samples: tuple[Json, ...] = ()
    without: tuple[float, float] | None = None


def rounds(
    context: Context, models: tuple[Model, ...], found: Measured, pair: tuple[int, int], like: Batch
) -> Rounds[Flip | None]:
    """Which rows decide that the first of a `pair` is better; `like` is any batch. None for a loss
    that is no mean of what rows add, or where nothing decides."""
    spec = found.spec
    reduction = spec.reduction
    if not isinstance(reduction, Additive) or reduction.pairs or found.gram is None:
        return None
    if not context.one_sum(spec) or spec.direction == "zero":
        return None
    sign = -1.0 if spec.direction == "max" else 1.0
    gap = Gap(spec, models[pair[0]], models[pair[1]], sign)
    lead, all_of = (Sums(context.weighing(LeadTerms(gap, only))) for only in (True, False))
    top = Top(Lead(gap), LISTED)

    def goal(state: SumsState) -> Exact | None:
        whole = states[all_of]
        if state.infinite or whole.a <= 0 or state.a <= whole.a:
            return None  # no row speaks for the second: without all others they would be alike
        return int(whole.a) + 1  # the least number that is more

    states = yield (lead, all_of, top)
    whole, own = states[all_of], states[lead]
    if whole.infinite or whole.a <= 0:
        return None
    share = ratio(whole.a, own.a)  # of what speaks for the first, about what has to go
    count = yield from fewest_for(Lead(gap), lead, goal, context.like, share)
    rows = int(whole.count)
    if count is None:
        leading = (entry.sample for entry in states[top].entries if entry.score > 0.0)
        return Flip(*pair, None, rows, tuple(leading))
    samples = tuple(entry.sample for entry in states[top].entries[:count])
    without = None
    if count <= LISTED:
        without = _without(reduction, found, pair, models, samples, like)
    return Flip(*pair, count, rows, samples, without)


def _without(
    reduction: Additive,
    found: Measured,
    pair: tuple[int, int],
    models: tuple[Model, ...],
    samples: tuple[Json, ...],
    like: Batch,
) -> tuple[float, float] | None:
    """Both values when these rows are left out."""
    values = []
    for number in pair:
        terms = LossTerms(found.spec, None, models[number])
        left_out = merged(Sums(terms).make(like.of_sample(sample)) for sample in samples)
        whole = found.sums(number)
        value = None if whole is None else reduction.finished(whole.less(left_out))
        if value is None:
            return None
        values.append(value)
    return values[0], values[1]
