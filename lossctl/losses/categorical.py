"""Likelihoods over classes: a row of probabilities or logits per sample."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np

from lossctl.arrays import (
    Array,
    ClassWeights,
    Domain,
    Label,
    Mask,
    Numbers,
    Real,
    Simplex,
    domain_of,
)
from lossctl.errors import UsageError
from lossctl.loss import loss
from lossctl.numerics import floating, row_sum, shared
from lossctl.probabilities import (
    UNIT,
    Eps,
    Floor,
    FromLogits,
    LabelSmoothing,
    LogClamp,
    Normalize,
    at_class,
    class_logs,
    class_probabilities,
    class_slopes,
    label_clipped,
    label_logs,
    normalized_domains,
    weighted_logs,
)
from lossctl.settings import Param

IgnoreIndex: TypeAlias = Annotated[
    int | None,
    Param("samples with this label score 0 and do not count (torch: -100)", optional=True),
]
Pair: TypeAlias = tuple[Array, Array]

KERAS: Mapping[str, Any] = {
    "eps": 1e-7, "normalize": True, "reduction": "sum_over_batch_size",
}  # fmt: skip
TF1: Mapping[str, Any] = {"reduction": "sum_by_nonzero_weights"}


def _indexed_domains(
    from_logits: bool, normalize: bool, ignore_index: int | None
) -> Mapping[str, Domain]:
    return {**normalized_domains(from_logits, normalize), **_label_domain(ignore_index)}


def _label_domain(ignore_index: int | None) -> Mapping[str, Domain]:
    if ignore_index is None:
        return {}
    return {"label": replace(domain_of(Label), besides=(float(ignore_index),))}


def _counted(label: Numbers, ignore_index: int | None) -> tuple[Mask, Numbers]:
    """Which samples count, and the labels with a class in place of the ignored one."""
    if ignore_index is None:
        return np.ones(len(label), dtype=bool), label
    counts = label != ignore_index
    return counts, np.where(counts, label, 0)


def logs_of(pred: Numbers, *, from_logits: bool, normalize: bool = False, **limits: Any) -> Array:
    """The logarithm of each class's probability; `limits` (floor, eps, log_clamp) for
    probabilities only."""
    if from_logits:
        return class_logs(pred, from_logits=True)
    return class_logs(pred, from_logits=False, normalize=normalize, **limits)


def label_logs_of(
    pred: Numbers, label: Numbers, *, from_logits: bool, normalize: bool = False, **limits: Any
) -> Array:
    """The same of each row's label."""
    if from_logits:
        return label_logs(pred, label, from_logits=True)
    return label_logs(pred, label, from_logits=False, normalize=normalize, **limits)


def slopes_of(
    pred: Numbers, by_log: Array, *, from_logits: bool, normalize: bool = False, **limits: Any
) -> Array:
    """The derivatives by `pred` of a loss, from those by these logarithms."""
    if from_logits:
        return class_slopes(pred, by_log, from_logits=True)
    return class_slopes(pred, by_log, from_logits=False, normalize=normalize, **limits)


# --- cross-entropy -----------------------------------------------------------------------------


def _smoothed(target: Numbers, label_smoothing: float) -> Array:
    """The target with a share of it spread evenly over the classes."""
    shares = floating(target)
    if label_smoothing > 0.0:
        shares = shares * (1.0 - label_smoothing) + label_smoothing / shares.shape[1]
    return shares


def _soft_slope(
    pred: Numbers,
    target: Numbers,
    class_weight: Array | None = None,
    *,
    label_smoothing: float,
    **told: Any,
) -> Array:
    shares = _smoothed(target, label_smoothing)
    return slopes_of(pred, -shares if class_weight is None else -shares * class_weight, **told)


def _soft_clipped(
    pred: Numbers,
    target: Numbers,
    class_weight: Array | None = None,
    *,
    from_logits: bool,
    normalize: bool,
    label_smoothing: float,
    floor: float,
    eps: float | None,
    log_clamp: float | None,
) -> Mask:
    if from_logits:
        return np.zeros(len(pred), dtype=bool)
    least = eps if eps is not None else math.exp(log_clamp) if log_clamp is not None else floor
    shares = class_probabilities(pred, from_logits=False, normalize=normalize)
    cut = (shares < least) & (_smoothed(target, label_smoothing) > 0.0)
    return np.asarray(cut.any(axis=1))


