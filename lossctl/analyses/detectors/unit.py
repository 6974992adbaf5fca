"""Two units: predictions that are right but for a factor, a scale of temperature or a logarithm."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.detectors.line import straight
from lossctl.analyses.detectors.record import Detector
from lossctl.analyses.detectors.sides import (
    Pair,
    correlation,
    drifting,
    points,
    related,
)
from lossctl.analyses.detectors.trial import (
    FEWEST,
    MUCH,
    SURE,
    Trial,
    judge,
    standard_errors,
    wrong,
)
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.report import Note
from lossctl.spec import Spec

USELESS = 0.8  # of the targets' variance: what errors there are without the right unit
NEAR = 0.05  # how nearly the means must have the factor, where it is small
LARGE = 30.0  # a factor that nobody's shrinkage makes, so that it shows without the means
TENFOLD = 10.0  # a factor that no bias makes, where the means show it
SLOPE = (0.06, 0.03)  # of targets on predictions: how nearly 1, and how well known
TURN = (0.15, 0.1)  # the same, where ranges show angles
# Factors by which one side is larger, and what they are.
FACTORS = {
    10.0: "millimetres and centimetres",
    100.0: "per cent against fractions",
    1000.0: "thousands, or kilo- and milli-",
    1e6: "millions, or mega- and micro-",
    10000.0: "basis points",
    60.0: "minutes and seconds, or hours and minutes",
    3600.0: "hours and seconds",
    24.0: "days and hours",
    86400.0: "days and seconds",
    3.6: "km/h and m/s",
    1.609344: "miles and kilometres",
    2.20462262: "kilograms and pounds",
    3.28083990: "metres and feet",
    2.54: "inches and centimetres",
    4.184: "calories and joules",
}
# Degrees: the value of Celsius' 0, how many make one of Celsius, and what things have of them.
HEAT = {
    "Celsius": (0.0, 1.0, (-90.0, 120.0)),
    "Fahrenheit": (32.0, 1.8, (-130.0, 250.0)),
    "Kelvin": (273.15, 1.0, (180.0, 400.0)),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What the squared error must come to: a part of the targets' variance, and how much of it
    must fall."""

    good: float
    much: float


STRICT, PLAIN, LENIENT = Limits(0.35, MUCH), Limits(0.35, 0.8 * MUCH), Limits(0.9, 0.8 * MUCH)


@dataclass(frozen=True, slots=True)
class Reading:
    """What predictions may be: in words, and how they are brought to the targets' unit."""

    words: str
    convert: Callable[[Array], Array]
    fits: Callable[[Pair, Array], Limits | None]  # by other evidence, of the converted values
    ranged: bool = False  # whether both sides have ranges of this reading alone


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A reading that convinces: each row's squared error by it, and what is said."""

    errors: Array
    ranged: bool
    said: str


def detect(context: Context, batch: Batch) -> Note | None:
    """`predictions look 100 times too small (per cent against fractions): so read mse is …`."""
    spec = judge(context, batch)
    if spec is None or batch.count < FEWEST:
        return None
    for pair in points(context, batch):
        variance = float(np.square(pair.target - pair.target.mean()).mean())
        now = float(np.square(pair.pred - pair.target).mean())
        if not (0.0 < variance < math.inf and USELESS * variance <= now < math.inf):
            continue
        found = list(_better(spec, batch, pair, now, variance))
        if found:
            where = "" if pair.output is None else f" of output {pair.output}"
            return wrong(f"predictions{where} {_best(found).said}")
    return None


def _best(found: Iterable[Found]) -> Found:
    """The one with the least error; of angles, 57.3 rather than a factor beside it (60), unless
    that is surely better."""
    ordered = sorted(found, key=lambda one: float(one.errors.mean()))
    for one in ordered:
        if one.ranged and standard_errors(one.errors - ordered[0].errors) < SURE:
            return one
    return ordered[0]


def _better(spec: Spec, batch: Batch, pair: Pair, now: float, variance: float) -> Iterator[Found]:
    """Each reading that convinces."""
    for reading in _readings():
        pred = reading.convert(pair.pred)
        errors = np.square(pred - pair.target)
        then = float(errors.mean())
        if not then < min(variance, now):
            continue
        limits = reading.fits(pair, pred)
        if limits is None or then > min(limits.good * variance, (1.0 - limits.much) * now):
            continue
        trial = Trial(spec, batch, pair.read_as(batch, pred))
        several = pair.output is not None  # then the other outputs keep their cost
        if trial.sure >= SURE and (trial.fall >= limits.much / 2 or several):
            said = f"{reading.words}: so read they make {trial.said}"
            yield Found(errors, reading.ranged, said)


