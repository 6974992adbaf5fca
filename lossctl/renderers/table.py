"""The screen for a terminal, in the sixteen colours that every theme sets. Uses Rich."""

from __future__ import annotations

from collections.abc import Iterable

from lossctl.renderers import text
from lossctl.renderers.numbers import PRECISION
from lossctl.renderers.screen import screen
from lossctl.renderers.typeset import Line, Style
from lossctl.report import Report


def render(
    report: Report,
    *,
    width: int = 100,
    color: bool = False,
    precision: int = PRECISION,
    ascii_only: bool = False,
) -> str:
    """The screen in lines of at most `width` cells; without `color`, no escape sequence at all."""
    if not color:
        return text.render(report, width, precision, ascii_only) + "\n"
    return styled(screen(report, width, precision, ascii_only))


def styled(lines: Iterable[Line]) -> str:
    """Lines of styled text with their escape sequences."""
    return "".join("".join(_styled(*segment) for segment in line) + "\n" for line in lines)


def _styled(words: str, style: Style) -> str:
    from rich.color import ColorSystem
    from rich.style import Style as RichStyle

    return RichStyle.parse(style).render(words, color_system=ColorSystem.STANDARD)
