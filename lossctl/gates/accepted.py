"""Baselines in files that people review: when and why each was made, and what it replaced."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from lossctl.analyses.wording import counted
from lossctl.errors import UsageError, inert
from lossctl.gates.baseline import Baseline
from lossctl.grammar import parse as loss_of
from lossctl.report import Column, Json, LossResult, Note, Report, Table, change
from lossctl.shards.file import State
from lossctl.shards.file import read as state_of
from lossctl.shards.report import report_of

HISTORY = 50  # earlier baselines that a file remembers


@dataclass(frozen=True, slots=True)
class Accepted:
    """A new baseline: what its file holds, and the report of what was accepted."""

    text: str
    report: Report


def today() -> str:
    """The date, UTC; that of SOURCE_DATE_EPOCH where it is set, so that builds can be repeated."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    if epoch is not None and epoch.isascii() and epoch.isdigit():
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    return datetime.now(UTC).date().isoformat()


def shown(baseline: Baseline) -> Report:
    """What a baseline holds. Raises UsageError for predictions."""
    report = _report_of(baseline)
    return replace(
        report, command="baseline", worst=None, parts=(), table=None, shown=(), gate=None,
        notes=tuple(_history(report.about)), finding=_finding(report), state=None,
    )  # fmt: skip


def accepted(new: Report, old: Baseline | None, path: str, reason: str, date: str) -> Accepted:
    """A report, or with its state a state, as the baseline that takes the place of an old one.
    Raises UsageError for no reason, or an old file that is no baseline."""
    if not reason.strip():
        raise UsageError("--reason is empty", "say why this is the new baseline")
    before = None if old is None or old.missing is not None else _report_of(old)
    about = _about(new, before, reason.strip(), date)
    made = replace(new, command="baseline", about=about, worst=None, parts=(), notes=(),
                   finding="", state=None)  # fmt: skip
    text = made.to_json() + "\n"
    if new.state is not None:
        text = replace(state_of(new.state, path), about=about).to_json()
    table = _changes(before, new)
    return Accepted(text, replace(
        made, losses=(), shown=(table,), table=table, notes=tuple(_warnings(before, new)),
        finding=_accepts(path, reason.strip(), before, table),
    ))  # fmt: skip


def _report_of(baseline: Baseline) -> Report:
    if baseline.report is not None:
        return baseline.report
    if baseline.state is not None:
        state = baseline.state
        return replace(report_of(state, str(baseline.pred)), about=state.about)
    if baseline.missing is not None:
        raise UsageError(
            baseline.missing, "lossctl baseline update FILE PREDS TARGETS --reason ..."
        )
    raise UsageError(f"{baseline.pred} is no baseline: neither a report nor a state",
                     "lossctl baseline update makes one, in a file of its own")  # fmt: skip


def _about(new: Report, before: Report | None, reason: str, date: str) -> Json:
    """When and why, and the same of those before."""
    history: list[Any] = []
    if before is not None:
        old = before.about or {}
        history = [{"made": old.get("made"), "reason": old.get("reason"),
                    "signature": before.signature,
                    "losses": {one.spec: one.value for one in before.losses}},
                   *old.get("history", [])]  # fmt: skip
    return {"made": date, "reason": reason, "history": history[:HISTORY]}


def _changes(before: Report | None, new: Report) -> Table:
    """Every loss before and after."""
    columns = (Column("loss", "text"), Column("before", "value"), Column("after", "change"),
               Column("95 % interval", "interval", 1))  # fmt: skip
    old = {} if before is None else {one.spec: one for one in before.losses}
    rows: list[tuple[Any, ...]] = []
    for one in new.losses:
        then = old.get(one.spec)
        rows.append((one.title, None if then is None else then.value, _after(one, then),
                     one.interval))  # fmt: skip
    gone = [one for spec, one in old.items() if spec not in {each.spec for each in new.losses}]
    rows += [(one.title, one.value, None, None) for one in gone]
    return Table(columns, tuple(rows))


def _after(one: LossResult, then: LossResult | None) -> Json | None:
    """The value, and its change as a fraction of what it was where that means something."""
    if one.value is None:
        return None
    old = then.value if then is not None and loss_of(one.spec).scaled else None
    return change(one.value, old) or {"value": one.value, "change": None}


def _warnings(before: Report | None, new: Report) -> list[Note]:
    if before is None:
        return []
    found = []
    if before.targets is not None and before.targets != new.targets:
        found.append(Note("targets", "the targets are others than those of the old baseline: its "
                          "losses say nothing of these", warning=True))  # fmt: skip
    if before.lossctl != new.lossctl:
        text = f"the old baseline was made by lossctl {before.lossctl}, this one by {new.lossctl}"
        found.append(Note("version", text))
    return found


def _accepts(path: str, reason: str, before: Report | None, table: Table) -> str:
    if before is None:
        return f"{inert(path)} is a baseline now: {inert(reason)}"
    changed = sum(row[2] is None or row[2]["value"] != row[1] for row in table.rows
                  if row[1] is not None)  # fmt: skip
    new = sum(row[1] is None for row in table.rows)
    losses = "1 changed loss" if changed == 1 else f"{changed} changed losses"
    losses += f" and {new} new" if new else ""
    return f"{inert(path)} accepts {losses}: {inert(reason)}"


def _history(about: Json | None) -> Sequence[Note]:
    if about is None:
        return [Note("history", "made by eval, with no reason given")]
    notes = [Note("history", f"{about['made']}: {about['reason']}")]
    for one in about.get("history", [])[:3]:
        values = ", ".join(f"{spec} {value:.4g}" for spec, value in one["losses"].items()
                           if value is not None)  # fmt: skip
        why = f"{one['made'] or 'before'}: {one['reason'] or 'no reason given'}"
        notes.append(Note("history", f"it replaced that of {why} ({values})"))
    return notes


def _finding(report: Report) -> str:
    rows = counted(int(report.rows["scored"]))
    return f"A baseline of {rows}: {', '.join(one.title for one in report.losses)}."


def provenance(baseline: Baseline, version: str) -> list[Note]:
    """What a gate says of the baseline that it compares with."""
    held: Report | State | None = baseline.report or baseline.state
    if held is None:
        return [] if baseline.missing is None else [Note("baseline", baseline.missing, True)]
    made_by = held.lossctl if isinstance(held, Report) else held.version
    found = []
    if held.about is not None:
        text = f"baseline {baseline.name}, {held.about['made']}: {held.about['reason']}"
        found.append(Note("baseline", text))
    if made_by != version:
        text = f"the baseline was made by lossctl {made_by}, this is {version}: make it again"
        found.append(Note("stale", text, warning=True))
    return found
