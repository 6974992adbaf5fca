"""Arrow arrays as `Cells`: numbers without loss, lists, text.

Values are taken from Arrow's buffers, and text is put into them, without `pyarrow.array`,
`pyarrow.scalar` or `to_numpy`: these import pandas (400 ms) wherever it is installed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Integers, Mask, Numbers, Ragged, offsets_of, widened
from lossctl.errors import DataError
from lossctl.readers.source import Cells, Kind
from lossctl.sequences import encode

if TYPE_CHECKING:
    import pyarrow


def kind_of(kind: pyarrow.DataType) -> tuple[Kind, int | None]:
    """What lossctl makes of an Arrow type, and its width (see `Column`)."""
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    if not _is_list(kind):
        return _scalar_kind(kind), None
    inner = kind.value_type
    if _is_list(inner) and _scalar_kind(inner.value_type) in _NUMERIC:
        return "vectors", -1
    if _scalar_kind(inner) == "text":
        return "words", -1
    if _scalar_kind(inner) not in _NUMERIC:
        return "other", None
    return "list", kind.list_size if types.is_fixed_size_list(kind) else -1


_NUMERIC = ("number", "integer", "boolean")


def _is_list(kind: pyarrow.DataType) -> bool:
    import pyarrow

    tests = (pyarrow.types.is_list, pyarrow.types.is_large_list, pyarrow.types.is_fixed_size_list)
    return any(test(kind) for test in tests)


def _scalar_kind(kind: pyarrow.DataType) -> Kind:
    import pyarrow

    types = pyarrow.types
    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind) or (types.is_decimal(kind) and kind.scale == 0):
        return "integer"
    if types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    if types.is_string(kind) or types.is_large_string(kind):
        return "text"
    return "other"


def numbers(array: pyarrow.Array, where: str) -> Cells:
    """The cells of an array of numbers, booleans, decimals or lists of these.

    A decimal is rounded correctly to float64. A row whose list holds a null is missing as a
    whole. Raises DataError, with `where` naming file and column, for any other type.
    """
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    missing = missing_cells(array)
    if kind_of(array.type)[0] == "words":
        return Cells(encode(row or [] for row in _words_of(array, where)), missing)
    if kind_of(array.type)[0] == "vectors":
        return _lists_of_vectors(array, missing, where)
    if types.is_fixed_size_list(array.type):
        return _vectors(array, missing, where)
    if types.is_list(array.type) or types.is_large_list(array.type):
        return _lists(array, missing, where)
    return Cells(_plain(array, missing, where), missing)


def _plain(array: pyarrow.Array, missing: Mask | None, where: str) -> Numbers:
    """One number per element; under `missing` NaN, or 0 beside integers beyond float64."""
    import pyarrow

    types = pyarrow.types
    if types.is_null(array.type):
        return np.full(len(array), np.nan)
    if types.is_decimal(array.type):
        array = _decimals(array)
    number = types.is_integer(array.type) or types.is_floating(array.type)
    if not (number or types.is_boolean(array.type)):
        raise DataError(
            f"{where} holds {_words(array.type)}, not numbers", "choose a numeric column"
        )
    values = stored(array)
    if missing is None:
        return widened(values)
    # Under a null the buffer may hold anything.
    values = widened(np.where(missing, values.dtype.type(0), values))
    return np.where(missing, np.nan, values) if values.dtype.kind == "f" else values


def stored(array: pyarrow.Array) -> NDArray[Any]:
    """The values of an array of numbers or booleans (as 0 and 1), as they are stored."""
    import pyarrow

    if pyarrow.types.is_boolean(array.type):
        array = array.cast(pyarrow.uint8())
    width = array.type.bit_width // 8
    floating = pyarrow.types.is_floating(array.type)
    kind = "f" if floating else "i" if pyarrow.types.is_signed_integer(array.type) else "u"
    if not len(array):
        return np.empty(0, f"{kind}{width}")
    return np.frombuffer(
        array.buffers()[1], f"{kind}{width}", count=len(array), offset=width * array.offset
    )


def _decimals(array: pyarrow.Array) -> pyarrow.Array:
    """Whole decimals as 64-bit integers where they fit; all others rounded correctly.

    Arrow's own cast to double is off by some ulps; its text is exact, and its parser of
    numbers rounds correctly.
    """
    import pyarrow

    if array.type.scale == 0:
        for integer in (pyarrow.int64(), pyarrow.uint64()):
            try:
                return array.cast(integer)
            except pyarrow.ArrowInvalid:
                continue
    return array.cast(pyarrow.string()).cast(pyarrow.float64())


def _vectors(array: pyarrow.Array, missing: Mask | None, where: str) -> Cells:
    width = array.type.list_size
    flat = array.values.slice(array.offset * width, len(array) * width)
    absent = missing_cells(flat)
    values = _plain(flat, absent, where).reshape(len(array), width)
    if absent is None and missing is None:
        return Cells(values)
    lacking = np.zeros(len(array), dtype=bool) if missing is None else missing
    if absent is not None:
        lacking = lacking | absent.reshape(len(array), width).any(axis=1)
    # Under a null list the child may hold anything.
    values = np.where(lacking[:, None], np.nan if values.dtype.kind == "f" else 0, values)
    return Cells(values, lacking)


def _lists(array: pyarrow.Array, missing: Mask | None, where: str) -> Cells:
    flat = array.flatten()  # skips whatever lies under a null list
    offsets = _lengths(array, missing)
    absent = missing_cells(flat)
    values = Ragged(_plain(flat, absent, where), offsets)
    if absent is not None:
        rows = values.owners(np.flatnonzero(absent))
        missing = np.zeros(len(array), dtype=bool) if missing is None else missing
        missing[rows] = True
    return Cells(values, missing)


def _words_of(array: pyarrow.Array, where: str) -> list[Any]:
    rows: list[Any] = array.to_pylist()
    if any(word is None for row in rows for word in row or ()):
        raise DataError(f"{where} holds a list with a word that is null", "write an empty text")
    return rows


def _lists_of_vectors(array: pyarrow.Array, missing: Mask | None, where: str) -> Cells:
    """Lists of equally long lists as ragged rows of vectors."""
    outer = _lengths(array, missing)
    vectors = array.flatten()
    cells = numbers(vectors, where)
    if cells.missing is not None:
        raise DataError(f"{where} holds a list with a null inside", "write numbers only")
    values: Any = cells.values
    if isinstance(values, Ragged):
        widths = np.diff(values.offsets)
        if widths.size and (widths != widths[0]).any():
            raise DataError(
                f"{where}: lists of {int(widths.min())} and of {int(widths.max())} numbers within "
                "one column", "make them equally long",
            )  # fmt: skip
        values = values.values.reshape(len(vectors), -1 if len(vectors) else 0)
    return Cells(Ragged(values, outer), missing)


def _lengths(array: pyarrow.Array, missing: Mask | None) -> Integers:
    """The offsets of a list array's rows, nulls being empty."""
    import pyarrow.compute

    if pyarrow.types.is_fixed_size_list(array.type):
        lengths: Any = np.full(len(array), array.type.list_size)
    else:
        lengths = stored(pyarrow.compute.list_value_length(array))
    return offsets_of(lengths if missing is None else np.where(missing, 0, lengths))


