"""Simulated data sets in which nothing is wrong with the inputs, however good or bad the model.

Predictions that no model makes are left out: of a file in order by its targets, random draws with
the targets' own distribution (what shuffling one side gives); negative and multiplied ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.defaults import REGRESSION
from lossctl.grammar import parse_all

Random = np.random.Generator
Columns = dict[str, Any]
LOSSES = {
    "regression": REGRESSION,
    "binary": ("bce", "brier", "binary_focal", "accuracy:threshold=0.5"),
    "logits": ("bce:from_logits=true",),
    "multilabel": ("bce", "binary_focal"),
    "multiclass": ("scce", "brier", "spherical_score", "accuracy"),
    "class logits": ("scce:from_logits=true",),
    "classes": ("zero_one", "accuracy"),
    "boxes": ("giou_loss", "iou_loss", "diou_loss", "ciou_loss"),
    "sized boxes": ("giou_loss:boxes=xywh", "iou_loss:boxes=xywh"),
    "distribution": ("kl_divergence", "js_divergence", "categorical_cross_entropy"),
}


@dataclass(frozen=True)
class Data:
    """One data set: its kind in words, its task and its columns."""

    kind: str
    task: str
    columns: Columns

    @property
    def batch(self) -> Batch:
        columns = {role: np.asarray(one, dtype=np.float64) for role, one in self.columns.items()}
        rows = np.arange(len(next(iter(columns.values()))))
        return Batch(columns, frozenset(), None, rows, rows)

    def context(self, *losses: str, inputs: Any = None, few: int = 1 << 14) -> Context:
        specs = tuple(parse_all(losses or LOSSES[self.task]))
        regression = self.task == "regression"
        pred = np.asarray(self.columns["pred"])
        values = specs[0].roles[0].domain.shape == "value"
        return Context(
            specs=specs,
            leading=next((one for one in specs if one.loss.label == "mse"), specs[0]),
            weighted=False,
            outputs=pred.shape[1] if pred.ndim == 2 and values else 1,
            wholes={},
            top=10,
            moments=True,
            pooled=False,
            point="pred" if regression else None,
            inputs=inputs or {},
            few=few,
        )


def honest_sets(count: int, seed: int) -> Iterator[Data]:
    """So many sets, of all kinds in turn."""
    random = np.random.default_rng(seed)
    makers = [*TABLES, *SERIES, *CLASSES, *BOXES]
    for index in range(count):
        maker = makers[index % len(makers)]
        size = int(random.choice([20, 25, 40, 80, 200, 500, 1000, 3000]))
        task, columns = maker(random, size)
        yield Data(maker.__name__.strip("_"), task, columns)


Maker = Callable[[Random, int], tuple[str, Columns]]


# --- numbers ----------------------------------------------------------------------------------


def _signal(random: Random, n: int) -> Any:
    """Targets of any level, scale and shape; the file perhaps in order of something."""
    kind = random.integers(7)
    values = [
        random.normal(size=n),
        random.standard_t(2.0, size=n),
        random.lognormal(sigma=random.uniform(0.2, 1.5), size=n),
        random.uniform(size=n),
        random.exponential(size=n),
        random.gamma(3.0, size=n) * (random.uniform(size=n) < 0.3),
        random.standard_cauchy(size=n),
    ][kind]
    values = values * 10.0 ** random.uniform(-4, 5) + random.choice([0.0, 1.0, 50.0]) * values.std()
    order = random.integers(6)
    if order == 0:
        return np.sort(values)
    return np.sort(values)[::-1] if order == 1 else values


def _noisy(random: Random, target: Any) -> Any:
    """A model of any quality: shrunk, with noise, a bias, heavy tails, or rounded."""
    spread = float(target.std()) or 1.0
    noise = 10.0 ** random.uniform(-4, 1)
    shrunk = target.mean() + random.choice([1.0, 1.0, random.uniform()]) * (target - target.mean())
    n = len(target)
    error = random.normal(size=n) if random.integers(2) else random.standard_t(2.0, size=n)
    pred = shrunk + spread * noise * error
    bias = random.choice([0.0, 0.0, 0.3, 3.0]) * spread * random.normal()
    return pred + bias


def model(random: Random, n: int) -> tuple[str, Columns]:
    target = _signal(random, n)
    return "regression", {"pred": _noisy(random, target), "target": target}


def useless(random: Random, n: int) -> tuple[str, Columns]:
    target = random.permutation(_signal(random, n))
    spread = float(target.std()) * random.choice([1e-6, 0.1, 0.5, 1.0, 3.0])
    return "regression", {"pred": target.mean() + spread * random.normal(size=n), "target": target}


def shrunk(random: Random, n: int) -> tuple[str, Columns]:
    target = _signal(random, n)
    share = 10.0 ** random.uniform(-3, 0)
    noise = random.uniform(0.0, 0.3) * share * target.std() * random.normal(size=n)
    return "regression", {
        "pred": target.mean() + share * (target - target.mean()) + noise, "target": target
    }  # fmt: skip


def baseline(random: Random, n: int) -> tuple[str, Columns]:
    target = _signal(random, n)
    value = [target.mean(), np.median(target), np.quantile(target, 0.9), 0.0][random.integers(4)]
    value = value if target.min() <= value <= target.max() else np.median(target)
    return "regression", {"pred": np.full(n, value), "target": target}


def ratings(random: Random, n: int) -> tuple[str, Columns]:
    target = random.integers(1, 6, size=n).astype(float)
    off = random.choice([0.1, 0.5, 1.0, 3.0]) * random.normal(size=n) + random.choice([0, 1])
    pred = np.clip(target + off, 1, 5)
    return "regression", {"pred": np.round(pred) if random.integers(2) else pred, "target": target}


def counts(random: Random, n: int) -> tuple[str, Columns]:
    rate = random.gamma(1.0, size=n) * random.choice([0.05, 1.0, 20.0])
    target = random.poisson(rate).astype(float)
    return "regression", {"pred": rate if random.integers(2) else np.round(rate), "target": target}


def one_target(random: Random, n: int) -> tuple[str, Columns]:
    return "regression", {"pred": random.normal(size=n), "target": np.full(n, random.normal())}


def indicator_by_line(random: Random, n: int) -> tuple[str, Columns]:
    target = (random.uniform(size=n) < random.uniform(0.1, 0.9)).astype(float)
    pred = target.mean() + random.uniform(0, 0.8) * (target - target.mean())
    pred = pred + random.uniform(0.05, 0.5) * random.normal(size=n)
    return "regression", {"pred": pred, "target": target}


def outputs(random: Random, n: int) -> tuple[str, Columns]:
    target = random.normal(size=(n, 3)) * 10.0 ** random.uniform(-2, 3, size=3)
    noise = 10.0 ** random.uniform(-2, 1) * target.std(axis=0)
    return "regression", {"pred": target + noise * random.normal(size=(n, 3)), "target": target}


TABLES: list[Maker] = [
    model, model, useless, shrunk, baseline, ratings, counts, one_target, indicator_by_line,
    outputs,
]  # fmt: skip


# --- series -----------------------------------------------------------------------------------


def _series(random: Random, n: int) -> Any:
    """A walk, an autoregression, seasons, a trend, or noise; the 30 values before come first."""
    t = np.arange(n + 30)
    noise = random.normal(size=n + 30)
    kind = random.integers(6)
    if kind == 0:
        return np.cumsum(noise) + random.normal() * 10.0
    if kind == 1:
        share, series = random.choice([-0.6, 0.2, 0.5, 0.9]), noise.copy()
        for i in range(1, len(series)):
            series[i] += share * series[i - 1]
        return series
    season = np.sin(2 * np.pi * t / random.choice([2, 4, 7, 12, 24, 30]) + random.uniform(0, 6))
    if kind == 2:
        return 3.0 * season + random.choice([0.01, 0.3, 1.0]) * noise
    if kind == 3:
        return random.normal() * t / 10.0 + season + random.choice([0.01, 0.3, 1.0]) * noise
    return noise if kind == 4 else np.exp(0.02 * np.cumsum(noise)) * 100.0


def naive(random: Random, n: int) -> tuple[str, Columns]:
    series, lag = _series(random, n), int(random.choice([1, 1, 1, 2, 7, 12]))
    return "regression", {"pred": series[30 - lag : n + 30 - lag], "target": series[30:]}


def drift(random: Random, n: int) -> tuple[str, Columns]:
    series = _series(random, n)
    pred = 2.0 * series[29:-1] - series[28:-2]
    return "regression", {"pred": pred, "target": series[30:]}


def smoothed(random: Random, n: int) -> tuple[str, Columns]:
    series, share = _series(random, n), random.choice([0.1, 0.3, 0.5, 0.7, 0.9])
    level, pred = series[0], []
    for value in series:
        pred.append(level)
        level += share * (value - level)
    return "regression", {"pred": np.array(pred)[30:], "target": series[30:]}


def moving(random: Random, n: int) -> tuple[str, Columns]:
    series, width = _series(random, n), int(random.choice([2, 3, 5, 10]))
    pred = np.convolve(series, np.ones(width) / width, "full")[29 : n + 29]
    return "regression", {"pred": pred, "target": series[30:]}


def fitted(random: Random, n: int) -> tuple[str, Columns]:
    """A regression on the last value and features that tell nothing."""
    series = _series(random, n)
    share = float(np.corrcoef(series[1:], series[:-1])[0, 1])
    pred = series.mean() + share * (series[29:-1] - series.mean())
    pred = pred + random.choice([0.02, 0.1, 0.3, 1.0]) * series.std() * random.normal(size=n)
    return "regression", {"pred": pred, "target": series[30:]}


def forecast(random: Random, n: int) -> tuple[str, Columns]:
    series = _series(random, n)[30:]
    noise = random.choice([0.01, 0.1, 0.5, 2.0]) * series.std()
    return "regression", {"pred": series + noise * random.normal(size=n), "target": series}


def flat(random: Random, n: int) -> tuple[str, Columns]:
    series = _series(random, n)
    return "regression", {"pred": np.full(n, series[29]), "target": series[30:]}


def unrelated(random: Random, n: int) -> tuple[str, Columns]:
    return "regression", {"pred": _series(random, n)[30:], "target": _series(random, n)[30:]}


SERIES: list[Maker] = [naive, drift, smoothed, moving, fitted, forecast, flat, unrelated]


# --- classes ----------------------------------------------------------------------------------


def _scores(random: Random, n: int) -> tuple[Any, Any]:
    """Logits, and labels drawn from them, of a model that knows something or nothing."""
    true = random.normal(size=n) * random.choice([0.0, 0.5, 2.0, 6.0]) + random.normal()
    label = (random.uniform(size=n) < 1.0 / (1.0 + np.exp(-true))).astype(float)
    label[:2] = 0.0, 1.0
    told = true * random.choice([0.2, 1.0, 1.0, 4.0]) + random.choice([0.0, 1.0]) * random.normal(
        size=n
    )
    if random.integers(4) == 0:
        order = np.argsort(label, kind="stable")
        told, label = told[order], label[order]
    return told, label


def binary(random: Random, n: int) -> tuple[str, Columns]:
    logit, label = _scores(random, n)
    pred = 1.0 / (1.0 + np.exp(-logit))
    kind = random.integers(4)
    if kind == 0:
        pred = np.round(pred, int(random.integers(0, 3)))
    return "binary", {"pred": pred, "target": label}


def logits(random: Random, n: int) -> tuple[str, Columns]:
    logit, label = _scores(random, n)
    return "logits", {"pred": logit, "target": label}


def multilabel(random: Random, n: int) -> tuple[str, Columns]:
    both = [_scores(random, n) for _ in range(3)]
    pred = 1.0 / (1.0 + np.exp(-np.column_stack([logit for logit, _ in both])))
    return "multilabel", {"pred": pred, "target": np.column_stack([label for _, label in both])}


def soft(random: Random, n: int) -> tuple[str, Columns]:
    """Hard predictions against the shares of a few votes."""
    target = random.integers(0, 6, size=n) / 5.0
    pred = (target + 0.2 * random.normal(size=n) > 0.5).astype(float)
    return "binary", {"pred": pred, "target": target}


def _classes(random: Random, n: int) -> tuple[Any, Any]:
    k = int(random.choice([2, 3, 5, 10]))
    true = random.normal(size=(n, k)) * random.choice([0.0, 1.0, 5.0])
    label = (true + random.gumbel(size=(n, k))).argmax(axis=1)
    told = true * random.choice([0.3, 1.0, 3.0]) + random.choice([0.0, 2.0]) * random.normal(
        size=(n, k)
    )
    if random.integers(4) == 0:
        order = np.argsort(label, kind="stable")
        told, label = told[order], label[order]
    return told, label


def multiclass(random: Random, n: int) -> tuple[str, Columns]:
    logit, label = _classes(random, n)
    grown = np.exp(logit - logit.max(axis=1, keepdims=True))
    return "multiclass", {"pred": grown / grown.sum(axis=1, keepdims=True), "label": label}


def class_logits(random: Random, n: int) -> tuple[str, Columns]:
    logit, label = _classes(random, n)
    return "class logits", {"pred": logit, "label": label}


def hard(random: Random, n: int) -> tuple[str, Columns]:
    logit, label = _classes(random, n)
    return "classes", {"pred": logit.argmax(axis=1), "label": label}


def grades(random: Random, n: int) -> tuple[str, Columns]:
    """Ratings that are off by one as a rule."""
    label = random.integers(1, 6, size=n)
    off = random.choice([-1, 0, 1]) + (random.uniform(size=n) < 0.2)
    return "classes", {"pred": np.clip(label + off, 1, 5), "label": label}


def last_class(random: Random, n: int) -> tuple[str, Columns]:
    label = random.integers(0, 4, size=n + 1)
    return "classes", {"pred": label[:-1], "label": label[1:]}


def distribution(random: Random, n: int) -> tuple[str, Columns]:
    logit, _ = _classes(random, n)
    other = logit + random.choice([0.1, 1.0, 5.0]) * random.normal(size=logit.shape)
    sides = []
    for one in (other, logit):
        grown = np.exp(one - one.max(axis=1, keepdims=True))
        sides.append(grown / grown.sum(axis=1, keepdims=True))
    return "distribution", {"pred": sides[0], "target": sides[1]}


CLASSES: list[Maker] = [
    binary, binary, logits, multilabel, soft, multiclass, class_logits, hard, grades, last_class,
    distribution,
]  # fmt: skip


# --- boxes ------------------------------------------------------------------------------------


def _boxes(random: Random, n: int) -> tuple[Any, Any]:
    size = random.choice([1.0, 32.0, 640.0])
    corner, side = random.uniform(0, 0.7, size=(n, 2)), random.uniform(0.02, 0.3, size=(n, 2))
    noise = random.choice([0.005, 0.05, 0.3])
    target = np.hstack([corner, corner + side])
    moved = target + noise * random.normal(size=(n, 4)) + random.choice([0.0, 0.05])
    low, high = np.minimum(moved[:, :2], moved[:, 2:]), np.maximum(moved[:, :2], moved[:, 2:])
    pred = np.hstack([low, high])
    if random.integers(3) == 0:
        pred = pred[random.permutation(n)]
    return size * pred, size * target


def boxes(random: Random, n: int) -> tuple[str, Columns]:
    pred, target = _boxes(random, n)
    return "boxes", {"pred": pred, "target": target}


def sized_boxes(random: Random, n: int) -> tuple[str, Columns]:
    pred, target = _boxes(random, n)
    pred, target = (np.hstack([one[:, :2], one[:, 2:] - one[:, :2]]) for one in (pred, target))
    return "sized boxes", {"pred": pred, "target": target}


BOXES: list[Maker] = [boxes, sized_boxes]
