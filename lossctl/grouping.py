"""What rows are grouped by: `region`, or a number cut into bins: `bin(age,5)`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lossctl.errors import UsageError

MOST_BINS = 100


@dataclass(frozen=True, slots=True)
class Grouping:
    """A column, and into how many bins of about equally many rows its numbers are cut."""

    column: str
    bins: int | None = None

    def __str__(self) -> str:
        return self.column if self.bins is None else f"bin({self.column},{self.bins})"


def parse(text: str) -> Grouping:
    """The grouping that a text stands for. Raises UsageError for bins that cannot be."""
    match = re.fullmatch(r"\s*bin\((.+),\s*([^,]*?)\s*\)\s*", text)
    if match is None:
        name = text.strip()
        if not name:
            raise UsageError("--by is empty", "name a column, or write 'bin(age,5)'")
        if whole := re.fullmatch(r"bin\(([^,]*)\)", name):
            raise UsageError(f"--by {name}: it does not say how many bins",
                             f"write 'bin({whole[1].strip() or 'age'},5)'")  # fmt: skip
        return Grouping(name)
    column, bins = match[1].strip(), match[2]
    if not bins.isascii() or not bins.isdigit() or not 2 <= int(bins) <= MOST_BINS:
        raise UsageError(
            f"--by {text.strip()}: {bins or 'nothing'} is no number of bins",
            f"write 'bin({column},5)', from 2 to {MOST_BINS}",
        )
    return Grouping(column, int(bins))


def groupings(texts: Iterable[str]) -> tuple[Grouping, ...]:
    """The groupings that `--by` names, each once."""
    return tuple(dict.fromkeys(parse(text) for text in texts))
