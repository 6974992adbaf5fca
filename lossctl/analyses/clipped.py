"""Clipped rows: how many values a floor or clip decides, and their share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.wording import counted
from lossctl.arrays import Mask
from lossctl.batch import Batch
from lossctl.report import Note
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState, Terms
from lossctl.terms import LossTerms


@dataclass(frozen=True, slots=True)
class ClippedTerms:
    """a = what a clipped row adds to the loss, b = 1 for each such row; of no others."""

    spec: Spec

    def __call__(self, batch: Batch) -> Terms:
        return marked_terms(self.spec, batch, self.spec.clipped(batch.columns))


def marked_terms(spec: Spec, batch: Batch, marked: Mask) -> Terms:
    """What the marked rows add to a loss, each counting 1."""
    if not marked.any():
        return Terms([(np.empty(0), 0)])
    parts = LossTerms(spec)(batch).parts
    return Terms([(part[marked], shift) for part, shift in parts])


def rounds(context: Context, spec: Spec) -> Rounds[SumsState | None]:
    """None for a loss that clips nothing."""
    if spec.loss.clipped is None or (context.outputs > 1 and not context.adds_up(spec)):
        return None
    sums = Sums(ClippedTerms(spec))
    state: SumsState = (yield (sums,))[sums]
    return state


def note(spec: Spec, found: SumsState | None) -> Note | None:
    """What the reader must know of clipped rows; None where there are none."""
    if found is None or not found.nonzero:
        return None
    one = found.nonzero == 1
    rows = counted(found.nonzero)
    if spec.loss.clips:
        said = f"{'has' if one else 'have'} {spec.loss.clips}"
    else:
        said = f"{'gives' if one else 'give'} the truth a probability of (nearly) 0"
    text = f"{spec.brief}: {rows} {said}, and {_cost(spec, 'it' if one else 'each')}"
    return Note("clipped", text)


def _cost(spec: Spec, subject: str) -> str:
    """How such a row is scored."""
    told = spec.all_settings
    if told.get("eps") is not None:
        if not told["eps"]:
            return f"{subject} costs infinitely much"
        return f"{subject} is scored as if it were {told['eps']:.3g}"
    if told.get("log_clamp") is not None:
        return f"{subject} is scored as if its logarithm were {told['log_clamp']:g}"
    return f"{subject} is scored as if it were {told['floor']:.3g}"
