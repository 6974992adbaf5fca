"""`compare`, and `samples` of several models, as a user meets them: bad input and the ways out."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from lossctl.renderers.typeset import width
from tests.samples import SAMPLES
from tests.test_cli import Result, write
from tests.test_cli import lossctl as command

program = command  # a fixture: the program in this process
Make = Callable[..., Path]

ROWS = 60
IDS = [f"r{row:02d}" for row in range(ROWS)]
DIABETES = SAMPLES / "diabetes"
RIDGE, FOREST, TARGET = (DIABETES / f"{name}.csv" for name in ("ridge", "forest", "target"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two models `a` and `b`, their targets `y`, and files that spoil a comparison."""
    drawn = np.random.default_rng(0)
    target = drawn.normal(size=ROWS)
    a, b = target + 0.5 * drawn.normal(size=ROWS), target + 0.6 * drawn.normal(size=ROWS)
    holes, other = b.copy(), target.copy()
    holes[[3, 10]] = np.nan
    other[5] += 0.1
    numbers = np.arange(ROWS)
    dates = [f"2024-{1 + row // 28:02d}-{1 + row % 28:02d}" for row in range(ROWS)]

    def made(name: str, **columns: Any) -> None:
        pandas.DataFrame(columns).to_csv(tmp_path / f"{name}.csv", index=False)

    made("a", id=IDS, pred=a)
    made("b", id=IDS, pred=b)
    made("short", pred=b[:50])
    made("fewer", id=IDS[:50], pred=b[:50])
    made("repeated", id=[*IDS[:-1], IDS[0]], pred=b)
    made("numbered", id=numbers, pred=b)
    made("turned", id=IDS[::-1], pred=b[::-1])
    made("holes", id=IDS, pred=holes)
    made("own_a", id=IDS, pred=a, target=target)
    made("own_b", id=IDS, pred=b, target=target)
    made("own_other", id=IDS, pred=b, target=other)
    made("weighted", id=IDS, pred=a, w=1.0)
    made("half", id=IDS[:30], target=target[:30])
    made("none_a", id=[], pred=[])
    made("none_y", id=[], target=[])
    made(
        "y", id=IDS, target=target, group=[f"g{row % 3}" for row in numbers], row=numbers,
        some=["x" if row % 2 else "" for row in numbers], when=dates, day=numbers // 2,
        rubbish=["soon" if row == 4 else day for row, day in enumerate(dates)], w=1.0 + numbers,
        negative=numbers - 1.0, zero=np.zeros(ROWS),
        gaps=["" if row == 2 else 1 for row in numbers],
    )  # fmt: skip
    np.save(tmp_path / "three.npy", drawn.normal(size=(ROWS, 3)))
    np.save(tmp_path / "three_too.npy", drawn.normal(size=(ROWS, 3)))
    np.save(tmp_path / "two.npy", drawn.normal(size=(ROWS, 2)))
    classes = np.full((ROWS, 3), 1.0 / 3.0)
    for name, of in (("abc", "abc"), ("abd", "abd")):
        table = pandas.DataFrame(classes, columns=[f"p_{one}" for one in of])
        table.to_csv(tmp_path / f"{name}.csv", index=False)
    made("label", label=["abc"[row % 3] for row in numbers])
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- bad input: one line that says what, where, and what to do -----------------------------------

AB, Y = ("a.csv", "b.csv"), ("-t", "y.csv")
SWEPT = (*AB, *Y, "--sweep")

