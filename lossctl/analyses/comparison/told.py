"""What a comparison comes to, in parts and in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.analyses.comparison import agreement, by_group, dominates, order, sweep, trims
from lossctl.analyses.comparison.agreement import named
from lossctl.analyses.comparison.compared import Compared
from lossctl.analyses.comparison.flips import Flip
from lossctl.analyses.comparison.judged import (
    BETTER,
    IDENTICAL,
    NOT_SHOWN,
    UNDECIDED,
    WORSE,
    Judged,
    Versus,
)
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.ranks import Ranks
from lossctl.analyses.context import prose
from lossctl.analyses.finding import of_wrong
from lossctl.analyses.wording import listed, percent, short
from lossctl.report import Note, Part

FEW = 0.02  # a set of rows up to this share is small


def parts(found: Compared, question: Question, ranked: Ranks | None) -> list[Part]:
    """What is said beside the tables."""
    made: list[Part | None] = []
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
    others = [(other, each) for other, each in known if other is not one and each.count is not None]
    counts = dict.fromkeys(each.count for _, each in others)
    if others and flip.count is not None:
        shown = [f"{each.count} for {prose(other.measured.spec)}" for other, each in others
                 if each.count in counts and counts.pop(each.count, 0) is None]  # fmt: skip
        text += f"; {listed(shown, 4)}"
    return Part("what decides", text, data)


def _flip_text(one: Judged, flip: Flip, names: Sequence[str]) -> str:
    loss = prose(one.measured.spec)
    first, second = names[flip.first], names[flip.second]
    if flip.count is None:
        return f"no rows speak for {second}: {first} is as good or better in every row by {loss}"
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
    if versus.needed is not None and reference:
        text = f"{rows} rows can show {percent(smallest / abs(reference))} of {of} or more"
        text += f" (80 % power); 1 % needs about {_count(versus.needed)} rows"
    else:
        text = f"{rows} rows can show {short(smallest)} of {of} or more (80 % power)"
    gain = _pairing(one, versus)
    if gain is not None:
        text += f"; pairing made the interval {gain:.2g} times shorter"
    tests = sum(each.p is not None for loss in found.losses for each in loss.against)
    if tests > 1 and question.correction != "none":
        how = {"holm": "Holm's", "fdr": "Benjamini and Hochberg's"}.get(question.correction, "a")
        text += f"; verdicts by {how} correction of {tests} comparisons"
    return Part("how sure", text, {
        "rows": rows, "smallest": smallest, "rows_for_one_percent": versus.needed,
        "comparisons": tests, "correction": question.correction, "pairing": gain,
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


def finding(found: Compared, ranked: Ranks | None) -> str:
    """The answer in a sentence or two."""
    if found.wrong:
        return of_wrong(found.wrong[0])
    one = found.leading
    if one is None:
        return ""
    if all(versus.verdict == IDENTICAL for loss in found.losses for versus in loss.against):
        same = listed(found.names, 6)
        return f"Identical: {same} give the same losses in every row."
    if len(found.names) > 2:
        return _of_many(found, one, ranked)
    return _of_two(found, one)


def _of_two(found: Compared, one: Judged) -> str:
    names, versus = found.names, one.against[0]
    loss = prose(one.measured.spec)
    first, second = names[1], names[0]
    if versus.difference is None:
        return f"{loss} has no value to compare: {versus.why}."
    if versus.verdict == IDENTICAL:
        text = f"{first} and {second} are identical by {loss}."
    elif versus.verdict in (BETTER, WORSE):
        taken = "" if versus.serial is None else "Rows taken as independent, "
        text = f"{taken}{first} is {versus.verdict} than {second}{_by(one, versus)}"
        text += _held(found, one)
    elif versus.verdict == NOT_SHOWN:
        text = (
            f"No difference between {first} and {second} is shown by {loss}{_could(one, versus)}."
        )
    elif versus.verdict == UNDECIDED:
        text = f"Undecided by {loss}: {versus.why}."
    else:
        word = "better" if _improves(one, versus) else "worse"
        text = f"{first} is {word} than {second} by {loss}; how surely is not known: {versus.why}."
    return " ".join([text, *_disagreement(found, one)])


def _improves(one: Judged, versus: Versus) -> bool:
    gain = versus.difference or 0.0
    return gain > 0.0 if one.measured.spec.direction == "max" else gain < 0.0


def _by(one: Judged, versus: Versus) -> str:
    """` by 1 to 10 % of MAE`."""
    loss = prose(one.measured.spec)
    ends = sorted(abs(end) for end in (versus.low, versus.high) if end is not None)
    if len(ends) < 2:
        return f" by {loss}"
    reference = one.reference
    if versus.change is not None and reference:
        low, high = (100 * end / abs(reference) for end in ends)
        return f" by {_digits(low)} to {_digits(high)} % of {loss}"
    return f" by {short(ends[0])} to {short(ends[1])} of {loss}"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _held(found: Compared, one: Judged) -> str:
    """What a few rows make of it."""
    flip = found.flips.get(str(one.measured.spec))
    if flip is None:
        return "."
    if flip.count is None or flip.count > max(1.0, FEW * flip.rows):
        return "; no small set of rows decides it."
    rows = "1 row decides" if flip.count == 1 else f"{flip.count} rows decide"
    return f", but {rows} it: {named(flip)}."


def _could(one: Judged, versus: Versus) -> str:
    reference = one.reference
    if versus.smallest is None or not reference or versus.change is None:
        return ""
    rows = one.measured.spread.rows if one.measured.spread is not None else 0
    return f": {rows} rows could show {percent(versus.smallest / abs(reference))} or more"


def _disagreement(found: Compared, one: Judged) -> list[str]:
    """Losses that prefer the other model, whose difference is shown too, or turns on few rows."""
    agreed = agreement.agreement(found.losses)
    order = one.ranked()
    if agreed is None or order is None or len(agreed.winners) < 2:
        return []
    rivals = {number: losses for number, losses in agreed.winners.items() if number != order[0]}
    number, losses = max(rivals.items(), key=lambda pair: len(pair[1]))
    said = f"{listed([prose(loss.measured.spec) for loss in losses], 3)} "
    said += f"prefer{'s' * (len(losses) == 1)} {found.names[number]}"
    flips = [flip for loss in losses if (flip := found.flips.get(str(loss.measured.spec)))]
    flip = min(flips, key=lambda one: (one.count is None, one.count or 0), default=None)
    if flip is None or flip.count is None or flip.count > max(1.0, FEW * flip.rows):
        return [f"{said}."]
    return [f"{said} because of {named(flip)}."]


def _of_many(found: Compared, one: Judged, ranked: Ranks | None) -> str:
    names, loss = found.names, prose(one.measured.spec)
    order = one.ranked()
    if order is None:
        return f"{loss} has no value for every model."
    best = names[order[0]]
    if ranked is None:
        return f"{best} is first by {loss}; how surely is not known."
    kept = [names[number] for number in ranked.together() if number != order[0]]
    # The reference is best if the next one is worse; another, if it is better than the reference.
    near = one.of(order[0]) or one.of(order[1])
    doubt = None if near is None or near.trusted else near
    if doubt is not None:
        other = names[order[1]] if order[0] == 0 else names[0]
        text = f"{best} is first by {loss}; against {other} that is undecided: {doubt.why}."
    elif kept:
        text = (f"{best} is first by {loss}, but {listed(kept, 5)} "
                f"{'is' if len(kept) == 1 else 'are'} not shown to be worse.")  # fmt: skip
    else:
        text = f"{best} is the best of {len(names)} by {loss}, shown against every other."
    return " ".join([text, *_disagreement(found, one)])
