"""The tasks: what a pair of files is about, and the losses that an expert would look at first.

A task is told from the shapes, types and names of columns, never from values. Where two readings
are plausible the choice is the user's.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lossctl.choose import BOXES, KEYS, PREFERRED, alike, select
from lossctl.classes import stem
from lossctl.errors import DataError, UsageError
from lossctl.plan import Plan
from lossctl.readers.source import Column, Source

TASKS = (
    "regression", "binary", "multiclass", "multilabel", "distribution", "masks", "boxes",
    "sequence", "embedding", "quantile", "interval", "ensemble",
)  # fmt: skip
REGRESSION = (
    "mae", "rmse", "mse", "huber", "log_cosh", "median_ae", "max_error", "bias", "r2",
)  # fmt: skip
_DEFAULTS = {
    "regression": REGRESSION,
    "binary": ("binary_cross_entropy", "brier", "binary_focal", "accuracy"),
    "multiclass": ("sparse_categorical_cross_entropy", "brier", "spherical_score", "accuracy"),
    "multilabel": ("binary_cross_entropy", "binary_focal", "hamming", "accuracy"),
    "distribution": ("kl_divergence", "js_divergence", "categorical_cross_entropy"),
    "masks": ("dice", "jaccard", "focal_tversky", "dice:aggregate=global"),
    "boxes": ("giou_loss", "iou_loss", "diou_loss", "ciou_loss"),
    "sequence": ("edit_distance", "edit_distance:normalize=max", "character_error_rate"),
    "interval": ("interval_score",),
    "ensemble": ("crps_ensemble", "crps_ensemble:estimator=fair"),
}
LISTS = ("words", "list")
CLASSES, NORMAL, NORMALS = "one class a row", "mean, scale", "means and scales of both sides"
FRAMES, WORDS = "frames of scores", "lists of words or numbers"
TRIPLETS, PAIRS, VECTORS = "anchor, positive, negative", "left, right", "vectors against vectors"
LABELS, ANGULAR = "vectors against labels", "the same with class_vectors"
_BY_FORM = {
    ("multiclass", CLASSES): ("zero_one", "accuracy"),
    ("distribution", NORMAL): ("crps_gaussian", "gaussian_nll:variance=false"),
    ("distribution", NORMALS): ("crps_gaussian", "gaussian_nll:variance=false", "kl_gaussian"),
    ("sequence", FRAMES): ("ctc",),
    ("sequence", WORDS): ("edit_distance", "edit_distance:normalize=max", "word_error_rate"),
    ("embedding", TRIPLETS): ("triplet_margin",),
    ("embedding", PAIRS): ("contrastive",),
    ("embedding", VECTORS): ("cosine_distance",),
    ("embedding", LABELS): ("info_nce", "center_loss"),
    ("embedding", ANGULAR): ("large_margin_softmax", "arcface", "cosface", "info_nce",
                             "center_loss"),
    ("quantile", "columns q_0.1 q_0.5 q_0.9"): ("pinball:quantile=[0.1;0.5;0.9]",),
}  # fmt: skip
_NUMERIC = ("number", "integer", "boolean")
_PROBABILITY = re.compile(r"(y_?)?(p|prob\w*|proba\w*)([_.]\w+)?|logits?", re.IGNORECASE)
_CLASS = ("label", "class", "category", "predicted", "predicted_label", "y_class")
_SCORE = ("score", "scores", "y_score", "margin", "decision", "decision_function")
_QUANTILE = re.compile(r"(?:q|quantile|p)?[_.]?(0?\.\d+|\d{1,2})", re.IGNORECASE)
_MEMBER = re.compile(r"(m|member|ens|ensemble)[_.]?\d+", re.IGNORECASE)
_EMBEDDING = re.compile(r"(e|emb|embed|embedding|feature|f)[_.]?\d+", re.IGNORECASE)
_TEXTS = ("text", "transcript", "hyp", "hypothesis", "ref", "reference", "sentence", "reading")


@dataclass(frozen=True, slots=True)
class Decision:
    """A task, the losses to begin with, the settings that it gives to all, and why."""

    task: str
    losses: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    perhaps: str = ""  # the task that it could be after all, should the values be probabilities


@dataclass(frozen=True, slots=True)
class _View:
    """The columns that could play a part, of either side."""

    pred: Sequence[Column]
    target: Sequence[Column]
    roles: Collection[str]  # those given by hand
    where: str

    def names(self) -> set[str]:
        """Every name that a role could be found by."""
        return {column.name.lower() for column in (*self.pred, *self.target)} | set(self.roles)

    def refuse(self, why: str, *tasks: str) -> UsageError:
        options = [f"--task {task}" for task in tasks]
        return UsageError(
            f"{self.where}: {why}; it could be {_and(tasks, 'or')}",
            f"{_and(options, 'or')} says which",
        )


def decide(plan: Plan, pred: Source, target: Source | None) -> Decision:
    """The task: the one asked for, or the one that the columns show.

    Raises UsageError where two are plausible, or there is no telling.
    """
    if plan.task not in ("auto", *TASKS):
        raise UsageError(f"--task is {plan.task}", f"it is one of auto, {', '.join(TASKS)}")
    view = _view(plan, pred, target)
    task, why = (plan.task, "") if plan.task != "auto" else _recognised(view)
    logits = dict(plan.settings).get("from_logits") is True
    settings: dict[str, Any] = {}
    if task in ("binary", "multilabel"):
        settings["threshold"] = 0.0 if logits else 0.5
    if task == "boxes":
        settings |= _form(view)
    if task == "quantile" and _levels(view):
        settings["quantile"] = _levels(view)
    begin = () if plan.losses else _losses(task, view)
    perhaps = {_WHOLE: "binary", _SEVERAL: "distribution"}.get(why, "")
    return Decision(task, begin, settings, why, "" if plan.losses else perhaps)


def _view(plan: Plan, pred: Source, target: Source | None) -> _View:
    reserved = {name for name in (*plan.on, plan.id_col, plan.weight_col) if name}
    roles = [given.role for given in plan.roles]
    where = pred.path if target is None else f"{pred.path} against {target.path}"
    if target is not None:
        return _View(
            _open(pred, plan.pred_col, "--pred-col", reserved),
            _open(target, plan.target_col, "--target-col", reserved),
            roles,
            where,
        )
    columns = _open(pred, None, "", reserved)
    if plan.target_col is not None:
        held = _open(pred, plan.target_col, "--target-col", reserved)
    else:
        held = [column for column in columns if column.name.lower() in PREFERRED["target"]][:1]
    if plan.pred_col is not None:
        return _View(_open(pred, plan.pred_col, "--pred-col", reserved), held, roles, where)
    return _View([column for column in columns if column not in held], held, roles, where)


def _open(source: Source, text: str | None, option: str, reserved: set[str]) -> list[Column]:
    if text is not None:
        return [source.columns[place] for place in select(source, text, option)]
    return [
        column
        for column in source.columns
        if column.name.lower() not in KEYS and column.name not in reserved
        and column.kind != "other"
    ]  # fmt: skip


# --- what it is -------------------------------------------------------------------------------


def _recognised(view: _View) -> tuple[str, str]:
    """The task and why."""
    names = view.names()
    for task, needed in (
        ("embedding", {"anchor", "positive", "negative"}),
        ("embedding", {"left", "right"}),
        ("interval", {"lower", "upper"}),
        ("distribution", {"mean", "scale"}),
    ):
        if needed <= names:
            return task, f"there are {_and(sorted(needed))}"
    pred = [column for column in view.pred if column.kind in (*_NUMERIC, "list")]
    several = [column for column in pred if column.width is None]
    if len(several) > 1:
        found = _by_names(view, [column.name for column in several])
        if found is not None:
            return found
    return _by_shape(view, pred)


def _by_names(view: _View, names: list[str]) -> tuple[str, str] | None:
    """Columns that belong together by their names."""
    lowered = [name.lower() for name in names]
    if any(set(corners) <= set(lowered) for corners in BOXES):
        return "boxes", "its columns are the sides of boxes"
    if _all(_MEMBER, names):
        return "ensemble", f"{len(names)} columns {stem(names[0])}… are an ensemble's members"
    if _all(_EMBEDDING, names):
        return "embedding", f"{len(names)} columns {stem(names[0])}… are an embedding"
    together = alike(names)
    probable = together and _all(_PROBABILITY, names)
    targets = _values(view)
    if together and not probable and _all(_QUANTILE, names) and targets == 1:
        return "quantile", f"{len(names)} columns {stem(names[0])}… are quantiles"
    if not probable:
        return None
    if targets == 1:
        return "multiclass", f"{len(names)} columns {stem(names[0])}… against one label"
    if targets == len(names):
        titles = [column.name for column in view.target if column.kind in _NUMERIC]
        if alike(titles):
            return "distribution", f"{len(names)} probabilities against as many"
        return "multilabel", f"{len(names)} probabilities against as many labels"
    return None


def _by_shape(view: _View, pred: list[Column]) -> tuple[str, str]:
    """One column of each side."""
    left = _one(view.pred, PREFERRED["pred"])
    right = _one(view.target, PREFERRED["target"])
    if left is None or right is None:
        return "regression", "several columns, none told apart"
    kinds = (left.kind, right.kind)
    if left.kind == "vectors" or (len(left.axes) == 2 and right.kind == "list"):
        return "sequence", "frames of scores against lists of labels"
    if "words" in kinds:
        return "sequence", "lists of words"
    if kinds == ("list", "list") and left.width == -1 and right.width == -1:
        return _lists(view, left, right)
    if left.axes and right.axes:
        return "masks", f"arrays of {' × '.join(map(str, left.axes))} a row"
    if left.width is not None and right.width is None:
        if _called(left, "embedding", "emb", "embeddings", "features"):
            return "embedding", "vectors called an embedding against one label"
        shape = f"{left.width} values a row against one"
        plain = right.kind == "number" and right.name.lower() not in _CLASS and not left.axes[1:]
        if plain and _PROBABILITY.fullmatch(left.name) is None:
            raise view.refuse(f"{shape} number", "quantile", "ensemble", "multiclass")
        return "multiclass", f"{shape} label" if left.width > 0 else "lists against one label"
    if left.width is not None:
        return _vectors(view, left, right)
    if kinds == ("text", "text"):
        if left.name.lower() in _CLASS:
            return "multiclass", "names of classes against names of classes"
        if left.name.lower() in _TEXTS or right.name.lower() in _TEXTS:
            return "sequence", "texts against texts"
        raise view.refuse("texts against texts", "sequence", "multiclass")
    return _single(view, left, right)


def _lists(view: _View, left: Column, right: Column) -> tuple[str, str]:
    for task, names in (("boxes", ("box", "boxes", "bbox")), ("masks", ("mask", "masks"))):
        if _called(left, *names) or _called(right, *names):
            return task, f"lists called {left.name}"
    why = "lists of numbers against lists of numbers"
    raise view.refuse(why, "sequence", "boxes", "masks", "embedding", "regression")


def _vectors(view: _View, left: Column, right: Column) -> tuple[str, str]:
    named = (("boxes", ("box", "boxes", "bbox")), ("masks", ("mask", "masks")),
             ("embedding", ("embedding", "emb", "embeddings")))  # fmt: skip
    for task, names in named:
        if _called(left, *names) or _called(right, *names):
            return task, f"vectors called {left.name}"
    shape = f"{left.width} values a row against {right.width}"
    whole = right.kind in ("integer", "boolean")
    if left.width == 4 and right.width == 4:
        raise view.refuse(shape, "boxes", *(["multilabel"] if whole else []), "regression")
    if whole:
        raise view.refuse(f"{shape} whole numbers", "multilabel", "regression")
    return "regression", _SEVERAL


def _single(view: _View, left: Column, right: Column) -> tuple[str, str]:
    """One value against one."""
    probable = left.kind == "number" and _PROBABILITY.fullmatch(left.name) is not None
    if left.kind in _NUMERIC and right.kind in ("text", "boolean"):
        return "binary", f"{left.name or 'numbers'} against the classes of {right.name}"
    if left.kind in ("text", "boolean"):
        return "multiclass", "names of classes"
    whole = right.kind == "integer"
    named = left.name.lower() != "p" or right.name.lower() in _CLASS
    if probable and whole and named:
        return "binary", f"{left.name}, a probability by its name, against whole numbers"
    if whole and left.name.lower() in _SCORE:
        raise view.refuse(f"{left.name} against whole numbers", "binary", "regression")
    if whole and right.name.lower() in _CLASS and left.kind == "integer":
        raise view.refuse("whole numbers against a label", "multiclass", "regression")
    return "regression", _WHOLE if whole and left.kind == "number" else "numbers against numbers"


_WHOLE = "numbers against whole numbers"
_SEVERAL = "several numbers a row against several"


def _form(view: _View) -> dict[str, str]:
    """The setting for sides that their names say are not (x1, y1, x2, y2).

    Raises DataError where the two sides are in two forms.
    """
    forms = sorted({_box_form(columns) for columns in (view.pred, view.target)} - {""})
    if len(forms) > 1:
        raise DataError(
            f"{view.where}: by the names of their columns boxes are {_and(forms)}",
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


def _one(columns: Sequence[Column], preferred: Sequence[str]) -> Column | None:
    usable = [c for c in columns if c.kind in (*_NUMERIC, "list", "vectors", "words")]
    for among in (usable, columns):
        for name in preferred:
            called = [column for column in among if column.name.lower() == name]
            if len(called) == 1:
                return called[0]
        if len(among) == 1:
            return among[0]
    return None


def _values(view: _View) -> int:
    """How many values a row the target has, as far as its columns say."""
    one = _one(view.target, PREFERRED["target"])
    if one is not None:
        return one.width or 1
    return sum(column.kind in _NUMERIC for column in view.target)


def _called(column: Column, *names: str) -> bool:
    return column.name.lower() in names


def _all(pattern: re.Pattern[str], names: list[str]) -> bool:
    return all(pattern.fullmatch(name) for name in names)


def _and(words: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join((", ".join(words[:-1]), words[-1]) if len(words) > 1 else words)


# --- which losses to begin with ----------------------------------------------------------------


def default_sets() -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every task, the form of its data ("" where there is one, or for all others), its losses."""
    for task in TASKS:
        if task in _DEFAULTS:
            yield task, "", _DEFAULTS[task]
        for (named, form), chosen in _BY_FORM.items():
            if named == task:
                yield task, form, chosen


