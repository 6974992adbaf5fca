"""How a pass over the rows is made. Every engine gives the same bits."""

from __future__ import annotations

from collections.abc import Iterable

from lossctl.batch import Batch
from lossctl.engines import processes, serial
from lossctl.rounds import Asked, States


def run(batches: Iterable[Batch], asked: Asked, workers: int, alone: int = 0) -> States:
    """The states that were asked for, over all batches; of the first, by this process `alone`."""
    if workers <= 1:
        return serial.run(batches, asked)
    return processes.run(batches, asked, workers, alone)
