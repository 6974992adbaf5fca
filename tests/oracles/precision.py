"""Evaluate a textbook formula to 50 digits, whatever cancels inside it.

The oracles are written as the books print them, without a numerical trick. Cancellation is met by
brute force instead: the same formula is evaluated with more and more digits until two results
agree. The first step holds each input beside 1 (1 - 1e-300 is not 1); the last, 1920 digits, the
worst case that finite float64 input can make (the square of 5e-324 / 1.8e308 beside 1).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import mpmath
from mpmath import mpf

DIGITS = 50
_FURTHER_DIGITS = (240, 480, 960, 1920)

Formula = Callable[..., Any]


def to_50_digits(formula: Formula) -> Formula:
    """Wrap `formula` so that it takes any real numbers (or sequences of them), returns 50 digits.

    Numbers and sequences however nested, defaults too, become exact mpf; None, bool and str pass
    as they are. The result is one mpf, which may be inf or nan. Raises ValueError where the formula
    leaves the real line.
    """
    interface = signature(formula)

    @wraps(formula)
    def evaluated(*roles: Any, **settings: Any) -> Any:
        bound = interface.bind(*roles, **settings)
        bound.apply_defaults()
        previous = None
        first = DIGITS + 10 + _exponent([bound.args, list(bound.kwargs.values())])
        steps = [first, first + 60, *(n for n in _FURTHER_DIGITS if n > first + 60)]
        while steps:
            digits = steps.pop(0)
            with mpmath.workdps(digits):
                value = formula(
                    *(_exact(role) for role in bound.args),
                    **{name: _exact(setting) for name, setting in bound.kwargs.items()},
                )
                if isinstance(value, mpmath.mpc):
                    raise ValueError(f"{formula.__name__}{roles} is outside the domain")
                value = mpf(value)
                if mpmath.isnan(value) or (previous is not None and _agree(previous, value)):
                    break
            if value == 0 and previous == 0:
                del steps[:-1]
            previous = value
        with mpmath.workdps(DIGITS):
            return +value

    return evaluated


def _exact(value: Any) -> Any:
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    return mpf(value)


def _exponent(value: Any) -> int:
    """The largest power of ten, of either sign, in any number of nested lists."""
    if isinstance(value, list | tuple):
        return max(map(_exponent, value), default=0)
    if value is None or isinstance(value, bool | str) or not (value and mpmath.isfinite(value)):
        return 0
    return int(abs(mpmath.mag(value)) * 0.302)


def _agree(coarse: Any, fine: Any) -> bool:
    """Whether two evaluations confirm each other; two zeros may both have lost every digit."""
    if mpmath.isinf(fine) or mpmath.isinf(coarse):
        return bool(coarse == fine)
    return bool(fine != 0 and abs(coarse - fine) <= abs(fine) * mpf(10) ** -(DIGITS + 2))
