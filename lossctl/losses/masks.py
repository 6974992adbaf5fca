"""Overlap of masks: one row is one image, its pixels in [0, 1].

All but the Lovász hinge are one ratio, num / den, of three areas: what both masks cover, what
only the prediction covers, and what only the target covers. They are summed as such, so that
nothing cancels when the masks agree.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias

import numpy as np

from lossctl.arrays import Array, Domain, Numbers, Pixels, domain_of
from lossctl.loss import loss
from lossctl.numerics import floating
from lossctl.overlap import (
    Added,
    Options,
    Pair,
    added,
    increments,
    pooled_increments,
    quotient,
    quotient_slope,
    squares,
    total,
    tversky_ratio,
    tversky_slopes,
)
from lossctl.probabilities import FromLogits
from lossctl.settings import Param

Threshold: TypeAlias = Annotated[
    float | None,
    Param("harden the predicted mask: 1 from this probability on, 0 below", 0.0, 1.0,
          low_open=True, optional=True),
]  # fmt: skip
Smooth: TypeAlias = Annotated[float, Param("added to both sides of the ratio", 0.0)]
SmoothNum: TypeAlias = Annotated[
    float | None, Param("added to the overlap instead (null: smooth)", 0.0, optional=True)
]
SmoothDen: TypeAlias = Annotated[
    float | None,
    Param("added to what it is divided by instead (null: what is added above)", 0.0, optional=True),
]
Empty: TypeAlias = Annotated[
    float | str,
    Param("the cost where the ratio is 0/0, as when both masks are empty; nan leaves the image out",
          0.0, 1.0, words=("nan",)),
]  # fmt: skip
Aggregate: TypeAlias = Annotated[
    str,
    Param("one ratio per image, or one over all images", choices=("sample", "global")),
]

KERAS: Mapping[str, Any] = {"aggregate": "global", "smooth_den": 1e-7}  # its axis=None
PIXEL_LOGITS = Domain("pixel logits", infinite=True, shape="vector", axes=("pixels",))
PixelScores: TypeAlias = Annotated[Array, Domain("pixel scores", shape="vector", axes=("pixels",))]
HardPixels: TypeAlias = Annotated[
    Array,
    Domain("hard pixels", 0.0, 1.0, integral=True, shape="vector", axes=("pixels",)),
]


def _domains(from_logits: bool) -> Mapping[str, Domain]:
    return {"pred": PIXEL_LOGITS if from_logits else domain_of(Pixels)}


def _reduces(aggregate: str) -> str:
    return "ratio" if aggregate == "global" else "mean"


def _offsets(
    smooth: float, smooth_num: float | None, smooth_den: float | None, aggregate: str
) -> Added:
    """What one ratio over all images adds once."""
    return added(smooth, smooth_num, smooth_den) if aggregate == "global" else (0.0, 0.0)


def _note(*, empty: float | str, **_others: Any) -> str | None:
    left_out = "images where target and prediction are empty are left out (empty=nan)"
    return left_out if empty == "nan" else None


# --- ratios -------------------------------------------------------------------------------------


def _slope(
    pred: Numbers, target: Numbers, both: float, alpha: float, beta: float, options: Options
) -> Array:
    ratio = tversky_ratio(pred, target, both, alpha, beta, options)
    slopes = tversky_slopes(pred, target, both, alpha, beta, options)
    return quotient_slope(ratio, slopes, options)


def _dice_slope(
    pred: Numbers, target: Numbers, *, squared_denominator: bool, **settings: Any
) -> Array:
    options = Options(**settings)
    if squared_denominator:
        return quotient_slope(*squares(pred, target, options), options)
    return _slope(pred, target, 2.0, 1.0, 1.0, options)


@loss(
    aliases=("dice_loss", "f1_loss", "sorensen_dice", "soft_dice"),
    tasks=("masks",),
    gradient=_dice_slope,
    high=1.0,
    domains=_domains,
    reduces=_reduces,
    offsets=_offsets,
    note=_note,
    peers={
        "keras": "losses.Dice(), one ratio over the batch",
        "optax": "losses.dice_loss",
        "monai": "losses.DiceLoss(smooth_nr=1e-5, smooth_dr=1e-5)",
        "segmentation_models_pytorch": "losses.DiceLoss, one ratio over the batch",
    },
    like={"keras": KERAS, "optax": {"smooth": 2.0}},
    reference="Milletari et al. (2016), doi:10.1109/3DV.2016.79; Dice (1945), doi:10.2307/1932409",
    formula="1 - (2 Σ p y + smooth) / (Σ p + Σ y + smooth)",
)
def dice(
    pred: Pixels,
    target: Pixels,
    *,
    from_logits: FromLogits = False,
    smooth: Smooth = 0.0,
    smooth_num: SmoothNum = None,
    smooth_den: SmoothDen = None,
    squared_denominator: Annotated[
        bool, Param("divide by Σ p² + Σ y² (Milletari's V-Net)")
    ] = False,
    threshold: Threshold = None,
    empty: Empty = 0.0,
    aggregate: Aggregate = "sample",
) -> Array | Pair:
    """How little two masks overlap, from 0 (the same) to 1 (disjoint); 1 - F1 on 0/1 masks.

    An image whose target and prediction are both empty costs 0: nothing is missed. Peers differ:
    whoever smooths only below (smooth_den) has it cost 1, as Keras does (1e-7, with axis=1). By
    default Keras takes one ratio over the batch, as aggregate=global is one over the file, to
    whose two sums smoothing is added once (without any it is undefined where all is empty). Dice
    is not Jaccard: on losses J = 2D / (1 + D). With soft targets a prediction equal to the target
    does not cost 0, unless squared_denominator is set.
    """
    options = Options(from_logits, threshold, smooth, smooth_num, smooth_den, empty, aggregate)
    if squared_denominator:
        return quotient(squares(pred, target, options)[0], options)
    return quotient(tversky_ratio(pred, target, 2.0, 1.0, 1.0, options), options)


@loss(
    aliases=("iou", "soft_iou", "jaccard_loss", "iou_mask"),
    tasks=("masks",),
    gradient=lambda pred, target, **settings: _slope(
        pred, target, 1.0, 1.0, 1.0, Options(**settings)
    ),
    high=1.0,
    domains=_domains,
    reduces=_reduces,
    offsets=_offsets,
    note=_note,
    peers={"segmentation_models_pytorch": "losses.JaccardLoss, one ratio over the batch"},
    reference="Rahman and Wang (2016), doi:10.1007/978-3-319-50835-1_22",
    formula="1 - (Σ p y + smooth) / (Σ p + Σ y - Σ p y + smooth)",
)
def jaccard(
    pred: Pixels,
    target: Pixels,
    *,
    from_logits: FromLogits = False,
    smooth: Smooth = 0.0,
    smooth_num: SmoothNum = None,
    smooth_den: SmoothDen = None,
    threshold: Threshold = None,
    empty: Empty = 0.0,
    aggregate: Aggregate = "sample",
) -> Array | Pair:
    """The part of the union of two masks that they do not share.

    It orders single images as dice does, but costs more: J = 2D / (1 + D).
    """
    options = Options(from_logits, threshold, smooth, smooth_num, smooth_den, empty, aggregate)
    return quotient(tversky_ratio(pred, target, 1.0, 1.0, 1.0, options), options)


_ALPHA = Param("the weight of false positives", 0.0)
_BETA = Param("the weight of false negatives", 0.0)


@loss(
    aliases=("tversky_loss",),
    tasks=("masks",),
    gradient=lambda pred, target, *, alpha, beta, **settings: _slope(
        pred, target, 1.0, alpha, beta, Options(**settings)
    ),
    high=1.0,
    domains=_domains,
    reduces=_reduces,
    offsets=_offsets,
    note=_note,
    peers={
        "keras": "losses.Tversky(), one ratio over the batch, alpha and beta exchanged",
        "optax": "losses.dice_loss(alpha=0.5, beta=0.5)",
        "monai": "losses.TverskyLoss(smooth_nr=1e-5, smooth_dr=1e-5)",
        "segmentation_models_pytorch": "losses.TverskyLoss, one ratio over the batch",
    },
    like={"keras": KERAS, "optax": {"smooth": 1.0}},
    reference="Salehi et al. (2017), doi:10.1007/978-3-319-67389-9_44",
    formula="1 - (I + smooth) / (I + alpha FP + beta FN + smooth)",
)
def tversky(
    pred: Pixels,
    target: Pixels,
    *,
    from_logits: FromLogits = False,
    alpha: Annotated[float, _ALPHA] = 0.5,
    beta: Annotated[float, _BETA] = 0.5,
    smooth: Smooth = 0.0,
    smooth_num: SmoothNum = None,
    smooth_den: SmoothDen = None,
    threshold: Threshold = None,
    empty: Empty = 0.0,
    aggregate: Aggregate = "sample",
) -> Array | Pair:
    """Overlap with its two kinds of error weighed apart: ½ and ½ is dice, 1 and 1 is jaccard.

    I is what both masks cover, FP what only the prediction, FN what only the target covers.
    alpha weighs FP as Salehi has it; Keras up to 3.15 has alpha and beta exchanged, against its
    own documentation, so that like=keras needs them exchanged by hand.
    """
    options = Options(from_logits, threshold, smooth, smooth_num, smooth_den, empty, aggregate)
    return quotient(tversky_ratio(pred, target, 1.0, alpha, beta, options), options)


def _pooled(ratio: Pair, options: Options) -> tuple[float, float]:
    """Both sums over all images, each rounded once, so that their order changes nothing."""
    over, under = options.added_once()
    return math.fsum([*ratio[0], over]), math.fsum([*ratio[1], under])


def _focal_slope(
    pred: Numbers,
    target: Numbers,
    *,
    alpha: float,
    beta: float,
    gamma: float,
    **settings: Any,
) -> Array:
    options = Options(**settings)
    ratio = tversky_ratio(pred, target, 1.0, alpha, beta, options)
    slopes = tversky_slopes(pred, target, 1.0, alpha, beta, options)
    if options.pooled:
        num, den = _pooled(ratio, options)
        base: Any = np.float64(num) / den
        slope = (slopes[0] - base * slopes[1]) / den
    else:
        base = (ratio[0] / ratio[1])[:, np.newaxis]
        slope = quotient_slope(ratio, slopes, options)
    return np.where(base > 0.0, gamma * np.power(base, gamma - 1.0) * slope, 0.0)


@loss(
    aliases=("focal_tversky_loss",),
    tasks=("masks",),
    gradient=_focal_slope,
    high=1.0,
    domains=_domains,
    scope=lambda bound, *, aggregate, **settings: "file" if aggregate == "global" else "row",
    reduces=lambda aggregate: "sum" if aggregate == "global" else "mean",
    note=_note,
    peers={"segmentation_models_pytorch": "losses.TverskyLoss(gamma=0.75)"},
    reference="Abraham and Khan (2019), doi:10.1109/ISBI.2019.8759329",
    formula="(1 - (I + smooth) / (I + alpha FP + beta FN + smooth))^gamma",
)
def focal_tversky(
    pred: Pixels,
    target: Pixels,
    *,
    from_logits: FromLogits = False,
    alpha: Annotated[float, _ALPHA] = 0.3,
    beta: Annotated[float, _BETA] = 0.7,
    gamma: Annotated[
        float, Param("the exponent; the paper's gamma is its inverse", 0.0, low_open=True)
    ] = 0.75,
    smooth: Smooth = 0.0,
    smooth_num: SmoothNum = None,
    smooth_den: SmoothDen = None,
    threshold: Threshold = None,
    empty: Empty = 0.0,
    aggregate: Aggregate = "sample",
) -> Array | Pair:
    """A power of tversky: below 1 it weighs images that are nearly right more, above 1 less.

    The paper's alpha is on false negatives (0.7, our beta) and its exponent is 1/gamma = 3/4.
    With aggregate=global it is the power of one ratio over all images, which then is split among
    them as its numerator is (and what smoothing adds to that evenly).
    """
    options = Options(from_logits, threshold, smooth, smooth_num, smooth_den, empty, aggregate)
    ratio = tversky_ratio(pred, target, 1.0, alpha, beta, options)
    if options.pooled:
        num, den = _pooled(ratio, options)
        if num == 0.0:
            return np.zeros(len(pred))
        parts = ratio[0] + options.added_once()[0] / len(pred)
        shares: Array = (num / den) ** gamma * (parts / num)
        return shares
    found = quotient(ratio, options)
    if isinstance(found, tuple):
        return np.power(found[0], gamma), found[1]
    # The cost of an empty image is what `empty` says, not a power of it.
    return np.where(ratio[1] == 0.0, found, np.power(found, gamma))


def _lovasz(pred: Numbers, target: Numbers, aggregate: str) -> tuple[Array, Array, Array]:
    """Signs, hinge errors and increments of the pixels."""
    y = floating(target)
    sign = 2.0 * y - 1.0
    errors = 1.0 - floating(pred) * sign
    rises = pooled_increments if aggregate == "global" else increments
    return sign, errors, rises(y, errors)


def _lovasz_slope(pred: Numbers, target: Numbers, *, aggregate: str) -> Array:
    sign, errors, step = _lovasz(pred, target, aggregate)
    return np.where(errors > 0.0, -sign * step, 0.0)


@loss(
    aliases=("lovasz", "lovasz_hinge_loss"),
    tasks=("masks",),
    gradient=_lovasz_slope,
    scope=lambda bound, *, aggregate: "file" if aggregate == "global" else "row",
    reduces=lambda aggregate: "sum" if aggregate == "global" else "mean",
    peers={"LovaszSoftmax": "lovasz_losses.lovasz_hinge"},
    reference="Berman et al. (2018), doi:10.1109/CVPR.2018.00464, algorithm 1",
    formula="Σ max(m_k, 0) ΔJ_k over pixels by falling m = 1 - pred (2 target - 1)",
)
def lovasz_hinge(
    pred: PixelScores, target: HardPixels, *, aggregate: Aggregate = "sample"
) -> Array:
    """A convex bound of the Jaccard loss of hard masks: hinge errors, the worst weighing most.

    `pred` holds scores (logits), positive for the mask. ΔJ_k is the rise of the Jaccard loss when
    the pixel of the k-th greatest error is got wrong too. An empty target costs the greatest
    error. With aggregate=global all pixels of the file are sorted together, and an image's part
    is that of its pixels.
    """
    _, errors, step = _lovasz(pred, target, aggregate)
    return total(np.where(step > 0.0, np.maximum(errors, 0.0) * step, 0.0))
