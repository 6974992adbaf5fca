"""What the formats for continuous integration have in common: where a requirement stands, what
identifies it from run to run, and the rows that violate it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from lossctl.checks import Check, Gate
from lossctl.errors import UsageError, inert
from lossctl.report import ASIDE, TRUTH, Column, Note, Report, Table

STDIN = "stdin"  # the name of a file that has none


def gate_of(report: Report) -> Gate:
    """The gate of a report. Raises UsageError where it has none."""
    if report.gate is None:
        raise UsageError(f"this format is about check, and this is a report of {report.command}")
    return report.gate


def predictions(report: Report) -> str:
    """The file of the predictions that are judged, relative to where the program runs."""
    paths = [one["path"] for one in report.models[-1:]]
    paths += [
        given["path"] for role, given in report.inputs.items() if role not in (*TRUTH, *ASIDE)
    ]
    paths += [given["path"] for given in report.inputs.values()]
    path = next((str(one) for one in paths), "-")
    if path in ("-", ""):
        return STDIN
    plain = Path(os.path.normpath(path))
    if plain.is_absolute() and plain.is_relative_to(Path.cwd()):
        plain = plain.relative_to(Path.cwd())
    return plain.as_posix()


def title(one: Check) -> str:
    """`warning: mae <= 40`: a requirement as it was written, and its level."""
    return inert(f"warning: {one.requirement}" if one.warning else one.requirement)


def told(one: Check) -> str:
    """`mae <= 40: violated: mae is 46.98, above 40`: what became of a requirement."""
    return inert(f"{title(one)}: {one.outcome}: {one.why}")


def asides(report: Report) -> list[Note]:
    """The notes that say something else than the requirements do."""
    whys = [one.why for one in gate_of(report).checks if one.why]
    return [note for note in report.notes if not any(why in note.text for why in whys)]


def unmet(report: Report) -> Iterator[tuple[int, Check, str]]:
    """The place of every requirement that is not met, itself, and 32 digits that are the same in
    every run over the same file of predictions."""
    import hashlib

    path, seen = predictions(report), Counter[str]()
    for place, one in enumerate(gate_of(report).checks):
        key = f"{path}\0{title(one)}\0{seen[title(one)]}"
        seen[title(one)] += 1
        if one.outcome != "met":
            digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
            yield place, one, digest[:32]


def worst_rows(gate: Gate) -> Table | None:
    """The rows that make what is violated; the requirement stands before the first of them."""
    rows = [
        (("warning: " * one.warning + one.said) if not place else None, row["row"], row["id"],
         row.get("value"), row.get("worse"), row.get("share"))
        for one in gate.checks
        if one.outcome == "violated"
        for place, row in enumerate(one.rows)
    ]  # fmt: skip
    if not rows:
        return None
    columns = (Column("violated", "text"), Column("worst rows", "worst"), Column("value", "value"),
               Column("worse by", "value"))  # fmt: skip
    made = tuple(
        (name, {"row": row, "id": identity, "share": share}, value, worse)
        for name, row, identity, value, worse, share in rows
    )
    used = [place for place in range(4) if place < 2 or any(row[place] is not None for row in made)]
    return Table(
        tuple(columns[place] for place in used),
        tuple(tuple(row[place] for place in used) for row in made),
    )
