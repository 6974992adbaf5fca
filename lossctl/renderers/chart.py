"""Small line charts of braille dots, two across and four down in each cell."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.renderers.typeset import padded, width

DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # by column, from the top
BLANK = 0x2800
_LEAST = 12  # cells of a chart that shows anything


def chart(
    title: str,
    x: Sequence[float],
    y: Sequence[float | None],
    cells: int,
    rows: int = 6,
) -> list[str]:
    """A titled chart in lines of exactly `cells` cells: y from its least to its largest value,
    with a dotted line at 0 where that lies between; nothing is drawn where y is None."""
    known = [value for value in y if value is not None]
    low, high = _ends(known)
    names = [f"{high + 0.0:.3g}", *[""] * (rows - 2), f"{low + 0.0:.3g}"]
    zero = None
    if low < 0.0 < high:
        zero = _place(0.0, low, high, 4 * rows)
        names[zero // 4] = names[zero // 4] or "0"
    margin = max(width(name) for name in names) + 1
    inner = max(cells - margin - 1, _LEAST)
    drawn = _drawn([None if v is None else _place(v, low, high, 4 * rows) for v in y],
                   inner, rows, zero)  # fmt: skip
    lines = [padded(" " * (margin + 1) + title, cells)]
    lines += [
        padded(padded(name, margin - 1, right=True) + " │" + line, cells)
        for name, line in zip(names, drawn, strict=True)
    ]
    lines.append(" " * margin + "└" + "─" * inner)
    lines.append(" " * (margin + 1) + _scale(x, inner))
    return [padded(line, cells) for line in lines]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The least and the largest; 0 instead of an end that is nearly 0."""
    low, high = (min(values), max(values)) if values else (0.0, 0.0)
    if low == high:
        return low - 0.5, high + 0.5
    if 0.0 < low < 0.05 * high:
        low = 0.0
    if 0.05 * low < high < 0.0:
        high = 0.0
    return low, high


def _place(value: float, low: float, high: float, dots: int) -> int:
    """The dot from the top; a value halfway between two does not depend on its last bits."""
    return min(dots - 1, int((high - value) / (high - low) * (dots - 1) + 0.5 + 1e-9))


def _drawn(places: Sequence[int | None], cells: int, rows: int, zero: int | None) -> list[str]:
    grid = [[BLANK] * cells for _ in range(rows)]

    def dot(across: int, down: int) -> None:
        grid[down // 4][across // 2] |= DOTS[across % 2][down % 4]

    if zero is not None:
        for across in range(0, 2 * cells, 4):
            dot(across, zero)
    before = None
    for across in range(2 * cells):
        now = places[round(across * (len(places) - 1) / (2 * cells - 1))]
        if now is not None:
            # From beside the last dot on, so that a steep line has no holes.
            start = now if before is None or abs(now - before) < 2 else before
            step = 1 if now >= start else -1
            for down in range(start + (step if start != now else 0), now + step, step):
                dot(across, down)
        before = now
    return ["".join(" " if one == BLANK else chr(one) for one in line) for line in grid]


def _scale(x: Sequence[float], cells: int) -> str:
    """The ends of x, and its middle."""
    left, middle, right = (f"{value:g}" for value in (x[0], (x[0] + x[-1]) / 2.0, x[-1]))
    start = cells // 2 - len(middle) // 2
    line = padded(left, start) + middle
    return padded(line, cells - len(right)) + right


def beside(charts: Sequence[list[str]], gap: int) -> list[str]:
    """Charts of equal height, side by side."""
    return [(" " * gap).join(parts).rstrip() for parts in zip(*charts, strict=True)]
