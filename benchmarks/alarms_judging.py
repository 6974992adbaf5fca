"""What `lossctl check` decides of many builds, faster than by calling it: the gate's own functions
on rows that are in memory already. `tests/test_alarms.py` holds both against each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType
from typing import Any

import numpy as np

from lossctl.batch import Batch
from lossctl.checks import Gate
from lossctl.gates.asked import parsed, planned
from lossctl.gates.baseline import Baseline
from lossctl.gates.judged import Judge
from lossctl.gates.measured import Asked, Found, rounds
from lossctl.gates.requirement import parse
from lossctl.gates.rules import Rules
from lossctl.gates.sequential import Seen
from lossctl.models import Model, column_name
from lossctl.plan import Plan
from lossctl.readers.memory import MemorySource
from lossctl.rounds import ask_of, in_step
from lossctl.scoring import common_of, scoring

HOWS: Mapping[str, Mapping[str, bool]] = MappingProxyType({
    "": {}, "naive": {"naive": True}, "strict": {"strict": True},
    "allowed": {"allow_undecided": True},
})  # fmt: skip


def requirement(loss: str, margin: float) -> str:
    """`increase(mae) <= 2%`."""
    return f"increase({loss}) <= {100 * margin:g}%"


@cache
def rules_of(losses: tuple[str, ...], margin: float, how: str = "") -> Rules:
    """One margin for several losses."""
    return Rules(tuple(parse(requirement(loss, margin)) for loss in losses), **HOWS[how])


class Bench:
    """Measures candidates against a baseline by some losses, and judges them."""

    def __init__(self, losses: Sequence[str], task: str = "auto") -> None:
        rules = rules_of(tuple(losses), 0.0)
        labels = np.arange(40) % 2 / 1.0
        sources = {name: MemorySource(name, {name: values}) for name, values in
                   (("pred", labels), ("target", labels), ("baseline", labels[::-1]))}  # fmt: skip
        plan = Plan(pred=sources["pred"], target=sources["target"], task=task)
        plan = planned(plan, rules, Baseline("baseline", sources["baseline"]))
        with scoring(plan) as held:
            context, first = held.rows()
            common = common_of(plan, held.task)
        self.context = replace(context, like=None)
        self.question = rules.question
        self.asked = {
            loss: Asked(one.quantity, parsed(loss, plan=plan, common=common), None)
            for loss, one in zip(losses, rules.requirements, strict=True)
        }
        (self.target,) = set(first.columns) - {"pred", column_name("pred", 1)}
        self._judges: dict[Any, Judge] = {}

    def measured(
        self, target: Any, baseline: Any, candidates: Sequence[tuple[Any, Sequence[str]]]
    ) -> list[dict[str, Found]]:
        """What is found of each candidate, by those losses that are named with it."""
        rows = np.arange(target.size)
        columns = {"pred": baseline, self.target: target}
        models = [Model("baseline")]
        for number, (pred, _) in enumerate(candidates, 1):
            columns[column_name("pred", number)] = pred
            models.append(Model(f"candidate {number}", (("pred", column_name("pred", number)),)))
        batch = Batch(columns, frozenset(), None, rows, rows)
        asked = (
            rounds(self.context, (models[0], model), [self.asked[loss] for loss in losses],
                   self.question, batch)
            for model, (_, losses) in zip(models[1:], candidates, strict=True)
        )  # fmt: skip
        found = ask_of(in_step(asked), batch)
        return [dict(zip(losses, one, strict=True))
                for (_, losses), one in zip(candidates, found, strict=True)]  # fmt: skip

    def gate(
        self,
        found: Mapping[str, Found],
        losses: tuple[str, ...],
        margin: float,
        how: str = "",
        look: Seen | None = None,
    ) -> Gate:
        """What becomes of a build that requires the same margin of some losses."""
        rules = rules_of(losses, margin, how)
        key = losses, margin, how, look
        judge = self._judges.get(key)
        if judge is None:
            judge = Judge(self.context, rules, "baseline", {}, look)
            judge.reach = cache(judge.reach)
            self._judges[key] = judge
        asked = [self.asked[loss] for loss in losses]
        return rules.gate(judge.checks(asked, [found[loss] for loss in losses], 0, 0))
