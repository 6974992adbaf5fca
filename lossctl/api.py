"""The Python interface: arrays, DataFrames and paths in, a `Report` out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import PathLike, fspath
from typing import Any

from lossctl.errors import UsageError
from lossctl.grouping import groupings
from lossctl.plan import Plan, RoleInput
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
    common = {"from_logits": from_logits or None, "boxes": boxes}
    given = dict(roles or {})
    if isinstance(class_weight, str) and class_weight == "balanced":
        common["balanced"] = True
    elif class_weight is not None:
        given["class_weight"] = class_weight
    plan = Plan(
        pred=_source(pred, "pred", extra),
        target=None if target is None else _source(target, "target", {}),
        losses=(losses,) if isinstance(losses, str) else tuple(losses),
        reduction=reduction,
        task=task,
        like=(like,) if isinstance(like, str) else tuple(like),
        settings=tuple((name, value) for name, value in common.items() if value is not None),
        labels=tuple(labels),
        positive=positive,
        classes=classes,
        ignore_index=ignore_index,
        pred_col="pred" if extra and pred_col is None else pred_col,
        target_col=target_col,
        weight_col="weight" if weight is not None else weight_col,
        id_col="id" if ids is not None else id_col,
        on=(on,) if isinstance(on, str) else tuple(on),
        by_row=by_row,
        nan=nan,
        missing=missing,
        duplicates=duplicates,
        where=(where,) if isinstance(where, str) else tuple(where),
        roles=tuple(RoleInput(name, _source(values, name, {})) for name, values in given.items()),
        multioutput=multioutput,
        by=groupings((by,) if isinstance(by, str) else by),
        decompose=decompose,
        outliers=outliers,
        read=ReadOptions(layout=layout),
        top=top,
        full=not values_only,
        threads=threads,
        block_rows=block_rows,
    )
    return evaluate_plan(plan)


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
