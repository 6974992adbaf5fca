"""Batches made by hand, and the rows of one as batches of their own."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.batch import Batch


def batch(pred: Any, target: Any, weight: Any = None, start: int = 0) -> Batch:
    columns = {"pred": np.array(pred, dtype=float), "target": np.array(target, dtype=float)}
    rows = np.arange(start, start + len(columns["pred"]))
    return Batch(
        columns,
        frozenset(),
        None if weight is None else np.array(weight, dtype=float),
        rows,
        rows,
    )


def part(whole: Batch, places: Any) -> Batch:
    """The rows at `places`, keeping their numbers."""
    keep = np.zeros(whole.count, dtype=bool)
    keep[list(places)] = True
    return whole.take(keep)
