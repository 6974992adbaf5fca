"""Proper scoring rules of forecasts: classes, ordered classes, ensembles, normals, intervals."""

from __future__ import annotations

import math
from typing import Annotated, Any, TypeAlias

import numpy as np

from lossctl.arrays import (
    SUMS_TO_ONE,
    Array,
    Domain,
    Label,
    Mask,
    Members,
    NonNegative,
    Numbers,
    Real,
    RowRule,
    Simplex,
    domain_of,
)
from lossctl.errors import DataError
from lossctl.loss import loss
from lossctl.numerics import difference, floating, residual, row_sum, two_sum
from lossctl.probabilities import (
    FromLogits,
    at_class,
    class_domains,
    class_slopes,
    of_class,
    shares_of,
)
from lossctl.settings import Param
from lossctl.softmax import exponentials, softmax, squared_distance


def _sum_off(values: Numbers) -> Mask:
    off = np.zeros(len(values), dtype=bool)
    return off if values.ndim == 1 else SUMS_TO_ONE.broken(values)


Chances: TypeAlias = Annotated[
    Array,
    Domain("probabilities", low=0.0, high=1.0, shape="either", axes=("classes",),
           row=RowRule(SUMS_TO_ONE.words, _sum_off, warning=True)),
]  # fmt: skip
LOGITS = Domain("logits", infinite=True, shape="either", axes=("classes",))
Outcome: TypeAlias = Annotated[
    Array, Domain("outcome", low=0.0, shape="either", axes=("classes",), indexes="classes")
]
Observed: TypeAlias = Annotated[Array, Domain("real", shape="one")]

# --- classes -----------------------------------------------------------------------------------


def _impossible(pred: Numbers, target: Numbers, **_settings: Any) -> tuple[Mask, str]:
    if pred.ndim == 2 and target.ndim == 1:
        return np.asarray(target != np.trunc(target)), "a class, a whole number"
    above = target > 1.0
    return np.asarray(above.any(axis=1) if above.ndim == 2 else above), "targets in [0, 1]"


def _brier_gap(pred: Numbers, target: Numbers, from_logits: bool) -> Array:
    """Prediction less outcome, (n, 1) or (n, K). Raises DataError for shapes that do not fit."""
    if pred.ndim < target.ndim:
        raise DataError(
            f"brier: pred holds one probability a row, target {target.shape[1]}",
            "give as many probabilities as classes",
        )
    if pred.ndim == 2 and target.ndim == 1:
        target = at_class(target, np.ones(len(target)), pred.shape[1])
    if from_logits:
        share, lacking = shares_of(pred)
        gap = np.where(target == 1.0, -lacking, share - floating(target))
    else:
        gap = residual(pred, target)
    return gap[:, np.newaxis] if pred.ndim == 1 else gap


def _brier_factor(pred: Numbers, scale_by_half: bool | str) -> float:
    """What the sum of squares is multiplied by: one probability stands for two classes."""
    half = 0.5 if scale_by_half is True else 1.0
    if pred.ndim == 1:
        return 1.0 if scale_by_half == "auto" else 2.0 * half
    return 0.5 if scale_by_half == "auto" and pred.shape[1] < 3 else half


def _brier_slope(
    pred: Numbers, target: Numbers, *, scale_by_half: bool | str, from_logits: bool
) -> Array:
    slopes = 2.0 * _brier_factor(pred, scale_by_half) * _brier_gap(pred, target, from_logits)
    if pred.ndim == 2:
        return class_slopes(pred, 0.0, slopes, from_logits=True) if from_logits else slopes
    inner = np.multiply(*shares_of(pred)) if from_logits else 1.0
    return slopes[:, 0] * inner


