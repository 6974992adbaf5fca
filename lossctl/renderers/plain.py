"""Text for a screen that is declared to take ASCII alone: the one place that says what stands for
what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from lossctl.renderers.cells import Cell, Cells
from lossctl.renderers.typeset import Line, shown

_CUT = "~"  # of a name that was cut: as wide as the ellipsis that it had room for
_LIKE = {
    "…": "...", "·": "-", "×": "x", "–": "-", "—": "-", "−": "-", "±": "+-", "→": "->",
    "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~", "∞": "inf", "√": "sqrt", "Σ": "sum", "Π": "prod",
    "½": "1/2", "²": "^2", "³": "^3", "‖": "||", "∩": " and ", "∪": " or ", "€": "EUR",
    "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ",
    "α": "alpha", "β": "beta", "γ": "gamma", "Δ": "Delta", "δ": "delta", "ε": "epsilon",
    "θ": "theta", "λ": "lambda", "μ": "mu", "µ": "u", "π": "pi", "ρ": "rho", "σ": "sigma",
    "τ": "tau", "Φ": "Phi", "φ": "phi", "ψ": "psi", "ω": "omega",
    # Bars, then what is left of a curve one line high.
    "▏": "-", "▎": "-", "▍": "-", "▌": "#", "▋": "#", "▊": "#", "▉": "#", "█": "#",
    "▁": "_", "▂": ".", "▃": "-", "▄": "~", "▅": "=", "▆": "+", "▇": "*",
}  # fmt: skip
_TABLE = str.maketrans(_LIKE)


def in_ascii(text: object) -> str:
    r"""`shown` text in ASCII: what has no likeness there is written `\xe9`, as Python does."""
    # The likenesses first: what they spell must not act either.
    return shown(str(text).translate(_TABLE)).encode("ascii", "backslashreplace").decode("ascii")


def cells_in_ascii(column: Cells) -> Cells:
    """The column, before it is known how wide it may be."""
    cells = (Cell(in_ascii(one.name), in_ascii(one.firm), one.style) for one in column.cells)
    return replace(column, header=in_ascii(column.header), cells=tuple(cells))


def lines_in_ascii(lines: Iterable[Line]) -> list[Line]:
    """Lines of such text with the marks of what had to be cut, still as wide as they are."""
    return [[(text.replace("…", _CUT), style) for text, style in line] for line in lines]
