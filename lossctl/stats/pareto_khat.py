"""The tail index: whether the mean of a sample can be estimated at all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from lossctl.analyses.concentration import pareto_fit
from lossctl.analyses.concentration import tail_length as usual_length
from lossctl.errors import UsageError
from lossctl.stats.sample import numbers


def pareto_khat(x: Any, tail_length: int | None = None) -> dict[str, Any]:
    """The shape `khat` and scale `sigma` of a generalised Pareto distribution fitted to the
    `tail_length` largest of `x` (n,), by default the smaller of n / 5 and 3 √n.

    With the sample size that such a tail needs, 10^(1 / (1 - khat)) (infinite from khat = 1 on),
    and the khat up to which a sample of this size will do, min(1 - 1 / log10 n, 0.7). khat and
    sigma are None for a tail without spread. Zhang and Stephens (2009); Vehtari et al. (2024).

    Raises DataError for fewer than six values or values that are not finite, UsageError unless
    5 <= tail_length < n.
    """
    values = np.sort(numbers(x, "x", least=6))
    n = values.size
    length = usual_length(n) if tail_length is None else tail_length
    if tail_length is not None and not 5 <= tail_length < n:
        raise UsageError(f"tail_length is {tail_length}, but must be from 5 to {n - 1}")
    fit = pareto_fit(values[-length:], float(values[-length - 1]))
    khat = None if fit is None else fit.khat
    return {
        "khat": khat,
        "sigma": None if fit is None else fit.sigma,
        "khat_public_api": khat,
        "min_sample_size": None if khat is None else _needed(khat),
        "khat_threshold": min(1.0 - 1.0 / math.log10(n), 0.7),
    }


def _needed(khat: float) -> float:
    try:
        return 10.0 ** (1.0 / (1.0 - max(0.0, khat))) if khat < 1.0 else math.inf
    except OverflowError:
        return math.inf
