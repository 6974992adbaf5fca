"""Several threads score while the caller's thread reads; the same two functions, the same bits."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable
from typing import Any

from lossctl.batch import Batch
from lossctl.rounds import Asked, States, grow


def run(batches: Iterable[Batch], asked: Asked, threads: int) -> States:
    """As `serial.run`, with `threads` workers. An error in reading or scoring is raised here."""
    waiting: queue.Queue[Batch | None] = queue.Queue(maxsize=2 * threads)
    workers = [_Worker(waiting, asked) for _ in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for batch in batches:
            if any(worker.error is not None for worker in workers):
                break
            waiting.put(batch)
    finally:
        for _ in workers:
            waiting.put(None)
        for worker in workers:
            worker.join()
    for worker in workers:
        if worker.error is not None:
            raise worker.error
    states = workers[0].states
    for worker in workers[1:]:
        states = {spec: states[spec].merge(worker.states[spec]) for spec in asked}
    return states


class _Worker(threading.Thread):
    """Takes batches until there are no more; after an error it only drains the queue."""

    def __init__(self, waiting: queue.Queue[Batch | None], asked: Asked) -> None:
        super().__init__(daemon=True)
        self.waiting = waiting
        self.states: dict[Any, Any] = {spec: spec.empty() for spec in asked}
        self.error: BaseException | None = None

    def run(self) -> None:
        while (batch := self.waiting.get()) is not None:
            if self.error is not None:
                continue
            try:
                grow(self.states, batch)
            except BaseException as error:
                self.error = error
