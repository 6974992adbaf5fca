"""What a gate says: its tables, notes, and the verdict in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lossctl.analyses.wording import counted, listed
from lossctl.checks import Check, Gate
from lossctl.errors import inert
from lossctl.gates import sequential
from lossctl.gates.rules import Rules
from lossctl.gates.sequential import Seen
from lossctl.gates.wording import WORST, amount
from lossctl.report import Column, Json, Note, Table

FIRST = 3  # requirements that the verdict names


@dataclass(frozen=True, slots=True)
class Told:
    """What the report of a gate is made of."""

    gate: Gate
    table: Table
    shown: tuple[Table, ...]
    notes: tuple[Note, ...]
    finding: str


def told(gate: Gate, rules: Rules, look: Seen | None = None) -> Told:
    """Everything that is said of a gate; `look` of those at growing data."""
    said = notes(gate, rules)
    said += [] if look is None or look.why is not None else [Note("look", sequential.said(look))]
    table = shown(gate.checks, rules.confidence)
    return Told(gate, records(gate.checks), (table,), tuple(said), finding(gate, rules))


_RECORD = (
    Column("requirement", "text"), Column("outcome", "text"), Column("value", "value"),
    Column("limit", "value"), Column("interval", "interval"), Column("shown", "text"),
    Column("p", "p"), Column("smallest margin", "value"), Column("n", "count"),
    Column("level", "text"), Column("source", "text"), Column("why", "text"),
)  # fmt: skip


def records(checks: Sequence[Check]) -> Table:
    """A row for every requirement, with every number; percentages are fractions."""
    rows = []
    for one in checks:
        level = "warning" if one.warning else "error"
        shown = None if one.shown is None else "yes" if one.shown else "no"
        rows.append((one.requirement, one.outcome, one.value, one.limit, one.interval, shown, one.p,
                     one.decides, one.n, level, one.source, one.why))  # fmt: skip
    return Table(_RECORD, tuple(rows))


def shown(checks: Sequence[Check], confidence: float) -> Table:
    """What people see of them."""
    columns = [
        Column("requirement", "text"),
        Column("value", "amount"),
        Column("limit", "amount"),
        Column("outcome", "outcome"),
    ]
    ends = [one.interval if one.relative else None for one in checks]
    spread = any(one is not None for one in ends)
    columns += [Column(f"{100 * confidence:g} % interval", "interval", 1)] * spread
    sourced = any(one.source != "option" for one in checks)
    columns += [Column("from", "text", 2)] * sourced
    rows = []
    for one, interval in zip(checks, ends, strict=True):
        pair = [None if number is None else _amount(one, number, other)
                for number, other in ((one.value, one.limit), (one.limit, one.value))]  # fmt: skip
        level = "warning: " if one.warning else ""
        cells: tuple[Any, ...] = (f"{level}{one.said}", *pair, one.outcome)
        cells = (*cells, interval) if spread else cells
        rows.append((*cells, one.source) if sourced else cells)
    return Table(tuple(columns), tuple(rows))


def _amount(one: Check, number: float, other: float | None) -> dict[str, Any]:
    return {"value": number, "beside": other, "percent": one.percent, "signed": one.relative}


def notes(gate: Gate, rules: Rules) -> list[Note]:
    """What to do about what is undecided, what was let pass, and what only warns."""
    found = []
    for one in gate.checks:
        if one.warning and one.outcome != "met" and not rules.error_on_warning:
            found.append(Note("warning", f"{one.requirement}: {one.outcome}: {one.why}", True))
        elif one.noise and rules.allow_undecided:
            found.append(Note("allowed", f"undecided, and allowed: {one.why}", True))
        elif one.outcome == "violated" and gate.outcome == "undecided":
            found.append(Note("violated", f"{one.requirement}: violated: {one.why}", True))
        elif one.outcome == "met" and one.shown is False:
            found.append(Note("not_shown", f"{one.why}{_decides(one)}"))
    undecided = [one for one in gate.checks if one.noise and one.decides]
    if undecided and gate.outcome == "undecided":
        found.append(Note("margins", _margins(undecided[0], rules.strict)))
    alike = [one for one in gate.checks if one.relative and one.interval is not None
             and one.value == one.interval["low"] == one.interval["high"] == 0.0]  # fmt: skip
    if alike:
        text = "candidate and baseline have the same losses in every row: are they one file?"
        found.append(Note("identical", text, True))
    if rules.naive and rules.against:
        found.append(Note("naive", "--naive compares bare numbers: noise tells equal models apart"))
    return found


def left_out(models: Sequence[Json]) -> list[Note]:
    """The rows that one of two models leaves out: both are compared without them."""
    found = []
    for one in models:
        reasons = {why: count for why, count in one["left_out"].items() if count}
        if reasons:
            told = ", ".join(f"{count} {why}" for why, count in reasons.items())
            rows = counted(sum(reasons.values()))
            text = (f"{one['name']} leaves out {rows} ({told}), and both models are compared "
                    "without them: --max-dropped says how many may be")  # fmt: skip
            found.append(Note("left_out", text, warning=True))
    return found


def _decides(one: Check) -> str:
    """`; 442 rows tell margins of about 4.3 % apart`."""
    if not one.decides:
        return ""
    return f"; {counted(one.n)} tell margins of about {amount(one.decides, one.percent, 2)} apart"


def _margins(one: Check, strict: bool) -> str:
    """What would decide it."""
    told = amount(one.decides or 0.0, one.percent, 2)
    text = f"{counted(one.n)} tell margins of about {told} apart"
    if one.decides and 0.0 <= one.limit < one.decides:
        limit = amount(one.limit, one.percent, 2)
        text += f", not {limit}"
        if one.limit > 0.0:
            needed = one.n * (one.decides / one.limit) ** 2
            text += f" (for that about {float(f'{needed:.2g}'):,.0f} rows)".replace(",", " ")
    passes = "" if strict else "; --allow-undecided lets it pass"
    return f"{text}: a wider margin or more rows decide it{passes}"


def finding(gate: Gate, rules: Rules) -> str:
    """The verdict: what it is, why, and the exit status."""
    exits = f"(exit {gate.status})"
    if rules.exit_zero and gate.outcome != "met":
        exits = "(exit 0: --exit-zero)"
    told = [one for one in gate.checks if one.outcome == gate.outcome
            and (not one.warning or rules.error_on_warning)]  # fmt: skip
    if gate.outcome == "met":
        return f"MET: {_all(gate, told)} {exits}"
    whys = _once(told[:FIRST])
    more = f"; and {len(told) - FIRST} more" if len(told) > FIRST else ""
    if gate.outcome == "undecided":
        violated = [one.requirement for one in gate.checks if one.outcome == "violated"
                    and (not one.warning or rules.error_on_warning)]  # fmt: skip
        more += f"; violated: {inert(listed(violated, FIRST))}" if violated else ""
    return f"{gate.outcome.upper()}: {'; '.join(whys)}{more} {exits}"


def _once(told: Sequence[Check]) -> list[str]:
    """Why, of each; rows that were named already are not named again."""
    whys, named = [], set()
    for one in told:
        rows = tuple(row["row"] for row in one.rows)
        text = one.why.partition(WORST)[0] if rows in named else one.why
        named.add(rows)
        whys.append(inert(text))
    return whys


def _all(gate: Gate, met: Sequence[Check]) -> str:
    """`all 3 requirements`; with one alone what was found."""
    required = [one for one in gate.checks if not one.warning]
    if not required:
        return "nothing is required, there are warnings alone"
    if len(required) == 1 and met:
        return met[0].why
    if len(met) < len(required):
        return f"{len(met)} of {len(required)} requirements, the others are allowed to be undecided"
    return "both requirements" if len(required) == 2 else f"all {len(required)} requirements"
