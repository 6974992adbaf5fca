"""The slices that were found, in words and as a table."""

from __future__ import annotations

from lossctl.analyses import sliceline
from lossctl.analyses.context import prose
from lossctl.analyses.groups import interval, measured_json, value
from lossctl.analyses.slices import Search, Slice
from lossctl.analyses.wording import listed, p_value, percent, rows_or_weight, short
from lossctl.errors import inert
from lossctl.report import Column, Json, Part, Table

LISTED = 8  # columns that a sentence names
SCARCE = 10  # times a slice's least size: with fewer rows to choose on, that size is said
SPARSE: tuple[str, ...] = ("too few", "few others", "no others")  # verdicts for want of rows


def finding(search: Search) -> str:
    """`Where it fails: region=south and device=mobile: 8 % of rows, MSE 9.8 against 1.2 elsewhere
    (95 % 7.9 … 11.7).`"""
    name = prose(search.spec)
    if not search.columns:
        return "No column tells enough rows apart."
    held = [one for one in search.slices if one.confirmed]
    if held:
        more = f"; {len(held) - 1} more below it" if len(held) > 1 else ""
        return (
            f"Where it fails: {_said(search, held[0])}, on the half of the rows that did not "
            f"choose it{more}."
        )
    if not search.slices and search.above:
        return (
            f"No slice stands out: a few rows decide the {search.above} of {search.searched} in "
            f"which {name} is above average."
        )
    if not search.rows:
        every = f"every {name} {'is infinite' if search.spec.diverges else 'overflows'}"
        why = every if search.infinite else "no row is in the half that chooses"
        return f"No slice stands out: nothing could be searched, as {why}."
    if not search.searched:
        return (
            "No slice stands out: nothing could be searched, as none has "
            f"{sliceline.support(search.rows)} of the {search.rows} rows to choose on."
        )
    if not search.slices:
        return (
            f"No slice stands out: none of the {search.searched} searched has {name} above average "
            "for its size."
        )
    first = search.slices[0]
    if first.found.verdict in SPARSE:
        return (
            f"No slice is sure: the worst of {search.searched} searched ({inert(first.name)}) "
            f"cannot be judged on the rows that did not choose it, as {_scarce(first)} there"
            f"{_seen(search, first)}."
        )
    return (
        f"No slice fails for sure: the worst of {search.searched} searched "
        f"({inert(first.name)}) did not hold on the rows that did not choose it"
        f"{_seen(search, first)}."
    )


def _scarce(one: Slice) -> str:
    """`only 12 rows are elsewhere`."""
    where, rows = ("in it", one.judged) if one.judged < one.others else ("elsewhere", one.others)
    return f"{f'only {rows}' if rows else 'no'} row{'s are' if rows != 1 else ' is'} {where}"


def _said(search: Search, one: Slice) -> str:
    found = one.found
    assert found.value.value is not None and found.elsewhere is not None
    ends = found.value.interval
    within = "" if ends is None else f" (95 % {short(ends.low)} … {short(ends.high)})"
    return (
        f"{inert(one.name)}: {percent(found.part)} of {rows_or_weight(search.of)}, "
        f"{prose(search.spec)} {short(found.value.value)} against {short(found.elsewhere)} "
        f"elsewhere{within}"
    )


def _seen(search: Search, one: Slice) -> str:
    here, there = one.found.value.value, one.found.elsewhere
    if here is None or there is None:
        return ""
    p = "" if one.found.holm is None or here <= there else f", Holm {p_value(one.found.holm)}"
    return f": {prose(search.spec)} {short(here)} against {short(there)} elsewhere{p}"


def table(search: Search) -> Table:
    """One row a slice, the highest score first."""
    label = search.spec.brief
    columns = (
        Column("slice", "text"), Column("rows", "count"), Column(f"of {search.of}", "share", 4),
        Column(f"of {label}", "share", 3), Column(" ", "bar", 30), Column(label, "value"),
        Column("95 % interval", "interval", 2), Column("elsewhere", "value"),
        Column("Holm p", "p", 5), Column("score", "data", 6), Column("holds", "text"),
    )  # fmt: skip
    return Table(columns, tuple(_line(one) for one in search.slices), aside=not search.slices)


def _held(held: int, told: int) -> str:
    if told == 1:
        return f"the one that tells most {'holds' if held else 'does not hold'}"
    several = "each counting the rows that those above it do not have"
    return f"of the {told} that tell most, {several}, {held} hold{'s' if held == 1 else ''}"


def _line(one: Slice) -> tuple[object, ...]:
    found = one.found
    holds = "yes" if one.confirmed else found.verdict or "not confirmed"
    return (
        one.name, one.judged, found.part, found.share, found.share, value(found), interval(found),
        found.elsewhere, found.holm, round(one.score, 3), holds,
    )  # fmt: skip


def part(search: Search) -> Part:
    """How the slices were found, and everything of each."""
    data: Json = {
        "by": str(search.spec),
        "shares_of": search.of,
        "searched": search.searched,
        "infinite": search.infinite,
        "above_zero": search.above,
        "columns": list(search.columns),
        "skipped": dict(search.skipped),
        "chosen_on": search.rows,
        "slices": [
            {
                "slice": one.name,
                "conditions": list(one.conditions),
                "rows": one.judged,
                "score": one.score,
                "chosen_on": one.chose,
                "share_of_rows": one.found.part,
                "confirmed": one.confirmed,
                **measured_json(one.found),
            }
            for one in search.slices
        ],
    }
    return Part("slices", _searched(search), data)


def _searched(search: Search) -> str:
    """How many slices were looked at, on what, and what came of them; what was left out."""
    skipped = [f"{inert(name)} ({why})" for name, why in search.skipped.items()]
    left = f"left out: {listed(skipped, LISTED)}" if skipped else ""
    if not search.columns:
        return f"no column to search; {left}"
    columns = listed([inert(name) for name in search.columns], LISTED)
    text = (
        f"{search.searched} slices of one or two conditions on {columns} were scored on "
        f"{search.rows} rows, {search.above} of them worse than average for their size, or surely"
    )
    if search.slices:
        held = sum(one.confirmed for one in search.slices)
        text += f"; {_held(held, len(search.slices))} on the other rows"
    least = sliceline.support(search.rows)
    if search.rows < SCARCE * least:
        text += f"; slices under {2 * least} rows ({least} in each half) are not searched"
    if search.infinite:
        several = "row is" if search.infinite == 1 else "rows are"
        text += f"; {search.infinite} {several} infinite, and left out of the search"
    return f"{text}. {left[0].upper()}{left[1:]}" if left else text
