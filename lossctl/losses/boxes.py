"""Overlap of boxes, one pair a row. These are losses; libraries often print 1 - loss."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, cast

import numpy as np

from lossctl.arrays import Array, Box, Domain, Integers, Mask, Numbers, RowRule, domain_of
from lossctl.loss import Direction, loss
from lossctl.numerics import shared
from lossctl.rectangles import Axis, Overlap, overlap
from lossctl.settings import Param

Boxes: TypeAlias = Annotated[
    str,
    Param("what the four numbers are: two corners, a corner and the size, or centre and size",
          choices=("xyxy", "xywh", "cxcywh")),
]  # fmt: skip
Eps: TypeAlias = Annotated[
    float, Param("added to every area or square that is divided by (torchvision: 1e-7)", 0.0)
]
AsSimilarity: TypeAlias = Annotated[
    bool, Param("print 1 - loss, as libraries do that call it a similarity")
]


def _sizes_negative(values: Numbers) -> Mask:
    negative: Mask = (values[..., 2] < 0.0) | (values[..., 3] < 0.0)
    return negative


SIZED_BOX = Domain("box with a size", shape="vector", width=4,
                   row=RowRule("w ≥ 0 and h ≥ 0", _sizes_negative))  # fmt: skip


def _domains(boxes: str) -> Mapping[str, Domain]:
    domain = domain_of(Box) if boxes == "xyxy" else SIZED_BOX
    return {"pred": domain, "target": domain}


def _direction(as_similarity: bool) -> Direction:
    return "max" if as_similarity else "min"


def _note(*, as_similarity: bool, **_others: Any) -> str | None:
    return "as_similarity=true prints 1 - loss: larger is better" if as_similarity else None


# --- the terms: of the loss, or of the similarity 1 - loss ---------------------------------------


def _in_units(eps: float, exponent: Integers) -> Array:
    """`eps` in units of 2**exponent; what is beyond any area stays finite."""
    return cast(Array, np.minimum(np.ldexp(eps, -exponent), 2.0**1000))


def _share(over: Array, under: Array) -> Array:
    return np.where(under == 0.0, 0.0, over / under)


@shared
def _shared_part(o: Overlap, eps: float, as_similarity: bool) -> Array:
    """1 - IoU, or IoU; IoU is 0 where the union is."""
    more = _in_units(eps, o.x.exponent + o.y.exponent)
    union = o.union + more
    if as_similarity:
        return _share(o.inter, union)
    return np.where(union == 0.0, 1.0, (o.apart + more) / union)


@shared
def _spare_part(o: Overlap, eps: float) -> Array:
    """How much of the hull neither box covers; 0 for a hull of no area."""
    return _share(o.spare, o.hull + _in_units(eps, o.x.exponent + o.y.exponent))


@shared
def _centre_part(o: Overlap, eps: float) -> Array:
    """The squared distance of the centres over the squared diagonal of the hull."""
    unit = o.unit
    distance = np.square(o.x.centre(unit)) + np.square(o.y.centre(unit))
    diagonal = np.square(o.x.width(unit)) + np.square(o.y.width(unit))
    return _share(distance, diagonal + _in_units(eps, 2 * unit))


@shared
def _shape_part(o: Overlap, eps: float, threshold: float | None) -> Array:
    """The penalty alpha v of unlike aspect ratios."""
    (w_pred, w_target), (h_pred, h_target) = o.x.lengths, o.y.lengths
    angle = np.arctan2(w_target, h_target) - np.arctan2(w_pred, h_pred)
    v = np.square(angle * (2.0 / math.pi))
    alpha = _share(v, _shared_part(o, eps, False) + v + eps)
    if threshold is not None:
        alpha = np.where(_shared_part(o, eps, True) < threshold, 0.0, alpha)
    return alpha * v


def pieces(
    name: str, pred: Numbers, target: Numbers, *, boxes: str, eps: float,
    ciou_threshold: float | None = None,
) -> dict[str, Array]:  # fmt: skip
    """What the loss of that name adds up of each pair: the part not shared, and its penalties."""
    o = overlap(pred, target, boxes=boxes)
    found = {"overlap": _shared_part(o, eps, False)}
    if name == "giou_loss":
        found["enclosing"] = _spare_part(o, eps)
    if name in ("diou_loss", "ciou_loss"):
        found["centre"] = _centre_part(o, eps)
    if name == "ciou_loss":
        found["aspect"] = _shape_part(o, eps, ciou_threshold)
    return found


def _value(first: Array, others: list[Array], as_similarity: bool) -> Array:
    for other in others:
        first = first - other if as_similarity else first + other
    return first


# --- gradients ----------------------------------------------------------------------------------


def _half_step(values: Array) -> Array:
    """1 above 0, 0 below, ½ at 0: how torch shares the slope of a maximum of equals."""
    return cast(Array, np.heaviside(values, 0.5))


def _slope(
    pred: Numbers,
    target: Numbers,
    *,
    boxes: str,
    eps: float,
    as_similarity: bool,
    spare: bool = False,
    centre: bool = False,
) -> Array:
    """The derivative of 1 - IoU, and of the further terms asked for, (n, 4)."""
    o = overlap(pred, target, boxes=boxes)
    x1, x2 = _axis_slopes(o, o.x, o.y, eps, spare, centre)
    y1, y2 = _axis_slopes(o, o.y, o.x, eps, spare, centre)
    if boxes == "xywh":
        x1, y1 = x1 + x2, y1 + y2
    elif boxes == "cxcywh":
        x1, x2, y1, y2 = x1 + x2, 0.5 * (x2 - x1), y1 + y2, 0.5 * (y2 - y1)
    slopes = np.stack([x1, y1, x2, y2], axis=1)
    return -slopes if as_similarity else slopes


def _axis_slopes(
    o: Overlap, along: Axis, across: Axis, eps: float, spare: bool, centre: bool
) -> list[Array]:
    """The derivatives to the prediction's lower and upper end along one axis."""
    more = _in_units(eps, o.x.exponent + o.y.exponent)
    meet = o.inter > 0.0
    found = []
    for side in (-1.0, 1.0):
        lead = along.low if side < 0.0 else -along.high  # of this end, beyond the target's
        d_inter = np.where(meet, side * _half_step(-lead) * across.both, 0.0)
        d_union = side * across.pred - d_inter
        union = o.union + more
        slope = _share(_share(o.inter, union) * d_union - d_inter, union)
        d_width = side * _half_step(lead)
        if spare:
            hull = o.hull + more
            d_hull = d_width * across.hull
            slope = slope + _share(d_hull - d_union - _share(o.spare, hull) * d_hull, hull)
        slope = np.ldexp(slope, -along.exponent)
        if centre:
            unit = o.unit
            diagonal = np.square(o.x.width(unit)) + np.square(o.y.width(unit))
            diagonal = diagonal + _in_units(eps, 2 * unit)
            d_diagonal = 2.0 * along.width(unit) * d_width
            d_centre = -along.centre(unit) - _centre_part(o, eps) * d_diagonal
            slope = slope + np.ldexp(_share(d_centre, diagonal), -unit)
        found.append(slope)
    return found


