"""`lossctl losses`: what there is, and what fits some files."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from lossctl.cli import options as o

if TYPE_CHECKING:
    from lossctl.loss import Loss


def losses(
    targets: o.TargetsOf = None,
    preds: o.For = None,
    task: o.TaskOf = None,
    family: o.Family = None,
    pred_col: o.PredCol = None,
    target_col: o.TargetCol = None,
    role: o.Role = None,
    input_format: o.InputFormat = None,
    encoding: o.Encoding = None,
    delimiter: o.Delimiter = None,
    no_header: o.NoHeader = False,
    format: o.InspectFormat = None,  # noqa: A002  the option's name
    debug: o.Debug = False,
) -> int:
    """List every loss by family: label, settings with defaults, tasks; or with --for which of them
    apply to some files, and why the others do not."""
    import sys

    from lossctl.cli.output import screen_width, write_stdout
    from lossctl.errors import UsageError
    from lossctl.explain import entry_of
    from lossctl.loss import losses as registered
    from lossctl.renderers.losses import known_format, render
    from lossctl.tasks import TASKS

    terminal = sys.stdout is not None and sys.stdout.isatty()
    form = known_format(format or ("table" if terminal else "tsv"))
    found = list(registered().values())
    _known("--family", family, dict.fromkeys(one.family for one in found))
    _known("--task", task, TASKS)
    reasons: dict[str, str | None] | None = None
    if preds is not None:
        from lossctl.applicable import applicable
        from lossctl.cli.reading import read_options
        from lossctl.plan import Plan, role_input

        plan = Plan(
            pred=preds,
            target=targets,
            task=task or "auto",
            pred_col=pred_col,
            target_col=target_col,
            roles=tuple(role_input(text) for text in role or ()),
            read=read_options(input_format, encoding, delimiter, no_header),
        )
        reasons = dict(applicable(plan))
    elif targets is not None or pred_col or target_col or role:
        raise UsageError("losses reads files only with --for", "write --for PREDS [TARGETS]")
    listed = [entry_of(one, reasons) for one in found if _wanted(one, task, family, reasons)]
    write_stdout(render(listed, form, screen_width()))
    return 0


def _wanted(
    one: Loss, task: str | None, family: str | None, reasons: dict[str, str | None] | None
) -> bool:
    """With files the task says how they are read, and losses of others are listed with the reason
    that they do not apply."""
    fits = task is None or task in one.tasks or reasons is not None
    return fits and family in (None, one.family)


def _known(option: str, value: str | None, names: Collection[str]) -> None:
    from difflib import get_close_matches

    from lossctl.errors import UsageError, quoted

    if value is not None and value not in names:
        near = get_close_matches(value, names, 2)
        hint = f"nearest: {', '.join(near)}" if near else f"it is one of {', '.join(names)}"
        raise UsageError(f"{option} is {quoted(value)}", hint)
