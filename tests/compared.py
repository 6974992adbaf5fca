"""Comparisons by formulas of their own: every value with what each row does to it (its influence),
from which follow differences, standard errors, intervals and p-values. Nothing here is lossctl's.

A comparison that is asked for several times is made once.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

import lossctl
from lossctl.report import Report
from tests.samples import SAMPLES, load, read_csv, table

Array = np.ndarray[Any, Any]
NEAR = 1e-9


# --- what lossctl says ------------------------------------------------------------------------


@dataclass(frozen=True)
class Found:
    """A report of `compare` with its records by loss and model."""

    report: Report
    rows: Mapping[tuple[str, str], Mapping[str, Any]]

    def __getitem__(self, key: tuple[str, str]) -> Mapping[str, Any]:
        return self.rows[key]

    def part(self, name: str) -> dict[str, Any]:
        return next(part.data for part in self.report.parts if part.name == name)

    def parts(self) -> set[str]:
        return {part.name for part in self.report.parts}


def compare(*given: Any, **how: Any) -> Found:
    report = lossctl.compare(*given, **how)
    return Found(report, {(row["loss"], row["model"]): row for row in report.records()})


# --- values and influences --------------------------------------------------------------------


@dataclass(frozen=True)
class Value:
    """A value, and by how much it grows with each row's weight (times that weight)."""

    value: float
    influence: Array

    def turned(self) -> Value:
        """Its size, where the sign does not matter."""
        return Value(abs(self.value), self.influence * np.sign(self.value))


def mean(rows: Array, weight: Array | None = None) -> Value:
    """A weighted mean: sum(w x) / sum(w), linearised."""
    w = np.ones(len(rows)) if weight is None else weight
    value = float((w * rows).sum() / w.sum())
    return Value(value, w * (rows - value) / w.sum())


def ratio(above: Array, below: Array, weight: Array | None = None) -> Value:
    """sum(w a) / sum(w b)."""
    w = np.ones(len(above)) if weight is None else weight
    value = float((w * above).sum() / (w * below).sum())
    return Value(value, w * (above - value * below) / (w * below).sum())


def root(inner: Value) -> Value:
    return Value(math.sqrt(inner.value), inner.influence / (2.0 * math.sqrt(inner.value)))


def exponential(inner: Value) -> Value:
    return Value(math.exp(inner.value), inner.influence * math.exp(inner.value))


def times(inner: Value, by: float) -> Value:
    return Value(by * inner.value, by * inner.influence)


def total(rows: Array) -> Value:
    """A sum, as so many times the mean of these rows."""
    return times(mean(rows), len(rows))


def average(values: Sequence[Value]) -> Value:
    """The mean of several outputs' values."""
    return Value(
        sum(one.value for one in values) / len(values),
        np.sum([one.influence for one in values], axis=0) / len(values),
    )


def variance_ratio(
    pred: Array, target: Array, weight: Array | None = None, *, centred: bool = False
) -> Value:
    """sum of squared errors / sum of squares about the mean target; `centred`: errors too."""
    w = np.ones(len(pred)) if weight is None else weight
    error, mean_target = pred - target, (w * target).sum() / w.sum()
    if centred:
        error = error - (w * error).sum() / w.sum()
    above, below = error**2, (target - mean_target) ** 2
    return ratio(above, below, weight)


def complement(inner: Value) -> Value:
    return Value(1.0 - inner.value, -inner.influence)


def kappa(pred: Array, target: Array, weight: Array | None = None) -> Value:
    """1 - W sum w_i (p_i - t_i)² / sum w_i w_j (p_i - t_j)²: over all pairs, derived by weights."""
    w = np.ones(len(pred)) if weight is None else weight
    apart = (pred[:, np.newaxis] - target) ** 2
    observed, expected = float((w * (pred - target) ** 2).sum()), float(w @ apart @ w) / w.sum()
    slope = (apart @ w + w @ apart - expected) / w.sum()
    influence = -w * ((pred - target) ** 2 / expected - observed * slope / expected**2)
    return Value(1.0 - observed / expected, influence)


# --- standard errors --------------------------------------------------------------------------


def plain_error(influence: Array, weight: Array | None = None) -> tuple[float, float]:
    """The standard error of independent rows, and its degrees of freedom: rows of weight 0 are as
    if they were not there."""
    n = len(influence) if weight is None else int(np.count_nonzero(weight))
    return math.sqrt(n / (n - 1) * float((influence**2).sum())), n - 1


