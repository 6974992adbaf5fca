"""Plain command lines, read without Typer: importing it and pydantic costs as much as NumPy.

Only what is right and needs no thought is read here, from the same declarations. Everything else
(help, completion, what is unknown, misspelt or missing) is left to Typer, so that it alone says
what is wrong.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from inspect import signature
from typing import Any, NamedTuple, get_args, get_origin

from lossctl.cli.commands import COMMANDS
from lossctl.cli.declared import Argument, Option, hints_of

DIGITS = 15  # that a whole number may have here


class UnclearError(Exception):
    """Typer has to read this line."""


class Parameter(NamedTuple):
    """A parameter of a command: each value is a str, int or bool; `many` is a list of them."""

    name: str
    kind: type
    many: bool
    declared: Argument | Option


def call_of(words: Sequence[str]) -> Callable[[], int] | None:
    """The call that a command line asks for; None where Typer has to read it."""
    if not words or words[0] not in COMMANDS or "_LOSSCTL_COMPLETE" in os.environ:
        return None
    command = COMMANDS[words[0]]
    try:
        return partial(command, **given_to(command, words[1:]))
    except UnclearError:
        return None


def given_to(command: Callable[..., int], words: Sequence[str]) -> dict[str, Any]:
    """What the words after its name give to a command. Raises UnclearError."""
    parameters = parameters_of(command)
    options = {
        word: one
        for one in parameters
        if isinstance(one.declared, Option)
        for word in one.declared.names
    }
    given, places = dict[str, Any](), list[str]()
    rest = iter(words)
    for word in rest:
        if word == "--":
            places += rest
        elif word[:1] != "-" or word == "-":
            places.append(word)
        elif word[:2] == "--":
            name, equals, value = word.partition("=")
            _give(given, options.get(name), value if equals else None, rest)
        else:
            _give_short(given, options, word[1:], rest)
    _give_environment(given, options)
    _give_places(given, [one for one in parameters if isinstance(one.declared, Argument)], places)
    takes = signature(command).parameters.values()
    if any(one.default is one.empty and one.name not in given for one in takes):
        raise UnclearError
    return given


def parameters_of(command: Callable[..., int]) -> list[Parameter]:
    """The parameters of a command, in order."""
    hints = hints_of(command)
    del hints["return"]
    return [_parameter(name, hint) for name, hint in hints.items()]


def _parameter(name: str, hint: Any) -> Parameter:
    kind, declared = get_args(hint)
    if type(None) in get_args(kind):
        (kind,) = (one for one in get_args(kind) if one is not type(None))
    many = get_origin(kind) is list
    return Parameter(name, get_args(kind)[0] if many else kind, many, declared)


def _give(
    given: dict[str, Any], one: Parameter | None, attached: str | None, rest: Iterator[str]
) -> None:
    """An option its value: what is attached to it, or the next word."""
    if one is None or (one.kind is bool and attached is not None):
        raise UnclearError
    if one.kind is bool:
        given[one.name] = True
        return
    text = next(rest, None) if attached is None else attached
    if text is None:
        raise UnclearError
    if one.many:
        given.setdefault(one.name, []).append(_value(one, text))
    else:
        given[one.name] = _value(one, text)


def _give_short(
    given: dict[str, Any], options: dict[str, Parameter], letters: str, rest: Iterator[str]
) -> None:
    """`-bq`, `-lmae`, `-bl mae`: what follows a letter that takes a value is that value."""
    while letters:
        one = options.get("-" + letters[0])
        takes = one is not None and one.kind is not bool
        _give(given, one, (letters[1:] or None) if takes else None, rest)
        letters = "" if takes else letters[1:]


def _give_environment(given: dict[str, Any], options: dict[str, Parameter]) -> None:
    for one in options.values():
        variable = one.declared.envvar if isinstance(one.declared, Option) else None
        text = os.environ.get(variable) if variable is not None else None
        if text and one.name not in given:
            if one.many or one.kind is bool:  # Typer splits lists, and knows words for true
                raise UnclearError
            given[one.name] = _value(one, text)


def _give_places(given: dict[str, Any], arguments: list[Parameter], places: list[str]) -> None:
    for one in arguments:
        if one.many and places:
            given[one.name] = [_value(one, text) for text in places]
            places = []
        elif places:
            given[one.name] = _value(one, places.pop(0))
    if places:
        raise UnclearError


def _value(one: Parameter, text: str) -> Any:
    if one.kind is int:
        if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
            raise UnclearError
        return int(text)
    return text
