"""What a comparison comes to, in a sentence or two."""

from __future__ import annotations

from collections.abc import Sequence

from lossctl.analyses.comparison import agreement
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
from lossctl.analyses.comparison.told import identical
from lossctl.analyses.context import prose
from lossctl.analyses.finding import of_wrong
from lossctl.analyses.wording import counted, listed, percent, short
from lossctl.report import Note

FEW = 0.02  # a set of rows up to this share is small


def finding(
    found: Compared, ranked: Ranks | None, question: Question, hiding: Sequence[str] = ()
) -> str:
    """The answer; `hiding` are the models that leave out what is hard."""
    if found.wrong:
        model, _, said = found.wrong[0].text.partition(": ")
        return of_wrong(Note("wrong", f"{model}, {said}"))
    one = found.leading
    if identical(found):
        text = f"Identical: {listed(found.names, 6)} give the same losses in every row"
        text += " that they answer." if hiding else "."
    elif len(found.names) > 2:
        text = _of_many(found, one, ranked)
    else:
        text = _of_two(found, one, question)
    if hiding:
        text += f" {listed(hiding, 3)} leave{'s' * (len(hiding) == 1)} out rows that are hard."
    return text


def _of_two(found: Compared, one: Judged, question: Question) -> str:
    names, versus = found.names, one.against[0]
    loss = prose(one.spec)
    first, second = names[1], names[0]
    if versus.difference is None:
        lacking = second if one.reference is None else first
        return f"{loss} has no value to compare: {lacking}: {versus.why}."
    if versus.verdict == IDENTICAL:
        text = f"{first} and {second} are identical by {loss}."
    elif versus.verdict in (BETTER, WORSE) and question.test in ("sign", "wilcoxon"):
        text = _row_by_row(one, versus, first, second)
    elif versus.verdict in (BETTER, WORSE):
        taken = "" if versus.serial is None else "Rows taken as independent, "
        text = f"{taken}{first} is {versus.verdict} than {second}{_by(one, versus)}"
        text += _held(found, one)
    elif versus.verdict == NOT_SHOWN:
        could = _could(one, versus)
        text = f"No difference between {first} and {second} is shown by {loss}{could}."
    elif versus.verdict == UNDECIDED:
        text = _alone(found, one, versus) or f"Undecided by {loss}: {versus.why}{_who(found, one)}."
    else:
        word = "better" if _improves(one, versus) else "worse"
        text = f"{first} is {word} than {second} by {loss}; how surely is not known: {versus.why}."
    return " ".join([text, *_disagreement(found, one)])


def _alone(found: Compared, one: Judged, versus: Versus) -> str | None:
    """Where the models differ in a few rows alone, and all of these speak for one."""
    flip, wins = found.flips.get(str(one.spec)), versus.apart.wins
    if flip is None or flip.count is not None or wins is None or wins.ties <= wins.rows // 2:
        return None
    first, second = found.names[1], found.names[0]
    count = wins.better + wins.worse
    return (f"{first} differs from {second} in {counted(count)} alone ({named(flip)}), and is "
            f"{'better' if wins.better else 'worse'} in {'it' if count == 1 else 'each'}: that is "
            f"too little to tell how it does in others.")  # fmt: skip


def _row_by_row(one: Judged, versus: Versus, first: str, second: str) -> str:
    """What a test of signs or ranks shows is about rows, and the mean may say otherwise."""
    wins, loss = versus.apart.wins, prose(one.spec)
    assert wins is not None
    text = (f"Row by row {first} is {versus.verdict} than {second} by {loss}: better in "
            f"{wins.better}, worse in {wins.worse}")  # fmt: skip
    if _improves(one, versus) != (versus.verdict == BETTER) and versus.difference:
        word = "better" if _improves(one, versus) else "worse"
        text += f"; yet its {loss} is {word}: {short(one.value(1) or 0.0)} against " + (
            short(one.reference or 0.0))  # fmt: skip
    return f"{text}."


def _improves(one: Judged, versus: Versus) -> bool:
    gain = versus.difference or 0.0
    return gain > 0.0 if one.spec.direction == "max" else gain < 0.0


def _by(one: Judged, versus: Versus) -> str:
    """` by 1 to 10 % of MAE`."""
    loss = prose(one.spec)
    if versus.low is None or versus.high is None or versus.low * versus.high < 0.0:
        return f" by {loss}"
    ends = sorted(abs(end) for end in (versus.low, versus.high))
    reference = one.reference
    if not versus.trusted:
        return f" by {loss}, by how much is not sure"
    if versus.change is not None and reference:
        low, high = (100 * end / abs(reference) for end in ends)
        return f" by {_digits(low)} to {_digits(high)} % of {loss}"
    return f" by {short(ends[0])} to {short(ends[1])} of {loss}"


