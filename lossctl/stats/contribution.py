"""Who makes a loss: shares, concentration, and the loss without each sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses import evaluation, worst
from lossctl.analyses.context import Context
from lossctl.analyses.lorenz import gini
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.errors import DataError, UsageError
from lossctl.exact import ONE, exact_sum, ratio
from lossctl.grammar import parse
from lossctl.spec import Spec
from lossctl.stats.sample import answer, batch_of, numbers, same_length
from lossctl.terms import Contribution

LIMIT = 20_000  # rows: every one is left out in turn


def contribution(y: Any, p: Any, k: int = 1) -> dict[str, Any]:
    """What each sample makes of the MAE and MSE of predictions `p` of targets `y`, both (n,).

    Per loss: its mean, every sample's share of it, the largest share and that of the `k` largest,
    the Gini coefficient of the shares, Kish's effective number of samples, how few samples make
    half, and the mean without the `k` largest. Then the RMSE, its change and R2 when each sample
    is left out (None where that is not defined), RMSE / MAE, and Geary's a with its z-score.

    Ties go to the earlier sample. Raises DataError for fewer than one row, more than LIMIT, or
    values that are not finite; UsageError unless 1 <= k <= n.
    """
    target, pred = numbers(y, "y", most=LIMIT), numbers(p, "p", most=LIMIT)
    same_length(target, pred)
    if not 1 <= k <= target.size:
        raise UsageError(f"k is {k}, but must be from 1 to the {target.size} rows")
    batch = _batch(pred, target)
    singles = [_batch(pred[row : row + 1], target[row : row + 1]) for row in range(target.size)]
    mae, mse, rmse, r2 = specs = tuple(parse(name) for name in ("mae", "mse", "rmse", "r2"))
    context = Context(
        specs=specs,
        leading=mse,
        top=1,
        moments=True,
        point="pred",
    )
    found = answer(evaluation.rounds(context, full=True), batch)
    value = found.values["rmse"].value
    without = {spec: [_without(found, spec, row) for row in singles] for spec in (rmse, r2)}
    return {
        "mae": _shares(context, found, mae, batch, singles, k),
        "mse": _shares(context, found, mse, batch, singles, k),
        "rmse": value,
        "rmse_loo_change": [
            None if left is None or value is None else left - value for left in without[rmse]
        ],
        "r2_loo": without[r2],
        "rmse_over_mae": None if found.tails is None else found.tails.ratio,
        "geary_a": None if found.tails is None else found.tails.geary,
        "geary_z": None if found.tails is None else found.tails.z,
    }


def _batch(pred: Array, target: Array) -> Batch:
    return batch_of({"pred": pred, "target": target})


def _without(found: evaluation.Evaluation, spec: Spec, row: Batch) -> float | None:
    without = found.values[str(spec)].without
    return None if without is None else without(row)


def _shares(
    context: Context,
    found: evaluation.Evaluation,
    spec: Spec,
    batch: Batch,
    singles: list[Batch],
    k: int,
) -> dict[str, Any]:
    value = found.values[str(spec)]
    if value.total is None:
        raise DataError(f"{spec} is {value.status}: {value.reason}")
    values = Contribution(spec)(batch)
    n = values.size
    largest = np.argsort(-values, kind="stable")[:k]
    top = exact_sum(values[largest])
    share = [worst.share(context, spec, value, row) for row in singles]
    concentration = found.concentration.get(str(spec))
    return {
        "mean": value.value,
        "share": share,
        "top_index": int(largest[0]),
        "top1_share": share[int(largest[0])],
        "topk_share": ratio(top, value.total) if value.total else 0.0,
        "k": k,
        "gini": gini(np.sort(values)),
        "effective_n": None if concentration is None else concentration.effective,
        "n_for_half": 0 if concentration is None else concentration.half,
        "mean_without_topk": ratio(value.total - top, (n - k) * ONE) if n > k else None,
    }
