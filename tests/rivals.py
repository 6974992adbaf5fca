"""Two models in one batch made by hand, and what an analysis says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.engines import serial
from lossctl.rounds import ask
from tests.batches import batch, part


@dataclass(frozen=True)
class As:
    """A model: the predictions of a role."""

    role: str

    def __call__(self, rows: Batch) -> Batch:
        return rows.with_column("pred", rows.columns[self.role])


@dataclass(frozen=True)
class Known:
    """What is known beforehand: how many rows, perhaps."""

    rows: int | None = None

    def sample(self) -> Any:
        return None


def two(first: Any, second: Any, target: Any, weight: Any = None) -> Batch:
    """Rows with the predictions of two models, pred and other."""
    rows = batch(first, target, weight)
    rows.columns["other"] = np.array(second, dtype=float)
    return rows


def asked(
    question: Callable[..., Any],
    context: Context,
    whole: Batch,
    blocks: int = 1,
    rows: int | None = None,
    run: Callable[..., Any] = serial.run,
    **settings: Any,
) -> tuple[Any, int]:
    """The answer for pred and other, and how many passes it took."""
    context = replace(context, weighted=whole.weight is not None, like=Known(rows))
    parts = [part(whole, places) for places in np.array_split(np.arange(whole.count), blocks)]
    passes = []

    def one(specifications: Any) -> Any:
        passes.append(specifications)
        return run([one for one in parts if one.count], specifications)

    return ask(question(context, None, As("other"), **settings), one), len(passes)
