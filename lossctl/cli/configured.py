"""What lies below the options of a command: its configuration file, and the environment."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lossctl.cli.declared import Argument
from lossctl.cli.output import note
from lossctl.cli.plain import Parameter, parameters_of
from lossctl.cli.settled import VARIABLE
from lossctl.config import (
    LARGEST,
    PYPROJECT,
    Configuration,
    Key,
    Layer,
    Sourced,
    Value,
    nearest,
    read,
)
from lossctl.errors import UsageError, quoted

OWN = "lossctl.toml"
CHOOSING = ("suite", "config", "no_config")  # say which file counts, so no file says them
UNGATED = ("self_test", "suggest")  # what is no gate: the command line alone asks for it
HIDING = ("debug", "quiet", *UNGATED)  # quiet: a file would hide what it sets
STREAMS = ("preds", "output", "export")  # may be -; what else is read is a file of its own
SWITCHES = {"true": True, "1": True, "false": False, "0": False}

# What may stand before a path: FORMAT=, FORMAT+=, NAME=.
_BEFORE = {
    "[FORMAT=]FILE": re.compile(r"(?:[^\W_]|-)+\+*="),
    "NAME=FILE[:COLS]": re.compile(r"[\w.-]+="),
}
_BARE = re.compile("")


def layers_of(command: Callable[..., int], options: Mapping[str, Any]) -> list[Layer]:
    """The layers below what a command's options give, the later over the earlier. Raises
    UsageError."""
    parameters = [one for one in parameters_of(command) if one.name != "debug"]
    keys = {one.name: _key(one) for one in parameters}
    environment = dict(_environment(keys, _variables(parameters)))
    if not options["quiet"]:
        for text in _misspelt(parameters):
            note(text)
    chosen = {name: environment.pop(name) for name in CHOOSING if name in environment}
    given = {name: Sourced(options[name], f"--{keys[name]}") for name in CHOOSING
             if options[name] not in (None, False)}  # fmt: skip
    if given.keys() - {"suite"}:  # an option about the file is over both variables about it
        chosen = {name: one for name, one in chosen.items() if name == "suite"}
    chosen |= given
    found = _found(keys, chosen.get("config"), chosen.get("no_config"))
    suite = _one(chosen["suite"]) if "suite" in chosen else None
    if found is None:
        if suite is not None:
            raise UsageError(f"{suite.source} is {quoted(suite.value)}, but no configuration is "
                             "read", f"suites stand in ./{OWN}, or --config FILE")  # fmt: skip
        return [environment]
    tables = found.layers(None if suite is None else str(suite.value))
    return [*(_within(layer, keys, found.file) for layer in tables), environment]


def _one(suite: Sourced) -> Sourced:
    """The suite's name. Raises UsageError for several: the requirements of all but one would be
    gone."""
    names = suite.value if isinstance(suite.value, list) else [suite.value]
    if len(names) != 1:
        listed = ", ".join(map(str, names))
        raise UsageError(f"{suite.source} names {listed}", "one suite a run")
    return Sourced(str(names[0]), suite.source)


def _key(one: Parameter) -> Key:
    """What a file may say of a parameter, from its declaration."""
    metavar = one.declared.metavar or ""
    holds_path = isinstance(one.declared, Argument) or "FILE" in metavar
    path = _BEFORE.get(metavar, _BARE) if holds_path else None
    return Key(one.name, one.kind, one.many, one.many and "=" in metavar, path)


# --- files --------------------------------------------------------------------------------------


def _found(
    keys: Mapping[str, Key], config: Sourced | None, no_config: Sourced | None
) -> Configuration | None:
    """The one configuration that counts; None where there is none. Raises UsageError."""
    keys = {name: key for name, key in keys.items() if name not in CHOOSING + HIDING}
    if no_config is not None and no_config.value:
        if config is not None:
            raise UsageError(f"{config.source} and {no_config.source} exclude each other")
        return None
    if config is not None:
        named = str(config.value)
        configuration = read(_bytes(named), named, keys)
        if configuration is None:
            raise UsageError(f"{named} has no table [tool.lossctl]")
        return configuration
    # A link that leads nowhere is a configuration that is gone, not one that never was.
    there = [read(_bytes(name), name, keys) for name in (OWN, PYPROJECT) if os.path.lexists(name)]
    both = [one for one in there if one is not None]
    if len(both) > 1:
        raise UsageError(f"{OWN} and [tool.lossctl] of {PYPROJECT} are both there",
                         "keep one of them, or choose with --config FILE")  # fmt: skip
    return both[0] if both else None


def _bytes(path: str) -> bytes:
    """A file's bytes. Raises UsageError for what is no file, or too large."""
    try:
        # Without O_NONBLOCK a pipe of that name would wait for a writer.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise UsageError(f"the configuration {path} is no regular file")
            with os.fdopen(handle, "rb", closefd=False) as file:
                data = file.read(LARGEST + 1)
        finally:
            os.close(handle)
    except (OSError, ValueError) as problem:  # ValueError: a null character
        said = getattr(problem, "strerror", None) or problem
        raise UsageError(f"the configuration {path or repr(path)} cannot be read: {said}") from None
    if len(data) > LARGEST:
        raise UsageError(f"the configuration {path} has more than {LARGEST} bytes")
    return data


