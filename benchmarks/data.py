"""Makes a pair of files of one kind: `python benchmarks/data.py KIND ROWS FORM FOLDER`.

The rows come in blocks, each from its own seed: the same rows come first whatever ROWS is, and a
file of any size is made in bounded memory. Every form of a kind holds the same numbers.

regression       float64: targets positive and skewed, errors Gaussian, one in a thousand ten times
                 wider; columns `pred` and `target`
classes          float32 logits of 100 classes, (n, 100) or a fixed-size list, and whole labels
classes-columns  the same logits, a column for each class
keyed            the regression rows with an `id`, the predictions in another order
boxes            float64 (n, 4), two corners, most pairs overlapping
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

BLOCK = 1 << 20  # pyarrow's default row group
CLASSES = 100
Array = np.ndarray[Any, Any]
Pair = tuple[Array, Array]
NAMES = {"classes": ("pred", "label"), "classes-columns": ("pred", "label")}


def regression(random: np.random.Generator, count: int) -> Pair:
    target = 1.0 + random.gamma(2.0, 50.0, count)
    wide = np.where(random.random(count) < 0.001, 200.0, 20.0)
    return target + wide * random.standard_normal(count), target


def classes(random: np.random.Generator, count: int) -> Pair:
    label = random.integers(0, CLASSES, count)
    logits = random.standard_normal((count, CLASSES), dtype=np.float32)
    logits[np.arange(count), label] += 4.0
    return logits, label


def boxes(random: np.random.Generator, count: int) -> Pair:
    centre, size = random.uniform(0.0, 500.0, (count, 2)), random.uniform(10.0, 100.0, (count, 2))
    moved = centre + 10.0 * random.standard_normal((count, 2))
    grown = size * random.uniform(0.7, 1.3, (count, 2))
    corners = [np.hstack([at - side / 2, at + side / 2]) for at, side in
               ((moved, grown), (centre, size))]  # fmt: skip
    return corners[0], corners[1]


DRAW: dict[str, Callable[[np.random.Generator, int], Pair]] = {
    "regression": regression, "classes": classes, "classes-columns": classes, "keyed": regression,
    "boxes": boxes,
}  # fmt: skip


def blocks(kind: str, rows: int) -> Iterator[tuple[int, Pair]]:
    """The first row of each block, and what it holds."""
    for block, start in enumerate(range(0, rows, BLOCK)):
        pred, target = DRAW[kind](np.random.default_rng([2026, block]), BLOCK)
        count = min(BLOCK, rows - start)
        yield start, (pred[:count], target[:count])


def tables(kind: str, rows: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    """The same as Arrow tables of predictions and targets."""
    if kind == "keyed":
        yield from keyed(rows)
        return
    for _, (pred, target) in blocks(kind, rows):
        if kind == "classes":
            left = {"pred": pa.FixedSizeListArray.from_arrays(pa.array(pred.ravel()), CLASSES)}
        elif kind == "classes-columns":
            left = {f"logit_{k}": np.ascontiguousarray(pred[:, k]) for k in range(CLASSES)}
        else:
            left = {"pred": pred}
        yield pa.table(left), pa.table({NAMES.get(kind, ("", "target"))[1]: target})


def keyed(rows: int) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Ids are whole numbers from 0, in order on the target's side only."""
    made = [pair for _, pair in blocks("keyed", rows)]
    pred, target = (np.concatenate(side) for side in zip(*made, strict=True))
    order = np.random.default_rng(2026).permutation(rows)
    for start in range(0, rows, BLOCK):
        part = slice(start, start + BLOCK)
        ids = np.arange(rows)[part]
        yield (
            pa.table({"id": order[part], "pred": pred[order[part]]}),
            pa.table({"id": ids, "target": target[part]}),
        )


def write_npy(kind: str, rows: int, paths: list[Path]) -> None:
    with paths[0].open("wb") as pred, paths[1].open("wb") as target:
        for start, pair in blocks(kind, rows):
            for file, values in zip((pred, target), pair, strict=True):
                if start == 0:
                    header = {"descr": values.dtype.str, "fortran_order": False,
                              "shape": (rows, *values.shape[1:])}  # fmt: skip
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(np.ascontiguousarray(values).data)


def write_tables(kind: str, rows: int, paths: list[Path], opened: Callable[..., Any]) -> None:
    """One writer for each side, opened with the schema of the first block."""
    writers: list[Any] = []
    for pair in tables(kind, rows):
        if not writers:
            writers = [opened(path, part.schema) for path, part in zip(paths, pair, strict=True)]
        for writer, part in zip(writers, pair, strict=True):
            writer.write_table(part)
    for writer in writers:
        writer.close()


def csv_writer(path: Path, schema: pa.Schema) -> Any:
    """Numbers in the fewest digits that give them back and nothing in quotes, as pandas writes."""
    path.write_text(",".join(schema.names) + "\n", encoding="utf-8")
    options = pc.WriteOptions(include_header=False, quoting_style="none")
    return pc.CSVWriter(pa.OSFile(str(path), "ab"), schema, write_options=options)


def zipped(plain: list[Path], paths: list[Path]) -> None:
    for source, path in zip(plain, paths, strict=True):
        with source.open("rb") as file, gzip.open(path, "wb", compresslevel=6) as packed:
            while part := file.read(1 << 22):
                packed.write(part)


def make(kind: str, rows: int, form: str, folder: Path) -> None:
    """Files take their names when they are whole."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.{form}" for name in NAMES.get(kind, ("pred", "target"))]
    parts = [path.with_name(f"part-{path.name}") for path in paths]
    if form == "npy":
        write_npy(kind, rows, parts)
    elif form == "parquet":
        write_tables(kind, rows, parts, pq.ParquetWriter)
    elif form == "csv":
        write_tables(kind, rows, parts, csv_writer)
    else:
        plain = [path.with_suffix("") for path in paths]
        if not all(path.exists() for path in plain):
            make(kind, rows, "csv", folder)
        zipped(plain, parts)
    for part, path in zip(parts, paths, strict=True):
        part.replace(path)


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]), sys.argv[3], Path(sys.argv[4]))
