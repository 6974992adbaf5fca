"""Every model against the reference, by every loss: the difference, its interval, and what can be
said of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from lossctl.analyses.comparison.measured import Apart, Measured
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.resampled import Resampled
from lossctl.analyses.inference.corrections import METHODS
from lossctl.analyses.inference.paired import mean_test, wilson
from lossctl.analyses.inference.power import detectable, rows_needed
from lossctl.analyses.significance import sign_p
from lossctl.report import Json
from lossctl.spec import Spec

FEWEST = 30  # rows below which numbers are shown and nothing is judged
# Intervals cover too little where gaps are skewed, and more so on more rows, see docs/coverage.md:
HEAVY = 0.33  # from this tail index on, on the side of the skew,
SKEWED = 0.07  # where the skewness over the root of the rows is at least this
ONE_PERCENT = 0.01
ROUNDING = 1e-14  # an error below this part of the values is rounding: the rows do not vary

BETTER, WORSE, NOT_SHOWN = "better", "worse", "not shown"
UNDECIDED, IDENTICAL = "undecided", "identical"


@dataclass(frozen=True, slots=True)
class Versus:
    """One model less the reference, by one loss.

    `change` is the difference as a fraction of the reference's value; `effect` Cohen's d_z;
    `smallest` the difference that so many rows would show with 80 % power, and `needed` the rows
    that would show a change of 1 %. `why` says what keeps it from being judged, or trusted.
    """

    model: int
    difference: float | None = None
    change: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    corrected: float | None = None
    verdict: str = ""
    trusted: bool = True
    why: str | None = None
    effect: float | None = None
    smallest: float | None = None
    needed: float | None = None
    apart: Apart = field(default_factory=Apart)
    method: str = "delta"
    serial: float | None = None  # how many times too short the interval may be: rows depend

    @property
    def interval(self) -> Json | None:
        """The interval of the difference, as tables hold it."""
        if self.low is None or self.high is None:
            return None
        return {"low": self.low, "high": self.high, "trusted": self.sound}

    @property
    def safe(self) -> bool:
        """Whether a tail that spoils the interval lies on the side of the difference: that may then
        be larger than it looks, and is no more often shown by chance than it should be."""
        skew, mean = self.apart.skew, self.apart.mean
        if self.apart.few or skew is None or mean is None or not _heavy(self.apart):
            return False
        return skew * mean > 0.0

    @property
    def sound(self) -> bool:
        """Whether the interval can be believed."""
        return self.trusted and self.serial is None

    @property
    def shift(self) -> Json | None:
        """The change, else the difference, as tables hold it."""
        if self.change is not None:
            return {"value": self.change, "percent": True}
        return None if self.difference is None else {"value": self.difference, "percent": False}

    def relative(self, to: float | None) -> Json | None:
        """The interval as fractions of a value; None where that means nothing."""
        if self.low is None or self.high is None or self.change is None or not to:
            return None
        return relative(self.low, self.high, to, trusted=self.sound)

    @property
    def win_rate(self) -> float | None:
        """The share of the rows that are not ties in which the model is better."""
        wins = self.apart.wins
        if wins is None or not wins.better + wins.worse:
            return None
        return wins.better / (wins.better + wins.worse)

    def win_interval(self, confidence: float) -> tuple[float, float] | None:
        """Wilson's interval of that share."""
        wins = self.apart.wins
        if wins is None or not wins.better + wins.worse:
            return None
        found = wilson(wins.better, wins.better + wins.worse, confidence)
        return found.low, found.high

    @property
    def sign_p(self) -> float | None:
        """The p-value of the sign test (of losses of 0 and 1: McNemar's exact test)."""
        wins = self.apart.wins
        if wins is None or not wins.better + wins.worse:
            return None
        return sign_p(wins.worse, wins.better)


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One loss with what is said of every model but the reference; `size` of a value is what is
    compared where its sign does not matter."""

    measured: Measured
    against: tuple[Versus, ...]

    @property
    def spec(self) -> Spec:
        """The loss."""
        return self.measured.spec

    @property
    def scaled(self) -> bool:
        """Whether a change relative to the value means something."""
        return self.spec.scaled

    @property
    def reference(self) -> float | None:
        """The reference's value."""
        return self.measured.value(0)

    def value(self, number: int) -> float | None:
        """One model's value, where it has one."""
        return self.measured.value(number)

    @property
    def sizes(self) -> list[float] | None:
        """All models' values so that less is better; None where one has no value."""
        values = [self.value(number) for number in range(len(self.measured.values))]
        return placed(values, self.spec.direction)

    def ranked(self) -> list[int] | None:
        """The models, the best first; None where one has no value."""
        sizes = self.sizes
        return None if sizes is None else sorted(range(len(sizes)), key=sizes.__getitem__)

    def of(self, number: int) -> Versus | None:
        """What is said of a model; None of the reference."""
        return next((one for one in self.against if one.model == number), None)


def relative(low: float, high: float, to: float, *, trusted: bool) -> Json:
    """An interval of a difference as fractions of a value, as tables hold it. Losses for which that
    means something do not fall below 0."""
    size = abs(to)
    return {"low": max(low / size, -1.0), "high": high / size, "trusted": trusted, "percent": True}


