"""A loss with its settings: `huber:delta=2`, parsed and written, each the inverse of the other."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lossctl.errors import UsageError
from lossctl.loss import Loss, Scope, named, nearest
from lossctl.numerics import row_mean
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
    like: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return self.text

    @property
    def reduction(self) -> Reduction:
        return self.loss.reduction_for(self.all_settings, self.named_reduction)

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.loss.roles(self.all_settings)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks whose data it fits (a nested loss's, where it has one)."""
        inner = self.all_settings[self.loss.nests].tasks if self.loss.nests else None
        return self.loss.tasks if inner is None else inner

    def evaluate(self, columns: Mapping[str, Any]) -> Any:
        """The per-sample function on columns that have been checked."""
        return self.loss.evaluate(columns, self.all_settings)

    @property
    def shares(self) -> bool:
        """Whether its value is a sum to which every row adds something not negative."""
        return (self.low >= 0.0 or self.loss.shares) and self.reduction.sums

    @property
    def low(self) -> float:
        """The least that one value can be."""
        return self.loss.low_for(self.all_settings)

    @property
    def diverges(self) -> bool:
        """Whether one value may be mathematically infinite."""
        return self.loss.diverges_for(self.all_settings)

    def scope(self, bound: Collection[str]) -> Scope:
        """How many rows one value depends on, where the roles `bound` are given."""
        return self.loss.scope_for(bound, self.all_settings)

    def contradiction(self, columns: Mapping[str, Any]) -> tuple[int, str] | None:
        """The first row whose roles do not go together, and why not."""
        return self.loss.contradiction(columns, self.all_settings)

    def clipped(self, columns: Mapping[str, Any]) -> Any:
        """Which samples a floor or clip decides, (n,)."""
        assert self.loss.clipped is not None
        given = (columns.get(role.name) for role in self.loss.own_roles)
        with np.errstate(all="ignore"):
            return self.loss.clipped(*given, **self.all_settings)

    def divisor(self, columns: Mapping[str, Any]) -> Any:
        """What each sample counts, where the reduction is one of the loss's own; else None."""
        counts = self.loss.divisors.get(self.named_reduction or "")
        if counts is None:
            return None
        given = (columns.get(role.name) for role in self.loss.own_roles)
        return np.asarray(counts(*given, **self.all_settings), dtype=np.float64)


def make(
    loss: Loss, settings: Mapping[str, Any], reduction: str | None = None, like: str | None = None
) -> Spec:
    """A spec of settings given as values, over those of a peer. Raises UsageError as
    `Loss.check` and `Loss.preset` do."""
    preset = loss.preset(like) if like is not None else {}
    of_peer = preset.pop("reduction", None)
    base = loss.check(preset)
    complete = loss.check({**preset, **settings})
    own = loss.reduction_for(complete, None).name
    if reduction is not None and reduction not in REDUCTIONS:
        raise UsageError(
            f"no reduction is called {reduction}; {loss.label} takes {', '.join(loss.variants)}"
        )
    if reduction == (of_peer or own):
        reduction = None
    if reduction is not None and reduction not in (own, *loss.variants):
        raise UsageError(
            f"{loss.label} is not reduced by {reduction}; it takes {', '.join(loss.variants)}"
        )
    shown = [] if like is None else [f"like={like}"]
    shown += [
        written(complete[setting.name])
        if setting.param.terms
        else f"{setting.name}={written(complete[setting.name])}"
        for setting in loss.settings
        if complete[setting.name] != base[setting.name]
        and not (setting.param.nested and str(complete[setting.name]) == setting.default)
    ]
    if reduction is not None:
        shown.append(f"reduction={reduction}")
    text = loss.label + (":" + ",".join(shown) if shown else "")
    return Spec(text, loss, complete, reduction or of_peer, like)


@dataclass(frozen=True, slots=True)
class Sum:
    """A weighted sum of losses, row by row: `(softmax_loss)+0.5*(center)`."""

    parts: tuple[tuple[float, Spec], ...]

    def __str__(self) -> str:
        text = ""
        for factor, spec in self.parts:
            plus = "+" if text and factor >= 0.0 else ""
            text += plus + (f"({spec})" if factor == 1.0 else f"{written(factor)}*({spec})")
        return text

    @property
    def roles(self) -> tuple[Role, ...]:
        """Those of all terms. A role stands here once for each domain that a term needs of it."""
        return tuple(dict.fromkeys(role for _, spec in self.parts for role in spec.roles))

    @property
    def reduction(self) -> Reduction:
        return REDUCTIONS["mean"]

    @property
    def tasks(self) -> tuple[str, ...]:
        """Those of the first term."""
        return self.parts[0][1].tasks

    @property
    def low(self) -> float:
        known = all(factor >= 0.0 and spec.low >= 0.0 for factor, spec in self.parts)
        return 0.0 if known else -math.inf

    @property
    def diverges(self) -> bool:
        return any(spec.diverges for _, spec in self.parts)

    def contradiction(self, columns: Mapping[str, Any]) -> tuple[int, str] | None:
        """That of the first term that has one."""
        found = (spec.contradiction(columns) for _, spec in self.parts)
        return next((fault for fault in found if fault is not None), None)

    def scope(self, bound: Collection[str]) -> Scope:
        """The widest of the terms."""
        scopes = {spec.scope(bound) for _, spec in self.parts}
        return next((scope for scope in ("file", "group") if scope in scopes), "row")

    def evaluate(self, columns: Mapping[str, Any]) -> Any:
        """The weighted sum of what the terms return, (n,): infinite where infinite terms of both
        signs meet. Raises UsageError for a term whose mean is not over all rows."""
        total: Any = 0.0
        for factor, spec in self.parts:
            values = spec.evaluate(columns)
            if isinstance(values, tuple):
                raise UsageError(
                    f"{spec} counts its rows unequally (class weights, an ignored class), so that "
                    "no sum of row values has its mean"
                )
            values = row_mean(values) if values.ndim == 2 else values
            total = total + (factor * values if factor else np.zeros_like(values))
        return np.where(np.isnan(total), math.inf, total)


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
    if isinstance(value, Sum):
        return str(value)
    return str(value)


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
    return make(loss, {**shared, **given}, reduction, like)


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
