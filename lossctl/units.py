"""Exact sums of terms by unit: rows that belong together, as those of a patient, or of a day.

Of more units than are kept, each goes to one of 1,024 buckets by its key, whole: what is true of
units holds of buckets too, only less finely.
"""

from __future__ import annotations

import math
from binascii import a2b_base64, b2a_base64
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from lossctl.arrays import Array, Integers
from lossctl.exact import all_zero
from lossctl.states import UNLIKE, Block, Json, TermsOf

BUCKETS = 1024
MOST = 20_000  # units that are kept as they are

_LIMB = 26  # bits: a block's rows of so many add up within an int64, for 2**36 rows
_ROWS = 1 << 16
_FLOOR = -1074
_LARGE, _DOWN = 2.0**900, 200


class UnitOf(Hashable, Protocol):
    """The key of each row's unit: int64, in the order of the units. Equal ones hash alike."""

    def __call__(self, block: Any, /) -> Integers: ...


@dataclass(frozen=True, slots=True)
class UnitSums:
    """Of every unit: its rows, and the sums of a and b of every one of `terms`. Values that are not
    finite count as 0."""

    unit: UnitOf
    terms: tuple[TermsOf, ...]
    most: int = MOST

    def empty(self) -> UnitsState:
        return UnitsState(self.most, 1 + 2 * len(self.terms))

    def make(self, block: Block) -> UnitsState:
        keys, codes = np.unique(self.unit(block), return_inverse=True)
        folded = keys.size > self.most
        if folded:
            codes = (keys & (BUCKETS - 1))[codes]
            keys = np.arange(BUCKETS, dtype=np.int64)
        count = codes.size
        columns: list[Array] = [np.ones(count)]
        for terms in self.terms:
            made = terms(block)  # of as many rows as have a unit
            with np.errstate(over="ignore"):
                a = sum((np.ldexp(part, shift) for part, shift in made.parts), np.zeros(count))
            b = np.ones(count) if made.b is None else made.b
            columns += [_finite(a), _finite(b)]
        limbs: dict[int, NDInts] = {}
        for place, column in enumerate(columns):
            for start in range(0, count, _ROWS):
                part = slice(start, start + _ROWS)
                for limb, sums in _limbs(column[part], codes[part], keys.size):
                    table = limbs.get(limb)
                    if table is None:
                        table = limbs[limb] = np.zeros((keys.size, len(columns)), dtype=np.int64)
                    table[:, place] += sums
        return UnitsState(self.most, len(columns), keys, limbs, folded)


NDInts = Any  # an int64 array of two dimensions


def _finite(column: Array) -> Array:
    return column if np.isfinite(column).all() else np.where(np.isfinite(column), column, 0.0)


def _limbs(values: Array, codes: Integers, count: int) -> list[tuple[int, Integers]]:
    """The sums by unit of the multiples of 2**(26 i), for every i that the values need: which
    multiples a value is made of depends on no other."""
    top = math.frexp(max(float(values.max()), -float(values.min())))[1]
    limb = -(-top // _LIMB)
    found = []
    while not all_zero(values):
        unit = max(limb * _LIMB, _FLOOR)
        rest: Array | None = None
        if unit + 52 >= 1000:  # no room for an anchor: the few values so large are made smaller
            large = np.abs(values) >= _LARGE
            rest = np.where(large, 0.0, values)
            values = np.ldexp(np.where(large, values, 0.0), -_DOWN)
        scale = unit if rest is None else unit - _DOWN
        anchor = math.ldexp(1.5, scale + 52)
        high = values + anchor
        high -= anchor
        values = values - high if rest is None else np.ldexp(values - high, _DOWN) + rest
        if not all_zero(high):
            steps = np.bincount(codes, np.ldexp(high, -scale), count)
            found.append((limb, steps.astype(np.int64)))
        if unit == _FLOOR:
            break
        limb -= 1
    return found


@dataclass(frozen=True, slots=True, eq=False)
class UnitsState:
    """By key, ascending: the sums (units, columns) in multiples of 2**(26 i)."""

    most: int
    columns: int
    keys: Integers = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    limbs: Mapping[int, Any] = field(default_factory=dict)
    folded: bool = False

    @property
    def table(self) -> Array:
        """The rows, then a and b of each terms, of every unit that has rows, (units, columns)."""
        total = np.zeros((self.keys.size, self.columns))
        for limb in sorted(self.limbs):  # from the least on, so that little is rounded away
            total += np.ldexp(self.limbs[limb].astype(np.float64), limb * _LIMB)
        return total[total[:, 0] > 0.0]

    def beside(self, other: UnitsState) -> UnitsState:
        """The columns of both, of the same units. ValueError for other units."""
        if self.folded != other.folded:
            return self._folded().beside(other._folded())
        if not np.array_equal(self.keys, other.keys):
            raise ValueError(UNLIKE)
        limbs = {}
        for limb in {*self.limbs, *other.limbs}:
            none = [
                np.zeros((self.keys.size, one.columns), dtype=np.int64) for one in (self, other)
            ]
            left = self.limbs.get(limb, none[0])
            right = other.limbs.get(limb, none[1])
            limbs[limb] = np.hstack([left, right[:, 1:]])
        columns = self.columns + other.columns - 1
        return UnitsState(self.most, columns, self.keys, limbs, self.folded)

    def merge(self, other: UnitsState) -> UnitsState:
        if (self.most, self.columns) != (other.most, other.columns):
            raise ValueError(UNLIKE)
        if not other.keys.size or not self.keys.size:
            return self if not other.keys.size else other
        if self.folded != other.folded:
            return self._folded().merge(other._folded())
        keys = self.keys if self.folded else np.union1d(self.keys, other.keys)
        limbs: dict[int, Any] = {}
        for state in (self, other):
            at = np.searchsorted(keys, state.keys)
            for limb, sums in state.limbs.items():
                if limb not in limbs:
                    limbs[limb] = np.zeros((keys.size, self.columns), dtype=np.int64)
                limbs[limb][at] += sums
        found = UnitsState(self.most, self.columns, keys, limbs, self.folded)
        return found._folded() if keys.size > self.most else found

    def _folded(self) -> UnitsState:
        """The units in their buckets."""
        if self.folded:
            return self
        limbs = {}
        for limb, sums in self.limbs.items():
            limbs[limb] = np.zeros((BUCKETS, self.columns), dtype=np.int64)
            np.add.at(limbs[limb], self.keys & (BUCKETS - 1), sums)
        keys = np.arange(BUCKETS, dtype=np.int64)
        return UnitsState(self.most, self.columns, keys, limbs, True)

    def to_json(self) -> Json:
        limbs = {str(limb): _text(self.limbs[limb]) for limb in sorted(self.limbs)
                 if self.limbs[limb].any()}  # fmt: skip
        return {"most": self.most, "columns": self.columns, "keys": _text(self.keys),
                "limbs": limbs, "folded": self.folded}  # fmt: skip

    @classmethod
    def from_json(cls, data: Json) -> UnitsState:
        keys = _array(data["keys"])
        limbs = {int(limb): _array(text).reshape(keys.size, data["columns"])
                 for limb, text in data["limbs"].items()}  # fmt: skip
        return cls(data["most"], data["columns"], keys, limbs, data["folded"])


def _text(values: Any) -> str:
    return b2a_base64(np.ascontiguousarray(values).tobytes(), newline=False).decode()


def _array(text: str) -> Any:
    return np.frombuffer(a2b_base64(text), dtype=np.int64).copy()
