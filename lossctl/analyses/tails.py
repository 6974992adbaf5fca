"""Tails: RMSE / MAE against the ratio that Gaussian errors have, and Geary's test."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lossctl.analyses.context import Context
from lossctl.exact import ONE, ratio, root_ratio
from lossctl.moments import Moments, MomentsState
from lossctl.report import Part
from lossctl.rounds import Rounds
from lossctl.states import Sums, SumsState
from lossctl.terms import ColumnTerms, Deviation, Residual, SizeTerms, WeightColumn

GAUSSIAN_RATIO = math.sqrt(math.pi / 2)
BIASED = 0.05  # of the ratio: what bias makes of it
GEARY_MEAN = math.sqrt(2 / math.pi)
GEARY_SD = math.sqrt(1 - 3 / math.pi)


@dataclass(frozen=True, slots=True)
class Tails:
    """`ratio` is RMSE / MAE; `geary` mean|e| / sd(e) of the centred residuals, `z` its test."""

    ratio: float
    geary: float | None
    z: float | None


def rounds(context: Context) -> Rounds[Tails | None]:
    """None where there is no residual, no error at all, or a residual is not finite.

    With weights the moments are weighted, as RMSE and MAE are, and z counts Kish's effective rows.
    """
    if context.point is None or context.outputs > 1:
        return None
    if context.weighted:
        return (yield from _weighted(context.point))
    sizes = Sums(SizeTerms(0.0, context.point), moments=True)
    signed = Sums(ColumnTerms(Residual(context.point), None))
    states = yield (sizes, signed)
    size: SumsState = states[sizes]
    if size.infinite or size.a <= 0:
        return None
    rows, total = size.b, states[signed].a
    mean_size = ratio(size.a, rows)
    rmse = root_ratio(size.aa, rows)
    if mean_size == 0.0 or rmse == 0.0:
        return None
    spread = root_ratio(size.aa * rows - total * total, rows * rows)
    if spread == 0.0:
        return Tails(rmse / mean_size, None, None)
    centred = Sums(SizeTerms(states[signed].mean, context.point))
    answer = (yield (centred,))[centred]
    if answer.infinite:
        return Tails(rmse / mean_size, None, None)
    geary = ratio(answer.a, rows) / spread
    return Tails(rmse / mean_size, geary, geary_z(geary, size.count))


def _weighted(point: str) -> Rounds[Tails | None]:
    weight = WeightColumn()
    sizes = Sums(ColumnTerms(Deviation(0.0, point), weight), moments=True)
    signed = Moments(Residual(point), weight)
    states = yield (sizes, signed)
    size: SumsState = states[sizes]
    moments: MomentsState = states[signed]
    if size.infinite or moments.infinite or size.a <= 0 or moments.wxx <= 0:
        return None
    ratio_of = root_ratio(moments.wxx, moments.w) / size.mean
    spread = root_ratio(moments.spread, moments.w * moments.w)
    if spread == 0.0:
        return Tails(ratio_of, None, None)
    centred = Sums(ColumnTerms(Deviation(moments.mean, point), weight))
    answer: SumsState = (yield (centred,))[centred]
    if answer.infinite:
        return Tails(ratio_of, None, None)
    geary, effective = answer.mean / spread, ratio(size.b * size.b, size.bb * ONE)
    return Tails(ratio_of, geary, geary_z(geary, effective))


def geary_z(geary: float, count: float) -> float:
    """Geary's statistic in standard deviations from what Gaussian errors give (Geary 1935)."""
    return math.sqrt(count) * (geary - GEARY_MEAN) / GEARY_SD


def part(found: Tails) -> Part:
    """The `tails` line."""
    data = {"ratio": found.ratio, "gaussian": GAUSSIAN_RATIO, "geary": found.geary, "z": found.z}
    text = f"rmse/mae {found.ratio:.3f}"
    if found.geary and abs(1.0 / found.geary - found.ratio) > BIASED:
        text += f", of the errors less their mean {1.0 / found.geary:.3f}"
    text += " (Gaussian 1.253)"
    if found.z is not None and abs(found.z) > 1.96:
        shape = "heavier" if found.z < 0 else "lighter"
        text += f": {shape} tails than Gaussian (z {found.z:.1f})"
    return Part("tails", text, data)