def _readings() -> Iterator[Reading]:
    for factor, meaning in FACTORS.items():
        for times, word in ((factor, "small"), (1.0 / factor, "large")):
            words = f"look {factor:g} times too {word} ({meaning}?)"
            yield Reading(words, partial(np.multiply, times), partial(_scaled, factor))
    for given, wanted, times in (
        ("degrees", "radians", math.pi / 180.0),
        ("radians", "degrees", 180.0 / math.pi),
    ):
        words = f"look like {given} where targets are {wanted}"
        fits = partial(_angles, given == "radians")
        yield Reading(words, partial(np.multiply, times), fits, ranged=True)
    for given in HEAT:
        for wanted in HEAT:
            if given != wanted:
                words = f"look like degrees {given} where targets are {wanted}"
                yield Reading(words, partial(_heat, given, wanted), partial(_warm, given, wanted))
    for words, convert in (
        ("look like logarithms of the targets' kind", np.exp),
        ("look like logarithms of 1 + the targets' kind", np.expm1),
        ("look like numbers of which targets are the logarithms", np.log),
        ("look like numbers of which targets are the logarithms of 1 + them", np.log1p),
    ):
        yield Reading(words, convert, _curved)


def _scaled(factor: float, pair: Pair, pred: Array) -> Limits | None:
    """Where means (and of large factors, spreads or the line) agree once the factor is gone."""
    spread, mean = float(pair.target.std()), float(pair.target.mean())
    level = abs(mean) >= 0.5 * spread and abs(float(pred.mean()) - mean) <= NEAR * abs(mean)
    if factor >= LARGE:
        alike = _same_spread(pair, pred, 0.5 if level else 0.05)
        return LENIENT if alike or straight(pred, pair.target, *SLOPE) else None
    if not level or _drifts(pair):
        return None
    if straight(pred, pair.target, *SLOPE):
        return LENIENT if factor >= TENFOLD else PLAIN
    return STRICT if _same_spread(pair, pred, 0.3) else None


def _drifts(pair: Pair) -> bool:
    """Whether both are series that go together no more than two walks do."""
    return drifting(pair) and related(pair) < SURE


def _same_spread(pair: Pair, pred: Array, within: float) -> bool:
    return abs(float(pred.std()) / float(pair.target.std()) - 1.0) <= within


def _angles(degrees: bool, pair: Pair, pred: Array) -> Limits | None:
    small, large = (pair.pred, pair.target) if degrees else (pair.target, pair.pred)
    if not (np.abs(small).max() <= 6.3 and 60.0 < np.abs(large).max() <= 361.0):
        return None
    off, mean = abs(float(pred.mean() - pair.target.mean())), abs(float(pair.target.mean()))
    met = off <= max(NEAR * mean, 0.1 * float(pair.target.std()))
    if met and straight(pred, pair.target, *TURN):
        return LENIENT
    return STRICT if _same_spread(pair, pred, 0.15) else None


def _heat(given: str, wanted: str, pred: Array) -> Array:
    (zero, step, _), (other_zero, other_step, _) = HEAT[given], HEAT[wanted]
    return (pred - zero) / step * other_step + other_zero


def _warm(given: str, wanted: str, pair: Pair, pred: Array) -> Limits | None:
    """Where both sides are temperatures that things have, and meet to a degree or so."""
    for name, values in ((given, pair.pred), (wanted, pair.target)):
        low, high = HEAT[name][2]
        if values.min() < low or values.max() > high:
            return None
    off = abs(float(pred.mean() - pair.target.mean()))
    met = off <= max(1.0, 0.2 * float(pair.target.std()))
    return STRICT if met and _same_spread(pair, pred, 0.3) else None


def _curved(pair: Pair, pred: Array) -> Limits | None:
    """Where both sides have the spread of one unit, over more than a factor of e."""
    spans = max(float(np.ptp(pair.target)), float(np.ptp(pair.pred))) >= 10.0
    bent = correlation(pred, pair.target) > correlation(pair.pred, pair.target)
    return STRICT if spans and bent and _same_spread(pair, pred, 0.3) else None


DETECTOR = Detector("unit", detect)
