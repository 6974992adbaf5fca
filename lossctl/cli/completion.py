"""Shell completion, without importing NumPy: the losses' names come from a generated list."""

from __future__ import annotations

from pathlib import Path


def complete_loss(incomplete: str) -> list[str]:
    """Names of losses; after a comma, of the last one."""
    head, comma, last = incomplete.rpartition(",")
    names = (Path(__file__).parent / "losses.txt").read_text(encoding="utf-8").split()
    return [head + comma + name for name in names if name.startswith(last)]


def complete_format(incomplete: str) -> list[str]:
    """Names of output formats."""
    from lossctl.renderers import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]
