"""`lossctl inspect`: how files are read; a dry run of `eval`."""

from __future__ import annotations

from lossctl.cli import options as o


def inspect(
    files: o.Files,
    on: o.On = None,
    input_format: o.InputFormat = None,
    encoding: o.Encoding = None,
    delimiter: o.Delimiter = None,
    no_header: o.NoHeader = False,
    format: o.InspectFormat = None,  # noqa: A002  the option's name
    quiet: o.Quiet = False,
    debug: o.Debug = False,
) -> int:
    """Say how each file is read: format, rows, columns with type, missing, exact sum, range; which
    columns eval would choose; and how two files would align."""
    import sys

    from lossctl.cli import startup
    from lossctl.cli.output import screen_width, write_stdout
    from lossctl.cli.progress import Progress
    from lossctl.cli.reading import keys_of, read_options
    from lossctl.inspection import inspect_files
    from lossctl.renderers.inspection import render

    startup.done()
    with Progress(quiet=quiet) as progress:
        found = inspect_files(
            files, keys_of(on or []), read_options(input_format, encoding, delimiter, no_header),
            progress,
        )  # fmt: skip
    terminal = sys.stdout is not None and sys.stdout.isatty()
    form = format or ("table" if terminal else "tsv")
    write_stdout(render(found, "tsv" if form == "plain" else form, screen_width()))
    return 0