@loss(
    aliases=("brier_score", "quadratic_score", "brier_score_loss"),
    gradient=_brier_slope,
    tasks=("binary", "multiclass", "distribution"),
    elicits="the class probabilities",
    domains=lambda from_logits: {"pred": LOGITS if from_logits else domain_of(Chances)},
    rows=_impossible,
    peers={"sklearn": "metrics.brier_score_loss"},
    reference="Brier (1950), doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2",
    formula="Σ_k (p_k - 1[k = y])²; of one probability (p - y)²",
)
def brier(
    pred: Chances,
    target: Outcome,
    *,
    scale_by_half: Annotated[
        bool | str,
        Param("halve the sum over the classes; auto: where there are two, as scikit-learn does",
              choices=("auto", True, False)),
    ] = "auto",
    from_logits: FromLogits = False,
) -> Array:  # fmt: skip
    """The squared error of probabilities, from 0 to 1 for two classes and to 2 for more.

    `pred` is the probability of class 1 (or its logit), or a row of one per class; `target` is then
    the class's number, or a row of shares.
    """
    factor = _brier_factor(pred, scale_by_half)
    if from_logits and pred.ndim > target.ndim:
        return factor * squared_distance(floating(pred), target)
    gap = _brier_gap(pred, target, from_logits)
    return factor * row_sum(gap * gap)


def _excesses(pred: Numbers, label: Numbers, from_logits: bool) -> list[Array]:
    """Cumulative probability less that of the outcome, class by class, each rounded once."""
    if from_logits:  # these sum to 1: what lies above a class is what it lacks of 1
        shares = softmax(floating(pred))[0]
        above = np.cumsum(shares[:, :0:-1], axis=1)[:, ::-1]
        above = np.concatenate([above, np.zeros((len(above), 1))], axis=1)
        passed = label[:, np.newaxis] <= np.arange(shares.shape[1])
        return list(np.where(passed, -above, np.cumsum(shares, axis=1)).T)
    high = low = np.zeros(len(pred))
    found = []
    rows = floating(pred)
    for column in range(rows.shape[1]):
        high, lost = two_sum(high, rows[:, column])
        low = low + lost
        found.append(np.where(label <= column, (high - 1.0) + low, high + low))
    return found


def _ranked_divisor(pred: Numbers, normalize: bool) -> float:
    return float(max(pred.shape[1] - 1, 1)) if normalize else 1.0


def _ranked_slope(pred: Numbers, label: Numbers, *, normalize: bool, from_logits: bool) -> Array:
    slopes = np.zeros(pred.shape)
    rest = np.zeros(len(pred))
    for column, excess in reversed(list(enumerate(_excesses(pred, label, from_logits)))):
        rest = rest + excess
        slopes[:, column] = 2.0 * rest / _ranked_divisor(pred, normalize)
    return class_slopes(pred, 0.0, slopes, from_logits=True) if from_logits else slopes


@loss(
    "rps",
    aliases=("epstein", "ranked_probability_loss"),
    gradient=_ranked_slope,
    tasks=("multiclass",),
    elicits="the class probabilities",
    domains=class_domains,
    peers={"scoringrules": "rps_score"},
    reference="Epstein (1969), doi:10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2",
    formula="Σ_k (F_k - 1[k ≥ y])², F_k = p_0 + … + p_k",
)
def ranked_probability_score(
    pred: Simplex,
    label: Label,
    *,
    normalize: Annotated[bool, Param("divide by the number of classes less one")] = False,
    from_logits: FromLogits = False,
) -> Array:
    """The squared error of cumulative probabilities: near misses of ordered classes cost less.

    The sum runs over all classes; the last term is 0 where the row sums to 1.
    """
    total = np.zeros(len(pred))
    for excess in _excesses(pred, label, from_logits):
        total = total + excess * excess
    return total / _ranked_divisor(pred, normalize)


def _spherical_parts(
    pred: Numbers, label: Numbers, from_logits: bool
) -> tuple[Array, Array, Array, Array]:
    """Each row by its largest entry, the label's own, the squares of the others, and the norm."""
    if from_logits:
        scaled = exponentials(floating(pred))
    else:
        top = np.max(floating(pred), axis=1)
        scaled = floating(pred) / np.where(top > 0.0, top, 1.0)[:, np.newaxis]
    own = of_class(scaled, label)
    squares = scaled * scaled
    np.put_along_axis(squares, label.astype(np.int64)[:, np.newaxis], 0.0, axis=1)
    others = row_sum(squares)
    return scaled, own, others, np.sqrt(others + own * own)


