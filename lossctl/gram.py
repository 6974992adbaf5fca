"""Exact sums of the products of several columns of terms: what covariances are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lossctl.arrays import Array
from lossctl.exact import UNIT, Exact, exact_dot, exact_gram, exact_sum, times
from lossctl.states import UNLIKE, Block, Json, TermsOf


@dataclass(frozen=True, slots=True)
class Gram:
    """Of every one of `terms` the sums of a and b, and the products of all these and of 1.

    Rows whose a or b is not finite are counted, and left out of the sums of the terms that they
    are of.
    """

    terms: tuple[TermsOf, ...]

    def empty(self) -> GramState:
        size = 2 * len(self.terms) + 1
        none = tuple((0,) * size for _ in range(size))
        return GramState((0,) * len(self.terms), (0,) * len(self.terms), none)

    def make(self, block: Block) -> GramState:
        made = [terms(block) for terms in self.terms]
        count = made[0].parts[0][0].shape[0]  # the terms may leave rows out
        ones: Array = np.ones(count)
        parts: list[list[tuple[Array, int]]] = []
        infinite, counted = [], []
        for one in made:
            b = ones if one.b is None else one.b
            bad = ~np.isfinite(b)
            for part, _ in one.parts:
                bad |= ~np.isfinite(part)
            infinite.append(int(np.count_nonzero(bad)))
            own = one.parts
            if infinite[-1]:
                own = [(np.where(bad, 0.0, part), shift) for part, shift in own]
                b = np.where(bad, 0.0, b)
            parts += [own, [(b, 0)]]
            counted.append(count if one.counted is None else int(np.count_nonzero(one.counted)))
        products = _products([*parts, [(ones, 0)]])
        return GramState(tuple(infinite), tuple(counted), tuple(map(tuple, products)))


def _products(columns: list[list[tuple[Array, int]]]) -> list[list[Exact]]:
    """The sums of products of columns given in parts times 2**shift; equal columns count once."""
    plain = all(len(parts) == 1 and not parts[0][1] for parts in columns)
    if not plain:
        return [
            [
                sum(
                    times(exact_dot(left, right), up + above)
                    for left, up in one
                    for right, above in other
                )
                for other in columns
            ]
            for one in columns
        ]
    places: dict[int, int] = {}
    at = [places.setdefault(id(parts[0][0]), len(places)) for parts in columns]
    alike: dict[int, Array] = {id(parts[0][0]): parts[0][0] for parts in columns}
    constant = at[-1]  # the column of ones: products with it are sums
    others = [place for place in range(len(places)) if place != constant]
    arrays = list(alike.values())
    sums, products = exact_gram([arrays[place] for place in others])
    count = exact_sum(arrays[constant])
    where = {place: index for index, place in enumerate(others)}

    def product(one: int, other: int) -> Exact:
        if one == constant or other == constant:
            rest = other if one == constant else one
            return count if rest == constant else sums[where[rest]]
        return products[where[one]][where[other]]

    return [[product(one, other) for other in at] for one in at]


@dataclass(frozen=True, slots=True)
class GramState:
    """Sums in units of 2**-UNIT; columns are a and b of the first terms, of the second, and so on,
    and 1."""

    infinite: tuple[int, ...]
    counted: tuple[int, ...]  # the rows that each of the terms counts
    products: tuple[tuple[Exact, ...], ...] = field(repr=False)

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.products[-1][-1] >> UNIT

    def a(self, place: int) -> Exact:
        """The sum of a of one of the terms."""
        return self.products[2 * place][-1]

    def b(self, place: int) -> Exact:
        """The sum of b of one of the terms."""
        return self.products[2 * place + 1][-1]

    def beside(self, other: GramState) -> GramState:
        """The terms of both, of the same rows: their sums. Products across are not known, and 0."""
        one, two = len(self.products) - 1, len(other.products) - 1
        rows = [(*row[:-1], *(0,) * two, row[-1]) for row in self.products[:-1]]
        rows += [(*(0,) * one, *row) for row in other.products[:-1]]
        last = (*self.products[-1][:-1], *other.products[-1])
        return GramState(
            self.infinite + other.infinite, self.counted + other.counted, (*rows, last)
        )

    def merge(self, other: GramState) -> GramState:
        if len(self.products) != len(other.products):
            raise ValueError(UNLIKE)

        def added(left: Any, right: Any) -> Any:
            return tuple(x + y for x, y in zip(left, right, strict=True))

        return GramState(
            added(self.infinite, other.infinite),
            added(self.counted, other.counted),
            tuple(map(added, self.products, other.products)),
        )

    def to_json(self) -> Json:
        return {
            "infinite": list(self.infinite),
            "counted": list(self.counted),
            "products": [[hex(value) for value in row[: place + 1]]
                         for place, row in enumerate(self.products)],
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Json) -> GramState:
        half = [[int(value, 16) for value in row] for row in data["products"]]
        size = range(len(half))
        whole = tuple(tuple(half[max(i, j)][min(i, j)] for j in size) for i in size)
        return cls(tuple(data["infinite"]), tuple(data["counted"]), whole)
