"""What a report is made of: losses, rows, parts and notes. Pure data."""

from __future__ import annotations

from dataclasses import dataclass, field

from lossctl.charts import Chart
from lossctl.tables import Json, Table


@dataclass(frozen=True, slots=True)
class Part:
    """What one analysis found: a sentence, perhaps a table or pictures, and the numbers behind."""

    name: str
    text: str
    data: Json
    table: Table | None = None
    charts: tuple[Chart, ...] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something the reader must know. `warning` stands out."""

    code: str
    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class LossResult:
    """One loss of a report."""

    spec: str
    name: str
    label: str
    params: Json
    reduction: str
    direction: str
    value: float | None
    status: str
    reason: str | None
    n: int
    interval: Json | None = None  # low, high, confidence, method, trusted
    no_interval: str | None = None
    skill: Json | None = None  # value, reference
    half: int | None = None  # how few samples make half of it
    worst: Json | None = None  # row, id, share
    penalty: float | None = None  # the part of the value that no sample makes
    brief: str = ""  # the spec without the settings that options give to all losses

    @property
    def title(self) -> str:
        """What tables for people call it."""
        return self.brief or self.spec


@dataclass(frozen=True, slots=True)
class WorstRow:
    """One of the samples that make the most of the leading loss."""

    row: int
    target_row: int | None
    id: str | None
    values: Json
    losses: dict[str, float | None]
    shares: dict[str, float | None]
    without: dict[str, float | None]
    pull: dict[str, float | None] = field(default_factory=dict)  # of ratios: see `analyses.worst`


@dataclass(frozen=True, slots=True)
class Worst:
    """The worst samples by one loss."""

    by: str
    rows: tuple[WorstRow, ...]
