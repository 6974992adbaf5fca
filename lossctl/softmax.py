"""The softmax of rows of logits and its logarithm, a piece of rows at a time.

Each piece is laid class after class, so that every step runs along memory within the cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array, Integers, Numbers
from lossctl.numerics import column_sum, pieces, shared, two_sum


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    """Some rows: e**logit by that of the row's highest, shape (K, rows)."""

    rows: slice
    growth: Array
    top: Integers  # the class of each row's (first) highest
    each: Integers  # 0, 1, ... for as many rows
    others: Array  # the sum of `growth` without that class

    def less_top(self, logits: Array, label: Numbers) -> tuple[Array, Array]:
        """The label's logit less the highest, and what the rounding of that left over."""
        at = logits[self.rows]
        return _less(at[self.each, label[self.rows].astype(np.int64)], at[self.each, self.top])

    def shares(self) -> tuple[Array, Array, Integers]:
        """Each class's probability (K, rows), what the largest lacks of 1, and its class."""
        largest, others = np.argmax(self.growth, axis=0), self.others
        if (largest != self.top).any():
            rest = self.growth.copy()
            rest[largest, self.each] = 0.0
            others = column_sum(rest)
        whole = 1.0 + others
        return self.growth / whole, others / whole, largest


def _less(logits: Array, highest: Array) -> tuple[Array, Array]:
    """Logits less the row's highest, and what the rounding of that left over."""
    with np.errstate(invalid="ignore", over="ignore"):  # infinite logits are set below
        shifted, lost = two_sum(logits, -highest)
    kept = np.isfinite(lost)
    if not kept.all():
        shifted[logits == highest] = 0.0
        lost[~kept] = 0.0
    return shifted, lost


def _pieces(logits: Array) -> Iterator[tuple[_Piece, Array, Array]]:
    """Every piece, with its logits less their highest, and what the rounding of that left over."""
    for rows in pieces(*logits.shape):
        top = np.argmax(logits[rows], axis=1)
        each = np.arange(len(top))
        columns = np.ascontiguousarray(logits[rows].T)
        shifted, lost = _less(columns, columns[top, each])
        growth = np.exp(shifted)
        growth += growth * lost
        first = growth[top, each]
        growth[top, each] = 0.0
        others = column_sum(growth)
        growth[top, each] = first
        yield _Piece(rows, growth, top, each, others), shifted, lost


@shared
def _exponentials(logits: Array) -> list[_Piece]:
    return [piece for piece, _, _ in _pieces(logits)]


def log_softmax(logits: Array) -> Array:
    """Logits minus logsumexp over the classes, shape (n, K); about 3 ulp, near 0 too.

    Finite for |logit| up to 1e300. A logit of -inf has log-probability -inf; logits of +inf share
    the row evenly, as do those of a row in which all are -inf.
    """
    logs = np.empty(logits.shape)
    for piece, shifted, lost in _pieces(logits):
        # The highest is the 1 of log1p, so that a sum just above 1 keeps its digits.
        shifted -= np.log1p(piece.others)
        shifted += lost
        logs[piece.rows].T[:] = shifted
    return logs


@shared
def log_softmax_of(logits: Array, label: Numbers) -> Array:
    """The entry of `log_softmax` at each row's label, (n,)."""
    logs = np.empty(len(logits))
    for piece in _exponentials(logits):
        shifted, lost = piece.less_top(logits, label)
        logs[piece.rows] = (shifted - np.log1p(piece.others)) + lost
    return logs


def exponentials(logits: Array) -> Array:
    """e**logit by that of the row's highest, which is 1, shape (n, K); 2 ulp, however small."""
    found = np.empty(logits.shape)
    for piece in _exponentials(logits):
        found[piece.rows].T[:] = piece.growth
    return found


@shared
def softmax(logits: Array) -> tuple[Array, Array]:
    """Each class's probability and what it lacks of 1, (n, K); 4 ulp each, near 0 too."""
    shares, lacking = np.empty(logits.shape), np.empty(logits.shape)
    for piece in _exponentials(logits):
        share, rest, largest = piece.shares()
        shares[piece.rows].T[:] = share
        np.subtract(1.0, share, out=share)
        share[largest, piece.each] = rest
        lacking[piece.rows].T[:] = share
    return shares, lacking


@shared
def squared_distance(logits: Array, label: Numbers) -> Array:
    """The squared distance of `softmax` from a row that is 1 at the label and 0 elsewhere, (n,)."""
    found = np.empty(len(logits))
    for piece in _exponentials(logits):
        share, rest, largest = piece.shares()
        own = label[piece.rows].astype(np.int64), piece.each
        share[own] = np.where(own[0] == largest, rest, 1.0 - share[own])
        found[piece.rows] = column_sum(np.square(share, out=share))
    return found
