"""For which losses one model is better than another, whatever the loss: from their errors alone.

A model is better for every loss that grows with the error on either side of 0 if it has no more
errors beyond any threshold t, P(e > t) and P(e < -t); for every convex one if E(e - t)+ and
E(-t - e)+ are no larger (GL and CL superiority: Jin, Corradi and Swanson 2017). For symmetric
losses both sides count together: P(|e| <= t), the REC curve of Bi and Bennett (2003), and
E(|e| - t)+.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.crossings import (
    Comparison,
    Trace,
    Verdict,
    Wholes,
    difference,
    known_at,
    summed_at,
    together,
    traced,
    weights_of,
    wholes,
)
from lossctl.analyses.error_curves import (
    FULL,
    DrawnState,
    ErrorOf,
    Given,
    Graded,
    GradedState,
    keys_between,
    known,
    rounded,
)
from lossctl.arrays import Array
from lossctl.batch import View
from lossctl.ranges import packed
from lossctl.rounds import Rounds
from lossctl.selection import Like
from lossctl.states import Column
from lossctl.terms import WeightColumn

EDGES = 512  # thresholds where rows are too many for all
BEYOND = 64  # thresholds among the sample's few largest errors, and up to the largest of all

Part: TypeAlias = Literal["both", "over", "under"]
PARTS: tuple[Part, ...] = ("both", "over", "under")
SIDES: tuple[Part, ...] = ("over", "under")


@dataclass(frozen=True, slots=True)
class Dominance:
    """Which of two models is better for all losses of a class; `exact`: at every threshold.

    The curves: P(|e| <= t), where more is better, P(e > t) and P(e < -t); E(|e| - t)+, E(e - t)+
    and E(-t - e)+. "over" is of predictions above the target.
    """

    exact: bool
    rows: int
    within: Comparison
    over: Comparison
    under: Comparison
    excess: Comparison
    excess_over: Comparison
    excess_under: Comparison

    @property
    def symmetric_monotone(self) -> Verdict:
        """For every symmetric loss that grows with the error."""
        return self.within.verdict

    @property
    def symmetric_convex(self) -> Verdict:
        """For every symmetric convex loss: MAE, RMSE, Huber, log-cosh, ..."""
        return self.excess.verdict

    @property
    def monotone(self) -> Verdict:
        """For every loss that grows with the error on either side of 0."""
        return together((self.over.verdict, self.under.verdict))

    @property
    def convex(self) -> Verdict:
        """For every convex loss that is least at 0: pinball, linex, ..."""
        return together((self.excess_over.verdict, self.excess_under.verdict))


def rounds(
    context: Context, first: View | None, second: View | None, *, full: int = FULL
) -> Rounds[Dominance | None]:
    """Of two models, each the predictions that a view shows; None where errors mean nothing, are
    not all finite, or are of no rows."""
    point = context.point
    if point is None or context.outputs > 1:
        return None
    errors = [context.weighing(ErrorOf(point, view)) for view in (first, second)]
    weight = context.weighing(WeightColumn()) if context.weighted else None
    return (yield from of_columns(errors[0], errors[1], weight, context.like, full=full))


def of_columns(
    first: Column,
    second: Column,
    weight: Column | None = None,
    like: Like | None = None,
    *,
    full: int = FULL,
) -> Rounds[Dominance | None]:
    """Of the errors of two models; None where they are not all finite, or are of no rows."""
    found = yield from known((first, second), weight, like, full)
    if isinstance(found, DrawnState):
        if found.finite < found.count:
            return None
        edges = _edges(found)
        asked = Graded(first, weight, packed(edges)), Graded(second, weight, packed(edges))
        states = yield tuple(dict.fromkeys(asked))
        return _between(edges, states[asked[0]], states[asked[1]], found.count)
    if not found.shape[1] or not np.isfinite(found).all():
        return None
    return of_errors(found[0], found[1], None if weight is None else found[2])


# --- at every threshold -----------------------------------------------------------------------


def of_errors(first: Array, second: Array, weight: Array | None = None) -> Dominance:
    """Of finite errors in memory, (n,) each, n >= 1; weights above 0."""
    traces = _all_traces(first, second, weight)
    points = np.unique(np.concatenate([np.zeros(1), *(one.asked[0] for one in traces)]))
    masses = [_graded(error, weight, points) for error in (first, second)]
    return _told(True, first.size, traces, points, masses[0], masses[1])


def _graded(error: Array, weight: Array | None, points: Array) -> GradedState:
    """What lies between a few thresholds, exactly."""
    given = None if weight is None else Given(weight)
    return Graded(Given(error), given, packed(points)).make(None)


def _all_traces(first: Array, second: Array, weight: Array | None) -> list[Trace]:
    """What the differences of the six curves tell at all thresholds."""
    errors = np.concatenate([first, second, np.zeros(1)])
    at, places = np.unique(np.abs(errors), return_inverse=True)
    own = weights_of(weight, first.size)
    signed = np.concatenate([-own, own, np.zeros(1, dtype=own.dtype)])
    gaps = np.diff(wholes(at))
    beyond: dict[Part, Wholes] = {}
    excess: dict[Part, Wholes] = {}
    for part in SIDES:
        chosen = errors < 0.0 if part == "under" else errors > 0.0
        jumps = summed_at(places[chosen], signed[chosen], at.size)
        beyond[part] = jumps.sum() - np.cumsum(jumps)
        excess[part] = _area_beyond(gaps, beyond[part])
    return _traces(at, beyond, excess)


def _area_beyond(gaps: Wholes, steps: Wholes) -> Wholes:
    """At each threshold, the area under steps from there on."""
    areas = np.cumsum((gaps * steps[:-1])[::-1])[::-1]
    return np.append(areas, np.zeros(1, dtype=areas.dtype))


def _traces(at: Array, beyond: dict[Part, Wholes], excess: dict[Part, Wholes]) -> list[Trace]:
    """Of the differences second - first of errors beyond thresholds, then of what they exceed."""
    for curves in (beyond, excess):
        curves["both"] = curves["over"] + curves["under"]
    steps = [traced(at, beyond[part]) for part in PARTS]
    return steps + [traced(at, excess[part], excess[part][1:]) for part in PARTS]


# --- at some thresholds -----------------------------------------------------------------------


def _edges(sample: DrawnState) -> Array:
    """Thresholds: 0, as many errors within the sample's as beyond between each two, and up to the
    largest of all."""
    sizes = np.sort(np.abs(sample.table).reshape(-1))
    most = float(max(-sample.low.min(), sample.high.max(), 0.0))
    inner = sizes[np.arange(EDGES) * (sizes.size - 1) // EDGES]
    outer = keys_between(float(inner[-1]), most, BEYOND)
    return np.unique(np.concatenate([np.zeros(1), inner, outer, [most]]))


def _between(edges: Array, first: GradedState, second: GradedState, rows: int) -> Dominance:
    """From what lies between thresholds."""
    beyond: dict[Part, Wholes] = {}
    excess: dict[Part, Wholes] = {}
    for part in SIDES:
        sides = [state.side(part == "under") for state in (first, second)]
        beyond[part] = difference(sides[0][0], sides[1][0])
        excess[part] = difference(sides[0][1], sides[1][1])
    return _told(False, rows, _traces(edges, beyond, excess), edges, first, second)


# --- what is told -----------------------------------------------------------------------------


def _told(
    exact: bool,
    rows: int,
    traces: list[Trace],
    edges: Array,
    first: GradedState,
    second: GradedState,
) -> Dominance:
    curves = [_curves(state) for state in (first, second)]
    told = [
        trace.told(known_at(edges, curves[0][name], curves[1][name], steps=name < len(PARTS)))
        for name, trace in enumerate(traces)
    ]
    return Dominance(exact, rows, *told)


def _curves(state: GradedState) -> list[Array]:
    """P(|e| <= t), P(e > t), P(e < -t), E(|e| - t)+, E(e - t)+ and E(-t - e)+ at the edges."""
    total = sum(state.masses)
    over, under = state.side(False), state.side(True)
    mass, excess = (
        [a + b for a, b in zip(over[kind], under[kind], strict=True)] for kind in (0, 1)
    )
    within = rounded((total - one for one in mass), total)
    sides = [rounded(side[kind], total) for kind in (0, 1) for side in (over, under)]
    return [within, *sides[:2], rounded(excess, total), *sides[2:]]
