"""What there is to measure: names, and functions that give the rows to keep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.files import Files
from benchmarks.kept import Row
from benchmarks.measuring import apart, in_turn, measure, rows_apart
from benchmarks.workloads import WORKLOADS, Comparison

ONE_ROW_RUNS = 5  # at most so many pairs of the start-up that is taken off


@dataclass(frozen=True)
class Task:
    """One row of the page."""

    name: str
    run: Callable[[], Row]


def comparisons(files: Files, pairs: int) -> Iterator[Task]:
    """W1 to W7, and W9."""
    for workload, (_, make) in WORKLOADS.items():
        for one in make(files):
            yield Task(one.name, partial(compare, workload, one, pairs, files))


def compare(workload: str, one: Comparison, pairs: int, files: Files) -> Row:
    """Digits first, then every time of both, then those of a file of one row."""
    row: Row = {"name": one.name, "kind": "comparison", "workload": workload, "what": one.what,
                "group": one.group, "bar": one.bar, "most": one.most, "digits": None,
                "one": None}  # fmt: skip
    if one.lacks:
        return {**row, "kind": "left out", "lacks": list(one.lacks)}
    files.make(one.ours, one.theirs)
    try:
        return row | _measured(one, pairs, files)
    finally:
        for path in one.writes or ():
            Path(path).unlink(missing_ok=True)


def _measured(one: Comparison, pairs: int, files: Files) -> Row:
    row: Row = {}
    ours, theirs = measure(one.ours), measure(one.theirs)  # not counted: files become cached
    if one.reads is not None:
        mine, other = one.reads
        row["digits"] = apart(mine(ours.output), other(theirs.output), one.close)
    if one.writes is not None:
        row["digits"] = rows_apart(*one.writes, one.close)
    row["ours"], row["theirs"] = in_turn(one.ours, one.theirs, pairs, one.writes)
    if one.one is not None:
        files.make(*one.one)
        row["one"] = in_turn(*one.one, min(pairs, ONE_ROW_RUNS))
    return row
