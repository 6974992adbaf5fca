"""A loss taken apart: the part that a decomposition makes of rows held in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.classes import Classes
from lossctl.engines import serial
from lossctl.grammar import parse
from lossctl.report import Part
from lossctl.rounds import ask
from tests.batches import part


def rows_of(columns: dict[str, Any], weight: Any = None) -> Batch:
    """A batch of these columns."""
    count = len(next(iter(columns.values())))
    numbers = np.arange(count)
    held = None if weight is None else np.asarray(weight, dtype=float)
    return Batch(columns, frozenset(), held, numbers, numbers)


def context_of(spec: str, batch: Batch, names: Sequence[str] = (), **more: Any) -> Context:
    """The context in which one loss of a batch is asked about."""
    asked = parse(spec)
    single = {
        role for role, column in batch.columns.items()
        if isinstance(column, np.ndarray) and column.ndim == 1
    }  # fmt: skip
    told: dict[str, Any] = {
        "specs": (asked,),
        "leading": asked,
        "weighted": batch.weight is not None,
        "outputs": 1,
        "wholes": {},
        "top": 1,
        "moments": False,
        "pooled": False,
        "point": None,
        "single": frozenset(single),
        "classes": Classes(names),
        "decompose": True,
    }
    return Context(**{**told, **more})


def found(
    rounds: Callable[..., Any],
    spec: str,
    batch: Batch,
    names: Sequence[str] = (),
    blocks: Sequence[Sequence[int]] | None = None,
    **more: Any,
) -> Part | None:
    """The part of one loss; `blocks`: the rows of each block, in turn."""
    context = context_of(spec, batch, names, **more)
    parts = [batch] if blocks is None else [part(batch, rows) for rows in blocks if len(rows)]
    made: Part | None = ask(
        rounds(context, context.specs[0]), lambda asked: serial.run(parts, asked)
    )
    return made
