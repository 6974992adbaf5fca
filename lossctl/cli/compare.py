"""`lossctl compare`: which of several models is better, for which losses, and how sure that is."""

from __future__ import annotations

from lossctl.cli import options as o
from lossctl.cli.scored import Given, scored


@scored(without=("preds", "targets"))
def compare(
    given: Given,
    models: o.Models,
    targets: o.TargetsOption = None,
    reference: o.Reference = None,
    sort: o.SortModels = None,
    by: o.ByCompared = None,
    sweep: o.Sweep = None,
    confidence: o.Confidence = "95%",
    ci: o.Ci = "delta",
    test: o.Test = "t",
    cluster: o.Cluster = None,
    time: o.Time = None,
    horizon: o.Horizon = None,
    correction: o.Correction = "holm",
    resamples: o.Resamples = 10_000,
    seed: o.Seed = 0,
    curves: o.Curves = False,
) -> int:
    """Compare models on the same rows: each loss, how surely it differs, the rows that decide it,
    and the losses that disagree. Fewer rows than 30 are not judged."""
    from functools import partial

    from lossctl.analyses.comparison.question import Question
    from lossctl.cli.contenders import contenders
    from lossctl.cli.reading import confidence_of
    from lossctl.grouping import groupings
    from lossctl.run import compare_plan

    question = Question(
        confidence=confidence_of(confidence),
        correction=correction,
        interval=ci,
        test=test,
        resamples=resamples,
        seed=seed,
        cluster=cluster,
        time=time,
        horizon=horizon,
        curves=curves,
        sweep=sweep,
        sort=sort,
    )
    named = contenders(models, given.options["pred_col"], reference)
    given = given.having(preds=named[0].pred, targets=targets, pred_col=named[0].columns)
    answer = partial(compare_plan, question=question)
    groups = groupings(by or [])
    return given.run(answer, models=named, by=groups, inputs=[one.pred for one in named])
