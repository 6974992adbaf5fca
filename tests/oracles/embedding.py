"""Textbook distances of embeddings, to 50 digits. A vector is a list, a whole role a list of lists.

`info_nce` takes whole columns and returns the mean over positive pairs.
"""

from __future__ import annotations

from typing import Any

from mpmath import exp, fsum, inf, log, mpf, nan, sqrt

from tests.oracles.precision import to_50_digits

Vector = list[mpf]


def dot(left: Vector, right: Vector) -> mpf:
    return fsum(left[i] * right[i] for i in range(len(left)))


def minus(left: Vector, right: Vector) -> Vector:
    return [left[i] - right[i] for i in range(len(left))]


def cosine(left: Vector, right: Vector) -> mpf:
    """0 where one of them is 0."""
    lengths = sqrt(dot(left, left)) * sqrt(dot(right, right))
    return dot(left, right) / lengths if lengths > 0 else mpf(0)


def class_means(embedding: list[Vector], label: list[mpf]) -> dict[int, Vector]:
    """The mean of each class, in mpf; for `center_loss` without centers."""
    means = {}
    for one in label:
        rows = [embedding[i] for i in range(len(label)) if label[i] == one]
        means[int(one)] = [fsum(row[k] for row in rows) / len(rows) for k in range(len(rows[0]))]
    return means


@to_50_digits
def center_loss(embedding: Vector, label: mpf, centers: list[Vector], *, half: bool = True) -> mpf:
    """Wen et al. (2016), eq. 2."""
    away = minus(embedding, centers[int(label)])
    return dot(away, away) / 2 if half else dot(away, away)


def _distance(left: Vector, right: Vector, p: mpf, eps: mpf, inside: Any = 0) -> mpf:
    """As torch.nn.functional.pairwise_distance."""
    sizes = [abs(left[i] - right[i] + eps) for i in range(len(left))]
    if p == inf:
        return max(sizes)
    return (fsum(size**p for size in sizes) + inside) ** (1 / p)


@to_50_digits
def triplet_margin(
    anchor: Vector,
    positive: Vector,
    negative: Vector,
    *,
    margin: Any = 1,
    p: Any = 2,
    swap: bool = False,
    eps: Any = 0,
    inside: Any = 0,
) -> mpf:
    """Balntas et al. (2016), with their swap."""
    far = _distance(anchor, negative, p, eps, inside)
    if swap:
        far = min(far, _distance(positive, negative, p, eps, inside))
    return max(mpf(0), _distance(anchor, positive, p, eps, inside) - far + margin)


@to_50_digits
def contrastive(
    left: Vector,
    right: Vector,
    target: mpf,
    *,
    margin: Any = 1,
    half: bool = True,
    squared: bool = True,
    similar: Any = 1,
) -> mpf:
    """Hadsell et al. (2006), eq. 4, in which similar is 0."""
    d = sqrt(dot(minus(left, right), minus(left, right)))
    cost = d if target == similar else max(mpf(0), margin - d)
    return cost ** (2 if squared else 1) / (2 if half else 1)


@to_50_digits
def cosine_distance(pred: Vector, target: Vector, *, sign: str = "distance") -> mpf:
    return {"distance": 1, "keras": 0}[sign] - cosine(pred, target)


@to_50_digits
def info_nce(
    embedding: list[Vector],
    label: list[mpf],
    batch: list[mpf] | None = None,
    *,
    temperature: Any = 0.07,
    similarity: str = "cosine",
    weights: list[mpf] | None = None,
) -> mpf:
    """The mean over positive pairs, each weighted as its row; nan where there is none."""
    alike = {"cosine": cosine, "dot": dot}[similarity]
    n = len(label)
    w = weights if weights is not None else [mpf(1)] * n
    total, pairs = mpf(0), mpf(0)
    for i in range(n):
        met = [j for j in range(n) if j != i and (batch is None or batch[j] == batch[i])]
        growth = {j: exp(alike(embedding[i], embedding[j]) / temperature) for j in met}
        others = fsum(growth[j] for j in met if label[j] != label[i])
        for j in met:
            if label[j] == label[i]:
                total -= w[i] * log(growth[j] / (growth[j] + others))
                pairs += w[i]
    return total / pairs if pairs else nan


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle
    for oracle in (center_loss, triplet_margin, contrastive, cosine_distance, info_nce)
}
WHOLE = frozenset({"info_nce"})
