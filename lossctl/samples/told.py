"""What is said of the rows: a table of a few, the losses of all, and what it comes to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from lossctl.analyses import outliers as outliers_of
from lossctl.analyses.context import percent, prose
from lossctl.analyses.finding import ROOT, of_wrong, of_zero, without_value
from lossctl.errors import UsageError
from lossctl.report import Part, Report, change, row_name, said_name
from lossctl.run import report_of
from lossctl.samples.answer import Rows, Samples
from lossctl.samples.measured import KINDS, Measured
from lossctl.samples.question import Question
from lossctl.tables import Column, Kind, Table

SCREEN = 10_000  # rows of a table for people, or of one JSON object

Few = dict[str, list[Any]]


class Found(Protocol):
    """Rows that come once, and at most so many."""

    @property
    def rows(self) -> Iterator[Rows]: ...

    @property
    def most(self) -> int: ...

    @property
    def question(self) -> Question: ...


def few(found: Found, form: str) -> Few:
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
    if found.wrong and rows is not None:
        finding = of_wrong(found.wrong[0])
    return report_of(
        held, "samples", table=table, parts=tuple(parts), notes=(*found.notes, *found.wrong),
        finding=finding, digest=found.digest,
    )  # fmt: skip


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
    unfit = []
    data: dict[str, Any] = {}
    for one in found.losses:
        name, cut = one.spec.brief, found.trimmed.get(str(one.spec))
        if cut is None:
            data[str(one.spec)] = None
            nothing = one.reduced.total == 0
            unfit.append(f"nothing adds to {name}" if nothing
                         else f"{name} is no sum of what each row adds")  # fmt: skip
            continue
        data[str(one.spec)] = {
            "rows": cut.count, "of": cut.rows, "value": cut.value, "share": cut.share,
            "status": cut.status, "reason": cut.reason,
        }  # fmt: skip
        now = one.reduced.value
        if cut.value is None:
            less = f"{name} {cut.status} ({cut.reason})"
        elif now is None:
            less = f"{name} {cut.value:.4g} ({one.reduced.status} with them)"
        elif cut.value == now:
            less = f"{name} stays {now:.4g}"
        else:
            less = f"{name} {cut.value:.4g} instead of {now:.4g}{_changed(cut.value, now)}"
        said.setdefault(cut.count, []).append(less)
    each = [_without_most(count, losses) for count, losses in said.items()]
    share = f"{100 * found.question.trim:g} %"
    text = f"{share} of the rows: {'; '.join(each + unfit)}"
    return Part("trimmed", text, {"fraction": found.question.trim, "losses": data})


def _without_most(count: int, losses: list[str]) -> str:
    if not count:
        return f"that is no row: {', '.join(losses)}"
    rows = "row that adds" if count == 1 else f"{count} rows that add"
    return f"without the {rows} most to each, {', '.join(losses)}"


def _changed(value: float, now: float) -> str:
    """` (-6.4 %)`; one digit of a small change, and nothing of none."""
    change = 100 * (value - now) / abs(now) if now else 0.0
    if not change:
        return ""
    return f" ({change:+.1f} %)" if abs(change) >= 0.1 else f" ({change:+.1g} %)"


def _outlying(found: Samples) -> Part:
    """The fences, how many rows lie beyond, and what they make."""
    assert found.outliers is not None
    outliers, fences = found.outliers, found.outliers.fences
    low, high = fences.low, fences.high
    shares = _flagged(found)
    made = [f"{percent(share)} of {one.spec.brief}" for one in found.losses
            if (share := shares[str(one.spec)]) is not None]  # fmt: skip
    about = "~" if fences.error is not None else ""
    ends = [f"below {about}{low:.4g}"] if np.isfinite(low) else []
    ends += [f"above {about}{high:.4g}"] if np.isfinite(high) else []
    beyond = f" {' or '.join(ends)}" if ends else ""
    text = f"{fences.rule}: {about}{outliers.count} of {outliers.rows} residuals{beyond}" + (
        f", {', '.join(made)}" if made else ""
    )
    data = {
        "rule": fences.rule, "centre": fences.centre,
        "low": low if np.isfinite(low) else None, "high": high if np.isfinite(high) else None,
        "count": outliers.count, "shares": shares,
    }  # fmt: skip
    return Part("outliers", text, data)


def _flagged(found: Samples) -> dict[str, float | None]:
    """The share of each loss that all flagged rows make; None where rows have no shares of it."""
    assert found.outliers is not None
    values = {str(one.spec): one.reduced for one in found.losses}
    shares = outliers_of.shares(found.outliers, values)
    able = {str(one.spec) for one in found.losses if "share" in one.fields}
    return {name: shares.get(name) if name in able else None for name in values}


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
    place, first = 0, found.held.first
    shown = () if first is None else first.extras
    kind: Kind
    for name in rows:
        if name in made:
            columns.append(made[name])
        elif name == "weight":
            columns.append(Column(name, "data", 1))
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
            values = [change(value, now[column.name]) for value in values]
        kept.append(Column(heads.get(column.name, column.name), kind, column.rank))
        made.append(values)
    return kept, made


def _finding(found: Samples, rows: Few) -> str:
    """How much the rows that are listed make together, and what the first does alone."""
    if not rows.get("row"):
        return "No row is flagged." if found.question.flagged else ""
    one = found.leading
    name = prose(one.spec)
    reduced = one.reduced
    if one.unbounded:
        return f"{without_value(name, reduced)}."
    if "share" not in one.fields:
        return f"{_listed(found, rows)}."
    if reduced.total == 0:
        root = next((o for o in found.losses if o.spec.loss.name == ROOT), None)
        return of_zero(one.spec, None if root is None else root.reduced.value)
    listed = [share or 0.0 for share in rows[one.name("share")]]
    count, of = len(listed), found.held.scored
    total = sum(listed)
    shares = "makes" if count == 1 else "make"
    text = f"{count} of {of} rows {shares} {percent(total)} of {name}"
    if found.question.flagged:
        text = _of_flagged(found, count, total)
    elif count == of:
        text = "All rows are listed" if count > 1 else "The only row is listed"
    if found.question.sort == "share" and count > 1:
        alone = f"{_first(rows)} alone {'makes ' if count == of else ''}{percent(listed[0])}"
        text += f"; {alone}{f' of {name}' if count == of else ''}" + _without(found, rows)
    return text + "."


def _of_flagged(found: Samples, count: int, total: float) -> str:
    """`28 of 2000 rows are flagged and make 16.8 % of MSE; the 3 listed make 3.3 %`."""
    assert found.outliers is not None
    every = found.outliers.count
    share = _flagged(found)[str(found.leading.spec)]
    text = f"{every} of {found.held.scored} rows " + (
        "is flagged and makes" if every == 1 else "are flagged and make"
    )
    text += f" {percent(total if share is None else share)} of {prose(found.leading.spec)}"
    if count < every:
        text += (
            f"; the {count} listed make {percent(total)}"
            if count > 1
            else (f"; the one listed makes {percent(total)}")
        )
    return text


def _listed(found: Samples, rows: Few) -> str:
    """`20 of 2000 rows are listed, by the size of what each adds to R2`, where none has a share."""
    one, sort = found.leading, found.question.sort
    name, count = prose(one.spec), len(rows["row"])
    by = {
        "residual": "by the size of their residual",
        "delta": f"by how much {name} gains without each",
        "row": "in the order of the file",
    }.get(sort)
    if by is None:
        adds = one.spec.reduction.pairs
        by = f"by the size of what each adds to {name}" if adds else f"by the {name} of each alone"
    flagged = " flagged" if found.question.flagged else ""
    every = found.outliers.count if found.question.flagged and found.outliers else found.held.scored
    verb = "is" if count == 1 else "are"
    text = f"{count} of {every}{flagged} rows {verb} listed, {by}"
    return text + (f"; {_first(rows)} comes first" + _without(found, rows) if count > 1 else "")


def _first(rows: Few) -> str:
    """What the first row is called."""
    name = rows.get("id", [None])[0]
    return said_name(rows["row"][0], None if name is None else str(name))


def _without(found: Samples, rows: Few) -> str:
    """`: without it RMSE is 52.99 (-0.9 %)`."""
    telling = [one for one in found.losses if "without" in one.fields and one.reduced.value]
    if not telling:
        return ""
    one: Measured = next((o for o in telling if o.spec.loss.label == "rmse"), telling[0])
    value, now = rows[one.name("without")][0], one.reduced.value
    if value is None or now is None:
        return ""
    return f": without it {prose(one.spec)} is {value:.4g}{_changed(value, now)}"
