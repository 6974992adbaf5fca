"""1,000 random samples of every kind that the pairs need."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.peers.pair import SAMPLES, Data

Generator = np.random.Generator
Numbers = np.ndarray[Any, Any]

CLASSES = 5
DIMENSIONS = 8
PIXELS = 36


def weights(rng: Generator) -> Numbers:
    """Sample weights, a tenth of them 0."""
    return np.where(rng.random(SAMPLES) < 0.1, 0.0, rng.gamma(2.0, 1.0, SAMPLES))


def values(rng: Generator) -> Data:
    """Heavy-tailed errors about values of both signs, a few of them 0."""
    target = rng.normal(0.0, 5.0, SAMPLES)
    error = rng.standard_t(3.0, SAMPLES) * (rng.random(SAMPLES) > 0.02)
    return {"pred": target + error, "target": target, "weight": weights(rng)}


def positives(rng: Generator) -> Data:
    """Values above 0."""
    target = rng.gamma(2.0, 2.0, SAMPLES) + 1e-3
    pred = target * np.exp(rng.normal(0.0, 0.4, SAMPLES))
    return {"pred": pred, "target": target, "weight": weights(rng)}


def counts(rng: Generator) -> Data:
    """Rates, and counts."""
    rate = rng.gamma(2.0, 2.0, SAMPLES) + 1e-3
    return {"pred": rate, "target": rng.poisson(rate).astype(float), "weight": weights(rng)}


def log_counts(rng: Generator) -> Data:
    """Logarithms of rates, and counts."""
    data = counts(rng)
    return data | {"pred": np.log(data["pred"])}


def normals(rng: Generator) -> Data:
    """Means and variances, a few of them below any eps, and targets."""
    mean = rng.normal(0.0, 2.0, SAMPLES)
    variance = np.where(rng.random(SAMPLES) < 0.02, 1e-9, rng.gamma(2.0, 1.0, SAMPLES))
    return {"mean": mean, "scale": variance, "target": mean + rng.normal(0.0, 1.0, SAMPLES)}


def outputs(rng: Generator) -> Data:
    """Three values a row."""
    pred, error = rng.normal(0.0, 3.0, (2, SAMPLES, 3))
    return {"pred": pred, "target": pred + error, "weight": weights(rng)}


def beyond(rng: Generator) -> Data:
    """Values above -1, among them negative ones."""
    data = positives(rng)
    return data | {"pred": data["pred"] - 0.9, "target": data["target"] - 0.9}


def zero_targets(rng: Generator) -> Data:
    """Values above 0 and two targets of 0, one of them predicted."""
    data = positives(rng)
    data["target"][:2], data["pred"][0] = 0.0, 0.0
    return data


def penalised(rng: Generator) -> Data:
    """Values, and the parameters of the model that made them."""
    return values(rng) | {"parameters": rng.normal(0.0, 1.0, 50)}


def two_normals(rng: Generator) -> Data:
    """Means and standard deviations of predictions and targets."""
    means, scales = rng.normal(0.0, 1.0, (2, SAMPLES)), rng.gamma(4.0, 0.5, (2, SAMPLES)) + 0.05
    return {"mean": means[0], "scale": scales[0], "target_mean": means[1],
            "target_scale": scales[1]}  # fmt: skip


def binary(rng: Generator) -> Data:
    """Probabilities, some exactly 0 or 1 on either side, and classes 0 and 1."""
    pred = 1.0 / (1.0 + np.exp(-rng.normal(0.0, 3.0, SAMPLES)))
    hard = rng.random(SAMPLES) < 0.04
    pred = np.where(hard, np.round(pred), pred)
    target = (rng.random(SAMPLES) < np.where(hard, 0.5, pred)).astype(float)
    return {"pred": pred, "target": target, "weight": weights(rng)}


def binary_logits(rng: Generator) -> Data:
    """Logits up to some hundreds, and classes 0 and 1."""
    pred = rng.normal(0.0, 3.0, SAMPLES)
    pred[::50] *= 100.0
    target = (rng.random(SAMPLES) < 0.4).astype(float)
    return {"pred": pred, "target": target, "weight": weights(rng)}


def signs(rng: Generator) -> Data:
    """Scores, and classes -1 and 1."""
    data = binary_logits(rng)
    return data | {"pred": rng.normal(0.0, 2.0, SAMPLES), "target": 2.0 * data["target"] - 1.0}


def many_labels(rng: Generator) -> Data:
    """Three probabilities and three classes 0 and 1 a row."""
    pred = 1.0 / (1.0 + np.exp(-rng.normal(0.0, 3.0, (SAMPLES, 3))))
    pred[::30] = np.round(pred[::30])
    target = (rng.random(pred.shape) < 0.5).astype(float)
    return {"pred": pred, "target": target, "weight": weights(rng)}


def decisions(rng: Generator) -> Data:
    """Predicted classes, mostly right."""
    label = rng.integers(0, CLASSES, SAMPLES)
    wrong = rng.random(SAMPLES) < 0.3
    pred = np.where(wrong, rng.integers(0, CLASSES, SAMPLES), label)
    return {"pred": pred, "label": label, "weight": weights(rng)}


def label_decisions(rng: Generator) -> Data:
    """Four decisions a row."""
    label = rng.integers(0, 2, (SAMPLES, 4))
    pred = np.where(rng.random(label.shape) < 0.2, 1 - label, label)
    return {"pred": pred, "label": label, "weight": weights(rng)}


def classes(rng: Generator) -> Data:
    """Rows of probabilities, some one-hot, and labels."""
    shares = rng.dirichlet(np.full(CLASSES, 0.7), SAMPLES)
    shares[::40] = np.eye(CLASSES)[rng.integers(0, CLASSES, len(shares[::40]))]
    label = np.argmax(shares + 0.6 * rng.random(shares.shape), axis=1)
    return {"pred": shares, "label": label, "weight": weights(rng),
            "class_weight": np.array([0.2, 1.0, 3.0, 0.5, 2.0])}  # fmt: skip


def class_logits(rng: Generator) -> Data:
    """Rows of logits, and labels."""
    logits = rng.normal(0.0, 3.0, (SAMPLES, CLASSES))
    logits[::50] *= 100.0
    data = classes(rng)
    return data | {"pred": logits}


def masses(rng: Generator) -> Data:
    """Rows of probabilities whose sum is not 1, and labels."""
    data = classes(rng)
    return data | {"pred": data["pred"] * rng.uniform(0.8, 1.0, (SAMPLES, 1))}


def hidden(data: Data, ignored: int) -> Data:
    """Every seventh label is the ignored one."""
    label = data["label"].copy()
    label[::7] = ignored
    return data | {"label": label}


def one_hot(data: Data) -> Data:
    """Labels as rows of 0 and 1."""
    rows = {name: column for name, column in data.items() if name != "label"}
    return rows | {"target": np.eye(CLASSES)[data["label"]]}


def softened(data: Data, rng: Generator) -> Data:
    """Shares of the classes in place of labels."""
    rows = {name: column for name, column in data.items() if name != "label"}
    return rows | {"target": rng.dirichlet(np.full(CLASSES, 0.5), SAMPLES)}


def shares(rng: Generator) -> Data:
    """Rows of probabilities on both sides, some of them 0 in both."""
    pred, target = rng.dirichlet(np.full(CLASSES, 1.0), (2, SAMPLES))
    target[::20, 0] = 0.0
    target /= target.sum(axis=1, keepdims=True)
    return {"pred": pred, "target": target, "weight": weights(rng)}


def log_shares(rng: Generator) -> Data:
    """Logarithms of predicted rows."""
    data = shares(rng)
    return data | {"pred": np.log(data["pred"])}


def both_log_shares(rng: Generator) -> Data:
    """Logarithms of rows on both sides."""
    pred, target = rng.dirichlet(np.full(CLASSES, 1.0), (2, SAMPLES))
    return {"pred": np.log(pred), "target": np.log(target)}


def masks(rng: Generator) -> Data:
    """Soft masks and 0/1 masks, some of them empty."""
    pred = rng.beta(0.5, 0.5, (SAMPLES, PIXELS))
    target = (rng.random((SAMPLES, PIXELS)) < pred).astype(float)
    pred[::60], target[::60] = 0.0, 0.0
    return {"pred": pred, "target": target, "weight": weights(rng)}


def mask_logits(rng: Generator) -> Data:
    """Logits of masks."""
    return masks(rng) | {"pred": rng.normal(0.0, 2.0, (SAMPLES, PIXELS))}


def vectors(rng: Generator) -> Data:
    """Pairs of vectors."""
    pred, target = rng.normal(0.0, 1.0, (2, SAMPLES, DIMENSIONS))
    return {"pred": pred, "target": target + 0.5 * pred, "weight": weights(rng)}


def vectors_and_zeros(rng: Generator) -> Data:
    """Pairs of vectors, some of them all zeros."""
    data = vectors(rng)
    data["pred"][::100], data["target"][50::100] = 0.0, 0.0
    return data


def triplets(rng: Generator) -> Data:
    """Anchors, positives and negatives."""
    anchor, positive, negative = rng.normal(0.0, 1.0, (3, SAMPLES, DIMENSIONS))
    return {"anchor": anchor, "positive": anchor + 0.7 * positive, "negative": negative}


def groups(rng: Generator) -> Data:
    """Vectors of some hundred kinds."""
    label = rng.integers(0, 200, SAMPLES)
    label[:200] = np.arange(200)
    centers = rng.normal(0.0, 1.0, (200, DIMENSIONS))
    return {"embedding": centers[label] + rng.normal(0.0, 0.3, (SAMPLES, DIMENSIONS)),
            "label": label}  # fmt: skip


STEPS, SYMBOLS, LONGEST = 14, 6, 5


def frames(rng: Generator) -> Data:
    """Logits of frames, and texts without the blank 0 that fit them, repeats among them."""
    logits = rng.normal(0.0, 2.0, (SAMPLES, STEPS, SYMBOLS))
    lengths = rng.integers(1, LONGEST + 1, SAMPLES)
    texts = [rng.integers(1, SYMBOLS, length).tolist() for length in lengths]
    return {"pred": logits, "target": texts, "weight": weights(rng)}
