"""`lossctl eval`: one model's losses, and who makes them."""

from __future__ import annotations

from lossctl.cli import options as o
from lossctl.cli.scored import Given, scored


@scored()
def evaluate(
    given: Given,
    by: o.By = None,
    decompose: o.Decompose = False,
    outliers: o.Outliers = "mad",
    top: o.Top = 10,
    score_only: o.ScoreOnly = False,
    first_row: o.FirstRow = None,
) -> int:
    """Compare losses of predictions against targets, and say which samples make each."""
    from lossctl.grouping import groupings
    from lossctl.run import evaluate_plan

    return given.run(
        evaluate_plan,
        score_only=score_only,
        beside=" and ".join(["the groups"] * bool(by) + ["the decompositions"] * decompose),
        full=not score_only,
        by=groupings(by or []),
        decompose=decompose,
        outliers=outliers,
        top=top,
        first_row=first_row or 0,
    )
