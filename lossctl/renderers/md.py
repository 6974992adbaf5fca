"""Markdown (GitHub's): the finding, one table of the losses, what was dropped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from lossctl.renderers.cells import Cell, columns
from lossctl.renderers.curves import drawings
from lossctl.renderers.gated import worst_rows
from lossctl.renderers.numbers import PRECISION
from lossctl.renderers.screen import rows_text
from lossctl.renderers.typeset import shown
from lossctl.report import Chart, Column, LossResult, Report, Table

_DRAWN = 80  # cells of a drawing
COLUMNS = (
    Column("loss", "text"),
    Column("value", "value"),
    Column("95 % interval", "interval"),
    Column("skill", "skill"),
    Column("worst row", "worst"),
    Column("half of it in", "half"),
    Column("n", "count"),
    Column("status", "text"),
)
# Marks of Markdown and HTML, references to people and issues, and what GitHub makes links of.
_MARKS = re.compile(r"[\\`*~|<>\[\]()@#]|(?<!\w)_|_(?!\w)|&(?=#?\w+;)|:(?=//)|(?<=www)\.")
_BEGINNING = re.compile(r"^(\s*\d*)(?=[-+=.])")


def render(report: Report, *, precision: int = PRECISION, ascii_only: bool = False) -> str:
    """The finding in bold, the title, the losses, and notes: a section to append to a file."""
    lines = [f"**{escaped(report.finding)}**", ""] if report.finding else []
    lines += [_BEGINNING.sub(r"\1\\", escaped(report.title)), ""]
    if report.losses:
        rows = tuple(_row(result) for result in report.losses)
        lines += [*_table(Table(COLUMNS, rows), precision), ""]
    for table in report.shown or ([] if report.table is None else [report.table]):
        lines += [*_table(table, precision), ""]
    worst = None if report.gate is None else worst_rows(report.gate)
    if worst is not None:
        lines += [*_table(worst, precision), ""]
    for part in report.parts:
        if part.table is not None or part.charts or not report.losses:
            lines += [f"{escaped(part.name)}: {escaped(part.text)}", ""]
        if part.table is not None:
            lines += [*_table(part.table, precision), ""]
        if part.charts:
            lines += [*_fenced(part.charts, ascii_only), ""]
    lines += [
        f"rows: {escaped(rows_text(report))}  ",
        f"signature: {escaped(report.signature)}",
    ]
    for note in report.notes:
        lines += ["", ("**Warning:** " if note.warning else "Note: ") + escaped(note.text)]
    return "\n".join(lines) + "\n"


def escaped(text: str) -> str:
    """`text` that Markdown shows as it is."""
    return _MARKS.sub(r"\\\g<0>", shown(text))


def _row(result: LossResult) -> tuple[object, ...]:
    skill = None if result.skill is None else result.skill["value"]
    half = None if result.half is None else {"count": result.half, "of": result.n}
    status = result.status + (f": {result.reason}" if result.reason else "")
    return (result.spec, result.value, result.interval, skill, result.worst, half, result.n, status)


def _table(table: Table, precision: int) -> list[str]:
    made = columns(table, precision)
    bodies = [[_text(cell) for cell in column.cells] for column in made]
    ruler = [":--" if column.left else "--:" for column in made]
    rows = zip(*bodies, strict=True)
    heads = [escaped(column.header) for column in made]
    return ["| " + " | ".join(row) + " |" for row in (heads, ruler, *rows)]


def _fenced(charts: Sequence[Chart], ascii_only: bool) -> list[str]:
    """The charts as they are drawn on a screen, within a fence that no name in them closes."""
    drawn = drawings(charts, _DRAWN, pairs=False, ascii_only=ascii_only)
    lines = ["".join(text for text, _ in line).rstrip() for line in drawn]
    ticks = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, ticks + 1)
    return [f"{fence}text", *lines, fence]


def _text(cell: Cell) -> str:
    return " ".join([*escaped(cell.name).split(), *cell.firm.split()])
