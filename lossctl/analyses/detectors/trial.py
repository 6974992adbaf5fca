"""One loss under two readings of the same rows, and how sure it is that one is better."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.context import Context
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.loss import losses
from lossctl.report import Note
from lossctl.rounds import ask_of
from lossctl.spec import Spec, make
from lossctl.terms import Contribution, values_of

FEWEST = 20  # rows below which nothing is said
SURE = 6.0  # standard errors that overwhelm, however many readings are tried
FALL = 0.3  # of its value a loss must lose
MUCH = 0.9  # of it, where only the values speak


def judge(context: Context, batch: Batch) -> Spec | None:
    """The loss that readings are tried with: the first that each row adds to by itself."""
    for spec in (context.leading, *context.specs):
        if judges(context, batch, spec):
            return spec
    if context.point != "pred":
        return None
    return make(losses()["mean_squared_error"], {})


def judges(context: Context, batch: Batch, spec: Spec) -> bool:
    """Whether rows add to a loss one by one, and less is better (or more, up to an end)."""
    if spec.scope(batch.columns) != "row" or not spec.reduction.sums:
        return False
    if context.outputs > 1 and not context.adds_up(spec):
        return False
    if spec.direction == "max":
        return math.isfinite(spec.high) and spec.shares
    return spec.direction == "min" and spec.low >= 0.0


def costs(spec: Spec, batch: Batch) -> Array:
    """What each row adds to a loss; of what is better the larger, what it lacks."""
    with np.errstate(all="ignore"):
        added = Contribution(spec)(batch)
    return spec.high - added if spec.direction == "max" else added


@dataclass(frozen=True, slots=True, eq=False)
class Trial:
    """The same rows, read as they are (`now`) and read otherwise (`then`)."""

    spec: Spec
    now: Batch
    then: Batch
    otherwise: Spec | None = None  # the loss of the other reading, where it is not the same

    @property
    def other(self) -> Spec:
        """The loss of the other reading."""
        return self.otherwise or self.spec

    @property
    def fall(self) -> float:
        """The part of the cost that the other reading takes away."""
        now, then = costs(self.spec, self.now).sum(), costs(self.other, self.then).sum()
        if not (math.isfinite(now) and math.isfinite(then) and now > 0.0):
            return 0.0
        return float(1.0 - then / now)

    @property
    def sure(self) -> float:
        """How many standard errors the mean difference of the costs is from 0."""
        return standard_errors(costs(self.spec, self.now) - costs(self.other, self.then))

    @property
    def said(self) -> str:
        """`mse 0.02 instead of 3.1 (-99 %)`."""
        now, then = _value(self.spec, self.now), _value(self.other, self.then)
        change = 100.0 * (then - now) / now if now else -100.0
        return f"{self.spec.brief} {then:.4g} instead of {now:.4g} ({change:+.0f} %)"


def standard_errors(gains: Array) -> float:
    """The mean of some differences in its standard errors, or by how many more of them are
    positive than not (the sign test), whichever says more; 0 where neither says anything."""
    if gains.size < FEWEST or not np.isfinite(gains).all():
        return 0.0
    mean, spread = float(gains.mean()), float(gains.std(ddof=1))
    if spread == 0.0:
        return math.copysign(math.inf, mean) if mean else 0.0
    more = float(np.sign(gains).sum()) / gains.size if mean > 0.0 else 0.0
    return max(mean / spread, more) * math.sqrt(gains.size)


def _value(spec: Spec, batch: Batch) -> float:
    values = values_of(spec, weighted=batch.weight is not None, moments=False)
    reduced = ask_of(spec.reduction.rounds(values), batch)
    return math.nan if reduced.value is None else reduced.value


def wrong(text: str) -> Note:
    """The warning."""
    return Note("wrong-input", text, warning=True)


def complete(context: Context, batch: Batch) -> bool:
    """Whether these are all the rows, not the first of them."""
    return batch.count < context.few
