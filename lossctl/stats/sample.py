"""Samples in memory, as the questions of `lossctl.selection` and `lossctl.analyses` take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.engines import serial
from lossctl.errors import DataError
from lossctl.rounds import Rounds, ask

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Itself:
    """The column of a block that is an array."""

    def __call__(self, block: Array) -> Array:
        return block


def answer(question: Rounds[T], block: Any) -> T:
    """The answer from one block."""
    return ask(question, lambda asked: serial.run([block], asked))


def numbers(values: Any, name: str, *, least: int = 1, most: int | None = None) -> Array:
    """`values` as float64 of shape (n,).

    Raises DataError unless they are `least` to `most` finite numbers.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise DataError(f"{name} is not numeric: {problem}") from None
    if array.ndim != 1:
        raise DataError(f"{name} has shape {array.shape}, but must have one dimension")
    if array.size < least:
        raise DataError(f"{name} has {array.size} values, but needs {least} or more")
    if most is not None and array.size > most:
        raise DataError(f"{name} has {array.size} values, more than the limit of {most}")
    if not np.isfinite(array).all():
        row = int(np.flatnonzero(~np.isfinite(array))[0])
        raise DataError(f"{name} row #{row} is {array[row]}, but must be finite")
    return array


def same_length(target: Array, pred: Array) -> None:
    """Raises DataError unless targets and predictions, (n,), are as many."""
    if target.shape != pred.shape:
        raise DataError(f"y has {target.size} rows, p has {pred.size}")


def batch_of(columns: dict[str, Any]) -> Batch:
    """Columns by role, row after row, as one batch without weights."""
    rows = np.arange(len(next(iter(columns.values()))))
    return Batch(columns, frozenset(), None, rows, rows)
