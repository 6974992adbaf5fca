"""Which of several models may be the best."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.inference.ranking import confidence_set
from lossctl.analyses.inference.serial import long_run_covariance
from lossctl.errors import DataError, UsageError
from lossctl.stats.inputs import bounded


def model_confidence_set(losses: Any, size: float = 0.05, block_size: int = 1) -> dict[str, Any]:
    """The model confidence set of Hansen, Lunde and Nason (2011) of M models with `losses` (n, M),
    by the range statistic: the models included at this size, and the p-value of each, by its column
    and in the order in which models leave.

    Drawn from the t distribution with the models' covariance. With a `block_size` above 1 rows are
    in order, and it is the long-run one by Bartlett's weights over block_size - 1 lags: what a
    block bootstrap has in the mean. Raises DataError unless there are 2 or more rows and models,
    UsageError unless 0 < size < 1 and 1 <= block_size < n.
    """
    try:
        table = np.asarray(losses, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise DataError(f"losses is not numeric: {problem}") from None
    if table.ndim != 2 or min(table.shape) < 2:
        raise DataError(f"losses has shape {table.shape}, but must be (n, M), each 2 or more")
    bounded(table.reshape(-1), "losses")
    n = len(table)
    if not 0.0 < size < 1.0:
        raise UsageError(f"size is {size}, but must be above 0 and below 1")
    if block_size != int(block_size) or not 1 <= block_size < n:
        raise UsageError(
            f"block_size is {block_size}, but must be a whole number from 1 to {n - 1}"
        )
    # Of differences from the first model: what all share is not rounded into them.
    apart = table - table[:, :1]
    covariance = long_run_covariance(apart, int(block_size) - 1) / (n - 1)
    found = confidence_set(apart.mean(axis=0), covariance, n - 1, size)
    return {
        "included": [model for model, inside in enumerate(found.included) if inside],
        "pvalues": {str(model): float(found.p[model]) for model in found.order},
    }
