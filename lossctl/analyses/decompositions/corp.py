"""Scores as miscalibration, discrimination and uncertainty (CORP: Dimitriadis, Gneiting and
Jordan 2021): score = MCB - DSC + UNC.

The forecasts are recalibrated by isotonic regression. What that gains is miscalibration; what
the recalibrated ones gain on one constant is discrimination; the constant's score is uncertainty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lossctl.analyses import skill
from lossctl.analyses.context import Context
from lossctl.analyses.decompositions.isotonic import (
    Atoms,
    Divergence,
    block_starts,
    discrimination,
    recalibrated,
)
from lossctl.analyses.wording import short
from lossctl.arrays import Array, Integers
from lossctl.batch import Batch
from lossctl.exact import ONE, exact, ratio
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.moments import Moments
from lossctl.numerics import poisson_gap, xlogy
from lossctl.probabilities import binary_probabilities
from lossctl.ranges import sortable, value_of
from lossctl.report import Column, Json, Part, Table
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import Sums
from lossctl.terms import ColumnTerms, LossTerms, RoleColumn, WeightColumn

ATOMS = 4096  # different forecasts that are kept; more are quantised
BITS = 52  # of a float's fraction
RESAMPLES = 400
SEED = 20210223
GROUPS = 10
ROUNDING = 1e-12  # of the variance: nothing below it is told apart
FEWEST = 30  # rows below which nothing is called miscalibrated
KINDS = {
    "mean_squared_error": "squares",
    "root_mean_squared_error": "squares",
    "brier": "brier",
    "binary_cross_entropy": "logarithm",
    "poisson_deviance": "poisson",
}


@dataclass(frozen=True, slots=True)
class Level:
    """The forecast of each row as a whole number, of which only `bits` of the fraction are kept.

    `folded`: probabilities of a half and more by what they lack of 1, so that both ends are
    resolved alike.
    """

    role: str
    folded: bool
    bits: int = BITS

    def __call__(self, batch: Batch) -> Integers:
        values = RoleColumn(self.role)(batch)
        if self.folded:
            values = np.where(values < 0.5, values, np.minimum(values - 1.0, -LEAST))
        return sortable(values) >> (BITS - self.bits)

    def forecast(self, key: int) -> float:
        """The middle of the forecasts of a key."""
        shift = BITS - self.bits
        value = value_of((key << shift) + ((1 << shift) >> 1))
        return 1.0 + value if self.folded and value < 0.0 else value


LEAST = 5e-324  # stands for what 1 lacks of 1: as a key it is no 0


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The miscalibration that calibrated forecasts of this size show: mean, 5, 95 and 99 %."""

    mean: float
    low: float
    high: float
    most: float


@dataclass(frozen=True, slots=True, eq=False)
class Corp:
    """score = mcb - dsc + unc. `bits` is BITS where no forecast was quantised; else mcb and dsc
    are those of forecasts of so many bits, and both too small by at most `bound` (None: not
    known)."""

    score: float
    mcb: float
    dsc: float
    unc: float
    bits: int
    bound: float | None
    calibrated: Calibrated | None
    atoms: Atoms

    @property
    def exact(self) -> bool:
        return self.bits == BITS


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """One part per loss, for means and probabilities of one output."""
    if not context.decompose or not fits(context, spec):
        return None
    found = yield from corp_rounds(context, spec)
    if found is None:
        return None
    first = next(one for one in context.specs if fits(context, one))
    shown = table(found) if spec == first else None  # the forecasts are those of all losses
    return Part(f"calibration {spec.brief or spec}", sentence(spec, found), data(found), shown)


def fits(context: Context, spec: Spec) -> bool:
    """Whether it is one of the losses that are taken apart here, as they are by default."""
    kind, told = KINDS.get(spec.loss.name), spec.all_settings
    if kind is None or context.outputs > 1 or not {"pred", "target"} <= context.single:
        return False
    if spec.loss.name == "root_mean_squared_error":
        return not any(one.loss.name == "mean_squared_error" for one in context.specs)
    if kind == "squares":
        return context.point is not None
    return kind != "logarithm" or (told["pos_weight"] == 1.0 and told["label_smoothing"] == 0.0)


