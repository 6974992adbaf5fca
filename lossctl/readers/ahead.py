"""Work done ahead in threads, its results taken in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import BinaryIO, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

PIECES = 3  # of a stream that are read ahead: with one, the threads wait for each other


def in_order(
    items: Iterable[Item], work: Callable[[Item], Result], threads: int
) -> Iterator[tuple[Item, Result]]:
    """Each item with its `work`, in order; `threads` of them are worked on at a time.

    Items are made in the caller's thread, at most 2 `threads` + 1 ahead: an error of theirs is
    raised after the items before it. The threads have ended when the iterator has, however it
    ends; none of them waits for anything but work.
    """
    coming = iter(items)
    error: Exception | None = None
    waiting: deque[tuple[Item, Future[Result]]] = deque()
    pool = ThreadPoolExecutor(threads, "ahead")
    try:
        ended = False
        while True:
            while not ended and len(waiting) <= 2 * threads:
                try:
                    item = next(coming)
                except StopIteration:
                    ended = True
                except Exception as found:
                    error, ended = found, True
                else:
                    waiting.append((item, pool.submit(work, item)))
            if not waiting:
                break
            item, result = waiting.popleft()
            yield item, result.result()
        if error is not None:
            raise error
    finally:
        pool.shutdown(cancel_futures=True)


class ReadAhead:
    """A stream of which a thread reads the next pieces while the last one is used.

    Only for streams whose reads end by themselves (of a regular file, not of a pipe), as closing
    waits for the one under way. An error of the stream is raised where it stands; nothing may be
    read after it.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._pool: ThreadPoolExecutor | None = None
        self._coming: deque[Future[bytes]] = deque()

    def read(self, size: int) -> bytes:
        """About `size` more bytes; b"" at the end."""
        if self._coming:
            data = self._coming.popleft().result()
        else:
            data = self._stream.read(size)
            if len(data) < size:  # most files are no longer, and need no thread
                return data
        if data:
            self._pool = self._pool or ThreadPoolExecutor(1, "ahead")
            while len(self._coming) < PIECES:
                self._coming.append(self._pool.submit(self._stream.read, size))
        return data

    def close(self) -> None:
        """Release the file."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        self._stream.close()
