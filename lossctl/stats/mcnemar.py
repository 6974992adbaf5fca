"""Two classifiers that are right on different rows."""

from __future__ import annotations

from typing import Any

from lossctl.analyses.significance import chi_square_p, sign_p
from lossctl.errors import UsageError


def mcnemar(only_A_right: int, only_B_right: int) -> dict[str, Any]:  # noqa: N803  reference names
    """McNemar's (1947) test of the rows on which only one of two classifiers is right: exact, and
    chi-square with continuity correction (Edwards 1948).

    Without such rows p is 1 and chi-square 0. Raises UsageError for counts that are not whole
    numbers from 0 on.
    """
    counts = []
    for name, count in (("only_A_right", only_A_right), ("only_B_right", only_B_right)):
        if count != int(count) or count < 0:
            raise UsageError(f"{name} is {count}, but must be a whole number from 0 on")
        counts.append(int(count))
    apart, rows = abs(counts[0] - counts[1]), sum(counts)
    statistic = max(0, apart - 1) ** 2 / rows if rows else 0.0
    return {
        "exact_pvalue": sign_p(*counts),
        "chi2_corrected": statistic,
        "chi2_pvalue": chi_square_p(statistic),
    }
