"""Squared errors whose mean cannot be estimated: a loss that minds outliers less."""

from __future__ import annotations

import math

import numpy as np

from lossctl.analyses.advice.evidence import Errors
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.advice.scale import huber_spec
from lossctl.analyses.concentration import FEWEST, pareto_fit, tail_length
from lossctl.analyses.wording import counted

INFINITE = 0.5  # the tail index from which a variance is infinite
NO_MEAN = 1.0  # and from which there is no mean
MARGIN = 2.0  # standard errors beyond it, where a sample stands for many more rows
FEW = 10  # rows that are named rather than counted


def tail_index(values: np.ndarray) -> float | None:
    """Of the largest of `values`; None for too few."""
    if values.size < FEWEST:
        return None
    ordered = np.sort(values)
    length = tail_length(values.size)
    fit = pareto_fit(ordered[-length:], float(ordered[-length - 1]))
    return None if fit is None else fit.khat


def tail_error(index: float, rows: int) -> float:
    """The standard error of a tail index."""
    return (1.0 + index) / math.sqrt(tail_length(rows))


def reaches(errors: Errors, index: float, limit: float) -> bool:
    """Whether the tail index is `limit` or more: of a sample, beyond what chance does."""
    sampled = errors.sample.of > errors.n
    return index - sampled * MARGIN * tail_error(index, errors.n) >= limit


def tails(errors: Errors, *, mean: bool = False) -> Advice | None:
    """`mae or huber` where the tail index of the squared error is 0.5 or more; a caution where the
    predictions aim at the `mean`, which no loss that minds outliers less asks for."""
    square = np.square(errors.r)
    index = tail_index(square)
    if index is None or not reaches(errors, index, INFINITE):
        return None
    mark = errors.sample.mark
    far = errors.outliers()
    size = np.abs(errors.r)
    shares = {name: float(one[far].sum() / one.sum()) for name, one in
              (("mse", square), ("mae", size))}  # fmt: skip
    what, so = "variance", "its intervals and comparisons are not to be trusted"
    if reaches(errors, index, NO_MEAN):
        what, so = "mean", "there may be no mean to estimate"
    do = f"mae or {huber_spec(errors.unit)}, not mse or rmse"
    if mean:
        do = "mse with care"
    text = (
        f"{do}: the tail index of the squared error, {mark}{index:.2f}, is like that of an "
        f"infinite {what}: {so}"
    )
    if far.size:
        rows = counted(far.size)
        text += (
            f"; {mark}{rows} ({errors.sample.names(far)}) beyond 3.5 robust deviations "
            f"make{'' if far.size > 1 else 's'} {mark}{100 * shares['mse']:.0f} % of mse, "
            f"{mark}{100 * shares['mae']:.0f} % of mae"
        )
    tail = f"the squared error has a tail like that of an infinite {what}"
    finding = f"Judge by MAE or Huber, not by RMSE: {tail}"
    if mean:
        finding = f"Judge these means by RMSE, but do not trust its interval: {tail}"
    if 0 < far.size <= FEW and shares["mse"] >= 0.2:
        rows = f"{far.size} rows" if far.size > 1 else "one row"
        finding = (
            f"Look at {errors.sample.names(far, FEW)} first: {rows} "
            f"make{'' if far.size > 1 else 's'} {mark}{100 * shares['mse']:.0f} % of the MSE, "
            f"and only {mark}{100 * shares['mae']:.0f} % of the MAE"
        )
    data = {"khat": index, "khat_se": tail_error(index, errors.n),
            "outliers": int(far.size), "share_mse": shares["mse"],
            "share_mae": shares["mae"]}  # fmt: skip
    loss, worth = ("mse", 48.0) if mean else ("mae", 80.0)
    return Advice("tails", loss, text, f"{finding}.", worth, data=data)
