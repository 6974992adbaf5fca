"""In which order rows come, and what those that came make together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.analyses.context import Context
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.errors import UsageError
from lossctl.reductions import Reduced
from lossctl.samples.measured import SLOW, without_of
from lossctl.spec import Spec
from lossctl.states import Column
from lossctl.terms import Deviation, LossColumn, Score

_LIMB = 31  # bits


@dataclass(frozen=True, slots=True)
class Size:
    """The value of each row's loss: its size, where the loss is of both signs' squares; what is
    good is counted down."""

    spec: Spec

    def __call__(self, batch: Batch) -> Array:
        values = LossColumn(self.spec)(batch)
        if self.spec.reduction.squares or self.spec.reduction.pairs:
            return np.abs(values)
        return -values if self.spec.direction == "max" else values


@dataclass(frozen=True, slots=True, eq=False)
class Gain:
    """How much better the loss is without each row."""

    spec: Spec
    reduced: Reduced

    def __call__(self, batch: Batch) -> Array:
        value = self.reduced.value
        if value is None:
            return np.full(batch.count, np.nan)
        without = without_of(self.reduced, batch)
        if self.spec.direction == "max":
            return without - value
        if self.spec.direction == "zero":
            return abs(value) - np.abs(without)
        return value - without


def key_of(context: Context, sort: str, spec: Spec, reduced: Reduced, rows: int) -> Column | None:
    """What is largest of the first of `rows`; None for the order of the file. Raises UsageError."""
    if sort == "row":
        return None
    if sort == "share":
        return Score(spec)
    if sort == "loss":
        return Size(spec)
    if sort == "residual":
        if context.point is None or context.outputs > 1:
            raise UsageError("--sort residual: these rows have no single residual",
                             "--sort share or loss")  # fmt: skip
        return Deviation(0.0, context.point)
    if reduced.without is None:
        why = reduced.reason or "it is told for no single row"
        raise UsageError(f"--sort delta: {spec} without a row has no value: {why}", "--sort share")
    if reduced.each is None and rows > SLOW:
        raise UsageError(f"--sort delta: {spec} without each row has no closed form, "
                         f"and {rows} rows are more than {SLOW}", "--sort share")  # fmt: skip
    return Gain(spec, reduced)


class Running:
    """The sum of the shares so far, whatever the blocks in which they come: exact to 93 bits."""

    def __init__(self) -> None:
        self.carried = np.zeros(3, dtype=np.int64)

    def __call__(self, shares: Array) -> Array:
        rest = np.nan_to_num(shares)
        total = np.zeros(shares.shape)
        scale = 1.0
        for place in range(3):
            scale *= 2.0**_LIMB
            steps = np.floor(rest * scale)
            rest = rest - steps / scale
            sums = np.cumsum(steps.astype(np.int64)) + self.carried[place]
            if sums.size:
                self.carried[place] = sums[-1]
            total += sums / scale
        return total
