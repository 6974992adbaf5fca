"""Concentration: how few samples make half of a loss, and whether its mean can be estimated.

Effective n is Kish's (sum)**2 / sum of squares; the tail index is that of Zhang and
Stephens (2009) with the weak prior of Vehtari et al. (2024, Pareto smoothed importance sampling).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.context import LONG, Context
from lossctl.arrays import Array
from lossctl.exact import UNIT, Exact, exact_dot, exact_sum, ratio, times
from lossctl.report import Part
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.selection import Like, fewest_for, largest
from lossctl.spec import Spec
from lossctl.states import Column, Sums, SumsState
from lossctl.terms import Contribution, LossTerms, TailSize

TRUSTED = 0.5  # from this tail index on, the variance is infinite
HANDFUL = 5  # rows that make nearly all of a loss, by effective n
FEWEST = 100  # rows below which the tail index says nothing


@dataclass(frozen=True, slots=True)
class Concentration:
    """Of one loss; `half` and `effective` only where its samples have shares."""

    half: int | None
    effective: float | None
    khat: float | None
    rows: int

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
        questions: list[Rounds[Any]] = [one_state(sums), _tail(TailSize(spec), sums, context.like)]
        state, tail = yield from in_step(questions)
        return None if state.infinite else Concentration(None, None, tail, state.count)
    state, half, tail = yield from _of_shares(context, spec, sums, 0)
    if state.infinite or state.a <= 0:
        return None
    shift = _shift(state)
    if shift:
        state, half, tail = yield from _of_shares(context, spec, sums, shift)
    effective = ratio(state.a * state.a, state.aa << UNIT) if state.aa else None
    return Concentration(half, effective, tail, state.count)


def _of_shares(context: Context, spec: Spec, sums: Sums, shift: int) -> Rounds[list[Any]]:
    """The sums, how few rows make half of them, and the tail index."""

    def half(state: SumsState) -> Exact | None:
        unfit = state.infinite or state.a <= 0 or _shift(state) != shift
        return None if unfit else -(-times(state.a, shift) // 2)

    column = Contribution(spec, shift, counted=True)
    questions: list[Rounds[Any]] = [
        one_state(sums),
        fewest_for(column, sums, half, context.like),
        _tail(column, sums, context.like),
    ]
    return (yield from in_step(questions))


def _shift(state: SumsState) -> int:
    """Where squares leave float64's range, a common power of two that brings them back."""
    size = state.a.bit_length() - UNIT
    return 0 if -400 < size < 1000 else -size


def _tail(column: Column, sums: Sums, like: Like | None) -> Rounds[float | None]:
    """The tail index of a column; None where it says nothing."""
    found = yield from largest(column, sums, _tail_rows, like)
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


def gini(values: Array) -> float:
    """The Gini coefficient of values >= 0: 0 if all are equal, near 1 if one is all."""
    n, total = values.size, exact_sum(values)
    if total == 0:
        return 0.0
    ranks = np.arange(1.0, n + 1.0)
    return ratio(2 * exact_dot(np.sort(values), ranks) - (n + 1) * total, n * total)


def part(context: Context, found: dict[str, Concentration], rows: int) -> Part | None:
    """What is left to say beside the losses table: effective n, and tails that are too long."""
    leading = found.get(str(context.leading))
    if leading is None or leading.half is None:
        return None
    data = {
        "losses": {
            spec: {"half": one.half, "effective_n": one.effective, "khat": one.khat}
            for spec, one in found.items()
        }
    }
    fraction = leading.half / rows
    name = (
        context.leading.brief if len(context.leading.brief) <= LONG else context.leading.loss.label
    )
    text = f"half of {name} in {leading.half} of {rows} rows ({_few(fraction)})"
    if leading.effective is not None:
        text += f"; effective n {leading.effective:.4g}"
    return Part("concentration", text, data)


def _few(fraction: float) -> str:
    return f"{100 * fraction:.0f} %" if fraction >= 0.01 else f"{100 * fraction:.2g} %"