BAD: list[tuple[tuple[str, ...], int, str]] = [
    # the models
    ((), 2, r"NAME=PREDS"),
    (("a.csv",), 2, r"two models or more.*a\.csv alone.*--pred-col a,b"),
    (("a.csv", *Y), 2, r"two models or more"),
    (("own_a.csv", "--pred-col", "pred"), 2, r"two models or more"),
    (("a.csv", "a.csv", *Y), 2, r"2 models are called a; NAME=PREDS"),
    (("x=a.csv", "x=b.csv", *Y), 2, r"2 models are called x"),
    (("own_a.csv", "--pred-col", "pred,pred"), 2, r"2 models are called pred"),
    (("own_a.csv", "--pred-col", "pred,nosuch"), 2, r"no column nosuch; it has id, pred, target"),
    (("a.csv", "b.csv:nosuch", *Y), 2, r"b\.csv has no column nosuch"),
    (("a.csv", "b.csv:9", *Y), 2, r"9 is outside the 2 columns of b\.csv"),
    (("a.csv", "b.csv:pred,id", *Y), 3, r"'r00' is not a number"),
    (("a.csv", "nosuch.csv", *Y), 3, r"nosuch\.csv: no such file"),
    (("a.csv", "my model=b.csv", *Y), 2, r"my model cannot be the name of a model"),
    (("a.csv", "b.csv", *Y, "--seed", "-1"), 2, r"--seed is -1"),
    (("a.csv", "b.csv", *Y, "--sweep", "huber:delta=2..1"), 2, r"the range is reversed"),
    (("a.csv", "b.csv", *Y, "--time", "row", "--horizon", "60"), 3, r"--horizon is 60"),
    (("a.csv", "b.csv", *Y, "-l", "mae", "--reduction", "none"), 2, r"nothing to compare"),
    (("a.csv", "", *Y), 2, r"no path"),
    (("a.csv", ".", *Y), 3, r"is a directory"),
    (("-", "-", *Y), 2, r"called stdin"),
    (("x=-", "a.csv", "-t", "-"), 2, r"standard input is given more than once"),
    ((*AB, *Y, "--reference", "c"), 2, r"--reference c is none of the models; there is a, b"),
    # the targets
    (AB, 2, r"a\.csv has no column left for target"),
    (("own_a.csv", "b.csv"), 2, r"b\.csv has no column left for target"),
    (("own_a.csv", "own_other.csv"), 3, r"not the same targets.*row #5; -t TARGETS"),
    ((*AB, "-t", "nosuch.csv"), 3, r"nosuch\.csv: no such file"),
    ((*AB, "-t", "half.csv"), 3, r"half\.csv has 30 rows.*--on KEY"),
    # the rows
    (("a.csv", "short.csv", *Y), 3, r"60 rows.*short\.csv has 50 rows.*--on KEY"),
    (("a.csv", "turned.csv", *Y), 3, r"column id and disagree from row #0.*--on id.*--by-row"),
    (("a.csv", "fewer.csv", *Y, "--on", "id"), 3, r"10 keys of y\.csv.*'r50'.*--missing drop"),
    (("a.csv", "repeated.csv", *Y, "--on", "id"), 3, r"repeated\.csv has 1 row.*--duplicates"),
    (("a.csv", "numbered.csv", *Y, "--on", "id"), 3, r"60 keys of numbered\.csv are not in y"),
    (("a.csv", "numbered.csv", *Y, "--on", "id", "--missing", "drop"), 3, r"no rows are left"),
    (("a.csv", "short.csv", *Y, "--on", "id"), 2, r"short\.csv has no column id"),
    ((*AB, "-t", "half.csv", "--on", "id"), 3, r"30 keys of a\.csv are not in half\.csv"),
    ((*AB, *Y, "--where", "row == -5"), 3, r"no rows are left.*60 filtered"),
    (("none_a.csv", "x=none_a.csv", "-t", "none_y.csv"), 3, r"a header and no rows"),
    # the values
    (("a.csv", "holes.csv", *Y), 3, r"holes\.csv\[pred\]: 2 values.*#3 #10.*--nan drop"),
    (("three.npy", "two.npy", "-t", "three_too.npy"), 3, r"values a row.*two\.npy has 2"),
    (("abc.csv", "abd.csv", "-t", "label.csv"), 3, r"abd a, b, d.*the same classes"),
    ((*AB, *Y, "--weight-col", "negative"), 3, r"\[negative\] row #0: a weight is -1"),
    ((*AB, *Y, "--weight-col", "zero"), 3, r"every weight is 0"),
    ((*AB, *Y, "--weight-col", "gaps"), 3, r"row #2: a weight is missing"),
    ((*AB, *Y, "--weight-col", "group"), 3, r"'g0' is not a number"),
    (("weighted.csv", "b.csv", *Y, "--weight-col", "w"), 2, r"pred\.w or target\.w says which"),
    # clusters and times
    ((*AB, *Y, "--cluster", "nosuch"), 2, r"--cluster: .* column nosuch"),
    ((*AB, *Y, "--cluster", "some"), 3, r"--cluster some: row #0 has no value.*give every row"),
    ((*AB, *Y, "--time", "some"), 3, r"--time some: row #0 has no value"),
    (
        (*AB, *Y, "--time", "rubbish"),
        3,
        r"--time rubbish row #4: soon is neither a number nor a date",
    ),
    ((*AB, *Y, "--time", "when", "--cluster", "group"), 2, r"exclude each other"),
    ((*AB, *Y, "--time", "when", "--test", "sign"), 2, r"--test sign takes rows as independent"),
    ((*AB, *Y, "--cluster", "group", "--ci", "bca"), 2, r"--ci bca takes rows as independent"),
    ((*AB, *Y, "--horizon", "2"), 2, r"--horizon is about --time"),
    ((*AB, *Y, "--time", "when", "--horizon", "0"), 2, r"--horizon is 0"),
    ((*AB, *Y, "--time", "when", "--horizon", "x"), 2, r"'--horizon'"),
    # what is asked
    ((*AB, *Y, "--sort", "nosuch"), 2, r"--sort nosuch.*there is mae, rmse"),
    ((*AB, *Y, "-l", "mae,nosuch"), 2, r"no loss is called nosuch"),
    ((*AB, *Y, "--confidence", "0"), 2, r"--confidence is 0"),
    ((*AB, *Y, "--confidence", "95"), 2, r"--confidence is 95; .*95%"),
    ((*AB, *Y, "--confidence", "nan"), 2, r"--confidence is nan"),
    ((*AB, *Y, "--confidence", "much"), 2, r"--confidence is much; it is a share"),
    ((*AB, *Y, "--ci", "exact"), 2, r"--ci is exact; it is one of delta, bca"),
    ((*AB, *Y, "--test", "z"), 2, r"--test is z; it is one of t, permutation"),
    ((*AB, *Y, "--correction", "some"), 2, r"--correction is some; it is one of holm"),
    ((*AB, *Y, "--resamples", "99"), 2, r"--resamples is 99; it is from 100"),
    ((*AB, *Y, "--resamples", "1000001"), 2, r"--resamples is 1000001"),
    ((*AB, *Y, "--seed", "x"), 2, r"'--seed'"),
    ((*AB, *Y, "--by", "nosuch"), 2, r"nosuch"),
    ((*AB, *Y, "--by", ""), 2, r"--by is empty"),
    ((*AB, *Y, "--by", "bin(row,0)"), 2, r"0 is no number of bins"),
    ((*AB, *Y, "--by", "bin(group,3)"), 2, r"group is text"),
    ((*SWEPT, ""), 2, r"--sweep.*huber:delta=0\.1\.\.10"),
    ((*SWEPT, "huber"), 2, r"no loss with a range"),
    ((*SWEPT, "huber:delta=1"), 2, r"no loss with a range"),
    ((*SWEPT, "huber:delta=2..1"), 2, r"--sweep huber:delta=2\.\.1"),
    ((*SWEPT, "huber:delta=1..1"), 2, r"--sweep huber:delta=1\.\.1"),
    ((*SWEPT, "huber:delta=a..b"), 2, r"no loss with a range"),
    ((*SWEPT, "huber:delta=1..inf"), 2, r"no loss with a range"),
    ((*SWEPT, "huber:delta=-1..1"), 2, r"delta is -1\.0, but must be > 0"),
    ((*SWEPT, "huber:nosuch=1..2"), 2, r"huber has no setting nosuch; it has delta"),
    ((*SWEPT, "nosuch:x=1..2"), 2, r"nosuch"),
    ((*SWEPT, "poisson_nll:full=0..1"), 2, r"full is 0, but must be true or false"),
    # what is written
    ((*AB, *Y, "-f", "xml"), 2, r"no output format is called 'xml'"),
    ((*AB, *Y, "-o", "a.csv"), 2, r"a\.csv is an input"),
    ((*AB, *Y, "-o", "./y.csv"), 2, r"y\.csv is an input"),
    ((*AB, *Y, "--export", "md=b.csv"), 2, r"b\.csv is an input"),
    ((*AB, *Y, "--export", "md+=b.csv"), 2, r"b\.csv is an input"),
    ((*AB, *Y, "-o", "nosuch/x.json"), 5, r"nosuch/x\.json cannot be written"),
    ((*AB, *Y, "-o", "/dev/full"), 5, r"/dev/full cannot be written"),
]