def _spherical_slope(pred: Numbers, label: Numbers, *, from_logits: bool) -> Array:
    scaled, own, others, norm = _spherical_parts(pred, label, from_logits)
    top = np.ones(len(pred)) if from_logits else np.max(floating(pred), axis=1)
    cube = (norm * norm * norm * top)[:, np.newaxis]
    slopes = own[:, np.newaxis] * scaled
    np.put_along_axis(slopes, label.astype(np.int64)[:, np.newaxis], -others[:, np.newaxis], axis=1)
    slopes = np.where(cube > 0.0, slopes / cube, 0.0)
    return slopes * scaled if from_logits else slopes


@loss(
    "spherical",
    aliases=("spherical_loss",),
    gradient=_spherical_slope,
    tasks=("multiclass",),
    high=1.0,
    elicits="the class probabilities",
    domains=class_domains,
    reference="Gneiting and Raftery (2007), doi:10.1198/016214506000001437",
    formula="1 - p_y / ‖p‖",
)
def spherical_score(pred: Simplex, label: Label, *, from_logits: FromLogits = False) -> Array:
    """One less the cosine between the probabilities and the outcome.

    A row of zeros costs 1.
    """
    _, own, others, norm = _spherical_parts(pred, label, from_logits)
    return np.where(norm > 0.0, others / ((others + own * own) + own * norm), 1.0)


# --- values ------------------------------------------------------------------------------------


def _member_shares(below: Mask, rank: Array, estimator: str) -> Array:
    """What a unit of a member's distance costs, by its rank from 1 and side of the target.

    The double sum over members is 2 Σ (2 rank - m - 1) member; with the mean distance it makes
    these factors, none of which is negative, so that nothing cancels.
    """
    m = below.shape[1]
    fair = estimator == "fair"
    twice = np.where(below, 2.0 * rank - 1.0, 2.0 * (m - rank) + 1.0) - float(fair)
    shares: Array = twice / float(m * (m - fair))
    return shares


def _members_slope(members: Numbers, target: Numbers, *, estimator: str) -> Array:
    gap = difference(members, target[:, np.newaxis])
    rank = np.argsort(np.argsort(gap, axis=1, kind="stable"), axis=1).astype(np.float64) + 1.0
    slopes: Array = np.sign(gap) * _member_shares(gap < 0.0, rank, estimator)
    return slopes


@loss(
    "crps",
    aliases=("crps_empirical", "ensemble_crps", "continuous_ranked_probability_score"),
    gradient=_members_slope,
    tasks=("ensemble",),
    elicits="the distribution",
    peers={"scoringrules": "crps_ensemble", "torchmetrics": "ContinuousRankedProbabilityScore"},
    reference="Gneiting and Raftery (2007), doi:10.1198/016214506000001437; Ferro (2014), "
    "doi:10.1002/qj.2270",
    formula="mean |x_i - y| - ½ mean |x_i - x_j|",
)
def crps_ensemble(
    members: Members,
    target: Observed,
    *,
    estimator: Annotated[
        str,
        Param("nrg: of the members' own distribution; fair: of the one that they are drawn from",
              choices=("nrg", "fair")),
    ] = "nrg",
) -> Array:  # fmt: skip
    """The absolute error of an ensemble, less half its own spread; of one member the absolute
    error.

    The fair estimator divides by pairs of different members and needs two. O(m log m) for m
    members. Raises DataError for a fair estimate of one.
    """
    if estimator == "fair" and members.shape[1] < 2:
        raise DataError("crps: the fair estimator needs two members, but there is one",
                        "estimator=nrg takes one")  # fmt: skip
    gap = np.sort(difference(members, target[:, np.newaxis]), axis=1)
    rank = np.arange(1.0, gap.shape[1] + 1.0)
    shares = _member_shares(gap < 0.0, rank, estimator)
    return row_sum(np.where(shares == 0.0, 0.0, shares * np.abs(gap)))


