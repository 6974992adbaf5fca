"""Divergences of rows of masses, each row's value the sum of terms that do not cancel."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from lossctl.arrays import Array, Mask, Numbers
from lossctl.numerics import (
    floating,
    in_pieces,
    pieces,
    poisson_gap,
    polynomial,
    row_sum,
    two_sum,
)
from lossctl.probabilities import log_shares, normalized, weighted_logs
from lossctl.softmax import log_softmax, softmax

Form: TypeAlias = Literal["masses", "logs", "logits"]
_FAINT = 2.0**-960  # shares below it may have lost digits, which their logarithms keep


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The distributions of one role, (n, K), and what the role holds of them."""

    values: Numbers
    form: Form
    normalize: bool
    eps: float = 0.0  # clip to [eps, 1]

    def masses(self) -> Array:
        """The masses."""
        rows = floating(self.values)
        if self.form == "logs":
            return np.exp(self.logs())
        if self.form == "logits":
            rows = softmax(rows)[0]
        elif self.normalize:
            rows = normalized(rows)
        return np.clip(rows, self.eps, 1.0) if self.eps > 0.0 else rows

    def logs(self, chosen: Any = slice(None)) -> Array:
        """The logarithms of the masses of the chosen rows."""
        rows = floating(self.values[chosen])
        if self.form == "logits" or (self.form == "logs" and self.normalize):
            logs = log_softmax(rows)
        elif self.form == "logs":
            logs = rows
        else:
            logs = log_shares(rows) if self.normalize else np.log(rows)
        return np.clip(logs, math.log(self.eps), 0.0) if self.eps > 0.0 else logs

    @property
    def exact(self) -> bool:
        """Whether each mass is given, not made of other numbers."""
        return self.form == "masses" and not self.normalize

    @property
    def whole(self) -> bool:
        """Whether each row sums to 1, but for the rounding of its masses."""
        return self.form == "logits" and self.eps == 0.0


# --- relative entropy --------------------------------------------------------------------------


def relative_entropy(first: Side, second: Side, *, generalized: bool) -> Array:
    """The sum of p ln(p / q) over each row, and with `generalized` of q - p too, in nats.

    Rows of almost equal sums are evaluated as the sum of the gaps p ln(p/q) - p + q, plus the
    difference of the sums, taken exactly. Where logarithms are given, they are used as they are.
    """
    p, q = first.masses(), second.masses()
    if "logs" in (first.form, second.form):
        value = row_sum(weighted_logs(p, first.logs() - second.logs()))
        return value + _excess(q, p)[0] if generalized else value
    held = q >= (5e-324 if first.exact and second.exact else _FAINT)
    gaps = row_sum(poisson_gap(p, np.where(held, q, 1.0)))
    impossible = np.zeros(len(p), dtype=bool)
    lone = np.flatnonzero(~held.all(axis=1))
    if len(lone):
        logs = first.logs(lone), second.logs(lone)
        gaps[lone], impossible[lone] = _faint_gaps(p[lone], q[lone], held[lone], *logs)
    if generalized or (first.normalize and first.eps == 0.0):
        return np.where(impossible, np.inf, gaps)
    one = np.broadcast_to(np.eye(1, p.shape[1]), p.shape)
    over, total = _excess(one if first.whole else p, one if second.whole else q)
    value = gaps + over
    uneven = np.flatnonzero(~(np.abs(over) <= 0.5 * total))
    if len(uneven):
        ratios = first.logs(uneven) - second.logs(uneven)
        value[uneven] = row_sum(weighted_logs(p[uneven], ratios))
    return np.where(impossible, np.inf, value)


def _faint_gaps(p: Array, q: Array, held: Mask, log_p: Array, log_q: Array) -> tuple[Array, Mask]:
    """The gaps of rows in which some q is 0 or too small for a float, and which are infinite."""
    lone = np.where(p > 0.0, np.maximum(p * (log_p - log_q) - p + q, 0.0), q)
    gaps = row_sum(np.where(held, poisson_gap(p, np.where(held, q, 1.0)), lone))
    return gaps, ((log_p > -np.inf) & (log_q == -np.inf)).any(axis=1)


def _excess(left: Array, right: Array) -> tuple[Array, Array]:
    """The sum of left - right over each row, all but rounded once; and the sum of left."""
    over, total = np.empty(len(left)), row_sum(left)
    for rows in pieces(len(left), left.shape[1]):
        gaps, lost = two_sum(left[rows], -right[rows])
        high, low = gaps[:, 0], row_sum(lost)
        for column in range(1, left.shape[1]):
            high, carried = two_sum(high, gaps[:, column])
            low = low + carried
        over[rows] = high + low
    return over, total


# --- to the middle -----------------------------------------------------------------------------

# ((1+t) ln(1+t) + (1-t) ln(1-t)) / t**2 as a polynomial in t**2, interpolated at the Chebyshev
# nodes of [0, 0.3601]; it misses by less than 1e-16 of the value.
_MIDDLE = (
    1.0, 0.16666666666666852, 0.06666666666622963, 0.03571428575482548,
    0.022222220253355154, 0.015151572775456989, 0.010987908385842297, 0.008347840056641725,
    0.006400538767783588, 0.006175828897366918, -0.00014043599332187574, 0.01943915511922056,
    -0.036562201622216635, 0.07003711475608414, -0.0687283586047615, 0.03890764519865655,
)  # fmt: skip


@in_pieces
def middle_terms(p: Array, q: Array) -> Array:
    """Half p ln(p/m) + half q ln(q/m) with m = (p + q)/2, each within 8 ulp, near p = q too.

    With t = (p - q)/(p + q) it is half m ((1+t) ln(1+t) + (1-t) ln(1-t)).
    """
    middle = 0.5 * (p + q)
    middle = np.where(np.isinf(middle), 0.5 * p + 0.5 * q, middle)
    held = middle > 0.0
    inside = np.where(held, middle, 1.0)
    t = 0.5 * ((p - q) / inside)
    near = np.abs(t) <= 0.6
    square = np.where(near, t * t, 0.0)
    series = square * polynomial(_MIDDLE, square)
    a, b = p / inside, q / inside
    far = a * np.log(np.where(a > 0.0, a, 1.0)) + b * np.log(np.where(b > 0.0, b, 1.0))
    return np.where(held, middle * (0.5 * np.where(near, series, far)), 0.0)