def refused(result: Result, status: int, said: str) -> None:
    assert (result.status, result.out) == (status, ""), result.err
    assert result.err.startswith("lossctl: ") and result.err.count("\n") == 1, result.err
    assert "Traceback" not in result.err
    assert re.search(said, result.err), result.err


@pytest.mark.parametrize(("words", "status", "said"), BAD)
def test_bad_input(
    program: Any, folder: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    refused(program("compare", *words), status, said)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(("words", "status", "said"), [
    (("a.csv", *Y), 2, r"-t is about several models"),
    (("a=a.csv", "b=b.csv"), 2, r"no column left for target"),
    (("x=a.csv", "x=b.csv", *Y), 2, r"2 models are called x"),
    (("a=a.csv", "b=short.csv", *Y), 3, r"short\.csv has 50 rows"),
    (("a=a.csv", "b=turned.csv", *Y), 3, r"disagree from row #0"),
    (("a=a.csv", "b=holes.csv", *Y), 3, r"2 values.*--nan drop"),
    (("a=own_a.csv", "b=own_other.csv"), 3, r"not the same targets"),
    ((*AB, *Y, "-l", "nosuch"), 2, r"no loss is called nosuch"),
    ((*AB, *Y, "-l", "r2"), 2, r"adds up over rows"),
    ((*AB, *Y, "--sort", "share"), 2, r"one of difference, better, worse, row"),
    ((*AB, *Y, "--outliers", "mad"), 2, r"--outliers is about the rows of one model"),
    ((*AB, *Y, "--trim", "1%"), 2, r"--trim is about the rows of one model"),
    ((*AB, *Y, "--top", "0"), 2, r"--top is 0"),
    ((*AB, *Y, "-o", "b.csv"), 2, r"b\.csv is an input"),
])  # fmt: skip
def test_bad_input_of_samples(
    program: Any, folder: Path, words: tuple[str, ...], status: int, said: str
) -> None:
    before = sorted(folder.iterdir())
    refused(program("samples", *words), status, said)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("name", ["link", "hard"])
def test_an_input_by_another_name_is_not_written_over(
    program: Any, folder: Path, name: str
) -> None:
    (os.symlink if name == "link" else os.link)(folder / "a.csv", folder / name)
    kept = (folder / "a.csv").read_bytes()
    refused(program("compare", *AB, *Y, "-o", name), 2, rf"{name} is an input")
    assert (folder / "a.csv").read_bytes() == kept


# --- the same comparison by every road -----------------------------------------------------------


def records(result: Result) -> list[dict[str, str]]:
    assert result.status == 0, result.err
    return list(csv.DictReader(io.StringIO(result.out)))


def numbers(result: Result) -> list[tuple[str, ...]]:
    """What a comparison found, whatever its models are called."""
    kept = ("loss", "value", "difference", "low", "high", "p", "p_corrected", "verdict")
    return [tuple(row[name] for name in kept) for row in records(result)]


@pytest.mark.parametrize("words", [
    ("x=a.csv", "y=b.csv", *Y),
    ("a.csv:pred", "b.csv:2", *Y),
    ("own_a.csv", "own_b.csv"),
    ("a.csv", "b.csv", *Y, "--on", "id"),
    ("a.csv", "turned.csv", *Y, "--on", "id"),
    ("b.csv", "a.csv", *Y, "--reference", "a"),
    ("a.csv", "b.csv.gz", *Y),
    ("odd=a=1.csv", "b:1.csv", *Y),
    ("both.parquet", "--pred-col", "a,b", "--target-col", "y"),
    ("both.parquet:a,b", "--target-col", "y"),
    ("x=both.parquet:a", "y=both.parquet:b", "--target-col", "y"),
    ("listed.parquet", "--pred-col", "a,b", "--target-col", "target"),
    ("a.npy", "b.npy", "-t", "y.npy"),
    ("a.npy", "column.npy", "-t", "y.npy"),
    ("a.csv", "b.csv", *Y, "--block-rows", "7"),
])  # fmt: skip
def test_the_same_comparison_by_every_road(
    program: Any, folder: Path, words: tuple[str, ...]
) -> None:
    a, b, y = (pandas.read_csv(folder / f"{name}.csv") for name in "aby")
    both = pandas.DataFrame({"a": a["pred"], "b": b["pred"], "y": y["target"]})
    both.to_parquet(folder / "both.parquet")
    for name in "aby":
        np.save(folder / f"{name}.npy", both[name].to_numpy())
    np.save(folder / "column.npy", both[["b"]].to_numpy())
    (folder / "b.csv.gz").write_bytes(gzip.compress((folder / "b.csv").read_bytes()))
    (folder / "a=1.csv").write_bytes((folder / "a.csv").read_bytes())
    (folder / "b:1.csv").write_bytes((folder / "b.csv").read_bytes())
    listed = program("samples", "a=a.csv", "b=b.csv", *Y, "--all", "-o", "listed.parquet")
    assert listed.status == 0, listed.err
    losses = ("-f", "csv", "-l", "mae,rmse,r2")
    expected = numbers(program("compare", *AB, *Y, *losses))
    assert len(expected) == 6
    assert numbers(program("compare", *words, *losses)) == expected


def test_class_columns_in_another_order_are_the_same_classes(program: Any, folder: Path) -> None:
    drawn = np.random.default_rng(2).dirichlet([1.0, 1.0, 1.0], ROWS)
    table = pandas.DataFrame(drawn, columns=["p_a", "p_b", "p_c"])
    table.to_csv(folder / "drawn.csv", index=False)
    table[["p_c", "p_a", "p_b"]].to_csv(folder / "mixed.csv", index=False)
    label = ("-t", "label.csv", "-f", "csv")
    one = numbers(program("compare", "abc.csv", "drawn.csv", *label))
    assert numbers(program("compare", "abc.csv", "mixed.csv", *label)) == one


# --- what is said --------------------------------------------------------------------------------


def table(result: Result) -> str:
    assert result.status == 0, result.err
    text: str = result.out
    return text


def test_fewer_rows_than_thirty_are_not_judged(program: Any, folder: Path) -> None:
    for rows in (2, 29):
        where = ("--where", f"row < {rows}")
        found = records(program("compare", *AB, *Y, "-l", "mae,rmse", "-f", "csv", *where))
        assert {row["verdict"] for row in found if row["model"] == "b"} == {"undecided"}
    said = table(program("compare", *AB, *Y, "--cluster", "group", "-f", "table"))
    assert "3" in said and "too few to judge" in said


def test_the_same_file_twice_is_identical(program: Any, folder: Path) -> None:
    said = program("compare", "x=a.csv", "y=a.csv", *Y, "-l", "mae,rmse", "-f", "json")
    assert said.json["finding"].startswith("Identical: x, y")
    assert {row[10] for row in said.json["table"]["rows"]} <= {None, "identical"}


def test_a_model_that_leaves_out_hard_rows_is_told_on(program: Any, folder: Path) -> None:
    a, y = (pandas.read_csv(folder / f"{name}.csv") for name in "ay")
    error = (a["pred"] - y["target"]).abs()
    a.loc[error > error.quantile(0.8), "pred"] = np.nan
    a.to_csv(folder / "easy.csv", index=False)
    said = table(program("compare", "b.csv", "easy.csv", *Y, "--nan", "drop", "-f", "table"))
    assert re.search(r"abstained +easy leaves out 12 rows \(20 %\)", said)
    a.dropna().to_csv(folder / "gone.csv", index=False)
    keyed = ("--on", "id", "--missing", "drop", "-f", "table")
    said = table(program("compare", "a.csv", "gone.csv", *Y, *keyed))
    words = " ".join(said.split())
    assert "gone leaves out 12 rows" in words
    assert "! gone leaves out 12 rows that are hard" in words
    assert words.endswith("gone leaves out rows that are hard.")


def test_targets_that_were_copied_are_told_on(program: Any, folder: Path) -> None:
    y = pandas.read_csv(folder / "y.csv")
    y[["id", "target"]].rename(columns={"target": "pred"}).to_csv(folder / "sly.csv", index=False)
    said = program("compare", "a.csv", "sly.csv", *Y, "-f", "json").json["finding"]
    assert said.startswith("Check the files before anything else: sly, ")
    assert len(said) > 60


def test_groups_of_one_row_and_of_none(program: Any, folder: Path) -> None:
    said = table(program("compare", *AB, *Y, "-l", "mae", "--by", "row", "-f", "table"))
    assert len(re.findall(r"(?m)^ +\d+ +1 ", said)) == 20
    assert f"{ROWS} groups, the largest 20 shown" in " ".join(said.split())
    assert "(missing)" in table(program("compare", *AB, *Y, "--by", "some", "-f", "table"))


@pytest.mark.parametrize("column", ["row", "when", "day"])
def test_times_in_any_order_are_the_same_times(program: Any, folder: Path, column: str) -> None:
    y = pandas.read_csv(folder / "y.csv")
    y.iloc[::-1].to_csv(folder / "back.csv", index=False)
    time = ("--time", column, "--on", "id", "-f", "csv", "-l", "mae")
    one = records(program("compare", *AB, *Y, *time))[1]
    other = records(program("compare", *AB, "-t", "back.csv", *time))[1]
    assert float(other["low"]) == pytest.approx(float(one["low"]), rel=1e-9)


def test_every_row_its_own_cluster_is_no_cluster(program: Any, folder: Path) -> None:
    ask = ("compare", *AB, *Y, "-l", "mae", "-f", "csv")
    one, other = records(program(*ask))[1], records(program(*ask, "--cluster", "id"))[1]
    assert float(other["high"]) == pytest.approx(float(one["high"]), rel=1e-9)


def test_a_sweep_over_a_domain_up_to_its_end(program: Any, folder: Path) -> None:
    said = table(program("compare", *AB, *Y, "--sweep", "pinball:quantile=0..1", "-f", "table"))
    assert "pinball with quantile from 0 to 1" in " ".join(said.split())


@pytest.mark.parametrize("scale", [1e-300, 1e-150, 1e60])
def test_very_small_and_very_large(program: Any, folder: Path, scale: float) -> None:
    for name, column in (("a", "pred"), ("b", "pred"), ("y", "target")):
        held = pandas.read_csv(folder / f"{name}.csv")
        held[column] *= scale
        held.to_csv(folder / f"scaled_{name}.csv", index=False)
    words = ("scaled_a.csv", "scaled_b.csv", "-t", "scaled_y.csv", "-l", "mae,mse,r2")
    found = program("compare", *words, "-f", "json")
    assert found.status == 0, found.err
    assert "NaN" not in found.out and "Infinity" not in found.out


def test_an_infinite_loss_is_said(program: Any, folder: Path) -> None:
    y = pandas.DataFrame({"target": np.arange(ROWS) % 2})
    y.to_csv(folder / "binary.csv", index=False)
    sure = np.full(ROWS, 0.5)
    pandas.DataFrame({"p": sure}).to_csv(folder / "unsure.csv", index=False)
    sure[1] = 0.0
    pandas.DataFrame({"p": sure}).to_csv(folder / "sure.csv", index=False)
    words = ("unsure.csv", "sure.csv", "-t", "binary.csv", "--task", "binary", "-l", "bce:eps=0")
    said = table(program("compare", *words, "-f", "table"))
    assert "infinite" in said and "1 row" in said


# --- names that would harm a screen or a page ----------------------------------------------------

HOSTILE = ["[red]x[bold]", "\x1b[31mred", "new\nline", "n" * 200, "模型一号", "sp ace", "a|b`<i>"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_of_models(
    program: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    (folder / f"{name}.csv").write_bytes((folder / "b.csv").read_bytes())
    words = ("compare", "a.csv", f"{name}.csv", *Y)
    said = table(program(*words, "-f", "table", "--color", "never"))
    assert "\x1b" not in said and "new\nline" not in said
    assert all(width(line) <= 100 for line in said.splitlines())
    assert records(program(*words, "-f", "csv"))[1]["model"]
    assert "<i>" not in table(program(*words, "-f", "html"))
    refused(program(*words, "--reference", "zz"), 2, "--reference zz")


def test_hostile_ids_and_groups(program: Any, folder: Path) -> None:
    for name in "aby":
        held = pandas.read_csv(folder / f"{name}.csv")
        held["id"] = [f"[red]{one}\x1b[31m<i>|`\n" for one in held["id"]]
        held["of|[bold]<i>\x1b"] = np.where(np.arange(ROWS) % 2, "<i>[red]", "\x1b|\n")
        held.to_csv(folder / f"hostile_{name}.csv", index=False)
    words = ("hostile_a.csv", "hostile_b.csv", "-t", "hostile_y.csv", "--on", "id")
    by = ("--by", "target.of|[bold]<i>\x1b")
    said = table(program("compare", *words, *by, "-f", "table", "--color", "never"))
    assert "\x1b" not in said and "[red]r" in said
    page = table(program("compare", *words, *by, "-f", "html"))
    assert "<i>" not in page and "\x1b" not in page


# --- formats, widths, streams --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["tsv", "csv", "jsonl", "json", "md", "html"])
def test_every_format(program: Any, folder: Path, name: str) -> None:
    words = ("compare", *AB, "c=a.csv", *Y, "-f", name)
    out = table(program(*words))
    assert "NaN" not in out and "Infinity" not in out
    done = program(*words, "-o", "out.txt", "--export", "json=too.json")
    assert (done.status, done.out) == (0, "")
    assert (folder / "out.txt").read_text() == out
    assert json.loads((folder / "too.json").read_text())["command"] == "compare"


def test_a_format_of_the_environment(
    program: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOSSCTL_FORMAT", "md")
    assert program("compare", *AB, *Y).out.startswith("**")
    monkeypatch.setenv("LOSSCTL_FORMAT", "none")
    refused(program("compare", *AB, *Y), 2, "called 'none'")


@pytest.mark.parametrize("columns", [40, 60, 80, 140, 200])
def test_nothing_is_wider_than_the_terminal(
    program: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    more = ("--by", "group", "--sweep", "huber:delta=0.1..10", "--curves", "-f", "table")
    for models in (AB, (*AB, "second=a.csv", "third=b.csv")):
        said = table(program("compare", *models, *Y, *more))
        assert max(width(line) for line in said.splitlines()) <= columns
    said = table(program("samples", *AB, *Y, "-f", "table"))
    assert max(width(line) for line in said.splitlines()) <= columns


def test_quiet_and_verbose(program: Any, folder: Path) -> None:
    words = ("compare", "a.csv", "holes.csv", *Y, "--nan", "drop", "-f", "csv")
    plain, quiet, verbose = (program(*words, *more) for more in ((), ("-q",), ("-v",)))
    assert plain.out == quiet.out == verbose.out
    assert quiet.err == "" and "58 rows" in verbose.err


TASKS: dict[str, tuple[str, ...]] = {
    "regression": ("diabetes/ridge.csv", "diabetes/models/lasso.csv", "-t", "diabetes/target.csv"),
    "binary": ("binary/logistic.csv", "binary/models/prior.csv", "-t", "binary/target.csv",
               "--target-col", "target"),
    "multiclass": ("multiclass/knn.csv", "multiclass/models/svm.csv", "-t",
                   "multiclass/target.csv", "--target-col", "label"),
    "multilabel": ("multilabel/logistic.csv", "multilabel/models/svm.csv", "-t",
                   "multilabel/target.csv"),
    "distribution": ("distribution/model.csv", "distribution/models/knn.csv", "-t",
                     "distribution/target.csv"),
    "masks": ("masks/model.npy", "masks/models/nearest.npy", "-t", "masks/target.npy"),
    "boxes": ("boxes/model.csv", "boxes/models/knn.csv", "-t", "boxes/target.csv"),
    "sequence": ("sequences/models/svm.csv", "sequences/models/knn.csv", "-t",
                 "sequences/readings_target.csv"),
    "quantile": ("quantile/quantiles.csv", "quantile/models/knn.csv", "-t", "diabetes/target.csv",
                 "--target-col", "target"),
    "interval": ("quantile/interval.csv", "quantile/models/interval/knn.csv", "-t",
                 "diabetes/target.csv", "--target-col", "target"),
    "ensemble": ("ensemble/members.csv", "ensemble/models/few.csv", "-t", "diabetes/target.csv",
                 "--target-col", "target"),
    "embedding": ("embedding/embedding.npz:embeddings", "embedding/models/pca.npz:embeddings",
                  "-t", "embedding/label.npy"),
}  # fmt: skip


@pytest.mark.parametrize("task", TASKS)
def test_every_task(program: Any, monkeypatch: pytest.MonkeyPatch, task: str) -> None:
    monkeypatch.chdir(SAMPLES)
    found = program("compare", *TASKS[task], "--task", task, "-f", "json", "-q")
    assert found.status == 0, found.err
    assert (found.json["command"], found.json["task"]) == ("compare", task)
    assert found.json["finding"]


def test_keys_of_two_columns(program: Any) -> None:
    visits = (DIABETES / "visits.csv", "-t", DIABETES / "visits_target.csv", "-l", "mae")
    words = ("compare", *visits, "--pred-col", "old,new", "-f", "csv")
    keyed, ordered = program(*words, "--on", "patient,day"), program(*words)
    assert numbers(keyed) == numbers(ordered)


def test_lines_that_end_otherwise(program: Any, tmp_path: Path) -> None:
    text = RIDGE.read_text().replace("\n", "\r\n")
    write(tmp_path / "ridge.csv", b"\xef\xbb\xbf" + text.encode())
    words = ("-t", TARGET, "-f", "csv", "-l", "mae")
    odd = program("compare", tmp_path / "ridge.csv", FOREST, *words)
    assert numbers(odd) == numbers(program("compare", RIDGE, FOREST, *words))