def _within(layer: Layer, keys: Mapping[str, Key], file: str) -> Layer:
    """A file's layer, its paths as they are from here. Raises UsageError for those that leave the
    file's folder."""
    folder = Path(file).parent

    def moved(name: str, one: Sourced) -> Sourced:
        key = keys[name]
        if key.path is None or (name, one.value) == ("class_weight", "balanced"):
            return one
        where = f"{one.source} {key}"
        if isinstance(one.value, list):
            return Sourced([_moved(text, key, folder, where) for text in one.value], one.source)
        return Sourced(_moved(str(one.value), key, folder, where), one.source)

    return {name: moved(name, one) for name, one in layer.items()}


def _moved(text: str, key: Key, folder: Path, where: str) -> str:
    """A path from the folder of its file; what stands before it stays. Raises UsageError."""
    match = None if key.path is None else key.path.match(text)
    cut = match.end() if match else 0
    head, path = text[:cut], text[cut:]
    if path == "-" and key.name in STREAMS:
        return text
    if path in ("", "-") or "://" in path:
        raise UsageError(f"{where} is {quoted(text)}", "it is a file below the folder of the "
                         "configuration")  # fmt: skip
    # Columns may follow a colon, and which it is shows only when the file is opened.
    for one in {path, path.rpartition(":")[0] or path}:
        if not _stays(one, folder):
            raise UsageError(f"{where} is {quoted(text)}, which leaves the folder of the "
                             "configuration", "name a file below it")  # fmt: skip
    return f"{head}{folder / path}"


def _stays(path: str, folder: Path) -> bool:
    """Whether a path is below a folder, links followed."""
    try:
        inside = (folder / path).resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):  # links in a circle, a null character
        return False
    return inside and not Path(path).is_absolute()


# --- the environment ----------------------------------------------------------------------------


def _variables(parameters: list[Parameter]) -> dict[str, str]:
    """The variables read here, each with its parameter: some options have their own already."""
    return {VARIABLE + one.name.upper(): one.name for one in parameters
            if getattr(one.declared, "envvar", None) is None}  # fmt: skip


def _environment(
    keys: Mapping[str, Key], variables: Mapping[str, str]
) -> Iterator[tuple[str, Sourced]]:
    """What the environment gives. An empty variable gives nothing. Raises UsageError."""
    for variable, name in variables.items():
        text = os.environ.get(variable, "")
        if text.strip() and name in UNGATED:
            raise UsageError(f"{variable} is set, and nothing is gated with it",
                             f"--{keys[name]} asks for it where it is wanted")  # fmt: skip
        if text.strip():
            yield name, Sourced(_of_variable(keys[name], text, variable), variable)


def _of_variable(key: Key, text: str, variable: str) -> Value:
    if key.kind is bool:
        if text.strip() not in SWITCHES:
            raise UsageError(f"{variable} is {quoted(text)}", "it is true, false, 1 or 0")
        return SWITCHES[text.strip()]
    if key.kind is int:
        if not re.fullmatch(r"\s*[+-]?\d{1,15}\s*", text, re.ASCII):
            raise UsageError(f"{variable} is {quoted(text)}", "it is a whole number")
        return int(text)
    if key.many:  # requirements hold blanks and commas: each has its line
        return [line.strip() for line in text.splitlines() if line.strip()]
    return text


def _misspelt(parameters: list[Parameter]) -> Iterator[str]:
    """Of each variable that nothing reads, and that is nearly one that is read."""
    known = [one.name.upper() for one in parameters]
    for variable in sorted(os.environ):
        name = variable.removeprefix(VARIABLE)
        near = nearest(name, known) if name != variable and name not in known else None
        if near is not None:
            yield f"no option reads {variable}; nearest: {VARIABLE}{near}"
