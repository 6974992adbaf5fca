"""A chart as inline SVG: no script, no address, its colours those of the page around."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence

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
from lossctl.renderers.typeset import shortened, shown, told_apart, width, wrapped
from lossctl.report import Chart, Series

STYLE = """
.lossctl svg { display: block; max-width: 100%; height: auto; margin: 1em 0; font-size: 12px;
  font-family: ui-monospace, monospace; fill: currentColor; }
.lossctl svg text { white-space: pre; }
.lossctl svg .axis { fill: none; stroke: currentColor; opacity: 0.5; }
.lossctl svg .low { opacity: 0.65; }
.lossctl svg .curve { fill: none; stroke-width: 1.8; stroke-linejoin: round;
  stroke-linecap: round; }
.lossctl svg .pen0 { stroke: currentColor; }
.lossctl svg .pen1 { stroke: #c4499b; }
.lossctl svg .pen2 { stroke: #1a8fa6; }
.lossctl svg .pen3 { stroke: #a70; }
"""
_DASHES = ("", "7 4", "1 4", "9 4 1 4")
_WIDE, _HIGH = 560, 190  # of the frame and what stands left of it; of the frame
_LEFT, _RIGHT = 84, 16
_CELL = 7.4  # units of a monospace character
_LINE = 16  # units of a line of text
_LONGEST = 24  # cells of the name of a curve
_INSIDE = _WIDE - _LEFT - _RIGHT


def svg(chart: Chart) -> str:
    """The chart with labelled axes, a legend, and its title for those who cannot see it."""
    along, up = x_axis(chart), y_axis(chart)
    title = wrapped(shown(chart.title), int(_INSIDE / _CELL))
    legend = _legend(chart)
    top = _LINE * (len(title) + len(legend)) + 10
    pieces = [f"<title>{_escaped(chart.title)}</title>"]
    pieces += [_text(_LEFT, _LINE * (place + 1) - 3, line) for place, line in enumerate(title)]
    for place, line in enumerate(legend):
        pieces += _entries(line, _LINE * (len(title) + place + 1) - 3)
    pieces.append(f'<path class="axis" d="M{_LEFT} {top}V{top + _HIGH}H{_LEFT + _INSIDE}"/>')
    if up is not None:
        pieces += _levels(up, top)
    if along is not None and up is not None:
        # The first curve last: it lies above the others.
        numbered = list(enumerate(chart.series))
        pieces += [_curve(chart, one, number, along, up, top) for number, one in reversed(numbered)]
    if along is not None:
        pieces += _below(chart, along, top + _HIGH)
    height = top + _HIGH + 3 * _LINE
    body = "\n".join(piece for piece in pieces if piece)
    return (
        f'\n<svg viewBox="0 0 {_WIDE} {height}" width="{_WIDE}" height="{height}" role="img">\n'
        f"{body}\n</svg>"
    )


def _escaped(text: str) -> str:
    return html.escape(shown(text), quote=True)


def _text(x: float, y: float, text: str, anchor: str = "start", name: str = "") -> str:
    kind = f' class="{name}"' if name else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{_escaped(text)}</text>'


def _pen(number: int) -> str:
    """The class of a curve, and its dashes: told apart without colour."""
    pen = number % len(_DASHES)
    dashes = f' stroke-dasharray="{_DASHES[pen]}"' if _DASHES[pen] else ""
    return f'class="curve pen{pen}"{dashes}'


def _legend(chart: Chart) -> list[list[tuple[int, str]]]:
    """Lines of the curves' numbers and names."""
    if not is_named(chart):
        return []
    lines: list[list[tuple[int, str]]] = []
    used = 0
    for entry in enumerate(told_apart([shown(one.name) for one in chart.series], _LONGEST)):
        cells = width(entry[1]) + 8
        if lines and (used + cells) * _CELL <= _INSIDE:
            lines[-1].append(entry)
            used += cells
        else:
            lines.append([entry])
            used = cells
    return lines


def _entries(line: Iterable[tuple[int, str]], y: float) -> Iterator[str]:
    x = float(_LEFT)
    for number, name in line:
        yield f'<path {_pen(number)} d="M{x:.1f} {y - 4:.1f}h28"/>'
        yield _text(x + 36, y, name)
        x += (width(name) + 8) * _CELL


def _levels(axis: Axis, top: float) -> Iterator[str]:
    """The ends of y, and a line at 0 where it lies between."""
    ends = list(dict.fromkeys((axis.high, axis.low)))
    levels = {value: _down(axis, value, top) for value in ends}
    if has_zero(axis):
        zero = _down(axis, 0.0, top)
        yield f'<path class="axis" stroke-dasharray="1 5" d="M{_LEFT} {zero:.1f}h{_INSIDE}"/>'
        if all(abs(zero - level) > _LINE for level in levels.values()):
            yield _text(_LEFT - 8, zero + 4, "0", "end", "low")
    for level, text in zip(levels.values(), short(ends), strict=True):
        yield _text(_LEFT - 8, level + 4, text, "end", "low")


def _down(axis: Axis, value: float, top: float) -> float:
    return top + _HIGH * (1.0 - (axis.at(value) or 0.0))


def _curve(chart: Chart, one: Series, number: int, along: Axis, up: Axis, top: float) -> str:
    """One path; a value between two gaps is a dot."""
    steps: list[str] = []
    drawing = False
    for at, value in zip(chart.x, one.y, strict=True):
        x, y = along.at(at), up.at(value)
        if x is None or y is None:
            drawing = False
            continue
        place = f"{_LEFT + _INSIDE * x:.1f} {top + _HIGH * (1.0 - y):.1f}"
        steps.append(f"L{place}" if drawing else f"M{place}h0")
        drawing = True
    return f'<path {_pen(number)} d="{"".join(steps)}"/>' if steps else ""


def _below(chart: Chart, axis: Axis, floor: float) -> Iterator[str]:
    """The ends of x and what it is, and the marks."""
    for x, text in zip((0.0, 1.0) if axis.low < axis.high else (0.5,), x_texts(axis), strict=True):
        anchor = "start" if x == 0.0 else "end" if x == 1.0 else "middle"
        yield _text(_LEFT + _INSIDE * x, floor + 2 * _LINE, text, anchor, "low")
    room = int(_INSIDE / _CELL) - 24
    middle = _LEFT + _INSIDE / 2
    yield _text(middle, floor + 2 * _LINE + (axis.low == axis.high) * _LINE,
                shortened(shown(x_title(chart)), room), "middle", "low")  # fmt: skip
    yield from _marks(seen_marks(chart, axis), floor)


def _marks(marks: Sequence[tuple[float, str]], floor: float) -> Iterator[str]:
    """A triangle below each mark, and its value where there is room."""
    taken = -1.0
    for place, (fraction, text) in enumerate(marks):
        x = _LEFT + _INSIDE * fraction
        yield f'<path d="M{x:.1f} {floor + 3:.1f}l4 7h-8z"/>'
        long = len(text) * _CELL
        after = _LEFT + _INSIDE * marks[place + 1][0] - 6 if place + 1 < len(marks) else _WIDE
        if x + 8 + long <= after:
            yield _text(x + 7, floor + _LINE - 3, text)
            taken = x + 8 + long
        elif x - 8 - long >= taken:
            yield _text(x - 7, floor + _LINE - 3, text, "end")
            taken = x + 5
        else:
            taken = x + 5
