"""Any number of rows in order, in bounded memory: each goes to the bucket of its key, and buckets
are sorted one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np

from lossctl.arrays import Array, Integers, Ragged
from lossctl.batch import Batch
from lossctl.errors import DataError
from lossctl.extras import Extra, joined
from lossctl.scoring import Scoring
from lossctl.states import Column

BUCKET = 1 << 17  # rows of one, about
HELD = 1 << 18  # rows that wait in memory for the file
LEAST = 1024  # of one bucket
KEY, ORDER = "\0key", "\0order"

Rows = Mapping[str, Extra]


def keys_of(key: Column, batch: Batch) -> Array:
    """What is least of the first row; of no number last."""
    with np.errstate(all="ignore"):
        values = -key(batch)
    return np.where(np.isnan(values), np.inf, values)


def splitters(held: Scoring, key: Column) -> Any:
    """Where buckets of about one size end, told from some of the rows: keys beside what breaks
    ties, as complex numbers, which compare so."""
    assert held.passes is not None
    sample = held.passes.sample()
    buckets = -(-held.scored // BUCKET)
    if sample is None or buckets < 2:
        return np.empty(0, dtype=np.complex128)
    ordered = np.sort(_paired(keys_of(key, sample), sample.order))
    places = np.arange(1, buckets) * ordered.size // buckets
    return np.unique(ordered[places])


def _paired(keys: Array, order: Integers) -> Any:
    pairs = np.empty(len(keys), dtype=np.complex128)
    pairs.real, pairs.imag = keys, order
    return pairs


@dataclass(slots=True)
class _Bucket:
    """Rows that wait, and where those are that do not."""

    waiting: list[Rows] = field(default_factory=list)
    count: int = 0
    written: list[tuple[int, list[tuple[str, list[tuple[Any, Any]]]]]] = field(default_factory=list)


class Sorted:
    """Rows in (`add`), and out in the order of their keys (`in_order`)."""

    def __init__(self, splitters: Any) -> None:
        self.splitters = splitters
        self.buckets = [_Bucket() for _ in range(len(splitters) + 1)]
        self.most = max(HELD // len(self.buckets), LEAST)
        self.file: BinaryIO | None = None

    def __enter__(self) -> Sorted:
        return self

    def __exit__(self, *error: object) -> None:
        if self.file is not None:
            self.file.close()

    def add(self, rows: Rows, keys: Array, order: Integers) -> None:
        """Raises DataError where the temporary file cannot be written."""
        none = np.zeros(len(keys), dtype=bool)
        rows = {**rows, KEY: Extra(keys, none), ORDER: Extra(order, none)}
        if len(self.buckets) == 1:
            self.buckets[0].waiting.append(rows)
            return
        place = np.searchsorted(self.splitters, _paired(keys, order), side="right")
        by_place = np.argsort(place, kind="stable")
        ends = np.cumsum(np.bincount(place, minlength=len(self.buckets)))
        for number, (end, size) in enumerate(zip(ends, np.diff(ends, prepend=0), strict=True)):
            if not size:
                continue
            bucket = self.buckets[number]
            chosen = by_place[end - size : end]
            bucket.waiting.append({name: extra.take(chosen) for name, extra in rows.items()})
            bucket.count += int(size)
            if bucket.count >= self.most:
                self._write(bucket)

    def in_order(self) -> Iterator[dict[str, Extra]]:
        """All rows, bucket after bucket."""
        for bucket in self.buckets:
            parts = [*self._read(bucket), *bucket.waiting]
            bucket.waiting = []
            if not parts:
                continue
            whole = _whole(parts)
            del parts
            order: Any = whole[ORDER].values
            keys: Any = whole[KEY].values
            rank = np.lexsort((order, keys))
            names = [name for name in whole if name not in (KEY, ORDER)]
            yield {name: whole.pop(name).take(rank) for name in names}

    def _write(self, bucket: _Bucket) -> None:
        whole = _whole(bucket.waiting)
        try:
            if self.file is None:
                self.file = tempfile.TemporaryFile()  # noqa: SIM115  closed when all is done
            start, shapes = self.file.tell(), []
            for name, extra in whole.items():
                arrays = extra.arrays()
                shapes.append((name, [(array.dtype, array.shape) for array in arrays]))
                for array in arrays:
                    self.file.write(np.ascontiguousarray(array).data)
        except OSError as problem:
            raise DataError(
                f"the temporary file of sorted rows cannot be written: {problem.strerror}",
                "set TMPDIR to a folder with room, or --sort row",
            ) from None
        bucket.written.append((start, shapes))
        bucket.waiting, bucket.count = [], 0

    def _read(self, bucket: _Bucket) -> Iterator[Rows]:
        """What was written of it. Nothing is written any more."""
        for start, shapes in bucket.written:
            assert self.file is not None
            self.file.seek(start)
            rows = {}
            for name, arrays in shapes:
                *values, missing = (self._array(*shape) for shape in arrays)
                rows[name] = Extra(Ragged(*values) if len(values) == 2 else values[0], missing)
            yield rows

    def _array(self, dtype: Any, shape: Any) -> Any:
        assert self.file is not None
        array = np.empty(shape, dtype)
        if array.size:
            self.file.readinto(array.view(np.uint8).data)  # type: ignore[attr-defined]  # a buffered file has it
        return array


def _whole(parts: list[Rows]) -> dict[str, Extra]:
    return {name: joined([part[name] for part in parts]) for name in parts[0]}
