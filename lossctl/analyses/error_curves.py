"""What curves of thresholds are made of: rows while they are few, a sample that tells thresholds,
and exact counts and sums between these.

The sample is chosen by a hash of the rows' values, so that neither blocks nor the order of rows
decide where thresholds stand, and a row twice is a row of twice the weight.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Array, Integers
from lossctl.batch import Batch, View
from lossctl.binned import binned_dots, binned_sums
from lossctl.exact import ONE, Exact, exact_sum, ratio, times
from lossctl.hashing import mixed
from lossctl.numerics import residual
from lossctl.ranges import packed, sortable, unpacked
from lossctl.rounds import Rounds
from lossctl.selection import Like
from lossctl.states import UNLIKE, Column, Json

FULL = 1 << 17  # rows up to which every threshold is looked at
SAMPLE = 1 << 12  # rows that tell where thresholds stand
_PARTS = 64  # arrays that are kept before they are made one


@dataclass(frozen=True, slots=True)
class ErrorOf:
    """pred - target of each row as a model sees it (one output)."""

    pred: str = "pred"
    view: View | None = None
    output: int | None = None

    def __call__(self, batch: Batch) -> Array:
        seen = batch.seen(self.view)
        column = residual(seen.columns[self.pred], seen.columns["target"])
        return column if column.ndim == 1 else np.ascontiguousarray(column[:, self.output or 0])


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """An array in memory as a column, whatever the block."""

    values: Array

    def __call__(self, block: object) -> Array:
        return self.values


# --- rows while they are few ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rows:
    """The values of several columns, row by row; nothing where the rows are more than `most`."""

    columns: tuple[Column, ...]
    most: int

    def empty(self) -> RowsState:
        return RowsState(self.most, len(self.columns), ())

    def make(self, block: object) -> RowsState:
        table = np.stack([column(block) for column in self.columns]) + 0.0  # no -0.0
        fits = table.shape[1] <= self.most
        return RowsState(self.most, len(self.columns), (table,) if fits else None)

    def grow(self, state: RowsState, block: object) -> RowsState:
        """As `state.merge(self.make(block))`; of too many nothing is computed."""
        return state if state.parts is None else state.merge(self.make(block))


@dataclass(frozen=True, slots=True, eq=False)
class RowsState:
    """`parts`, (columns, rows) each, in no particular order; None where the rows are too many."""

    most: int
    width: int
    parts: tuple[Array, ...] | None

    def merge(self, other: RowsState) -> RowsState:
        if (self.most, self.width) != (other.most, other.width):
            raise ValueError(UNLIKE)
        if self.parts is None or other.parts is None:
            return RowsState(self.most, self.width, None)
        parts = self.parts + other.parts
        if sum(part.shape[1] for part in parts) > self.most:
            return RowsState(self.most, self.width, None)
        if len(parts) > _PARTS:
            parts = (np.concatenate(parts, axis=1),)
        return RowsState(self.most, self.width, parts)

    def table(self) -> Array | None:
        """The columns, (columns, rows), the rows in one order whatever the blocks."""
        if self.parts is None:
            return None
        table = np.concatenate([np.empty((self.width, 0)), *self.parts], axis=1)
        return np.ascontiguousarray(table[:, np.lexsort(table[::-1])])

    def to_json(self) -> Json:
        table = self.table()
        values = None if table is None else packed(table.reshape(-1))
        return {"most": self.most, "width": self.width, "values": values}

    @classmethod
    def from_json(cls, data: Json) -> RowsState:
        most, width, values = data["most"], data["width"], data["values"]
        parts = None if values is None else (unpacked(values).reshape(width, -1),)
        return cls(most, width, parts)


# --- where thresholds stand -------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Drawn:
    """At most `most` different rows of some columns, by a hash of their values; the least and the
    greatest value of each column, and how many rows there are."""

    columns: tuple[Column, ...]
    most: int = SAMPLE

    def empty(self) -> DrawnState:
        width = len(self.columns)
        none = np.empty((width, 0))
        return DrawnState(self.most, none, np.full(width, np.inf), np.full(width, -np.inf))

    def make(self, block: object) -> DrawnState:
        return self._made(block, None)

    def grow(self, state: DrawnState, block: object) -> DrawnState:
        """As `state.merge(self.make(block))`; few rows of most blocks are among the first."""
        return state.merge(self._made(block, state.last))

    def _made(self, block: object, last: int | None) -> DrawnState:
        columns = [column(block) + 0.0 for column in self.columns]  # no -0.0
        hashes = _hashes(columns)
        near = np.arange(hashes.size) if last is None else np.flatnonzero(hashes <= np.uint64(last))
        near = near[np.unique(hashes[near], return_index=True)[1][: self.most]]
        finite = np.logical_and.reduce([np.isfinite(column) for column in columns])
        return DrawnState(
            self.most,
            np.stack([column[near] for column in columns]),
            np.array([column.min(initial=np.inf) for column in columns]),
            np.array([column.max(initial=-np.inf) for column in columns]),
            hashes.size,
            int(np.count_nonzero(finite)),
        )


def _hashes(columns: Iterable[Array]) -> NDArray[np.uint64]:
    found: Any = np.int64(0)
    for column in columns:
        bits = np.ascontiguousarray(column).view(np.int64)
        found = mixed(bits ^ found).view(np.int64)
    hashes: NDArray[np.uint64] = found.view(np.uint64)
    return hashes


@dataclass(frozen=True, slots=True, eq=False)
class DrawnState:
    """`table`, (columns, at most `most`), ascending by hash; `finite` of the `count` rows are."""

    most: int
    table: Array
    low: Array
    high: Array
    count: int = 0
    finite: int = 0

    @property
    def last(self) -> int | None:
        """The hash beyond which no row is among them; None while any may be."""
        return int(_hashes(self.table[:, -1:])[0]) if self.table.shape[1] == self.most else None

    def merge(self, other: DrawnState) -> DrawnState:
        if (self.most, len(self.table)) != (other.most, len(other.table)):
            raise ValueError(UNLIKE)
        table = self.table
        if other.table.shape[1]:
            table = np.concatenate([table, other.table], axis=1)
            table = table[:, np.unique(_hashes(table), return_index=True)[1][: self.most]]
        return DrawnState(
            self.most,
            table,
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.count + other.count,
            self.finite + other.finite,
        )

    def to_json(self) -> Json:
        return {
            "most": self.most,
            "width": len(self.table),
            "table": packed(self.table.reshape(-1)),
            "low": packed(self.low),
            "high": packed(self.high),
            "rows": [self.count, self.finite],
        }

    @classmethod
    def from_json(cls, data: Json) -> DrawnState:
        table = unpacked(data["table"]).reshape(data["width"], -1)
        low, high = unpacked(data["low"]), unpacked(data["high"])
        return cls(data["most"], table, low, high, *data["rows"])


def known(
    columns: tuple[Column, ...], weight: Column | None, like: Like | None, full: int
) -> Rounds[Array | DrawnState]:
    """All rows of some columns (weights last, if there are any), or a sample of more than `full`
    of them."""
    table = Rows(columns if weight is None else (*columns, weight), full)
    drawn = Drawn(columns)
    rows = None if like is None else like.rows
    if rows is None:
        states = yield (drawn, table)
    else:
        states = yield (table if rows <= full else drawn,)
    if drawn not in states and states[table].parts is None:
        states = yield (drawn,)
    elif table not in states and states[drawn].count <= full:
        states = yield (table,)
    found: Array | None = states[table].table() if table in states else None
    sample: DrawnState | None = states.get(drawn)
    if found is None:
        assert sample is not None
        return sample
    return found


def keys_between(low: float, high: float, count: int) -> Array:
    """`count` values from one to the other, evenly among all float64 values; the ends are not."""
    first, last = (int(sortable(np.array([one]))[0]) for one in (low, high))
    keys = np.array([first + (last - first) * k // (count + 1) for k in range(1, count + 1)])
    return np.where(keys < 0, np.int64(-(2**63)) - keys, keys).view(np.float64)


# --- counts and sums between thresholds -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Graded:
    """How many errors lie between thresholds on either side of 0, and their sizes' sums, weighted.

    `edges` is `packed`, so that equal ones are soon known to be equal.
    """

    error: Column
    weight: Column | None
    edges: str

    def empty(self) -> GradedState:
        none = (0,) * (2 * unpacked(self.edges).size + 2)
        return GradedState(self.edges, none, none)

    def make(self, block: object) -> GradedState:
        errors = self.error(block)
        weight = None if self.weight is None else self.weight(block)
        usable = np.isfinite(errors)
        if not usable.all():
            errors, weight = errors[usable], None if weight is None else weight[usable]
        edges, sizes = unpacked(self.edges), np.abs(errors)
        codes = np.searchsorted(edges, sizes)
        codes[errors < 0.0] += edges.size + 1
        return GradedState(self.edges, *masses_and_sums(codes, 2 * edges.size + 2, sizes, weight))


def masses_and_sums(
    codes: Integers, bins: int, values: Array | None, weight: Array | None
) -> tuple[tuple[Exact, ...], tuple[Exact, ...]]:
    """By code, the weights' sums and those of weight times value (0 without values)."""
    if weight is None:
        counts = np.bincount(codes, minlength=bins).tolist()
        masses = [one * ONE for one in counts]
        sums = [0] * bins if values is None else binned_sums(codes, bins, values)
    else:
        masses = binned_sums(codes, bins, weight)
        sums = [0] * bins if values is None else binned_dots(codes, bins, weight, values)
    return tuple(masses), tuple(sums)


