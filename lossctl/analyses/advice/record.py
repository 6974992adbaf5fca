"""One piece of advice, with its evidence."""

from __future__ import annotations

from dataclasses import dataclass, field

from lossctl.report import Json


@dataclass(frozen=True, slots=True)
class Advice:
    """`do` is a loss or a correction to use, in short; `text` says it in words with the evidence.

    `worth` orders advices, the largest first. `finding` is the sentence that stands last on the
    screen where this advice is the first.
    """

    topic: str
    do: str
    text: str
    finding: str
    worth: float
    gain: float | None = None  # the share of a loss that it saves, on rows that did not choose it
    p: float | None = None  # of the evidence, if there were nothing to find
    data: Json = field(default_factory=dict)
