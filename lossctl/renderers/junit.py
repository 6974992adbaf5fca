"""JUnit XML that both schemas in use accept, Jenkins' junit-10.xsd and Ant's: a test case for every
requirement."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from lossctl.checks import Check, Gate
from lossctl.errors import inert
from lossctl.renderers import numbers
from lossctl.renderers.gated import asides, gate_of, predictions, title, told
from lossctl.renderers.screen import rows_text
from lossctl.renderers.typeset import shown
from lossctl.report import Json, Report, row_name

# Ant's schema demands a time and a host. They are fixed: equal runs are equal to the byte.
STAMP, HOST = "1970-01-01T00:00:00", "localhost"


def render(report: Report) -> str:
    """A suite that begins with the verdict. What is violated is a failure, what is undecided an
    error: both block. What only warns, or is let pass, is skipped with its message."""
    gate = gate_of(report)
    cases = [_case(report, gate, one) for one in gate.checks]
    counts = {
        name: str(sum(case.find(kind) is not None for case in cases))
        for name, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped"))
    }
    root = ET.Element("testsuites")
    suite = ET.SubElement(root, "testsuite", {
        "name": inert(f"lossctl check {predictions(report)}"), "package": "lossctl", "id": "0",
        "tests": str(len(cases)), **counts, "time": "0", "timestamp": STAMP, "hostname": HOST,
    })  # fmt: skip
    properties = ET.SubElement(suite, "properties")
    facts = {"verdict": report.finding, "outcome": gate.outcome, "exit status": str(gate.status),
             "compared": report.title, "signature": report.signature,
             "lossctl": report.lossctl}  # fmt: skip
    for name, value in facts.items():
        ET.SubElement(properties, "property", {"name": name, "value": inert(value)})
    suite.extend(cases)
    ET.SubElement(suite, "system-out").text = _lines(_summary(report, gate))
    ET.SubElement(suite, "system-err")
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _case(report: Report, gate: Gate, one: Check) -> ET.Element:
    given = {"name": title(one), "classname": f"lossctl.{report.command}", "time": "0"}
    case = ET.Element("testcase", given)
    if one.outcome != "met":
        kind = "skipped"
        if gate.blocks(one):
            kind = "failure" if one.outcome == "violated" else "error"
        message = inert(one.why if kind != "skipped" else f"{one.outcome}: {one.why}")
        found = ET.SubElement(case, kind, {"type": one.outcome, "message": message})
        found.text = _lines(_details(one))
    return case


def _lines(texts: list[str]) -> str:
    """Lines of which none acts where the file is printed."""
    return "\n".join(map(shown, texts)) + "\n"


def _details(one: Check) -> list[str]:
    """What was required, what was found, and the worst rows."""
    lines = [one.said, one.why]
    number = "none" if one.value is None else _number(one.value, one.percent)
    lines.append(f"value: {number}; limit: {_number(one.limit, one.percent)}")
    if one.interval is not None:
        ends = [one.interval[end] for end in ("low", "high")]
        low, high = ("unbounded" if end is None else _number(end, one.percent) for end in ends)
        lines.append(f"{100 * one.interval['confidence']:g} % interval: {low} to {high}")
    return [*lines, *map(_row, one.rows)]


def _row(row: Json) -> str:
    """`worst row: d371, value 1905, 37.9 % of it`."""
    facts = [f"worst row: {row_name(row['row'], row['id'])}"]
    facts += [f"value {row['value']:.6g}"] if row.get("value") is not None else []
    facts += [f"worse by {row['worse']:.6g}"] if row.get("worse") is not None else []
    share = row.get("share")
    return ", ".join(facts + ([] if share is None else [f"{numbers.per_cent(share, 1)} of it"]))


def _number(value: float, percent: bool) -> str:
    return f"{100.0 * value:.6g} %" if percent else numbers.exact(value)


def _summary(report: Report, gate: Gate) -> list[str]:
    """The verdict, all requirements, and what must be known of the run."""
    lines = [report.finding, report.title]
    lines += map(told, gate.checks)
    lines += [f"{'warning' if note.warning else 'note'}: {note.text}" for note in asides(report)]
    return [*lines, f"rows: {rows_text(report)}", f"signature: {report.signature}"]