def cluster_error(influence: Array, cluster: Array) -> tuple[float, float]:
    _, codes = np.unique(cluster, return_inverse=True)
    sums = np.bincount(codes, influence)
    groups = len(sums)
    return math.sqrt(groups / (groups - 1) * float((sums**2).sum())), groups - 1


def time_error(influence: Array, time: Array, lags: int) -> float:
    """Newey and West's, with Bartlett's weights and Harvey, Leybourne and Newbold's factor."""
    _, codes = np.unique(time, return_inverse=True)
    sums = np.bincount(codes, influence)
    sums = sums - sums.mean()
    n, steps = len(sums), lags + 1
    square = float((sums**2).sum())
    for lag in range(1, lags + 1):
        square += 2.0 * (1.0 - lag / (lags + 1)) * float((sums[lag:] * sums[:-lag]).sum())
    return math.sqrt(square / ((n + 1 - 2 * steps + steps * (steps - 1) / n) / n))


def near(value: float | None, scale: float | None = None) -> Any:
    """Within 1e-9 of a number, or of a `scale`."""
    assert value is not None
    return _approx(value, max(abs(value), abs(scale or 0.0)) * NEAR)


def _approx(value: float, room: float) -> Any:
    import pytest

    return pytest.approx(value, rel=0.0, abs=max(room, 1e-300))


def check(
    row: Mapping[str, Any],
    first: Value,
    second: Value,
    error: tuple[float, float],
    *,
    confidence: float = 0.95,
    rows: int | None = None,
    scaled: bool = True,
) -> None:
    """All of a record against the formulas: `error` is the standard error of the difference with
    its degrees of freedom; `scaled`: a loss that is never negative, 0 at best."""
    wanted, degrees = error
    size = max(abs(first.value), abs(second.value))
    difference = second.value - first.value
    half = stats.t.ppf(0.5 + confidence / 2.0, degrees) * wanted
    assert row["difference"] == near(difference, size)
    assert row["low"] == near(difference - half, size), "low"
    assert row["high"] == near(difference + half, size), "high"
    assert row["high"] - row["low"] == near(2.0 * half, 1e-3 * half + 1e-6 * size)
    t = abs(difference) / wanted
    # What rounding of the values does to a difference, it does to the p-value.
    slack = 10.0 * NEAR + 1e-14 * size / abs(wanted) * (1.0 + t)
    assert math.isclose(row["p"], 2.0 * stats.t.sf(t, degrees), rel_tol=slack, abs_tol=1e-280), "p"
    z = stats.norm.ppf(0.5 + confidence / 2.0) + stats.norm.ppf(0.8)
    assert row["smallest_shown"] == near(z * wanted), "smallest"
    if rows is not None:
        assert row["effect"] == near(difference / (wanted * math.sqrt(rows)), size / wanted)
        needed = rows * (z * wanted / (0.01 * first.value)) ** 2 if scaled else None
        assert row["rows_for_one_percent"] == (needed if needed is None else near(needed))
        assert row["change"] == (near(difference / abs(first.value), 1.0) if scaled else None)


# --- losses of rows ---------------------------------------------------------------------------

TINY = 2.0**-52  # below which no probability falls


def log_cosh(error: Array) -> Array:
    return np.logaddexp(error, -error) - math.log(2.0)


def huber(error: Array, delta: float = 1.0) -> Array:
    size = np.abs(error)
    return np.where(size <= delta, error**2 / 2.0, delta * (size - delta / 2.0))


def regression(pred: Array, target: Array, weight: Array | None) -> dict[str, Value]:
    """Those of regression that are smooth in sums over rows."""
    error = pred - target
    square = mean(error**2, weight)
    return {
        "mae": mean(np.abs(error), weight),
        "rmse": root(square),
        "mse": square,
        "huber": mean(huber(error), weight),
        "log_cosh": mean(log_cosh(error), weight),
        "bias": mean(error, weight).turned(),
        "r2": complement(variance_ratio(pred, target, weight)),
        "explained_variance": complement(variance_ratio(pred, target, weight, centred=True)),
        "rse": variance_ratio(pred, target, weight),
        "wape": ratio(np.abs(error), np.abs(target), weight),
        "pinball:quantile=0.9": mean(np.maximum(0.9 * -error, 0.1 * error), weight),
    }


def binary(p: Array, y: Array, weight: Array | None) -> dict[str, Value]:
    right = np.where(y == 1, p, 1.0 - p)
    cost = -np.log(np.maximum(right, TINY))
    alpha = np.where(y == 1, 0.25, 0.75)
    return {
        "bce": mean(cost, weight),
        "brier": mean((p - y) ** 2, weight),
        "binary_focal": mean(alpha * (1.0 - right) ** 2 * cost, weight),
        "accuracy:threshold=0.5": mean(1.0 * ((p > 0.5) == (y == 1)), weight),
    }


