"""`lossctl slices`: where the model fails, by columns that no loss reads."""

from __future__ import annotations

from lossctl.cli import options as o
from lossctl.cli.scored import Given, scored


@scored()
def slices(
    given: Given,
    by: o.By = None,
    find: o.Find = False,
    against: o.Against = None,
    against_targets: o.AgainstTargets = None,
    top: o.TopGroups = 10,
) -> int:
    """Say which groups of rows make the loss, and find the slices where the model fails; or what of
    a change between two files is the mix of groups, and what happened within them."""
    from dataclasses import replace
    from functools import partial

    from lossctl.errors import UsageError
    from lossctl.grouping import groupings
    from lossctl.run import slices_plan

    groups = groupings(by or [])
    old = None
    if against is not None and not groups:
        raise UsageError("--against splits a change by groups, and --by names none",
                         "add --by region")  # fmt: skip
    if against is not None:
        plan = given.plan(by=groups, top=top)
        old = replace(plan, pred=against, target=against_targets or plan.target)
    elif against_targets is not None:
        raise UsageError("--against-targets is about --against", "--against PREDS names the others")
    answer = partial(slices_plan, against=old)
    return given.run(answer, by=groups, carry_all=find, top=top)
