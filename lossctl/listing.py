"""The list of losses as the package was built with, so that listing and completing load nothing.

`listing.tsv` is made of the registry by docs/generate.py, whose `--check` compares them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list; `applies` and `why` not: only where files are asked about."""

    loss: str
    name: str
    family: str
    tasks: tuple[str, ...]
    settings: tuple[str, ...]
    what: str
    applies: bool | None = None
    why: str | None = None


def entries() -> list[Entry]:
    """Every loss, in the order of the registry."""
    path = os.path.join(os.path.dirname(__file__), "listing.tsv")  # noqa: PTH118, PTH120  pathlib takes longer to load than this to read
    with open(path, encoding="utf-8") as file:  # noqa: PTH123  as above
        return [_parsed(line) for line in file]


def written(listed: Iterable[Entry]) -> str:
    """The text of `listing.tsv`."""
    return "".join(
        "\t".join((one.loss, one.name, one.family, " ".join(one.tasks), " ".join(one.settings),
                   one.what)) + "\n"
        for one in listed
    )  # fmt: skip


def _parsed(line: str) -> Entry:
    loss, name, family, tasks, settings, what = line.rstrip("\n").split("\t")
    return Entry(loss, name, family, tuple(tasks.split()), tuple(settings.split()), what)
