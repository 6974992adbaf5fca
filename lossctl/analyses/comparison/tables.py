"""The tables of a comparison: one for machines, others for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lossctl.analyses.comparison.judged import (
    BETTER,
    IDENTICAL,
    UNDECIDED,
    WORSE,
    Judged,
    Versus,
)
from lossctl.analyses.comparison.ranks import Ranks
from lossctl.tables import Column, Json, Kind, Table

MARKS = {BETTER: "+", WORSE: "-", IDENTICAL: "=", UNDECIDED: "?"}

_COLUMNS: tuple[tuple[str, Kind], ...] = (
    ("loss", "text"), ("model", "text"), ("value", "value"), ("status", "text"),
    ("difference", "value"), ("change", "skill"), ("interval", "interval"), ("method", "text"),
    ("p", "p"), ("p corrected", "p"), ("verdict", "text"), ("rows better", "count"),
    ("ties", "count"), ("rows worse", "count"), ("win rate", "value"), ("win low", "value"),
    ("win high", "value"), ("sign p", "p"), ("effect", "value"), ("smallest shown", "value"),
    ("rows for one percent", "value"), ("tail index", "value"), ("skewness", "value"),
    ("n", "count"), ("reason", "text"),
)  # fmt: skip


def records(losses: Sequence[Judged], names: Sequence[str], confidence: float) -> Table:
    """A row for every loss and model, with every number. The reference comes first."""
    rows = []
    for one in losses:
        for number, name in enumerate(names):
            rows.append(_record(one, number, name, confidence))
    return Table(tuple(Column(name, kind) for name, kind in _COLUMNS), tuple(rows))


def _record(one: Judged, number: int, name: str, confidence: float) -> tuple[Any, ...]:
    found = one.measured.values[number]
    versus = one.of(number) or Versus(number)
    wins = versus.apart.wins
    counts = (None, None, None) if wins is None else (wins.better, wins.ties, wins.worse)
    return (
        str(one.spec), name, found.value, found.status, versus.difference, versus.change,
        versus.interval, None if versus.low is None else versus.method, versus.p,
        versus.corrected, versus.verdict or None, *counts, versus.win_rate,
        *(versus.win_interval(confidence) or (None, None)), versus.sign_p,
        versus.effect, versus.smallest, versus.needed, versus.apart.khat, versus.apart.skew,
        found.count, found.reason or versus.why,
    )  # fmt: skip


def shown(
    losses: Sequence[Judged], names: Sequence[str], ranks: Ranks | None, confidence: float
) -> tuple[Table, ...]:
    """What people see: of two models all of a loss in one line; of more the ranks by one loss, and
    every value with a mark."""
    if len(names) == 2:
        return (_pair(losses, names, confidence),)
    every = _matrix(losses, names)
    return (every,) if ranks is None else (ranks.table(names), every)


def _pair(losses: Sequence[Judged], names: Sequence[str], confidence: float) -> Table:
    columns = (
        Column("loss", "text"),
        Column(names[0], "value"),
        Column(names[1], "value"),
        Column("change", "shift", 2),
        Column(f"{100 * confidence:g} % interval", "interval", 3),
        Column("better / worse", "text", 4),
        Column("verdict", "text", 1),
    )
    rows = []
    for one in losses:
        versus = one.against[0]
        rows.append(
            (one.spec.brief, _value(one, 0), _value(one, 1), versus.shift,
             _interval(one, versus), _sides(versus), versus.verdict or None)
        )  # fmt: skip
    return Table(columns, tuple(rows))


def _matrix(losses: Sequence[Judged], names: Sequence[str]) -> Table:
    columns = [Column("loss", "text")]
    columns += [Column(name, "marked") for name in names]
    rows: list[tuple[Any, ...]] = []
    for one in losses:
        cells: list[Any] = []
        for number in range(len(names)):
            versus = one.of(number)
            mark = MARKS.get(versus.verdict, "") if versus is not None else ""
            cells.append({"value": _value(one, number), "mark": mark})
        rows.append((one.spec.brief, *cells))
    return Table(tuple(columns), tuple(rows), wraps=True)


def _value(one: Judged, number: int) -> Any:
    found = one.measured.values[number]
    return found.value if found.status == "ok" else found.status


def _interval(one: Judged, versus: Versus) -> Json | None:
    relative = versus.relative(one.reference)
    return versus.interval if relative is None else relative


def _sides(versus: Versus) -> str | None:
    wins = versus.apart.wins
    if wins is None:
        return None
    ties = f" / {wins.ties} ties" if wins.ties else ""
    return f"{wins.better} / {wins.worse}{ties}"
