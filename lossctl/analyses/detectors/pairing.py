"""Rows paired otherwise: the loss of the pairs of a shift, or of any order of one side.

A pairing is called wrong where three things hold: the present one is no better than chance, the
other is far better, and far better than those beside it (which series and sorted files also
improve). Of numbers, the relation must not come from what each side's own past tells.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.sides import (
    Pair,
    correlation,
    from_the_past,
    outcomes,
    points,
    related,
)
from lossctl.analyses.detectors.trial import FALL, FEWEST, SURE, Trial, costs, judge
from lossctl.arrays import Array, Integers, Ragged
from lossctl.batch import Batch, taken
from lossctl.needs import TARGETS

TRIED, LISTS = 4096, 512  # rows that are paired anew: of numbers and vectors, of lists and texts
CHANCE = 0.8  # of the loss of random pairs: from there on, the present pairs are as good as random
SHARP = 0.2  # by how much the pairs must be better than those beside them
SLOPES = (0.5, 1.4)  # what a model that is right on the whole has: E(target | pred) over pred
RELATED = 3.5  # standard errors, of numbers: that they are related is tested by itself
FAR = 0.4  # what the loss must lose where the target of a row before is predicted, as forecasts do


@dataclass(frozen=True, slots=True, eq=False)
class Pairing:
    """Row `pred[i]` of the predictions with row `target[i]` of the targets."""

    pred: Integers
    target: Integers

    def of(self, batch: Batch) -> Batch:
        """The rows paired so."""
        columns = {}
        for role, column in batch.columns.items():
            if role in batch.wholes or column is None:
                columns[role] = column
            else:
                columns[role] = taken(column, self.target if role in TARGETS else self.pred)
        return replace(
            batch,
            columns=columns,
            weight=None if batch.weight is None else batch.weight[self.pred],
            rows=batch.rows[self.pred],
            order=batch.order[self.pred],
            target_rows=None,
            ids=None,
            memo={},
            derived={},
        )

    @property
    def earlier(self) -> bool:
        """Whether predictions are paired with the targets of rows before, as forecasts may be."""
        steps = np.diff(self.target)
        return bool((steps > 0).all() and self.target[0] < self.pred[0])

    def first(self, most: int) -> Pairing:
        """The first pairs alone."""
        return Pairing(self.pred[:most], self.target[:most])


def unrelated(context: Context, batch: Batch) -> bool:
    """Whether the present pairs are no better than random ones. Cheap: asked before all else."""
    known = batch.derived.get("unrelated")
    if known is None:
        known = batch.derived["unrelated"] = _unrelated(context, batch)
    return bool(known)


def _unrelated(context: Context, batch: Batch) -> bool:
    spec = judge(context, batch)
    if spec is None or batch.count < FEWEST or not _two_sided(batch):
        return False
    n = min(batch.count, _most(batch) // 4)
    rows = np.arange(n)
    now = costs(spec, Pairing(rows, rows).of(batch))
    # A step near the golden section visits all rows in an order that no period shares.
    chance = []
    for share in (0.6180339887, 0.4142135623, 0.7320508075):
        step = int(share * n) | 1
        while np.gcd(step, n) != 1:
            step += 1
        at_random = Pairing(rows, (rows * step + n // 3) % n).of(batch)
        chance.append(float(costs(spec, at_random).mean()))
    if not (np.isfinite(now).all() and np.isfinite(chance).all()):
        return False
    doubt = 2.0 * float(now.std(ddof=1)) / math.sqrt(n)
    return bool(float(now.mean()) + doubt >= CHANCE * float(np.mean(chance)) > 0.0)


def _most(batch: Batch) -> int:
    """How many pairs are tried: losses of lists and texts are costly."""
    lists = any(isinstance(column, Ragged) for column in batch.columns.values())
    return LISTS if lists else TRIED


def _two_sided(batch: Batch) -> bool:
    roles = set(batch.columns) - batch.wholes
    return bool(roles & set(TARGETS)) and bool(roles - set(TARGETS))


def better(context: Context, batch: Batch, other: Pairing) -> Trial | None:
    """The trial of another pairing, where its evidence is overwhelming."""
    spec = judge(context, batch)
    other = other.first(_most(batch))
    if spec is None or other.pred.size < FEWEST:
        return None
    trial = Trial(spec, Pairing(other.pred, other.pred).of(batch), other.of(batch))
    numbers = outcomes(trial.then) or points(context, trial.then)
    sure = RELATED if numbers else SURE
    if trial.fall < FALL or trial.sure < sure:
        return None
    for by in (-1, 1):
        target = other.target + by
        inside = (target >= 0) & (target < batch.count)
        beside = Pairing(other.pred[inside], target[inside])
        here = Pairing(other.pred[inside], other.target[inside])
        near = Trial(spec, beside.of(batch), here.of(batch))
        if near.fall < SHARP or near.sure < 0.7 * sure:
            return None
    if numbers:
        return trial if _holds(context, trial, numbers, other) else None
    return None if _copies_the_past(trial.then, other) else trial


def _holds(context: Context, trial: Trial, numbers: list[Pair], other: Pairing) -> bool:
    """Whether the relation of numbers is more than what each side's own past tells."""
    if max(related(pair) for pair in numbers) < SURE:
        return False
    if not other.earlier:
        return True
    own = outcomes(trial.now) or points(context, trial.now)
    back = int(other.pred[0] - other.target[0])
    if trial.fall < FAR or any(from_the_past(pair.pred, pair.target, back) for pair in own):
        return False
    return all(_calibrated(context, pair.pred, pair.target) for pair in numbers)


def _calibrated(context: Context, pred: Array, target: Array) -> bool:
    """Whether the target moves about as much as the prediction, as it does for a model of it."""
    if context.point is None:
        return True
    slope = correlation(pred, target) * float(target.std()) / max(float(pred.std()), 1e-300)
    return SLOPES[0] <= slope <= SLOPES[1]


def _copies_the_past(then: Batch, other: Pairing) -> bool:
    """Whether classes are predicted by the class of a row before, which is a naive forecast."""
    pred, label = then.columns.get("pred"), then.columns.get("label")
    if not isinstance(pred, np.ndarray) or not isinstance(label, np.ndarray) or label.ndim > 1:
        return False
    if not other.earlier:
        return False
    told = pred if pred.ndim == 1 else pred.argmax(axis=1)
    return bool((told == label).mean() > 0.99)
