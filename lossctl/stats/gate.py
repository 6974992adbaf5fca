"""Whether a candidate's loss is beyond a margin over a baseline's."""

from __future__ import annotations

import math
from typing import Any

from lossctl.analyses.inference.margin import Paired, beyond_p, fieller
from lossctl.errors import DataError, UsageError
from lossctl.stats.inputs import bounded
from lossctl.stats.sample import same_length
from lossctl.student import t_quantile

VERDICTS = ("fail", "pass", "inconclusive")


def gate(
    loss_baseline: Any, loss_candidate: Any, margin: float, alpha: float = 0.05
) -> dict[str, Any]:
    """The mean of u = candidate - (1 + margin) baseline over the rows' losses, each (n,): the
    paired, one-sided t tests that it is above 0 and below, and the ratio of the means with
    Fieller's (1954) 95 % interval (None where the baseline's mean is not told from 0).

    The verdict is "fail" where the candidate is shown to be beyond the margin, "pass" where it is
    shown to be within, else "inconclusive". Raises DataError for fewer than 2 rows, unlike lengths
    or values that are not finite; UsageError unless margin > -1 and 0 < alpha < 1.
    """
    if not -1.0 < margin < math.inf:
        raise UsageError(f"margin is {margin}, but must be above -1")
    if not 0.0 < alpha < 1.0:
        raise UsageError(f"alpha is {alpha}, but must be between 0 and 1")
    first, second = (
        bounded(values, name, least=2)
        for values, name in ((loss_baseline, "loss_baseline"), (loss_candidate, "loss_candidate"))
    )
    same_length(first, second)
    n = first.size
    left, right = first - first.mean(), second - second.mean()
    apart = right - left
    unit = n * (n - 1.0)
    pair = Paired(
        float(first.mean()), float((second - first).mean()), float(apart @ apart) / unit,
        float(apart @ left) / unit, float(left @ left) / unit,
    )  # fmt: skip
    if pair.baseline == 0.0:
        raise DataError("loss_baseline has mean 0: no ratio to it is defined")
    excess, error = pair.excess(margin)
    worse = beyond_p(excess, error, n - 1)
    within = beyond_p(-excess, error, n - 1)
    ends = fieller(pair, t_quantile(0.975, n - 1))
    return {
        "ratio": 1.0 + pair.difference / pair.baseline,
        "u_mean": excess,
        "u_se": error,
        "p_worse_than_margin": worse,
        "p_not_worse_than_margin": within,
        "verdict": VERDICTS[0 if worse < alpha else 1 if within < alpha else 2],
        "fieller_ratio_ci95": None if ends is None else [1.0 + end for end in ends],
    }
