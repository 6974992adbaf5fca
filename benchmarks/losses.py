"""Nanoseconds per value of every loss and every state: `make bench-losses ARGS="mae scce"`.

In one process, on blocks that fit the cache; the unit beside the nanoseconds is a pass: the time
to copy the same bytes from memory once, in the same run. Columns are drawn from the domains of the
roles; times are the least of several runs, each with nothing remembered from the one before.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks import drawing, kept, page, reasons, specifications
from lossctl.loss import Loss, losses
from lossctl.numerics import sharing

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance-losses.md"
MOST_ROWS, MOST_VALUES = 1 << 14, 1 << 17
GROUP = 256  # rows of losses that compare each row with every other
RUNS, ENOUGH = 7, 0.2  # runs at most, and the seconds after which two are enough


def least(run: Callable[[], object]) -> float:
    """Seconds of the quickest run."""
    taken: list[float] = []
    while len(taken) < RUNS and (len(taken) < 2 or sum(taken) < ENOUGH):
        started = perf_counter()
        run()
        taken.append(perf_counter() - started)
    return min(taken)


def per_byte() -> float:
    """Seconds to read a byte: columns far larger than the cache, copied block by block."""
    column, block = np.ones(1 << 23), np.empty(MOST_ROWS)

    def once() -> None:
        for start in range(0, column.size, MOST_ROWS):
            np.copyto(block, column[start : start + MOST_ROWS])

    return min(least(once) for _ in range(3)) / column.nbytes


def keep_memory() -> None:
    """Let glibc keep what is freed, as a run of lossctl does: else every block's pages are new."""
    np.empty(31 << 20, dtype=np.uint8)


def rows_of(loss: Loss, settings: dict[str, Any]) -> int:
    """Rows of one block: as many as fit the cache."""
    if loss.scope_for((), settings) != "row" and loss.family == "embedding":
        return GROUP
    few = drawing.columns_of(loss, settings, 64)
    values = sum(array.size for array in drawing.arrays_of(few, loss.wholes)) / 64
    return int(max(GROUP, min(MOST_ROWS, MOST_VALUES / values)))


def timed(loss: Loss, byte: float) -> list[str]:
    """One line of the table."""
    settings = loss.check({})
    rows = rows_of(loss, settings)
    columns = drawing.columns_of(loss, settings, rows)
    arrays = drawing.arrays_of(columns, loss.wholes)
    values = sum(array.size for array in arrays)
    once = byte * sum(array.nbytes for array in arrays)

    def forward() -> None:
        with sharing({}):
            loss.evaluate(columns, settings)

    def backward() -> None:
        with sharing({}), np.errstate(all="ignore"):
            loss.gradient(*(columns.get(role.name) for role in loss.own_roles), **settings)  # type: ignore[misc]  # asked for only where there is one

    there = least(forward)
    cells = [f"{1e9 * there / values:.2f}", f"{there / once:.1f}"]
    slopes = loss.gradient is not None and loss.nests is None
    back = least(backward) if slopes else None
    cells += ["–", "–"] if back is None else [f"{1e9 * back / values:.2f}", f"{back / once:.1f}"]
    many = max(there, back or 0.0) / once > reasons.MANY
    return [loss.label, loss.family, f"{values / rows:.0f}", *cells,
            reasons.reason(loss.family, loss.label) if many else ""]  # fmt: skip


def states(byte: float) -> Iterator[list[str]]:
    """One line for each specification."""
    batch = specifications.block()
    for name, (specification, columns) in specifications.EXAMPLES.items():

        def make(specification: Any = specification) -> None:
            batch.memo.clear()
            with sharing({}):
                specification.make(batch)

        taken = least(make)
        made = specification.make(batch)
        joined = least(lambda made=made, spec=specification: spec.empty().merge(made).merge(made))
        values = columns * specifications.ROWS
        once = byte * 8 * values
        many = taken / once > reasons.MANY
        yield [name, str(columns), f"{1e9 * taken / values:.2f}", f"{taken / once:.1f}",
               f"{1e6 * joined:.0f}",
               reasons.STATES[type(specification).__name__] if many else ""]  # fmt: skip


HEADS = ("loss", "family", "values a row", "ns per value", "passes", "gradient, ns per value",
         "passes", "why more than a few")  # fmt: skip
STATE_HEADS = (
    "state",
    "columns",
    "ns per value",
    "passes",
    "µs to merge two",
    HEADS[-1],
)


def text(lines: list[list[str]], of_states: list[list[str]], byte: float) -> str:
    """The page."""
    blocks = [
        "# Time of every loss and every state",
        "Written by `make bench-losses ARGS=--write`, from the registry. One thread, blocks that "
        f"fit the cache (at most {MOST_ROWS:,} rows or {MOST_VALUES:,} values), the least of up "
        f"to {RUNS} runs. A *value* is one number of a column that goes with the rows; a *pass* "
        f"is the time to copy those columns from memory once, {8e9 * byte:.2f} ns per value of 8 "
        "bytes in the same run. Losses that share work (a residual, a softmax) cost less together "
        "than here, one by one. A loss of more than "
        f"{reasons.MANY} passes says why.",
        kept.machine(),
        "## Losses",
        page.table(HEADS, lines),
        "## States",
        page.table(STATE_HEADS, of_states),
    ]
    return "\n\n".join(blocks) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench-losses", description=__doc__)
    parser.add_argument(
        "losses", nargs="*", metavar="LOSS", help="only these; else all, and states"
    )
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    told = parser.parse_args()
    known = losses().values()
    unknown = set(told.losses) - {name for one in known for name in (one.name, one.label)}
    if unknown or (told.write and told.losses):
        parser.error(f"no such loss: {', '.join(sorted(unknown))}" if unknown
                     else "--write needs all of them")  # fmt: skip
    keep_memory()
    byte, lines, of_states = per_byte(), [], []
    print(f"one pass: {8e9 * byte:.2f} ns per value of 8 bytes")
    print(*HEADS, sep="\t")
    for loss in known:
        if not told.losses or {loss.name, loss.label} & set(told.losses):
            lines.append(timed(loss, byte))
            print(*lines[-1], sep="\t", flush=True)
    if not told.losses:
        print(*STATE_HEADS, sep="\t")
        for line in states(byte):
            of_states.append(line)
            print(*line, sep="\t", flush=True)
    if told.write:
        PAGE.write_text(text(lines, of_states, byte), encoding="utf-8")


if __name__ == "__main__":
    main()
