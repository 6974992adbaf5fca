"""Keras, asked for float64 (its default is float32). Rows of one value are given as (n, 1): of
plain columns Keras averages first and weighs then."""

from __future__ import annotations

import os
from functools import partial
from typing import Any

import numpy as np

from tests.peers import data as make
from tests.peers.pair import FLOAT32, FLOAT64, Data, Told
from tests.peers.pair import Pair as Record

WEIGHTED = ({"weight": True}, {"weight": True, "reduction": "sum"},
            {"weight": True, "reduction": "mean"})  # fmt: skip
REDUCTIONS = {"mean": "mean_with_sample_weight", "sum": "sum"}


def keras() -> Any:
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras as module

    return module


def told_to_keras(told: Told, **renamed: str) -> Told:
    """Settings of ours under Keras's names, and its dtype."""
    given = {renamed.get(name, name): value for name, value in told.items()
             if name not in ("weight", "class_weight")}  # fmt: skip
    if "reduction" in given:
        given["reduction"] = REDUCTIONS[given["reduction"]]
    return {"dtype": "float64", **given}


def rows(values: Any) -> Any:
    """Values as rows of a table."""
    values = np.asarray(values)
    return values[:, np.newaxis] if values.ndim == 1 else values


def called(loss: Any, data: Data, truth: Any) -> Any:
    return loss(truth, rows(data["pred"]), sample_weight=data.get("weight"))


def table(name: str, truth: str = "target", **renamed: str) -> Any:
    """A loss class of predictions and targets, both as tables."""

    def call(data: Data, told: Told) -> Any:
        loss = getattr(keras().losses, name)(**told_to_keras(told, **renamed))
        return called(loss, data, rows(data[truth]))

    return call


def classes(name: str, data: Data, told: Told) -> Any:
    """A loss class of labels as rows of 0 and 1; weights of classes weigh the samples."""
    if "class_weight" in data:
        data = data | {"weight": data["class_weight"][data["label"]]}
    loss = getattr(keras().losses, name)(**told_to_keras(told))
    return called(loss, data, np.eye(make.CLASSES)[data["label"]])


def sparse(data: Data, told: Told) -> Any:
    loss = keras().losses.SparseCategoricalCrossentropy(
        **told_to_keras(told, ignore_index="ignore_class")
    )
    if "class_weight" in data:
        data = data | {"weight": data["class_weight"][data["label"]]}
    return called(loss, data, data["label"])


def focal(data: Data, told: Told) -> Any:
    told = {"apply_class_balancing": True, **told} if "alpha" in told else told
    return table("BinaryFocalCrossentropy")(data, told)


def generalized(data: Data, told: Told) -> Any:
    told = {"q": 0.7, **told}  # it has no default
    loss = keras().losses.CategoricalGeneralizedCrossEntropy(**told_to_keras(told))
    return called(loss, data, data["label"])


def cosine(data: Data, told: Told) -> Any:
    value = table("CosineSimilarity")(data, {k: v for k, v in told.items() if k != "sign"})
    return 1.0 + value if told.get("sign") == "distance" else value


def penalised(data: Data, told: Told) -> Any:
    library = keras()
    given = {name: told[name] for name in ("l1", "l2") if name in told}
    kind = {"l1": "L1", "l2": "L2", "l1_l2": "L1L2"}[told.get("penalty", "l2")]
    if kind == "L1L2":
        given = {"l1": 0.01, "l2": 0.01, **given}  # here its defaults are 0
    penalty = getattr(library.regularizers, kind)(**given)(data["parameters"])
    reduced = {name: told[name] for name in ("reduction",) if name in told}
    return table("MeanSquaredError")(data, reduced) + penalty


def overlap(name: str, axis: int | None) -> Any:
    exchanged = {"alpha": "beta", "beta": "alpha", "reduction": "reduction"}

    def call(data: Data, told: Told) -> Any:
        where = {} if axis is None else {"axis": axis}
        given = {exchanged[name]: value for name, value in told.items() if name in exchanged}
        loss = getattr(keras().losses, name)(**told_to_keras(given), **where)
        return called(loss, data, data["target"])

    return call


