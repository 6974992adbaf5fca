"""The MSE as bias, scale and noise: what a shift would remove, what a factor, and what neither."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl.analyses.context import Context
from lossctl.analyses.significance import chi_square_p
from lossctl.analyses.wording import p_value, percent, short, signed
from lossctl.arrays import Array
from lossctl.batch import Batch
from lossctl.exact import UNIT, ratio, root_ratio
from lossctl.few import Few, FewState
from lossctl.moments import Moments, MomentsState
from lossctl.report import Column, Json, Part, Table
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import Sums, SumsState, Terms
from lossctl.terms import (
    ColumnTerms,
    LossTerms,
    Residual,
    RoleColumn,
    SizeTerms,
    WeightColumn,
    weighing,
)

LEVEL = 0.01  # of the test by which a correction is worth a word
WORTH = 0.01  # share of the MSE below which it is not
FEWEST = 30  # rows below which numbers are shown, and no verdict
CONSTANT = 0.02  # squared correlation below which a line is little better than a constant


@dataclass(frozen=True, slots=True)
class Line:
    """The correction p' = slope p + intercept that makes the squares least."""

    slope: float
    intercept: float

    def __str__(self) -> str:
        sign = "-" if self.intercept < 0.0 else "+"
        return f"p' = {short(self.slope)} p {sign} {short(abs(self.intercept))}"


@dataclass(frozen=True, slots=True)
class Split:
    """Theil's shares of the MSE (1966): um + us + uc = 1 and um + ur + ud = 1.

    um   the squared bias
    us   the difference of the standard deviations; uc what is lost in correlation
    ur   what a factor would remove (the slope of target on prediction is not 1); ud the rest

    `r` is None where predictions or targets are constant; then us and ur, or us and ud, have all
    that is not bias. `line` is None for constant predictions. Standard deviations divide by n.
    """

    mse: float
    bias: float
    error_sd: float
    r: float | None
    um: float
    us: float
    uc: float
    ur: float
    ud: float
    line: Line | None
    spread: tuple[float, float]  # the standard deviations of predictions and targets
    rows: int
    inflation: float = 1.0  # see `inflation_of`

    @property
    def removable(self) -> float:
        """The share of the MSE that the line removes from these rows."""
        return self.um + self.ur

    @property
    def flat(self) -> bool:
        """Whether the line is hardly better than a constant."""
        return self.r is None or self.r * self.r < CONSTANT

    @property
    def p(self) -> float:
        """How probable so much is where the line is p' = p: the F test of both its numbers, its
        statistic divided by the inflation.

        With two degrees of freedom above, F's tail has a closed form: ud ** ((n - 2) / 2).
        """
        return float(self.ud ** ((self.rows - 2) / (2 * self.inflation))) if self.rows > 2 else 1.0

    def skill(self) -> dict[str, float | None]:
        """Murphy's (1988): skill = r2 - conditional - unconditional bias; None for constant
        targets."""
        p, y = self.spread
        if y * y == 0.0 or not math.isfinite(self.mse / (y * y)):
            return dict.fromkeys(("r2", "conditional_bias", "unconditional_bias", "skill"))
        r = self.r or 0.0
        return {
            "r2": r * r,
            "conditional_bias": (r - p / y) ** 2,
            "unconditional_bias": (self.bias / y) ** 2,
            "skill": 1.0 - self.mse / (y * y),
        }


def split(pred: MomentsState, target: MomentsState, error: MomentsState) -> Split | None:
    """The shares from the moments of p, of y and of p - y, all of one weight.

    Their covariance follows from the three spreads, so that the parts sum to the MSE of the
    residuals as they are. None where there is no error, or where it leaves float64's range.
    """
    if max(pred.infinite, target.infinite, error.infinite) or error.w <= 0 or error.wxx <= 0:
        return None
    whole = error.square  # W**2 times the MSE
    both = pred.spread + target.spread - error.spread  # twice the covariance
    try:
        p, y = (root_ratio(one.spread, whole) for one in (pred, target))
        apart = ratio(pred.spread - target.spread, whole) / (p + y) if p + y > 0.0 else 0.0
        us = apart * apart
        mean_square = ratio(error.wxx, error.w)
        slope, intercept = None, 0.0
        ur, ud = 0.0, ratio(target.spread, whole)
        if pred.spread > 0:
            slope = ratio(both, 2 * pred.spread)
            intercept = ratio(
                2 * pred.spread * target.wx - both * pred.wx, 2 * pred.spread * pred.w
            )
            ur = ratio((2 * pred.spread - both) ** 2, 4 * pred.spread * whole)
            ud = ratio(max(4 * pred.spread * target.spread - both**2, 0), 4 * pred.spread * whole)
        r = None
        if pred.spread > 0 and target.spread > 0:
            r = ratio(both, 2 * target.spread) * root_ratio(target.spread, pred.spread)
            r = min(max(r, -1.0), 1.0)
        um = ratio(error.wx * error.wx, whole)
        uc = max(ratio(error.spread, whole) - us, 0.0)
        return Split(
            mse=mean_square,
            bias=error.mean,
            error_sd=root_ratio(error.spread, error.w * error.w),
            r=r,
            um=um, us=us, uc=uc, ur=ur, ud=ud,
            line=None if slope is None else Line(slope, intercept),
            spread=(
                root_ratio(pred.spread, pred.w * pred.w),
                root_ratio(target.spread, target.w * target.w),
            ),
            rows=error.nonzero,
        )  # fmt: skip
    except OverflowError:
        return None