def _losses(task: str, view: _View) -> tuple[str, ...]:
    if task == "quantile":
        return _of_quantiles(view)
    form = _form_of(task, view)
    return _BY_FORM[task, form] if form else _DEFAULTS[task]


def _form_of(task: str, view: _View) -> str:
    """The form of a task's data, where its losses depend on that."""
    names = view.names()
    left = _one(view.pred, PREFERRED["pred"])
    if task == "embedding":
        return _form_of_embeddings(view, names)
    if task == "distribution" and {"mean", "scale"} <= names:
        return NORMALS if {"target_mean", "target_scale"} <= names else NORMAL
    if task == "multiclass" and left is not None and left.width is None:
        return CLASSES
    if task == "sequence" and left is not None and (left.kind == "vectors" or left.axes):
        return FRAMES
    return WORDS if task == "sequence" and left is not None and left.kind in LISTS else ""


def _form_of_embeddings(view: _View, names: set[str]) -> str:
    if {"anchor", "positive", "negative"} <= names:
        return TRIPLETS
    if {"left", "right"} <= names:
        return PAIRS
    right = _one(view.target, PREFERRED["target"])
    if right is not None and right.width is not None:
        return VECTORS
    return ANGULAR if "class_vectors" in names else LABELS


def _levels(view: _View) -> tuple[float, ...]:
    """The quantiles that the names of the prediction's columns say."""
    found = [_QUANTILE.fullmatch(one.name) for one in view.pred if one.kind in _NUMERIC]
    levels = [float(match[1]) for match in found if match]
    return tuple(level if level < 1.0 else level / 100.0 for level in levels)


def _of_quantiles(view: _View) -> tuple[str, ...]:
    levels = _levels(view)
    if not levels:
        raise UsageError(
            f"{view.where}: the levels of the quantiles are not in the names of the columns",
            "-l 'pinball:quantile=[0.1;0.5;0.9]' gives them, or call the columns q_0.1 q_0.5 ...",
        )
    return ("pinball:quantile=[" + ";".join(f"{level:g}" for level in levels) + "]",)
