"""The worst slices of one or two conditions."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np

from lossctl.analyses.sliceline import ALPHA, Conditions, Sized, candidates, support
from lossctl.arrays import Integers
from lossctl.binned import binned_sums
from lossctl.errors import DataError, UsageError
from lossctl.exact import ONE, exact_sum, ratio
from lossctl.keyed import distinct
from lossctl.stats.inputs import bounded


def slices(
    columns: Mapping[str, Any],
    loss: Any,
    alpha: float = ALPHA,
    min_support: int | None = None,
    max_level: int = 2,
    k: int = 5,
) -> dict[str, Any]:
    """The `k` slices of the highest SliceLine score above 0 (Sagadeeva and Boehm 2021).

    `columns` hold (n,) values each, which are compared as they are; `loss` (n,) is 0 or more. A
    slice is one condition, or (`max_level` 2) two; it has at least `min_support` rows (else a
    hundredth of all, and 32). Per slice: its conditions, score, rows and mean loss.

    Raises DataError for columns of another length, or a loss below 0; UsageError for settings out
    of range.
    """
    values = bounded(loss, "loss")
    if values.min() < 0.0:
        raise DataError("loss has a value below 0", "slices are of losses that add up")
    if not 0.0 < alpha <= 1.0:
        raise UsageError(f"alpha is {alpha}, but must be above 0, and at most 1")
    least = support(values.size) if min_support is None else min_support
    for name, number in (("min_support", least), ("max_level", max_level), ("k", k)):
        if number < 1:
            raise UsageError(f"{name} is {number}, but must be at least 1")
    if max_level > 2:
        raise UsageError(f"max_level is {max_level}, but slices have 1 or 2 conditions")
    names = list(columns)
    coded = [_coded(name, columns[name], values.size) for name in names]
    found: dict[Conditions, Sized] = {}
    for size in range(1, max_level + 1):
        for place in combinations(range(len(names)), size):
            keys, bins = distinct(np.stack([coded[n][1] for n in place], axis=1))
            sums = binned_sums(bins, len(keys), values)
            rows = np.bincount(bins, None, len(keys)).tolist()
            for key, total, count in zip(keys, sums, rows, strict=True):
                codes = key if isinstance(key, tuple) else (key,)
                conditions = tuple(zip(place, codes, strict=True))
                found[conditions] = Sized(count, total, count * ONE)
    whole = Sized(values.size, exact_sum(values), values.size * ONE)
    return {
        "top": [
            {
                "slice": {names[place]: coded[place][0][code] for place, code in one.conditions},
                "score": one.score,
                "size": one.sums.rows,
                "mean_loss": ratio(one.sums.a, one.sums.b),
            }
            for one in candidates(found, whole, least, alpha)[:k]
        ]
    }


def _coded(name: str, column: Any, rows: int) -> tuple[list[Any], Integers]:
    """The different values of a column, in the order in which they come, and each row's."""
    values = list(column)
    if len(values) != rows:
        raise DataError(f"column {name} has {len(values)} rows, loss has {rows}")
    places: dict[Any, int] = {}
    codes = [places.setdefault(value, len(places)) for value in values]
    return list(places), np.array(codes, dtype=np.int64)