def ctc(data: Data, told: Told) -> Any:
    longest = max(len(text) for text in data["target"])
    texts = np.array([text + [0] * (longest - len(text)) for text in data["target"]])
    return keras().losses.CTC(**told_to_keras(told))(
        texts, data["pred"], sample_weight=data.get("weight")
    )


def accuracy(data: Data, told: Told) -> Any:
    metric = keras().metrics.Accuracy(dtype="float64")
    metric.update_state(rows(data["label"]), rows(data["pred"]), data.get("weight"))
    return metric.result()


def one_hot(rng: make.Generator) -> Data:
    return make.one_hot(make.masses(rng))


SOFT = {"label_smoothing": 0.1}
LOGITS = {"from_logits": True}
ROUNDED = "its means are rounded to float32, even of float64"
Pair = partial(Record, tolerance=FLOAT32, reason=ROUNDED)
SAMPLE = {"aggregate": "sample", "smooth_den": 1e-7}

PAIRS = (
    Pair("mean_absolute_error", "keras", "losses.MeanAbsoluteError", make.values,
         ({}, *WEIGHTED), table("MeanAbsoluteError")),
    Pair("mean_squared_error", "keras", "losses.MeanSquaredError", make.values,
         ({}, *WEIGHTED), table("MeanSquaredError")),
    Pair("mean_squared_error", "keras", "losses.MeanSquaredError of 3 outputs", make.outputs,
         ({}, *WEIGHTED), table("MeanSquaredError")),
    Pair("huber", "keras", "losses.Huber", make.values, ({}, {"delta": 0.7}, *WEIGHTED),
         table("Huber")),
    Pair("log_cosh", "keras", "losses.LogCosh", make.values, ({}, *WEIGHTED), table("LogCosh")),
    Pair("structural_risk", "keras", "losses.MeanSquaredError + regularizers.L2", make.penalised,
         ({}, {"l2": 0.3}, {"penalty": "l1"}, {"penalty": "l1_l2", "l1": 0.02}, {"weight": True}),
         penalised),
    Pair("mean_squared_logarithmic_error", "keras", "losses.MeanSquaredLogarithmicError",
         make.beyond, ({}, *WEIGHTED), table("MeanSquaredLogarithmicError")),
    Pair("poisson_nll", "keras", "losses.Poisson", make.counts, ({}, *WEIGHTED), table("Poisson")),
    Pair("mean_absolute_percentage_error", "keras", "losses.MeanAbsolutePercentageError",
         make.positives, ({}, *WEIGHTED), table("MeanAbsolutePercentageError")),
    Pair("mean_absolute_percentage_error", "keras",
         "losses.MeanAbsolutePercentageError, targets 0", make.zero_targets, ({},),
         table("MeanAbsolutePercentageError")),
    Pair("binary_cross_entropy", "keras", "losses.BinaryCrossentropy", make.binary,
         ({}, SOFT, *WEIGHTED), table("BinaryCrossentropy")),
    Pair("binary_cross_entropy", "keras", "losses.BinaryCrossentropy of 3 labels",
         make.many_labels, ({}, SOFT, *WEIGHTED), table("BinaryCrossentropy")),
    Pair("binary_cross_entropy", "keras", "losses.BinaryCrossentropy(from_logits=True)",
         make.binary_logits, (LOGITS, LOGITS | SOFT, LOGITS | {"weight": True}),
         table("BinaryCrossentropy")),
    Pair("binary_focal", "keras", "losses.BinaryFocalCrossentropy", make.binary,
         ({}, {"gamma": 3.5}, {"alpha": 0.3}, SOFT, *WEIGHTED), focal),
    Pair("binary_focal", "keras", "losses.BinaryFocalCrossentropy(from_logits=True)",
         make.binary_logits, (LOGITS, LOGITS | {"alpha": 0.3}), focal),
    Pair("categorical_cross_entropy", "keras", "losses.CategoricalCrossentropy", one_hot,
         ({}, SOFT, *WEIGHTED), table("CategoricalCrossentropy")),
    Pair("categorical_cross_entropy", "keras", "losses.CategoricalCrossentropy(from_logits=True)",
         lambda rng: make.softened(make.class_logits(rng), rng), (LOGITS, LOGITS | SOFT),
         table("CategoricalCrossentropy")),
    Pair("sparse_categorical_cross_entropy", "keras", "losses.SparseCategoricalCrossentropy",
         make.masses, ({}, {"class_weight": True}, *WEIGHTED), sparse),
    Pair("sparse_categorical_cross_entropy", "keras",
         "losses.SparseCategoricalCrossentropy(ignore_class=2)", make.masses,
         ({"ignore_index": 2}, {"ignore_index": 2, "weight": True}), sparse),
    Pair("sparse_categorical_cross_entropy", "keras",
         "losses.SparseCategoricalCrossentropy(from_logits=True)", make.class_logits,
         (LOGITS, LOGITS | {"weight": True}), sparse),
    Pair("sparse_categorical_cross_entropy", "keras",
         "losses.CategoricalCrossentropy of labels as one-hot rows", make.masses,
         ({"label_smoothing": 0.1}, {"label_smoothing": 0.1, "class_weight": True}),
         partial(classes, "CategoricalCrossentropy")),
    Pair("categorical_focal", "keras", "losses.CategoricalFocalCrossentropy", make.masses,
         ({}, {"gamma": 1.0}, {"alpha": (0.1, 1.0, 0.5, 0.2, 2.0)}, *WEIGHTED),
         partial(classes, "CategoricalFocalCrossentropy")),
    Pair("categorical_focal", "keras", "losses.CategoricalFocalCrossentropy(from_logits=True)",
         make.class_logits, (LOGITS,), partial(classes, "CategoricalFocalCrossentropy")),
    Pair("generalized_cross_entropy", "keras", "losses.CategoricalGeneralizedCrossEntropy",
         make.classes, ({}, {"q": 0.3}, *WEIGHTED), generalized),
    Pair("hinge", "keras", "losses.Hinge", make.signs, ({}, *WEIGHTED), table("Hinge")),
    Pair("hinge", "keras", "losses.Hinge of classes 0 and 1", make.binary_logits, ({},),
         table("Hinge")),
    Pair("squared_hinge", "keras", "losses.SquaredHinge", make.signs, ({}, *WEIGHTED),
         table("SquaredHinge")),
    Pair("multiclass_hinge", "keras", "losses.CategoricalHinge", make.class_logits,
         ({}, *WEIGHTED), partial(classes, "CategoricalHinge")),
    Pair("kl_divergence", "keras", "losses.KLDivergence", make.shares, ({}, *WEIGHTED),
         table("KLDivergence")),
    Pair("dice", "keras", "losses.Dice", make.masks, ({},), overlap("Dice", None),
         tolerance=FLOAT64, reason=""),
    Pair("dice", "keras", "losses.Dice(axis=1)", make.masks,
         (SAMPLE, SAMPLE | {"reduction": "mean"}, SAMPLE | {"weight": True, "reduction": "sum"}),
         overlap("Dice", 1)),
    Pair("tversky", "keras", "losses.Tversky", make.masks, ({},), overlap("Tversky", None),
         tolerance=FLOAT64, reason=""),
    Pair("tversky", "keras", "losses.Tversky(axis=1), alpha and beta exchanged", make.masks,
         (SAMPLE, SAMPLE | {"alpha": 0.3, "beta": 0.7}), overlap("Tversky", 1)),
    Pair("ctc", "keras", "losses.CTC", make.frames, ({}, *WEIGHTED), ctc),
    Pair("cosine_distance", "keras", "losses.CosineSimilarity", make.vectors_and_zeros,
         ({}, {"sign": "distance"}, *WEIGHTED), cosine),
    Pair("accuracy", "keras", "metrics.Accuracy", make.decisions, ({}, {"weight": True}),
         accuracy),
)  # fmt: skip
