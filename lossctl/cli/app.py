"""The command tree for Typer, which makes help, completion and the errors of a command line."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, get_args

import typer

from lossctl import __version__
from lossctl.cli.commands import COMMANDS
from lossctl.cli.declared import Option, hints_of

app = typer.Typer(
    name="lossctl",
    help="Evaluate losses from files, and say which samples make them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 done, 2 usage, 3 data, 5 output, 70 internal error; of check also "
    "1 violated, 4 undecided.",
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


def for_typer(command: Callable[..., int]) -> Callable[..., int]:
    """The command with its declarations in Typer's words."""
    hints = hints_of(command)
    annotations = {name: _in_typers_words(hint) for name, hint in hints.items()}
    signature = inspect.signature(command)

    @wraps(command)
    def called(**given: Any) -> int:
        return command(**given)

    called.__annotations__ = annotations
    parameters = [
        one.replace(annotation=annotations[name]) for name, one in signature.parameters.items()
    ]
    called.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]  # inspect looks for it
    return called


def _in_typers_words(hint: Any) -> Any:
    if get_args(hint)[1:] == () or not hasattr(hint, "__metadata__"):
        return hint
    kind, one = get_args(hint)
    shared = {"help": one.help, "metavar": one.metavar, "autocompletion": one.complete}
    if isinstance(one, Option):
        return Annotated[kind, typer.Option(*one.names, envvar=one.envvar, **shared)]
    return Annotated[kind, typer.Argument(show_default=one.show_default, **shared)]


for _name, _command in COMMANDS.items():
    app.command(_name)(for_typer(_command))
