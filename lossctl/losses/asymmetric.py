"""Losses that charge more for errors on one side: quantiles, expectiles, linear-exponential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import numpy as np

from lossctl.arrays import Array, Domain, Numbers, Real
from lossctl.loss import loss
from lossctl.numerics import (
    difference,
    exponential_gap,
    magnitude,
    residual,
    residual_parts,
    row_mean,
    squared,
    two_product,
)
from lossctl.settings import Param


def _side(pred: Numbers, target: Numbers, quantile: float) -> Array:
    """What a unit of error costs: `quantile` below the target, the rest above it."""
    return np.where(residual(pred, target) > 0.0, 1.0 - quantile, quantile)


def _charged(pred: Numbers, target: Numbers, quantile: float, amount: Array) -> Array:
    side = _side(pred, target, quantile)
    return np.where(side == 0.0, 0.0, side * amount)


def _several(quantile: float | tuple[float, ...]) -> Mapping[str, Domain]:
    """One prediction per quantile, and one target, where there are several."""
    if not isinstance(quantile, tuple):
        return {}
    preds = Domain("quantiles", shape="vector", width=len(quantile), axes=("quantiles",))
    return {"pred": preds, "target": Domain("real", shape="one")}


def _pinball_slope(
    pred: Numbers, target: Numbers, *, quantile: float | tuple[float, ...], scale: float
) -> Array:
    if not isinstance(quantile, tuple):
        slopes: Array = scale * _side(pred, target, quantile) * np.sign(residual(pred, target))
        return slopes
    error = difference(pred, target[:, np.newaxis])
    levels = np.array(quantile)
    sides = np.where(error > 0.0, 1.0 - levels, levels)
    return np.asarray(scale / len(quantile) * sides * np.sign(error))


@loss(
    aliases=("quantile", "quantile_loss", "quantile_score", "mean_pinball_loss", "check_loss",
             "tilted"),
    gradient=_pinball_slope,
    tasks=("regression", "quantile"),
    domains=_several,
    peers={"sklearn": "metrics.mean_pinball_loss"},
    reference="Koenker and Bassett (1978), doi:10.2307/1913643",
    formula="scale · max(quantile (target - pred), (quantile - 1) (target - pred))",
)  # fmt: skip
def pinball(
    pred: Real,
    target: Real,
    *,
    quantile: Annotated[
        float | tuple[float, ...],
        Param("the quantile that is predicted, or one for each value of `pred`", 0.0, 1.0,
              vector=True),
    ] = 0.5,
    scale: Annotated[
        float, Param("a factor; 2 makes the median's loss the MAE", 0.0, low_open=True)
    ] = 1.0,
) -> Array:  # fmt: skip
    """The loss of a quantile: at 0.9, falling short costs nine times what overshooting does.

    At 0.5 it is half the MAE, as in scikit-learn; some libraries double it (scale=2). Of several
    quantiles it is their mean, about half the continuous ranked probability score.
    """
    if not isinstance(quantile, tuple):
        return scale * _charged(pred, target, quantile, magnitude(pred, target))
    columns = [np.ascontiguousarray(pred[:, place]) for place in range(len(quantile))]
    charged = [
        scale * _charged(column, target, level, magnitude(column, target))
        for column, level in zip(columns, quantile, strict=True)
    ]
    return row_mean(np.stack(charged, axis=1))


@loss(
    gradient=lambda pred, target, *, quantile: (
        2.0 * _side(pred, target, quantile) * residual(pred, target)
    ),
    reference="Newey and Powell (1987), doi:10.2307/1911031",
    formula="quantile e² if pred < target, else (1 - quantile) e²",
)
def expectile(
    pred: Real,
    target: Real,
    *,
    quantile: Annotated[float, Param("the level of the expectile", 0.0, 1.0)] = 0.5,
) -> Array:
    """The squared counterpart of the pinball loss: its best constant is an expectile.

    At 0.5 it is half the MSE.
    """
    return _charged(pred, target, quantile, squared(pred, target))


def _linex_slope(pred: Numbers, target: Numbers, *, a: float) -> Array:
    return a * np.expm1(a * residual(pred, target))


@loss(
    aliases=("linear_exponential",),
    gradient=_linex_slope,
    reference="Varian (1975); Zellner (1986), doi:10.1080/01621459.1986.10478289",
    formula="exp(a e) - a e - 1",
)
def linex(
    pred: Real,
    target: Real,
    *,
    a: Annotated[
        float, Param("positive: overshooting costs exponentially; negative: falling short does")
    ] = 1.0,
) -> Array:
    """Exponential in the error on one side, about linear on the other; (a e)²/2 near zero."""
    high, low = residual_parts(pred, target)
    power, lost = two_product(high, np.asarray(a))
    lost = np.where(np.isfinite(lost), lost, 0.0) + a * low
    grown = np.expm1(power)
    # expm1 magnifies what the product lost; its derivative puts that back.
    far = np.where(np.isfinite(grown), (grown - power) + lost * grown, np.inf)
    small = np.abs(power) <= 1.0
    return np.where(small, exponential_gap(np.where(small, power, 0.0), 0.0), far)
