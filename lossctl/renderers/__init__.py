"""Renderers, one file per output format: each draws a report and knows no analysis by name."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lossctl.errors import UsageError, quoted
from lossctl.renderers.numbers import PRECISION

if TYPE_CHECKING:
    from lossctl.report import Report

# Each is imported when it is used: a pipe needs no Rich.
FORMATS = {
    "table": "lossctl.renderers.table:render",
    "tsv": "lossctl.renderers.tsv:render",
    "json": "lossctl.renderers.json:render",
    "jsonl": "lossctl.renderers.jsonl:render",
    "csv": "lossctl.renderers.csv:render",
    "md": "lossctl.renderers.md:render",
    "html": "lossctl.renderers.html:page",
    "junit": "lossctl.renderers.junit:render",
    "github": "lossctl.renderers.github:render",
    "gitlab": "lossctl.renderers.gitlab:render",
    "sarif": "lossctl.renderers.sarif:render",
    "state": "lossctl.renderers.state:render",
}
# The commands whose reports hold what a format is about; a format for all is not here.
OF = {
    **dict.fromkeys(("junit", "github", "gitlab", "sarif"), ("check",)),
    "state": ("eval", "check", "merge"),
}
ALIASES = {"plain": "tsv"}
SUFFIXES = {
    ".txt": "table",
    ".tsv": "tsv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".md": "md",
    ".html": "html",
    ".htm": "html",
    ".xml": "junit",
    ".sarif": "sarif",
    ".state": "state",
}
# The formats for people. All others are at full precision, however wide the screen.
_OPTIONS = {
    "table": ("width", "color", "precision", "ascii_only"),
    "md": ("precision", "ascii_only"),
    "html": ("precision",),
}


def render(
    report: Report,
    format: str,  # noqa: A002  the word of the command line
    *,
    width: int = 100,
    color: bool = False,
    precision: int = PRECISION,
    ascii_only: bool = False,
) -> str:
    """`report` in `format`, ended by a newline. `width`: cells of the screen, for `table`;
    `ascii_only`: its screen, and the drawings of md, are of ASCII.

    Raises UsageError for a format that does not exist, and for one about requirements where the
    report has none.
    """
    name = known_format(format)
    module, _, function = FORMATS[name].partition(":")
    options = {"width": width, "color": color, "precision": precision, "ascii_only": ascii_only}
    given = {option: options[option] for option in _OPTIONS.get(name, ())}
    rendered: str = getattr(import_module(module), function)(report, **given)
    return rendered


def known_format(name: str) -> str:
    """The format of that name or alias. Raises UsageError, with the nearest names."""
    name = ALIASES.get(name, name)
    if name not in FORMATS:
        from difflib import get_close_matches

        near = get_close_matches(name, [*FORMATS, *ALIASES], n=2)
        there = f"nearest: {', '.join(near)}" if near else f"there are {', '.join(FORMATS)}"
        raise UsageError(f"no output format is called {quoted(name)}", there)
    return name


def suffix_format(path: str) -> str | None:
    """The format that a file's suffix names, None where it names none."""
    from pathlib import PurePath

    return SUFFIXES.get(PurePath(path).suffix.lower())
