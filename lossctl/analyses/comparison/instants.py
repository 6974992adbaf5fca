"""When rows are: cells of a column as whole numbers that grow with time."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from lossctl.analyses.levels import Level
from lossctl.errors import DataError, inert
from lossctl.ranges import key_of

EXACT = 1 << 53  # up to here float64 holds every whole number
MOST = 1 << 62  # the largest whole number that is a time
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FRACTION = re.compile(r":\d{2}[.,](\d+)")


def instants(levels: Sequence[Level], where: Callable[[int], str]) -> list[int]:
    """Every level as a whole number: numbers in their order, dates and times as nanoseconds (in
    UTC where they have no zone). Raises DataError, which says `where` a level stands, for what is
    neither, for what no 64 bits hold, and for both in one column.
    """
    numbers = [_number(level, place, where) for place, level in enumerate(levels)]
    dates = [level for level, one in zip(levels, numbers, strict=True) if one is None]
    if dates and len(dates) < len(levels):
        place = next(place for place, one in enumerate(numbers) if one is not None)
        raise DataError(
            f"{where(place)}: {inert(str(levels[place]))} is a number, {inert(str(dates[0]))} none",
            "write all times alike",
        )
    return [_date(level, place, where) if one is None else one
            for place, (level, one) in enumerate(zip(levels, numbers, strict=True))]  # fmt: skip


def _number(level: Level, place: int, where: Callable[[int], str]) -> int | None:
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
            raise DataError(f"{where(place)}: {value} is too large", "count from later on")
        beyond = key_of(float(EXACT)) + abs(value) - EXACT
        return beyond if value > 0 else -beyond
    if not math.isfinite(value):
        raise DataError(f"{where(place)}: {value} is no time", "give every row one")
    return key_of(float(value))


def _date(level: str, place: int, where: Callable[[int], str]) -> int:
    text = level.strip()
    if re.fullmatch(r"\d{4}-\d{2}", text):  # a month
        text += "-01"
    fraction = _FRACTION.search(text)
    if fraction is not None:  # datetime holds no more than six digits of it
        text = text[: fraction.start(1) - 1] + text[fraction.end(1) :]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise DataError(
            f"{where(place)}: {inert(level)} is neither a number nor a date",
            "write dates as 2026-11-21, or 2026-11-21T08:30",
        ) from None
    known = found.replace(tzinfo=UTC) if found.tzinfo is None else found
    seconds = (known - _EPOCH) // timedelta(seconds=1)
    digits = "" if fraction is None else fraction[1]
    instant = seconds * 10**9 + int(digits[:9].ljust(9, "0"))
    if abs(instant) >= 1 << 63:
        raise DataError(f"{where(place)}: {inert(level)} is not between 1678 and 2262",
                        "give every row a date of its own")  # fmt: skip
    return instant
