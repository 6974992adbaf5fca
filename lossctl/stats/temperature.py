"""The temperature that calibrates the logits of a classifier."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.advice import probability
from lossctl.analyses.advice.location import mean
from lossctl.stats.inputs import labelled


def temperature(label: Any, logits: Any) -> dict[str, Any]:
    """The T for which the mean negative log-likelihood of softmax(logits / T) is least (Guo et al.
    2017), and that mean before and after. `label` is (n,) from 0 to K - 1, `logits` (n, K).

    T stays between 1e-3 and 1e3. Where every label has the highest logit, every temperature that is
    low enough is as good; where the logits say nothing of the labels, or the contrary, T is 1e3.

    Raises DataError for shapes that do not fit, labels that are no class, or logits that are not
    finite.
    """
    classes, table = labelled(label, logits, "logits")
    t = probability.temperature(table, classes, np.ones(classes.size))
    return {
        "nll": mean(probability.cross_entropy(table, classes)),
        "T": t,
        "nll_after": mean(probability.cross_entropy(probability.cooled(table, t), classes)),
    }
