"""The inputs of topics about predictions and targets, checked."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.arrays import Array, Integers
from lossctl.errors import DataError, UsageError
from lossctl.stats.sample import numbers, same_length

LARGEST = 1e100  # of a value, so that cubes are finite


def bounded(values: Any, name: str, *, least: int = 1) -> Array:
    """`values` as float64 of shape (n,). Raises DataError unless they are `least` or more finite
    numbers within ±LARGEST."""
    array = numbers(values, name, least=least)
    if float(np.abs(array).max()) > LARGEST:
        raise DataError(f"{name} has a value beyond {LARGEST:g}", "scale it")
    return array


def paired(y: Any, p: Any) -> tuple[Array, Array]:
    """Targets and predictions, each (n,). Raises DataError unless they are as many."""
    target, pred = bounded(y, "y"), bounded(p, "p")
    same_length(target, pred)
    return target, pred


def labelled(label: Any, table: Any, name: str) -> tuple[Integers, Array]:
    """Labels (n,) from 0 to K - 1 and a table (n, K) of finite numbers, K >= 2. Raises
    DataError."""
    try:
        values = np.asarray(table, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise DataError(f"{name} is not numeric: {problem}") from None
    if values.ndim != 2 or values.shape[1] < 2:
        raise DataError(f"{name} has shape {values.shape}, but must be (n, K) with K >= 2")
    bounded(values.reshape(-1), name)
    given = numbers(label, "label")
    rows, classes = values.shape
    if given.size != rows:
        raise DataError(f"label has {given.size} rows, {name} has {rows}")
    wrong = (given != np.floor(given)) | (given < 0) | (given >= classes)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise DataError(f"label row #{row} is {given[row]:g}, but must be 0 to {classes - 1}")
    return given.astype(np.int64), values


def above_zero(value: float, name: str) -> float:
    """Raises UsageError unless 0 < value < infinity."""
    if not 0.0 < value < float("inf"):
        raise UsageError(f"{name} is {value}, but must be above 0")
    return value
