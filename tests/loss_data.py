"""Columns for every role of a loss, drawn from the domains of its roles and from nothing else."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.arrays import (
    ORDERED_CORNERS,
    SUMS_TO_ONE,
    Domain,
    Ragged,
    RowRule,
)
from lossctl.loss import Loss
from lossctl.roles import Role
from lossctl.sequences import encode
from tests.loss_rows import Data, Numbers, count, ragged, taken

Told = dict[str, Any]

SIZES = {"classes": 4, "dimensions": 3, "pixels": 6, "members": 5, "symbols": 4}
OTHER_SIZE = 3
STEPS = 6  # of the longest ragged row

EDGES = (0.0, 5e-324, 1e-300, 1e-160, 1e-9, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 17.0, 700.0, 1e9, 1e160,
         1e300)  # fmt: skip
UNIT_EDGES = (0.0, 1.0, 0.0, 1.0, 0.5, 0.25, 5e-324, 1e-300, 1e-17, 2.0**-52, 1e-9, 1e-3,
              1.0 - 1e-3, 1.0 - 1e-9, 1.0 - 2.0**-52, 1.0 - 2.0**-53)  # fmt: skip
LOGIT_EDGES = (0.0, 5e-324, 1e-300, 1e-17, 1e-9, 0.5, 1.0, 20.0, 37.0, 700.0, 745.0, 746.0, 1e4)
WORDS = ("", "a", "the", "cat", "cats", "sat", "é", "e\u0301", "\U0001f600", "ß")
TEXTS = ("", "a", "ab", "kitten", "sitting", "é", "e\u0301", "\U0001f600 ok", "Saturday", "Sunday",
         "abcdef", "fedcba")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Form:
    """One of the ways in which a loss takes its roles."""

    absent: tuple[str, ...] = ()  # optional roles that are not given
    either: int = 1  # dimensions of the roles that may have one or two; 3: vectors and labels
    text: str = "text"  # what a sequence of text is: text, words, numbers
    choice: int = 0  # which of a domain's sets of values
    wide: int = 1  # how many times as long as in SIZES the axes are

    def size(self, axis: str) -> int:
        """How long an axis is."""
        return SIZES.get(axis, OTHER_SIZE) * self.wide

    def __str__(self) -> str:
        parts = [f"without-{name}" for name in self.absent]
        parts += ["", ["vectors"], ["vectors-labels"]][self.either - 1] or []
        parts += [self.text] * (self.text != "text")
        return "-".join(parts + [f"choice{self.choice}"] * bool(self.choice))


def forms(loss: Loss, told: Told) -> list[Form]:
    """Every way to give the roles."""
    roles = loss.roles(told)
    optional = tuple(role.name for role in roles if role.optional)
    absents = list(dict.fromkeys([(), *((name,) for name in optional), optional]))
    shapes = {role.domain.shape for role in roles}
    labels = [bool(role.domain.indexes) for role in roles if role.domain.shape == "either"]
    eithers = range(1, 2 + len(set(labels))) if labels else (1,)
    texts = ("text", "words", "numbers") if "text" in shapes else ("text",)
    choices = range(max(len(role.domain.choices) for role in roles) or 1)
    return [Form(*parts) for parts in itertools.product(absents, eithers, texts, choices)]


def given(loss: Loss, told: Told, form: Form) -> list[Role]:
    """The roles that a form gives."""
    return [role for role in loss.roles(told) if role.name not in form.absent]


def rowwise(loss: Loss, told: Told, form: Form) -> list[str]:
    """Of these, the row-aligned ones."""
    return [role.name for role in given(loss, told, form) if role.domain.shape != "whole"]


@dataclass(frozen=True, slots=True)
class Drawn:
    """Columns by role, None for a role that is not given; and which rows are extreme."""

    data: Data
    extreme: Numbers


def columns(loss: Loss, told: Told, form: Form, seed: int = 0) -> Data:
    """Columns of every role that lie in the domains."""
    return drawn(loss, told, form, seed).data


def drawn(loss: Loss, told: Told, form: Form, seed: int = 0) -> Drawn:
    """The same, and which rows are extreme. Where rows depend on each other, none is."""
    rng = np.random.default_rng([seed, len(loss.name), ord(loss.name[-1])])
    roles = given(loss, told, form)
    aligned = [role for role in roles if role.domain.shape != "whole"]
    names = [role.name for role in aligned]
    if {role.domain.shape for role in aligned} == {"value"}:
        found, extreme = _numbers(aligned, rng, form)
    else:
        parts = [_mixed(aligned, rng, form) for _ in range(1 if loss.rows is None else 4)]
        found = {name: _joined([part[name] for part in parts]) for name in names}
        extreme = np.concatenate([_EXTREME] * len(parts))
    for role in roles:
        if role.domain.shape == "whole":
            found[role.name] = _whole(role.domain, rng, form)
    data = {role.name: found.get(role.name) for role in loss.roles(told)}
    kept = consistent(loss, told, data, names)
    if loss.scope_for([role.name for role in roles], told) != "row":
        kept &= ~extreme
    assert kept.sum() >= 10
    return Drawn(taken(data, names, kept), extreme[kept])


def consistent(loss: Loss, told: Told, data: Data, names: list[str]) -> Numbers:
    """The rows whose roles do not contradict each other."""
    places = np.arange(count(data, names))
    while loss.rows is not None:
        rest = taken(data, names, places)
        broken = loss.rows(*(rest[role.name] for role in loss.own_roles), **told)[0]
        if not broken.any():
            break
        places = places[~broken]
    return np.isin(np.arange(count(data, names)), places)


def _joined(parts: list[Any]) -> Any:
    return Ragged.join(parts) if isinstance(parts[0], Ragged) else np.concatenate(parts)


# --- values ------------------------------------------------------------------------------------


def _numbers(roles: list[Role], rng: np.random.Generator, form: Form) -> tuple[Data, Numbers]:
    """Columns of roles of one value a row."""
    if all(_plain(role.domain) for role in roles):
        first, second, extreme = _pairs(rng)
        third = np.exp(rng.normal(0.0, 3.0, first.size))
        streams = (first, second) if len(roles) < 3 else (first, third, second, third[::-1])
        found = dict(zip((role.name for role in roles), streams, strict=False))
        inside = np.ones(first.size, dtype=bool)
        for role in roles:
            inside &= ~role.domain.outside(found[role.name])
        assert inside.sum() >= 20
        return {name: column[inside] for name, column in found.items()}, extreme[inside]
    extreme = np.repeat([False, False, True], [40, 20, 40])
    found = {}
    for place, role in enumerate(roles):
        domain = role.domain
        ordinary = _ordinary(domain, rng, 40, form)
        like = next((found[r.name] for r in roles[:place] if r.domain == domain), None)
        if like is None or domain.choices:
            close = _ordinary(domain, rng, 20, form)
        else:
            close = _near(like[40:60], domain, rng)
        edges = rng.choice(_edges(domain, form), 40)
        found[role.name] = np.concatenate([ordinary, close, edges])
        if place and domain.high == 1.0 and domain.low == 0.0:  # soft targets and hard ones
            hard = rng.random(100) < 0.5
            found[role.name] = np.where(hard, np.round(found[role.name]), found[role.name])
    return found, extreme


def _plain(domain: Domain) -> bool:
    return not (domain.choices or domain.infinite or domain.integral) and domain.high == math.inf


def _pairs(rng: np.random.Generator) -> tuple[Numbers, Numbers, Numbers]:
    """Two columns: ordinary, nearly equal, and pairs of edges with either sign; and which rows
    are of edges."""
    size = np.exp(rng.normal(0.0, 2.0, 30)) * rng.choice([-1.0, 1.0, 1.0], 30)
    other = np.exp(rng.normal(0.0, 2.0, 30)) * rng.choice([-1.0, 1.0, 1.0], 30)
    close = size * (1.0 + rng.choice([-1.0, 1.0], 30) * 2.0 ** -rng.integers(1, 53, 30))
    edges = np.array([sign * edge for edge in EDGES for sign in (1.0, -1.0)])
    left, right = rng.choice(edges, 40), rng.choice(edges, 40)
    first = np.concatenate([size, size, left, edges])
    return first, np.concatenate([other, close, right, edges]), np.arange(first.size) >= 60


def _ordinary(domain: Domain, rng: np.random.Generator, count: int, form: Form) -> Numbers:
    """Values of the kind that data have."""
    if domain.choices:
        return rng.choice(_of_choices(domain, form), count)
    if domain.integral:
        values = np.floor(np.exp(rng.normal(0.5, 1.2, count)))
    elif math.isfinite(domain.low) and math.isfinite(domain.high):
        spread = 1.0 / (1.0 + np.exp(-rng.normal(0.0, 4.0, count)))
        even = rng.random(count)
        values = domain.low + (domain.high - domain.low) * np.where(even < 0.5, even, spread)
    elif domain.infinite:
        values = rng.normal(0.0, 4.0, count)
    else:
        values = np.exp(rng.normal(0.0, 1.5, count)) * rng.choice([-1.0, 1.0], count)
    if domain.low >= 0.0:
        values = np.abs(values)
    values = np.clip(values, *_ends(domain))
    if domain.besides:
        values = np.where(rng.random(count) < 0.2, rng.choice(domain.besides, count), values)
    return values


def _edges(domain: Domain, form: Form) -> Numbers:
    """The values of the domain at which something may break."""
    if domain.choices:
        return _of_choices(domain, form)
    if domain.integral:
        found = [0.0, 1.0, 2.0, 3.0, 170.0, 1e6, 2.0**53]
    elif math.isfinite(domain.low) and math.isfinite(domain.high):
        found = [domain.low + (domain.high - domain.low) * edge for edge in UNIT_EDGES]
    elif domain.infinite:
        found = [*LOGIT_EDGES, *(-edge for edge in LOGIT_EDGES)]
        found += [math.inf, -math.inf] if domain.shape == "value" else []
    else:
        found = [*EDGES, *(-edge for edge in EDGES)]
    values = np.array([*found, *domain.besides])
    return values[~domain.outside(values)]


def _of_choices(domain: Domain, form: Form) -> Numbers:
    return np.array(domain.choices[min(form.choice, len(domain.choices) - 1)])


def _ends(domain: Domain) -> tuple[float, float]:
    low = math.nextafter(domain.low, math.inf) if domain.low_open else domain.low
    return low, math.nextafter(domain.high, -math.inf) if domain.high_open else domain.high


def _near(values: Numbers, domain: Domain, rng: np.random.Generator) -> Numbers:
    """Values that differ from these in one of the last 52 bits."""
    if domain.integral:
        return values
    powers = 2.0 ** -rng.integers(1, 53, values.shape)
    return np.clip(values * (1.0 + rng.choice([-1.0, 1.0], values.shape) * powers), *_ends(domain))


# --- vectors, labels, sequences ----------------------------------------------------------------

ROWS = 36
_EXTREME = np.arange(ROWS) >= 24


def _mixed(roles: list[Role], rng: np.random.Generator, form: Form) -> Data:
    """Columns of roles of any shape: 24 rows of ordinary values, of which 6 repeat and 6 nearly
    repeat an earlier role of the same domain; 12 of edges."""
    found: Data = {}
    for place, role in enumerate(roles):
        domain = role.domain
        like = next((found[r.name] for r in roles[:place] if _alike(r.domain, domain)), None)
        if domain.shape == "text":
            found[role.name] = _texts(rng, form)
        elif domain.shape == "ragged":
            found[role.name] = _sequences(domain, rng, form, like)
        else:
            found[role.name] = _rows(domain, rng, form, like)
    return found


def _alike(one: Domain, other: Domain) -> bool:
    return one == other or (one.axes == other.axes and one.width == other.width
                            and one.shape == other.shape and one.row is other.row)  # fmt: skip


def _rows(domain: Domain, rng: np.random.Generator, form: Form, like: Any) -> Numbers:
    width = _width(domain, form)
    shape = (ROWS,) if width is None else (ROWS, width)
    if domain.indexes is not None and width is None:
        size = form.size(domain.indexes) if form.either != 1 or not domain.axes else 2
        labels = rng.integers(0, size, ROWS).astype(np.float64)
        if domain.besides:
            labels[rng.random(ROWS) < 0.2] = domain.besides[0]
        return labels
    if domain.indexes is not None:  # a share of each class in the place of its number
        shares = _simplex(rng.random(shape))
        shares[::2] = np.eye(shape[1])[np.argmax(shares[::2], axis=1)]
        return shares
    if domain.shape == "either" and not domain.axes:  # classes, of which only equality counts
        kinds = _edges(domain, form) if domain.choices else np.arange(4.0)
        return rng.choice(kinds, shape)
    if _logarithms(domain):
        unit = replace(domain, low=0.0, high=1.0, infinite=False, row=SUMS_TO_ONE)
        with np.errstate(divide="ignore"):
            return np.log(_rows(unit, rng, form, None))
    values = _ordinary(domain, rng, math.prod(shape), form).reshape(shape)
    edges = rng.choice(_edges(domain, form), shape)
    values[_EXTREME] = edges[_EXTREME]
    if width is not None:
        values[20:22] = values[20:22, :1]  # all equal
        values[22:24, 1:] = 0.0 if domain.low <= 0.0 else values[22:24, 1:]  # one alone
        if domain.high == 1.0:
            values[[16, 17, 34, 35]] = np.round(values[[16, 17, 34, 35]])
        if domain.infinite:
            gone = rng.random(shape) < 0.3
            gone[:, 0] = False  # one class at least is possible
            values[28:][gone[28:]] = -math.inf
    if like is not None and like.shape == values.shape:
        same = np.concatenate([like[6:12], _near(like[12:18], domain, rng)])
        inside = ~domain.outside(same).reshape(12, -1).any(axis=1)
        values[6:18][inside] = same[inside]
    if domain.row is not None:
        values = _FITTED.get(domain.row, lambda rows: _unbroken(rows, domain))(values)
        if domain.row is SUMS_TO_ONE and domain.high == math.inf:
            values[::3] *= 2.5  # masses, which the loss may be told to normalise
        assert domain.row.warning or not domain.row.broken(values).any()
    return values


def _logarithms(domain: Domain) -> bool:
    """Whether the values are logarithms of shares: up to 0 or a little more, and -inf."""
    return domain.infinite and domain.low == -math.inf and domain.high < math.inf


def _unbroken(rows: Numbers, domain: Domain) -> Numbers:
    """Rows of which those that break a rule not known here are made positive."""
    assert domain.row is not None
    return np.where(domain.row.broken(rows)[:, np.newaxis], np.abs(rows), rows)


def _width(domain: Domain, form: Form) -> int | None:
    if domain.width is not None:
        return domain.width
    wide = form.either == 2 or (form.either == 3 and domain.indexes is None)
    if domain.shape == "vector" or (domain.shape == "either" and wide):
        return form.size(domain.axes[0]) if domain.axes else form.size("classes")
    return None


def _simplex(rows: Numbers) -> Numbers:
    """Rows scaled to sum to 1 within 1e-16 a value; zeros stay, and a row of zeros is one-hot."""
    sizes = np.minimum(np.abs(rows), 1.0)
    sizes[sizes.sum(axis=1) == 0.0, 0] = 1.0
    shares = sizes / sizes.sum(axis=1, keepdims=True)
    for row in shares:
        row[np.argmax(row)] += 1.0 - math.fsum(row)
    return shares


def _corners(rows: Numbers) -> Numbers:
    """Boxes with x1 <= x2 and y1 <= y2."""
    pairs = np.sort(rows.reshape(-1, 2, 2), axis=1)
    return np.ascontiguousarray(pairs.reshape(-1, 4))


_FITTED: dict[RowRule, Callable[[Numbers], Numbers]] = {
    SUMS_TO_ONE: _simplex,
    ORDERED_CORNERS: _corners,
}


def _sequences(domain: Domain, rng: np.random.Generator, form: Form, like: Ragged | None) -> Ragged:
    """Rows of up to STEPS values or vectors; of numbers alone fewer, to be labels of the others."""
    deep = bool(domain.axes)
    lengths = rng.integers(0, STEPS + 1 if deep else STEPS - 2, ROWS)
    lengths[0] = 0
    total = int(lengths.sum())
    if domain.indexes is not None:
        values = rng.integers(0, form.size(domain.indexes), total).astype(np.float64)
    else:
        shape = (total, form.size(domain.axes[0])) if deep else (total,)
        ordinary = replace(domain, high=math.inf) if _logarithms(domain) else domain
        values = _ordinary(ordinary, rng, math.prod(shape), form).reshape(shape)
        extreme = np.repeat(_EXTREME, lengths)
        values[extreme] = rng.choice(_edges(domain, form), shape)[extreme]
        if domain.infinite and deep:
            gone = rng.random(shape) < 0.15
            gone[:, 0] = False
            values[extreme[:, np.newaxis] & gone] = -math.inf
        if domain.row is SUMS_TO_ONE:
            values = _simplex(values)
        if _logarithms(domain):
            values = values - np.logaddexp.reduce(values, axis=1, keepdims=True)
    rows = np.split(values, np.cumsum(lengths)[:-1])
    if like is not None:
        rows[6:12] = [like.row(place) for place in range(6, 12)]
    return ragged(rows)


def _texts(rng: np.random.Generator, form: Form) -> Ragged:
    if form.text == "numbers":
        return ragged([rng.integers(0, 3, length).astype(float)
                       for length in rng.integers(0, STEPS, ROWS)])  # fmt: skip
    if form.text == "words":
        return encode([rng.choice(WORDS, size).tolist() for size in rng.integers(0, STEPS, ROWS)])
    return encode(rng.choice(TEXTS, ROWS).tolist())


def _whole(domain: Domain, rng: np.random.Generator, form: Form) -> Numbers:
    if not domain.axes:
        return np.cumsum(rng.normal(0.0, 3.0, 25))
    shape = tuple(form.size(axis) for axis in domain.axes)
    values = rng.normal(0.0, 2.0, shape)
    return np.clip(np.abs(values) if domain.low >= 0.0 else values, *_ends(domain))
