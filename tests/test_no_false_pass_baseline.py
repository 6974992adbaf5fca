"""What must never pass: a comparison with a baseline that is not there, damaged, or of something
else; and parts that are no whole."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blocked import AGAINST, GOOD, REPORT, ROWS, Gate, alone, of_rows, report_of, texts
from tests.test_cli import failed, lossctl, write

program = lossctl  # a fixture: the program in this process

KINDS = ("state", "json")
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))
RULES = ["--max-increase mae=50%", "--max-increase mae=5", "--max-regressed-rows mae=100%",
         "--require 'increase(rmse)@region=EU <= 5'"]  # fmt: skip
LEVELS = ["", "--naive", "--allow-undecided"]


@pytest.fixture
def gate(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    alone(monkeypatch, tmp_path)
    return Gate(tmp_path, program)


# --- not there, or something else ---------------------------------------------------------------


@pytest.mark.parametrize("name", ["none.csv", "none.state", "none.json", "none/base.csv",
                                  "none.csv:pred", "p.csv.state", "no\x1b[2Jne.csv",
                                  "x" * 300])  # fmt: skip
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("how", LEVELS)
def test_a_baseline_that_is_not_there(gate: Gate, name: str, rule: str, how: str) -> None:
    line = f"{GOOD} {rule} {how} --baseline"
    gate.passes(f"{line} base.csv")
    gate.blocks(4, f"{line} '{name}'", "does not exist")


FOREIGN: list[tuple[str, str | bytes]] = [
    ("x.json", "{}"), ("x.json", "[]"), ("x.json", '{"a": 1}\n'), ("x.json", "null"),
    ("x.json", '{"schema": 1}'), ("x.json", '{"schema": 1, "losses": []}'),
    ("x.json", '{"schema": 1, "losses": {"mae": 0.1}, "command": "eval"}'),
    ("x.json", '{"schema"'), ("x.json", '{"schema": 1' + "[" * 100_000), ("x.json", ""),
    ("x.state", '{"lossctl_state"'), ("x.state", '{"lossctl_state": 1}'),
    ("x.state", '{"lossctl_state": "1", "digest": ""}'), ("x.state", '{"lossctl_state": true}'),
    ("x.state", '{"lossctl_state": 1' + "[" * 100_000), ("x.state", "[1]"),
    ("x.txt", "hello world\n"), ("x.csv", "hello world\n"), ("x", "hello\nworld\n"),
    ("x.csv", "a\n1\n"), ("x.csv", "pred\n" + "x\n" * 60), ("x.csv", "pred\n" + "\n" * 60),
    ("x.csv", "\n".join(["pred", *["0.5,7"] * 60]) + "\n"), ("x.csv", PNG), ("x.png", PNG),
    ("x.parquet", PNG), ("x.npy", PNG), ("x.npz", PNG), ("x.gz", PNG), ("x.state", PNG),
    ("x.html", "<!doctype html><html></html>"), ("x.toml", "[check]\nmax = { mae = 1 }\n"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "held"), FOREIGN)
def test_a_file_of_something_else(gate: Gate, name: str, held: str | bytes) -> None:
    gate.passes(f"{AGAINST} base.csv")
    write(gate.folder / name, held)
    gate.blocks(3, f"{AGAINST} {name}", name)


@pytest.mark.parametrize("name", ["folder", "/dev/null", "/dev/zero", "/proc/self/mem", "loop",
                                  "folder:pred"])  # fmt: skip
def test_what_is_no_file(gate: Gate, name: str) -> None:
    (gate.folder / "folder").mkdir()
    (gate.folder / "loop").symlink_to("loop")
    # A link that leads only to itself is no file that anybody could have.
    gate.blocks(4 if name == "loop" else 3, f"{AGAINST} {name}")


# --- of other rows ------------------------------------------------------------------------------


@functools.cache
def others(name: str) -> Mapping[str, str]:
    """A state and a report of the baseline's predictions that cannot be compared with."""
    rows = ROWS[:59] if name == "fewer" else range(61) if name == "more" else ROWS
    rows = ROWS[::-1] if name == "turned" else rows
    shift = {"other": 1, "one": 0}.get(name)
    moved: Callable[[int], object] = float
    if shift is not None:
        moved = lambda row: row + 1e-9 if shift or row == 7 else row  # noqa: E731  it is one of two
    how: dict[str, Any] = {"first_row": 60} if name == "later" else {}
    report = report_of(of_rows("base", rows), of_rows("y", rows, moved), **how)
    assert report.state is not None
    return {"state": report.state, "json": report.to_json()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["fewer", "more", "other", "one", "later", "turned"])
