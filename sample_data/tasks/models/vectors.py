"""More embeddings of the digits, each with the centers and class vectors that go with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.random_projection import GaussianRandomProjection

from tasks.digits import Digits, chosen
from tasks.tables import Floats, rounded, write_npz
from tasks.vectors import CLASSES, ROWS, SIZE

Projection = Callable[[Floats], Floats]
# The random projection is made this small, so that all digits are close to their centers.
TINY = 20.0


def discriminants(shrinkage: float) -> LinearDiscriminantAnalysis:
    """Linear discriminants of the classes."""
    return LinearDiscriminantAnalysis(solver="eigen", shrinkage=shrinkage, n_components=SIZE)


def hidden(known: Digits) -> Projection:
    """What the last hidden layer of a network says."""
    network = MLPClassifier(
        (32, SIZE), activation="tanh", alpha=0.01, tol=1e-3, max_iter=1000, random_state=0
    ).fit(known.pixels, known.labels)

    def layer(rows: Floats) -> Floats:
        for weights, offset in zip(network.coefs_[:2], network.intercepts_[:2], strict=True):
            rows = np.tanh(rows @ weights + offset)
        return rows

    return layer


def projections(known: Digits) -> dict[str, Projection]:
    """Each model, fitted to the known digits."""
    shrunk = discriminants(0.1)
    features = Nystroem(gamma=0.05, n_components=200, random_state=0)
    kernel = make_pipeline(features, discriminants(0.01))
    components = PCA(SIZE, svd_solver="full")
    random = GaussianRandomProjection(SIZE, random_state=0)
    for model in (shrunk, kernel, components, random):
        model.fit(known.pixels, known.labels)
    return {
        "shrunk": shrunk.transform,
        "kernel": kernel.transform,
        "network": hidden(known),
        "pca": components.transform,
        "random": random.transform,
    }


def apart(seen: Floats, labels: Floats) -> float:
    """How far two digits of one class are apart: the root of the mean square."""
    off = [seen[labels == label] - seen[labels == label].mean(axis=0) for label in range(CLASSES)]
    return float(np.sqrt(2 * np.mean(np.sum(np.concatenate(off) ** 2, axis=1))))


def embedding_models(folder: Path) -> None:
    """Five more embeddings (300, 8), two digits of one class about 1 apart in all but `random`."""
    data, known = chosen(ROWS)
    for name, projection in projections(known).items():
        seen = projection(known.pixels)
        scale = TINY if name == "random" else apart(seen, known.labels)
        vectors, seen = rounded(projection(data.pixels) / scale), rounded(seen / scale)
        centers = [seen[known.labels == label].mean(axis=0) for label in range(CLASSES)]
        classifier = LogisticRegression(fit_intercept=False, tol=1e-8, max_iter=2000)
        weights = classifier.fit(seen, known.labels).coef_
        parts = {"centers": rounded(centers), "class_vectors": rounded(weights)}
        write_npz(folder / "models" / name, {"embeddings": vectors, **parts})
