"""What a comparison comes to, in parts and in one sentence."""

from __future__ import annotations

import math
from collections.abc import Sequence

from lossctl.analyses.comparison import agreement, by_group, dominates, order, sweep, trims
from lossctl.analyses.comparison.agreement import named
from lossctl.analyses.comparison.compared import Compared
from lossctl.analyses.comparison.flips import LISTED, Flip
from lossctl.analyses.comparison.judged import (
    BETTER,
    IDENTICAL,
    NOT_SHOWN,
    ONE_PERCENT,
    ROUNDING,
    WORSE,
    Judged,
    Versus,
)
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.ranks import Ranks
from lossctl.analyses.context import prose
from lossctl.analyses.inference.power import detectable, rows_needed
from lossctl.analyses.wording import counted, listed, percent, short
from lossctl.report import Note, Part

WIDER = 1.1  # times


def parts(found: Compared, question: Question, ranked: Ranks | None) -> list[Part]:
    """What is said beside the tables."""
    made: list[Part | None] = []
    if identical(found):
        return []
    if len(found.names) > 2:
        text = (f"+ better than {found.names[0]}, - worse, = identical, ? undecided; no mark: no "
                "difference is shown")  # fmt: skip
        made.append(Part("marks", text, {}))
    agreed = agreement.agreement(found.losses)
    if agreed is not None:
        made.append(agreement.part(agreed, found.names, found.flips))
    if found.dominates is not None:
        made.append(dominates.part(found.dominates, found.names, curves=question.curves))
    made.append(_decides(found))
    ranking = found.leading.ranked()
    if found.trims is not None and ranking is not None:
        made.append(trims.part(found.trims, found.names, ranking[0]))
    made += [by_group.part(one, found.names) for one in found.groups]
    if found.sweep is not None:
        made.append(sweep.part(found.sweep, found.names, curves=question.curves))
    made.append(_sure(found, question))
    if ranked is not None:
        made.append(Part("ranks", _ranks_text(ranked, found.names), ranked.data(found.names)))
    return [one for one in made if one is not None]


def identical(found: Compared) -> bool:
    """Whether all models give the same losses in every row."""
    every = [versus for one in found.losses for versus in one.against]
    return any(versus.verdict == IDENTICAL for versus in every) and all(
        versus.verdict == IDENTICAL or (versus.apart.wins is None and versus.difference == 0.0)
        for versus in every
    )


def _decides(found: Compared) -> Part | None:
    """The fewest rows without which each loss would prefer another model."""
    known = [(one, flip) for one in found.losses
             if (flip := found.flips.get(str(one.spec))) is not None]  # fmt: skip
    if not known:
        return None
    names = found.names
    data = {
        str(one.spec): {
            "prefers": names[flip.first], "over": names[flip.second], "count": flip.count,
            "rows": [sample["row"] for sample in flip.samples],
            "ids": [sample["id"] for sample in flip.samples],
            "without": None if flip.without is None else list(flip.without),
        }
        for one, flip in known
    }  # fmt: skip
    one, flip = next((pair for pair in known if pair[0] is found.leading), known[0])
    text = _flip_text(one, flip, names)
    others: dict[int, list[str]] = {}
    for other, each in known:
        if other is not one and each.count is not None:
            others.setdefault(each.count, []).append(prose(other.spec))
    if others:
        shown = [f"{count} for {listed(losses, 3)}" for count, losses in others.items()]
        text += f"; {listed(shown, 4)}"
    return Part("what decides", text, data)


def _flip_text(one: Judged, flip: Flip, names: Sequence[str]) -> str:
    loss = prose(one.spec)
    first, second = names[flip.first], names[flip.second]
    if flip.count is None:
        count = len(flip.samples)
        rows = "the only row that differs speaks" if count == 1 else (
            f"{'more than ' * (count == LISTED)}{count} rows differ, and all speak")  # fmt: skip
        return f"by {loss} {rows} for {first}, none for {second} ({named(flip)})"
    rows = counted(flip.count)
    share = percent(flip.count / flip.rows)
    text = f"{rows} ({share}) would have to go before {loss} prefers {second} ({named(flip)}"
    if flip.without is not None and flip.count <= 5:
        text += f"; then {flip.without[1]:.4g} against {flip.without[0]:.4g}"
    return f"{text})"


