"""Whole processes, one after the other: seconds, processor seconds, peak memory, what they print.

Nothing but the standard library is imported here: Linux counts the parent's memory towards a
child's peak.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import IO

HERE = Path(__file__).resolve().parent
Command = list[str]
Values = Mapping[str, float]
Figures = list[float]  # wall seconds, processor seconds, peak MB: what is kept of a run


class NoFigureError(Exception):
    """A program failed, or two that should say the same do not."""


@dataclass(frozen=True)
class Run:
    """One process, from start to exit."""

    seconds: float
    processor: float
    peak: float  # MB
    output: str

    @property
    def figures(self) -> Figures:
        return [round(self.seconds, 6), round(self.processor, 6), round(self.peak, 3)]


def measure(command: Command) -> Run:
    """Run to the end. Raises NoFigureError, with what it printed, if it fails."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        streams = [(os.POSIX_SPAWN_DUP2, file.fileno(), to) for to, file in ((1, out), (2, err))]
        started = perf_counter()
        child = os.posix_spawn(command[0], command, environment, file_actions=streams)
        _, status, usage = os.wait4(child, 0)
        seconds = perf_counter() - started
        output = _text(out)
        if os.waitstatus_to_exitcode(status) != 0:
            raise NoFigureError(f"{' '.join(command)} failed:\n{output}{_text(err)}")
    unit = 1 if platform.system() == "Darwin" else 1024
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6, output)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def in_turn(
    ours: Command, theirs: Command, pairs: int, writes: tuple[str, str] | None = None
) -> tuple[list[Figures], list[Figures]]:
    """A B A B ..., so that a busy machine slows both alike; every run is kept.

    What they write is not there before: file systems wait for the disk where a file takes the place
    of another.
    """
    made: tuple[list[Figures], list[Figures]] = [], []
    for _ in range(pairs):
        for command, figures in zip((ours, theirs), made, strict=True):
            for path in writes or ():
                Path(path).unlink(missing_ok=True)
            figures.append(measure(command).figures)
    return made


# --- digits -----------------------------------------------------------------------------------


def table_values(output: str) -> Values:
    """Loss by loss what `eval -f tsv` prints, settings left off the names."""
    heads, *lines = (line.split("\t") for line in output.splitlines() if "\t" in line)
    loss, value = heads.index("loss"), heads.index("value")
    return {line[loss].partition(":")[0]: float(line[value]) for line in lines}


def bare_values(output: str, names: list[str]) -> Values:
    """What `eval -b -p 17` prints: a number a line, in the order asked for."""
    return dict(zip(names, map(float, output.split()), strict=True))


def apart(ours: Values, theirs: Values, close: float) -> float:
    """The largest relative difference. Raises NoFigureError where one is above `close`."""
    if set(ours) != set(theirs):
        raise NoFigureError(f"different losses: {sorted(ours)} and {sorted(theirs)}")
    worst = 0.0
    for name, value in theirs.items():
        if not math.isclose(ours[name], value, rel_tol=close, abs_tol=1e-12):
            raise NoFigureError(f"{name}: lossctl says {ours[name]!r}, the other {value!r}")
        worst = max(worst, abs(ours[name] - value) / max(abs(value), 1e-300))
    return worst


def rows_apart(ours: str, theirs: str, close: float) -> float:
    """The largest relative difference of two Parquet files of rows, which another process compares.
    Raises NoFigureError where a column is further apart than `close`."""
    found: dict[str, float] = json.loads(
        measure([sys.executable, str(HERE / "rows.py"), ours, theirs]).output
    )
    for name, far in found.items():
        if not far <= close:
            raise NoFigureError(f"{name}: rows are {far:.1e} apart")
    return max(found.values())
