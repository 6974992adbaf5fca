"""Quantiles that are not where they should be: how many targets lie below each, and the shift that
puts it there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.advice.evidence import Sampled
from lossctl.analyses.advice.honest import LEAST, Gain, gain, how
from lossctl.analyses.advice.location import quantile
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.significance import normal_p
from lossctl.analyses.wording import change, p_value
from lossctl.arrays import Array, Mask

FEWEST = 50  # rows
OFF = 3.0  # standard errors by which a share of targets is surely not the level


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """Targets `y` (n,) and predictions (n, K) of their quantiles at `levels`, which rise."""

    sample: Sampled
    y: Array
    pred: Array
    levels: tuple[float, ...]
    taken: str = ""  # how the levels were told, where the columns do not say them


@dataclass(frozen=True, slots=True)
class _Level:
    """One of them: the share of targets below it, how surely that is wrong, and what a shift to
    the right place saves."""

    level: float
    below: float
    z: float
    shift: float
    saved: Gain

    @property
    def name(self) -> str:
        return f"the {self.level:g} quantile"


def coverage(rows: Quantiles) -> Advice | None:
    """`add 12.3 to the 0.9 quantile: 83 % of targets lie below it: its pinball 6.2 → 5.8`."""
    if rows.sample.rows < FEWEST:
        return None
    found = [one for place in range(len(rows.levels)) if (one := _level(rows, place)) is not None]
    wrong = [one for one in found if one.shift and (one.saved.sure or _misses(one))]
    if not wrong:
        return _as_they_are(rows, found)
    wrong.sort(key=lambda one: -one.saved.share)
    first, mark = wrong[0], rows.sample.mark
    said = [_said(one, mark) for one in wrong]
    text = f"{'; '.join(said)} ({how(first.saved, rows.sample.rows)}){_taken(rows)}"
    below = f"{mark}{100 * first.below:.3g} % of targets lie below it, not {100 * first.level:g} %"
    finding = f"{_do(first).capitalize()}: {below}{_taken(rows)}."
    worth = 70.0 if first.saved.share >= 0.05 else 25.0
    share = max(first.saved.share, 0.0)
    return Advice("coverage", _do(first), text, finding, worth, gain=share, p=normal_p(first.z),
                  data=_data(found))  # fmt: skip


def crossing(rows: Quantiles) -> Advice | None:
    """Rows whose quantiles are not in order: sorted, they lose nothing (Chernozhukov,
    Fernández-Val and Galichon 2010)."""
    crossed = np.flatnonzero((np.diff(rows.pred, axis=1) < 0.0).any(axis=1))
    if not crossed.size:
        return None
    weight, mark = rows.sample.weight / rows.sample.weight.sum(), rows.sample.mark
    before, after = (
        math.fsum(float((weight * _pinball(rows.y, q, level)).sum())
                  for q, level in zip(pred.T, rows.levels, strict=True)) / len(rows.levels)
        for pred in (rows.pred, np.sort(rows.pred, axis=1))
    )  # fmt: skip
    count = f"{mark}{crossed.size} of {rows.sample.rows} rows"
    have = "has" if crossed.size == 1 else "have"
    text = (
        f"sort the quantiles of each row: {count} ({rows.sample.names(crossed)}) {have} a higher "
        f"quantile below a lower one; pinball {mark}{before:.4g} → {mark}{after:.4g}"
    )
    finding = f"Sort the quantiles of each row: in {count} a higher one lies below a lower one."
    share = 1.0 - after / before if before else 0.0
    data = {"rows": int(crossed.size), "before": before, "after": after}
    worth = 60.0 if crossed.size < rows.sample.rows / 2 else 95.0  # else in the wrong order
    return Advice("crossing", "sort each row", text, finding, worth, gain=share, data=data)


def _level(rows: Quantiles, place: int) -> _Level | None:
    y, q, level, weight = rows.y, rows.pred[:, place], rows.levels[place], rows.sample.weight
    total = float(weight.sum())
    under, upto = (float(weight[lies].sum()) / total for lies in (y < q, y <= q))
    below = min(max(level, under), upto)  # a target on the quantile may be on either side
    count = total * total / float(np.square(weight).sum())
    error = math.sqrt(level * (1.0 - level) / count)
    z = (below - level) / error if error > 0.0 else 0.0

    def after(fitted: Mask, scored: Mask) -> Array:
        shift = quantile(y[fitted] - q[fitted], level, weight[fitted])
        return _pinball(y[scored], q[scored] + shift, level)

    saved = gain(rows.sample, _pinball(y, q, level), after)
    if saved is None:
        return None
    return _Level(level, below, z, quantile(y - q, level, weight), saved)


def _taken(rows: Quantiles) -> str:
    return f"; {rows.taken}" if rows.taken else ""


def _misses(one: _Level) -> bool:
    """Whether the share below is surely not the level."""
    return abs(one.z) >= OFF


def _pinball(y: Array, q: Array, level: float) -> Array:
    error = y - q
    costs: Array = np.maximum(level * error, (level - 1.0) * error)
    return costs


def _do(one: _Level) -> str:
    by = f"{abs(one.shift):.3g}"
    return f"add {by} to {one.name}" if one.shift > 0.0 else f"subtract {by} from {one.name}"


def _said(one: _Level, mark: str) -> str:
    saved = one.saved
    gained = (
        f"({change(saved.share)})" if saved.share >= LEAST else "(which hardly changes, so near)"
    )
    return (
        f"{_do(one)}: {mark}{100 * one.below:.3g} % of targets lie below it "
        f"({p_value(normal_p(one.z))}), pinball {mark}{saved.before:.4g} → {mark}{saved.after:.4g} "
        f"{gained}"
    )


def _as_they_are(rows: Quantiles, found: list[_Level]) -> Advice | None:
    """What speaks for the quantiles: shares that are as they should be."""
    if len(found) < len(rows.levels):
        return None
    mark = rows.sample.mark
    shares = ", ".join(f"{mark}{100 * one.below:.3g} %" for one in found)
    levels = ", ".join(f"{one.level:g}" for one in found)
    many = "quantiles" if len(found) > 1 else "quantile"
    text = (
        f"keep the {many} {levels}: {shares} of targets lie below, within {OFF:g} standard errors; "
        f"no shift makes pinball surely better ({how(found[0].saved, rows.sample.rows)})"
        f"{_taken(rows)}"
    )
    finding = (
        f"Keep these quantiles: {shares} of targets lie below the {many} {levels}{_taken(rows)}."
    )
    return Advice("coverage", "none", text, finding, 4.0, data=_data(found))


def _data(found: list[_Level]) -> dict[str, dict[str, float | bool]]:
    return {
        f"{one.level:g}": {
            "below": one.below, "z": one.z, "shift": one.shift, **one.saved.data,
        }
        for one in found
    }  # fmt: skip
