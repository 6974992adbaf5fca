"""`lossctl samples`: the rows, what each adds to every loss, and every loss without it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lossctl.cli import options as o
from lossctl.cli.scored import Given, scored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lossctl.report import Report
    from lossctl.samples.answer import Rows


@scored(without=("export", "format"))
def samples(
    given: Given,
    models: o.OtherModels = None,
    models_targets: o.TargetsOption = None,
    top: o.TopRows = None,
    all: o.All = False,  # noqa: A002  the option's name
    sort: o.Sort = None,
    show: o.Show = None,
    outliers: o.OutliersOf = None,
    trim: o.Trim = None,
    format: o.RowsFormat = None,  # noqa: A002  the option's name
) -> int:
    """List the rows that make a loss, with what each adds to it and the loss without it: the worst
    20, or --all. Of several models (NAME=PREDS ... -t TARGETS) the rows in which they differ."""
    from dataclasses import replace
    from time import perf_counter

    from lossctl.cli import startup
    from lossctl.cli.contenders import contenders, several
    from lossctl.cli.output import note
    from lossctl.cli.progress import Progress
    from lossctl.cli.reading import keys_of
    from lossctl.errors import UsageError, quoted
    from lossctl.plan import Contender
    from lossctl.renderers import ALIASES, OF
    from lossctl.renderers import FORMATS as DRAWN
    from lossctl.samples import told, versus
    from lossctl.samples.answer import samples as answer
    from lossctl.samples.question import SORTS, question
    from lossctl.writers import FORMATS, suffix_format

    options = given.options
    words = several([options["preds"], options["targets"], *(models or [])], models_targets)
    named: tuple[Contender, ...] = ()
    if words:
        named = contenders(words, options["pred_col"], None)
        given = given.having(preds=named[0].pred, targets=models_targets, pred_col=named[0].columns)
    asked = question(
        top=top, every=all, sort=sort, outliers=outliers, trim=trim,
        sorts=versus.SORTS if named else SORTS,
    )  # fmt: skip
    output = options["output"]
    if format is None and output is not None:
        format = suffix_format(output)  # noqa: A001  the option's name
    if format not in (None, "parquet", *DRAWN, *ALIASES):
        raise UsageError(
            f"no output format is called {quoted(format)}",
            f"there are {', '.join([*(one for one in DRAWN if one not in OF), 'parquet'])}",
        )
    destinations = given.destinations(
        format="tsv" if format == "parquet" else format, inputs=[one.pred for one in named]
    )
    path = destinations.all[0].path
    if format == "parquet" and path is None:
        raise UsageError("-f parquet needs a file", "-o FILE names one")
    chosen = "parquet" if format == "parquet" else destinations.all[0].format
    asked = replace(asked, signed=chosen not in FORMATS)
    keys = keys_of(options["on"] or [])
    shown = keys if len(keys) > 1 else ()  # of several columns there is no id: they are shown
    plan = given.plan(show=(*shown, *(show or ())), outliers=outliers or "mad", models=named)
    quiet = options["quiet"]
    started = perf_counter()
    startup.done()
    with Progress(quiet=quiet) as progress:
        if named:
            with versus.differences(plan, asked, progress) as apart:
                report = _written(apart, versus.report, chosen, path)
        else:
            with answer(plan, asked, progress) as found:
                report = _written(found, told.report, chosen, path)
    if chosen not in FORMATS:
        destinations.write(report, quiet=quiet)
    elif not quiet:
        for line in told.asides(report):
            note(line)
    if options["verbose"]:
        destinations.say_how(report, perf_counter() - started)
    return 0


def _written(found: Any, reported: Callable[..., Report], form: str, path: str | None) -> Report:
    """The rows written as they come, or gathered for what is drawn; and what is said of them."""
    from lossctl.samples import told
    from lossctl.writers import FORMATS

    if form in FORMATS:
        _stream(found.rows, form, path)
        return reported(found)
    return reported(found, told.few(found, form), screen=form != "json")


class _Stdout:
    """Standard output, as something to write bytes to."""

    def write(self, data: bytes) -> None:
        from lossctl.cli.output import to_stdout

        to_stdout(data)


def _stream(found: Iterator[Rows], form: str, path: str | None) -> None:
    """Write the rows as they come."""
    from contextlib import ExitStack

    from lossctl.cli.output import written
    from lossctl.writers import Sink, writer

    with ExitStack() as stack:
        sink: Sink = _Stdout() if path is None else stack.enter_context(written(path))
        with writer(form, sink) as rows:
            for block in found:
                rows.write(block)
