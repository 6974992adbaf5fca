"""Whole processes against others, in pairs A B A B, so that a busy machine slows both alike.

A comparison counts only after both have given the same digits. Nothing but the standard library
is imported here: Linux counts the parent's memory towards a child's peak.
"""

from __future__ import annotations

import argparse
import compileall
import json
import math
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
SAMPLES = ROOT / "sample_data" / "diabetes"
PAGE = ROOT / "docs" / "performance.md"
SEVEN = ("mae", "mse", "rmse", "huber", "log_cosh", "mape:scale=1", "max_error")
MILLION = 1_000_000
CLOSE = 1e-9  # relative; plain float64 sums of ten million values are good to about 1e-13
LIMIT_MB = 300

Command = list[str]
Values = Mapping[str, float]


@dataclass(frozen=True)
class Run:
    """One process: wall seconds, peak memory in MB, what it printed."""

    seconds: float
    peak: float
    output: str


@dataclass(frozen=True)
class Comparison:
    """lossctl against something else. `digits` reads what lossctl printed, where both print."""

    name: str
    what: str
    ours: Command
    theirs: Command
    digits: Callable[[str], Values] | None = None


def lossctl(*arguments: str) -> Command:
    return [str(Path(sys.executable).parent / "lossctl"), *arguments]


def peer(name: str, *arguments: str) -> Command:
    return [sys.executable, str(HERE / "peers" / f"{name}.py"), *arguments]


def comparisons(data: Data) -> list[Comparison]:
    csv = [str(SAMPLES / "ridge.csv"), str(SAMPLES / "target.csv")]
    ask = [word for loss in SEVEN for word in ("-l", loss)]
    npy = data.lazily(10 * MILLION)
    return [
        Comparison(
            "help",
            "`lossctl --help` / a Typer program of ten empty commands, `--help`",
            lossctl("--help"),
            peer("typer_ten", "--help"),
        ),
        Comparison(
            "csv-empty",
            "`lossctl eval`, 442 rows of CSV, table / an empty command that imports numpy, "
            "pyarrow.csv and rich.table",
            lossctl("eval", *csv, "-f", "table"),
            peer("typer_one"),
        ),
        Comparison(
            "csv-sklearn",
            "`lossctl eval`, 442 rows of CSV / the same nine losses with pandas and scikit-learn",
            lossctl("eval", *csv, "-f", "tsv"),
            peer("sklearn_csv", *csv),
            tsv_values,
        ),
        Comparison(
            "npy-sklearn",
            "`lossctl eval`, 10 M rows of NPY, 7 losses, the whole report / the same seven losses "
            "with NumPy and scikit-learn",
            lossctl("eval", *npy, *ask, "-f", "tsv"),
            peer("sklearn_npy", *npy),
            tsv_values,
        ),
        Comparison(
            "npy-values",
            "the same, values only (`-b`) / the same",
            lossctl("eval", *npy, *ask, "-b", "-p", "17"),
            peer("sklearn_npy", *npy),
            bare_values,
        ),
    ]


# --- processes --------------------------------------------------------------------------------


def measure(command: Command) -> Run:
    """Run to the end. Exits with what it printed if it fails."""
    environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1"}
    with tempfile.TemporaryFile() as out:
        streams = [(os.POSIX_SPAWN_DUP2, out.fileno(), stream) for stream in (1, 2)]
        started = perf_counter()
        child = os.posix_spawn(command[0], command, environment, file_actions=streams)
        _, status, usage = os.wait4(child, 0)
        seconds = perf_counter() - started
        out.seek(0)
        output = out.read().decode("utf-8", "replace")
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{' '.join(command)} failed:\n{output}")
    unit = 1 if platform.system() == "Darwin" else 1024
    return Run(seconds, usage.ru_maxrss * unit / 1e6, output)


def tsv_values(output: str) -> Values:
    heads, *lines = (line.split("\t") for line in output.splitlines() if "\t" in line)
    loss, value = heads.index("loss"), heads.index("value")
    return {line[loss].partition(":")[0]: float(line[value]) for line in lines}


def bare_values(output: str) -> Values:
    numbers = [
        line.split()[-1] for line in output.splitlines() if line and line[0] in "-0123456789"
    ]
    names = (loss.partition(":")[0] for loss in SEVEN)
    return dict(zip(names, map(float, numbers), strict=True))


def same_digits(ours: Values, theirs: Values) -> str:
    """The largest relative difference, in words. Exits where one is not small."""
    if set(ours) != set(theirs):
        sys.exit(f"different losses: {sorted(ours)} and {sorted(theirs)}")
    worst = 0.0
    for name, value in theirs.items():
        if not math.isclose(ours[name], value, rel_tol=CLOSE, abs_tol=1e-12):
            sys.exit(f"{name}: lossctl says {ours[name]!r}, the peer {value!r}")
        worst = max(worst, abs(ours[name] - value) / max(abs(value), 1e-300))
    return f"{worst:.0e}"


