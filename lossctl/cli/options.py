"""Every option, declared once. They are plain strings here and are parsed where they are used,
so that `--help` and completion import neither NumPy nor the losses."""

from __future__ import annotations

from typing import Annotated, Optional

from lossctl.cli.completion import complete_format, complete_loss
from lossctl.cli.declared import Argument, Option

Text = Optional[str]  # noqa: UP045  Typer reads annotations at run time; old ones need it spelt so
Texts = Optional[list[str]]  # noqa: UP045  as above
Whole = Optional[int]  # noqa: UP045  as above

Preds = Annotated[
    str,
    Argument(
        metavar="PREDS", help="Predictions: a file, or - for standard input.", show_default=False
    ),
]
Targets = Annotated[
    Text,
    Argument(
        metavar="TARGETS", help="Targets; left out where PREDS holds both.", show_default=False
    ),
]
Models = Annotated[
    list[str],
    Argument(metavar="NAME=PREDS", show_default=False,
             help="The models: NAME=FILE or FILE, with :COLUMNS or without; or one file and "
             "--pred-col a,b."),
]  # fmt: skip
OtherModels = Annotated[
    Texts,
    Argument(metavar="NAME=PREDS", show_default=False,
             help="Further models: NAME=PREDS NAME=PREDS ... -t TARGETS lists where they differ."),
]  # fmt: skip
TargetsOption = Annotated[
    Text,
    Option("--targets", "-t", metavar="TARGETS",
           help="Targets; left out where every file of predictions holds them too."),
]  # fmt: skip
Reference = Annotated[
    Text,
    Option("--reference", metavar="NAME",
           help="The model that others are compared with; else the first."),
]  # fmt: skip
SortModels = Annotated[
    Text,
    Option("--sort", metavar="LOSS",
           help="The loss that models are put in order by; else the first."),
]  # fmt: skip
Confidence = Annotated[
    str, Option("--confidence", metavar="SHARE", help="Of intervals and verdicts.")
]
Ci = Annotated[
    str,
    Option("--ci", metavar="HOW",
           help="Intervals: delta (exact second moments), or bca (a bootstrap of at most 20 000 "
           "rows)."),
]  # fmt: skip
Test = Annotated[
    str,
    Option("--test", metavar="TEST",
           help="What gives p: t, permutation (of signs), wilcoxon or sign."),
]  # fmt: skip
Cluster = Annotated[
    Text,
    Option("--cluster", metavar="COL",
           help="Rows of one value there depend on each other: a patient, a document."),
]  # fmt: skip
Time = Annotated[
    Text,
    Option("--time", metavar="COL",
           help="When rows are: neighbours depend on each other (Diebold and Mariano's test)."),
]  # fmt: skip
Horizon = Annotated[
    Whole,
    Option("--horizon", metavar="H",
           help="With --time: forecasts are H steps ahead, and H - 1 neighbours count; else as "
           "many as the rows show."),
]  # fmt: skip
Correction = Annotated[
    str,
    Option("--correction", metavar="HOW",
           help="Of the p-values of all models and losses: holm, fdr, bonferroni or none."),
]  # fmt: skip
Resamples = Annotated[
    int,
    Option("--resamples", metavar="N", help="Random draws, for ranks, --ci bca and permutations."),
]
ByCompared = Annotated[
    Texts,
    Option("--by", metavar="COL",
           help="Compare within groups too, by a column or 'bin(age,5)'; repeatable."),
]  # fmt: skip
Sweep = Annotated[
    Text,
    Option("--sweep", metavar="LOSS",
           help="Where another model becomes the best: huber:delta=0.1..10."),
]  # fmt: skip
Curves = Annotated[
    bool,
    Option("--curves", help="Draw how many errors are small, and the loss by threshold."),
]
Seed = Annotated[int, Option("--seed", metavar="N", help="Of the random draws.")]
Files = Annotated[list[str], Argument(help="One file, or two that belong together.")]