# --- losses -------------------------------------------------------------------------------------

_REZATOFIGHI = "Rezatofighi et al. (2019), doi:10.1109/CVPR.2019.00075"
_ZHENG = "Zheng et al. (2020), doi:10.1609/aaai.v34i07.6999"


@loss(
    aliases=("box_iou", "iou"),
    tasks=("boxes",),
    gradient=_slope,
    high=1.0,
    directions=_direction,
    domains=_domains,
    note=_note,
    peers={"torchvision": "1 - ops.box_iou of each pair"},
    reference="Yu et al. (2016), doi:10.1145/2964284.2967274",
    formula="1 - |P ∩ T| / |P ∪ T|",
)
def iou_loss(
    pred: Box,
    target: Box,
    *,
    boxes: Boxes = "xyxy",
    eps: Eps = 0.0,
    as_similarity: AsSimilarity = False,
) -> Array:
    """The part of the union of two boxes that they do not share: 0 the same, 1 apart.

    Boxes that only touch, and pairs of which neither has an area, cost 1. Flat where boxes are
    apart: it does not say how far.
    """
    return _shared_part(overlap(pred, target, boxes=boxes), eps, as_similarity)


@loss(
    "giou",
    aliases=("generalized_iou",),
    tasks=("boxes",),
    gradient=lambda pred, target, **settings: _slope(pred, target, spare=True, **settings),
    high=2.0,
    highs=lambda as_similarity: 1.0 if as_similarity else 2.0,
    directions=_direction,
    lows=lambda as_similarity: -1.0 if as_similarity else 0.0,
    domains=_domains,
    note=_note,
    peers={"torchvision": "ops.generalized_box_iou_loss with eps=1e-7"},
    reference=_REZATOFIGHI,
    formula="1 - IoU + (|C| - |P ∪ T|) / |C|, C the smallest box around both",
)
def giou_loss(
    pred: Box,
    target: Box,
    *,
    boxes: Boxes = "xyxy",
    eps: Eps = 0.0,
    as_similarity: AsSimilarity = False,
) -> Array:
    """As 1 - IoU, but boxes that are apart cost more the farther apart they are; at most 2.

    The added part is 0 where the box around both has no area.
    """
    o = overlap(pred, target, boxes=boxes)
    parts = [_spare_part(o, eps)]
    return _value(_shared_part(o, eps, as_similarity), parts, as_similarity)


