"""Exact sums for each of several groups of rows, which whole numbers tell apart."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np

from lossctl.arrays import Array, Integers, Mask
from lossctl.binned import binned_dots, binned_sums
from lossctl.exact import Exact, exact, times
from lossctl.numerics import shared
from lossctl.states import UNLIKE, Block, Json, SumsState, TermsOf

MOST = 1 << 16  # groups that are kept
SUMS = ("count", "nonzero", "infinite", "a", "b", "aa", "ab", "bb")


Key: TypeAlias = Any  # an int, or as many ints as tell groups apart


class KeyOf(Hashable, Protocol):
    """The group of each row: whole numbers (n,), or (n, k) where k of them tell groups apart.
    Equal ones hash alike."""

    def __call__(self, block: Any, /) -> Integers: ...


@dataclass(frozen=True, slots=True)
class KeyedSums:
    """What `Sums` makes of the terms, for the rows of each key.

    Of more than `most` keys nothing is kept but that there are more.
    """

    key: KeyOf
    terms: TermsOf
    moments: bool = False
    most: int = MOST

    def empty(self) -> KeyedState:
        return KeyedState(self.moments, self.most)

    def make(self, block: Block) -> KeyedState:
        keys, codes = distinct(self.key(block))
        bins = len(keys)
        if bins > self.most:
            return KeyedState(self.moments, self.most, overfull=True)
        terms = self.terms(block)
        parts, b = terms.parts, terms.b
        bad = ~np.isfinite(parts[0][0])
        for part, _ in parts[1:]:
            bad |= ~np.isfinite(part)
        if b is not None:
            bad |= ~np.isfinite(b)
        infinite = [0] * bins
        if bad.any():
            infinite = _counts(codes, bins, bad)
            parts = [(np.where(bad, 0.0, part), shift) for part, shift in parts]
            b = np.where(bad, 0.0, 1.0 if b is None else b)
        count = _counts(codes, bins, terms.counted)
        nonzero = count if b is None else _counts(codes, bins, b != 0.0)
        b_sum = [exact(float(n)) for n in count] if b is None else binned_sums(codes, bins, b)
        a_sum = _total([binned_sums(codes, bins, part, shift) for part, shift in parts])
        sums: list[list[Any]] = [count, nonzero, infinite, a_sum, b_sum]
        if self.moments:
            sums.append(_total([_scaled(_squares(codes, bins, p), 2 * s) for p, s in parts]))
            if b is None:
                sums += [a_sum, b_sum]
            else:
                sums.append(_total([_scaled(binned_dots(codes, bins, p, b), s) for p, s in parts]))
                sums.append(_squares(codes, bins, b))
        names = SUMS[: len(sums)]
        groups = {
            key: SumsState(**dict(zip(names, each, strict=True)), moments=self.moments)
            for key, *each in zip(keys, *sums, strict=True)
        }
        return KeyedState(self.moments, self.most, groups)


@shared
def distinct(keys: Integers) -> tuple[list[Key], Integers]:
    """The different keys, ascending, and the place of each row's among them."""
    if keys.ndim == 1:
        found, codes = _distinct(keys)
        return found.tolist(), codes
    codes = np.zeros(len(keys), dtype=np.int64)
    members: list[Key] = [()] if len(keys) else []
    for column in keys.T:
        found, places = _distinct(column)
        pairs, codes = _distinct(codes * max(found.size, 1) + places)
        firsts, seconds = np.divmod(pairs, max(found.size, 1))
        members = [
            (*_several(members[first]), value)
            for first, value in zip(firsts.tolist(), found[seconds].tolist(), strict=True)
        ]
    return members, codes


def _several(key: Key) -> tuple[int, ...]:
    return key if isinstance(key, tuple) else (key,)


def _distinct(keys: Integers) -> tuple[Integers, Integers]:
    if not keys.size:
        return keys, keys
    low, high = int(keys.min()), int(keys.max())
    if high - low > 2 * keys.size:
        found, codes = np.unique(keys, return_inverse=True)
        return found, codes
    codes = keys - low
    held = np.bincount(codes) > 0
    if not held.all():
        codes = (np.cumsum(held) - 1)[codes]
    return np.flatnonzero(held) + low, codes


def _counts(codes: Integers, bins: int, chosen: Mask | None) -> list[int]:
    """How many rows of each bin are chosen; None: all."""
    found: list[int] = np.bincount(codes if chosen is None else codes[chosen], None, bins).tolist()
    return found


def _squares(codes: Integers, bins: int, values: Array) -> list[Exact]:
    return binned_dots(codes, bins, values, values)


def _scaled(values: list[Exact], shift: int) -> list[Exact]:
    return [times(value, shift) for value in values] if shift else values


def _total(sums: list[list[Exact]]) -> list[Exact]:
    return sums[0] if len(sums) == 1 else [sum(each) for each in zip(*sums, strict=True)]


@dataclass(frozen=True, slots=True)
class KeyedState:
    """The sums of each key; none where there are more keys than `most`."""

    moments: bool
    most: int
    groups: Mapping[Key, SumsState] = field(default_factory=dict)
    overfull: bool = False

    def merge(self, other: KeyedState) -> KeyedState:
        if (self.moments, self.most) != (other.moments, other.most):
            raise ValueError(UNLIKE)
        if not other.groups and not other.overfull:
            return self
        overfull = self.overfull or other.overfull
        groups = {} if overfull else dict(self.groups)
        for key, sums in other.groups.items() if not overfull else ():
            known = groups.get(key)
            groups[key] = sums if known is None else known.merge(sums)
        if len(groups) > self.most:
            groups, overfull = {}, True
        return KeyedState(self.moments, self.most, groups, overfull)

    def to_json(self) -> Json:
        groups = [[key, self.groups[key].to_json()] for key in sorted(self.groups, key=_several)]
        return {
            "moments": self.moments,
            "most": self.most,
            "groups": groups,
            "overfull": self.overfull,
        }

    @classmethod
    def from_json(cls, data: Json) -> KeyedState:
        groups = {
            tuple(key) if isinstance(key, list) else key: SumsState.from_json(sums)
            for key, sums in data["groups"]
        }
        return cls(data["moments"], data["most"], groups, data["overfull"])
