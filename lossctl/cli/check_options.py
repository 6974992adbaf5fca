"""The options of `check`, declared once."""

from __future__ import annotations

from typing import Annotated

from lossctl.cli.completion import complete_requirement
from lossctl.cli.declared import Argument, Option
from lossctl.cli.options import Text, Texts

Preds = Annotated[
    Text,
    Argument(metavar="PREDS", show_default=False,
             help="Predictions: a file, or - for standard input; else what a configuration "
             "names."),
]  # fmt: skip
Max = Annotated[
    Texts,
    Option("--max", metavar="LOSS=V", complete=complete_requirement,
           help="Each value at most V: rmse=3.2, p95(mae)=3, rmse@region=EU=0.4; repeatable."),
]  # fmt: skip
Min = Annotated[
    Texts,
    Option("--min", metavar="LOSS=V", complete=complete_requirement,
           help="Each value at least V: r2=0.8; repeatable."),
]  # fmt: skip
Require = Annotated[
    Texts,
    Option("--require", metavar="'TEXT'",
           help="A quantity and its limit: 'p95(mae) < 3', 'rmse@region=EU < 0.4'; repeatable."),
]  # fmt: skip
MaxIncrease = Annotated[
    Texts,
    Option("--max-increase", metavar="LOSS=V", complete=complete_requirement,
           help="How much worse than the baseline a loss may be: mae=2%, rmse=0.1; repeatable."),
]  # fmt: skip
MaxRegressedRows = Annotated[
    Texts,
    Option("--max-regressed-rows", metavar="[LOSS=]N", complete=complete_requirement,
           help="How many rows may be worse than the baseline's: 10, 5%, zero_one=3."),
]  # fmt: skip
MaxRowLoss = Annotated[
    Texts,
    Option("--max-row-loss", metavar="LOSS=V", complete=complete_requirement,
           help="The largest value of a single row: mae=5."),
]  # fmt: skip
MaxDropped = Annotated[
    Texts,
    Option("--max-dropped", metavar="N|%",
           help="How many rows may be left out of the average."),
]  # fmt: skip
MinSamples = Annotated[
    Texts,
    Option("--min-samples", metavar="N",
           help="With fewer rows nothing is decided."),
]  # fmt: skip
WarnMax = Annotated[
    Texts,
    Option("--warn-max", metavar="LOSS=V", complete=complete_requirement,
           help="As --max, but only warns."),
]  # fmt: skip
WarnMin = Annotated[
    Texts,
    Option("--warn-min", metavar="LOSS=V", complete=complete_requirement,
           help="As --min, but only warns."),
]  # fmt: skip
WarnRequire = Annotated[
    Texts,
    Option("--warn-require", metavar="'TEXT'",
           help="As --require, but only warns."),
]  # fmt: skip
WarnMaxIncrease = Annotated[
    Texts,
    Option("--warn-max-increase", metavar="LOSS=V", complete=complete_requirement,
           help="As --max-increase, but only warns."),
]  # fmt: skip
WarnMaxRegressedRows = Annotated[
    Texts,
    Option("--warn-max-regressed-rows", metavar="[LOSS=]N", complete=complete_requirement,
           help="As --max-regressed-rows, but only warns."),
]  # fmt: skip
WarnMaxRowLoss = Annotated[
    Texts,
    Option("--warn-max-row-loss", metavar="LOSS=V", complete=complete_requirement,
           help="As --max-row-loss, but only warns."),
]  # fmt: skip
WarnMaxDropped = Annotated[
    Texts,
    Option("--warn-max-dropped", metavar="N|%",
           help="As --max-dropped, but only warns."),
]  # fmt: skip
WarnMinSamples = Annotated[
    Texts,
    Option("--warn-min-samples", metavar="N",
           help="As --min-samples, but only warns."),
]  # fmt: skip

Action = Annotated[str, Argument(metavar="ACTION", help="show or update.", show_default=False)]
BaselinePath = Annotated[
    str, Argument(metavar="FILE", help="The baseline, .json or .state.", show_default=False)
]
Reason = Annotated[
    Text, Option("--reason", metavar="TEXT", help="Why this is the new baseline, for review.")
]
BaselineFile = Annotated[
    Text,
    Option("--baseline", metavar="FILE",
           help="What is compared with: other predictions (FILE or FILE:COLUMN), or the report or "
           "state of an earlier run."),
]  # fmt: skip
Confidence = Annotated[
    Text, Option("--confidence", metavar="SHARE", help="Of intervals and verdicts; else 95%.")
]
Strict = Annotated[
    bool,
    Option("--strict",
           help="What lies within a margin, and is not shown to, is undecided, not met."),
]  # fmt: skip
Naive = Annotated[
    bool, Option("--naive", help="Compare bare numbers with a baseline, whatever the noise.")
]
AllowUndecided = Annotated[
    bool, Option("--allow-undecided", help="Let pass, with a warning, what noise could explain.")
]
ErrorOnWarning = Annotated[
    bool, Option("--error-on-warning", help="Requirements of --warn-... block, too.")
]
ExitZero = Annotated[
    bool, Option("--exit-zero", help="End with 0 whatever the outcome is; errors stay errors.")
]

SelfTest = Annotated[
    bool,
    Option("--self-test",
           help="Make the predictions worse step by step: the smallest regression that is caught."),
]  # fmt: skip
Suggest = Annotated[
    bool,
    Option("--suggest",
           help="Limits, and margins over a baseline, from the noise of the rows: of the losses "
           "that are required, else of the task."),
]  # fmt: skip
Sequential = Annotated[
    Text,
    Option("--sequential", metavar="FILE",
           help="Repeated looks at growing data: what earlier ones saw, and then this one."),
]  # fmt: skip

Suite = Annotated[
    Texts,
    Option("--suite", metavar="NAME", help="With the requirements of this suite, too; one a run."),
]
Config = Annotated[
    Text,
    Option("--config", metavar="FILE",
           help="The configuration; else ./lossctl.toml, or [tool.lossctl] of ./pyproject.toml."),
]  # fmt: skip
NoConfig = Annotated[bool, Option("--no-config", help="Read no configuration file.")]
