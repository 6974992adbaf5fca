"""What a pair of files is about: told from shapes, types and names, refused where unclear."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.classes import Classes, of_columns, stem
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse_all
from lossctl.loss import losses
from lossctl.plan import Plan
from lossctl.readers.source import Column
from lossctl.tasks import _DEFAULTS, TASKS, decide

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


P3 = [c("p_cat"), c("p_dog"), c("p_eel")]


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
        (P3, [c("q_cat"), c("q_dog"), c("q_eel")], "distribution"),
        ([c("mean"), c("scale")], [c("y")], "distribution"),
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
    ("pred", "target", "either", "other"),
    [
        ([c("a", TEXT)], [c("b", TEXT)], "sequence", "multiclass"),
        ([c("pred", INTEGER)], [c("label", INTEGER)], "multiclass", "regression"),
        ([c("", NUMBER, 4)], [c("", NUMBER, 4)], "boxes", "regression"),
        ([c("score")], [c("y", INTEGER)], "binary", "regression"),
        ([c("", NUMBER, 3)], [c("", INTEGER, 3)], "multilabel", "regression"),
        ([c("a", "list", -1)], [c("b", "list", -1)], "sequence", "regression"),
    ],
)
def test_two_plausible_readings_are_refused(
    pred: list[Column], target: list[Column], either: str, other: str
) -> None:
    with pytest.raises(UsageError) as refused:
        told(pred, target)
    for task in (either, other):
        assert f"--task {task}" in str(refused.value)
        assert told(pred, target, task=task).task == task


def test_a_task_that_is_none() -> None:
    with pytest.raises(UsageError, match="one of auto, regression, binary"):
        told([c("pred")], [c("y")], task="guess")


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_losses_that_fit_it(task: str) -> None:
    columns = [c("q_0.1"), c("q_0.9")] if task == "quantile" else [c("pred", NUMBER, 4)]
    found = told(columns, [c("target")], task=task)
    for spec in parse_all(found.losses):
        assert task in spec.tasks, spec
    assert set(_DEFAULTS) <= set(TASKS)


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
