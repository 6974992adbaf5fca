"""JSON lines: the losses, one object per line, with the columns of the TSV."""

from __future__ import annotations

import json

from lossctl.renderers.json import harmless
from lossctl.report import Report


def render(report: Report) -> str:
    """One line per loss; null: no value."""
    lines = [json.dumps(record, ensure_ascii=False, allow_nan=False) for record in report.records()]
    return "".join(harmless(line) + "\n" for line in lines)
