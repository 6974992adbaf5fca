"""A loss with its settings, and sums of losses: what `grammar` reads, and how it is written."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from lossctl.errors import UsageError
from lossctl.loss import Direction, Loss, Scope
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
    brief: str = field(default="", compare=False)  # for people: without what all losses are given

    def __str__(self) -> str:
        return self.text

    @property
    def reduction(self) -> Reduction:
        return self.loss.reduction_for(self.all_settings, self.named_reduction)

    @property
    def roles(self) -> tuple[Role, ...]:
        return self.loss.roles(self.all_settings)

    def told(self, setting: str) -> Any:
        """The value of a setting that it, or a loss inside it, has; None where none does."""
        if setting in self.all_settings or self.loss.nests is None:
            return self.all_settings.get(setting)
        return self.all_settings[self.loss.nests].told(setting)

    def takes(self, setting: str) -> bool:
        """Whether it, or a loss inside it, has a setting."""
        inner = self.all_settings[self.loss.nests] if self.loss.nests else None
        return setting in self.all_settings or (inner is not None and inner.takes(setting))

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
    def scaled(self) -> bool:
        """Whether a change relative to the value means something: it is best at 0, and never
        below."""
        return self.direction == "min" and (self.shares or self.low >= 0.0)

    @property
    def low(self) -> float:
        """The least that one value can be."""
        return self.loss.low_for(self.all_settings)

    @property
    def high(self) -> float:
        """The most that one value can be."""
        return self.loss.high_for(self.all_settings)

    @property
    def direction(self) -> Direction:
        """Which end of the range is good."""
        return self.loss.direction_for(self.all_settings)

    @property
    def offset(self) -> tuple[float, float]:
        """What is added once to both sums of a ratio."""
        return self.loss.offset_for(self.all_settings)

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
    loss: Loss,
    settings: Mapping[str, Any],
    reduction: str | None = None,
    like: str | None = None,
    shared: Collection[str] = (),
) -> Spec:
    """A spec of settings given as values, over those of a peer; those in `shared` are given to all
    losses that have them. Raises UsageError as `Loss.check` and `Loss.preset` do."""
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
    shown = {"like": f"like={like}"} if like is not None else {}
    shown |= {
        setting.name: written(complete[setting.name])
        if setting.param.terms
        else f"{setting.name}={written(complete[setting.name])}"
        for setting in loss.settings
        if complete[setting.name] != base[setting.name]
        and not (setting.param.nested and str(complete[setting.name]) == setting.default)
    }
    if reduction is not None:
        shown["reduction"] = f"reduction={reduction}"
    brief = {name: text for name, text in shown.items() if name not in shared}
    text, short = (
        loss.label + (":" + ",".join(pieces.values()) if pieces else "")
        for pieces in (shown, brief)
    )
    return Spec(text, loss, complete, reduction or of_peer, like, short)


@dataclass(frozen=True, slots=True)
class Sum:
    """A weighted sum of losses, row by row: `(softmax_loss)+0.5*(center)`."""

    parts: tuple[tuple[float, Spec], ...]
    reduction: ClassVar[Reduction] = REDUCTIONS["mean"]
    direction: ClassVar[Direction] = "min"
    offset: ClassVar[tuple[float, float]] = (0.0, 0.0)

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

    def told(self, setting: str) -> Any:
        """The value of a setting in the first term that has it."""
        return next((spec.told(setting) for _, spec in self.parts if spec.takes(setting)), None)

    def takes(self, setting: str) -> bool:
        """Whether any term has a setting."""
        return any(spec.takes(setting) for _, spec in self.parts)

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
