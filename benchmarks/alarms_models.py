"""Builds for `benchmarks.alarms`: a baseline and a candidate whose errors have the same law, and by
how much the candidate is worse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.coverage_scenarios import (
    AS_CLASSES,
    GAUSSIAN,
    NOISE,
    SLOPE,
    Array,
    Drawn,
    Law,
    errors,
    lognormal,
    student,
)

RHOS = (0.5, 0.9)  # of the two models' errors
SIZES = (100, 300, 1000, 10_000)
MARGINS = (0.0, 0.01, 0.02, 0.05)
FIVE = ("mae", "rmse", "mse", "huber", "log_cosh")
SAMPLES = 5000  # of which a ratio's standard error is learnt
AT_ONCE = 1 << 20  # rows that are drawn at once for that

Draw = Callable[[np.random.Generator, int, float], Drawn]


@dataclass(frozen=True, slots=True)
class Kind:
    """What models predict, and the law of their errors; `losses` are those of the builds."""

    name: str
    draw: Draw
    losses: tuple[str, ...]
    options: Mapping[str, Any] = field(default_factory=dict)


def of_law(law: Law) -> Draw:
    """Numbers, with errors of one law."""
    return lambda rng, n, rho: errors(law, law, rho)(rng, n)


def _known(rng: np.random.Generator, n: int, rho: float) -> tuple[Array, Array, Array]:
    """Labels, and the logits that two models know, with noise of correlation rho."""
    logit = SLOPE * rng.standard_normal(n)
    labels = (rng.random(n) < 1 / (1 + np.exp(-logit))).astype(float)
    one, other = rng.standard_normal((2, n))
    other = rho * one + math.sqrt(1 - rho * rho) * other
    return labels, logit + NOISE * one, logit + NOISE * other


def classes(rng: np.random.Generator, n: int, rho: float) -> Drawn:
    """Classes 0 and 1."""
    labels, first, second = _known(rng, n, rho)
    return Drawn(labels, (first > 0).astype(float), (second > 0).astype(float), AS_CLASSES)


def probabilities(rng: np.random.Generator, n: int, rho: float) -> Drawn:
    """Probabilities of class 1."""
    labels, first, second = _known(rng, n, rho)
    return Drawn(labels, 1 / (1 + np.exp(-first)), 1 / (1 + np.exp(-second)))


NUMBERS = tuple(
    Kind(name, of_law(law), FIVE)
    for name, law in (("Gaussian", GAUSSIAN), ("t(5)", student(5)), ("lognormal", lognormal(1.0)))
)
CLASSIFIERS = (
    Kind("classes", classes, ("zero_one",), AS_CLASSES),
    Kind("probabilities", probabilities, ("bce",)),
)
KINDS = {kind.name: kind for kind in (*NUMBERS, *CLASSIFIERS)}


# --- how much worse ---------------------------------------------------------------------------


def noise(
    kind: Kind, n: int, rho: float, rng: np.random.Generator, samples: int = SAMPLES
) -> dict[str, float]:
    """The standard error of the ratio of two equal models' losses, by how it varies over
    samples."""
    ratios: dict[str, list[Array]] = {"mae": [], "rmse": []}
    most = max(1, AT_ONCE // n)
    for first in range(0, samples, most):
        count = min(most, samples - first)
        drawn = kind.draw(rng, n * count, rho)
        sizes = [np.abs(one - drawn.target).reshape(count, n)
                 for one in (drawn.second, drawn.first)]  # fmt: skip
        means = [one.mean(axis=1) for one in sizes]
        squares = [np.square(one).mean(axis=1) for one in sizes]
        ratios["mae"].append(means[0] / means[1])
        ratios["rmse"].append(np.sqrt(squares[0] / squares[1]))
    return {loss: float(np.concatenate(each).std(ddof=1)) for loss, each in ratios.items()}


def scale(margin: float, k: float, error: float, own: bool) -> float | None:
    """How many times as large a candidate's errors are whose loss is beyond the margin by k
    standard errors of the ratio: those of that ratio itself (`own`; None where no factor is large
    enough), else those of the ratio of a model right at the margin. `error` is that of equal
    models; that of a ratio is so many times as large."""
    if not own:
        return (1.0 + margin) * (1.0 + k * error)
    return None if k * error >= 1.0 else (1.0 + margin) / (1.0 - k * error)


def worse(drawn: Drawn, by: float) -> Array:
    """The second model's predictions with errors so many times as large."""
    return drawn.target + by * (drawn.second - drawn.target)
