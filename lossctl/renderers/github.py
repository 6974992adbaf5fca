"""Workflow commands of GitHub Actions: annotations, one in a line, the verdict first."""

from __future__ import annotations

from lossctl.errors import inert
from lossctl.renderers.gated import asides, gate_of, title
from lossctl.report import Report


def render(report: Report) -> str:
    """An error for all that blocks, a warning for what does not, a notice of what is met.

    GitHub shows ten errors and ten warnings of a step: the verdict is always among them.
    """
    gate = gate_of(report)
    level = "notice" if gate.outcome == "met" else "error"
    lines = [command(level, f"lossctl check: {gate.outcome}", report.finding)]
    for one in gate.checks:
        if one.outcome != "met":
            level = "error" if gate.blocks(one) else "warning"
            lines.append(command(level, f"{title(one)}: {one.outcome}", one.why))
    lines += [command("warning", "lossctl check", note.text) for note in asides(report)
              if note.warning]  # fmt: skip
    return "\n".join(lines) + "\n"


def command(name: str, heading: str, message: str) -> str:
    """`::error title=HEADING::MESSAGE`, escaped as GitHub reads it."""
    told = _data(heading).replace(":", "%3A").replace(",", "%2C")
    return f"::{name} title={told}::{_data(message)}"


def _data(text: str) -> str:
    return inert(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
