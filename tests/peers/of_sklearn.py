"""scikit-learn: its metrics, and the loss functions of its trainers where it has no metric."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.peers import data as make
from tests.peers.pair import Data, Pair, Told

SUM = {"reduction": "sum"}
WEIGHTED = ({"weight": True},)


def metric(name: str, truth: str = "target", **renamed: str) -> Callable[[Data, Told], Any]:
    """A function of sklearn.metrics, settings of ours under its names."""

    def call(data: Data, told: Told) -> Any:
        metrics: Any = importlib.import_module("sklearn.metrics")
        given = {renamed.get(key, key): value for key, value in told.items()
                 if key not in ("weight", "reduction")}  # fmt: skip
        return getattr(metrics, name)(
            data[truth], data["pred"], sample_weight=data.get("weight"), **given
        )

    return call


def log_loss(data: Data, told: Told) -> Any:
    from sklearn.metrics import log_loss as function

    weight = data.get("weight")
    normalize = {} if told.get("reduction") != "sum" else {"normalize": False}
    if "label" in data:
        labels = range(make.CLASSES)
        return function(data["label"], data["pred"], sample_weight=weight, labels=labels,
                        **normalize)  # fmt: skip
    return function(data["target"], data["pred"], sample_weight=weight, **normalize)


def zero_one(data: Data, told: Told) -> Any:
    from sklearn.metrics import zero_one_loss

    normalize = {} if told.get("reduction") != "sum" else {"normalize": False}
    return zero_one_loss(data["label"], data["pred"], sample_weight=data.get("weight"), **normalize)


def hinge(data: Data, told: Told) -> Any:
    from sklearn.metrics import hinge_loss

    labels = range(make.CLASSES) if "label" in data else None
    truth = data["label"] if "label" in data else data["target"]
    return hinge_loss(truth, data["pred"], labels=labels, sample_weight=data.get("weight"))


def brier(data: Data, told: Told) -> Any:
    from sklearn.metrics import brier_score_loss

    return brier_score_loss(data["target"], data["pred"], sample_weight=data.get("weight"), **{
        name: told[name] for name in ("scale_by_half",) if name in told})  # fmt: skip


def brier_of_classes(data: Data, told: Told) -> Any:
    from sklearn.metrics import brier_score_loss

    told = {name: told[name] for name in ("scale_by_half",) if name in told}
    return brier_score_loss(data["target"], data["pred"], labels=range(make.CLASSES),
                            sample_weight=data.get("weight"), **told)  # fmt: skip


def cosine(data: Data, told: Told) -> Any:
    from sklearn.metrics.pairwise import paired_cosine_distances

    return reduced(paired_cosine_distances(data["pred"], data["target"]), data, told)


def max_error(data: Data, told: Told) -> Any:
    from sklearn.metrics import max_error as function

    return function(data["target"], data["pred"])


def kappa(data: Data, told: Told) -> Any:
    from sklearn.metrics import cohen_kappa_score

    return cohen_kappa_score(data["label"], data["pred"], weights="quadratic",
                             sample_weight=data.get("weight"))  # fmt: skip


def reduced(values: Any, data: Data, told: Told) -> Any:
    """Values of the samples as their mean or sum."""
    weight = data.get("weight", np.ones(len(values)))
    total = np.sum(weight * values)
    return total if told.get("reduction") == "sum" else total / np.sum(weight)


def sgd(name: str, *arguments: float) -> Callable[[Data, Told], Any]:
    """A loss function of SGDClassifier or SGDRegressor, one sample per call."""

    def call(data: Data, told: Told) -> Any:
        module: Any = importlib.import_module("sklearn.linear_model._sgd_fast")
        given = [told[key] for key in ("epsilon",) if key in told] or list(arguments)
        function = getattr(module, name)(*given).py_loss
        target = data["target"]
        values = [function(y, p) for y, p in zip(target, data["pred"], strict=True)]
        return reduced(np.array(values), data, told)

    return call


def boosted(name: str) -> Callable[[Data, Told], Any]:
    """A loss function of the gradient boosting and generalised linear models."""

    def call(data: Data, told: Told) -> Any:
        module: Any = importlib.import_module("sklearn._loss.loss")
        values = getattr(module, name)().loss(y_true=data["target"], raw_prediction=data["pred"])
        return reduced(values, data, told)

    return call


def moderate(rng: make.Generator) -> Data:
    """Scores, and classes 0 and 1."""
    data = make.binary_logits(rng)
    return data | {"pred": rng.normal(0.0, 3.0, len(data["pred"]))}


def scores(rng: make.Generator) -> Data:
    data = make.class_logits(rng)
    return {name: data[name] for name in ("pred", "label", "weight")}


def sure(rng: make.Generator) -> Data:
    """Rows of probabilities and classes as `target`."""
    data = make.classes(rng)
    return {"pred": data["pred"], "target": data["label"].astype(float), "weight": data["weight"]}


def constant(rng: make.Generator) -> Data:
    """A target that never changes."""
    data = make.values(rng)
    return data | {"target": np.full(len(data["pred"]), 2.0)}


LOG = "metrics.log_loss"

PAIRS = (
    Pair("mean_absolute_error", "sklearn", "metrics.mean_absolute_error", make.values,
         ({}, *WEIGHTED), metric("mean_absolute_error")),
    Pair("mean_squared_error", "sklearn", "metrics.mean_squared_error", make.values,
         ({}, *WEIGHTED), metric("mean_squared_error")),
    Pair("half_mean_squared_error", "sklearn", "_loss.HalfSquaredError", make.values,
         ({}, SUM, *WEIGHTED), boosted("HalfSquaredError")),
    Pair("root_mean_squared_error", "sklearn", "metrics.root_mean_squared_error", make.values,
         ({}, *WEIGHTED), metric("root_mean_squared_error")),
    Pair("root_mean_squared_error", "sklearn", "metrics.root_mean_squared_error of 3 outputs",
         make.outputs, ({}, *WEIGHTED), metric("root_mean_squared_error")),
    Pair("mean_squared_logarithmic_error", "sklearn", "metrics.mean_squared_log_error",
         make.beyond, ({}, *WEIGHTED), metric("mean_squared_log_error")),
    Pair("root_mean_squared_logarithmic_error", "sklearn", "metrics.root_mean_squared_log_error",
         make.beyond, ({}, *WEIGHTED), metric("root_mean_squared_log_error")),
    Pair("pinball", "sklearn", "metrics.mean_pinball_loss", make.values,
         ({}, {"quantile": 0.9}, {"quantile": 0.0}, *WEIGHTED),
         metric("mean_pinball_loss", quantile="alpha")),
    Pair("epsilon_insensitive", "sklearn", "_sgd_fast.EpsilonInsensitive", make.values,
         ({}, {"epsilon": 0.7}, SUM, *WEIGHTED), sgd("EpsilonInsensitive", 0.1)),
    Pair("squared_epsilon_insensitive", "sklearn", "_sgd_fast.SquaredEpsilonInsensitive",
         make.values, ({}, {"epsilon": 0.7}, SUM, *WEIGHTED),
         sgd("SquaredEpsilonInsensitive", 0.1)),
    Pair("poisson_deviance", "sklearn", "metrics.mean_poisson_deviance", make.counts,
         ({}, *WEIGHTED), metric("mean_poisson_deviance")),
    Pair("gamma_deviance", "sklearn", "metrics.mean_gamma_deviance", make.positives,
         ({}, *WEIGHTED), metric("mean_gamma_deviance")),
    Pair("tweedie_deviance", "sklearn", "metrics.mean_tweedie_deviance", make.positives,
         ({}, *({"power": p} for p in (-0.5, 1.0, 1.5, 2.0, 3.0)), {"power": 1.5, "weight": True}),
         metric("mean_tweedie_deviance")),
    Pair("mean_absolute_percentage_error", "sklearn", "metrics.mean_absolute_percentage_error",
         make.positives, ({}, *WEIGHTED), metric("mean_absolute_percentage_error")),
    Pair("mean_absolute_percentage_error", "sklearn",
         "metrics.mean_absolute_percentage_error, targets 0", make.zero_targets, ({},),
         metric("mean_absolute_percentage_error")),
    Pair("binary_cross_entropy", "sklearn", LOG, make.binary, ({}, SUM, *WEIGHTED), log_loss),
    Pair("categorical_cross_entropy", "sklearn", "metrics.log_loss of indicators",
         lambda rng: make.one_hot(make.classes(rng)), ({}, SUM, *WEIGHTED), log_loss),
    Pair("sparse_categorical_cross_entropy", "sklearn", LOG, make.classes, ({}, SUM, *WEIGHTED),
         log_loss),
    Pair("sparse_categorical_cross_entropy", "sklearn", "metrics.log_loss, rows not summing to 1",
         make.masses, ({},), log_loss),
    Pair("zero_one", "sklearn", "metrics.zero_one_loss", make.decisions, ({}, SUM, *WEIGHTED),
         zero_one),
    Pair("zero_one", "sklearn", "metrics.zero_one_loss of 4 labels", make.label_decisions,
         ({}, SUM, *WEIGHTED), zero_one),
    Pair("hamming", "sklearn", "metrics.hamming_loss", make.label_decisions, ({}, *WEIGHTED),
         metric("hamming_loss", "label")),
    Pair("hinge", "sklearn", "metrics.hinge_loss", make.signs, ({}, *WEIGHTED), hinge),
    Pair("hinge", "sklearn", "metrics.hinge_loss of classes 0 and 1", make.binary_logits,
         ({}, {"labels": "01"}), hinge),
    Pair("squared_hinge", "sklearn", "_sgd_fast.SquaredHinge", make.signs, ({}, SUM, *WEIGHTED),
         sgd("SquaredHinge", 1.0)),
    Pair("perceptron", "sklearn", "_sgd_fast.Hinge(0)", make.signs, ({}, SUM, *WEIGHTED),
         sgd("Hinge", 0.0)),
    Pair("exponential", "sklearn", "_loss.ExponentialLoss", moderate, ({}, SUM, *WEIGHTED),
         boosted("ExponentialLoss")),
    Pair("modified_huber", "sklearn", "_sgd_fast.ModifiedHuber", make.signs, ({}, SUM, *WEIGHTED),
         sgd("ModifiedHuber")),
    Pair("logistic", "sklearn", "_loss.HalfBinomialLoss", moderate, ({}, SUM, *WEIGHTED),
         boosted("HalfBinomialLoss")),
    Pair("multiclass_hinge", "sklearn", "metrics.hinge_loss", scores, ({}, *WEIGHTED), hinge),
    Pair("brier", "sklearn", "metrics.brier_score_loss", make.binary,
         ({}, {"scale_by_half": False}, *WEIGHTED), brier),
    Pair("brier", "sklearn", "metrics.brier_score_loss of 5 classes", sure,
         ({}, {"scale_by_half": True}, *WEIGHTED), brier_of_classes),
    Pair("cosine_distance", "sklearn", "metrics.pairwise.paired_cosine_distances", make.vectors,
         ({}, SUM, *WEIGHTED), cosine),
    Pair("r2", "sklearn", "metrics.r2_score", make.values, ({}, *WEIGHTED), metric("r2_score")),
    Pair("r2", "sklearn", "metrics.r2_score of a constant target", constant, ({},),
         metric("r2_score")),
    Pair("explained_variance", "sklearn", "metrics.explained_variance_score", make.values,
         ({}, *WEIGHTED), metric("explained_variance_score")),
    Pair("max_error", "sklearn", "metrics.max_error", make.values, ({},),
         max_error),
    Pair("median_absolute_error", "sklearn", "metrics.median_absolute_error", make.values,
         ({}, *WEIGHTED), metric("median_absolute_error")),
    Pair("accuracy", "sklearn", "metrics.accuracy_score", make.decisions, ({}, *WEIGHTED),
         metric("accuracy_score", "label")),
    Pair("quadratic_weighted_kappa", "sklearn", "metrics.cohen_kappa_score", make.decisions,
         ({}, *WEIGHTED), kappa),
)  # fmt: skip
