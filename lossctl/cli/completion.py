"""Shell completion, without importing NumPy: the losses' names come from a generated list."""

from __future__ import annotations


def complete_loss(incomplete: str) -> list[str]:
    """Names of losses; after a comma, of the last one."""
    head, comma, last = incomplete.rpartition(",")
    from lossctl.listing import entries

    listed = entries()
    names = dict.fromkeys([*(one.loss for one in listed), *(one.name for one in listed)])
    return [head + comma + name for name in names if name.startswith(last)]


def complete_format(incomplete: str) -> list[str]:
    """Names of output formats."""
    from lossctl.renderers import FORMATS

    return [name for name in FORMATS if name.startswith(incomplete)]


def complete_requirement(incomplete: str) -> list[str]:
    """The losses of a requirement such as `rmse=3.2`, up to its `=`."""
    return [f"{name}=" for name in complete_loss(incomplete)] if "=" not in incomplete else []
