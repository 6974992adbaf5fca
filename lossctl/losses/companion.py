"""Companion metrics, shown beside the losses: explained variance, extremes, bias, agreement."""

from __future__ import annotations

import math
from typing import Annotated, TypeAlias

import numpy as np

from lossctl.arrays import Array, Category, Domain, Real
from lossctl.loss import loss
from lossctl.losses.margin import Threshold, zero_one
from lossctl.numerics import floating, magnitude, residual
from lossctl.settings import Param

Rating: TypeAlias = Annotated[Array, Domain("rating", integral=True, shape="one")]

_FINITE = Param("over a constant target 1 if the prediction explains all, else 0; false: -inf")


@loss(
    aliases=("r2_score", "r_squared", "coefficient_of_determination"),
    reduction="variance_ratio",
    reduces=lambda force_finite: "variance_ratio" if force_finite else "variance_ratio_raw",
    direction="max",
    low=-math.inf,
    high=1.0,
    companion=True,
    peers={"sklearn": "metrics.r2_score"},
    reference="Draper and Smith (1998), Applied Regression Analysis",
    formula="1 - Σe² / Σ(target - mean target)²",
)
def r2(
    pred: Real, target: Real, *, force_finite: Annotated[bool, _FINITE] = True
) -> tuple[Array, Array]:
    """The part of the target's variance that the prediction accounts for: 1 all, 0 none.

    Negative when the mean of the target would have done better. Needs two rows.
    """
    return residual(pred, target), floating(target)


@loss(
    aliases=("explained_variance_score",),
    reduction="explained_variance",
    reduces=lambda force_finite: "explained_variance" if force_finite else "explained_variance_raw",
    direction="max",
    low=-math.inf,
    high=1.0,
    companion=True,
    peers={"sklearn": "metrics.explained_variance_score"},
    reference="Draper and Smith (1998), Applied Regression Analysis",
    formula="1 - Var(e) / Var(target)",
)
def explained_variance(
    pred: Real, target: Real, *, force_finite: Annotated[bool, _FINITE] = True
) -> tuple[Array, Array]:
    """As R², but a constant bias is forgiven: the gap between the two is the bias."""
    return residual(pred, target), floating(target)


@loss(
    "rse",
    aliases=("relative_squared",),
    reduction="relative_variance",
    companion=True,
    peers={"torchmetrics": "RelativeSquaredError()"},
    reference="Witten and Frank (2005), Data Mining",
    formula="Σe² / Σ(target - mean target)²",
)
def relative_squared_error(pred: Real, target: Real) -> tuple[Array, Array]:
    """The squared error as a fraction of what the mean of the target would make: 1 - R²."""
    return residual(pred, target), floating(target)


@loss(
    reduction="max",
    companion=True,
    peers={"sklearn": "metrics.max_error"},
    reference="Chebyshev (1854)",
    formula="max |e|",
)
def max_error(pred: Real, target: Real) -> Array:
    """The largest error of all: one row makes it."""
    return magnitude(pred, target)


@loss(
    "median_ae",
    aliases=("medae",),
    reduction="median",
    companion=True,
    peers={"sklearn": "metrics.median_absolute_error"},
    reference="Hampel (1974), doi:10.1080/01621459.1974.10482962",
    formula="median |e|",
)
def median_absolute_error(pred: Real, target: Real) -> Array:
    """The error that half of the rows stay below; outliers do not move it."""
    return magnitude(pred, target)


@loss(
    "bias",
    aliases=("mbe", "mean_error"),
    gradient=lambda pred, target: np.ones(pred.shape),
    direction="zero",
    low=-math.inf,
    companion=True,
    reference="Gauss (1821)",
    formula="mean(e)",
)
def mean_bias_error(pred: Real, target: Real) -> Array:
    """The mean of prediction minus target: positive when predictions are too high on the whole."""
    return residual(pred, target)


@loss(
    aliases=("acc",),
    tasks=("binary", "multiclass", "multilabel"),
    direction="max",
    high=1.0,
    domains=zero_one.domains,
    rows=zero_one.rows,
    companion=True,
    peers={
        "sklearn": "metrics.accuracy_score",
        "keras": "metrics.Accuracy",
        "torchmetrics": "Accuracy(task='multiclass', average='micro')",
    },
    reference="Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, 2.4",
    formula="1 if the decision is the label, else 0",
)
def accuracy(pred: Category, label: Category, *, threshold: Threshold = None) -> Array:
    """The share of right decisions: 1 less zero_one, with its settings.

    In a multilabel file a row is right where all of its labels are.
    """
    wrong: Array = zero_one.evaluate({"pred": pred, "label": label}, {"threshold": threshold})
    return 1.0 - wrong


@loss(
    "qwk",
    aliases=("quadratic_kappa", "weighted_kappa"),
    reduction="kappa",
    tasks=("multiclass",),
    direction="max",
    low=-math.inf,
    high=1.0,
    companion=True,
    peers={"sklearn": "metrics.cohen_kappa_score(weights='quadratic')"},
    reference="Cohen (1968), doi:10.1037/h0026256",
    formula="1 - Σ (pred - label)² / Σ expected of two that rate independently",
)
def quadratic_weighted_kappa(pred: Rating, label: Rating) -> tuple[Array, Array, Array]:
    """Agreement of ordered ratings beyond chance: 1 all, 0 none; far misses count by their square.

    Ratings are whole numbers and their distances matter. Undefined where all ratings on both
    sides are one and the same number.
    """
    return residual(pred, label), floating(pred), floating(label)
