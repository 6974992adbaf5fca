"""The command tree. Commands import what they need when they run."""

from __future__ import annotations

from typing import Annotated

import typer

from lossctl import __version__
from lossctl.cli import eval as eval_command
from lossctl.cli import explain as explain_command
from lossctl.cli import inspect as inspect_command
from lossctl.cli import losses as losses_command

app = typer.Typer(
    name="lossctl",
    help="Evaluate losses from files, and say which samples make them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 usage, 3 data, 5 output, 70 internal error.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"lossctl {__version__}")
        raise typer.Exit


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", help="Show the version.", callback=_version, is_eager=True),
    ] = False,
) -> None:
    """Evaluate losses from files, and say which samples make them."""


app.command("eval")(eval_command.evaluate)
app.command("inspect")(inspect_command.inspect)
app.command("losses")(losses_command.losses)
app.command("explain")(explain_command.explain)
