"""The screen of a report, in lines of styled text no wider than the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from lossctl.renderers.cells import Cells, columns
from lossctl.renderers.curves import drawings
from lossctl.renderers.numbers import PRECISION
from lossctl.renderers.plain import cells_in_ascii, in_ascii, lines_in_ascii
from lossctl.renderers.typeset import Line, Style, padded, shown, width, wrapped
from lossctl.report import Report, Table

WITH_BARS = 100  # cells of a screen that has room for bars, and for two charts in a row
_COMFORTABLE = 40  # a longer name is shortened before a column goes
_LEAST = 4  # cells of a shortened name
_LABEL = 18
_ROOMY = 60  # cells of a screen where the table of a part stands below its text
_GAP = 2  # cells between a label and its text


def screen(
    report: Report, cells: int, precision: int = PRECISION, ascii_only: bool = False
) -> list[Line]:
    """All of `report` in lines of at most `cells` cells, the finding last."""
    cells = max(cells, 2 * _LABEL)
    say = in_ascii if ascii_only else shown
    blocks = [_plain(say(report.title), cells)]
    for table in report.tables():
        parts = _wrapped(table, cells, precision, ascii_only)
        blocks += [laid_out(one, cells, precision, ascii_only) for one in parts]
    blocks += [_parts(report, cells, precision, ascii_only), _closing(report, cells, say)]
    lines = _joined(blocks)
    return lines_in_ascii(lines) if ascii_only else lines


def statuses(report: Report) -> list[tuple[str, str]]:
    """Each loss that has no value: its status, and its name with the reason."""
    return [
        (result.status, f"{result.title}: {result.reason or 'no reason is given'}")
        for result in report.losses
        if result.status != "ok"
    ]


def rows_text(report: Report) -> str:
    """`439 scored of 442; dropped 3: 2 nan, 1 unmatched`."""
    read = report.rows["read"]
    sizes = list(dict.fromkeys(read.values()))
    of = str(sizes[0]) if len(sizes) == 1 else ", ".join(f"{n} {role}" for role, n in read.items())
    dropped = {why: count for why, count in report.rows["dropped"].items() if count}
    text = f"{report.rows['scored']} scored" + (f" of {of}" if of else "")
    if dropped:
        reasons = ", ".join(f"{count} {why}" for why, count in dropped.items())
        text += f"; dropped {sum(dropped.values())}: {reasons}"
    return text


def laid_out(
    table: Table, cells: int, precision: int = PRECISION, ascii_only: bool = False
) -> list[Line]:
    """A table in lines of equal width: its header, and its rows.

    Where it is too wide the columns of the highest rank go, then names are shortened. A number
    is never cut: on a screen that has no room for it its column goes too.
    """
    bars = cells >= WITH_BARS
    made = [
        cells_in_ascii(column) if ascii_only else column
        for place, column in enumerate(columns(table, precision))
        if (bars or column.kind != "bar")
        and (not table.rows or any(row[place] is not None for row in table.rows))
    ]
    kept, longest, gap = _fit(made, cells)
    space: tuple[str, Style] = (" " * gap, "")
    widths = [min(column.width(longest), cells) for column in kept]
    lines = [_row([(c.head(w), "dim") for c, w in zip(kept, widths, strict=True)], space)]
    bodies = [column.body(w) for column, w in zip(kept, widths, strict=True)]
    for place in range(len(table.rows)):
        styles = [column.cells[place].style for column in kept]
        texts = [body[place] for body in bodies]
        lines.append(_row(list(zip(texts, styles, strict=True)), space))
    return lines


def _wrapped(table: Table, cells: int, precision: int, ascii_only: bool) -> list[Table]:
    """A table that wraps in as many as its columns need, each beginning with the first column."""
    if not table.wraps:
        return [table]
    made = [
        cells_in_ascii(column) if ascii_only else column for column in columns(table, precision)
    ]
    widths = [column.width(_COMFORTABLE) + 2 for column in made]
    groups: list[list[int]] = []
    for place, width_of in enumerate(widths[1:], 1):
        used = sum(widths[at] for at in groups[-1]) if groups else cells
        if not groups or widths[0] + used + width_of - 2 > cells:
            groups.append([])
        groups[-1].append(place)
    return [
        Table(
            tuple(table.columns[at] for at in (0, *group)),
            tuple(tuple(row[at] for at in (0, *group)) for row in table.rows),
        )
        for group in groups
    ]


def _fit(made: Sequence[Cells], cells: int) -> tuple[list[Cells], int, int]:
    """The columns that fit, how long their names may be, and the gap between them."""
    kept = list(made)
    while True:
        shrunk: Iterable[tuple[int, int]] = ((10**9, 3), (10**9, 2))
        droppable = [column for column in kept if column.rank > 0]
        if droppable:
            shrunk = [*shrunk, (_COMFORTABLE, 2)]
        else:
            shorter = [(longest, 2) for longest in range(cells, 2 * _LEAST, -1)]
            shrunk = [*shrunk, *shorter, *((n, 1) for n in range(2 * _LEAST, _LEAST - 1, -1))]
        for longest, gap in shrunk:
            if sum(c.width(longest) for c in kept) + gap * (len(kept) - 1) <= cells:
                return kept, longest, gap
        if len(kept) == 1:
            return kept, _LEAST, 1
        if droppable:
            last = max(range(len(kept)), key=lambda place: (kept[place].rank, place))
            del kept[last]
        else:
            kept.pop()


def _row(texts: Sequence[tuple[str, Style]], space: tuple[str, Style]) -> Line:
    line = [texts[0]]
    for text in texts[1:]:
        line += [space, text]
    return line


def _parts(report: Report, cells: int, precision: int, ascii_only: bool) -> list[Line]:
    """What the analyses found, then what was scored. A part's table stands below its text, and
    its charts below that."""
    say = in_ascii if ascii_only else shown
    labels = [*(part.name for part in report.parts), *(status for status, _ in statuses(report))]
    widths = (width(say(label)) for label in labels)
    label = max((one for one in widths if one <= _LABEL), default=0)  # longer ones stand alone
    label = max(label, len("signature"))
    blank = label + _GAP if cells >= _ROOMY else _GAP
    lines: list[Line] = []
    for status, text in statuses(report):
        lines += _labelled(say(status), say(text), label, cells, "yellow")
    for part in report.parts:
        lines += _labelled(say(part.name), say(part.text), label, cells)
        below: list[Line] = []
        if part.table is not None:
            below += laid_out(part.table, cells - blank, precision, ascii_only)
        if part.charts:
            pairs = cells >= WITH_BARS
            drawn = drawings(part.charts, cells - blank, pairs=pairs, ascii_only=ascii_only)
            below += [[], *drawn, []]
        lines += [[(" " * blank, ""), *line] for line in below]
    lines += _labelled("rows", say(rows_text(report)), label, cells)
    return lines + _labelled("signature", say(report.signature), label, cells, rest="dim")


def _closing(report: Report, cells: int, say: Callable[[object], str]) -> list[Line]:
    """Notes, then warnings, then the finding: it stands above the prompt."""
    lines: list[Line] = []
    for note in sorted(report.notes, key=lambda note: note.warning):
        mark = "! " if note.warning else "- "
        style: Style = "yellow" if note.warning else ""
        lines += _hanging(mark, style, say(note.text), style, cells)
    if report.finding:
        lines += _plain(say(report.finding), cells, "bold")
    return lines


def _plain(text: str, cells: int, style: Style = "") -> list[Line]:
    return [[(line, style)] for line in wrapped(text, cells)]


def _labelled(
    name: str, text: str, label: int, cells: int, style: Style = "dim", rest: Style = ""
) -> list[Line]:
    if width(name) <= label:
        return _hanging(padded(name, label + _GAP), style, text, rest, cells)
    alone = _plain(name, cells, style)
    return alone + _hanging(" " * (label + _GAP), style, text, rest, cells)


def _hanging(mark: str, style: Style, text: str, rest: Style, cells: int) -> list[Line]:
    """`text` behind `mark`, its further lines below its first."""
    indent = width(mark)
    first, *more = wrapped(text, cells - indent)
    lines: list[Line] = [[(mark, style), (first, rest)]]
    return lines + [[(" " * indent, ""), (line, rest)] for line in more]


def _joined(blocks: Iterable[list[Line]]) -> list[Line]:
    """The blocks that have lines, with an empty line between."""
    lines: list[Line] = []
    for block in blocks:
        if block:
            lines += [[], *block] if lines else block
    return [_stripped(line) for line in lines]


def _stripped(line: Line) -> Line:
    """The line without the blanks at its end."""
    kept = list(line)
    while kept:
        text, style = kept.pop()
        if text.rstrip(" "):
            return [*kept, (text.rstrip(" "), style)]
    return kept
