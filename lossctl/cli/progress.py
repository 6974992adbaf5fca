"""A progress line on stderr, when a terminal has waited for more than a second."""

from __future__ import annotations

import sys
from time import monotonic

PATIENCE = 1.0
INTERVAL = 0.2


class Progress:
    """Called with the rows of a pass so far, their number if known, and the pass; wipes its line
    at the end."""

    def __init__(self, *, quiet: bool) -> None:
        self.shown = False
        self.live = not quiet and sys.stderr is not None and sys.stderr.isatty()
        self.began = monotonic()
        self.number = 1
        self.last = self.began + PATIENCE - INTERVAL

    def __enter__(self) -> Progress:
        return self

    def __call__(self, rows: int, total: int | None, number: int = 1) -> None:
        if not self.live:
            return
        now = monotonic()
        if now - self.last < INTERVAL:
            return
        self.last = now
        if number != self.number:
            self.number, self.began = number, now
            return
        rate = rows / max(now - self.began, 1e-9)
        text = f"lossctl: {rows:,} rows".replace(",", " ") + f", {rate / 1e6:.2g} M rows/s"
        if number > 1:
            text = text.replace("lossctl:", f"lossctl: pass {number},")
        if total:
            text += f", {max(total - rows, 0) / max(rate, 1e-9):.0f} s left"
        sys.stderr.write(f"\r\x1b[2K{text}")
        sys.stderr.flush()
        self.shown = True

    def __exit__(self, *error: object) -> None:
        if self.shown:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
