"""Engines and block sizes change no bit of a report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.batch import Batch
from lossctl.engines import processes, run, serial
from lossctl.grammar import parse
from lossctl.states import Sums, Top
from lossctl.terms import LossTerms, Score
from tests.batches import batch, part

ROOT = Path(__file__).parent.parent
N = 120
RNG = np.random.default_rng(5)
TARGET = RNG.normal(size=N) * 10.0 ** RNG.integers(-8, 9, N)
PRED = TARGET + RNG.standard_t(2, N)
PRED[7], TARGET[9] = np.nan, np.nan
WEIGHT = RNG.choice([0.0, 0.5, 1.0, 3.0], N)
HUGE = np.where(RNG.random(N) < 0.05, 1e200, 1.0) * PRED
WHOLE = RNG.integers(0, 100, N)
WHOLE[100] = 2**60 + 1

QUESTIONS: dict[str, dict[str, Any]] = {
    "default set": {"nan": "drop"},
    "weighted": {"nan": "drop", "weight": WEIGHT},
    "every mean": {"nan": "drop", "losses": ["smape", "log_cosh", "wape", "mape", "rmse", "rse",
                                             "mae:reduction=sum", "explained_variance"]},
    "huge": {"nan": "drop", "pred": HUGE},
    "whole numbers beyond 2**53": {"pred": WHOLE, "target": WHOLE[::-1].copy()},
    "two outputs": {"pred": np.column_stack([WHOLE, WHOLE * 2.0]),
                    "target": np.column_stack([WHOLE[::-1], TARGET.clip(-5, 5)]), "nan": "drop"},
    "two outputs pooled": {"pred": RNG.normal(size=(N, 2)), "target": RNG.normal(size=(N, 2)),
                           "multioutput": "pooled", "losses": ["rmse", "mae", "r2", "max_error"]},
    "all alike": {"pred": np.ones(N), "target": np.zeros(N)},
}  # fmt: skip


def report(question: dict[str, Any], **how: Any) -> str:
    return lossctl.evaluate(**({"pred": PRED, "target": TARGET} | question | how)).to_json()


@pytest.mark.parametrize("question", QUESTIONS)
def test_blocks_and_threads_change_no_bit(question: str) -> None:
    asked = QUESTIONS[question]
    expected = report(asked, threads=1)
    for rows in (1, 7, 119, 4096):
        assert report(asked, threads=1, block_rows=rows) == expected
    for workers, rows in ((2, 7), (3, 64), (4, 1), (2, None)):
        assert report(asked, threads=workers, block_rows=rows) == expected


@pytest.mark.parametrize("question", ["default set", "two outputs"])
def test_the_order_of_rows_changes_only_their_numbers(question: str) -> None:
    asked = {"pred": PRED, "target": TARGET} | QUESTIONS[question]
    order = np.random.default_rng(8).permutation(N)
    moved = asked | {side: asked[side][order] for side in ("pred", "target")}
    first, second = (json.loads(report(one)) for one in (asked, moved))
    for one in (first, second):
        for result in one["losses"]:
            result["worst"] = result["worst"] and result["worst"]["share"]
        for row in one["worst"]["rows"]:
            row["row"] = None
        for name in one["parts"]:
            one["parts"][name].pop("rows", None)
        one["finding"] = None
    assert first == second


def blocks(whole: Batch, size: int) -> Iterator[Batch]:
    for start in range(0, whole.count, size):
        yield part(whole, range(start, min(start + size, whole.count)))


def test_engines_make_the_same_states() -> None:
    whole = batch(np.nan_to_num(PRED), np.nan_to_num(TARGET), WEIGHT)
    asked = (Sums(LossTerms(parse("mse")), True), Top(Score(parse("mae")), 5))
    expected = {spec: spec.make(whole).to_json() for spec in asked}
    for states in (serial.run(blocks(whole, 11), asked), run(blocks(whole, 120), asked, 1)):
        assert {spec: state.to_json() for spec, state in states.items()} == expected


def test_errors_of_reading_and_scoring_arrive() -> None:
    def unreadable() -> Iterator[Batch]:
        yield batch([1.0], [0.0])
        raise lossctl.DataError("no more")

    with pytest.raises(lossctl.DataError, match="no score"):
        run(blocks(batch(np.arange(50.0), np.zeros(50)), 1), (Broken(),), 1)
    with pytest.raises(lossctl.DataError, match="no more"):
        run(unreadable(), (Sums(LossTerms(parse("mse"))),), 1)


class Broken:
    """A state that cannot be made."""

    def empty(self) -> Any:
        return Sums(LossTerms(parse("mse"))).empty()

    def make(self, block: Any) -> Any:
        raise lossctl.DataError("no score", "try again")


def test_domain_errors_name_the_same_row_whatever_the_blocks() -> None:
    target = np.ones(50)
    target[33] = -2.0
    said = set()
    for how in ({}, {"block_rows": 1}, {"block_rows": 7, "threads": 2}):
        with pytest.raises(lossctl.DataError) as error:
            lossctl.evaluate(np.ones(50), target, "poisson_deviance", **how)
        said.add(str(error.value))
    assert len(said) == 1
    assert "#33" in said.pop()


# --- several processes ------------------------------------------------------------------------

# In a process of their own: pytest's may have threads, and then no other is made.
FORKED = """
import os, signal, sys
import numpy as np
import lossctl
from lossctl.engines import processes, serial
from lossctl.grammar import parse
from lossctl.moments import Moments
from lossctl.analyses.digest import Digest
from lossctl.ranges import Gather, Range
from lossctl.states import Sums, Top
from lossctl.terms import LossTerms, Residual, Score, WeightColumn
from tests.test_engines import Broken, blocks, HUGE, TARGET, WEIGHT
from tests.batches import batch

