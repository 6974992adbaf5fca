"""What must never pass: looks at growing data that cannot be told, and ways to check that check
nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.blocked import AGAINST, Gate, alone, of_rows
from tests.test_cli import failed, lossctl, write

program = lossctl  # a fixture: the program in this process

LINE = f"{AGAINST} base.csv --sequential looks"


@pytest.fixture
def gate(program: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Gate:
    alone(monkeypatch, tmp_path)
    return Gate(tmp_path, program)


DAMAGED = [  # what stands in the file, and what somebody made of it
    ('"lossctl_looks": 1', '"lossctl_looks": 2'), ('"lossctl_looks": 1', '"lossctl_looks": true'),
    ('"lossctl_looks": 1', '"lossctl_looks": "1"'), ('"lossctl_looks"', '"looks_of"'),
    ('"rows": 60', '"rows": 0'), ('"rows": 60', '"rows": -1'), ('"rows": 60', '"rows": NaN'),
    ('"rows": 60', '"rows": Infinity'), ('"rows": 60', '"rows": 60.5'),
    ('"rows": 60', '"rows": "60"'), ('"rows": 60', '"rows": true'), ('"rows"', '"row"'),
    ('"best_at": 240', '"best_at": 0'), ('"best_at": 240', '"best_at": -5'),
    ('"best_at": 240', '"best_at": NaN'), ('"best_at": 240', '"best_at": 2.5'),
    ('"best_at": 240', '"best_at": null'), ('"candidate": 1', '"candidate": 0'),
    ('"candidate": 1', '"candidate": -1'), ('"candidate": 1', '"candidate": "x"'),
    ('"candidate": 1', '"candidate": 1.5'), ('"candidate": 1', '"candidate": NaN'),
    ('"targets"', '"target"'), ('"data": "', '"data": 1, "date": "'),
    ('"looks": [', '"looks": [1,'),
    ("}\n ]", "}\n"), ("]\n}", "]"), ("{", "\x00{"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), DAMAGED)
def test_looks_that_are_damaged(gate: Gate, old: str, new: str) -> None:
    gate.passes(LINE)
    text = (gate.folder / "looks").read_text()
    assert old in text
    write(gate.folder / "looks", text.replace(old, new, 1))
    gate.blocks(3, LINE, "looks")


@pytest.mark.parametrize("held", ["", "{}", "[]", "null", "1", "hello", "[" * 100_000, "\ufeff{}",
                                  b"\xff\xfe", b"\x89PNG\r\n\x1a\n"], ids=range(10))  # fmt: skip
def test_a_file_that_holds_no_looks(gate: Gate, held: Any) -> None:
    gate.passes(LINE)
    write(gate.folder / "looks", held)
    gate.blocks(3, LINE, "looks")


def test_looks_that_cannot_be_kept(gate: Gate, program: Any) -> None:
    (gate.folder / "folder").mkdir()
    gate.blocks(3, f"{AGAINST} base.csv --sequential folder", "folder")
    for name in ("none/looks", "p.csv/looks", "x" * 300):
        result = program("check", *f"{AGAINST} base.csv --sequential {name}".split())
        failed(result, 5, "cannot be written")
    for name in ("p.csv", "y.csv", "base.csv"):  # what is read is not written over
        text = (gate.folder / name).read_text()
        gate.blocks(3, f"{AGAINST} base.csv --sequential {name}", f"{name} holds no looks")
        assert (gate.folder / name).read_text() == text


def test_an_endless_device_holds_no_looks(gate: Gate) -> None:
    """Nothing is read without an end: the limit of memory is there to keep the machine alive."""
    most = 2 << 30
    done = subprocess.run(
        [sys.executable, "-m", "lossctl", "check",
         *f"{AGAINST} base.csv --sequential /dev/zero".split()],
        capture_output=True, text=True, check=False, timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (most, most)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("lossctl: /dev/zero ")
    assert done.stderr.count("\n") == 1


def test_looks_at_other_rows(gate: Gate) -> None:
    gate.passes(LINE)
    kept = (gate.folder / "looks").read_text()
    for name, rows in (("fewer", range(59)), ("other", range(60))):
        for side in ("p", "base", "y"):
            moved = (lambda row: row + (row == 7)) if name == "other" else float
            write(gate.folder / f"{side}.csv", of_rows(side, rows, moved))
        said = "fewer than" if name == "fewer" else "other targets"
        for level in ("", "--allow-undecided", "--strict"):
            result = gate.run(f"{LINE} {level}")
            assert (result.status, said in result.out) == (4, True), result.out
            assert (gate.folder / "looks").read_text() == kept


NO_CHECK = [  # a line, its status, and what is said
    ("p.csv y.csv --max mae=1e9", 1, "never fires"),
    ("p.csv y.csv --min r2=-9e9", 1, "never fires"),
    ("p.csv y.csv --max mae=1 --max-row-loss mae=1e9", 1, "never fires"),
    (f"{AGAINST} none.csv", 1, "never fires"),
    ("p.csv y.csv --max mae=1 --max hubber=1", 2, "hubber"),
    ("p.csv y.csv --min-samples 5", 2, "no requirement depends"),
    ("p.csv y.csv", 2, "nothing is required"), ("p.csv y.csv --max-increase mae=1%", 2, "none is"),
    ("none.csv y.csv --max mae=1", 3, "none.csv"), ("bad.csv y.csv --max mae=1", 3, "NaN"),
    ("p.csv y.csv --max mae=1 -o none/x", 5, "none/x"),
    ("p.csv y.csv --max mae=1 -o /dev/full", 5, "No space"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "status", "said"), NO_CHECK)
def test_a_gate_that_cannot_fire(gate: Gate, line: str, status: int, said: str) -> None:
    write(gate.folder / "bad.csv", of_rows("p").replace("r8,7.48", "r8,nan"))
    result = gate.program("check", "--self-test", *line.split())
    assert result.status == status, result.out
    if status == 1:
        assert said in result.out
    else:
        failed(result, status, said)


@pytest.mark.parametrize("key", ["suggest", "self-test"])
def test_no_file_turns_a_gate_into_advice(gate: Gate, key: str) -> None:
    line = "p.csv y.csv --max mae=0.1"
    gate.blocks(1, line)
    write(gate.folder / "lossctl.toml", f"[check]\n{key} = true\n")
    gate.blocks(2, line, key)
    gate.blocks(1, f"{line} --no-config")
