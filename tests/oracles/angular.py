"""Textbook softmax losses with angular margins, to 50 digits: one point, its label, all vectors."""

from __future__ import annotations

from typing import Any

from mpmath import acos, cos, exp, floor, fsum, log, mpf, pi, sin, sqrt

from tests.oracles.embedding import Vector, cosine, dot
from tests.oracles.precision import to_50_digits


def _softmax_loss(scores: Vector, label: int) -> mpf:
    top = max(scores)  # mpmath's exponents are unbounded, its exp is slow far out
    return log(fsum(exp(score - top) for score in scores)) + top - scores[label]


@to_50_digits
def large_margin_softmax(
    embedding: Vector,
    label: mpf,
    class_vectors: list[Vector],
    *,
    margin: Any = 4,
    blend: Any = 0,
) -> mpf:
    """Liu et al. (2016), eq. 4 to 6; `blend` is the authors' λ."""
    own = int(label)
    scores = [dot(vector, embedding) for vector in class_vectors]
    c = cosine(class_vectors[own], embedding)
    theta = acos(max(mpf(-1), min(mpf(1), c)))
    k = min(floor(margin * theta / pi), margin - 1)
    psi = (-1) ** int(k) * cos(margin * theta) - 2 * k
    lengths = sqrt(dot(class_vectors[own], class_vectors[own])) * sqrt(dot(embedding, embedding))
    scores[own] = (blend * scores[own] + lengths * psi) / (1 + blend)
    return _softmax_loss(scores, own)


@to_50_digits
def arcface(
    embedding: Vector,
    label: mpf,
    class_vectors: list[Vector],
    *,
    scale: Any = 64,
    margin: Any = 0.5,
) -> mpf:
    """Deng et al. (2019), eq. 3; where the angle would exceed π as in the authors' code."""
    own = int(label)
    cosines = [cosine(vector, embedding) for vector in class_vectors]
    theta = acos(max(mpf(-1), min(mpf(1), cosines[own])))
    beyond = theta + margin > pi
    cosines[own] = cosines[own] - margin * sin(margin) if beyond else cos(theta + margin)
    return _softmax_loss([scale * c for c in cosines], own)


@to_50_digits
def cosface(
    embedding: Vector,
    label: mpf,
    class_vectors: list[Vector],
    *,
    scale: Any = 64,
    margin: Any = 0.35,
) -> mpf:
    """Wang et al. (2018), eq. 4."""
    own = int(label)
    cosines = [cosine(vector, embedding) for vector in class_vectors]
    cosines[own] -= margin
    return _softmax_loss([scale * c for c in cosines], own)


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle for oracle in (large_margin_softmax, arcface, cosface)
}
WHOLE: frozenset[str] = frozenset()
