"""The texts of losses: `huber:delta=2`, `combine:(softmax_loss)+0.5*(center)`, and lists of them.

What is read here is what a `Spec` writes, each the inverse of the other.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lossctl.errors import UsageError
from lossctl.loss import named, nearest
from lossctl.spec import Spec, Sum, make


@dataclass(frozen=True, slots=True)
class Common:
    """What holds for every spec that does not say otherwise."""

    reduction: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # for the losses that have them
    like: str | None = None
    task: str | None = None  # what an alias of several losses stands for


def parse(text: str, common: Common = Common()) -> Spec:
    """The spec that a text such as `huber:delta=2` stands for.

    Raises UsageError for an unknown loss or setting, or a value out of its range.
    """
    specs = parse_all([text], common)
    if len(specs) != 1:
        raise UsageError(f"one loss is wanted, not {len(specs)}: {text}")
    return specs[0]


def parse_all(texts: Iterable[str], common: Common = Common()) -> list[Spec]:
    """The specs of several texts, each one spec or a comma list; repeats are dropped.

    Raises one UsageError that names every problem.
    """
    found: dict[str, Spec] = {}
    problems: list[str] = []
    for text in texts:
        for name, settings in _split(text):
            try:
                spec = _parse_one(name, settings, common)
            except UsageError as problem:
                problems.append(str(problem))
            else:
                found.setdefault(str(spec), spec)
    if problems:
        raise UsageError("; ".join(dict.fromkeys(problems)))
    return list(found.values())


def _parse_one(name: str, pieces: list[str], common: Common) -> Spec:
    candidates = named(name)
    if not candidates:
        raise UsageError(f"no loss is called {name or 'nothing'}", nearest(name))
    loss = next((one for one in candidates if common.task in one.tasks), candidates[0])
    known = {setting.name: setting for setting in loss.settings}
    terms = next((setting.name for setting in loss.settings if setting.param.terms), None)
    given: dict[str, Any] = {}
    inner = replace(common, reduction=None, like=None)
    for piece in pieces:
        key, equals, value = piece.partition("=")
        if terms is not None and _TERM.match(piece):
            key, equals, value = terms, "=", piece
        if not equals or not key:
            form = "name=value" if terms is None else f"{name}:(softmax_loss)+0.5*(center)"
            raise UsageError(f"{name}: {piece!r} is not a setting", f"write it {form}")
        if key in given:
            raise UsageError(f"{name}: {key} is given twice")
        if key in ("reduction", "like"):
            given[key] = value
        elif key in known and known[key].param.terms:
            given[key] = nested(value, terms=True, common=inner)
        elif key in known and known[key].param.nested:
            given[key] = parse(value[1:-1] if _in_parentheses(value) else value, inner)
        else:
            given[key] = _value(value)
    reduction, like = given.pop("reduction", None), given.pop("like", common.like)
    if reduction is None and common.reduction in loss.variants:
        reduction = common.reduction
    shared = {key: value for key, value in common.settings.items() if key in known}
    return make(loss, {**shared, **given}, reduction, like, shared.keys() - given.keys())


_FACTOR = r"(?P<factor>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_TERM = re.compile(rf"\s*(?P<sign>[+-])?\s*(?:{_FACTOR}\s*\*\s*)?\(")


def nested(value: Any, *, terms: bool = False, common: Common | None = None) -> Spec | Sum:
    """A nested loss, or with `terms` a sum of losses, as given or from its text.

    `common` is what holds for the losses inside too. Raises UsageError for what is no loss or no
    sum, and for terms that cannot be added.
    """
    if isinstance(value, Spec | Sum):
        return value
    common = common or Common()
    if not terms:
        return parse(str(value), common)
    text, place = str(value).strip(), 0
    parts: list[tuple[float, Spec]] = []
    while place < len(text):
        found = _TERM.match(text, place)
        if found is None or (parts and found["sign"] is None):
            raise UsageError(f"{text} is not a sum such as (softmax_loss)+0.5*(center)")
        stop = _closing(text, found.end())
        spec = parse(text[found.end() : stop], common)
        if spec.reduction.name != "mean":
            raise UsageError(f"combine adds means, but {spec} is reduced by {spec.reduction.name}")
        factor = float(found["factor"] or 1.0) * (-1.0 if found["sign"] == "-" else 1.0)
        if math.isinf(factor):
            raise UsageError(f"the factor {found['factor']} in {text} is too large")
        parts.append((factor, spec))
        place = stop + 1
    if not parts:
        raise UsageError("combine needs losses, such as combine:(softmax_loss)+0.5*(center)")
    made = Sum(tuple(parts))
    shapes: dict[str, tuple[Spec, str]] = {}
    for _, spec in parts:
        for role in spec.roles:
            first, shape = shapes.setdefault(role.name, (spec, role.domain.shape))
            if shape != role.domain.shape and "either" not in (shape, role.domain.shape):
                raise UsageError(
                    f"{first} takes {role.name} as {shape}, {spec} as {role.domain.shape}: they "
                    "cannot be added"
                )
    return made


def _closing(text: str, start: int) -> int:
    depth = 1
    for place in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place
    raise UsageError(f"the brackets in {text!r} do not match")


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
    if _NUMBER.fullmatch(text) and not re.fullmatch(r"0\d+", text):  # labels=01 is a name
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    if text.startswith("[") and text.endswith("]"):
        return tuple(_value(part) for part in text[1:-1].split(";") if part)
    return text
