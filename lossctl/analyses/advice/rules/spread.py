"""Errors that grow with the prediction: a loss that weighs rows by it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lossctl.analyses.advice.evidence import Errors
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.significance import chi_square_p
from lossctl.analyses.wording import p_value
from lossctl.arrays import Array, Integers

SURE = 0.01  # p-value
FEWEST = 50  # rows
PARTS = 5
COUNTS = (0.7, 1.5)  # the dispersion that counts may have
WIDER = 1.3  # the RMSE of the fifth of the highest predictions over that of the lowest


def breusch_pagan(square: Array, pred: Array) -> float:
    """Koenker's statistic with the prediction as regressor: n corr(r², p)²; 0 where either is
    constant."""
    away, level = square - square.mean(), pred - pred.mean()
    size = float(np.square(away).sum()) * float(np.square(level).sum())
    if size == 0.0:
        return 0.0
    return square.size * float((away * level).sum()) ** 2 / size


def spread(errors: Errors) -> Advice | None:
    """Poisson's deviance for counts; it or gamma's where the errors of a positive target grow
    with the root of the prediction, or with it."""
    y, p, kept = errors.y, errors.p, errors.common
    if errors.n < FEWEST or float(y.min()) < 0.0 or float(p.min()) <= 0.0:
        return None
    square, pred = np.square(errors.r[kept]), p[kept]
    statistic = breusch_pagan(square, pred)
    surprise = chi_square_p(statistic)
    order = np.argsort(pred, kind="stable")
    fifths = np.array_split(order, PARTS)
    root = [float(np.sqrt(square[one].mean())) for one in fifths]
    level = [float(pred[one].mean()) for one in fifths]
    dispersion = float((square / pred).mean())
    whole = bool((y == np.floor(y)).all())
    counts = whole and COUNTS[0] <= dispersion <= COUNTS[1] and level[-1] > level[0]
    if surprise >= SURE or root[0] == 0.0 or level[0] == level[-1]:
        return None
    if not _stays(y[kept], pred, fifths):
        return None
    power = float(np.polyfit(np.log(level), 2.0 * np.log(np.maximum(root, 1e-300)), 1)[0])
    if root[-1] < WIDER * root[0] or not 0.5 <= power < 2.75:
        return None
    mark = errors.sample.mark
    zeros = int((y == 0.0).sum())
    if power < 1.5:
        do, how = "poisson_deviance", "with the root of the prediction"
        how = f"as counts do, {how}" if counts else f"about {how}"
        rather = "it weighs rows by 1 / prediction and, unlike mape, still asks for the mean"
    elif zeros:
        do, how = "tweedie_deviance:power=1.5", "about in proportion to the prediction"
        rather = (
            "it minds large predictions' errors less, targets of 0 have a value, unlike in mape, "
            "and it still asks for the mean"
        )
    else:
        do, how = "gamma_deviance", "about in proportion to the prediction"
        rather = "it minds relative errors and, unlike mape, still asks for the mean"
    aside = "" if kept.all() else f"; {errors.n - int(kept.sum())} outliers aside"
    text = (
        f"{do}: errors grow {how} (rmse {mark}{root[0]:.3g} in the lowest fifth, {mark}"
        f"{root[-1]:.3g} in the highest; Breusch-Pagan {p_value(surprise)}{aside}); {rather}"
    )
    finding = (
        f"Consider {do}: errors grow with the prediction, from an RMSE of {mark}{root[0]:.3g} for "
        f"the lowest fifth to {mark}{root[-1]:.3g} for the highest."
    )
    data = {"breusch_pagan": statistic, "power": power, "dispersion": dispersion, "rmse": root,
            "prediction": level, "whole": whole}  # fmt: skip
    return Advice("spread", do, text, finding, 20.0, p=surprise, data=data)


def _stays(y: Array, pred: Array, fifths: Sequence[Integers]) -> bool:
    """Whether errors grow about the line of target on prediction too: a wrong scale grows, but is
    no noise."""
    slope, offset = np.polyfit(pred, y, 1)
    square = np.square(y - (slope * pred + offset))
    root = [float(np.sqrt(square[one].mean())) for one in (fifths[0], fifths[-1])]
    sure = chi_square_p(breusch_pagan(square, pred)) < SURE
    return sure and root[1] >= WIDER * root[0]


def zeros(errors: Errors) -> Advice | None:
    """Losses relative to the target that have no value, where some targets are 0."""
    count = int((errors.y == 0.0).sum())
    if not count or count == errors.n or float(errors.y.min()) < 0.0:
        return None
    mark = errors.sample.mark
    be, noun = ("are", "targets") if count > 1 else ("is", "target")
    text = (
        f"not mape nor gamma_deviance: they have no finite value for the {mark}{count} of "
        f"{errors.n} targets that {be} 0; wape divides by the sum of targets instead"
    )
    finding = f"MAPE means nothing here: {mark}{count} {noun} {be} 0; WAPE is its stand-in."
    return Advice("zeros", "wape", text, finding, 8.0, data={"zeros": count, "rows": errors.n})
