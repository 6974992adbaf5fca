"""`lossctl merge`: the states of parts of the rows as one."""

from __future__ import annotations

from lossctl.cli import options as o


def merge(
    states: o.States,
    format: o.StateFormat = None,  # noqa: A002  the option's name
    output: o.Output = None,
    export: o.Export = None,
    precision: o.Precision = None,
    color: o.Color = "auto",
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> int:
    """Join the states of parts of the rows (eval --export state=FILE), in any order: the report of
    all rows, or with -o FILE.state their state. The same bytes as of one run."""
    from lossctl.cli import startup
    from lossctl.cli.output import Destinations
    from lossctl.errors import DataError
    from lossctl.gates.baseline import kind_of, text_of
    from lossctl.shards.file import read
    from lossctl.shards.report import merge_states

    destinations = Destinations.of(
        format=format, output=output, exports=export or [], score_only=False, precision=precision,
        color=color, inputs=states, command="merge",
    )  # fmt: skip
    startup.done()
    held = []
    for path in states:
        if kind_of(path) != "state":
            raise DataError(f"{path} is no state", "eval --export state=FILE makes one")
        held.append((path, read(text_of(path), path)))
    destinations.write(merge_states(held), quiet=quiet)
    return 0
