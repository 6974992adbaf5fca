"""What a report says of how its files were read."""

from __future__ import annotations

from lossctl.batches import Batches
from lossctl.binding import Binding
from lossctl.needs import TARGETS
from lossctl.plan import Plan
from lossctl.report import Note
from lossctl.spec import Spec, written
from lossctl.tasks import Decision


def of_task(plan: Plan, task: Decision) -> list[Note]:
    """What was decided for the user, where that is not plain."""
    if plan.losses or plan.task != "auto" or not task.why or task.task == "regression":
        return []
    return [Note("task", f"read as {task.task}: {task.why} (--task says otherwise)")]


def of_settings(plan: Plan, task: Decision, specs: tuple[Spec, ...]) -> list[Note]:
    """The settings that options, or the task, give to every loss that has them."""
    given = {**task.settings, **dict(plan.settings)}
    used = {name: value for name, value in given.items() if any(s.takes(name) for s in specs)}
    if not used:
        return []
    said = ", ".join(f"{name}={written(value)}" for name, value in used.items())
    return [
        Note("settings", f"{said} in every loss that takes {'it' if len(used) == 1 else 'them'}")
    ]


def of_sums(batches: Batches) -> list[Note]:
    """Rows of probabilities that do not sum to 1."""
    notes = []
    for name, (count, row, total) in batches.off.items():
        rows = "1 row does" if count == 1 else f"{count} rows do"
        shown = f"{total:.6g}" if abs(total - 1.0) > 1e-5 else f"1 {total - 1.0:+.1e}"
        text = (f"{name}: {rows} not sum to 1 (worst: #{row}, {shown}); used as they are "
                "(normalize=true divides by the sum)")  # fmt: skip
        notes.append(Note("sums", text, warning=True))
    return notes


def of_pairing(plan: Plan, binding: Binding) -> list[Note]:
    """Weights, and sides that are suspiciously alike."""
    feeds = binding.feeds
    notes = []
    if binding.weight is not None:
        name = binding.weight.columns[0] or "a column"
        notes.append(Note("weighted", f"rows are weighted by {name}"))
    sides = [
        {(b.feed, b.places) for b in binding.bound.values() if (b.role in TARGETS) is target}
        for target in (False, True)
    ]
    if sides[0] & sides[1]:
        notes.append(Note("same_column", "one column plays two roles", warning=True))
    same = len(feeds) > 1 and isinstance(plan.pred, str) and plan.pred == plan.target
    if same:
        notes.append(Note("same_file", "both sides come from one file", warning=True))
    return notes
