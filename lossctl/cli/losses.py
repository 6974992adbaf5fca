"""`lossctl losses`: what there is, and what fits some files."""

from __future__ import annotations

from collections.abc import Collection

from lossctl.cli import options as o


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
    from lossctl.listing import entries
    from lossctl.renderers.losses import known_format, render

    terminal = sys.stdout is not None and sys.stdout.isatty()
    form = known_format(format or ("table" if terminal else "tsv"))
    listed = entries()
    _known("--family", family, dict.fromkeys(one.family for one in listed))
    if task is not None and not any(task in one.tasks for one in listed):
        from lossctl.tasks import TASKS

        _known("--task", task, TASKS)
    if preds is not None:
        from dataclasses import replace

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
        # With files the task says how they are read; losses of others do not apply.
        reasons = dict(applicable(plan))
        listed = [replace(one, applies=reasons[one.loss] is None, why=reasons[one.loss])
                  for one in listed]  # fmt: skip
    elif targets is not None or pred_col or target_col or role:
        raise UsageError("losses reads files only with --for", "write --for PREDS [TARGETS]")
    elif task is not None:
        listed = [one for one in listed if task in one.tasks]
    listed = [one for one in listed if family in (None, one.family)]
    write_stdout(render(listed, form, screen_width()))
    return 0


def _known(option: str, value: str | None, names: Collection[str]) -> None:
    if value is not None and value not in names:
        from difflib import get_close_matches

        from lossctl.errors import UsageError, quoted

        near = get_close_matches(value, names, 2)
        hint = f"nearest: {', '.join(near)}" if near else f"it is one of {', '.join(names)}"
        raise UsageError(f"{option} is {quoted(value)}", hint)
