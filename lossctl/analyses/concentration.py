"""Concentration: how few samples make most of a loss, and whether its mean can be estimated.

What needs all values at once is said of the leading loss of no more than `FULL` rows, and of every
loss where everything is wanted. Effective n is Kish's (sum)**2 / sum of squares; the tail index is
that of Zhang and Stephens (2009) with the weak prior of Vehtari et al. (2024, Pareto smoothed
importance sampling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses import lorenz
from lossctl.analyses.context import LONG, Context
from lossctl.analyses.held import Held
from lossctl.analyses.lorenz import Lorenz
from lossctl.arrays import Array
from lossctl.exact import UNIT, Exact, ratio, times
from lossctl.ranges import LIMIT, Range, key_of
from lossctl.report import Column as TableColumn
from lossctl.report import Json, Part, Table
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.selection import Like, fewest_for, fewest_of, largest
from lossctl.spec import Spec
from lossctl.states import Column, Sums, SumsState
from lossctl.terms import Contribution, LossTerms, TailSize, Weighing

TRUSTED = 0.5  # from this tail index on, the variance is infinite
HANDFUL = 5  # rows that make nearly all of a loss, by effective n
FEWEST = 100  # rows below which the tail index says nothing
FULL = 1 << 17  # rows up to which all values of the leading loss are looked at in any case

# The Gini coefficient of |e| and of e**2 where errors are Gaussian.
ABSOLUTE = math.sqrt(2.0) - 1.0
SQUARED = 2.0 / math.pi
_GAUSSIAN = {
    "mean_absolute_error": ABSOLUTE,
    "l1_norm": ABSOLUTE,
    "mean_squared_error": SQUARED,
    "half_mean_squared_error": SQUARED,
    "root_mean_squared_error": SQUARED,
    "l2_norm": SQUARED,
}


@dataclass(frozen=True, slots=True)
class Wide:
    """How few rows make 80 % and 90 %, and all of the curve."""

    k80: int
    k90: int
    lorenz: Lorenz


@dataclass(frozen=True, slots=True)
class Concentration:
    """Of one loss; `half` and `effective` only where its samples have shares."""

    half: int | None
    effective: float | None
    khat: float | None
    rows: int
    wide: Wide | None = None

    @property
    def few(self) -> bool:
        """Whether a handful of rows makes nearly all of it."""
        return self.effective is not None and self.effective < min(HANDFUL, self.rows / 4)

    @property
    def trusted(self) -> bool:
        """Whether an interval can be believed."""
        return not self.few and (self.khat is None or self.khat < TRUSTED)


def rounds(context: Context, spec: Spec) -> Rounds[Concentration | None]:
    """None for a loss that is no sum over rows, or whose values are not all finite."""
    if context.outputs > 1 and not context.adds_up(spec):
        return None
    if spec.reduction.name in ("max", "median") or (spec.shares and spec.direction == "max"):
        return None
    sums = Sums(LossTerms(spec), context.moments)
    if not spec.shares:
        questions: list[Rounds[Any]] = [
            one_state(sums),
            tail_index(TailSize(spec), sums, context.like),
        ]
        state, tail = yield from in_step(questions)
        return None if state.infinite else Concentration(None, None, tail, state.count)
    state, half, tail, wide = yield from _of_shares(context, spec, sums, 0)
    if state.infinite or state.a <= 0:
        return None
    shift = shift_of(state)
    if shift:
        state, half, tail, wide = yield from _of_shares(context, spec, sums, shift)
    effective = ratio(state.a * state.a, state.aa << UNIT) if state.aa else None
    return Concentration(half, effective, tail, state.count, wide)


def _of_shares(context: Context, spec: Spec, sums: Sums, shift: int) -> Rounds[list[Any]]:
    """The sums, how few rows make half of them, the tail index, and the rest of the curve."""
    column = Contribution(spec, shift, counted=True)
    questions: list[Rounds[Any]] = [
        one_state(sums),
        fewest_for(column, sums, lambda state: _goal(state, shift, 1, 2), context.like),
        tail_index(column, _counted(context, spec, sums), context.like),
        _wide(context, spec, column, sums, shift),
    ]
    return (yield from in_step(questions))


def _goal(state: SumsState, shift: int, part: int, of: int) -> Exact | None:
    """A part of the sum, rounded up."""
    unfit = state.infinite or state.a <= 0 or shift_of(state) != shift
    return None if unfit else -(-times(state.a, shift) * part // of)


def _wide(
    context: Context, spec: Spec, column: Contribution, sums: Sums, shift: int
) -> Rounds[Wide | None]:
    """None where it is not wanted."""
    leading, like = spec == context.leading, context.like
    if not (leading or context.decompose):
        return None
    held = Held(column, LIMIT if context.decompose else FULL)
    rows = None if like is None else like.rows
    now = rows is None or rows <= held.most
    states = yield (sums, held) if now else (sums,)
    state: SumsState = states[sums]
    k80, k90 = (_goal(state, shift, part, 10) for part in (8, 9))
    if k80 is None or k90 is None:
        return None
    absent = state.count - state.nonzero if by_weight(context, spec) else 0
    if state.count <= held.most:
        ordered = (states if now else (yield (held,)))[held].ordered()
        zeros = int(np.searchsorted(ordered, 0.0, side="right"))
        down = ordered[::-1]
        curve = lorenz.of_values(ordered, min(absent, zeros))
        return Wide(fewest_of(down, k80), fewest_of(down, k90), curve)
    if not context.decompose:
        return None
    total = times(state.a, shift)
    low, high = lorenz.within(total, state.count)
    bins = Range(column, key_of(low), key_of(high) + 1)
    asked: list[Rounds[Any]] = [
        one_state(bins),
        fewest_for(column, sums, lambda _: k80, like, 0.8),
        fewest_for(column, sums, lambda _: k90, like, 0.9),
    ]
    binned, most, more = yield from in_step(asked)
    return Wide(most, more, lorenz.of_bins(binned, total, absent))


def by_weight(context: Context, spec: Spec) -> bool:
    """Whether a row counts by its weight alone."""
    own = spec.named_reduction in spec.loss.divisors
    return context.weighted and not spec.reduction.pairs and not own


def _counted(context: Context, spec: Spec, sums: Sums) -> Sums:
    """Sums whose count is that of the rows that weigh anything, where weight is what counts."""
    weighs = by_weight(context, spec)
    return Sums(Weighing(LossTerms(spec)), context.moments) if weighs else sums


def shift_of(state: SumsState) -> int:
    """Where squares leave float64's range, a common power of two that brings them back."""
    size = state.a.bit_length() - UNIT
    return 0 if -400 < size < 1000 else -size


