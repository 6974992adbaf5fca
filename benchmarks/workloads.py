"""What is compared with what, and the bar that each has to meet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from json import loads
from pathlib import Path

from benchmarks.files import Files
from benchmarks.measuring import Command, Values, bare_values, table_values

HERE = Path(__file__).resolve().parent
SAMPLES = HERE.parent / "sample_data" / "diabetes"
MILLION = 1_000_000
Read = Callable[[str], Values]

SEVEN = ["mae", "mse", "rmse", "huber", "log_cosh", "mape:scale=1", "max_error"]
CLASSES = ["scce", "cfocal", "brier"]
BOXES = ["ciou", "giou", "diou", "iou_loss"]
BARE = ["-b", "-p", "17"]


@dataclass(frozen=True)
class Peer:
    """A script of `peers/`, the libraries it needs, and the words it takes after the files."""

    script: str
    needs: tuple[str, ...]
    words: tuple[str, ...] = ()
    held_to: bool = True  # whether the bar is about it

    def command(self, files: list[str]) -> Command:
        return [sys.executable, str(HERE / "peers" / f"{self.script}.py"), *files, *self.words]

    @property
    def lacks(self) -> list[str]:
        """The libraries that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]


@dataclass(frozen=True)
class Comparison:
    """lossctl against something else. The fastest of a `group` is held to the bar.

    `reads` takes the values from what lossctl and the other print, where both print them; `writes`
    names the Parquet files where both write rows; `one` is the two commands for a file of one row;
    `most` is the peak, in MB, that lossctl must stay below.
    """

    name: str
    what: str
    ours: Command
    theirs: Command
    group: str
    bar: float | None
    reads: tuple[Read, Read] | None = None
    one: tuple[Command, Command] | None = None
    close: float = 1e-9  # plain float64 sums of ten million values are good to about 1e-13
    lacks: tuple[str, ...] = ()
    writes: tuple[str, str] | None = None
    most: float | None = None


def lossctl(*arguments: str) -> Command:
    return [str(Path(sys.executable).parent / "lossctl"), *arguments]


def bare(losses: list[str]) -> Read:
    """Reads the values of `-b -p 17`."""
    names = [loss.partition(":")[0] for loss in losses]
    return partial(bare_values, names=names)


def asking(losses: list[str], *words: str) -> Callable[[list[str]], Command]:
    """`lossctl eval` of two files."""
    asked = [word for loss in losses for word in ("-l", loss)]
    return lambda files: lossctl("eval", *files, *asked, *words)


def against(
    files: Files, title: str, kind: str, form: str, rows: int, losses: list[str],
    peers: dict[str, Peer], bar: float | None, *words: str, close: float = 1e-9,
) -> Iterator[Comparison]:  # fmt: skip
    """One comparison for each peer, values only."""
    command = asking(losses, *words, *BARE)
    big, one = (files.pair(kind, form, count) for count in (files.rows(rows), 1))
    for name, peer in peers.items():
        yield Comparison(
            name=f"{title} {name}",
            what=f"{name}, {peer.script}.py",
            ours=command(big),
            theirs=peer.command(big),
            group=title,
            bar=bar if peer.held_to else None,
            reads=(bare(losses), loads),
            one=(command(one), peer.command(one)),
            close=close,
            lacks=tuple(peer.lacks),
        )


# --- the peers --------------------------------------------------------------------------------

POLARS = Peer("polars_rows", ("polars",))
DUCKDB = Peer("duckdb_rows", ("duckdb",))
PANDAS = Peer("pandas_rows", ("pandas", "sklearn"))
TABLES = {"polars": POLARS, "duckdb": DUCKDB, "pandas + scikit-learn": PANDAS}
ARRAYS = {
    "scikit-learn": Peer("sklearn_npy", ("sklearn",)),
    "torch": Peer("torch_npy", ("torch",)),
    "polars": Peer("polars_rows", ("polars",), held_to=False),
    "numpy": Peer("numpy_npy", (), held_to=False),
}
W3: dict[str, tuple[dict[str, Peer], float | None]] = {
    "npy": (ARRAYS, 0.25), "parquet": (TABLES, 1.2), "csv": (TABLES, 1.2), "csv.gz": (TABLES, None),
}  # fmt: skip
LOGITS = {
    "torch": Peer("torch_classes", ("torch",)),
    "scikit-learn": Peer("sklearn_classes", ("sklearn",)),
}
BY_HAND = {"numpy": Peer("numpy_classes", (), held_to=False)}
CORNERS = {
    "polars": Peer("polars_boxes", ("polars",)),
    "duckdb": Peer("duckdb_boxes", ("duckdb",)),
    "torch": Peer("torch_boxes", ("torch",)),
    "numpy": Peer("numpy_boxes", (), held_to=False),
}
SAMPLERS = {
    "polars": (Peer("polars_samples", ("polars",)), "zstd, its default"),
    "duckdb": (Peer("duckdb_samples", ("duckdb",)), "snappy, its default"),
    "polars uncompressed": (
        Peer("polars_samples", ("polars",), ("uncompressed",), held_to=False), "as lossctl writes"),
    "duckdb uncompressed": (
        Peer("duckdb_samples", ("duckdb",), ("uncompressed",), held_to=False), "as lossctl writes"),
}  # fmt: skip


# --- the workloads ----------------------------------------------------------------------------


