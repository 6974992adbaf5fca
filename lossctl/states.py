"""The mergeable states and their specifications.

A specification makes a state from one block; states merge. Merging is associative and
commutative and has an identity, so that blocks, threads and machines change no bit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np

from lossctl.arrays import Array, Integers, Mask
from lossctl.exact import ONE, Exact, exact, exact_dot, exact_moments, exact_sum, ratio, times
from lossctl.numerics import shared

Json = dict[str, Any]

UNLIKE = "states of unlike specifications do not merge"


class Block(Protocol):
    """What a state sees of a batch."""

    @property
    def count(self) -> int: ...

    @property
    def order(self) -> Integers:
        """Breaks ties between rows: their numbers, or hashes of their keys."""
        ...

    def sample(self, index: int) -> Json:
        """Everything that a report shows of one row."""
        ...


class Column(Hashable, Protocol):
    """One number per row, computed from a block. Equal columns hash alike."""

    def __call__(self, block: Any, /) -> Array: ...


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What the rows add to `value = sum(a) / sum(b)`.

    `parts` holds a as arrays with power-of-two exponents (one part, but for values whose
    squares leave float64's range); `b` is None where every row counts 1; `counted` says which
    rows count at all, where not all do.
    """

    parts: list[tuple[Array, int]]
    b: Array | None = None
    counted: Mask | None = None


class TermsOf(Hashable, Protocol):
    """Terms, computed from a block. Equal ones hash alike."""

    def __call__(self, block: Any, /) -> Terms: ...


class State(Protocol):
    """What is known of some rows."""

    def merge(self, other: Self) -> Self: ...

    def to_json(self) -> Json: ...

    @classmethod
    def from_json(cls, data: Json) -> Self: ...


class Specification(Hashable, Protocol):
    """Makes states that merge with one another; unlike specifications' states do not.

    One that can do better than to make a state of every block has a method `grow` (see `grown`).
    """

    def empty(self) -> Any: ...

    def make(self, block: Any) -> Any: ...


def grown(specification: Specification, state: Any, block: Any) -> Any:
    """The state of some rows and those of a block: made and merged, or what is the same."""
    grow = getattr(specification, "grow", None)
    if grow is None:
        return state.merge(specification.make(block))
    return grow(state, block)


# --- exact sums -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sums:
    """Exact sums of a and b, of their products if `moments`, and counts.

    Rows whose a or b is not finite are counted and left out of the sums.
    """

    terms: TermsOf
    moments: bool = False

    def empty(self) -> SumsState:
        return SumsState(moments=self.moments)

    def make(self, block: Block) -> SumsState:
        terms = self.terms(block)
        parts, b = terms.parts, terms.b
        count = parts[0][0].shape[0]
        infinite = 0
        bad = ~np.isfinite(parts[0][0])
        for part, _ in parts[1:]:
            bad |= ~np.isfinite(part)
        if b is not None:
            bad |= ~np.isfinite(b)
        if bad.any():
            infinite = int(bad.sum())
            parts = [(np.where(bad, 0.0, part), shift) for part, shift in parts]
            b = np.where(bad, 0.0, np.ones(count) if b is None else b)
        if terms.counted is not None:
            count = int(np.count_nonzero(terms.counted))
        nonzero = count if b is None else int(np.count_nonzero(b))
        b_sum = exact(float(count)) if b is None else exact_sum(b)
        if not self.moments:
            a_sum = sum(_sum(part, shift) for part, shift in parts)
            return SumsState(count, nonzero, infinite, a_sum, b_sum)
        each = [(*exact_moments(part), shift) for part, shift in parts]
        a_sum = sum(times(first, shift) for first, _, shift in each)
        aa = sum(times(second, 2 * shift) for _, second, shift in each)
        if b is None:
            return SumsState(count, nonzero, infinite, a_sum, b_sum, aa, a_sum, b_sum, True)
        ab = sum(times(exact_dot(part, b), shift) for part, shift in parts)
        return SumsState(count, nonzero, infinite, a_sum, b_sum, aa, ab, exact_dot(b, b), True)


_sum = shared(exact_sum)


