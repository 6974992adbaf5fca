"""Groups of rows: how much of each loss each makes, by its share of the rows.

The loss of a group is that of its rows alone, its interval by Student's t within it; it is judged
against all other rows by Welch's test, corrected by Holm over all groups and losses.
"""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.analyses import cuts, grouped
from lossctl.analyses.context import Context, prose
from lossctl.analyses.contrast import FEWEST
from lossctl.analyses.decompositions.wording import percent, short
from lossctl.analyses.grouped import Group, Grouped, Measured
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
    data: Json = {
        "column": one.cut.column,
        "bins": None if one.cut.edges is None else len(one.cut.edges) + 1,
        "by": str(grouped.leading(context, one.specs)),
        "groups": [_json(one, group) for group in ordered(context, one)],
        "left_out": dict(one.left_out),
    }
    made = table(context, [one], named=False) if tabled and context.top else None
    return Part(f"by {one.name}", said(context, one), data, made)


def ordered(context: Context, one: Grouped) -> list[Group]:
    """The groups: those that add the most beyond what the others' mean would, first."""
    spec = grouped.leading(context, one.specs)

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
    spec = grouped.leading(context, one.specs)
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
            return _outstanding(one, spec, those)
    return nothing([one], spec)


def nothing(several: Sequence[Grouped], spec: Spec) -> str:
    """`no group of region and no bin of age stands out (least Holm p 0.21)`."""
    kinds = " and ".join(
        f"no {'group' if one.cut.edges is None else 'bin'} of {inert(one.cut.column)}"
        for one in several
    )
    losses = [group.losses[str(spec)] for one in several for group in one.groups]
    known = [one.holm for one in losses if one.holm is not None]
    if not known:
        several_numbers = [
            f"'bin({inert(one.cut.column)},5)'"
            for one in several
            if one.cut.edges is None and len(one.groups) > MANY_VALUES and _numeric(one)
        ]
        larger = f"; --by {several_numbers[0]} makes larger ones" if several_numbers else ""
        return f"{kinds} can be judged: too few rows, or a few rows decide{larger}"
    return f"{kinds} stands out (least Holm p {min(known):.2g})"


def _numeric(one: Grouped) -> bool:
    return not any(isinstance(level, str) for level in one.cut.levels)


def first(context: Context, several: Sequence[Grouped]) -> str:
    """Of several groupings, what is said of the one with the least likely group."""
    spec = grouped.leading(context, several[0].specs)
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
    """`4 groups, 1 of them of fewer than 30 rows; MSE 1.512 in all`."""
    spec = grouped.leading(context, one.specs)
    assert spec is not None
    count = len(one.groups)
    text = "1 group" if count == 1 else f"{count} groups"
    small = sum(group.losses[str(spec)].verdict == "too few" for group in one.groups)
    text += f", {small} of them of fewer than {FEWEST} rows" if small else ""
    value = grouped.value_of(context, spec, one.whole[str(spec)]).value
    return text if value is None else f"{text}; {prose(spec)} {short(value)} in all"


def _outstanding(one: Grouped, spec: Spec, those: list[Group]) -> str:
    first, *more = those
    measured = first.losses[str(spec)]
    text = f"{contrasted(_name(one, first), spec, first, measured)}; {significance(measured)})"
    if more:
        names = [_name(one, group) for group in more[:MANY]]
        beyond = f" and {len(more) - MANY} more" if len(more) > MANY else ""
        text += f"; {measured.verdict} too: {', '.join(names)}{beyond}"
    return text


def contrasted(name: str, spec: Spec, group: Group, one: Measured) -> str:
    """A group's share of the loss by its share of the rows, or its value and the others'; its
    parenthesis is left open."""
    if one.share is not None and one.lift is not None:
        only = "only " if one.verdict == "better" and one.share >= 0.0005 else ""
        return (
            f"{name} makes {only}{percent(one.share)} of {prose(spec)} with {percent(group.part)} "
            f"of the rows ({one.lift:.{1 if one.lift >= 0.95 else 2}f} times its share"
        )
    here, there = one.value.value, one.elsewhere
    assert here is not None and there is not None
    return f"{prose(spec)} is {short(here)} in {name} (elsewhere {short(there)}"


def significance(one: Measured) -> str:
    """`Holm p < 1e-9`."""
    assert one.holm is not None
    return "Holm p < 1e-9" if one.holm < 1e-9 else f"Holm p {one.holm:.1g}"


def _name(one: Grouped, group: Group) -> str:
    return inert(one.cut.said(group.code))


def table(context: Context, several: Sequence[Grouped], *, named: bool = True) -> Table | None:
    """The worst groups of each grouping under the leading loss; beside it the other losses."""
    specs = several[0].specs
    spec = grouped.leading(context, specs)
    if spec is None:
        return None
    label = spec.brief
    others = [other for other in specs if other is not spec]
    columns = [
        Column("by", "text", 0 if len(several) > 1 else 6),
        Column("group", "text"), Column("rows", "count"),
        Column("of rows", "share", 2), Column(f"of {label}", "share"), Column(" ", "bar", 30),
        Column("lift", "data", 1), Column(label, "value"), Column("95 % interval", "interval", 4),
        Column("verdict", "text"), Column("Holm p", "value", 5),
    ]  # fmt: skip
    columns += [Column(other.brief, "value", 10 + n) for n, other in enumerate(others)]
    lines = []
    for one in several:
        for group in ordered(context, one)[: context.top]:
            measured = group.losses[str(spec)]
            values = [_value(group.losses[str(other)]) for other in others]
            lines.append((
                one.name, one.cut.names[group.code], group.rows, group.part, measured.share,
                measured.share, measured.lift,
                _value(measured), interval(measured), measured.verdict, measured.holm, *values,
            ))  # fmt: skip
    first = 0 if named else 1
    return Table(tuple(columns[first:]), tuple(line[first:] for line in lines), aside=not lines)


def _value(one: Measured) -> float | str | None:
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
