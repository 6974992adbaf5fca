"""JSON lines: one object per line, each a row; numbers correctly rounded, integers exact."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any, BinaryIO

import numpy as np

from lossctl.arrays import Mask, Numbers, Ragged
from lossctl.errors import DataError, quoted
from lossctl.readers.source import As, Cells, Column, Kind, ReadOptions, Rows, Wanted
from lossctl.readers.stream import BLOCK, shown

_LOOK_AHEAD = 1000  # lines that decide the kind of a column
_EXACT = 1 << 53  # every integer up to here is a float64
_OVER = 1 << 63  # from here on int64 holds none


@dataclass(frozen=True, slots=True)
class _TooLarge:
    """A number beyond the range of float64, as it was written."""

    text: str


class _DuplicateKeyError(ValueError):
    pass


def _float(text: str) -> float | _TooLarge:
    value = float(text)
    return _TooLarge(text) if math.isinf(value) else value


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
        # Per column, the first line of each sort of number that goes only with some others.
        self._seen: list[dict[str, int]] = [{} for _ in self.columns]

    def _column(self, key: str) -> Column:
        kinds = [_kind(record[key]) for record in self._ahead if record.get(key) is not None] or [
            "other"
        ]
        kind: Kind = kinds[0]
        if kind == "integer" and "number" in kinds:
            kind = "number"
        return Column(key, kind, -1 if kind == "list" else None, kind)

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
                f"{where} holds {_words(record)}, not an object",
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
                        self._cells(want.index, want.kind, columns[want.index], first)
                        for want in wanted
                    ],
                )
            first += count

    def _cells(self, index: int, kind: As, values: Sequence[Any], first: int) -> Cells:
        missing: Mask | None = None
        if None in values:
            missing = np.fromiter((value is None for value in values), bool, len(values))
        if kind == "text":
            return Cells(self._text(index, values, missing, first), missing)
        if self.columns[index].kind == "list":
            return self._lists(index, values, missing, first)
        lines = range(first, first + len(values))
        return Cells(self._numbers(index, values, lines), missing)

    def _numbers(self, index: int, values: Sequence[Any], lines: Sequence[int]) -> Numbers:
        """One number per value; NaN for None, or 0 beside integers that float64 cannot hold."""
        allowed = {bool} if self.columns[index].kind == "boolean" else {int, float}
        if not set(map(type, values)) <= allowed | {type(None)}:
            for value, line in zip(values, lines, strict=True):
                if value is not None and type(value) not in allowed:
                    raise self._wrong(index, value, line)
        try:
            numbers = np.array(values, dtype=np.float64)
        except OverflowError:
            for value, line in zip(values, lines, strict=True):
                self._note_far(index, value, line)
            raise
        small = np.abs(numbers) < _EXACT
        wide = False
        for row in np.flatnonzero(~small).tolist():
            wide = self._note_far(index, values[row], lines[row]) or wide
        fraction = small & (numbers != np.trunc(numbers))
        if fraction.any():
            first = lines[int(np.argmax(fraction))]
            self._seen[index]["decimal"] = min(first, self._seen[index].get("decimal", first))
        if "negative" not in self._seen[index] and (numbers < 0).any():
            self._seen[index]["negative"] = lines[int(np.argmax(numbers < 0))]
        self._agree(index)
        if not wide:
            return numbers
        whole = [value or 0 for value in values]
        return np.array(whole, dtype=np.uint64 if max(whole) >= _OVER else np.int64)

    def _note_far(self, index: int, value: object, line: int) -> bool:
        """Note a value of 2**53 or more, NaN or infinity; whether it is `wide` (see `_agree`)."""
        seen = self._seen[index]
        if isinstance(value, float):
            seen.setdefault("decimal", line)
        if not isinstance(value, int):
            return False
        exact = abs(value) < 1 << 1023 and int(float(value)) == value
        if -_OVER <= value < 2 * _OVER:
            if value >= _OVER:
                seen.setdefault("over", line)
            if not exact:
                seen.setdefault("wide", line)
            return not exact
        if not exact:
            raise DataError(
                f"{self._where(line, index)}: {quoted(value)} is an integer that neither"
                " float64 nor 64 bits can hold",
                "write it with a decimal point if its rounding is meant",
            )
        seen.setdefault("decimal", line)
        return False

    def _agree(self, index: int) -> None:
        """Raise DataError where no one type holds all that a column has held.

        Beside a `wide` integer, one that float64 cannot hold, there may be no `decimal`
        (fraction, NaN, larger number), nor both a `negative` number and one `over` int64.
        """
        seen = self._seen[index]
        if "wide" not in seen:
            return
        if "decimal" in seen:
            beside = f"line {seen['decimal']} has a decimal, NaN or larger number"
        elif "over" in seen and "negative" in seen:
            beside = f"line {seen['over']} has one above int64, line {seen['negative']} a negative"
        else:
            return
        raise DataError(
            f"{self._where(seen['wide'], index)}: an integer that float64 cannot hold; {beside}",
            "write such integers with a decimal point if their rounding is meant",
        )

    def _lists(self, index: int, values: Sequence[Any], missing: Mask | None, first: int) -> Cells:
        for line, value in enumerate(values, first):
            if value is not None and type(value) is not list:
                raise self._wrong(index, value, line)
        lengths = [len(value or ()) for value in values]
        offsets = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        flat = list(chain.from_iterable(value or () for value in values))
        lines = np.repeat(np.arange(first, first + len(values)), lengths).tolist()
        if None in flat:  # the whole row is then missing
            missing = np.zeros(len(values), dtype=bool) if missing is None else missing
            missing[[n - first for v, n in zip(flat, lines, strict=True) if v is None]] = True
        return Cells(Ragged(self._numbers(index, flat, lines), offsets), missing)

    def _text(self, index: int, values: Sequence[Any], missing: Mask | None, first: int) -> Any:
        from lossctl.readers import arrow

        texts: list[str] = []
        for line, value in enumerate(values, first):
            if type(value) is bool:
                value = "true" if value else "false"
            elif type(value) in (int, float):
                value = repr(value)
            elif not (value is None or type(value) is str):
                raise self._wrong(index, value, line)
            texts.append(value or "")
        try:
            return arrow.strings(texts, missing)
        except UnicodeEncodeError as error:
            line = next(n for n, text in enumerate(texts, first) if not _encodes(text))
            raise DataError(
                f"{self._where(line, index)}: half a surrogate pair in the text",
                "write the text as UTF-8",
            ) from error

    def _where(self, line: int, index: int) -> str:
        return f"{self._name} line {line}, column {quoted(self.columns[index].name)}"

    def _wrong(self, index: int, value: object, line: int) -> DataError:
        if isinstance(value, _TooLarge):
            return DataError(
                f"{self._where(line, index)}: {quoted(value.text)} is too large for float64",
                "correct the number",
            )
        kind = self.columns[index].kind
        expected = {"list": "a list of numbers", "boolean": "true or false"}.get(kind, "a number")
        return DataError(
            f"{self._where(line, index)}: {_words(value)}, not {expected}",
            "write one type in a column, or choose another",
        )

    def close(self) -> None:
        """Release the file."""
        self._stream.close()


def _encodes(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _kind(value: object) -> Kind:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float | _TooLarge):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        scalar = all(item is None or isinstance(item, int | float | _TooLarge) for item in value)
        return "list" if scalar else "other"
    return "other"


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if value is None:
        return "null"
    return f"the text {quoted(value)}" if isinstance(value, str) else f"the number {quoted(value)}"