def _digits(value: float) -> str:
    return f"{value:.0f}" if value >= 9.95 else f"{value:.1f}"


def _small(flip: Flip) -> bool:
    """Whether few rows would reverse the order."""
    return flip.count is not None and flip.count <= max(1.0, FEW * flip.rows)


def _held(found: Compared, one: Judged) -> str:
    """How many rows make it so."""
    flip = found.flips.get(str(one.spec))
    if flip is None or flip.count is None:
        return "."
    if _small(flip):
        rows = "1 row decides" if flip.count == 1 else f"{flip.count} rows decide"
        return f", but {rows} it: {named(flip)}."
    return (
        f"; {flip.count} rows ({percent(flip.count / flip.rows)}) would have to go to reverse it."
    )


def _who(found: Compared, one: Judged) -> str:
    """The rows that make the order what it is."""
    flip = found.flips.get(str(one.spec))
    if flip is None or not flip.samples:
        return ""
    if flip.count is None:
        return f"; those that differ most are {named(flip)}"
    if not _small(flip):
        return ""
    return f"; the order turns on {named(flip)}"


def _could(one: Judged, versus: Versus) -> str:
    reference = one.reference
    if versus.smallest is None or not reference or versus.change is None:
        return ""
    rows = one.measured.spread.rows if one.measured.spread is not None else 0
    return f": {rows} rows could show {percent(versus.smallest / abs(reference))} or more"


def _disagreement(found: Compared, one: Judged) -> list[str]:
    """The losses that prefer another model: where that is shown, where it is not, and the rows
    without which it would not be so."""
    agreed = agreement.agreement(found.losses)
    order = one.ranked()
    if agreed is None or order is None or len(agreed.winners) < 2:
        return []
    rivals = {number: losses for number, losses in agreed.winners.items() if number != order[0]}
    number, losses = max(rivals.items(), key=lambda pair: len(pair[1]))
    name = found.names[number]
    shown = [loss for loss in losses if _is_shown(loss, number)]
    said = []
    if shown and len(found.names) == 2:
        said.append(f"By {_names(shown)} {name} is better{_few_of(found, shown)}.")
    rest = [loss for loss in losses if loss not in shown] if len(found.names) == 2 else losses
    if rest:
        verb = "puts" if len(rest) == 1 else "put"
        doubt = ", which is not shown" if len(found.names) == 2 else ""
        said.append(f"{_names(rest)} {verb} {name} first{doubt}{_few_of(found, rest)}.")
    return said


def _is_shown(loss: Judged, number: int) -> bool:
    """Whether a loss shows that a model is better than the other."""
    versus = loss.of(number) or loss.against[0]
    return versus.verdict == (BETTER if loss.of(number) else WORSE)


def _names(losses: Sequence[Judged]) -> str:
    return listed([prose(loss.spec) for loss in losses], 3)


def _few_of(found: Compared, losses: Sequence[Judged]) -> str:
    """The rows of the loss that fewest would turn."""
    known = [(flip.count, prose(loss.spec), flip) for loss in losses
             if (flip := found.flips.get(str(loss.spec))) is not None
             and flip.count is not None and _small(flip)]  # fmt: skip
    if not known:
        return ""
    _, name, flip = min(known, key=lambda each: each[:2])
    which = "" if len(losses) == 1 else f"{name} "
    return f" ({which}not without {named(flip)})"


def _of_many(found: Compared, one: Judged, ranked: Ranks | None) -> str:
    names, loss = found.names, prose(one.spec)
    order = one.ranked()
    if order is None:
        return f"{loss} has no value for every model."
    best = names[order[0]]
    if ranked is None:
        why = one.measured.why or next((v.why for v in one.against if v.why), "too few rows")
        return f"{best} is first by {loss}; how surely is not known: {why}."
    may = {*ranked.together(), *(n for n in order if ranked.ranking.lowest[n] == 1)}
    rivals = [names[number] for number in order[1:] if number in may]
    # The reference is best if the next one is worse; another, if it is better than the reference.
    near = one.of(order[0]) or one.of(order[1])
    if near is not None and not near.trusted:
        other = names[order[1]] if order[0] == 0 else names[0]
        text = f"{best} is first by {loss}; against {other} that is undecided: {near.why}"
        text += f"{_who(found, one)}."
    elif rivals:
        text = (f"{best} is first by {loss}, but {listed(rivals, 5)} "
                f"{'is' if len(rivals) == 1 else 'are'} not shown to be worse.")  # fmt: skip
    else:
        text = f"{best} is the best of {len(names)} by {loss}, shown against every other."
    return " ".join([text, *_disagreement(found, one)])
