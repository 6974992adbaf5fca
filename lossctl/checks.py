"""What a gate found: pure data, one record for every requirement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Outcome: TypeAlias = Literal["met", "violated", "undecided"]


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement and what became of it.

    `said` has it in words, `why` what there is to say of its outcome. `value` and `limit` are
    fractions where `percent`; of an increase they are `relative` to the baseline: shown with their
    sign. `shown`: of what is met against a baseline, whether it is surely so. `decides` is the
    smallest margin that so many rows tell apart. `rows` are the worst ones, each with its value.
    """

    requirement: str
    said: str
    outcome: Outcome
    warning: bool
    source: str
    value: float | None
    limit: float
    percent: bool = False
    relative: bool = False
    why: str = ""
    interval: dict[str, Any] | None = None
    shown: bool | None = None
    noise: bool = False  # undecided because noise could explain it
    p: float | None = None
    decides: float | None = None
    n: int = 0
    rows: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Gate:
    """All requirements of a run, the outcome of all, and the exit status that says it.

    `allow_undecided`: what noise could explain passes; `error_on_warning`: warnings count, too.
    """

    outcome: Outcome
    status: int
    checks: tuple[Check, ...]
    allow_undecided: bool = False
    error_on_warning: bool = False

    def blocks(self, one: Check) -> bool:
        """Whether this requirement keeps the gate from being met."""
        if "met" in (one.outcome, self.outcome):
            return False
        allowed = one.noise and self.allow_undecided
        return not allowed and (self.error_on_warning or not one.warning)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Gate | None:
        """The gate of a report as data."""
        if data is None:
            return None
        checks = tuple(Check(**{**one, "rows": tuple(one["rows"])}) for one in data["checks"])
        how = [bool(data.get(name)) for name in ("allow_undecided", "error_on_warning")]
        return cls(data["outcome"], data["status"], checks, *how)
