"""Which losses apply to some files, and why the others do not."""

from __future__ import annotations

from typing import Any

from lossctl.arrays import Domain
from lossctl.binding import bind
from lossctl.errors import LossctlError
from lossctl.loss import Loss, losses
from lossctl.plan import Plan
from lossctl.readers.source import Source
from lossctl.scoring import opened
from lossctl.spec import make
from lossctl.tasks import Decision, decide

SAID = 100  # characters of a reason


def applicable(plan: Plan) -> list[tuple[str, str | None]]:
    """Every loss's label, and None or the reason why these files do not suit it.

    The columns are bound as `eval` would bind them, and no value is read. Raises UsageError and
    DataError for files that cannot be opened, or whose task cannot be told.
    """
    with opened(plan) as (pred, target, opener):
        task = decide(plan, pred, target)
        return [
            (one.label, _reason(one, plan, task, pred, target, opener)) for one in losses().values()
        ]


def _reason(
    loss: Loss, plan: Plan, task: Decision, pred: Source, target: Source | None, opener: Any
) -> str | None:
    """Why a loss does not apply; None where it does."""
    if loss.tasks and not {task.task, task.perhaps} & set(loss.tasks):
        return f"it is for {' and '.join(loss.tasks)}, and these files are {task.task}"
    settings = {name: value for name, value in task.settings.items()
                if any(setting.name == name for setting in loss.settings)}  # fmt: skip
    try:
        spec = make(loss, settings)
        known = {role.name for role in spec.roles}
        roles = tuple(given for given in plan.roles if given.role in known)
        own = Plan(
            pred=plan.pred, target=plan.target, pred_col=plan.pred_col, target_col=plan.target_col,
            labels=plan.labels, positive=plan.positive, roles=roles, read=plan.read,
        )  # fmt: skip
        several = task.task == "multilabel"
        binding = bind(own, (spec,), pred, target, opener, several=several)
        for bound in binding.bound.values():
            feed = binding.feeds[bound.feed]
            columns = [feed.source.columns[feed.wanted[place].index] for place in bound.places]
            problem = _unfit(bound.domain, columns)
            if problem is not None:
                return f"{bound.name}: {problem}"
    except LossctlError as problem:
        text = str(problem)
        return text if len(text) <= SAID else text[: SAID - 1] + "…"
    return None


def _unfit(domain: Domain, columns: list[Any]) -> str | None:
    """What the declared shape of columns rules out."""
    width = sum(column.width or 1 for column in columns)
    listed = len(columns) == 1 and columns[0].width is None
    if domain.shape == "vector" and listed:
        return "one value a row, but vectors are needed"
    if domain.width is not None and width not in (domain.width, -1):
        return f"{width} values a row, but {domain.width} are needed"
    if domain.shape == "one" and width not in (1, -1):
        return f"{width} values a row, but one is needed"
    return None
