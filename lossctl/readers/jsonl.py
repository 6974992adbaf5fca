"""JSON lines: one object per line, each a row; numbers correctly rounded, integers exact."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO

from lossctl.errors import DataError, quoted
from lossctl.readers.jsonl_columns import LISTS, JsonColumn, TooLarge, in_words, kind_of
from lossctl.readers.source import Column, Kind, ReadOptions, Rows, Wanted
from lossctl.readers.stream import BLOCK, shown

_LOOK_AHEAD = 1000  # lines that decide the kind of a column


class _DuplicateKeyError(ValueError):
    pass


def _float(text: str) -> float | TooLarge:
    value = float(text)
    return TooLarge(text) if math.isinf(value) else value


def _record(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _DuplicateKeyError(f"the key {quoted(twice)} comes twice")
    return record


_PLAIN = json.JSONDecoder()
_STRICT = json.JSONDecoder(object_pairs_hook=_record, parse_float=_float)


def _decoded(line: bytes) -> Any:
    """What a line holds, with no key twice and no number rounded to infinity.

    The plain decoder is twice as fast, and misses neither in a line without lists that has as
    many colons as the object has keys, and no infinite value.
    """
    text = line.decode()
    record = _PLAIN.decode(text)
    if type(record) is dict and line.count(b":") == len(record) and b"[" not in line:
        values = record.values()
        if math.inf not in values and -math.inf not in values:
            return record
    return _STRICT.decode(text)


class JsonlSource:
    """The keys of the first line as columns. `blocks` may be called once.

    A line that lacks a key has a missing cell there, as has one that gives null; keys that the
    first line lacks are not read. NaN, Infinity and -Infinity are read as Python writes them.
    """

    format = "jsonl"
    rereads = False

    def __init__(
        self,
        stream: BinaryIO,
        path: str,
        options: ReadOptions,
        compression: str | None,
    ) -> None:
        """Read ahead to find columns and kinds. Raises DataError."""
        self.path = path
        self.rows: int | None = None
        self._name = shown(path)
        self._stream = stream
        self._limit = options.max_line_bytes
        self._lines = self._records()
        self._ahead: list[dict[str, Any]] = []
        size = 0
        for record, length in self._lines:
            self._ahead.append(record)
            size += length
            if len(self._ahead) == _LOOK_AHEAD or size > BLOCK:
                break
        if not self._ahead:
            raise DataError(f"{self._name} has no rows", "check what wrote it")
        if not self._ahead[0]:
            raise DataError(
                f"{self._name} line 1: the object has no keys", "its keys name the columns"
            )
        self.columns: tuple[Column, ...] = tuple(self._column(key) for key in self._ahead[0])
        self.details: Mapping[str, str] = {
            "encoding": "utf-8",
            "compression": compression or "none",
        }
        self._cells = [JsonColumn(self._name, column) for column in self.columns]

    def _column(self, key: str) -> Column:
        values = [record[key] for record in self._ahead if record.get(key) is not None]
        # An empty list says nothing of what its column's lists hold.
        kinds = [kind_of(value) for value in values if value != []] or [
            "list" if values else "other"
        ]
        kind: Kind = kinds[0]
        if kind == "integer" and "number" in kinds:
            kind = "number"
        return Column(key, kind, -1 if kind in LISTS else None, kind)

    def _records(self) -> Iterator[tuple[dict[str, Any], int]]:
        """Each line's object and length. Raises DataError for a line that is not one object."""
        number = 0
        while line := self._stream.readline(self._limit + 1):
            number += 1
            if len(line) > self._limit:
                raise DataError(
                    f"{self._name} line {number} is longer than max_line_bytes ({self._limit})",
                    "one object per line",
                )
            if not line.strip():
                self._only_blank(number)
                return
            yield self._parse(line, number), len(line)

    def _only_blank(self, number: int) -> None:
        """Blank lines may end a file; before a row they could stand for one that was lost."""
        for later, line in enumerate(iter(lambda: self._stream.readline(BLOCK), b""), number + 1):
            if line.strip():
                raise DataError(
                    f"{self._name} line {number} is empty, line {later} is not",
                    "remove the empty lines, if no row is missing",
                )

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        where = f"{self._name} line {number}"
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        try:
            record = _decoded(line)
        except UnicodeDecodeError as error:
            raise DataError(
                f"{where}: not UTF-8 at byte {error.start}", "JSON lines are UTF-8: convert it"
            ) from error
        except json.JSONDecodeError as error:
            raise DataError(
                f"{where}: not JSON at character {error.pos + 1} ({error.msg.lower()}):"
                f" {quoted(error.doc[error.pos : error.pos + 40])}",
                "one object per line (jq -c . FILE writes that)",
            ) from error
        except _DuplicateKeyError as error:
            raise DataError(f"{where}: {error}", "one value per key") from error
        except ValueError as error:
            raise DataError(f"{where}: a number of thousands of digits", "shorten it") from error
        except RecursionError as error:
            raise DataError(f"{where}: nested too deeply", "one flat object per line") from error
        if not isinstance(record, dict):
            raise DataError(
                f"{where} holds {in_words(record)}, not an object",
                'one object per line, such as {"pred": 1.5, "target": 2}',
            )
        return record

    def blocks(self, wanted: Sequence[Wanted], size: int) -> Iterator[Rows]:
        """See `Source`."""
        used = list(dict.fromkeys(want.index for want in wanted))
        keys = [self.columns[index].name for index in used]
        ahead, self._ahead = self._ahead, []
        if not ahead:
            raise RuntimeError("a stream of JSON lines can be read only once")
        records = chain(ahead, (record for record, _ in self._lines))
        first = count = 1
        while count:
            values: list[list[Any]] = [[] for _ in used]
            filling = [(column.append, key) for column, key in zip(values, keys, strict=True)]
            count = 0
            for record in islice(records, size):
                count += 1
                for append, key in filling:
                    append(record.get(key))
            if count:
                columns = dict(zip(used, values, strict=True))
                yield Rows(
                    count,
                    [
                        self._cells[want.index].cells(want.kind, columns[want.index], first)
                        for want in wanted
                    ],
                )
            first += count

    def close(self) -> None:
        """Release the file."""
        self._stream.close()
