"""`lossctl check`: a gate for continuous integration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lossctl.cli import check_options as c
from lossctl.cli import options as o
from lossctl.cli.scored import FILES, Given, scored

if TYPE_CHECKING:
    from lossctl.config import Layer
    from lossctl.passes import Progress
    from lossctl.plan import Plan
    from lossctl.report import Report

# `Rules` takes these as they are.
RULES = ("cluster", "time", "horizon", "strict", "naive", "allow_undecided", "error_on_warning",
         "exit_zero")  # fmt: skip


@scored(without=("loss", *FILES), unset=True)
def check(
    given: Given,
    preds: c.Preds = None,
    targets: o.Targets = None,
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
    confidence: c.Confidence = None,
    cluster: o.Cluster = None,
    time: o.Time = None,
    horizon: o.Horizon = None,
    strict: c.Strict = False,
    naive: c.Naive = False,
    allow_undecided: c.AllowUndecided = False,
    error_on_warning: c.ErrorOnWarning = False,
    exit_zero: c.ExitZero = False,
    suite: c.Suite = None,
    config: c.Config = None,
    no_config: c.NoConfig = False,
) -> int:
    """Check requirements of a model's losses, and say by the exit status whether they are met (0),
    violated (1) or undecided (4)."""
    stated = {name: value for name, value in locals().items() if name != "given"}

    from dataclasses import replace

    from lossctl.cli.reading import confidence_of
    from lossctl.cli.settled import settled
    from lossctl.errors import UsageError
    from lossctl.gate import check_plan
    from lossctl.gates.baseline import baseline_of
    from lossctl.gates.rules import Rules

    options = {**given.options, **stated}
    told = settled(options, _layers(options))
    values = told.values
    if values["preds"] is None:
        raise UsageError("PREDS is given neither here nor in a configuration file",
                         "lossctl check PREDS TARGETS")  # fmt: skip

    def answer(plan: Plan, progress: Progress | None) -> Report:
        report = check_plan(plan, progress, rules=rules, baseline=held)
        return replace(report, notes=(*report.notes, *told.notes()))

    with told.blamed(check):
        rules = Rules(
            told.requirements,
            confidence=confidence_of(values["confidence"] or "95%"),
            **{name: values[name] for name in RULES},
        )
        held = None if values["baseline"] is None else baseline_of(values["baseline"])
        settings = {name: values[name] for name in (*given.options, *FILES)}
        return given.having(**settings).run(answer, inputs=[] if held is None else [held.pred])


def _layers(options: Mapping[str, Any]) -> list[Layer]:
    """What lies below the options. Where nothing can, what reads it is not even imported."""
    files = ("lossctl.toml", "pyproject.toml")
    chosen = [options[name] not in (None, False) for name in ("suite", "config", "no_config")]
    variables = [name.startswith("LOSSCTL_") for name in os.environ]
    if not any(chosen) and not any(variables) and not any(map(os.path.lexists, files)):
        return []
    from lossctl.cli.configured import layers_of

    return layers_of(check, options)
