"""The screen as plain text: for `repr`, and where there are no colours."""

from __future__ import annotations

from lossctl.renderers.numbers import PRECISION
from lossctl.renderers.screen import screen
from lossctl.report import Report


def render(
    report: Report, width: int = 100, precision: int = PRECISION, ascii_only: bool = False
) -> str:
    """The screen in lines of at most `width` cells (32 at least), with no newline at the end."""
    lines = screen(report, width, precision, ascii_only)
    return "\n".join("".join(text for text, _ in line) for line in lines)