@dataclass(frozen=True, slots=True)
class SumsState:
    """Sums in units of 2**-UNIT."""

    count: int = 0
    nonzero: int = 0  # rows whose b is not 0
    infinite: int = 0  # rows left out because a or b is not finite
    a: Exact = 0
    b: Exact = 0
    aa: Exact = 0
    ab: Exact = 0
    bb: Exact = 0
    moments: bool = False  # whether aa, ab and bb were summed

    def merge(self, other: SumsState) -> SumsState:
        if self.moments != other.moments:
            raise ValueError(UNLIKE)
        return SumsState(
            self.count + other.count,
            self.nonzero + other.nonzero,
            self.infinite + other.infinite,
            self.a + other.a,
            self.b + other.b,
            self.aa + other.aa,
            self.ab + other.ab,
            self.bb + other.bb,
            self.moments,
        )

    @property
    def mean(self) -> float:
        """Sum(a) / sum(b), rounded once."""
        return ratio(self.a, self.b)

    @property
    def effective(self) -> float:
        """How many rows of one weight tell as much: sum(b)**2 / sum(b**2) (Kish 1965)."""
        return ratio(self.b * self.b, self.bb * ONE)

    def less(self, row: SumsState) -> SumsState:
        """With some of the rows left out (of a and b: an interval is not asked of it)."""
        return replace(
            self,
            count=self.count - row.count,
            nonzero=self.nonzero - row.nonzero,
            infinite=self.infinite - row.infinite,
            a=self.a - row.a,
            b=self.b - row.b,
        )

    def to_json(self) -> Json:
        sums = {name: hex(getattr(self, name)) for name in ("a", "b", "aa", "ab", "bb")}
        return {
            "count": self.count,
            "nonzero": self.nonzero,
            "infinite": self.infinite,
            **sums,
            "moments": self.moments,
        }

    @classmethod
    def from_json(cls, data: Json) -> SumsState:
        sums = {name: int(data[name], 16) for name in ("a", "b", "aa", "ab", "bb")}
        counts = (data["count"], data["nonzero"], data["infinite"])
        return cls(*counts, **sums, moments=data["moments"])


def merged(states: Iterable[SumsState], *, moments: bool = False) -> SumsState:
    """The sums of the rows of all, with their second moments where these were summed."""
    total = SumsState(moments=moments)
    for one in states:
        total = total.merge(one)
    return total


# --- the largest ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Top:
    """The `k` rows with the largest score; ties by the block's order, so that blocks do not
    matter. NaN scores come last; infinite ones first.
    """

    score: Column
    k: int

    def empty(self) -> TopState:
        return TopState(self.k)

    def make(self, block: Block) -> TopState:
        score = self.score(block)
        if score.shape[0] > self.k:
            cut = float(np.partition(score, -self.k)[-self.k]) if self.k > 1 else float(score.max())
            chosen = np.flatnonzero(score >= cut)
        else:
            chosen = np.arange(score.shape[0])
        order = block.order[chosen]
        ranked = chosen[np.lexsort((order, -score[chosen]))][: self.k]
        entries = tuple(
            Entry(float(score[index]), int(block.order[index]), block.sample(int(index)))
            for index in ranked
        )
        return TopState(self.k, entries)

    def grow(self, state: TopState, block: Block) -> TopState:
        """As `state.merge(self.make(block))`; no row of most blocks is among the largest."""
        if len(state.entries) == self.k:
            score = self.score(block)
            if float(score.max(initial=-np.inf)) < state.entries[-1].score:
                return state
        return state.merge(self.make(block))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row among the largest."""

    score: float
    order: int
    sample: Json = field(compare=False, hash=False)

    @property
    def rank(self) -> tuple[float, int]:
        return (-self.score, self.order)


@dataclass(frozen=True, slots=True)
class TopState:
    """At most k entries, largest first."""

    k: int
    entries: tuple[Entry, ...] = ()

    def merge(self, other: TopState) -> TopState:
        if self.k != other.k:
            raise ValueError(UNLIKE)
        if not other.entries or not self.entries:
            return self if not other.entries else other
        both = sorted((*self.entries, *other.entries), key=lambda entry: entry.rank)
        return TopState(self.k, tuple(both[: self.k]))

    def to_json(self) -> Json:
        entries = [[entry.score.hex(), entry.order, entry.sample] for entry in self.entries]
        return {"k": self.k, "entries": entries}

    @classmethod
    def from_json(cls, data: Json) -> TopState:
        entries = (Entry(float.fromhex(s), order, sample) for s, order, sample in data["entries"])
        return cls(data["k"], tuple(entries))
