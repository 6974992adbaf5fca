"""The tasks: what a pair of files is about.

A task is told from the shapes, types and names of columns, never from values. Where two readings
are plausible the choice is the user's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lossctl.candidates import NUMERIC, Candidates, candidates_of
from lossctl.choose import BOXES, CLASS, alike
from lossctl.classes import stem
from lossctl.defaults import QUANTILE, levels_of, losses_of
from lossctl.errors import DataError, UsageError
from lossctl.plan import Plan
from lossctl.readers.source import Column, Source

TASKS = (
    "regression", "binary", "multiclass", "multilabel", "distribution", "masks", "boxes",
    "sequence", "embedding", "quantile", "interval", "ensemble",
)  # fmt: skip
_PROBABILITY = re.compile(r"(y_?)?(p|prob\w*|proba\w*)([_.]\w+)?|logits?([_.]\w+)?", re.IGNORECASE)
_CLASS_COLUMN = re.compile(rf"{_PROBABILITY.pattern}|scores?[_.]\w+", re.IGNORECASE)
_CLASS = (*CLASS, "predicted", "predicted_label")
_SCORE = ("score", "scores", "y_score", "margin", "decision", "decision_function")
_MEMBER = re.compile(r"(m|member|ens|ensemble)[_.]?\d+", re.IGNORECASE)
_EMBEDDING = re.compile(r"(e|emb|embed|embedding|feature|f)[_.]?\d+", re.IGNORECASE)
_TEXTS = ("text", "transcript", "hyp", "hypothesis", "ref", "reference", "sentence", "reading")
_BOX, _MASK = ("box", "boxes", "bbox"), ("mask", "masks")


@dataclass(frozen=True, slots=True)
class Decision:
    """A task, the losses to begin with, the settings that it gives to all, and why."""

    task: str
    losses: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    perhaps: str = ""  # the task that it could be after all, should the values be probabilities


@dataclass(frozen=True, slots=True)
class _Reading:
    """What columns are read as, why, and what only their values could tell from it."""

    task: str
    why: str
    perhaps: str = ""


def decide(plan: Plan, pred: Source, target: Source | None) -> Decision:
    """The task: the one asked for, or the one that the columns show.

    Raises UsageError where two are plausible, or there is no telling.
    """
    if plan.task not in ("auto", *TASKS):
        raise UsageError(f"--task is {plan.task}", f"it is one of auto, {', '.join(TASKS)}")
    found = candidates_of(plan, pred, target)
    given = dict(plan.settings)
    if plan.task != "auto":
        reading = _Reading(plan.task, "")
    elif "boxes" in given and not _one_number(found):
        reading = _Reading("boxes", "--boxes says their form")
    else:
        reading = _recognised(found)
    task = reading.task
    settings: dict[str, Any] = {}
    if task in ("binary", "multilabel"):
        settings["threshold"] = 0.0 if given.get("from_logits") is True else 0.5
    if task == "boxes":
        settings |= _form(found)
    if task == "quantile" and levels_of(found):
        settings["quantile"] = levels_of(found)
    if plan.losses:
        return Decision(task, (), settings, reading.why)
    return Decision(task, losses_of(task, found), settings, reading.why, reading.perhaps)


# --- what it is -------------------------------------------------------------------------------


def _recognised(found: Candidates) -> _Reading:
    pred = [column for column in found.pred if column.kind in (*NUMERIC, "list")]
    several = [column.name for column in pred if column.width is None]
    if any(set(sides) <= {name.lower() for name in several} for sides in BOXES):
        return _Reading("boxes", "its columns are the sides of boxes")
    for task, needed in (
        ("embedding", ("anchor", "negative", "positive")),
        ("embedding", ("left", "right")),
        ("interval", ("lower", "upper")),
        ("distribution", ("mean", "scale")),
    ):
        if found.has(*needed):
            return _Reading(task, f"there are {_and(needed)}")
    named = _by_names(found, several) if len(several) > 1 else None
    return named or _by_shape(found)


def _by_names(found: Candidates, names: list[str]) -> _Reading | None:
    """Columns that belong together by their names."""
    columns = f"{len(names)} columns {stem(names[0])}…"
    if _all(_MEMBER, names):
        return _Reading("ensemble", f"{columns} are an ensemble's members")
    if _all(_EMBEDDING, names):
        return _Reading("embedding", f"{columns} are an embedding")
    together = alike(names)
    classes = together and _all(_CLASS_COLUMN, names)
    targets = found.targets()
    values = sum(column.width or 1 for column in targets)
    if together and not classes and _all(QUANTILE, names) and values == 1:
        return _Reading("quantile", f"{columns} are quantiles")
    if classes and values == 1:
        return _Reading("multiclass", f"{columns} against one label")
    if classes and values == len(names):
        whole = all(column.kind in ("integer", "boolean") for column in targets)
        if not whole and alike([column.name for column in targets]):
            return _Reading("distribution", f"{len(names)} probabilities against as many")
        why = f"{len(names)} probabilities against as many labels"
        return _Reading("multilabel", why, "distribution")
    if found.class_columns():
        return _Reading("multiclass", f"{len(names)} columns against one label")
    return None


def _by_shape(found: Candidates) -> _Reading:
    """One column of each side."""
    left, right = found.one_pred(), found.one_target()
    if left is None or right is None:
        return _Reading("regression", "several columns, none told apart")
    kinds = (left.kind, right.kind)
    if left.kind == "vectors" or (len(left.axes) == 2 and right.kind == "list"):
        return _Reading("sequence", "frames of scores against lists of labels")
    if "words" in kinds:
        return _Reading("sequence", "lists of words")
    if left.axes and right.axes:
        return _Reading("masks", f"arrays of {' × '.join(map(str, left.axes))} a row")
    if left.width is not None and right.width is None:
        return _one_value(found, left, right)
    if left.width is not None:
        return _vectors(found, left, right)
    texts = [column for column in found.pred if column.kind == "text"]
    if right.kind == "text" and any(_called(one, *_TEXTS) for one in texts):
        return _Reading("sequence", "texts against texts")
    if kinds == ("text", "text"):
        if _called(left, *_CLASS):
            return _Reading("multiclass", "names of classes against names of classes")
        if _called(right, *_TEXTS):
            return _Reading("sequence", "texts against texts")
        raise _refuse(found, "texts against texts", "sequence", "multiclass")
    return _single(found, left, right)


def _one_value(found: Candidates, left: Column, right: Column) -> _Reading:
    """A vector against one value."""
    if _called(left, "embedding", "emb", "embeddings", "features"):
        return _Reading("embedding", "vectors called an embedding against one label")
    assert left.width is not None
    shape = f"{left.width} values a row against one"
    plain = right.kind == "number" and not _called(right, *_CLASS) and not left.axes[1:]
    if plain and _PROBABILITY.fullmatch(left.name) is None:
        raise _refuse(found, f"{shape} number", "quantile", "ensemble", "multiclass")
    return _Reading("multiclass", f"{shape} label" if left.width > 0 else "lists against one label")


def _vectors(found: Candidates, left: Column, right: Column) -> _Reading:
    """Vectors or lists against vectors or lists."""
    unknown = -1 in (left.width, right.width)
    named = [("boxes", _BOX), ("masks", _MASK)]
    named += [] if unknown else [("embedding", ("embedding", "emb", "embeddings"))]
    for task, names in named:
        if _called(left, *names) or _called(right, *names):
            return _Reading(task, f"{'lists' if unknown else 'vectors'} called {left.name}")
    if unknown:
        raise _refuse(
            found, "lists of numbers against lists of numbers", "sequence", "boxes", "masks",
            "embedding", "multilabel", "distribution", "regression",
        )  # fmt: skip
    shape = f"{left.width} values a row against {right.width}"
    four = ["boxes"] if left.width == 4 and right.width == 4 else []
    if right.kind in ("integer", "boolean"):
        raise _refuse(found, f"{shape} whole numbers", *four, "multilabel", "regression")
    if four:
        raise _refuse(found, shape, *four, "distribution", "regression")
    return _Reading("regression", "several numbers a row against several", "distribution")


def _single(found: Candidates, left: Column, right: Column) -> _Reading:
    """One value against one."""
    if left.kind in NUMERIC and right.kind in ("text", "boolean"):
        return _Reading("binary", f"{left.name or 'numbers'} against the classes of {right.name}")
    if left.kind in ("text", "boolean"):
        return _Reading("multiclass", "names of classes")
    if right.kind != "integer":
        return _Reading("regression", "numbers against numbers")
    probable = _PROBABILITY.fullmatch(left.name) is not None
    if probable and (not _called(left, "p") or _called(right, *_CLASS)):
        why = f"{left.name}, a probability by its name, against whole numbers"
        return _Reading("binary", why)
    if _called(left, *_SCORE):
        raise _refuse(found, f"{left.name} against whole numbers", "binary", "regression")
    if _called(right, *_CLASS) and left.kind == "integer":
        raise _refuse(found, "whole numbers against a label", "multiclass", "regression")
    return _Reading("regression", "numbers against whole numbers", "binary")


def _refuse(found: Candidates, why: str, *tasks: str) -> UsageError:
    options = [f"--task {task}" for task in tasks]
    return UsageError(
        f"{found.where}: {why}; it could be {_and(tasks, 'or')}",
        f"{_and(options, 'or')} says which",
    )


def _one_number(found: Candidates) -> bool:
    """Whether each side is one value a row, which no box is."""
    sides = (found.one_pred(), found.one_target())
    return all(one is not None and one.width is None for one in sides)


def _form(found: Candidates) -> dict[str, str]:
    """The setting for sides that their names say are not (x1, y1, x2, y2).

    Raises DataError where the two sides are in two forms.
    """
    forms = sorted({_box_form(columns) for columns in (found.pred, found.target)} - {""})
    if len(forms) > 1:
        raise DataError(
            f"{found.where}: by the names of their columns boxes are {_and(forms)}",
            "both sides must be in one form",
        )
    return {"boxes": forms[0]} if forms and forms[0] != "xyxy" else {}


def _box_form(columns: Sequence[Column]) -> str:
    names = {column.name.lower() for column in columns}
    sides = next((sides for sides in BOXES if names.issuperset(sides)), None)
    if sides is None:
        return ""
    sized = sides[2].startswith("w")
    return ("cxcywh" if sides[0] == "cx" else "xywh") if sized else "xyxy"


def _called(column: Column, *names: str) -> bool:
    return column.name.lower() in names


def _all(pattern: re.Pattern[str], names: list[str]) -> bool:
    return all(pattern.fullmatch(name) for name in names)


def _and(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join((", ".join(words[:-1]), words[-1]) if len(words) > 1 else words)
