"""Addends: how much each loss of a weighted sum brings to it."""

from __future__ import annotations

from dataclasses import dataclass

from lossctl.analyses.context import Context, percent
from lossctl.reductions import Reduced
from lossctl.report import Note
from lossctl.rounds import Rounds, in_step
from lossctl.spec import Spec, Sum, written


@dataclass(frozen=True, slots=True)
class Addend:
    """One term: its factor, its loss and that loss's value."""

    factor: float
    spec: Spec
    value: Reduced


def rounds(context: Context, spec: Spec) -> Rounds[list[Addend]]:
    """Nothing for a loss that is no sum of losses."""
    total = spec.all_settings[spec.loss.nests] if spec.loss.nests else None
    if not isinstance(total, Sum):
        return []
    values = yield from in_step(context.reduced(part, moments=False) for _, part in total.parts)
    return [
        Addend(factor, part, value)
        for (factor, part), value in zip(total.parts, values, strict=True)
    ]


def note(spec: Spec, found: list[Addend], whole: float | None) -> Note | None:
    """`combine: 1 · scce 0.2541 (66 %) + 0.5 · center 0.2669 (34 %)`."""
    if not found or not whole:
        return None
    said = []
    for one in found:
        if one.value.value is None:
            said.append(f"{written(one.factor)} · {one.spec} ({one.value.status})")
            continue
        share = percent(one.factor * one.value.value / whole)
        said.append(f"{written(one.factor)} · {one.spec} {one.value.value:.4g} ({share})")
    return Note("terms", f"{spec.loss.label}: {' + '.join(said)}")
