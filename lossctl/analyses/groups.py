"""Groups of rows: how much of each loss each makes, by its share of the rows.

The loss of a group is that of its rows alone, its interval by Student's t within it; it is judged
against all other rows (see `contrast`), corrected by Holm over all groups and losses.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from lossctl.analyses import cuts, grouped
from lossctl.analyses.context import Context, prose
from lossctl.analyses.contrast import FEWEST
from lossctl.analyses.grouped import Group, Grouped, Measured
from lossctl.analyses.wording import counted, listed, p_value, percent, short
from lossctl.errors import inert
from lossctl.grouping import Grouping
from lossctl.report import Column, Json, Part, Table
from lossctl.rounds import Rounds, in_step
from lossctl.spec import Spec

OUT = ("worse", "differs", "better")  # the verdicts of a group that stands out
MANY_VALUES = 10  # of a number, from which on its bins say more
MANY = 3  # groups that a sentence names beside the first


def found(context: Context, groupings: Sequence[Grouping]) -> Rounds[list[Grouped]]:
    """The groups of every grouping, judged together. Raises DataError for too many."""
    ways = yield from in_step(cuts.cut(one, context.like) for one in groupings)
    pairs = zip(groupings, ways, strict=True)
    each = yield from in_step(grouped.rounds(context, str(one), cut) for one, cut in pairs)
    return grouped.corrected(each)


def rounds(context: Context, groupings: Sequence[Grouping]) -> Rounds[list[Part]]:
    """What `eval` says of the groups: one part for each grouping."""
    each = yield from found(context, groupings)
    return [part(context, one) for one in each]


def part(context: Context, one: Grouped, *, tabled: bool = True) -> Part:
    """A grouping in one sentence, with its table and everything behind it."""
    spec = grouped.judging(context, one)
    data: Json = {
        "column": one.cut.column,
        "bins": None if one.cut.edges is None else len(one.cut.edges) + 1,
        "by": str(spec),
        "shares_of": None if spec is None else one.divides(spec),
        "groups": [_json(one, group) for group in ordered(context, one)],
        "left_out": dict(one.left_out),
    }
    made = table(context, [one], named=False) if tabled and context.top else None
    return Part(f"by {one.name}", said(context, one), data, made)


def ordered(context: Context, one: Grouped) -> list[Group]:
    """The groups: those that add the most beyond what the others' mean would, first."""
    spec = grouped.judging(context, one)

    def place(group: Group) -> tuple[float, int]:
        return 0.0 if spec is None else _badness(spec, group.losses[str(spec)]), group.code

    return sorted(one.groups, key=place)


def _badness(spec: Spec, one: Measured) -> float:
    """What sorts groups: those that add most beyond the others' mean first, those unknown last."""
    if one.excess is None:
        return float("inf")
    return {"min": -one.excess, "max": one.excess, "zero": -abs(one.excess)}[spec.direction]


def said(context: Context, one: Grouped) -> str:
    """`south makes 41 % of MSE with 8 % of the rows (5.1 times its share; Holm p < 1e-9)`."""
    spec = grouped.judging(context, one)
    if spec is None:
        return f"no loss here is a mean of its rows: {'; '.join(one.left_out.values())}"
    if len(one.groups) == 1:
        return f"all rows are in one group: {_name(one, one.groups[0])}"
    groups = ordered(context, one)
    for verdict in OUT:
        those = [g for g in groups if g.losses[str(spec)].verdict == verdict]
        if verdict == "better":
            those.reverse()
        if those:
            text = _outstanding(one, spec, those)
            if context.top and (place := groups.index(those[0])) >= context.top:
                text += f"; --top {place + 1} lists it"
            break
    else:
        text = nothing([one], spec)
    return text + _unled(context, one, spec)


def _unled(context: Context, one: Grouped, spec: Spec) -> str:
    """`; MAPE is infinite in a`: why another loss than the leading one is judged."""
    first = grouped.leading(context, one.specs)
    if first is None or first is spec:
        return ""
    where = [group for group in one.groups if group.losses[str(first)].sums.infinite]
    if not where:
        return ""
    status = where[0].losses[str(first)].value.status
    verb = "is infinite" if status == "infinite" else "overflows"
    return f"; {prose(first)} {verb} in {listed([_name(one, group) for group in where], MANY)}"


