"""Charts of curves on a screen: braille dots, two across and four down in a cell, or ASCII."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from lossctl.renderers.axes import (
    Axis,
    has_zero,
    is_named,
    seen_marks,
    short,
    x_axis,
    x_texts,
    x_title,
    y_axis,
)
from lossctl.renderers.chart import BLANK, DOTS
from lossctl.renderers.plain import in_ascii, lines_in_ascii
from lossctl.renderers.typeset import (
    Line,
    Style,
    padded,
    shortened,
    shown,
    told_apart,
    width,
    wrapped,
)
from lossctl.report import Chart

_GAP = 4  # cells between two charts
_WIDEST = 76  # cells of one chart
_LONGEST = 24  # cells of the name of a curve
_LITTLE = 1e-9  # dots: what rounding makes of a place
_EVERY = 4  # dots from one of the line at 0 to the next


@dataclass(frozen=True, slots=True)
class _Pen:
    """How a curve is drawn: which of its dots, and the sign for it in the legend and in ASCII."""

    dots: str
    sign: str
    ascii: str
    style: Style


_PENS = (
    _Pen("#", "━", "*", ""),
    _Pen("####..", "┄", "+", "magenta"),
    _Pen("#...", "·", ".", "cyan"),
    _Pen("#####..#..", "─·", "o", "yellow"),
)


@dataclass(frozen=True, slots=True)
class _Look:
    """What a chart is made of: dots in a cell, rows, and the pieces of its frame."""

    across: int
    down: int
    rows: int
    side: str
    corner: str
    floor: str
    mark: str
    plain: bool

    def said(self, text: str) -> str:
        return in_ascii(text) if self.plain else shown(text)


_BRAILLE = _Look(2, 4, 8, "│", "└", "─", "▲", plain=False)
_ASCII = _Look(1, 1, 12, "|", "+", "-", "^", plain=True)


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A chart in lines: those above its frame, and those from the frame on."""

    head: list[Line]
    body: list[Line] = field(default_factory=list)


