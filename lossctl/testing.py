"""For test suites: `assert_losses` fails where `lossctl check` would not pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lossctl.api import check
from lossctl.errors import UsageError
from lossctl.gates.requirement import of_option
from lossctl.report import Report

Limits = Mapping[str, Any]


def assert_losses(
    pred: Any,
    target: Any = None,
    requirements: str | Iterable[str] = (),
    *,
    max: Limits | None = None,  # noqa: A002  the option's name
    min: Limits | None = None,  # noqa: A002  the option's name
    max_increase: Limits | None = None,
    max_row_loss: Limits | None = None,
    baseline: Any = None,
    **options: Any,
) -> Report:
    """The report of `lossctl.check`, or AssertionError that says which requirement is not met and
    which rows make it so.

    `max={"rmse": 3.2}`, `min={"r2": 0.8}`, `max_increase={"mae": "2%"}` and
    `max_row_loss={"mae": 5}` are short for requirements such as "rmse <= 3.2". What is undecided
    fails too. All else is as `lossctl.check` has it. Raises UsageError and DataError.

    >>> assert_losses([1.0, 2.0], [1.0, 2.5], max={"mae": 0.5}).gate.outcome
    'met'
    """
    __tracebackhide__ = True  # pytest shows the line that called it
    texts = [requirements] if isinstance(requirements, str) else list(requirements)
    given = {"max": max, "min": min, "max-increase": max_increase, "max-row-loss": max_row_loss}
    for name, limits in given.items():
        for loss, limit in (limits or {}).items():
            texts.append(str(of_option(name, f"{loss}={limit}", "option")))
    if not texts:
        raise UsageError("nothing is required", "max={'rmse': 3.2}, or requirements")
    report = check(pred, target, texts, baseline=baseline, **options)
    assert report.gate is not None
    if report.gate.outcome != "met":
        raise AssertionError(_said(report))
    return report


def _said(report: Report) -> str:
    """The verdict, then a line for every requirement."""
    assert report.gate is not None
    lines = [report.finding.rpartition(" (exit")[0]]
    lines += [f"  {one.outcome:<9}  {one.requirement}: {one.why}" for one in report.gate.checks]
    lines += [f"  {note.text}" for note in report.notes if note.warning]
    return "\n".join(lines)
