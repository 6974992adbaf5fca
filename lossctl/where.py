"""Filters: `column op value`, such as `age >= 50` or `region == north`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Mask
from lossctl.errors import UsageError
from lossctl.readers.source import Cells

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq, "!=": operator.ne, ">=": operator.ge,
    "<=": operator.le, ">": operator.gt, "<": operator.lt,
}  # fmt: skip

_PLAIN = re.compile(r"[^\s&'\"@<>=!()\[\]]([^&'\"@<>=!()\[\]]*[^\s&'\"@<>=!()\[\]])?")


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter. `value` is a number where the text is one."""

    column: str
    operator: str
    value: str

    def __str__(self) -> str:
        """The shortest text that reads back; what could end it stands in quotes."""
        compare = "=" if self.operator == "==" else self.operator
        quote = "'" if '"' in self.value else '"'
        value = self.value if _PLAIN.fullmatch(self.value) else f"{quote}{self.value}{quote}"
        return f"{self.column}{compare}{value}"

    @property
    def number(self) -> float | None:
        try:
            return float(self.value)
        except ValueError:
            return None

    def as_text(self, kind: str) -> bool:
        """Whether the column is compared as text. Raises UsageError for < or > on text."""
        if kind in ("number", "integer", "boolean") and self.number is not None:
            return False
        if self.operator not in ("==", "!="):
            raise UsageError(
                f"--where {self.column} {self.operator} {self.value}: text has no order here",
                "compare it with == or !=",
            )
        return True

    def holds_of(self, level: Any) -> bool:
        """Whether it is true of one value: a text, a number or None. Of texts only == and != may be
        asked (see `as_text`)."""
        if level is None:
            return False
        if isinstance(level, str):
            return bool(_COMPARE[self.operator](level, self.value))
        if self.number is None:
            return self.operator == "!="
        return bool(_COMPARE[self.operator](level, self.number))

    def holds(self, cells: Cells) -> Mask:
        """The rows for which it is true; never for a missing cell."""
        compare = _COMPARE[self.operator]
        values: Any = cells.values
        if isinstance(values, np.ndarray):
            true = np.asarray(compare(values, self.number))
            return true if cells.missing is None else true & ~cells.missing
        texts = values.to_pylist()
        return np.array([text is not None and compare(text, self.value) for text in texts])


def parse(text: str) -> Condition:
    """The condition that a text stands for. Raises UsageError for anything else."""
    match = re.fullmatch(r"\s*(.+?)\s*(==|!=|>=|<=|>|<|=)\s*(.*?)\s*", text, re.DOTALL)
    if match is None:
        raise UsageError(
            f"--where {text!r} is not a condition",
            "write it 'column op value', op one of " + " ".join(_COMPARE),
        )
    column, compare, value = match.groups()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        value = value[1:-1]
    return Condition(column, "==" if compare == "=" else compare, value)


def parted(text: str, mark: str) -> list[str]:
    """A text cut at the marks outside quotes and brackets."""
    parts, depth, quote, start = [], 0, "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == mark and depth <= 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]
