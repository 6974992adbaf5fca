"""Embeddings: distances between points, to class centers, and to the rows of a batch."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np

from lossctl.arrays import Array, ClassVectors, Count, Domain, Label, Numbers, Vector
from lossctl.loss import loss
from lossctl.numerics import difference, difference_parts, floating, row_sum, softplus, two_sum
from lossctl.settings import Param
from lossctl.vectors import cosine_gap, distance_slope, length, products, units

Same: TypeAlias = Annotated[Array, Domain("same or different", choices=((0.0, 1.0),), shape="one")]
Group: TypeAlias = Annotated[Array, Domain("group", low=0.0, integral=True, shape="one")]


# --- distance to a center -----------------------------------------------------------------------

_HUGE = 2.0**960  # beyond it a sum of many may overflow on its way


def _class_means(embedding: Numbers, label: Numbers) -> tuple[Array, Array]:
    """For each row the mean of its class, as high + low, shape (n, d) each.

    The sums are exact, so that the order of the rows changes no bit.
    """
    rows = floating(embedding)
    huge = bool((np.abs(rows) >= _HUGE).any())
    rows = np.ldexp(rows, -64) if huge else rows
    high, low = np.empty_like(rows), np.empty_like(rows)
    _, places = np.unique(label, return_inverse=True)
    order = np.argsort(places, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(places[order])) + 1):
        for place in range(rows.shape[1]):
            column = rows[members, place].tolist()
            mean = math.fsum(column) / len(column)
            high[members, place] = mean
            low[members, place] = math.fsum([*column, *[-mean] * len(column)]) / len(column)
    return (np.ldexp(high, 64), np.ldexp(low, 64)) if huge else (high, low)


def _from_center(embedding: Numbers, label: Numbers, centers: Numbers | None) -> Array:
    """The differences x - c, shape (n, d)."""
    if centers is not None:
        return difference(embedding, centers[label.astype(np.int64)])
    high, low = _class_means(embedding, label)
    gap, lost = difference_parts(embedding, high)
    return gap + (lost - low)


def _center_scope(bound: Collection[str], **_settings: Any) -> Literal["row", "file"]:
    return "row" if "centers" in bound else "file"


@loss(
    "center",
    gradient=lambda embedding, label, centers, *, half: (
        (1.0 if half else 2.0) * _from_center(embedding, label, centers)
    ),
    tasks=("embedding",),
    scope=_center_scope,
    note=lambda half: (
        "center loss is not a loss alone: embeddings that all collapse into one point make it 0; "
        "combine:(softmax_loss)+0.5*(center) adds it to another"
    ),
    peers={"caffe-face": "CenterLoss", "pytorch-center-loss": "CenterLoss, half=false"},
    reference="Wen et al. (2016), doi:10.1007/978-3-319-46478-7_31, eq. 2",
    formula="‖x - c_label‖² / 2",
)
def center_loss(
    embedding: Vector,
    label: Label,
    centers: ClassVectors | None = None,
    *,
    half: Annotated[bool, Param("halve the squared distance, as the paper does")] = True,
) -> Array:
    """Half the squared distance of a point to the center of its class.

    Without `centers` they are the means of the classes in the file, so that a class of one row
    costs 0. The paper sums over a batch (reduction=sum); implementations take the mean.
    KaiyangZhou's port has no half and adds 1e-12 for each other class.
    """
    squares = row_sum(np.square(_from_center(embedding, label, centers)))
    return 0.5 * squares if half else squares


# --- distances of pairs and triplets ------------------------------------------------------------


def _apart(left: Numbers, right: Numbers, eps: float = 0.0) -> Array:
    """The differences left - right + eps, each rounded about once."""
    if eps == 0.0:
        return difference(left, right)
    high, low = difference_parts(left, right)
    total, lost = two_sum(high, np.asarray(eps))
    return total + np.where(np.isfinite(lost), low + lost, 0.0)


def _triplet_distances(
    anchor: Numbers, positive: Numbers, negative: Numbers,
    p: float, swap: bool, eps: float, inside: float,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Anchor to positive, to negative, and the one that counts as the distance to the negative."""

    def distance(left: Numbers, right: Numbers) -> Array:
        apart = _apart(left, right, eps)
        if inside and not math.isinf(p):  # as if there were one more coordinate
            apart = np.column_stack([apart, np.full(len(apart), inside ** (1.0 / p))])
        return length(apart, p)

    to_positive, to_negative = distance(anchor, positive), distance(anchor, negative)
    if not swap:
        return to_positive, to_negative, to_negative
    between = distance(positive, negative)
    return to_positive, to_negative, np.minimum(to_negative, between)


