"""What a comparison comes to, in parts and in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.analyses.comparison import agreement, by_group, dominates, order, sweep, trims
from lossctl.analyses.comparison.agreement import named
from lossctl.analyses.comparison.compared import Compared
from lossctl.analyses.comparison.flips import LISTED, Flip
from lossctl.analyses.comparison.judged import (
    IDENTICAL,
    NOT_SHOWN,
    Judged,
    Versus,
)
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.ranks import Ranks
from lossctl.analyses.context import prose
from lossctl.analyses.wording import listed, percent, short
from lossctl.report import Note, Part

WIDER = 1.1  # times


def parts(found: Compared, question: Question, ranked: Ranks | None) -> list[Part]:
    """What is said beside the tables."""
    made: list[Part | None] = []
    if identical(found):
        return []
    agreed = agreement.agreement(found.losses)
    if agreed is not None:
        made.append(agreement.part(agreed, found.names, found.flips))
    if found.dominates is not None:
        made.append(dominates.part(found.dominates, found.names, curves=question.curves))
    made.append(_decides(found))
    if found.trims is not None and found.leading is not None:
        order = found.leading.ranked()
        made.append(None if order is None else trims.part(found.trims, found.names, order[0]))
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
        versus.verdict == IDENTICAL or versus.difference == 0.0 for versus in every
    )


def _decides(found: Compared) -> Part | None:
    """The fewest rows without which each loss would prefer another model."""
    known = [(one, flip) for one in found.losses
             if (flip := found.flips.get(str(one.measured.spec))) is not None]  # fmt: skip
    if not known:
        return None
    names = found.names
    data = {
        str(one.measured.spec): {
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
            others.setdefault(each.count, []).append(prose(other.measured.spec))
    if others:
        shown = [f"{count} for {listed(losses, 3)}" for count, losses in others.items()]
        text += f"; {listed(shown, 4)}"
    return Part("what decides", text, data)


def _flip_text(one: Judged, flip: Flip, names: Sequence[str]) -> str:
    loss = prose(one.measured.spec)
    first, second = names[flip.first], names[flip.second]
    if flip.count is None:
        count = len(flip.samples)
        rows = "the only row that differs speaks" if count == 1 else (
            f"{'more than ' * (count == LISTED)}{count} rows differ, and all speak")  # fmt: skip
        return f"by {loss} {rows} for {first}, none for {second} ({named(flip)})"
    rows = "1 row" if flip.count == 1 else f"{flip.count} rows"
    share = percent(flip.count / flip.rows)
    text = f"{rows} ({share}) would have to go before {loss} prefers {second} ({named(flip)}"
    if flip.without is not None and flip.count <= 5:
        text += f"; then {short(flip.without[1])} against {short(flip.without[0])}"
    return f"{text})"


def _sure(found: Compared, question: Question) -> Part | None:
    """How small a difference could have been shown."""
    one = found.leading
    if one is None:
        return None
    known = [versus for versus in one.against if versus.smallest is not None]
    if not known:
        return None
    versus = max(known, key=lambda each: each.smallest or 0.0)
    reference, smallest = one.reference, versus.smallest
    assert smallest is not None and reference is not None
    rows = one.measured.spread.rows if one.measured.spread is not None else 0
    of = prose(one.measured.spec)
    can = f"{rows} rows can show"
    longer = None
    if one.measured.spread is not None and question.unit != "rows":
        can = f"{rows} rows in {one.measured.spread.units} {question.unit} can show"
        alone = one.measured.independent
        if alone is not None and versus.error and alone.errors[0, versus.model]:
            longer = versus.error / float(alone.errors[0, versus.model])
    if versus.needed is not None and reference:
        text = f"{can} {percent(smallest / abs(reference))} of {of} or more"
        text += f" (80 % power); 1 % needs about {_count(versus.needed)} rows"
    else:
        text = f"{can} {short(smallest)} of {of} or more (80 % power)"
    if longer is not None:
        text += f"; the interval is {longer:.2g} times that of independent rows"
    gain = _pairing(one, versus) if longer is None else None
    if gain is not None:
        text += f"; pairing made the interval {gain:.2g} times shorter"
    tests = sum(each.p is not None for loss in found.losses for each in loss.against)
    if tests > 1 and question.correction != "none":
        how = {"holm": "Holm's", "fdr": "Benjamini and Hochberg's"}.get(question.correction, "a")
        text += f"; verdicts by {how} correction of {tests} comparisons"
    return Part("how sure", text, {
        "rows": rows, "smallest": smallest, "rows_for_one_percent": versus.needed,
        "comparisons": tests, "correction": question.correction, "pairing": gain,
        "units": one.measured.spread.units if one.measured.spread is not None else None,
        "lags": one.measured.spread.lags if one.measured.spread is not None else None,
        "times_independent": longer,
    })  # fmt: skip


def _pairing(one: Judged, versus: Versus) -> float | None:
    """How many times longer the interval of unpaired models would be."""
    spread = one.measured.spread
    if spread is None or not versus.error or spread.own is None:
        return None
    apart = (spread.own[0] ** 2 + spread.own[versus.model] ** 2) ** 0.5
    gain = float(apart) / versus.error
    return gain if gain >= 1.1 else None


def _count(rows: float) -> str:
    return f"{float(f'{rows:.2g}'):,.0f}".replace(",", " ") if rows < 1e15 else f"{rows:.2g}"


def _ranks_text(ranked: Ranks, names: Sequence[str]) -> str:
    kept = [names[number] for number in ranked.together()]
    of = prose(ranked.judged.measured.spec)
    sure = f"{100 * ranked.confidence:g} %"
    if len(kept) == 1:
        return f"{kept[0]} alone may be the best by {of} ({sure} confidence set)"
    return f"by {of} any of {listed(kept, 8)} may be the best ({sure} confidence set)"


def notes(found: Compared, question: Question) -> list[Note]:
    """Why some of the intervals are not to be trusted, what a correction took back, and what the
    signs mean."""
    made = []
    taken = [
        f"{prose(one.measured.spec)}{_of_model(found, versus)}"
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
                name = f"{prose(one.measured.spec)}{_of_model(found, versus)}"
                doubtful.setdefault(versus.why, []).append(name)
    for why, losses in _merged(doubtful).items():
        text = f"The interval{'s' * (len(losses) > 1)} of {listed(losses, 4)} "
        text += f"{'are' if len(losses) > 1 else 'is'} not to be trusted: {why}."
        made.append(Note("tail", text, warning=True))
    if len(found.names) > 2:
        text = (f"+ better than {found.names[0]}, - worse, = identical, ? undecided; without a "
                "sign no difference is shown")  # fmt: skip
        made.append(Note("marks", text))
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
