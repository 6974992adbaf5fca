"""Tab-separated values: the losses at full precision, a header line first."""

from __future__ import annotations

from lossctl.renderers.numbers import exact
from lossctl.renderers.typeset import shown
from lossctl.report import Report


def render(report: Report) -> str:
    r"""One line per loss. Empty: no value. Tabs and newlines in text become `\x09` and `\x0a`."""
    lines = ["\t".join(map(shown, report.record_columns))]
    lines += ["\t".join(shown(exact(record[name])) for name in report.record_columns)
              for record in report.records()]  # fmt: skip
    return "\n".join(lines) + "\n"
