"""Every option, declared once. They are plain strings here and are parsed where they are used,
so that `--help` and completion import neither NumPy nor the losses."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from lossctl.cli.completion import complete_format, complete_loss

Text = Optional[str]  # noqa: UP045  Typer reads annotations at run time; old ones need it spelt so
Texts = Optional[list[str]]  # noqa: UP045  as above
Whole = Optional[int]  # noqa: UP045  as above

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
    typer.Option("--loss", "-l", metavar="LOSS", autocompletion=complete_loss,
            help="A loss, huber:delta=2, or a comma list of them; repeatable."),
]  # fmt: skip
OneLoss = Annotated[
    str,
    typer.Argument(metavar="LOSS", autocompletion=complete_loss, show_default=False,
            help="A loss, with settings or without: huber:delta=2."),
]  # fmt: skip
At = Annotated[
    Text,
    typer.Option("--at", metavar="PRED,TARGET",
            help="Work this point out; roles that hold several numbers apart by a slash: "
            "0.2,0.7,0.1/1."),
]  # fmt: skip
TaskOf = Annotated[
    Text,
    typer.Option("--task", metavar="TASK",
            help="Only losses for regression, binary, multiclass, multilabel, distribution, "
            "masks, boxes, sequence, embedding, quantile, interval or ensemble."),
]  # fmt: skip
Family = Annotated[
    Text, typer.Option("--family", metavar="NAME", help="Only losses of this family.")
]
For = Annotated[
    Text,
    typer.Option("--for", metavar="PREDS",
            help="Which losses apply to these predictions (and TARGETS), and why others do not."),
]  # fmt: skip
TargetsOf = Annotated[
    Text, typer.Argument(metavar="TARGETS", help="With --for: the targets.", show_default=False)
]
Reduction = Annotated[
    Text,
    typer.Option("--reduction", metavar="NAME",
            help="mean, sum, sum_over_batch_size, sum_by_nonzero_weights, batchmean or none, for "
            "losses that are means; some losses have more (explain lists them)."),
]  # fmt: skip
Multioutput = Annotated[
    str,
    typer.Option("--multioutput", metavar="HOW",
            help="Several outputs: uniform_average of their losses, or pooled."),
]  # fmt: skip

Task = Annotated[
    str,
    typer.Option("--task", metavar="TASK",
            help="auto, regression, binary, multiclass, multilabel, distribution, masks, boxes, "
            "sequence, embedding, quantile, interval or ensemble."),
]  # fmt: skip
Like = Annotated[
    Texts,
    typer.Option("--like", metavar="LIBRARY",
            help="By the conventions of torch, keras, tensorflow, sklearn or optax; a comma list "
            "shows them beside each other."),
]  # fmt: skip
FromLogits = Annotated[
    bool, typer.Option("--from-logits", help="Predictions are logits; never guessed.")
]
Labels = Annotated[
    Text,
    typer.Option("--labels", metavar="A,B,C",
            help="The classes in order, where labels are names; else the names of the columns."),
]  # fmt: skip
Positive = Annotated[
    Text, typer.Option("--positive", metavar="NAME", help="The label that counts as 1.")
]
ClassCount = Annotated[
    Whole, typer.Option("--classes", metavar="N", help="How many classes there must be.")
]
IgnoreIndex = Annotated[
    Text,
    typer.Option("--ignore-index", metavar="N",
            help="Rows of this label, a whole number, are left out."),
]  # fmt: skip
ClassWeight = Annotated[
    Text,
    typer.Option("--class-weight", metavar="FILE",
            help="One weight per class, in order or beside a column of their names; or balanced: "
            "rows / (classes * rows of it)."),
]  # fmt: skip
Boxes = Annotated[
    Text, typer.Option("--boxes", metavar="FORM", help="Boxes are xyxy, xywh or cxcywh.")
]
Layout = Annotated[
    str,
    typer.Option("--layout", metavar="AXES",
            help="Arrays of three dimensions: BTC, or TBC where time comes first."),
]  # fmt: skip

PredCol = Annotated[
    Text,
    typer.Option("--pred-col", metavar="COLS",
            help="Prediction columns: name, number from 1, range 2-4 or glob 'p_*'."),
]  # fmt: skip
TargetCol = Annotated[
    Text, typer.Option("--target-col", metavar="COLS", help="Target columns, likewise.")
]
WeightCol = Annotated[
    Text, typer.Option("--weight-col", metavar="COL", help="Sample weights, at least 0.")
]
IdCol = Annotated[Text, typer.Option("--id-col", metavar="COL", help="What names the rows.")]
Role = Annotated[
    Texts,
    typer.Option("--role", metavar="NAME=FILE[:COLS]",
            help="What else a loss takes: train, parameters, scale ...; repeatable."),
]  # fmt: skip

On = Annotated[
    Texts,
    typer.Option("--on", metavar="KEY[,KEY]", help="Pair rows by these columns, not by order."),
]
ByRow = Annotated[
    bool, typer.Option("--by-row", help="Pair by order although shared columns disagree.")
]
Nan = Annotated[
    str, typer.Option("--nan", metavar="HOW", help="Values that are not finite: error or drop.")
]
Missing = Annotated[
    str, typer.Option("--missing", metavar="HOW", help="Keys without a partner: error or drop.")
]
Duplicates = Annotated[
    str,
    typer.Option("--duplicates", metavar="HOW", help="Repeated keys: error, first or last."),
]
Where = Annotated[
    Texts,
    typer.Option("--where", metavar="'COL OP VALUE'",
            help="Only the rows for which it holds, e.g. 'age >= 50'; repeatable."),
]  # fmt: skip

InputFormat = Annotated[
    Text,
    typer.Option("--input-format", metavar="FORMAT",
            help="csv, tsv, parquet, npy, npz or jsonl, where the suffix does not say."),
]  # fmt: skip
Encoding = Annotated[
    Text, typer.Option("--encoding", metavar="NAME", help="Of text files; else UTF-8.")
]
Delimiter = Annotated[
    Text,
    typer.Option("--delimiter", "-d", metavar="TEXT", help="Of text files; else , or tab."),
]
NoHeader = Annotated[
    bool,
    typer.Option("--no-header", "-H", help="The first line is data; columns are 1, 2 ..."),
]

Format = Annotated[
    Text,
    typer.Option("--format", "-f", metavar="FORMAT", envvar="LOSSCTL_FORMAT",
            autocompletion=complete_format,
            help="table, tsv, json, jsonl, csv, md or html; else table on a terminal, else tsv."),
]  # fmt: skip
InspectFormat = Annotated[
    Text,
    typer.Option("--format", "-f", metavar="FORMAT",
            help="table, tsv or json; else table on a terminal, else tsv."),
]  # fmt: skip
ExplainFormat = Annotated[
    Text, typer.Option("--format", "-f", metavar="FORMAT", help="table, md or json; else table.")
]
Output = Annotated[
    Text, typer.Option("--output", "-o", metavar="FILE", help="Write there, not to stdout.")
]
Export = Annotated[
    Texts,
    typer.Option("--export", metavar="[FORMAT=]FILE",
            help="Write there too; md+=FILE appends; repeatable."),
]  # fmt: skip
ScoreOnly = Annotated[
    bool, typer.Option("--score-only", "-b", help="Bare numbers, one line per loss.")
]
Precision = Annotated[
    Whole,
    typer.Option("--precision", "-p", metavar="N",
            help="Significant digits of table, md and html; else 4. Other formats hold all."),
]  # fmt: skip
Top = Annotated[int, typer.Option("--top", metavar="N", help="How many of the worst rows.")]
Color = Annotated[str, typer.Option("--color", metavar="WHEN", help="auto, always or never.")]

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No notes and no progress.")]
Verbose = Annotated[
    bool,
    typer.Option("--verbose", "-v", help="Say how files are read, and how long it takes."),
]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]

Threads = Annotated[
    Whole, typer.Option("--threads", metavar="N", help="Scoring threads. Changes no digit.")
]
BlockRows = Annotated[
    Text,
    typer.Option(
        "--block-rows", metavar="N", help="Rows read at a time, or all. Changes no digit."
    ),
]
SpoolLimit = Annotated[
    Whole,
    typer.Option("--spool-limit", metavar="BYTES",
            help="The most that the temporary copy of the columns may take."),
]  # fmt: skip
