"""`lossctl check`: a gate for continuous integration."""

from __future__ import annotations

from lossctl.cli import check_options as c
from lossctl.cli import options as o
from lossctl.cli.scored import Given, scored


@scored(without=("loss",))
def check(
    given: Given,
    max: c.Max = None,  # noqa: A002  the option's name
    min: c.Min = None,  # noqa: A002  the option's name
    require: c.Require = None,
    baseline: c.BaselineFile = None,
    max_increase: c.MaxIncrease = None,
    max_regressed_rows: c.MaxRegressedRows = None,
    max_row_loss: c.MaxRowLoss = None,
    max_dropped: c.MaxDropped = None,
    min_samples: c.MinSamples = None,
    warn_max: c.WarnMax = None,
    warn_min: c.WarnMin = None,
    warn_require: c.WarnRequire = None,
    warn_max_increase: c.WarnMaxIncrease = None,
    warn_max_regressed_rows: c.WarnMaxRegressedRows = None,
    warn_max_row_loss: c.WarnMaxRowLoss = None,
    warn_max_dropped: c.WarnMaxDropped = None,
    warn_min_samples: c.WarnMinSamples = None,
    confidence: o.Confidence = "95%",
    cluster: o.Cluster = None,
    time: o.Time = None,
    horizon: o.Horizon = None,
    strict: c.Strict = False,
    naive: c.Naive = False,
    allow_undecided: c.AllowUndecided = False,
    error_on_warning: c.ErrorOnWarning = False,
    exit_zero: c.ExitZero = False,
) -> int:
    """Check requirements of a model's losses, and say by the exit status whether they are met (0),
    violated (1) or undecided (4)."""
    from functools import partial

    from lossctl.cli.reading import confidence_of
    from lossctl.gates.baseline import baseline_of
    from lossctl.gates.requirement import EXAMPLES, of_option
    from lossctl.gates.rules import Rules
    from lossctl.run import check_plan

    stated = locals()
    requirements = [
        of_option(name, text, "option")
        for prefix in ("", "warn-")
        for name in (prefix + kind for kind in EXAMPLES)
        for text in stated[name.replace("-", "_")] or []
    ]
    rules = Rules(
        tuple(requirements),
        confidence=confidence_of(confidence),
        cluster=cluster,
        time=time,
        horizon=horizon,
        strict=strict,
        naive=naive,
        allow_undecided=allow_undecided,
        error_on_warning=error_on_warning,
        exit_zero=exit_zero,
    )
    held = None if baseline is None else baseline_of(baseline)
    answer = partial(check_plan, rules=rules, baseline=held)
    return given.having(loss=None).run(answer, inputs=[] if held is None else [held.pred])
