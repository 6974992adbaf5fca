"""What is known of each group of rows under each loss: its value, its share, and how it differs
from all other rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from lossctl.analyses.context import Context
from lossctl.analyses.contrast import (
    FEWEST,
    SURE,
    Contrast,
    as_mean,
    compare,
    even,
    few,
    holm,
    judged,
    rest,
)
from lossctl.analyses.cuts import NOWHERE, Cut
from lossctl.exact import ratio
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.reductions import Reduced, Values
from lossctl.reductions.additive import Additive
from lossctl.rounds import Rounds, ask
from lossctl.spec import Spec
from lossctl.states import SumsState, merged
from lossctl.terms import LossTerms, values_of

Verdict = Literal[
    "worse", "better", "differs", "", "few decide",
    "no weight", "too few", "few others", "no others",
    "infinite", "overflow", "infinite elsewhere", "overflow elsewhere",
]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One loss of one group. `share` and `lift` are None where nothing is shared, `excess` where
    one side weighs nothing or a row is infinite."""

    sums: SumsState
    value: Reduced
    elsewhere: float | None  # the value of all other rows
    share: float | None  # of the whole loss
    lift: float | None  # share of the loss by `part`
    excess: float | None  # what the whole mean would lose if the group did as the rest do
    contrast: Contrast | None
    holm: float | None
    verdict: Verdict
    trusted: bool  # whether more than a handful of rows makes it
    part: float  # share of what the mean divides by: of the rows, or of their weight


@dataclass(frozen=True, slots=True, eq=False)
class Group:
    """One group: its code in the cut, its rows, and their share of all rows (of their weight)."""

    code: int
    rows: int
    part: float
    losses: Mapping[str, Measured]


@dataclass(frozen=True, slots=True, eq=False)
class Grouped:
    """All groups of one grouping, by code; the losses that have no value by group, and why."""

    name: str
    cut: Cut
    groups: tuple[Group, ...]
    specs: tuple[Spec, ...]
    left_out: Mapping[str, str]
    whole: Mapping[str, SumsState]

    def divides(self, spec: Spec) -> str:
        """What a group's `part` is a share of: `rows`, or `weight` where they count differently."""
        return "rows" if even(as_mean(self.whole[str(spec)], additive(spec))) else "weight"


def additive(spec: Spec) -> Additive:
    """The reduction of a spec that `by_group` does not leave out."""
    assert isinstance(spec.reduction, Additive)
    return spec.reduction


def by_group(context: Context) -> tuple[tuple[Spec, ...], dict[str, str]]:
    """The losses that sums of their rows make, and why others have no value by group."""
    fitting, left_out = [], {}
    for spec in context.specs:
        outputs = context.outputs if spec.roles[0].domain.shape == "value" else 1
        if not isinstance(spec.reduction, Additive):
            left_out[str(spec)] = f"{spec.loss.label} is no mean of its rows"
        elif outputs > 1 and not context.adds_up(spec):
            left_out[str(spec)] = f"{spec.loss.label} is the mean over {outputs} outputs"
        else:
            fitting.append(spec)
    return tuple(fitting), left_out


def leading(context: Context, specs: Sequence[Spec]) -> Spec | None:
    """The loss that groups are sorted by."""
    if context.leading in specs:
        return context.leading
    return next((spec for spec in specs if spec.shares), next(iter(specs), None))


def judging(context: Context, one: Grouped) -> Spec | None:
    """The loss that groups are sorted and judged by: the leading one, unless it is not finite
    where another is."""
    spec = leading(context, one.specs)
    finite = [other for other in one.specs if not one.whole[str(other)].infinite]
    return spec if spec in finite else leading(context, finite) or spec


def rounds(context: Context, name: str, cut: Cut) -> Rounds[Grouped]:
    """The sums of every loss in every group; nothing is judged yet."""
    specs, left_out = by_group(context)
    asked = {str(spec): KeyedSums(cut, LossTerms(spec), moments=True) for spec in specs}
    states = yield tuple(asked.values())
    found = {spec: states[one] for spec, one in asked.items()}
    return measured(context, name, cut, specs, left_out, found)


