"""The sample data as plain arrays and columns, read without the program."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

SAMPLES = Path(__file__).parent.parent / "sample_data"
# The column of a table that an .npy of the same name holds alone, where it is not all but the id.
ALONE = {"binary/target": ["target"], "multiclass/target": ["label"]}


def read_csv(path: Path) -> dict[str, list[str]]:
    with path.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def load(name: str) -> npt.NDArray[np.float64]:
    return np.asarray(np.load(SAMPLES / f"{name}.npy", allow_pickle=False), dtype=np.float64)


def table(name: str) -> npt.NDArray[np.float64]:
    columns = read_csv(SAMPLES / f"{name}.csv")
    chosen = ALONE.get(name, [column for column in columns if column != "id"])
    return np.array([[float(text) for text in columns[column]] for column in chosen]).T


def jsonl(name: str) -> list[dict[str, Any]]:
    with (SAMPLES / f"{name}.jsonl").open(encoding="ascii") as lines:
        return [json.loads(line) for line in lines]


def parquet(name: str) -> dict[str, list[Any]]:
    content: dict[str, list[Any]] = pq.read_table(SAMPLES / f"{name}.parquet").to_pydict()
    return content
