"""The fewest samples whose removal reverses the order of two models."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.exact import ONE, exact_sum, ratio
from lossctl.selection import fewest_of
from lossctl.stats.sample import numbers, same_length


def flip_set(loss_A: Any, loss_B: Any) -> dict[str, Any]:  # noqa: N803  the names of the topic
    """The samples to leave out before the mean of `loss_A` is on the other side of that of
    `loss_B`, both (n,).

    With the means' difference before and after, every sample's share of the sum of differences
    (None where that is 0), and how often each model is better. Leaving out the samples that speak
    most for the order is best for means (Broderick, Giordano and Meager 2020). `k` and `indices`
    are None where no removal reverses the order. Raises DataError for values that are not finite,
    or not as many.
    """
    first, second = numbers(loss_A, "loss_A"), numbers(loss_B, "loss_B")
    same_length(first, second)
    gap = first - second
    total = exact_sum(gap)
    sign = 1.0 if total >= 0 else -1.0
    order = np.argsort(-sign * gap, kind="stable")
    lead = np.maximum(sign * gap[order], 0.0)
    size = gap.size
    found: dict[str, Any] = {
        "mean_diff": ratio(total, size * ONE),
        "k": None,
        "indices": None,
        "mean_diff_after": None,
        "share_of_gap": None,
        "wins_A": int((gap < 0.0).sum()),
        "wins_B": int((gap > 0.0).sum()),
        "ties": int((gap == 0.0).sum()),
    }
    if total == 0:
        return found
    found["share_of_gap"] = (gap / ratio(total, ONE)).tolist()
    goal = abs(total) + 1
    if exact_sum(lead) < goal:
        return found
    k = fewest_of(lead, goal)
    chosen = order[:k]
    rest = np.delete(gap, chosen)
    found |= {
        "k": k,
        "indices": sorted(chosen.tolist()),
        "mean_diff_after": ratio(exact_sum(rest), rest.size * ONE),
    }
    return found