def measured(
    context: Context,
    name: str,
    cut: Cut,
    specs: tuple[Spec, ...],
    left_out: Mapping[str, str],
    states: Mapping[str, KeyedState],
) -> Grouped:
    """The groups that hold rows, from their sums."""
    whole = {spec: merged(state.groups.values(), moments=True) for spec, state in states.items()}
    first = judging(context, Grouped(name, cut, (), specs, left_out, whole))
    codes = sorted({c for state in states.values() for c in state.groups if c != NOWHERE})
    groups = []
    for code in codes:
        losses = {
            str(spec): measure(context, spec, states[str(spec)].groups[code], whole[str(spec)])
            for spec in specs
        }
        told = losses[str(first)]
        groups.append(Group(code, told.sums.count, told.part, losses))
    return Grouped(name, cut, tuple(groups), specs, left_out, whole)


def measure(context: Context, spec: Spec, sums: SumsState, whole: SumsState) -> Measured:
    """One loss of some of the rows, against the others."""
    reduction = additive(spec)
    others = rest(whole, sums)
    share = lift = excess = None
    one, all_others = as_mean(sums, reduction), as_mean(others, reduction)
    part = portion(spec, sums, whole)
    if spec.shares and whole.a > 0 and not whole.infinite:
        share = ratio(sums.a, whole.a)
        lift = share / part if part else None
    if one.b > 0 and all_others.b > 0 and not whole.infinite:
        above = one.a * all_others.b - all_others.a * one.b
        try:
            excess = ratio(above, all_others.b * (one.b + all_others.b))
        except OverflowError:
            excess = None
    value = value_of(context, spec, sums)
    elsewhere = value_of(context, spec, others, moments=False)
    verdict: Verdict = ""
    contrast = None
    by_few = spec.shares and few(one)
    if not judged(one, all_others):
        verdict = _unjudged(spec, one, all_others)
    elif by_few:
        verdict = "few decide"
    else:
        contrast = compare(one, all_others)
    return Measured(
        sums, value, elsewhere.value, share, lift, excess, contrast, None, verdict,
        not by_few, part,
    )  # fmt: skip


def portion(spec: Spec, sums: SumsState, whole: SumsState) -> float:
    """What some rows have of all that the mean divides by: of the rows, or of their weight; so that
    a group whose mean is larger has a lift above 1."""
    one, every = (as_mean(each, additive(spec)) for each in (sums, whole))
    if even(every):
        return sums.count / whole.count if sums.count else 0.0
    return ratio(one.b, every.b) if one.b > 0 else 0.0


def _unjudged(spec: Spec, one: SumsState, others: SumsState) -> Verdict:
    """Why a group cannot be told from the others."""
    if one.infinite:
        return "infinite" if spec.diverges else "overflow"
    if one.count and not one.nonzero:
        return "no weight"
    if not others.count:
        return "no others"
    if others.infinite:
        return "infinite elsewhere" if spec.diverges else "overflow elsewhere"
    return "too few" if one.nonzero < FEWEST else "few others"


def value_of(context: Context, spec: Spec, sums: SumsState, *, moments: bool = True) -> Reduced:
    """The value of the rows that some sums are of, with its interval if `moments`."""
    values = _values(spec, context.weighted, moments)
    found = ask(spec.reduction.rounds(values), lambda asked: {asked[0]: sums})
    return context.with_penalty(spec, found)


@lru_cache(maxsize=64)
def _values(spec: Spec, weighted: bool, moments: bool) -> Values:
    return values_of(spec, weighted=weighted, moments=moments)


def corrected(all_grouped: Sequence[Grouped]) -> list[Grouped]:
    """With Holm's correction over all groups and losses; a test that two losses share (of the
    RMSE and the MSE) counts once."""
    tests: dict[Any, float] = {}
    for place, grouped in enumerate(all_grouped):
        for group in grouped.groups:
            for one in group.losses.values():
                if one.contrast is not None:
                    tests[(place, group.code, one.sums)] = one.contrast.p
    by_test = dict(zip(tests, holm(list(tests.values())), strict=True))
    made = []
    for place, grouped in enumerate(all_grouped):
        groups = []
        for group in grouped.groups:
            losses = {
                str(spec): _judged(spec, group.losses[str(spec)],
                                   by_test.get((place, group.code, group.losses[str(spec)].sums)))
                for spec in grouped.specs
            }  # fmt: skip
            groups.append(replace(group, losses=losses))
        made.append(replace(grouped, groups=tuple(groups)))
    return made


def _judged(spec: Spec, one: Measured, p: float | None) -> Measured:
    if p is None or one.contrast is None:
        return one
    verdict: Verdict = ""
    if p < SURE:
        larger = one.contrast.difference > 0.0
        verdict = "differs"
        if spec.direction != "zero":
            verdict = "worse" if larger == (spec.direction == "min") else "better"
    return replace(one, holm=p, verdict=verdict)
