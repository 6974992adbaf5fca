"""What makes probabilities of classes better under cross entropy: a temperature (Guo et al. 2017),
a shift of the logit, or a share of even probability. Each is the minimum of a convex function."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lossctl.analyses.advice.location import zero_of
from lossctl.arrays import Array, Integers
from lossctl.probabilities import UNIT
from lossctl.softmax import log_softmax

WIDEST = 1000.0  # a temperature is no higher than this, and no lower than its inverse
FARTHEST = 40.0  # a shift of a logit goes no farther either way


def of_label(table: Array, label: Integers) -> Array:
    """The entry of each row of (n, K) at its label."""
    picked: Array = np.take_along_axis(table, label[:, np.newaxis], axis=1)[:, 0]
    return picked


def cross_entropy(logits: Array, label: Integers) -> Array:
    """-ln of each row's probability of its label, floored as the losses floor it."""
    return -np.maximum(of_label(log_softmax(logits), label), math.log(UNIT))


def temperature(logits: Array, label: Integers, weight: Array) -> float:
    """The T for which logits / T have the least cross entropy; WIDEST where they tell nothing of
    the labels, and low enough where all labels are the likeliest class. Logits of -inf stay so."""
    known = np.where(np.isfinite(logits), logits, 0.0)
    own = of_label(known, label)

    def slope(log_t: float) -> float:
        p = np.exp(log_softmax(logits * math.exp(-log_t)))
        return float((weight * ((p * known).sum(axis=1) - own)).sum())

    return math.exp(zero_of(slope, -math.log(WIDEST), math.log(WIDEST)))


def separable(logits: Array, label: Integers) -> bool:
    """Whether every label is its row's likeliest class: the lower a temperature, the better."""
    return bool((of_label(logits, label) >= logits.max(axis=1)).all())


def logit_shift(logits: Array, label: Integers, weight: Array) -> float:
    """What added to the logit of class 1 of two makes its mean probability its share."""
    logit = logits[:, 1] - logits[:, 0]
    share = float((weight * label).sum())

    def lacking(shift: float) -> float:
        return share - float((weight / (1.0 + np.exp(-(logit + shift)))).sum())

    return zero_of(lacking, -FARTHEST, FARTHEST)


def smoothing(logits: Array, label: Integers, weight: Array, beside: float = 0.0) -> float:
    """The a for which (1 - a) p + a / K has the least cross entropy, with as many rows `beside`
    that give their own class probability 0."""
    own = np.exp(of_label(log_softmax(logits), label))
    return even_share(own, 1.0 / logits.shape[1], weight, beside)


def even_share(own: Array, even: float, weight: Array, beside: float = 0.0) -> float:
    """The a for which (1 - a) `own` + a `even` has the least cross entropy; see `smoothing`."""

    def slope(a: float) -> float:
        mixed = np.maximum((1.0 - a) * own + a * even, 1e-300)
        return float((weight * (even - own) / mixed).sum()) + beside / a

    return zero_of(slope, 0.0, 1.0)


def smoothing_once_more(logits: Array, label: Integers, weight: Array) -> float:
    """The same as if one more row had probability 0: rows that have seen none may yet see one."""
    return smoothing(logits, label, weight, 1.0)


Fit = Callable[[Array, Integers, Array], float]
Apply = Callable[[Array, float], Array]


def cooled(logits: Array, by: float) -> Array:
    """Logits at a temperature."""
    found: Array = logits / by
    return found


def shifted(logits: Array, by: float) -> Array:
    """Logits of two classes with a shift of the second's."""
    found: Array = logits + np.array([0.0, by])
    return found


def smoothed(logits: Array, by: float) -> Array:
    """Log-probabilities with a share of even probability."""
    found: Array = np.log((1.0 - by) * np.exp(log_softmax(logits)) + by / logits.shape[1])
    return found