def inflation_of(point: str, batch: Batch) -> float:
    """How many times as much the line varies as it would if all errors were alike, in the direction
    where it is most: by the errors as they are (White 1980), of some rows. No less than 1."""
    batch = weighing(batch.at(np.argsort(batch.order, kind="stable")))
    weight = WeightColumn()(batch)
    pred, error = RoleColumn(point)(batch), Residual(point)(batch)
    if batch.count < FEWEST or not (np.isfinite(pred).all() and np.isfinite(error).all()):
        return 1.0
    unit = float(np.abs(error).max())
    spread = float(np.abs(pred - pred.mean()).max())
    if not 0.0 < unit < math.inf or not math.isfinite(spread):
        return 1.0
    rows = np.stack([np.ones(batch.count), (pred - pred.mean()) / (spread or 1.0)])
    rows = rows if spread > 0.0 else rows[:1]
    with np.errstate(under="ignore"):
        squares = np.square(error / unit)
    alike = float((weight * squares).sum() / weight.sum()) * float(weight.mean())
    meat = (np.square(weight) * squares * rows) @ rows.T
    bread = alike * ((weight * rows) @ rows.T)
    try:
        return max(1.0, float(np.linalg.eigvals(np.linalg.solve(bread, meat)).real.max()))
    except np.linalg.LinAlgError:  # weights that float64 hardly holds
        return 1.0


@dataclass(frozen=True, slots=True)
class SpreadTerms:
    """a = the squared residual, b = the prediction."""

    pred: str

    def __call__(self, batch: Batch) -> Terms:
        with np.errstate(over="ignore"):
            squares: Array = np.square(Residual(self.pred)(batch))
        return Terms([(squares, 0)], RoleColumn(self.pred)(batch))


@dataclass(frozen=True, slots=True)
class Spreading:
    """Breusch and Pagan's test as Koenker (1981) has it: n times the squared correlation of the
    squared residuals with the predictions, chi-squared with one degree of freedom where the
    spread of the errors does not change with the prediction."""

    lm: float
    p: float
    growing: bool


def spreading(state: SumsState) -> Spreading | None:
    """None where squares or predictions are constant or not finite. Rows are not weighted: the
    question is about the shape of the errors."""
    n = state.count
    squares = n * (state.aa << UNIT) - state.a * state.a
    preds = n * (state.bb << UNIT) - state.b * state.b
    both = n * (state.ab << UNIT) - state.a * state.b
    if state.infinite or squares <= 0 or preds <= 0:
        return None
    lm = ratio(n * both * both, squares * preds)
    return Spreading(lm, chi_square_p(lm), both > 0)


def split_rounds(context: Context, spec: Spec) -> Rounds[Split | None]:
    """One pass; what `tails` and the loss itself ask for is asked for alike. `spec` is the MSE or
    the RMSE: where rows have weights its terms are the squares."""
    assert context.point is not None
    weight = WeightColumn() if context.weighted else None
    pred, target = (Moments(RoleColumn(role), weight) for role in (context.point, "target"))
    signed = Sums(ColumnTerms(Residual(context.point), weight))
    sizes = Sums(SizeTerms(0.0, context.point), moments=True)
    if weight is not None:
        sizes = Sums(LossTerms(spec), context.moments)
    states = yield (pred, target, sizes, signed)
    size: SumsState = states[sizes]
    squares = size.aa if weight is None else size.a
    error = MomentsState(size.count, size.nonzero, size.infinite, size.b, states[signed].a, squares)
    return split(states[pred], states[target], error)