def _standardised(mean: Numbers, scale: Numbers, target: Numbers, variance: bool) -> Any:
    """The error, the spread, and the first by the second (infinite where there is none)."""
    error = residual(mean, target)
    spread = np.sqrt(floating(scale)) if variance else floating(scale)
    ratio = np.where(spread > 0.0, error / np.where(spread > 0.0, spread, 1.0), np.inf)
    return error, spread, np.where(spread > 0.0, ratio, np.copysign(ratio, error))


def _normal_slope(mean: Numbers, scale: Numbers, target: Numbers, *, variance: bool) -> Array:
    from scipy.special import erf  # slow to import, and few ask for it

    error, _, ratio = _standardised(mean, scale, target, variance)
    return np.where(error == 0.0, 0.0, erf(ratio / math.sqrt(2.0)))


@loss(
    aliases=("crps_normal",),
    gradient=_normal_slope,
    tasks=("regression", "distribution"),
    elicits="the distribution",
    peers={"scoringrules": "crps_normal", "properscoring": "crps_gaussian"},
    reference="Gneiting et al. (2005), doi:10.1175/MWR2904.1",
    formula="σ (ω (2Φ(ω) - 1) + 2φ(ω) - 1/√π), ω = (target - mean)/σ",
)
def crps_gaussian(
    mean: Real,
    scale: NonNegative,
    target: Real,
    *,
    variance: Annotated[
        bool, Param("`scale` holds the variance; false: the standard deviation")
    ] = False,
) -> Array:
    """The continuous ranked probability score of a normal forecast, in units of the target.

    Without spread it is the absolute error.
    """
    from scipy.special import erf  # slow to import, and few ask for it

    error, spread, ratio = _standardised(mean, scale, target, variance)
    density = np.exp(-0.5 * ratio * ratio) / math.sqrt(2.0 * math.pi)
    inner = np.where(error == 0.0, 0.0, np.abs(error) * erf(np.abs(ratio) / math.sqrt(2.0)))
    value: Array = inner + spread * (2.0 * density - 1.0 / math.sqrt(math.pi))
    return value


# --- intervals ---------------------------------------------------------------------------------


def _crossed(lower: Numbers, upper: Numbers, target: Numbers, **_settings: Any) -> tuple[Mask, str]:
    crossed = lower > upper
    return np.asarray(crossed.any(axis=1) if crossed.ndim == 2 else crossed), "lower ≤ upper"


def _price(alpha: float, level: float | None) -> float:
    """What a unit outside the interval costs."""
    return 2.0 / (alpha if level is None else 1.0 - level)


def _interval_slope(
    lower: Numbers, upper: Numbers, target: Numbers, *, alpha: float, level: float | None
) -> Array:
    return np.where(target < lower, _price(alpha, level), 0.0) - 1.0


@loss(
    "interval_score",
    aliases=("winkler", "winkler_score"),
    gradient=_interval_slope,
    tasks=("interval",),
    rows=_crossed,
    note=lambda alpha, level: (
        f"interval_score takes the intervals to hold {100.0 * (level or 1.0 - alpha):g} % "
        f"(alpha={alpha if level is None else 1.0 - level:g})"
    ),
    peers={"scoringrules": "interval_score"},
    reference="Gneiting and Raftery (2007), doi:10.1198/016214506000001437",
    formula="(u - l) + 2/α (l - y)₊ + 2/α (y - u)₊",
)
def interval_score(
    lower: Real,
    upper: Real,
    target: Real,
    *,
    alpha: Annotated[
        float, Param("the share of targets that may lie outside", 0.0, 1.0, low_open=True,
                     high_open=True)
    ] = 0.1,
    level: Annotated[
        float | None,
        Param("the share that shall lie inside, 1 - alpha, in its place", 0.0, 1.0, low_open=True,
              high_open=True, optional=True),
    ] = None,
) -> Array:  # fmt: skip
    """The width of an interval, plus 2/alpha for each unit by which the target lies outside.

    It is 2/alpha times the sum of the pinball losses of both ends. A lower end above the upper
    one is an error.
    """
    outside = np.maximum(np.maximum(residual(lower, target), residual(target, upper)), 0.0)
    value: Array = residual(upper, lower) + _price(alpha, level) * outside
    return value
