"""Overlap of masks: the ratio of areas behind dice, jaccard and tversky, and the Lovász extension.

A ratio is a pair of arrays (n,): numerators, and denominators. Its numerator is a sum of areas that
only one of the two masks covers, so that nothing cancels where the masks agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from lossctl.arrays import Array, Numbers
from lossctl.errors import UsageError
from lossctl.numerics import floating, row_sum, shared

Pair: TypeAlias = tuple[Array, Array]
Added: TypeAlias = tuple[float, float]
_UP = 2.0**200  # lifts the smallest areas where a factor below 1 could make them 0


def added(smooth: float, smooth_num: float | None, smooth_den: float | None) -> Added:
    """What smoothing adds to the numerator and denominator of 1 - (I + above) / (U + below).

    Raises UsageError where it would make losses negative.
    """
    above = smooth if smooth_num is None else smooth_num
    below = above if smooth_den is None else smooth_den
    if above > below:
        raise UsageError(
            f"smooth_num is {above:g} but smooth_den only {below:g}: losses would be negative",
            "make smooth_den as large",
        )
    return below - above, below


@dataclass(frozen=True, slots=True)
class Options:
    """What the losses of this kind have in common; see the settings of `losses.masks`."""

    from_logits: bool
    threshold: float | None
    smooth: float
    smooth_num: float | None
    smooth_den: float | None
    empty: float | str
    aggregate: str

    def added(self) -> Added:
        """What is added to each image's sides of the ratio: nothing where one is over all.

        Raises UsageError for settings that contradict.
        """
        if self.pooled and self.empty != 0.0:
            raise UsageError(
                "aggregate=global is one ratio over all images: none is empty by itself",
                "leave empty out",
            )
        once = added(self.smooth, self.smooth_num, self.smooth_den)
        return (0.0, 0.0) if self.pooled else once

    def added_once(self) -> Added:
        """What is added to the sides of one ratio over all images."""
        return added(self.smooth, self.smooth_num, self.smooth_den)

    @property
    def pooled(self) -> bool:
        """Whether there is one ratio over all images."""
        return self.aggregate == "global"

    @property
    def free(self) -> bool:
        """Whether each image's ratio may be reduced: the unit of its areas does not matter."""
        return not self.pooled and self.added()[1] == 0.0

    @property
    def mask(self) -> dict[str, Any]:
        """What decides how predictions become a mask."""
        return {"from_logits": self.from_logits, "threshold": self.threshold, "free": self.free}


def total(values: Array) -> Array:
    """Sum over the pixels, halves first: its error grows with the logarithm of their number, and
    neither layout nor number of rows changes a bit."""
    while values.shape[-1] > 8:
        half = values.shape[-1] // 2
        folded = values[..., :half] + values[..., half : 2 * half]
        if values.shape[-1] % 2:
            folded[..., 0] += values[..., -1]
        values = folded
    return row_sum(values)


@shared
def _masks(
    pred: Numbers, *, from_logits: bool, threshold: float | None, free: bool
) -> tuple[Array, Array, Array]:
    """The mask p, its complement 1 - p, each within 2 ulp, and dp / dpred."""
    values = floating(pred)
    if from_logits:
        small = np.exp(-np.abs(values))
        more, less = 1.0 / (1.0 + small), small / (1.0 + small)
        p, q = np.where(values >= 0.0, more, less), np.where(values >= 0.0, less, more)
        slope = p * q
        if free:
            # A mask of which float64 holds no pixel is not empty, nor a perfect guess of nothing.
            faint = (np.max(p, axis=1, keepdims=True) == 0.0) & (values > -np.inf)
            p = np.where(faint, 5e-324, p)
    else:
        p, q, slope = values, 1.0 - values, np.ones_like(values)
    if threshold is not None:
        hard = np.where(p >= threshold, 1.0, 0.0)
        return hard, 1.0 - hard, np.zeros_like(p)
    return p, q, slope


@shared
def _areas(
    pred: Numbers, target: Numbers, *, from_logits: bool, threshold: float | None, free: bool
) -> tuple[Array, Array, Array]:
    """What both masks cover, what only the prediction and what only the target covers."""
    p, q, _ = _masks(pred, from_logits=from_logits, threshold=threshold, free=free)
    y = floating(target)
    return total(p * y), total(p * (1.0 - y)), total(q * y)


