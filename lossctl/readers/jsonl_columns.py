"""One column of JSON lines: decoded values as cells, each number exact or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np

from lossctl.arrays import Mask, Numbers, Ragged, offsets_of
from lossctl.errors import DataError, quoted
from lossctl.readers.source import As, Cells, Column, Kind
from lossctl.sequences import encode

EXACT = 1 << 53  # every integer up to here is a float64
OVER = 1 << 63  # from here on int64 holds none
LISTS = ("list", "vectors", "words")


@dataclass(frozen=True, slots=True)
class TooLarge:
    """A number beyond the range of float64, as it was written."""

    text: str


class JsonColumn:
    """Turns the values of one key into cells, whatever blocks they come in."""

    def __init__(self, name: str, column: Column) -> None:
        self.name = name
        self.column = column
        # The first line of each sort of number that goes only with some others.
        self._seen: dict[str, int] = {}

    def cells(self, kind: As, values: Sequence[Any], first: int) -> Cells:
        """The values of consecutive lines, the first being line `first`. Raises DataError."""
        missing: Mask | None = None
        if None in values:
            missing = np.fromiter((value is None for value in values), bool, len(values))
        if kind == "text":
            return Cells(self._text(values, missing, first), missing)
        if self.column.kind == "words":
            return self._words(values, missing, first)
        if self.column.kind == "vectors":
            return self._vectors(values, missing, first)
        if self.column.kind == "list":
            return self._lists(values, missing, first)
        lines = range(first, first + len(values))
        return Cells(self._numbers(values, lines), missing)

    def _numbers(self, values: Sequence[Any], lines: Sequence[int]) -> Numbers:
        """One number per value; NaN for None, or 0 beside integers that float64 cannot hold."""
        allowed = {bool} if self.column.kind == "boolean" else {int, float}
        if not set(map(type, values)) <= allowed | {type(None)}:
            for value, line in zip(values, lines, strict=True):
                if value is not None and type(value) not in allowed:
                    raise self._wrong(value, line)
        try:
            numbers = np.array(values, dtype=np.float64)
        except OverflowError:
            for value, line in zip(values, lines, strict=True):
                self._note_far(value, line)
            raise
        small = np.abs(numbers) < EXACT
        wide = False
        for row in np.flatnonzero(~small).tolist():
            wide = self._note_far(values[row], lines[row]) or wide
        fraction = small & (numbers != np.trunc(numbers))
        if fraction.any():
            first = lines[int(np.argmax(fraction))]
            self._seen["decimal"] = min(first, self._seen.get("decimal", first))
        if "negative" not in self._seen and (numbers < 0).any():
            self._seen["negative"] = lines[int(np.argmax(numbers < 0))]
        self._agree()
        if not wide:
            return numbers
        whole = [value or 0 for value in values]
        return np.array(whole, dtype=np.uint64 if max(whole) >= OVER else np.int64)

    def _note_far(self, value: object, line: int) -> bool:
        """Note a value of 2**53 or more, NaN or infinity; whether it is `wide` (see `_agree`)."""
        seen = self._seen
        if isinstance(value, float):
            seen.setdefault("decimal", line)
        if not isinstance(value, int):
            return False
        exact = abs(value) < 1 << 1023 and int(float(value)) == value
        if -OVER <= value < 2 * OVER:
            if value >= OVER:
                seen.setdefault("over", line)
            if not exact:
                seen.setdefault("wide", line)
            return not exact
        if not exact:
            raise DataError(
                f"{self._at(line)}: {quoted(value)} is an integer that neither"
                " float64 nor 64 bits can hold",
                "write it with a decimal point if its rounding is meant",
            )
        seen.setdefault("decimal", line)
        return False

    def _agree(self) -> None:
        """Raise DataError where no one type holds all that a column has held.

        Beside a `wide` integer, one that float64 cannot hold, there may be no `decimal`
        (fraction, NaN, larger number), nor both a `negative` number and one `over` int64.
        """
        seen = self._seen
        if "wide" not in seen:
            return
        if "decimal" in seen:
            beside = f"line {seen['decimal']} has a decimal, NaN or larger number"
        elif "over" in seen and "negative" in seen:
            beside = f"line {seen['over']} has one above int64, line {seen['negative']} a negative"
        else:
            return
        raise DataError(
            f"{self._at(seen['wide'])}: an integer that float64 cannot hold; {beside}",
            "write such integers with a decimal point if their rounding is meant",
        )

    def _lists(self, values: Sequence[Any], missing: Mask | None, first: int) -> Cells:
        for line, value in enumerate(values, first):
            if value is not None and type(value) is not list:
                raise self._wrong(value, line)
        lengths = [len(value or ()) for value in values]
        offsets = np.zeros(len(values) + 1, dtype=np.int64)
        np.cumsum(lengths, out=offsets[1:])
        flat = list(chain.from_iterable(value or () for value in values))
        lines = np.repeat(np.arange(first, first + len(values)), lengths).tolist()
        if None in flat:  # the whole row is then missing
            missing = np.zeros(len(values), dtype=bool) if missing is None else missing
            missing[[n - first for v, n in zip(flat, lines, strict=True) if v is None]] = True
        return Cells(Ragged(self._numbers(flat, lines), offsets), missing)

    def _words(self, values: Sequence[Any], missing: Mask | None, first: int) -> Cells:
        for line, value in enumerate(values, first):
            if value is not None and not (
                type(value) is list and all(type(word) is str for word in value)
            ):
                raise self._wrong(value, line)
        return Cells(encode(value or [] for value in values), missing)

    def _vectors(self, values: Sequence[Any], missing: Mask | None, first: int) -> Cells:
        """Lists of equally long lists of numbers."""
        for line, value in enumerate(values, first):
            if value is not None and not (
                type(value) is list and all(type(part) is list for part in value)
            ):
                raise self._wrong(value, line)
        vectors = [part for value in values for part in value or ()]
        lines = [line for line, value in enumerate(values, first) for _ in value or ()]
        widths = {len(part) for part in vectors}
        if len(widths) > 1:
            line = next(n for n, part in zip(lines, vectors, strict=True)
                        if len(part) != len(vectors[0]))  # fmt: skip
            raise DataError(
                f"{self._at(line)}: a list of other length than those before it",
                "the inner lists must be equally long",
            )
        width = widths.pop() if widths else 0
        flat = list(chain.from_iterable(vectors))
        if None in flat:
            raise DataError(f"{self._at(first)}: a null inside a list", "write numbers")
        repeated = [line for line in lines for _ in range(width)]
        numbers = self._numbers(flat, repeated).reshape(-1, width)
        return Cells(Ragged(numbers, offsets_of([len(value or ()) for value in values])), missing)

    def _text(self, values: Sequence[Any], missing: Mask | None, first: int) -> Any:
        from lossctl.readers import arrow

        texts: list[str] = []
        for line, value in enumerate(values, first):
            if type(value) is bool:
                value = "true" if value else "false"
            elif type(value) in (int, float):
                value = repr(value)
            elif not (value is None or type(value) is str):
                raise self._wrong(value, line)
            texts.append(value or "")
        try:
            return arrow.strings(texts, missing)
        except UnicodeEncodeError as error:
            line = next(n for n, text in enumerate(texts, first) if not _encodes(text))
            raise DataError(
                f"{self._at(line)}: half a surrogate pair in the text",
                "write the text as UTF-8",
            ) from error

    def _at(self, line: int) -> str:
        return f"{self.name} line {line}, column {quoted(self.column.name)}"

    def _wrong(self, value: object, line: int) -> DataError:
        if isinstance(value, TooLarge):
            return DataError(
                f"{self._at(line)}: {quoted(value.text)} is too large for float64",
                "correct the number",
            )
        kind = self.column.kind
        expected = _EXPECTED.get(kind, "a number")
        return DataError(
            f"{self._at(line)}: {in_words(value)}, not {expected}",
            "write one type in a column, or choose another",
        )


def _encodes(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


_EXPECTED = {
    "list": "a list of numbers",
    "vectors": "a list of lists of numbers",
    "words": "a list of texts",
    "boolean": "true or false",
}


def kind_of(value: object) -> Kind:
    """What a decoded value makes of its column."""
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float | TooLarge):
        return "number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, list):
        if value and all(isinstance(item, str) for item in value):
            return "words"
        if value and all(isinstance(item, list) for item in value):
            return "vectors" if all(kind_of(item) == "list" for item in value) else "other"
        scalar = all(item is None or isinstance(item, int | float | TooLarge) for item in value)
        return "list" if scalar else "other"
    return "other"


def in_words(value: object) -> str:
    """A decoded value, for a message."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    if value is None:
        return "null"
    return f"the text {quoted(value)}" if isinstance(value, str) else f"the number {quoted(value)}"
