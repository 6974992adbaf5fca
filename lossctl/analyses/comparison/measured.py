"""What the rows say of one loss and several models: the values, how surely they differ, who is
better in how many rows, and how far apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.analyses.comparison import clusters
from lossctl.analyses.comparison.clusters import Units, spread_of_units
from lossctl.analyses.comparison.gaps import Gap, GapTerms, Wins, WinsState
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.spread import Piece, Spread, spread_of
from lossctl.analyses.concentration import index_of, tail_values
from lossctl.analyses.context import Context
from lossctl.analyses.contrast import few
from lossctl.arrays import Array
from lossctl.exact import ONE, Exact, exact, ratio
from lossctl.gram import Gram, GramState
from lossctl.models import Model
from lossctl.reductions import Reduced
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState
from lossctl.terms import LossTerms, values_of

NOT_SMOOTH = "it is no smooth function of sums over the rows"
TOGETHER = "the value of a row depends on other rows"


@dataclass(frozen=True, slots=True)
class Apart:
    """A model and the reference, row by row: `size` is the sum of the gaps' sizes, `square` that of
    their squares. `skew` is the skewness of the gaps over the root of their number, which says how
    far from normal their mean is, and `khat` the tail index on the side of the skew."""

    wins: WinsState | None = None
    size: SumsState | None = None
    khat: float | None = None
    mean: float | None = None
    skew: float | None = None
    tails: tuple[Array, Array] | None = None  # the largest gaps, and of the others their negatives
    square: Exact | None = None

    @property
    def few(self) -> bool:
        """Whether a handful of rows makes nearly all of what tells them apart."""
        one = self.size
        if one is None or one.infinite or self.square is None:
            return False
        return few(one, self.square)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One loss. `spread` is None where there is none, for the reason `why`; `apart` has the first
    model too, from itself."""

    spec: Spec
    values: tuple[Reduced, ...]
    spread: Spread | None
    why: str | None
    apart: tuple[Apart, ...]
    gram: GramState | None = None
    independent: Spread | None = None  # what the spread would be if rows were

    def value(self, number: int) -> float | None:
        """The value of one model, where it has one."""
        one = self.values[number]
        return one.value if one.status == "ok" else None

    def sums(self, number: int) -> SumsState | None:
        """One model's sums, where all its outputs are one."""
        gram = self.gram
        if gram is None or len(gram.infinite) != len(self.values):
            return None
        rows = self.values[number].count
        return SumsState(rows, gram.counted[number], gram.infinite[number],
                         gram.a(number), gram.b(number))  # fmt: skip


def rounds(
    context: Context, models: Sequence[Model], spec: Spec, question: Question
) -> Rounds[Measured]:
    """The question of one loss."""
    asked: list[Rounds[Any]] = [
        in_step(context.reduced(spec, model, moments=False) for model in models),
        _gram(context, models, spec, question),
        in_step(_apart(context, spec, models[0], model) for model in models[1:]),
    ]
    values, (gram, units, pieces, why), apart = yield from in_step(asked)
    spread = independent = None
    if gram is not None:
        found = [sloped(spec, gram, piece, values[piece[0]].count) for piece in pieces]
        known = [one for one in found if one is not None]
        if len(known) == len(found):
            spread = independent = spread_of(gram, known, len(models), spec.offset)
            if units is not None:
                spread = spread_of_units(
                    units, gram, known, len(models), spec.offset, question.horizon
                )
        if spread is None:
            why = _why_not(units, gram)
    alone = gram is not None and len(pieces) == len(models)
    known_apart = [
        _skewed(one, gram, number) if gram is not None and alone else one
        for number, one in enumerate(apart, 1)
    ]
    return Measured(spec, tuple(values), spread, why, (Apart(), *known_apart), gram, independent)


def _why_not(units: Units | None, gram: GramState) -> str:
    """Why nothing is known of how surely values differ."""
    if units is not None and len(units.state.table) < 2:
        return "one time has no spread" if units.ordered else "one cluster has no spread"
    if max(gram.counted) < 2:
        return "one row has no spread"
    return "its spread is not finite, or nothing counts"