@pytest.mark.parametrize("how", LEVELS)
def test_a_baseline_of_other_rows(gate: Gate, name: str, kind: str, how: str) -> None:
    gate.passes(f"{AGAINST} base.{kind} {how}")
    if kind == "json" and name in ("later", "turned"):
        return  # a report is of the same targets in any order
    write(gate.folder / f"base.{kind}", others(name)[kind])
    said = "another order" if name in ("later", "turned") else "the targets changed"
    gate.blocks(4, f"{AGAINST} base.{kind} {how}", said)
    gate.blocks(4, f"base.state --max-increase mae=50% --baseline b.{kind} {how}", "not exist")


@pytest.mark.parametrize("rows", [ROWS[:59], range(61), range(1, 61), ROWS[::-1]], ids=str)
def test_predictions_of_other_rows(gate: Gate, rows: range) -> None:
    gate.passes(f"{AGAINST} base.csv")
    write(gate.folder / "base.csv", of_rows("base", rows))
    gate.blocks(3, f"{AGAINST} base.csv", "base.csv")


LACKING = [  # requirements of what a state and a report of mae and rmse do not hold
    "increase(mse) <= 1e9", "increase(huber) <= 1e9", "increase(mae)@region=EU <= 1e9",
    "increase(median_ae) <= 1e9", "regressed_rows <= 60", "regressed_rows(mae) <= 100%",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", LACKING)
def test_a_baseline_without_what_is_asked(gate: Gate, kind: str, text: str) -> None:
    gate.passes(f"{AGAINST} base.csv --require '{text}'")
    gate.blocks(4, f"{AGAINST} base.{kind} --require '{text}'", "baseline")


# --- damaged ------------------------------------------------------------------------------------

PLACES = [0.0001, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99, 0.999]


@pytest.mark.parametrize("share", PLACES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_baseline_that_was_cut_off(gate: Gate, kind: str, share: float) -> None:
    gate.passes(f"{AGAINST} base.{kind}")
    text = texts()[f"base.{kind}"]
    write(gate.folder / f"base.{kind}", text[: math.ceil(share * len(text))])
    gate.blocks(3, f"{AGAINST} base.{kind}", f"base.{kind}")
    if kind == "state" and share > 0.001:
        gate.blocks(3, f"base.{kind} --max mae=1", "damaged state")


@pytest.mark.parametrize("share", PLACES)
@pytest.mark.parametrize("bit", [1, 4, 128])
def test_a_state_with_a_flipped_bit(gate: Gate, share: float, bit: int) -> None:
    data = bytearray(texts()["base.state"].encode())
    data[60 + int(share * (len(data) - 61))] ^= bit
    write(gate.folder / "base.state", bytes(data))
    gate.blocks(3, f"{AGAINST} base.state", "base.state")
    gate.blocks(3, "base.state --max mae=1", "base.state")


@pytest.mark.parametrize("seed", range(40))
def test_a_report_with_a_flipped_bit_is_refused_or_says_the_same(gate: Gate, seed: int) -> None:
    """It has no digest: what a bit turns into another number, nobody can tell."""
    rng = np.random.default_rng(seed)
    data = bytearray(texts()["base.json"].encode())
    data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))
    write(gate.folder / "base.json", bytes(data))
    result = gate.run(f"{AGAINST} base.json")
    assert result.status in (0, 3, 4), result.err
    if result.status == 3:
        failed(result, 3, "base.json")


def changed(**how: Any) -> str:
    """The report with other values for mae."""
    data = json.loads(texts()["base.json"])
    told = data["losses"][0]
    interval = {**told["interval"], **how.pop("ends", {})}
    told.update({"interval": interval, **how})
    return json.dumps(data)


