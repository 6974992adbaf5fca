"""Outliers by the modified z-score of the residuals (Iglewicz and Hoaglin 1993), flagged once for
all losses: how many, what share of each loss they make, and each loss without them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses.context import Context, percent
from lossctl.errors import inert
from lossctl.exact import ONE, ratio
from lossctl.reductions import Reduced
from lossctl.report import Json, Part, row_name
from lossctl.rounds import Rounds, States, in_step, one_state
from lossctl.selection import median
from lossctl.spec import Spec
from lossctl.states import Specification, Sums, Top
from lossctl.terms import Deviation, Inside, LossTerms, Residual, SizeTerms, seen_through

CUT = 3.5
CONSISTENT = 0.6745  # MAD of a standard normal
MEAN_CONSISTENT = 1.253314  # sd / mean absolute deviation of a normal
GAUSSIAN = 4.652581580710801e-4  # P(|Z| > 3.5)
LISTED = 10
SAID = 3  # losses named in the sentence


@dataclass(frozen=True, slots=True)
class Outliers:
    """The flagged rows, and every loss without them."""

    count: int
    rows: int
    centre: float
    reach: float
    fallback: bool  # MAD was 0: mean absolute deviation instead
    listed: tuple[Json, ...]  # samples, furthest first
    kept: dict[str, Reduced]


def rounds(context: Context) -> Rounds[Outliers | None]:
    """None where there is no single residual per row, or residuals near float64's end."""
    if context.point is None or context.outputs > 1:
        return None
    point = context.point
    sizes = Sums(SizeTerms(0.0, point), moments=context.moments)
    asked: list[Rounds[Any]] = [
        one_state(sizes), median(Residual(point), sizes, context.like), _wholes(context)
    ]  # fmt: skip
    state, centre, wholes = yield from in_step(asked)
    if state.infinite:
        return None
    count = state.count
    deviation = Deviation(centre, point)
    spread = yield from median(deviation, count, context.like)
    fallback, mean_size = spread == 0.0, 0.0
    if fallback:
        sums = Sums(SizeTerms(centre, point))
        state = (yield (sums,))[sums]
        if state.infinite:
            return None
        mean_size = ratio(state.a, count * ONE)
    reach = CUT * robust_unit(spread, mean_size)
    if not math.isfinite(reach):
        return None
    inside, outside = (Inside(centre, reach, point, out) for out in (False, True))
    top = Top(deviation, LISTED)
    beyond = Sums(LossTerms(context.leading, None, outside))
    asked = [one_state(top), one_state(beyond)]
    asked += [_left(context, spec, wholes, inside, outside) for spec in context.specs]
    far, taken, *results = yield from in_step(asked)
    flagged = taken.count
    listed = tuple(e.sample for e in far.entries if e.score > reach)
    kept: dict[str, Reduced] = {}
    if 0 < flagged < count:
        kept = {str(spec): one for spec, one in zip(context.specs, results, strict=True)}
    return Outliers(flagged, count, centre, reach, fallback, listed, kept)


def _wholes(context: Context) -> Rounds[States]:
    """The sums over all rows that every loss asks for first."""
    first = (one for spec in context.specs for one in next(context.reduced(spec)))
    return (yield tuple(one for one in first if seen_through(one, None) is not None))


def _left(
    context: Context, spec: Spec, wholes: States, inside: Inside, outside: Inside
) -> Rounds[Reduced]:
    """A loss of the rows inside: exact sums of all rows less those of the few outside."""
    question = context.reduced(spec, inside, moments=False)
    asked = next(question)
    while True:
        less: dict[Specification, tuple[Specification, Specification]] = {}
        for one in asked:
            whole, taken = seen_through(one, None), seen_through(one, outside)
            if isinstance(whole, Sums):
                whole = replace(whole, moments=context.moments)
            if whole is not None and taken is not None and whole in wholes:
                less[one] = whole, taken
        direct = tuple(one for one in asked if one not in less)
        states = yield (*direct, *(taken for _, taken in less.values()))
        answers = {one: states[one] for one in direct}
        answers |= {one: wholes[whole].less(states[taken])
                    for one, (whole, taken) in less.items()}  # fmt: skip
        try:
            asked = question.send(answers)
        except StopIteration as stop:
            result: Reduced = stop.value
            return result


def robust_unit(spread: float, mean_size: float) -> float:
    """The size of a deviation with |modified z| = 1: from the MAD, or where that is 0 from the
    mean absolute deviation."""
    return spread / CONSISTENT if spread > 0.0 else MEAN_CONSISTENT * mean_size


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
    expectation = f"Gaussian errors: {expected:.{0 if expected >= 100 else 1}f}"
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
    spread = "robust deviations"
    if found.fallback:
        spread = "mean absolute deviations (the median one is 0)"
    if not found.count:
        text = f"none beyond 3.5 {spread} ({expectation} of {found.rows})"
        return Part("outliers", text, data)
    text = f"{found.count} of {found.rows} beyond 3.5 {spread} ({expectation})"
    leading = str(context.leading)
    makers = {
        s: spec
        for spec, s in sorted(share.items(), key=lambda pair: pair[0] == leading)
        if s is not None and s > 0
    }  # of equal shares (the RMSE's are the MSE's) one is said
    ordered = sorted(makers.items(), key=lambda pair: pair[1] != leading)[:SAID]
    if ordered:
        text += " make " + ", ".join(f"{percent(s)} of {spec}" for s, spec in ordered)
    rooted = [spec for spec in without if spec.startswith("rmse")] or [leading]
    shown = dict.fromkeys([*rooted, *(spec for _, spec in ordered[1:])] or without)
    now = [f"{spec} {without[spec]:.4g}" for spec in shown if without.get(spec) is not None]
    if now:
        text += "; without them " + ", ".join(now)
    return Part("outliers", text, data)


def names(found: Outliers) -> list[str]:
    """What the flagged rows are called."""
    return [inert(row_name(sample["row"], sample["id"])) for sample in found.listed]
