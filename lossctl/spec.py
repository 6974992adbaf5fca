"""A loss with its settings: `huber:delta=2`, parsed and written, each the inverse of the other."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lossctl.errors import UsageError
from lossctl.loss import Loss, named, nearest
from lossctl.reductions import REDUCTIONS, Reduction
from lossctl.roles import Role


@dataclass(frozen=True, slots=True)
class Spec:
    """A loss, all its settings, and a reduction where it is not the loss's own.

    `str(spec)` is the label and the settings that differ from the defaults, in declared order:
    the command-line text, the table label and the key of every JSON map.
    """

    text: str
    loss: Loss = field(compare=False)
    all_settings: Mapping[str, Any] = field(compare=False, hash=False)
    named_reduction: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def reduction(self) -> Reduction:
        return self.loss.reduction_for(self.all_settings, self.named_reduction)

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.loss.roles(self.all_settings)

    def evaluate(self, columns: Mapping[str, Any]) -> Any:
        """The per-sample function on columns that have been checked."""
        return self.loss.evaluate(columns, self.all_settings)

    @property
    def shares(self) -> bool:
        """Whether its value is a sum to which every row adds something not negative."""
        base = self.all_settings[self.loss.nests] if self.loss.nests else None
        low = base.loss.low if base is not None else self.loss.low
        return low >= 0.0 and self.reduction.name in (*_SUMS, "ratio")


_SUMS = ("mean", "sum", "sum_over_batch_size", "sum_by_nonzero_weights", "root_mean", "norm")


def make(loss: Loss, settings: Mapping[str, Any], reduction: str | None = None) -> Spec:
    """A spec of settings given as values. Raises UsageError as `Loss.check` does."""
    complete = loss.check(settings)
    own = loss.reduction_for(complete, None).name
    if reduction is not None and reduction not in REDUCTIONS:
        raise UsageError(
            f"no reduction is called {reduction}; {loss.label} takes {', '.join(loss.variants)}"
        )
    if reduction == own:
        reduction = None
    if reduction is not None and reduction not in loss.variants:
        raise UsageError(
            f"{loss.label} is not reduced by {reduction}; it takes {', '.join(loss.variants)}"
        )
    shown = [
        f"{setting.name}={written(complete[setting.name])}"
        for setting in loss.settings
        if complete[setting.name] != setting.default
        and not (setting.param.nested and str(complete[setting.name]) == setting.default)
    ]
    if reduction is not None:
        shown.append(f"reduction={reduction}")
    text = loss.label + (":" + ",".join(shown) if shown else "")
    return Spec(text, loss, complete, reduction)


def written(value: Any) -> str:
    """A setting's value as the command line takes it, numbers as short as they can be."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, tuple):
        return "[" + ";".join(written(part) for part in value) + "]"
    if isinstance(value, Spec):
        return f"({value})" if ":" in value.text else value.text
    return str(value)


def parse(text: str, reduction: str | None = None) -> Spec:
    """The spec that a text such as `huber:delta=2` stands for.

    Raises UsageError for an unknown loss or setting, or a value out of its range.
    """
    specs = parse_all([text], reduction)
    if len(specs) != 1:
        raise UsageError(f"one loss is wanted, not {len(specs)}: {text}")
    return specs[0]


def parse_all(texts: Iterable[str], reduction: str | None = None) -> list[Spec]:
    """The specs of several texts, each one spec or a comma list; repeats are dropped.

    Raises one UsageError that names every problem.
    """
    found: dict[str, Spec] = {}
    problems: list[str] = []
    for text in texts:
        for name, settings in _split(text):
            try:
                spec = _parse_one(name, settings, reduction)
            except UsageError as problem:
                problems.append(str(problem))
            else:
                found.setdefault(str(spec), spec)
    if problems:
        raise UsageError("; ".join(dict.fromkeys(problems)))
    return list(found.values())


def _parse_one(name: str, pieces: list[str], reduction: str | None) -> Spec:
    candidates = named(name)
    if not candidates:
        raise UsageError(f"no loss is called {name or 'nothing'}", nearest(name))
    loss = candidates[0]
    known = {setting.name: setting for setting in loss.settings}
    settings: dict[str, Any] = {}
    own_reduction = None
    for piece in pieces:
        key, equals, value = piece.partition("=")
        if not equals or not key:
            raise UsageError(f"{name}: {piece!r} is not a setting", "write it name=value")
        if key in settings or (key == "reduction" and own_reduction is not None):
            raise UsageError(f"{name}: {key} is given twice")
        if key == "reduction":
            own_reduction = value
        elif key in known and known[key].param.nested:
            settings[key] = parse(value[1:-1] if _in_parentheses(value) else value)
        else:
            settings[key] = _value(value)
    if own_reduction is None and reduction in loss.variants:
        own_reduction = reduction
    return make(loss, settings, own_reduction)


def _split(text: str) -> list[tuple[str, list[str]]]:
    """`mae,huber:delta=2,reduction=sum` as [("mae", []), ("huber", ["delta=2", ...])]."""
    specs: list[tuple[str, list[str]]] = []
    for piece in _pieces(text):
        name, colon, rest = piece.partition(":")
        if specs and not (colon and "=" not in name) and "=" in piece:
            specs[-1][1].append(piece)
        else:
            specs.append((name.strip(), [rest] if colon else []))
    return specs


def _pieces(text: str) -> list[str]:
    """`text` cut at the commas outside brackets."""
    pieces, depth, start = [], 0, 0
    for place, character in enumerate(text):
        if character in "([":
            depth += 1
        elif character in ")]":
            depth -= 1
        elif character == "," and depth == 0:
            pieces.append(text[start:place])
            start = place + 1
    if depth:
        raise UsageError(f"the brackets in {text!r} do not match")
    return [*pieces, text[start:]]


def _in_parentheses(value: str) -> bool:
    return value.startswith("(") and value.endswith(")")


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_WORDS = {"true": True, "false": False, "null": None, "none": None,
          "inf": math.inf, "+inf": math.inf, "-inf": -math.inf}  # fmt: skip


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    if _NUMBER.fullmatch(text):
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    if text.startswith("[") and text.endswith("]"):
        return tuple(_value(part) for part in text[1:-1].split(";") if part)
    return text
