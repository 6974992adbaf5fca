"""One thread: each batch in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lossctl.batch import Batch
from lossctl.numerics import sharing
from lossctl.rounds import Asked, States
from lossctl.states import grown


def run(batches: Iterable[Batch], asked: Asked) -> States:
    """The states of all rows: made from each batch, merged."""
    states: dict[Any, Any] = {spec: spec.empty() for spec in asked}
    for batch in batches:
        score(batch, states)
    return states


def score(batch: Batch, states: dict[Any, Any]) -> None:
    """Let every state grow by a batch's rows; what they have in common is computed once."""
    # States count what float64 cannot hold.
    with np.errstate(all="ignore"), sharing(getattr(batch, "memo", {})):
        for spec, state in states.items():
            states[spec] = grown(spec, state, batch)