def _square(gram: GramState, number: int) -> Exact:
    """The sum of squares of a model's gaps from the first."""
    at, held = 2 * number, gram.products
    return held[at][at] - 2 * held[at][0] + held[0][0]


def _gram(
    context: Context, models: Sequence[Model], spec: Spec, question: Question
) -> Rounds[tuple[GramState | None, Units | None, list[tuple[int, int, float]], str | None]]:
    """The sums of all models' terms and of their products, and by unit; model, place and share of
    each."""
    if context.whole is not None and spec in context.whole.together:
        return None, None, [], TOGETHER
    outputs = context.outputs if spec.roles[0].domain.shape == "value" else 1
    each = [None] if outputs == 1 or context.adds_up(spec) else list(range(outputs))
    terms = yield from in_step(
        spec.reduction.linear(
            values_of(spec, weighted=context.weighted, moments=False, output=output, view=model)
        )
        for model in models
        for output in each
    )
    known = tuple(context.weighing(one) for one in terms if one is not None)
    if len(known) < len(terms):
        return None, None, [], NOT_SMOOTH
    gram = Gram(known)
    asked: list[Rounds[Any]] = [one_state(gram), clusters.rounds(context, question, known)]
    state, units = yield from in_step(asked)
    pieces = [(place // len(each), place, 1.0 / len(each)) for place in range(len(known))]
    return state, units, pieces, None


def sloped(spec: Spec, state: GramState, piece: tuple[int, int, float], rows: int) -> Piece | None:
    """A piece of a value with its slope; None where float64 cannot hold that. `rows` are all,
    those of weight 0 among them."""
    model, place, share = piece
    if state.infinite[place]:
        return None
    a, b = (side + exact(more) for side, more in zip(
        (state.a(place), state.b(place)), spec.offset, strict=True))  # fmt: skip
    try:
        slope = spec.reduction.slope(a, b, rows, state.count)
    except (OverflowError, ZeroDivisionError):
        return None
    if spec.direction == "zero" and a < 0:  # what counts is how near to 0 it is
        share = -share
    return Piece(model, place, slope, share)


def _apart(context: Context, spec: Spec, first: Model, second: Model) -> Rounds[Apart]:
    wins = Wins(spec, first, second)
    several = context.outputs > 1 and not context.adds_up(spec)
    if several or not (spec.reduction.sums or spec.reduction.pairs):
        return Apart((yield from one_state(wins)))
    gap = Gap(spec, first, second)
    size = Sums(context.weighing(GapTerms(gap)))
    counted = Sums(context.weighing(LossTerms(spec)))
    asked: list[Rounds[Any]] = [
        one_state(wins),
        one_state(size),
        tail_values(gap, counted, context.like),
        tail_values(Gap(spec, first, second, -1.0), counted, context.like),
    ]
    found, state, above, below = yield from in_step(asked)
    return Apart(found, state, tails=(above, below))


def _skewed(one: Apart, gram: GramState, number: int) -> Apart:
    """With the squares of the gaps, their skewness, and the tail index on its side.

    The third moment is that of the tails on both sides: what lies between them adds little to a
    skewness that matters.
    """
    square = _square(gram, number)
    one = replace(one, square=square)
    if one.tails is None or gram.infinite[0] or gram.infinite[number]:
        return one
    n = gram.counted[number]
    try:
        mean = ratio(gram.a(number) - gram.a(0), n * ONE)
        spread = math.sqrt(max(ratio(square, n * ONE) - mean * mean, 0.0))
    except OverflowError:
        return one
    above, below = one.tails
    if not above.size or spread == 0.0:
        return one
    with np.errstate(all="ignore"):
        each = [np.power((side - mean) / spread, 3).sum() for side in (above, -below)]
    skew = float(each[0] + each[1]) / n / math.sqrt(n)
    if not math.isfinite(skew):
        return one
    return replace(one, mean=mean, skew=skew, khat=index_of(below if skew < 0.0 else above))
