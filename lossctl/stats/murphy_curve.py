"""The Murphy curves of models: the mean elementary score at thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lossctl.analyses.murphy import Functional, curve
from lossctl.errors import DataError, UsageError
from lossctl.stats.inputs import bounded


def murphy_curve(
    y: Any, models: Mapping[str, Any], thetas: Any, functional: str = "mean", level: float = 0.5
) -> dict[str, Any]:
    """The mean elementary scores of targets `y`, (n,), and each model's predictions, (n,), at
    `thetas`, (m,), each rounded once (Ehm, Gneiting, Jordan and Krüger 2016).

    `functional`: "mean", scored |y - theta| where min(p, y) <= theta < max(p, y); or "quantile" of
    `level`, scored 1 - level where y <= theta < p and level where p <= theta < y. A model whose
    curve lies nowhere above another's is as good for every loss that is consistent for it. Twice
    the area under the curve is the MSE; of a quantile, the area is the pinball loss.

    Raises UsageError for another functional, a level outside (0, 1), or one of the mean; DataError
    unless all are finite and predictions as many as targets.
    """
    if functional not in ("mean", "quantile"):
        raise UsageError(f"functional is {functional}", "it is mean or quantile")
    if functional == "mean" and level != 0.5:
        raise UsageError(f"level is {level}, but a mean has no level")
    if not 0.0 < level < 1.0:
        raise UsageError(f"level is {level}, but must lie inside (0, 1)")
    target, at = bounded(y, "y"), bounded(thetas, "thetas")
    kind: Functional = "quantile" if functional == "quantile" else "mean"
    found = {}
    for name, values in models.items():
        pred = bounded(values, name)
        if pred.size != target.size:
            raise DataError(f"y has {target.size} rows, {name} has {pred.size}")
        found[name] = curve(pred, target, None, at, functional=kind, level=level).tolist()
    return {"mean_elementary_score": found}
