"""When rows are: cells of a column as whole numbers that grow with time."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from lossctl.analyses.levels import Level
from lossctl.errors import DataError, inert
from lossctl.ranges import key_of

EXACT = 1 << 53  # up to here float64 holds every whole number
MOST = 1 << 62  # the largest whole number that is a time
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instants(levels: Sequence[Level], column: str) -> list[int]:
    """Every level as a whole number: numbers in their order, dates and times as microseconds (in
    UTC where they have no zone). Raises DataError for what is neither, and for both in one column.
    """
    numbers = [_number(level, column) for level in levels]
    dates = [level for level, one in zip(levels, numbers, strict=True) if one is None]
    if dates and len(dates) < len(levels):
        other = next(level for level, one in zip(levels, numbers, strict=True) if one is not None)
        raise DataError(
            f"--time {inert(column)}: {inert(str(other))} is a number, {inert(str(dates[0]))} none",
            "write all times alike",
        )
    return [_date(level, column) if one is None else one
            for level, one in zip(levels, numbers, strict=True)]  # fmt: skip


def _number(level: Level, column: str) -> int | None:
    """A number's place among all; None for what is none."""
    value = level
    if isinstance(level, str):
        try:
            value = int(level)
        except ValueError:
            try:
                value = float(level)
            except ValueError:
                return None
    if isinstance(value, int) and abs(value) > EXACT:
        if abs(value) > MOST:
            raise DataError(f"--time {inert(column)}: {value} is too large", "count from later on")
        beyond = key_of(float(EXACT)) + abs(value) - EXACT
        return beyond if value > 0 else -beyond
    if not math.isfinite(value):
        raise DataError(f"--time {inert(column)}: {value} is no time", "give every row one")
    return key_of(float(value))


def _date(level: str, column: str) -> int:
    text = level.strip()
    if re.fullmatch(r"\d{4}-\d{2}", text):  # a month
        text += "-01"
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"--time {inert(column)}: {inert(level)} is neither a number nor a date",
            "write dates as 2026-11-21, or 2026-11-21T08:30",
        ) from None
    known = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    return (known - _EPOCH) // timedelta(microseconds=1)
