"""Margin losses: a score whose sign is the decision, and plain misclassification.

The margin is m = y f with y = -1 or +1. Targets may be -1 and 1, or 0 and 1, which are read as -1
and +1 whatever a file holds: a lone 1 is +1. Scores are taken as they are, never squashed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, TypeAlias

import numpy as np

from lossctl.arrays import (
    Array,
    Category,
    Domain,
    Label,
    Mask,
    Numbers,
    Real,
    Scores,
    Sign,
    domain_of,
)
from lossctl.errors import DataError
from lossctl.loss import loss
from lossctl.numerics import (
    difference,
    difference_parts,
    floating,
    row_mean,
    row_sum,
    softplus,
    two_sum,
)
from lossctl.settings import Param

_TASKS = ("binary", "multilabel")

Threshold: TypeAlias = Annotated[
    float | None,
    Param("`pred` is a score, and class 1 where it lies above this", optional=True),
]
Labels: TypeAlias = Annotated[
    str,
    Param("the targets allowed: pm1 (-1 and 1), 01 (0 and 1), or auto: one of the two",
          choices=("auto", "pm1", "01")),
]  # fmt: skip

_SIGNS = {"auto": ((-1.0, 1.0), (0.0, 1.0)), "pm1": ((-1.0, 1.0),), "01": ((0.0, 1.0),)}


# --- misclassification --------------------------------------------------------------------------


def _class_domains(threshold: float | None) -> Mapping[str, Domain]:
    if threshold is None:
        return {}
    return {"label": replace(domain_of(Sign), shape="either")}


def _single(values: Numbers) -> Numbers:
    """A table of one column as that column."""
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _differ(left: Numbers, right: Numbers) -> Mask:
    """Where two columns are unequal, also integers that float64 cannot hold."""
    if left.dtype == right.dtype:
        return np.asarray(left != right)
    return np.asarray(difference(left, right) != 0.0)


def _cells(pred: Numbers, label: Numbers, threshold: float | None) -> Mask:
    """Which labels are wrong, for columns or tables of one shape."""
    if threshold is None:
        return _differ(pred, label)
    if pred.ndim == 2:
        return np.asarray((pred > threshold) != (label > 0))
    return np.asarray(np.where(label > 0, pred <= threshold, pred >= threshold))


def fractions(pred: Numbers, label: Numbers, *, threshold: float | None) -> tuple[Mask, str]:
    """Rows of scores in the place of labels, which no label could equal."""
    left, right = _single(pred), _single(label)
    if threshold is not None or left.shape != right.shape:
        return np.zeros(len(pred), dtype=bool), ""
    broken = np.trunc(left) != left
    words = "labels (whole numbers) in pred, or a threshold for scores"
    return np.asarray(broken.any(axis=1) if broken.ndim == 2 else broken), words


def _alike(name: str, pred: Numbers, label: Numbers) -> None:
    if pred.shape != label.shape:
        shapes = [f"{v.shape[1]} values a row" if v.ndim == 2 else "one value a row"
                  for v in (pred, label)]  # fmt: skip
        raise DataError(f"{name}: pred has {shapes[0]}, but label {shapes[1]}")


@loss(
    aliases=("0_1", "01", "zero_one_loss", "misclassification", "error_rate"),
    tasks=("binary", "multiclass", "multilabel"),
    high=1.0,
    elicits="the most probable class",
    domains=_class_domains,
    rows=fractions,
    peers={"sklearn": "metrics.zero_one_loss"},
    reference="Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, 2.4",
    formula="1 if the decision is not the label, else 0",
)
def zero_one(pred: Category, label: Category, *, threshold: Threshold = None) -> Array:
    """The share of wrong decisions: 0 if right, 1 if wrong.

    Labels are compared by equality. A row of K scores decides for its largest, the first of
    equals, and is compared with a label 0 to K - 1; a row of K labels must be right as a whole.
    With a threshold `pred` is a score and the label 0 or 1, or -1 or 1: the decision is the side
    of the threshold, and a score exactly on it is wrong (in a row of K scores: class 0).
    """
    pred, label = _single(pred), _single(label)
    if threshold is None and pred.ndim == 2 and label.ndim == 1:
        classes = pred.shape[1]
        outside = (label < 0) | (label >= classes) | (label != np.floor(label))
        if outside.any():
            raise DataError(
                f"zero_one: label {label[outside][0]:.6g} is none of the classes 0 to "
                f"{classes - 1} that a row of {classes} scores has"
            )
        return floating(np.argmax(pred, axis=1) != label.astype(np.int64))
    _alike("zero_one", pred, label)
    wrong = _cells(pred, label, threshold)
    return floating(np.any(wrong.reshape(len(wrong), -1), axis=1))


@loss(
    aliases=("hamming_loss",),
    tasks=("multilabel", "multiclass", "binary"),
    high=1.0,
    elicits="the most probable class of each label",
    domains=_class_domains,
    rows=fractions,
    peers={"sklearn": "metrics.hamming_loss"},
    reference="Schapire and Singer (1999), doi:10.1023/A:1007614523901",
    formula="(1/K) Σ_k 1 if decision k is not label k, else 0",
)
def hamming(pred: Category, label: Category, *, threshold: Threshold = None) -> Array:
    """The share of wrong labels, each label of a row counting alike.

    With a threshold `pred` holds scores, and the labels are 0 and 1, or -1 and 1. For one label a
    row it is zero_one.
    """
    pred, label = _single(pred), _single(label)
    _alike("hamming", pred, label)
    wrong = floating(_cells(pred, label, threshold))
    return row_mean(wrong) if wrong.ndim == 2 else wrong


# --- margins ------------------------------------------------------------------------------------


def _sign_domains(labels: str) -> Mapping[str, Domain]:
    return {"target": replace(domain_of(Sign), choices=_SIGNS[labels])}


def _sign(target: Numbers) -> Array:
    return np.where(target > 0, 1.0, -1.0)


def _margin(pred: Numbers, target: Numbers) -> Array:
    """The margin m = y f: exact."""
    return _sign(target) * floating(pred)


def _short(pred: Numbers, target: Numbers) -> Array:
    """What a margin lacks of 1, rounded once."""
    return np.maximum(1.0 - _margin(pred, target), 0.0)


def _perceptron_slope(pred: Numbers, target: Numbers, *, labels: str) -> Array:
    return np.where(_margin(pred, target) < 0.0, -_sign(target), 0.0)


@loss(
    aliases=("hinge_loss", "svm"),
    gradient=lambda pred, target, *, labels: np.where(
        _margin(pred, target) < 1.0, -_sign(target), 0.0
    ),
    tasks=_TASKS,
    elicits="the more probable class",
    domains=_sign_domains,
    like={
        "keras": {"reduction": "sum_over_batch_size"},
        "tensorflow": {"labels": "01", "reduction": "sum_by_nonzero_weights"},
        "optax": {"labels": "pm1"},
    },
    peers={
        "keras": "losses.Hinge",
        "tensorflow": "compat.v1.losses.hinge_loss",
        "sklearn": "metrics.hinge_loss",
        "optax": "losses.hinge_loss",
    },
    reference="Cortes and Vapnik (1995), doi:10.1007/BF00994018",
    formula="max(0, 1 - m)",
)
def hinge(pred: Real, target: Sign, *, labels: Labels = "auto") -> Array:
    """What the margin lacks of 1: nothing for decisions that are right and clear.

    Where one class alone is present scikit-learn reads it as -1, even if it is 1; torchmetrics
    takes the sigmoid of all scores as soon as one lies outside [0, 1]. Neither is done here.
    """
    return _short(pred, target)


@loss(
    aliases=("l2_svm",),
    gradient=lambda pred, target, *, labels: -2.0 * _sign(target) * _short(pred, target),
    tasks=_TASKS,
    elicits="the difference between the classes' probabilities",
    domains=_sign_domains,
    like={"keras": {"reduction": "sum_over_batch_size"}},
    peers={
        "keras": "losses.SquaredHinge",
        "sklearn": "linear_model.SGDClassifier(loss='squared_hinge'), in training only",
    },
    reference="Lee and Mangasarian (2001), doi:10.1023/A:1011215321374",
    formula="max(0, 1 - m)²",
)
def squared_hinge(pred: Real, target: Sign, *, labels: Labels = "auto") -> Array:
    """The square of the hinge: smooth, and harder on wrong decisions far from the margin."""
    return np.square(_short(pred, target))


@loss(
    aliases=("perceptron_loss",),
    gradient=_perceptron_slope,
    tasks=_TASKS,
    domains=_sign_domains,
    like={"optax": {"labels": "pm1"}},
    peers={
        "optax": "losses.perceptron_loss",
        "sklearn": "linear_model.Perceptron, in training only",
    },
    reference="Rosenblatt (1958), doi:10.1037/h0042519",
    formula="max(0, -m)",
)
def perceptron(pred: Real, target: Sign, *, labels: Labels = "auto") -> Array:
    """How far the score lies on the wrong side of 0; nothing on the right side, however near."""
    return 0.0 - np.minimum(_margin(pred, target), 0.0)


@loss(
    aliases=("exp_loss", "adaboost"),
    gradient=lambda pred, target, *, labels: -_sign(target) * np.exp(-_margin(pred, target)),
    tasks=_TASKS,
    elicits="half the log-odds of class 1",
    domains=_sign_domains,
    peers={"sklearn": "ensemble.GradientBoostingClassifier(loss='exponential'), in training only"},
    reference="Friedman, Hastie and Tibshirani (2000), doi:10.1214/aos/1016218223",
    formula="exp(-m)",
)
def exponential(pred: Real, target: Sign, *, labels: Labels = "auto") -> Array:
    """The loss that AdaBoost descends: wrong decisions cost exponentially in their margin.

    Beyond a margin of -709 the value is too large for a 64-bit float.
    """
    return np.exp(-_margin(pred, target))


def _modified_slope(pred: Numbers, target: Numbers, *, labels: str) -> Array:
    m = _margin(pred, target)
    return -_sign(target) * np.where(m < -1.0, 4.0, 2.0 * _short(pred, target))


@loss(
    gradient=_modified_slope,
    tasks=_TASKS,
    elicits="the difference between the classes' probabilities",
    domains=_sign_domains,
    peers={"sklearn": "linear_model.SGDClassifier(loss='modified_huber'), in training only"},
    reference="Zhang (2004), doi:10.1145/1015330.1015332",
    formula="max(0, 1 - m)² if m ≥ -1, else -4m",
)
def modified_huber(pred: Real, target: Sign, *, labels: Labels = "auto") -> Array:
    """The squared hinge, but linear beyond a margin of -1, so that outliers count less."""
    m = _margin(pred, target)
    return np.where(m < -1.0, -4.0 * m, np.square(np.where(m < -1.0, 0.0, _short(pred, target))))


@loss(
    aliases=("soft_margin", "soft_margin_loss"),
    gradient=lambda pred, target, *, labels: (
        -_sign(target) * np.exp(-softplus(_margin(pred, target)))
    ),
    tasks=_TASKS,
    elicits="the log-odds of class 1",
    domains=_sign_domains,
    like={"torch": {"labels": "pm1"}},
    peers={
        "torch": "nn.SoftMarginLoss",
        "sklearn": "linear_model.SGDClassifier(loss='log_loss'), in training only",
        "optax": "losses.sigmoid_binary_cross_entropy",
    },
    reference="Friedman, Hastie and Tibshirani (2000), doi:10.1214/aos/1016218223",
    formula="ln(1 + exp(-m))",
)
def logistic(pred: Real, target: Sign, *, labels: Labels = "auto") -> Array:
    """Binary cross-entropy of a logit, in terms of the margin."""
    return softplus(-_margin(pred, target))


# --- several classes ----------------------------------------------------------------------------

_VARIANTS = ("crammer_singer", "sum_over_classes", "keras")


def _gaps(scores: Numbers, label: Numbers, margin: float, variant: str) -> tuple[Array, Mask]:
    """For each class margin + its score - the true class's, and which class is the true one.

    Within 1 ulp unless margin and difference cancel beyond 100 bits. The gap of the true class
    is -inf; in Keras's form its score counts as 0.
    """
    own = np.arange(scores.shape[1]) == label.astype(np.int64)[:, np.newaxis]
    place = label.astype(np.int64)[:, np.newaxis]
    true = np.broadcast_to(np.take_along_axis(scores, place, axis=1), scores.shape)
    others = np.where(own, scores.dtype.type(0), scores) if variant == "keras" else scores
    high, low = difference_parts(others, true)
    total, error = two_sum(np.full_like(high, margin), high)
    gaps = np.where(np.isfinite(total), total + (error + low), total)
    return (gaps if variant == "keras" else np.where(own, -np.inf, gaps)), own


def _multiclass_slope(
    pred: Numbers, label: Numbers, *, variant: str, p: int, margin: float
) -> Array:
    gaps, own = _gaps(pred, label, margin, variant)
    short = np.maximum(gaps, 0.0)
    steep = np.where(gaps > 0.0, short if p == 2 else 1.0, 0.0) * p
    if variant == "sum_over_classes":
        steep = steep / pred.shape[1]
    else:  # the first of the largest alone
        largest = np.argmax(gaps, axis=1)[:, np.newaxis]
        steep = np.where(np.arange(pred.shape[1]) == largest, steep, 0.0)
    total = row_sum(steep)[:, np.newaxis]
    return np.where(own, -total, steep)


@loss(
    aliases=("crammer_singer", "categorical_hinge", "multi_margin", "weston_watkins"),
    gradient=_multiclass_slope,
    tasks=("multiclass",),
    like={
        "torch": {"variant": "sum_over_classes", "reduction": "sum_over_batch_size"},
        "keras": {"variant": "keras", "reduction": "sum_over_batch_size"},
    },
    peers={
        "torch": "nn.MultiMarginLoss",
        "keras": "losses.CategoricalHinge",
        "sklearn": "metrics.hinge_loss",
        "optax": "losses.multiclass_hinge_loss",
    },
    reference="Crammer and Singer (2001), JMLR 2:265; Weston and Watkins (1999), ESANN",
    formula="max(0, margin + max_{j≠y} s_j - s_y)^p",
)
def multiclass_hinge(
    pred: Scores,
    label: Label,
    *,
    variant: Annotated[
        str,
        Param("crammer_singer: the strongest other class; sum_over_classes: all others, divided "
              "by K, as torch; keras: as the first, with a score of 0 for the true class",
              choices=_VARIANTS),
    ] = "crammer_singer",
    p: Annotated[int, Param("the power", choices=(1, 2))] = 1,
    margin: Annotated[float, Param("how far the true class must lead", 0.0)] = 1.0,
) -> Array:  # fmt: skip
    """What the true class's score lacks of leading every other by the margin.

    Keras's form lets the true class compete with a score of 0: the scores -3, -2, -5 of class 1
    cost 3 there, and 0 by Crammer and Singer.
    """
    gaps, _ = _gaps(pred, label, margin, variant)
    short: Array = np.maximum(gaps, 0.0)
    if variant == "sum_over_classes":
        return row_mean(short if p == 1 else np.square(short))
    most: Array = np.max(short, axis=1)
    return most if p == 1 else np.square(most)
