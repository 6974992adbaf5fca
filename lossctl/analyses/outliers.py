"""Outliers, flagged once for all losses by one rule (see `fences`): how many, what share of each
loss they make, and each loss without them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses import fences as fences_of
from lossctl.analyses.context import Context, percent
from lossctl.analyses.fences import CUT, Fences
from lossctl.batch import View
from lossctl.exact import ratio
from lossctl.reductions import Reduced
from lossctl.report import Json, Part, said_name
from lossctl.rounds import Rounds, States, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import Specification, Sums, Top
from lossctl.terms import LossTerms, seen_through

LISTED = 10
SAID = 3  # losses named in the sentence


@dataclass(frozen=True, slots=True)
class Outliers:
    """The flagged rows, and every loss without them."""

    count: int
    fences: Fences
    listed: tuple[Json, ...]  # samples, furthest first
    kept: dict[str, Reduced]

    @property
    def rows(self) -> int:
        return self.fences.rows


def rounds(context: Context) -> Rounds[Outliers | None]:
    """None where there are no fences."""
    asked: list[Rounds[Any]] = [fences_of.rounds(context), _wholes(context)]
    fences, wholes = yield from in_step(asked)
    if fences is None:
        return None
    inside, outside = fences.view(False), fences.view(True)
    top = Top(fences.score, LISTED)
    beyond = Sums(LossTerms(context.leading, None, outside))
    asked = [one_state(top), one_state(beyond)]
    asked += [_left(context, spec, wholes, inside, outside) for spec in context.specs]
    far, taken, *results = yield from in_step(asked)
    flagged = taken.nonzero if context.weighted else taken.count
    listed = tuple(e.sample for e in far.entries if e.score > fences.cut)
    kept: dict[str, Reduced] = {}
    if 0 < flagged < fences.rows:
        kept = {str(spec): one for spec, one in zip(context.specs, results, strict=True)}
    return Outliers(flagged, fences, listed, kept)


def _wholes(context: Context) -> Rounds[States]:
    """The sums over all rows that every loss asks for first."""
    first = (one for spec in context.specs for one in next(context.reduced(spec)))
    return (yield tuple(one for one in first if seen_through(one, None) is not None))


def _left(
    context: Context, spec: Spec, wholes: States, inside: View, outside: View
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
    fences = found.fences
    share = {spec: s if spec in able else None for spec, s in shares(found, values).items()}
    without = {spec: one.value for spec, one in found.kept.items()}
    data = {
        "rule": fences.rule,
        "method": _METHODS[fences.rule],
        "cut": CUT if fences.rule == "mad" else None,
        "count": found.count,
        "expected": None if fences.share is None else fences.share * found.rows,
        "centre": fences.centre,
        "low": _known(fences.low),
        "high": _known(fences.high),
        "reach": fences.reach,
        "fallback": fences.fallback,
        "rows": [sample["row"] for sample in found.listed],
        "shares": share,
        "without": without,
    }
    if fences.skew is not None:
        data |= {"medcouple": fences.skew, "medcouple_error": fences.error}
    text = _counted(found)
    if not found.count:
        return Part("outliers", text, data)
    leading = str(context.leading)
    makers = {
        s: spec
        for spec, s in sorted(share.items(), key=lambda pair: pair[0] == leading)
        if s is not None and s > 0
    }  # of equal shares (the RMSE's are the MSE's) one is said
    ordered = sorted(makers.items(), key=lambda pair: pair[1] != leading)[:SAID]
    if ordered:
        text += f" {'makes' if found.count == 1 else 'make'} " + ", ".join(
            f"{percent(s)} of {spec}" for s, spec in ordered
        )
    rooted = [spec for spec in without if spec.startswith("rmse")] or [leading]
    shown = dict.fromkeys([*rooted, *(spec for _, spec in ordered[1:])] or without)
    now = [f"{spec} {without[spec]:.4g}" for spec in shown if without.get(spec) is not None]
    if now:
        text += f"; without {'it' if found.count == 1 else 'them'} " + ", ".join(now)
    return Part("outliers", text, data)


_METHODS = {
    "mad": "modified z-score", "iqr": "Tukey's fences", "adjusted": "adjusted box plot",
    "esd": "generalised ESD",
}  # fmt: skip


def _counted(found: Outliers) -> str:
    """`7 of 442 beyond 3.5 robust deviations (Gaussian errors: 0.2)`."""
    fences, of = found.fences, ""
    if fences.share is not None:
        expected = fences.share * found.rows
        of = f"Gaussian errors: {expected:.{0 if expected >= 100 else 1}f}"
    few = f"{found.count} of {found.rows}" if found.count else "none"
    if not found.count and of:
        of += f" of {found.rows}"
    if fences.rule == "mad":
        spread = "robust deviations"
        if fences.fallback:
            spread = "mean absolute deviations (the median one is 0)"
        return f"{few} beyond 3.5 {spread} ({of})"
    if fences.rule == "esd":
        few = few if found.count else f"none of {found.rows}"
        return f"{few} taken away by the generalised ESD test at 5 %"
    about = "~" if fences.error is not None else ""
    stand = f"{about}{fences.low:.4g} to {about}{fences.high:.4g}"
    if fences.low == fences.high:
        of = f"the quartiles are equal; {of}"
    if fences.skew is None:
        return f"{few} outside Tukey's fences, {stand} ({of})"
    skew = f"medcouple {about}{fences.skew:.2f}"
    return f"{few} outside the adjusted fences, {stand} ({skew}; {of})"


def _known(fence: float) -> float | None:
    return fence if math.isfinite(fence) else None


def names(found: Outliers) -> list[str]:
    """What the flagged rows are called."""
    return [said_name(sample["row"], sample["id"]) for sample in found.listed]
