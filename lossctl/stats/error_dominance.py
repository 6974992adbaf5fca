"""Which of two models is better for all losses of a class, by their errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.crossings import Comparison, Side, Verdict
from lossctl.analyses.dominance import of_errors
from lossctl.arrays import Array
from lossctl.errors import DataError
from lossctl.exact import ONE, exact_sum, ratio
from lossctl.grammar import parse
from lossctl.stats.inputs import bounded

WITHIN = 0.5
QUANTILE = 0.9
SPECS = {"mae": "mae", "mse": "mse", "huber1": "huber:delta=1", "logcosh": "log_cosh"}


def error_dominance(errors_A: Any, errors_B: Any) -> dict[str, Any]:  # noqa: N803  A and B
    """For which losses of the error e = p - y one model is better, at every threshold exactly.

    every_symmetric_monotone   P(|e| <= t) is no smaller (REC curves: Bi and Bennett 2003)
    every_symmetric_convex     E(|e| - t)+ is no larger
    every_monotone             P(e > t) and P(e < -t) are no larger  } Jin, Corradi and
    every_convex               E(e - t)+ and E(-t - e)+ are no larger} Swanson (2017)

    for all t >= 0, and somewhere differ. `crossings` of the symmetric curves are [t, A, B]; those
    of the first are of P(|e| <= t). `losses` are a few of [A, B]: "cauchy" is log(1 + e²),
    "within_half" the share beyond 0.5, and the last the pinball loss of quantile 0.9.

    Raises DataError unless the errors, (n,) each, are as many and finite.
    """
    first, second = bounded(errors_A, "errors_A"), bounded(errors_B, "errors_B")
    if first.size != second.size:
        raise DataError(f"errors_A has {first.size} rows, errors_B has {second.size}")
    found = of_errors(first, second)
    verdicts: dict[str, Verdict] = {
        "every_symmetric_monotone": found.symmetric_monotone,
        "every_symmetric_convex": found.symmetric_convex,
        "every_monotone": found.monotone,
        "every_convex": found.convex,
    }
    sides: dict[str, Side] = {"A_over_B": "first", "B_over_A": "second"}
    losses = zip(_losses(first).items(), _losses(second).values(), strict=True)
    return {
        **{
            name: {loss: verdict == side for loss, verdict in verdicts.items()}
            for name, side in sides.items()
        },
        "crossings": {
            "symmetric_monotone": _crossings(found.within),
            "symmetric_convex": _crossings(found.excess),
        },
        "losses": {name: [a, b] for (name, a), b in losses},
    }


def _crossings(curves: Comparison) -> list[list[float]]:
    return [[one.at, one.first, one.second] for one in curves.crossings]


def _losses(errors: Array) -> dict[str, float]:
    """The mean of each loss."""
    columns = {"pred": errors, "target": np.zeros(errors.size)}
    values = {name: parse(text).evaluate(columns) for name, text in SPECS.items()}
    values |= {
        "cauchy": np.log1p(errors * errors),
        "within_half": (np.abs(errors) > WITHIN).astype(np.float64),
        "pinball90_of_p_minus_y": parse(f"pinball:quantile={QUANTILE}").evaluate(columns),
    }
    return {name: ratio(exact_sum(one), errors.size * ONE) for name, one in values.items()}
