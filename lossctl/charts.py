"""Small pictures of curves: what analyses make, renderers draw and machines read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Series:
    """One curve: a value for each x of its chart, None where there is none."""

    name: str
    y: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A few curves over the same x. `marks` are places on the x axis, such as crossings; on a
    logarithmic axis (`log`) what is not above 0 is left out."""

    title: str
    x_name: str
    x: tuple[float, ...]
    series: tuple[Series, ...]
    marks: tuple[float, ...] = ()
    log: bool = False

    def __post_init__(self) -> None:
        for one in self.series:
            if len(one.y) != len(self.x):
                raise ValueError(f"a curve of {len(one.y)} values over {len(self.x)} places")
        if not all(map(math.isfinite, (*self.x, *self.marks))):
            raise ValueError("a place on the x axis of a chart is not finite")


def chart_data(chart: Chart) -> Json:
    """A chart as JSON-ready data; a value that is not finite is null."""
    return {
        "title": chart.title,
        "x_name": chart.x_name,
        "x": list(chart.x),
        "series": [
            {"name": one.name, "y": [None if v is None or not math.isfinite(v) else v
                                     for v in one.y]}
            for one in chart.series
        ],
        "marks": list(chart.marks),
        "log": chart.log,
    }  # fmt: skip


def chart_from(data: Mapping[str, Any]) -> Chart:
    """The chart that `chart_data` wrote."""
    series = tuple(Series(one["name"], tuple(one["y"])) for one in data["series"])
    return Chart(data["title"], data["x_name"], tuple(data["x"]), series, tuple(data["marks"]),
                 data["log"])  # fmt: skip
