"""Several models' values of one loss, and how surely they differ: the delta method on exact second
moments, paired row by row."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import ONE, UNIT, Exact, exact, ratio
from lossctl.gram import GramState
from lossctl.reductions.reduced import Slope


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a model's value that depends on one of the terms of a Gram matrix; `share`: how
    much it counts."""

    model: int
    place: int
    slope: Slope
    share: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """The standard error of every difference of two models' values, (M, M), the covariance of
    the differences from the first one's, (M, M), whose first row and column are 0, every model's
    `own` standard error, (M,), and the covariance of each difference with the first one's value,
    `shared`, (M,).

    `units` of the `rows` are independent; in time, but for `lags` neighbours. `wider`: how many
    times as large the largest error is with as many neighbours as the rows show.
    """

    errors: Array
    covariance: Array
    degrees: int
    own: Array
    shared: Array
    rows: int
    units: int
    lags: int = 0
    wider: float = 1.0


def spread_of(
    state: GramState, pieces: Sequence[Piece], models: int, offset: tuple[float, float] = (0.0, 0.0)
) -> Spread | None:
    """The joint spread of `models` values that depend smoothly on sums; None where a sum is not
    finite, nothing divides, or fewer than two rows weigh anything.

    A row's influence on a value g(A / B) is g' (a - A/B b) / B; the variance of a difference of
    values is n / (n - 1) times the sum of the squares of the differences of influences. All of it
    is exact up to the last rounding, so that models that differ little lose no digits.
    """
    rows = min(state.counted[piece.place] for piece in pieces)
    if rows < 2 or any(state.infinite[piece.place] for piece in pieces):
        return None
    held = [_Held.of(state, piece, offset) for piece in pieces]
    if any(one.b <= 0 for one in held):
        return None
    own: list[list[tuple[Fraction, int]]] = [[] for _ in range(models)]
    for place, piece in enumerate(pieces):
        own[piece.model].append((Fraction(piece.slope.by * piece.share), place))
    products = _influences(state, held, rows)
    factor = Fraction(rows, rows - 1)

    def product(plus: int, minus: int, other: int, less: int) -> Fraction:
        """The covariance of the differences of two and of two models' values."""
        left = [*own[plus], *((-by, place) for by, place in own[minus])]
        right = [*own[other], *((-by, place) for by, place in own[less])]
        return _cross(left, right, products) * factor

    errors, covariance = np.zeros((models, models)), np.zeros((models, models))
    for one in range(models):
        for other in range(one):
            variance = product(one, other, one, other)
            errors[one, other] = errors[other, one] = _root(variance)
            if other == 0:
                covariance[one, one] = _float(variance)
            else:
                covariance[one, other] = covariance[other, one] = _float(product(one, 0, other, 0))
    each = [_cross(side, side, products) for side in own]
    own_errors = np.array([_root(one * factor) for one in each])
    shared = np.array([_float((_cross(side, own[0], products) - each[0]) * factor) for side in own])
    return Spread(errors, covariance, rows - 1, own_errors, shared, rows, rows)


def _cross(
    left: Sequence[tuple[Fraction, int]],
    right: Sequence[tuple[Fraction, int]],
    products: Sequence[Sequence[Fraction]],
) -> Fraction:
    """The sum of products of two values' influences."""
    return sum((x * y * products[i][j] for x, i in left for y, j in right), Fraction(0))


def influence(
    state: GramState, piece: Piece, offset: tuple[float, float]
) -> tuple[float, float] | None:
    """A row's influence is x (a - y b): x and y of a piece; None where float64 cannot hold them."""
    held = _Held.of(state, piece, offset)
    if held.b <= 0:
        return None
    try:
        return piece.slope.by * piece.share / ratio(held.b, ONE), ratio(held.a, held.b)
    except (OverflowError, ZeroDivisionError):
        return None


@dataclass(frozen=True, slots=True)
class _Held:
    """One piece's sums: with what no row brings, and the places of its columns."""

    a: Exact
    b: Exact
    rows_a: Exact
    rows_b: Exact
    at: int  # of a among the columns of the Gram matrix
    by: int  # of b

    @classmethod
    def of(cls, state: GramState, piece: Piece, offset: tuple[float, float]) -> _Held:
        a, last = state.a(piece.place), len(state.products) - 1
        if piece.slope.by_rows:
            b = state.count * ONE
            return cls(a, b, a, b, 2 * piece.place, last)
        b = state.b(piece.place)
        more = exact(offset[0]), exact(offset[1])
        return cls(a + more[0], b + more[1], a, b, 2 * piece.place, 2 * piece.place + 1)


def _influences(state: GramState, held: Sequence[_Held], rows: int) -> list[list[Fraction]]:
    """The sums of products of any two pieces' influences (a - A/B b) / B, less those of their
    means, which are 0 but for what no row brings."""
    bits = 0
    for row in state.products:
        for value in row:
            bits |= value
    for one in held:
        bits |= one.a | one.b
    zeros = min((bits & -bits).bit_length() - 1, UNIT)  # ordinary sums end in thousands of zeros
    unit = UNIT - zeros
    cut = [[value >> zeros for value in row] for row in state.products]
    short = [(one.a >> zeros, one.b >> zeros) for one in held]
    drift = [
        Fraction((one.rows_a >> zeros) * b - a * (one.rows_b >> zeros), b * b)
        for one, (a, b) in zip(held, short, strict=True)
    ]
    products = [[Fraction(0)] * len(held) for _ in held]
    for i, one in enumerate(held):
        a, b = short[i]
        for j, other in enumerate(held[: i + 1]):
            c, d = short[j]
            total = (
                b * d * cut[one.at][other.at]
                - b * c * cut[one.at][other.by]
                - a * d * cut[one.by][other.at]
                + a * c * cut[one.by][other.by]
            )
            found = Fraction(total << unit, (b * d) ** 2) - drift[i] * drift[j] / rows
            products[i][j] = products[j][i] = found
    return products


def _root(variance: Fraction) -> float:
    """Its square root; infinity where float64 cannot hold the variance."""
    return math.sqrt(_float(variance)) if variance > 0 else 0.0


def _float(value: Fraction) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.copysign(math.inf, value)
