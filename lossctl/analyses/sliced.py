"""What `slices` says: the groups, the worst slices, and a change that groups split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses import cuts, grouped, groups, kitagawa, slices, worst_slices
from lossctl.analyses.context import Context
from lossctl.analyses.cuts import Cut
from lossctl.analyses.digest import Digest
from lossctl.analyses.grouped import Grouped
from lossctl.analyses.slices import Search
from lossctl.errors import UsageError
from lossctl.grouping import Grouping
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.report import Part, Table
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec
from lossctl.terms import LossTerms


@dataclass(frozen=True, slots=True, eq=False)
class Sliced:
    """The groups of every grouping, and the search, if there was one."""

    groups: list[Grouped]
    search: Search | None
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class Before:
    """The groups of other files: the same, and those that only they have, with their sums."""

    spec: Spec
    cuts: list[Cut]
    states: list[KeyedState]


def rounds(
    context: Context, by: Sequence[Grouping], searched: Mapping[str, bool] | None
) -> Rounds[Sliced]:
    """The groups, and the worst slices on the columns that are `searched` (and whether each holds
    texts)."""
    questions: list[Rounds[Any]] = [groups.found(context, by), one_state(Digest())]
    questions += [] if searched is None else [slices.rounds(context, searched)]
    answers: list[Any] = yield from in_step(questions)
    found, digest, *search = answers
    return Sliced(found, next(iter(search), None), str(digest))


def before(
    context: Context, by: Sequence[Grouping], leading: Spec, after: Sequence[Grouped]
) -> Rounds[Before]:
    """The groups of other files, cut as those `after` are. Raises UsageError where the leading
    loss is none of theirs."""
    if leading not in context.specs:
        raise UsageError("--against: its losses are others", "name the losses with -l")
    plain = [one for one in by if one.bins is None]
    own = iter((yield from in_step(cuts.cut(one, context.like) for one in plain)))
    ways = [one.cut if one.cut.edges is not None else one.cut.joined(next(own)) for one in after]
    asked = [KeyedSums(cut, LossTerms(leading)) for cut in ways]
    states: list[KeyedState] = yield from in_step(one_state(one) for one in asked)
    return Before(leading, ways, states)


def leading(context: Context) -> Spec:
    """The loss that groups are sorted by. Raises UsageError where none has a value by group."""
    fitting, left_out = grouped.by_group(context)
    spec = grouped.leading(context, fitting)
    if spec is None:
        raise UsageError(f"no loss here has groups: {'; '.join(left_out.values())}",
                         "name another with -l")  # fmt: skip
    return spec


def changes(found: Sliced, old: Before) -> list[Part]:
    """The change since `old`, by each grouping."""
    parts = []
    for one, cut, state in zip(found.groups, old.cuts, old.states, strict=True):
        now = {group.code: group.losses[str(old.spec)].sums for group in one.groups}
        codes = sorted({*state.groups, *now})
        both = (kitagawa.sides(old.spec, sums, codes) for sums in (state.groups, now))
        parts.append(kitagawa.part(old.spec, one.name, cut, codes, *both))
    return parts


def parts(context: Context, found: Sliced, changed: Sequence[Part]) -> tuple[Part, ...]:
    """What is said beside the main table and the finding, which are not repeated."""
    search = found.search
    beside = search is not None or bool(changed)
    by = [groups.part(context, one, tabled=beside) for one in found.groups]
    if search is not None:
        return (worst_slices.part(search), *changed, *by)
    if changed:
        ends = kitagawa.ends(changed[0].data)
        return (replace(changed[0], table=None, text=ends), *changed[1:], *by)
    said = groups.first(context, found.groups)
    return tuple(
        replace(part, text=groups.overview(context, one)) if part.text == said else part
        for part, one in zip(by, found.groups, strict=True)
    )


def table(context: Context, found: Sliced, changed: Sequence[Part]) -> Table | None:
    """The main table: of the slices, else of the change, else of the groups."""
    if found.search is not None:
        return worst_slices.table(found.search)
    return changed[0].table if changed else groups.table(context, found.groups)


def finding(context: Context, found: Sliced, changed: Sequence[Part]) -> str:
    """What it comes to, in one sentence."""
    if found.search is not None:
        return worst_slices.finding(found.search)
    text = changed[0].text if changed else groups.first(context, found.groups)
    start = text[:1].upper() if text.startswith(("no ", "all ")) else text[:1]  # else a name
    return f"{start}{text[1:]}."
