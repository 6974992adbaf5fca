"""The best shift, scale or line for the predictions, under squared and under absolute error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from lossctl.analyses.advice.location import mean, median
from lossctl.arrays import Array
from lossctl.exact import exact_dot, ratio

Kind: TypeAlias = Literal["shift", "scale", "affine"]


@dataclass(frozen=True, slots=True)
class Correction:
    """`slope * pred + offset`."""

    kind: Kind
    slope: float
    offset: float

    def __call__(self, pred: Array) -> Array:
        return self.slope * pred + self.offset

    @property
    def text(self) -> str:
        """`subtract 0.40`, `multiply by 0.929`, `replace pred by 0.915 pred + 0.0936`."""
        size = f"{abs(self.offset):.3g}"
        if self.kind == "shift":
            return f"{'add' if self.offset >= 0.0 else 'subtract'} {size}"
        if self.kind == "scale":
            return f"multiply by {self.slope:.3g}"
        sign = "+" if self.offset >= 0.0 else "-"
        return f"replace pred by {self.slope:.3g} pred {sign} {size}"


Fit: TypeAlias = Callable[[Array, Array, Array], Correction | None]


def shift_mse(y: Array, p: Array, weight: Array) -> Correction | None:
    """The mean of target less prediction."""
    return Correction("shift", 1.0, mean(y - p, weight))


def shift_mae(y: Array, p: Array, weight: Array) -> Correction | None:
    """The median of target less prediction."""
    return Correction("shift", 1.0, median(y - p, weight))


def scale_mse(y: Array, p: Array, weight: Array) -> Correction | None:
    """sum(w p y) / sum(w p²); None where every prediction is 0."""
    scaled = weight * p
    square = exact_dot(scaled, p)
    return Correction("scale", ratio(exact_dot(scaled, y), square), 0.0) if square else None


def scale_mae(y: Array, p: Array, weight: Array) -> Correction | None:
    """The median of y / p with weights w |p|; None where every prediction is 0."""
    having = p != 0.0
    if not having.any():
        return None
    y, p, weight = y[having], p[having], weight[having]
    return Correction("scale", median(y / p, weight * np.abs(p)), 0.0)


def affine_mse(y: Array, p: Array, weight: Array) -> Correction | None:
    """Least squares; None where every prediction is the same."""
    centre, level = mean(p, weight), mean(y, weight)
    away = p - centre
    spread = float((weight * away * away).sum())
    if spread == 0.0:
        return None
    slope = float((weight * away * (y - level)).sum()) / spread
    return Correction("affine", slope, level - slope * centre)


FITS: dict[str, tuple[Fit, ...]] = {
    "mse": (shift_mse, scale_mse, affine_mse),
    "mae": (shift_mae, scale_mae),
}


def errors(loss: str, y: Array, p: Array) -> Array:
    """Each row's squared or absolute error."""
    return np.square(p - y) if loss == "mse" else np.abs(p - y)