made, fork = [], os.fork
os.fork = lambda: made.append(fork()) or made[-1]
whole = batch(np.nan_to_num(HUGE), np.nan_to_num(TARGET), WEIGHT)
assert processes.possible()
"""


def forked(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", FORKED + code], capture_output=True, text=True, timeout=60,
        check=False, cwd=ROOT, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )  # fmt: skip


needs_fork = pytest.mark.skipif(sys.platform != "linux", reason="processes are copied on Linux")


@needs_fork
@pytest.mark.parametrize("workers", [2, 4])
def test_processes_make_the_same_states(workers: int) -> None:
    done = forked(f"""
asked = (Sums(LossTerms(parse("rmse")), True), Top(Score(parse("mae")), 5), Digest(),
         Moments(Residual(), WeightColumn()), Range(Residual()), Gather(Residual(), WeightColumn()))
expected = serial.run([whole], asked)
found = processes.run(blocks(whole, 1), asked, {workers})
assert len(made) == {workers} - 1
for spec in asked:
    assert found[spec].to_json() == expected[spec].to_json(), spec
assert sum(one != 0 for one in made) == {workers} - 1
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("all ended")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "all ended\n", "")


@needs_fork
def test_errors_of_another_process_arrive() -> None:
    done = forked("""
class Late(Broken):
    def make(self, block):
        if os.getpid() == parent:
            return self.empty()
        return super().make(block)

def slowly():
    for one in blocks(whole, 1):
        time.sleep(0.002)
        yield one

import time
parent = os.getpid()
try:
    processes.run(slowly(), (Late(),), 2)
except lossctl.DataError as error:
    print(error)

class Gone(Late):
    def make(self, block):
        if os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.empty()

try:
    processes.run(slowly(), (Gone(),), 2)
except lossctl.DataError as error:
    print(error)
""")
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "no score; try again",
        "a scoring process was ended from outside; --threads 1 needs only one",
    ]


@needs_fork
def test_an_interrupt_is_for_the_process_that_reads() -> None:
    done = forked("""
import time

asked = (Sums(LossTerms(parse("mae"))),)

def interrupted():
    for place, one in enumerate(blocks(whole, 1)):
        if place in (3, 50):
            os.kill(made[0], signal.SIGINT)
            time.sleep(0.01)
        yield one

assert processes.run(interrupted(), asked, 2) == serial.run([whole], asked)

def left():
    yield from blocks(whole, 20)
    os.kill(os.getpid(), signal.SIGINT)
    yield whole

try:
    processes.run(left(), asked, 3)
except KeyboardInterrupt:
    print("interrupted")
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    print("all ended")
""")
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\nall ended\n", "")


@needs_fork
@pytest.mark.parametrize("form", ["npy", "parquet", "csv"])
def test_a_report_by_processes_is_the_same(form: str, tmp_path: Path) -> None:
    paths = [str(tmp_path / f"{side}.{form}") for side in ("pred", "target")]
    for path, values in zip(paths, (HUGE, TARGET), strict=True):
        if form == "npy":
            np.save(path, values)
        elif form == "csv":
            Path(path).write_text("x\n" + "".join(f"{value!r}\n" for value in values.tolist()))
        else:
            from pyarrow import parquet, table

            parquet.write_table(table({"x": np.nan_to_num(values)}), path)
    code = f"""
from lossctl.cli import run
status = run(["eval", *{paths!r}, "--nan", "drop", "-f", "json", "--block-rows", "3",
              "--threads", "THREADS"])
print(status, bool(made), file=sys.stderr)
"""
    one, two = (forked(code.replace("THREADS", threads)) for threads in ("1", "3"))
    assert (one.stderr.splitlines()[-1], two.stderr.splitlines()[-1]) == ("0 False", "0 True")
    assert one.stdout == two.stdout != ""


def test_with_another_thread_no_process_is_copied() -> None:
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()
    try:
        assert not processes.possible()
    finally:
        go.set()
        thread.join()
