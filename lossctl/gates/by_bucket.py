"""Two states of the same rows: how surely their values differ, from the sums by bucket."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.comparison.clusters import Units, influences, spread_of_units
from lossctl.analyses.comparison.judged import judged
from lossctl.analyses.comparison.measured import Apart, Measured, sloped
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.spread import Piece
from lossctl.analyses.context import Context
from lossctl.exact import ONE, exact
from lossctl.gates.increase import Pair, pair_of
from lossctl.gram import GramState
from lossctl.reductions import Reduced
from lossctl.spec import Spec
from lossctl.states import SumsState
from lossctl.units import UnitsState

NO_SUMS = "a state does not hold what tells how surely it changes"


def paired(
    context: Context,
    spec: Spec,
    values: tuple[Reduced, Reduced],
    states: tuple[dict[str, Any], dict[str, Any]],
    question: Question,
) -> Pair | None:
    """The values of baseline and candidate with their joint spread; None where one has no value.
    The states must be of the same rows."""
    measured = Measured(spec, values, None, NO_SUMS, (Apart(), Apart()))
    if all("buckets" in each for each in states):
        measured = _measured(context, spec, values, states)
    return pair_of(judged([measured], question)[0], question)


def _measured(
    context: Context,
    spec: Spec,
    values: tuple[Reduced, Reduced],
    states: tuple[dict[str, Any], dict[str, Any]],
) -> Measured:
    first, second = (each["sums"] for each in states)
    gram: GramState = first.beside(second)
    units: UnitsState = states[0]["buckets"].beside(states[1]["buckets"])
    each = len(first.infinite)
    places = [(place // each, place, 1.0 / each) for place in range(2 * each)]
    pieces = [sloped(spec, gram, piece, values[piece[0]].count) for piece in places]
    known = [piece for piece in pieces if piece is not None]
    spread = None
    if len(known) == len(pieces):
        spread = spread_of_units(Units(units, False), gram, known, 2, spec.offset, None)
    apart = Apart() if spread is None else _apart(units, gram, known, spec)
    why = None if spread is not None else NO_SUMS
    return Measured(spec, values, spread, why, (Apart(), apart), gram)


def _apart(units: UnitsState, gram: GramState, pieces: list[Piece], spec: Spec) -> Apart:
    """Whether a handful of units makes nearly all of the difference: then a few rows do."""
    values = influences(units, gram, pieces, 2, spec.offset)
    if values is None:
        return Apart()
    gaps = values[:, 1] - values[:, 0]
    size = float(np.abs(gaps).sum())
    if not np.isfinite(size) or size == 0.0:
        return Apart()
    share = np.abs(gaps) / size
    sums = SumsState(len(gaps), len(gaps), 0, ONE, len(gaps) * ONE)
    return Apart(size=sums, square=exact(float(share @ share)))
