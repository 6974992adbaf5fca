"""How many rows each loss needs to fit a location as well: its asymptotic variance."""

from __future__ import annotations

import math
import re
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np

from lossctl.analyses.advice import efficiency
from lossctl.analyses.advice.scale import HUBER
from lossctl.errors import DataError, UsageError
from lossctl.stats.inputs import above_zero, bounded

_WRITTEN = re.compile(r"([a-z]\w*)\((.*)\)")


def loss_efficiency(distribution: Any, huber_delta: float = HUBER) -> dict[str, Any]:
    """The asymptotic variance E psi² / (E psi')² of the location that MSE, MAE, Huber and log-cosh
    fit to errors (Huber 1964): half of it, half of the rows. For symmetric errors only.

    `distribution` is the text of one of SciPy's continuous distributions, such as "norm()" or
    "t(3)", in whose unit delta is; or errors (n,), measured in robust deviations (1.4826 MAD). The
    MSE's is infinite where the variance is.

    Raises UsageError for a distribution that SciPy has not, or huber_delta <= 0; DataError for
    fewer than 10 errors, or more than half of them the same.
    """
    above_zero(huber_delta, "huber_delta")
    if isinstance(distribution, str):
        return _of_density(distribution, huber_delta)
    errors = bounded(distribution, "distribution", least=10)
    found = efficiency.of_sample(errors, huber_delta)
    if found is None:
        raise DataError("more than half of the errors are the same: they have no robust scale")
    return asdict(found)


def _of_density(text: str, delta: float) -> dict[str, Any]:
    from scipy import stats
    from scipy.integrate import quad

    match = _WRITTEN.fullmatch(text.strip())
    family = getattr(stats, match[1], None) if match else None
    if match is None or not isinstance(family, stats.rv_continuous):
        raise UsageError(f"distribution is {text}", "write one of SciPy's, such as norm() or t(3)")
    places, names = _arguments(match[2])
    try:
        errors = family(*places, **names)
        variance = float(errors.var())
    except (TypeError, ValueError) as problem:
        raise UsageError(f"distribution is {text}: {problem}") from None
    if not math.isfinite(errors.median()):
        raise UsageError(f"distribution is {text}: it does not exist")
    centre = float(errors.median())

    def expected(of: Any, *breaks: float) -> float:
        """Over all errors, piece by piece where `of` or the density has a corner."""
        ends = [-math.inf, *sorted({0.0, *breaks}), math.inf]
        made = (quad(lambda e: of(e) * errors.pdf(centre + e), low, high, epsabs=1e-12,
                     epsrel=1e-11, limit=200)[0] for low, high in pairwise(ends))  # fmt: skip
        return math.fsum(made)

    inside = float(errors.cdf(centre + delta) - errors.cdf(centre - delta))
    clipped = expected(lambda e: min(e * e, delta * delta), -delta, delta)
    bent = expected(lambda e: np.tanh(e) ** 2)
    flat = expected(lambda e: 1.0 - np.tanh(e) ** 2)
    return {
        "mse": math.inf if math.isnan(variance) else variance,
        "mae": 0.25 / float(errors.pdf(centre)) ** 2,
        "huber": clipped / inside**2,
        "logcosh": bent / flat**2,
    }


def _arguments(text: str) -> tuple[list[float], dict[str, float]]:
    """`3, scale=2`: those by place, and those by name."""
    places: list[float] = []
    names: dict[str, float] = {}
    for piece in (one.strip() for one in text.split(",") if one.strip()):
        name, equals, value = piece.partition("=")
        try:
            if equals:
                names[name.strip()] = float(value)
            else:
                places.append(float(piece))
        except ValueError:
            raise UsageError(f"distribution: {piece} is no number") from None
    return places, names
