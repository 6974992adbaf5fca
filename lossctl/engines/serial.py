"""One thread: each batch in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lossctl.batch import Batch
from lossctl.rounds import Asked, States, grow


def run(batches: Iterable[Batch], asked: Asked) -> States:
    """The states of all rows: made from each batch, merged."""
    states: dict[Any, Any] = {spec: spec.empty() for spec in asked}
    for batch in batches:
        grow(states, batch)
    return states
