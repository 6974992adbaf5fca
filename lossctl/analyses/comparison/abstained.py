"""Rows that some models leave out: all are compared on the rows that all answer, and what the
others lose in the rest says whether those were the hard ones."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lossctl.analyses.comparison.judged import Judged
from lossctl.analyses.context import prose
from lossctl.analyses.wording import counted, percent, short
from lossctl.partial import Partial
from lossctl.reductions.additive import Additive
from lossctl.reductions.reduced import ratio_error
from lossctl.report import Note, Part
from lossctl.states import SumsState

HARDER = 1.1  # times the loss elsewhere
FEWEST = 5  # rows below which nothing is said of how hard they are
ERRORS = 2.0  # standard errors beyond which they are harder than others


@dataclass(frozen=True, slots=True)
class Abstained:
    """A model that leaves out rows: why and how many; its loss on all rows that it answers; and, in
    the rows that it leaves out, another model's loss, against that model's in those compared."""

    model: int
    why: Mapping[str, int]
    own: float | None
    other: int | None = None
    there: float | None = None
    elsewhere: float | None = None
    hard: bool = False  # whether that is more than chance makes of rows like the others

    @property
    def count(self) -> int:
        """How many rows it leaves out that another answers."""
        return sum(self.why.values())


def abstained(
    leading: Judged,
    names: Sequence[str],
    lost: Mapping[str, Mapping[str, int]],
    partial: Partial,
    *,
    one_sum: bool,
) -> list[Abstained]:
    """Of every model that leaves out rows, by the leading loss where that is `one_sum` over another
    of what rows add."""
    found = []
    for number, name in enumerate(names):
        why = {reason: count for reason, count in lost.get(name, {}).items() if count}
        if not why:
            continue
        if not one_sum:
            found.append(Abstained(number, why, None))
            continue
        own = _own(leading, partial, number)
        others = [n for n in range(len(names)) if n != number]
        one = Abstained(number, why, own)
        for other in others:
            rows = partial.left_out(number, other, leading.spec)
            there = _finished(leading, rows)
            if rows is not None and there is not None:
                elsewhere = leading.value(other)
                hard = _harder(leading, rows, leading.measured.sums(other), there, elsewhere)
                one = Abstained(number, why, own, other, there, elsewhere, hard)
                break
        found.append(one)
    return found


def _own(leading: Judged, partial: Partial, number: int) -> float | None:
    """A model's loss on all rows that it answers."""
    common, more = leading.measured.sums(number), partial.of(number, leading.spec)
    if common is None or more is None:
        return None
    sums = SumsState(more.count, more.nonzero, more.infinite, more.a, more.b)  # as of `common`
    return _finished(leading, common.merge(sums))


def _finished(leading: Judged, rows: SumsState | None) -> float | None:
    reduction = leading.spec.reduction
    if rows is None or not rows.count or not isinstance(reduction, Additive):
        return None
    return reduction.finished(rows)


def _harder(
    leading: Judged,
    rows: SumsState,
    others: SumsState | None,
    there: float,
    elsewhere: float | None,
) -> bool:
    """Whether a model's loss in some rows is more than that in the others, and more than chance
    makes of as many rows, were all alike."""
    if elsewhere is None or others is None or leading.spec.direction != "min":
        return False
    if there <= HARDER * abs(elsewhere) or rows.nonzero < FEWEST or others.b <= 0:
        return False
    try:
        error = ratio_error(rows, rows.nonzero)
        gap = rows.mean - others.mean
    except OverflowError:
        return False
    return gap > ERRORS * error * math.sqrt(1.0 + rows.nonzero / max(others.nonzero, 1))


def part(
    found: Sequence[Abstained], leading: Judged, names: Sequence[str], rows: int
) -> Part | None:
    """None where every model answers every row."""
    if not found:
        return None
    name = prose(leading.spec)
    said, data = [], {}
    for one in found:
        model = names[one.model]
        share = percent(one.count / (rows + one.count))
        text = f"{model} leaves out {counted(one.count)} ({share})"
        if one.other is not None and one.there is not None and one.elsewhere is not None:
            text += (f", where {names[one.other]} has {name} {short(one.there)}, elsewhere "
                     f"{short(one.elsewhere)}")  # fmt: skip
        said.append(text)
        data[model] = {
            "rows": dict(one.why), "own_rows": one.own,
            "others": None if one.other is None else {
                "model": names[one.other], "left_out": one.there, "compared": one.elsewhere,
            },
        }  # fmt: skip
    return Part("abstained", "; ".join(said), {"loss": str(leading.spec), "models": data})


def notes(found: Sequence[Abstained], leading: Judged, names: Sequence[str]) -> list[Note]:
    """The models that leave out what is hard for others."""
    made = []
    for one in found:
        if one.hard and one.other is not None and one.there and one.elsewhere:
            text = (
                f"{names[one.model]} leaves out {one.count} rows that are hard: "
                f"{names[one.other]} has {prose(leading.spec)} {short(one.there)} there, "
                f"elsewhere {short(one.elsewhere)}."
            )
            made.append(Note("abstained", text, warning=True))
    return made
