"""A loss with each row of a block left out in turn, all at once: to the bit what `Reduced.without`
says of one row after another.

Most of it is float64 to twice its precision, with whole numbers for the few rows whose rounding
that leaves in doubt.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Array, Mask
from lossctl.exact import ONE, Exact, exact, ratio
from lossctl.moments import MomentsState
from lossctl.numerics import pieces
from lossctl.states import SumsState, Terms
from lossctl.twofold import Twofold, exact_of, exactly

T = TypeVar("T", bound=np.generic)

_TRUNCATED = 2.0**-68  # how far `exact.root_ratio` may round a root that it cuts off
Divisor = Literal["weights", "rows", "nonzero", "one"]
Outer = Literal["identity", "root", "exp"]


def of_sums(
    state: SumsState,
    terms: Terms,
    divisor: Divisor,
    outer: Outer,
    without: Callable[[SumsState], float | None],
) -> Array:
    """g((A - a) / (B - b)) of each row; NaN where there is no value. `without` leaves the sums of
    one row out."""
    return _by_pieces(terms, partial(_of_sums, state, divisor, outer, without))


def _by_pieces(terms: Terms, function: Callable[[Terms], Array]) -> Array:
    """A function of rows' terms, of as many at a time as fit the cache."""
    found = [
        function(
            Terms(
                [(part[place], shift) for part, shift in terms.parts],
                None if terms.b is None else terms.b[place],
                None if terms.counted is None else terms.counted[place],
            )
        )
        for place in pieces(terms.parts[0][0].shape[0])
    ]
    return found[0] if len(found) == 1 else np.concatenate([*found, np.empty(0)])


def _of_sums(
    state: SumsState,
    divisor: Divisor,
    outer: Outer,
    without: Callable[[SumsState], float | None],
    terms: Terms,
) -> Array:
    count = terms.parts[0][0].shape[0]
    counted = np.ones(1, dtype=bool) if terms.counted is None else terms.counted
    left = _total(state) - Twofold.of(_added(terms))
    below = _divisor(state, terms, divisor, counted)
    quotient = left / below
    if outer == "root":
        value, sure = quotient.root().nearest(_TRUNCATED)
    else:
        value, sure = quotient.nearest()
    if outer == "exp":
        value = np.array([_exponential(one) for one in value.tolist()])
    if state.a == 0:  # as of forecasts that are all right
        nothing = (left.high == 0.0) & (left.off == 0.0) & (below.high > below.off)
        value, sure = np.where(nothing, 1.0 if outer == "exp" else 0.0, value), sure | nothing

    def one(row: int) -> float:
        """By whole numbers."""
        own = 1 if terms.counted is None else int(terms.counted[row])
        b = own * ONE if terms.b is None else exact(float(terms.b[row]))
        nonzero = own if terms.b is None else int(terms.b[row] != 0.0)
        return exactly(without(SumsState(own, nonzero, 0, exact_of(terms.parts, row), b)))

    return _with(_filled(value, count), _filled(sure, count) & (state.count - counted > 0), one)


