"""What a state keeps of one loss: sums from one pass, the worst rows, and the sums by bucket that
tell how surely it differs from another model's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.within import RowCount, Slice, Within
from lossctl.arrays import Integers
from lossctl.batch import Batch
from lossctl.gram import Gram
from lossctl.hashing import mixed
from lossctl.reductions import Reduced
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import Specification, TermsOf, Top
from lossctl.terms import Score, WhereWeighing, values_of
from lossctl.units import BUCKETS, UnitSums

WORST = 10  # rows
NO_MEDIAN = "a median needs all rows, and a state holds sums"
NO_PARTS = "the value of a row depends on rows of other parts"


@dataclass(frozen=True, slots=True)
class RowHash:
    """A hash of what orders the rows. Its last bits are the bucket of a row; of no more rows than
    there are buckets every one is a unit by itself."""

    def __call__(self, batch: Batch) -> Integers:
        return (mixed(batch.order) >> np.uint64(1)).astype(np.int64)


@dataclass(frozen=True, slots=True)
class Kept:
    """One loss of the rows of a slice; of all rows without."""

    spec: Spec
    view: Slice | None = None

    @property
    def key(self) -> tuple[str, str]:
        """The texts of both."""
        return str(self.spec), "" if self.view is None else str(self.view)

    def lacks(self, context: Context) -> str | None:
        """Why its value cannot be had from parts; None where it can."""
        if self.spec.reduction.name == "median":
            return NO_MEDIAN
        together = context.whole is not None and self.spec in context.whole.together
        return NO_PARTS if together else None

    def asked(self, context: Context) -> dict[str, Specification]:
        """The specifications by name, as states are written."""
        found: dict[str, Specification] = {"rows": RowCount()}
        if self.lacks(context) is None:
            question = self._value(context)
            found |= {f"value {n}": one for n, one in enumerate(next(question))}
            question.close()
            found["worst"] = Top(WhereWeighing(Score(self.spec)), WORST)
            terms = self._terms(context)
            if terms:
                found["sums"] = Gram(terms)
                found["buckets"] = UnitSums(context.weighing(RowHash()), terms, BUCKETS)
        if self.view is None:
            return found
        return {name: Within(self.view, one) for name, one in found.items()}

    def value(self, context: Context, states: Mapping[str, Any]) -> Reduced:
        """The value of the rows that the states are of."""
        count = states["rows"].count
        if "worst" not in states:
            return Reduced(None, "not_applicable", self.lacks(context) or NO_PARTS, count)
        if not count:
            return Reduced(None, "undefined", "no row is in the slice", 0)
        question = self._value(context)
        asked = next(question)
        try:
            question.send({one: states[f"value {n}"] for n, one in enumerate(asked)})
        except StopIteration as stop:
            found: Reduced = stop.value
            return found
        raise RuntimeError(f"{self.spec} needs another pass")

    def _value(self, context: Context) -> Rounds[Reduced]:
        """The question of its value. The intervals of R2 and its kin need the means of all rows
        beforehand."""
        ratio = self.spec.reduction.pairs and not self.spec.reduction.sums
        return replace(context, like=None).reduced(self.spec, moments=not ratio)

    def _terms(self, context: Context) -> tuple[TermsOf, ...]:
        """The terms of which its value is a smooth function; none where these depend on the rows of
        other parts."""
        spec = self.spec
        outputs = context.outputs if spec.roles[0].domain.shape == "value" else 1
        each = [None] if outputs == 1 or context.adds_up(spec) else list(range(outputs))
        found = []
        for output in each:
            values = values_of(spec, weighted=context.weighted, moments=False, output=output)
            try:
                next(spec.reduction.linear(values))
            except StopIteration as stop:
                if stop.value is not None:
                    found.append(context.weighing(stop.value))
        return tuple(found) if len(found) == len(each) else ()


def state_of(specification: Specification, data: Any) -> Any:
    """The state that was written of a specification."""
    return type(specification.empty()).from_json(data)


def rounds(
    context: Context, kept: Mapping[tuple[str, str], Kept]
) -> Rounds[dict[tuple[str, str], dict[str, Any]]]:
    """The states of each, by its key and by name."""
    asked = {key: one.asked(context) for key, one in kept.items()}
    states = yield tuple(one for each in asked.values() for one in each.values())
    return {key: {name: states[one] for name, one in each.items()} for key, each in asked.items()}


def listed(kept: Iterable[Kept]) -> dict[tuple[str, str], Kept]:
    """By key, each once."""
    return {one.key: one for one in kept}
