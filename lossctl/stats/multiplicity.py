"""The p-values of several tests, corrected for their number."""

from __future__ import annotations

from typing import Any

from lossctl.analyses.inference import corrections
from lossctl.errors import DataError
from lossctl.stats.sample import numbers


def multiplicity(p: Any) -> dict[str, Any]:
    """p-values (n,) corrected by Holm (1979), Benjamini and Hochberg (1995) and Bonferroni, each in
    the order given. Raises DataError unless all are from 0 to 1."""
    given = numbers(p, "p")
    if given.min() < 0.0 or given.max() > 1.0:
        raise DataError("p has a value outside 0 to 1")
    values = given.tolist()
    return {
        "holm": corrections.holm(values),
        "fdr_bh": corrections.fdr(values),
        "bonferroni": corrections.bonferroni(values),
    }
