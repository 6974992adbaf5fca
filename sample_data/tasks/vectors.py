"""Embeddings of digits, with everything that the losses of embeddings compare them to."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression

from tasks.digits import Digits, chosen
from tasks.tables import (
    Floats,
    Integers,
    numbered,
    rounded,
    write_both,
    write_csv,
    write_jsonl,
    write_npy,
    write_npz,
    write_parquet,
)

ROWS, SIZE, CLASSES = 300, 8, 10
# Digits of one class are then about 1 apart, which is the usual margin of these losses.
SCALE = 4.0


def normal_nll(rows: Floats, labels: Integers, seen: Floats, classes: Integers) -> Floats:
    """-ln density (n,) in nats of each row under a normal distribution fitted to its class."""
    nll = np.zeros(len(rows))
    for label in range(CLASSES):
        known = seen[classes == label]
        covariance = np.cov(known.T)
        off = rows[labels == label] - known.mean(axis=0)
        distance = np.sum(off * np.linalg.solve(covariance, off.T).T, axis=1)
        log_det = np.linalg.slogdet(covariance).logabsdet
        nll[labels == label] = 0.5 * (distance + log_det + SIZE * math.log(2 * math.pi))
    return rounded(nll)


def others(labels: Integers, same: bool, row: int) -> Integers:
    """The rows of the same class as `row`, without it, or the rows of all other classes."""
    wanted = (labels == labels[row]) == same
    wanted[row] = False
    return np.flatnonzero(wanted)


def write_lists(folder: Path, name: str, columns: dict[str, list[object]]) -> None:
    """Write lists of vectors as Parquet and as JSON lines."""
    write_parquet(folder / name, columns)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    write_jsonl(folder / name, rows)


def comparisons(folder: Path, vectors: Floats, labels: Integers) -> None:
    """Beside each row: another of its class, one of another class, and either at random."""
    generator = np.random.default_rng(3)
    positive, negative = (
        np.array([generator.choice(others(labels, same, row)) for row in range(ROWS)])
        for same in (True, False)
    )
    same = generator.integers(0, 2, ROWS)
    right = np.where(same == 1, positive, negative)
    triplets = {"anchor": vectors, "positive": vectors[positive], "negative": vectors[negative]}
    pairs = {"left": vectors, "right": vectors[right]}
    for name, array in (triplets | pairs).items():
        write_npy(folder / name, array)
    write_npy(folder / "same", same.astype(np.int8))
    write_lists(folder, "triplets", {name: array.tolist() for name, array in triplets.items()})
    as_lists = {name: array.tolist() for name, array in pairs.items()}
    write_lists(folder, "pairs", {**as_lists, "target": same.tolist()})


def embedding(folder: Path) -> None:
    """300 digits in 8 dimensions; whatever is fitted is fitted to the other 1497."""
    data, rest = chosen(ROWS)
    projection = LinearDiscriminantAnalysis(solver="eigen", shrinkage=0.01, n_components=SIZE)
    projection.fit(rest.pixels, rest.labels)

    def projected(some: Digits) -> Floats:
        return rounded(projection.transform(some.pixels) / SCALE)

    vectors, seen = projected(data), projected(rest)
    centers = rounded([seen[rest.labels == label].mean(axis=0) for label in range(CLASSES)])
    classifier = LogisticRegression(fit_intercept=False, tol=1e-8, max_iter=1000)
    class_vectors = rounded(classifier.fit(seen, rest.labels).coef_)
    logits = (vectors[:, None, :] * class_vectors).sum(axis=2)
    write_both(folder / "embeddings", {"id": data.ids, **numbered("e_", vectors)})
    write_npy(folder / "embeddings", vectors)
    write_csv(folder / "label", {"id": data.ids, "label": data.labels.tolist()})
    write_npy(folder / "label", data.labels)
    for name, array in (("centers", centers), ("class_vectors", class_vectors)):
        write_csv(folder / name, numbered("e_", array))
        write_npy(folder / name, array)
    write_npy(folder / "logits", logits)
    arrays = {"embeddings": vectors, "label": data.labels, "logits": logits}
    whole = {"centers": centers, "class_vectors": class_vectors}
    write_npz(folder / "embedding", arrays | whole)
    nll = normal_nll(SCALE * vectors, data.labels, SCALE * seen, rest.labels)
    write_csv(folder / "nll", {"id": data.ids, "nll": nll.tolist()})
    write_npy(folder / "nll", nll)
    comparisons(folder, vectors, data.labels)
