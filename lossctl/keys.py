"""The keys that rows are joined by: integers where every key is one, else text.

A key is its text: `7` and `007` differ. Text of which every cell is an integer in its one plain
form is the same keys as the integers themselves, and these are far cheaper to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Integers
from lossctl.filled import Filled
from lossctl.readers.arrow import stored
from lossctl.readers.source import Cells

if TYPE_CHECKING:
    import pyarrow

Keys: TypeAlias = "Integers | pyarrow.Array"  # int64, or a string array

_DENSE = 4  # a table of places may have so many times as many entries as there are keys
_PIECE = 1 << 16
_DIGITS = 17  # of integers whose order as text fits an int64


class KeyColumn:
    """One column's blocks as keys."""

    def __init__(self, rows: int | None) -> None:
        """`rows` is their number, where it is known."""
        self.lacking: int | None = None  # the first row without a key
        self._integers: Filled | None = Filled(rows)
        self._texts: list[pyarrow.Array] = []
        self._count = 0

    def add(self, cells: Cells) -> None:
        """The next block."""
        values: Any = cells.values
        if self.lacking is None and cells.missing is not None and cells.missing.any():
            self.lacking = self._count + int(np.flatnonzero(cells.missing)[0])
        self._count += len(values)
        if self.lacking is not None:
            return
        whole = _integers(values) if self._integers is not None else None
        if self._integers is not None and whole is not None:
            self._integers.add(Cells(whole))
            return
        if self._integers is not None:
            if self._count > len(values):
                self._texts.append(text_of(self._integers.finish().values))
            self._integers = None
        self._texts.append(text_of(_exact(values)))

    def finish(self) -> Keys:
        """All of them; nothing of use where one is lacking."""
        if self._integers is None:
            return _concatenated(self._texts)
        found: Keys = self._integers.finish().values
        return found


def _integers(values: Any) -> Integers | None:
    if not isinstance(values, np.ndarray):
        return plain_integers(values)
    return None if _beyond(values) else values.astype(np.int64)


def _exact(values: Any) -> Any:
    """Whole numbers as integers of one sort or the other, text as it is."""
    if not isinstance(values, np.ndarray):
        return values
    return values.astype(np.uint64 if _beyond(values) else np.int64)


def _beyond(values: NDArray[Any]) -> bool:
    """Whether int64 cannot hold these whole numbers; then uint64 can."""
    return values.size > 0 and int(values.max()) >= 1 << 63


def plain_integers(texts: pyarrow.Array) -> Integers | None:
    """The integers that a string array without nulls holds, if each is in its one plain form.

    A text that is read as an integer is at least as long as the plain form of it, so that all
    are plain where all together have just as many bytes.
    """
    import pyarrow

    wide = pyarrow.types.is_large_string(texts.type)
    _, bounds, data = texts.buffers()
    offsets = np.frombuffer(bounds, np.int64 if wide else np.int32)
    first, last = int(offsets[texts.offset]), int(offsets[texts.offset + len(texts)])
    if first == last:
        return None
    if np.frombuffer(data, np.uint8, last - first, first).max() > ord("9"):
        return None  # hexadecimal, too, would be read
    try:
        values = stored(texts.cast(pyarrow.int64()))
    except pyarrow.ArrowInvalid:
        return None
    return values if plain_bytes(values) == last - first else None


def plain_bytes(values: Integers) -> int:
    """How many bytes the texts of these integers have."""
    low, high = int(values.min()), int(values.max())
    count = values.size
    for power in range(1, len(str(high)) if high > 0 else 1):
        count += int(np.count_nonzero(values >= 10**power))
    if low < 0:
        count += int(np.count_nonzero(values < 0))
        for power in range(1, len(str(low)) - 1):
            count += int(np.count_nonzero(values <= -(10**power)))
    return count


def text_of(keys: Any) -> pyarrow.Array:
    """Keys (64-bit integers of either sort, or text) as text."""
    import pyarrow

    if not isinstance(keys, np.ndarray):
        return keys
    kind = pyarrow.int64() if keys.dtype == np.int64 else pyarrow.uint64()
    buffers = [None, pyarrow.py_buffer(np.ascontiguousarray(keys).data)]
    return pyarrow.Array.from_buffers(kind, len(keys), buffers).cast(pyarrow.string())


