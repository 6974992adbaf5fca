"""Numbers brought near 1, so that their squares and products neither overflow nor vanish."""

from __future__ import annotations

import math

import numpy as np

from lossctl.arrays import Array


def near_one(values: Array) -> tuple[Array, int]:
    """`values` (any shape) / 2**e, and the e for which the largest of them lies in [0.5, 1).

    A power of two: nothing is rounded, and a statistic without unit is the same to its last digit
    whatever the unit of the values. e is 0 where all values are 0.
    """
    exponent = math.frexp(float(np.abs(values).max(initial=0.0)))[1]
    return np.ldexp(values, -exponent), exponent


def enlarged(value: float, exponent: int) -> float:
    """`value` * 2**exponent; infinite where float64 cannot hold it."""
    try:
        return math.ldexp(value, exponent)
    except OverflowError:
        return math.copysign(math.inf, value)
