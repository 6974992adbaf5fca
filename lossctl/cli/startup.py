"""What the process sets before anything large is imported, and after; and how it speaks."""

from __future__ import annotations

import contextlib
import gc
import os
import sys


def begin() -> None:
    """Start-up makes many objects and no garbage: looking for cycles would cost a tenth of it.

    OpenBLAS starts a thread per core as NumPy is imported, for products of matrices, which
    nothing here has; that takes longer than the rest of NumPy.
    """
    gc.disable()
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def done() -> None:
    """Collect from now on, and leave alone what start-up made."""
    gc.freeze()
    gc.enable()


def say(line: str) -> None:
    """A line on stderr, where anybody listens: what cannot be said changes no result."""
    if sys.stderr is not None:  # print would take stdout
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)
