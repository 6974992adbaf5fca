"""`lossctl advise`: which loss fits, and what to do about the model."""

from __future__ import annotations

from lossctl.cli import options as o


def advise(
    preds: o.Preds,
    targets: o.Targets = None,
    task: o.Task = "auto",
    pred_col: o.PredCol = None,
    target_col: o.TargetCol = None,
    weight_col: o.WeightCol = None,
    id_col: o.IdCol = None,
    role: o.Role = None,
    from_logits: o.FromLogits = False,
    labels: o.Labels = None,
    positive: o.Positive = None,
    classes: o.ClassCount = None,
    ignore_index: o.IgnoreIndex = None,
    on: o.On = None,
    by_row: o.ByRow = False,
    nan: o.Nan = "error",
    missing: o.Missing = "error",
    duplicates: o.Duplicates = "error",
    where: o.Where = None,
    input_format: o.InputFormat = None,
    encoding: o.Encoding = None,
    delimiter: o.Delimiter = None,
    no_header: o.NoHeader = False,
    format: o.Format = None,  # noqa: A002  the option's name
    output: o.Output = None,
    export: o.Export = None,
    color: o.Color = "auto",
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,
    threads: o.Threads = None,
    block_rows: o.BlockRows = None,
    spool_limit: o.SpoolLimit = None,
) -> int:
    """Say which loss fits these residuals or probabilities, what would make them better (a shift,
    a scale, a temperature) by how much, and which labels look wrong; each with its evidence."""
    from time import perf_counter

    from lossctl.cli import startup
    from lossctl.cli.output import Destinations
    from lossctl.cli.progress import Progress
    from lossctl.cli.reading import (
        block_rows_of,
        keys_of,
        label_of,
        read_options,
        roles_of,
        settings_of,
    )
    from lossctl.errors import UsageError
    from lossctl.plan import Plan
    from lossctl.run import advise_plan

    destinations = Destinations.of(
        format=format,
        output=output,
        exports=export or [],
        score_only=False,
        precision=None,
        color=color,
        inputs=[preds, targets],
    )
    if nan == "propagate":
        raise UsageError("--nan is propagate", "it is one of error, drop")
    plan = Plan(
        pred=preds,
        target=targets,
        task=task,
        settings=settings_of(from_logits=from_logits or None),
        labels=keys_of([] if labels is None else [labels], "--labels"),
        positive=positive,
        classes=classes,
        ignore_index=label_of(ignore_index),
        pred_col=pred_col,
        target_col=target_col,
        weight_col=weight_col,
        id_col=id_col,
        on=keys_of(on or []),
        by_row=by_row,
        nan=nan,
        missing=missing,
        duplicates=duplicates,
        where=tuple(where or ()),
        roles=roles_of(role or [], None),
        read=read_options(input_format, encoding, delimiter, no_header),
        full=False,
        threads=threads,
        processes=True,
        block_rows=block_rows_of(block_rows),
        spool_limit=spool_limit,
    )
    started = perf_counter()
    startup.done()
    with Progress(quiet=quiet) as progress:
        report = advise_plan(plan, progress)
    destinations.write(report, quiet=quiet)
    if verbose:
        destinations.say_how(report, perf_counter() - started)
    return 0
