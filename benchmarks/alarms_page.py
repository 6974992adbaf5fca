"""docs/alarms.md, from what `benchmarks.alarms` counted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from benchmarks import alarms_words, page
from benchmarks.alarms_runs import (
    ALL,
    CURVE,
    EQUAL,
    FIRST,
    LOOKS,
    POWER,
    POWER_MARGINS,
    SEQUENTIAL,
    STEPS,
    UNPAIRED,
    Key,
    scales,
)

DASH = "–"
SHARES = ("`--naive`: 1", "1", "4", "0", "`--allow-undecided`: 0", "`--strict`: 0")
EQUAL_HEADS = ("errors", "correlation", "rows", "loss", "margin", *SHARES, "bar")
FIVE_HEADS = (*EQUAL_HEADS[:3], "margin", *SHARES, "any violated", "bar")
POWER_HEADS = ("errors", "correlation", "rows", "loss", "true increase", "margin 0 %", "2 %",
               "5 %", "exit 4", "+1", "+2", "+3 of the margin's", "bar")  # fmt: skip
ALL_HEADS = ("errors", "correlation", "rows", "true increase", "1", "4", "0", "any violated", "bar")
LOOK_HEADS = ("errors", "correlation", "margin", "false alarm: fixed", "`--sequential`",
              "caught: fixed", "`--sequential`", "rows when caught", "bar")  # fmt: skip


def percent(value: float | None) -> str:
    return DASH if value is None else f"{100 * value:.1f}"


def _start(one: Any, rows: bool = True) -> list[str]:
    return [one.cell.kind, f"{one.cell.rho:g}", *([f"{one.cell.n:,}"] if rows else [])]


def _mark(failed: set[int], one: Any) -> str:
    return "**not met**" if id(one) in failed else ""


def equal(lines: Iterable[Any], failed: set[int], five: bool) -> list[list[str]]:
    """A row for every line about equal models, of one loss or of five."""
    made = []
    for one in lines:
        loss = [] if five else [one.key.loss]
        counts = ("naive", "1", "4", "0", "allowed", "strict", *(["any"] if five else []))
        shares = [percent(one.share(what)) for what in counts]
        margin = f"{100 * one.key.margin:g} %"
        made.append([*_start(one), *loss, margin, *shares, _mark(failed, one)])
    return made


def by_margin(lines: Sequence[Any]) -> list[list[str]]:
    """All lines of one margin together."""
    made = []
    for margin in dict.fromkeys(one.key.margin for one in lines):
        for five in (False, True):
            known = [o for o in lines if o.key.margin == margin and (o.key.loss == ALL) == five]
            if known:
                runs = sum(one.runs for one in known)
                counts = [sum(one.seen[what] for one in known) / runs
                          for what in ("naive", "1", "4", "0", "allowed", "strict")]  # fmt: skip
                made.append([f"{100 * margin:g} %", "five" if five else "one", f"{runs:,}",
                             *map(percent, counts)])  # fmt: skip
    return made


MARGIN_HEADS = ("margin", "losses", "builds", *SHARES)


def power(lines: Sequence[Any], failed: set[int]) -> list[list[str]]:
    """A row for every loss of a cell: what becomes of it at so many standard errors."""
    at = {(one.cell, one.key): one for one in lines}
    made = []
    for cell in dict.fromkeys(one.cell for one in lines):
        known = scales(cell)
        for loss in dict.fromkeys(key.loss for key in known if key.loss != ALL):
            last = [at.get((cell, Key(loss, margin, STEPS[-1]))) for margin in POWER_MARGINS]
            less = [at.get((cell, Key(loss, CURVE, k))) for k in STEPS[:-1]]
            near = at.get((cell, Key(loss, CURVE, STEPS[-1], False)))
            shown = at.get((cell, Key(loss, CURVE, STEPS[-1])))
            by = known[Key(loss, CURVE, STEPS[-1])]
            marks = [f"{100 * one.key.margin:g} %" for one in last if one and id(one) in failed]
            made.append([
                cell.kind, f"{cell.rho:g}", f"{cell.n:,}", loss, _increase(by),
                *(_share(one, "1") for one in last), _share(shown, "4"),
                *(_share(one, "1") for one in (*less, near)),
                f"**not met: {', '.join(marks)}**" if marks else "",
            ])  # fmt: skip
    return made


def _share(one: Any | None, what: str) -> str:
    return percent(None if one is None else one.share(what))


def _increase(by: float | None) -> str:
    return DASH if by is None else f"{100 * (by - 1.0):.1f} %"


def power_of_five(lines: Iterable[Any], failed: set[int]) -> list[list[str]]:
    return [
        [*_start(one), _increase(scales(one.cell)[one.key]),
         *(percent(one.share(what)) for what in ("1", "4", "0", "any")), _mark(failed, one)]
        for one in lines
    ]  # fmt: skip


def looks(lines: Sequence[Any], failed: set[int]) -> list[list[str]]:
    """Equal models and those that are worse, side by side."""
    at = {(one.cell, one.key): one for one in lines}
    made = []
    for one in lines:
        other = at.get((one.cell, Key("mae", one.key.margin, 1.0)))
        if one.key.k or other is None:
            continue
        when = [number * FIRST for number in range(1, LOOKS + 1)
                for _ in range(other.seen[f"sequential {number}"])]  # fmt: skip
        made.append([*_start(one, False), f"{100 * one.key.margin:g} %",
                     *(percent(which.share(how)) for which in (one, other)
                       for how in ("fixed", "sequential")),
                     f"{median(when):,.0f}" if when else DASH, _mark(failed, one)])  # fmt: skip
    return made


def unpaired(lines: Iterable[Any]) -> str:
    """One line for every correlation."""
    made = []
    for one in lines:
        wider = one.seen["report width"] / one.seen["paired width"]
        made.append(
            f"- correlation {one.cell.rho:g}: exit 1 in {percent(one.share('report 1'))} % of the "
            f"builds (paired: {percent(one.share('paired 1'))} %), exit 4 in "
            f"{percent(one.share('report 4'))} % (paired: {percent(one.share('paired 4'))} %), and "
            f"the interval is {wider:.2f} times as wide"
        )
    return "\n".join(made)


def total(lines: Sequence[Any]) -> str:
    """All builds of equal models together."""
    runs = sum(one.runs for one in lines)
    if not runs:
        return ""
    shares = {what: sum(one.seen[what] for one in lines) / runs for what in ("naive", "1", "4")}
    worst = max(lines, key=lambda one: one.share("1"))
    return (
        f"Of {runs:,} decisions about equal models {percent(shares['1'])} % ended with 1 and "
        f"{percent(shares['4'])} % with 4; with `--naive` {percent(shares['naive'])} % ended with "
        f"1. The highest share of exit 1 in any line is {percent(worst.share('1'))} %: "
        f"{told(worst)}."
    )


def told(one: Any) -> str:
    """`t(5), correlation 0.5, 100 rows, rmse, margin 2 %`."""
    loss = "the build of five" if one.key.loss == ALL else one.key.loss
    return (f"{one.cell.kind}, correlation {one.cell.rho:g}, {one.cell.n:,} rows, {loss}, margin "
            f"{100 * one.key.margin:g} %")  # fmt: skip


def missed(found: Sequence[Any]) -> str:
    """What fails, line by line."""
    failing = [(bar, one) for bar in found for one in bar.failing]
    if not failing:
        return "Every line meets its bar."
    return "\n".join(
        f"- {bar.words[:3]} {told(one)}: {percent(one.share(bar.what))} %" for bar, one in failing
    )


def tails_only(found: Sequence[Any]) -> bool:
    """Whether what fails is the power of rmse by lognormal errors, which has an explanation."""
    failing = [one for bar in found for one in bar.failing]
    return bool(failing) and all(
        one.cell.part == POWER and one.cell.kind == "lognormal" and one.key.loss in ("rmse", ALL)
        for one in failing
    )


def text(lines: Sequence[Any], found: Sequence[Any], verdict: str, runs: int, seed: int) -> str:
    """The page."""
    failed = {id(one) for bar in found for one in bar.failing}
    of = {part: [one for one in lines if one.cell.part == part]
          for part in (EQUAL, POWER, SEQUENTIAL, UNPAIRED)}  # fmt: skip
    words = alarms_words.words(runs, seed)
    blocks = [
        "# How often `check` alarms, and what it catches",
        *words["start"],
        "\n".join(f"- {bar.text}" for bar in found if bar.about),
        total(of[EQUAL]),
        "## Where a bar is not met",
        missed(found),
        words["missed"] if tails_only(found) else "",
    ]
    for part, body in (
        (EQUAL, _equal(of[EQUAL], failed, words)), (POWER, _power(of[POWER], failed, words)),
        (SEQUENTIAL, [page.table(LOOK_HEADS, looks(of[SEQUENTIAL], failed))]),
        (UNPAIRED, [unpaired(of[UNPAIRED])]),
    ):  # fmt: skip
        if of[part]:
            blocks += [*words[part], *body]
    return "\n\n".join(block for block in (*blocks, verdict) if block) + "\n"


def _equal(lines: Sequence[Any], failed: set[int], words: Any) -> list[str]:
    one = [each for each in lines if each.key.loss != ALL]
    five = [each for each in lines if each.key.loss == ALL]
    made = [words["margins"], page.table(MARGIN_HEADS, by_margin(lines)), "One requirement:",
            page.table(EQUAL_HEADS, equal(one, failed, False))]  # fmt: skip
    if five:
        made += [words["five"], page.table(FIVE_HEADS, equal(five, failed, True))]
    return made


def _power(lines: Sequence[Any], failed: set[int], words: Any) -> list[str]:
    five = [one for one in lines if one.key.loss == ALL]
    made = [page.table(POWER_HEADS, power(lines, failed))]
    if five:
        made += [words["regressed"], page.table(ALL_HEADS, power_of_five(five, failed))]
    return made