def corp_rounds(context: Context, spec: Spec, most: int = ATOMS) -> Rounds[Corp | None]:
    """One pass; one more where there are more than `most` forecasts. None where a value is not
    finite, or no constant has a score."""
    kind = KINDS[spec.loss.name]
    logits = bool(spec.all_settings.get("from_logits", False))
    weight = WeightColumn() if context.weighted else None
    outcome = ColumnTerms(RoleColumn("target"), weight)
    level = Level("pred", kind in ("brier", "logarithm") and not logits)
    squares = kind == "squares" and weight is None
    finest = KeyedSums(level, outcome, squares, most=most)
    coarse = Level(level.role, level.folded, 0)
    coarsest = KeyedSums(coarse, outcome, most=max(most, ATOMS))
    sums, spread = Sums(LossTerms(spec), context.moments), Moments(RoleColumn("target"), weight)
    states = yield (sums, spread, finest, coarsest)
    score, moments, kept = states[sums], states[spread], states[finest]
    if score.infinite or moments.infinite or not score.b:
        return None
    if score.mean <= ROUNDING * moments.variance():
        return None  # perfect: what is left is rounding
    if kept.overfull:  # as many bits as surely fit
        counts = np.array([one.count for one in states[coarsest].groups.values()])
        fitting = [b for b in range(BITS) if np.minimum(counts, 2.0**b).sum() <= most]
        level = Level(level.role, level.folded, max(fitting, default=0))
        quantised = KeyedSums(level, outcome, squares, most=max(most, ATOMS))
        kept = (yield (quantised,))[quantised]
    factor = 2.0 if kind == "brier" and spec.all_settings["scale_by_half"] is False else 1.0
    if kind == "poisson":
        reference = yield from skill.rounds(context, spec)
        if reference is None or reference.total is None:
            return None
        unc = ratio(reference.total, score.b)
    elif kind == "logarithm":
        unc = float(_binary_entropy(np.array([moments.mean]))[0])
    else:
        unc = factor * moments.variance()
    atoms = _atoms(kept, level, logits)
    if not len(atoms.w) or (kind == "poisson" and not sum(atoms.wy)):
        return None
    gain = DIVERGENCES[kind]
    dsc = factor * discrimination(recalibrated(atoms, positive=kind == "poisson"), gain)
    binary = kind in ("brier", "logarithm")
    zero_one = binary and moments.w and moments.wx == moments.wxx
    bound = None
    if zero_one and level.bits < BITS:
        bound = max(factor * discrimination(recalibrated(_parted(atoms)), gain) - dsc, 0.0)
    known = weight is None and (zero_one or kind == "squares")
    return Corp(
        score=score.mean, mcb=score.mean - unc + dsc, dsc=dsc, unc=unc, bits=level.bits,
        bound=bound, atoms=atoms,
        calibrated=_expected(atoms, kind, factor) if known else None,
    )  # fmt: skip


def _atoms(state: KeyedState, level: Level, logits: bool) -> Atoms:
    groups = [(level.forecast(key), sums) for key, sums in state.groups.items()
              if isinstance(key, int) and sums.b]  # fmt: skip
    groups.sort(key=lambda pair: pair[0])
    forecast = np.array([value for value, _ in groups])
    if logits:
        forecast = binary_probabilities(forecast, from_logits=True)[0]
    each = [sums for _, sums in groups]
    rows = np.array([sums.nonzero for sums in each], dtype=np.int64)
    squares = [sums.aa for sums in each]
    return Atoms(forecast, rows, [sums.b for sums in each], [sums.a for sums in each], squares)


def _parted(atoms: Atoms) -> Atoms:
    """Each atom's zeros before its ones: no order inside it would be recalibrated better."""
    w = [part for all_of, ones in zip(atoms.w, atoms.wy, strict=True)
         for part in (all_of - ones, ones)]  # fmt: skip
    wy = [part for ones in atoms.wy for part in (0, ones)]
    kept = [place for place, weight in enumerate(w) if weight]
    return Atoms(
        np.repeat(atoms.forecast, 2)[kept],
        np.repeat(atoms.rows, 2)[kept],
        [w[place] for place in kept],
        [wy[place] for place in kept],
    )


# --- what each score makes of a mean m where the overall mean is the constant -------------------


def _squares(means: Array, constant: float) -> Array:
    return np.square(means - constant)


def _logarithms(means: Array, constant: float) -> Array:
    inside = 0.0 < constant < 1.0
    if not inside:
        return np.zeros_like(means)
    return xlogy(means, means / constant) + xlogy(1.0 - means, (1.0 - means) / (1.0 - constant))


def _deviances(means: Array, constant: float) -> Array:
    return 2.0 * poisson_gap(means, np.full_like(means, constant))


DIVERGENCES: dict[str, Divergence] = {
    "squares": _squares,
    "brier": _squares,
    "logarithm": _logarithms,
    "poisson": _deviances,
}


def _binary_entropy(p: Array) -> Array:
    return 0.0 - (xlogy(p, p) + xlogy(1.0 - p, 1.0 - p))


# --- what calibrated forecasts show -------------------------------------------------------------


