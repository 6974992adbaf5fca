"""A gate that passes, and what must be so of a run of it that does not: for the tests of what must
never pass."""

from __future__ import annotations

import functools
import json
import os
import shlex
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from lossctl.plan import Plan
from lossctl.report import Report
from lossctl.run import evaluate_plan
from tests.runners import obeyed
from tests.test_cli import Result, failed, write

ROWS = range(60)
PREDICTED = {"p": (0.5, 3), "base": (0.5, 7)}  # by how much they are off, and in how many ways
REPORT = "report.json"
OUTCOMES = {0: "met", 1: "violated", 4: "undecided"}
GOOD = "p.csv y.csv --max mae=1"  # what is met
AGAINST = "p.csv y.csv --max-increase mae=50% --baseline"  # likewise, over the files of `texts`


def predictions(name: str, rows: Sequence[int] = ROWS) -> list[float]:
    """Of one model: nearly the number of the row, too large and too small in turns."""
    off, ways = PREDICTED[name]
    return [row + (off + row % ways / 100) * (1 if row % 2 else -1) for row in rows]


def csv(head: str, columns: Sequence[Sequence[object]]) -> str:
    lines = [",".join(map(str, cells)) for cells in zip(*columns, strict=True)]
    return "\n".join([head, *lines]) + "\n"


def of_rows(name: str, rows: Sequence[int] = ROWS, target: Callable[[int], object] = float) -> str:
    """A file of predictions, or `y`: targets and columns that slices look at."""
    ids = [f"r{row}" for row in rows]
    if name != "y":
        return csv("id,pred", [ids, predictions(name, rows)])
    regions = [("EU", "US")[row % 2] for row in rows]
    parts = [row % 3 for row in rows]
    return csv("id,target,region,part", [ids, list(map(target, rows)), regions, parts])


def report_of(pred: str, target: str, **how: Any) -> Report:
    """What eval reports of two texts."""
    with tempfile.TemporaryDirectory() as folder:
        files = [str(write(Path(folder) / f"{name}.csv", text))
                 for name, text in (("p", pred), ("y", target))]  # fmt: skip
        plan = Plan(*files, losses=("mae", "rmse"), keep_state=True, digest_targets=True)
        return evaluate_plan(replace(plan, **how))


@functools.cache
def texts() -> Mapping[str, str]:
    """Files by name: of a candidate, of targets, and of a baseline as predictions, state and
    report."""
    report = report_of(of_rows("base"), of_rows("y"))
    assert report.state is not None
    return {"p.csv": of_rows("p"), "base.csv": of_rows("base"), "y.csv": of_rows("y"),
            "base.state": report.state, "base.json": report.to_json()}  # fmt: skip


Columns = Mapping[str, Sequence[Any]]


def write_as(path: Path, columns: Columns) -> Path:
    """A table in the format of a suffix. What has no names holds the columns side by side."""
    form = path.suffix[1:]
    if form in ("csv", "tsv"):
        text = csv(",".join(columns), list(columns.values())).replace("None", "")
        return write(path, text if form == "csv" else text.replace(",", "\t"))
    if form == "jsonl":
        rows = [dict(zip(columns, cells, strict=True))
                for cells in zip(*columns.values(), strict=True)]  # fmt: skip
        return write(path, "".join(json.dumps(row) + "\n" for row in rows))
    arrays = {name: np.asarray(values, dtype=float) for name, values in columns.items()}
    if form == "parquet":
        pq.write_table(pa.table({name: list(column) for name, column in columns.items()}), path)
    elif form == "npz":
        np.savez(path, **arrays)
    else:
        whole = np.stack(list(arrays.values()), axis=1)
        np.save(path, whole[:, 0] if whole.shape[1] == 1 else whole)
    return path


def snapshot(folder: Path) -> dict[str, bytes | str]:
    """Everything in a folder, with what files hold."""
    found: dict[str, bytes | str] = {}
    for path in sorted(folder.rglob("*")):
        kind = path.lstat().st_mode
        found[str(path.relative_to(folder))] = (
            path.read_bytes() if stat.S_ISREG(kind) else f"{stat.S_IFMT(kind):o}"
        )
    return found


class Gate:
    """`lossctl check` in a folder of the files of `texts`, and of a report that an earlier run
    wrote."""

    def __init__(self, folder: Path, program: Callable[..., Result]) -> None:
        self.folder = folder
        self.program = program
        for name, text in texts().items():
            write(folder / name, text)
        write(folder / REPORT, "kept")

    def run(self, line: str | Sequence[str], *more: str) -> Result:
        words = shlex.split(line) if isinstance(line, str) else list(line)
        return self.program("check", "--export", f"json={REPORT}", *more, *words)

    def passes(self, line: str | Sequence[str], *more: str) -> Any:
        """The report of a run that must end with 0: what the others differ from."""
        result = self.run(line, *more)
        assert result.status == 0, result.err
        return strict((self.folder / REPORT).read_text())

    def blocks(self, status: int, line: str | Sequence[str], *said: str) -> Any:
        """A run that must end with this status, for the reasons that are said: the report of one
        that was decided, and of others that there is none, and nothing else."""
        write(self.folder / REPORT, "kept")
        before = snapshot(self.folder)
        result = self.run(line)
        assert result.status == status, (result.status, result.out, result.err)
        assert not obeyed(result.out) and not obeyed(result.err)
        if status not in OUTCOMES:
            failed(result, status, *said)
            assert result.err[:-1].isprintable()
            assert snapshot(self.folder) == before
            return None
        report = strict((self.folder / REPORT).read_text())
        verdict(report, status, *said)
        assert OUTCOMES[status] in result.out
        assert all(one.startswith("lossctl: note: ") for one in result.err.splitlines())
        changed = {name for name, held in snapshot(self.folder).items() if before.get(name) != held}
        assert changed == {REPORT}
        return report


def verdict(report: Any, status: int, *said: str) -> None:
    """What a report's gate must say."""
    gate = report["gate"]
    assert (gate["status"], gate["outcome"]) == (status, OUTCOMES[status])
    assert f"(exit {status})" in report["finding"]
    whys = [one["why"] for one in gate["checks"]]
    for text in said:
        assert any(text in why for why in whys), (text, whys)


def strict(text: str) -> Any:
    """JSON without NaN and infinities."""

    def refused(word: str) -> Any:
        raise AssertionError(f"{word} in JSON")

    return json.loads(text, parse_constant=refused)


def alone(monkeypatch: Any, folder: Path) -> None:
    """In a folder, with no option from the environment."""
    for name in os.environ:
        if name.startswith("LOSSCTL_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(folder)
