"""Murphy diagrams (Ehm, Gneiting, Jordan and Krüger 2016): which of two models is better for every
loss that is consistent for the mean (or a quantile), and for which of these if not for all.

Each such loss is a mixture of elementary ones, one for each threshold theta. For the mean it is
|y - theta| where min(p, y) <= theta < max(p, y), and else 0: twice the area under its mean's curve
is the MSE. For the quantile of level tau it is 1 - tau where y <= theta < p and tau where
p <= theta < y: the area is the mean pinball loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
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
    traced,
    weights_of,
    wholes,
)
from lossctl.analyses.error_curves import (
    FULL,
    DrawnState,
    Given,
    added,
    brief,
    keys_between,
    known,
    mass_of,
    masses_and_sums,
    product,
    rounded,
    unbrief,
)
from lossctl.arrays import Array, Mask
from lossctl.batch import View
from lossctl.exact import Exact
from lossctl.ranges import packed, unpacked
from lossctl.rounds import Rounds
from lossctl.selection import Like
from lossctl.states import UNLIKE, Column, Json
from lossctl.terms import RoleColumn, WeightColumn

Functional: TypeAlias = Literal["mean", "quantile"]

THETAS = 512  # where rows are too many for all
BEYOND = 32  # of them among the few least values, and among the few greatest


@dataclass(frozen=True, slots=True)
class Murphy:
    """Which of two models has the lower curve; `exact`: at every threshold."""

    functional: Functional
    level: float
    exact: bool
    rows: int
    curves: Comparison

    @property
    def verdict(self) -> Verdict:
        """Who is better for every consistent loss."""
        return self.curves.verdict


def murphy_rounds(
    context: Context,
    first: View | None,
    second: View | None,
    *,
    functional: Functional = "mean",
    level: float = 0.5,
    role: str | None = None,
    full: int = FULL,
) -> Rounds[Murphy | None]:
    """Of two models, each the predictions that a view shows.

    `role` is what predicts, where residuals mean nothing but means do: probabilities of a target
    in [0, 1]. None where there is no such role, or several outputs; or of no rows.
    """
    pred = role or context.point
    if pred is None or context.outputs > 1:
        return None
    columns = [
        context.weighing(column)
        for column in (RoleColumn(pred, view=first), RoleColumn(pred, view=second),
                       RoleColumn("target"))
    ]  # fmt: skip
    weight = context.weighing(WeightColumn()) if context.weighted else None
    return (
        yield from of_columns(
            columns[0], columns[1], columns[2], weight, context.like,
            functional=functional, level=level, full=full,
        )
    )  # fmt: skip


def of_columns(
    first: Column,
    second: Column,
    target: Column,
    weight: Column | None = None,
    like: Like | None = None,
    *,
    functional: Functional = "mean",
    level: float = 0.5,
    full: int = FULL,
) -> Rounds[Murphy | None]:
    """Of the predictions of two models; None where a value is not finite, or of no rows."""
    found = yield from known((first, second, target), weight, like, full)
    if isinstance(found, DrawnState):
        if found.finite < found.count:
            return None
        thetas = _thetas(found)
        first_asked, second_asked = (
            Elementary(pred, target, weight, packed(thetas), functional == "mean")
            for pred in (first, second)
        )
        states = yield tuple(dict.fromkeys((first_asked, second_asked)))
        curves = [states[one].curve(level) for one in (first_asked, second_asked)]
        trace = _traced_between(thetas, curves[0][0], curves[1][0], functional)
        values = [rounded(*curve) for curve in curves]
        told = trace.told(known_at(thetas, *values, steps=functional != "mean"))
        return Murphy(functional, level, False, found.count, told)
    if not found.shape[1] or not np.isfinite(found).all():
        return None
    own = None if weight is None else found[3]
    return of_predictions(found[0], found[1], found[2], own, functional=functional, level=level)


# --- at every threshold -----------------------------------------------------------------------


def of_predictions(
    first: Array,
    second: Array,
    target: Array,
    weight: Array | None = None,
    *,
    functional: Functional = "mean",
    level: float = 0.5,
) -> Murphy:
    """Of finite predictions and targets in memory, (n,) each, n >= 1; weights above 0."""
    trace = _trace(first, second, target, weight, functional, level)
    points, below = trace.asked
    curves = [curve(pred, target, weight, points, below, functional=functional, level=level)
              for pred in (first, second)]  # fmt: skip
    told = trace.told(lambda _at, _below: (curves[0], curves[1]))
    return Murphy(functional, level, True, target.size, told)


def curve(
    pred: Array,
    target: Array,
    weight: Array | None,
    thetas: Array,
    below: Mask | None = None,
    *,
    functional: Functional = "mean",
    level: float = 0.5,
) -> Array:
    """The mean elementary score at any `thetas`, (m,), each exact and rounded once; at those that
    `below` marks, its limit from below."""
    found = np.empty(thetas.size)
    given = None if weight is None else Given(weight)
    limits = np.zeros(thetas.size, dtype=bool) if below is None else below
    for limit in (False, True):
        points, places = np.unique(thetas[limits == limit], return_inverse=True)
        if points.size:
            asked = Elementary(
                Given(pred), Given(target), given, packed(points), functional == "mean", limit
            )
            found[limits == limit] = rounded(*asked.make(None).curve(level))[places]
    return found


def _trace(
    first: Array,
    second: Array,
    target: Array,
    weight: Array | None,
    functional: Functional,
    level: float,
) -> Trace:
    """What the difference of the curves tells at all thresholds."""
    n = target.size
    at, places = np.unique(np.concatenate([first, second, target]), return_inverse=True)
    own = weights_of(weight, n)
    signed = np.concatenate([-own, own])
    preds, targets = places[: 2 * n], np.tile(places[2 * n :], 2)
    counts: Wholes = np.array([1, -1])  # of rows above their target, and of those below
    if functional == "quantile":
        part, whole = level.as_integer_ratio()
        counts = np.array([whole - part, part], dtype=np.int64 if whole == 2 else object)
    counted = counts[(preds < targets).astype(np.int64)] * signed
    slopes = summed_at(np.minimum(preds, targets), counted, at.size)
    slopes = np.cumsum(slopes - summed_at(np.maximum(preds, targets), counted, at.size))
    if functional == "quantile":
        return traced(at, slopes)
    scale = wholes(at)
    rises = np.diff(scale) * slopes[:-1]
    # A row's score is 0 at its target; at its prediction it begins or ends, there above 0.
    jumps = summed_at(preds, signed * (scale[targets] - scale[preds]), at.size)
    starts = np.cumsum(jumps + np.append(np.zeros(1, dtype=rises.dtype), rises))
    return traced(at, starts, starts[:-1] + rises)


# --- at some thresholds -----------------------------------------------------------------------


def _thetas(sample: DrawnState) -> Array:
    """As many of the sample's predictions and targets between each two, and from the least of all
    values to the greatest."""
    values = np.sort(sample.table.reshape(-1))
    low, high = float(sample.low.min()), float(sample.high.max())
    count = THETAS - 2 * BEYOND - 2
    inner = values[np.arange(1, count + 1) * (values.size - 1) // (count + 1)]
    left = keys_between(low, float(inner[0]), BEYOND)
    right = keys_between(float(inner[-1]), high, BEYOND)
    return np.unique(np.concatenate([[low], left, inner, right, [high]]))


def _traced_between(
    thetas: Array, first: list[Exact], second: list[Exact], functional: Functional
) -> Trace:
    less = difference(first, second)
    return traced(thetas, less, less[1:] if functional == "mean" else None)


@dataclass(frozen=True, slots=True)
class Elementary:
    """What makes a Murphy curve at some thresholds, weighted: the rows whose prediction is above
    one that the target is not above, and the other way round; if `mean`, their targets' sums too.

    `thetas` is `packed`, so that equal ones are soon known to be equal. `below`: what makes the
    limits from below.
    """

    pred: Column
    target: Column
    weight: Column | None
    thetas: str
    mean: bool = True
    below: bool = False

    def empty(self) -> ElementaryState:
        none = (0,) * (unpacked(self.thetas).size + 1)
        return ElementaryState(self.thetas, self.mean, self.below, 0, none, none, none)

    def make(self, block: object) -> ElementaryState:
        pred, target = self.pred(block), self.target(block)
        weight = None if self.weight is None else self.weight(block)
        mass = mass_of(weight, target.size)
        thetas = unpacked(self.thetas)
        ends = [np.searchsorted(thetas, values, side="right" if self.below else "left")
                for values in (pred, target)]  # fmt: skip
        seen = np.flatnonzero(ends[0] != ends[1])
        pred, target = pred[seen], target[seen]
        weight = None if weight is None else weight[seen]
        ends = [end[seen] for end in ends]
        bins = thetas.size + 1
        side = np.where(pred > target, 0, bins)
        made = [
            masses_and_sums(end + side, 2 * bins, target if self.mean else None, weight)
            for end in (np.minimum(*ends), np.maximum(*ends))
        ]
        masses, sums = (
            tuple(a - b for a, b in zip(made[0][kind], made[1][kind], strict=True))
            for kind in (0, 1)
        )
        moment = tuple(a - b for a, b in zip(sums[:bins], sums[bins:], strict=True))
        return ElementaryState(
            self.thetas, self.mean, self.below, mass, masses[:bins], masses[bins:], moment
        )


@dataclass(frozen=True, slots=True)
class ElementaryState:
    """How the weight of the rows that count changes at each threshold: `over` where the prediction
    is above the target, `under` where it is below; `moment`: that of weight times target, those
    below taken away. `mass`: the weight of all rows."""

    thetas: str
    mean: bool
    below: bool
    mass: Exact
    over: tuple[Exact, ...]
    under: tuple[Exact, ...]
    moment: tuple[Exact, ...]

    def merge(self, other: ElementaryState) -> ElementaryState:
        if (self.thetas, self.mean, self.below) != (other.thetas, other.mean, other.below):
            raise ValueError(UNLIKE)
        return ElementaryState(
            self.thetas,
            self.mean,
            self.below,
            self.mass + other.mass,
            added(self.over, other.over),
            added(self.under, other.under),
            added(self.moment, other.moment),
        )

    def curve(self, level: float) -> tuple[list[Exact], Exact]:
        """The sum of the elementary scores at each threshold, and what to divide it by for their
        mean. The level is that of a quantile."""
        thetas = unpacked(self.thetas).tolist()
        over, under = list(accumulate(self.over)), list(accumulate(self.under))
        rows = zip(thetas, over, under, accumulate(self.moment), strict=False)
        if self.mean:
            return [product(o - u, theta) - m for theta, o, u, m in rows], self.mass
        part, whole = level.as_integer_ratio()
        return [(whole - part) * o + part * u for _, o, u, _ in rows], self.mass * whole

    def to_json(self) -> Json:
        return {
            "thetas": self.thetas,
            "mean": self.mean,
            "below": self.below,
            "mass": brief(self.mass),
            **{name: list(map(brief, getattr(self, name))) for name in SUMS},
        }

    @classmethod
    def from_json(cls, data: Json) -> ElementaryState:
        sums = (tuple(map(unbrief, data[name])) for name in SUMS)
        return cls(data["thetas"], data["mean"], data["below"], unbrief(data["mass"]), *sums)


SUMS = ("over", "under", "moment")
