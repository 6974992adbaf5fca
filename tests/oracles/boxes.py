"""Textbook formulas of `losses.boxes`, to 50 digits: one pair of boxes per call."""

from __future__ import annotations

from typing import Any

from mpmath import atan2, mpf, pi

from tests.oracles.precision import to_50_digits


def _corners(box: Any, boxes: str) -> Any:
    a, b, c, d = box
    if boxes == "xyxy":
        return box
    if boxes == "xywh":
        return [a, b, a + c, b + d]
    return [a - c / 2, b - d / 2, a + c / 2, b + d / 2]


def _quotient(over: Any, under: Any) -> Any:
    return mpf(0) if under == 0 else over / under


def _area(box: Any) -> Any:
    return (box[2] - box[0]) * (box[3] - box[1])


def _hull(p: Any, t: Any) -> Any:
    return [min(p[0], t[0]), min(p[1], t[1]), max(p[2], t[2]), max(p[3], t[3])]


def _iou(p: Any, t: Any, eps: Any) -> Any:
    width = max(min(p[2], t[2]) - max(p[0], t[0]), mpf(0))
    height = max(min(p[3], t[3]) - max(p[1], t[1]), mpf(0))
    union = _area(p) + _area(t) - width * height
    return _quotient(width * height, union + eps), union


def _distance(p: Any, t: Any, eps: Any) -> Any:
    x, y = ((t[i] + t[i + 2] - p[i] - p[i + 2]) / 2 for i in (0, 1))
    hull = _hull(p, t)
    diagonal = (hull[2] - hull[0]) ** 2 + (hull[3] - hull[1]) ** 2
    return _quotient(x**2 + y**2, diagonal + eps)


def _said(similarity: Any, as_similarity: bool) -> Any:
    return similarity if as_similarity else 1 - similarity


@to_50_digits
def iou_loss(
    pred: Any, target: Any, *, boxes: str = "xyxy", eps: Any = 0, as_similarity: bool = False
) -> mpf:
    p, t = _corners(pred, boxes), _corners(target, boxes)
    return _said(_iou(p, t, eps)[0], as_similarity)


@to_50_digits
def giou_loss(
    pred: Any, target: Any, *, boxes: str = "xyxy", eps: Any = 0, as_similarity: bool = False
) -> mpf:
    p, t = _corners(pred, boxes), _corners(target, boxes)
    iou, union = _iou(p, t, eps)
    hull = _area(_hull(p, t))
    return _said(iou - _quotient(hull - union, hull + eps), as_similarity)


@to_50_digits
def diou_loss(
    pred: Any, target: Any, *, boxes: str = "xyxy", eps: Any = 0, as_similarity: bool = False
) -> mpf:
    p, t = _corners(pred, boxes), _corners(target, boxes)
    return _said(_iou(p, t, eps)[0] - _distance(p, t, eps), as_similarity)


@to_50_digits
def ciou_loss(
    pred: Any,
    target: Any,
    *,
    boxes: str = "xyxy",
    eps: Any = 0,
    ciou_threshold: Any = None,
    as_similarity: bool = False,
) -> mpf:
    p, t = _corners(pred, boxes), _corners(target, boxes)
    iou = _iou(p, t, eps)[0]
    angles = [atan2(box[2] - box[0], box[3] - box[1]) for box in (t, p)]
    v = 4 / pi**2 * (angles[0] - angles[1]) ** 2
    alpha = _quotient(v, 1 - iou + v + eps)
    if ciou_threshold is not None and iou < ciou_threshold:
        alpha = mpf(0)
    return _said(iou - _distance(p, t, eps) - alpha * v, as_similarity)


ORACLES: dict[str, Any] = {
    oracle.__name__: oracle for oracle in (iou_loss, giou_loss, diou_loss, ciou_loss)
}
WHOLE: frozenset[str] = frozenset()
