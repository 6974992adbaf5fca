"""What `inspect` shows: a screen, tab-separated columns, or JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from lossctl.errors import UsageError
from lossctl.inspection import FileFacts, Inspection
from lossctl.renderers.json import harmless
from lossctl.renderers.numbers import exact
from lossctl.renderers.screen import laid_out
from lossctl.renderers.typeset import shown, wrapped
from lossctl.report import Column, Table

SHOWN = 40  # columns of a wide file on the screen
LONGEST = 24  # digits of a sum on the screen
_HEADS = ("file", "number", "name", "kind", "type", "values", "missing", "nan", "infinite", "sum",
          "min", "max")  # fmt: skip


_COLUMNS = (
    Column("column", "text"), Column("type", "text", 1), Column("missing", "text", 3),
    Column("not finite", "text", 4), Column("sum", "text", 2), Column("min", "text", 5),
    Column("max", "text", 6),
)  # fmt: skip


def render(found: Inspection, form: str, width: int) -> str:
    """`found` as table, tsv or json, ended by a newline. Raises UsageError for another form."""
    if form == "json":
        text = json.dumps(asdict(found), indent=2, ensure_ascii=False, allow_nan=False)
        return harmless(text) + "\n"
    if form == "tsv":
        return _tsv(found)
    if form != "table":
        raise UsageError(f"inspect has no format {form}", "it is one of table, tsv, json")
    blocks = [_file(facts, width) for facts in found.files]
    if found.task:
        blocks.append(wrapped(shown(f"as a task: {found.task}"), width))
    if found.alignment:
        blocks.append([line for text in found.alignment for line in wrapped(shown(text), width)])
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _file(facts: FileFacts, width: int) -> list[str]:
    details = [f"{key} {value!r}" if key == "delimiter" else f"{key} {value}"
               for key, value in facts.details.items()]  # fmt: skip
    head = " · ".join([facts.path, facts.format, f"{facts.rows} rows", *details])
    cells = [
        (
            f"{one.number} {one.name}" if one.name else f"{one.number} (unnamed)",
            one.type, _count(one.missing), _count(one.nan + one.infinite),
            _sum(one.sum), exact(one.min), exact(one.max),
        )
        for one in facts.columns[:SHOWN]
    ]  # fmt: skip
    used = [
        place for place in range(len(_COLUMNS)) if place < 2 or any(row[place] for row in cells)
    ]
    table = Table(
        tuple(_COLUMNS[place] for place in used),
        tuple(tuple(row[place] for place in used) for row in cells),
    )
    lines = wrapped(shown(head), width)
    lines += ["".join(text for text, _ in line) for line in laid_out(table, width)]
    if len(facts.columns) > SHOWN:
        lines.append(f"… {len(facts.columns)} columns in all: -f tsv lists every one")
    for role, chosen in facts.chosen.items():
        lines += wrapped(shown(f"as {role}: {chosen}"), width)
    return lines


def _sum(value: float | None) -> str:
    """The exact sum; of more digits than a screen has room for, the leading ones."""
    text = exact(value)
    digits = text.lstrip("-")
    if len(digits) <= LONGEST or not digits.isdigit():
        return text
    return f"{text[: len(text) - len(digits)]}{digits[0]}.{digits[1:6]}…e+{len(digits) - 1}"


def _count(number: int) -> str:
    return str(number) if number else ""


def _tsv(found: Inspection) -> str:
    lines = ["\t".join(_HEADS)]
    for facts in found.files:
        for one in facts.columns:
            cells = (facts.path, *(getattr(one, name) for name in _HEADS[1:]))
            lines.append("\t".join(shown(exact(cell)) for cell in cells))
    return "\n".join(lines) + "\n"
