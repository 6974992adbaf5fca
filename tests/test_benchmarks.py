"""The benchmark's arithmetic, its scripts' digits, and that its lists are complete."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from benchmarks import drawing, growth, kept, page, reasons, specifications
from benchmarks import losses as bench_losses
from benchmarks.files import Files
from benchmarks.growth import cost, grown
from benchmarks.measuring import (
    NoFigureError,
    apart,
    bare_values,
    measure,
    rows_apart,
    table_values,
)
from benchmarks.tasks import compare
from benchmarks.workloads import WORKLOADS, Comparison, Peer
from lossctl.loss import losses

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
TINY = 1e-4  # of the full size: 100 to 1000 rows
LOSSES = {loss.label: loss for loss in losses().values()}


def runs(*seconds: float, peak: float = 50.0) -> list[list[float]]:
    return [[each, each, peak] for each in seconds]


def row(name: str, ours: Any, theirs: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "comparison", "workload": "W3", "what": "script.py", "bar": 1.2,
            "group": "W3 csv", "ours": ours, "theirs": theirs, "one": None, "digits": 1e-16,
            "date": "2026-01-02", "took": 60.0, "machine": "a machine", **more}  # fmt: skip


# --- ratios -----------------------------------------------------------------------------------


def test_a_ratio_is_the_median_of_the_pairs_not_of_the_sides() -> None:
    ratio = page.ratio(runs(1.0, 2.0, 30.0), runs(2.0, 1.0, 10.0))
    assert (ratio.middle, ratio.low, ratio.high) == (2.0, 0.5, 3.0)
    assert str(ratio) == "**2.00** (0.50 to 3.00)"


def test_net_takes_the_median_one_row_run_off_each_side() -> None:
    one = [runs(0.5, 9.0, 0.5), runs(1.0, 1.0, 1.0)]
    assert page.net(row("a", runs(2.5, 2.5), runs(2.0, 2.0), one=one)) == 2.0
    assert page.net(row("a", runs(0.52, 0.52), runs(2.0, 2.0), one=one)) is None
    assert page.net(row("a", runs(1.0), runs(1.0))) is None


def test_the_bar_is_about_the_fastest_that_counts() -> None:
    rows = [
        row("W3 csv slow", runs(1.0), runs(4.0)),
        row("W3 csv quick", runs(1.3), runs(1.0)),
        row("W3 csv by hand", runs(9.0), runs(1.0), bar=None),
    ]
    assert page.fastest(rows) == {"W3 csv": "W3 csv quick"}
    text = page.section(rows, page.fastest(rows)).splitlines()
    assert [line.rpartition("digits")[0] == "" for line in text[2:]] == [True] * 3
    assert "not met" not in text[2] + text[4]
    assert text[3].endswith("| ≤ 1.2: **not met** |")


def test_a_figure_on_the_bar_meets_it() -> None:
    assert page.judged(1.2, 1.2) == "≤ 1.2: met"
    assert page.judged(1.2, 1.21) == "≤ 1.2: **not met**"


def test_a_peak_may_have_a_bar_too() -> None:
    assert page.bars(row("a", runs(1.0, peak=310.0), runs(2.0), most=300.0), 0.5) == (
        "≤ 1.2: met; ≤ 300 MB: **not met**"
    )
    assert page.bars(row("a", runs(1.0), runs(2.0), most=None), 0.5) == "≤ 1.2: met"


def test_doubling_is_per_factor_of_two() -> None:
    small, large = ({"rows": rows, "full": runs(taken)} for rows, taken in ((1, 1.0), (4, 9.0)))
    assert page.doubling(small, large, "full") == 3.0


def test_cost_of_a_further_row() -> None:
    times = [[runs(1.0), runs(2.0)], [runs(3.0), runs(3.0)]]
    further = {"name": "W3 further csv", "kind": "further", "form": "csv", "rows": [10, 110],
               "slow": ["c"], "lacks": ["d"], "held_to": ["b"],
               "peers": {"b": {"digits": 0.0, "times": times}}}  # fmt: skip
    text = page.further([further])
    assert "| csv b | **2.00** | 20000000.0 / 10000000.0 | 3.00 / 3.00 |" in text
    assert "≤ 1: **not met**" in text
    assert "c over twice as slow as the fastest, d not installed" in text


def test_the_page_holds_bars_limits_dates_and_what_was_left_out() -> None:
    absent = row("W3 csv duckdb", [], [], kind="left out", lacks=["duckdb"])
    sizes = [{"name": f"W8 npy {n} M", "kind": "growth", "form": "npy", "rows": n, "took": 30.0,
              "date": "2026-01-03", "machine": "a machine", "full": runs(n, peak=310.0),
              "bare": runs(n)} for n in (1, 2)]  # fmt: skip
    polars = row("W3 csv polars", runs(1.0), runs(1.0))
    every = {one["name"]: one for one in (polars, absent, *sizes)}
    every["W9 x"] = row("W9 x", runs(1.0), runs(2.0), workload="W9", group="W9", took=0.0)
    titles = {"W3": "Throughput", "W4": "Nothing measured", "W9": "Samples"}
    text = page.page(every, titles)
    heads = [line for line in text.splitlines() if re.match("## W[0-9]", line)]
    assert heads == ["## W3. Throughput", "## W8. Growth: the seven losses of two files",
                     "## W9. Samples"]  # fmt: skip
    assert "W4" not in text.replace(page.LIMITS.read_text(encoding="utf-8").strip(), "")
    assert "Measured 2026-01-02 to 2026-01-03, in 3 minutes." in text
    assert "Left out: W3 csv duckdb (duckdb not installed)." in text
    assert "at most 2.00 times the time (≤ 2.1: met)" in text
    assert "310 MB (≤ 300: **not met**)" in text
    assert page.LIMITS.read_text(encoding="utf-8").strip() in text


# --- digits -----------------------------------------------------------------------------------


def test_digits_must_agree() -> None:
    assert apart({"a": 1.0, "b": 2.0}, {"b": 2.0 * (1 + 1e-10), "a": 1.0}, 1e-9) == pytest.approx(
        1e-10, rel=1e-3
    )
    with pytest.raises(NoFigureError, match="b: lossctl says 2"):
        apart({"b": 2.0}, {"b": 2.00001}, 1e-9)
    with pytest.raises(NoFigureError, match="different losses"):
        apart({"b": 2.0}, {"a": 2.0}, 1e-9)


def test_what_lossctl_prints_is_read_by_name() -> None:
    assert bare_values("1.5\n2\n", ["mae", "mse"]) == {"mae": 1.5, "mse": 2.0}
    with pytest.raises(ValueError, match="zip"):
        bare_values("1.5\n", ["mae", "mse"])
    printed = "loss\tn\tvalue\nmape:scale=1\t2\t0.5\nmae\t2\t1\n"
    assert table_values(printed) == {"mape": 0.5, "mae": 1.0}


def test_rows_are_compared_value_by_value(tmp_path: Path) -> None:
    def written(name: str, **columns: Any) -> str:
        parquet.write_table(pa.table(columns), path := tmp_path / name)
        return str(path)

    mse, delta, without = [4.0, 0.0, None], [1e-9, 0.0, 0.0], [2.0, 2.0, 2.0]
    one = written("one", mse=mse, rmse_delta=delta, rmse_without=without)
    near = written("near", mse=[4.0 * (1 + 1e-13), 0.0, None], rmse_without=without,
                   rmse_delta=[1.001e-9, 0.0, 0.0])  # fmt: skip
    with pytest.raises(NoFigureError, match="different columns or rows"):
        rows_apart(one, near, 1e-12)
    near = written("near", mse=[4.0 * (1 + 1e-13), 0.0, None], rmse_delta=[1.001e-9, 0.0, 0.0],
                   rmse_without=without)  # fmt: skip
    assert rows_apart(near, one, 1e-12) == pytest.approx(5e-13, rel=1e-3)
    for wrong in ([4.0, 1e-300, None], [4.0, 0.0, 0.0], [4.0 * (1 + 1e-11), 0.0, None]):
        far = written("far", mse=wrong, rmse_delta=delta, rmse_without=without)
        with pytest.raises(NoFigureError, match="mse: rows are"):
            rows_apart(far, one, 1e-12)
    short = written("short", mse=mse[:2], rmse_delta=delta[:2], rmse_without=without[:2])
    with pytest.raises(NoFigureError, match="different columns or rows"):
        rows_apart(short, one, 1e-12)


# --- what is kept -----------------------------------------------------------------------------


def test_kept_rows_come_back_and_are_replaced_by_measured_ones_only(tmp_path: Path) -> None:
    rows: dict[str, Any] = {}
    kept.put(rows, row("a", runs(1.0), runs(2.0)))
    kept.put(rows, row("a", [], [], kind="left out"))
    assert rows["a"]["ours"] == runs(1.0)
    kept.put(rows, row("a", runs(3.0), runs(2.0)))
    kept.write(tmp_path / "kept.json", rows)
    assert kept.read(tmp_path / "kept.json") == rows
    assert rows["a"]["ours"] == runs(3.0)


def test_files_are_made_once_and_dropped_unless_kept(tmp_path: Path) -> None:
    for keep in (False, True):
        files = Files(tmp_path, keep)
        pair = files.pair("regression", "npy", 5)
        files.make(["lossctl", "eval", *pair])
        assert [np.load(path).shape for path in pair] == [(5,), (5,)]
        made = Path(pair[0]).stat().st_mtime_ns
        files.make(pair)
        assert Path(pair[0]).stat().st_mtime_ns == made
        files.drop(pair)
        assert Path(pair[0]).exists() == keep


def test_every_form_of_a_kind_holds_the_same_numbers(tmp_path: Path) -> None:
    from pyarrow import csv

    files = Files(tmp_path, True)
    wanted = [np.load(path) for path in made(files, "regression", "npy")]
    reads = {"csv": csv.read_csv, "csv.gz": csv.read_csv, "parquet": parquet.read_table}
    for form, read in reads.items():
        for path, column, values in zip(made(files, "regression", form), ("pred", "target"), wanted,
                                        strict=True):  # fmt: skip
            table = read(path)
            assert table.column_names == [column]
            assert table[column].to_numpy().tobytes() == values.tobytes()
    left, right = (csv.read_csv(path)["id"].to_pylist() for path in made(files, "keyed", "csv"))
    assert right == list(range(100)) == sorted(left)
    assert left != right


def made(files: Files, kind: str, form: str) -> list[str]:
    pair = files.pair(kind, form, 100)
    files.make(pair)
    return pair


# --- the peers --------------------------------------------------------------------------------


def compared() -> list[Comparison]:
    return [one for _, make in WORKLOADS.values() for one in make(Files(Path("/"), True, TINY))]


NAMED = {one.name: one for one in compared() if one.reads is not None and "csv.gz" not in one.name}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("bench"), True, TINY)


@pytest.mark.parametrize("name", [name for name in NAMED if not name.startswith("W4")])
def test_peers_give_the_digits_of_lossctl(name: str, small: Files) -> None:
    (one,) = (one for _, make in WORKLOADS.values() for one in make(small) if one.name == name)
    if one.lacks:
        pytest.skip(f"{', '.join(one.lacks)} not installed")
    small.make(one.ours, one.theirs)
    ours, theirs = one.reads or (json.loads, json.loads)
    apart(ours(measure(one.ours).output), theirs(measure(one.theirs).output), one.close)


@pytest.mark.parametrize("name", [one.name for one in compared() if one.writes is not None])
def test_peers_write_the_rows_of_lossctl(name: str, small: Files) -> None:
    (one,) = (one for one in WORKLOADS["W9"][1](small) if one.name == name)
    if one.lacks:
        pytest.skip(f"{', '.join(one.lacks)} not installed")
    found = compare("W9", one, 1, small)
    assert found["digits"] <= one.close
    assert [len(found[side]) for side in ("ours", "theirs")] == [1, 1]
    assert not list(small.folder.glob("*.parquet"))


def test_every_script_is_compared_and_every_name_is_its_own() -> None:
    every = compared()
    used = {Path(word).name for one in every for word in one.theirs if word.endswith(".py")}
    assert used == {path.name for path in PEERS.glob("*.py")}
    assert len({one.name for one in every}) == len(every)


def test_a_library_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert Peer("sklearn_npy", ("numpy", "no_such_library")).lacks == ["no_such_library"]
    one = Comparison("W3 x", "x", ["x"], ["x"], "W3", 1.0, lacks=("no_such_library",))
    found = compare("W3", one, 1, Files(tmp_path, True))
    assert (found["kind"], found["lacks"]) == ("left out", ["no_such_library"])
    assert page.brief(found) == "W3 x | left out: no_such_library not installed"


# --- measuring --------------------------------------------------------------------------------


def test_a_comparison_keeps_every_run(small: Files) -> None:
    (one,) = (one for one in WORKLOADS["W4"][1](small) if one.name == "W4 npy")
    found = compare("W4", one, 2, small)
    assert [len(found[side]) for side in ("ours", "theirs")] == [2, 2]
    assert [len(side) for side in found["one"]] == [2, 2]
    assert found["digits"] == 0.0
    assert all(peak > 10.0 for _, _, peak in found["ours"])
    assert page.brief(found).startswith("W4 npy | **")


def test_digits_that_differ_are_no_figure(small: Files) -> None:
    (one,) = (one for one in WORKLOADS["W4"][1](small) if one.name == "W4 npy")
    wrong = (lambda _output: {"mae": 1.0}, lambda _output: {"mae": 1.1})
    with pytest.raises(NoFigureError):
        compare("W4", Comparison(one.name, "", one.ours, one.theirs, "", None, wrong), 1, small)


def test_a_program_that_fails_is_no_figure_and_says_what_it_said() -> None:
    with pytest.raises(NoFigureError, match=r"(?s)failed:.*no luck"):
        measure([sys.executable, "-c", "raise SystemExit('no luck')"])


def test_growth_keeps_both_reports(small: Files) -> None:
    found = grown("W8 npy 1 M", "npy", 1, small, 1)
    assert found["rows"] == 100
    assert [len(found["full"]), len(found["bare"])] == [1, 1]


def test_further_rows_are_measured_at_both_sizes(
    small: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    absent = Peer("torch_npy", ("no_such_library",))
    peers = {"numpy": Peer("numpy_npy", ()), "absent": absent}
    monkeypatch.setitem(growth.W3, "npy", (peers, None))
    found = cost("W3 further npy", "npy", small, 1)
    assert found["rows"] == [1000, 10000]
    assert (list(found["peers"]), found["lacks"]) == (["numpy"], ["no_such_library"])
    times = found["peers"]["numpy"]["times"]
    assert [[len(side) for side in pair] for pair in times] == [[1, 1], [1, 1]]


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    told = [sys.executable, "-m", "benchmarks.run", *words]
    return subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_lists_refuses_and_merges(tmp_path: Path) -> None:
    assert bench("--list", "--only", "W1").stdout.split("\n")[:-1] == [
        "W1 help", "W1 version", "W1 losses"]  # fmt: skip
    assert "nothing is called W0" in bench("--only", "W0").stderr
    assert "--write needs all of them" in bench("--write", "--only", "W1").stderr
    assert "need --keep" in bench("--merge").stderr
    told = ["--keep", str(tmp_path / "kept.json"), "--pairs", "1"]
    first = bench(*told, "--only", "W1 version")
    assert first.returncode == 0, first.stderr
    second = bench(*told, "--only", "W1 help", "--merge")
    assert second.returncode == 0, second.stderr
    assert list(kept.read(tmp_path / "kept.json")) == ["W1 version", "W1 help"]


# --- losses and states ------------------------------------------------------------------------


@pytest.mark.parametrize("label", LOSSES)
def test_every_loss_can_be_timed(label: str) -> None:
    loss = LOSSES[label]
    settings = loss.check({})
    columns = drawing.columns_of(loss, settings, 64)
    with np.errstate(all="ignore"):
        values = loss.evaluate(columns, settings)
        values = values[0] if isinstance(values, tuple) else values
        assert len(np.asarray(values)) == 64
        if loss.gradient is not None and loss.nests is None:
            given = (columns.get(role.name) for role in loss.own_roles)
            assert np.isfinite(np.asarray(loss.gradient(*given, **settings))).any()
    assert drawing.arrays_of(columns, loss.wholes)


def test_a_line_of_a_loss() -> None:
    line = bench_losses.timed(LOSSES["mae"], 1e-10)
    assert len(line) == len(bench_losses.HEADS)
    assert line[:3] == ["mae", "regression", "2"]
    assert bench_losses.timed(LOSSES["mae"], 1e-15)[-1] == reasons.FAMILIES["regression"]


def test_every_state_is_timed() -> None:
    examples = [specification for specification, _ in specifications.EXAMPLES.values()]
    assert {type(one).__name__ for one in examples} == specifications.defined()
    lines = list(bench_losses.states(1e-30))
    assert [line[0] for line in lines] == list(specifications.EXAMPLES)
    assert all(len(line) == len(bench_losses.STATE_HEADS) and line[-1] for line in lines)


def test_reasons_are_complete_and_about_what_there_is() -> None:
    assert set(reasons.FAMILIES) == {loss.family for loss in LOSSES.values()}
    assert set(reasons.LOSSES) <= set(LOSSES)
    assert set(reasons.STATES) == specifications.defined()