def _violated(nearer: Array, farther: Array, margin: float) -> Array:
    """max(0, nearer - farther + margin), rounded about once though they may cancel."""
    gap, lost = two_sum(nearer, -farther)
    total, more = two_sum(gap, np.asarray(margin))
    value = total + np.where(np.isfinite(total), lost + more, 0.0)
    # Two distances that both overflow have no known difference.
    return np.where(np.isnan(value), math.inf, np.maximum(value, 0.0))


def _counted(values: Array) -> Array:
    """1 for each sample that costs something: what reduction=mean_nonzero divides by."""
    return (values > 0.0).astype(np.float64)


def _triplet(
    anchor: Numbers, positive: Numbers, negative: Numbers,
    *, margin: float, p: float, swap: bool, eps: float, inside: float,
) -> Array:  # fmt: skip
    near, _, far = _triplet_distances(anchor, positive, negative, p, swap, eps, inside)
    return _violated(near, far, margin)


def _triplet_slope(
    anchor: Numbers, positive: Numbers, negative: Numbers,
    *, margin: float, p: float, swap: bool, eps: float, inside: float,
) -> Array:  # fmt: skip
    near, far, counted = _triplet_distances(anchor, positive, negative, p, swap, eps, inside)
    active = (_violated(near, counted, margin) > 0.0)[:, np.newaxis]
    toward = distance_slope(_apart(anchor, positive, eps), near, p)
    away = distance_slope(_apart(anchor, negative, eps), far, p)
    own = (far <= counted)[:, np.newaxis]
    return np.where(active, toward - np.where(own, away, 0.0), 0.0)


@loss(
    "triplet",
    gradient=_triplet_slope,
    divisors={
        "mean_nonzero": lambda anchor, positive, negative, **settings: _counted(
            _triplet(anchor, positive, negative, **settings)
        )
    },
    tasks=("embedding",),
    peers={"torch": "nn.TripletMarginLoss(margin=1.0, p=2, eps=1e-6)",
           "optax": "losses.triplet_margin_loss",
           "pytorch_metric_learning": "losses.TripletMarginLoss: reduction=mean_nonzero"},
    like={"torch": {"eps": 1e-6}, "optax": {"inside": 1e-6}},
    reference="Balntas et al. (2016), doi:10.5244/C.30.119; Schroff et al. (2015), FaceNet, "
    "doi:10.1109/CVPR.2015.7298682",
    formula="max(0, d(anchor, positive) - d(anchor, negative) + margin)",
)  # fmt: skip
def triplet_margin(
    anchor: Vector,
    positive: Vector,
    negative: Vector,
    *,
    margin: Annotated[float, Param("by how much the negative must be farther", 0.0)] = 1.0,
    p: Annotated[
        float, Param("the norm: 2 Euclidean, 1 city-block, inf the largest", 1.0, infinite=True)
    ] = 2.0,
    swap: Annotated[
        bool, Param("take the negative's distance to the positive where that is less")
    ] = False,
    eps: Annotated[
        float, Param("added to every difference of coordinates (torch: 1e-6)", 0.0)
    ] = 0.0,
    inside: Annotated[
        float, Param("added inside the root (optax: 1e-6); nothing for p=inf", 0.0)
    ] = 0.0,
) -> Array:
    """How far a positive is from being nearer to its anchor than a negative, by a margin.

    0 once it is. Plain means count every triplet, reduction=mean_nonzero only those that
    violate the margin. optax forgets |·| for p=1.
    """
    return _triplet(
        anchor, positive, negative, margin=margin, p=p, swap=swap, eps=eps, inside=inside
    )