def drawings(charts: Sequence[Chart], cells: int, *, pairs: bool, ascii_only: bool) -> list[Line]:
    """The charts in lines of at most `cells` cells, an empty line between them; in `pairs`, two
    side by side."""
    look = _ASCII if ascii_only else _BRAILLE
    both = pairs and len(charts) > 1
    each = min((cells - _GAP) // 2 if both else cells, _WIDEST)
    drawn = [_drawn(chart, each, look) for chart in charts]
    lines: list[Line] = []
    for place in range(0, len(drawn), 1 + both):
        lines += [[]] if lines else []
        lines += _beside(drawn[place : place + 1 + both], each)
    return lines_in_ascii(lines) if ascii_only else lines


def _beside(drawn: Sequence[_Drawn], each: int) -> list[Line]:
    """Charts side by side, their frames at one height."""
    if len(drawn) == 1:
        return [*drawn[0].head, *drawn[0].body]
    heads = max(len(one.head) for one in drawn)
    empty: Line = []
    whole = [[empty] * (heads - len(one.head)) + one.head + one.body for one in drawn]
    height = max(map(len, whole))
    lines: list[Line] = []
    for place in range(height):
        line: list[tuple[str, Style]] = []
        for number, one in enumerate(whole):
            part = one[place] if place < len(one) else empty
            blanks = number * (each + _GAP) - _width(line)
            line += [(" " * blanks, ""), *part] if number else part
        lines.append(line)
    return lines


def _drawn(chart: Chart, cells: int, look: _Look) -> _Drawn:
    along, up = x_axis(chart), y_axis(chart)
    names = _levels(up, look)
    margin = max((width(name) for name in names.values()), default=0) + 1
    inner = cells - margin - 1
    body: list[Line] = []
    for row, curve in enumerate(_grid(chart, along, up, inner, look)):
        name = padded(names.get(row, ""), margin - 1, right=True)
        body.append([(f"{name} {look.side}", "dim"), *curve])
    blank = " " * (margin + 1)
    body.append([(" " * margin + look.corner + look.floor * inner, "dim")])
    if along is not None:
        marks = _marks(seen_marks(chart, along), inner, look)
        body += [[(blank + marks, "")]] if marks else []
        body.append([(blank + _scale(chart, along, inner, look), "dim")])
    head: list[Line] = [[(blank, ""), *line] for line in _head(chart, inner, look)]
    return _Drawn(head, body)


# --- above the frame ----------------------------------------------------------------------------


def _head(chart: Chart, cells: int, look: _Look) -> list[Line]:
    """The title, and which curve is which: behind it where there is room, else below."""
    title: list[Line] = [[(text, "")] for text in wrapped(look.said(chart.title), cells)]
    legend = _legend(chart, cells, look)
    if len(title) == len(legend) == 1:
        gap = cells - _width(title[0]) - _width(legend[0])
        if gap >= _GAP:
            return [[*title[0], (" " * gap, ""), *legend[0]]]
    return title + legend


def _legend(chart: Chart, cells: int, look: _Look) -> list[Line]:
    if not is_named(chart):
        return []
    room = min(_LONGEST, cells - 4)
    names = told_apart([look.said(one.name) for one in chart.series], room)
    lines: list[list[tuple[str, Style]]] = []
    for place, name in enumerate(names):
        pen = _PENS[place % len(_PENS)]
        entry = (f"{name} {pen.ascii if look.plain else pen.sign}", pen.style)
        if lines and _width(lines[-1]) + 2 + width(entry[0]) <= cells:
            lines[-1] += [("  ", ""), entry]
        else:
            lines.append([entry])
    return list(lines)


def _width(line: Line) -> int:
    return sum(width(text) for text, _ in line)


# --- the frame ----------------------------------------------------------------------------------


def _levels(axis: Axis | None, look: _Look) -> dict[int, str]:
    """What stands beside which row: the ends, and 0 where it lies between."""
    if axis is None:
        return {}
    ends = dict.fromkeys((axis.high, axis.low))
    names = {
        _row(axis, value, look): text for value, text in zip(ends, short(list(ends)), strict=True)
    }
    if has_zero(axis):
        names.setdefault(_row(axis, 0.0, look), "0")
    return names


def _row(axis: Axis, value: float, look: _Look) -> int:
    return _dot(1.0 - (axis.at(value) or 0.0), look.rows * look.down) // look.down


def _dot(fraction: float, dots: int) -> int:
    """The nearest of so many dots; halfway between two it does not depend on the last bits."""
    return _nearest(fraction * (dots - 1))


def _nearest(place: float) -> int:
    return int(place + 0.5 + _LITTLE)


def _grid(
    chart: Chart, along: Axis | None, up: Axis | None, cells: int, look: _Look
) -> Iterator[Line]:
    """The inside of the frame, row by row."""
    dots: dict[tuple[int, int], list[tuple[int, int]]] = {}  # by cell: the curve, and where
    if along is not None and up is not None:
        across, down = cells * look.across, look.rows * look.down
        if has_zero(up):
            zero = _dot(1.0 - (up.at(0.0) or 0.0), down)
            for at in range(0, across, _EVERY * look.across // 2):
                _put(dots, look, -1, at, zero)
        for number, one in enumerate(chart.series):
            pattern = "#" if look.plain else _PENS[number % len(_PENS)].dots
            fractions = zip(map(along.at, chart.x), map(up.at, one.y), strict=True)
            places = (
                None if x is None or y is None else (x * (across - 1), (1.0 - y) * (down - 1))
                for x, y in fractions
            )
            for step, place in _path(places):
                if pattern[step % len(pattern)] == "#":
                    _put(dots, look, number, *place)
    for row in range(look.rows):
        yield _joined(_cell(dots.get((row, column), []), column, look) for column in range(cells))


def _put(
    dots: dict[tuple[int, int], list[tuple[int, int]]], look: _Look, number: int, x: int, y: int
) -> None:
    bit = 0 if look.plain else DOTS[x % look.across][y % look.down]
    dots.setdefault((y // look.down, x // look.across), []).append((number, bit))


def _path(
    places: Iterable[tuple[float, float] | None],
) -> Iterator[tuple[int, tuple[int, int]]]:
    """All dots of straight lines from place to place, numbered from each gap on."""
    before: tuple[float, float] | None = None
    last, step = (-1, -1), 0
    for now in places:
        if now is None:
            before = None
            continue
        if before is None:
            last, step = (-1, -1), 0
            dots: Iterable[tuple[int, int]] = [(_nearest(now[0]), _nearest(now[1]))]
        else:
            dots = _straight(before, now)
        for dot in dots:
            if dot != last:
                yield step, dot
                last, step = dot, step + 1
        before = now


def _straight(start: tuple[float, float], end: tuple[float, float]) -> Iterator[tuple[int, int]]:
    """The dots nearest to where a line crosses a column or a row of them: a line in many pieces
    has the dots of the whole, and no hole."""
    x, y = end[0] - start[0], end[1] - start[1]
    shares = {*_crossed(start[0], x), *_crossed(start[1], y)}
    for share in sorted(shares):
        yield _nearest(start[0] + share * x), _nearest(start[1] + share * y)


def _crossed(start: float, far: float) -> Iterator[float]:
    """How far along the way each whole number is."""
    if far:
        first, last = sorted((start, start + far))
        for at in range(math.ceil(first - _LITTLE), math.floor(last + _LITTLE) + 1):
            yield min(max((at - start) / far, 0.0), 1.0)


def _cell(found: Sequence[tuple[int, int]], column: int, look: _Look) -> tuple[str, Style]:
    """One cell; where several curves meet it has the style of none."""
    numbers = sorted({number for number, _ in found if number >= 0})
    style = _PENS[numbers[0] % len(_PENS)].style if len(numbers) == 1 else ""
    if not look.plain:
        code = BLANK
        for _, bit in found:
            code |= bit
        return (" " if code == BLANK else chr(code)), style
    if not numbers:
        return ("-" if found else " "), style
    # Curves that run together take turns.
    return _PENS[numbers[column % len(numbers)] % len(_PENS)].ascii, style


def _joined(cells: Iterable[tuple[str, Style]]) -> Line:
    """The cells with those of one style in one piece."""
    line: list[tuple[str, Style]] = []
    for text, style in cells:
        if line and (line[-1][1] == style or text == " "):
            line[-1] = (line[-1][0] + text, line[-1][1])
        else:
            line.append((text, style))
    return line


# --- below the frame ----------------------------------------------------------------------------


def _marks(marks: Sequence[tuple[float, str]], cells: int, look: _Look) -> str:
    """`▲ 0.7`: a sign below each mark, and its value beside it where there is room; marks that
    share a cell are one, `▲ 0.7–0.71`."""
    texts: dict[int, list[str]] = {}
    for place, text in marks:
        texts.setdefault(_dot(place, cells * look.across) // look.across, []).append(text)
    line = [look.mark if column in texts else " " for column in range(cells)]
    for column, held in texts.items():
        text = look.said("–".join(dict.fromkeys((held[0], held[-1]))))
        behind, before = column + 2, column - 1 - len(text)
        # What stands before its mark keeps away from the mark before that.
        if _free(line, column + 1, behind + len(text) + 1) and behind + len(text) <= cells:
            line[behind : behind + len(text)] = text
        elif before >= 0 and _free(line, max(before - 3, 0), column):
            line[before : before + len(text)] = text
    return "".join(line).rstrip()


def _free(line: Sequence[str], start: int, end: int) -> bool:
    return all(one == " " for one in line[start:end])


def _scale(chart: Chart, axis: Axis, cells: int, look: _Look) -> str:
    """The ends of x, and between them what it is."""
    texts = x_texts(axis)
    name = look.said(x_title(chart))
    if len(texts) == 1:
        text = shortened(f"{name} = {texts[0]}" if name.strip() else texts[0], cells)
        return " " * ((cells - width(text)) // 2) + text
    if len(texts[0]) + 1 + len(texts[1]) > cells:
        texts = [f"{axis.low:.1g}", f"{axis.high:.1g}"]
    left, right = texts
    room = cells - len(left) - len(right)
    name = shortened(name, room - _GAP) if room - _GAP >= _GAP else ""
    start = max((cells - width(name)) // 2, len(left) + 2)
    start = min(start, cells - len(right) - 2 - width(name)) if name else len(left)
    line = padded(left, start) + name
    return padded(line, cells - len(right)) + right
