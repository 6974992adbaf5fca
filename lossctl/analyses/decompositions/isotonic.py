"""Isotonic recalibration: what would have been forecast by one who knows how forecasts and
outcomes went together, but keeps their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from lossctl.arrays import Array, Integers
from lossctl.exact import Exact, ratio

Divergence: TypeAlias = Callable[[Array, float], Array]  # of forecast means from the overall mean


@dataclass(frozen=True, slots=True, eq=False)
class Atoms:
    """Rows by their forecast, ascending: the forecasts, their rows, weights and weighted sums of
    outcomes. Atoms without weight are left out."""

    forecast: Array
    rows: Integers
    w: list[Exact]
    wy: list[Exact]
    wyy: list[Exact] = field(default_factory=list)  # of squares, where they are asked for

    @property
    def mean(self) -> float:
        """The mean outcome."""
        return ratio(sum(self.wy), sum(self.w))

    @property
    def shares(self) -> Array:
        """The share of each atom in the weight."""
        total = sum(self.w)
        return np.array([ratio(one, total) for one in self.w])

    def means(self) -> Array:
        """The mean outcome of each atom."""
        return np.array([ratio(y, w) for y, w in zip(self.wy, self.w, strict=True)])

    def pooled(self, starts: Integers) -> Atoms:
        """Neighbours made one, from each of `starts` to the next; their forecast is the mean."""
        shares = self.shares
        ends = [*starts[1:].tolist(), len(self.w)]
        spans = list(zip(starts.tolist(), ends, strict=True))
        weight = np.add.reduceat(shares, starts)
        return Atoms(
            np.add.reduceat(shares * self.forecast, starts) / weight,
            np.add.reduceat(self.rows, starts),
            [sum(self.w[start:end]) for start, end in spans],
            [sum(self.wy[start:end]) for start, end in spans],
        )


def recalibrated(atoms: Atoms, *, positive: bool = False) -> Atoms:
    """The atoms pooled until their mean outcomes ascend (pool adjacent violators).

    `positive`: a first mean of 0, which is no forecast of such a loss, is pooled with the next,
    as model-diagnostics does.
    """
    starts = block_starts(atoms.means(), atoms.shares)
    blocks = atoms.pooled(starts)
    if positive and len(blocks.w) > 1 and not blocks.wy[0]:
        blocks = atoms.pooled(np.delete(starts, 1))
    return blocks


def block_starts(means: Array, weights: Array) -> Integers:
    """Where the blocks of the isotonic regression of `means` begin."""
    from scipy.optimize import isotonic_regression  # slow to import

    starts: Integers = isotonic_regression(means, weights=weights).blocks[:-1].astype(np.int64)
    return starts


def discrimination(blocks: Atoms, divergence: Divergence) -> float:
    """What the recalibrated forecasts save against their mean: a sum of terms that are not
    negative."""
    terms = blocks.shares * divergence(blocks.means(), blocks.mean)
    return float(np.sum(terms))


def quantile_fit(order: Integers, y: Array, w: Array, level: float) -> Array:
    """The isotonic fit of a quantile to outcomes `y` (n,) with weights `w`, for rows whose
    forecasts have the ranks `order` (equal for equal forecasts); (n,).

    By halving the candidate values (Stout 2013, doi:10.1007/s00453-012-9628-4): which atoms lie
    above the middle is one cut, and both sides are then solved alone.
    """
    atoms = int(order.max()) + 1
    by_atom = np.argsort(order, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(order[by_atom])) + 1, y.size)
    starts = np.append(0, ends[:-1])
    values, places = np.unique(y, return_inverse=True)
    places, w = places[by_atom], w[by_atom]
    fit = np.zeros(atoms, dtype=np.int64)
    todo = [(0, atoms, 0, values.size - 1)]
    while todo:
        first, last, low, high = todo.pop()
        if low == high or first == last:
            fit[first:last] = low
            continue
        middle = (low + high) // 2
        rows = slice(int(starts[first]), int(ends[last - 1]))
        # What each row charges for the value above the middle, over that below, per unit.
        charge = w[rows] * ((places[rows] <= middle) - level)
        edges = starts[first:last] - starts[first]
        suffix = np.append(np.add.reduceat(charge, edges)[::-1].cumsum()[::-1], 0.0)
        cut = first + int(np.argmin(suffix))
        todo += [(first, cut, low, middle), (cut, last, middle + 1, high)]
    fitted: Array = values[fit[order]]
    return fitted
