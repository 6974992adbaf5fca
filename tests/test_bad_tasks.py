"""Bad input of each task: one line that says what, where and what to do, or a value that says why
it is none."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.roles import _shown
from tests.samples import SAMPLES
from tests.test_cli import Result, failed, write
from tests.test_cli import lossctl as command

program = command  # a fixture: the program in this process
Writer = Callable[..., Path]

LOGISTIC, TUMOURS = SAMPLES / "binary/logistic.csv", SAMPLES / "binary/target.csv"
P_AB = "p_a,p_b\n0.6,0.4\n0.9,0.1\n0.2,0.8\n"


@pytest.fixture
def table(tmp_path: Path) -> Writer:
    def made(name: str, text: str) -> Path:
        return write(tmp_path / name, text)

    return made


@pytest.fixture
def array(tmp_path: Path) -> Writer:
    def made(name: str, values: Any) -> Path:
        np.save(tmp_path / name, np.asarray(values))
        return tmp_path / name

    return made


def rows(path: Path, *held: dict[str, Any]) -> Path:
    return write(path, "".join(json.dumps(row) + "\n" for row in held))


def strict(result: Result) -> dict[str, Any]:
    """The JSON of a run that went well; NaN in it fails."""
    assert result.status == 0, result.err

    def no(word: str) -> Any:
        raise AssertionError(f"{word} in JSON")

    whole: dict[str, Any] = json.loads(result.out, parse_constant=no)
    return whole


def bare(result: Result) -> list[str]:
    assert result.status == 0, result.err
    lines: list[str] = result.out.splitlines()
    return lines


def said(whole: dict[str, Any], code: str) -> str:
    return str(next(note["text"] for note in whole["notes"] if note["code"] == code))


# --- values of probabilities and labels --------------------------------------------------------


def test_rows_that_do_not_sum_to_one_are_named_and_used(program: Any, table: Writer) -> None:
    pred = table("p.csv", "p_a,p_b\n0.5,0.4\n0.9,0.3\n0.2,0.8\n")
    label = table("y.csv", "label\n0\n0\n1\n")
    whole = strict(program("eval", pred, label, "-f", "json", "-q"))
    text = said(whole, "sums")
    assert "2 rows do not sum to 1 (worst: #1, 1.2)" in text
    assert [note["code"] for note in whole["notes"]].count("sums") == 1
    given = {one["label"]: one["value"] for one in whole["losses"]}
    assert given["scce"] == pytest.approx(-math.log(0.5 * 0.9 * 0.8) / 3, rel=1e-15)
    spec = "scce:normalize=true"
    divided = strict(program("eval", pred, label, "-l", spec, "-f", "json"))["losses"][0]["value"]
    assert divided == pytest.approx(-math.log(0.5 / 0.9 * 0.9 / 1.2 * 0.8) / 3, rel=1e-15)


def test_values_outside_zero_and_one(program: Any, table: Writer) -> None:
    label = table("y.csv", "label\n0\n1\n")
    failed(program("eval", table("p.csv", "p_a,p_b\n0.5,0.5\n-1,2\n"), label), 3,
           "p.csv[p_a,p_b] row #1 is -1", "[0, 1]", "--from-logits")  # fmt: skip
    many = table("m.csv", "p\n0.5\n1.5\n")
    failed(program("eval", many, label, "--task", "binary"), 3, "m.csv[p] row #1 is 1.5",
           "--from-logits")  # fmt: skip


@pytest.mark.parametrize("label", ["2", "-1", "0.5"])
def test_labels_outside_the_classes(program: Any, table: Writer, label: str) -> None:
    target = table("y.csv", f"label\n0\n{label}\n1\n")
    task = ["--task", "multiclass"]
    failed(program("eval", table("p.csv", P_AB), target, *task), 3, "y.csv[label] row #1", label)


def test_an_unknown_class_name(program: Any, table: Writer) -> None:
    pred, label = table("p.csv", P_AB), table("y.csv", "label\na\nz\nb\n")
    failed(program("eval", pred, label), 3, "y.csv[label] row #1 is 'z'", "a, b", "--labels")
    failed(program("eval", LOGISTIC, TUMOURS, "--target-col", "label", "--labels", "benign,bad"), 3,
           "row #0 is 'malignant'", "benign, bad")  # fmt: skip


def test_the_positive_class(program: Any) -> None:
    named = ["eval", LOGISTIC, TUMOURS, "--target-col", "label"]
    failed(program(*named), 2, "target.csv[label] holds names", "--positive")
    failed(program(*named, "--positive", "malign"), 3, "'malign'", "malignant, benign")
    by_number = ["eval", LOGISTIC, TUMOURS, "--target-col", "target", "--task", "binary"]
    expected = bare(program(*by_number, "-b", "-q"))
    assert bare(program(*named, "--positive", "malignant", "-b", "-q")) == expected
    assert bare(program(*named, "--labels", "benign,malignant", "-b", "-q")) == expected


def test_positive_codes_no_probability(program: Any, table: Writer) -> None:
    """Probabilities of 0 and 1 are whole numbers in text, and labels only beside labels."""
    pred, label = table("p.csv", "p\n1\n0\n1\n"), table("y.csv", "label\nyes\nno\nyes\n")
    for spec in ("accuracy", "bce,accuracy:threshold=0.5"):
        values = bare(program("eval", pred, label, "-l", spec, "--positive", "yes", "-b", "-q"))
        assert values[-1] == "1.0"
    labels = table("l.csv", "pred\n1\n2\n2\n"), table("t.csv", "label\n1\n2\n1\n")
    assert float(bare(program("eval", *labels, "-l", "accuracy", "--labels", "1,2", "-b"))[0]) == (
        pytest.approx(2 / 3)
    )


def test_options_about_classes_that_would_do_nothing(program: Any) -> None:
    files = SAMPLES / "diabetes/ridge.csv", SAMPLES / "diabetes/target.csv"
    for option, value in (("--labels", "a,b"), ("--positive", "a"), ("--classes", "3"),
                          ("--class-weight", "balanced"), ("--boxes", "xyxy"),
                          ("--ignore-index", "9")):  # fmt: skip
        failed(program("eval", *files, option, value), 2, option)
    failed(program("eval", *files, "--from-logits"), 2, "--from-logits")
    failed(program("eval", *files, "--class-weight", files[0]), 2, "--class-weight")
    failed(program("eval", *files, "--labels", "a,b", "--positive", "a"), 2, "exclude each other")


# --- classes by name and by number -------------------------------------------------------------


def test_columns_1_to_3_against_labels_1_to_3(program: Any, table: Writer) -> None:
    pred = table("p.csv", "p_1,p_2,p_3\n0.5,0.4,0.1\n0.2,0.2,0.6\n0.1,0.8,0.1\n")
    label = table("y.csv", "label\n1\n3\n2\n")
    value = float(bare(program("eval", pred, label, "-l", "scce", "-b"))[0])
    assert value == pytest.approx(-math.log(0.5 * 0.6 * 0.8) / 3, rel=1e-15)
    failed(program("eval", pred, table("z.csv", "label\n1\n0\n2\n")), 3, "row #1 is '0'", "1, 2, 3")


def test_columns_of_both_sides_are_brought_into_one_order(program: Any, table: Writer) -> None:
    pred = table("p.csv", "p_b,p_a\n0.9,0.2\n0.4,0.7\n")
    target = table("y.csv", "a,b\n0,1\n1,1\n")
    line = ["eval", pred, target, "--task", "multilabel", "-l", "bce"]
    whole = strict(program(*line, "-f", "json"))
    assert whole["inputs"]["pred"]["columns"] == ["p_a", "p_b"]
    expected = -(math.log(0.8) + math.log(0.9) + math.log(0.7) + math.log(0.4)) / 4
    assert whole["losses"][0]["value"] == pytest.approx(expected, rel=1e-15)


def test_labels_in_another_order_than_the_columns(program: Any, table: Writer) -> None:
    line = ["eval", table("p.csv", P_AB), table("y.csv", "label\na\na\nb\n")]
    expected = bare(program(*line, "-b"))
    assert bare(program(*line, "--labels", "b,a", "-b")) == expected
    failed(program(*line, "--labels", "a,b,c"), 2, "3 classes", "2")


def test_how_many_classes(program: Any, table: Writer) -> None:
    line = ["eval", table("p.csv", P_AB), table("y.csv", "label\na\na\nb\n")]
    assert bare(program(*line, "--classes", "2", "-b"))
    failed(program(*line, "--classes", "3"), 3, "2 classes", "--classes is 3")
    failed(program(*line, "--classes", "0"), 2, "--classes is 0", "at least 1")
    failed(program(*line, "--classes", "many"), 2, "--classes")


def test_class_weights(program: Any, table: Writer) -> None:
    line = ["eval", table("p.csv", P_AB), table("y.csv", "label\na\na\nb\n"), "-l", "scce"]
    weighted = bare(program(*line, "--class-weight", table("w.csv", "w\n1\n3\n"), "-b"))
    logs = [-math.log(0.6), -math.log(0.9), -math.log(0.8)]
    assert float(weighted[0]) == pytest.approx((logs[0] + logs[1] + 3 * logs[2]) / 5, rel=1e-15)
    balanced = bare(program(*line, "--class-weight", "balanced", "-b"))
    expected = (0.75 * (logs[0] + logs[1]) + 1.5 * logs[2]) / 3
    assert float(balanced[0]) == pytest.approx(expected, rel=1e-15)
    failed(program(*line, "--class-weight", table("v.csv", "w\n1\n3\n2\n")), 3, "2 classes", "3")
    failed(program(*line, "--class-weight", table("u.csv", "w\n1\n-3\n")), 3, "-3")
    failed(program(*line, "--class-weight", "none.csv"), 3, "none.csv: no such file")


def test_an_ignored_label(program: Any, table: Writer) -> None:
    pred = table("p.csv", P_AB)
    some = ["eval", pred, table("y.csv", "label\n0\n-100\n1\n"), "--ignore-index", "-100"]
    whole = strict(program(*some, "-f", "json"))
    assert whole["rows"]["dropped"]["ignored"] == 1
    assert {one["n"] for one in whole["losses"]} == {2}
    assert [one["label"] for one in whole["losses"]] == ["scce", "brier", "spherical", "accuracy"]
    assert whole["losses"][0]["value"] == pytest.approx(-math.log(0.6 * 0.8) / 2, rel=1e-15)
    assert "dropped 1: 1 ignored" in program(*some, "-f", "table").out
    failed(program(*some, "--task", "regression", "-l", "mae"), 2, "--ignore-index")


def test_all_samples_ignored(program: Any, table: Writer) -> None:
    line = ["eval", table("p.csv", P_AB), table("y.csv", "label\n9\n9\n9\n"), "--ignore-index", "9"]
    whole = strict(program(*line, "-f", "json"))
    one = whole["losses"][0]
    assert (one["value"], one["status"]) == (None, "undefined")
    assert one["reason"]
    assert whole["rows"]["dropped"]["ignored"] == 3
    for form in ("table", "tsv", "csv", "md", "html", "jsonl"):
        text = program(*line, "-f", form).out
        assert "n/a" in text or "undefined" in text
        assert "nan" not in text.lower().replace("nan:error", "")


def test_an_ignored_label_that_could_be_a_class(program: Any, table: Writer) -> None:
    pred = table("p.csv", "p_1,p_2,p_3\n0.5,0.4,0.1\n0.2,0.2,0.6\n0.1,0.8,0.1\n")
    line = ["eval", pred, table("y.csv", "label\n1\n3\n2\n"), "-b", "--ignore-index"]
    failed(program(*line, "1"), 2, "--ignore-index 1", "a number that no class has")
    value = float(bare(program(*line, "3"))[0])
    assert value == pytest.approx(-math.log(0.5 * 0.8) / 2, rel=1e-15)


# --- boxes and masks ---------------------------------------------------------------------------


def test_boxes_with_crossed_corners(program: Any, table: Writer) -> None:
    good = table("good.csv", "x1,y1,x2,y2\n0,0,2,2\n1,0,3,2\n")
    bad = table("bad.csv", "x1,y1,x2,y2\n0,0,2,2\n3,0,1,2\n")
    for line in ((bad, good), (good, bad)):
        failed(program("eval", *line), 3, "bad.csv[x1,y1,x2,y2] row #1", "[3, 0, 1, 2]", "x1 ≤ x2")


def test_forms_of_boxes(program: Any, table: Writer) -> None:
    corners = [SAMPLES / "boxes/model.csv", SAMPLES / "boxes/target.csv"]
    sized = SAMPLES / "boxes/model_xywh.csv"
    truth = table("truth.csv", _sized(corners[1]))
    expected = bare(program("eval", *corners, "-b"))
    assert bare(program("eval", sized, truth, "-b")) == expected
    assert bare(program("eval", sized, truth, "--boxes", "xywh", "-b")) == expected
    assert bare(program("eval", sized, truth, "--boxes", "cxcywh", "-b")) != expected
    for more in ([], ["-l", "giou"], ["--boxes", "xywh"]):
        failed(program("eval", sized, corners[1], *more), 3, "xywh and xyxy", "one form")
    failed(program("eval", *corners, "--boxes", "corners"), 2, "boxes is corners", "xyxy, xywh")


def _sized(path: Path) -> str:
    lines = ["x,y,w,h"]
    for line in path.read_text().splitlines()[1:]:
        x1, y1, x2, y2 = map(int, line.split(",")[1:])
        lines.append(f"{x1},{y1},{x2 - x1},{y2 - y1}")
    return "\n".join(lines) + "\n"


def test_masks_of_unequal_size(program: Any, array: Writer, tmp_path: Path) -> None:
    pred = array("pred.npy", np.full((3, 4, 4), 0.5))
    failed(program("eval", pred, array("wide.npy", np.zeros((3, 4, 5)))), 3, "4 × 5", "4 × 4")
    failed(program("eval", pred, array("flat.npy", np.zeros((3, 2, 8)))), 3, "4 × 4", "2 × 8")
    ragged = rows(
        tmp_path / "r.jsonl",
        {"pred": [0.5, 0.5], "target": [0, 1]},
        {"pred": [0.5, 0.5], "target": [0, 1, 1]},
    )
    failed(program("eval", ragged, "--task", "masks"), 3, "r.jsonl[target] row #1 has 3 values")


# --- sequences ---------------------------------------------------------------------------------


@pytest.fixture
def frames(array: Writer) -> Path:
    return array("frames.npy", np.random.default_rng(0).normal(size=(3, 2, 4)))


def test_a_ctc_target_that_does_not_fit(program: Any, frames: Path, tmp_path: Path) -> None:
    target = rows(tmp_path / "t.jsonl", {"target": [1]}, {"target": [1, 2, 3]}, {"target": [2]})
    whole = strict(program("eval", frames, target, "-f", "json"))
    one = whole["losses"][0]
    assert (one["label"], one["value"], one["status"]) == ("ctc", None, "infinite")
    assert one["reason"] == "1 row is infinite"
    assert whole["worst"]["rows"][0]["row"] == 1
    assert bare(program("eval", frames, target, "-b")) == ["infinite"]
    zeroed = strict(program("eval", frames, target, "-l", "ctc:zero_infinity=true", "-f", "json"))
    assert zeroed["losses"][0]["status"] == "ok"


def test_symbols_outside_the_classes(program: Any, frames: Path, tmp_path: Path) -> None:
    target = rows(tmp_path / "t.jsonl", {"target": [1]}, {"target": [4]}, {"target": [2]})
    failed(program("eval", frames, target), 3, "t.jsonl[target] row #1", "below 4")


def test_time_first(program: Any, frames: Path, array: Writer, tmp_path: Path) -> None:
    target = rows(tmp_path / "t.jsonl", {"target": [1]}, {"target": [3]}, {"target": [2, 1]})
    expected = bare(program("eval", frames, target, "-b"))
    turned = array("turned.npy", np.ascontiguousarray(np.load(frames).transpose(1, 0, 2)))
    assert bare(program("eval", turned, target, "--layout", "TBC", "-b")) == expected
    failed(program("eval", turned, target), 3, "2 rows", "3 rows")
    failed(program("eval", turned, target, "--layout", "CBT"), 2, "--layout is CBT", "BTC, TBC")


def test_empty_sequences(program: Any, frames: Path, tmp_path: Path) -> None:
    pairs = [("", ""), ("a", ""), ("", "ab")]
    texts = rows(tmp_path / "s.jsonl", *({"pred": p, "target": t} for p, t in pairs))
    task = ["--task", "sequence"]
    whole = strict(program("eval", texts, *task, "-f", "json"))
    values = {one["spec"]: one["value"] for one in whole["losses"]}
    expected = {"edit_distance": 1.0, "edit_distance:normalize=max": 2 / 3, "cer": 1.5}
    assert values == pytest.approx(expected)
    alone = rows(tmp_path / "e.jsonl", {"pred": "", "target": ""})
    one = strict(program("eval", alone, "-l", "cer", "-f", "json"))["losses"][0]
    assert (one["value"], one["status"]) == (None, "undefined")
    none = rows(tmp_path / "t.jsonl", {"target": []}, {"target": [1]}, {"target": []})
    assert strict(program("eval", frames, none, "-f", "json"))["losses"][0]["status"] == "ok"


# --- roles -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "role"),
    [("arcface", "class_vectors"), ("triplet_margin", "positive"), ("contrastive", "right")],
)
def test_a_role_that_is_missing(program: Any, loss: str, role: str) -> None:
    files = SAMPLES / "embedding/embeddings.csv", SAMPLES / "embedding/label.csv"
    failed(program("eval", *files, "-l", loss), 2, f"needs {role}", f"--role {role}=FILE")


def test_other_roles_that_are_missing(program: Any) -> None:
    files = SAMPLES / "diabetes/ridge.csv", SAMPLES / "diabetes/target.csv"
    for loss, role in (("mase", "train"), ("structural_risk", "parameters"),
                       ("gaussian_nll", "scale"), ("interval_score", "upper")):  # fmt: skip
        failed(program("eval", *files, "-l", loss), 2, f"needs {role}", f"--role {role}=FILE")
    failed(
        program("eval", *files, "--role", f"scale={files[0]}"), 2, "--role scale", "pred, target"
    )
    failed(program("eval", *files, "--role", "scale"), 2, "NAME=FILE[:COLUMNS]")


@pytest.mark.parametrize(
    ("preds", "targets", "loss", "said"),
    [
        ("multiclass/logistic.npy", "multiclass/target.npy", "mae", ("has 10", "has 1")),
        ("diabetes/ridge.npy", "diabetes/target.npy", "scce", ("ridge.npy", "one for each class")),
        ("masks/model.npy", "masks/target.npy", "iou_loss", ("64 values a row", "needs 4")),
        ("masks/model.npy", "masks/target.npy", "mae", ("(8, 8)", "values or vectors")),
        ("diabetes/ridge.csv", "diabetes/target.csv", "edit_distance", ("no texts", "target (num")),
        ("boxes/model.npy", "boxes/target.npy", "crps", ("4 values a row", "needs one")),
        ("boxes/model.npy", "boxes/target.npy", "ctc", ("needs",)),
    ],
)
def test_a_role_of_the_wrong_shape(
    program: Any, preds: str, targets: str, loss: str, said: Sequence[str]
) -> None:
    failed(program("eval", SAMPLES / preds, SAMPLES / targets, "-l", loss), 3, *said)


def test_a_whole_role_of_the_wrong_shape(program: Any) -> None:
    files = SAMPLES / "embedding/embeddings.csv", SAMPLES / "embedding/label.csv"
    other = SAMPLES / "multiclass/logistic.npy"
    line = ["eval", *files, "-l", "arcface", "--role", f"class_vectors={other}"]
    failed(program(*line), 3, "8 dimensions", "class_vectors has 10")


# --- which task --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("preds", "targets", "tasks"),
    [
        ("binary/logistic.csv", "binary/target.csv", "binary regression"),
        ("sequences/readings.csv", None, "sequence multiclass"),
        ("multiclass/ordinal.csv", None, "multiclass regression"),
        ("boxes/model.npy", "boxes/target.npy", "boxes regression"),
        ("boxes/boxes.parquet", None, "boxes regression"),
        ("multilabel/logistic.npy", "multilabel/target.npy", "multilabel regression"),
        ("distribution/model.npy", "distribution/target.npy", "distribution regression"),
        ("ensemble/members.npy", "diabetes/target.npy", "ensemble"),
    ],
)
def test_an_ambiguous_task(program: Any, preds: str, targets: str | None, tasks: str) -> None:
    files = [SAMPLES / name for name in (preds, targets) if name is not None]
    said = [f"--task {task}" for task in tasks.split()]
    failed(program("eval", *files), 2, "it could be", *said)
    for task in tasks.split():
        if (preds, task) == ("sequences/readings.csv", "multiclass"):
            continue
        whole = strict(program("eval", *files, "--task", task, "-f", "json", "-q"))
        assert whole["task"] == task
    loss = {"sequence": "edit_distance", "ensemble": "crps"}.get(tasks.split()[0])
    if loss is not None:
        assert bare(program("eval", *files, "-l", loss, "-b", "-q"))


def test_levels_of_quantiles_that_nobody_says(program: Any) -> None:
    files = SAMPLES / "quantile/quantiles.npy", SAMPLES / "diabetes/target.npy"
    failed(program("eval", *files, "--task", "quantile"), 2, "levels", "pinball:quantile=[")
    named = SAMPLES / "quantile/quantiles.csv", SAMPLES / "diabetes/target.csv"
    expected = bare(program("eval", *named, "-b"))
    spec = "pinball:quantile=[0.1;0.5;0.9]"
    assert bare(program("eval", *files, "--task", "quantile", "-l", spec, "-b")) == expected
    assert bare(program("eval", *named, "-l", "pinball", "-b")) == expected


def test_a_task_or_library_that_is_none(program: Any) -> None:
    files = LOGISTIC, TUMOURS
    failed(program("eval", *files, "--task", "ranking"), 2, "--task is ranking", "binary")
    failed(program("eval", *files, "--like", "jax"), 2, "--like jax", "torch, keras, tensorflow")
    line = ["eval", SAMPLES / "multiclass/logistic.csv", SAMPLES / "multiclass/target.csv"]
    failed(program(*line, "-l", "rps", "--like", "torch"), 2, "rps is not known from torch")


# --- one file of both, and names that are not those of a role -----------------------------------


def test_classes_by_name_in_one_file(program: Any, table: Writer, tmp_path: Path) -> None:
    both = table("both.csv", "id,p_cat,p_dog,label\n1,0.2,0.8,dog\n2,0.7,0.3,cat\n3,0.6,0.4,dog\n")
    value = float(bare(program("eval", both, "-l", "scce", "-b"))[0])
    assert value == pytest.approx(-math.log(0.8 * 0.7 * 0.4) / 3, rel=1e-15)
    lists = rows(tmp_path / "l.jsonl", {"p": [0.2, 0.8], "label": "a"}, {"p": [0.6, 0.4],
                                                                      "label": "b"})  # fmt: skip
    failed(program("eval", lists), 2, "l.jsonl[label] holds names", "--labels")
    failed(program("eval", lists, "--labels", "a,b,c"), 3, "2 classes", "--labels names 3")
    value = float(bare(program("eval", lists, "--labels", "a,b", "-l", "scce", "-b"))[0])
    assert value == pytest.approx(-math.log(0.2 * 0.4) / 2, rel=1e-15)


def test_a_role_by_another_of_its_names(program: Any) -> None:
    """`embeddings` is the role `embedding`, also where it is not the prediction."""
    archive = SAMPLES / "embedding/embedding.npz"
    terms = ("scce:from_logits=true", "center")
    parts = [float(bare(program("eval", archive, "-l", term, "-b", "-q"))[0]) for term in terms]
    spec = "combine:(scce:from_logits=true)+0.5*(center)"
    total = float(bare(program("eval", archive, "-l", spec, "-b", "-q"))[0])
    assert total == pytest.approx(parts[0] + 0.5 * parts[1], rel=1e-14)


def test_what_may_be_two_tasks_is_said_before_scoring(program: Any) -> None:
    shown = program("inspect", LOGISTIC, TUMOURS, "-f", "table").out
    assert "binary, should they be probabilities" in " ".join(shown.split())
    listed = program("losses", "--for", LOGISTIC, TUMOURS, "-f", "json").json
    applies = {one["loss"] for one in listed if one["applies"]}
    assert {"mae", "bce"} <= applies
    assert "scce" not in applies


# --- what is shown of the worst rows ------------------------------------------------------------


def worst(program: Any, *line: Any) -> dict[str, Any]:
    whole = strict(program("eval", *line, "-f", "json", "-q"))
    values: dict[str, Any] = whole["worst"]["rows"][0]["values"]
    return values


def test_quantiles_are_no_classes(program: Any) -> None:
    files = SAMPLES / "quantile/quantiles.csv", SAMPLES / "diabetes/target.csv"
    values = worst(program, *files)
    assert sorted(values["pred"]) == values["pred"]
    assert list(values) == ["target", "pred"]


def test_labels_of_a_row_are_named(program: Any) -> None:
    files = SAMPLES / "multilabel/logistic.csv", SAMPLES / "multilabel/target.csv"
    assert worst(program, *files) == {"target": "even loop big", "pred": "prime big"}


def test_several_outputs_are_no_classes(program: Any, table: Writer) -> None:
    pred, target = table("p.csv", "a,b\n1,2\n5,7\n"), table("t.csv", "a,b\n1,2\n3,4\n")
    columns = ["--pred-col", "a,b", "--target-col", "a,b", "-l", "mse"]
    assert worst(program, pred, target, *columns)["pred"] == [5.0, 7.0]


# --- classes that are told in two ways, and weights that are told by name -------------------------

P_CDE = "p_cat,p_dog,p_emu\n0.7,0.2,0.1\n0.1,0.6,0.3\n0.2,0.3,0.5\n0.5,0.3,0.2\n"
NAMED = "label\ncat\ndog\nemu\nemu\n"
BY_NAME = -(0.2 * math.log(0.7) + math.log(0.6) + 5 * (math.log(0.5) + math.log(0.2))) / 11.2


@pytest.fixture
def animals(table: Writer) -> list[Any]:
    return ["eval", table("p.csv", P_CDE), table("y.csv", NAMED), "-l", "scce", "-b", "-q"]


def test_positive_orders_no_classes(program: Any, table: Writer) -> None:
    both = table("both.csv", "p_cat,p_dog,label\n0.9,0.1,cat\n0.2,0.8,dog\n0.6,0.4,cat\n")
    for spec in ([], ["-l", "scce"], ["-l", "accuracy"], ["-l", "brier"]):
        for positive in ("cat", "dog"):
            failed(program("eval", both, *spec, "--positive", positive), 2, "both.csv[label]",
                   "--positive is for one probability against labels", "--labels")  # fmt: skip
    right = ["eval", both, "-l", "accuracy", "-b", "-q"]
    for labels in ([], ["--labels", "cat,dog"], ["--labels", "dog,cat"]):
        assert bare(program(*right, *labels)) == ["1.0"]
    pred, label = np.array([[0.9, 0.1], [0.2, 0.8]]), ["cat", "dog"]
    for loss in ("scce", "accuracy"):
        with pytest.raises(UsageError, match="--positive is for one probability"):
            lossctl.evaluate(pred, label, loss, positive="cat")
        told = lossctl.evaluate(pred, label, loss, labels=["cat", "dog"])
        assert told.losses[0].value == pytest.approx({"accuracy": 1.0}.get(
            loss, -math.log(0.9 * 0.8) / 2), rel=1e-15)  # fmt: skip
    one = lossctl.evaluate([0.9, 0.2], ["cat", "dog"], "bce", positive="cat").losses[0]
    assert one.value == pytest.approx(-math.log(0.9 * 0.8) / 2, rel=1e-15)


@pytest.mark.parametrize("text", [
    "class,weight\nemu,5\ncat,.2\ndog,1\n",
    "w,Label\n5,emu\n1,dog\n.2,cat\n",
    "name,category,w\nemu,x,5\ncat,x,.2\ndog,x,1\n",
    "dog,emu,cat\n1,5,.2\n",
    "w_dog,w_emu,w_cat\n1,5,.2\n",
    "weight\n.2\n1\n5\n",
    ".2\n1\n5\n",
])  # fmt: skip
def test_class_weights_go_by_name(program: Any, table: Writer, animals: Any, text: str) -> None:
    weight = table("w.csv", text)
    value = float(bare(program(*animals, "--class-weight", weight))[0])
    assert value == pytest.approx(BY_NAME, rel=1e-15)
    turned = [*animals, "--labels", "emu,cat,dog", "--class-weight", weight]
    if text[0] in "w." and "emu" not in text:  # in the order of the classes, which is another one
        assert float(bare(program(*turned))[0]) != pytest.approx(BY_NAME, rel=1e-3)
    else:
        assert float(bare(program(*turned))[0]) == pytest.approx(BY_NAME, rel=1e-15)


def test_class_weights_by_role_and_from_arrays(program: Any, table: Writer, animals: Any) -> None:
    weight = table("w.csv", "class,other,weight\nemu,9,5\ncat,9,.2\ndog,9,1\n")
    role = [*animals, "--role", f"class_weight={weight}:weight"]
    assert float(bare(program(*role))[0]) == pytest.approx(BY_NAME, rel=1e-15)
    failed(program(*animals, "--class-weight", weight), 2, "2 columns", "other, weight")
    pred = np.loadtxt(animals[1], delimiter=",", skiprows=1)
    by_value = pandas.DataFrame({"w": [5.0, 0.2, 1.0], "class": [2, 0, 1]})
    wide = pandas.DataFrame({"1": [1.0], "2": [5.0], "0": [0.2]})
    for told in ([0.2, 1.0, 5.0], by_value, wide):
        found = lossctl.evaluate(pred, [0, 1, 2, 2], "scce", class_weight=told).losses[0].value
        assert found == pytest.approx(BY_NAME, rel=1e-15)
    with pytest.raises(UsageError, match="columns that could be class_weight"):
        lossctl.evaluate(pred, [0, 1, 2, 2], "scce", class_weight=pandas.concat([wide] * 3))


@pytest.mark.parametrize(("text", "said"), [
    ("class,weight\nemu,5\ncat,.2\n", "w.csv[class] does not name the class dog"),
    ("class,weight\nemu,5\n", "does not name the class cat, dog"),
    ("class,weight\nemu,5\ncat,.2\ncow,1\n", "w.csv[class] row #2 is 'cow'"),
    ("class,weight\nemu,5\ncat,.2\nemu,1\n", "w.csv[class] names the class 'emu' twice"),
    ("class,weight\nemu,5\ncat,.2\n,1\n", "w.csv[class] row #2 is empty"),
    ("class,weight\nemu,5\ncat,-1\ndog,1\n", "class_weight row 1 is -1"),
    ("emu,cat\n5,.2\n", "w.csv does not name the class dog"),
    ("emu,cat,cow\n5,.2,1\n", "'cow'"),
    ("emu,cat,dog\n5,-1,1\n", "class_weight column cat is -1"),
    (".2,1,5\n1,1,1\n", "the header holds only numbers"),
    ("1\nx\n5\n", "w.csv line 2, column '1': 'x' is not a number"),
])  # fmt: skip
def test_class_weights_of_other_classes(
    program: Any, table: Writer, animals: Any, text: str, said: str
) -> None:
    failed(program(*animals, "--class-weight", table("w.csv", text)), 3, said)


def test_class_weights_where_classes_have_no_names(
    program: Any, table: Writer, array: Writer
) -> None:
    pred = array("p.npy", [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.2, 0.3, 0.5], [0.5, 0.3, 0.2]])
    line = ["eval", pred, table("y.csv", "label\n0\n1\n2\n2\n"), "-l", "scce", "-b", "-q"]
    by_value = table("v.csv", "class,weight\n2,5\n0,.2\n1,1\n")
    value = float(bare(program(*line, "--class-weight", by_value))[0])
    assert value == pytest.approx(BY_NAME, rel=1e-15)
    for text in ("class,weight\nemu,5\ncat,.2\ndog,1\n", "emu,cat,dog\n5,.2,1\n"):
        names = table("w.csv", text)
        failed(program(*line, "--class-weight", names), 2, "w.csv", "--labels gives the classes")
        told = ["--labels", "cat,dog,emu", "--class-weight", names]
        labelled = [*line[:2], table("n.csv", NAMED), *line[3:], *told]
        assert float(bare(program(*labelled))[0]) == pytest.approx(BY_NAME, rel=1e-15)
    for rest, said in (("2,5\n3,.2\n1,1\n", "the class 0"), ("1,1\n0,1\n1,1\n", "'1' twice"),
                       ("0,1\n.5,1\n1,1\n", "row #1 is '.5'")):  # fmt: skip
        weight = table("w.csv", "class,weight\n" + rest)
        failed(program(*line, "--class-weight", weight), 3, "w.csv[class]", said)
    ambiguous = table("w.csv", "a,b\n1,2\n3,4\n5,6\n")
    failed(program(*line, "--class-weight", ambiguous), 2, "2 columns that could be class_weight")


def test_no_side_input_but_bare_numbers_goes_without_a_header(program: Any, table: Writer) -> None:
    pred, target = table("p.csv", "1\n2\n"), table("t.csv", "y\n1\n3\n")
    failed(program("eval", pred, target), 3, "p.csv line 1: the header holds only numbers")
    train, headed = table("h.csv", "1\n2\n4\n"), table("i.csv", "x\n1\n2\n4\n")
    line = ["eval", table("q.csv", "p\n1\n2\n"), target, "-l", "mase", "-b", "-q"]
    expected = bare(program(*line, "--role", f"train={headed}"))
    assert bare(program(*line, "--role", f"train={train}")) == expected


# --- scores that are taken for labels, and what is cut off ----------------------------------------


@pytest.mark.parametrize("name", ["zero_one", "accuracy", "hamming"])
def test_scores_are_no_labels(program: Any, table: Writer, name: str) -> None:
    pred, label = table("p.csv", "pred\n7\n0.2145\n-2\n"), table("y.csv", "label\n1\n0\n1\n")
    failed(program("eval", pred, label, "-l", name), 3, "row #1: pred is 0.2145",
           f"but {name} needs labels (whole numbers)", "or a threshold for scores")  # fmt: skip
    value = float(bare(program("eval", pred, label, "-l", f"{name}:threshold=0.5", "-b", "-q"))[0])
    assert value == pytest.approx(2 / 3 if name == "accuracy" else 1 / 3)
    whole = lossctl.evaluate([1.0, 0.0], [1, 1], name).losses[0].value
    texts = lossctl.evaluate(["a", "b"], ["a", "a"], name).losses[0].value
    assert (whole, texts) == (0.5, 0.5)
    if name != "hamming":
        scores = lossctl.evaluate([[0.2, 0.8], [0.6, 0.4]], [1, 1], name).losses[0].value
        assert scores == 0.5


def test_the_level_of_an_interval_is_said(program: Any, table: Writer) -> None:
    file = table("i.csv", "lower,upper,target\n1,2,1.5\n2,3,4\n")
    for spec, words in (("", "90 % (alpha=0.1)"), (":alpha=0.2", "80 % (alpha=0.2)"),
                        (":level=0.95", "95 % (alpha=0.05)")):  # fmt: skip
        told = strict(program("eval", file, "-l", f"interval_score{spec}", "-f", "json"))
        texts = [note["text"] for note in told["notes"]]
        assert f"interval_score takes the intervals to hold {words}" in texts


def test_variances_below_eps_are_counted(program: Any, table: Writer) -> None:
    file = table("g.csv", "mean,scale,target\n1,1,1\n2,1e-7,2\n3,0,3\n3,1e-6,3\n")
    told = strict(program("eval", file, "-l", "gaussian_nll", "-f", "json"))
    assert said(told, "clipped") == (
        "gaussian_nll: 2 rows have a variance below eps, and each is scored as if it were 1e-06"
    )
    spec = "gaussian_nll:variance=false,eps=1e-13"  # of standard deviations
    told = strict(program("eval", file, "-l", spec, "-f", "json"))
    assert "2 rows have a variance below eps, and each is scored" in said(told, "clipped")
    two = {"mean": [[1.0, 1.0]] * 2, "scale": [[1.0, 1e-9], [1.0, 1.0]]}
    notes = lossctl.evaluate(two["mean"], [[1.0, 2.0]] * 2, "gaussian_nll",
                             roles={"scale": two["scale"]}, pred_col="pred").notes  # fmt: skip
    assert any("1 row has a variance below eps" in note.text for note in notes)


def test_contradictions_fit_a_line(program: Any, tmp_path: Path) -> None:
    frames = np.log(np.full((1, 30, 8), 0.125))
    with pytest.raises(DataError) as problem:
        lossctl.evaluate(frames, [[1, 0, 2]], "ctc")
    assert "pred is 30 × 8 values" in str(problem.value)
    assert "\n" not in str(problem.value)
    for values in (np.float64(-1.25e-300), np.arange(3.0), np.linspace(0, 1, 500) / 3,
                   np.array([-1.234567e-100] * 6), np.zeros((5, 5, 5))):  # fmt: skip
        assert len(_shown(values)) < 60
    assert _shown(np.float64(0.5)) == "0.5"
    assert _shown(np.array([1.0, 2.0])) == "[1. 2.]"


def test_only_categories_are_texts(program: Any) -> None:
    told = {name: program("explain", name).out for name in ("brier", "spherical", "zero_one")}
    assert "pred: a number, or several, in [0, 1]" in told["brier"]
    assert "text" not in told["brier"] + told["spherical"]
    assert "pred: a number or text, or several" in told["zero_one"]
    failed(program("explain", "brier", "--at", "cat,dog"), 2, "--at: pred is 'cat'", "numbers")
    assert "loss 1\n" in program("explain", "zero_one", "--at", "cat,dog").out
    assert "pred 0.9, target 1: loss 0.01" in program("explain", "brier", "--at", "0.9,1").out
    rows = program("explain", "brier", "--at", "0.2,0.8/1").out
    assert "pred [0.2, 0.8], target 1: loss 0.04" in rows
