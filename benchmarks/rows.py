"""How far two Parquet files of rows are apart: `python benchmarks/rows.py ONE OTHER`.

Prints column by column, as JSON, the largest difference relative to the value of OTHER; how much a
loss changes is relative to the loss, as no more of its digits can be the same.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pyarrow.parquet as pq

SCALES = {"rmse_delta": "rmse_without"}


def apart(one: str, other: str) -> dict[str, float]:
    """Every column's largest relative difference. Exits where columns or rows are others."""
    shapes = [
        (pq.read_schema(path).names, pq.read_metadata(path).num_rows) for path in (one, other)
    ]
    if shapes[0] != shapes[1]:
        sys.exit(f"different columns or rows: {shapes[0]} and {shapes[1]}")
    return {name: _apart(one, other, name) for name in shapes[0][0]}


def _apart(one: str, other: str, name: str) -> float:
    mine, theirs = (_column(path, name) for path in (one, other))
    size = np.abs(_column(other, SCALES.get(name, name)))
    same = (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))
    with np.errstate(divide="ignore", invalid="ignore"):
        far = np.where(same, 0.0, np.abs(mine - theirs) / size)
    return float(far.max(initial=0.0))


def _column(path: str, name: str) -> Any:
    """Without a value: NaN."""
    return pq.read_table(path, columns=[name])[name].to_numpy().astype(np.float64)


if __name__ == "__main__":
    print(json.dumps(apart(*sys.argv[1:3])))
