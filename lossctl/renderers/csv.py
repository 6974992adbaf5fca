"""Comma-separated values (RFC 4180, lines ended by a newline): the losses at full precision."""

from __future__ import annotations

from lossctl.renderers.numbers import exact
from lossctl.renderers.typeset import shown
from lossctl.report import Report

# What a spreadsheet takes for the beginning of a formula (OWASP, CSV injection).
_FORMULA = tuple("=+-@\t\r＝＋－＠")


def render(report: Report) -> str:
    """One line per loss. Empty: no value. Text that a spreadsheet would run begins with `'`."""
    lines = [",".join(map(field, report.record_columns))]
    lines += [",".join(field(record[name]) for name in report.record_columns)
              for record in report.records()]  # fmt: skip
    return "\n".join(lines) + "\n"


def field(value: object) -> str:
    """One cell."""
    text = shown(exact(value))
    if isinstance(value, str) and value.startswith(_FORMULA):
        text = "'" + text
    if any(mark in text for mark in ',"'):
        return '"' + text.replace('"', '""') + '"'
    return text
