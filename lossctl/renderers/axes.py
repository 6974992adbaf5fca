"""The axes of a chart: where a value stands between two ends, and what is written at the ends."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lossctl.report import Chart

_NEARLY = 0.05  # of the larger end: a smaller one of the same sign begins the axis at 0
_DIGITS = 3
_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Axis:
    """From `low` to `high`, both finite (and above 0 where it is logarithmic)."""

    low: float
    high: float
    log: bool = False

    def at(self, value: float | None) -> float | None:
        """How far along it is, from 0 to 1; None for what is not on it."""
        if value is None or not self.low <= value <= self.high:
            return None
        ends = (self.low, self.high)
        if self.log:
            ends, value = (math.log10(self.low), math.log10(self.high)), math.log10(value)
        if ends[0] == ends[1]:
            return 0.5
        # In units of the larger end, so that no difference overflows or is lost.
        unit = -math.frexp(max(map(abs, ends)))[1]
        low, high, place = (math.ldexp(one, unit) for one in (*ends, value))
        return min(max((place - low) / (high - low), 0.0), 1.0)


def is_named(chart: Chart) -> bool:
    """Whether the curves need a legend: one alone may be what the title says."""
    return len(chart.series) != 1 or chart.series[0].name not in ("", chart.title)


def x_axis(chart: Chart) -> Axis | None:
    """The axis of all x that can stand on it; None where there are none."""
    found = [one for one in chart.x if one > 0.0 or not chart.log]
    return Axis(min(found), max(found), chart.log) if found else None


def y_axis(chart: Chart) -> Axis | None:
    """From the least to the largest value that is drawn; from 0 where the one is nearly 0."""
    found = [
        value
        for one in chart.series
        for x, value in zip(chart.x, one.y, strict=True)
        if value is not None and math.isfinite(value) and (x > 0.0 or not chart.log)
    ]
    if not found:
        return None
    low, high = min(found), max(found)
    if 0.0 < low < _NEARLY * high:
        low = 0.0
    if _NEARLY * low < high < 0.0:
        high = 0.0
    return Axis(low, high)


def has_zero(axis: Axis) -> bool:
    """Whether 0 lies between the ends."""
    return axis.low < 0.0 < axis.high


def short(values: Sequence[float]) -> list[str]:
    """The values to three digits, or to as many as tell them apart."""
    texts: list[str] = []
    for digits in range(_DIGITS, _MOST_DIGITS + 1):
        texts = [_number(value, digits) for value in values]
        if len(set(texts)) == len(set(values)):
            break
    return texts


def _number(value: float, digits: int) -> str:
    text = f"{value + 0.0:.{digits}g}"
    if "e" in text and 1.0 <= abs(value) < 1e6:
        return f"{float(text):.0f}"
    return text


def x_texts(axis: Axis) -> list[str]:
    """The ends in text: one where they are the same."""
    return short([axis.low] if axis.low == axis.high else [axis.low, axis.high])


def x_title(chart: Chart) -> str:
    """What stands along the axis."""
    return f"{chart.x_name} (log)" if chart.log else chart.x_name


def seen_marks(chart: Chart, axis: Axis) -> list[tuple[float, str]]:
    """The marks from left to right: how far along each is, and its value in text."""
    found = sorted({mark for mark in chart.marks if axis.at(mark) is not None})
    pairs = zip(found, short(found), strict=True)
    return [(place, text) for mark, text in pairs if (place := axis.at(mark)) is not None]
