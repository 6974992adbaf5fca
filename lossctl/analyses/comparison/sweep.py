"""A loss over the values of one of its settings: where another model becomes the best."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lossctl.analyses.comparison.judged import first_of
from lossctl.analyses.context import Context
from lossctl.analyses.wording import short
from lossctl.errors import UsageError
from lossctl.models import Model
from lossctl.report import Chart, Part, Series
from lossctl.rounds import Rounds, in_step
from lossctl.spec import Spec, written

POINTS = 33
FINER = 8  # parts into which the stretch of a change is cut, as often as follows
TIMES = 3
DECADE = 10.0  # a range of as much is gone through by factors
_FORM = re.compile(r"(.+[:,])?([a-z_]+)=([^,=]+?)\.\.([^,=]+?)(,.*)?")

Parse = Callable[[str], Spec]


@dataclass(frozen=True, slots=True)
class Range:
    """A loss whose `setting` goes from `low` to `high`; `before` and `after` are the rest of it."""

    before: str
    setting: str
    low: float
    high: float
    after: str

    @property
    def log(self) -> bool:
        """Whether values follow each other by factors."""
        return self.low > 0.0 and self.high / self.low >= DECADE

    def text(self, value: float) -> str:
        """The loss with one value."""
        return f"{self.before}{self.setting}={written(value)}{self.after}"

    def between(self, low: float, high: float, count: int) -> list[float]:
        """So many values, both ends among them, to six digits."""
        steps = [place / (count - 1) for place in range(count)]
        if self.log:
            ratio = math.log(high / low)
            found = [low * math.exp(ratio * step) for step in steps]
        else:
            found = [low + (high - low) * step for step in steps]
        return [low, *(float(f"{value:.6g}") for value in found[1:-1]), high]


def range_of(text: str) -> Range:
    """`huber:delta=0.1..10` parsed. Raises UsageError."""
    match = _FORM.fullmatch(text.strip())
    try:
        low, high = (float(match[place]) for place in (3, 4)) if match else (0.0, 0.0)
    except ValueError:
        low = high = 0.0
    if match is not None and match[1] is not None and -math.inf < high <= low < math.inf and high:
        raise UsageError(f"--sweep {text}: the range is {'empty' if low == high else 'reversed'}",
                         "write the lower end first")  # fmt: skip
    if match is None or match[1] is None or not -math.inf < low < high < math.inf:
        raise UsageError(f"--sweep {text} is no loss with a range", "write huber:delta=0.1..10")
    return Range(match[1], match[2], low, high, match[5] or "")


@dataclass(frozen=True, slots=True)
class Point:
    """Every model's value with one setting, and the best model; None where one has none."""

    at: float
    values: tuple[float, ...] | None
    best: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """Between two settings another model becomes the best."""

    low: float
    high: float
    first: int
    then: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """The values by setting, in order, and where the best model changes."""

    range: Range
    points: tuple[Point, ...]
    changes: tuple[Change, ...]
    label: str


def rounds(context: Context, models: Sequence[Model], asked: Range, parse: Parse) -> Rounds[Sweep]:
    """The losses of a range, finer where the best model changes. Raises UsageError for a value that
    the setting cannot have."""
    first = parse(asked.text(asked.low))
    points = yield from _points(context, models, asked, parse,
                                asked.between(asked.low, asked.high, POINTS))  # fmt: skip
    for _ in range(TIMES):
        more = [
            value
            for one in _changes(points)
            for value in asked.between(one.low, one.high, FINER + 1)[1:-1]
            if one.low < value < one.high
        ]
        known = {point.at for point in points}
        new = sorted(set(more) - known)
        if not new:
            break
        found = yield from _points(context, models, asked, parse, new)
        points = sorted([*points, *found], key=lambda point: point.at)
    return Sweep(asked, tuple(points), tuple(_changes(points)), first.loss.label)


def _points(
    context: Context, models: Sequence[Model], asked: Range, parse: Parse, at: Sequence[float]
) -> Rounds[list[Point]]:
    specs = [parse(asked.text(value)) for value in at]
    found = yield from in_step(
        context.reduced(spec, model, moments=False) for spec in specs for model in models
    )
    points = []
    for place, value in enumerate(at):
        each = found[place * len(models) : (place + 1) * len(models)]
        known = [one.value for one in each if one.status == "ok" and one.value is not None]
        values = tuple(known) if len(known) == len(models) else None
        best = None if values is None else first_of(values, specs[place].direction)
        points.append(Point(value, values, best))
    return points


def _changes(points: Sequence[Point]) -> list[Change]:
    known = [(point.at, point.best) for point in points if point.best is not None]
    return [
        Change(low, high, first, then)
        for (low, first), (high, then) in pairwise(known)
        if first != then
    ]


def part(found: Sweep, names: Sequence[str], *, curves: bool) -> Part:
    """Which model is the best from where to where."""
    asked = found.range
    where = f"{found.label} with {asked.setting} from {short(asked.low)} to {short(asked.high)}"
    known = [point.best for point in found.points if point.best is not None]
    if not known:
        text = f"{where} has no value for every model"
    elif not found.changes:
        text = f"{names[known[0]]} is best by {where}"
    else:
        said = [f"{names[found.changes[0].first]} is best up to {short(found.changes[0].low)}"]
        for change, after in zip(found.changes, [*found.changes[1:], None], strict=True):
            until = "" if after is None else f" up to {short(after.low)}"
            said.append(f"then {names[change.then]}{until}")
        text = f"{where}: {', '.join(said)}"
    data = {
        "loss": asked.text(asked.low), "setting": asked.setting,
        "points": [{"at": point.at, "best": None if point.best is None else names[point.best],
                    "values": None if point.values is None
                    else dict(zip(names, point.values, strict=True))}
                   for point in found.points],
        "changes": [{"low": one.low, "high": one.high, "from": names[one.first],
                     "to": names[one.then]} for one in found.changes],
    }  # fmt: skip
    return Part("sweep", text, data, charts=(_chart(found, names),) if curves else ())


def _chart(found: Sweep, names: Sequence[str]) -> Chart:
    """Every model's change from the first one's value."""
    at = tuple(point.at for point in found.points)
    series = []
    for number, name in enumerate(names[1:], 1):
        changes = [
            None if point.values is None or not point.values[0]
            else 100.0 * (point.values[number] - point.values[0]) / abs(point.values[0])
            for point in found.points
        ]  # fmt: skip
        series.append(Series(name, tuple(changes)))
    title = f"{found.label} less that of {names[0]}, per cent"
    marks = tuple(one.high for one in found.changes)
    return Chart(title, found.range.setting, at, tuple(series), marks, found.range.log)