def _sure(found: Compared, question: Question) -> Part | None:
    """How small a difference of the best two models these rows show, and what else intervals and
    verdicts rest on."""
    one = found.leading
    spread, ranking = one.measured.spread, one.ranked()
    if spread is None or ranking is None:
        return None
    first, second = ranking[0], ranking[1]
    error, value, of = float(spread.errors[first, second]), one.reference, prose(one.spec)
    if value is None or not ROUNDING * abs(value) < error < math.inf:
        return None
    smallest = detectable(error, 1, question.confidence)
    rows = f"{spread.rows} rows"
    rows += "" if question.unit == "rows" else f" in {spread.units} {question.unit}"
    pair = f" between {found.names[first]} and {found.names[second]}"
    size = percent(smallest / abs(value)) if value and one.scaled else short(smallest)
    said = [f"{rows} show a difference of {size} of {of}{pair * (len(found.names) > 2)} in 4 of 5 "
            "cases"]  # fmt: skip
    needed = None
    if value and one.scaled:
        needed = spread.rows * rows_needed(error, ONE_PERCENT * abs(value), question.confidence)
        said.append(f"1 % needs about {_count(needed)} rows")
    alone = one.measured.independent
    longer = gain = None
    if question.unit != "rows" and alone is not None and alone.errors[first, second] > 0.0:
        longer = error / float(alone.errors[first, second])
        said.append(f"its interval is {longer:.2g} times that of independent rows")
    else:
        gain = math.hypot(float(spread.own[first]), float(spread.own[second])) / error
        if gain >= WIDER:
            said.append(f"that the same rows are compared makes it {gain:.2g} times shorter")
    tests = sum(each.p is not None for loss in found.losses for each in loss.against)
    if tests > 1 and question.correction != "none":
        how = {"holm": "Holm's", "fdr": "Benjamini and Hochberg's"}.get(question.correction, "a")
        said.append(f"verdicts by {how} correction of {tests} comparisons")
    return Part("how sure", "; ".join(said), {
        "models": [found.names[first], found.names[second]], "rows": spread.rows,
        "smallest": smallest, "rows_for_one_percent": needed, "comparisons": tests,
        "correction": question.correction, "pairing": gain, "units": spread.units,
        "lags": spread.lags, "times_independent": longer,
    })  # fmt: skip


def _count(rows: float) -> str:
    return f"{float(f'{rows:.2g}'):,.0f}".replace(",", " ") if rows < 1e15 else f"{rows:.2g}"


def _ranks_text(ranked: Ranks, names: Sequence[str]) -> str:
    kept = [names[number] for number in ranked.together()]
    of = prose(ranked.judged.spec)
    sure = f"{100 * ranked.confidence:g} %"
    if len(kept) == 1:
        return f"the {sure} confidence set by {of} holds {kept[0]} alone"
    return f"the {sure} confidence set by {of} holds {listed(kept, 8)}"


def notes(found: Compared, question: Question) -> list[Note]:
    """Why some of the intervals are not to be trusted, what a correction took back, and what the
    signs mean."""
    made = []
    taken = [
        f"{prose(one.spec)}{_of_model(found, versus)}"
        for one in found.losses
        for versus in one.against
        if versus.verdict == NOT_SHOWN and versus.p is not None and versus.p < question.level
    ]
    if taken:
        text = (f"The correction for many comparisons takes back what one alone would show: "
                f"{listed(taken, 4)} (--correction none leaves it).")  # fmt: skip
        made.append(Note("corrected", text))
    doubtful: dict[str, list[str]] = {}
    for one in found.losses:
        for versus in one.against:
            if versus.why is not None and versus.low is not None and not versus.trusted:
                name = f"{prose(one.spec)}{_of_model(found, versus)}"
                doubtful.setdefault(versus.why, []).append(name)
    for why, losses in _merged(doubtful).items():
        text = f"The interval{'s' * (len(losses) > 1)} of {listed(losses, 4)} "
        text += f"{'are' if len(losses) > 1 else 'is'} not to be trusted: {why}."
        safe = [versus for one in found.losses for versus in one.against if versus.safe]
        if any(versus.verdict in (BETTER, WORSE) for versus in safe):
            text += " A verdict stands where the tail is on its side."
        made.append(Note("tail", text, warning=True))
    wider = max((one.measured.spread.wider for one in found.losses if one.measured.spread),
                default=1.0)  # fmt: skip
    if wider > WIDER:
        text = (f"The rows depend on more neighbours than --horizon says: without it intervals are "
                f"up to {wider:.1f} times as long.")  # fmt: skip
        made.append(Note("horizon", text, warning=True))
    if found.dependence is not None:
        rows = max(one.measured.values[0].count for one in found.losses)
        made.append(order.note(found.dependence, rows))
    for groups in found.groups:
        if by_group.mix(groups) is not None:
            text = f"by {groups.name}: {by_group.text(groups, found.names).rpartition('; ')[2]}."
            made.append(Note("mix", text[:1].upper() + text[1:], warning=True))
    return [*made, *found.wrong]


def _of_model(found: Compared, versus: Versus) -> str:
    """Which model, where there are several."""
    return "" if len(found.names) == 2 else f" ({found.names[versus.model]})"


def _merged(doubtful: dict[str, list[str]]) -> dict[str, list[str]]:
    """Reasons that differ in a number alone are one: the first stands for all."""
    merged: dict[str, list[str]] = {}
    heads: dict[str, str] = {}
    for why, losses in doubtful.items():
        head = heads.setdefault(why.partition(" (")[0], why)
        merged.setdefault(head, []).extend(losses)
    return merged
