"""Values between two bounds: kept while they are few, counted in bins when they are many.

Bounds are keys: integers that sort as the values do.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass

import numpy as np

from lossctl.arrays import Array, Integers, Mask
from lossctl.exact import Exact, exact_sum
from lossctl.numerics import shared
from lossctl.states import UNLIKE, Column, Json

LIMIT = 1 << 20  # values that one question keeps; more are counted in bins
_BINS = 12  # bits
_CHUNKS = 64  # arrays that are kept before they are made one
_TOP = 0x7FF0000000000000  # key of infinity
LOWEST, HIGHEST = -_TOP, _TOP + 1


def sortable(values: Array) -> Integers:
    """int64 keys that sort as the float64 values do (-0.0 as 0.0; no NaN)."""
    bits = np.ascontiguousarray(values + 0.0).view(np.int64)
    if float(values.min(initial=0.0)) >= 0.0:
        return bits
    return np.where(bits < 0, np.int64(-(2**63)) - bits, bits)


def key_of(value: float) -> int:
    """The key of one value."""
    return int(sortable(np.array([value]))[0])


def value_of(key: int) -> float:
    """The value of one key."""
    bits = key if key >= 0 else -(2**63) - key
    return float(np.array([bits], dtype=np.int64).view(np.float64)[0])


@dataclass(frozen=True, slots=True)
class Range:
    """The values with their key in [low, high), and how many there are on either side; the exact
    sum of those above if `sums`.
    """

    column: Column
    low: int = LOWEST
    high: int = HIGHEST
    sums: bool = False

    def empty(self) -> RangeState:
        return RangeState((self.low, self.high))

    def make(self, block: object) -> RangeState:
        return _ranged(self.column(block), self.low, self.high, self.sums)


@shared
def _ranged(values: Array, low: int, high: int, sums: bool) -> RangeState:
    count, above, total = values.size, 0, 0
    if low > LOWEST:
        values = _where(values >= value_of(low), values)
    below = count - values.size
    if high < HIGHEST:
        over = values >= value_of(high)
        above = int(np.count_nonzero(over))
        if sums and above:
            total = exact_sum(_where(over, values))
        values = _where(~over, values) if above else values
    return RangeState((low, high), below, values.size, above, total, (values,)).bounded()


def _where(mask: Mask, values: Array) -> Array:
    """`values[mask]`, several times as fast where the mask is a mixture."""
    return values.take(np.flatnonzero(mask))


@dataclass(frozen=True, slots=True, eq=False)
class RangeState:
    """`values` are those inside, in no particular order; beyond LIMIT of them there are `bins`
    instead: how many lie in each part of the range, and about how much they sum to.
    """

    within: tuple[int, int]
    below: int = 0
    inside: int = 0
    above: int = 0
    sum_above: Exact = 0
    values: tuple[Array, ...] | None = ()
    bins: tuple[Integers, Integers] | None = None

    def bounded(self) -> RangeState:
        """With bins instead of values, if there are too many."""
        if self.values is None or self.inside <= LIMIT:
            return self
        return RangeState(self.within, self.below, self.inside, self.above, self.sum_above,
                          None, self.binned())  # fmt: skip

    def merge(self, other: RangeState) -> RangeState:
        if self.within != other.within:
            raise ValueError(UNLIKE)
        values, bins = None, None
        inside = self.inside + other.inside
        if self.values is not None and other.values is not None and inside <= LIMIT:
            values = self.values + other.values
            if len(values) > _CHUNKS:
                values = (np.concatenate(values),)
        else:
            left, right = self.binned(), other.binned()
            bins = left[0] + right[0], left[1] + right[1]
        return RangeState(
            self.within,
            self.below + other.below,
            inside,
            self.above + other.above,
            self.sum_above + other.sum_above,
            values,
            bins,
        )

    @property
    def shift(self) -> int:
        """A bin holds 2**shift keys."""
        low, high = self.within
        return max(0, (high - low - 1).bit_length() - _BINS)

    def binned(self) -> tuple[Integers, Integers]:
        """Counts, and the leading 27 bits of each value's significand added up: integers, so that
        merging is exact, and close enough to tell where to look."""
        if self.bins is not None:
            return self.bins
        (low, high), shift = self.within, self.shift
        keys = sortable(self.gathered())
        places = (keys >> shift) - (low >> shift)
        size = ((high - 1) >> shift) - (low >> shift) + 1
        leading = ((keys >> 26) & 0x3FFFFFF) + np.where((keys >> 52) & 0x7FF, 0x4000000, 0)
        masses = np.bincount(places, weights=leading, minlength=size).astype(np.int64)
        return np.bincount(places, minlength=size), masses

    def bin(self, place: int) -> tuple[int, int]:
        """The range of one bin."""
        low, high = self.within
        first = ((low >> self.shift) + place) << self.shift
        return max(low, first), min(high, first + (1 << self.shift))

    def gathered(self) -> Array:
        """The values inside, as one array."""
        return np.concatenate(self.values) if self.values else np.empty(0)

    def to_json(self) -> Json:
        values = None if self.values is None else packed(np.sort(self.gathered()))
        return {
            "within": list(self.within),
            "counts": [self.below, self.inside, self.above],
            "sum_above": hex(self.sum_above),
            "values": values,
            "bins": None if self.bins is None else [one.tolist() for one in self.bins],
        }

    @classmethod
    def from_json(cls, data: Json) -> RangeState:
        values, bins = data["values"], data["bins"]
        below, inside, above = data["counts"]
        return cls(
            (data["within"][0], data["within"][1]),
            below,
            inside,
            above,
            int(data["sum_above"], 16),
            None if values is None else (unpacked(values),),
            None if bins is None else (np.array(bins[0]), np.array(bins[1])),
        )


@dataclass(frozen=True, slots=True)
class Gather:
    """All values of a column with their weights."""

    column: Column
    weight: Column

    def empty(self) -> GatherState:
        return GatherState(np.empty(0), np.empty(0))

    def make(self, block: object) -> GatherState:
        return GatherState(self.column(block), self.weight(block))


@dataclass(frozen=True, slots=True, eq=False)
class GatherState:
    """Values in no particular order; `in_order` sorts them."""

    values: Array
    weights: Array

    def merge(self, other: GatherState) -> GatherState:
        return GatherState(
            np.concatenate([self.values, other.values]),
            np.concatenate([self.weights, other.weights]),
        )

    def in_order(self) -> tuple[Array, Array]:
        """Values ascending, weights with them (ties by weight, so that order cannot matter)."""
        order = np.lexsort((self.weights, self.values))
        return self.values[order], self.weights[order]

    def to_json(self) -> Json:
        values, weights = self.in_order()
        return {"values": packed(values), "weights": packed(weights)}

    @classmethod
    def from_json(cls, data: Json) -> GatherState:
        return cls(unpacked(data["values"]), unpacked(data["weights"]))


def packed(values: Array) -> str:
    """Float64 values as text: their bytes, the least significant first, in base 64."""
    return b2a_base64(values.astype("<f8").tobytes(), newline=False).decode()


def unpacked(text: str) -> Array:
    """What `packed` packed."""
    return np.frombuffer(a2b_base64(text), "<f8").astype(np.float64)
