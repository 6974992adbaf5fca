"""GitLab's code quality report: what is not met, as JSON."""

from __future__ import annotations

import json

from lossctl.errors import inert
from lossctl.renderers.gated import gate_of, predictions, title, told, unmet
from lossctl.renderers.json import harmless
from lossctl.report import Report


def render(report: Report) -> str:
    """A list of what is violated (critical), undecided (major) or only warned of (minor); an empty
    one where all is met."""
    gate = gate_of(report)
    found = [
        {
            "description": told(one),
            "check_name": title(one),
            "fingerprint": fingerprint,
            "severity": _SEVERITIES[one.outcome] if gate.blocks(one) else "minor",
            "location": {"path": inert(predictions(report)), "lines": {"begin": 1}},
        }
        for _, one, fingerprint in unmet(report)
    ]
    return harmless(json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


_SEVERITIES = {"violated": "critical", "undecided": "major"}
