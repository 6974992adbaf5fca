"""Many models by one loss: which may be the best, between which ranks each lies, and which are not
shown to be worse than another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.comparison.judged import FEWEST, Judged, relative
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.inference.ranking import ConfidenceSet, Ranking, confidence_set, ranking
from lossctl.report import Json
from lossctl.tables import Column, Table


@dataclass(frozen=True, slots=True, eq=False)
class Ranks:
    """The models by one loss; `order` has their numbers, the best first."""

    judged: Judged
    order: tuple[int, ...]
    ranking: Ranking
    kept: ConfidenceSet
    confidence: float

    def rank(self, number: int) -> str:
        """`2`, or `1–3`: the ranks that a model may have."""
        low, high = int(self.ranking.lowest[number]), int(self.ranking.highest[number])
        return str(low) if low == high else f"{low}–{high}"

    def together(self) -> list[int]:
        """The models of the confidence set, the best first."""
        return [number for number in self.order if self.kept.included[number]]

    def table(self, names: Sequence[str]) -> Table:
        """A row for each model, the best first."""
        spec = self.judged.spec
        columns = (
            Column("rank", "text"),
            Column("model", "text"),
            Column(spec.brief, "value"),
            Column("change", "shift", 2),
            Column(f"all {100 * self.confidence:g} % intervals", "interval", 3),
            Column("P(best)", "share", 4),
            Column(f"in {100 * self.confidence:g} % set", "text", 5),
            Column("better / worse", "text", 6),
        )
        return Table(columns, tuple(self._row(number, names) for number in self.order))

    def _row(self, number: int, names: Sequence[str]) -> tuple[Any, ...]:
        one = self.judged
        best = float(self.ranking.best[number])
        kept = "yes" if self.kept.included[number] else "no"
        versus = one.of(number)
        if versus is None:
            shown: tuple[Any, ...] = (None, None, best, kept, None)
        else:
            wins = versus.apart.wins
            rows = None if wins is None else f"{wins.better} / {wins.worse}"
            shown = (versus.shift, self._interval(number), best, kept, rows)
        return (self.rank(number), names[number], one.value(number), *shown)

    def _interval(self, number: int) -> Json:
        """That of the difference from the reference, which holds for all models at once."""
        ends = self._ends("from_reference", number)
        low, high = ends["low"], ends["high"]
        versus, reference = self.judged.of(number), self.judged.reference
        trusted = versus is None or versus.sound
        if versus is None or versus.change is None or not reference:
            return {"low": low, "high": high, "trusted": trusted}
        return relative(low, high, reference, trusted=trusted)

    def data(self, names: Sequence[str]) -> Json:
        """All of it, by model."""
        return {
            "loss": str(self.judged.spec),
            "models": {
                names[number]: {
                    "rank": [int(self.ranking.lowest[number]), int(self.ranking.highest[number])],
                    "p_best": float(self.ranking.best[number]),
                    "in_confidence_set": self.kept.included[number],
                    "confidence_set_p": float(self.kept.p[number]),
                    "from_reference": self._ends("from_reference", number),
                    "from_best": self._ends("from_best", number),
                }
                for number in self.order
            },
            "confidence": self.confidence,
        }

    def _ends(self, which: str, number: int) -> Json:
        found = getattr(self.ranking, which)
        low, high, apart = (float(side[number]) for side in
                            (found.low, found.high, found.difference))  # fmt: skip
        if self.judged.spec.direction == "max":  # ranks are by what is less
            low, high, apart = -high, -low, -apart
        return {"difference": apart, "low": low, "high": high}


def ranks(judged: Judged, question: Question) -> Ranks | None:
    """None of two models, or where one has no value, or no spread is known."""
    order, sizes, spread = judged.ranked(), judged.sizes, judged.measured.spread
    if order is None or spread is None or len(order) < 3 or spread.units < FEWEST:
        return None
    values = np.array(sizes)
    if not np.isfinite(spread.covariance).all():
        return None
    found = ranking(
        values, spread.covariance, spread.degrees,
        confidence=question.confidence, draws=question.resamples, seed=question.seed,
    )  # fmt: skip
    kept = confidence_set(values, spread.covariance, spread.degrees, question.level,
                          question.resamples, question.seed)  # fmt: skip
    return Ranks(judged, tuple(order), found, kept, question.confidence)
