"""Whether some labels are no better than drawn at random: a share of even probability improves on
the best temperature, beyond what chance does."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.advice import probability
from lossctl.analyses.significance import chi_square_p
from lossctl.arrays import Array, Integers
from lossctl.softmax import log_softmax

_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_FINE = 1e-3  # of log T


@dataclass(frozen=True, slots=True)
class Noise:
    """The `share` of labels that look drawn at random, at the temperature that goes with it;
    `ratio` is twice the log-likelihood gained, `p` its p-value (Self and Liang 1987)."""

    share: float
    temperature: float
    ratio: float
    p: float


def label_noise(logits: Array, label: Integers) -> Noise | None:
    """None where a label has probability 0, which no temperature changes."""
    if np.isneginf(probability.of_label(logits, label)).any():
        return None
    weight = np.ones(label.size)
    plain = probability.temperature(logits, label, weight)

    def fitted(log_t: float) -> tuple[float, float]:
        """The highest log-likelihood at a temperature, and the share that has it."""
        cooled = probability.cooled(logits, math.exp(log_t))
        own = np.exp(probability.of_label(log_softmax(cooled), label))
        share = probability.even_share(own, 1.0 / logits.shape[1], weight)
        mixed = (1.0 - share) * own + share / logits.shape[1]
        return float(np.log(np.maximum(mixed, 1e-300)).sum()), share

    without = probability.of_label(log_softmax(probability.cooled(logits, plain)), label)
    log_t = _highest(lambda one: fitted(one)[0], math.log(plain) - 3.0, math.log(plain) + 0.5)
    found, share = fitted(log_t)
    ratio = 2.0 * (found - float(without.sum()))
    if not math.isfinite(ratio):
        return None
    p = 0.5 * chi_square_p(ratio) if ratio > 0.0 else 1.0
    return Noise(share, math.exp(log_t), max(ratio, 0.0), p)


def _highest(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one maximum between has it, by golden sections."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = of(left), of(right)
    while high - low > _FINE:
        if at_left >= at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = of(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = of(right)
    return (low + high) / 2.0
