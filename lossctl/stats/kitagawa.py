"""A change of a mean split into mix and within-group parts."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lossctl.analyses.kitagawa import sized, split
from lossctl.errors import DataError
from lossctl.stats.inputs import bounded


def kitagawa(
    count_before: Any, mean_loss_before: Any, count_after: Any, mean_loss_after: Any
) -> dict[str, Any]:
    """Kitagawa's (1955) symmetric split of the change of a mean loss, all inputs (groups,).

    The means before and after, their change, the part of it that is the mix of groups and the part
    that happened within them, in all and by group. Raises DataError for counts below 0, none at
    all, or inputs of unlike length.
    """
    given = [
        bounded(values, name)
        for values, name in (
            (count_before, "count_before"),
            (mean_loss_before, "mean_loss_before"),
            (count_after, "count_after"),
            (mean_loss_after, "mean_loss_after"),
        )
    ]
    if len({values.size for values in given}) > 1:
        raise DataError(f"the inputs have {', '.join(str(one.size) for one in given)} groups")
    sides = []
    for first, name in ((0, "count_before"), (2, "count_after")):
        counts, means = given[first], given[first + 1]
        whole = sum(map(Fraction, counts.tolist()), Fraction(0))
        if counts.min() < 0 or not whole:
            raise DataError(f"{name} must be 0 or more, and not 0 in every group")
        pairs = zip(counts.tolist(), means.tolist(), strict=True)
        sides.append([sized(count, mean, whole) for count, mean in pairs])
    groups = given[0].size
    kept = [n for n in range(groups) if any(side[n].mean is not None for side in sides)]
    made = split(*([side[place] for place in kept] for side in sides))
    mix, rate = [0.0] * groups, [0.0] * groups
    for place, one, other in zip(kept, made.mix, made.within, strict=True):
        mix[place], rate[place] = float(one), float(other)
    return {
        "before": float(made.before),
        "after": float(made.after),
        "change": float(made.change),
        "mix_effect": float(sum(made.mix)),
        "rate_effect": float(sum(made.within)),
        "mix_by_group": mix,
        "rate_by_group": rate,
    }
