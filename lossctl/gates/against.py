"""A candidate against the state or the report of an earlier run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lossctl.analyses.comparison.judged import FEWEST, placed
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.context import Context
from lossctl.analyses.digest import DigestState
from lossctl.analyses.wording import counted
from lossctl.gates.baseline import Baseline
from lossctl.gates.by_bucket import paired
from lossctl.gates.increase import Pair, outer_of
from lossctl.gates.measured import Asked, Found
from lossctl.reductions import Reduced
from lossctl.report import LossResult, Report
from lossctl.shards.file import State
from lossctl.shards.kept import Kept
from lossctl.student import t_quantile

NO_ROWS = "no rows are paired with it: give the baseline's predictions"

States = Mapping[tuple[str, str], Mapping[str, Any]]  # by a loss and a slice, and by name


def increases(every: Sequence[Asked]) -> list[Kept]:
    """What must be kept of a candidate for its increases over a state."""
    return [Kept(one.spec, one.view) for one in every
            if one.quantity.function == "increase" and one.spec is not None]  # fmt: skip


def unlike(
    baseline: Baseline, targets: DigestState, order: DigestState | None, rows: int
) -> str | None:
    """Why a candidate of such targets cannot be compared; None where it can."""
    theirs, digest = baseline.scored, baseline.targets
    if digest is None:
        return f"{baseline.name} does not say of which targets it is: make it again"
    if digest != str(targets):
        return (f"the targets changed: {baseline.name} is of {counted(theirs)} ({digest[:8]}), "
                f"these are {counted(rows)} ({str(targets)[:8]})")  # fmt: skip
    if baseline.state is not None and order is not None and baseline.state.order != order:
        return f"the rows of {baseline.name} are the same in another order, or by other ids"
    return None


def missing(found: Found, why: str) -> Found:
    """No value, for a reason."""
    return Found(
        replace(found.reduced, value=None, status="undefined", reason=why), None, found.rows
    )


def over(
    context: Context, asked: Asked, found: Found, states: States, baseline: Baseline | None,
    why: str | None, question: Question,
) -> Found:  # fmt: skip
    """What is found of a requirement of a baseline that is not read beside the candidate; `why`
    says what keeps the two from being compared, and `states` are the candidate's."""
    if why is not None:
        return missing(found, why)
    if asked.quantity.function != "increase":
        return missing(found, NO_ROWS)
    assert baseline is not None and asked.spec is not None
    if baseline.report is not None:
        return _over_report(context, asked, found, baseline.report)
    assert baseline.state is not None
    kept = Kept(asked.spec, asked.view)
    return _over_state(context, kept, found, states[kept.key], baseline.state, question)


def _over_state(
    context: Context, kept: Kept, found: Found, states: Mapping[str, Any], base: State,
    question: Question,
) -> Found:  # fmt: skip
    """An increase over a state of the same rows: paired, by the sums of buckets."""
    if kept.key not in base.kept:
        return missing(found, f"the baseline has no {' where '.join(filter(None, kept.key))}")
    before, after = base.value(kept.key), found.reduced
    for value in (before, after):
        if value.status != "ok":
            return Found(value, None, found.rows)
    pair = paired(context, kept.spec, (before, after), (dict(base.states[kept.key]), dict(states)),
                  question)  # fmt: skip
    return Found(after, pair, found.rows)


def _over_report(context: Context, asked: Asked, found: Found, base: Report) -> Found:
    """An increase over a report: its values and intervals alone, so that the errors of both are
    taken as independent. Models of the same rows err alike: the interval is too wide, not too
    short."""
    spec = asked.spec
    assert spec is not None
    told = next((one for one in base.losses if one.spec == str(spec)), None)
    if asked.view is not None or told is None:
        return missing(found, f"the baseline has no {asked.quantity.loss}"
                              f"{' of a slice' if asked.view is not None else ''}")  # fmt: skip
    if told.value is None or told.status != "ok":
        return missing(found, f"in the baseline: {told.reason or told.status}")
    if found.reduced.value is None:
        return found
    placed_values = placed([told.value, found.reduced.value], spec.direction)
    assert placed_values is not None
    before, after = placed_values
    outer = outer_of(context, spec)
    errors = [_error(told, outer), _error_of(found.reduced, outer)]
    if errors[0] is None or errors[1] is None:
        return Found(found.reduced, Pair(before, after, doubt="it has no interval"), found.rows)
    own, new = errors[0] ** 2, errors[1] ** 2
    fewest = min(told.n, found.reduced.count)
    doubt = None if fewest >= FEWEST else f"{counted(fewest)} are too few to judge"
    if told.interval is not None and not told.interval.get("trusted", True):
        doubt = "the baseline's interval is not to be trusted"
    pair = Pair(before, after, own + new, -own, own, fewest - 1, fewest, doubt)
    return Found(found.reduced, pair, found.rows)


def _error(told: LossResult, outer: str) -> float | None:
    if told.interval is None or told.value is None:
        return None
    ends = told.interval
    return _standard(told.value, ends["low"], ends["high"], ends["confidence"], told.n, outer)


def _error_of(value: Reduced, outer: str) -> float | None:
    if value.interval is None or value.value is None:
        return None
    ends = value.interval
    return _standard(value.value, ends.low, ends.high, ends.confidence, value.count, outer)


def _standard(
    value: float, low: float, high: float, confidence: float, n: int, outer: str
) -> float | None:
    """The standard error of a value from its interval, which is that of its square or logarithm
    where `outer` says so. An end that was cut off counts for nothing."""
    reach = t_quantile(0.5 + confidence / 2.0, max(n - 1, 1))
    if outer == "root":
        half = max(high * high - value * value, value * value - low * low)
        return half / reach / (2.0 * value) if value > 0.0 else None
    if outer == "exp":
        return math.log(high / value) / reach * value if value > 0.0 else None
    return max(high - value, value - low) / reach