def _expected(atoms: Atoms, kind: str, factor: float) -> Calibrated:
    """The miscalibration of outcomes drawn from the forecasts themselves: of zeros and ones by
    their probability; of other numbers with the errors that they have there, as likely above as
    below (the wild bootstrap of Liu 1988), so that errors may grow with the forecast."""
    rng = np.random.default_rng(SEED)
    p, rows = atoms.forecast, atoms.rows
    shares = rows / rows.sum()
    size = (RESAMPLES, rows.size)
    if kind == "squares":
        # The mean of several errors is nearly normal.
        sides = np.where(rows == 1, rng.integers(0, 2, size) * 2.0 - 1.0, rng.normal(size=size))
        drawn = p + np.sqrt(_squared_errors(atoms)) / rows * sides
    else:
        p = np.clip(p, 0.0, 1.0)
        drawn = rng.binomial(rows, p, size=size) / rows
    found = np.array([_miscalibration(p, means, shares, kind) for means in drawn])
    shown = (found.mean(), *np.quantile(found, [0.05, 0.95, 0.99]))
    return Calibrated(*(factor * float(one) for one in shown))


def _squared_errors(atoms: Atoms) -> Array:
    """The sum of (y - p)**2 of each atom."""
    found = []
    for p, w, wy, wyy in zip(
        map(exact, atoms.forecast.tolist()), atoms.w, atoms.wy, atoms.wyy, strict=True
    ):
        found.append(ratio(wyy * ONE - 2 * p * wy + p * p * w // ONE, ONE * ONE))
    return np.array(found)


def _miscalibration(p: Array, means: Array, shares: Array, kind: str) -> float:
    starts = block_starts(means, shares)
    fitted = np.add.reduceat(shares * means, starts) / np.add.reduceat(shares, starts)
    of_each = np.repeat(fitted, np.diff(np.append(starts, p.size)))
    if kind == "logarithm":
        of_each = np.clip(of_each, 0.0, 1.0)
        gain = xlogy(means, of_each) + xlogy(1.0 - means, 1.0 - of_each)
        gain -= xlogy(means, p) + xlogy(1.0 - means, 1.0 - p)
    else:
        gain = np.square(p - means) - np.square(of_each - means)
    return float((shares * gain).sum())


# --- in words -----------------------------------------------------------------------------------


def data(found: Corp) -> Json:
    """The numbers, as JSON."""
    expected = found.calibrated
    return {
        "score": found.score,
        "MCB": found.mcb,
        "DSC": found.dsc,
        "UNC": found.unc,
        "exact": found.exact,
        "bits": found.bits,
        "bound": found.bound,
        "calibrated": None
        if expected is None
        else {
            "mean": expected.mean,
            "low": expected.low,
            "high": expected.high,
            "most": expected.most,
        },
    }


def sentence(spec: Spec, found: Corp) -> str:
    """`brier 0.206 = 0.0644 miscalibration (...) - 0.101 discrimination + 0.243 uncertainty`."""
    about = "" if found.exact else "~"
    name = "mse" if spec.loss.name == "root_mean_squared_error" else spec.brief or str(spec)
    expected, verdict = found.calibrated, ""
    usual = ""
    if expected is not None:
        size = "with errors of this size" if KINDS[spec.loss.name] == "squares" else "of this size"
        usual = (
            f" (a calibrated model {size} shows {short(expected.mean)}, 90 % of the time "
            f"{short(expected.low)} … {short(expected.high)})"
        )
        if found.mcb <= expected.most:
            verdict = ": no evidence of miscalibration"
        elif int(found.atoms.rows.sum()) >= FEWEST:
            verdict = ": the forecasts are miscalibrated"
    text = (
        f"{name} {short(found.score)} = {about}{short(found.mcb)} miscalibration{usual} - "
        f"{about}{short(found.dsc)} discrimination + {short(found.unc)} uncertainty{verdict}"
    )
    if found.exact:
        return text
    bound = "" if found.bound is None else f", both too small by at most {found.bound:.2g}"
    return f"{text} (~ of forecasts rounded to {found.bits} bits{bound})"


def table(found: Corp) -> Table:
    """Forecast against outcome, in groups of about as many rows."""
    columns = (
        Column("forecast", "value"),
        Column("observed", "value"),
        Column("rows", "count", 1),
    )
    groups = found.atoms.pooled(_groups(found.atoms.rows))
    lines = zip(groups.forecast.tolist(), groups.means().tolist(), groups.rows.tolist(),
                strict=True)  # fmt: skip
    return Table(columns, tuple(lines))


def _groups(rows: Integers) -> Integers:
    """Where groups of about a tenth of the rows begin."""
    before = np.cumsum(rows) - rows
    place = np.floor(GROUPS * (before + 0.5 * rows) / max(int(rows.sum()), 1)).astype(np.int64)
    return np.flatnonzero(np.diff(place, prepend=-1))