@dataclass(frozen=True)
class Data:
    """NPY files of a folder, made when they are first needed."""

    folder: Path

    def lazily(self, rows: int) -> list[str]:
        return [str(self.folder / str(rows) / f"{side}.npy") for side in ("pred", "target")]

    def make(self, command: Command) -> None:
        """The files that a command names."""
        for word in command:
            path = Path(word)
            if path.suffix == ".npy" and self.folder in path.parents and not path.exists():
                print(f"making {int(path.parent.name):,} rows ...", file=sys.stderr)
                measure([sys.executable, str(HERE / "data.py"), str(path.parent), path.parent.name])


# --- results ----------------------------------------------------------------------------------


def compare(one: Comparison, pairs: int, data: Data) -> list[str]:
    """One line of the table."""
    data.make(one.ours)
    ours, theirs = measure(one.ours), measure(one.theirs)  # not counted: files come into the cache
    digits = "–"
    if one.digits is not None:
        digits = same_digits(one.digits(ours.output), json.loads(theirs.output))
    made = [(measure(one.ours), measure(one.theirs)) for _ in range(pairs)]
    ratios = [a.seconds / b.seconds for a, b in made]
    seconds = [statistics.median(run.seconds for run in side) for side in zip(*made, strict=True)]
    peaks = [max(run.peak for run in side) for side in zip(*made, strict=True)]
    return [
        one.name,
        one.what,
        f"**{statistics.median(ratios):.2f}** ({min(ratios):.2f} to {max(ratios):.2f})",
        f"{seconds[0]:.3f} / {seconds[1]:.3f}",
        f"{peaks[0]:.0f} / {peaks[1]:.0f}",
        digits,
    ]


def memory(data: Data, millions: int) -> list[str]:
    """One line: peak memory and time of the whole report, and of the values alone."""
    files = data.lazily(millions * MILLION)
    ask = [word for loss in SEVEN for word in ("-l", loss)]
    data.make(files)
    full = measure(lossctl("eval", *files, *ask, "-f", "tsv"))
    bare = measure(lossctl("eval", *files, *ask, "-b"))
    return [
        f"{millions} M",
        f"{16 * millions} MB",
        f"{full.peak:.0f} MB, {full.seconds:.2f} s",
        f"{bare.peak:.0f} MB, {bare.seconds:.2f} s",
    ]


def table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def machine() -> str:
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = found[0].partition(": ")[2] if found else model
    names = ("numpy", "pyarrow", "pandas", "scikit-learn", "typer", "rich")
    libraries = ", ".join(f"{name} {version(name)}" for name in names)
    return (
        f"{model}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, {libraries}; lossctl {version('lossctl')}"
    )


NAMES = ("help", "csv-empty", "csv-sklearn", "npy-sklearn", "npy-values", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time lossctl against other whole processes.")
    parser.add_argument("--pairs", type=int, default=11, help="how many pairs A B (default 11)")
    parser.add_argument("--only", action="append", choices=NAMES, help="only this one; repeatable")
    parser.add_argument("--data", type=Path, help="keep the large files here (1 GB)")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    options = parser.parse_args()
    if options.pairs < 1:
        parser.error("--pairs must be at least 1")
    if options.write and options.only:
        parser.error("--write needs all of them: leave out --only")
    compileall.compile_dir(ROOT / "lossctl", quiet=1)  # as an installed package is
    if options.data is not None:
        page = report(Data(options.data.resolve()), options)
    else:
        with tempfile.TemporaryDirectory(prefix="lossctl-bench-") as folder:
            page = report(Data(Path(folder).resolve()), options)
    if options.write:
        PAGE.write_text(page, encoding="utf-8")


def report(data: Data, options: Any) -> str:
    """The page; what is measured is printed as soon as it is known."""
    wanted = options.only or NAMES
    blocks = [
        "# Performance",
        "Written by `make bench ARGS=--write`. Each ratio is lossctl's time over the other's, "
        f"whole processes from start to exit, the median of {options.pairs} pairs run in turn "
        "(and the least and the greatest). Below 1, lossctl is faster. Seconds are medians, "
        "memory is the peak of the process. Digits: the largest relative difference between the "
        "two, checked before any time counts.",
        machine(),
    ]
    rows = []
    for one in comparisons(data):
        if one.name in wanted:
            rows.append(compare(one, options.pairs, data))
            print(*rows[-1], sep=" | ", flush=True)
    if rows:
        heads = ["name", "lossctl / the other", "ratio", "seconds", "peak MB", "digits"]
        blocks.append(table(heads, rows))
    if "memory" in wanted:
        rows = []
        for millions in (1, 10, 50):
            rows.append(memory(data, millions))
            print("memory", *rows[-1], sep=" | ", flush=True)
        heads = ["rows", "files", "whole report", "values only (`-b`)"]
        blocks += [f"Two NPY files, the same seven losses. Aim: flat, under {LIMIT_MB} MB.",
                   table(heads, rows)]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    main()