def start(_files: Files) -> Iterator[Comparison]:
    """W1."""
    ten = Peer("typer_ten", ("typer",)).command(["--help"])
    for word in ("--help", "--version", "losses"):
        yield Comparison(
            name=f"W1 {word.strip('-')}",
            what=f"`lossctl {word}` / `--help` of a Typer program with ten empty commands",
            ours=lossctl(word),
            theirs=ten,
            group=f"W1 {word.strip('-')}",
            bar=1.15,
        )


def small(_files: Files) -> Iterator[Comparison]:
    """W2."""
    csv = [str(SAMPLES / "ridge.csv"), str(SAMPLES / "target.csv")]
    yield Comparison(
        name="W2 empty",
        what="a Typer program with one empty command that imports numpy, pyarrow.csv, rich.table",
        ours=lossctl("eval", *csv, "-f", "table"),
        theirs=Peer("typer_one", ()).command([]),
        group="W2 empty",
        bar=1.25,
    )
    sklearn = Peer("sklearn_csv", ("pandas", "sklearn"))
    yield Comparison(
        name="W2 pandas + scikit-learn",
        what="the same nine losses, sklearn_csv.py",
        ours=lossctl("eval", *csv, "-f", "tsv"),
        theirs=sklearn.command(csv),
        group="W2 pandas + scikit-learn",
        bar=0.25,
        reads=(table_values, loads),
        lacks=tuple(sklearn.lacks),
    )


def throughput(files: Files) -> Iterator[Comparison]:
    """W3."""
    for form, (peers, bar) in W3.items():
        yield from against(
            files, f"W3 {form}", "regression", form, 10 * MILLION, SEVEN, peers, bar
        )  # fmt: skip


def report(files: Files) -> Iterator[Comparison]:
    """W4: the whole report against the values alone."""
    full, values = asking(SEVEN, "-f", "tsv"), asking(SEVEN, *BARE)
    for form in W3:
        big, one = (files.pair("regression", form, rows) for rows in (files.rows(10 * MILLION), 1))
        yield Comparison(
            name=f"W4 {form}",
            what="the whole report / `-b` of the same",
            ours=full(big),
            theirs=values(big),
            group=f"W4 {form}",
            bar=1.6,
            reads=(table_values, bare(SEVEN)),
            one=(full(one), values(one)),
            close=0.0,
        )


def logits(files: Files) -> Iterator[Comparison]:
    """W5: a list of 100 scores a row, and a column for each class; float32 scripts, 1e-5."""
    layouts = (
        ("npy", "classes", "npy", LOGITS | BY_HAND),
        ("parquet", "classes", "parquet", LOGITS),
        ("columns", "classes-columns", "parquet", LOGITS),
    )
    for layout, kind, form, peers in layouts:
        yield from against(files, f"W5 {layout}", kind, form, MILLION, CLASSES, peers, 1.0,
                           "--from-logits", close=1e-5)  # fmt: skip


def joins(files: Files) -> Iterator[Comparison]:
    """W6."""
    peers = {
        "polars": Peer("polars_rows", ("polars",), ("id",)),
        "duckdb": Peer("duckdb_rows", ("duckdb",), ("id",)),
        "pandas": Peer("pandas_join", ("pandas",), ("id",), held_to=False),
    }
    for form in ("parquet", "csv"):
        yield from against(files, f"W6 {form}", "keyed", form, 5 * MILLION, SEVEN, peers, 1.0,
                           "--on", "id")  # fmt: skip


def overlaps(files: Files) -> Iterator[Comparison]:
    """W7."""
    yield from against(files, "W7 npy", "boxes", "npy", MILLION, BOXES, CORNERS, 1.0,
                       "--boxes", "xyxy")  # fmt: skip


def samples(files: Files) -> Iterator[Comparison]:
    """W9: a row for every row, with its share and the loss without it."""
    big, one = (files.pair("regression", "parquet", rows)
                for rows in (files.rows(10 * MILLION), 1))  # fmt: skip
    ours, theirs = files.out("ours.parquet"), files.out("theirs.parquet")

    def asked(pair: list[str]) -> Command:
        return lossctl("samples", *pair, "--all", "-o", ours)

    for name, (peer, compression) in SAMPLERS.items():
        yield Comparison(
            name=f"W9 {name}",
            what=f"{peer.script}.py ({compression})",
            ours=asked(big),
            theirs=peer.command([*big, theirs]),
            group="W9",
            bar=1.0 if peer.held_to else None,
            one=(asked(one), peer.command([*one, theirs])),
            close=1e-12,
            lacks=tuple(peer.lacks),
            writes=(ours, theirs),
            most=300.0,
        )


WORKLOADS: dict[str, tuple[str, Callable[[Files], Iterator[Comparison]]]] = {
    "W1": ("Start-up", start),
    "W2": ("442 rows of CSV", small),
    "W3": ("10 M rows, two files, seven regression losses, values only (`-b`)", throughput),
    "W4": ("The same 10 M rows: the whole report against the values alone", report),
    "W5": ("1 M rows of 100 float32 logits: cross entropy, focal, Brier", logits),
    "W6": ("5 M rows paired by key, in different order, the seven losses", joins),
    "W7": ("1 M pairs of boxes: CIoU, GIoU, DIoU, IoU", overlaps),
    "W9": (
        "10 M rows of Parquet: every row with its share and the RMSE without it, to Parquet "
        "(`samples --all -o`)",
        samples,
    ),
}
