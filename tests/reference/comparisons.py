"""Expected against found: one number (or word) at a time."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TOLERANCE = re.compile(r"_tol(_relative_to_width)?$")

SPECIAL = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True)
class Comparison:
    """What a case expects in one place, and what lossctl gave."""

    place: str
    expected: Any
    got: Any
    rtol: float = 0.0
    atol: float = 0.0
    ulps: int = 0

    @property
    def holds(self) -> bool:
        want, got = special(self.expected), special(self.got)
        if not (_is_number(want) and _is_number(got)):
            return type(want) is type(got) and bool(want == got)
        want, got = float(want), float(got)
        if math.isnan(want) or math.isnan(got):
            return math.isnan(want) and math.isnan(got)
        if math.isinf(want) or math.isinf(got) or want == got:
            return want == got
        if abs(_ordinal(got) - _ordinal(want)) <= self.ulps:
            return True
        return abs(got - want) <= self.atol + self.rtol * abs(want)

    def __str__(self) -> str:
        return f"{self.place}: expected {self.expected!r}, got {self.got!r}"


def special(value: Any) -> Any:
    """`value`, the words nan, inf and -inf as floats, NumPy's numbers as Python's."""
    if isinstance(value, str):
        return SPECIAL.get(value, value)
    return value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value


def compare(place: str, expected: Any, got: Any, rtol: float, atol: float) -> Iterator[Comparison]:
    """Comparisons of every leaf of `expected` with the same place in `got`.

    `X_tol` in a dict is the tolerance of the values beside it whose names begin with X, and
    `X_tol_relative_to_width` that of intervals, by their width. What alone says `error` must be one
    there too, in words of its own.
    """
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            yield Comparison(place, expected, got)
            return
        if set(expected) == {"error"} and set(got) == {"error"}:
            yield Comparison(place, "error", "error" if isinstance(got["error"], str) else got)
            return
        for key, value in expected.items():
            if not _TOLERANCE.search(key):
                rel, absolute = _tolerance(expected, key, rtol, atol)
                yield from compare(f"{place}.{key}", value, got.get(key, "nothing"), rel, absolute)
    elif isinstance(expected, list):
        found = list(got) if hasattr(got, "__iter__") and not isinstance(got, str) else None
        if found is None or len(found) != len(expected):
            yield Comparison(place, expected, got)
            return
        for index, (want, have) in enumerate(zip(expected, found, strict=True)):
            yield from compare(f"{place}[{index}]", want, have, rtol, atol)
    else:
        yield Comparison(place, expected, got, rtol, atol)


def _tolerance(beside: dict[str, Any], key: str, rtol: float, atol: float) -> tuple[float, float]:
    for name, size in beside.items():
        if _TOLERANCE.search(name) and key.startswith(_TOLERANCE.sub("", name)):
            if name.endswith("_width"):
                low, high = beside[key]
                return 0.0, size * (high - low)
            return size, size
    return rtol, atol


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _ordinal(value: float) -> int:
    """The position of a float64 among all float64 values."""
    bits: int = struct.unpack("<q", struct.pack("<d", value))[0]
    return bits if bits >= 0 else -(1 << 63) - bits
