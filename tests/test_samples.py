"""`lossctl samples`: every column against brute force, in every format, order and block size."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from lossctl.cli import run
from lossctl.samples import answer, order, sorting
from lossctl.samples.order import Running
from tests.samples import SAMPLES, load, read_csv

RIDGE, TARGET = SAMPLES / "diabetes/ridge.csv", SAMPLES / "diabetes/target.csv"


class Result:
    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.out), delimiter="\t", quoting=csv.QUOTE_NONE))

    def column(self, name: str) -> list[float]:
        return [float(row[name]) if row[name] else math.nan for row in self.rows]


@pytest.fixture
def samples(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.delenv("LOSSCTL_FORMAT", raising=False)

    def call(*arguments: object) -> Result:
        capfd.readouterr()
        status = int(run(["samples", *(str(argument) for argument in arguments)]))
        return Result(status, *capfd.readouterr())

    return call


def failed(result: Result, status: int, *said: str) -> None:
    assert (result.status, result.out) == (status, ""), result.err
    assert result.err.startswith("lossctl: ")
    for text in said:
        assert text in result.err


def written(path: Path, **columns: Any) -> Path:
    """A CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(columns)
        for row in zip(*columns.values(), strict=True):
            lines.writerow([repr(float(v)) if isinstance(v, float) else v for v in row])
    return path


@pytest.fixture
def pairs(tmp_path: Path) -> tuple[Path, Any, Any, Any]:
    """60 rows with ties, zeros, a row of weight 0 and one far out."""
    rng = np.random.default_rng(1)
    target = np.round(rng.normal(size=60), 1)
    pred = np.round(target + rng.normal(size=60), 1)
    pred[7], pred[9] = 40.0, target[9]
    weight = np.round(rng.random(60), 2)
    weight[11] = 0.0
    path = written(tmp_path / "pairs.csv", pred=pred.tolist(), target=target.tolist(),
                   w=weight.tolist())  # fmt: skip
    return path, pred, target, weight


# --- brute force --------------------------------------------------------------------------------


def mse(p: Any, t: Any, w: Any) -> float:
    return float(np.average((p - t) ** 2, weights=w))


def mae(p: Any, t: Any, w: Any) -> float:
    return float(np.average(abs(p - t), weights=w))


def r2(p: Any, t: Any, w: Any) -> float:
    mean = np.average(t, weights=w)
    return float(1.0 - np.sum(w * (p - t) ** 2) / np.sum(w * (t - mean) ** 2))


WHOLE = {
    "mse": mse,
    "rmse": lambda p, t, w: math.sqrt(mse(p, t, w)),
    "mae": mae,
    "mae:reduction=sum": lambda p, t, w: float(np.sum(w * abs(p - t))),
    "r2": r2,
    "max_error": lambda p, t, w: float(abs(p - t)[w > 0].max()),
    "mean_bias_error": lambda p, t, w: float(np.average(p - t, weights=w)),
    "log_cosh": lambda p, t, w: float(np.average(np.log(np.cosh(p - t)), weights=w)),
}
EACH = {
    "mse": lambda p, t: (p - t) ** 2,
    "rmse": lambda p, t: (p - t) ** 2,
    "mae": lambda p, t: abs(p - t),
    "mae:reduction=sum": lambda p, t: abs(p - t),
    "log_cosh": lambda p, t: np.log(np.cosh(p - t)),
    "mean_bias_error": lambda p, t: p - t,
    "max_error": lambda p, t: abs(p - t),
}
LABELS = {"max_error": "max_error", "mean_bias_error": "bias"}
SHARED = ("mse", "rmse", "mae", "mae:reduction=sum", "log_cosh")


