"""Decompositions driven by hand: a context, and batches cut anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from lossctl.analyses.context import Context
from lossctl.arrays import Ragged
from lossctl.batch import Batch, taken
from lossctl.classes import Classes
from lossctl.engines import serial
from lossctl.grammar import parse
from lossctl.report import Part
from lossctl.rounds import Rounds, ask

T = TypeVar("T")


def context(*losses: str, weighted: bool = False, decompose: bool = True, **more: Any) -> Context:
    """The question about these losses of one output."""
    specs = tuple(parse(loss) for loss in losses)
    told: dict[str, Any] = {
        "specs": specs, "leading": specs[0], "weighted": weighted, "outputs": 1, "wholes": {},
        "top": 0, "moments": True, "pooled": False, "point": "pred",
        "single": frozenset({"pred", "target"}), "decompose": decompose,
    }  # fmt: skip
    return Context(**told | more)


def batch(columns: dict[str, Any], weight: Any = None) -> Batch:
    """All rows as one batch."""
    made = {
        role: column if isinstance(column, Ragged) else np.asarray(column)
        for role, column in columns.items()
    }
    rows = np.arange(len(next(iter(made.values()))))
    return Batch(
        made, frozenset(), None if weight is None else np.asarray(weight, dtype=float), rows, rows
    )


def answer(question: Rounds[T], whole: Batch, cuts: Sequence[int] = (), seed: int = 0) -> T:
    """The answer, with the rows cut into blocks at `cuts` and shuffled unless `seed` is 0."""
    order = np.arange(whole.count)
    if seed:
        order = np.random.default_rng(seed).permutation(order)
    parts = [rows_of(whole, places) for places in np.split(order, sorted(cuts)) if len(places)]
    return ask(question, lambda asked: serial.run(parts, asked))


def rows_of(whole: Batch, places: Any) -> Batch:
    """These rows, in this order."""
    return Batch(
        {role: taken(column, places) for role, column in whole.columns.items()},
        frozenset(),
        None if whole.weight is None else whole.weight[places],
        whole.rows[places],
        whole.order[places],
    )


def found(
    rounds: Callable[..., Rounds[Part | None]],
    spec: str,
    whole: Batch,
    names: Sequence[str] = (),
    blocks: Sequence[Sequence[int]] | None = None,
    **more: Any,
) -> Part | None:
    """The part of one loss; `names`: of its classes; `blocks`: the rows of each block, in turn."""
    single = [
        role
        for role, column in whole.columns.items()
        if isinstance(column, np.ndarray) and column.ndim == 1
    ]
    told = {"weighted": whole.weight is not None, "point": None, "moments": False,
            "single": frozenset(single), "classes": Classes(names)}  # fmt: skip
    question = context(spec, **{**told, **more})
    parts = [whole] if blocks is None else [rows_of(whole, np.array(b)) for b in blocks if len(b)]
    return ask(rounds(question, question.specs[0]), lambda asked: serial.run(parts, asked))
