"""Limits and margins from the data's own noise, as options to paste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from lossctl.analyses.context import Context
from lossctl.gates.increase import Critical, Increase, increase
from lossctl.gates.measured import Asked, Found
from lossctl.gates.requirement import Quantity
from lossctl.report import Column, Note, Part, Table
from lossctl.spec import Spec, written
from lossctl.student import normal_quantile

POWER = 0.8
DIGITS = 3  # significant ones of a limit; of a margin one less


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What is suggested for one loss, as options; None with the reason `why`. `caught` is the true
    change that is shown to be beyond the margin in 80 % of builds."""

    spec: Spec
    value: float | None
    limit: str | None
    margin: str | None = None
    change: Increase | None = None
    caught: float | None = None
    why: str = ""


def asked_of(specs: Sequence[Spec], *, compared: bool) -> list[Asked]:
    """Every loss by itself, and against the baseline where there is one."""
    functions = ("", "increase") if compared else ("",)
    return [Asked(Quantity(function, str(spec)), spec, None)
            for function in functions for spec in specs]  # fmt: skip


def suggestions(
    context: Context, specs: Sequence[Spec], found: Sequence[Found], critical: Critical
) -> list[Suggestion]:
    """For every loss the end of its interval as a limit, and, against a baseline, half the width of
    the interval of the change as a margin: equal models are beyond it in 2.5 % of builds, and then
    undecided."""
    count = len(specs)
    made = []
    for place, spec in enumerate(specs):
        pair = found[count + place].pair if len(found) > count else None
        change = None
        if pair is not None:
            change = increase(context, spec, pair, 0.0, spec.scaled, critical)
        made.append(_suggested(spec, found[place], change, critical))
    return made


def _suggested(spec: Spec, found: Found, change: Increase | None, critical: Critical) -> Suggestion:
    value, interval = found.reduced.value, found.reduced.interval
    limit, why = None, found.reduced.reason or found.reduced.no_interval or ""
    if value is not None and interval is not None:
        why = ""
        if spec.direction == "max":
            limit = f"--min {spec}={rounded(interval.low, up=False)}"
        elif spec.direction == "zero":
            most = max(abs(interval.low), abs(interval.high))
            limit = f"--max {spec}={rounded(most, up=True)}"
        else:
            limit = f"--max {spec}={rounded(interval.high, up=True)}"
    margin = caught = None
    if change is not None and change.decides:
        relative = spec.scaled
        size = change.decides * (100.0 if relative else 1.0)
        margin = f"--max-increase {spec}={rounded(size, up=True, digits=DIGITS - 1)}"
        margin += "%" if relative else ""
        # Beyond the margin by what is shown: the interval's half, and the power's quantile.
        half = critical(10**9, found.reduced.count)
        caught = change.decides * (2.0 + normal_quantile(POWER) / half)
    elif change is not None:
        why = why or change.doubt or "the models do not differ"
    return Suggestion(spec, value, limit, margin, change, caught, why)


def rounded(value: float, *, up: bool, digits: int = DIGITS) -> str:
    """A number to a few digits, never on the narrower side of what it was."""
    number = Decimal(repr(value))
    if not number:
        return "0"
    step = Decimal(1).scaleb(number.adjusted() - digits + 1)
    cut = (number / step).to_integral_value(ROUND_CEILING if up else ROUND_FLOOR) * step
    return written(float(cut))


def table(found: Sequence[Suggestion], *, compared: bool) -> Table:
    """A row for every loss."""
    columns = [Column("loss", "text"), Column("value", "value"), Column("limit", "text")]
    if compared:
        columns += [
            Column("margin", "text"),
            Column("change now", "shift", 2),
            Column("caught in 4 of 5", "shift", 1),
        ]
    rows = []
    for one in found:
        cells: list[object] = [one.spec.brief, one.value, one.limit]
        if compared:
            relative = one.spec.scaled
            now = None if one.change is None else one.change.change
            cells += [one.margin, _shift(now, relative), _shift(one.caught, relative)]
        rows.append(tuple(cells))
    return Table(tuple(columns), tuple(rows))


def _shift(value: float | None, relative: bool) -> dict[str, object] | None:
    return None if value is None else {"value": value, "percent": relative}


def parts(found: Sequence[Suggestion]) -> list[Part]:
    """The same as a configuration file has it."""
    keys: dict[str, list[str]] = {}
    for one in found:
        for option in filter(None, (one.limit, one.margin)):
            name, _, text = option.partition(" ")
            keys.setdefault(name.removeprefix("--"), []).append(text)
    lines = [f"{name} = [{', '.join(_quoted(one) for one in texts)}]"
             for name, texts in keys.items()]  # fmt: skip
    return (
        [Part("lossctl.toml", "under [check]: " + "; ".join(lines), {"check": keys})]
        if keys
        else []
    )


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def notes(found: Sequence[Suggestion], *, compared: bool) -> list[Note]:
    """What the numbers mean, and why some losses have none."""
    lacking: dict[str, list[str]] = {}
    for one in found:
        if one.limit is None or (compared and one.margin is None):
            what = "no limit" if one.limit is None else "no margin"
            lacking.setdefault(f"{what}: {one.why}", []).append(one.spec.brief)
    said = [Note("none", f"{', '.join(names)}: {why}") for why, names in lacking.items()]
    text = ("a margin is half the interval of the change: equal models stay within it in 39 of 40 "
            "builds, and are hardly ever called a regression")  # fmt: skip
    if not compared:
        text = ("--baseline FILE suggests margins too: how much the noise of these rows lets two "
                "models differ")  # fmt: skip
    return [*said, Note("margins", text)]


def finding(found: Sequence[Suggestion]) -> str:
    """The options on one line."""
    options = [option for one in found for option in (one.limit, one.margin) if option]
    if not options:
        return "No limit can be suggested: no loss has an interval."
    return "lossctl check ... " + " ".join(options)
