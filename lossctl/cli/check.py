"""`lossctl check`: a gate for continuous integration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lossctl.cli import check_options as c
from lossctl.cli import options as o
from lossctl.cli.scored import FILES, Given, scored

if TYPE_CHECKING:
    from lossctl.cli.settled import Settled
    from lossctl.config import Layer
    from lossctl.gates.sequential import Looks

MODES = ("sequential", "self_test", "suggest", "naive")
UNITS = ("cluster", "time", "horizon")
# `Rules` takes these as they are.
RULES = (*UNITS, "strict", "naive", "allow_undecided", "error_on_warning",
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
    sequential: c.Sequential = None,
    self_test: c.SelfTest = False,
    suggest: c.Suggest = False,
    first_row: o.FirstRow = None,
    suite: c.Suite = None,
    config: c.Config = None,
    no_config: c.NoConfig = False,
) -> int:
    """Check requirements of a model's losses, and say by the exit status whether they are met (0),
    violated (1) or undecided (4)."""
    stated = {name: value for name, value in locals().items() if name != "given"}

    from lossctl.cli.settled import settled
    from lossctl.errors import UsageError

    options = {**given.options, **stated}
    told = settled(options, _layers(options))
    if told.values["preds"] is None:
        raise UsageError("PREDS is given neither here nor in a configuration file",
                         "lossctl check PREDS TARGETS")  # fmt: skip
    with told.blamed(check):
        values = {name: told.values[name] for name in (*given.options, *FILES)}
        return _checked(given.having(**values), told)


def _checked(given: Given, told: Settled) -> int:
    """Carry out what was settled."""
    from functools import partial

    from lossctl.analyses.comparison.question import Question
    from lossctl.cli.reading import confidence_of
    from lossctl.gate import check_plan, check_state, suggest_plan
    from lossctl.gates.baseline import baseline_of, kind_of, text_of
    from lossctl.gates.rules import Rules, of_modes
    from lossctl.gates.sequential import read as looks_of
    from lossctl.shards.file import read

    values = told.values
    formats = given.destinations()  # what they refuse comes before what files hold
    if values["suggest"]:
        formats.refuse(("check",), "--suggest has no verdict")
    modes = {name: values[name] for name in MODES}
    confidence = confidence_of("95%" if values["confidence"] is None else values["confidence"])
    baseline = None if values["baseline"] is None else baseline_of(values["baseline"])
    own: dict[str, Any] = {"first_row": values["first_row"] or 0, "losses": ()}
    inputs = [] if baseline is None else [baseline.pred]
    run = partial(given.run, inputs=inputs, notes=told.notes())
    state = values["preds"] != "-" and kind_of(values["preds"]) == "state"
    of_modes(**modes, state=state, targets=values["targets"], baseline=baseline)
    if values["suggest"]:
        named = (one.quantity.loss for one in told.requirements)
        losses = tuple(dict.fromkeys(filter(None, named)))
        question = Question(confidence=confidence, **{name: values[name] for name in UNITS})
        return run(
            partial(suggest_plan, losses=losses, question=question, baseline=baseline), **own
        )
    rules = Rules(told.requirements, confidence=confidence, self_test=values["self_test"],
                  **{name: values[name] for name in RULES})  # fmt: skip
    if state:
        path = values["preds"]
        candidate = read(text_of(path), path)
        return given.write(
            lambda: check_state(candidate, path, rules=rules, baseline=baseline),
            inputs=inputs, notes=told.notes(),
        )  # fmt: skip
    looks = None if values["sequential"] is None else looks_of(values["sequential"])
    answer = partial(check_plan, rules=rules, baseline=baseline, looks=looks, keep=_keep)
    return run(answer, **own)


def _keep(looks: Looks) -> None:
    """The looks in their file, which is replaced as a whole."""
    from lossctl.cli.output import write_file

    write_file(looks.path, looks.to_json())


def _layers(options: Mapping[str, Any]) -> list[Layer]:
    """What lies below the options. Where nothing can, what reads it is not even imported."""
    files = ("lossctl.toml", "pyproject.toml")
    chosen = [options[name] not in (None, False) for name in ("suite", "config", "no_config")]
    variables = [name.startswith("LOSSCTL_") for name in os.environ]
    if not any(chosen) and not any(variables) and not any(map(os.path.lexists, files)):
        return []
    from lossctl.cli.configured import layers_of

    return layers_of(check, options)
