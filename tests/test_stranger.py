"""One test for each fault that somebody found who had only the README."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import numpy as np
import pytest

import lossctl
from tests.test_cli import RIDGE, TARGET, failed, write
from tests.test_cli import lossctl as command

program = command  # a fixture: the program in this process


@pytest.fixture
def weighted(tmp_path):
    return write(tmp_path / "w.csv", "id,pred,target,w\na,1,2,1\nb,2,4,2\nc,3,3,0\nd,10,4,1\n")


def test_a_filter_changes_no_choice(program, weighted):
    for where in ("target >= 3", "pred < 100"):
        report = program("eval", weighted, "-l", "mae", "-f", "json", "--where", where).json
        assert report["inputs"]["pred"]["columns"] == ["pred"]
        assert report["inputs"]["target"]["columns"] == ["target"]


def test_weights_leave_a_trace(program, weighted):
    report = program("eval", weighted, "-f", "json", "--weight-col", "w").json
    assert "weight:w" in report["signature"]
    assert report["notes"][0]["text"] == "rows are weighted by w"
    assert report["inputs"]["weight"]["columns"] == ["w"]


def test_a_row_of_data_is_not_taken_for_a_header(program, tmp_path):
    pred = write(tmp_path / "p.csv", "r0,1.5\nr1,2.5\nr2,100\n")
    target = write(tmp_path / "y.csv", "r0,1.0\nr1,2.0\nr2,3.0\n")
    failed(program("eval", pred, target), 3, "line 1", "'1.", "-H")
    value = float(program("eval", pred, target, "-H", "-b", "-l", "mae").out)
    assert value == pytest.approx(98 / 3)


def test_a_loss_of_zero_claims_no_more(program, tmp_path):
    data = write(tmp_path / "d.csv", "pred,target\n1,2\n2,2.5\n")
    report = program("eval", data, "-l", "epsilon_insensitive:epsilon=5", "-f", "json").json
    assert report["finding"] == "epsilon_insensitive:epsilon=5 is 0: no row adds to it."


def test_a_row_that_decides_another_loss_is_said():
    target = np.zeros(1000)
    pred = np.random.default_rng(0).normal(size=1000)
    pred[500] = 1e5
    report = lossctl.evaluate(pred, target, ["welsch", "mse"])
    assert "#500 makes" in report.finding
    assert "No row decides" not in report.finding


def test_few_rows_that_make_everything_are_not_trusted():
    pred = np.zeros(20)
    pred[3] = 7.0
    report = lossctl.evaluate(pred, np.zeros(20), ["mse", "mae"])
    assert [one.interval["trusted"] for one in report.losses if one.interval] == [False, False]
    heavy = np.random.default_rng(1).standard_cauchy(500)
    report = lossctl.evaluate(heavy, np.random.default_rng(2).normal(size=500), ["r2", "bias"])
    assert [one.interval["trusted"] for one in report.losses if one.interval] == [False, False]


def test_options_that_would_do_nothing_are_refused(program):
    failed(program("eval", RIDGE, TARGET, "--on", ""), 2, "--on")
    failed(program("eval", RIDGE, TARGET, "--missing", "drop"), 2, "--on KEY")
    failed(program("eval", RIDGE, TARGET, "--id-col", ""), 2, "--id-col")
    failed(program("eval", RIDGE, TARGET, "--export", "json+=x.json"), 2, "appended")
    failed(program("eval", RIDGE, TARGET, "--export", "json=-"), 2, "-f")


def test_one_column_in_two_roles_is_said(program, weighted):
    result = program("eval", weighted, "--pred-col", "pred", "--target-col", "pred", "-b")
    assert "one column plays two roles" in result.err


def test_one_prediction_read_as_a_mean_is_said_once(program, tmp_path):
    pred = write(tmp_path / "p.csv", "mu,v\n1,0.5\n2,1\n")
    target = write(tmp_path / "t.csv", "y\n1.5\n2\n")
    options = ["--pred-col", "mu", "--role", f"scale={pred}:v", "-l", "gaussian_nll,mae"]
    report = program("eval", pred, target, *options, "-f", "json").json
    assert program("eval", pred, target, *options, "-f", "table").out.count("[mu,v]") == 1
    assert list(report["worst"]["rows"][0]["values"]) == ["target", "pred", "residual", "scale"]
    assert [note["code"] for note in report["notes"]] == ["gaussian_nll"]


def test_an_encoding_that_does_not_fit(program):
    for encoding in ("utf-16", "punycode"):
        failed(program("eval", RIDGE, TARGET, "--encoding", encoding), 3, encoding)


def test_help_that_goes_nowhere():
    for arguments in (["--help"], ["--version"], ["eval", "-h"]):
        command = [sys.executable, "-m", "lossctl", *arguments]
        with open("/dev/full", "wb") as full:  # noqa: PTH123  a device
            assert subprocess.run(command, stdout=full, stderr=subprocess.PIPE).returncode == 5
        read, writing = os.pipe()
        os.close(read)
        assert subprocess.run(command, stdout=writing, stderr=subprocess.PIPE).returncode == 141
        os.close(writing)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_leaves_early(tmp_path, unbuffered):
    values = np.random.default_rng(0).normal(size=(2, 3000))
    np.save(tmp_path / "p.npy", values[0])
    np.save(tmp_path / "t.npy", values[1])
    files = f"{tmp_path}/p.npy {tmp_path}/t.npy"
    script = f"{sys.executable} -m lossctl eval {files} -f json --top 3000 -q | head -1"
    done = subprocess.run(
        ["bash", "-c", script + "; echo ${PIPESTATUS[0]}"],
        capture_output=True, text=True, env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
    )  # fmt: skip
    assert done.stdout == "{\n141\n"


def test_names_with_spaces_are_found(program, tmp_path):
    data = write(tmp_path / "d.csv", "id, y_true, y_pred\n1,2,3\n")
    result = program(
        "eval", data, "--target-col", " y_true", "--pred-col", " y_pred", "-b", "-l", "mae"
    )
    assert result.out == "1.0\n"


def test_a_column_of_another_kind_is_named(program, tmp_path):
    data = write(tmp_path / "d.csv", "pred,target\ntrue,1\nfalse,2\n")
    failed(program("eval", data), 3, "column pred is boolean")


def test_small_residuals_show_their_digits(program, tmp_path):
    data = write(tmp_path / "d.csv", "pred,target\n1.00001,1\n2.00002,2\n")
    assert "+2.000e-05" in program("eval", data, "-f", "table").out


def test_inspect_and_the_formats(program, monkeypatch):
    monkeypatch.setenv("LOSSCTL_FORMAT", "md")
    assert program("inspect", RIDGE).status == 0
    said = program("inspect", RIDGE, TARGET, "--on", "id,id", "-f", "json").json["alignment"]
    assert "id,id: the same in every row" in said


def test_markdown_reports_stand_apart(program, tmp_path):
    path = tmp_path / "s.md"
    for _ in range(2):
        assert program("eval", RIDGE, TARGET, "--export", f"md+={path}").status == 0
    first, second = path.read_text()[: len(path.read_text()) // 2], path.read_text()
    assert second.count("\n\n") > 2 * first.count("\n\n") - 1


def test_the_losses_fit_the_terminal():
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "60"}
    command = [sys.executable, "-m", "lossctl", "losses"]
    done = subprocess.Popen(command, stdout=theirs, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while more := os.read(ours, 1 << 16):
            shown += more
    except OSError:  # the other end is closed
        pass
    assert done.wait() == 0
    assert 40 < max(len(line.rstrip()) for line in shown.decode().splitlines()) <= 60


def test_names_in_capitals_and_labels_in_python(program):
    assert program("eval", RIDGE, TARGET, "-b", "-l", "MAE").out == "44.49160213120436\n"
    assert lossctl.losses.mae([1.0], [3.0]).tolist() == [2.0]


def test_a_report_is_a_collection_of_losses():
    report = lossctl.evaluate([1.0, 2.0], [1.0, 3.0], ["mae", "mse"])
    assert "mae" in report
    assert "huber" not in report
    assert [one.label for one in report] == ["mae", "mse"]
    with pytest.raises(lossctl.UsageError):
        lossctl.evaluate(None, None)
    assert json.loads(report.to_json())["schema"] == 1