DAMAGED = [
    {"value": math.nan}, {"value": math.inf}, {"value": -math.inf}, {"value": "0.5"},
    {"value": True}, {"value": []}, {"value": {}}, {"interval": [0.5, 0.6]}, {"interval": {}},
    {"interval": "0.5 … 0.6"}, {"interval": 1}, {"ends": {"low": math.nan}},
    {"ends": {"high": math.nan}}, {"ends": {"low": -math.inf}}, {"ends": {"high": math.inf}},
    {"ends": {"high": "1"}}, {"ends": {"low": None}}, {"ends": {"low": 9.0}},
    {"ends": {"high": 0.0}}, {"ends": {"confidence": 0}}, {"ends": {"confidence": 1}},
    {"ends": {"confidence": 7}}, {"ends": {"confidence": math.nan}}, {"ends": {"confidence": "x"}},
    {"ends": {"trusted": "no"}}, {"n": 0}, {"n": -60}, {"n": "60"}, {"n": 6.5}, {"n": None},
    {"n": math.nan},
]  # fmt: skip


@pytest.mark.parametrize("how", DAMAGED, ids=str)
@pytest.mark.parametrize(("rule", "level"), [("mae=50%", ""), ("mae=5", "--naive")])
def test_a_report_of_what_is_no_number(
    gate: Gate, how: dict[str, Any], rule: str, level: str
) -> None:
    line = f"p.csv y.csv --max-increase {rule} {level} --baseline base.json"
    write(gate.folder / "base.json", changed())
    gate.passes(line)
    write(gate.folder / "base.json", changed(**how))
    gate.blocks(3, line, "base.json is a damaged report")


NO_VALUE = [{"value": None}, {"status": "infinite"}, {"status": "overflow"}, {"spec": "mse"},
            {"value": None, "status": "undefined", "interval": None}]  # fmt: skip


@pytest.mark.parametrize("how", NO_VALUE)
@pytest.mark.parametrize("level", LEVELS)
def test_a_report_without_a_value(gate: Gate, how: dict[str, Any], level: str) -> None:
    write(gate.folder / "base.json", changed(**how))
    gate.blocks(4, f"{AGAINST} base.json {level}", "in the baseline" if "spec" not in how else "")
    write(gate.folder / "base.json", texts()["base.json"].replace('"targets":', '"target":'))
    gate.blocks(4, f"{AGAINST} base.json {level}", "does not say of which targets")


@pytest.mark.parametrize("schema", ["0", "2", "1000000", "null", '"1"', "1.5", "[]", "true"])
@pytest.mark.parametrize("kind", KINDS)
def test_another_schema(gate: Gate, kind: str, schema: str) -> None:
    mark = {"state": '"lossctl_state": ', "json": '"schema": '}[kind]
    text = texts()[f"base.{kind}"]
    assert f"{mark}1" in text
    write(gate.folder / f"base.{kind}", text.replace(f"{mark}1", f"{mark}{schema}", 1))
    damaged = kind == "state" and not schema.isdigit()
    gate.blocks(3 if damaged else 4, f"{AGAINST} base.{kind}", f"base.{kind}")
    if kind == "state":
        gate.blocks(3, "base.state --max mae=1", "base.state")


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "", "x"])
def test_a_baseline_that_holds_what_is_no_number(gate: Gate, cell: str) -> None:
    write(gate.folder / "base.csv", of_rows("base").replace("r8,7.49", f"r8,{cell}"))
    assert f"r8,{cell}\n" in (gate.folder / "base.csv").read_text()
    gate.blocks(3, f"{AGAINST} base.csv", "base.csv")
    for name in ("b.state", "b.json"):  # nothing is written of it
        out = ["base.csv", "y.csv", "--export", name]
        failed(gate.program("eval", *out), 3, "base.csv")
        assert not (gate.folder / name).exists()


# --- parts --------------------------------------------------------------------------------------