Loss = Annotated[
    Texts,
    Option("--loss", "-l", metavar="LOSS", complete=complete_loss,
            help="A loss, huber:delta=2, or a comma list of them; repeatable."),
]  # fmt: skip
OneLoss = Annotated[
    str,
    Argument(metavar="LOSS", complete=complete_loss, show_default=False,
            help="A loss, with settings or without: huber:delta=2."),
]  # fmt: skip
States = Annotated[
    list[str], Argument(metavar="STATE", help="The states of all parts.", show_default=False)
]
StateFormat = Annotated[
    Text,
    Option("--format", "-f", metavar="FORMAT", complete=complete_format,
           help="state, or a format of eval; else what the name of -o says."),
]  # fmt: skip
FirstRow = Annotated[
    Whole, Option("--first-row", metavar="N", help="The number of the first row, of a part of all.")
]
At = Annotated[
    Text,
    Option("--at", metavar="PRED,TARGET",
            help="Work this point out; roles that hold several numbers apart by a slash: "
            "0.2,0.7,0.1/1."),
]  # fmt: skip
TaskOf = Annotated[
    Text,
    Option("--task", metavar="TASK",
            help="Only losses for regression, binary, multiclass, multilabel, distribution, "
            "masks, boxes, sequence, embedding, quantile, interval or ensemble."),
]  # fmt: skip
Family = Annotated[Text, Option("--family", metavar="NAME", help="Only losses of this family.")]
For = Annotated[
    Text,
    Option("--for", metavar="PREDS",
            help="Which losses apply to these predictions (and TARGETS), and why others do not."),
]  # fmt: skip
TargetsOf = Annotated[
    Text, Argument(metavar="TARGETS", help="With --for: the targets.", show_default=False)
]
Reduction = Annotated[
    Text,
    Option("--reduction", metavar="NAME",
            help="mean, sum, sum_over_batch_size, sum_by_nonzero_weights, batchmean or none, for "
            "losses that are means; some losses have more (explain lists them)."),
]  # fmt: skip
Multioutput = Annotated[
    str,
    Option("--multioutput", metavar="HOW",
            help="Several outputs: uniform_average of their losses, or pooled."),
]  # fmt: skip

Task = Annotated[
    str,
    Option("--task", metavar="TASK",
            help="auto, regression, binary, multiclass, multilabel, distribution, masks, boxes, "
            "sequence, embedding, quantile, interval or ensemble."),
]  # fmt: skip
Like = Annotated[
    Texts,
    Option("--like", metavar="LIBRARY",
            help="By the conventions of torch, keras, tensorflow, sklearn or optax; a comma list "
            "shows them beside each other."),
]  # fmt: skip
FromLogits = Annotated[bool, Option("--from-logits", help="Predictions are logits; never guessed.")]
Labels = Annotated[
    Text,
    Option("--labels", metavar="A,B,C",
            help="The classes in order, where labels are names; else the names of the columns."),
]  # fmt: skip
Positive = Annotated[Text, Option("--positive", metavar="NAME", help="The label that counts as 1.")]
ClassCount = Annotated[
    Whole, Option("--classes", metavar="N", help="How many classes there must be.")
]
IgnoreIndex = Annotated[
    Text,
    Option("--ignore-index", metavar="N",
            help="Rows of this label, a whole number, are left out."),
]  # fmt: skip
ClassWeight = Annotated[
    Text,
    Option("--class-weight", metavar="FILE",
            help="One weight per class, in order or beside a column of their names; or balanced: "
            "rows / (classes * rows of it)."),
]  # fmt: skip
Boxes = Annotated[Text, Option("--boxes", metavar="FORM", help="Boxes are xyxy, xywh or cxcywh.")]
Layout = Annotated[
    str,
    Option("--layout", metavar="AXES",
            help="Arrays of three dimensions: BTC, or TBC where time comes first."),
]  # fmt: skip

PredCol = Annotated[
    Text,
    Option("--pred-col", metavar="COLS",
            help="Prediction columns: name, number from 1, range 2-4 or glob 'p_*'."),
]  # fmt: skip
TargetCol = Annotated[
    Text, Option("--target-col", metavar="COLS", help="Target columns, likewise.")
]
WeightCol = Annotated[
    Text, Option("--weight-col", metavar="COL", help="Sample weights, at least 0.")
]
IdCol = Annotated[Text, Option("--id-col", metavar="COL", help="What names the rows.")]
Role = Annotated[
    Texts,
    Option("--role", metavar="NAME=FILE[:COLS]",
            help="What else a loss takes: train, parameters, scale ...; repeatable."),
]  # fmt: skip

On = Annotated[
    Texts,
    Option("--on", metavar="KEY[,KEY]", help="Pair rows by these columns, not by order."),
]
ByRow = Annotated[bool, Option("--by-row", help="Pair by order although shared columns disagree.")]
Nan = Annotated[
    str, Option("--nan", metavar="HOW", help="Values that are not finite: error or drop.")
]
Missing = Annotated[
    str, Option("--missing", metavar="HOW", help="Keys without a partner: error or drop.")
]
Duplicates = Annotated[
    str,
    Option("--duplicates", metavar="HOW", help="Repeated keys: error, first or last."),
]
Where = Annotated[
    Texts,
    Option("--where", metavar="'COL OP VALUE'",
            help="Only the rows for which it holds, e.g. 'age >= 50'; repeatable."),
]  # fmt: skip

By = Annotated[
    Texts,
    Option("--by", metavar="COL",
            help="Each group's share of the losses, by a column or 'bin(age,5)'; repeatable."),
]  # fmt: skip