def multiclass(p: Array, label: Array, weight: Array | None) -> dict[str, Value]:
    own = p[np.arange(len(p)), label.astype(int)]
    one_hot = np.eye(p.shape[1])[label.astype(int)]
    cost = -np.log(np.maximum(own, TINY))
    return {
        "scce": mean(cost, weight),
        "brier": mean(((p - one_hot) ** 2).sum(axis=1), weight),
        "spherical": mean(1.0 - own / np.sqrt((p**2).sum(axis=1)), weight),
        "accuracy": mean(1.0 * (p.argmax(axis=1) == label), weight),
        "ppl": exponential(mean(cost, weight)),
    }


def multilabel(p: Array, y: Array, weight: Array | None) -> dict[str, Value]:
    right = np.where(y == 1, p, 1.0 - p)
    cost = -np.log(np.maximum(right, TINY))
    alpha = np.where(y == 1, 0.25, 0.75)
    same = (p > 0.5) == (y == 1)
    return {
        "bce": mean(cost.mean(axis=1), weight),
        "binary_focal": mean((alpha * (1.0 - right) ** 2 * cost).mean(axis=1), weight),
        "hamming:threshold=0.5": mean((~same).mean(axis=1), weight),
        "accuracy:threshold=0.5": mean(1.0 * same.all(axis=1), weight),
    }


def distribution(p: Array, q: Array, weight: Array | None) -> dict[str, Value]:
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (p + q) / 2.0

        def divergence(a: Array, b: Array) -> Array:
            return np.where(a > 0.0, a * np.log(a / b), 0.0).sum(axis=1)

        cross = -np.where(q > 0.0, q * np.log(p), 0.0).sum(axis=1)
        js = (divergence(p, middle) + divergence(q, middle)) / 2.0
        return {"kl": mean(divergence(q, p), weight), "js": mean(js, weight),
                "cce": mean(cross, weight)}  # fmt: skip


def masks(p: Array, t: Array, weight: Array | None) -> dict[str, Value]:
    p, t = (one.reshape(len(one), -1).astype(float) for one in (p, t))
    both, ours, true = (p * t).sum(axis=1), p.sum(axis=1), t.sum(axis=1)
    tversky = 1.0 - both / (both + 0.3 * (ours - both) + 0.7 * (true - both))
    return {
        "dice": mean(1.0 - 2.0 * both / (ours + true), weight),
        "jaccard": mean(1.0 - both / (ours + true - both), weight),
        "focal_tversky": mean(np.maximum(tversky, 0.0) ** 0.75, weight),
        "dice:aggregate=global": ratio(ours + true - 2.0 * both, ours + true, weight),
    }


def boxes(p: Array, t: Array, weight: Array | None) -> dict[str, Value]:
    wide = np.maximum(np.minimum(p[:, 2:], t[:, 2:]) - np.maximum(p[:, :2], t[:, :2]), 0.0)
    both = wide.prod(axis=1)
    union = (p[:, 2:] - p[:, :2]).prod(axis=1) + (t[:, 2:] - t[:, :2]).prod(axis=1) - both
    around = np.maximum(p[:, 2:], t[:, 2:]) - np.minimum(p[:, :2], t[:, :2])
    iou, hull = both / union, around.prod(axis=1)
    centres = ((p[:, :2] + p[:, 2:] - t[:, :2] - t[:, 2:]) / 2.0) ** 2
    far = centres.sum(axis=1) / (around**2).sum(axis=1)
    angles = [np.arctan2(b[:, 2] - b[:, 0], b[:, 3] - b[:, 1]) for b in (p, t)]
    v = 4.0 / math.pi**2 * (angles[0] - angles[1]) ** 2
    alpha = np.where(v == 0.0, 0.0, v / np.where(v == 0.0, 1.0, 1.0 - iou + v))
    return {
        "giou": mean(1.0 - iou + (hull - union) / hull, weight),
        "iou_loss": mean(1.0 - iou, weight),
        "diou": mean(1.0 - iou + far, weight),
        "ciou": mean(1.0 - iou + far + alpha * v, weight),
    }


def edits(ours: str, true: str) -> int:
    row = list(range(len(true) + 1))
    for i, a in enumerate(ours, 1):
        last, row[0] = row[0], i
        for j, b in enumerate(true, 1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (a != b))
    return row[-1]


