"""What rows add to the losses that only some of several models answer: a model that leaves out
what is hard looks better than it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lossctl.arrays import Mask
from lossctl.batch import Batch
from lossctl.models import Model
from lossctl.rounds import grow
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState
from lossctl.terms import LossTerms


class Partial:
    """Called with the rows that only some models answer, sums the losses of those that do.

    `own` has, by model, what it answers; `lacking`, by model and another, what the second adds in
    the rows that the first leaves out.
    """

    def __init__(self, specs: Sequence[Spec], models: Sequence[Model]) -> None:
        self.models = models
        self.asked = {
            spec: Sums(LossTerms(spec), moments=True) for spec in specs if spec.reduction.sums
        }
        numbers = range(len(models))
        self.own = [self._empty() for _ in numbers]
        self.lacking = {(a, b): self._empty() for a in numbers for b in numbers if a != b}

    def _empty(self) -> dict[Any, SumsState]:
        return {one: one.empty() for one in self.asked.values()}

    def __call__(self, batch: Batch, answered: Mapping[int, Mask]) -> None:
        """Rows of one block; `answered` says by model which of them it answers."""
        for number, model in enumerate(self.models):
            ours = answered[number]
            if not ours.any():
                continue
            grow(self.own[number], model(batch.take(ours)))
            for other, theirs in answered.items():
                left_out = ours & ~theirs
                if other != number and left_out.any():
                    grow(self.lacking[other, number], model(batch.take(left_out)))

    def of(self, number: int, spec: Spec) -> SumsState | None:
        """What a model's own further rows add to a loss; None where rows do not add to it."""
        asked = self.asked.get(spec)
        return None if asked is None else self.own[number][asked]

    def left_out(self, number: int, other: int, spec: Spec) -> SumsState | None:
        """What another model adds to a loss in the rows that one leaves out."""
        asked = self.asked.get(spec)
        return None if asked is None else self.lacking[number, other][asked]
