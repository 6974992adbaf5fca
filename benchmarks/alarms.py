"""How often `check` alarms by chance, and how often it catches a regression, by simulation:
`make alarms ARGS="--runs 100 --only equal"`, or `--write`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing import Pool
from pathlib import Path

from benchmarks import alarms_page
from benchmarks.alarms_models import SAMPLES
from benchmarks.alarms_runs import (
    ALL,
    EQUAL,
    POWER,
    SEQUENTIAL,
    STEPS,
    Cell,
    Counts,
    Key,
    cells,
    done,
    known,
)
from benchmarks.alarms_words import ERRORS, LEAST, MOST, error

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "alarms.md"
RUNS, SEED = 1000, 20240601
PROCESSES = 2
BATCH = 100  # builds that a process does at once


@dataclass(frozen=True)
class Line:
    """One requirement (or build of five) of one cell: how many builds did what."""

    cell: Cell
    key: Key
    seen: Counter[str]

    @property
    def runs(self) -> int:
        return self.seen["runs"]

    def share(self, what: str) -> float:
        return self.seen[what] / self.runs

    def above(self, what: str) -> bool:
        """Whether false alarms are surely too many."""
        return self.share(what) > MOST + ERRORS * error(MOST, self.runs)

    def below(self, what: str) -> bool:
        """Whether regressions are surely missed too often."""
        return self.share(what) < LEAST - ERRORS * error(LEAST, self.runs)


@dataclass(frozen=True)
class Bar:
    """A demand, the lines that it is about, those that fail it, and those that fail it before
    the simulation's own noise is allowed for."""

    words: str
    about: Sequence[Line]
    failing: Sequence[Line]
    plainly: int
    what: str = "1"  # which share it is about

    @property
    def text(self) -> str:
        held = len(self.about) - len(self.failing)
        return f"{self.words}: {held:,} of {len(self.about):,} ({self.plainly:,} by bare numbers)"


def bars(lines: Sequence[Line]) -> tuple[Bar, ...]:
    equal = [one for one in lines if one.cell.part == EQUAL]
    full = [one for one in lines
            if one.cell.part == POWER and one.key.own and one.key.k == STEPS[-1]]  # fmt: skip
    looks = [one for one in lines if one.cell.part == SEQUENTIAL and not one.key.k]
    caught = [one for one in full if one.key.loss != ALL]
    five = [one for one in full if one.key.loss == ALL]
    return (
        Bar("(a) exit 1 in at most 5 % of the builds of equal models", equal,
            [one for one in equal if one.above("1")],
            sum(one.share("1") <= MOST for one in equal)),
        Bar("(b) a loss 3 standard errors beyond its margin ends with 1 in at least 80 %", caught,
            [one for one in caught if one.below("1")],
            sum(one.share("1") >= LEAST for one in caught)),
        Bar("(c) so does a build of five that all are", five,
            [one for one in five if one.below("1")],
            sum(one.share("1") >= LEAST for one in five)),
        Bar("(d) any look of `--sequential` alarms in at most 5 % of the sequences", looks,
            [one for one in looks if one.above("sequential")],
            sum(one.share("sequential") <= MOST for one in looks), "sequential"),
    )  # fmt: skip


def verdict(lines: Sequence[Line]) -> str:
    """The last line."""
    found = [bar for bar in bars(lines) if bar.about]
    held = all(not bar.failing for bar in found)
    return f"The bars {'hold' if held else 'do not all hold'}. {'; '.join(b.text for b in found)}."


def _measured(cell: Cell, seed: int, samples: int) -> Cell:
    return known(cell, seed, samples)


def _done(job: tuple[Cell, range], seed: int) -> tuple[Cell, range, Counts]:
    cell, numbers = job
    return cell, numbers, done(cell, seed, numbers)


def simulated(
    runs: int, seed: int, only: str, said: Callable[[str], None], samples: int = SAMPLES
) -> list[Line]:
    """Every line, with what was seen of it."""
    whole: dict[tuple[Cell, Key], Counter[str]] = {}
    with Pool(PROCESSES) as pool:
        chosen = [one for one in cells() if only in one.name]
        chosen = pool.map(partial(_measured, seed=seed, samples=samples), chosen, chunksize=1)
        jobs = [(cell, range(first, min(first + BATCH, runs)))
                for cell in chosen for first in range(0, runs, BATCH)]  # fmt: skip
        for cell, numbers, seen in pool.imap(partial(_done, seed=seed), jobs):
            for key, counts in seen.items():
                whole.setdefault((cell, key), Counter()).update(counts)
            if numbers.stop == runs:
                said(cell.name)
    held = {cell: cell for cell in chosen}
    return [Line(held[cell], key, seen) for (cell, key), seen in whole.items()]


def main() -> None:
    parser = argparse.ArgumentParser(prog="make alarms", description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each line; else {RUNS}")
    parser.add_argument("--seed", type=int, default=SEED, help="of the builds")
    parser.add_argument("--only", default="", help="what is drawn, if its name holds this")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    given = parser.parse_args()
    if given.write and (given.runs, given.seed, given.only) != (RUNS, SEED, ""):
        parser.error("--write is for the page's runs and seed, and everything that is drawn")
    if given.runs < 1 or not any(given.only in one.name for one in cells()):
        parser.error("there is nothing to run")
    start = time.monotonic()

    def said(line: str) -> None:
        print(f"{time.monotonic() - start:6.0f} s  {line}", file=sys.stderr, flush=True)

    lines = simulated(given.runs, given.seed, given.only, said)
    text = alarms_page.text(lines, bars(lines), verdict(lines), given.runs, given.seed)
    if given.write:
        PAGE.write_text(text, encoding="utf-8")
        print(verdict(lines))
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
