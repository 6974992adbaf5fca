"""Options and arguments as they are declared: for Typer (`app`) and for plain lines (`plain`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, get_type_hints

Completion: TypeAlias = Callable[[str], list[str]]


class Argument:
    """What stands in its place, without a name."""

    __slots__ = ("complete", "help", "metavar", "show_default")

    def __init__(
        self,
        *,
        help: str,  # noqa: A002  Typer's word
        metavar: str | None = None,
        show_default: bool = True,
        complete: Completion | None = None,
    ) -> None:
        self.help = help
        self.metavar = metavar
        self.show_default = show_default
        self.complete = complete


class Option:
    """What follows one of its `names`: a value, or nothing for a bool."""

    __slots__ = ("complete", "envvar", "help", "metavar", "names")

    def __init__(
        self,
        *names: str,
        help: str,  # noqa: A002  Typer's word
        metavar: str | None = None,
        envvar: str | None = None,
        complete: Completion | None = None,
    ) -> None:
        self.names = names
        self.help = help
        self.metavar = metavar
        self.envvar = envvar
        self.complete = complete


def hints_of(command: Callable[..., int]) -> dict[str, Any]:
    """The types and declarations of a command's parameters, and its "return": of those that it
    takes as they stand in `scope`, the names of its own module, where it has one."""
    return get_type_hints(command, localns=getattr(command, "scope", None), include_extras=True)
