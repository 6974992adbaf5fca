"""From the values of the rows to one number: its finish, its interval, and it without a row.

Each reduction is a question in rounds (see `rounds`). What it is given are `Values`: the terms
and columns of one loss. What it answers is `Reduced`.
"""

from __future__ import annotations

from lossctl.reductions.additive import Additive
from lossctl.reductions.agreement import Kappa
from lossctl.reductions.ordered import Maximum, Median, Unreduced
from lossctl.reductions.reduced import (
    TOO_LARGE,
    TOO_SPREAD,
    Interval,
    Reduced,
    Reduction,
    Values,
)
from lossctl.reductions.variance import VarianceRatio

__all__ = [
    "MEANS",
    "REDUCTIONS",
    "TOO_LARGE",
    "TOO_SPREAD",
    "Interval",
    "Median",
    "Reduced",
    "Reduction",
    "Values",
]

REDUCTIONS: dict[str, Reduction] = {
    reduction.name: reduction
    for reduction in (
        Additive("mean"),
        Additive("sum", divisor="one"),
        Additive("sum_over_batch_size", divisor="rows"),
        Additive("sum_by_nonzero_weights", divisor="nonzero"),
        Additive("batchmean", divisor="rows"),
        Additive("sum_over_positives"),
        Additive("mean_nonzero"),
        Additive("mean_over_elements"),
        Additive("root_mean", outer="root"),
        Additive("norm", divisor="one", outer="root"),
        Additive("exp_mean", outer="exp"),
        Additive("ratio", pairs=True),
        VarianceRatio("variance_ratio"),
        VarianceRatio("variance_ratio_raw", finite=False),
        VarianceRatio("explained_variance", centre=True),
        VarianceRatio("explained_variance_raw", centre=True, finite=False),
        VarianceRatio("relative_variance", complement=False),
        Kappa(),
        Maximum(),
        Median(),
        Unreduced(),
    )
}

MEANS = ("mean", "sum", "sum_over_batch_size", "sum_by_nonzero_weights", "batchmean", "none")