def sequences(pred: Array, target: Array, weight: Array | None) -> dict[str, Value]:
    pairs = list(zip(pred.tolist(), target.tolist(), strict=True))
    counts = np.array([edits(p, t) for p, t in pairs], dtype=float)
    longest = np.array([max(len(p), len(t)) for p, t in pairs])
    return {
        "edit_distance": mean(counts, weight),
        "edit_distance:normalize=max": mean(counts / longest, weight),
        "cer": ratio(counts, np.array([len(t) for _, t in pairs], dtype=float), weight),
    }


def quantile(p: Array, y: Array, weight: Array | None) -> dict[str, Value]:
    error = y[:, np.newaxis] - p
    levels = np.array([0.1, 0.5, 0.9])
    costs = np.maximum(levels * error, (levels - 1.0) * error)
    return {"pinball:quantile=[0.1;0.5;0.9]": mean(costs.mean(axis=1), weight)}


def interval(p: Array, y: Array, weight: Array | None) -> dict[str, Value]:
    outside = np.maximum(p[:, 0] - y, 0.0) + np.maximum(y - p[:, 1], 0.0)
    return {"interval_score": mean(p[:, 1] - p[:, 0] + 20.0 * outside, weight)}


def ensemble(p: Array, y: Array, weight: Array | None) -> dict[str, Value]:
    members = p.shape[1]
    error = np.abs(p - y[:, np.newaxis]).mean(axis=1)
    spread = np.abs(p[:, :, np.newaxis] - p[:, np.newaxis]).sum(axis=(1, 2)) / 2.0
    return {
        "crps": mean(error - spread / members**2, weight),
        "crps:estimator=fair": mean(error - spread / (members * (members - 1)), weight),
    }


def gaussian(p: Array, y: Array, weight: Array | None) -> dict[str, Value]:
    mu, sigma = p.T
    z = (y - mu) / sigma
    crps = sigma * (z * (2.0 * stats.norm.cdf(z) - 1.0) + 2.0 * stats.norm.pdf(z)
                    - 1.0 / math.sqrt(math.pi))  # fmt: skip
    return {
        "crps_gaussian": mean(crps, weight),
        "gaussian_nll:variance=false": mean(np.log(sigma) + z**2 / 2.0, weight),
    }


def embedding(
    p: tuple[Array, Array, Array], label: Array, weight: Array | None
) -> dict[str, Value]:
    """Points, centers and class vectors."""
    points, centers, vectors = p
    chosen = label.astype(int)
    own = (np.arange(len(points)), chosen)
    sizes = np.sqrt((points**2).sum(axis=1))[:, np.newaxis]
    lengths = np.sqrt((vectors**2).sum(axis=1))
    cosine = np.clip(points @ vectors.T / (sizes * lengths), -1.0, 1.0)
    angle = np.arccos(cosine[own])

    def softmax(scores: Array, changed: Array) -> Array:
        scores = scores.copy()
        scores[own] = changed
        most = scores.max(axis=1)
        return np.log(np.exp(scores - most[:, np.newaxis]).sum(axis=1)) + most - changed

    further = np.where(angle + 0.5 > math.pi, cosine[own] - 0.5 * math.sin(0.5),
                       np.cos(angle + 0.5))  # fmt: skip
    k = np.floor(angle * 4.0 / math.pi)
    psi = (-1.0) ** k * np.cos(4.0 * angle) - 2.0 * k
    scores = points @ vectors.T
    large = softmax(scores, (sizes * lengths)[own] * psi)
    return {
        "l_softmax": mean(large, weight),
        "arcface": mean(softmax(64.0 * cosine, 64.0 * further), weight),
        "cosface": mean(softmax(64.0 * cosine, 64.0 * (cosine[own] - 0.35)), weight),
        "center": mean(((points - centers[chosen]) ** 2).sum(axis=1) / 2.0, weight),
    }