def nothing(several: Sequence[Grouped], spec: Spec) -> str:
    """`no group of region and no bin of age stands out (least Holm p 0.21); no group of city can
    be judged: too few rows`."""
    known = {one.name: _known(one, spec) for one in several}
    judged = [one for one in several if known[one.name]]
    unknown = [one for one in several if not known[one.name]]
    said = []
    if judged:
        least = min(p for one in judged for p in known[one.name])
        text = f"{_kinds(judged)} stands out in {prose(spec)} (least Holm {p_value(least)})"
        left = _unjudged(judged, spec)
        said.append(f"{text}, of those that can be judged ({left})" if left else text)
    if unknown:
        larger = [
            f"'bin({inert(one.cut.column)},5)'"
            for one in unknown
            if one.cut.edges is None and len(one.groups) > MANY_VALUES and _numeric(one)
        ]
        why = dict.fromkeys(REASONS[one.removesuffix(" elsewhere")]
                            for one in _verdicts(unknown, spec))  # fmt: skip
        text = f"{_kinds(unknown)} can be judged: {', or '.join(why)}"
        said.append(f"{text}; --by {larger[0]} makes larger ones" if larger else text)
    others = (_out(several, other) for other in several[0].specs if other is not spec)
    return "; ".join([*said, *islice(filter(None, others), 1)])


def _out(several: Sequence[Grouped], spec: Spec) -> str:
    """`in MAE north is worse (Holm p 3e-7)`: what another loss tells apart."""
    for one in several:
        for verdict in OUT:
            those = [(m, group) for group in one.groups
                     if (m := group.losses[str(spec)]).verdict == verdict]  # fmt: skip
            if those:
                those.sort(key=lambda pair: pair[0].holm or 0.0)
                names = listed([_name(one, group) for _, group in those], MANY)
                verb = "differs" if verdict == "differs" else f"is {verdict}"
                if len(those) > 1:
                    verb = "differ" if verdict == "differs" else f"are {verdict}"
                return f"in {prose(spec)} {names} {verb} ({significance(those[0][0])})"
    return ""


REASONS = {
    "no weight": "its rows weigh nothing",
    "too few": f"fewer than {FEWEST} rows",
    "few others": f"fewer than {FEWEST} rows elsewhere",
    "no others": "all rows are in one group",
    "few decide": "a few rows decide",
    "infinite": "the loss is infinite",
    "infinite elsewhere": "the loss is infinite elsewhere",
    "overflow": "the loss overflows",
    "overflow elsewhere": "the loss overflows elsewhere",
}


def _known(one: Grouped, spec: Spec) -> list[float]:
    found = [group.losses[str(spec)].holm for group in one.groups]
    return [p for p in found if p is not None]


def _kinds(several: Sequence[Grouped]) -> str:
    return " and ".join(
        f"no {'group' if one.cut.edges is None else 'bin'} of {inert(one.cut.column)}"
        for one in several
    )


def _verdicts(several: Sequence[Grouped], spec: Spec) -> dict[str, int]:
    """How many groups have each verdict, in the order of REASONS."""
    found = [group.losses[str(spec)].verdict for one in several for group in one.groups]
    return {verdict: found.count(verdict) for verdict in REASONS if verdict in found}


def _unjudged(several: Sequence[Grouped], spec: Spec) -> str:
    """`2 cannot: fewer than 30 rows, 1 cannot: a few rows decide`."""
    counts = _verdicts(several, spec).items()
    return ", ".join(f"{count} cannot: {REASONS[verdict]}" for verdict, count in counts)


def _numeric(one: Grouped) -> bool:
    return not any(isinstance(level, str) for level in one.cut.levels)


def first(context: Context, several: Sequence[Grouped]) -> str:
    """Of several groupings, what is said of the one with the least likely group."""
    spec = grouped.judging(context, several[0])
    if spec is None:
        return said(context, several[0])

    def least(one: Grouped) -> tuple[float, float]:
        losses = [group.losses[str(spec)] for group in one.groups]
        found = [(each.holm or 0.0, _badness(spec, each)) for each in losses if each.verdict in OUT]
        return min(found, default=(2.0, 0.0))

    best = min(several, key=least)
    if least(best)[0] > 1.0 and len(several) > 1:
        return nothing(several, spec)
    return said(context, best)


def overview(context: Context, one: Grouped) -> str:
    """`4 groups, 1 not judged: fewer than 30 rows; MSE 1.512 in all`."""
    spec = grouped.judging(context, one)
    assert spec is not None
    count = len(one.groups)
    text = counted(count, "group")
    if context.top < count:
        text += f", {context.top} shown"
    if count > 1:
        for verdict, unjudged in _verdicts([one], spec).items():
            text += f", {unjudged} not judged: {REASONS[verdict]}"
    value = grouped.value_of(context, spec, one.whole[str(spec)]).value
    return text if value is None else f"{text}; {prose(spec)} {short(value)} in all"


