"""Every option, declared once. They are plain strings here and are parsed where they are used,
so that `--help` and completion import neither NumPy nor the losses."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from lossctl.cli.completion import complete_format, complete_loss

Text = Optional[str]  # noqa: UP045  Typer reads annotations at run time; old ones need it spelt so
Texts = Optional[list[str]]  # noqa: UP045  as above
Whole = Optional[int]  # noqa: UP045  as above

_COLUMNS, _ROWS, _READING = "Columns", "Rows", "Reading"
_OUTPUT, _MESSAGES, _WORK = "Output", "Messages", "Work"


def _option(panel: str, *names: str, help: str, **more: object) -> object:  # noqa: A002  Click's word
    return typer.Option(*names, help=help, rich_help_panel=panel, **more)  # type: ignore[arg-type]  # passed on


Preds = Annotated[
    str, typer.Argument(help="Predictions: a file, or - for standard input.", show_default=False)
]
Targets = Annotated[
    Text,
    typer.Argument(help="Targets; left out where PREDS holds both.", show_default=False),
]
Files = Annotated[list[str], typer.Argument(help="One file, or two that belong together.")]

Loss = Annotated[
    Texts,
    _option("Losses", "--loss", "-l", metavar="LOSS", autocompletion=complete_loss,
            help="A loss, huber:delta=2, or a comma list of them; repeatable."),
]  # fmt: skip
Reduction = Annotated[
    Text,
    _option("Losses", "--reduction", metavar="NAME",
            help="mean, sum, sum_over_batch_size or sum_by_nonzero_weights, for losses that are "
            "means."),
]  # fmt: skip
Multioutput = Annotated[
    str,
    _option("Losses", "--multioutput", metavar="HOW",
            help="Several outputs: uniform_average of their losses, or pooled."),
]  # fmt: skip

PredCol = Annotated[
    Text,
    _option(_COLUMNS, "--pred-col", metavar="COLS",
            help="Prediction columns: name, number from 1, range 2-4 or glob 'p_*'."),
]  # fmt: skip
TargetCol = Annotated[
    Text, _option(_COLUMNS, "--target-col", metavar="COLS", help="Target columns, likewise.")
]
WeightCol = Annotated[
    Text, _option(_COLUMNS, "--weight-col", metavar="COL", help="Sample weights, at least 0.")
]
IdCol = Annotated[Text, _option(_COLUMNS, "--id-col", metavar="COL", help="What names the rows.")]
Role = Annotated[
    Texts,
    _option(_COLUMNS, "--role", metavar="NAME=FILE[:COLS]",
            help="What else a loss takes: train, parameters, scale ...; repeatable."),
]  # fmt: skip

On = Annotated[
    Texts,
    _option(_ROWS, "--on", metavar="KEY[,KEY]", help="Pair rows by these columns, not by order."),
]
ByRow = Annotated[
    bool, _option(_ROWS, "--by-row", help="Pair by order although shared columns disagree.")
]
Nan = Annotated[
    str, _option(_ROWS, "--nan", metavar="HOW", help="Values that are not finite: error or drop.")
]
Missing = Annotated[
    str, _option(_ROWS, "--missing", metavar="HOW", help="Keys without a partner: error or drop.")
]
Duplicates = Annotated[
    str,
    _option(_ROWS, "--duplicates", metavar="HOW", help="Repeated keys: error, first or last."),
]
Where = Annotated[
    Texts,
    _option(_ROWS, "--where", metavar="'COL OP VALUE'",
            help="Only the rows for which it holds, e.g. 'age >= 50'; repeatable."),
]  # fmt: skip

InputFormat = Annotated[
    Text,
    _option(_READING, "--input-format", metavar="FORMAT",
            help="csv, tsv, parquet, npy, npz or jsonl, where the suffix does not say."),
]  # fmt: skip
Encoding = Annotated[
    Text, _option(_READING, "--encoding", metavar="NAME", help="Of text files; else UTF-8.")
]
Delimiter = Annotated[
    Text,
    _option(_READING, "--delimiter", "-d", metavar="TEXT", help="Of text files; else , or tab."),
]
NoHeader = Annotated[
    bool,
    _option(_READING, "--no-header", "-H", help="The first line is data; columns are 1, 2 ..."),
]

Format = Annotated[
    Text,
    _option(_OUTPUT, "--format", "-f", metavar="FORMAT", envvar="LOSSCTL_FORMAT",
            autocompletion=complete_format,
            help="table, tsv, json, jsonl, csv, md or html; else table on a terminal, else tsv."),
]  # fmt: skip
InspectFormat = Annotated[
    Text,
    _option(_OUTPUT, "--format", "-f", metavar="FORMAT",
            help="table, tsv or json; else table on a terminal, else tsv."),
]  # fmt: skip
Output = Annotated[
    Text, _option(_OUTPUT, "--output", "-o", metavar="FILE", help="Write there, not to stdout.")
]
Export = Annotated[
    Texts,
    _option(_OUTPUT, "--export", metavar="[FORMAT=]FILE",
            help="Write there too; md+=FILE appends; repeatable."),
]  # fmt: skip
ScoreOnly = Annotated[
    bool, _option(_OUTPUT, "--score-only", "-b", help="Bare numbers, one line per loss.")
]
Precision = Annotated[
    Whole,
    _option(_OUTPUT, "--precision", "-p", metavar="N",
            help="Significant digits of table, md and html; else 4. Other formats hold all."),
]  # fmt: skip
Top = Annotated[int, _option(_OUTPUT, "--top", metavar="N", help="How many of the worst rows.")]
Color = Annotated[str, _option(_OUTPUT, "--color", metavar="WHEN", help="auto, always or never.")]

Quiet = Annotated[bool, _option(_MESSAGES, "--quiet", "-q", help="No notes and no progress.")]
Verbose = Annotated[
    bool,
    _option(_MESSAGES, "--verbose", "-v", help="Say how files are read, and how long it takes."),
]
Debug = Annotated[bool, _option(_MESSAGES, "--debug", help="Show the traceback of an error.")]

Threads = Annotated[
    Whole, _option(_WORK, "--threads", metavar="N", help="Scoring threads. Changes no digit.")
]
BlockRows = Annotated[
    Text,
    _option(
        _WORK, "--block-rows", metavar="N", help="Rows read at a time, or all. Changes no digit."
    ),
]
SpoolLimit = Annotated[
    Whole,
    _option(_WORK, "--spool-limit", metavar="BYTES",
            help="The most that the temporary copy of the columns may take."),
]  # fmt: skip
