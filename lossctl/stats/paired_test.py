"""Paired differences: every test of them, their size, and what could have been seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.inference.bootstrap import ROWS, bootstrap
from lossctl.analyses.inference.paired import paired, sides, wilson
from lossctl.analyses.inference.power import detectable, detectable_t, rows_needed
from lossctl.analyses.inference.signflip import sign_flip
from lossctl.analyses.inference.wilcoxon import signed_rank
from lossctl.analyses.significance import sign_p
from lossctl.errors import DataError
from lossctl.stats.inputs import bounded

REPLICATES = 99_999


def paired_test(d: Any) -> dict[str, Any]:
    """Tests that differences `d` (n,) are 0: Student's t of the mean with its 95 % interval, the
    sign-flip test (exact up to 20 differences other than 0, else None there and drawn flips beside
    it), Wilcoxon's signed-rank test, the sign test.

    Cohen's d_z, the share of rows above 0 with Wilson's interval, the mean that would be shown with
    80 % power (by the t and the normal distribution), the rows needed to show this mean, and the
    BCa interval of the mean from 99 999 resamples. None where nothing varies. Raises DataError for
    fewer than 2 rows, more than 20 000, or values that are not finite.
    """
    values = bounded(d, "d", least=2)
    if values.size > ROWS:
        raise DataError(f"d has {values.size} values, more than the limit of {ROWS}")
    found, side, flip, rank = paired(values), sides(values), sign_flip(values), signed_rank(values)
    rate = wilson(side.above, side.n)
    test, sd = found.test, found.sd
    varies = test is not None and bool(sd)
    n = values.size
    resampled = bootstrap(values[:, np.newaxis], lambda sums: sums[:, 0] / n, replicates=REPLICATES)
    return {
        "mean": found.mean,
        "sd": sd,
        "t": test.t if test else None,
        "t_pvalue": test.p if test else None,
        "t_ci95": [test.low, test.high] if test and test.low is not None else None,
        "signflip_exact_pvalue": flip.p if flip.exact else None,
        "signflip_pvalue": flip.p,
        "wilcoxon_W": rank.statistic,
        "wilcoxon_pvalue": rank.p,
        "sign_pvalue": sign_p(side.below, side.above),
        "win_rate": rate.rate,
        "wilson_ci95": [rate.low, rate.high],
        "cohens_dz": found.effect,
        "mde_t_power80": detectable_t(sd, n) if varies and sd else None,
        "mde_z_power80": detectable(sd, n) if varies and sd else None,
        "n_needed_z_for_mean": rows_needed(sd, found.mean) if varies and sd else None,
        "bca_ci95_B99999": None if resampled.bca is None else list(resampled.bca),
    }