def _contrastive(
    left: Numbers, right: Numbers, target: Numbers,
    *, margin: float, half: bool, squared: bool, similar: int,
) -> Array:  # fmt: skip
    apart = _apart(left, right)
    distance = length(apart)
    lacking = np.maximum(margin - distance, 0.0)
    alike = target == similar
    if squared:
        cost = np.where(alike, row_sum(np.square(apart)), np.square(lacking))
    else:
        cost = np.where(alike, distance, lacking)
    return 0.5 * cost if half else cost


def _contrastive_slope(
    left: Numbers, right: Numbers, target: Numbers,
    *, margin: float, half: bool, squared: bool, similar: int,
) -> Array:  # fmt: skip
    apart = _apart(left, right)
    distance = length(apart)
    alike = target == similar
    inside = np.maximum(margin - distance, 0.0)
    towards = distance_slope(apart, distance, 2.0)
    if squared:
        slope = np.where(alike[:, None], 2.0 * apart, -2.0 * inside[:, None] * towards)
    else:
        sign = np.where(alike, 1.0, np.where(inside > 0.0, -1.0, 0.0))
        slope = sign[:, None] * towards
    return 0.5 * slope if half else slope


@loss(
    aliases=("siamese",),
    gradient=_contrastive_slope,
    divisors={
        "mean_nonzero": lambda left, right, target, **settings: _counted(
            _contrastive(left, right, target, **settings)
        )
    },
    tasks=("embedding",),
    peers={"pytorch_metric_learning": "losses.ContrastiveLoss: squared=false, half=false, "
           "reduction=mean_nonzero"},
    reference="Hadsell, Chopra and LeCun (2006), doi:10.1109/CVPR.2006.100, eq. 4",
    formula="d²/2 if similar, else max(0, margin - d)²/2",
)  # fmt: skip
def contrastive(
    left: Vector,
    right: Vector,
    target: Same,
    *,
    margin: Annotated[float, Param("how far apart different ones must be", 0.0)] = 1.0,
    half: Annotated[bool, Param("halve the squares, as the paper does")] = True,
    squared: Annotated[bool, Param("square the distance and the missing margin")] = True,
    similar: Annotated[
        int, Param("the target that says similar (the paper: 0)", choices=(1, 0))
    ] = 1,
) -> Array:
    """Similar points cost their squared distance, different ones what they lack of the margin.

    The target is 1 for a similar pair, unless similar=0. reduction=mean_nonzero leaves pairs out
    that cost nothing.
    """
    return _contrastive(
        left, right, target, margin=margin, half=half, squared=squared, similar=similar
    )


# --- angles -------------------------------------------------------------------------------------


def _cosine_slope(pred: Numbers, target: Numbers, *, sign: str) -> Array:
    """The same with both signs: they differ by a constant."""
    a, b = units(pred), units(target)
    along = (1.0 - cosine_gap(pred, target))[:, np.newaxis]
    size = length(pred)[:, np.newaxis]
    return np.where(size > 0.0, (along * a - b) / np.where(size > 0.0, size, 1.0), 0.0)


@loss(
    "cosine",
    aliases=("cosine_loss",),
    gradient=_cosine_slope,
    tasks=("embedding",),
    low=-1.0,
    high=2.0,
    lows=lambda sign: 0.0 if sign == "distance" else -1.0,
    peers={"torch": "nn.CosineEmbeddingLoss() of pairs with y=1",
           "keras": "losses.CosineSimilarity()",
           "tensorflow": "compat.v1.losses.cosine_distance of unit vectors",
           "optax": "losses.cosine_distance",
           "sklearn": "metrics.pairwise.paired_cosine_distances"},
    like={"keras": {"sign": "keras", "reduction": "sum_over_batch_size"},
          "tensorflow": {"reduction": "sum_by_nonzero_weights"}},
    reference="Salton and McGill (1983), Introduction to Modern Information Retrieval",
    formula="1 - cos(pred, target)",
)  # fmt: skip
def cosine_distance(
    pred: Vector,
    target: Vector,
    *,
    sign: Annotated[
        str,
        Param("1 - cos, or -cos as Keras has it", choices=("distance", "keras")),
    ] = "distance",
) -> Array:
    """How far two vectors are from pointing the same way: 0 to 2, whatever their lengths.

    A vector of zeros has cos 0 with all others. TensorFlow's cosine_distance takes unit vectors
    for granted, and optax and scipy make a zero vector NaN.
    """
    gap = cosine_gap(pred, target)
    return gap if sign == "distance" else gap - 1.0


