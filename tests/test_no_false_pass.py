"""What must never pass: values that are none, and rows that are not there."""

from __future__ import annotations

import gzip
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.blocked import AGAINST, GOOD, ROWS, Gate, alone, csv, of_rows, predictions, write_as
from tests.test_cli import lossctl, write

program = lossctl  # a fixture: the program in this process

NAN, INF, BIG = math.nan, math.inf, 1e200
FORMATS = ("csv", "tsv", "jsonl", "parquet", "npy", "npz")


@pytest.fixture
def gate(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    alone(monkeypatch, tmp_path)
    return Gate(tmp_path, program)


# --- values that are no numbers, in every format and on every side ------------------------------

ALL = "all of them"
VALUES: list[tuple[Any, int, str]] = [  # a value, the status, and what is said
    (NAN, 3, "NaN"), (INF, 3, "infin"), (-INF, 3, "infin"), (None, 3, ""),
    (ALL, 3, "60 values"), (BIG, 4, "too large for a 64-bit float"),
]  # fmt: skip
EVERY = "--max mae=1e300 --max mse=1e300 --max-increase mse=1e9 --baseline"


@pytest.mark.parametrize(("value", "status", "said"), VALUES)
@pytest.mark.parametrize("side", ["pred", "target", "base"])
@pytest.mark.parametrize("form", FORMATS)
def test_no_value_of_any_file_is_let_pass(
    gate: Gate, form: str, side: str, value: Any, status: int, said: str
) -> None:
    if value is None and form in ("npy", "npz"):
        return  # they cannot hold it
    columns = {"pred": predictions("p"), "target": [float(row) for row in ROWS],
               "base": predictions("base")}  # fmt: skip
    files = {name: gate.folder / f"{name}.{form}" for name in columns}
    line = f"pred.{form} target.{form} {EVERY} base.{form}"
    for name, values in columns.items():
        write_as(files[name], {"target" if name == "target" else "pred": values})
    gate.passes(line)
    values = [NAN] * 60 if value is ALL else [*columns[side][:7], value, *columns[side][8:]]
    write_as(files[side], {"target" if side == "target" else "pred": values})
    gate.blocks(status, line, said)


SPELT = ["nan", "NaN", "-nan", "NA", "null", "None", "", "inf", "-Infinity", "1e400", "-1e999", "x",
         "1,5", "0x1p3", "1_0", "--1", "#N/A", "1e", "٣", "\x00", "\x1b[31m1", "=1+1"]  # fmt: skip


@pytest.mark.parametrize("text", SPELT)
@pytest.mark.parametrize("name", ["p.csv", "y.csv", "base.csv"])
def test_no_spelling_of_it_is(gate: Gate, name: str, text: str) -> None:
    line = f"{GOOD} --max-increase mae=50% --baseline base.csv"
    gate.passes(line)
    head, *rows = Path(name).read_text().splitlines()
    cells = rows[7].split(",")
    cells[1] = f'"{text}"' if "," in text else text
    rows[7] = ",".join(cells)
    write(gate.folder / name, "\n".join([head, *rows]) + "\n")
    gate.blocks(3, line, name)


WEIGHTS: list[tuple[Any, str]] = [
    (NAN, "row #7: a weight is nan"), (INF, "row #7: a weight is inf"), (-1.0, "is -1"),
    (None, "row #7"), ("zero", "every weight is 0"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "said"), WEIGHTS)
@pytest.mark.parametrize("form", [form for form in FORMATS if form != "npy"])
def test_no_weight_is(gate: Gate, form: str, value: Any, said: str) -> None:
    if value is None and form == "npz":
        return
    line = f"w.{form} y.csv --pred-col pred --weight-col w --max mae=1"
    weights: list[Any] = [1.0] * 60
    write_as(gate.folder / f"w.{form}", {"pred": predictions("p"), "w": weights})
    gate.passes(line)
    weights[7] = value
    if value == "zero":
        weights = [0.0] * 60
    write_as(gate.folder / f"w.{form}", {"pred": predictions("p"), "w": weights})
    gate.blocks(3, line, said)


# --- values that are none for what is asked -----------------------------------------------------

Y = csv("target,part,w", [ROWS, [row % 3 for row in ROWS], [int(row % 3 != 1) for row in ROWS]])
W = "p.csv w.csv --weight-col w --baseline base.csv --require"
P_AB = "p_a,p_b\n0.6,0.4\n1,0\n0.2,0.8\n"
TWO = "pred\n1.5\n2.5\n"
NONE: list[tuple[int, dict[str, str], str, str]] = [  # the status, files, the line, what is said
    (4, {}, "p.csv y.csv --max mape=9e9", "infinite"),
    (4, {}, "p.csv y.csv --require 'mape@region=EU < 9e9'", "infinite"),
    (4, {}, "p.csv y.csv --require 'p50(mape) < 9e9'", "infinite"),
    (4, {}, "p.csv y.csv --max-row-loss mape=9e9", "infinite"),
    (4, {}, f"{AGAINST} base.csv --max-increase mape=9e9%", "infinite"),
    (3, {}, "p.csv y.csv --max poisson_nll:log_input=false=9e9", "≥ 0"),
    (3, {"p.csv": of_rows("p").replace("r3,3.5", "r3,-3")}, "p.csv y.csv --max msle=9", "-3"),
    (4, {"t.csv": "pred,target\n1,2\n3,2\n"}, "t.csv --min r2:force_finite=false=-9e9",
     "has no value"),
    (4, {"t.csv": "pred,target\n1,2\n"}, "t.csv --min r2=-9e9", "r2 has no value"),
    (4, {"t.csv": "pred,target\n1,2\n"}, "t.csv --min explained_variance=-9e9", "has no value"),
    (4, {"a.csv": P_AB, "l.csv": "label\na\nb\nb\n"}, "a.csv l.csv --max scce:eps=0=9e9",
     "infinite"),
    (4, {"a.csv": P_AB, "l.csv": "label\na\nb\nb\n"}, "a.csv l.csv --max-row-loss scce:eps=0=9e9",
     "infinite"),
    (3, {"a.csv": P_AB.replace("0.6", "nan"), "l.csv": "label\na\na\nb\n"},
     "a.csv l.csv --max scce=9", "NaN"),
    (3, {"a.csv": P_AB.replace("0.6", "1.6"), "l.csv": "label\na\na\nb\n"},
     "a.csv l.csv --max scce=9", "1.6"),
    (3, {"a.csv": P_AB, "l.csv": "label\na\nz\nb\n"}, "a.csv l.csv --max scce=9", "'z'"),
    (3, {"a.csv": P_AB, "l.csv": "label\na\n\nb\n"}, "a.csv l.csv --max scce=9", "l.csv"),
    (3, {"a.csv": P_AB, "l.csv": "label\n9\n9\n9\n"},
     "a.csv l.csv --ignore-index 9 --max scce=9", "ignored"),
    (4, {"base.csv": csv("pred", [[BIG] * 60])},
     "p.csv y.csv --max-regressed-rows mse=60 --baseline base.csv", "no row counts"),
    # Rows that weigh nothing are no rows.
    (4, {"w.csv": Y}, f"{W} 'mae@part=1 < 9'", "no row"),
    (4, {"w.csv": Y}, f"{W} 'max(mae)@part=1 < 9'", "no row"),
    (4, {"w.csv": Y}, f"{W} 'p95(mae)@part=1 < 9'", "no row"),
    (4, {"w.csv": Y}, f"{W} 'max_error@part=1 < 9'", "part = 1"),
    (4, {"w.csv": Y}, f"{W} 'increase(mae)@part=1 <= 50%'", "part = 1"),
    (4, {"w.csv": Y}, f"{W} 'increase(mae)@part=1 <= 5'", "part = 1"),
    (4, {"w.csv": Y}, f"{W} 'increase(max_error)@part=1 <= 5'", "part = 1"),
    (4, {"w.csv": Y}, f"{W} 'regressed_rows(mae)@part=1 <= 0'", "part = 1"),
    (4, {"w.csv": Y}, f"{W} 'regressed_rows(mae)@part=1 <= 0%'", "part = 1"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "files", "line", "said"), NONE)
def test_a_value_that_is_none_is_no_pass(
    gate: Gate, status: int, files: dict[str, str], line: str, said: str
) -> None:
    gate.passes(GOOD)
    for name, text in files.items():
        write(gate.folder / name, text)
    gate.blocks(status, line, said)


# --- rows that are not there --------------------------------------------------------------------


def parquet(rows: int) -> Callable[[Path], None]:
    return lambda path: pq.write_table(pa.table({"pred": [1.0] * rows}), path)


def npy(*shape: int) -> Callable[[Path], None]:
    return lambda path: np.save(path, np.ones(shape))


def npz(*shape: int) -> Callable[[Path], None]:
    return lambda path: np.savez(path, pred=np.ones(shape))


EMPTY: list[tuple[str, str | bytes | Callable[[Path], None]]] = [
    *((f"e.{form}", b"") for form in (*FORMATS, "csv.gz", "jsonl.gz", "txt", "state", "json")),
    ("e.csv", "pred\n"), ("e.csv", "id,pred"), ("e.csv", "\n\n\n"), ("e.csv", "\ufeff"),
    ("e.csv", b"\0" * 4096), ("e.csv", "pred\n1\n"), ("e.csv", of_rows("p", ROWS[:59])),
    ("e.csv", of_rows("p") + "r60,60\n"), ("e.csv", of_rows("p")[:-9]),
    ("e.csv.gz", gzip.compress(b"", mtime=0)), ("e.csv.gz", gzip.compress(b"pred\n", mtime=0)),
    ("e.csv.gz", gzip.compress(of_rows("p").encode(), mtime=0)[:-8]),
    ("e.jsonl", "\n\n"), ("e.jsonl", "[]\n"), ("e.jsonl", "{}\n" * 60), ("e.jsonl", "null\n" * 60),
    ("e.parquet", parquet(0)), ("e.parquet", parquet(59)), ("e.parquet", b"PAR1PAR1"),
    ("e.npy", npy(0)), ("e.npy", npy(0, 1)), ("e.npy", npy(60, 0)), ("e.npy", npy(59)),
    ("e.npz", npz(0)), ("e.npz", npz(59)), ("e.npz", lambda path: np.savez(path)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "held"), EMPTY)
@pytest.mark.parametrize("line", [
    "{e} y.csv --max mae=1e300", "p.csv {e} --max mae=1e300",
    "p.csv y.csv --max-increase mae=1e300 --baseline {e}",
])  # fmt: skip
def test_a_file_without_its_rows_is_no_pass(gate: Gate, name: str, held: Any, line: str) -> None:
    gate.passes(line.format(e="y.csv" if line.startswith("p.csv {e}") else "p.csv"))
    path = gate.folder / name
    if callable(held):
        held(path)
    else:
        write(path, held)
    gate.blocks(3, line.format(e=name))


NO_FILES = ["none.csv", "none/p.csv", "p.csv/p.csv", "folder", "loop", "x" * 300, "/dev/null",
            "/dev/zero", "none.state", "none.json", "none"]  # fmt: skip


@pytest.mark.parametrize("name", NO_FILES)
@pytest.mark.parametrize("line", ["{e} y.csv --max mae=1", "p.csv {e} --max mae=1"])
def test_a_file_that_is_not_there_is_no_pass(gate: Gate, name: str, line: str) -> None:
    (gate.folder / "folder").mkdir()
    (gate.folder / "loop").symlink_to("loop")
    gate.blocks(3, line.format(e=name), name)


NO_ROWS: list[tuple[int, str, str]] = [  # the status, the line, and what is said
    (3, "n.csv y.csv --nan drop --max mae=9", "no rows are left"),
    (3, "p.csv n.csv --nan drop --max mae=9", "no rows are left"),
    (3, "p.csv y.csv --where 'region == none' --max mae=9", "no rows are left"),
    (3, "p.csv y.csv --where 'part > 7' --max-dropped 100%", "no rows are left"),
    (3, "p.csv y.csv --where 'part > 7' --min-samples 0", "no rows are left"),
    (3, f"{AGAINST} base.csv --where 'part > 7'", "no rows are left"),
    (3, f"{AGAINST} n.csv --nan drop", "no rows are left"),
    (3, "o.csv y.csv --on id --missing drop --max mae=9", ""),
    (3, "o.csv y.csv --on id --max mae=9", "--missing drop"),
    (3, "twice.csv y.csv --on id --max mae=9", "--duplicates"),
    (3, "late.csv y.csv --max mae=9", "id"),
    (4, "p.csv y.csv --max mae@region=UE=9", "region is 'EU', 'US'"),
    (4, "p.csv y.csv --min r2@region=eu=-9e9", "region is 'EU', 'US'"),
    (4, "p.csv y.csv --require 'mae@part>2 < 9'", "part is 0, 1, 2"),
    (4, "p.csv y.csv --require 'mae@region=EU&part=7 < 9'", "no row"),
    (4, "p.csv y.csv --require 'p95(mae)@part=7 < 9'", "no row"),
    (4, "p.csv y.csv --require 'median_ae@part=7 < 9'", "no row"),
    (4, "p.csv y.csv --require 'max_error@part=7 < 9'", "no row"),
    (4, "p.csv y.csv --require 'abs(bias)@part=7 < 9'", "no row"),
    (4, "p.csv y.csv --require 'rows@part=7 >= 1'", "no row"),
    (4, "p.csv y.csv --max-row-loss mae@part=7=9", "no row"),
    (4, f"{AGAINST} base.csv --max-increase mae@part=7=50%", "no row"),
    (4, f"{AGAINST} base.csv --max-regressed-rows mae@part=7=60", "no row"),
    (4, "p.csv y.csv --where 'region == EU' --max mae@region=US=9", "no row"),
    (4, "half.csv y.csv --nan drop --max mae@region=EU=9", "no row"),
    (4, "p.csv y.csv --min-samples 61", "too few"),
    (4, "p.csv y.csv --max mae=9 --where 'part == 1' --min-samples 21", "too few"),
    (4, "half.csv y.csv --nan drop --max mae=9 --min-samples 31", "too few"),
    (1, "half.csv y.csv --nan drop --max mae=9 --max-dropped 29", "30 of 60 rows are dropped"),
    (1, "half.csv y.csv --nan drop --max mae=9 --max-dropped 49%", "30 of 60 rows are dropped"),
    (1, "p.csv y.csv --max mae=9 --max-dropped 0 --where 'part == 1'", "40 of 60"),
    (4, "one.csv --min r2=-9e9", "r2 has no value"),
    (4, "p.csv y.csv --where 'target.id == r7' --min r2=-9e9", "r2 has no value"),
    (4, "b.csv y.csv --baseline p.csv --max-increase mae=0% --where 'part == 1'", "too few"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "line", "said"), NO_ROWS)
def test_rows_that_are_left_out_are_no_pass(gate: Gate, status: int, line: str, said: str) -> None:
    gate.passes("p.csv y.csv --max mae=9 --nan drop --max mae@region=EU=9 --max-dropped 0 "
                "--min-samples 60 --min r2=-9e9 --where 'part >= 0'")  # fmt: skip
    nowhere, ids = [NAN] * 60, [f"r{row}" for row in ROWS]
    values = predictions("p")
    half = [NAN if row % 2 == 0 else values[row] for row in ROWS]
    others = [f"q{row}" for row in ROWS]
    for name, names, column in (
        ("n", ids, nowhere), ("half", ids, half), ("o", others, values),
        ("twice", ["r0", *ids[:-1]], values), ("late", [*ids[1:], "r0"], values),
        ("b", ids, [value + 50.0 for value in values]),
    ):  # fmt: skip
        write(gate.folder / f"{name}.csv", csv("id,pred", [names, column]))
    write(gate.folder / "one.csv", "pred,target\n1,2\n")
    gate.blocks(status, line, said)
