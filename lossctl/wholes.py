"""Side inputs that are not row-aligned: parameters, class weights, centers, training series."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.align import Feed
from lossctl.arrays import Array, Domain, Ragged
from lossctl.errors import DataError
from lossctl.roles import first_fault

WHOLE_LIMIT = 1 << 24  # values of one side input


def read_whole(feed: Feed, places: list[int], role: str, domain: Domain) -> Array:
    """A side input: all values of its columns, rows first, as one array (n,) or (n, k)."""
    wanted = [feed.want(place) for place in places]
    parts = []
    count = 0
    for block in feed.source.blocks(feed.wanted, 1 << 15):
        columns = [_flat(block.cells[place].values, feed, role) for place in wanted]
        for values in columns:
            if not np.isfinite(values).all():
                raise DataError(f"{feed.name}: {role} holds a value that is missing or not finite")
        parts.append(np.column_stack(columns))
        count += parts[-1].size
        if count > WHOLE_LIMIT:
            raise DataError(f"{feed.name}: {role} has more than {WHOLE_LIMIT} values, the limit")
    feed.source.close()
    if not count:
        raise DataError(f"{feed.name}: {role} has no values")
    whole: Array = np.concatenate(parts)
    deep = len(domain.axes) > 1
    if whole.shape[1] == 1 and not deep:
        whole = whole[:, 0]
    if domain.axes and whole.ndim != len(domain.axes):
        said = " × ".join(domain.axes)
        raise DataError(f"{feed.name}: {role} has shape {whole.shape}, but {said} are wanted")
    fault = first_fault(whole, domain, {})
    if fault is not None:
        raise DataError(f"{feed.name}: {role} row {fault[0]} is {fault[1]}, but must be {fault[2]}")
    return whole


def _flat(values: Any, feed: Feed, role: str) -> Array:
    """One block of a column as (rows,) or (rows, k)."""
    if isinstance(values, Ragged):
        lengths = np.diff(values.offsets)
        if values.values.ndim > 1 or (lengths != lengths[:1]).any():
            raise DataError(f"{feed.name}: {role} holds lists of unlike lengths")
        values = values.values.reshape(len(values), -1)
    return np.asarray(values, dtype=np.float64).reshape(len(values), -1)
