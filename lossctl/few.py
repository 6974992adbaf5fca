"""A few rows as one batch in memory: the first of a file, or a sample that no block decides."""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from lossctl.arrays import Ragged
from lossctl.batch import Batch, joined
from lossctl.extras import Extra
from lossctl.flat import Flat, filled, flattened
from lossctl.hashing import mixed
from lossctl.states import UNLIKE, Json

_PARTS = 64  # batches that are kept before they are made one


@dataclass(frozen=True, slots=True)
class Few:
    """The `most` rows that come first: by their number ("row"), or by a hash of what orders them
    ("hash"): a random sample, the same for any blocks. Of fewer rows it is all of them."""

    most: int
    by: Literal["row", "hash"]

    def empty(self) -> FewState:
        return FewState(self.most, self.by)

    def make(self, block: Batch) -> FewState:
        return FewState(self.most, self.by, (_alone(block),)).bounded()

    def grow(self, state: FewState, block: Batch) -> FewState:
        """As `state.merge(self.make(block))`; most blocks of a long file add little or nothing."""
        if state.last is not None:
            within = _place(block, self.by) <= state.last
            if not within.any():
                return state
            block = block if within.all() else block.take(within)
        return state.merge(self.make(block))


@dataclass(frozen=True, slots=True, eq=False)
class FewState:
    """Blocks in which the rows that come first are; no row is in two, and none beyond `last`, where
    that is known, is among them."""

    most: int
    by: Literal["row", "hash"]
    parts: tuple[Batch, ...] = ()
    last: int | None = None

    def merge(self, other: FewState) -> FewState:
        if (self.most, self.by) != (other.most, other.by):
            raise ValueError(UNLIKE)
        known = [one for one in (self.last, other.last) if one is not None]
        return replace(
            self, parts=self.parts + other.parts, last=min(known, default=None)
        ).bounded()

    def bounded(self) -> FewState:
        """With no more rows than are wanted, once there are many more."""
        count = sum(part.count for part in self.parts)
        if count < 2 * self.most and len(self.parts) < _PARTS:
            return self
        parts = tuple(self._first())
        last = int(_place(parts[0], self.by).max()) if parts[0].count == self.most else self.last
        return replace(self, parts=parts, last=last)

    @property
    def batch(self) -> Batch | None:
        """The rows, ascending by number; None where there are none."""
        return next(iter(self._first()), None)

    def _first(self) -> list[Batch]:
        if not self.parts:
            return []
        whole = self.parts[0] if len(self.parts) == 1 else joined(list(self.parts), frozenset())
        if whole.count > self.most:
            first = np.lexsort((whole.rows, _place(whole, self.by)))[: self.most]
            return [whole.at(first[np.argsort(whole.rows[first], kind="stable")])]
        if whole.count > 1 and (np.diff(whole.rows) < 0).any():
            return [whole.at(np.argsort(whole.rows, kind="stable"))]
        return [whole]

    def to_json(self) -> Json:
        batch = self.batch
        if batch is None:
            return {"most": self.most, "by": self.by, "batch": None}
        flat, octets = flattened(batch)
        shapes = [[dtype.str, list(shape)] for dtype, shape in flat.shapes]
        return {
            "most": self.most,
            "by": self.by,
            "batch": described(batch),
            "first": flat.first,
            "count": flat.count,
            "shapes": shapes,
            "arrays": [_text(one) for one in octets],
        }

    @classmethod
    def from_json(cls, data: Json) -> FewState:
        told = data["batch"]
        if told is None:
            return cls(data["most"], data["by"])
        shapes = [(np.dtype(kind), tuple(shape)) for kind, shape in data["shapes"]]
        arrays = (
            np.frombuffer(a2b_base64(text), kind).reshape(shape)
            for text, (kind, shape) in zip(data["arrays"], shapes, strict=True)
        )
        flat = Flat(hollow(told), data["first"], data["count"], shapes)
        return cls(data["most"], data["by"], (filled(flat, arrays),))


def _alone(batch: Batch) -> Batch:
    """The batch without what was computed from it, and without what only all rows have."""
    return replace(batch, together=frozenset(), memo={}, derived={})


def _place(batch: Batch, by: str) -> Any:
    return batch.rows if by == "row" else mixed(batch.order)


def _kind(column: Any) -> str:
    return "ragged" if isinstance(column, Ragged) else "array"


def array_json(values: Any) -> Json:
    """An array as JSON-ready data."""
    whole = np.ascontiguousarray(values)
    return {"dtype": whole.dtype.str, "shape": list(whole.shape), "bytes": _text(whole)}


def _text(values: Any) -> str:
    return b2a_base64(values.tobytes(), newline=False).decode()


def array_from(data: Json) -> Any:
    """The array that `array_json` wrote."""
    values = np.frombuffer(a2b_base64(data["bytes"]), np.dtype(data["dtype"]))
    return values.reshape(data["shape"])


def described(batch: Batch) -> Json:
    """Of which arrays a batch is made, and the roles that are not row-aligned."""
    return {
        "roles": {role: _kind(column) for role, column in batch.columns.items()},
        "wholes": {role: array_json(batch.columns[role]) for role in sorted(batch.wholes)},
        "weight": batch.weight is not None,
        "own_order": batch.order is not batch.rows,
        "target_rows": batch.target_rows is not None,
        "ids": None if batch.ids is None else _kind(batch.ids),
        "extras": {name: _kind(extra.values) for name, extra in batch.extras.items()},
    }


def hollow(told: Json) -> Batch:
    """A batch of no rows, made of the arrays that `described` named."""
    none = np.empty(0, dtype=np.int64)

    def empty(kind: str) -> Any:
        return Ragged(none, none) if kind == "ragged" else none

    wholes = {role: array_from(data) for role, data in told["wholes"].items()}
    columns = {role: wholes.get(role, empty(kind)) for role, kind in told["roles"].items()}
    return Batch(
        columns,
        frozenset(wholes),
        none.astype(np.float64) if told["weight"] else None,
        none,
        np.empty(0, dtype=np.int64) if told["own_order"] else none,
        none if told["target_rows"] else None,
        None if told["ids"] is None else empty(told["ids"]),
        extras={
            name: Extra(empty(kind), np.empty(0, dtype=bool))
            for name, kind in told["extras"].items()
        },
    )
