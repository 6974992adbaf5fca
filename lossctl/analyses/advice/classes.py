"""What the rules of classification look at: logits and labels of all rows, or of a sample."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.advice.evidence import Sampled
from lossctl.arrays import Array, Integers
from lossctl.softmax import log_softmax


@dataclass(frozen=True, slots=True, eq=False)
class Classified:
    """`logits` (n, K) or log-probabilities, which are -inf for a probability of 0; `label` (n,)."""

    sample: Sampled
    logits: Array
    label: Integers
    name: Callable[[int], str]  # what a class is called
    given: str = "the logits"  # what of the predictions `logits` are

    @property
    def classes(self) -> int:
        return int(self.logits.shape[1])

    @property
    def prob(self) -> Array:
        """The probabilities (n, K)."""
        found: Array = np.exp(log_softmax(self.logits))
        return found


def two_classes(pred: Array, *, from_logits: bool) -> Array:
    """The (n, 2) logits of the probability of class 1, or of its logit."""
    if from_logits:
        return np.stack([np.zeros(pred.size), pred], axis=1)
    with np.errstate(divide="ignore"):
        return np.stack([np.log1p(-pred), np.log(pred)], axis=1)


def many_classes(pred: Array, *, from_logits: bool) -> Array:
    """The logits of rows of probabilities, or as they are."""
    if from_logits:
        return pred
    with np.errstate(divide="ignore"):
        found: Array = np.log(pred)
    return found