def _concatenated(texts: list[pyarrow.Array]) -> pyarrow.Array:
    import pyarrow

    large = pyarrow.large_string()
    if any(text.type == large for text in texts) or sum(text.nbytes for text in texts) >> 31:
        texts = [text.cast(large) for text in texts]
    return pyarrow.concat_arrays(texts)


def repeats(keys: Integers) -> bool:
    """Whether some integer comes twice."""
    near = _near(keys)
    if near is None:
        ordered = np.sort(keys)
        return bool((ordered[1:] == ordered[:-1]).any())
    low, size = near
    seen = np.zeros(size, dtype=bool)
    for part in _parts(keys):
        seen[keys[part] - low] = True
    return int(np.count_nonzero(seen)) < keys.size


def places_of(keys: Integers, among: Integers) -> NDArray[Any]:
    """Where each of `keys` stands in `among`, -1 where it does not. None comes twice in either."""
    near = _near(among)
    if near is None:
        return _sorted_places(keys, among)
    low, size = near
    table = np.full(size + 1, -1, dtype=_narrow(among.size))
    for part in _parts(among):
        table[among[part] - low] = np.arange(part.start, part.stop)
    found = np.empty(keys.size, dtype=table.dtype)
    for part in _parts(keys):
        asked = keys[part]
        if int(asked.min()) < low or int(asked.max()) - low >= size:
            outside = (asked < low) | (asked > low + (size - 1))
            found[part] = table[np.where(outside, size, asked - low)]
        else:
            found[part] = table[asked - low]
    return found


def _narrow(count: int) -> type[np.signedinteger[Any]]:
    """Integers that hold so many places: memory is what a join is short of."""
    return np.int32 if count < 1 << 31 else np.int64


def _parts(keys: Integers) -> Iterator[slice]:
    """Pieces that the cache holds."""
    for start in range(0, keys.size, _PIECE):
        yield slice(start, min(start + _PIECE, keys.size))


def _near(keys: Integers) -> tuple[int, int] | None:
    """The least key, and how many there could be up to the largest, if a table of them is small."""
    if not keys.size:
        return None
    low, high = int(keys.min()), int(keys.max())
    return (low, high - low + 1) if high - low < _DENSE * keys.size else None


def _sorted_places(keys: Integers, among: Integers) -> NDArray[Any]:
    found = np.full(keys.size, -1, dtype=_narrow(among.size))
    if not among.size:
        return found
    # Keys that are looked up in their order read memory in its order.
    by_key, by_other = np.argsort(keys), np.argsort(among)
    ordered, others = keys[by_key], among[by_other]
    near = np.searchsorted(others, ordered)
    near[near == others.size] = 0
    found[by_key] = np.where(others[near] == ordered, by_other[near], -1)
    return found


def text_order(keys: Keys) -> Integers:
    """Numbers in the order of the keys' texts (no two keys being equal): 10 comes before 9."""
    if isinstance(keys, np.ndarray) and keys.size:
        low, high = int(keys.min()), int(keys.max())
        digits = [len(str(abs(end))) for end in (low, high)]
        if low >= 0 and digits[0] == digits[1]:
            return keys
        return _digits_order(keys, max(digits))
    from pyarrow import compute

    return _ranks(stored(compute.sort_indices(text_of(keys))))


def _digits_order(keys: Integers, most: int) -> Integers:
    """The digits, filled up to `most` by zeros, then how many they were: 1, 10, 100, 11, 2. A
    minus sign comes before all digits."""
    size = np.abs(keys).view(np.uint64)
    lacking = np.zeros_like(keys)
    for power in range(1, most):
        lacking += size < 10**power
    filled = size * np.array([10**power for power in range(most)], dtype=np.uint64)[lacking]
    if most <= _DIGITS:
        order: Integers = filled.view(np.int64) * most + (most - 1 - lacking)
        order[keys < 0] -= 10**most * most
        return order
    by_text = np.argsort(filled)
    ordered = filled[by_text]
    if (ordered[1:] == ordered[:-1]).any():
        by_text = np.lexsort((-lacking, filled))
    negative = keys[by_text] < 0
    return _ranks(np.concatenate([by_text[negative], by_text[~negative]]))


def _ranks(order: NDArray[Any]) -> Integers:
    ranks = np.empty(order.size, dtype=np.int64)
    ranks[order] = np.arange(order.size)
    return ranks
