"""Rows that belong together, or follow each other in time: how surely values differ where rows are
not independent."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.spread import Piece, Spread, influence
from lossctl.analyses.inference.serial import block_length, long_run_covariance
from lossctl.analyses.levels import Coded, Level
from lossctl.arrays import Array, Integers
from lossctl.batch import Batch
from lossctl.errors import DataError, inert
from lossctl.few import Few, FewState
from lossctl.gram import GramState
from lossctl.hashing import mixed
from lossctl.ranges import key_of
from lossctl.rounds import Rounds
from lossctl.states import TermsOf
from lossctl.units import BUCKETS, MOST, UnitsState, UnitSums

SAMPLE = 1 << 14  # rows that tell where a great many are cut into stretches of time
FEWEST = 30  # clusters below which their number is warned of


@dataclass(frozen=True, slots=True)
class ClusterOf:
    """The cluster of each row, by a hash of what its cell holds. Raises DataError for none."""

    column: str

    def __call__(self, batch: Batch) -> Integers:
        levels, codes = _told(self.column, batch, "--cluster")
        return np.array([_hash(level) for level in levels], dtype=np.int64)[codes]


@dataclass(frozen=True, slots=True)
class TimeOf:
    """When each row is, as a whole number that grows with it: of numbers, or of dates and times as
    ISO 8601 writes them. Raises DataError for other texts, and for none."""

    column: str

    def __call__(self, batch: Batch) -> Integers:
        levels, codes = _told(self.column, batch, "--time")
        return np.array([_instant(self.column, one) for one in levels], dtype=np.int64)[codes]


@dataclass(frozen=True, slots=True)
class StretchOf:
    """Which of the stretches between `edges` each row's time lies in."""

    time: TimeOf
    edges: tuple[int, ...]

    def __call__(self, batch: Batch) -> Integers:
        found = np.searchsorted(np.array(self.edges), self.time(batch), side="right")
        return found.astype(np.int64)


def _told(column: str, batch: Batch, option: str) -> tuple[list[Level], Integers]:
    missing = batch.extras[column].missing
    if missing.any():
        row = int(batch.rows[int(np.flatnonzero(missing)[0])])
        raise DataError(f"{option} {inert(column)}: row #{row} has no value there",
                        "give every row one")  # fmt: skip
    return Coded(column)(batch)


def _hash(level: Level) -> int:
    from hashlib import blake2b

    text = level if isinstance(level, str) else repr(float(level))
    kind = b"t" if isinstance(level, str) else b"n"
    data = blake2b(kind + text.encode("utf-8", "replace"), digest_size=8).digest()
    return int(mixed(np.array([int.from_bytes(data, "little") >> 1]))[0] >> np.uint64(1))


def _instant(column: str, level: Level) -> int:
    if not isinstance(level, str):
        return key_of(float(level))
    try:
        return key_of(float(level))
    except ValueError:
        pass
    try:
        text = level.strip().removesuffix("Z").replace(" ", "T", 1)
        return int(np.datetime64(text, "ns").astype(np.int64))
    except ValueError:
        raise DataError(
            f"--time {inert(column)}: {inert(level)} is neither a number nor a date",
            "write dates as 2026-11-21, or 2026-11-21T08:30",
        ) from None


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The sums of one loss by unit; `ordered` in time."""

    state: UnitsState
    ordered: bool


def rounds(
    question: Question, terms: tuple[TermsOf, ...], rows: int | None
) -> Rounds[Units | None]:
    """The sums of the terms by cluster, or by time; None where rows are independent. Of more than
    MOST different times (or `rows`) neighbours count as one: BUCKETS stretches of time."""
    if question.cluster is not None:
        asked = UnitSums(ClusterOf(question.cluster), terms)
        return Units((yield (asked,))[asked], False)
    if question.time is None:
        return None
    time = TimeOf(question.time)
    whole = UnitSums(time, terms)
    few = Few(SAMPLE, "hash")
    if rows is not None and rows <= MOST:
        return Units((yield (whole,))[whole], True)
    sampled: FewState = (yield (few,))[few]
    batch = sampled.batch
    assert batch is not None
    times = np.sort(time(batch))
    if batch.count < SAMPLE:
        return Units((yield (whole,))[whole], True)
    places = np.arange(1, BUCKETS) * times.size // BUCKETS
    edges = tuple(int(one) for one in np.unique(times[places]))
    stretches = UnitSums(StretchOf(time, edges), terms)
    return Units((yield (stretches,))[stretches], True)


def spread_of_units(
    units: Units,
    gram: GramState,
    pieces: Sequence[Piece],
    models: int,
    offset: tuple[float, float],
    horizon: int | None,
) -> Spread | None:
    """As `spread.spread_of`, where only units are independent: G / (G - 1) times the sum of squares
    of their influences, or, in time, these and their neighbours' products by Bartlett's weights
    with the correction of Harvey, Leybourne and Newbold (see `inference.serial`). None for fewer
    than two units."""
    table = units.state.table
    count = len(table)
    if count < 2 or any(gram.infinite[piece.place] for piece in pieces):
        return None
    values = np.zeros((count, models))
    for piece in pieces:
        share = influence(gram, piece, offset)
        if share is None:
            return None
        by, level = share
        b = table[:, 0] if piece.slope.by_rows else table[:, 2 + 2 * piece.place]
        with np.errstate(all="ignore"):
            values[:, piece.model] += by * (table[:, 1 + 2 * piece.place] - level * b)
    if not np.isfinite(values).all():
        return None
    apart = values - values[:, :1]
    degrees, lags, factor = count - 1, 0, count / (count - 1)
    if units.ordered:
        lags = _lags(apart, horizon)
        steps = lags + 1
        degrees = count - 1 if horizon is not None else max(1, math.floor(1.5 * count / steps))
        factor = count / (count + 1 - 2 * steps + steps * (steps - 1) / count)
        degrees = min(degrees, count - 1)

    def covariance(columns: Array) -> Array:
        if units.ordered:
            return long_run_covariance(columns, lags) * count * factor
        found: Array = (columns.T @ columns) * factor
        return found

    errors = np.zeros((models, models))
    for one in range(models):
        for other in range(one):
            pair = (values[:, one] - values[:, other])[:, np.newaxis]
            errors[one, other] = errors[other, one] = _root(covariance(pair)[0, 0])
    own = np.array([_root(covariance(values[:, [one]])[0, 0]) for one in range(models)])
    return Spread(errors, covariance(apart), degrees, own, gram.count, count, lags)


def _root(variance: Any) -> float:
    return math.sqrt(max(float(variance), 0.0))


def _lags(apart: Array, horizon: int | None) -> int:
    """How far neighbours are looked at: horizon - 1, or twice Politis and White's block."""
    most = len(apart) - 2
    if horizon is not None:
        return min(horizon - 1, most)
    lengths = [block_length(column) for column in apart.T[1:]]
    known = [2 * max(1, math.ceil(one.circular)) - 1 for one in lengths if one is not None]
    return min(max(known, default=0), most)