# --- every row against the others of its batch --------------------------------------------------

_SIMILARITIES = 1 << 22  # how many are held at once


def _info_nce_scope(bound: Collection[str], **_settings: Any) -> Literal["group", "file"]:
    return "group" if "batch" in bound else "file"


def _of_batch(vectors: Array, label: Numbers, temperature: float) -> tuple[Array, Array]:
    """Sums over positives and their numbers, for rows that all meet each other."""
    n = len(vectors)
    sums, counts = np.zeros(n), np.zeros(n)
    step = max(1, _SIMILARITIES // n)
    for start in range(0, n, step):
        stop = min(start + step, n)
        similar = products(vectors[start:stop], vectors)
        for row in range(start, stop):
            alike = label == label[row]
            others = similar[row - start, ~alike]
            alike[row] = False
            positives = similar[row - start, alike]
            counts[row] = len(positives)
            if len(positives) and len(others):
                sums[row] = _row_terms(positives, others, temperature)
    return sums, counts


def _row_terms(positives: Array, negatives: Array, temperature: float) -> float:
    """Σ over positives of log(1 + Σ over negatives of e^((s_n - s_p) / temperature)).

    Sums are exact, so that the order of the rows changes no bit.
    """
    top = negatives.max()
    growth = np.exp((negatives - top) / temperature)
    rest = math.log(math.fsum(growth.tolist()))
    terms = softplus((top - positives) / temperature + rest)
    # Where products overflow, their difference is not known; nor is a sum of such terms.
    if not np.isfinite(terms).all():
        return math.inf
    if terms.max() < _HUGE:
        return math.fsum(terms.tolist())
    return float(np.ldexp(math.fsum(np.ldexp(terms, -64).tolist()), 64))


@loss(
    aliases=("nt_xent", "ntxent", "simclr"),
    tasks=("embedding",),
    scope=_info_nce_scope,
    peers={"optax": "losses.ntxent(temperature=0.07)",
           "pytorch_metric_learning": "losses.NTXentLoss(temperature=0.07)"},
    reference="van den Oord et al. (2018), arXiv:1807.03748; Chen et al. (2020), SimCLR, "
    "arXiv:2002.05709",
    formula="-ln( e^(s_p/temperature) / (e^(s_p/temperature) + Σ_n e^(s_n/temperature)) )",
)  # fmt: skip
def info_nce(
    embedding: Vector,
    label: Group,
    batch: Count | None = None,
    *,
    temperature: Annotated[
        float, Param("divides the similarities (SimCLR: 0.1 to 0.5)", 0.0, low_open=True)
    ] = 0.07,
    similarity: Annotated[
        str, Param("cosines, or plain dot products", choices=("cosine", "dot"))
    ] = "cosine",
) -> tuple[Array, Array]:
    """How hard it is to tell a row's positives from the negatives of its batch.

    Rows of one label are positives of each other, all others negatives; `batch` numbers the
    batches, without it all rows of the file meet. A row adds the sum over its positives (0 for
    none), and the mean is over positive pairs. A pair's denominator holds the pair itself and
    the negatives, not the other positives (optax, SimCLR). Time grows with the square of a
    batch's rows.
    """
    vectors = units(embedding) if similarity == "cosine" else floating(embedding)
    sums, counts = np.zeros(len(vectors)), np.zeros(len(vectors))
    groups = np.zeros(len(vectors)) if batch is None else batch
    _, places = np.unique(groups, return_inverse=True)
    order = np.argsort(places, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(places[order])) + 1):
        sums[rows], counts[rows] = _of_batch(vectors[rows], label[rows], temperature)
    return sums, counts
