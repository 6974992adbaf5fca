"""The state of a run, which `merge` joins with others and `check` compares with."""

from __future__ import annotations

from lossctl.errors import UsageError
from lossctl.report import Report


def render(report: Report) -> str:
    """The file's text. Raises UsageError for a report that holds no state."""
    if report.state is None:
        raise UsageError(f"a report of {report.command} holds no state")
    return report.state
