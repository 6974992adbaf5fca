"""`lossctl baseline`: files that later runs are compared with, and the reasons for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lossctl.cli import check_options as c
from lossctl.cli import options as o
from lossctl.cli.scored import FILES, Given, scored

if TYPE_CHECKING:
    from lossctl.passes import Progress
    from lossctl.plan import Plan
    from lossctl.report import Report


@scored(without=FILES)
def baseline(
    given: Given,
    action: c.Action,
    file: c.BaselinePath,
    preds: c.Preds = None,
    targets: o.Targets = None,
    reason: c.Reason = None,
) -> int:
    """Show a baseline, or update it from predictions, with a reason: FILE.json holds values and
    intervals, for review; FILE.state also what pairs later rows with these."""
    from pathlib import Path

    from lossctl.cli.output import write_file
    from lossctl.errors import UsageError
    from lossctl.gates.accepted import Accepted, accepted, shown, today
    from lossctl.gates.baseline import baseline_of
    from lossctl.run import evaluate_plan

    given = given.having(preds=preds, targets=targets)
    held = baseline_of(file)
    if action == "show":
        if preds is not None or reason is not None:
            raise UsageError("baseline show takes a file alone", "baseline update takes PREDS")
        return given.write(lambda: shown(held), inputs=[file])
    if action != "update":
        raise UsageError(f"baseline {action}: no such action", "it is show or update")
    if preds is None:
        raise UsageError("baseline update needs predictions",
                         "lossctl baseline update FILE PREDS TARGETS --reason TEXT")  # fmt: skip
    if reason is None:
        raise UsageError("baseline update needs a reason", "--reason says why, for who reviews it")
    kinds = {".state": True, ".json": False}
    if Path(file).suffix not in kinds:
        raise UsageError(f"{file} does not say what it will be", "name it .json or .state")
    new: list[Accepted] = []

    def answer(plan: Plan, progress: Progress | None) -> Report:
        new.append(accepted(evaluate_plan(plan, progress), held, file, reason, today()))
        write_file(file, new[0].text)
        return new[0].report

    return given.run(
        answer, inputs=[file], keep_state=kinds[Path(file).suffix], digest_targets=True, full=True
    )
