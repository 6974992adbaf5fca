"""Robust losses: about e²/2 near zero, bounded or nearly so for outliers.

In all but `general_robust` the scale c leaves the curvature at zero alone, so that only the tails
depend on it. Barron's family divides by c²; neither family's names stand for the other's.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np

from lossctl.arrays import Array, Numbers, Real
from lossctl.loss import loss
from lossctl.numerics import log1p_square, magnitude, residual
from lossctl.settings import Param

_SCALE = Param("the error at which outliers begin, in the target's unit", 0.0, low_open=True)
_ZHANG = "Zhang (1997), doi:10.1016/S0262-8856(96)01112-2, table 1"


def _squared_ratio(pred: Numbers, target: Numbers, c: float) -> Array:
    return np.square(residual(pred, target) / c)


@loss(
    aliases=("lorentzian", "t1"),
    gradient=lambda pred, target, *, c: (
        residual(pred, target) / (1.0 + _squared_ratio(pred, target, c))
    ),
    peers={"scipy": "optimize.least_squares(loss='cauchy', f_scale=2.3849)"},
    reference=_ZHANG,
    formula="c²/2 · ln(1 + (e/c)²)",
)
def cauchy(pred: Real, target: Real, *, c: Annotated[float, _SCALE] = 2.3849) -> Array:
    """Grows only with the logarithm of the error; the likelihood of Cauchy noise.

    The default c keeps 95 % efficiency under Gaussian noise of standard deviation 1.
    """
    size = magnitude(pred, target)
    square = np.square(size / c)
    # Near zero e²/2 times ln(1+z)/z, which does not underflow with z.
    near = (0.5 * size * size) * np.where(square > 0.0, np.log1p(square) / square, 1.0)
    far = (0.5 * c) * log1p_square(size / c) * c
    return np.where(size <= c, near, far)


@loss(
    aliases=("leclerc", "exponential_squared", "correntropy"),
    gradient=lambda pred, target, *, c: (
        residual(pred, target) * np.exp(-_squared_ratio(pred, target, c))
    ),
    reference=f"Dennis and Welsch (1978), doi:10.1080/03610917808812083; {_ZHANG}",
    formula="c²/2 · (1 - exp(-(e/c)²))",
)
def welsch(pred: Real, target: Real, *, c: Annotated[float, _SCALE] = 2.9846) -> Array:
    """Bounded by c²/2: beyond about 2c one outlier costs what any other does.

    The default c keeps 95 % efficiency under Gaussian noise of standard deviation 1.
    """
    size = magnitude(pred, target)
    square = np.square(size / c)
    loss_of_square = -np.expm1(-square)
    near = (0.5 * size * size) * np.where(square > 0.0, loss_of_square / square, 1.0)
    return np.where(size <= c, near, (0.5 * c) * loss_of_square * c)


@loss(
    aliases=("geman",),
    gradient=lambda pred, target, *, c: (
        residual(pred, target) / np.square(1.0 + _squared_ratio(pred, target, c))
    ),
    reference=f"Geman and McClure (1987); {_ZHANG}",
    formula="(e²/2) / (1 + (e/c)²)",
)
def geman_mcclure(pred: Real, target: Real, *, c: Annotated[float, _SCALE] = 1.0) -> Array:
    """Bounded by c²/2, and slower to reach it than welsch."""
    size = magnitude(pred, target)
    near = (0.5 * size * size) / (1.0 + np.square(size / c))
    far = (0.5 * c * c) / (1.0 + np.square(c / size))
    return np.where(size <= c, near, far)


def _biweight_slope(pred: Numbers, target: Numbers, *, c: float) -> Array:
    error = residual(pred, target)
    inside = np.minimum(np.abs(error) / c, 1.0)
    return np.where(inside < 1.0, error * np.square((1.0 - inside) * (1.0 + inside)), 0.0)


@loss(
    aliases=("tukey", "bisquare"),
    gradient=_biweight_slope,
    peers={"statsmodels": "robust.norms.TukeyBiweight(c=4.685)"},
    reference="Beaton and Tukey (1974), doi:10.1080/00401706.1974.10489171",
    formula="c²/6 · (1 - (1 - (e/c)²)³) if |e| ≤ c, else c²/6",
)
def tukey_biweight(pred: Real, target: Real, *, c: Annotated[float, _SCALE] = 4.685) -> Array:
    """Exactly constant beyond c: an outlier's size does not matter at all.

    The default c keeps 95 % efficiency under Gaussian noise of standard deviation 1.
    """
    # 1 - v³ = (1 - v)(1 + v + v²) with v = 1 - (e/c)²: only positive terms.
    size = magnitude(pred, target)
    inside = np.minimum(size / c, 1.0)
    v = (1.0 - inside) * (1.0 + inside)
    return np.where(size <= c, (size * size / 6.0) * (1.0 + v + v * v), c * c / 6.0)


_TINY = 1e-20  # below it, and above its square's inverse, alpha's limits are exact in float64


def _general_slope(pred: Numbers, target: Numbers, *, alpha: float, c: float) -> Array:
    scaled = residual(pred, target) / c
    if math.isinf(alpha):
        return scaled / c * np.exp(math.copysign(0.5, alpha) * np.square(scaled))
    b = abs(alpha - 2.0)
    if b == 0.0:
        return scaled / c
    return scaled / c * np.exp((0.5 * alpha - 1.0) * log1p_square(scaled / math.sqrt(b)))


@loss(
    aliases=("barron",),
    gradient=_general_slope,
    peers={"robust_loss_pytorch": "general.lossfun(alpha=1, scale=1)"},
    reference="Barron (2019), doi:10.1109/CVPR.2019.00446, eq. 8",
    formula="(b/alpha) ((z/b + 1)^(alpha/2) - 1) with z = (e/c)², b = |alpha - 2|",
)
def general_robust(
    pred: Real,
    target: Real,
    *,
    alpha: Annotated[
        float,
        Param("the shape: 2 squares, 1 a smooth |e|, 0 Cauchy, -2 Geman-McClure, -inf Welsch",
              infinite=True),
    ] = 1.0,
    c: Annotated[float, _SCALE] = 1.0,
) -> Array:  # fmt: skip
    """One family from squares (alpha 2) over Cauchy (0) to Welsch (-inf), in units of c.

    It is (e/c)²/2 near zero: cauchy(c) is c²/2 times this loss at alpha 0 and c/√2.
    """
    scaled = magnitude(pred, target) / c
    z = np.square(scaled)
    if alpha == 2.0:
        return 0.5 * z
    if abs(alpha) > _TINY**-2:
        sign = math.copysign(1.0, alpha)
        return sign * np.expm1(sign * 0.5 * z)
    b = abs(alpha - 2.0)
    logs = np.where(z > 1e300, log1p_square(scaled / math.sqrt(b)), np.log1p(z / b))
    if abs(alpha) < _TINY:
        return 0.5 * b * logs
    exponent = 0.5 * alpha * logs
    near = (b / alpha) * np.expm1(np.minimum(exponent, 1.0))
    near = np.where(z < _TINY, 0.5 * z, near)
    if alpha < 0.0:
        return near
    # A large power is taken as a power: its logarithm would magnify the rounding.
    power = np.where(
        z / b < 1e16, np.power(1.0 + z / b, 0.5 * alpha), np.power(scaled / math.sqrt(b), alpha)
    )
    return np.where(exponent <= 1.0, near, (b / alpha) * (power - 1.0))
