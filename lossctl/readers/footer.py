"""How many values each column chunk of a Parquet file claims, from the bytes of its footer.

pyarrow offers the same numbers (`metadata.row_group(i).column(j)`), but a damaged footer makes
that call end the process: the C++ exception is not caught (seen in pyarrow 26.0.1). Formats:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 3, 7, 8, 9, 10, 12
_DEPTH = 64  # of structs within structs: the format has fewer than ten


class FooterError(ValueError):
    """The footer is not what the format describes."""


def values_per_chunk(file: BinaryIO) -> list[list[int]]:
    """The declared number of values of every column chunk: per row group, in file order.

    Raises FooterError.
    """
    file.seek(-8, 2)
    size = int.from_bytes(file.read(4), "little")
    file.seek(-8 - size, 2)
    reader = _Compact(file.read(size))
    try:
        # FileMetaData.4 row_groups, RowGroup.1 columns, ColumnChunk.3 meta_data, and
        # ColumnMetaData.5 num_values
        return [
            [
                value
                for _ in reader.elements(1)
                for _ in reader.field(3)
                for value in reader.integer(5)
            ]
            for _ in reader.elements(4)
        ]
    except (IndexError, RecursionError) as error:
        raise FooterError("the footer is cut short") from error


class _Compact:
    """A cursor over a struct in Thrift's compact protocol.

    `elements`, `field` and `integer` walk through the fields of the struct at the cursor to its
    end, giving control where the wanted one stands; all others are skipped.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def elements(self, wanted: int) -> Iterator[None]:
        """Once per struct in the list that the field `wanted` holds, at that struct."""
        for kind in self._fields(wanted):
            if kind != _LIST:
                raise FooterError("a list is missing in the footer")
            size, element = self._list_head()
            if element != _STRUCT:
                raise FooterError("a list of structs is missing in the footer")
            for _ in range(size):
                yield

    def field(self, wanted: int) -> Iterator[None]:
        """At the struct that the field `wanted` holds, if it is there."""
        for kind in self._fields(wanted):
            if kind != _STRUCT:
                raise FooterError("a struct is missing in the footer")
            yield

    def integer(self, wanted: int) -> Iterator[int]:
        """The integer that the field `wanted` holds, if it is there."""
        for kind in self._fields(wanted):
            if kind not in (4, 5, 6):
                raise FooterError("a number is missing in the footer")
            number = self._varint()
            yield (number >> 1) ^ -(number & 1)

    def _fields(self, wanted: int, depth: int = 0) -> Iterator[int]:
        """The type of each field `wanted` of the struct at the cursor; skips the others."""
        if depth > _DEPTH:
            raise FooterError("the footer is nested too deeply")
        field = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            if step:
                field += step
            else:
                number = self._varint()
                field = (number >> 1) ^ -(number & 1)
            if field == wanted:
                yield kind
            else:
                self._skip(kind, depth)

    def _skip(self, kind: int, depth: int) -> None:
        if kind in (1, 2):  # a boolean field is its own header
            return
        if kind == _STRUCT:
            for _ in self._fields(-1, depth + 1):
                raise FooterError("a field of the footer has a negative number")
        elif kind in (_LIST, _SET):
            size, element = self._list_head()
            for _ in range(size):
                self._skip(_BYTE if element in (1, 2) else element, depth + 1)
        elif kind == _BINARY:
            self._advance(self._varint())
        elif kind == _DOUBLE:
            self._advance(8)
        elif kind == _BYTE:
            self._advance(1)
        elif kind in (4, 5, 6):
            self._varint()
        else:  # maps and UUIDs do not occur in this format
            raise FooterError("the footer holds a type that the format does not have")

    def _list_head(self) -> tuple[int, int]:
        head = self._byte()
        return (self._varint() if head >> 4 == 15 else head >> 4), head & 15

    def _advance(self, size: int) -> None:
        self._at += size
        if self._at > len(self._data):
            raise IndexError

    def _byte(self) -> int:
        byte = self._data[self._at]
        self._at += 1
        return byte

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7
            if shift > 63:
                raise FooterError("a number of the footer is too long")
