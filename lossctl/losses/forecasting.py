"""Errors relative to the target, and to a naive forecast of a training series."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Annotated, Any

import numpy as np

from lossctl.arrays import Array, Numbers, Real, Whole
from lossctl.errors import DataError
from lossctl.loss import loss
from lossctl.numerics import difference, floating, magnitude, residual
from lossctl.settings import Param

_FACTOR = Param("a factor; 100 makes it per cent", 0.0, low_open=True)


def _size(values: Numbers) -> Array:
    return np.abs(floating(values))


def _relative(error: Array, size: Array) -> Array:
    """The quotient: 0 where both are 0, infinite where only the size is."""
    return np.where(error == 0.0, 0.0, error / size)


def _percentage_note(*, zero: str, **_others: Any) -> str | None:
    return "mape leaves out the rows whose target is 0 (zero=skip)" if zero == "skip" else None


@loss(
    "mape",
    gradient=lambda pred, target, *, scale, eps, zero: np.where(
        (floating(target) == 0.0) & (zero == "skip"),
        0.0,
        scale * _relative(np.sign(residual(pred, target)), np.maximum(_size(target), eps)),
    ),
    diverges=True,
    reduces=lambda zero: "ratio" if zero == "skip" else "mean",
    note=_percentage_note,
    peers={"sklearn": "metrics.mean_absolute_percentage_error",
           "keras": "losses.MeanAbsolutePercentageError()"},
    like={"sklearn": {"eps": float(np.finfo(np.float64).eps)},
          "keras": {"scale": 100.0, "eps": 1e-7, "reduction": "sum_over_batch_size"}},
    reference="de Myttenaere et al. (2016), doi:10.1016/j.neucom.2015.12.114",
    formula="scale · |e| / max(|target|, eps)",
)  # fmt: skip
def mean_absolute_percentage_error(
    pred: Real,
    target: Real,
    *,
    scale: Annotated[float, _FACTOR] = 1.0,
    eps: Annotated[float, Param("the smallest |target| to divide by", 0.0)] = 0.0,
    zero: Annotated[
        str,
        Param("a target of 0 makes the loss infinite, or its row is left out",
              choices=("infinite", "skip")),
    ] = "infinite",
) -> Array | tuple[Array, Array]:  # fmt: skip
    """The error as a fraction of the target. Among positive values, too low costs 1 at most.

    A target of 0 makes it infinite, unless the error is 0 too. Peers divide by a tiny number
    instead (eps) or leave the row out (zero=skip); Keras counts in per cent (scale=100).
    """
    error = magnitude(pred, target)
    if zero == "infinite":
        return scale * _relative(error, np.maximum(_size(target), eps))
    size = _size(target)
    counted = (size > 0.0).astype(np.float64)
    relative = _relative(error, np.maximum(np.where(size > 0.0, size, 1.0), eps))
    return counted * (scale * relative), counted


def _symmetric_slope(pred: Numbers, target: Numbers, *, scale: float, variant: str) -> Array:
    p, y = floating(pred), floating(target)
    whole = np.abs(p) + np.abs(y)
    factor = (4.0 if variant == "0-2" else 2.0) * scale
    same = (np.sign(p) == np.sign(y)) & (p != 0.0)
    slope = factor * (np.abs(y) / whole) / whole * np.sign(residual(pred, target))
    return np.where(same, slope, 0.0)


@loss(
    "smape",
    gradient=_symmetric_slope,
    peers={"torchmetrics": "SymmetricMeanAbsolutePercentageError()",
           "utilsforecast": "losses.smape with variant=0-1"},
    reference="Makridakis (1993), doi:10.1016/0169-2070(93)90079-3",
    formula="scale · 2|e| / (|target| + |pred|)",
)  # fmt: skip
def symmetric_mean_absolute_percentage_error(
    pred: Real,
    target: Real,
    *,
    scale: Annotated[float, _FACTOR] = 1.0,
    variant: Annotated[
        str, Param("the range: from 0 to 2, or half of it", choices=("0-2", "0-1"))
    ] = "0-2",
) -> Array:
    """The error as a fraction of the mean size of prediction and target; at most 2.

    Not symmetric for all its name: 110 for 100 costs less than 90 for 100. The M4 competition
    has scale=100; some libraries leave out the factor 2 (variant=0-1).
    """
    size = magnitude(pred, target)
    p, y = _size(pred), _size(target)
    whole = p + y
    fraction = _relative(size, whole)
    beyond = np.isinf(whole)
    if beyond.any():
        halves = np.abs(0.5 * floating(pred) - 0.5 * floating(target)) / (0.5 * p + 0.5 * y)
        fraction = np.where(beyond, halves, fraction)
    return scale * (2.0 * fraction if variant == "0-2" else fraction)


@loss(
    "wape",
    aliases=("wmape", "nd", "mad_mean_ratio"),
    gradient=lambda pred, target: np.sign(residual(pred, target)),
    reduction="ratio",
    peers={"torchmetrics": "WeightedMeanAbsolutePercentageError()"},
    reference="Kolassa and Schütz (2007), Advantages of the MAD/MEAN ratio over the MAPE",
    formula="Σ|e| / Σ|target|",
)
def weighted_absolute_percentage_error(pred: Real, target: Real) -> tuple[Array, Array]:
    """The whole error as a fraction of the whole of the targets; single zeros do no harm.

    A ratio of two sums: rows add to its numerator, and shares are shares of that.
    """
    return magnitude(pred, target), _size(target)


class _Same:
    """An array that is equal to itself only, so that results can be kept by it."""

    __slots__ = ("array",)

    def __init__(self, array: Numbers) -> None:
        self.array = array

    def __hash__(self) -> int:
        return id(self.array)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.array is self.array


def _naive(train: Numbers, seasonality: int, *, squares: bool) -> float:
    """The mean |change|, or root mean squared change, of a series over one season."""
    return _naive_of(_Same(train), seasonality, squares)


@lru_cache(maxsize=2)  # every block asks for the same series
def _naive_of(held: _Same, seasonality: int, squares: bool) -> float:
    series = held.array.ravel() if held.array.shape[1:] == (1,) else held.array
    if series.ndim != 1:
        raise DataError(f"train has shape {series.shape}, but must be one series")
    if len(series) <= seasonality:
        raise DataError(
            f"train has {len(series)} values, but seasonality={seasonality} needs more than that"
        )
    steps = np.abs(difference(series[seasonality:], series[:-seasonality]))
    _, exponent = math.frexp(float(steps.max()))
    steps = np.ldexp(steps, -exponent)  # exact, and then neither a square nor the sum overflows
    if squares:
        return math.ldexp(math.sqrt(math.fsum(np.square(steps)) / len(steps)), exponent)
    return math.ldexp(math.fsum(steps) / len(steps), exponent)


_SEASON = Param("how many steps back the naive forecast looks", 1)


@loss(
    "mase",
    gradient=lambda pred, target, train, *, seasonality: (
        np.sign(residual(pred, target)) / _naive(train, seasonality, squares=False)
    ),
    diverges=True,
    peers={"sktime": "mean_absolute_scaled_error(sp=1)"},
    reference="Hyndman and Koehler (2006), doi:10.1016/j.ijforecast.2006.03.001",
    formula="|e| / mean |train[t] - train[t - seasonality]|",
)
def mean_absolute_scaled_error(
    pred: Real, target: Real, train: Whole, *, seasonality: Annotated[int, _SEASON] = 1
) -> Array:
    """The error in units of the naive forecast's error on the training series; below 1 beats it.

    `train` is the series before the forecast. Where it never changes, the loss is infinite.
    """
    return _relative(magnitude(pred, target), np.asarray(_naive(train, seasonality, squares=False)))


@loss(
    "rmsse",
    gradient=lambda pred, target, train, *, seasonality: (
        2.0
        * (residual(pred, target) / _naive(train, seasonality, squares=True))
        / _naive(train, seasonality, squares=True)
    ),
    reduction="root_mean",
    diverges=True,
    peers={"sktime": "mean_squared_scaled_error(sp=1, square_root=True)"},
    reference="Makridakis et al. (2022), M5, doi:10.1016/j.ijforecast.2021.11.013",
    formula="√ (mean(e²) / mean (train[t] - train[t - seasonality])²)",
)
def root_mean_squared_scaled_error(
    pred: Real, target: Real, train: Whole, *, seasonality: Annotated[int, _SEASON] = 1
) -> Array:
    """The root mean squared error in units of the naive forecast's, as in the M5 competition.

    Where the training series never changes, the loss is infinite. Its samples add squares.
    """
    return _relative(magnitude(pred, target), np.asarray(_naive(train, seasonality, squares=True)))
