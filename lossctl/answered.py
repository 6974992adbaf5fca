"""Which rows each of several models answers, and which all do: those are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from lossctl.align import Aligned
from lossctl.arrays import Mask, Ragged
from lossctl.batch import Batch
from lossctl.binding import Binding, Bound
from lossctl.columns import column_of, unusable
from lossctl.errors import DataError

# Told of rows that only some models answer: the rows, and by model which of them it answers.
Partly: TypeAlias = Callable[[Batch, Mapping[int, Mask]], None]
Owner: TypeAlias = "int | None"  # a model, or what all share


@dataclass(slots=True)
class Unusable:
    """Rows that cannot be used, by what they are of."""

    rows: dict[Owner, Mask] = field(default_factory=dict)

    def add(self, owner: Owner, rows: Mask) -> None:
        """More rows of one model, or of what all share."""
        known = self.rows.get(owner)
        self.rows[owner] = rows if known is None else known | rows

    def anywhere(self, like: Mask) -> Mask:
        """All of them, in the shape of a mask."""
        found = np.zeros_like(like)
        for rows in self.rows.values():
            found |= rows
        return found


@dataclass(frozen=True, slots=True)
class Answers:
    """Rows of a block that have no value that can be used, and rows that a file does not have."""

    broken: Unusable
    absent: Unusable

    def everywhere(self, keep: Mask) -> Mask:
        """The rows that all models answer."""
        return keep & ~self.absent.anywhere(keep) & ~self.broken.anywhere(keep)

    def lost(self, keep: Mask) -> dict[str, int]:
        """How many rows are not, and why."""
        gone = self.absent.anywhere(keep) & keep
        bad = self.broken.anywhere(keep) & keep & ~gone
        counts = {"unmatched": gone, "nan": bad}
        return {why: int(np.count_nonzero(rows)) for why, rows in counts.items() if rows.any()}

    def of_models(self, keep: Mask, models: int) -> list[tuple[Mask, dict[str, int]]]:
        """By model, the rows that it answers of those that not all do, and why it lacks others."""
        some = keep & ~self.everywhere(keep)
        for one in (self.absent.rows.get(None), self.broken.rows.get(None)):
            some = some if one is None else some & ~one
        found = []
        for number in range(models):
            ours, why = some, {}
            for name, side in (("unmatched", self.absent), ("nan", self.broken)):
                mine = side.rows.get(number)
                if mine is not None and (mine & ours).any():
                    why[name] = int(np.count_nonzero(mine & ours))
                    ours = ours & ~mine
            found.append((ours, why))
        return found


def answers(
    binding: Binding,
    columns: Mapping[str, Any],
    aligned: Aligned,
    keep: Mask,
    note: Callable[[Bound, Aligned, Mask], None],
) -> Answers:
    """What each model answers of the rows to keep; `note` is told of values that are none."""
    found = Answers(Unusable(), Unusable())
    known: dict[tuple[int, tuple[int, ...]], Mask | None] = {}
    for role, bound in binding.bound.items():
        owner = binding.owners.get(role)
        gone = _gone(aligned, bound.feed, keep)
        if gone is not None:
            found.absent.add(owner, gone)
        place = bound.feed, bound.places
        new = place not in known  # one column may have two roles, or be that of two models
        if new:
            missing = unusable(bound, columns[role], cells_of(aligned, bound))
            if missing is not None:
                missing = missing & keep if gone is None else missing & keep & ~gone
            known[place] = missing
        missing = known[place]
        if missing is not None and missing.any():
            found.broken.add(owner, missing)
            if new:
                note(bound, aligned, missing)
    shared = [] if binding.weight is None else [binding.weight.feed]
    for feed in {*shared, *(feed for _, feed, _ in binding.conditions)}:
        gone = _gone(aligned, feed, keep)
        if gone is not None:
            found.absent.add(None, gone)
    return found


def cells_of(aligned: Aligned, bound: Bound) -> list[Any]:
    """What a bound column is made of."""
    return [aligned.cells[bound.feed][place] for place in bound.places]


def _gone(aligned: Aligned, feed: int, keep: Mask) -> Mask | None:
    """The rows that a file does not have; None where it has all."""
    gone = aligned.absent[feed] if aligned.absent else None
    return gone & keep if gone is not None and (gone & keep).any() else None


def check_truths(
    binding: Binding, columns: Mapping[str, Any], aligned: Aligned, keep: Mask
) -> None:
    """Every model's file holds the targets that are among the columns, and the same weights. Raises
    DataError."""
    pairs = [("targets", columns[role], binding.bound[role], other)
             for role, other in binding.truths]  # fmt: skip
    if binding.weight is not None and binding.weights:
        own = cells_of(aligned, binding.weight)[0].values
        pairs += [("weights", own, binding.weight, other) for other in binding.weights]
    for what, ours, first, other in pairs:
        held = cells_of(aligned, other)
        theirs = (
            held[0].values
            if what == "weights"
            else column_of(other, held, aligned.rows_of(other.feed))
        )
        alike = _equal(ours, theirs) | ~keep
        for bound in (first, other):
            gone = _gone(aligned, bound.feed, keep)
            alike |= False if gone is None else gone
        if not alike.all():
            row = int(np.flatnonzero(~alike)[0])
            raise DataError(
                f"{first.name} and {other.name} are not the same {what}: they differ from "
                f"row #{aligned.row_of(first.feed, row)}",
                "-t TARGETS gives one file for all models"
                + ("" if binding.keys else "; --on KEY pairs rows by a key"),
            )


def _equal(ours: Any, theirs: Any) -> Mask:
    """The rows in which two columns are the same; NaN is NaN."""
    if getattr(ours, "shape", None) != getattr(theirs, "shape", None):
        return np.zeros(len(ours), dtype=bool)
    if isinstance(ours, Ragged) or isinstance(theirs, Ragged):
        return np.array([_same(one, other) for one, other in zip(_rows(ours), _rows(theirs),
                                                                 strict=True)])  # fmt: skip
    same = (ours == theirs) | ((ours != ours) & (theirs != theirs))
    found: Mask = same.reshape(len(same), -1).all(axis=1)
    return found


def _same(one: Any, other: Any) -> bool:
    return bool(one.shape == other.shape and (one == other).all())


def _rows(column: Any) -> Iterator[Any]:
    return (column.row(place) if isinstance(column, Ragged) else column[place]
            for place in range(len(column)))  # fmt: skip