# --- the sample data --------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """The six models of a task in files, and read without lossctl; `target` is what `compare`
    takes."""

    name: str
    files: Mapping[str, str]
    truth: Array
    preds: Mapping[str, Any]
    formulas: Callable[[Any, Array, Array | None], dict[str, Value]]
    target: str
    how: Mapping[str, Any]


def _paths(folder: str, older: Sequence[str], newer: Sequence[str], kind: str) -> dict[str, str]:
    found = {name: f"{folder}/{name}.{kind}" for name in older}
    where = "models" if folder != "interval" else "models/interval"
    return found | {name: f"{folder}/{where}/{name}.{kind}" for name in newer}


_BOTH = ("naive_bayes", "prior")
_MODELS: dict[str, dict[str, str]] = {
    "regression": _paths("diabetes", ["ridge", "forest", "knn"], ["lasso", "huber", "mean"], "csv"),
    "binary": _paths("binary", ["logistic", "forest", "boosting"], ["calibrated", *_BOTH], "csv"),
    "multiclass": _paths("multiclass", ["logistic", "forest", "knn"], ["svm", "lda", "prior"],
                         "csv"),
    "multilabel": _paths("multilabel", ["logistic"], ["kernel", "forest", "svm", "knn", "prior"],
                         "csv"),
    "distribution": _paths("distribution", ["model"], ["kernel", "knn", "forest", *_BOTH], "csv"),
    "masks": _paths("masks", ["model"], ["boosting", "forest", "nearest", *_BOTH], "npy"),
    "boxes": _paths("boxes", ["model"], ["boosting", "histogram", "knn", "linear", "mean"], "csv"),
    "sequence": {"readings": "sequences/readings.csv"}
    | {name: f"sequences/models/{name}.csv"
       for name in ("svm", "knn", "linear", "greedy", "constant")},
    "quantile": _paths("quantile", ["quantiles"], ["linear", "ridge", "knn", "trees", "constant"],
                       "csv"),
    "interval": {"interval": "quantile/interval.csv"}
    | {name: f"quantile/models/interval/{name}.csv"
       for name in ("linear", "ridge", "knn", "trees", "constant")},
    "ensemble": _paths("ensemble", ["members"], ["bagging", "dressed", "knn", "few", "constant"],
                       "csv"),
    "gaussian": _paths("ensemble", ["gaussian", "gaussian_trees"], [], "csv")
    | {name: f"ensemble/models/gaussian/{name}.csv"
       for name in ("bagging", "dressed", "knn", "constant")},
    "embedding": _paths("embedding", ["embedding"],
                        ["shrunk", "kernel", "network", "pca", "random"], "npz"),
}  # fmt: skip
_TRUTH: dict[str, tuple[str, str | None]] = {
    "regression": ("diabetes/target.csv", "target"),
    "binary": ("binary/target.csv", "target"),
    "multiclass": ("multiclass/target.csv", "label"),
    "multilabel": ("multilabel/target.csv", None),
    "distribution": ("distribution/target.csv", None),
    "masks": ("masks/target.npy", None),
    "boxes": ("boxes/target.csv", None),
    "sequence": ("sequences/readings_target.csv", "target"),
    "quantile": ("diabetes/target.csv", "target"),
    "interval": ("diabetes/target.csv", "target"),
    "ensemble": ("diabetes/target.csv", "target"),
    "gaussian": ("diabetes/target.csv", "target"),
    "embedding": ("embedding/label.csv", "label"),
}
_FORMULAS: dict[str, Any] = {
    "regression": regression, "binary": binary, "multiclass": multiclass, "multilabel": multilabel,
    "distribution": distribution, "masks": masks, "boxes": boxes, "sequence": sequences,
    "quantile": quantile, "interval": interval, "ensemble": ensemble, "gaussian": gaussian,
    "embedding": embedding,
}  # fmt: skip
TASKS = tuple(_FORMULAS)


def _pred(task: str, path: str) -> Any:
    stem, _, kind = path.rpartition(".")
    if kind == "npy":
        return load(stem)
    if kind == "npz":
        with np.load(SAMPLES / path, allow_pickle=False) as archive:
            return tuple(archive[name].astype(float)
                         for name in ("embeddings", "centers", "class_vectors"))  # fmt: skip
    if task == "sequence":
        return np.array(read_csv(SAMPLES / path)["pred"], dtype=object)
    values = table(stem)
    return values[:, 0] if values.shape[1] == 1 else values


def sample(name: str) -> Task:
    """The six models of a task, and their targets."""
    path, column = _TRUTH[name]
    how: dict[str, Any] = {"task": "distribution" if name == "gaussian" else name}
    stem, _, kind = path.rpartition(".")
    if kind == "npy":
        truth = load(stem)
    elif column is None:
        truth = table(stem)
    else:
        how["target_col"] = column
        texts = read_csv(SAMPLES / path)[column]
        truth = np.array(texts, dtype=object if name == "sequence" else float)
    files = {model: str(SAMPLES / given) for model, given in _MODELS[name].items()}
    preds = {model: _pred(name, given) for model, given in _MODELS[name].items()}
    return Task(name, files, truth, preds, _FORMULAS[name], str(SAMPLES / path), how)