def placed(values: Sequence[float | None], direction: str) -> list[float] | None:
    """Values so that less is better; None where one is missing."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if direction == "max":
        return [-value for value in known]
    return [abs(value) for value in known] if direction == "zero" else known


def first_of(values: Sequence[float | None], direction: str) -> int | None:
    """Which value is the best, the first of a tie; None where one is missing."""
    sizes = placed(values, direction)
    return None if sizes is None else sizes.index(min(sizes))


def judged(
    found: Sequence[Measured], question: Question, rows: Resampled | None = None
) -> list[Judged]:
    """What is said of every model, with p-values corrected over models times losses; `rows` give
    other intervals and tests than the delta method's."""
    made = []
    for one in found:
        each = (_versus(one, number, question) for number in range(1, len(one.values)))
        made.append(Judged(one, tuple(_by_rows(one, versus, question, rows) for versus in each)))
    return corrected(made, question)


def _by_rows(found: Measured, versus: Versus, question: Question, rows: Resampled | None) -> Versus:
    """With the interval and the test that were asked for, where they fit the loss."""
    if versus.low is None:
        return versus
    if question.test == "sign":
        versus = replace(versus, p=versus.sign_p)
    spec = str(found.spec)
    if question.interval == "bca" and rows is not None:
        counts = found.values[versus.model].count, 0 if found.gram is None else found.gram.count
        ends = rows.interval(spec, versus.model, question, *counts)
        if ends is not None:
            versus = replace(versus, low=ends[0], high=ends[1], method="bca")
    if question.test in ("permutation", "wilcoxon"):
        p = None if rows is None else rows.p(spec, versus.model, question)
        versus = replace(versus, p=p)
    return versus


def corrected(made: Sequence[Judged], question: Question) -> list[Judged]:
    """The same with corrected p-values, and what follows from these."""
    flat = [versus for one in made for versus in one.against]
    p = METHODS[question.correction]([versus.p for versus in flat])
    final = iter(
        replace(versus, corrected=value, verdict=_verdict(versus, value, question))
        for versus, value in zip(flat, p, strict=True)
    )
    return [
        Judged(
            one.measured,
            tuple(
                _directed(next(final), one.measured.spec.direction, question.test)
                for _ in one.against
            ),
        )
        for one in made
    ]


def _versus(found: Measured, number: int, question: Question) -> Versus:
    reference, value, apart = found.value(0), found.value(number), found.apart[number]
    if reference is None or value is None:
        lacking = found.values[0] if reference is None else found.values[number]
        return Versus(number, why=lacking.reason or lacking.status, apart=apart)
    direction = found.spec.direction
    ours, theirs = (abs(one) if direction == "zero" else one for one in (value, reference))
    difference = ours - theirs
    change = difference / abs(theirs) if found.spec.scaled and theirs else None
    plain = Versus(number, difference, change, apart=apart)
    if apart.wins is not None and apart.wins.rows == apart.wins.ties and difference == 0.0:
        return replace(plain, verdict=IDENTICAL)
    spread = found.spread
    if spread is None:
        return replace(plain, why=found.why)
    error = float(spread.errors[0, number])
    if error <= ROUNDING * max(abs(ours), abs(theirs)):
        error = 0.0
    n = spread.rows
    if error == 0.0:
        alone = apart.wins if question.unit == "rows" else None
        p = None if alone is None else sign_p(alone.worse, alone.better)
        why = "every row differs by the same"
        return replace(plain, error=0.0, p=p, trusted=spread.units >= FEWEST, why=why)
    if not math.isfinite(error):
        return replace(plain, why="its spread is too large for a 64-bit float")
    test = mean_test(difference, error, spread.degrees, question.confidence)
    smallest = detectable(error, 1, question.confidence)
    needed = None
    if theirs and found.spec.scaled:
        needed = n * rows_needed(error, ONE_PERCENT * abs(theirs), question.confidence)
    doubt = _doubt(apart, spread.units, question.unit)
    return replace(
        plain, error=error, low=test.low, high=test.high, p=test.p,
        trusted=doubt is None, why=doubt, effect=difference / (error * math.sqrt(n)),
        smallest=smallest, needed=needed,
    )  # fmt: skip


def _doubt(apart: Apart, count: int, unit: str) -> str | None:
    """What keeps an interval from being trusted."""
    if count < FEWEST:
        return f"{count} {unit} are too few to judge"
    if apart.few:
        return "a few rows make nearly all of the difference"
    if _heavy(apart):
        return f"the differences have one heavy tail (index {apart.khat:.2f})"
    return None


def _heavy(apart: Apart) -> bool:
    """Whether gaps are skewed by a tail so heavy that intervals cover too little."""
    if apart.khat is None or apart.skew is None:
        return False
    return apart.khat >= HEAVY and abs(apart.skew) >= SKEWED


def _verdict(versus: Versus, p: float | None, question: Question) -> str:
    """Without the direction: `WORSE` stands for larger."""
    if versus.verdict or p is None or versus.difference is None:
        return versus.verdict
    if not versus.trusted and not (versus.safe and p < question.level):
        return UNDECIDED
    if p >= question.level:
        return NOT_SHOWN
    return WORSE if versus.difference > 0.0 else BETTER


def _directed(versus: Versus, direction: str, test: str) -> Versus:
    """With the direction: a test of ranks and signs goes by how many rows are better."""
    wins = versus.apart.wins
    if test in ("wilcoxon", "sign") and wins is not None and versus.verdict in (BETTER, WORSE):
        return replace(versus, verdict=BETTER if wins.better > wins.worse else WORSE)
    if direction != "max" or versus.verdict not in (BETTER, WORSE):
        return versus
    return replace(versus, verdict=WORSE if versus.verdict == BETTER else BETTER)
