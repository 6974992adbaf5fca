"""Outliers by the modified z-score of the residuals (Iglewicz and Hoaglin 1993), flagged once for
all losses: how many, what share of each loss they make, and each loss without them."""

from __future__ import annotations

from dataclasses import dataclass

from lossctl.analyses.context import Context, percent
from lossctl.errors import inert
from lossctl.exact import ONE, ratio
from lossctl.reductions import Reduced
from lossctl.report import Part
from lossctl.rounds import Rounds, in_step
from lossctl.selection import median
from lossctl.states import Sums, Top
from lossctl.terms import Deviation, Inside, LossTerms, Residual, SizeTerms

CUT = 3.5
CONSISTENT = 0.6745  # MAD of a standard normal
MEAN_CONSISTENT = 1.253314  # sd / mean absolute deviation of a normal
GAUSSIAN = 4.652581580710801e-4  # P(|Z| > 3.5)
LISTED = 10


@dataclass(frozen=True, slots=True)
class Outliers:
    """The flagged rows, and every loss without them."""

    count: int
    rows: int
    centre: float
    reach: float
    fallback: bool  # MAD was 0: mean absolute deviation instead
    listed: tuple[dict[str, object], ...]  # samples, furthest first
    kept: dict[str, Reduced]


def rounds(context: Context) -> Rounds[Outliers | None]:
    """None where there is no single residual per row."""
    if context.point is None or context.outputs > 1:
        return None
    count_rows = Sums(LossTerms(context.leading), context.moments)
    count = (yield (count_rows,))[count_rows].count
    centre = yield from median(Residual(context.point), count)
    deviation = Deviation(centre, context.point)
    spread = yield from median(deviation, count)
    reach, fallback = CUT * spread / CONSISTENT, spread == 0.0
    if fallback:
        sums = Sums(SizeTerms(centre, context.point))
        state = (yield (sums,))[sums]
        reach = CUT * MEAN_CONSISTENT * ratio(state.a, count * ONE)
    view = Inside(centre, reach, context.point)
    top = Top(deviation, LISTED)
    kept_rows = Sums(LossTerms(context.leading, None, view))
    states = yield (top, kept_rows)
    flagged = count - states[kept_rows].count
    listed = tuple(e.sample for e in states[top].entries if e.score > reach)
    kept: dict[str, Reduced] = {}
    if 0 < flagged < count:
        results = yield from in_step(
            context.reduced(spec, view, moments=False) for spec in context.specs
        )
        kept = {str(spec): one for spec, one in zip(context.specs, results, strict=True)}
    return Outliers(flagged, count, centre, reach, fallback, listed, kept)


def shares(found: Outliers, values: dict[str, Reduced]) -> dict[str, float | None]:
    """The share of each loss that the flagged rows make; None where shares mean nothing."""
    result: dict[str, float | None] = {}
    for spec, kept in found.kept.items():
        total = values[spec].total
        if total and kept.total is not None and kept.total >= 0:
            result[spec] = ratio(total - kept.total, total)
        else:
            result[spec] = None
    return result


def part(context: Context, found: Outliers, values: dict[str, Reduced], able: set[str]) -> Part:
    """The `outliers` paragraph."""
    expected = GAUSSIAN * found.rows
    expectation = f"Gaussian errors: {expected:.1f}" if expected < 100 else (
        f"Gaussian errors: {expected:,.0f}".replace(",", " ")
    )
    share = {spec: s if spec in able else None for spec, s in shares(found, values).items()}
    without = {spec: one.value for spec, one in found.kept.items()}
    data = {
        "method": "modified z-score",
        "cut": CUT,
        "count": found.count,
        "expected": expected,
        "centre": found.centre,
        "reach": found.reach,
        "fallback": found.fallback,
        "rows": [sample["row"] for sample in found.listed],
        "shares": share,
        "without": without,
    }
    spread = "mean absolute deviation (MAD is 0)" if found.fallback else "robust deviations"
    if not found.count:
        text = f"none beyond 3.5 {spread} ({expectation} of {found.rows})"
        return Part("outliers", text, data)
    text = f"{found.count} of {found.rows} beyond 3.5 {spread} ({expectation})"
    makers = [(spec, s) for spec, s in share.items() if s is not None and s > 0]
    makers.sort(key=lambda pair: pair[0] != str(context.leading))
    if makers:
        text += " make " + ", ".join(f"{percent(s)} of {spec}" for spec, s in makers[:4])
    now = [f"{spec} {value:.4g}" for spec, value in without.items() if value is not None]
    if now:
        text += "; without them " + ", ".join(now)
    return Part("outliers", text, data)


def names(found: Outliers) -> list[str]:
    """What the flagged rows are called."""
    return [row_name(sample) for sample in found.listed]


def row_name(sample: dict[str, object]) -> str:
    """`#17`, or the row's id."""
    return f"#{sample['row']}" if sample["id"] is None else inert(str(sample["id"]))

