"""Tails: RMSE / MAE against the ratio that Gaussian errors have, and Geary's test."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lossctl.analyses.context import Context
from lossctl.exact import root_ratio
from lossctl.moments import Moments, MomentsState
from lossctl.report import Part
from lossctl.rounds import Rounds
from lossctl.states import Sums, SumsState, TermsOf
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
    point = context.point
    if point is None or context.outputs > 1:
        return None
    weight = WeightColumn() if context.weighted else None
    sizes = Sums(_size(0.0, point, weight), moments=True)
    plain = Sums(ColumnTerms(Residual(point), None))
    weighted = Moments(Residual(point), weight)
    states = yield (sizes, plain if weight is None else weighted)
    size: SumsState = states[sizes]
    if weight is None:
        errors = MomentsState(size.count, size.nonzero, size.infinite, size.b, states[plain].a,
                              size.aa)  # fmt: skip
    else:
        errors = states[weighted]
    if size.infinite or errors.infinite or size.a <= 0:
        return None
    mean_size, rmse = size.mean, root_ratio(errors.wxx, errors.w)
    if mean_size == 0.0 or rmse == 0.0:
        return None
    spread = root_ratio(errors.spread, errors.w * errors.w)
    if spread == 0.0:
        return Tails(rmse / mean_size, None, None)
    centred = Sums(_size(errors.mean, point, weight))
    answer: SumsState = (yield (centred,))[centred]
    if answer.infinite:
        return Tails(rmse / mean_size, None, None)
    geary = answer.mean / spread
    return Tails(rmse / mean_size, geary, geary_z(geary, size.effective))


def _size(centre: float, point: str, weight: WeightColumn | None) -> TermsOf:
    """|residual - centre|: of plain rows the terms that others ask for too."""
    if weight is None:
        return SizeTerms(centre, point)
    return ColumnTerms(Deviation(centre, point), weight)


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
