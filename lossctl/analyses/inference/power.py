"""What a paired test can see: the smallest difference it would show, and the rows it would need."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from lossctl.arrays import Array
from lossctl.student import normal_quantile, t_quantile

_TAIL = 40.0  # a chi-square variate is outside its range with probability below exp(-40)
_PANELS = 16
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)


def detectable(sd: float, n: int, confidence: float = 0.95, power: float = 0.8) -> float:
    """The mean of `n` differences of standard deviation `sd` that a two-sided test at `confidence`
    shows with probability `power`, by the normal distribution."""
    return _quantiles(confidence, power) * sd / math.sqrt(n)


def rows_needed(
    sd: float, difference: float, confidence: float = 0.95, power: float = 0.8
) -> float:
    """The rows, not rounded, for which `detectable` is `difference`; infinite for 0."""
    if difference == 0.0:
        return math.inf
    return (_quantiles(confidence, power) * (sd / abs(difference))) ** 2


def detectable_t(sd: float, n: int, confidence: float = 0.95, power: float = 0.8) -> float:
    """As `detectable`, of Student's test of `n` >= 2 rows: its power is that of the noncentral t
    distribution in both tails (as statsmodels' TTestPower). 1 - confidence < power < 1."""
    degrees = n - 1
    bound = t_quantile(0.5 + confidence / 2.0, degrees)

    def missing(shift: float) -> float:
        return power - t_power(shift, bound, degrees)

    low, high = 0.0, bound + normal_quantile(power) + 1.0
    while missing(high) > 0.0:
        low, high = high, 2.0 * high
    return _root(missing, low, high) * sd / math.sqrt(n)


def t_power(shift: float, bound: float, degrees: int) -> float:
    """P(|T| > bound) of the noncentral t with noncentrality `shift`."""
    return 1.0 - noncentral_t(bound, degrees, shift) + noncentral_t(-bound, degrees, shift)


def noncentral_t(t: float, degrees: int, shift: float) -> float:
    """P(T <= t) of the noncentral t distribution with `degrees` >= 1, absolute error below 1e-12.

    T = (Z + shift) / S with degrees S² chi-square distributed: the mean of Φ(t S - shift) over S,
    by Gauss and Legendre's rule on panels that follow where Φ turns from 0 to 1.
    """
    reach = math.sqrt(_TAIL / degrees)
    low = math.sqrt(max(0.0, 1.0 - 2.0 * reach))
    high = math.sqrt(1.0 + 2.0 * reach + 2.0 * reach * reach)
    breaks = [low, 1.0, high]
    if t != 0.0:
        turn, width = shift / t, 10.0 / abs(t)
        breaks += [min(max(turn + step * width, low), high) for step in (-1.0, 0.0, 1.0)]
    edges = sorted(set(breaks))
    s, weight = _panels(edges)
    # Of S - 1, and up to a constant (it is 1 at 1): nothing cancels, however many the degrees.
    from_one = s - 1.0
    log_density = degrees * (np.log1p(from_one) - from_one - from_one**2 / 2.0) - np.log(s)
    weight = weight * np.exp(log_density)
    inside = np.array([0.5 * math.erfc(-x / math.sqrt(2.0)) for x in (t * s - shift).tolist()])
    return min(1.0, float(weight @ inside / weight.sum()))


def _quantiles(confidence: float, power: float) -> float:
    return normal_quantile(0.5 + confidence / 2.0) + normal_quantile(power)


def _panels(edges: list[float]) -> tuple[Array, Array]:
    """Places and weights of the rule on each part between `edges`, cut into panels."""
    cuts = np.concatenate(
        [np.linspace(a, b, _PANELS, endpoint=False) for a, b in pairwise(edges)]
        + [np.array(edges[-1:])]
    )
    half = np.diff(cuts)[:, np.newaxis] / 2.0
    places = cuts[:-1, np.newaxis] + half * (1.0 + _NODES)
    return places.ravel(), (half * _WEIGHTS).ravel()


def _root(of: Callable[[float], float], low: float, high: float) -> float:
    """Where a continuous function of unlike signs at both ends is 0: false position, by the
    Illinois rule (Dowell and Jarratt 1971)."""
    at_low, at_high = of(low), of(high)
    side = 0
    for _ in range(100):
        if abs(high - low) <= 1e-13 * abs(high) or at_high == at_low:
            break
        middle = (low * at_high - high * at_low) / (at_high - at_low)
        found = of(middle)
        if found == 0.0:
            return middle
        if (found > 0.0) == (at_high > 0.0):
            high, at_high = middle, found
            at_low = at_low / 2.0 if side > 0 else at_low
            side = 1
        else:
            low, at_low = middle, found
            at_high = at_high / 2.0 if side < 0 else at_high
            side = -1
    return high if abs(at_high) < abs(at_low) else low
