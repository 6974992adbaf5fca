"""Times whole processes against others: `make bench ARGS="--pairs 3 --only W3"`.

A comparison counts only after both have given the same digits.
"""

from __future__ import annotations

import argparse
import compileall
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import perf_counter

from benchmarks import kept, page
from benchmarks.files import Files
from benchmarks.growth import further, growth
from benchmarks.kept import Row
from benchmarks.measuring import NoFigureError
from benchmarks.tasks import Task, comparisons
from benchmarks.workloads import WORKLOADS

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench", description="Time lossctl against other whole processes."
    )
    add = parser.add_argument
    add("--pairs", type=int, default=11, help="how many pairs A B (default 11)")
    add("--large-pairs", type=int, default=3, help="of the growth to 100 M rows (default 3)")
    add("--only", action="append", metavar="NAME", help="names that begin so; repeatable")
    add("--list", action="store_true", help="the names, and nothing else")
    add("--scale", type=float, default=1.0, help="0.01 for a hundredth of the rows")
    add("--data", type=Path, metavar="DIR", help="keep the data here (up to 14 GB)")
    add("--keep", type=Path, metavar="FILE", help="every time, as JSON")
    add("--merge", action="store_true", help="measured rows replace those of --keep")
    add("--page-only", action="store_true", help="measure nothing: write the page from --keep")
    add("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    told = parser.parse_args()
    if min(told.pairs, told.large_pairs) < 1 or not 0.0 < told.scale <= 1.0:
        parser.error("--pairs and --large-pairs must be at least 1, --scale above 0 and at most 1")
    if (told.merge or told.page_only) and (told.keep is None or not told.keep.exists()):
        parser.error("--merge and --page-only need --keep and a file that is there")
    if told.write and (told.only or told.scale < 1.0) and not told.merge:
        parser.error("--write needs all of them at full size, or --merge")
    return told


def tasks(files: Files, told: argparse.Namespace) -> list[Task]:
    """What was asked for, in the order of the page. Exits for a name that begins none."""
    every = [
        *comparisons(files, told.pairs),
        *further(files, told.large_pairs),
        *growth(files, told.large_pairs),
    ]
    unknown = [word for word in told.only or [] if not any(t.name.startswith(word) for t in every)]
    if unknown:
        sys.exit(f"nothing is called {', '.join(unknown)}; --list shows the names")
    wanted = tuple(told.only or [""])
    return [task for task in every if task.name.startswith(wanted)]


def measured(chosen: list[Task], keep: Callable[[Row], None]) -> Iterator[str]:
    """Run them; names of those that gave no figure, as digits differ or a program failed."""
    for task in chosen:
        started = perf_counter()
        try:
            row = task.run()
        except NoFigureError as error:
            print(f"{task.name} | {error}", flush=True)
            yield task.name
            continue
        row = kept.signed(row, perf_counter() - started)
        print(page.brief(row), flush=True)
        keep(row)


def main() -> None:
    told = options()
    rows = kept.read(told.keep) if told.merge or told.page_only else {}

    def keep(row: Row) -> None:
        kept.put(rows, row)
        if told.keep is not None:
            kept.write(told.keep, rows)

    wrong: list[str] = []
    if not told.page_only:
        with tempfile.TemporaryDirectory(prefix="lossctl-bench-") as folder:
            at = Path(folder) if told.data is None else told.data
            chosen = tasks(Files(at.resolve(), told.data is not None, told.scale), told)
            if told.list:
                print(*(task.name for task in chosen), sep="\n")
                return
            compileall.compile_dir(ROOT / "lossctl", quiet=1)  # as an installed package is
            wrong = list(measured(chosen, keep))
    if wrong:
        sys.exit(f"no figure: {', '.join(wrong)}")
    if told.write or told.page_only:
        titles = {name: title for name, (title, _) in WORKLOADS.items()}
        PAGE.write_text(page.page(rows, titles), encoding="utf-8")


if __name__ == "__main__":
    main()
