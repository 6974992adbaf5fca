"""A gate tried on predictions made worse step by step: the smallest regression that it catches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.checks import Check, Gate, Outcome
from lossctl.errors import ExitStatus, UsageError
from lossctl.gates.degraded import Step, steps
from lossctl.gates.judged import Judge
from lossctl.gates.measured import Asked, Found, rounds
from lossctl.gates.rules import Rules
from lossctl.gates.told import Told, records
from lossctl.gates.wording import amount
from lossctl.models import Model
from lossctl.report import Column, Note, Table
from lossctl.rounds import Rounds, in_step

COUNTS = ("rows", "dropped")  # what predictions do not change


@dataclass(frozen=True, slots=True)
class Caught:
    """The first step of one way from which on a requirement is violated, and its value there; None
    where there is none. `blocks` is the first from which on it is not met."""

    step: Step | None
    value: float | None
    blocks: Step | None


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """By requirement: what it is, and what it catches in each way."""

    now: Sequence[Check]
    caught: Sequence[Sequence[Caught]]
    whole: Sequence[Caught]  # of any requirement


def tried(
    context: Context,
    models: Sequence[Model],
    rules: Rules,
    asked: Sequence[Asked],
    judge: Judge,
    now: Sequence[Check],
    like: Batch,
) -> Rounds[Tried]:
    """Every requirement at every step. Raises UsageError where predictions change none of them."""
    if all(one.quantity.function in COUNTS for one in asked):
        raise UsageError("--self-test: no requirement depends on the predictions")
    own = models[-1] if models else None
    ways = yield from steps(context.point, own)
    question = in_step(
        in_step(
            rounds(context, [*models[:-1][:1], step], asked, rules.question, like) for step in way
        )
        for way in ways
    )
    answers: list[list[list[Found]]] = yield from question
    judged = [[judge.checks(asked, found, 0, 0) for found in way] for way in answers]
    return Tried(
        now,
        [[_caught(way, [checks[place] for checks in found])
          for way, found in zip(ways, judged, strict=True)]
         for place in range(len(asked))],
        [_first(way, found, rules) for way, found in zip(ways, judged, strict=True)],
    )  # fmt: skip


def _caught(way: Sequence[Step], checks: Sequence[Check]) -> Caught:
    """From which step on a requirement is violated, and from which on it is not met; what noise
    could explain may be let pass."""
    violated = _since([one.outcome == "violated" for one in checks])
    blocked = _since([one.outcome != "met" and not one.noise for one in checks])
    return Caught(
        None if violated is None else way[violated],
        None if violated is None else checks[violated].value,
        None if blocked is None else way[blocked],
    )


def _first(way: Sequence[Step], found: Sequence[Sequence[Check]], rules: Rules) -> Caught:
    """The same of the whole gate."""
    violated = _since(["violated" in _outcomes(checks, rules) for checks in found])
    blocked = _since([rules.gate(checks).outcome != "met" for checks in found])
    return Caught(
        None if violated is None else way[violated], None, None if blocked is None else way[blocked]
    )


def _since(holds: Sequence[bool]) -> int | None:
    """The place from which on something holds, to the last; None where it does not there."""
    found = None
    for place in reversed(range(len(holds))):
        if not holds[place]:
            break
        found = place
    return found


def _outcomes(checks: Sequence[Check], rules: Rules) -> set[str]:
    return {one.outcome for one in checks if not one.warning or rules.error_on_warning}


# --- what is said of it -----------------------------------------------------------------------


def told(found: Tried) -> Told:
    """Everything that is said of it."""
    made = gate(found)
    own = table(found)
    return Told(made, records(made.checks), (own,), tuple(notes(found)), finding(found, made))


def gate(found: Tried) -> Gate:
    """Violated where a requirement cannot fire, however bad the predictions are."""
    checks = []
    for one, ways in zip(found.now, found.caught, strict=True):
        fires = _counts(one) or any(way.step or way.blocks for way in ways)
        why = "" if _counts(one) else _why(one, ways)
        outcome: Outcome = "met" if fires else "violated"
        checks.append(Check(
            one.requirement, f"{one.said} can fire", outcome, one.warning, one.source, None,
            one.limit, one.percent, one.relative, why,
        ))  # fmt: skip
    blocking = [one for one in checks if not one.warning]
    stuck = any(one.outcome != "met" for one in blocking)
    status = ExitStatus.VIOLATED if stuck else ExitStatus.OK
    return Gate("violated" if stuck else "met", int(status), tuple(checks))


def _counts(one: Check) -> bool:
    return one.requirement.partition(" ")[0].partition("@")[0] in COUNTS


def _why(one: Check, ways: Sequence[Caught]) -> str:
    if one.outcome == "violated":
        return f"{one.requirement} is violated already"
    told = [
        f"with {way.step.said}" + ("" if way.value is None else
                                   f" ({amount(way.value, one.percent)})")
        for way in ways if way.step is not None
    ]  # fmt: skip
    if told:
        return f"{one.requirement} fires {', or '.join(told)}"
    blocked = [way.blocks.said for way in ways if way.blocks is not None]
    if blocked:
        return f"{one.requirement} blocks, undecided, with {', or '.join(blocked)}"
    return f"{one.requirement} never fires, not with errors and rows as bad as they were made"


def table(found: Tried) -> Table:
    """From which step on each requirement is violated."""
    ways = max((len(one) for one in found.caught), default=0)
    names = ["errors larger by", "rows mixed"][-ways:] if ways else []
    columns = [Column("requirement", "text"), Column("now", "outcome")]
    for name in names:
        columns += [Column(name, "amount"), Column(f"value then ({name.split()[0]})", "value", 2)]
    rows = []
    for one, each in zip(found.now, found.caught, strict=True):
        cells: list[object] = [one.said, one.outcome]
        for way in each:
            cells += [None if way.step is None else _share(way.step.by), way.value]
        rows.append((*cells, *[None] * (len(columns) - len(cells))))
    return Table(tuple(columns), tuple(rows))


def _share(by: float) -> dict[str, object]:
    return {"value": by, "beside": None, "percent": True, "signed": False}


def finding(found: Tried, made: Gate) -> str:
    """The smallest regression that the gate catches."""
    stuck = [one.why for one in made.checks if one.outcome != "met" and not one.warning]
    exits = f"(exit {made.status})"
    if stuck:
        return f"CANNOT FIRE: {'; '.join(stuck[:3])} {exits}"
    if any(one.outcome == "violated" and not one.warning for one in found.now):
        return f"FIRES: the gate is violated already, by these predictions as they are {exits}"
    caught = [way.step.said for way in found.whole if way.step is not None]
    if not caught:
        return f"FIRES: every requirement does, but none at every step {exits}"
    return (
        f"FIRES: the smallest regression that this gate catches is {', or '.join(caught)} {exits}"
    )


def notes(found: Tried) -> list[Note]:
    """Where the gate stops a build before it calls it a regression."""
    told = [
        f"undecided from {way.blocks.said} on"
        for way in found.whole
        if way.blocks is not None and (way.step is None or way.blocks.by < way.step.by)
    ]
    return (
        [Note("blocks", f"the gate is {'; '.join(told)}: that blocks, too (exit 4)")]
        if told
        else []
    )