def tail_index(column: Column, sums: Sums, like: Like | None) -> Rounds[float | None]:
    """The tail index of a column; None where it says nothing."""
    found = yield from tail_values(column, sums, like)
    return index_of(found)


def tail_values(column: Column, sums: Sums, like: Like | None) -> Rounds[Array]:
    """The largest values of a column, ascending: the tail, and before it the one where it begins;
    none of few rows."""
    return (yield from largest(column, sums, _tail_rows, like))


def index_of(found: Array) -> float | None:
    """The tail index of such values; None where it says nothing."""
    if not found.size or not np.isfinite(found).all():
        return None
    fit = pareto_fit(found[1:], float(found[0]))
    return None if fit is None else fit.khat


def _tail_rows(count: int) -> int:
    """The rows of the tail, and the one before it."""
    return tail_length(count) + 1 if count >= FEWEST else 0


def tail_length(count: int) -> int:
    """How many of the largest values make the tail."""
    return int(min(count / 5, 3 * math.sqrt(count))) if count > 5 else count - 1


@dataclass(frozen=True, slots=True)
class Tail:
    """A generalised Pareto distribution fitted to a tail: its shape and its scale.

    khat < 0.5: fine; 0.5 and more: infinite variance; 1 and more: no mean.
    """

    khat: float
    sigma: float


