"""Distributions against distributions: relative entropies of rows of masses and of normals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

import numpy as np

from lossctl.arrays import (
    POSITIVE_SUM,
    Array,
    Domain,
    Logits,
    Masses,
    Numbers,
    Positive,
    Real,
    RowRule,
    domain_of,
)
from lossctl.divergence import Form, Side, middle_terms, relative_entropy
from lossctl.loss import loss
from lossctl.numerics import floating, gamma_gap, residual, row_sum, shared
from lossctl.probabilities import FromLogits, Normalize, weighted_logs
from lossctl.settings import Param

Base: TypeAlias = Annotated[
    float | str, Param("of the logarithm: 2 for bits", 1.0, low_open=True, words=("e",))
]
Direction: TypeAlias = Annotated[
    str,
    Param("forward: of the target from the prediction; reverse: of the prediction from the target",
          choices=("forward", "reverse")),
]  # fmt: skip


def _off_one(values: Numbers) -> Any:
    return np.abs(row_sum(np.exp(floating(values))) - 1.0) > math.sqrt(np.finfo(np.float64).eps)


LOG_MASSES = Domain(
    "log masses",
    high=700.0,
    infinite=True,
    shape="vector",
    axes=("classes",),
    row=RowRule("rows whose exponentials sum to 1", _off_one, warning=True),
)


def _unit(base: float | str) -> float:
    """What one unit of the value is in nats."""
    return 1.0 if isinstance(base, str) else math.log(base)


# --- Kullback and Leibler ----------------------------------------------------------------------


def _kl_domains(
    from_logits: bool, log_input: bool, log_target: bool, normalize: bool
) -> Mapping[str, Domain]:
    row = POSITIVE_SUM if normalize else domain_of(Masses).row
    masses = replace(domain_of(Masses), row=row)
    logs = domain_of(Logits) if normalize else LOG_MASSES
    pred = logs if log_input else masses
    return {
        "pred": domain_of(Logits) if from_logits else pred,
        "target": logs if log_target else masses,
    }


def _kl_low(
    normalize: bool,
    eps: float,
    generalized: bool,
    from_logits: bool,
    log_input: bool,
    log_target: bool,
) -> float:
    """Rows of unlike sums may come out negative, and a sum over logarithms by its rounding."""
    gaps = generalized or (normalize and eps == 0.0)
    logs = (log_input and not from_logits) or log_target
    return 0.0 if gaps and not logs else -math.inf


def _sides(
    pred: Numbers,
    target: Numbers,
    from_logits: bool,
    log_input: bool,
    log_target: bool,
    normalize: bool,
    eps: float,
) -> tuple[Side, Side]:
    """Prediction and target. Logarithms of probabilities are logits as well."""
    form: Form = "logits" if from_logits else "logs" if log_input else "masses"
    return (
        Side(pred, form, normalize, eps),
        Side(target, "logs" if log_target else "masses", normalize, eps),
    )


def _kl_slope(
    pred: Numbers,
    target: Numbers,
    *,
    base: float | str,
    normalize: bool,
    eps: float,
    generalized: bool,
    from_logits: bool,
    log_input: bool,
    log_target: bool,
    direction: str,
) -> Array:
    of_pred, of_target = _sides(pred, target, from_logits, log_input, log_target, normalize, eps)
    q, log_q = of_pred.masses(), of_pred.logs()
    p, log_p = of_target.masses(), of_target.logs()
    if direction == "forward":
        slopes = -np.where(p == 0.0, 0.0, p / q) + float(generalized)
        by_log = float(generalized) * q - p
    else:
        slopes = (log_q - log_p) + (0.0 if generalized else 1.0)
        by_log = np.where(q == 0.0, 0.0, q * slopes)
    plain = replace(of_pred, eps=0.0)
    raw, moves = plain.masses(), log_q == plain.logs()
    if from_logits or log_input:
        by_log = np.where(moves, by_log, 0.0)
        if normalize or from_logits:
            by_log = by_log - raw * row_sum(by_log)[:, np.newaxis]
        return by_log / _unit(base)
    slopes = np.where(moves, slopes, 0.0)
    if normalize:
        level = row_sum(np.where(raw == 0.0, 0.0, slopes * raw))
        slopes = (slopes - level[:, np.newaxis]) / row_sum(floating(pred))[:, np.newaxis]
    return slopes / _unit(base)


@shared
def kl_terms(
    pred: Numbers,
    target: Numbers,
    *,
    base: float | str,
    generalized: bool,
    direction: str,
    **held: Any,
) -> tuple[Array, Array, Array]:
    """What each class adds to the divergence of a row, and the masses of `target` and of `pred`."""
    of_pred, of_target = _sides(pred, target, **held)
    first, second = (of_target, of_pred) if direction == "forward" else (of_pred, of_target)
    p, q = first.masses(), second.masses()
    terms = weighted_logs(p, first.logs() - second.logs())
    if generalized:
        terms = terms + (q - p)
    terms = terms / _unit(base)
    return (terms, p, q) if direction == "forward" else (terms, q, p)


@loss(
    "kl",
    aliases=("kld", "kldiv", "relative_entropy", "kullback_leibler"),
    gradient=_kl_slope,
    divisors={
        "mean_over_elements": lambda pred, *roles, **settings: np.full(len(pred), pred.shape[1])
    },
    tasks=("distribution",),
    low=-math.inf,
    lows=_kl_low,
    shares=True,
    elicits="the distribution",
    diverges=True,
    domains=_kl_domains,
    peers={
        "torch": "nn.KLDivLoss",
        "keras": "losses.KLDivergence",
        "optax": "losses.kl_divergence",
        "scipy": "special.rel_entr, summed",
        "torchmetrics": "KLDivergence with normalize=true",
    },
    like={
        "torch": {"reduction": "mean_over_elements"},
        "keras": {"eps": 1e-7, "reduction": "sum_over_batch_size"},
    },
    reference="Kullback and Leibler (1951), doi:10.1214/aoms/1177729694",
    formula="Σ_k target_k ln(target_k / pred_k)",
)
def kl_divergence(
    pred: Masses,
    target: Masses,
    *,
    base: Base = "e",
    normalize: Normalize = False,
    eps: Annotated[float, Param("clip both to [eps, 1], as Keras does with 1e-7", 0.0, 0.5)] = 0.0,
    generalized: Annotated[
        bool, Param("add pred - target to each term, so that none is negative")
    ] = False,
    from_logits: FromLogits = False,
    log_input: Annotated[
        bool,
        Param("`pred` holds logarithms of probabilities, as torch has it; nothing more where "
              "from_logits=true, which takes them too"),
    ] = False,
    log_target: Annotated[bool, Param("`target` holds logarithms of probabilities")] = False,
    direction: Direction = "forward",
) -> Array:  # fmt: skip
    """What it costs to take `pred` for the distribution where `target` is it, beyond its entropy.

    A target of 0 costs nothing; a prediction of 0 for a target above 0 costs infinitely much. The
    value of a row is the sum over its classes; torch's default mean divides by them as well
    (reduction=mean_over_elements), which is not the divergence. Rows that do not have the same sum
    may come out negative unless generalized=true, if only by the rounding of their entries.

    Rows of almost equal sums are evaluated as Σ (target ln(target/pred) - target + pred), whose
    terms do not cancel, plus the difference of the sums, taken exactly: within 8 ulp of the
    larger of the two, near equality too. Otherwise, and where logarithms are given, within 8 ulp
    of the largest target · ln target or target · ln pred; normalize first rounds each share.
    """
    q, p = _sides(pred, target, from_logits, log_input, log_target, normalize, eps)
    first, second = (p, q) if direction == "forward" else (q, p)
    return relative_entropy(first, second, generalized=generalized) / _unit(base)


# --- Jensen and Shannon ------------------------------------------------------------------------


def _js_domains(from_logits: bool, normalize: bool) -> Mapping[str, Domain]:
    masses = replace(domain_of(Masses), row=POSITIVE_SUM) if normalize else domain_of(Masses)
    return {"pred": domain_of(Logits) if from_logits else masses, "target": masses}


def _js_slope(
    pred: Numbers,
    target: Numbers,
    *,
    base: float | str,
    normalize: bool,
    from_logits: bool,
    sqrt: bool,
) -> Array:
    q = Side(pred, "logits" if from_logits else "masses", normalize).masses()
    p = Side(target, "masses", normalize).masses()
    middle = 0.5 * p + 0.5 * q
    slopes = np.where(middle == 0.0, 0.0, 0.5 * np.log(q / middle)) / _unit(base)
    if sqrt:
        root = np.sqrt(row_sum(middle_terms(p, q)) / _unit(base))[:, np.newaxis]
        slopes = np.where(root == 0.0, 0.0, 0.5 * slopes / root)
    if not (normalize or from_logits):
        return slopes
    level = row_sum(np.where(q == 0.0, 0.0, slopes * q))
    if from_logits:
        slopes = np.where(q == 0.0, 0.0, q * (slopes - level[:, np.newaxis]))
    else:
        slopes = (slopes - level[:, np.newaxis]) / row_sum(floating(pred))[:, np.newaxis]
    return slopes


@shared
def js_terms(
    pred: Numbers, target: Numbers, *, base: float | str, normalize: bool, from_logits: bool
) -> tuple[Array, Array, Array]:
    """The same for the divergence from the middle."""
    q = Side(pred, "logits" if from_logits else "masses", normalize).masses()
    p = Side(target, "masses", normalize).masses()
    return middle_terms(p, q) / _unit(base), p, q


@loss(
    "js",
    aliases=("jsd", "jensen_shannon"),
    gradient=_js_slope,
    tasks=("distribution",),
    elicits="the distribution",
    domains=_js_domains,
    peers={
        "scipy": "spatial.distance.jensenshannon with sqrt=true, normalize=true",
        "torchmetrics": "JensenShannonDivergence with normalize=true",
    },
    reference="Lin (1991), doi:10.1109/18.61115",
    formula="½ Σ target ln(target/m) + ½ Σ pred ln(pred/m), m = (target + pred)/2",
)
def js_divergence(
    pred: Masses,
    target: Masses,
    *,
    base: Base = "e",
    normalize: Normalize = False,
    from_logits: FromLogits = False,
    sqrt: Annotated[bool, Param("the distance, which is the root, as scipy has it")] = False,
) -> Array:
    """How far two distributions lie from their middle: symmetric, finite, at most ln 2.

    The divergence is no distance; its square root is. Equal rows give 0, disjoint ones ln 2 (1
    with base=2).
    """
    q = Side(pred, "logits" if from_logits else "masses", normalize).masses()
    p = Side(target, "masses", normalize).masses()
    value = row_sum(middle_terms(p, q)) / _unit(base)
    return np.sqrt(value) if sqrt else value


# --- two normals -------------------------------------------------------------------------------


def _normal_slope(
    mean: Numbers,
    scale: Numbers,
    target_mean: Numbers,
    target_scale: Numbers,
    *,
    variance: bool,
    direction: str,
) -> Array:
    spread = floating(scale if direction == "forward" else target_scale)
    slope = residual(mean, target_mean) / spread
    return slope if variance else slope / spread


@loss(
    aliases=("kl_normal", "gaussian_kl"),
    gradient=_normal_slope,
    tasks=("distribution",),
    elicits="the distribution",
    peers={"torch": "distributions.kl_divergence of two Normal"},
    reference="Kullback (1959), Information Theory and Statistics, chapter 9",
    formula="ln(σ/σ_t) + (σ_t² + (μ_t - μ)²)/(2σ²) - ½",
)
def kl_gaussian(
    mean: Real,
    scale: Positive,
    target_mean: Real,
    target_scale: Positive,
    *,
    variance: Annotated[
        bool, Param("the scales hold variances; false: standard deviations")
    ] = False,
    direction: Direction = "forward",
) -> Array:
    """The divergence of a normal target from a normal prediction, in nats, in closed form.

    Evaluated as a sum of terms that are not negative, so that equal normals give 0 and nearly
    equal ones lose no digits. A variational encoder is charged direction=reverse.
    """
    wide, narrow = scale, target_scale
    if direction == "reverse":
        wide, narrow = narrow, wide
    error = residual(mean, target_mean)
    if variance:
        return 0.5 * gamma_gap(narrow, wide) + 0.5 * (error * (error / floating(wide)))
    spread = floating(wide)
    value: Array = gamma_gap(narrow, wide) + 0.5 * (
        np.square(residual(narrow, wide) / spread) + np.square(error / spread)
    )
    return value
