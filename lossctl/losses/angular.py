"""Softmax losses with a margin on the angle between an embedding and the vector of its class.

Each is -log softmax of scores of which only that of the label differs from the plain one. Rows are
taken in blocks, so that the scores of all rows and classes are never held at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, cast

import numpy as np

from lossctl.arrays import Array, ClassVectors, Integers, Label, Numbers, Vector
from lossctl.loss import loss
from lossctl.numerics import row_sum
from lossctl.settings import Param
from lossctl.softmax import log_softmax, log_softmax_of
from lossctl.vectors import angle, length, products, units

_SCORES = 1 << 20  # how many are held at once
_PML = "pytorch_metric_learning"

Part = Callable[[Numbers, Integers], Array]  # of rows of embeddings and their labels


def _in_blocks(part: Part, embedding: Numbers, label: Numbers, classes: int) -> Array:
    """`part` of a few rows after another; each row's value depends on that row alone."""
    labels = label.astype(np.int64)
    step = max(1, _SCORES // classes)
    starts = range(0, len(labels), step)
    parts = [
        part(embedding[start : start + step], labels[start : start + step]) for start in starts
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def _own(scores: Array, label: Integers) -> Array:
    return scores[np.arange(len(label)), label]


def _with_own(scores: Array, label: Integers, own: Array) -> Array:
    """The scores with others at the labels."""
    changed = scores.copy()
    changed[np.arange(len(label)), label] = own
    return changed


def _cross_entropy(scores: Array, label: Integers) -> Array:
    """-log softmax at the label, (n,); infinite where the label's score and another overflow, as
    their difference is not known then."""
    own = _own(scores, label)
    tied = np.count_nonzero(scores == own[:, np.newaxis], axis=1) > 1
    unknown = np.isnan(scores).any(axis=1) | (np.isinf(own) & tied)
    known = np.where(unknown[:, np.newaxis], 0.0, scores)
    return np.where(unknown, math.inf, -log_softmax_of(known, label))


def _pull(scores: Array, label: Integers) -> Array:
    """The slope of that by the scores, (n, C)."""
    shares = np.exp(log_softmax(scores))
    return _with_own(shares, label, np.expm1(_own(log_softmax(scores), label)))


# --- large-margin softmax -----------------------------------------------------------------------


def _psi(theta: Array, margin: int) -> Array:
    """(-1)^k cos(m θ) - 2k with k the number of whole π/m in θ: falls from 1 to 1 - 2m."""
    k = np.clip(np.floor(theta * margin / math.pi), 0, margin - 1)
    return cast(Array, np.where(k % 2 == 0, 1.0, -1.0) * np.cos(margin * theta) - 2.0 * k)


def _large_margin_scores(
    embedding: Numbers, label: Integers, class_vectors: Numbers, margin: int, blend: float
) -> Array:
    scores = products(embedding, class_vectors)
    if margin == 1:
        return scores
    vectors = class_vectors[label]
    sizes = length(embedding) * length(vectors)
    psi = _psi(angle(embedding, vectors), margin)
    plain, own = _own(scores, label), np.where(psi == 0.0, 0.0, sizes * psi)
    if blend:
        own = (blend / (1.0 + blend)) * plain + own / (1.0 + blend)
    return _with_own(scores, label, own)


def _large_margin_slope(
    embedding: Numbers, label: Numbers, class_vectors: Numbers, *, margin: int, blend: float
) -> Array:
    def part(rows: Numbers, labels: Integers) -> Array:
        pull = _pull(_large_margin_scores(rows, labels, class_vectors, margin, blend), labels)
        own = _own(pull, labels)[:, np.newaxis]
        vectors = class_vectors[labels]
        plain = products(_with_own(pull, labels, np.zeros(len(labels))), class_vectors.T)
        if margin == 1:
            return plain + own * vectors
        # dz/dx = |w| (ψ x̂ + (-1)^k m U(cos θ) (ŵ - cos θ x̂)), U(cos θ) = sin(m θ) / sin θ.
        theta = angle(rows, vectors)[:, np.newaxis]
        cosine, sine = np.cos(theta), np.sin(theta)
        k = np.clip(np.floor(theta * margin / math.pi), 0, margin - 1)
        ends = np.where(theta < 1.0, margin, margin * (-1.0) ** (margin + 1))
        second = np.where(sine < 1e-12, ends, np.sin(margin * theta) / np.maximum(sine, 1e-12))
        toward = units(vectors) - cosine * units(rows)
        steep = np.where(k % 2 == 0, 1.0, -1.0) * margin * second
        curved = length(vectors)[:, np.newaxis] * (
            _psi(theta, margin) * units(rows) + steep * toward
        )
        curved = np.where((rows == 0.0).all(axis=1)[:, np.newaxis], 0.0, curved)
        return plain + own * ((blend / (1.0 + blend)) * vectors + curved / (1.0 + blend))

    return _in_blocks(part, embedding, label, len(class_vectors))


@loss(
    "l_softmax",
    aliases=("lsoftmax", "large_margin"),
    gradient=_large_margin_slope,
    tasks=("embedding",),
    peers={_PML: "losses.LargeMarginSoftmaxLoss(margin=4)"},
    reference="Liu et al. (2016), Large-Margin Softmax Loss, arXiv:1612.02295, eq. 4 to 7",
    formula="-log softmax(z)_label, z_j = w_j·x but z_label = ‖w‖‖x‖ ψ(θ), "
    "ψ(θ) = (-1)^k cos(mθ) - 2k for θ in [kπ/m, (k+1)π/m]",
)
def large_margin_softmax(
    embedding: Vector,
    label: Label,
    class_vectors: ClassVectors,
    *,
    margin: Annotated[int, Param("m, by which the angle to the own class is multiplied", 1)] = 4,
    blend: Annotated[
        float, Param("the weight λ of the plain score beside it, as in training", 0.0)
    ] = 0.0,
) -> Array:
    """The softmax loss of a linear layer that must be right by a multiple of the angle.

    margin=1 is the softmax loss. There is no bias. Training code blends the plain score in,
    (λ w·x + ‖w‖‖x‖ψ) / (1 + λ), with a λ that falls; an evaluation has none. A point of zeros has
    the score 0 with every class.
    """

    def part(rows: Numbers, labels: Integers) -> Array:
        scores = _large_margin_scores(rows, labels, class_vectors, margin, blend)
        return _cross_entropy(scores, labels)

    return _in_blocks(part, embedding, label, len(class_vectors))


# --- margins on a sphere ------------------------------------------------------------------------

_SCALE = Param("what the cosines are multiplied by", 0.0, low_open=True)


def _added_angle(theta: Array, margin: float) -> tuple[Array, Array]:
    """The cosine of θ + m, or beyond π a line that keeps falling; and its slope by cos θ."""
    sine = np.sin(theta)
    within = theta <= math.pi - margin
    value = np.where(within, np.cos(theta + margin), np.cos(theta) - margin * math.sin(margin))
    steep = np.sin(theta + margin) / np.where(sine > 0.0, sine, 1.0)
    return value, np.where(within, np.where(sine > 0.0, steep, 0.0), 1.0)


def _less_cosine(theta: Array, margin: float) -> tuple[Array, Array]:
    """The cosine less the margin; and its slope by the cosine."""
    return np.cos(theta) - margin, np.ones_like(theta)


Margin = Callable[[Array, float], tuple[Array, Array]]


def _spherical(
    curve: Margin, embedding: Numbers, label: Numbers, class_vectors: Numbers,
    scale: float, margin: float,
) -> Array:  # fmt: skip
    directions = units(class_vectors)

    def part(rows: Numbers, labels: Integers) -> Array:
        own, _ = curve(angle(rows, class_vectors[labels]), margin)
        cosines = products(units(rows), directions)
        return _cross_entropy(scale * _with_own(cosines, labels, own), labels)

    return _in_blocks(part, embedding, label, len(class_vectors))


def _spherical_slope(
    curve: Margin, embedding: Numbers, label: Numbers, class_vectors: Numbers,
    scale: float, margin: float,
) -> Array:  # fmt: skip
    directions = units(class_vectors)

    def part(rows: Numbers, labels: Integers) -> Array:
        own, steep = curve(angle(rows, class_vectors[labels]), margin)
        unit, size = units(rows), length(rows)[:, np.newaxis]
        cosines = products(unit, directions)
        pull = scale * _pull(scale * _with_own(cosines, labels, own), labels)
        pull = _with_own(pull, labels, _own(pull, labels) * steep)
        along = products(pull, directions.T)
        across = along - unit * row_sum(along * unit)[:, np.newaxis]
        return np.where(size > 0.0, across / np.where(size > 0.0, size, 1.0), 0.0)

    return _in_blocks(part, embedding, label, len(class_vectors))


@loss(
    aliases=("additive_angular_margin",),
    gradient=lambda embedding, label, class_vectors, *, scale, margin: _spherical_slope(
        _added_angle, embedding, label, class_vectors, scale, margin
    ),
    tasks=("embedding",),
    peers={_PML: "losses.ArcFaceLoss(margin=28.6, scale=64), the margin in degrees"},
    reference="Deng et al. (2019), doi:10.1109/CVPR.2019.00482",
    formula="-log softmax(z)_label, z_j = scale · cos θ_j but z_label = scale · cos(θ + margin)",
)
def arcface(
    embedding: Vector,
    label: Label,
    class_vectors: ClassVectors,
    *,
    scale: Annotated[float, _SCALE] = 64.0,
    margin: Annotated[
        float, Param("added to the angle to the own class, in radians", 0.0, math.pi)
    ] = 0.5,
) -> Array:
    """The softmax loss of cosines in which the angle to the own class counts as larger.

    Where angle and margin exceed π, cos θ - margin · sin(margin) keeps the loss rising, as in
    the authors' code. A vector of zeros has cosine 0 with all others.
    """
    return _spherical(_added_angle, embedding, label, class_vectors, scale, margin)


@loss(
    aliases=("large_margin_cosine", "am_softmax"),
    gradient=lambda embedding, label, class_vectors, *, scale, margin: _spherical_slope(
        _less_cosine, embedding, label, class_vectors, scale, margin
    ),
    tasks=("embedding",),
    peers={_PML: "losses.CosFaceLoss(margin=0.35, scale=64)"},
    reference="Wang et al. (2018), CosFace, doi:10.1109/CVPR.2018.00552",
    formula="-log softmax(z)_label, z_j = scale · cos θ_j but z_label = scale · (cos θ - margin)",
)
def cosface(
    embedding: Vector,
    label: Label,
    class_vectors: ClassVectors,
    *,
    scale: Annotated[float, _SCALE] = 64.0,
    margin: Annotated[float, Param("taken off the cosine to the own class", 0.0)] = 0.35,
) -> Array:
    """The softmax loss of cosines in which the cosine to the own class counts as smaller.

    A vector of zeros has cosine 0 with all others.
    """
    return _spherical(_less_cosine, embedding, label, class_vectors, scale, margin)
