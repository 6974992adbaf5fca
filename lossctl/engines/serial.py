"""One thread: each batch in turn."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from lossctl.batch import Batch
from lossctl.rounds import Asked, States


def run(batches: Iterable[Batch], asked: Asked) -> States:
    """The states of all rows: made from each batch, merged."""
    states: dict[Any, Any] = {spec: spec.empty() for spec in asked}
    for batch in batches:
        with np.errstate(all="ignore"):  # states count what float64 cannot hold
            for spec in asked:
                states[spec] = states[spec].merge(spec.make(batch))
    return states
