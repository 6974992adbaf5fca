"""Many models at once: which may be the best, their ranks, and how far apart they are.

Lower values are better. Everything holds for all models together: the largest of the t statistics
is what must not be exceeded (Dunnett 1955; Hothorn, Bretz and Westfall 2008).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.inference.joint import Joint, joint, largest, quantile
from lossctl.arrays import Array, Integers

DRAWS = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Contrasts:
    """How much larger each value is than that of the model `reference`, (M,) each; `low` and `high`
    hold for all of them at once."""

    reference: int
    difference: Array
    low: Array
    high: Array


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """M models. `best` is the probability that each is the best one, `lowest` and `highest` the
    ranks (from 1) between which all of them lie at once.

    `from_reference` has the critical value of the contrasts with one model, `from_best` that of all
    pairs, as the best one is not known beforehand.
    """

    best: Array
    lowest: Integers
    highest: Integers
    critical_reference: float
    critical_pairs: float
    from_reference: Contrasts
    from_best: Contrasts


@dataclass(frozen=True, slots=True, eq=False)
class ConfidenceSet:
    """Models in the `order` in which they leave (the last one stays), the p-value of each (M,), by
    model, and which are `included` (M,): those with a p-value above the size."""

    order: list[int]
    p: Array
    included: list[bool]


def ranking(
    values: Array,
    covariance: Array,
    degrees: int | None,
    *,
    reference: int = 0,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> Ranking:
    """Ranks M >= 1 models by `values` (M,), estimates with this `covariance` (M, M).

    Ranks as in Mogstad, Romano, Shaikh and Wilhelm (2024): a model shown to be worse than k others
    is not before rank k + 1. Of the covariance only that of differences matters: see `joint`.
    """
    found = joint(values, covariance, degrees)
    models = values.size
    against = critical_value(found, confidence, draws, seed, reference)
    pairs = critical_value(found, confidence, draws, seed, None)
    t = found.t()
    return Ranking(
        best_probability(found, draws, seed),
        1 + (t > pairs).sum(axis=1),
        models - (t < -pairs).sum(axis=1),
        against,
        pairs,
        contrasts(found, reference, against),
        contrasts(found, int(values.argmin()), pairs),
    )


def best_probability(found: Joint, draws: int = DRAWS, seed: int = 0) -> Array:
    """The share of joint draws about the values in which each model has the lowest, (M,); models
    that tie share it. As a probability it is Bayesian, with a flat prior."""
    shares = np.zeros(found.values.size)
    values = found.values - found.values.min()
    for noise in found.noise(draws, seed):
        drawn = values + noise
        lowest = drawn == drawn.min(axis=1, keepdims=True)
        shares += (lowest / lowest.sum(axis=1, keepdims=True)).sum(axis=0)
    return shares / draws


def critical_value(
    found: Joint,
    confidence: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
    reference: int | None = None,
) -> float:
    """What the largest |t| of the contrasts with `reference` (None: of all pairs) does not exceed
    with this confidence: of one contrast exactly, else from draws. 0 where nothing varies."""
    models = range(found.values.size)
    if reference is None:
        pairs = [(one, list(models[:one])) for one in models[1:]]
    else:
        pairs = [(reference, [one for one in models if one != reference])]
    pairs = [
        (one, [other for other in others if found.spread[one, other] > 0.0])
        for one, others in pairs
    ]
    count = sum(len(others) for _, others in pairs)
    if count == 0:
        return 0.0
    if count == 1:
        return quantile(0.5 + confidence / 2.0, found.degrees)
    sizes = np.sort(largest(found, draws, seed, pairs)[-1])
    return float(sizes[min(draws, math.ceil(confidence * (draws + 1))) - 1])


def contrasts(found: Joint, reference: int, critical: float) -> Contrasts:
    """The differences from one model, and their intervals by this critical value."""
    apart = found.values - found.values[reference]
    half = critical * found.spread[reference]
    return Contrasts(reference, apart, apart - half, apart + half)


def confidence_set(
    values: Array,
    covariance: Array,
    degrees: int | None,
    size: float = 0.05,
    draws: int = DRAWS,
    seed: int = 0,
) -> ConfidenceSet:
    """The model confidence set of Hansen, Lunde and Nason (2011): models not shown to be worse than
    any other, with probability 1 - size all of the best among them.

    Range statistic max |t_ij|; the model with the largest t leaves; p-values are (b + 1) /
    (draws + 1) from joint draws, and never fall from one model to the next.
    """
    found = joint(values, covariance, degrees)
    t = found.t()
    left = list(range(values.size))
    order: list[int] = []
    ranges: list[float] = []
    while left:
        worst = t[np.ix_(left, left)].max(axis=1)
        ranges.append(float(worst.max()))
        order.append(left.pop(int(worst.argmax())))
    # The largest |t| of a set is that of the set without a model, or of that model's pairs.
    joining = [(order[k], order[k + 1 :]) for k in reversed(range(len(order)))]
    sizes = largest(found, draws, seed, joining)
    p = np.ones(values.size)
    most = 0.0
    for step, model in enumerate(order[:-1]):
        beyond = int((sizes[len(order) - 1 - step] >= ranges[step]).sum())
        most = max(most, (beyond + 1) / (draws + 1))
        p[model] = most
    return ConfidenceSet(order, p, (p > size).tolist())