def _terms(
    pred: Numbers,
    target: Numbers,
    class_weight: Array | None = None,
    *,
    label_smoothing: float,
    **told: Any,
) -> tuple[Array, Array]:
    """What each class takes from the cross-entropy of a row (0 or less), and the target's share."""
    shares = _smoothed(target, label_smoothing)
    terms = weighted_logs(shares, logs_of(pred, **told))
    return (terms if class_weight is None else weighted_logs(class_weight, terms)), shares


soft_terms = shared(_terms)


@loss(
    "cce",
    aliases=("softmax_cross_entropy", "cross_entropy", "categorical_crossentropy",
             "soft_cross_entropy"),
    gradient=_soft_slope,
    tasks=("distribution",),
    elicits="the class probabilities",
    diverges=True,
    domains=normalized_domains,
    clipped=_soft_clipped,
    peers={
        "torch": "nn.CrossEntropyLoss with class probabilities",
        "keras": "losses.CategoricalCrossentropy",
        "tensorflow": "compat.v1.losses.softmax_cross_entropy",
        "sklearn": "metrics.log_loss with indicator targets",
        "optax": "losses.softmax_cross_entropy",
    },
    like={
        "torch": {"eps": 0.0},
        "keras": KERAS,
        "tensorflow": TF1,
        "sklearn": {"eps": UNIT},
        "optax": {"eps": 0.0},
    },
    reference="Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x",
    formula="-Σ_k w_k t_k ln p_k",
)  # fmt: skip
def categorical_cross_entropy(
    pred: Simplex,
    target: Simplex,
    class_weight: ClassWeights | None = None,
    *,
    from_logits: FromLogits = False,
    normalize: Normalize = False,
    label_smoothing: LabelSmoothing = 0.0,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array:
    """How improbable a row of target shares is under the predicted classes: one-hot or soft.

    A class without a share costs nothing, however improbable. Class weights multiply each class's
    term, and the mean divides by the number of samples all the same, as torch has it for soft
    targets; for index labels it divides by the weights (sparse_categorical_cross_entropy).
    """
    terms, _ = _terms(pred, target, class_weight, label_smoothing=label_smoothing,
                      from_logits=from_logits, normalize=normalize, floor=floor, eps=eps,
                      log_clamp=log_clamp)  # fmt: skip
    return 0.0 - row_sum(terms)


def _weights(
    label: Numbers, counts: Mask, class_weight: Array | None, balanced: bool, classes: int
) -> Array:
    """What each class counts. Raises UsageError where it is said twice."""
    if not balanced:
        return np.ones(classes) if class_weight is None else class_weight
    if class_weight is not None:
        raise UsageError("scce: balanced=true and class weights both say what a class counts")
    found = np.bincount(label[counts].astype(np.int64), minlength=classes)
    shares = counts.sum() / (np.count_nonzero(found) * np.maximum(found, 1).astype(np.float64))
    return np.where(found > 0, shares, 0.0)


def _smoothed_slope(
    pred: Numbers,
    label: Numbers,
    class_weight: Array | None = None,
    *,
    label_smoothing: float,
    smoothing: str,
    ignore_index: int | None,
    balanced: bool,
    **told: Any,
) -> Array:
    classes = pred.shape[1]
    counts, label = _counted(label, ignore_index)
    each = _weights(label, counts, class_weight, balanced, classes)
    own = each[label.astype(np.int64)]
    spread = each if smoothing == "torch" else own[:, np.newaxis]
    by_log = at_class(label, (1.0 - label_smoothing) * own, classes)
    by_log = by_log + label_smoothing / classes * spread
    return slopes_of(pred, np.where(counts[:, np.newaxis], -by_log, 0.0), **told)


def _balanced_scope(
    bound: Collection[str], *, balanced: bool, **_settings: Any
) -> Literal["row", "file"]:
    return "file" if balanced else "row"


@loss(
    "scce",
    aliases=("softmax_loss", "nll", "nll_loss", "log_loss", "logloss", "cross_entropy",
             "multiclass_log_loss", "sparse_softmax_cross_entropy",
             "sparse_categorical_crossentropy"),
    gradient=_smoothed_slope,
    tasks=("multiclass",),
    scope=_balanced_scope,
    elicits="the class probabilities",
    diverges=True,
    domains=_indexed_domains,
    clipped=label_clipped,
    peers={
        "torch": "nn.CrossEntropyLoss",
        "keras": "losses.SparseCategoricalCrossentropy",
        "tensorflow": "compat.v1.losses.sparse_softmax_cross_entropy",
        "sklearn": "metrics.log_loss",
        "optax": "losses.softmax_cross_entropy_with_integer_labels",
    },
    like={
        "torch": {"eps": 0.0, "ignore_index": -100},
        "keras": {**KERAS, "smoothing": "onehot"},
        "tensorflow": TF1,
        "sklearn": {"eps": UNIT},
        "optax": {"eps": 0.0},
    },
    reference="Good (1952), doi:10.1111/j.2517-6161.1952.tb00104.x",
    formula="-w_y ln p_y",
)  # fmt: skip
def sparse_categorical_cross_entropy(
    pred: Simplex,
    label: Label,
    class_weight: ClassWeights | None = None,
    *,
    from_logits: FromLogits = False,
    normalize: Normalize = False,
    label_smoothing: LabelSmoothing = 0.0,
    smoothing: Annotated[
        str,
        Param(
            "with class weights: torch weighs each class's share of the smoothing by its own "
            "weight, onehot by the label's, as Keras does",
            choices=("torch", "onehot"),
        ),
    ] = "torch",
    ignore_index: IgnoreIndex = None,
    balanced: Annotated[
        bool, Param("weigh each class by n / (classes · its rows), as scikit-learn's 'balanced'")
    ] = False,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array | Pair:
    """How improbable the label is under the predicted classes: the softmax loss, the log loss.

    With class weights the mean divides by the weights of the labels, as torch does (Keras divides
    by n: reduction=sum_over_batch_size). Ignored samples score 0 and do not count; where all are
    ignored there is no mean. `balanced` counts the classes that occur, in all rows.
    """
    told: dict[str, Any] = {"from_logits": from_logits, "normalize": normalize, "floor": floor,
                            "eps": eps, "log_clamp": log_clamp}  # fmt: skip
    classes = pred.shape[1]
    counts, label = _counted(label, ignore_index)
    each = _weights(label, counts, class_weight, balanced, classes)
    own = each[label.astype(np.int64)]
    values = weighted_logs((1.0 - label_smoothing) * own, label_logs_of(pred, label, **told))
    values = 0.0 - values
    if label_smoothing > 0.0:
        logs = logs_of(pred, **told)
        spread = each if smoothing == "torch" else own[:, np.newaxis]
        shares = np.broadcast_to(label_smoothing / classes * spread, logs.shape)
        values = values - row_sum(weighted_logs(shares, logs))
    if class_weight is None and not balanced and ignore_index is None:
        return values
    return np.where(counts, values, 0.0), np.where(counts, own, 0.0)


# --- exponents and units of the likelihood -----------------------------------------------------


def _token_slope(pred: Numbers, label: Numbers, *, ignore_index: int | None, **told: Any) -> Array:
    counts, label = _counted(label, ignore_index)
    return slopes_of(pred, at_class(label, np.where(counts, -1.0, 0.0), pred.shape[1]), **told)


@loss(
    "ppl",
    gradient=_token_slope,
    reduction="exp_mean",
    tasks=("multiclass",),
    elicits="the class probabilities",
    diverges=True,
    domains=_indexed_domains,
    clipped=label_clipped,
    reference="Jelinek et al. (1977), doi:10.1121/1.2016299",
    formula="exp(mean of -ln p_y)",
)
def perplexity(
    pred: Simplex,
    label: Label,
    *,
    from_logits: FromLogits = False,
    normalize: Normalize = False,
    ignore_index: IgnoreIndex = None,
    floor: Floor = UNIT,
    eps: Eps = None,
    log_clamp: LogClamp = None,
) -> Array | Pair:
    """Among how many equally likely tokens the model seems to choose; 1 is perfect.

    What a row adds is its cost in nats; no base of logarithms changes the value.
    """
    counts, label = _counted(label, ignore_index)
    logs = label_logs_of(pred, label, from_logits=from_logits, normalize=normalize, floor=floor,
                         eps=eps, log_clamp=log_clamp)  # fmt: skip
    values = 0.0 - logs
    if ignore_index is None:
        return values
    return np.where(counts, values, 0.0), counts.astype(np.float64)


@loss(
    "bpd",
    aliases=("bits_per_dimension",),
    gradient=lambda pred, *, dims: np.full(pred.shape, 1.0 / (dims * math.log(2.0))),
    tasks=("regression", "distribution", "sequence"),
    low=-math.inf,
    reference="Theis et al. (2016), doi:10.48550/arXiv.1511.01844",
    formula="pred / (dims ln 2)",
)
def bits_per_dim(
    pred: Real,
    *,
    dims: Annotated[int, Param("values per sample (pixels times channels)", 1)] = 1,
) -> Array:
    """A negative log-likelihood in nats as bits per dimension, comparable between sizes.

    Of densities it may be negative.
    """
    return floating(pred) / (dims * math.log(2.0))