@functools.cache
def parts() -> Mapping[str, str]:
    """States of two halves, and of others that do not go with the first."""
    found = {}
    for name, rows, how in (
        ("a", ROWS[:30], {}), ("b", ROWS[30:], {"first_row": 30}),
        ("touches", ROWS[29:], {"first_row": 29}), ("same", ROWS[:30], {}),
        ("unnumbered", ROWS[30:], {}), ("mse", ROWS[30:], {"first_row": 30, "losses": ("mse",)}),
        ("drop", ROWS[30:], {"first_row": 30, "nan": "drop"}),
        ("ids", ROWS[30:], {"id_col": "id"}),
        ("where", ROWS[30:], {"first_row": 30, "where": ("part >= 0",)}),
    ):  # fmt: skip
        state = report_of(of_rows("p", rows), of_rows("y", rows), **how).state
        assert state is not None
        found[f"{name}.state"] = state
    whole = found["b.state"]
    found["cut.state"] = whole[: len(whole) // 2]
    found["flipped.state"] = whole.replace("8", "9", 1)
    found["new.state"] = whole.replace('"lossctl_state": 1', '"lossctl_state": 2')
    found["empty.state"] = ""
    return found


@pytest.fixture
def merging(gate: Gate) -> Gate:
    for name, text in parts().items():
        write(gate.folder / name, text)
    return gate


UNJOINED = [  # the status, the line, and what is said
    (2, "", "STATE"), (3, "a.state base.json", "base.json is no state"),
    (3, "a.state p.csv", "p.csv is no state"), (3, "base.json", "is no state"),
    (3, "a.state a.state", "row #0 is in two states"), (3, "a.state same.state", "in two states"),
    (3, "a.state touches.state", "row #29 is in two"), (3, "a.state unnumbered.state", "row #0"),
    (3, "a.state mse.state", "another"), (3, "a.state drop.state", "another"),
    (3, "a.state ids.state", "another"), (3, "a.state where.state", "another"),
    (3, "a.state cut.state", "cut.state is a damaged state"), (3, "cut.state", "damaged"),
    (3, "a.state flipped.state", "damaged"), (3, "a.state new.state", "schema 2"),
    (3, "a.state empty.state", "empty.state"), (3, "a.state none.state", "none.state"),
    (3, f"a.state {'x' * 300}", "xxx"), (3, f"{'x' * 300}", "xxx"),
    (3, "a.state .", "."), (3, "a.state /dev/null", "/dev/null"),
    (2, "a.state b.state -f junit", "check"), (2, "a.state b.state -o a.state", "is an input"),
    (2, "a.state b.state --max mae=1", "--max"), (2, "a.state b.state -f xml", "xml"),
    (5, "a.state b.state --export state=/dev/full", "No space"),
    (5, "a.state b.state --export none/m.state", "none/m.state"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "line", "said"), UNJOINED)
def test_parts_that_are_no_whole(merging: Gate, status: int, line: str, said: str) -> None:
    words = ["--export", "state=m.state"] if status != 5 else []
    result = merging.program("merge", *words, *line.split())
    failed(result, status, said)
    assert not (merging.folder / "m.state").exists()
    assert (merging.folder / "a.state").read_text() == parts()["a.state"]


def test_what_is_merged_is_checked(merging: Gate) -> None:
    assert merging.program("merge", "b.state", "a.state", "-o", "m.state").status == 0
    merging.passes("m.state --max mae=1 --min-samples 60")
    merging.blocks(1, "m.state --max mae=0.1", "mae is 0.51")
    merging.blocks(4, "m.state --max mae=1 --min-samples 61", "too few")
    merging.blocks(4, "a.state --max mae=1 --min-samples 60", "30 rows: too few")
    merging.blocks(4, "m.state --max-increase mae=50% --baseline a.state", "the targets changed")
    merging.blocks(4, "a.state --max-increase mae=50% --baseline m.state", "the targets changed")
    merging.blocks(4, "m.state --max-increase mae=50% --baseline base.csv", "base is predictions")
    merging.blocks(4, "m.state --max-increase mae=50% --baseline new.state", "schema 2")
    merging.blocks(3, "m.state --max-increase mae=50% --baseline cut.state", "damaged")
    merging.blocks(4, "m.state --require 'p95(mae) < 9'", "not the values of rows")
    merging.blocks(2, "m.state --max mse=9", "no loss mse")
    text = (merging.folder / "m.state").read_text()
    for share in (0.01, 0.5, 0.99):
        write(merging.folder / "m.state", text[: int(share * len(text))])
        merging.blocks(3, "m.state --max mae=1", "m.state is a damaged state")
    assert (merging.folder / REPORT).exists()
