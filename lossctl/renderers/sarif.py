"""SARIF 2.1.0, as code scanning takes it: a rule for every requirement, a result for each that is
not met."""

from __future__ import annotations

import json
from typing import Any

from lossctl.checks import Check, Gate
from lossctl.errors import inert
from lossctl.renderers.gated import gate_of, predictions, title, told, unmet
from lossctl.renderers.json import harmless
from lossctl.report import Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
# What a URI may hold as it is; no colon, which would make a scheme of what stands before it.
_PLAIN = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def render(report: Report) -> str:
    """One run, whose notification is the verdict."""
    gate = gate_of(report)
    path = predictions(report)
    rules = {title(one): _rule(one) for one in gate.checks}
    places = {name: place for place, name in enumerate(rules)}
    results = [
        {
            "ruleId": title(one),
            "ruleIndex": places[title(one)],
            "level": _level(gate, one),
            "message": _message(told(one)),
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": uri(path)}, "region": {"startLine": 1}}}],
            "partialFingerprints": {"primaryLocationLineHash": f"{fingerprint}:1"},
        }
        for _, one, fingerprint in unmet(report)
    ]  # fmt: skip
    verdict = {"level": "note" if gate.outcome == "met" else "error",
               "message": _message(report.finding)}  # fmt: skip
    driver = {"name": "lossctl", "version": report.lossctl, "rules": [*rules.values()]}
    run = {
        "tool": {"driver": driver},
        "invocations": [{"executionSuccessful": True, "exitCode": gate.status,
                         "toolExecutionNotifications": [verdict]}],
        "results": results,
    }  # fmt: skip
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return harmless(json.dumps(log, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"


def uri(path: str) -> str:
    """A path as a URI: relative where it is."""
    data = path.encode("utf-8", "surrogatepass")
    text = "".join(chr(byte) if byte in _PLAIN else f"%{byte:02X}" for byte in data)
    return f"file://{text}" if path.startswith("/") else text


def _message(text: str) -> dict[str, str]:
    """Plain text: SARIF would make a link of `[text](address)`."""
    text = inert(text)
    return {"text": text.replace("[", "\\[") if "](" in text else text}


def _rule(one: Check) -> dict[str, Any]:
    said = _message(one.said or one.requirement)
    return {
        "id": title(one),
        "shortDescription": said,
        "fullDescription": said,
        "help": {"text": "What lossctl check found is in the message of the result."},
        "defaultConfiguration": {"level": "warning" if one.warning else "error"},
    }


def _level(gate: Gate, one: Check) -> str:
    """What blocks is an error, what was only asked to warn a warning, what is let pass a note."""
    return "error" if gate.blocks(one) else "warning" if one.warning else "note"
