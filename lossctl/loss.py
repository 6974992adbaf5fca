"""The record of a loss, and the registry that `@loss` fills.

A loss stands in one place. Its positional parameters are the roles that files must supply, their
annotations the domains; its keyword-only parameters are the settings. The decorator says only
what a signature cannot. A loss over another loss has a setting whose `Param` is `nested`; its
function takes that loss's values first, as a parameter without a domain.
"""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np

from lossctl.arrays import Array, Domain, Mask
from lossctl.errors import DataError, UsageError
from lossctl.numerics import row_mean
from lossctl.reductions import MEANS, REDUCTIONS, Reduction
from lossctl.roles import Role, check_columns, first_contradiction
from lossctl.settings import Setting, check
from lossctl.signature import Signature, keywords

Scope = Literal["row", "group", "file"]
Direction = Literal["min", "max", "zero"]
T = TypeVar("T")
PEERS = ("torch", "keras", "tensorflow", "sklearn", "optax")  # whose conventions `like` knows


@dataclass(frozen=True, slots=True, eq=False)
class Loss:
    """One loss. Call it with arrays to get what each sample adds, shape (n,)."""

    name: str
    label: str
    aliases: tuple[str, ...]
    family: str
    function: Callable[..., Any]
    signature: Signature
    gradient: Callable[..., Array] | None
    reduction: str
    divisors: Mapping[str, Callable[..., Array]]
    tasks: tuple[str, ...]
    scope: Scope | Callable[..., Scope]
    direction: Direction
    low: float
    high: float
    lows: Callable[..., float] | None
    highs: Callable[..., float] | None
    directions: Callable[..., Direction] | None
    elicits: str | None
    diverges: bool
    domains: Callable[..., Mapping[str, Domain]] | None
    penalty: Callable[..., float] | None
    reduces: Callable[..., str] | None
    offsets: Callable[..., tuple[float, float]] | None
    clipped: Callable[..., Mask] | None
    clips: str
    shares: bool
    rows: Callable[..., tuple[Mask, str]] | None
    like: Mapping[str, Mapping[str, Any]]
    note: Callable[..., str | None] | None
    companion: bool
    peers: Mapping[str, str]
    reference: str
    formula: str

    @property
    def own_roles(self) -> tuple[Role, ...]:
        """The roles of its own function, with the domains of the default settings."""
        return self.signature.roles

    @property
    def settings(self) -> tuple[Setting, ...]:
        return self.signature.settings

    @property
    def nests(self) -> str | None:
        """The setting that holds a nested loss, whose roles come first."""
        return self.signature.nests

    @property
    def summary(self) -> str:
        """What it is, in words: the function's docstring."""
        return inspect.getdoc(self.function) or ""

    def roles(self, settings: Mapping[str, Any]) -> tuple[Role, ...]:
        """The roles, those of a nested loss first, with the domains that the settings give."""
        roles = self.own_roles
        if self.nests is not None:
            roles = (*settings[self.nests].roles, *roles)
        if self.domains is None:
            return roles
        given = {role.name: role.domain for role in roles} | dict(_told(self.domains, settings))
        return tuple(replace(role, domain=given[role.name]) for role in roles)

    @property
    def variants(self) -> tuple[str, ...]:
        """The reductions that it can be asked for."""
        return (*(MEANS if self.reduction in MEANS else (self.reduction,)), *self.divisors)

    def scope_for(self, bound: Collection[str], settings: Mapping[str, Any]) -> Scope:
        """How many rows one value may depend on, where the roles `bound` are given."""
        own = self.scope if isinstance(self.scope, str) else self.scope(bound, **settings)
        if own == "row" and self.nests is not None:
            nested: Scope = settings[self.nests].scope(bound)
            return nested
        return own

    def preset(self, peer: str) -> dict[str, Any]:
        """The settings (and perhaps `reduction`) with which it does as a peer does.

        Raises UsageError where that library has no such loss, as far as is known.
        """
        if peer not in PEERS:
            raise UsageError(f"like={peer}: no such library", f"it is one of {', '.join(PEERS)}")
        if peer not in self.peers:
            known = [name for name in self.peers if name in PEERS]
            having = f"{', '.join(known)} have it" if known else "none of them has it"
            raise UsageError(f"{self.label} is not known from {peer}", having)
        return dict(self.like.get(peer, {}))

    @property
    def wholes(self) -> tuple[str, ...]:
        """The roles that are not row-aligned."""
        return tuple(role.name for role in self.own_roles if role.domain.shape == "whole")

    def reduction_for(self, settings: Mapping[str, Any], name: str | None) -> Reduction:
        """The reduction: the one named, or the loss's own (a nested loss's, where it has one)."""
        if name is not None:
            return REDUCTIONS[name]
        if self.nests is not None:
            nested: Reduction = settings[self.nests].reduction
            return nested
        if self.reduces is not None:
            return REDUCTIONS[_told(self.reduces, settings)]
        return REDUCTIONS[self.reduction]

    def low_for(self, settings: Mapping[str, Any]) -> float:
        """The least that one value can be (a nested loss's least, where it has one)."""
        if self.nests is not None:
            nested: float = settings[self.nests].low
            return nested
        return self.low if self.lows is None else _told(self.lows, settings)

    def high_for(self, settings: Mapping[str, Any]) -> float:
        """The most that one value can be."""
        return self.high if self.highs is None else _told(self.highs, settings)

    def direction_for(self, settings: Mapping[str, Any]) -> Direction:
        """Which end of the range is good (a nested loss's, where it has one)."""
        if self.nests is not None:
            nested: Direction = settings[self.nests].direction
            return nested
        return self.direction if self.directions is None else _told(self.directions, settings)

    def offset_for(self, settings: Mapping[str, Any]) -> tuple[float, float]:
        """What is added once to both sums of a ratio (a nested loss's, where it has one)."""
        if self.nests is not None:
            nested: tuple[float, float] = settings[self.nests].offset
            return nested
        return (0.0, 0.0) if self.offsets is None else _told(self.offsets, settings)

    def diverges_for(self, settings: Mapping[str, Any]) -> bool:
        """Whether a value may be mathematically infinite (a nested loss's may)."""
        nested = self.nests is not None and settings[self.nests].diverges
        return self.diverges or bool(nested)

    def check(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """All settings: those given, checked, and the defaults of the others.

        Raises UsageError for an unknown setting or a value outside its range.
        """
        return check(self.label, self.settings, settings)

    def contradiction(
        self, columns: Mapping[str, Any], settings: Mapping[str, Any]
    ) -> tuple[int, str] | None:
        """The first row whose roles, each inside its domain, do not go together, and why not."""
        if self.nests is not None:
            within: tuple[int, str] | None = settings[self.nests].contradiction(columns)
            return within
        if self.rows is None:
            return None
        given = {role.name: columns.get(role.name) for role in self.own_roles}
        return first_contradiction(self.label, given, *self.rows(*given.values(), **settings))

    def evaluate(self, columns: Mapping[str, Any], settings: Mapping[str, Any]) -> Any:
        """What the function returns for columns that have been checked, as (n,) or (n, d)."""
        with np.errstate(all="ignore"):
            own = [columns.get(role.name) for role in self.own_roles]
            if self.nests is not None:
                own.insert(0, settings[self.nests].evaluate(columns))
            return self.function(*own, **settings)

    def __call__(self, *columns: Any, **settings: Any) -> Array:
        """What each sample adds to the loss, before any reduction: shape (n,).

        `columns` are the roles in order (array-likes of shape (n,), or (n, d) for several
        outputs, whose mean is taken); they may be named too. Raises UsageError for unknown
        settings and values out of range, DataError for data outside the loss's domain.
        """
        named = {name: settings.pop(name) for name in list(settings) if not self._is_setting(name)}
        complete = self.check(settings)
        roles = self.roles(complete)
        names = dict.fromkeys(role.name for role in roles)  # once, of several domains too
        bound = dict(zip(names, columns, strict=False))
        if len(columns) > len(names) or any(name in bound for name in named):
            raise UsageError(f"{self.label} takes {', '.join(names)}")
        bound |= named
        arrays = check_columns(self.label, roles, bound)
        fault = self.contradiction(arrays, complete)
        if fault is not None:
            raise DataError(f"row {fault[0]}: {fault[1]}")
        values = self.evaluate(arrays, complete)
        reduction = self.reduction_for(complete, None)
        values = np.asarray(values[0] if isinstance(values, tuple) else values)
        if reduction.squares:
            with np.errstate(over="ignore"):
                values = np.square(values)
        return row_mean(values) if values.ndim == 2 else values

    def _is_setting(self, name: str) -> bool:
        if any(setting.name == name for setting in self.settings):
            return True
        return not any(role.name == name for role in self.own_roles) and self.nests is None


def _told(function: Callable[..., T], settings: Mapping[str, Any]) -> T:
    """What a function of some of the settings says."""
    return function(**{name: settings[name] for name in keywords(function)})


# --- the registry -----------------------------------------------------------------------------

_losses: dict[str, Loss] = {}
_names: dict[str, list[Loss]] = {}


def loss(
    label: str | None = None,
    *,
    aliases: Iterable[str] = (),
    gradient: Callable[..., Array] | None = None,
    reduction: str = "mean",
    divisors: Mapping[str, Callable[..., Array]] | None = None,
    tasks: Iterable[str] = ("regression",),
    scope: Scope | Callable[..., Scope] = "row",
    direction: Direction = "min",
    low: float = 0.0,
    high: float = math.inf,
    lows: Callable[..., float] | None = None,
    highs: Callable[..., float] | None = None,
    directions: Callable[..., Direction] | None = None,
    elicits: str | None = None,
    diverges: bool = False,
    domains: Callable[..., Mapping[str, Domain]] | None = None,
    penalty: Callable[..., float] | None = None,
    reduces: Callable[..., str] | None = None,
    offsets: Callable[..., tuple[float, float]] | None = None,
    clipped: Callable[..., Mask] | None = None,
    clips: str = "",
    shares: bool = False,
    rows: Callable[..., tuple[Mask, str]] | None = None,
    like: Mapping[str, Mapping[str, Any]] | None = None,
    note: Callable[..., str | None] | None = None,
    companion: bool = False,
    peers: Mapping[str, str] | None = None,
    reference: str,
    formula: str,
) -> Callable[[Callable[..., Any]], Loss]:
    """Register a per-sample function as a loss, under its name, label and aliases.

    The function returns one value per sample, shape (n,), or (n, d) for d outputs; or a pair
    (numerators, denominators), whose mean is their ratio: a denominator is what the sample counts
    (a class weight; 0 for one that is ignored).

    reduction  name of its default reduction (`reductions.REDUCTIONS`)
    divisors   further reductions of its own: name -> (roles, settings) -> what each sample counts
    tasks      the tasks (`tasks.TASKS`) whose data it fits
    scope      how many rows a value depends on: one, those of a group, or all of the file; or a
               function of the bound roles' names and the settings that says it
    low, high  range of a value; shares need low >= 0
    lows       settings -> the least value, where settings decide it; likewise `highs`
    directions settings -> the direction, where settings decide it
    elicits    what the best prediction is: "mean" and "median" (skill is measured against that
               constant), or any other words
    diverges   a value may be mathematically infinite (a target of 0 for MAPE)
    domains    settings -> domains of roles that depend on them
    penalty    (wholes, settings) -> a constant added to the value
    reduces    settings -> name of the default reduction
    offsets    settings -> what is added once to the sums of the numerators and denominators
    clipped    (roles, settings) -> the samples whose value a floor or clip decides, or None
    clips      what such a sample has, where it is not a truth of (nearly) no probability
    shares     samples have shares although a value may be negative, by rounding alone
    rows       (roles, settings) -> the rows whose roles contradict each other, and what must hold
    like       peer -> the settings (and `reduction`) with which the peer's number comes out,
               where they are not the defaults; every peer named here is in `peers`
    note       settings -> a sentence that every report with this loss carries
    companion  a metric shown beside losses
    """

    def register(function: Callable[..., Any]) -> Loss:
        name = function.__name__
        made = Loss(
            name=name,
            label=label or name,
            family=function.__module__.rsplit(".", 1)[-1],
            function=function,
            signature=Signature(function),
            aliases=tuple(aliases),
            gradient=gradient,
            reduction=reduction,
            divisors=dict(divisors or {}),
            tasks=tuple(tasks),
            scope=scope,
            direction=direction,
            low=low,
            high=high,
            lows=lows,
            highs=highs,
            directions=directions,
            elicits=elicits,
            diverges=diverges,
            domains=domains,
            penalty=penalty,
            reduces=reduces,
            offsets=offsets,
            clipped=clipped,
            clips=clips,
            shares=shares,
            rows=rows,
            like=dict(like or {}),
            note=note,
            companion=companion,
            peers=dict(peers or {}),
            reference=reference,
            formula=formula,
        )
        _register(made)
        return made

    return register


def _register(made: Loss) -> None:
    if made.name in _losses:
        raise ValueError(f"a loss called {made.name} exists already")
    for name in dict.fromkeys((made.name, made.label)):
        if any(name in (other.name, other.label) for other in _names.get(name, [])):
            raise ValueError(f"a loss called {name} exists already")
    _losses[made.name] = made
    for name in dict.fromkeys((made.name, made.label, *made.aliases)):
        _names.setdefault(name, []).append(made)


def unregister(name: str) -> None:
    """Take a loss out again (tests that register their own)."""
    made = _losses.pop(name)
    for known in list(_names):
        _names[known] = [other for other in _names[known] if other is not made]
        if not _names[known]:
            del _names[known]


def losses() -> dict[str, Loss]:
    """Every registered loss by canonical name, in order of definition."""
    import lossctl.losses  # noqa: F401  fills the registry; the one upward import

    return dict(_losses)


def named(name: str) -> list[Loss]:
    """The losses that a name, label or alias stands for; none if it is unknown."""
    losses()
    return list(_names.get(name) or _names.get(name.lower()) or ())


def get(name: str) -> Loss:
    """The loss called `name` (name, label or alias).

    Raises UsageError with the nearest names for an unknown one.
    """
    found = named(name)
    if not found:
        raise UsageError(f"no loss is called {name}", nearest(name))
    return found[0]


def nearest(name: str) -> str:
    """`nearest: huber, pseudo_huber`, or where to find the list."""
    close = difflib.get_close_matches(name, _names, 3, 0.6)
    labels = list(dict.fromkeys(_names[match][0].label for match in close))
    return f"nearest: {', '.join(labels)}" if labels else "lossctl losses lists them"
