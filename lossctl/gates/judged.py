"""What becomes of each requirement: met, violated or undecided, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lossctl.analyses.context import Context
from lossctl.analyses.inference.corrections import METHODS
from lossctl.analyses.levels import Level
from lossctl.analyses.wording import counted, listed, p_value
from lossctl.checks import Check, Outcome
from lossctl.errors import inert, quoted
from lossctl.gates.increase import Critical, Increase, increase
from lossctl.gates.measured import Asked, Found
from lossctl.gates.requirement import Requirement
from lossctl.gates.rules import Rules
from lossctl.gates.sequential import Seen
from lossctl.gates.wording import BROKEN, amount, apart, named, said, where, who
from lossctl.reductions import Reduced
from lossctl.student import t_quantile


def critical(confidence: float) -> Critical:
    """The standard errors of an interval of one look."""
    return lambda degrees, rows: t_quantile(0.5 + confidence / 2.0, max(1, degrees))


class Judge:
    """Judges requirements by what was found; `baseline` is what the baseline is called, `levels`
    are the values of the columns that slices look at."""

    def __init__(
        self,
        context: Context,
        rules: Rules,
        baseline: str,
        levels: Mapping[str, Sequence[Level]],
        look: Seen | None = None,
    ) -> None:
        self.context = context
        self.rules = rules
        self.baseline = baseline
        self.levels = levels
        self.look = look
        self.reach = critical(rules.confidence)
        if look is not None:
            margins = sum(one.quantity.function == "increase" for one in rules.requirements)
            self.reach = look.critical(rules.confidence, margins)

    def checks(
        self, asked: Sequence[Asked], found: Sequence[Found], dropped: int, read: int
    ) -> list[Check]:
        """One check for every requirement, in their order. `dropped` of `read` rows were."""
        requirements = self.rules.requirements
        changes = [self._change(*each) for each in zip(requirements, asked, found, strict=True)]
        # The p-values are those of one look; over many the intervals are corrected themselves.
        alone = [None if one is None or self.look is not None else one.p for one in changes]
        corrected = METHODS["holm"](alone)
        made = []
        for r, one, data, change, p in zip(
            requirements, asked, found, changes, corrected, strict=True
        ):
            if r.quantity.function == "dropped":
                made.append(self._dropped(r, dropped, read))
            elif data.reduced.status != "ok" or data.reduced.value is None or (
                r.quantity.function == "increase" and change is None
            ):  # fmt: skip
                made.append(self._unknown(r, one, data))
            elif r.quantity.function == "increase":
                made.append(self._increase(r, one, data, change, p))
            else:
                made.append(self._plain(r, one, data))
        return made

    def _change(self, one: Requirement, asked: Asked, found: Found) -> Increase | None:
        if found.pair is None or asked.spec is None:
            return None
        if self.look is not None and self.look.why is not None:
            return None
        return increase(self.context, asked.spec, found.pair, one.limit, one.percent, self.reach)

    def _said(self, one: Requirement, asked: Asked | None) -> str:
        down = asked is not None and asked.spec is not None and asked.spec.direction == "max"
        return said(one, self.baseline, down)

    def _check(
        self,
        one: Requirement,
        asked: Asked | None,
        outcome: Outcome,
        value: float | None,
        why: str,
        **more: Any,
    ) -> Check:
        return Check(
            str(one), self._said(one, asked), outcome, one.warning, one.source, value, one.limit,
            one.percent, one.quantity.function == "increase", why, **more,
        )  # fmt: skip

    def _dropped(self, one: Requirement, dropped: int, read: int) -> Check:
        value = (dropped / read if read else 0.0) if one.percent else float(dropped)
        met = one.holds(value)
        why = f"{dropped} of {read} rows are dropped"
        return self._check(one, None, "met" if met else "violated", value, why, n=read)

    def _unknown(self, one: Requirement, asked: Asked, found: Found) -> Check:
        """No value: that is never a pass."""
        if self.look is not None and self.look.why is not None and found.pair is not None:
            found = replace(found, reduced=Reduced(None, "undefined", self.look.why))
        reason = found.reduced.reason or found.reduced.status
        if asked.view is not None and not found.reduced.count:
            reason = self._no_rows(asked)
        text = f"{named(one.quantity, self.baseline)}{where(one.quantity)} has no value: {reason}"
        return self._check(
            one, asked, "undecided", None, text, n=found.reduced.count, rows=found.rows
        )

    def _no_rows(self, asked: Asked) -> str:
        """Which values there are instead."""
        told = []
        for one in asked.quantity.where:
            known = self.levels.get(one.column, ())
            texts = [quoted(level) if isinstance(level, str) else str(level) for level in known]
            told.append(f"{inert(one.column)} is {listed(texts, 5)}" if texts else "")
        return "; ".join(["no row is in the slice", *filter(None, told)])

    def _plain(self, one: Requirement, asked: Asked, found: Found) -> Check:
        """A value against its limit."""
        value, function = found.reduced.value, one.quantity.function
        assert value is not None
        count = found.reduced.count
        if function == "regressed_rows" and one.percent:
            value = value / count if count else 0.0
        met = one.holds(value)
        said_of = named(one.quantity, self.baseline) + where(one.quantity)
        left, right = apart(value, one.limit, one.percent)
        why = f"{said_of} {'are' if function in ('rows', 'regressed_rows') else 'is'} {left}"
        why += f", within {right}" if met else f", {BROKEN[one.comparison]} {right}"
        outcome: Outcome = "met" if met else "violated"
        if function == "rows" and not met:
            outcome, why = "undecided", f"{counted(count)}{where(one.quantity)}: too few to judge"
        elif not met:
            why += who(found.rows)
        interval = found.reduced.interval
        ends = None if interval is None else {"low": interval.low, "high": interval.high,
                                              "confidence": interval.confidence}  # fmt: skip
        return self._check(one, asked, outcome, value, why, interval=ends, n=count, rows=found.rows)

    # --- against a baseline -------------------------------------------------------------------

    def _increase(
        self, one: Requirement, asked: Asked, found: Found, change: Increase | None, p: float | None
    ) -> Check:
        assert asked.spec is not None and change is not None
        outcome, noise, shown = self._outcome(one, change, p)
        why = self._why(one, asked, change, outcome, p)
        if outcome == "violated" or (outcome == "undecided" and change.doubt is not None):
            why += who(found.rows)
        ends = None if change.low is None else {
            "low": change.low, "high": change.high, "trusted": change.doubt is None,
            "percent": one.percent, "confidence": self.rules.confidence,
        }  # fmt: skip
        return self._check(
            one, asked, outcome, change.change, why, interval=ends, noise=noise, shown=shown,
            p=change.p, decides=change.decides, n=found.reduced.count, rows=found.rows,
        )  # fmt: skip

    def _outcome(
        self, one: Requirement, change: Increase, p: float | None
    ) -> tuple[Outcome, bool, bool | None]:
        """What becomes of it, whether noise could explain it, and whether what is met is shown."""
        value = change.change
        within = not change.above if value is None else one.holds(value)
        if self.rules.naive:
            return ("met" if within else "violated"), False, None
        if not within:
            sure = change.beyond and (p is None or p < 1.0 - self.rules.confidence)
            return ("violated", False, None) if sure else ("undecided", True, None)
        if self.rules.strict and not change.inside:
            return "undecided", True, False
        return "met", False, change.inside

    def _why(
        self, one: Requirement, asked: Asked, change: Increase, outcome: str, p: float | None
    ) -> str:
        assert asked.spec is not None
        down = asked.spec.direction == "max"
        name = one.quantity.loss + where(one.quantity)
        if change.change is None:
            text = f"{name} is above 0, and {self.baseline}'s is 0"
        else:
            size = abs(change.change)
            worse = change.change >= 0.0
            side = "below" if worse == down else "over" if worse else "under"
            side = "over" if down and not worse else side
            text = f"{name} is {apart(size, abs(one.limit), one.percent)[0]} {side} {self.baseline}"
        if self.rules.naive:
            return text
        if outcome == "violated":
            return f"{text}, beyond {amount(one.limit, one.percent)}{_surely(change, one)}"
        if change.doubt is not None and change.low is None:
            return f"{text}; how surely is not known: {change.doubt}"
        if change.doubt is not None:
            return f"{text}, and {change.doubt}"
        if outcome == "met":
            if change.inside:
                return f"{text}, shown to be within {amount(one.limit, one.percent)}"
            return f"{text}; that it is within {amount(one.limit, one.percent)} is not shown"
        if change.change is not None and one.holds(change.change):
            return f"{text}; that it is within {amount(one.limit, one.percent)} is not shown"
        if change.low is None:
            return f"{text}, and how surely is not known"
        if change.beyond:
            return f"{text}, which is not sure among so many margins ({p_value(p or 0.0)})"
        if change.low > 0.0:
            return f"{text}, but noise could explain all above {amount(change.low, one.percent, 2)}"
        return f"{text}, but noise could explain all of it"


def _surely(change: Increase, one: Requirement) -> str:
    """` (surely above 4.1 %)`."""
    if change.low is None:
        return ""
    return f" (surely above {amount(change.low, one.percent, 2)})"
