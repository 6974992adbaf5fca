"""Data sets with a seed: half of them honest, each of the others with one fault that is known here
and nowhere in its files.

Honest predictions are the conditional means (or probabilities) of their targets, so that nothing
is to be found in them; the one exception are probabilities that are too sure, and say so in
`traits`. Every number is drawn from `default_rng([seed, number])`: each set can be made alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

Random: TypeAlias = np.random.Generator
Array: TypeAlias = Any

SETS, SEED = 200, 20240501
FAULTS = ("shift", "targets", "region", "bias", "unit")
REGIONS = ("north", "south", "east", "west", "islands", "capital")
DEVICES = ("phone", "tablet", "desktop", "watch")
NOISES = ("gaussian", "t", "skewed", "growing", "bounded", "counts")
FURTHEST = 8  # rows of a shift
CORRUPTED, FLIPPED = (0.005, 0.03), (0.03, 0.05)  # of the targets; of the labels
TIMES = (2.0, 5.0)  # the error in a bad region
OLDEST = 80


@dataclass(frozen=True)
class Fault:
    """What was planted. `rows` are those of the prediction file; the rest is what a report would
    have to say of it."""

    name: str = ""
    words: str = "nothing"
    rows: frozenset[int] = frozenset()
    shift: int = 0  # rows that predictions stand too late
    region: dict[str, str | float] = field(default_factory=dict)  # a number: from there on
    raises: bool = True  # whether what mends it makes the predictions of `rows` larger,
    away: bool = False  # or farther from 0
    undo: float = 1.0  # the factor that mends a unit
    said: tuple[str, ...] = ()  # words, one of which a note on the unit must hold


@dataclass(frozen=True)
class DataSet:
    """One data set. `pred`, `target` and the `columns` are by row of the prediction file; `order`
    are the rows as the target file has them."""

    number: int
    task: str
    traits: tuple[str, ...]
    pred: Array
    target: Array
    columns: dict[str, Array]
    ids: tuple[str, ...]
    order: Array
    fault: Fault = field(default_factory=Fault)

    @property
    def rows(self) -> int:
        return len(self.pred)

    @property
    def words(self) -> str:
        return f"{self.rows} rows, {self.task}, {', '.join(self.traits)}"

    def write(self, folder: Path) -> list[str]:
        """The two files, as arguments of a command."""
        paths = folder / f"{self.number:03d}-pred.csv", folder / f"{self.number:03d}-target.csv"
        every = range(self.rows)
        key = {"id": self.ids} if self.ids else {}
        _write(paths[0], {**key, "pred": self.pred}, every)
        _write(paths[1], {**key, "target": self.target, **self.columns}, self.order)
        return [*map(str, paths), "--task", self.task, *(["--on", "id"] if self.ids else [])]


def _write(path: Path, columns: dict[str, Any], rows: Any) -> None:
    lines = [",".join(columns)]
    for row in rows:
        cells = (column[row] for column in columns.values())
        lines.append(",".join(one if isinstance(one, str) else f"{one:.8g}" for one in cells))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def names(sets: int, seed: int) -> list[str]:
    """The fault of each set, "" for half of them, every fault about as often."""
    planted = [FAULTS[place % len(FAULTS)] for place in range(sets // 2)]
    random = np.random.default_rng([seed, sets])
    return [str(one) for one in random.permutation(planted + [""] * (sets - len(planted)))]


def planted(number: int, fault: str, seed: int = SEED) -> DataSet:
    """The data set of a number, with a fault or (by "") none."""
    random = np.random.default_rng([seed, number])
    rows = round(10.0 ** random.uniform(2.0, math.log10(5000.0)))
    make = _binary if random.uniform() < 0.25 else _regression
    columns = _columns(random, rows)
    if not (fault == "region" or random.uniform() < 0.6):
        columns = {}
    ids: tuple[str, ...] = ()
    order = np.arange(rows)
    arranged = random.choice(["by number", "ids in order", "ids at random", "ids in two orders"])
    if arranged != "by number":
        known = np.arange(rows) if arranged == "ids in order" else random.permutation(rows)
        ids = tuple(f"r{one:05d}" for one in known)
    if arranged == "ids in two orders":
        order = random.permutation(rows)
    made = make(random, rows, number)
    made = replace(made, columns=columns, ids=ids, order=order, traits=(*made.traits, arranged))
    return PLANT[fault](random, made) if fault else made


def data_sets(sets: int = SETS, seed: int = SEED) -> list[DataSet]:
    """All of them."""
    return [planted(number, fault, seed) for number, fault in enumerate(names(sets, seed))]


# --- honest sets ------------------------------------------------------------------------------


def _columns(random: Random, rows: int) -> dict[str, Array]:
    """Three columns that no target depends on."""
    regions, devices = REGIONS[: random.integers(3, 7)], DEVICES[: random.integers(2, 5)]
    return {
        "region": random.choice(regions, rows, p=random.dirichlet(np.full(len(regions), 4.0))),
        "device": random.choice(devices, rows, p=random.dirichlet(np.full(len(devices), 4.0))),
        "age": random.integers(18, OLDEST + 1, rows),
    }


def _signal(random: Random, rows: int) -> tuple[Array, list[str]]:
    """Of mean 0 and deviation 1: linear or not in three features, which may drift with the row."""
    x = random.normal(size=(rows, 3))
    drifts = bool(random.uniform() < 0.25)
    if drifts:
        for row in range(1, rows):
            x[row] = 0.9 * x[row - 1] + math.sqrt(1.0 - 0.81) * x[row]
    linear = bool(random.uniform() < 0.5)
    weights = random.normal(size=3)
    bent = np.sin(2.0 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.5 * np.square(x[:, 0])
    signal = x @ weights if linear else bent
    said = [("linear" if linear else "nonlinear") + (", a series" if drifts else "")]
    return (signal - signal.mean()) / signal.std(), said


def _regression(random: Random, rows: int, number: int) -> DataSet:
    signal, traits = _signal(random, rows)
    noise = str(random.choice(NOISES))
    explained = random.uniform(0.3, 0.95)
    if noise == "bounded":
        pred = 1.0 / (1.0 + np.exp(-1.2 * signal))
        size = 10.0 ** random.uniform(0.5, 2.0)
        target = random.beta(size * pred, size * (1.0 - pred))
        unit = float(random.choice([1.0, 100.0]))
        pred, target = unit * pred, unit * target
    elif noise == "counts":
        pred = np.exp(math.log(10.0 ** random.uniform(0.3, 2.0)) + 0.6 * signal)
        wider = random.gamma(4.0, 0.25, rows) if random.uniform() < 0.5 else 1.0
        target = random.poisson(pred * wider).astype(float)
    else:
        unit = 10.0 ** random.uniform(-2.0, 4.0)
        level = float(random.choice([0.0, 0.0, 2.0, 10.0]))
        error = _error(random, noise, signal) * math.sqrt(1.0 / explained - 1.0)
        pred, target = unit * (level + signal), unit * (level + signal + error)
    return DataSet(number, "regression", (*traits, f"{noise} noise"), pred, target, {}, (), None)


def _error(random: Random, noise: str, signal: Array) -> Array:
    """Errors of mean 0 and (where there is one) deviation 1."""
    rows = len(signal)
    if noise == "t":
        freedom = random.uniform(2.5, 5.0)
        return random.standard_t(freedom, rows) * math.sqrt((freedom - 2.0) / freedom)
    if noise == "skewed":
        return random.exponential(size=rows) - 1.0
    if noise == "growing":
        return random.normal(size=rows) * np.exp(0.5 * signal) / math.exp(0.25)
    return random.normal(size=rows)


def _binary(random: Random, rows: int, number: int) -> DataSet:
    signal, traits = _signal(random, rows)
    logit = random.uniform(-2.0, 0.5) + random.uniform(1.0, 3.0) * signal
    target = (random.uniform(size=rows) < _chance(logit)).astype(float)
    sure = bool(random.uniform() < 0.3)
    pred = _chance(logit * (random.uniform(1.4, 2.5) if sure else 1.0))
    said = "too sure" if sure else "calibrated"
    return DataSet(number, "binary", (*traits, said), pred, target, {}, (), None)


def _chance(logit: Array) -> Array:
    return np.clip(1.0 / (1.0 + np.exp(-logit)), 1e-7, 1.0 - 1e-7)


def _logit(chance: Array) -> Array:
    return np.log(chance) - np.log1p(-chance)


# --- faults -----------------------------------------------------------------------------------


def _shifted(random: Random, made: DataSet) -> DataSet:
    by = 1 if random.uniform() < 0.6 else int(random.integers(2, FURTHEST + 1))
    by *= int(random.choice([-1, 1]))
    words = f"predictions stand {abs(by)} row(s) too {'late' if by > 0 else 'early'}"
    return replace(made, pred=np.roll(made.pred, by), fault=Fault("shift", words, shift=by))


def _corrupted(random: Random, made: DataSet) -> DataSet:
    low, high = FLIPPED if made.task == "binary" else CORRUPTED
    count = max(1, round(random.uniform(low, high) * made.rows))
    rows = random.choice(made.rows, count, replace=False)
    target = made.target.copy()
    if made.task == "binary":
        how = "labels flipped"
        target[rows] = 1.0 - target[rows]
    else:
        spread = float(target.std())
        how = str(random.choice(["one number for no value", "a decimal lost", "far off"]))
        if how == "one number for no value":
            wild = -999.0
            while abs(wild - target.mean()) < 5.0 * spread:
                wild = 10.0 * wild - 9.0
            target[rows] = wild
        elif how == "a decimal lost":
            target[rows] *= random.choice([10.0, 100.0])
        else:
            away = random.uniform(6.0, 50.0, count) * random.choice([-1.0, 1.0], count)
            target[rows] += spread * away
    fault = Fault("targets", f"{count} targets: {how}", rows=frozenset(rows.tolist()))
    return replace(made, target=target, fault=fault)


def _bad_region(random: Random, made: DataSet) -> DataSet:
    kinds = [("region",), ("device",), ("age",), ("region", "device"), ("device", "age")]
    asked = kinds[random.integers(len(kinds))]
    start = int(random.integers(made.rows))  # the region of some row, so that it is not empty
    region: dict[str, str | float] = {}
    inside = np.ones(made.rows, dtype=bool)
    for column in asked:
        values = made.columns[column]
        if column == "age":
            region[column] = float(random.integers(55, 71))
            inside &= values >= region[column]
        else:
            region[column] = str(values[start])
            inside &= values == region[column]
    times = random.uniform(*TIMES)
    pred = made.pred.copy()
    if made.task == "binary":
        pred[inside] = _worse(made.pred[inside], made.target[inside], times)
    else:
        pred[inside] = made.target[inside] + times * (made.pred - made.target)[inside]
    named = [f"{c} ≥ {v:g}" if isinstance(v, float) else f"{c}={v}" for c, v in region.items()]
    count = int(inside.sum())
    words = f"{' and '.join(named)}: {count} rows with {times:.1f} times the error"
    rows = frozenset(np.flatnonzero(inside).tolist())
    return replace(made, pred=pred, fault=Fault("region", words, rows=rows, region=region))


def _worse(pred: Array, target: Array, times: float) -> Array:
    """Probabilities with so many times the cross entropy: logits shrunk, then turned round."""

    def cost(by: float) -> float:
        chance = _chance(by * _logit(pred))
        return -float(np.log(np.where(target > 0.0, chance, 1.0 - chance)).mean())

    wanted, low, high = times * cost(1.0), -20.0, 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if cost(middle) > wanted else (low, middle)
    return _chance(low * _logit(pred))


def _biased(random: Random, made: DataSet) -> DataSet:
    kind = str(random.choice(["tail", "tail", "shift", "scale"]))
    raises, away = True, kind == "scale"
    rows = np.arange(made.rows)
    if made.task == "binary":
        logit = _logit(made.pred)
        if kind == "tail":
            by = random.uniform(1.0, 2.0)
            rows = np.flatnonzero(made.pred >= np.quantile(made.pred, 0.9))
            logit[rows] -= by
            words = f"the logits of the highest tenth of predictions {by:.2f} too low"
        elif kind == "shift":
            by = random.uniform(0.4, 1.2) * random.choice([-1.0, 1.0])
            logit, raises = logit + by, bool(by < 0.0)
            words = f"logits shifted by {by:+.2f}"
        else:
            by, raises = random.uniform(1.5, 3.0), False
            logit, words = logit * by, f"logits {by:.2f} times too large"
        pred = _chance(logit)
    else:
        pred = made.pred.copy()
        unit = float((made.target - made.pred).std())
        if kind == "tail":
            by = random.uniform(0.5, 2.0)
            rows = np.flatnonzero(made.target >= np.quantile(made.target, 0.9))
            pred[rows] -= by * unit
            words = f"for the highest tenth of targets {by:.2f} deviations of the error too low"
        elif kind == "shift":
            by = random.uniform(0.3, 1.5) * random.choice([-1.0, 1.0])
            pred, raises = pred + by * unit, bool(by < 0.0)
            words = f"shifted by {by:+.2f} deviations of the error"
        else:
            low, high = [(0.7, 0.9), (1.1, 1.4)][random.integers(2)]
            by = random.uniform(low, high)
            pred, raises = pred * by, by < 1.0
            words = f"multiplied by {by:.2f}"
    fault = Fault("bias", words, rows=frozenset(rows.tolist()), raises=raises, away=away)
    return replace(made, pred=pred, fault=fault)


UNITS: dict[str, tuple[float, tuple[str, ...]]] = {
    "thousands": (1000.0, ("1000 times too large",)),
    "thousandths": (0.001, ("1000 times too small",)),
    "per cent for fractions": (100.0, ("100 times too large",)),
    "fractions for per cent": (0.01, ("100 times too small",)),
    "millimetres for centimetres": (10.0, ("10 times too large",)),
    "inches for centimetres": (1.0 / 2.54, ("2.54 times too small",)),
    "miles for kilometres": (1.0 / 1.609344, ("1.60934 times too small",)),
    "radians for degrees": (math.pi / 180.0, ("look like radians where",)),
    "degrees for radians": (180.0 / math.pi, ("look like degrees where",)),
    "Fahrenheit for Celsius": (1.8, ("look like degrees Fahrenheit",)),
    "the other sign": (-1.0, ("look negated",)),
}


def _other_unit(random: Random, made: DataSet) -> DataSet:
    if made.task == "binary":
        kind = str(random.choice(["per cent", "the other class", "logits"]))
        pred = {"per cent": 100.0 * made.pred, "the other class": 1.0 - made.pred,
                "logits": _logit(made.pred)}[kind]  # fmt: skip
        said = {"per cent": ("per cent", "needs pred in [0, 1]"), "logits": ("--from-logits",),
                "the other class": ("classes look exchanged",)}[kind]  # fmt: skip
        fault = Fault("unit", f"{kind} for the probability", said=said)
        return replace(made, pred=pred, fault=fault)
    kind = str(random.choice(list(UNITS)))
    by, said = UNITS[kind]
    pred, target = made.pred, made.target
    if "degrees" in kind:  # angles of the whole circle
        low, wide = float(target.min()), float(np.ptp(target))
        turn = 350.0 if kind == "radians for degrees" else math.radians(350.0)
        pred, target = ((one - low) / wide * turn for one in (pred, target))
    elif kind == "Fahrenheit for Celsius":  # the weather of a year
        mean, spread = float(target.mean()), float(target.std())
        pred, target = (12.0 + 8.0 * (one - mean) / spread for one in (pred, target))
    pred = by * pred + (32.0 if kind == "Fahrenheit for Celsius" else 0.0)
    fault = Fault("unit", kind, undo=1.0 / by, said=said)
    return replace(made, pred=pred, target=target, fault=fault)


PLANT: dict[str, Callable[[Random, DataSet], DataSet]] = {
    "shift": _shifted, "targets": _corrupted, "region": _bad_region, "bias": _biased,
    "unit": _other_unit,
}  # fmt: skip
