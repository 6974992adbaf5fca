"""What a pair of files is about: told from shapes, types and names, refused where unclear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.choose import Wish, guess
from lossctl.classes import Classes, of_columns, stem
from lossctl.defaults import default_sets
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse_all
from lossctl.loss import losses
from lossctl.plan import Plan
from lossctl.readers.memory import MemorySource
from lossctl.readers.source import Column
from lossctl.tasks import TASKS, decide

NUMBER, INTEGER, TEXT = "number", "integer", "text"


class Columns:
    """A source that has columns and nothing else."""

    format = "csv"
    rows = None

    def __init__(self, path: str, *columns: Column) -> None:
        self.path = path
        self.columns = columns
        self.details: dict[str, str] = {}

    def close(self) -> None:
        """Nothing is open."""


def c(name: str, kind: Any = NUMBER, width: int | None = None, axes: Any = ()) -> Column:
    return Column(name, kind, width, "", axes)


def told(pred: list[Column], target: list[Column] | None, **options: Any) -> Any:
    plan = Plan("p", None if target is None else "t", **options)
    right = None if target is None else Columns("t", *target)
    return decide(plan, Columns("p", *pred), right)  # type: ignore[arg-type]  # enough of a source


def columns(*names: str, kind: Any = NUMBER) -> list[Column]:
    return [c(name, kind) for name in names]


P3 = columns("p_cat", "p_dog", "p_eel")


@pytest.mark.parametrize(
    ("pred", "target", "task"),
    [
        ([c("pred")], [c("target")], "regression"),
        ([c("id", INTEGER), c("pred")], [c("id", INTEGER), c("y", INTEGER)], "regression"),
        ([c("p")], [c("y", INTEGER)], "regression"),
        ([c("p")], [c("label", INTEGER)], "binary"),
        ([c("prob")], [c("y", INTEGER)], "binary"),
        ([c("logit")], [c("y", INTEGER)], "binary"),
        ([c("score")], [c("diagnosis", TEXT)], "binary"),
        ([c("pred")], [c("y", "boolean")], "binary"),
        (P3, [c("label", INTEGER)], "multiclass"),
        (P3, [c("label", TEXT)], "multiclass"),
        ([c("", NUMBER, 3)], [c("", INTEGER)], "multiclass"),
        ([c("p", "list", 3)], [c("label", TEXT)], "multiclass"),
        ([c("label", TEXT)], [c("label", TEXT)], "multiclass"),
        (P3, [c("cat", INTEGER), c("dog", INTEGER), c("eel", INTEGER)], "multilabel"),
        (P3, columns("y_cat", "y_dog", "y_eel", kind=INTEGER), "multilabel"),
        (P3, columns("y_cat", "y_dog", "y_eel", kind="boolean"), "multilabel"),
        (P3, [c("y_cat"), c("y_dog", INTEGER), c("y_eel")], "distribution"),
        (P3, [c("", INTEGER, 3)], "multilabel"),
        (P3, [c("q_cat"), c("q_dog"), c("q_eel")], "distribution"),
        ([c("mean"), c("scale")], [c("y")], "distribution"),
        ([c("mu"), c("sigma")], [c("y")], "distribution"),
        (columns("logit_cat", "logit_dog"), [c("label", TEXT)], "multiclass"),
        (columns("prob_cat", "prob_dog"), [c("y", INTEGER)], "multiclass"),
        (columns("score_cat", "score_dog"), [c("y", INTEGER)], "multiclass"),
        (columns("logits.1", "logits.2"), columns("a", "b", kind=INTEGER), "multilabel"),
        ([c("logit", INTEGER)], [c("label", INTEGER)], "binary"),
        ([c("p", INTEGER)], [c("label", INTEGER)], "binary"),
        ([c("prob", INTEGER)], [c("y", INTEGER)], "binary"),
        ([c("p", INTEGER)], [c("y", INTEGER)], "regression"),
        ([c("hypothesis", TEXT), c("confidence")], [c("reference", TEXT)], "sequence"),
        (columns("left", "top", "right", "bottom"), columns("left", "top", "right", "bottom"),
         "boxes"),
        ([c("", NUMBER, 64, (8, 8))], [c("", INTEGER, 64, (8, 8))], "masks"),
        ([c("mask", "list", -1)], [c("mask", "list", -1)], "masks"),
        ([c("x1"), c("y1"), c("x2"), c("y2")], [c("x1"), c("y1"), c("x2"), c("y2")], "boxes"),
        ([c("box", "list", 4)], [c("box", "list", 4)], "boxes"),
        ([c("", NUMBER, 60, (20, 3))], [c("target", "list", -1)], "sequence"),
        ([c("logits", "vectors", -1)], [c("target", "list", -1)], "sequence"),
        ([c("pred", "words", -1)], [c("target", "words", -1)], "sequence"),
        ([c("transcript", TEXT)], [c("target", TEXT)], "sequence"),
        ([c("anchor", "list", 4), c("positive", "list", 4), c("negative", "list", 4)], None,
         "embedding"),
        ([c("e_0"), c("e_1")], [c("label", INTEGER)], "embedding"),
        ([c("q_0.1"), c("q_0.5")], [c("y")], "quantile"),
        ([c("lower"), c("upper")], [c("y")], "interval"),
        ([c("m_0"), c("m_1"), c("m_2")], [c("y")], "ensemble"),
        ([c("", NUMBER, 3)], [c("", NUMBER, 3)], "regression"),
    ],
)  # fmt: skip
def test_what_columns_show(pred: list[Column], target: list[Column] | None, task: str) -> None:
    found = told(pred, target)
    assert found.task == task
    assert found.why
    assert parse_all(found.losses), "its losses exist"


@pytest.mark.parametrize(
    ("pred", "target", "tasks"),
    [
        ([c("a", TEXT)], [c("b", TEXT)], "sequence multiclass"),
        ([c("pred", INTEGER)], [c("label", INTEGER)], "multiclass regression"),
        ([c("", NUMBER, 4)], [c("", NUMBER, 4)], "boxes distribution regression"),
        ([c("", NUMBER, 4)], [c("", INTEGER, 4)], "boxes multilabel regression"),
        ([c("score")], [c("y", INTEGER)], "binary regression"),
        ([c("score", INTEGER)], [c("y", INTEGER)], "binary regression"),
        ([c("", NUMBER, 3)], [c("", INTEGER, 3)], "multilabel regression"),
        ([c("p", "list", -1)], [c("y", "list", -1)],
         "sequence boxes masks embedding multilabel distribution regression"),
        ([c("p", "list", -1)], [c("", NUMBER, 3)],
         "sequence boxes masks embedding multilabel distribution regression"),
    ],
)  # fmt: skip
def test_every_plausible_reading_is_named(
    pred: list[Column], target: list[Column], tasks: str
) -> None:
    with pytest.raises(UsageError) as refused:
        told(pred, target)
    said = str(refused.value).partition("; --task ")[0]
    assert (
        said.partition("could be ")[2] == ", ".join(tasks.split()[:-1]) + f" or {tasks.split()[-1]}"
    )
    for task in tasks.split():
        assert f"--task {task}" in str(refused.value)
        assert told(pred, target, task=task).task == task


def test_the_form_of_boxes_says_that_they_are() -> None:
    four = [c("", NUMBER, 4)]
    found = told(four, four, settings=(("boxes", "xywh"),))
    assert found.task == "boxes"
    assert "giou_loss" in found.losses
    other = told(four, four, settings=(("boxes", "xywh"),), task="regression")
    assert other.task == "regression", "what is asked for wins"
    plain = told([c("pred")], [c("target")], settings=(("boxes", "xywh"),))
    assert plain.task == "regression", "no box is one number"


@pytest.mark.parametrize(
    ("held", "options", "task"),
    [
        ([*columns("cat", "dog"), c("label", INTEGER)], {}, "multiclass"),
        ([*columns("cat", "dog"), c("class", TEXT)], {}, "multiclass"),
        ([*columns("cat", "dog"), c("animal", TEXT)], {}, "multiclass"),
        ([c("age"), *columns("cat", "dog"), c("label", INTEGER)], {"pred_col": "cat,dog"},
         "multiclass"),
        ([*columns("cat", "dog"), c("animal", TEXT)], {"pred_col": "cat,dog"}, "multiclass"),
        ([*columns("cat", "dog"), c("y")], {}, "regression"),
        ([*columns("pred", "dog"), c("label", TEXT)], {}, "binary"),
        ([c("name", TEXT), c("pred"), c("observed")], {}, "regression"),
        ([c("hypothesis", TEXT), c("reference", TEXT)], {}, "sequence"),
        ([c("y"), c("y_cat"), c("target", TEXT), c("hyp", TEXT)], {}, "sequence"),
    ],
)  # fmt: skip
def test_what_one_file_of_both_shows(
    held: list[Column], options: dict[str, Any], task: str
) -> None:
    assert told(held, None, **options).task == task


def test_unnamed_class_columns_in_two_files_are_given_by_hand() -> None:
    pred, label = columns("cat", "dog"), [c("label", TEXT)]
    assert told(pred, label, pred_col="cat,dog").task == "multiclass"
    assert told(pred, label).task == "regression", "whose columns are then asked for"


def test_a_task_that_is_none() -> None:
    with pytest.raises(UsageError, match="one of auto, regression, binary"):
        told([c("pred")], [c("y")], task="guess")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_losses_that_fit_it(task: str) -> None:
    columns = [c("q_0.1"), c("q_0.9")] if task == "quantile" else [c("pred", NUMBER, 4)]
    found = told(columns, [c("target")], task=task)
    for spec in parse_all(found.losses):
        assert task in spec.tasks, spec


def test_default_sets_are_of_tasks_in_their_order() -> None:
    assert list(dict.fromkeys(task for task, _, _ in default_sets())) == list(TASKS)


def test_every_loss_names_tasks_that_exist() -> None:
    for loss in losses().values():
        assert set(loss.tasks) <= set(TASKS), loss.name


# --- values that only look like one thing ------------------------------------------------------


def test_chances_against_0_and_1_are_refused_when_all_is_read(tmp_path: Any) -> None:
    def files(p: list[float], y: list[int]) -> tuple[str, str]:
        for name, head, values in (("p", "p", p), ("t", "y", y)):
            text = "\n".join([head, *map(str, values)]) + "\n"
            (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
        return str(tmp_path / "p.csv"), str(tmp_path / "t.csv")

    with pytest.raises(UsageError, match="could be binary or regression"):
        lossctl.evaluate(*files([0.2, 0.7, 1.0], [0, 1, 1]))
    assert lossctl.evaluate(*files([0.2, 0.7, 1.1], [0, 1, 1])).task == "regression"
    assert lossctl.evaluate(*files([0.2, 0.7, 1.0], [0, 1, 2])).task == "regression"
    assert lossctl.evaluate(*files([0.2, 0.7, 1.0], [0, 1, 1]), task="binary").task == "binary"
    assert lossctl.evaluate(*files([0.2, 0.7, 1.0], [0, 1, 1]), losses="mae")["mae"].value


def written(path: Any, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_hard_classes_called_p_are_doubted_too(tmp_path: Any) -> None:
    file = written(tmp_path / "hard.csv", "p,y\n0,1\n1,1\n0,0\n")
    with pytest.raises(UsageError, match="could be binary or regression"):
        lossctl.evaluate(file)
    assert lossctl.evaluate(file, task="binary").task == "binary"
    counts = written(tmp_path / "counts.csv", "p,y\n0,1\n2,1\n0,0\n")
    assert lossctl.evaluate(counts).task == "regression"


def test_whole_logits_against_labels(tmp_path: Any) -> None:
    file = written(tmp_path / "l.csv", "logit,label\n-2,0\n3,1\n1,0\n")
    report = lossctl.evaluate(file, from_logits=True)
    assert report.task == "binary"
    expected = np.log1p(np.exp([-2.0, -3.0, 1.0])).mean()
    assert report.losses[0].value == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("names", ["cat,dog,emu", "y_cat,y_dog,y_emu"])
def test_one_hot_labels_may_be_a_distribution(tmp_path: Any, names: str) -> None:
    head = "p_cat,p_dog,p_emu\n"
    pred = written(tmp_path / "p.csv", f"{head}0.5,0.25,0.25\n0.125,0.75,0.125\n")
    hot = written(tmp_path / "t.csv", f"{names}\n1,0,0\n0,1,0\n")
    np.save(tmp_path / "t.npy", np.array([[1, 0, 0], [0, 1, 0]]))
    for target in (hot, str(tmp_path / "t.npy")):
        with pytest.raises(UsageError, match=r"distribution or multilabel; .*--task multilabel"):
            lossctl.evaluate(pred, target)
        assert lossctl.evaluate(pred, target, task="multilabel").task == "multilabel"
    several = written(tmp_path / "several.csv", f"{names}\n1,0,1\n0,1,0\n")
    loose = written(tmp_path / "loose.csv", f"{head}0.5,0.5,0.25\n0.125,0.75,0.125\n")
    assert lossctl.evaluate(pred, several).task == "multilabel"
    assert lossctl.evaluate(loose, hot).task == "multilabel"


def test_probabilities_of_labels_with_a_common_beginning(tmp_path: Any) -> None:
    pred = written(tmp_path / "p.csv", "p_red,p_big\n0.5,0.75\n0.25,0.5\n")
    target = written(tmp_path / "t.csv", "y_red,y_big\n0,1\n1,1\n")
    report = lossctl.evaluate(pred, target)
    assert report.task == "multilabel"
    expected = -np.log([0.5, 0.75, 0.25, 0.5]).mean()
    assert report.losses[0].value == pytest.approx(expected, rel=1e-14)


def test_columns_of_classes_without_a_common_beginning(tmp_path: Any) -> None:
    rows = "0.5,0.5,cat\n0.25,0.75,dog\n"
    expected = -np.log([0.5, 0.75]).mean()
    for head in ("cat,dog,animal", "cat,dog,label", "p_cat,p_dog,animal"):
        found = lossctl.evaluate(written(tmp_path / "both.csv", f"{head}\n{rows}"))
        assert found.task == "multiclass"
        assert found.losses[0].value == pytest.approx(expected, rel=1e-14), head
    two = written(tmp_path / "p.csv", "age,cat,dog\n9,0.5,0.5\n7,0.25,0.75\n")
    label = written(tmp_path / "t.csv", "label\n0\n1\n")
    with pytest.raises(UsageError, match="--pred-col"):
        lossctl.evaluate(two, label)
    value = lossctl.evaluate(two, label, pred_col="cat,dog").losses[0].value
    assert value == pytest.approx(expected, rel=1e-14)


def test_transcripts_by_their_documented_names(tmp_path: Any) -> None:
    for pred, target in (("hypothesis", "reference"), ("hyp", "ref"), ("predicted", "truth")):
        text = f'{{"who": "a b e", "{pred}": "a b c", "{target}": "a b d"}}\n'
        file = written(tmp_path / "st.jsonl", text)
        assert lossctl.evaluate(file, losses="wer").losses[0].value == pytest.approx(1 / 3)
        csv = written(tmp_path / "st.csv", f"{pred},{target}\na b c,a b d\n")
        assert lossctl.evaluate(csv, losses="wer").losses[0].value == pytest.approx(1 / 3)
        if pred != "predicted":
            assert lossctl.evaluate(file).task == "sequence"


@pytest.mark.parametrize("names", ["mean,scale", "mu,sigma", "mu,std", "mean,sd", "mu,stddev"])
def test_normal_predictions_by_other_names(tmp_path: Any, names: str) -> None:
    file = written(tmp_path / "n.csv", f"{names},y\n1,2,1\n0,2,0\n")
    report = lossctl.evaluate(file)
    assert report.task == "distribution"
    expected = 2.0 * (np.sqrt(2.0) - 1.0) / np.sqrt(np.pi)  # of a normal one at its mean
    assert report.losses[0].value == pytest.approx(expected, rel=1e-12)


def test_the_y_of_x_y_w_h_is_no_target() -> None:
    source: Any = Columns("t", *columns("x", "y", "w", "h"))
    assert guess(source, "target", "--target-col", (), Wish(several=True)) == [0, 1, 2, 3]
    assert guess(source, "target", "--target-col", (), Wish()) == [1]


# --- arrays in memory --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "kind", "dtype"),
    [
        ([1, 2], INTEGER, "int64"),
        ([1.0, 2], NUMBER, "float64"),
        ([True, False], "boolean", "bool"),
        (np.array([[1, 2]], np.uint8), INTEGER, "uint8"),
        (np.array([[1, 2]], np.float32), NUMBER, "float32"),
        (np.array([1, 2**70 // 2**8], object), INTEGER, "int64"),
        (["a"], TEXT, "string"),
    ],
)
def test_arrays_have_the_kinds_of_files(values: Any, kind: str, dtype: str) -> None:
    (column,) = MemorySource("m", {"m": values}).columns
    assert (column.kind, column.type) == (kind, dtype)


def test_arrays_are_doubted_as_files_are(tmp_path: Any) -> None:
    prob, y = np.array([0.25, 0.5, 0.75]), np.array([0, 1, 1])
    np.save(tmp_path / "prob.npy", prob)
    np.save(tmp_path / "y.npy", y)
    for files in ((prob, y), (str(tmp_path / "prob.npy"), str(tmp_path / "y.npy"))):
        with pytest.raises(UsageError, match="could be binary or regression"):
            lossctl.evaluate(*files)
    with pytest.raises(UsageError, match="boxes, multilabel or regression"):
        lossctl.evaluate(np.full((5, 4), 0.5), np.ones((5, 4), int))
    assert lossctl.evaluate(prob, y == 1).task == "binary"
    assert lossctl.evaluate(prob, y, "mae")["mae"].value == pytest.approx(1.0 / 3.0)


@pytest.mark.parametrize("saved", [False, True])
def test_booleans_are_0_and_1_where_nothing_else_is_left(tmp_path: Any, *, saved: bool) -> None:
    pred: Any = np.array([[True, False, True]])
    if saved:
        np.save(tmp_path / "p.npy", pred)
        pred = str(tmp_path / "p.npy")
    found = lossctl.evaluate(pred, np.array([[True, True, False]]), "dice", task="masks")
    assert found.losses[0].value == pytest.approx(0.5)


# --- names of classes --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "classes"),
    [
        (["p_cat", "p_dog"], ("cat", "dog")),
        (["p.1", "p.2", "p.10"], ("1", "2", "10")),
        (["cat", "dog"], ("cat", "dog")),
        (["class_a_x", "class_a_y"], ("x", "y")),
        (["p_a", "p_a"], ()),
        (["p_a"], ()),
        (["p_", "p_a"], ()),
    ],
)
def test_classes_from_columns(names: list[str], classes: tuple[str, ...]) -> None:
    assert of_columns(names) == classes


@pytest.mark.parametrize(
    ("name", "beginning"),
    [("p_cat", "p_"), ("e12", "e"), ("q_0.1", "q_"), ("m-3", "m"), ("pred", "pred"), ("x1", "x")],
)
def test_stems(name: str, beginning: str) -> None:
    assert stem(name) == beginning


def test_names_become_numbers_and_back() -> None:
    rows = np.arange(3)
    ordered = Classes(("cat", "dog"))
    assert ordered.coded(["dog", None, "cat"], "t[y]", rows).tolist()[::2] == [1.0, 0.0]
    assert ordered.name(1.0) == "dog"
    assert ordered.name(2.0) is None
    with pytest.raises(DataError, match=r"t\[y\] row #1 is 'cow', which is none of .* cat, dog"):
        ordered.coded(["cat", "cow", "dog"], "t[y]", rows)
    assert Classes(("1", "2")).coded(["2.0", "1", "1"], "", rows).tolist() == [1.0, 0.0, 0.0]
    binary = Classes(positive="yes")
    assert binary.coded(["no", "yes", "no"], "", rows).tolist() == [0.0, 1.0, 0.0]
    assert (binary.name(1.0), binary.name(0.0)) == ("yes", "no")
    binary.check_found("t[y]")
    missing = Classes(positive="yess")
    missing.coded(["no", "yes", "no"], "", rows)
    with pytest.raises(DataError, match=r"no label of .* is 'yess'; it has no, yes"):
        missing.check_found("t[y]")
    alike = Classes().coded(["b", "a", "b"], "", rows)
    assert alike[0] == alike[2] != alike[1]
