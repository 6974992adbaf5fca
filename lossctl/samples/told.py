"""What is said of the rows: a table of a few, the losses of all, and what it comes to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from lossctl.analyses.context import percent, prose
from lossctl.errors import UsageError, inert
from lossctl.report import Part, Report, row_name
from lossctl.run import report_of
from lossctl.samples.answer import Samples
from lossctl.samples.measured import KINDS, Measured
from lossctl.tables import Column, Kind, Table

SCREEN = 10_000  # rows of a table for people, or of one JSON object

Few = dict[str, list[Any]]


def few(found: Samples, form: str) -> Few:
    """All rows in memory, as plain data. Raises UsageError for more than a table may have."""
    made: Few = {}
    count = 0
    for block in found.rows if found.question.flagged or found.most <= SCREEN else ():
        count += len(block["row"])
        if count > SCREEN:
            break
        for name, extra in block.items():
            made.setdefault(name, []).extend(map(extra.cell, range(len(extra))))
    if count > SCREEN or (found.most > SCREEN and not found.question.flagged):
        many = found.most if not found.question.flagged else f"more than {SCREEN}"
        raise UsageError(
            f"-f {form}: {many} rows are too many for it",
            "-f tsv, csv, jsonl or -o FILE.parquet take any number",
        )
    return made


def report(found: Samples, rows: Few | None = None, *, screen: bool = False) -> Report:
    """The report; `rows` are those of its table, `screen` has it name rows as people do."""
    table, finding = None, ""
    if rows is not None:
        finding = _finding(found, rows)
        if rows["row"] or not screen:
            table = _table(found, rows, screen)
    parts = [_values(found)]
    if found.question.trim is not None:
        parts.append(_trimmed(found))
    if found.question.outlying:
        parts.append(_outlying(found))
    held = replace(found.held, specs=tuple(one.spec for one in found.losses))
    return report_of(
        held, "samples", table=table, parts=tuple(parts), notes=found.notes, finding=finding
    )


def asides(made: Report) -> list[str]:
    """What is said on the side, where rows alone are written."""
    said = [part.text for part in made.parts if part.name == "trimmed"]
    return said + [note.text for note in made.notes if note.warning or note.code == "without"]


def _values(found: Samples) -> Part:
    """Every loss over all rows."""
    data: dict[str, Any] = {}
    said = []
    for one in found.losses:
        reduced = one.reduced
        data[str(one.spec)] = {
            "value": reduced.value, "status": reduced.status, "reason": reduced.reason,
            "n": reduced.count,
        }  # fmt: skip
        if reduced.value is not None:
            said.append(f"{one.spec.brief} {reduced.value:.4g}")
        elif reduced.status != "not_applicable":
            said.append(f"{one.spec.brief} {reduced.status} ({reduced.reason})")
    return Part("all rows", " · ".join(said) or "each row keeps its own value", data)


def _trimmed(found: Samples) -> Part:
    """Every loss without its own largest rows."""
    assert found.question.trim is not None
    said: dict[int, list[str]] = {}
    data: dict[str, Any] = {}
    share = f"{100 * found.question.trim:g} %"
    for one in found.losses:
        cut = found.trimmed.get(str(one.spec))
        if cut is None:
            data[str(one.spec)] = None
            continue
        data[str(one.spec)] = {
            "rows": cut.count, "of": cut.rows, "value": cut.value, "share": cut.share,
            "status": cut.status,
        }  # fmt: skip
        if cut.value is not None:
            less = f"{one.spec.brief} {cut.value:.4g} ({percent(cut.share)} of it gone)"
            said.setdefault(cut.count, []).append(less)
    each = [
        f"without the {'row' if count == 1 else f'{count} rows'} that add{'s' * (count == 1)} most "
        f"to each, {', '.join(losses)}"
        for count, losses in said.items()
    ]
    if not each:
        each = ["no loss here is a sum of parts that could be trimmed"]
    text = f"{share} of the rows: {'; '.join(each)}"
    return Part("trimmed", text, {"fraction": found.question.trim, "losses": data})


def _outlying(found: Samples) -> Part:
    """The fences."""
    fences = found.fences
    assert fences is not None
    low, high = fences.low, fences.high
    text = f"{fences.rule}: residuals below {low:.4g} or above {high:.4g}"
    data = {
        "rule": fences.rule, "centre": fences.centre,
        "low": low if np.isfinite(low) else None, "high": high if np.isfinite(high) else None,
    }  # fmt: skip
    return Part("outliers", text, data)


def _table(found: Samples, rows: Few, screen: bool) -> Table:
    """The columns in the order in which they matter; those that give way first rank highest."""
    columns = _columns(found, rows)
    if screen:
        ids = rows.get("id", [None] * len(rows["row"]))
        named = [
            row_name(row, None if name is None else str(name))
            for row, name in zip(rows["row"], ids, strict=True)
        ]
        rows = {**rows, "row": named}
        columns = [Column("row", "row") if one.name == "row" else one for one in columns
                   if one.name not in ("id", "target_row")]  # fmt: skip
    cells = [[_finite(value) for value in rows[column.name]] for column in columns]
    if screen:
        columns, cells = _for_people(found, columns, cells)
    return Table(tuple(columns), tuple(zip(*cells, strict=True)))


def _finite(value: Any) -> Any:
    return str(value) if isinstance(value, float) and not np.isfinite(value) else value


def _columns(found: Samples, rows: Mapping[str, list[Any]]) -> list[Column]:
    made = {}
    for place, one in enumerate(found.losses):
        leading = one is found.leading
        for at, field in enumerate(one.fields):
            rank = 0 if leading and field in ("value", "share") else 10 * place + at + 4
            if field == "without" and one is found.losses[-1 if len(found.losses) == 2 else 0]:
                rank = 3
            made[one.name(field)] = Column(one.name(field), KINDS[field], rank)
    if found.running is not None:
        made[found.running] = Column(found.running, "share", 2)
    columns: list[Column] = []
    place, shown = 0, found.held.plan.show
    kind: Kind
    for name in rows:
        if name in made:
            columns.append(made[name])
        elif name in ("rank", "target_row"):
            columns.append(Column(name, "count", 90 if name == "rank" else 80))
        elif name in ("row", "id", "outlier"):
            kind = "count" if name == "row" else "text"
            columns.append(Column(name, kind, 0 if name != "outlier" else 5))
        else:
            kind = "signed" if name.startswith("residual") else "data"
            rank = 0 if place < 3 else 60 + place
            columns.append(Column(name, kind, 1 if name in shown else rank))
            place += 1
    return columns


def _for_people(
    found: Samples, columns: list[Column], cells: list[list[Any]]
) -> tuple[list[Column], list[list[Any]]]:
    """Shorter names, a loss without each row beside its change, and no rank: that is the order."""
    heads: dict[str, str] = {}
    now: dict[str, float | None] = {}
    for one in found.losses:
        brief = one.spec.brief
        heads[one.name("value")] = brief
        heads[one.name("share")] = f"share of {brief}"
        heads[one.name("without")] = f"{brief} without"
        heads[one.name("status")] = f"{brief} is"
        now[one.name("without")] = one.reduced.value
    if found.running is not None:
        heads[found.running] = "so far"
    dropped = {one.name("delta") for one in found.losses} | {"rank"}
    kept, made = [], []
    for column, values in zip(columns, cells, strict=True):
        if column.name in dropped:
            continue
        kind = column.kind
        if column.name in now:
            kind = "change"
            values = [_change(value, now[column.name]) for value in values]
        kept.append(Column(heads.get(column.name, column.name), kind, column.rank))
        made.append(values)
    return kept, made


def _change(value: Any, now: float | None) -> Any:
    if value is None or now is None:
        return None
    return {"value": value, "change": (value - now) / abs(now) if now else None}


def _finding(found: Samples, rows: Few) -> str:
    """How much the rows that are listed make together, and what the first does alone."""
    count = len(rows.get("row", ()))
    if not count:
        return "No row is flagged." if found.question.flagged else ""
    one = found.leading
    name = prose(one.spec)
    reduced = one.reduced
    if one.unbounded:
        return f"{name} is {reduced.status}: {reduced.reason}."
    if "share" not in one.fields:
        return ""
    listed = [share or 0.0 for share in rows[one.name("share")]]
    of = found.held.scored
    if reduced.total == 0:
        return f"{name} is 0: no row adds to it."
    total = sum(listed)
    flagged = " flagged" if found.question.flagged else ""
    first = row_name(rows["row"][0], rows.get("id", [None])[0])
    text = f"{count} of {of} rows{flagged} make {percent(total)} of {name}"
    if count == 1:
        text = f"1 of {of} rows{flagged} makes {percent(total)} of {name}"
    if count == of and not flagged:
        text = f"All {of} rows are listed"
    if found.question.sort == "share" and count > 1:
        text += f"; {inert(str(first))} alone {percent(listed[0])}" + _without(found, rows)
    return text + "."


def _without(found: Samples, rows: Few) -> str:
    """`: without it RMSE is 52.99 (-0.9 %)`."""
    telling = [one for one in found.losses if "without" in one.fields and one.reduced.value]
    if not telling:
        return ""
    one: Measured = next((o for o in telling if o.spec.loss.label == "rmse"), telling[0])
    value, now = rows[one.name("without")][0], one.reduced.value
    if value is None or now is None:
        return ""
    change = 100 * (value - now) / abs(now)
    return f": without it {prose(one.spec)} is {value:.4g} ({change:+.1f} %)"
