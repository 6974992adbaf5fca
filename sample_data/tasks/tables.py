"""The formats of the sample data: the same values in each, and the same bytes on every run."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Columns = Mapping[str, Sequence[str] | Sequence[int] | Sequence[float]]
Row = Mapping[str, object]
MILLION = 1_000_000


class Plain(csv.excel):
    """Commas, lines that end in a line feed, quotes only where they are needed."""

    lineterminator = "\n"


class Quoted(Plain):
    """The same with quotes around every field."""

    quoting = csv.QUOTE_ALL


def rounded(values: npt.ArrayLike) -> Floats:
    """Six significant digits: short texts, and less that depends on a linear-algebra library."""
    array = np.asarray(values, dtype=np.float64)
    texts = [f"{value:.6g}" for value in array.ravel().tolist()]
    return np.array(texts, dtype=np.float64).reshape(array.shape)


def millionths(shares: npt.ArrayLike) -> Floats:
    """Shares (n, K) as whole millionths, at least one each, that sum to one: no 0, short texts."""
    given = np.asarray(shares, dtype=np.float64)
    exact = 1 + given / given.sum(axis=1, keepdims=True) * (MILLION - given.shape[1])
    counts = np.floor(exact)
    order = np.argsort(np.argsort(counts - exact, axis=1, kind="stable"), axis=1, kind="stable")
    counts += order < (MILLION - counts.sum(axis=1, keepdims=True))
    whole: Floats = counts / MILLION
    return whole


def csv_bytes(columns: Columns, *, quoted: bool = False) -> bytes:
    """A comma-separated table; numbers as the shortest text that reads back as the same float64.

    `quoted` puts quotes around every field.
    """
    text = io.StringIO()
    writer = csv.writer(text, dialect=Quoted if quoted else Plain)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue().encode("ascii")


def write_csv(path: Path, columns: Columns) -> None:
    """Write `columns` as `path`.csv."""
    path.with_name(f"{path.name}.csv").write_bytes(csv_bytes(columns))


def write_parquet(path: Path, columns: Mapping[str, pa.Array | Sequence[object]]) -> None:
    """Write `columns` as `path`.parquet: texts, int64, float64, and lists of them."""
    table = pa.table(dict(columns))
    pq.write_table(table, path.with_name(f"{path.name}.parquet"), compression="none")


def write_both(path: Path, columns: Columns) -> None:
    """Write `columns` as `path`.csv and `path`.parquet."""
    write_csv(path, columns)
    write_parquet(path, columns)


def write_npy(path: Path, array: npt.NDArray[np.generic]) -> None:
    """Write `array` as `path`.npy, little-endian and in C order."""
    ordered = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    np.save(path.with_name(f"{path.name}.npy"), ordered, allow_pickle=False)


def write_npz(path: Path, arrays: Mapping[str, npt.NDArray[np.generic]]) -> None:
    """Write `arrays` as `path`.npz, without compression; no entry has a time of its own."""
    with zipfile.ZipFile(path.with_name(f"{path.name}.npz"), "w") as archive:
        for name, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, array, allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), entry.getvalue())


def write_jsonl(path: Path, rows: Sequence[Row]) -> None:
    """Write one JSON object per line as `path`.jsonl."""
    lines = [json.dumps(row, separators=(",", ":"), allow_nan=False) + "\n" for row in rows]
    path.with_name(f"{path.name}.jsonl").write_bytes("".join(lines).encode("ascii"))


def numbered(prefix: str, array: npt.NDArray[np.generic]) -> dict[str, list[float]]:
    """The columns of `array` (n, d) as `prefix`0 .. `prefix`(d-1)."""
    return {f"{prefix}{place}": column for place, column in enumerate(array.T.tolist())}