def tversky_ratio(
    pred: Numbers, target: Numbers, both: float, alpha: float, beta: float, options: Options
) -> Pair:
    """1 - (both I + above) / (both I + alpha FP + beta FN + below), as a ratio."""
    over, under = options.added()
    areas = _areas(pred, target, **options.mask)
    inside, only_pred, only_target = (_UP * area if options.free else area for area in areas)
    missed = alpha * only_pred + beta * only_target
    return missed + over, both * inside + missed + under


def tversky_slopes(
    pred: Numbers, target: Numbers, both: float, alpha: float, beta: float, options: Options
) -> Pair:
    """The derivatives of both sides of that ratio to the values of `pred`, (n, m) each."""
    inner = _masks(pred, **options.mask)[2]
    inner = _UP * inner if options.free else inner
    y = floating(target)
    rate = alpha * (1.0 - y) - beta * y
    return rate * inner, (both * y + rate) * inner


def squares(pred: Numbers, target: Numbers, options: Options) -> tuple[Pair, Pair]:
    """The sum of (p - y)² over the sum of p² + y² as a ratio, and the derivatives of both."""
    over, under = options.added()
    p, q, inner = _masks(pred, **options.mask)
    y = floating(target)
    unit = np.ones((len(p), 1))
    if options.free:
        # In units of the image's largest pixel no square that counts becomes 0.
        largest = np.max(np.maximum(p, y), axis=1)
        unit = np.ldexp(1.0, np.minimum(-np.frexp(largest)[1], 1000))[:, np.newaxis]
    gap = unit * np.where(y == 1.0, -q, p - y)
    p, y, inner = unit * p, unit * y, unit * inner
    ratio = total(gap * gap) + over, total(p * p) + total(y * y) + under
    return ratio, (2.0 * gap * inner, 2.0 * p * inner)


def quotient_slope(ratio: Pair, slopes: Pair, options: Options) -> Array:
    """The derivative of each image's quotient, 0 where that is 0/0; of its numerator, where one
    ratio is over all images."""
    if options.pooled:
        return slopes[0]
    num, den = ratio[0][:, np.newaxis], ratio[1][:, np.newaxis]
    return np.where(den == 0.0, 0.0, (slopes[0] - (num / den) * slopes[1]) / den)


def quotient(ratio: Pair, options: Options) -> Array | Pair:
    """What each image costs; with empty=nan the costs, and 0 for images left out, 1 for others.

    Where one ratio is over all images it is handed on as it is.
    """
    if options.pooled:
        return ratio
    num, den = ratio
    undefined = den == 0.0
    cost = 0.0 if isinstance(options.empty, str) else options.empty
    values = np.where(undefined, cost, num / den)
    counted = np.where(undefined, 0.0, 1.0)
    return (values, counted) if isinstance(options.empty, str) else values


# --- the Lovász extension of the Jaccard loss ---------------------------------------------------


def increments(target: Array, errors: Array) -> Array:
    """By how much each pixel raises the Jaccard loss when pixels are got wrong one after another,
    the greatest error first; (n, m)."""
    order = np.argsort(-errors, axis=1, kind="stable")
    hits = np.take_along_axis(target, order, axis=1)
    wanted = total(hits)[:, np.newaxis]
    found = np.cumsum(hits, axis=1) - hits  # counts: exact
    union = wanted + (np.arange(target.shape[1]) - found)
    step = np.where(hits == 1.0, 1.0, (wanted - found) / (union + 1.0)) / union
    step = np.where(wanted == 0.0, np.arange(target.shape[1]) == 0, step)
    placed = np.empty_like(step)
    np.put_along_axis(placed, order, step, axis=1)
    return placed


def pooled_increments(target: Array, errors: Array) -> Array:
    """The same over all images at once; pixels with equal errors share alike, so that the order
    of the images changes nothing."""
    _, place, size = np.unique(-errors.ravel(), return_inverse=True, return_counts=True)
    hits = np.bincount(place.ravel(), weights=target.ravel(), minlength=len(size))
    wanted = hits.sum()
    found = np.cumsum(hits) - hits
    union = wanted + ((np.cumsum(size) - size) - found)
    if wanted == 0.0:
        step = (np.arange(len(size)) == 0).astype(np.float64)
    else:
        misses = size - hits
        step = (hits + (wanted - found - hits) * (misses / (union + misses))) / union
    share: Array = (step / size)[place.ravel()].reshape(errors.shape)
    return share