Find = Annotated[
    bool,
    Option("--find", help="Search all other columns for the slices where the model fails."),
]
Against = Annotated[
    Text,
    Option("--against", metavar="PREDS",
            help="Split the change since these predictions: the mix of groups, and within them."),
]  # fmt: skip
AgainstTargets = Annotated[
    Text,
    Option("--against-targets", metavar="TARGETS", help="Their targets, where they are others."),
]
TopGroups = Annotated[int, Option("--top", metavar="N", help="How many groups of each column.")]
Decompose = Annotated[
    bool,
    Option(
        "--decompose", help="Take every loss apart: bias and noise, calibration, classes, edits."
    ),
]
Outliers = Annotated[
    str,
    Option("--outliers", metavar="RULE",
            help="mad (3.5 robust deviations), iqr, adjusted (for skewed errors) or esd."),
]  # fmt: skip

RowsFormat = Annotated[
    Text,
    Option("--format", "-f", metavar="FORMAT", envvar="LOSSCTL_FORMAT",
            help="table, tsv, csv, jsonl, parquet, json, md or html; else what the name of -o "
            "says, table on a terminal, or tsv."),
]  # fmt: skip
TopRows = Annotated[Whole, Option("--top", metavar="N", help="How many rows; else 20.")]
All = Annotated[bool, Option("--all", help="Every row, in the order of the file unless sorted.")]
Sort = Annotated[
    Text,
    Option("--sort", metavar="BY",
            help="What is largest first: share (of the first loss), loss, residual, delta (how "
            "much better the loss is without the row); or row. Of several models difference, "
            "better or worse (of the last one), or row."),
]  # fmt: skip
Show = Annotated[
    Texts,
    Option("--show", metavar="COL,COL",
            help="Further columns of either file, beside each row; repeatable."),
]  # fmt: skip
OutliersOf = Annotated[
    Text,
    Option("--outliers", metavar="RULE",
            help="Only outliers by this rule (with --all, a column says which rows are): mad "
            "(3.5 robust deviations), iqr, adjusted (for skewed errors) or esd."),
]  # fmt: skip
Trim = Annotated[
    Text,
    Option("--trim", metavar="SHARE",
            help="Also each loss without this share of its own largest rows: 1%."),
]  # fmt: skip

InputFormat = Annotated[
    Text,
    Option("--input-format", metavar="FORMAT",
            help="csv, tsv, parquet, npy, npz or jsonl, where the suffix does not say."),
]  # fmt: skip
Encoding = Annotated[Text, Option("--encoding", metavar="NAME", help="Of text files; else UTF-8.")]
Delimiter = Annotated[
    Text,
    Option("--delimiter", "-d", metavar="TEXT", help="Of text files; else , or tab."),
]
NoHeader = Annotated[
    bool,
    Option("--no-header", "-H", help="The first line is data; columns are 1, 2 ..."),
]

Format = Annotated[
    Text,
    Option("--format", "-f", metavar="FORMAT", envvar="LOSSCTL_FORMAT",
            complete=complete_format,
            help="table, tsv, json, jsonl, csv, md or html, and of check junit, github, gitlab or "
            "sarif; else table on a terminal, else tsv."),
]  # fmt: skip
InspectFormat = Annotated[
    Text,
    Option("--format", "-f", metavar="FORMAT",
            help="table, tsv or json; else table on a terminal, else tsv."),
]  # fmt: skip
ExplainFormat = Annotated[
    Text, Option("--format", "-f", metavar="FORMAT", help="table, md or json; else table.")
]
Output = Annotated[
    Text, Option("--output", "-o", metavar="FILE", help="Write there, not to stdout.")
]
Export = Annotated[
    Texts,
    Option("--export", metavar="[FORMAT=]FILE",
            help="Write there too; md+=FILE appends, github=- writes to stdout before the rest; "
            "repeatable."),
]  # fmt: skip
ScoreOnly = Annotated[bool, Option("--score-only", "-b", help="Bare numbers, one line per loss.")]
Precision = Annotated[
    Whole,
    Option("--precision", "-p", metavar="N",
            help="Significant digits of table, md and html; else 4. Other formats hold all."),
]  # fmt: skip
Top = Annotated[int, Option("--top", metavar="N", help="How many of the worst rows.")]
Color = Annotated[str, Option("--color", metavar="WHEN", help="auto, always or never.")]

Quiet = Annotated[bool, Option("--quiet", "-q", help="No notes and no progress.")]
Verbose = Annotated[
    bool,
    Option("--verbose", "-v", help="Say how files are read, and how long it takes."),
]
Debug = Annotated[bool, Option("--debug", help="Show the traceback of an error.")]

Threads = Annotated[
    Whole,
    Option(
        "--threads",
        metavar="N",
        help="Threads that read, and processes that score. Changes no digit.",
    ),
]
BlockRows = Annotated[
    Text,
    Option("--block-rows", metavar="N", help="Rows read at a time, or all. Changes no digit."),
]
SpoolLimit = Annotated[
    Whole,
    Option("--spool-limit", metavar="BYTES",
            help="The most that the temporary copy of the columns may take."),
]  # fmt: skip
