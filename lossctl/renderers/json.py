"""The whole report as strict JSON (schema 1)."""

from __future__ import annotations

import json
import re

from lossctl.errors import MARK, inert
from lossctl.report import Report

# Within strings only: JSON itself is of printable ASCII and newlines.
_SUSPECT = re.compile(rf"[^\x20-\x7e\n]|{MARK.pattern}")


def render(report: Report) -> str:
    """Two spaces of indentation; what could act on a terminal or a log is escaped as JSON can."""
    return harmless(report.to_json()) + "\n"


def harmless(text: str) -> str:
    r"""The same JSON, with every character that could act written as `\u....`."""
    return _SUSPECT.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    character = match.group()
    if character == "#":
        return "\\u0023"
    return character if inert(character) == character else json.dumps(character)[1:-1]