@pytest.mark.parametrize("weighted", [False, True])
def test_every_column_is_brute_force(samples: Any, pairs: Any, weighted: bool) -> None:
    path, pred, target, weight = pairs
    w = weight if weighted else np.ones(60)
    told = [argument for spec in WHOLE for argument in ("-l", spec)]
    found = samples(path, *told, "--all", *(["--weight-col", "w"] if weighted else []))
    assert found.status == 0, found.err
    assert found.column("row") == list(range(60))
    assert found.column("target") == target.tolist()
    assert found.column("residual") == (pred - target).tolist()
    for spec, whole in WHOLE.items():
        rest = [np.delete(np.arange(60), row) for row in range(60)]
        without = [whole(pred[k], target[k], w[k]) for k in rest]
        name = LABELS.get(spec, spec)
        assert found.column(f"{name}_without") == pytest.approx(without, rel=1e-12), spec
        now = whole(pred, target, w)
        change = [one - now for one in without]
        assert found.column(f"{name}_delta") == pytest.approx(change, abs=1e-10), spec
        if spec in EACH:
            each = EACH[spec](pred, target)
            assert found.column(name) == pytest.approx(each.tolist(), rel=1e-12), spec
            if spec in SHARED:
                share = w * each / np.sum(w * each)
                assert found.column(f"{name}_share") == pytest.approx(share.tolist(), rel=1e-12)
                assert math.fsum(found.column(f"{name}_share")) == pytest.approx(1.0, abs=1e-14)
            else:
                assert f"{name}_share" not in found.rows[0]


def test_without_l_it_is_the_leading_loss_and_its_root(samples: Any) -> None:
    found = samples(RIDGE, TARGET)
    pred, target = load("diabetes/ridge"), load("diabetes/target")
    square = (pred - target) ** 2
    order = np.argsort(-square, kind="stable")[:20]
    assert list(found.rows[0]) == [
        "rank", "row", "target", "pred", "residual", "mse", "mse_share", "mse_running",
        "rmse_without", "rmse_delta",
    ]  # fmt: skip
    assert found.column("row") == order.tolist()
    assert found.column("rank") == list(range(1, 21))
    running = np.cumsum(square[order]) / square.sum()
    assert found.column("mse_running") == pytest.approx(running.tolist(), rel=1e-14)


def test_no_reduction_keeps_the_rows_values(samples: Any) -> None:
    found = samples(RIDGE, TARGET, "-l", "mae", "--reduction", "none", "--all")
    pred, target = load("diabetes/ridge"), load("diabetes/target")
    assert found.column("mae:reduction=none") == abs(pred - target).tolist()
    assert "mae:reduction=none_without" not in found.rows[0]


