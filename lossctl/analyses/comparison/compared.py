"""Everything that `compare` asks of the rows, in step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lossctl.analyses import detectors
from lossctl.analyses.comparison import (
    by_group,
    dominates,
    flips,
    measured,
    order,
    resampled,
    sweep,
)
from lossctl.analyses.comparison.by_group import ByGroup
from lossctl.analyses.comparison.dominates import Dominates
from lossctl.analyses.comparison.flips import Flip
from lossctl.analyses.comparison.judged import Judged, judged
from lossctl.analyses.comparison.order import Dependence
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.sweep import Parse, Range, Sweep
from lossctl.analyses.comparison.trims import Trims, trims
from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest
from lossctl.batch import Batch
from lossctl.errors import UsageError
from lossctl.few import Few
from lossctl.models import Model
from lossctl.report import Note
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec


@dataclass(frozen=True, slots=True, eq=False)
class Compared:
    """The answers. `losses` are in the order of the question, `flips` by loss."""

    models: tuple[Model, ...]
    losses: tuple[Judged, ...]
    leading: Judged
    flips: Mapping[str, Flip | None]
    trims: Trims | None
    groups: Sequence[ByGroup]
    sweep: Sweep | None
    dominates: Dominates | None
    dependence: Dependence | None
    wrong: tuple[Note, ...]
    digest: str

    @property
    def names(self) -> list[str]:
        """What the models are called."""
        return [model.name for model in self.models]


def led(context: Context, question: Question) -> Context:
    """With the loss that models are put in order by: that of `--sort`, else the first with which
    rows add up. Raises UsageError for a loss that is none of these."""
    if question.sort is None:
        leading = next((spec for spec in context.specs if spec.shares), context.specs[0])
        return replace(context, leading=leading, moments=False)
    for spec in context.specs:
        if question.sort in (str(spec), spec.loss.label, spec.loss.name, spec.brief):
            return replace(context, leading=spec, moments=False)
    listed = ", ".join(spec.brief for spec in context.specs)
    raise UsageError(f"--sort {question.sort}: no loss here is called that", f"there is {listed}")


def rounds(
    context: Context,
    models: tuple[Model, ...],
    question: Question,
    like: Batch,
    task: str,
    swept: tuple[Range, Parse] | None = None,
) -> Rounds[Compared]:
    """The answers for the losses of the context; `like` is any batch; `swept`: a loss over the
    values of a setting, and what makes a loss of a text."""
    few = Few(context.few, "row")
    known = [(0, 1)] if len(models) == 2 else []  # of more it is not yet, which are the best two
    asked: list[Rounds[Any]] = [
        in_step(_of_loss(context, models, spec, question, like) for spec in context.specs),
        trims(context, models),
        one_state(Digest()),
        one_state(few),
        resampled.rounds(context, models, question),
        by_group.rounds(context, models, context.by, question),
        in_step([] if swept is None else [sweep.rounds(context, models, *swept)]),
        in_step(dominates.rounds(context, models, pair, task, like) for pair in known),
    ]
    each, trimmed, digest, held, rows, groups, swept_over, dominating = yield from in_step(asked)
    batch: Batch | None = held.batch
    judgements = judged([one for one, _ in each], question, rows)
    losses, dependence = order.checked(judgements, models, batch, question)
    leading = next(one for one in losses if one.spec == context.leading)
    ranked = leading.ranked()
    if not dominating and ranked is not None:
        best = ranked[0], ranked[1]
        dominating = [(yield from dominates.rounds(context, models, best, task, like))]
    wrong = [] if batch is None else detectors.of_models(context, models, batch)
    return Compared(
        models,
        tuple(losses),
        leading,
        {str(one.spec): flip for one, flip in each},
        trimmed,
        groups,
        swept_over[0] if swept_over else None,
        dominating[0] if dominating else None,
        dependence,
        tuple(wrong),
        str(digest),
    )


def _of_loss(
    context: Context, models: tuple[Model, ...], spec: Spec, question: Question, like: Batch
) -> Rounds[tuple[measured.Measured, Flip | None]]:
    """One loss, and the rows that decide which of the best two models it prefers."""
    found = yield from measured.rounds(context, models, spec, question)
    ranked = Judged(found, ()).ranked()
    if ranked is None:
        return found, None
    flip = yield from flips.rounds(context, models, found, (ranked[0], ranked[1]), like)
    return found, flip