def spreading_rounds(context: Context) -> Rounds[Spreading | None]:
    """One pass, of the rows that weigh anything, each counting 1."""
    assert context.point is not None
    sums = Sums(context.weighing(SpreadTerms(context.point)), moments=True)
    return spreading((yield (sums,))[sums])


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """For the MSE, or the RMSE where that is not asked for, of one output."""
    if context.point is None or context.outputs > 1 or spec != _chosen(context):
        return None
    questions: list[Rounds[Any]] = [split_rounds(context, spec), _effective(context, spec)]
    if context.decompose:
        questions.append(spreading_rounds(context))
    found, effective, *further = yield from in_step(questions)
    if found is None:
        return None
    if mended(found, effective) is not None:  # is it still, if errors are not alike?
        some: FewState = yield from one_state(Few(context.few, "hash"))
        if some.batch is not None:
            found = replace(found, inflation=inflation_of(context.point, some.batch))
    text, told = sentence(found, effective), {**data(found), "mended": mended(found, effective)}
    if not further:
        return Part("mse", text, told)
    told["skill"] = found.skill()
    spreads: Spreading | None = further[0]
    if spreads is not None:
        told["breusch_pagan"] = {"lm": spreads.lm, "p": spreads.p}
    if not _by_few(found, effective):
        text += _of_spread(spreads, found)
    return Part("mse", text, told, table(found))


def _effective(context: Context, spec: Spec) -> Rounds[float | None]:
    """How many rows make the loss, by the sums that its interval needs too."""
    sums = Sums(LossTerms(spec), context.moments)
    state: SumsState = (yield (sums,))[sums]
    return ratio(state.a * state.a, state.aa << UNIT) if state.aa else None


def _chosen(context: Context) -> Spec | None:
    squares = ("mean_squared_error", "root_mean_squared_error")
    fitting = sorted(
        (one for one in context.specs if one.loss.name in squares),
        key=lambda one: squares.index(one.loss.name),
    )
    return fitting[0] if fitting else None


def data(found: Split) -> Json:
    """The numbers, as JSON."""
    line = found.line
    return {
        "mse": found.mse,
        "bias": found.bias,
        "error_sd": found.error_sd,
        "r": found.r,
        "UM": found.um,
        "US": found.us,
        "UC": found.uc,
        "UR": found.ur,
        "UD": found.ud,
        "line": None if line is None else {"slope": line.slope, "intercept": line.intercept},
        "removable": found.removable,
        "inflation": found.inflation,
        "flat": found.flat,
        "p": found.p,
    }


def sentence(found: Split, effective: float | None) -> str:
    """`MSE 45.4 = 34 % bias (+3.94) + 29 % scale (slope 0.866) + 37 % noise: ...`; `effective` is
    Kish's number of rows that make it."""
    scale = "predictions are constant"
    if found.line is not None:
        scale = f"slope {short(found.line.slope)}"
    text = (
        f"MSE {short(found.mse)} = {percent(found.um)} bias ({signed(found.bias)}) + "
        f"{percent(found.ur)} scale ({scale}) + {percent(found.ud)} noise"
    )
    if found.rows < FEWEST:
        return text
    if _by_few(found, effective):
        return f"{text}: a few rows decide these shares (effective n {effective:.3g})"
    return f"{text}: {mended(found, effective) or 'no shift or factor helps'}"


def _by_few(found: Split, effective: float | None) -> bool:
    """Whether a few rows make the MSE; the squares of few Gaussian errors have a third of n."""
    return effective is not None and effective < min(FEWEST, found.rows / 5)


def mended(found: Split, effective: float | None) -> str | None:
    """What a line would remove; None where that may be chance, or the work of a few rows."""
    if (
        found.rows < FEWEST
        or _by_few(found, effective)
        or found.p >= LEVEL
        or found.removable < WORTH
    ):
        return None
    if found.line is None:
        return f"a shift by {signed(-found.bias)} removes {percent(found.um)}"
    if found.flat:
        flat = found.ud / (1.0 - (found.r or 0.0) ** 2)  # what the targets' own mean leaves
        return f"the mean of the targets for every row would remove {percent(1.0 - flat)}"
    return f"up to {percent(found.removable)} removable by {found.line}"


def _of_spread(spreads: Spreading | None, found: Split) -> str:
    if spreads is None or spreads.p >= LEVEL or found.rows < FEWEST:
        return ""
    how = "grow" if spreads.growing else "shrink"
    return f"; errors {how} with the prediction (Breusch-Pagan {p_value(spreads.p)})"


def table(found: Split) -> Table:
    """The three parts, and what each calls for."""
    columns = (
        Column("part", "text"),
        Column("of mse", "share"),
        Column("value", "value"),
        Column("what removes it", "text", 1),
    )
    slope = "nothing: predictions are constant"
    if found.line is not None:
        slope = f"a factor: target on prediction has slope {short(found.line.slope)}"
    return Table(
        columns,
        (
            ("bias", found.um, found.um * found.mse, f"a shift by {signed(-found.bias)}"),
            ("scale", found.ur, found.ur * found.mse, slope),
            ("noise", found.ud, found.ud * found.mse, "a better model"),
        ),
    )
