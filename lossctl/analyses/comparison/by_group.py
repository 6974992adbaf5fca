"""The leading loss of every model within groups of rows, and what the mix of groups makes of the
whole: a model that is better in most groups may be worse in all rows together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses.comparison.gaps import Gap, GapTerms
from lossctl.analyses.comparison.judged import (
    BETTER,
    FEWEST,
    IDENTICAL,
    NOT_SHOWN,
    UNDECIDED,
    WORSE,
    first_of,
    relative,
)
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.tables import MARKS
from lossctl.analyses.context import Context, prose
from lossctl.analyses.contrast import few
from lossctl.analyses.cuts import NOWHERE, Cut, cut
from lossctl.analyses.inference.corrections import METHODS
from lossctl.analyses.inference.paired import mean_test
from lossctl.analyses.significance import sign_p
from lossctl.analyses.wording import listed, percent
from lossctl.batch import Batch
from lossctl.grouping import Grouping
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.models import Model
from lossctl.reductions.additive import Additive
from lossctl.reductions.reduced import ratio_error
from lossctl.report import Column, Json, Part, Table
from lossctl.rounds import Rounds, in_step
from lossctl.spec import Spec
from lossctl.states import SumsState, Terms
from lossctl.terms import LossTerms

SHOWN = 20  # groups of a table


@dataclass(frozen=True, slots=True)
class SignedGap:
    """a = how much more a row adds to the loss of the second model, b = what it counts."""

    gap: Gap

    def __call__(self, batch: Batch) -> Terms:
        terms = LossTerms(self.gap.spec)(batch.seen(self.gap.first))
        return Terms([(self.gap(batch), 0)], terms.b, terms.counted)


@dataclass(frozen=True, slots=True)
class SignedSum:
    """a = what a row adds to the losses of both models, b = what it counts."""

    gap: Gap

    def __call__(self, batch: Batch) -> Terms:
        one, other = (LossTerms(self.gap.spec)(batch.seen(model))
                      for model in (self.gap.first, self.gap.second))  # fmt: skip
        return Terms([(one.parts[0][0] + other.parts[0][0], 0)], one.b, one.counted)


@dataclass(frozen=True, slots=True)
class Within:
    """One model in one group: its value, the difference from the reference's, its interval, and the
    verdict, corrected over groups and models."""

    value: float | None
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """The models, the reference first, in some rows."""

    name: str
    said: str  # in a sentence
    rows: int
    models: tuple[Within, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ByGroup:
    """The groups of a column by one loss; `unit` is what is independent of each other."""

    spec: Spec
    name: str
    groups: tuple[Group, ...]
    rows: int
    total: tuple[float | None, ...]  # every model's value of all rows
    unit: str = "rows"
    other: bool = False  # whether another test or interval was asked for than that of groups


def rounds(
    context: Context, models: Sequence[Model], by: Sequence[Grouping], question: Question
) -> Rounds[list[ByGroup]]:
    """None where the leading loss is no mean of what rows add. Raises DataError for a column of too
    many values."""
    if not context.one_sum(context.leading) or context.leading.reduction.pairs:
        return []
    return (yield from in_step(_one(context, models, one, question) for one in by))


def _one(
    context: Context, models: Sequence[Model], by: Grouping, question: Question
) -> Rounds[ByGroup]:
    spec, reduction = context.leading, context.leading.reduction
    assert isinstance(reduction, Additive)
    groups: Cut = yield from cut(by, context.like)
    sums = [KeyedSums(groups, LossTerms(spec, None, model)) for model in models]
    gaps = [KeyedSums(groups, SignedGap(Gap(spec, models[0], model)), moments=True)
            for model in models[1:]]  # fmt: skip
    sizes = [KeyedSums(groups, GapTerms(Gap(spec, models[0], model)), moments=True)
             for model in models[1:]]  # fmt: skip
    signed = spec.direction == "zero"
    both = [KeyedSums(groups, SignedSum(Gap(spec, models[0], model)), moments=True)
            for model in models[1:]] if signed else gaps  # fmt: skip
    states = yield (*sums, *gaps, *sizes, *(both if signed else ()))
    held: list[KeyedState] = [states[one] for one in sums]
    codes = [code for code in sorted(held[0].groups) if code != NOWHERE]
    made = []
    for code in codes:
        each = [Within(reduction.finished(one.groups[code])) for one in held]
        models_of = [each[0]]
        for place, (gap, size, sum_of) in enumerate(zip(gaps, sizes, both, strict=True), 1):
            # Values of two signs, of which the sizes count, differ by their sum.
            apart = sum_of if signed and _opposite(each[0], each[place]) else gap
            sums_of = states[apart].groups[code], states[size].groups[code]
            models_of.append(_within(spec, each[0], each[place], *sums_of, question))
        name, said = groups.names[code], groups.said(code)
        made.append(Group(name, said, held[0].groups[code].count, tuple(models_of)))
    total = tuple(reduction.finished(_all(one)) for one in held)
    rows = sum(group.rows for group in made)
    return ByGroup(spec, str(by), _corrected(spec, made, question), rows, total, question.unit,
                   question.test != "t" or question.interval != "delta")  # fmt: skip


def _all(state: KeyedState) -> SumsState:
    total = SumsState()
    for code, sums in state.groups.items():
        if code != NOWHERE:
            total = total.merge(sums)
    return total


def _opposite(one: Within, other: Within) -> bool:
    return one.value is not None and other.value is not None and one.value * other.value < 0.0


def _within(
    spec: Spec,
    first: Within,
    second: Within,
    gap: SumsState,
    size: SumsState,
    question: Question,
) -> Within:
    """A model against the reference; the interval is of the mean of what rows add."""
    if first.value is None or second.value is None:
        return Within(second.value)
    difference = second.value - first.value
    if spec.direction == "zero":
        difference = abs(second.value) - abs(first.value)
    plain = Within(second.value, difference)
    if question.unit != "rows":
        return plain  # what is known of rows that depend on each other is of all of them
    if gap.infinite or gap.nonzero < 2 or gap.b <= 0:
        return plain
    if gap.aa == 0:
        return Within(second.value, difference, verdict=IDENTICAL)
    try:
        error = ratio_error(gap, gap.nonzero)
        mean = gap.mean
    except OverflowError:
        return plain
    if not math.isfinite(error):
        return plain
    doubted = gap.nonzero < FEWEST or few(size)
    if error == 0.0:  # every row differs by the same
        p = None if doubted else sign_p(gap.nonzero, 0)
        return Within(second.value, difference, p=p, verdict=UNDECIDED if doubted else "")
    test = mean_test(mean, error, gap.nonzero - 1, question.confidence)
    # A root or a sum changes as its mean does, but for a factor.
    factor = difference / mean if mean else 0.0
    low = high = None
    if test.low is not None and test.high is not None:
        low, high = sorted((test.low * factor, test.high * factor))
    return Within(second.value, difference, low, high, None if doubted else test.p,
                  UNDECIDED if doubted else "")  # fmt: skip


def _corrected(spec: Spec, groups: Sequence[Group], question: Question) -> tuple[Group, ...]:
    flat = [one for group in groups for one in group.models]
    p = iter(METHODS[question.correction]([one.p for one in flat]))
    return tuple(
        Group(group.name, group.said, group.rows, tuple(_judged(spec, one, next(p), question)
                                            for one in group.models))
        for group in groups
    )  # fmt: skip


def _judged(spec: Spec, one: Within, p: float | None, question: Question) -> Within:
    if p is None or one.difference is None:
        return one
    verdict = NOT_SHOWN
    if p < question.level:
        verdict = WORSE if (one.difference > 0.0) != (spec.direction == "max") else BETTER
    return Within(one.value, one.difference, one.low, one.high, p, verdict)


def part(found: ByGroup, names: Sequence[str]) -> Part:
    """The groups as a table, and whether their mix decides which model is first."""
    largest = sorted(found.groups, key=lambda group: -group.rows)[:SHOWN]
    shown = replace(found, groups=tuple(one for one in found.groups if one in largest))
    columns, rows = _pair_table(shown, names) if len(names) == 2 else _many_table(shown, names)
    data = {
        "loss": str(found.spec),
        "groups": [{"group": group.name, "rows": group.rows,
                    "models": {name: _data(one) for name, one in
                               zip(names, group.models, strict=True)}}
                   for group in found.groups],
        "alike": dict(zip(names, _alike(found), strict=True)),
    }  # fmt: skip
    return Part(f"by {found.name}", text(found, names), data, Table(columns, rows))


def text(found: ByGroup, names: Sequence[str]) -> str:
    """Who is first where, and what a mix effect makes of it."""
    firsts: dict[int, list[Group]] = {}
    for group in found.groups:
        best = first_of([one.value for one in group.models], found.spec.direction)
        if best is not None:
            firsts.setdefault(best, []).append(group)
    overall = first_of(list(found.total), found.spec.direction)
    name = prose(found.spec)
    if overall is None or not firsts:
        return f"{name} has no value in every group"
    said = []
    for number in sorted(firsts, key=lambda one: -len(firsts[one])):
        groups = firsts[number]
        share = percent(sum(group.rows for group in groups) / max(found.rows, 1))
        if len(firsts) == 1:
            said.append(f"{names[number]} is first in every group")
        else:
            which = listed([group.said for group in groups], 3)
            said.append(f"{names[number]} is first in {which} ({share} of the rows)")
    said[0] = f"{name}: {said[0]}"
    judged = [one for group in found.groups for one in group.models[1:]]
    doubted = sum(one.verdict == UNDECIDED for one in judged)
    if doubted:
        why = f"fewer than {FEWEST} rows, or a few decide"
        said.append(f"{doubted} of {len(judged)} undecided ({why})")
    if found.unit != "rows":
        said.append(f"how surely is not worked out by {found.unit}")
    if found.other:
        said.append("by the t test and the delta method")
    if len(found.groups) > SHOWN:
        said.append(f"{len(found.groups)} groups, the largest {SHOWN} shown")
    mixed = mix(found)
    if mixed is not None:
        said.append(f"with every group counting alike {names[mixed]} would be first, not "
                    f"{names[overall]}: the mix of groups decides")  # fmt: skip
    return "; ".join(said)


def mix(found: ByGroup) -> int | None:
    """The model that would be first if every group counted alike, where another one is."""
    overall = first_of(list(found.total), found.spec.direction)
    alike = first_of(list(_alike(found)), found.spec.direction)
    return None if alike is None or alike == overall else alike


def _alike(found: ByGroup) -> tuple[float | None, ...]:
    """Every model's mean over groups."""
    means: list[float | None] = []
    for number in range(len(found.total)):
        values = [group.models[number].value for group in found.groups]
        known = [value for value in values if value is not None]
        means.append(math.fsum(known) / len(known) if len(known) == len(values) and known else None)
    return tuple(means)