@dataclass(frozen=True, slots=True)
class GradedState:
    """Up to each edge and from the one before it: of errors >= 0, beyond the last edge too, then
    the same of those below 0."""

    edges: str
    masses: tuple[Exact, ...]
    sums: tuple[Exact, ...]

    def merge(self, other: GradedState) -> GradedState:
        if self.edges != other.edges:
            raise ValueError(UNLIKE)
        return GradedState(
            self.edges, added(self.masses, other.masses), added(self.sums, other.sums)
        )

    def side(self, under: bool) -> tuple[list[Exact], list[Exact]]:
        """At each edge t, the mass of the errors beyond it on one side, and E (|e| - t)+ times the
        mass of all."""
        edges = unpacked(self.edges).tolist()
        bins = slice(len(edges) + 1, None) if under else slice(len(edges) + 1)
        mass, total = (list(accumulate(one[bins][:0:-1]))[::-1] for one in (self.masses, self.sums))
        return mass, [s - product(n, t) for s, n, t in zip(total, mass, edges, strict=True)]

    def to_json(self) -> Json:
        masses, sums = map(brief, self.masses), map(brief, self.sums)
        return {"edges": self.edges, "masses": list(masses), "sums": list(sums)}

    @classmethod
    def from_json(cls, data: Json) -> GradedState:
        masses, sums = (tuple(map(unbrief, data[name])) for name in ("masses", "sums"))
        return cls(data["edges"], masses, sums)


def added(left: tuple[Exact, ...], right: tuple[Exact, ...]) -> tuple[Exact, ...]:
    """The sums place by place."""
    return tuple(a + b for a, b in zip(left, right, strict=True))


def product(mass: Exact, value: float) -> Exact:
    """Mass times value, exactly: a mass is made of float64 weights, and UNIT leaves room."""
    numerator, denominator = value.as_integer_ratio()
    return times(mass * numerator, 1 - denominator.bit_length())


def brief(value: Exact) -> str:
    """An exact number as text, without the zeros that it ends in."""
    low = (value & -value).bit_length() - 1 if value else 0
    return f"{value >> low:x}:{low}"


def unbrief(text: str) -> Exact:
    """What `brief` wrote."""
    digits, _, low = text.partition(":")
    return int(digits, 16) << int(low)


def rounded(values: Iterable[Exact], total: Exact) -> Array:
    """Exact numbers by their total, each rounded once."""
    return np.array([ratio(value, total) for value in values])


def mass_of(weight: Array | None, rows: int) -> Exact:
    """The weights' sum."""
    return rows * ONE if weight is None else exact_sum(weight)
