"""The settings of losses: what a keyword-only parameter's annotation says, and its check."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.arrays import Domain
from lossctl.errors import UsageError


@dataclass(frozen=True, slots=True)
class Param:
    """What the annotation of a setting says: help, and the values allowed."""

    help: str
    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False
    gap: tuple[float, float] | None = None  # values strictly between are not allowed
    choices: tuple[Any, ...] = ()
    optional: bool = False  # None is allowed
    infinite: bool = False
    nested: bool = False  # the value is another loss, given as a spec or its text
    terms: bool = False  # the value is a weighted sum of losses, (softmax_loss)+0.5*(center)
    vector: bool = False  # a vector [a;b] of such numbers is allowed too
    words: tuple[str, ...] = ()  # allowed beside the numbers

    def rule(self) -> str:
        """The values allowed, in words."""
        if self.terms:
            return "a sum of losses, such as (softmax_loss)+0.5*(center)"
        if self.nested:
            return "a loss, such as huber:delta=2"
        if self.choices:
            return "one of " + ", ".join(str(choice).lower() for choice in self.choices)
        if self.gap:
            return f"≤ {self.gap[0]:g} or ≥ {self.gap[1]:g}"
        rule = Domain("", self.low, self.high, self.low_open, self.high_open).rule()
        if self.vector:
            rule += ", or a vector [a;b] of such"
        return " or ".join((rule, *self.words))

    def allows(self, value: object) -> bool:
        """Whether a value of the right type lies within the bounds."""
        if value is None:
            return self.optional
        if isinstance(value, str) and value in self.words:
            return True
        if isinstance(value, tuple):
            return self.vector and bool(value) and all(self.allows(part) for part in value)
        if self.choices:
            return any(value == choice and type(value) is type(choice) for choice in self.choices)
        if isinstance(value, int | float) and not isinstance(value, bool):
            if math.isnan(value) or (math.isinf(value) and not self.infinite):
                return False
            if self.gap and self.gap[0] < value < self.gap[1]:
                return False
            low = value > self.low if self.low_open else value >= self.low
            return low and (value < self.high if self.high_open else value <= self.high)
        return True


@dataclass(frozen=True, slots=True)
class Setting:
    """A keyword-only parameter of a loss."""

    name: str
    default: Any
    type: type  # float, int, bool or str
    param: Param

    def checked(self, label: str, value: Any) -> Any:
        """`value` in the setting's type. Raises UsageError, naming the loss, for any other."""
        if isinstance(value, np.generic):
            value = value.item()
        if self.param.nested:
            from lossctl.grammar import nested  # upward: a nested loss is given as its text

            return nested(value, terms=self.param.terms)
        if isinstance(value, np.ndarray | list | tuple) and self.param.vector:
            parts = value.tolist() if isinstance(value, np.ndarray) else value
            if len(parts) and not any(isinstance(part, list | tuple) for part in parts):
                return tuple(self.checked(label, part) for part in parts)
        if value is None and "none" in self.param.choices:
            return "none"  # which specs read as null
        if isinstance(value, str) and value in self.param.words:
            return value
        if self.type is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if self.type is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        of_type = value is None or self.param.choices or isinstance(value, self.type)
        if isinstance(value, bool) and self.type in (float, int) and not self.param.choices:
            of_type = False
        if not of_type or not self.param.allows(value):
            rule = self.param.rule() if self.type is not bool else "true or false"
            null = " or null" if self.param.optional else ""
            raise UsageError(f"{label}: {self.name} is {value}, but must be {rule}{null}")
        return value


def check(label: str, known: Sequence[Setting], given: Mapping[str, Any]) -> dict[str, Any]:
    """All settings of a loss: those given, checked, and the defaults of the others.

    Raises UsageError for an unknown setting or a value outside its range.
    """
    names = [setting.name for setting in known]
    for name in given:
        if name not in names:
            raise UsageError(_unknown(label, name, names))
    return {
        setting.name: setting.checked(label, given.get(setting.name, setting.default))
        for setting in known
    }


def _unknown(label: str, name: str, names: Sequence[str]) -> str:
    if not names:
        return f"{label} has no settings, so no {name}"
    close = difflib.get_close_matches(name, names, 1, 0.5)
    known = f"nearest: {close[0]}" if close else f"it has {', '.join(names)}"
    return f"{label} has no setting {name}; {known}"
