"""optax, with JAX's float64 switched on. Its losses are per sample; the mean is the caller's."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers import data as make
from tests.peers.pair import LOGARITHMS, LOGITS, Data, Pair, Told

SUM = {"reduction": "sum"}


def optax() -> Any:
    import jax

    jax.config.update("jax_enable_x64", True)
    import optax.losses

    return optax.losses


def reduced(values: Any, told: Told) -> Any:
    values = np.asarray(values)
    assert values.dtype == np.float64
    return values.sum() if told.get("reduction") == "sum" else values.mean()


def plain(name: str, truth: str = "target", **renamed: str) -> Any:
    """A function of predictions and targets, settings of ours under its names."""

    def call(data: Data, told: Told) -> Any:
        given = {renamed.get(key, key): value for key, value in told.items()
                 if key not in ("reduction", "log_target", "generalized")}  # fmt: skip
        return reduced(getattr(optax(), name)(data["pred"], data[truth], **given), told)

    return call


def smoothed(data: Data, told: Told) -> Any:
    target = data["target"]
    if "label_smoothing" in told:
        target = optax().smooth_labels(target, told["label_smoothing"])
    return reduced(optax().softmax_cross_entropy(data["pred"], target), told)


def poly(data: Data, told: Told) -> Any:
    labels = np.eye(make.CLASSES)[data["label"]]
    given = {name: told[name] for name in ("epsilon",) if name in told}
    return reduced(optax().poly_loss_cross_entropy(data["pred"], labels, **given), told)


def overlap(data: Data, told: Told) -> Any:
    given = {name: told[name] for name in ("alpha", "beta") if name in told}
    pred, target = data["pred"][..., np.newaxis], data["target"][..., np.newaxis]
    if "smooth" in told:
        given["smooth"] = told["smooth"]
    return reduced(optax().dice_loss(pred, target, **given), told)


def dice(data: Data, told: Told) -> Any:
    """Its smooth is added to I + s, ours to 2 I + s."""
    return overlap(data, {**told, "smooth": told["smooth"] / 2} if "smooth" in told else told)


def ctc(data: Data, told: Told) -> Any:
    texts = data["target"]
    longest = max(map(len, texts))
    labels = np.array([text + [0] * (longest - len(text)) for text in texts])
    padding = np.array([[0.0] * len(text) + [1.0] * (longest - len(text)) for text in texts])
    frames = np.zeros(data["pred"].shape[:2])
    given = {"blank_id": told["blank"]} if "blank" in told else {}
    return reduced(optax().ctc_loss(data["pred"], frames, labels, padding, **given), told)


def last_blank(rng: make.Generator) -> Data:
    data = make.frames(rng)
    return data | {"target": [[symbol - 1 for symbol in text] for text in data["target"]]}


def triplet(data: Data, told: Told) -> Any:
    roles = (data[role] for role in ("anchor", "positive", "negative"))
    given = {name: value for name, value in told.items() if name == "margin"}
    return reduced(optax().triplet_margin_loss(*roles, **given), told)


def ntxent(data: Data, told: Told) -> Any:
    return float(optax().ntxent(data["embedding"], data["label"], **told))


def binary_logits(rng: make.Generator) -> Data:
    data = make.binary_logits(rng)
    return {name: data[name] for name in ("pred", "target")}


PAIRS = (
    Pair("mean_squared_error", "optax", "losses.squared_error", make.values, ({}, SUM),
         plain("squared_error")),
    Pair("half_mean_squared_error", "optax", "losses.l2_loss", make.values, ({}, SUM),
         plain("l2_loss")),
    Pair("huber", "optax", "losses.huber_loss", make.values, ({}, {"delta": 0.7}, SUM),
         plain("huber_loss")),
    Pair("log_cosh", "optax", "losses.log_cosh", make.values, ({}, SUM), plain("log_cosh")),
    Pair("binary_cross_entropy", "optax", "losses.sigmoid_binary_cross_entropy", binary_logits,
         ({}, SUM), plain("sigmoid_binary_cross_entropy"), form=LOGITS),
    Pair("binary_focal", "optax", "losses.sigmoid_focal_loss", binary_logits,
         ({}, {"alpha": 0.25}, {"gamma": 3.5}, SUM), plain("sigmoid_focal_loss"), form=LOGITS),
    Pair("categorical_cross_entropy", "optax", "losses.softmax_cross_entropy",
         lambda rng: make.softened(make.class_logits(rng), rng), ({}, SUM), smoothed, form=LOGITS),
    Pair("categorical_cross_entropy", "optax", "losses.softmax_cross_entropy of smooth_labels",
         lambda rng: make.one_hot(make.class_logits(rng)), ({"label_smoothing": 0.1},), smoothed,
         form=LOGITS),
    Pair("sparse_categorical_cross_entropy", "optax",
         "losses.softmax_cross_entropy_with_integer_labels", make.class_logits, ({}, SUM),
         plain("softmax_cross_entropy_with_integer_labels", "label"), form=LOGITS),
    Pair("poly1_cross_entropy", "optax", "losses.poly_loss_cross_entropy", make.class_logits,
         ({}, {"epsilon": 0.5}, SUM), poly, form=LOGITS),
    Pair("hinge", "optax", "losses.hinge_loss", make.signs, ({}, SUM), plain("hinge_loss")),
    Pair("perceptron", "optax", "losses.perceptron_loss", make.signs, ({}, SUM),
         plain("perceptron_loss")),
    Pair("logistic", "optax", "losses.sigmoid_binary_cross_entropy", binary_logits, ({}, SUM),
         plain("sigmoid_binary_cross_entropy")),
    Pair("multiclass_hinge", "optax", "losses.multiclass_hinge_loss", make.class_logits, ({}, SUM),
         plain("multiclass_hinge_loss", "label")),
    Pair("kl_divergence", "optax", "losses.kl_divergence", make.log_shares, ({}, SUM),
         plain("kl_divergence"), form=LOGARITHMS),
    Pair("kl_divergence", "optax", "losses.kl_divergence_with_log_targets", make.both_log_shares,
         ({"log_target": True},), plain("kl_divergence_with_log_targets"), form=LOGARITHMS),
    Pair("kl_divergence", "optax", "losses.generalized_kl_divergence", make.log_shares,
         ({"generalized": True},), plain("generalized_kl_divergence"), form=LOGARITHMS),
    Pair("dice", "optax", "losses.dice_loss", make.mask_logits, ({}, {"smooth": 0.5}, SUM), dice,
         form=LOGITS),
    Pair("tversky", "optax", "losses.dice_loss(alpha=..., beta=...)", make.mask_logits,
         ({}, {"alpha": 0.3, "beta": 0.7}, {"smooth": 0.5}, SUM), overlap, form=LOGITS),
    Pair("ctc", "optax", "losses.ctc_loss", make.frames, ({}, SUM), ctc),
    Pair("ctc", "optax", "losses.ctc_loss(blank_id=5)", last_blank, ({"blank": 5},), ctc),
    Pair("triplet_margin", "optax", "losses.triplet_margin_loss", make.triplets,
         ({}, {"margin": 0.2}, SUM), triplet),
    Pair("cosine_distance", "optax", "losses.cosine_distance", make.vectors, ({}, SUM),
         plain("cosine_distance")),
    Pair("info_nce", "optax", "losses.ntxent", make.groups, ({}, {"temperature": 0.5}), ntxent),
)  # fmt: skip
