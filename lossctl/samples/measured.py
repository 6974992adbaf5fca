"""The columns of the losses: a row's value, its share, and the loss without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.worst import has_shares
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.extras import Extra
from lossctl.reductions import Reduced
from lossctl.reductions.deleted import shares
from lossctl.samples.cells import number, texts
from lossctl.spec import Spec
from lossctl.tables import Kind
from lossctl.terms import Contribution, LossColumn, LossTerms

SLOW = 10_000  # rows of which a loss without each is told that has no closed form


@dataclass(frozen=True, slots=True)
class Measured:
    """One loss: its value over all rows, and which columns are made of it."""

    spec: Spec
    reduced: Reduced
    fields: tuple[str, ...]

    def name(self, field: str) -> str:
        """The column's name: `mse`, `mse_share`, `mse_without`, `mse_delta`, `mse_status`."""
        return str(self.spec) if field == "value" else f"{self.spec}_{field}"

    @property
    def unbounded(self) -> bool:
        """Whether some rows' values are not finite."""
        return self.reduced.status in ("infinite", "overflow")

    def columns(self, batch: Batch) -> Iterator[tuple[str, Extra]]:
        """Its columns of some rows."""
        without = None
        if "without" in self.fields or "delta" in self.fields:
            without = without_of(self.reduced, batch)
        for field in self.fields:
            yield self.name(field), self._column(field, batch, without)

    def _column(self, field: str, batch: Batch, without: Array | None) -> Extra:
        if field == "status":
            finite = np.isfinite(value_of(self.spec, batch))
            return texts(["ok", self.reduced.status], np.where(finite, 0, 1))
        if field == "value":
            return number(value_of(self.spec, batch))
        if field == "share":
            return number(share_of(self.spec, self.reduced, batch))
        assert without is not None
        if field == "without":
            return number(without)
        now = self.reduced.value
        return number(without - (np.nan if now is None else now))


KINDS: dict[str, Kind] = {
    "value": "value", "share": "share", "without": "value", "delta": "value", "status": "text",
}  # fmt: skip


def measured(context: Context, spec: Spec, reduced: Reduced) -> Measured:
    """The columns that a loss has."""
    fields = []
    if not spec.reduction.pairs or spec.reduction.name == "ratio":
        fields.append("value")
    if reduced.status in ("infinite", "overflow") and fields:
        fields.append("status")
    if has_shares(context, spec, reduced):
        fields.append("share")
    if reduced.without is not None:
        fields += ["without", "delta"]
    return Measured(spec, reduced, tuple(fields))


def value_of(spec: Spec, batch: Batch) -> Array:
    """What the loss is of each row alone: unweighted, and squared where its mean is of squares."""
    if spec.reduction.squares:
        return Contribution(spec)(replace(batch, weight=None))
    return LossColumn(spec)(batch)


def share_of(spec: Spec, reduced: Reduced, batch: Batch) -> Array:
    """The share of each row in the loss's sum."""
    if not reduced.total:
        return np.zeros(batch.count)
    return shares(LossTerms(spec)(batch), reduced.total)


def without_of(reduced: Reduced, batch: Batch) -> Array:
    """The loss without each row in turn; NaN where it has no value."""
    if reduced.each is not None:
        return reduced.each(batch)
    assert reduced.without is not None
    found = np.empty(batch.count)
    for place in range(batch.count):
        value = reduced.without(batch.of_sample(batch.sample(place)))
        found[place] = np.nan if value is None else value
    return found