def test_several_outputs(samples: Any, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    p, t = rng.normal(size=(30, 2)), rng.normal(size=(30, 2))
    np.save(tmp_path / "p.npy", p)
    np.save(tmp_path / "t.npy", t)
    found = samples(tmp_path / "p.npy", tmp_path / "t.npy", "-l", "mse,rmse", "--all")
    assert found.column("pred_2") == p[:, 1].tolist()
    assert found.column("residual_1") == (p - t)[:, 0].tolist()
    assert found.column("mse") == pytest.approx(((p - t) ** 2).mean(axis=1).tolist())
    rest = [np.delete(np.arange(30), row) for row in range(30)]
    roots = [np.sqrt(((p[k] - t[k]) ** 2).mean(axis=0)).mean() for k in rest]
    assert found.column("rmse_without") == pytest.approx(roots)


def test_the_task_decides_what_is_shown(samples: Any) -> None:
    folder = SAMPLES / "multiclass"
    found = samples(folder / "logistic.csv", folder / "target.csv", "--top", 3)
    assert list(found.rows[0])[2:6] == ["target", "pred", "p(true)", "p(pred)"]
    chances = read_csv(folder / "logistic.csv")
    pred = np.array([[float(v) for v in chances[f"p_{k}"]] for k in range(10)]).T
    label = [int(v) for v in read_csv(folder / "target.csv")["label"]]
    true = pred[np.arange(600), label]
    assert found.column("row") == np.argsort(true, kind="stable")[:3].tolist()
    assert found.column("p(true)") == pytest.approx(np.sort(true)[:3].tolist())


@pytest.mark.parametrize(
    ("files", "more"),
    [
        (("sequences/readings.jsonl",), ["--task", "sequence"]),
        (("masks/model.npy", "masks/target.npy"), []),
        (("boxes/model.csv", "boxes/target.csv"), []),
        (("multilabel/logistic.csv", "multilabel/target.csv"), []),
        (("embedding/triplets.parquet",), []),
        (("quantile/quantiles.csv", "diabetes/target.csv"), []),
    ],
)
def test_all_of_every_task_has_the_values_of_the_top(samples: Any, files: Any, more: Any) -> None:
    paths = [SAMPLES / name for name in files]
    every = samples(*paths, *more, "--all").rows
    assert [row["row"] for row in every] == [str(place) for place in range(len(every))]
    top = samples(*paths, *more, "--top", 5).rows
    assert len(top) == 5
    loss = next(name.removesuffix("_share") for name in top[0] if name.endswith("_share"))
    for row in top:
        for name in (loss, f"{loss}_share", f"{loss}_without"):
            assert every[int(row["row"])][name] == row[name]
    shares = sorted((float(row[f"{loss}_share"]) for row in every), reverse=True)
    assert [float(row[f"{loss}_share"]) for row in top] == shares[:5]


def test_rows_of_the_ignored_label_are_no_rows(samples: Any) -> None:
    folder = SAMPLES / "multiclass"
    told = ("--ignore-index", 3, "--all")
    found = samples(folder / "logistic.csv", folder / "target.csv", *told)
    label = [int(v) for v in read_csv(folder / "target.csv")["label"]]
    assert found.column("row") == [row for row, one in enumerate(label) if one != 3]


def test_infinite_rows_come_first_and_say_so(samples: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", pred=[1.0, 2.0, 3.0], target=[2.0, 0.0, 3.5])
    told = (path, "-l", "mape", "--top", 3)
    found = samples(*told)
    assert [row["mape"] for row in found.rows][:1] == ["inf"]
    assert [row["mape_status"] for row in found.rows] == ["infinite", "ok", "ok"]
    assert "mape_share" not in found.rows[0]
    first = json.loads(samples(*told, "-f", "jsonl").out.splitlines()[0])
    assert (first["mape"], first["mape_status"]) == (None, "infinite")
    assert "infinite" in samples(*told, "-f", "table").out


# --- orders -------------------------------------------------------------------------------------


@pytest.mark.parametrize("sort", ["share", "loss", "residual", "delta", "row"])
@pytest.mark.parametrize("leading", ["mae", "r2", "mean_bias_error"])
def test_orders(samples: Any, pairs: Any, sort: str, leading: str) -> None:
    path, pred, target, _ = pairs
    error = pred - target
    key = {
        "share": abs(error), "residual": abs(error), "row": -np.arange(60.0),
        "loss": error if leading == "mean_bias_error" else abs(error),
    }  # fmt: skip
    found = samples(path, "-l", leading, "--sort", sort, "--top", 12)
    name = LABELS.get(leading, leading)
    if sort == "delta":
        every = samples(path, "-l", leading, "--all")
        without = np.array(every.column(f"{name}_without"))
        now = without[0] - every.column(f"{name}_delta")[0]
        key["delta"] = {
            "mae": now - without, "r2": without - now, "bias": abs(now) - abs(without),
        }[name]  # fmt: skip
        got = key["delta"][[int(row) for row in found.column("row")]]
        assert got == pytest.approx(np.sort(key["delta"])[::-1][:12], abs=1e-12)
        return
    assert found.column("row") == np.argsort(-key[sort], kind="stable")[:12].tolist()
    assert ("rank" in found.rows[0]) is (sort != "row")


def test_all_sorted_is_the_same_rows_in_order(samples: Any, pairs: Any) -> None:
    path, pred, target, _ = pairs
    found = samples(path, "--all", "--sort", "residual")
    assert found.column("row") == np.argsort(-abs(pred - target), kind="stable").tolist()
    assert found.column("rank") == list(range(1, 61))
    assert found.column("mse_running")[-1] == pytest.approx(1.0, abs=1e-15)


def test_buckets_change_nothing(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many ties, texts, and rows that wait in the temporary file."""
    rng = np.random.default_rng(3)
    pred = np.round(rng.normal(size=3000), 1)
    name = [f"n{'x' * (place % 7)}{place}" if place % 5 else "" for place in range(3000)]
    path = written(tmp_path / "a.csv", pred=pred.tolist(), target=[0.0] * 3000, name=name)
    told = (path, "-l", "mae", "--all", "--sort", "share", "--show", "name", "--block-rows", 100)
    once = samples(*told, "-f", "jsonl")
    monkeypatch.setattr(sorting, "BUCKET", 250)
    monkeypatch.setattr(sorting, "HELD", 10)
    monkeypatch.setattr(sorting, "LEAST", 100)
    writes = []
    write = sorting.Sorted._write
    monkeypatch.setattr(
        sorting.Sorted, "_write", lambda self, one: (writes.append(1), write(self, one))[1]
    )
    spread = samples(*told, "-f", "jsonl")
    assert spread.out == once.out
    assert len(writes) > 12
    rows = [json.loads(line)["row"] for line in spread.out.splitlines()]
    assert rows == np.argsort(-abs(pred), kind="stable").tolist()
    # More rows than are picked one by one are sorted.
    monkeypatch.setattr(answer, "CHOSEN", 10)
    top = samples(*told[:3], "--top", 40, "--show", "name", "-f", "jsonl")
    assert top.out.splitlines() == once.out.splitlines()[:40]


@pytest.mark.parametrize("told", [("--all",), ("--top", 30), ("--outliers", "mad"),
                                  ("--all", "--sort", "share"), ("--sort", "delta")])  # fmt: skip
def test_blocks_and_processes_change_no_byte(samples: Any, told: Any) -> None:
    base = (
        SAMPLES / "diabetes/broken.csv",
        TARGET,
        "-l",
        "mse,mae,r2,median_absolute_error,huber:delta=20",
        *told,
    )
    once = samples(*base)
    assert once.status == 0
    assert once.out
    for more in (("--block-rows", 17), ("--block-rows", 1), ("--threads", 3, "--block-rows", 20)):
        assert samples(*base, *more).out == once.out, more


def test_joined_rows_name_both_files(samples: Any, tmp_path: Path) -> None:
    p = written(tmp_path / "p.csv", id=["a", "b", "c"], pred=[1.0, 2.0, 5.0])
    t = written(tmp_path / "t.csv", id=["c", "a", "b"], target=[1.0, 1.0, 1.0])
    found = samples(p, t, "--on", "id", "--all").rows
    assert [(row["row"], row["target_row"], row["id"]) for row in found] == [
        ("0", "1", "a"), ("1", "2", "b"), ("2", "0", "c"),
    ]  # fmt: skip
    assert [row["mse"] for row in found] == ["0", "1", "16"]


def test_the_order_of_keyed_rows_does_not_matter(samples: Any, tmp_path: Path) -> None:
    """Nor among rows that add the same."""
    rng = np.random.default_rng(4)
    ids, pred = np.arange(500), rng.integers(0, 4, 500).astype(float)
    truth = written(tmp_path / "t.csv", id=ids.tolist(), target=[0.0] * 500)
    told = ("-l", "mae", "--on", "id", "--sort", "share")
    lists = []
    for turn in range(2):
        order = ids if not turn else rng.permutation(500)
        path = written(tmp_path / "p.csv", id=ids[order].tolist(), pred=pred[order].tolist())
        every = [row["id"] for row in samples(path, truth, *told, "--all").rows]
        assert [row["id"] for row in samples(path, truth, *told).rows] == every[:20]
        lists.append(every)
    assert lists[0] == lists[1]


def test_running_shares_do_not_depend_on_blocks() -> None:
    shares = np.random.default_rng(5).random(10_000)
    shares /= shares.sum()
    whole = Running()(shares)
    parts = Running()
    pieces = [parts(piece) for piece in np.split(shares, [1, 77, 5000])]
    assert np.concatenate(pieces).tolist() == whole.tolist()
    exact = [math.fsum(shares[: place + 1]) for place in range(0, 10_000, 999)]
    assert whole[::999].tolist() == pytest.approx(exact, rel=3e-16)


# --- outliers, trimming -------------------------------------------------------------------------


def test_outliers_are_listed_or_marked(samples: Any) -> None:
    broken = SAMPLES / "diabetes/broken.csv"
    found = samples(broken, TARGET, "--outliers", "mad")
    assert sorted(found.column("row")) == [17, 233, 371]
    every = samples(broken, TARGET, "--outliers", "mad", "--all")
    assert [row["row"] for row in every.rows if row["outlier"] == "true"] == ["17", "233", "371"]
    assert {row["outlier"] for row in every.rows} == {"true", "false"}
    two = samples(broken, TARGET, "--outliers", "mad", "--top", 2)
    assert two.column("row") == found.column("row")[:2]
    told = samples(broken, TARGET, "--outliers", "mad", "-f", "table").out
    assert "3 of 442 rows are flagged and make 86.2 % of MSE; #371 alone" in " ".join(told.split())


@pytest.mark.parametrize(
    ("top", "said"),
    [
        (2, "; the 2 listed make 67.3 %; #371 alone 37.9 %"),
        (1, "; the one listed makes 37.9 %."),
    ],
)
def test_what_all_flagged_rows_make_is_said_beside_the_listed(
    samples: Any, top: int, said: str
) -> None:
    told = (SAMPLES / "diabetes/broken.csv", TARGET, "--outliers", "mad", "--top", top)
    out = " ".join(samples(*told, "-f", "table").out.split())
    assert f"3 of 442 rows are flagged and make 86.2 % of MSE{said}" in out
    assert "mad: 3 of 442 residuals below" in out
    data = json.loads(samples(*told, "-l", "mae,r2", "-f", "json").out)["parts"]["outliers"]
    error = abs(
        np.array([float(value) for value in read_csv(SAMPLES / "diabetes/broken.csv")["pred"]])
        - load("diabetes/target")
    )
    assert data["count"] == 3
    assert data["shares"] == {
        "mae": pytest.approx(np.sort(error)[-3:].sum() / error.sum()),
        "r2": None,
    }


def test_nothing_is_flagged(samples: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", pred=[1.0, 2.0, 3.0], target=[1.5, 2.0, 2.5])
    lines = samples(path, "--outliers", "iqr").out.splitlines()
    assert [line.split("\t")[:3] for line in lines] == [["rank", "row", "target"]]
    assert "No row is flagged." in samples(path, "--outliers", "iqr", "-f", "table").out


def test_trimmed(samples: Any) -> None:
    error = np.sort((load("diabetes/ridge") - load("diabetes/target")) ** 2)
    found = json.loads(samples(RIDGE, TARGET, "--trim", "1%", "-f", "json").out)
    told = found["parts"]["trimmed"]["losses"]["mse"]
    assert (told["rows"], told["of"]) == (4, 442)
    assert told["value"] == pytest.approx(error[:-4].mean())
    assert told["share"] == pytest.approx(error[-4:].sum() / error.sum())
    said = samples(RIDGE, TARGET, "--trim", "0.01", "-l", "rmse,r2").err
    now, less = math.sqrt(error.mean()), math.sqrt(error[:-4].mean())
    assert f"rmse {less:.4g} instead of {now:.4g} ({100 * (less / now - 1):+.1f} %)" in said
    assert "without the 4 rows that add most to each, " in said
    assert "; r2 is no sum of what each row adds" in said


def test_trimmed_of_infinite_rows(samples: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", pred=[1.0] * 10, target=[2.0] * 9 + [0.0])
    told = (path, "-l", "mae,mape", "--trim")
    said = "without the row that adds most to each, mae stays 1, mape 0.5 (infinite with them)"
    assert said in samples(*told, "10%").err
    assert "no row: mae stays 1, mape infinite (1 row is infinite)" in samples(*told, "1%").err


# --- what is said -------------------------------------------------------------------------------


def finding(result: Result) -> str:
    assert result.status == 0, result.err
    return " ".join(result.out.split("\n\n")[-1].split())


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["-l", "r2"], "4 of 60 rows are listed, by the size of what each adds to R2; #7 comes"),
        (["-l", "median_ae"], "4 of 60 rows are listed, by the median_ae of each alone; #7 comes"),
        (["-l", "r2", "--sort", "row"], "4 of 60 rows are listed, in the order of the file; #0"),
        (["-l", "r2", "--sort", "delta", "--outliers", "mad"],
         "1 of 1 flagged rows is listed, by how much R2 gains without each."),
        (["-l", "mae", "--sort", "residual"], "4 of 60 rows make"),
    ],
)  # fmt: skip
def test_the_finding_says_what_is_listed(
    samples: Any, pairs: Any, told: list[str], said: str
) -> None:
    assert finding(samples(pairs[0], *told, "--top", 4, "-f", "table")).startswith(said)


def test_small_findings(samples: Any, tmp_path: Path) -> None:
    one = written(tmp_path / "one.csv", pred=[1.0], target=[3.0])
    assert finding(samples(one, "-f", "table")) == "The only row is listed."
    rng = np.random.default_rng(9)
    ids = ["", "k" * 60, *(f"k{place}" for place in range(20_000))]
    pred = [2.0, 1.0, *(1.0 + rng.random(20_000)).tolist()]
    path = written(tmp_path / "ids.csv", id=ids, pred=pred, target=[0.0] * 20_002)
    told = (path, "--id-col", "id", "--top", 2, "-f", "table")
    said = finding(samples(*told))
    assert "#0 alone 0.0 %: without it RMSE is" in said
    assert re.search(r" \(-0\.00\d %\)\.", said), "and not -0.0 %"
    pred[1] = 500.0
    written(path, id=ids, pred=pred, target=[0.0] * 20_002)
    assert f"; {'k' * 39}… alone" in finding(samples(*told))


def test_the_signature_is_that_of_eval(samples: Any, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["eval", str(RIDGE), str(TARGET), "-f", "json"]) == 0
    signature = json.loads(capfd.readouterr().out)["signature"]
    assert "|data:" in signature
    for told in (["--top", 3], ["--all"], ["--all", "--block-rows", 7], ["--outliers", "mad"]):
        assert json.loads(samples(RIDGE, TARGET, *told, "-f", "json").out)["signature"] == signature


def test_wrong_inputs_are_the_finding(samples: Any, tmp_path: Path) -> None:
    truth, noise = np.random.default_rng(10).normal(size=(2, 300))
    pred = np.roll(truth + 0.2 * noise, 1)
    path = written(tmp_path / "a.csv", pred=pred.tolist(), target=truth.tolist())
    said = finding(samples(path, "-f", "table"))
    assert said.startswith("! rows look shifted by one: ")
    assert said.endswith("Check the files before anything else: rows look shifted by one.")
    assert "rows look shifted by one" in samples(path, "--all").err
    assert "shifted" not in samples(RIDGE, TARGET, "--all").err


# --- formats ------------------------------------------------------------------------------------

TEXTS = ["plain", "=1+1", 'quo"te, comma', "tab\there", "::warn", "ünï\u202e", "", "back\\slash"]


def test_formats_agree(samples: Any, tmp_path: Path) -> None:
    pred = [0.1, 2.0, 1e22, 1e-7, 123456789.125, 5.0, 6.5, 1 / 3]
    path = written(tmp_path / "a.csv", pred=pred, target=[1.0] * 8, text=TEXTS)
    told = (path, "-l", "mse,mae", "--show", "text", "--all")
    lines = [json.loads(line) for line in samples(*told, "-f", "jsonl").out.splitlines()]
    assert [one["text"] for one in lines] == [text or None for text in TEXTS]
    assert [one["pred"] for one in lines] == pred
    assert samples(*told, "-o", tmp_path / "o.parquet").out == ""
    table = pq.read_table(tmp_path / "o.parquet").to_pylist()
    assert table == [one | {"row": int(one["row"])} for one in lines]
    assert samples(*told, "-o", tmp_path / "o.csv").status == 0
    with (tmp_path / "o.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row, one in zip(rows, lines, strict=True):
        numbers = [name for name in one if name != "text"]
        assert [float(row[name]) for name in numbers] == [one[name] for name in numbers]
    assert [row["text"] for row in rows][:5] == [
        "plain", "'=1+1", 'quo"te, comma', r"tab\x09here", r"\::warn",
    ]  # fmt: skip
    tsv = samples(*told)
    for row, one in zip(tsv.rows, lines, strict=True):
        assert [float(row[name]) for name in numbers] == [one[name] for name in numbers]
    assert [row["text"] for row in tsv.rows][1:6] == [
        "=1+1", 'quo"te, comma', r"tab\x09here", r"\::warn", r"ünï\u202e",
    ]  # fmt: skip
    report = json.loads(samples(*told, "-f", "json").out)
    names = [column["name"] for column in report["table"]["columns"]]
    assert [dict(zip(names, row, strict=True)) for row in report["table"]["rows"]] == lines


def test_a_column_that_is_shown_hides_no_other(samples: Any, tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", pred=[1.0], target=[3.0], mse=[7.0], row=[8.0])
    [row] = samples(path, "--show", "mse,row", "--all", "--pred-col", "pred").rows
    assert (row["row"], row["mse"]) == ("0", "4")
    assert (row["row_shown"], row["mse_shown"]) == ("8", "7")


def test_a_column_with_a_comma_is_shown(samples: Any, tmp_path: Path) -> None:
    columns = {"pred": [1.0], "target": [3.0], "cat,comma": ["x"], "cat": ["y"], "b": ["z"]}
    path = written(tmp_path / "a.csv", **columns)
    [row] = samples(path, "--show", "cat,comma", "--show", " cat, b", "--all").rows
    assert (row["cat,comma"], row["cat"], row["b"]) == ("x", "y", "z")
    failed(samples(path, "--show", "cat,,b"), 2, "--show has an empty name")


@pytest.mark.parametrize("width", [40, 80, 140])
def test_the_screen_fits(samples: Any, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    out = samples(RIDGE, TARGET, "--show", "age,bmi", "-f", "table").out
    assert max(map(len, out.splitlines())) <= width
    last = " ".join(out.split("\n\n")[-1].split())
    assert last == (
        "20 of 442 rows make 22.8 % of MSE; #102 alone 1.8 %: without it RMSE is 54.29 (-0.8 %)."
    )


# --- streams and refusals -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (["--sort", "size"], "--sort is size"),
        (["--all", "--top", "3"], "exclude each other"),
        (["--top", "0"], "--top is 0"),
        (["--trim", "5"], "--trim is 5"),
        (["--outliers", "sigma"], "--outliers is sigma"),
        (["--show", "height"], "height"),
        (["-f", "parquet"], "needs a file"),
        (["-f", "xml"], "html, parquet"),
        (["-l", "mae", "--reduction", "none", "--sort", "delta"], "--sort delta"),
    ],
)
def test_refused(samples: Any, told: list[str], said: str) -> None:
    failed(samples(RIDGE, TARGET, *told), 2, said)


def test_no_single_residual(samples: Any) -> None:
    boxes = (SAMPLES / "boxes/model.csv", SAMPLES / "boxes/target.csv")
    failed(samples(*boxes, "--outliers", "mad"), 2, "no single residual")
    failed(samples(*boxes, "--sort", "residual"), 2, "no single residual")


def test_too_many_rows_for_a_table(samples: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.arange(10_001.0))
    both = (tmp_path / "a.npy", tmp_path / "a.npy", "--all")
    for form in ("table", "md", "json"):
        failed(samples(*both, "-f", form), 2, "10001 rows are too many", "parquet")
    assert samples(*both).out.count("\n") == 10_002


def test_what_has_no_closed_form_is_left_out_of_many_rows(
    samples: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(6)
    target = rng.integers(0, 4, 50)
    pred = np.clip(target + rng.integers(-1, 2, 50), 0, 3)
    path = written(tmp_path / "a.csv", pred=pred.tolist(), target=target.tolist())
    told = (path, "-l", "qwk", "--all")
    assert "qwk_without" in samples(*told).rows[0]
    monkeypatch.setattr(answer, "SLOW", 49)
    monkeypatch.setattr(order, "SLOW", 49)
    found = samples(*told)
    assert "qwk_without" not in found.rows[0]
    assert "no closed form" in found.err
    assert "qwk_without" in samples(*told[:3], "--top", 5).rows[0]
    failed(samples(*told[:3], "--sort", "delta"), 2, "no closed form")


def test_an_error_leaves_nothing(samples: Any, tmp_path: Path) -> None:
    """A fault in the last row: nothing on stdout, and the file as it was."""
    values = np.arange(300_000.0)
    np.save(tmp_path / "t.npy", values)
    values[-1] = np.nan
    np.save(tmp_path / "p.npy", values)
    out = tmp_path / "o.parquet"
    out.write_text("before")
    told = (tmp_path / "p.npy", tmp_path / "t.npy", "--all")
    failed(samples(*told), 3, "NaN")
    failed(samples(*told, "-o", out), 3, "NaN")
    assert out.read_text() == "before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["o.parquet", "p.npy", "t.npy"]
    np.save(tmp_path / "p.npy", np.zeros(300_000))
    out.chmod(0o640)
    assert samples(*told, "-o", out).status == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert pq.read_metadata(out).num_rows == 300_000
    failed(samples(*told, "-o", tmp_path / "no" / "o.csv"), 5, "cannot be written")
    failed(samples(*told, "-o", tmp_path / "p.npy", "-f", "tsv"), 2, "is an input")
    failed(samples(*told, "-o", tmp_path / "o.xlsx"), 2, "no output format is called .xlsx")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """Rows already written, then no room for more: one line, and no file."""
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random(400_000))
    np.save(tmp_path / "b.npy", np.zeros(400_000))
    program = "import lossctl.cli, resource; " \
              "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)); " \
              "raise SystemExit(lossctl.cli.main())"  # fmt: skip
    command = [sys.executable, "-c", program, "samples", "a.npy", "b.npy", "--all", "-o", "o.pq"]
    made = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 5
    assert made.stderr == "lossctl: o.pq cannot be written: File too large\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npy", "b.npy"]


def test_parquet_into_a_pipe(tmp_path: Path) -> None:
    """A fifo, as of `-o >(program)` in a shell."""
    os.mkfifo(tmp_path / "pipe.parquet")
    command = [sys.executable, "-m", "lossctl", "samples", RIDGE, TARGET, "--all", "-o",
               str(tmp_path / "pipe.parquet")]  # fmt: skip
    with subprocess.Popen(command) as program:
        data = (tmp_path / "pipe.parquet").read_bytes()
    assert program.returncode == 0
    assert pq.read_table(io.BytesIO(data)).num_rows == 442


def test_any_part_of_many_rows_is_trimmed(samples: Any, tmp_path: Path) -> None:
    """More rows than the sample that says where values lie."""
    error = np.random.default_rng(3).standard_t(3, size=150_000)
    np.save(tmp_path / "p.npy", error)
    np.save(tmp_path / "t.npy", 0.0 * error)
    for share in (1, 20, 50, 75, 99.99):
        told = (tmp_path / "p.npy", tmp_path / "t.npy", "--trim", f"{share}%", "-l", "mse")
        cut = json.loads(samples(*told, "-f", "json").out)["parts"]["trimmed"]["losses"]["mse"]
        rows = int(share / 100 * error.size)
        assert cut["rows"] == rows
        assert cut["value"] == pytest.approx(np.sort(error**2)[: error.size - rows].mean())


def test_ids_that_are_numbers(samples: Any, tmp_path: Path) -> None:
    one = written(tmp_path / "p.csv", k=[1, 2, 3], pred=[1.0, 3.0, 4.0])
    two = written(tmp_path / "t.csv", k=[3, 2, 1], target=[1.0, 2.0, 3.0])
    for form in ("table", "md", "html", "json"):
        assert samples(one, two, "--on", "k", "-f", form).status == 0
    said = " ".join(samples(one, two, "--on", "k", "-f", "table").out.split())
    assert "All rows are listed; 3 alone makes 64.3 % of MSE: " in said


def test_head_ends_it(tmp_path: Path) -> None:
    """The reader leaves after the first bytes: 141, and nothing to say."""
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random(400_000))
    np.save(tmp_path / "b.npy", np.zeros(400_000))
    command = [sys.executable, "-m", "lossctl", "samples", "a.npy", "b.npy", "--all"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ
    ) as program:
        assert program.stdout is not None
        assert program.stderr is not None
        assert program.stdout.readline().startswith(b"row\ttarget\tpred")
        program.stdout.close()
        assert program.stderr.read() == b""
        assert program.wait(60) == 141


def test_from_standard_input(samples: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which is read once, and kept for the pass that makes the rows."""
    content = RIDGE.read_bytes()
    made = subprocess.run(
        [sys.executable, "-m", "lossctl", "samples", "-", str(TARGET), "--input-format", "csv"],
        input=content, capture_output=True, check=True,
    )  # fmt: skip
    assert made.stdout.decode() == samples(RIDGE, TARGET).out
