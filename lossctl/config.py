"""What a configuration file says: TOML text in, values with their sources out.

```toml
# lossctl.toml           in a pyproject.toml: [tool.lossctl.check], [tool.lossctl.suite.nightly]
[check]                  # for every run
preds = "preds.csv"
targets = "target.csv"
max = { rmse = 60, "p95(mae)" = 120 }       # or a list of texts: ["rmse=60", "p95(mae)=120"]
require = ["rmse@sex=1 < 60"]
min-samples = 100

[suite.nightly]          # what --suite nightly adds, or changes
max = { rmse = 58 }
strict = true
```

A key is the long name of an option, in hyphens or underscores; which there are, and what each may
hold, is the caller's to say. A switch is true or false, a whole number a number, a text a text or
a number, and what can be repeated one text or a list of them, or a table where its texts have the
form NAME=VALUE. Everything else is refused. Nothing here is expanded, run or fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from lossctl.errors import UsageError, quoted

PYPROJECT = "pyproject.toml"
OURS = b"lossctl"  # a pyproject.toml without these letters has no table of ours
LARGEST = 1 << 20  # bytes of a file

Value: TypeAlias = str | int | bool | list[str]

# tomllib takes a time that grows with the square of the parts of a key: of 300 000 an hour.
_LONG_KEY = re.compile(r"""(?<![\w-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){30}""")


@dataclass(frozen=True, slots=True)
class Key:
    """What may stand under a key, named as the command's parameter. `many`: a list of texts;
    `pairs`: a table too, whose `rmse = 60` is the text `rmse=60`. `path`: of the texts that hold a
    path, the pattern of what stands before it."""

    name: str
    kind: type
    many: bool = False
    pairs: bool = False
    path: re.Pattern[str] | None = None

    def __str__(self) -> str:
        return self.name.replace("_", "-")


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value as an option would give it, and where it is written."""

    value: Value
    source: str


Layer: TypeAlias = dict[str, Sourced]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A file's general table, and those of its suites."""

    file: str
    general: Layer
    suites: dict[str, Layer]

    def layers(self, suite: str | None) -> list[Layer]:
        """The tables that count, the later over the earlier. Raises UsageError for a suite that
        is not there."""
        if suite is None:
            return [self.general]
        if suite not in self.suites:
            there = f"it has {', '.join(self.suites)}" if self.suites else "it has none"
            raise UsageError(f"{self.file} has no suite {quoted(suite)}",
                             _hint(suite, self.suites, there))  # fmt: skip
        return [self.general, self.suites[suite]]


def read(data: bytes, file: str, keys: Mapping[str, Key]) -> Configuration | None:
    """The configuration in a file's bytes; None in a pyproject.toml that has none. Raises
    UsageError for everything that is not understood, in tables that are not asked for too."""
    within = ""
    if re.fullmatch(rf"(.*/)?{re.escape(PYPROJECT)}", file, re.DOTALL):
        if OURS not in data:  # someone else's file, broken or not
            return None
        tool = _table(_parsed(data, file).get("tool", {}), f"{file} [tool]")
        if "lossctl" not in tool:
            return None
        within, tables = "tool.lossctl.", _table(tool["lossctl"], f"{file} [tool.lossctl]")
    else:
        tables = _parsed(data, file)
    for name in tables:
        if name not in ("check", "suite"):
            hint = _hint(name, ("check", "suite"),
                         f"there are [{within}check] and [{within}suite.NAME]")  # fmt: skip
            if name.replace("-", "_") in keys:
                hint = f"put it under [{within}check]"
            raise UsageError(f"{file}: no table is called {quoted(within + name)}", hint)

    def layer(name: str, table: object) -> Layer:
        source = f"{file} [{within}{name}]"
        return _layer(_table(table, source), source, keys)

    suites = _table(tables.get("suite", {}), f"{file} [{within}suite]")
    return Configuration(
        file,
        layer("check", tables.get("check", {})),
        {name: layer(f"suite.{_written(name)}", table) for name, table in suites.items()},
    )


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that is meant, where one is near."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(names), n=1)), None)


def _hint(name: str, names: Iterable[str], otherwise: str) -> str:
    near = nearest(name, names)
    return otherwise if near is None else f"nearest: {near}"


def _parsed(data: bytes, file: str) -> dict[str, Any]:
    """The file as TOML. Raises UsageError, with line and column."""
    import tomllib

    try:
        text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as problem:
        before = data[: problem.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise UsageError(f"{file} is not UTF-8 (at line {line}, column {column})") from None
    long = _LONG_KEY.search(text)
    if long is not None:
        line = text.count("\n", 0, long.start()) + 1
        raise UsageError(f"{file}: a key has more than 30 parts (at line {line})")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise UsageError(f"{file} is not TOML: {problem}") from None
    except RecursionError:
        raise UsageError(f"{file} is not TOML: brackets in brackets, too deep") from None
    except ValueError:  # Python refuses whole numbers of more than 4300 digits
        raise UsageError(f"{file} holds a number that is too long") from None


def _table(value: object, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} is {_kind(value)}, not a table")
    return value


def _layer(table: dict[str, Any], source: str, keys: Mapping[str, Key]) -> Layer:
    layer: Layer = {}
    for written, value in table.items():
        key = keys.get(written.replace("-", "_"))
        if key is None:
            raise UsageError(f"{source}: no key is called {quoted(written)}",
                             _hint(written.replace("_", "-"), map(str, keys.values()),
                                   "keys are the long options of lossctl check"))  # fmt: skip
        if key.name in layer:
            raise UsageError(f"{source}: {key} is there twice, with - and with _")
        layer[key.name] = Sourced(_value(key, value, f"{source} {key}"), source)
    return layer


def _value(key: Key, value: object, where: str) -> Value:
    """What an option would be given. Raises UsageError for another type."""
    if key.kind is bool:
        if isinstance(value, bool):
            return value
        raise UsageError(f"{where} is {_kind(value)}", "it is true or false")
    if key.kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        raise UsageError(f"{where} is {_kind(value)}", "it is a whole number")
    if not key.many:
        return _text(value, where)
    if isinstance(value, list):
        return [_text(one, where) for one in value]
    if isinstance(value, dict) and key.pairs:
        return [f"{name}={_text(one, f'{where} {quoted(name)}')}" for name, one in value.items()]
    return [_text(value, where)]


def _text(value: object, where: str) -> str:
    """A text; a number as it would be typed. Raises UsageError."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return str(value)
        except ValueError:  # hexadecimal, of more digits than Python writes
            raise UsageError(f"{where} is a number that is too long") from None
    dotted = "; a name with a dot stands in quotes" if isinstance(value, dict) else ""
    raise UsageError(f"{where} is {_kind(value)}", f"it is a text or a number{dotted}")


def _kind(value: object) -> str:
    """A value's type as TOML calls it."""
    names = {bool: "a switch", str: "a text", list: "a list", dict: "a table", int: "a number",
             float: "a number"}  # fmt: skip
    return names.get(type(value), "a date or a time")


def _written(name: str) -> str:
    """A suite's name as TOML has it."""
    return name if re.fullmatch(r"[\w-]+", name, re.ASCII) else f'"{name}"'