@loss(
    "diou",
    aliases=("distance_iou",),
    tasks=("boxes",),
    gradient=lambda pred, target, **settings: _slope(pred, target, centre=True, **settings),
    high=2.0,
    highs=lambda as_similarity: 1.0 if as_similarity else 2.0,
    directions=_direction,
    lows=lambda as_similarity: -1.0 if as_similarity else 0.0,
    domains=_domains,
    note=_note,
    peers={"torchvision": "ops.distance_box_iou_loss with eps=1e-7"},
    reference=_ZHENG,
    formula="1 - IoU + ρ²/c², ρ the distance of the centres, c the diagonal of the box around both",
)
def diou_loss(
    pred: Box,
    target: Box,
    *,
    boxes: Boxes = "xyxy",
    eps: Eps = 0.0,
    as_similarity: AsSimilarity = False,
) -> Array:
    """As 1 - IoU, and the squared distance of the centres in units of the diagonal around both.

    The added part is 0 for two equal points. Below 2.
    """
    o = overlap(pred, target, boxes=boxes)
    parts = [_centre_part(o, eps)]
    return _value(_shared_part(o, eps, as_similarity), parts, as_similarity)


@loss(
    "ciou",
    aliases=("complete_iou",),
    tasks=("boxes",),
    high=2.5,
    highs=lambda as_similarity: 1.0 if as_similarity else 2.5,
    directions=_direction,
    lows=lambda as_similarity: -1.5 if as_similarity else 0.0,
    domains=_domains,
    note=_note,
    peers={"torchvision": "ops.complete_box_iou_loss with eps=1e-7"},
    reference=f"{_ZHENG}; Zheng et al. (2021), doi:10.1109/TCYB.2021.3095305",
    formula="1 - IoU + ρ²/c² + α v, v = 4/π² (Δ atan(w/h))², α = v / (1 - IoU + v)",
)
def ciou_loss(
    pred: Box,
    target: Box,
    *,
    boxes: Boxes = "xyxy",
    eps: Eps = 0.0,
    ciou_threshold: Annotated[
        float | None,
        Param("no shape penalty below this IoU (Zheng 2021: 0.5)", 0.0, 1.0, optional=True),
    ] = None,
    as_similarity: AsSimilarity = False,
) -> Array:
    """As diou, and a penalty for unlike aspect ratios, which matters once boxes overlap.

    Boxes that are equal, with an area, cost 0: α is 0 where v is. Trainers take α for a constant
    when they differentiate, so that their gradient is not the slope of this value; none is given
    here. The gradient of v printed in the paper has the wrong sign.
    """
    o = overlap(pred, target, boxes=boxes)
    parts = [_centre_part(o, eps), _shape_part(o, eps, ciou_threshold)]
    return _value(_shared_part(o, eps, as_similarity), parts, as_similarity)
