"""Rows of the columns that a loss takes: how many, some of them, and each as an oracle takes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lossctl.arrays import Ragged, offsets_of
from lossctl.loss import Loss
from lossctl.sequences import decode

Data = dict[str, Any]
Numbers = np.ndarray[Any, Any]


def ragged(rows: list[Numbers]) -> Ragged:
    """Arrays as one ragged column."""
    return Ragged(np.concatenate(rows), offsets_of([len(row) for row in rows]))


def count(data: Data, names: list[str]) -> int:
    """How many rows there are."""
    return len(data[names[0]])


def taken(data: Data, names: list[str], chosen: Any) -> Data:
    """The chosen rows (indices, a mask or a slice) of the row-aligned columns `names`."""
    if isinstance(chosen, slice):
        chosen = np.arange(count(data, names))[chosen]
    chosen = np.asarray(chosen)
    return data | {
        name: data[name].take(chosen) if isinstance(data[name], Ragged) else data[name][chosen]
        for name in names
    }


def plainly(value: Any) -> Any:
    """A row as numbers, lists or text; a column as a list of such."""
    if isinstance(value, Ragged):
        return [_plain_row(value.row(place)) for place in range(len(value))]
    return None if value is None else value.tolist()


def _plain_row(row: Numbers) -> Any:
    return decode(row) if row.dtype == np.uint32 else row.tolist()


def rows_of(loss: Loss, data: Data, names: list[str]) -> Iterator[list[Any]]:
    """The roles of one row after another, in the loss's order, as an oracle takes them."""
    lists = [
        plainly(data[role.name])
        if role.name in names
        else [plainly(data[role.name])] * count(data, names)
        for role in loss.own_roles
    ]
    yield from (list(row) for row in zip(*lists, strict=True))