def _outstanding(one: Grouped, spec: Spec, those: list[Group]) -> str:
    first, *more = those
    measured = first.losses[str(spec)]
    of = one.divides(spec)
    text = f"{contrasted(_name(one, first), spec, measured, of)}; {significance(measured)})"
    if more:
        text += f"; {measured.verdict} too: {listed([_name(one, group) for group in more], MANY)}"
    return text


def contrasted(name: str, spec: Spec, one: Measured, of: str) -> str:
    """A group's share of the loss by its share of the rows (or of their weight), or its value and
    the others'; its parenthesis is left open."""
    if one.share is not None and one.lift is not None:
        only = "only " if one.verdict == "better" and one.share >= 0.0005 else ""
        return (
            f"{name} makes {only}{percent(one.share)} of {prose(spec)} with {percent(one.part)} "
            f"of the {of} ({one.lift:.{1 if one.lift >= 0.95 else 2}f} times its share"
        )
    here, there = one.value.value, one.elsewhere
    assert here is not None and there is not None
    return f"{prose(spec)} is {short(here)} in {name} (elsewhere {short(there)}"


def significance(one: Measured) -> str:
    """`Holm p < 1e-9`."""
    assert one.holm is not None
    return f"Holm {p_value(one.holm)}"


def _name(one: Grouped, group: Group) -> str:
    return inert(one.cut.said(group.code))


def table(context: Context, several: Sequence[Grouped], *, named: bool = True) -> Table | None:
    """The worst groups of each grouping under the leading loss; beside it the other losses."""
    specs = several[0].specs
    spec = grouped.judging(context, several[0])
    if spec is None:
        return None
    label = spec.brief
    others = [other for other in specs if other is not spec]
    columns = [
        Column("by", "text", 0 if len(several) > 1 else 6),
        Column("group", "text"), Column("rows", "count"),
        Column(f"of {several[0].divides(spec)}", "share", 2), Column(f"of {label}", "share"),
        Column(" ", "bar", 30),
        Column("lift", "data", 1), Column(label, "value"), Column("95 % interval", "interval", 4),
        Column("verdict", "text"), Column("Holm p", "p", 5),
    ]  # fmt: skip
    columns += [Column(other.brief, "value", 10 + n) for n, other in enumerate(others)]
    lines = []
    for one in several:
        for group in ordered(context, one)[: context.top]:
            measured = group.losses[str(spec)]
            values = [value(group.losses[str(other)]) for other in others]
            lines.append((
                one.name, one.cut.names[group.code], group.rows, group.part, measured.share,
                measured.share, measured.lift,
                value(measured), interval(measured), measured.verdict, measured.holm, *values,
            ))  # fmt: skip
    first = 0 if named else 1
    return Table(tuple(columns[first:]), tuple(line[first:] for line in lines), aside=not lines)


def value(one: Measured) -> float | str | None:
    """The loss as a table holds it: a number, or what it is instead."""
    return one.value.value if one.value.status == "ok" else one.value.status


def interval(one: Measured) -> Json | None:
    """The interval as a table holds it."""
    if one.value.interval is None:
        return None
    return {"low": one.value.interval.low, "high": one.value.interval.high, "trusted": one.trusted}


def _json(one: Grouped, group: Group) -> Json:
    cut = one.cut
    level = None if cut.edges is not None else cut.levels[group.code]
    infinite = isinstance(level, float) and abs(level) == float("inf")
    return {
        "group": cut.names[group.code],
        "value": str(level) if infinite else level,
        "missing": cut.missing(group.code),
        "rows": group.rows,
        "share_of_rows": group.part,
        "losses": {spec: measured_json(each) for spec, each in group.losses.items()},
    }


def measured_json(one: Measured) -> Json:
    """Everything of one loss of a group."""
    return {
        "value": one.value.value,
        "status": one.value.status,
        "interval": interval(one),
        "n": one.value.count,
        "elsewhere": one.elsewhere,
        "share": one.share,
        "lift": one.lift,
        "excess": one.excess,
        "difference": None if one.contrast is None else one.contrast.difference,
        "p": None if one.contrast is None else one.contrast.p,
        "holm_p": one.holm,
        "verdict": one.verdict,
    }
