"""The list of losses: a screen by family, tab-separated rows, or JSON."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.errors import UsageError
from lossctl.listing import Entry
from lossctl.renderers.typeset import padded, shortened, shown, width, wrapped

FORMATS = ("table", "tsv", "json")
_HEADS = ("loss", "name", "family", "tasks", "settings", "what")
_GAP = 2


def known_format(form: str) -> str:
    """The format of that name. Raises UsageError for one that there is not."""
    if form not in (*FORMATS, "plain"):
        raise UsageError(f"losses has no format {form}", f"it is one of {', '.join(FORMATS)}")
    return "tsv" if form == "plain" else form


def render(entries: Sequence[Entry], form: str, cells: int) -> str:
    """The entries, ended by a newline."""
    if form == "json":
        import json
        from dataclasses import asdict

        from lossctl.renderers.json import harmless

        data = [asdict(one) for one in entries]
        return harmless(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)) + "\n"
    if form == "tsv":
        heads = (*_HEADS, "applies", "why") if _asked(entries) else _HEADS
        rows = [heads, *(_cells(one) for one in entries)]
        return "".join("\t".join(map(shown, row)) + "\n" for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in _screen(entries, cells))


def _asked(entries: Sequence[Entry]) -> bool:
    return any(one.applies is not None for one in entries)


def _cells(one: Entry) -> tuple[str, ...]:
    row = (one.loss, one.name, one.family, ",".join(one.tasks), ",".join(one.settings), one.what)
    return row if one.applies is None else (*row, "yes" if one.applies else "no", one.why or "")


def _screen(entries: Sequence[Entry], cells: int) -> list[str]:
    if not entries:
        return ["no loss fits"]
    if not _asked(entries):
        return _by_family(entries, cells)
    fitting = [one for one in entries if one.applies]
    others = [one for one in entries if not one.applies]
    lines = [f"apply    {len(fitting)} of {len(entries)}", *_by_family(fitting, cells)]
    label = max((width(one.loss) for one in others), default=0) + _GAP
    lines += ["", "do not apply"] if others else []
    for one in others:
        parts = wrapped(shown(one.why or ""), cells - label)
        heads = [one.loss, *[""] * (len(parts) - 1)]
        lines += [padded(head, label) + part for head, part in zip(heads, parts, strict=True)]
    return lines


def _by_family(entries: Sequence[Entry], cells: int) -> list[str]:
    """A block for each family; settings go on over several lines."""
    label = max(width(one.loss) for one in entries) + _GAP if entries else 0
    tasks = max(width(_tasks(one)) for one in entries) + _GAP if entries else 0
    tasks = min(tasks, max(cells - label - 24, 12))
    room = cells - label - tasks
    lines: list[str] = []
    for family in dict.fromkeys(one.family for one in entries):
        lines += [""] * bool(lines) + [family]
        for one in (entry for entry in entries if entry.family == family):
            parts = wrapped(" ".join(one.settings), room) or [""]
            heads = [padded(one.loss, label) + padded(shortened(_tasks(one), tasks - 1), tasks)]
            heads += [" " * (label + tasks)] * (len(parts) - 1)
            lines += [head + part for head, part in zip(heads, parts, strict=True)]
    return lines


def _tasks(one: Entry) -> str:
    return ", ".join(one.tasks)
