"""The two sides of a batch as plain arrays, where they are numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from lossctl.analyses.context import Context
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.numerics import floating

OUTPUTS = 16  # of which each is looked at


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One output: what is predicted and what is true, (n,) each."""

    role: str
    output: int | None
    pred: Array
    target: Array

    def read_as(self, batch: Batch, pred: Array) -> Batch:
        """The batch with another prediction of this output."""
        if self.output is None:
            return batch.with_column(self.role, pred)
        column = floating(batch.columns[self.role]).copy()
        column[:, self.output] = pred
        return batch.with_column(self.role, column)


def pairs(batch: Batch, role: str | None) -> list[Pair]:
    """Every output of a role that is compared with the target number by number."""
    if role is None or role not in batch.columns or "target" not in batch.columns:
        return []
    pred, target = batch.columns[role], batch.columns["target"]
    if not isinstance(pred, np.ndarray) or not isinstance(target, np.ndarray):
        return []
    if pred.shape != target.shape or pred.ndim > 2 or pred.dtype.kind not in "fiu":
        return []
    with np.errstate(all="ignore"):
        pred, target = floating(pred), floating(target)
    if not (np.isfinite(pred).all() and np.isfinite(target).all()):
        return []
    if pred.ndim == 1:
        return [Pair(role, None, pred, target)]
    columns = zip(pred.T[:OUTPUTS], target.T[:OUTPUTS], strict=True)
    return [
        Pair(role, place, np.ascontiguousarray(left), np.ascontiguousarray(right))
        for place, (left, right) in enumerate(columns)
    ]


def points(context: Context, batch: Batch) -> list[Pair]:
    """The outputs whose difference from the target is a residual."""
    return pairs(batch, context.point)


def outcomes(batch: Batch) -> list[Pair]:
    """The outputs whose targets are of two kinds, 0 and 1 (or -1 and 1), told as 0 and 1."""
    found = []
    for pair in pairs(batch, "pred"):
        kinds = set(np.unique(pair.target).tolist())
        if kinds in ({0.0, 1.0}, {-1.0, 1.0}):
            found.append(replace(pair, target=(pair.target > 0.0).astype(np.float64)))
    return found


def correlation(left: Array, right: Array) -> float:
    """Pearson's r; 0 where a side is constant."""
    left, right = scaled(left), scaled(right)
    size = math.sqrt(float(left @ left) * float(right @ right))
    return float(left @ right) / size if size > 0.0 else 0.0


def scaled(values: Array) -> Array:
    """Less the mean and in units that neither overflow nor vanish when squared."""
    unit = float(np.abs(values).max(initial=0.0))
    if unit == 0.0 or not math.isfinite(unit):
        return np.zeros(values.size)
    values = values / unit
    values = values - values.mean()
    return np.where(np.abs(values) < 1e-12, 0.0, values)


def drifting(pair: Pair) -> bool:
    """Whether both sides are series that may go together for no reason, as two walks do."""
    sides = (pair.pred, pair.target)
    return min(correlation(one[1:], one[:-1]) for one in sides) >= 0.8


def related(pair: Pair) -> float:
    """Student's t of what goes together beyond what either side's own past tells."""
    return certainty(correlation(whitened(pair.pred), whitened(pair.target)), pair.pred.size)


def certainty(r: float, n: int) -> float:
    """Student's t of a correlation of n pairs."""
    if n < 3:
        return 0.0
    return r * math.sqrt((n - 2) / max(1.0 - r * r, 1e-15))


def whitened(values: Array) -> Array:
    """What a series' own past does not tell: the residuals of an autoregression fitted to it
    (Box and Jenkins 1970, 11.1), so that two series with trends or seasons do not look related."""
    order = min(12, values.size // 4)
    series = scaled(values)
    if order < 1:
        return series
    past = _lagged(series, order)
    now = series[order:]
    weights = np.linalg.lstsq(past, now, rcond=None)[0]
    left: Array = now - past @ weights
    return left


def _lagged(series: Array, order: int) -> Array:
    """Columns of the series 1 … order rows before, and of ones, from row `order` on."""
    n = series.size
    columns = [series[order - lag : n - lag] for lag in range(1, order + 1)]
    return np.column_stack([*columns, np.ones(n - order)])


def from_the_past(pred: Array, target: Array, back: int) -> bool:
    """Whether a prediction is a forecast made of the last few targets, those `back` rows before
    among them: a naive one, a moving or a smoothed average. Such a one matches a target before
    its own by its nature."""
    order = min(12, max(target.size // 5, back))
    if order < 2:
        return True
    series, forecast = scaled(target), scaled(pred)[order:]
    past = _lagged(series, order)
    whole = float(forecast @ forecast)
    if whole == 0.0:
        return True
    left = forecast - past @ np.linalg.lstsq(past, forecast, rcond=None)[0]
    explained = 1.0 - float(left @ left) / whole
    best = max(correlation(past[:, lag], forecast) ** 2 for lag in range(order))
    by_chance = order / forecast.size
    more = explained - best - 3.0 * by_chance
    return explained > 0.999 or more > 0.1 * (1.0 - best)
