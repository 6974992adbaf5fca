"""Passes over the rows: the first reads the files and keeps what it bound, later ones read that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from lossctl.batch import Batch
from lossctl.batches import Batches
from lossctl.engines import run as run_engine
from lossctl.rounds import Asked, States
from lossctl.spool import Spool

SAMPLED = 1 << 15  # rows that tell where values probably lie

Progress: TypeAlias = Callable[[int, "int | None", int], None]  # rows so far, all if known, pass


class Passes:
    """Called with what is asked, makes the next pass. `spool` is None where one pass is enough."""

    def __init__(
        self,
        first: Batch,
        batches: Batches,
        spool: Spool | None,
        threads: int,
        progress: Progress | None,
    ) -> None:
        self.first = first
        self.batches = batches
        self.spool = spool
        self.threads = threads
        self.progress = progress
        self.made = 0
        self._sample: Batch | None = None

    @property
    def rows(self) -> int | None:
        """How many rows there are, where the file says it."""
        return self.batches.known

    def sample(self) -> Batch | None:
        """The first rows; once all were read, some from everywhere. None: one batch is all."""
        if self.batches.scored_all_at(self.first):
            return None
        if self.made == 0 or self.spool is None:
            return self.first
        if self._sample is None:
            self._sample = self.spool.sample(SAMPLED)
        return self._sample

    def __call__(self, asked: Asked) -> States:
        self.made += 1
        # One block is not worth a thread.
        threads = 1 if self.batches.scored_all_at(self.first) else self.threads
        return run_engine(self._reading() if self.made == 1 else self._again(), asked, threads)

    def _reading(self) -> Iterator[Batch]:
        if self.spool is not None:
            self.spool.add(self.first)
        yield self.first
        for batch in self.batches:
            if self.spool is not None:
                self.spool.add(batch)
            self._tell(self.batches.ledger.read[0], self.batches.known)
            yield batch
        self.batches.finish()

    def _again(self) -> Iterator[Batch]:
        if self.spool is None:
            raise RuntimeError("a later pass was asked for, but nothing was kept")
        rows = 0
        for batch in self.spool.batches():
            yield batch
            rows += batch.count
            self._tell(rows, self.batches.scored)

    def _tell(self, rows: int, known: int | None) -> None:
        if self.progress is not None:
            self.progress(rows, known, self.made)
