"""A static page, or a piece of one for notebooks: no script, no address, everything escaped."""

from __future__ import annotations

import html

from lossctl.renderers.cells import Cells, columns
from lossctl.renderers.gated import worst_rows
from lossctl.renderers.numbers import PRECISION
from lossctl.renderers.screen import rows_text, statuses
from lossctl.renderers.svg import STYLE, svg
from lossctl.renderers.typeset import shown
from lossctl.report import Report, Table

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
# Colours come from the page around, so that light and dark themes both work.
_STYLE = """
.lossctl table { border-collapse: collapse; margin: 1em 0; }
.lossctl th, .lossctl td { padding: 0.1em 1.2em 0.1em 0; text-align: left; white-space: pre;
  font-family: ui-monospace, monospace; font-weight: normal; border: 0; }
.lossctl .number { text-align: right; }
.lossctl th, .lossctl dt { opacity: 0.65; }
.lossctl dl { display: grid; grid-template-columns: max-content auto; gap: 0.1em 1.2em; }
.lossctl dt, .lossctl dd { margin: 0; overflow-wrap: anywhere; }
.lossctl .red { color: #c33; }
.lossctl .yellow { color: #a70; }
.lossctl .finding { font-weight: bold; }
"""
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="color-scheme" content="light dark">
<title>lossctl</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font-family: sans-serif; margin: 2em; }}
</style>
</head>
<body>
{body}
</body>
</html>
"""


def render(report: Report, *, precision: int = PRECISION) -> str:
    """A fragment: one `div` with its style, the finding first."""
    drawn = any(part.charts for part in report.parts)
    blocks = [f"<style>{_STYLE}{STYLE if drawn else ''}</style>"]
    blocks += [_paragraph("finding", report.finding)] if report.finding else []
    blocks += [_paragraph(*_note(note.warning, note.text))
               for note in sorted(report.notes, key=lambda note: not note.warning)]  # fmt: skip
    blocks += [_paragraph("title", report.title)]
    worst = None if report.gate is None else worst_rows(report.gate)
    tables = [*report.tables(), *([] if worst is None else [worst])]
    blocks += [_table(table, precision) for table in tables]
    pairs = [_pair(status, text) for status, text in statuses(report)]
    for part in report.parts:
        table = "" if part.table is None else _table(part.table, precision)
        charts = "".join(svg(chart) for chart in part.charts)
        pairs.append(_pair(part.name, part.text, table + charts))
    pairs += [_pair("rows", rows_text(report)), _pair("signature", report.signature)]
    blocks.append("<dl>\n" + "\n".join(pairs) + "\n</dl>")
    return '<div class="lossctl">\n' + "\n".join(blocks) + "\n</div>"


def page(report: Report, *, precision: int = PRECISION) -> str:
    """A whole page, whose policy lets it load nothing."""
    return _PAGE.format(policy=_POLICY, body=render(report, precision=precision))


def _escaped(text: str) -> str:
    return html.escape(shown(text), quote=True)


def _paragraph(name: str, text: str) -> str:
    return f'<p class="{name}">{_escaped(text)}</p>'


def _note(warning: bool, text: str) -> tuple[str, str]:
    return ("warning yellow", f"! {text}") if warning else ("note", text)


def _pair(name: str, text: str, below: str = "") -> str:
    return f"<dt>{_escaped(name)}</dt><dd>{_escaped(text)}{below}</dd>"


def _table(table: Table, precision: int) -> str:
    made = columns(table, precision)
    head = "".join(f'<th scope="col"{_class(c)}>{_inside(c.header)}</th>' for c in made)
    bodies = [column.body(column.width(10**9)) for column in made]
    lines = [f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>"]
    for place in range(len(table.rows)):
        cells = [f"<td{_class(column, place)}>{_inside(body[place])}</td>"
                 for column, body in zip(made, bodies, strict=True)]  # fmt: skip
        lines.append(f"<tr>{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody>\n</table>"])


def _inside(text: str) -> str:
    return html.escape(text, quote=True)


def _class(column: Cells, place: int | None = None) -> str:
    names = [] if column.left else ["number"]
    if place is not None and column.cells[place].style:
        names.append(column.cells[place].style)
    return f' class="{" ".join(names)}"' if names else ""
