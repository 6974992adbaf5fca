"""The mean of rows in clusters, and its standard error."""

from __future__ import annotations

from typing import Any

import numpy as np

from lossctl.analyses.inference.clusters import clustered
from lossctl.errors import DataError
from lossctl.stats.inputs import bounded


def cluster_se(d: Any, cluster: Any) -> dict[str, Any]:
    """The mean of `d` (n,), its standard error if rows were independent and if only clusters are
    (rows of equal `cluster` (n,), numbers or texts; Cameron and Miller 2015), the t test by that
    error with clusters - 1 degrees of freedom, and Kish's design effect.

    None where there is one cluster, or nothing varies. Raises DataError for fewer than 2 rows,
    values that are not finite, or clusters that are as many as other rows.
    """
    values = bounded(d, "d", least=2)
    codes = np.asarray(cluster)
    if codes.shape != values.shape:
        raise DataError(f"d has {values.size} rows, cluster has shape {codes.shape}")
    try:
        found = clustered(values, codes)
    except TypeError as problem:
        raise DataError(f"cluster holds values that cannot be compared: {problem}") from None
    test = found.test
    return {
        "mean": found.mean,
        "se_iid": found.plain_error,
        "se_cluster": None if test is None else test.error,
        "t": None if test is None else test.t,
        "df": found.clusters - 1,
        "pvalue_t": None if test is None else test.p,
        "design_effect": found.effect,
    }
