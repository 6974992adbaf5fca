"""Bare numbers, for shells: one line per loss."""

from __future__ import annotations

from lossctl.renderers.numbers import exact
from lossctl.report import Report


def scores(report: Report) -> str:
    """The value of each loss at full precision; where there is none, the word of its status."""
    return "".join(
        f"{exact(result.value) if result.value is not None else result.status}\n"
        for result in report.losses
    )
