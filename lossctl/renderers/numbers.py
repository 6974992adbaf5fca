"""Numbers as text: significant digits, shared decimals, signs, per cent, full precision."""

from __future__ import annotations

import math
from collections.abc import Sequence

PRECISION = 4
_LARGEST = 6  # the exponent from which a value is written with one; data keep more places
_LARGEST_DATA = 12
_SMALLEST = -4


def exact(value: object) -> str:
    """A number at full precision (the shortest text that reads back), other things as text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(float(value)) if isinstance(value, float) else str(value)


def significant(value: float, precision: int = PRECISION) -> str:
    """`value` to that many significant digits: 2996, 0.4950, 1.234e+12, 0."""
    if value == 0 or not math.isfinite(value):
        return f"{abs(value) if value == 0 else value:g}"
    exponent = _exponent(value, precision)
    if not _SMALLEST <= exponent < max(_LARGEST, precision):
        return _scientific(value, precision)
    places = precision - 1 - exponent
    if places >= 0:
        return f"{value:.{places}f}"
    return f"{float(_scientific(value, precision)):.0f}"


def p_value(p: float) -> str:
    """How surprising, to two digits: 0.41, 3.7e-5, < 1e-9."""
    return "< 1e-9" if p < 1e-9 else f"{p:.2g}".replace("e-0", "e-")


def interval(low: float, high: float, precision: int = PRECISION) -> tuple[str, str]:
    """Both ends with the decimals of the larger; the upper with its sign if they differ in it."""
    model = significant(
        max((abs(end) for end in (low, high) if math.isfinite(end)), default=0), precision
    )
    return (
        _end(low, model, precision),
        ("+" if low < 0 < high else "") + _end(high, model, precision),
    )


def _end(value: float, model: str, precision: int) -> str:
    if value == 0 or not math.isfinite(value) or abs(value) >= 10**precision:
        return significant(value, precision)
    if "e" in model:
        return _scientific(value, precision)
    return f"{value:.{len(model.partition('.')[2])}f}"


def shared_decimals(values: Sequence[float], precision: int = PRECISION) -> int | None:
    """The decimals for numbers that share them; None where they need an exponent.

    As many as give the middle one (by size) its significant digits, but no more than any needs.
    """
    sizes = sorted(abs(value) for value in values if value and math.isfinite(value))
    if not sizes:
        return 0
    exponent = _exponent(sizes[len(sizes) // 2], precision)
    if exponent < _SMALLEST:
        return None
    return min(max(0, precision - 1 - exponent), max(_decimals(size) for size in sizes))


def datum(
    value: float, decimals: int | None, precision: int = PRECISION, signed: bool = False
) -> str:
    """A number of the data with those decimals; with an exponent where it is out of all size."""
    sign = "+" if signed and value > 0 else ""
    if value == 0 or not math.isfinite(value):
        return f"{value:.{decimals or 0}f}".lstrip("-") if value == 0 else f"{sign}{value}"
    exponent = _exponent(value, precision)
    if decimals is None or exponent + decimals > _LARGEST_DATA:
        return sign + _scientific(value, precision)
    return f"{sign}{value:.{decimals}f}"


def per_cent(fraction: float, decimals: int = 0, signed: bool = False) -> str:
    """A fraction as per cent: `1.8 %`; `signed` writes the plus of an increase too."""
    sign = "+" if signed and fraction > 0 else ""
    if fraction == 0:
        return "0 %"
    if abs(fraction) >= 1e4 and math.isfinite(fraction):
        from decimal import Decimal

        return f"{sign}{Decimal(fraction) * 100:.1e} %"
    text = f"{100 * fraction:.{decimals}f}"
    return "0 %" if signed and not float(text) else f"{sign}{text} %"


def _scientific(value: float, precision: int) -> str:
    return f"{value:.{precision - 1}e}"


def _exponent(value: float, precision: int) -> int:
    """The decimal exponent of `value` once it is rounded: 9.9996 is a 10."""
    return int(_scientific(value, precision).partition("e")[2])


def _decimals(value: float) -> int:
    from decimal import Decimal

    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # the value is finite
    return max(0, -exponent)
