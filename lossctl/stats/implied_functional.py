"""What predictions seem to aim at: a mean, a median, or another quantile or expectile."""

from __future__ import annotations

from typing import Any

from lossctl.analyses.advice import functional
from lossctl.errors import DataError
from lossctl.stats.inputs import paired
from lossctl.stats.sample import answer, batch_of


def implied_functional(y: Any, p: Any) -> dict[str, Any]:
    """The quantile and the expectile level that predictions `p` of targets `y`, both (n,), have:
    0.5 and 0.5 are a median and a mean (Elliott, Komunjer and Timmermann 2005).

    With the standard error of the expectile level, and the p-values of Student's test that the
    mean residual is 0 and of the sign test (ties left out) that the median one is. The level of
    an expectile is None where every prediction is right; Student's test needs two rows.

    Raises DataError for no rows, or values that are not finite or beyond ±1e100.
    """
    target, pred = paired(y, p)
    batch = batch_of({"pred": pred, "target": target})
    found = answer(functional.rounds("pred"), batch)
    if found is None:  # squares of values that are bounded are finite
        raise DataError("the squared residuals are too large")
    return {
        "implied_quantile_level": found.quantile,
        "implied_expectile_level": found.expectile,
        "expectile_level_se": found.expectile_se,
        "mean_test_pvalue": found.mean_p,
        "median_test_pvalue": found.median_p,
    }
