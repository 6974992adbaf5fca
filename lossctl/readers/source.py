"""What every reader offers: columns with kinds, and blocks of rows in file order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

from lossctl.arrays import Mask, Numbers, Ragged, concatenated

if TYPE_CHECKING:
    import pyarrow

Kind: TypeAlias = Literal[
    "number", "integer", "boolean", "text", "list", "vectors", "words", "other"
]
As: TypeAlias = Literal["number", "text"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file.

    `name` is "" where the file gives none (an .npy array). `width` is None for one value per
    row, k for a vector of k numbers per row, -1 for lists of unequal or unknown length.
    `axes` is the shape of one row of an array of more than two dimensions. A row of `vectors` is
    a list of equally long lists of numbers, a row of `words` a list of texts. `other` is whatever
    lossctl cannot score (dates, structs, bytes); it is never a candidate.
    """

    name: str
    kind: Kind
    width: int | None = None
    type: str = ""  # the file's own name for the type, for `inspect`: "int32", "decimal128(4, 2)"
    axes: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """A column to read, by position, as numbers or as text (keys, ids, labels)."""

    index: int
    kind: As = "number"


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The values of one column in one block.

    Numbers: float64 of shape (rows,) or (rows, k), C-contiguous; int64 or uint64 instead when
    some value of an integer column's block is one that float64 cannot hold; (rows, ...) for arrays
    of more dimensions. `Ragged` for lists; of vectors, values of shape (total, k); of words, as
    `sequences.encode` makes them.
    Text: a pyarrow string array, nulls kept. `missing` marks the cells that hold no value
    (empty, NA, null): NaN in float64 `values`, 0 in integer ones. None: none is missing.
    """

    values: Numbers | Ragged | pyarrow.Array
    missing: Mask | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """A block: the wanted columns, in the order asked for, over the next `count` rows."""

    count: int
    cells: Sequence[Cells]


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """How the user says a file is to be read; None leaves it to the file."""

    format: str | None = None  # csv, tsv, parquet, npy, npz, jsonl
    encoding: str | None = None
    delimiter: str | None = None
    header: bool = True
    layout: str = "BTC"  # of arrays of three dimensions: TBC has its rows on the second axis
    max_line_bytes: int = 1 << 26  # a longer line of text is refused
    max_expansion: int = 1 << 30  # bytes that one compressed array or row group may unpack to
    threads: int = 1  # at work on all files together; from 2 on, text is parsed ahead


class Source(Protocol):
    """An open file. `blocks` may be called once where the file is a pipe."""

    path: str  # as the user gave it; "-" for standard input
    format: str  # csv, tsv, parquet, npy, npz, jsonl
    columns: tuple[Column, ...]
    rows: int | None  # where the file says it, before reading
    rereads: bool  # whether `blocks` can be called again, at little more than a copy's cost
    details: Mapping[str, str]  # for `inspect`: delimiter, encoding, compression, shape ...

    def blocks(self, wanted: Sequence[Wanted], size: int) -> Iterator[Rows]:
        """The rows in file order, `size` at a time; the last block may be shorter.

        Raises DataError naming file, line or row, column and value for anything damaged.
        """
        ...

    def close(self) -> None:
        """Release the file."""
        ...


@dataclass(slots=True)
class Rechunker:
    """Cuts blocks of any length into blocks of `size` rows (a reader's last step)."""

    size: int
    _held: list[Rows] = field(default_factory=list)
    _count: int = 0

    def push(self, rows: Rows) -> Iterator[Rows]:
        """Take a block; give back each full block that can be made."""
        if not self._held and rows.count == self.size:
            yield rows
            return
        start = 0
        while self._count + rows.count - start >= self.size:
            stop = start + self.size - self._count
            self._held.append(cut(rows, start, stop))
            yield self._release()
            start = stop
        if start < rows.count:
            rest = cut(rows, start, rows.count)
            self._held.append(rest)
            self._count += rest.count

    def finish(self) -> Iterator[Rows]:
        """The rows that are left."""
        if self._held:
            yield self._release()

    def _release(self) -> Rows:
        held, self._held, self._count = self._held, [], 0
        return held[0] if len(held) == 1 else joined(held)


def cut(rows: Rows, start: int, stop: int) -> Rows:
    """Rows `start` up to `stop` of a block."""
    if start == 0 and stop == rows.count:
        return rows
    return Rows(stop - start, [_cut(cells, start, stop) for cells in rows.cells])


def _cut(cells: Cells, start: int, stop: int) -> Cells:
    values = cells.values
    missing = None if cells.missing is None else cells.missing[start:stop]
    if isinstance(values, Ragged):
        return Cells(values.slice(start, stop), missing)
    return Cells(values[start:stop], missing)


def joined(blocks: Sequence[Rows]) -> Rows:
    """Blocks of the same columns as one."""
    count = sum(block.count for block in blocks)
    columns = zip(*(block.cells for block in blocks), strict=True)
    return Rows(count, [_joined(list(cells)) for cells in columns])


def _joined(parts: list[Cells]) -> Cells:
    import numpy as np

    missing = None
    if any(part.missing is not None for part in parts):
        masks = [
            np.zeros(len(part.values), dtype=bool) if part.missing is None else part.missing
            for part in parts
        ]
        missing = np.concatenate(masks)
    values: list[Any] = [part.values for part in parts]
    if isinstance(values[0], Ragged):
        return Cells(Ragged.join(values), missing)
    if isinstance(values[0], np.ndarray):
        return Cells(concatenated(values), missing)
    import pyarrow

    return Cells(pyarrow.concat_arrays(values), missing)
