"""The Python interface: arrays, DataFrames and paths in, a `Report` out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any

from lossctl.errors import UsageError
from lossctl.grouping import groupings
from lossctl.plan import Contender, Plan, RoleInput
from lossctl.readers.memory import MemorySource
from lossctl.readers.source import ReadOptions, Source
from lossctl.report import Report
from lossctl.run import evaluate_plan


def evaluate(
    pred: Any,
    target: Any = None,
    losses: str | Iterable[str] = (),
    *,
    weight: Any = None,
    ids: Any = None,
    roles: Mapping[str, Any] | None = None,
    pred_col: str | None = None,
    target_col: str | None = None,
    weight_col: str | None = None,
    id_col: str | None = None,
    on: str | Iterable[str] = (),
    by_row: bool = False,
    nan: str = "error",
    missing: str = "error",
    duplicates: str = "error",
    where: str | Iterable[str] = (),
    reduction: str | None = None,
    task: str = "auto",
    like: str | Iterable[str] = (),
    from_logits: bool = False,
    labels: Iterable[str] = (),
    positive: str | None = None,
    classes: int | None = None,
    ignore_index: int | None = None,
    class_weight: Any = None,
    boxes: str | None = None,
    layout: str = "BTC",
    multioutput: str = "uniform_average",
    by: str | Iterable[str] = (),
    decompose: bool = False,
    outliers: str = "mad",
    top: int = 10,
    threads: int | None = None,
    block_rows: int | None = None,
    values_only: bool = False,
) -> Report:
    """Score predictions against targets.

    pred, target  arrays of shape (n,) or (n, d), lists of lists for ragged roles, DataFrames or
                  Series (columns chosen as for files), or paths. One DataFrame or path alone
                  holds both.
    losses        specs such as "mae" or "huber:delta=2"; none: the default set
    weight        (n,) sample weights, finite and >= 0; ids: (n,) names of the rows
    Arrays, Series and DataFrames are paired by position, whatever their index.
    task          what the data are about, where it is not to be told from them
    like          "torch", "keras", "tensorflow", "sklearn" or "optax": by their conventions
    labels, positive, classes, ignore_index, boxes, layout  as the options of those names
    class_weight  (K,) weights of the classes, a path, or "balanced"
    by            columns to group by, or "bin(age,5)"; decompose: every loss taken apart
    outliers      "mad", "iqr", "adjusted" or "esd"
    roles         further roles by name: arrays, or paths ("train", "parameters", "scale" ...)
    nan           "error", "drop", or "propagate" (values become undefined)

    The other arguments are the command line's options. Raises UsageError for what does not
    exist, DataError for data that cannot be scored.
    """
    if pred is None:
        raise UsageError("pred is None", "give an array, a DataFrame or a path")
    sides = {"weight": weight, "id": ids}
    extra = {name: values for name, values in sides.items() if values is not None}
    if extra and (_is_path(pred) or _is_frame(pred)):
        raise UsageError("weight and ids go with arrays", "name columns: weight_col, id_col")
    plan = Plan(
        pred=_source(pred, "pred", extra),
        target=None if target is None else _source(target, "target", {}),
        pred_col="pred" if extra and pred_col is None else pred_col,
        weight_col="weight" if weight is not None else weight_col,
        id_col="id" if ids is not None else id_col,
        by=groupings(_several(by)),
        decompose=decompose,
        outliers=outliers,
        top=top,
        full=not values_only,
        digest_targets=not values_only,
        **_common(
            losses=losses, roles=roles, target_col=target_col, on=on, by_row=by_row, nan=nan,
            missing=missing, duplicates=duplicates, where=where, reduction=reduction, task=task,
            like=like, from_logits=from_logits, labels=labels, positive=positive, classes=classes,
            ignore_index=ignore_index, class_weight=class_weight, boxes=boxes, layout=layout,
            multioutput=multioutput, threads=threads, block_rows=block_rows,
        ),
    )  # fmt: skip
    return evaluate_plan(plan)


def compare(
    models: Mapping[str, Any],
    target: Any = None,
    losses: str | Iterable[str] = (),
    *,
    weight: Any = None,
    pred_col: str | None = None,
    reference: str | None = None,
    sort: str | None = None,
    confidence: float = 0.95,
    ci: str = "delta",
    test: str = "t",
    correction: str = "holm",
    cluster: Any = None,
    time: Any = None,
    horizon: int | None = None,
    resamples: int = 10_000,
    seed: int = 0,
    by: str | Iterable[str] = (),
    sweep: str | None = None,
    curves: bool = False,
    **options: Any,
) -> Report:
    """Compare models on the same rows: which is better, by which losses, and how surely.

    models     by name, predictions as `evaluate` takes them; the first is the reference
    target     as `evaluate`'s; None where every model's file holds the same targets
    cluster    rows that depend on each other: the name of a column of the targets, or (n,) values
    time       when rows are, likewise; `horizon` steps ahead
    weight     (n,) sample weights, where the targets are an array
    ci         "delta", or "bca" (at most 20,000 rows); test: "t", "permutation", "wilcoxon", "sign"
    correction of all p-values: "holm", "fdr", "bonferroni" or "none"
    sweep      "huber:delta=0.1..10": where another model becomes the best
    curves     pictures of how many errors are small, and of the loss by threshold

    `options` are those of `evaluate` by the same names: on, nan, missing, task, labels and so on.
    Raises UsageError and DataError.
    """
    from lossctl.analyses.comparison.question import Question
    from lossctl.run import compare_plan

    if not all(isinstance(name, str) for name in models):
        raise UsageError("the names of models are texts")
    names = sorted(models, key=lambda name: name != reference and reference is not None)
    if reference is not None and reference not in models:
        raise UsageError(f"reference {reference} is none of the models")
    _only_shared("compare", weight, options)
    columns, target_source = _beside(target, weight=weight, cluster=cluster, time=time)
    given = {name: _source(models[name], name, {}) for name in names}
    if len(given) < 2:
        raise UsageError("compare needs two models or more")
    plan = Plan(
        pred=given[names[0]],
        models=tuple(Contender(name, source, pred_col) for name, source in given.items()),
        target=target_source,
        pred_col=pred_col,
        weight_col="weight" if weight is not None else options.pop("weight_col", None),
        id_col=options.pop("id_col", None),
        by=groupings(_several(by)),
        **_common(losses=losses, **({"target_col": "target"} if columns["own"] else {}) | options),
    )
    question = Question(
        confidence=confidence, correction=correction, interval=ci, test=test, resamples=resamples,
        seed=seed, cluster=columns["cluster"], time=columns["time"], horizon=horizon, sweep=sweep,
        sort=sort, curves=curves,
    )  # fmt: skip
    return compare_plan(plan, question=question)


def check(
    pred: Any,
    target: Any = None,
    requirements: str | Iterable[str] = (),
    *,
    warn: str | Iterable[str] = (),
    baseline: Any = None,
    weight: Any = None,
    pred_col: str | None = None,
    confidence: float = 0.95,
    cluster: Any = None,
    time: Any = None,
    horizon: int | None = None,
    strict: bool = False,
    naive: bool = False,
    allow_undecided: bool = False,
    error_on_warning: bool = False,
    **options: Any,
) -> Report:
    """Check requirements of a model's losses: `report.gate` says what became of each.

    requirements  texts such as "rmse <= 3.2", "p95(mae)@region=EU < 3" or, where there is a
                  baseline, "increase(mae) <= 2%"
    warn          further ones that block nothing
    baseline      other predictions of the same rows, as `evaluate` takes them
    cluster, time, horizon  as `compare` takes them
    strict, naive, allow_undecided, error_on_warning  as the options of those names

    `options` are those of `evaluate` by the same names. Raises UsageError for a requirement that
    cannot be, DataError for data that cannot be scored.
    """
    from dataclasses import replace

    from lossctl.gate import check_plan
    from lossctl.gates.baseline import Baseline, baseline_of
    from lossctl.gates.requirement import parse
    from lossctl.gates.rules import Rules

    _only_shared("check", weight, options)
    columns, target_source = _beside(target, weight=weight, cluster=cluster, time=time)
    rules = Rules(
        (*map(parse, _several(requirements)),
         *(replace(parse(text), warning=True) for text in _several(warn))),
        confidence=confidence, cluster=columns["cluster"], time=columns["time"], horizon=horizon,
        strict=strict, naive=naive, allow_undecided=allow_undecided,
        error_on_warning=error_on_warning,
    )  # fmt: skip
    held = None
    if _is_path(baseline):
        held = baseline_of(str(fspath(baseline)))
    elif baseline is not None:
        held = Baseline("baseline", _source(baseline, "baseline", {}))
    plan = Plan(
        pred=_source(pred, "pred", {}),
        target=target_source,
        pred_col=pred_col,
        weight_col="weight" if weight is not None else options.pop("weight_col", None),
        id_col=options.pop("id_col", None),
        **_common(losses=(), **({"target_col": "target"} if columns["own"] else {}) | options),
    )
    return check_plan(plan, rules=rules, baseline=held)


_SHARED = {
    "roles", "target_col", "weight_col", "id_col", "on", "by_row", "nan", "missing", "duplicates",
    "where", "reduction", "task", "like", "from_logits", "labels", "positive", "classes",
    "ignore_index", "class_weight", "boxes", "layout", "multioutput", "threads", "block_rows",
}  # fmt: skip


def _common(
    *,
    losses: str | Iterable[str],
    roles: Mapping[str, Any] | None = None,
    like: str | Iterable[str] = (),
    from_logits: bool = False,
    labels: Iterable[str] = (),
    class_weight: Any = None,
    boxes: str | None = None,
    on: str | Iterable[str] = (),
    where: str | Iterable[str] = (),
    layout: str = "BTC",
    **plain: Any,
) -> dict[str, Any]:
    """The fields of a plan that all commands have, from arguments as people give them."""
    settings = {"from_logits": from_logits or None, "boxes": boxes}
    given = dict(roles or {})
    if isinstance(class_weight, str) and class_weight == "balanced":
        settings["balanced"] = True
    elif class_weight is not None:
        given["class_weight"] = class_weight
    return plain | {
        "losses": _several(losses),
        "like": _several(like),
        "settings": tuple((name, value) for name, value in settings.items() if value is not None),
        "labels": tuple(labels),
        "on": _several(on),
        "where": _several(where),
        "roles": tuple(
            RoleInput(name, _source(values, name, {})) for name, values in given.items()
        ),
        "read": ReadOptions(layout=layout),
    }


def _only_shared(command: str, weight: Any, options: Mapping[str, Any]) -> None:
    """Raises UsageError for an option that is none of those that all have, and for weights that are
    given twice."""
    if weight is not None and "weight_col" in options:
        raise UsageError("weight and weight_col exclude each other")
    unknown = set(options) - _SHARED
    if unknown:
        raise UsageError(
            f"{command} takes no {sorted(unknown)[0]}", f"{', '.join(sorted(_SHARED))}"
        )


def _beside(target: Any, **given: Any) -> tuple[dict[str, Any], str | Source | None]:
    """The targets with the arrays that stand beside them, and what columns are called; "own" is
    whether there are any. Raises UsageError for arrays beside what is no array."""
    columns, extra = dict(given), {}
    for name, values in given.items():
        if values is not None and not isinstance(values, str):
            extra[name], columns[name] = values, name
    if extra and (target is None or _is_path(target) or _is_frame(target)):
        raise UsageError(f"{next(iter(extra))} goes with an array of targets", "name a column")
    return columns | {"own": bool(extra)}, (
        None if target is None else _source(target, "target", extra)
    )


def _several(given: str | Iterable[str]) -> tuple[str, ...]:
    """One text, or several, as several."""
    return (given,) if isinstance(given, str) else tuple(given)


def _is_path(value: Any) -> bool:
    return isinstance(value, str | PathLike)


def _is_frame(value: Any) -> bool:
    if type(value).__module__.split(".")[0] != "pandas":
        return False
    from lossctl.frames import is_frame

    return is_frame(value)


def _source(value: Any, name: str, extra: Mapping[str, Any]) -> str | Source:
    if _is_path(value):
        return str(fspath(value))
    if _is_frame(value):
        from lossctl.frames import frame_source

        return frame_source(value, name)
    return MemorySource(name, {name: value, **extra})
