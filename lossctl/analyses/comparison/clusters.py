"""Rows that belong together, or follow each other in time: how surely values differ where rows are
not independent."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.analyses.comparison.instants import instants
from lossctl.analyses.comparison.question import Question
from lossctl.analyses.comparison.spread import Piece, Spread, influence
from lossctl.analyses.context import Context
from lossctl.analyses.inference.serial import block_length, long_run_covariance, small_sample
from lossctl.analyses.levels import Coded, Level
from lossctl.arrays import Array, Integers
from lossctl.batch import Batch
from lossctl.errors import DataError, inert
from lossctl.few import Few, FewState
from lossctl.gram import GramState
from lossctl.hashing import mixed
from lossctl.rounds import Rounds
from lossctl.states import TermsOf
from lossctl.units import BUCKETS, MOST, UnitsState, UnitSums

SAMPLE = 1 << 14  # rows that tell where a great many are cut into stretches of time


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

        def where(place: int) -> str:
            row = int(batch.rows[int(np.flatnonzero(codes == place)[0])])
            return f"--time {inert(self.column)} row #{row}"

        return np.array(instants(levels, where), dtype=np.int64)[codes]


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

    text = level if isinstance(level, str) else repr(level)
    kind = b"t" if isinstance(level, str) else b"n"
    data = blake2b(kind + text.encode("utf-8", "replace"), digest_size=8).digest()
    return int(mixed(np.array([int.from_bytes(data, "little") >> 1]))[0] >> np.uint64(1))


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """The sums of one loss by unit; `ordered` in time."""

    state: UnitsState
    ordered: bool


def rounds(
    context: Context, question: Question, terms: tuple[TermsOf, ...]
) -> Rounds[Units | None]:
    """The sums of the terms by cluster, or by time; None where rows are independent. Of more than
    MOST different times neighbours count as one: BUCKETS stretches of time."""
    if question.cluster is not None:
        asked = UnitSums(context.weighing(ClusterOf(question.cluster)), terms)
        return Units((yield (asked,))[asked], False)
    if question.time is None:
        return None
    time = TimeOf(question.time)
    whole = UnitSums(context.weighing(time), terms)
    rows = None if context.like is None else context.like.rows
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
    stretches = UnitSums(context.weighing(StretchOf(time, edges)), terms)
    return Units((yield (stretches,))[stretches], True)


def influences(
    units: UnitsState,
    gram: GramState,
    pieces: Sequence[Piece],
    models: int,
    offset: tuple[float, float],
) -> Array | None:
    """What each unit adds to the deviation of each model's value, (units, models). None for fewer
    than two units, and where a value is infinite."""
    table = units.table
    if len(table) < 2 or any(gram.infinite[piece.place] for piece in pieces):
        return None
    values = np.zeros((len(table), models))
    for piece in pieces:
        share = influence(gram, piece, offset)
        if share is None:
            return None
        by, level = share
        b = table[:, 0] if piece.slope.by_rows else table[:, 2 + 2 * piece.place]
        with np.errstate(all="ignore"):
            values[:, piece.model] += by * (table[:, 1 + 2 * piece.place] - level * b)
    return values if np.isfinite(values).all() else None


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
    count = len(units.state.table)
    values = influences(units.state, gram, pieces, models, offset)
    if values is None:
        return None
    if not units.ordered:
        factor = count / (count - 1)
        return _spread(values, gram.count, count - 1, lambda two: two.T @ two * factor)
    lags = _lags(values, horizon)
    if horizon is not None and horizon >= count:
        raise DataError(
            f"--horizon is {horizon}, and there are {count} times", "take a smaller one"
        )
    degrees = count - 1 if horizon is not None else math.floor(1.5 * count / (lags + 1))
    found = _in_time(values, gram.count, lags, min(max(degrees, 1), count - 1))
    if horizon is None:
        return found
    free = _in_time(values, gram.count, _lags(values, None), count - 1)
    pairs = zip(free.errors.flat, found.errors.flat, strict=True)
    wider = max((one / other for one, other in pairs if other > 0.0), default=1.0)
    return replace(found, wider=float(wider))


def _in_time(values: Array, rows: int, lags: int, degrees: int) -> Spread:
    """Of units in order, of which so many neighbours count."""
    factor = len(values) * small_sample(len(values), lags + 1)
    found = _spread(values, rows, degrees, lambda two: long_run_covariance(two, lags) * factor)
    return replace(found, lags=lags)


def _spread(values: Array, rows: int, degrees: int, covariance: Callable[[Array], Array]) -> Spread:
    """From every unit's influence on every model's value, (units, models)."""
    models = values.shape[1]
    errors = np.zeros((models, models))
    for one in range(models):
        for other in range(one):
            pair = (values[:, one] - values[:, other])[:, np.newaxis]
            errors[one, other] = errors[other, one] = _root(covariance(pair)[0, 0])
    own = np.array([_root(covariance(values[:, [one]])[0, 0]) for one in range(models)])
    apart = values - values[:, :1]
    with_first = covariance(np.hstack([values[:, :1], apart]))
    return Spread(errors, covariance(apart), degrees, own, with_first[0, 1:], rows, len(values))


def _root(variance: Any) -> float:
    return math.sqrt(max(float(variance), 0.0))


def _lags(values: Array, horizon: int | None) -> int:
    """How far neighbours are looked at: horizon - 1, or twice Politis and White's block.

    With 1.5 n / (lags + 1) degrees of freedom (Priestley 1981) 95 % intervals of AR(1) series with
    coefficients 0.3 to 0.7 cover 94 to 95 % from 250 rows on, and 93 to 94 % of 100; with half the
    lags and n - 1 degrees it is 93 % of 500 rows, and 87 to 92 % of 100.
    """
    most = len(values) - 2
    if horizon is not None:
        return min(horizon - 1, most)
    apart = values[:, 1:] - values[:, :1]
    lengths = [block_length(column) for column in apart.T]
    known = [2 * max(1, math.ceil(one.circular)) - 1 for one in lengths if one is not None]
    return max(0, min(max(known, default=0), most))