def _exponential(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.nan


def _total(state: SumsState) -> Twofold:
    try:
        return Twofold.of_exact(state.a)
    except OverflowError:
        return Twofold.of(np.array([math.nan]))


def _added(terms: Terms) -> Array:
    """What each row adds; infinite where float64 cannot hold it."""
    if len(terms.parts) == 1 and terms.parts[0][1] == 0:
        return terms.parts[0][0]
    # A row is in one part alone. What falls below float64's range is worked out exactly.
    total = np.zeros(terms.parts[0][0].shape)
    for part, shift in terms.parts:
        held = np.ldexp(part, shift)
        held[(np.abs(held) < 2.0**-900) & (part != 0.0)] = math.nan
        total += held
    return total


def _divisor(state: SumsState, terms: Terms, divisor: Divisor, counted: Mask) -> Twofold:
    if divisor == "one":
        return Twofold.of(np.ones(1))
    if divisor == "weights" and terms.b is not None:
        return Twofold.of_exact(state.b) - Twofold.of(terms.b)
    if divisor == "nonzero" and terms.b is not None:
        return Twofold.of(state.nonzero - (terms.b != 0.0).astype(np.float64))
    if divisor == "weights":  # an offset may have been added
        return Twofold.of_exact(state.b) - Twofold.of(np.ones(1))
    rows = state.count if divisor == "rows" else state.nonzero
    return Twofold.of(rows - counted.astype(np.float64))


def of_moments(
    one: MomentsState,
    two: MomentsState,
    columns: tuple[Array, Array],
    weight: Array | None,
    *,
    centre: bool,
    complement: bool,
    without: Callable[[MomentsState, MomentsState], float | None],
) -> Array:
    """1 - P / Q or P / Q of the sums of squares of two columns, without each row.

    Less one row a centred sum of squares S is S - w (x - m)² W / (W - w).
    """
    x, y = columns
    w = np.ones(1) if weight is None else weight
    try:
        below = _spread(two, y, w)
        above = _spread(one, x, w) if centre else _squares(one, x, w)
        ratio = (below - above) / below if complement else above / below
        value, sure = ratio.nearest()
    except (OverflowError, ZeroDivisionError):
        value, sure = np.full(x.shape, math.nan), np.zeros(x.shape, dtype=bool)
    # A sum of squares that is 0, or not surely above it, is a case of its own.
    count = x.shape[0]
    sure = _filled(sure, count) & _filled(below.high > below.off, count) if sure.any() else sure

    def single(row: int) -> float:
        own = None if weight is None else weight[row : row + 1]
        states = (_moment(x[row], own), _moment(y[row], own))
        return exactly(without(one.less(states[0]), two.less(states[1])))

    return _with(_filled(value, count), _filled(sure, count), single)


def _spread(state: MomentsState, x: Array, w: Array) -> Twofold:
    whole = Twofold.of_exact(state.spread, state.w * ONE)
    mean = Twofold.of_exact(state.wx, state.w)
    weight = Twofold.of(w)
    away = Twofold.of(x) - mean
    mass = Twofold.of_exact(state.w)
    return whole - away * away * (weight * mass / (mass - weight))


def _squares(state: MomentsState, x: Array, w: Array) -> Twofold:
    value = Twofold.of(x)
    return Twofold.of_exact(state.wxx) - value * value * Twofold.of(w)


def _moment(value: float, weight: Array | None) -> MomentsState:
    """The moments of one row."""
    x = exact(float(value))
    w = ONE if weight is None else exact(float(weight[0]))
    unit = ONE * ONE
    return MomentsState(1, int(w != 0), 0, w, w * x // ONE, w * x * x // unit)


def _with(value: Array, sure: Mask, one: Callable[[int], float]) -> Array:
    """The values, those in doubt worked out one by one."""
    doubtful = np.flatnonzero(~sure)
    if doubtful.size:
        value = value.copy()
        value[doubtful] = [one(row) for row in doubtful.tolist()]
    return value


def _filled(values: NDArray[T], count: int) -> NDArray[T]:
    """One value for all rows as one for each."""
    return np.broadcast_to(values, (count,)) if values.shape[0] != count else values


def shares(terms: Terms, total: Exact) -> Array:
    """The part of a sum > 0 that each row adds, rounded once; NaN for what is not finite."""
    return _by_pieces(terms, partial(_shares, total, _total(SumsState(a=total))))


def _shares(total: Exact, whole: Twofold, terms: Terms) -> Array:
    added = _added(terms)
    value, sure = (Twofold.of(added) / whole).nearest()
    zero = added == 0.0

    def one(row: int) -> float:
        if not all(math.isfinite(float(part[row])) for part, _ in terms.parts):
            return math.nan
        return ratio(exact_of(terms.parts, row), total)

    return _with(np.where(zero, 0.0, value), sure | zero, one)