def _data(one: Within) -> Json:
    return {"value": one.value, "difference": one.difference, "low": one.low, "high": one.high,
            "p_corrected": one.p, "verdict": one.verdict or None}  # fmt: skip


def _pair_table(
    found: ByGroup, names: Sequence[str]
) -> tuple[tuple[Column, ...], tuple[tuple[Any, ...], ...]]:
    columns = (
        Column(found.name, "text"), Column("rows", "count", 3), Column(names[0], "value"),
        Column(names[1], "value"), Column("change", "shift", 2), Column("interval", "interval", 4),
        Column("verdict", "text", 1),
    )  # fmt: skip
    rows = []
    for group in found.groups:
        first, second = group.models
        scaled = bool(found.spec.shares and found.spec.direction == "min" and first.value)
        size = abs(first.value or 0.0) if scaled else 1.0
        trusted = second.verdict != UNDECIDED
        change = None if second.difference is None else {
            "value": second.difference / size, "percent": scaled}  # fmt: skip
        interval = None
        if second.low is not None and second.high is not None:
            interval = {"low": second.low, "high": second.high, "trusted": trusted}
            if scaled:
                interval = relative(second.low, second.high, size, trusted=trusted)
        rows.append((group.name, group.rows, first.value, second.value, change, interval,
                     second.verdict or None))  # fmt: skip
    return columns, tuple(rows)


def _many_table(
    found: ByGroup, names: Sequence[str]
) -> tuple[tuple[Column, ...], tuple[tuple[Any, ...], ...]]:
    columns = [Column(found.name, "text"), Column("rows", "count", 3)]
    columns += [Column(name, "marked", place and 60 + place) for place, name in enumerate(names)]
    rows: list[tuple[Any, ...]] = []
    for group in found.groups:
        cells = [{"value": one.value, "mark": MARKS.get(one.verdict, "")} for one in group.models]
        rows.append((group.name, group.rows, *cells))
    return tuple(columns), tuple(rows)
