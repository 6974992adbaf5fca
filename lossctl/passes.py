"""Passes over the rows: the first reads the files; later ones read them again, or a copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Protocol, TypeAlias

import numpy as np

from lossctl.batch import Batch, joined
from lossctl.batches import Batches
from lossctl.engines import run as run_engine
from lossctl.rounds import Asked, States

LARGE = 31 << 20  # bytes: glibc learns from no block beyond 32 MiB
WORTH = 8  # blocks from which on several processes score
FROM_EACH = 1024  # rows of a batch that tell where values probably lie
MOST_PARTS = 128  # batches that such rows are kept of

Progress: TypeAlias = Callable[[int, "int | None", int], None]  # rows so far, all if known, pass


class Again(Protocol):
    """What makes later passes possible."""

    def add(self, batch: Batch) -> None:
        """Told every batch of the first pass."""
        ...

    def batches(self) -> Iterator[Batch]:
        """The same batches again, as often as wanted."""
        ...


class Reread:
    """Reads the files again: cheaper than a copy on the disk, for files that are binary."""

    def __init__(self, read: Callable[[], Iterator[Batch]]) -> None:
        self._read = read

    def add(self, batch: Batch) -> None:
        """Nothing is kept."""

    def batches(self) -> Iterator[Batch]:
        """From the files, which must not have changed."""
        return self._read()


class Passes:
    """Called with what is asked, makes the next pass. `again` is None where one is enough."""

    def __init__(
        self,
        first: Batch,
        batches: Batches,
        again: Again | None,
        workers: int,
        progress: Progress | None,
    ) -> None:
        self.first = first
        self.batches = batches
        self.again = again
        self.workers = workers
        self.progress = progress
        self.made = 0
        self._some = Some()
        _keep_memory()

    @property
    def rows(self) -> int | None:
        """How many rows there are, where the file says it."""
        return self.batches.known

    def sample(self) -> Batch | None:
        """The first rows; once all were read, some from everywhere. None: one batch is all."""
        if self.batches.scored_all_at(self.first):
            return None
        return self._some.joined() if self.made else self.first

    def __call__(self, asked: Asked) -> States:
        self.made += 1
        batches = self._reading() if self.made == 1 else self._again()
        rows = self.batches.known if self.made == 1 else self.batches.scored
        # A few blocks are not worth another process.
        alone = 0 if rows is not None and rows >= WORTH * self.first.count else WORTH
        return run_engine(batches, asked, self.workers, alone)

    def once_more(self) -> Iterator[Batch]:
        """The rows again, for who makes something of each; once all were read."""
        self.made += 1
        return self._again()

    def _reading(self) -> Iterator[Batch]:
        for batch in chain([self.first], self.batches):
            if self.again is not None:
                self.again.add(batch)
                self._some.add(batch)
            self._tell(self.batches.ledger.read[0], self.batches.known)
            yield batch
        self.batches.finish()

    def _again(self) -> Iterator[Batch]:
        if self.again is None:
            raise RuntimeError("a later pass was asked for, but nothing was kept")
        rows = 0
        for batch in self.again.batches():
            yield batch
            rows += batch.count
            self._tell(rows, self.batches.scored)

    def _tell(self, rows: int, known: int | None) -> None:
        if self.progress is not None:
            self.progress(rows, known, self.made)


class Some:
    """A few rows from everywhere: of every batch at first, then of every second, fourth, ..."""

    def __init__(self) -> None:
        self.parts: list[Batch] = []
        self.seen = 0
        self.step = 1

    def add(self, batch: Batch) -> None:
        """Keep some rows of a batch, if it is its turn."""
        if self.seen % self.step == 0:
            some = np.zeros(batch.count, dtype=bool)
            some[:: max(batch.count // FROM_EACH, 1)] = True
            self.parts.append(batch.take(some))
            if len(self.parts) > MOST_PARTS:
                self.parts = self.parts[::2]
                self.step *= 2
        self.seen += 1

    def joined(self) -> Batch:
        """All that were kept, as one batch."""
        self.parts = [joined(self.parts, frozenset())]
        return self.parts[0]


def _keep_memory() -> None:
    """Have the C library keep the memory of arrays that are freed, for the next ones.

    glibc gives a block of the system's memory back when it is freed, unless so large a one was
    freed before; every batch would then pay for fresh pages. What is not touched costs nothing.
    """
    np.empty(LARGE, dtype=np.uint8)
