"""All advice on one kind of prediction, the most valuable first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from lossctl.analyses.advice.classes import Classified
from lossctl.analyses.advice.evidence import Errors
from lossctl.analyses.advice.functional import Implied
from lossctl.analyses.advice.record import Advice
from lossctl.analyses.advice.rules.calibration import base_rate, calibration, smoothing
from lossctl.analyses.advice.rules.corrections import constant, corrections
from lossctl.analyses.advice.rules.coverage import Quantiles, coverage, crossing
from lossctl.analyses.advice.rules.mislabelled import mislabelled
from lossctl.analyses.advice.rules.settings import settings
from lossctl.analyses.advice.rules.skew import implied, skew
from lossctl.analyses.advice.rules.spread import spread, zeros
from lossctl.analyses.advice.rules.symmetric import symmetric
from lossctl.analyses.advice.rules.tails import tails

AIMS = {"mae": "mae", "rmse": "mse"}  # the loss that predictions aim at, by what is advised


def on_errors(errors: Errors, found: Implied | None) -> list[Advice]:
    """On predictions of numbers."""
    with np.errstate(all="ignore"):  # what is not finite is no evidence
        worse = constant(errors)
        growing = spread(errors)
        aim = implied(errors, found)
        told = AIMS.get(aim.do) if aim else None
        given = [
            worse,
            None if worse else corrections(errors, told),  # what is useless is not mended
            tails(errors, mean=told == "mse"),
            aim,
            skew(errors),
            None if told == "mae" else growing,  # its losses ask for the mean
            # Errors that grow are a mixture, whose tails say nothing of the loss.
            None if growing else symmetric(errors),
            zeros(errors),
            settings(errors),
        ]
    return _ordered(given)


def on_classes(rows: Classified) -> list[Advice]:
    """On probabilities of classes."""
    with np.errstate(all="ignore"):
        useless = base_rate(rows)
        mended = [] if useless else [smoothing(rows), calibration(rows)]
        given = [useless, *mended, mislabelled(rows)]
    return _ordered(given)


def on_quantiles(rows: Quantiles) -> list[Advice]:
    """On predictions of quantiles."""
    with np.errstate(all="ignore"):
        return _ordered([crossing(rows), coverage(rows)])


def on_outputs(given: Mapping[str, Sequence[Advice]]) -> list[Advice]:
    """On each of several outputs, by name: the topic and the finding say which."""
    return _ordered([
        replace(one, topic=f"{name}: {one.topic}", finding=f"{name}: {one.finding}")
        for name, several in given.items()
        for one in several
    ])  # fmt: skip


def _ordered(given: Iterable[Advice | None]) -> list[Advice]:
    return sorted((one for one in given if one is not None), key=lambda one: -one.worth)
