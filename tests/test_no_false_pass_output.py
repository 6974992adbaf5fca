"""What must never pass: a verdict that depends on its format, cannot be written, or that something
in the folder or in the data talks out of it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from lossctl.renderers import FORMATS
from tests.blocked import (
    AGAINST,
    GOOD,
    OUTCOMES,
    REPORT,
    ROWS,
    Gate,
    alone,
    csv,
    of_rows,
    predictions,
    snapshot,
    strict,
    verdict,
)
from tests.runners import obeyed
from tests.test_cli import failed, lossctl, write

program = lossctl  # a fixture: the program in this process

FORMS = [form for form in FORMATS if form != "state"]
CASES = {  # by status
    0: GOOD, 1: "p.csv y.csv --max mae=0.1", 2: "p.csv y.csv --max hubber=1",
    3: "none.csv y.csv --max mae=1", 4: "p.csv y.csv --max mape=1", 5: f"{GOOD} -o none/x",
}  # fmt: skip
SEVERAL = {  # what comes first where several apply
    2: ["none.csv y.csv --max hubber=1 -o none/x", "p.csv y.csv --max mape=1 --min hubber=1",
        "p.csv none.csv --max mae=nan", f"{AGAINST} none.csv --max hubber=1"],
    3: ["none.csv y.csv --max mape=1 -o none/x", "none.csv y.csv --max mae=0.1 --max mape=1",
        "bad.csv y.csv --max mape=1 --max-increase mae=1% --baseline none.csv -o none/x",
        f"{AGAINST} bad.csv --max mape=1 --export md=none/x"],
    5: ["p.csv y.csv --max mape=1 -o none/x", "p.csv y.csv --max mae=0.1 -o none/x",
        f"{AGAINST} none.csv --export json=none/x", f"{GOOD} --exit-zero -o none/x"],
    4: ["p.csv y.csv --max mape=1 --max mae=0.1", f"{AGAINST} none.csv --max mae=0.1",
        "p.csv y.csv --max mae=0.1 --min-samples 61",
        "p.csv y.csv --max mae=0.1 --max mae@part=7=1"],
}  # fmt: skip


@pytest.fixture
def gate(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    alone(monkeypatch, tmp_path)
    write(tmp_path / "bad.csv", of_rows("p").replace("r8,7.48", "r8,nan"))
    return Gate(tmp_path, program)


# --- the status and the streams do not depend on the format -------------------------------------


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", CASES)
def test_no_format_changes_a_status(program: Any, gate: Gate, status: int, form: str) -> None:
    before = snapshot(gate.folder)
    result = program("check", *CASES[status].split(), "-f", form)
    assert snapshot(gate.folder) == before
    if status not in OUTCOMES:
        failed(result, status)
        return
    assert (result.status, result.err) == (status, "")
    assert result.out and not (obeyed(result.out) and form != "github")
    shown = [OUTCOMES[status]]
    if form in ("sarif", "gitlab", "json"):
        whole = strict(result.out)
        if form == "json":
            verdict(whole, status)
        if form == "gitlab":
            assert bool(whole) == (status != 0)
            shown = [] if status == 0 else ["mae" if status == 1 else "mape"]
        if form == "sarif":
            assert whole["runs"][0]["invocations"][0]["exitCode"] == status
    if form in ("table", "md", "html", "junit", "sarif", "json", "github"):
        shown = [f"(exit {status})"]
    assert all(text in result.out.replace("\\", "") for text in shown)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("status", CASES)
def test_no_export_changes_a_status(program: Any, gate: Gate, status: int, form: str) -> None:
    write(gate.folder / "out", "kept")
    before = snapshot(gate.folder)
    result = program("check", "--export", f"{form}=out", *CASES[status].split())
    assert result.status == status, result.err
    held = (gate.folder / "out").read_text()
    if status in OUTCOMES:
        assert result.out
        assert result.err == ""
        assert held != "kept"
        assert held == program("check", *CASES[status].split(), "-f", form).out or form == "table"
    elif status != 5:
        failed(result, status)
        assert snapshot(gate.folder) == before
    else:
        assert result.out == ""
        assert result.err.count("\n") == 1


@pytest.mark.parametrize("status", SEVERAL)
@pytest.mark.parametrize("place", range(4))
def test_which_status_comes_first(program: Any, gate: Gate, status: int, place: int) -> None:
    line = SEVERAL[status][place]
    for more in (["-q"], [], *([["--exit-zero"], ["-v"]] if status != 4 else [])):
        before = snapshot(gate.folder)
        result = program("check", *line.split(), *more)
        assert snapshot(gate.folder) == before
        if status == 4:
            assert (result.status, bool(result.out)) == (4, True)
            assert bool(result.err) == (more == [])  # that something is violated, too
        else:
            failed(result, status)


# --- warnings, and --exit-zero ------------------------------------------------------------------

TWINS = [  # an option, a text that is violated, and the status where it blocks
    ("max", "mae=0.1", 1), ("min", "mae=0.9", 1), ("require", "mae < 0.1", 1),
    ("max-increase", "mae=-50%", 1), ("max-regressed-rows", "0", 1), ("max-row-loss", "mae=0.5", 1),
    ("max-dropped", "-0", 0), ("min-samples", "61", 4), ("max", "mape=9", 4),
    ("max-increase", "mae=-4%", 4), ("max", "mae@part=7=9", 4),
]  # fmt: skip


@pytest.mark.parametrize(("option", "text", "status"), TWINS)
def test_a_warning_blocks_where_told_to(gate: Gate, option: str, text: str, status: int) -> None:
    line = ["p.csv", "y.csv", "--baseline", "base.csv", "--max", "mae=1"]
    if status:
        gate.blocks(status, [*line, f"--{option}", text])
        gate.blocks(status, [*line, f"--warn-{option}", text, "--error-on-warning"])
    report = gate.passes([*line, f"--warn-{option}", text])
    warned = [note["code"] for note in report["notes"] if note["warning"]]
    assert (warned == ["warning"]) == bool(status)
    report = gate.passes([*line, f"--{option}", text, "--exit-zero"])
    assert report["gate"]["outcome"] == OUTCOMES[status]
    assert ("--exit-zero" in report["finding"]) == bool(status)


def test_dropped_rows_warn_too(gate: Gate) -> None:
    line = "bad.csv y.csv --nan drop --max mae=1"
    gate.passes(f"{line} --warn-max-dropped 0")
    gate.blocks(1, f"{line} --warn-max-dropped 0 --error-on-warning", "1 of 60 rows are dropped")
    gate.blocks(1, f"{line} --max-dropped 0", "1 of 60 rows are dropped")


@pytest.mark.parametrize("status", CASES)
@pytest.mark.parametrize("level", ["--exit-zero", "--allow-undecided", "--naive"])
def test_what_lets_pass_lets_no_error_pass(
    program: Any, gate: Gate, status: int, level: str
) -> None:
    result = program("check", *CASES[status].split(), level)
    assert result.status == (0 if level == "--exit-zero" and status in OUTCOMES else status)
    if status not in OUTCOMES:
        failed(result, status)


# --- what cannot be written ---------------------------------------------------------------------

PLACES = ["none/x.json", "folder", "p.csv/x.json", "/dev/full", "/proc/x.json", "x" * 300, "loop",
          "closed/x.json"]  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("option", ["-o", "--export=junit=", "--export=md+="])
@pytest.mark.parametrize("line", [CASES[0], CASES[1], f"{CASES[4]} --exit-zero"])
def test_a_verdict_that_is_not_written_is_none(
    program: Any, gate: Gate, line: str, option: str, place: str
) -> None:
    (gate.folder / "folder").mkdir()
    (gate.folder / "closed").mkdir(mode=0o500)
    (gate.folder / "loop").symlink_to("loop")
    if place.startswith("closed") and os.access("closed", os.W_OK):
        return  # nothing is closed to this user
    before = snapshot(gate.folder)
    words = ["-f", "json", "-o", place] if option == "-o" else [option + place]
    failed(program("check", *line.split(), *words), 5)
    assert snapshot(gate.folder) == before


def test_no_room_for_a_copy(gate: Gate) -> None:
    line = f"{GOOD} --max-row-loss mae=1 --require 'p50(mae) < 1' --block-rows 7"
    gate.passes(line)
    gate.blocks(3, f"{line} --spool-limit 0", "--spool-limit")
    gate.blocks(3, f"{line} --spool-limit 100", "100 bytes")


EXHAUSTED = [
    MemoryError(), RuntimeError("can't start new thread"),
    ImportError("x.so: failed to map segment from shared object"),
    OSError(errno.ENOMEM, "Cannot allocate memory"), OSError(errno.EMFILE, "Too many open files"),
]  # fmt: skip


@pytest.mark.parametrize("problem", EXHAUSTED, ids=repr)
@pytest.mark.parametrize("line", [GOOD, f"{GOOD} --exit-zero"])
def test_a_system_that_has_no_more(
    gate: Gate, monkeypatch: pytest.MonkeyPatch, line: str, problem: Exception
) -> None:
    def fails(*_: object) -> None:
        raise problem

    gate.passes(line)
    monkeypatch.setattr("lossctl.gate.scoring", fails)
    gate.blocks(3, line)


# --- a configuration in the folder --------------------------------------------------------------

LOOSE = [  # a key that lets pass, and a line that is blocked without it
    ("exit-zero = true", "p.csv y.csv --max mae=0.1", 1),
    ("exit-zero = true", "p.csv y.csv --max mape=1", 4),
    ("allow-undecided = true", "p.csv y.csv --max-increase mae=-4% --baseline base.csv", 4),
    ("where = 'part == 0'", "p.csv y.csv --max mae=0.505", 1),
    ("where = 'region == US'", "p.csv y.csv --max mape=9e9", 4),
    ("nan = 'drop'", "bad.csv y.csv --max mae=1", 3),
    ("missing = 'drop'\non = 'id'", "short.csv y.csv --max mae=1", 3),
    ("baseline = 'p.csv'", "p.csv y.csv --max-regressed-rows 0", 2),
    ("pred-col = 'copy'", "both.csv --max mae=0.1", 1),
    ("weight-col = 'w'", "w.csv y.csv --pred-col pred --max mae=0.1", 1),
    ("targets = 'same.csv'", "p.csv --max mae=0.1", 2),
    ("by-row = true", "turned.csv y.csv --max mae=100", 3),
    ("duplicates = 'first'\non = 'id'", "twice.csv y.csv --max mae=1", 3),
]  # fmt: skip


@pytest.mark.parametrize(("key", "line", "status"), LOOSE)
@pytest.mark.parametrize("form", ["table", "tsv", "json", "github"])
def test_a_key_that_lets_pass_is_seen(
    program: Any, gate: Gate, key: str, line: str, status: int, form: str
) -> None:
    values = predictions("p")
    write(gate.folder / "short.csv", of_rows("p", ROWS[:59]))
    write(gate.folder / "turned.csv", of_rows("p", ROWS[::-1]))
    write(gate.folder / "twice.csv", of_rows("p") + "r0,0\n")
    write(gate.folder / "both.csv", csv("pred,target,copy", [values, ROWS, ROWS]))
    write(gate.folder / "same.csv", of_rows("p").replace("id,pred", "id,target"))
    weights = [1e-9 if row else 1e9 for row in ROWS]
    write(gate.folder / "w.csv", csv("pred,w", [[0.0, *values[1:]], weights]))
    write(gate.folder / "lossctl.toml", f"[check]\n{key}\n")
    loose = program("check", *line.split(), "-f", form)
    assert loose.status == 0, (loose.out, loose.err)
    name = key.partition(" ")[0]
    seen = loose.out if form in ("table", "json", "github") else loose.err
    assert f"sets {name}" in seen or f", {name}" in seen
    if form != "table":
        assert f"lossctl: note: lossctl.toml [check] sets {name}" in loose.err or ", " in loose.err
    result = program("check", *line.split(), "-f", form, "--no-config")
    assert result.status == status, (result.out, result.err)
    assert "lossctl.toml" not in result.out + result.err
    if status not in OUTCOMES:
        failed(result, status)


def test_no_key_loosens_a_requirement_of_the_line(gate: Gate) -> None:
    for text in ("max = { mae = 9 }", "require = 'mae < 9'", "warn-max = { mae = 9 }", "max = []",
                 "max = { absolute_error = 9 }", "[suite.a]\nmax = { mae = 9 }"):  # fmt: skip
        write(gate.folder / "lossctl.toml", f"[check]\n{text}\n")
        for more in ("", "--no-config", "--suite a" if "suite" in text else "--strict"):
            report = gate.blocks(1, f"p.csv y.csv --max mae=0.1 {more}", "above 0.1")
            assert report["gate"]["checks"][-1]["source"].startswith("option")
        assert (gate.folder / REPORT).exists()
        result = gate.run(GOOD, "-q")
        assert result.err == ""


# --- data that talk -----------------------------------------------------------------------------

NASTY = [
    "\x1b]0;owned\x07\x1b[2J", "::error::passed", "::stop-commands::x", "##[error]x", "##vso[a b]",
    "[/foo]", "[bold red]x", "__import__('os').system('false')", "{0.__class__}", "%n%s",
    "=cmd|' /C calc'!A0", "+1+1", "@SUM(1)", "a\nb", "::error::a\n::error::b", "\u202egnp.exe",
    "</script><script>alert(1)</script>", "| --- |", "`x`", "../../etc/passwd", "-o", "--exit-zero",
    "(exit 0)", "MET: all", "x" * 100_000, "\ufeffpred", "\u200b", "'; drop table x; --", "nan",
]  # fmt: skip


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
@pytest.mark.parametrize("form", FORMS)
def test_no_header_id_or_value_talks_a_gate_out_of_it(
    program: Any, gate: Gate, nasty: str, form: str
) -> None:
    thorough = form in ("table", "json")
    ids = [quoted(f"{nasty}{row}") for row in ROWS]
    head = f"id,{quoted(nasty)}"
    write(gate.folder / "p.csv", csv(head, [ids, predictions("p")]))
    values = [quoted(nasty if row % 2 else f"{nasty}!") for row in ROWS]
    write(gate.folder / "y.csv", csv(f"id,target,{quoted('of ' + nasty)}", [ids, ROWS, values]))
    line = ["p.csv", "y.csv", "--on", "id", "-f", form, "--export", f"json={REPORT}"]
    outcomes = [("mae < 0.1", 1), ("mape < 9", 4), ("mae < 1", 0)]
    for text, status in outcomes if thorough else outcomes[:1]:
        result = program("check", *line, "--require", text)
        assert result.status == status, (result.out[:500], result.err[:500])
        assert not obeyed(result.err)
        assert form == "github" or not obeyed(result.out)
        assert form == "json" or "\x1b" not in result.out
        found = json.loads((gate.folder / REPORT).read_text())
        verdict(found, status)
    if not thorough:
        return
    write(gate.folder / "p.csv", csv(head, [ids, [*predictions("p")[:-1], "x"]]))
    result = program("check", *line, "--require", "mae < 1")
    failed(result, 3, "p.csv")
    assert len(result.err) < 2000
    assert not obeyed(result.err)


@pytest.mark.parametrize("head", ["id,pr\0ed", "id,pred\0", 'id,"pred', "id,pred,pred,pred", "id,,",
                                  "id\npred", "\0", "id,pred\r\r\n"])  # fmt: skip
def test_a_header_that_is_none(gate: Gate, head: str) -> None:
    gate.passes(GOOD)
    text = of_rows("p").replace("id,pred", head, 1)
    write(gate.folder / "p.csv", text)
    result = gate.run("p.csv y.csv --max mae=1")
    assert result.status in (2, 3), result.out
    failed(result, result.status, "p.csv")


def test_values_of_a_slice_that_talk(gate: Gate) -> None:
    for nasty in (one for one in NASTY if one not in ("nan", "\u200b")):
        values = [quoted(nasty if row % 2 else "b") for row in ROWS]
        write(gate.folder / "s.csv", csv("target,g", [ROWS, values]))
        mark = '"' if "'" in nasty else "'"
        for limit, status in (("0.1", 1), ("1", 0)):
            line = ["p.csv", "s.csv", "--require", f"mae@g={mark}{nasty}{mark} < {limit}"]
            if status:
                gate.blocks(status, line, "mae where g")
            else:
                gate.passes(line)
        gate.blocks(4, ["p.csv", "s.csv", "--max", "mae@g=none=1"], "no row")
