"""The pinball loss, and the MAE, as miscalibration, discrimination and uncertainty: as `corp`, the
isotonic fit being one of quantiles, for which single rows are needed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.decompositions.isotonic import quantile_fit
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.numerics import floating
from lossctl.spec import Spec
from lossctl.terms import WeightColumn


@dataclass(frozen=True, slots=True)
class QuantileCorp:
    """score = mcb - dsc + unc, of `rows` rows."""

    score: float
    mcb: float
    dsc: float
    unc: float
    rows: int


def level_of(spec: Spec) -> float | None:
    """The quantile that a loss is about; None for any other loss, and for several quantiles."""
    if spec.loss.name == "mean_absolute_error":
        return 0.5
    level = spec.all_settings.get("quantile") if spec.loss.name == "pinball" else None
    return level if isinstance(level, float) and 0.0 < level < 1.0 else None


def quantile_corp(spec: Spec, batch: Batch) -> QuantileCorp | None:
    """The parts of the loss of these rows; None without weight, or where a value is not finite."""
    level = level_of(spec)
    assert level is not None
    weight = WeightColumn()(batch)
    pred, target = (floating(batch.columns[role].reshape(-1)) for role in ("pred", "target"))
    kept = weight > 0.0
    pred, target, weight = pred[kept], target[kept], weight[kept]
    if not weight.size or not (np.isfinite(pred).all() and np.isfinite(target).all()):
        return None

    def mean(forecast: Array) -> float:
        values = spec.evaluate({"pred": forecast, "target": target})
        return math.fsum(weight * values) / math.fsum(weight)

    order = np.unique(pred, return_inverse=True)[1]
    score = mean(pred)
    best = mean(quantile_fit(order, target, weight, level))
    unc = mean(quantile_fit(np.zeros_like(order), target, weight, level))
    return QuantileCorp(score, score - best, unc - best, unc, weight.size)