def pareto_fit(tail: Array, cutoff: float) -> Tail | None:
    """The fit to `tail` (ascending) above `cutoff`.

    None for a tail of fewer than five values or without spread.
    """
    excess = np.sort(tail) - cutoff
    n = excess.size
    if n < 5 or not 0.0 < excess[-1] < math.inf:
        return None
    unit = float(excess[-1])
    excess = excess / unit  # the shape has no unit, and small or large ones leave float64's range
    quarter = float(excess[int(n / 4 + 0.5) - 1])
    if quarter <= 0.0:
        return None
    prior_scale, prior_k = 3.0, 10.0
    grid = 30 + int(n**0.5)
    with np.errstate(all="ignore"):  # what is not finite has no weight
        b = 1.0 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))
        b = b / (prior_scale * quarter) + 1.0
        k = np.array([np.log1p(-candidate * excess).mean() for candidate in b])
        likelihood = n * (np.log(-(b / k)) - k - 1.0)
        likelihood = np.where(np.isfinite(likelihood), likelihood, -np.inf)
        weights = 1.0 / np.exp(likelihood - likelihood[:, np.newaxis]).sum(axis=1)
        real = weights >= 10.0 * np.finfo(float).eps
        posterior = float(np.sum(b[real] * weights[real]) / weights[real].sum())
        shape = float(np.log1p(-posterior * excess).mean())
    khat = (n * shape + prior_k * 0.5) / (n + prior_k)
    if not math.isfinite(khat) or posterior == 0.0:
        return None
    return Tail(khat, -shape / posterior * unit)


def gaussian(context: Context, spec: Spec) -> float | None:
    """The Gini coefficient that Gaussian errors give a loss; None where that means nothing."""
    if context.point is None or context.outputs > 1 or context.weighted:
        return None
    return _GAUSSIAN.get(spec.loss.name)


def part(context: Context, found: dict[str, Concentration], rows: int) -> Part | None:
    """What is left to say beside the losses table: effective n, Gini, and all of it as a table
    where everything is wanted."""
    leading = found.get(str(context.leading))
    if leading is None or leading.half is None:
        return None
    specs = {str(spec): spec for spec in context.specs}
    data = {
        "losses": {spec: _data(context, specs[spec], one) for spec, one in found.items()}
    }  # fmt: skip
    name = (
        context.leading.brief if len(context.leading.brief) <= LONG else context.leading.loss.label
    )
    text = f"half of {name} in {leading.half} of {rows} rows ({_few(leading.half / rows)})"
    if leading.wide is not None and leading.wide.k90 > leading.half:
        text += f", 90 % in {leading.wide.k90}"
    if leading.effective is not None:
        text += f"; effective n {leading.effective:.4g}"
    if leading.wide is not None:
        text += f"; Gini {_about(leading.wide.lorenz)}"
        reference = gaussian(context, context.leading)
        text += "" if reference is None else f" (Gaussian errors: {reference:.2f})"
    return Part("concentration", text, data, _table(context, found) if context.decompose else None)


def _data(context: Context, spec: Spec, one: Concentration) -> Json:
    data: Json = {"half": one.half, "effective_n": one.effective, "khat": one.khat}
    if one.wide is not None:
        curve = one.wide.lorenz
        data |= {
            "k80": one.wide.k80,
            "k90": one.wide.k90,
            "gini": curve.gini,
            "gini_bound": curve.bound,
            "gini_gaussian": gaussian(context, spec),
            "tenths": list(curve.tenths),
            "tenths_bound": curve.tenths_bound,
        }
    return data


def _table(context: Context, found: dict[str, Concentration]) -> Table | None:
    """One row for each loss whose samples have shares."""
    columns = (
        TableColumn("loss", "text"),
        TableColumn("effective n", "value", 4),
        TableColumn("50 % in", "count"),
        TableColumn("80 % in", "count", 6),
        TableColumn("90 % in", "count", 3),
        TableColumn("Gini", "text", 1),
        TableColumn("Gaussian", "text", 7),
        TableColumn("tail index", "text", 5),
        TableColumn("tenths of rows", "spark", 2),
    )
    rows = []
    for spec in context.specs:
        one = found.get(str(spec))
        if one is None or one.wide is None:
            continue
        reference = gaussian(context, spec)
        rows.append(
            (
                spec.brief,
                one.effective,
                one.half,
                one.wide.k80,
                one.wide.k90,
                _about(one.wide.lorenz),
                None if reference is None else f"{reference:.2f}",
                None if one.khat is None else f"{one.khat:.2f}",
                list(one.wide.lorenz.tenths),
            )
        )
    return Table(columns, tuple(rows)) if rows else None


def _about(curve: Lorenz) -> str:
    return f"{'~' if curve.bound else ''}{curve.gini:.2f}"


def _few(fraction: float) -> str:
    return f"{100 * fraction:.0f} %" if fraction >= 0.01 else f"{100 * fraction:.2g} %"