def missing_cells(array: pyarrow.Array) -> Mask | None:
    """Which elements are null; None where none is."""
    if not array.null_count:
        return None
    mask: Mask = stored(array.is_null()) != 0
    return mask


def blanks_missing(array: pyarrow.Array) -> Cells:
    """A string array without nulls as text whose empty cells are missing."""
    import pyarrow

    width = np.int64 if pyarrow.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    skipped = array.offset * np.dtype(width).itemsize
    bounds = np.frombuffer(offsets, width, count=len(array) + 1, offset=skipped)
    empty = bounds[1:] == bounds[:-1]
    if not empty.any():
        return Cells(array)
    present = np.concatenate([np.ones(array.offset, dtype=bool), ~empty])
    valid = pyarrow.py_buffer(np.packbits(present, bitorder="little").tobytes())
    buffers = [valid, offsets, data]
    made = pyarrow.Array.from_buffers(array.type, len(array), buffers, offset=array.offset)
    return Cells(made, empty)


def utf8(array: pyarrow.Array) -> Ragged:
    """A string array without nulls as rows of bytes."""
    import pyarrow

    width = np.int64 if pyarrow.types.is_large_string(array.type) else np.int32
    _, offsets, data = array.buffers()
    skipped = array.offset * np.dtype(width).itemsize
    bounds = np.frombuffer(offsets, width, count=len(array) + 1, offset=skipped)
    first, size = int(bounds[0]), int(bounds[-1] - bounds[0])
    codes = np.frombuffer(data, np.uint8, size, first) if size else np.empty(0, np.uint8)
    return Ragged(codes, bounds.astype(np.int64) - first)


def text(array: pyarrow.Array, where: str) -> Cells:
    """The cells as text, for keys, ids and labels: a string array, nulls kept.

    Integers and decimals in plain digits, floats in their shortest form with a point (`5.0`),
    booleans `true` and `false`, dates and times as ISO 8601, bytes as the UTF-8 that they must
    be. Raises DataError for all else.
    """
    import pyarrow

    types = pyarrow.types
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    cast = (types.is_integer, types.is_decimal, types.is_boolean, types.is_date, types.is_timestamp)
    if types.is_floating(kind):
        missing = missing_cells(array)
        return Cells(strings(written(stored(array)), missing), missing)
    if types.is_null(kind) or any(test(kind) for test in cast):
        array = array.cast(pyarrow.string())
    elif types.is_binary(kind) or types.is_large_binary(kind):
        try:
            array = array.cast(pyarrow.string())
        except pyarrow.ArrowInvalid as error:
            raise DataError(
                f"{where} holds bytes that are not UTF-8 text", "choose another column"
            ) from error
    elif not (types.is_string(kind) or types.is_large_string(kind)):
        raise DataError(f"{where} holds {_words(kind)}, which has no text", "choose another column")
    return Cells(array, missing_cells(array))


def _words(kind: pyarrow.DataType) -> str:
    """An Arrow type for a message; nested ones can be very long."""
    words = str(kind)
    return words if len(words) <= 60 else words[:59] + "…"


def written(values: NDArray[Any]) -> list[str]:
    """Numbers and booleans as text, spelt as `text` spells them."""
    if values.dtype.kind == "b":
        return ["true" if value else "false" for value in values.tolist()]
    texts: list[str] = values.astype(str).tolist()
    return texts


def strings(texts: Sequence[str], missing: Mask | None = None) -> pyarrow.Array:
    """A string array; null where missing. Raises UnicodeEncodeError for half a surrogate pair."""
    import pyarrow

    cells = [text.encode() for text in texts]
    offsets = np.zeros(len(cells) + 1, dtype=np.int64)
    np.cumsum([len(cell) for cell in cells], out=offsets[1:])
    kind = pyarrow.string() if offsets[-1] < 1 << 31 else pyarrow.large_string()
    valid = None
    if missing is not None:
        valid = pyarrow.py_buffer(np.packbits(~missing, bitorder="little").tobytes())
    width = np.int32 if kind == pyarrow.string() else np.int64
    buffers = [valid, pyarrow.py_buffer(offsets.astype(width)), pyarrow.py_buffer(b"".join(cells))]
    return pyarrow.Array.from_buffers(kind, len(cells), buffers)
