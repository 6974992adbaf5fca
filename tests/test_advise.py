"""`lossctl advise` as a user meets it: what it says of the sample data, by every road."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lossctl.cli import run
from lossctl.report import Report

DATA = Path(__file__).parent.parent / "sample_data"
TARGET = DATA / "diabetes/target.csv"
Advise = Callable[..., str]


@pytest.fixture
def advise(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Advise:
    """What the command says on stdout; on stderr where the status is not 0."""
    monkeypatch.delenv("LOSSCTL_FORMAT", raising=False)

    def call(*arguments: Any, status: int = 0) -> str:
        capfd.readouterr()
        found = int(run(["advise", *map(str, arguments)]))
        said = capfd.readouterr()
        assert found == status, said.err
        if status:
            assert said.out == "" and said.err.count("\n") == 1, said.err
            return said.err
        return said.out

    return call


def saved(folder: Path, **arrays: np.ndarray) -> list[Path]:
    for name, values in arrays.items():
        np.save(folder / f"{name}.npy", values)
    return [folder / f"{name}.npy" for name in arrays]


def report(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    assert Report.from_dict(found).to_dict() == found
    return found


def test_regression_that_is_in_order(advise: Advise) -> None:
    found = report(advise(DATA / "diabetes/ridge.csv", TARGET, "-f", "json"))
    assert list(found["parts"]) == ["spread", "scale"]
    assert found["parts"]["spread"]["advice"] == "poisson_deviance"
    assert found["finding"].startswith("Consider poisson_deviance: ")
    assert found["losses"] == [] and found["worst"] is None
    spread = found["parts"]["spread"]
    rows = np.load(DATA / "diabetes/target.npy")
    pred = np.load(DATA / "diabetes/ridge.npy")
    fifths = np.array_split((pred - rows)[np.argsort(pred)] ** 2, 5)
    assert spread["rmse"] == pytest.approx([np.sqrt(one.mean()) for one in fifths])
    want = 442 * np.corrcoef((pred - rows) ** 2, pred)[0, 1] ** 2
    assert spread["breusch_pagan"] == pytest.approx(want)


def test_three_broken_rows_are_named(advise: Advise) -> None:
    found = report(advise(DATA / "diabetes/broken.csv", TARGET, "--id-col", "id", "-f", "json"))
    assert found["finding"] == (
        "Look at d371 d017 d233 first: 3 rows make 86 % of the MSE, and only 20 % of the MAE."
    )
    assert "correction" not in found["parts"]  # a line fitted to three rows is no correction


def test_a_biased_model_is_corrected(advise: Advise, tmp_path: Path) -> None:
    y = np.load(DATA / "diabetes/target.npy")
    p = np.load(DATA / "diabetes/ridge.npy") + 30.0
    found = report(advise(*saved(tmp_path, p=p, y=y), "-f", "json"))
    assert found["finding"].startswith("Subtract 29.8: rmse ")
    part = found["parts"]["correction"]
    assert part["mse"]["offset"] == pytest.approx((y - p).mean())
    assert part["mae"]["offset"] == pytest.approx(np.median(y - p))
    assert part["mse"]["cross_fitted"] and part["sampled"] == {"rows": 442, "of": 442}


@pytest.mark.parametrize(
    "pred, topics, finding",
    [
        ("boosting", ["correction", "labels"], "Keep these probabilities"),
        ("forest", ["zeros", "labels"], "1 of 569 rows gives its own class probability 0"),
        ("logistic", ["labels"], "Nothing shows that labels are wrong"),
    ],
)
def test_binary(advise: Advise, pred: str, topics: list[str], finding: str) -> None:
    files = (DATA / f"binary/{pred}.csv", DATA / "binary/target.csv")
    found = report(advise(*files, "--task", "binary", "-f", "json"))
    assert list(found["parts"]) == topics and found["finding"].startswith(finding)


def test_logits_are_their_probabilities(advise: Advise) -> None:
    """But for the rounding of the probabilities."""
    target = DATA / "binary/target.csv"
    logits = advise(DATA / "binary/logistic_logits.csv", target, "--from-logits", "-f", "json")
    plain = advise(DATA / "binary/logistic.csv", target, "--task", "binary", "-f", "json")
    left, right = (report(one)["parts"]["labels"] for one in (logits, plain))
    assert left["issues"][0]["row"] == right["issues"][0]["row"] == "#297"
    assert left["noise"]["ratio"] == pytest.approx(right["noise"]["ratio"], rel=1e-4)


def test_names_of_classes(advise: Advise) -> None:
    files = (DATA / "binary/boosting.csv", DATA / "binary/target.csv")
    options = ("--task", "binary", "--target-col", "label", "--positive", "malignant")
    text = advise(*files, *options, "-f", "table")
    assert "label malignant has" in text.replace("\n", " ") and "class benign has" in text


@pytest.mark.parametrize("pred, by", [("forest", 0.322), ("logistic", 0.55)])
def test_multiclass_temperature(advise: Advise, pred: str, by: float) -> None:
    files = (DATA / f"multiclass/{pred}.csv", DATA / "multiclass/target.csv")
    found = report(advise(*files, "-f", "json"))
    part = found["parts"]["correction"]
    assert part["advice"] == f"divide log p by {by}" and found["finding"].startswith("Divide log p")
    assert part["temperature"]["by"] == pytest.approx(by, rel=0.01)
    assert part["temperature"]["after"] < 0.8 * part["temperature"]["before"]


def test_an_ignored_label_is_left_out(advise: Advise, tmp_path: Path) -> None:
    label = np.load(DATA / "multiclass/target.npy").astype(np.int64)
    pred = np.load(DATA / "multiclass/logistic.npy")
    whole = advise(*saved(tmp_path, pred=pred[:500], label=label[:500]), "-f", "json")
    label[500:] = -100
    files = saved(tmp_path, pred=pred, label=label)
    left = advise(*files, "--ignore-index", "-100", "--task", "multiclass", "-f", "json")
    assert report(left)["parts"] == report(whole)["parts"]


# --- by every road ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options", [["--block-rows", "1", "--threads", "1"], ["--block-rows", "57"], ["--threads", "3"]]
)
def test_blocks_change_no_digit(advise: Advise, options: list[str]) -> None:
    files = (DATA / "diabetes/broken.csv", TARGET)
    assert advise(*files, "-f", "json", *options) == advise(*files, "-f", "json")


def test_with_a_key_the_order_of_rows_changes_nothing(advise: Advise, tmp_path: Path) -> None:
    head, *rows = (DATA / "diabetes/broken.csv").read_text().splitlines()
    y = np.random.default_rng(0).permutation(len(rows))
    (tmp_path / "p.csv").write_text("\n".join([head, *(rows[place] for place in y)]) + "\n")
    options = ("--on", "id", "--id-col", "id", "-f", "json")
    left = report(advise(DATA / "diabetes/broken.csv", TARGET, *options))
    right = report(advise(tmp_path / "p.csv", TARGET, *options))
    assert right["parts"] == left["parts"] and right["finding"] == left["finding"]


def test_a_sample_says_so_and_depends_on_no_block(advise: Advise, tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    p = generator.normal(0.0, 3.0, 30_000)
    y = p + generator.exponential(1.0, 30_000) - np.log(2.0)
    files = saved(tmp_path, p=p, y=y)
    text = advise(*files, "-f", "json")
    assert advise(*files, "-f", "json", "--block-rows", "1234") == text
    found = report(text)
    assert found["parts"]["skew"]["sampled"] == {"rows": 20_000, "of": 30_000}
    assert "~" in found["parts"]["skew"]["text"]
    assert [note["code"] for note in found["notes"]] == ["sample"]
    aim = found["parts"]["aim"]  # from all rows
    assert aim["rows"] == 30_000 and "~" not in aim["text"] and aim["advice"] == "mae"
    assert aim["mean"] == pytest.approx((p - y).mean())
    assert aim["below"] == int((y < p).sum())


def test_weights_count_in_corrections(advise: Advise, tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    p, w = generator.normal(0.0, 3.0, 800), generator.integers(0, 3, 800).astype(np.float64)
    y = p + generator.normal(0.0, 1.0, 800) + np.where(w == 2.0, 2.0, 0.0)
    rows = np.column_stack([p, w])
    np.savetxt(tmp_path / "p.csv", rows, delimiter=",", header="pred,w", comments="")
    np.savetxt(tmp_path / "y.csv", y, header="y", comments="")
    files = (tmp_path / "p.csv", tmp_path / "y.csv")
    found = report(advise(*files, "--weight-col", "w", "-f", "json"))
    moved = found["parts"]["correction"]["mse"]["offset"]
    assert moved == pytest.approx(float((w * (y - p)).sum() / w.sum()))


# --- forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("cells", [60, 80, 140])
def test_screens_fit(advise: Advise, cells: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(cells))
    for name in ("ridge", "broken", "forest"):
        lines = advise(DATA / f"diabetes/{name}.csv", TARGET, "-f", "table").splitlines()
        assert max(map(len, lines)) <= cells
        assert lines[-1].endswith(".")


def test_tsv_holds_one_advice_a_line(advise: Advise) -> None:
    lines = advise(DATA / "diabetes/ridge.csv", TARGET).splitlines()
    assert lines[0].split("\t") == ["topic", "advice", "gain", "p", "evidence"]
    assert [line.split("\t")[0] for line in lines[1:]] == ["spread", "scale"]
    rows = advise(DATA / "diabetes/ridge.csv", TARGET, "-f", "jsonl").splitlines()
    assert [json.loads(row)["topic"] for row in rows] == ["spread", "scale"]


# --- what there is no advice for --------------------------------------------------------------


def test_tasks_without_rules(advise: Advise, tmp_path: Path) -> None:
    for pred, target, said in (
        (DATA / "masks/model.npy", DATA / "masks/target.npy", "no rules for masks"),
        (DATA / "multiclass/predicted.csv", DATA / "multiclass/target.csv",
         "no rules for multiclass without probabilities"),
    ):  # fmt: skip
        assert said in advise(pred, target, "--task", pred.parent.name, status=2)
    many = saved(tmp_path, p=np.ones((9, 21)), y=np.zeros((9, 21)))
    said = advise(*many, "--task", "regression", status=2)
    assert "no rules for regression of 21 outputs" in said


def test_few_rows_give_no_advice(advise: Advise, tmp_path: Path) -> None:
    files = saved(tmp_path, p=np.array([1.0, 2.0]), y=np.array([1.0, 3.0]))
    found = report(advise(*files, "-f", "json"))
    assert found["parts"] == {} and found["finding"].startswith("No advice: nothing shows in 2")


def test_what_cannot_be_advised_on_is_said(advise: Advise, tmp_path: Path) -> None:
    files = saved(tmp_path, p=np.array([1e200, 2.0]), y=np.array([1.0, 3.0]))
    assert "No advice: values beyond 1e100" in advise(*files, "-f", "table")
    shares = saved(tmp_path, p=np.full(50, 0.5), y=np.linspace(0.0, 1.0, 50))
    assert "needs label" in advise(*shares, "--task", "binary", status=3)


def test_every_row_ignored(advise: Advise, tmp_path: Path) -> None:
    files = saved(tmp_path, p=np.full((3, 2), 0.5), label=np.full(3, -1))
    said = advise(*files, "--task", "multiclass", "--ignore-index", "-1", status=3)
    assert "every row has the ignored label -1" in said
