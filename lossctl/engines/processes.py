"""Several processes score: this one reads, gives batches to the others, and scores what they cannot
take. Python's threads would wait for each other at every step of NumPy's.

The others are copies of this process (fork), so that nothing has to be sent before batches are.
These go through memory that is shared, and the states come back as the JSON that every state has.
"""

from __future__ import annotations

import contextlib
import io
import json
import mmap
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from lossctl import errors
from lossctl.batch import Batch
from lossctl.errors import DataError, LossctlError
from lossctl.flat import Flat, filled, flattened
from lossctl.rounds import Asked, States, grow

SLOTS = 2  # batches that wait for one process
ROOM = 1.25  # bytes of a slot, by those of the first batch

SIGNALS = {signal.SIGINT, signal.SIGTERM}
READER = "ahead"  # names of threads that read files


def possible() -> bool:
    """Whether this process can be copied: Linux, and no thread that may hold a lock of Python's.

    The threads that read hold none that scoring needs; those of Arrow and OpenBLAS, which
    nothing but the program has (see `Plan.processes`), are made to be copied.
    """
    others = (one for one in threading.enumerate() if one is not threading.main_thread())
    return sys.platform == "linux" and all(one.name.startswith(READER) for one in others)


def run(batches: Iterable[Batch], asked: Asked, workers: int, alone: int = 0) -> States:
    """As `serial.run`, by `workers` processes, but `alone` for the first batches. An error in
    reading or scoring is raised here."""
    coming = iter(batches)
    own: dict[Any, Any] = {spec: spec.empty() for spec in asked}
    for batch in islice(coming, alone):
        grow(own, batch)
    head = next(coming, None)
    if head is None:
        return own
    others: list[_Other] = []
    try:
        if possible():
            others += (_Other(head, asked) for _ in range(workers - 1))
        for batch in chain([head], coming):
            if not others or not _taken(others, batch):
                grow(own, batch)
        for other in others:
            for spec, state in zip(asked, other.states(), strict=True):
                own[spec] = own[spec].merge(type(own[spec]).from_json(state))
    finally:
        for other in others:
            other.end()
    return own


def _taken(others: list[_Other], batch: Batch) -> bool:
    """Give a batch to one of them; False if none can take it."""
    flat, arrays = flattened(batch)
    return any(other.take(flat, arrays) for other in others)


class _Other:
    """Another process, as this one sees it."""

    def __init__(self, head: Batch, asked: Asked) -> None:
        self.like, arrays = flattened(head)
        size = int(ROOM * sum(array.nbytes for array in arrays)) + mmap.PAGESIZE
        self.slots = [mmap.mmap(-1, size) for _ in range(SLOTS)]
        self.free = list(range(SLOTS))
        theirs, ours = os.pipe(), os.pipe()
        # What Python runs around a fork would swallow the exception of a signal.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        self.number = os.fork()
        if self.number == 0:
            os.close(theirs[1])
            os.close(ours[0])
            _serve(self, asked, theirs[0], ours[1])
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(theirs[0])
        os.close(ours[1])
        self.orders = io.FileIO(theirs[1], "w")
        self.answers = io.FileIO(ours[0])
        os.set_blocking(ours[0], False)

    def take(self, flat: Flat, arrays: list[Any]) -> bool:
        """Give it a batch; False if it has enough to do, or the batch is unlike the first."""
        while (freed := self.answers.read(1)) is not None:
            if freed in (b"", b"\n"):  # it ends before its time
                next(self._answers(begun=True))
            self.free += freed
        size = sum(array.nbytes for array in arrays)
        if not self.free or size > len(self.slots[0]) or not _alike(flat.hollow, self.like.hollow):
            return False
        slot = self.free.pop()
        view, start = np.frombuffer(self.slots[slot], dtype=np.uint8), 0
        for array in arrays:
            view[start : start + array.nbytes] = array
            start += array.nbytes
        shapes = [[dtype.str, shape] for dtype, shape in flat.shapes]
        self._tell({"slot": slot, "first": flat.first, "count": flat.count, "shapes": shapes})
        return True

    def states(self) -> Iterator[Any]:
        """The states of all that it was given, as JSON."""
        self._tell(None)
        return self._answers()

    def _answers(self, begun: bool = False) -> Iterator[Any]:
        """What it says at its end, a line for each state; its error is raised."""
        os.set_blocking(self.answers.fileno(), True)
        line = b""
        with io.BufferedReader(self.answers) as lines:
            if not begun:
                lines.readline()  # slots that it has freed since
            for line in lines:
                answer = json.loads(line)
                if "error" in answer:
                    raise getattr(errors, answer["error"], RuntimeError)(*answer["said"])
                yield answer
        if not line:
            raise _ended()

    def _tell(self, order: Any) -> None:
        try:
            self.orders.write(json.dumps(order).encode() + b"\n")
        except BrokenPipeError:
            next(self._answers())

    def end(self) -> None:
        """It has nothing to do any more."""
        self.orders.close()
        self.answers.close()
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.number, signal.SIGKILL)
            os.waitpid(self.number, 0)


def _alike(one: Batch, other: Batch) -> bool:
    """Whether two batches are made of arrays in the same way."""
    return _form(one) == _form(other)


def _form(hollow: Batch) -> tuple[object, ...]:
    columns = {
        role: id(column) if role in hollow.wholes else type(column)
        for role, column in hollow.columns.items()
    }
    optional = (hollow.weight is None, hollow.target_rows is None, type(hollow.ids))
    return columns, optional, hollow.order is hollow.rows


def _ended() -> DataError:
    return DataError("a scoring process was ended from outside", "--threads 1 needs only one")


def _serve(me: _Other, asked: Asked, orders: int, answers: int) -> None:
    """What the other process does, until it is ended. Never returns."""
    try:
        # ^C goes to all: the process that reads says what follows, and ends this one.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        with os.fdopen(answers, "wb") as stream:
            for told in _scored(me, asked, orders, answers):
                stream.write(b"\n" + json.dumps(told).encode())
            stream.write(b"\n")
    finally:
        os._exit(0)


def _scored(me: _Other, asked: Asked, orders: int, answers: int) -> Iterator[Any]:
    """The states of the batches that come, or the error that one of them raised."""
    states: dict[Any, Any] = {spec: spec.empty() for spec in asked}
    try:
        with os.fdopen(orders, "rb") as stream:
            for line in stream:
                order = json.loads(line)
                if order is None:
                    break
                slot = order["slot"]
                batch = _batch(me.like.hollow, me.slots[slot], order)
                os.write(answers, bytes([slot]))
                grow(states, batch)
    except LossctlError as problem:
        yield {"error": type(problem).__name__, "said": [problem.what, problem.fix]}
    except Exception as problem:
        yield {"error": "", "said": [f"{type(problem).__name__}: {problem}"]}
    else:
        for spec in asked:
            yield states.pop(spec).to_json()


def _batch(hollow: Batch, memory: mmap.mmap, order: Any) -> Batch:
    """The batch of an order, copied out of the shared memory, which is then free."""
    shapes = [(np.dtype(kind), tuple(shape)) for kind, shape in order["shapes"]]
    arrays, start = [], 0
    for kind, shape in shapes:
        count = int(np.prod(shape))
        arrays.append(np.frombuffer(memory, kind, count, start).reshape(shape).copy())
        start += count * kind.itemsize
    return filled(Flat(hollow, order["first"], order["count"], shapes), iter(arrays))
