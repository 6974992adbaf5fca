"""Boxes of which one side is written in another form: corners, or a corner and the size."""

from __future__ import annotations

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.trial import FALL, FEWEST, SURE, Trial, judge, wrong
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.numerics import floating
from lossctl.report import Note

FORMS = ("xyxy", "xywh", "cxcywh")
GOOD = 0.5  # the IoU that boxes have which were meant to meet
LEFT = 0.4  # of what it lacks of 1, at most


def detect(context: Context, batch: Batch) -> Note | None:
    """`predictions look like (x, y, w, h) read as (x1, y1, x2, y2): …`."""
    spec = judge(context, batch)
    if spec is None or batch.count < FEWEST or "boxes" not in spec.all_settings:
        return None
    form = str(spec.all_settings["boxes"])
    sides = {role: floating(batch.columns[role]) for role in ("pred", "target")}
    corners = {role: to_corners(side, form) for role, side in sides.items()}
    now = float(overlap(corners["pred"], corners["target"]).mean())
    for role, word in (("pred", "predictions"), ("target", "targets")):
        rest = corners["target" if role == "pred" else "pred"]
        for other in FORMS:
            if other == form:
                continue
            anew = to_corners(sides[role], other)
            if (anew[:, 2:] < anew[:, :2]).any():
                continue
            then = float(overlap(anew, rest).mean())
            if then < GOOD or 1.0 - then > LEFT * (1.0 - now):
                continue
            trial = Trial(spec, batch, batch.with_column(role, from_corners(anew, form)))
            if trial.fall < FALL or trial.sure < SURE:
                continue
            return wrong(
                f"{word} look like {_written(other)} read as {_written(form)}: read so they make "
                f"{trial.said}, mean IoU {then:.2f} instead of {now:.2f}; both sides must have the "
                "form that --boxes says"
            )
    return None


def _written(form: str) -> str:
    return {
        "xyxy": "(x1, y1, x2, y2)",
        "xywh": "(x, y, w, h)",
        "cxcywh": "(cx, cy, w, h)",
    }[form]


def to_corners(box: Array, form: str) -> Array:
    """(x1, y1, x2, y2) of boxes in any form, (n, 4)."""
    first, second = box[:, :2], box[:, 2:]
    if form == "xywh":
        second = first + second
    elif form == "cxcywh":
        first, second = first - second / 2.0, first + second / 2.0
    return np.hstack([first, second])


def from_corners(box: Array, form: str) -> Array:
    """Boxes in any form of (x1, y1, x2, y2)."""
    first, second = box[:, :2], box[:, 2:]
    if form == "xywh":
        second = second - first
    elif form == "cxcywh":
        first, second = (first + second) / 2.0, second - first
    return np.hstack([first, second])


def overlap(left: Array, right: Array) -> Array:
    """Intersection over union of pairs of corners; 0 of boxes without area."""
    low, high = np.maximum(left[:, :2], right[:, :2]), np.minimum(left[:, 2:], right[:, 2:])
    both = np.maximum(high - low, 0.0).prod(axis=1)
    sizes = (left[:, 2:] - left[:, :2]).prod(axis=1) + (right[:, 2:] - right[:, :2]).prod(axis=1)
    union = sizes - both
    shares: Array = np.divide(both, union, out=np.zeros(len(both)), where=union > 0.0)
    return shares


DETECTOR = Detector("boxes", detect)
