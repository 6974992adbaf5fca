"""`eval --export state=`, `merge` and `check` of states, on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lossctl.cli import run
from lossctl.cli.completion import complete_requirement
from tests.samples import SAMPLES

DATA = SAMPLES / "diabetes"


@pytest.fixture
def lossctl(capfd: pytest.CaptureFixture[str], monkeypatch: Any, tmp_path: Path) -> Any:
    """Run the program in a folder of its own: its status, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        status = run([str(word) for word in words])
        out, err = capfd.readouterr()
        return status, out, err

    return call


def parts(folder: Path, count: int) -> list[tuple[Path, Path, int]]:
    """The files of each part, and the number of its first row."""
    sides = [pd.read_csv(DATA / name) for name in ("ridge.csv", "target.csv")]
    size = -(-len(sides[0]) // count)
    made = []
    for number in range(count):
        paths = []
        for side, name in zip(sides, ("p", "t"), strict=True):
            paths.append(folder / f"{name}{number}.csv")
            side.iloc[number * size : (number + 1) * size].to_csv(paths[-1], index=False)
        made.append((paths[0], paths[1], number * size))
    return made


@pytest.mark.parametrize("ids", [False, True])
def test_seven_parts_are_one_run(lossctl: Any, tmp_path: Path, ids: bool) -> None:
    for pred, target, first in parts(tmp_path, 7):
        own = ["--id-col", "id", "--on", "id"] if ids else ["--first-row", first]
        status, _, err = lossctl("eval", pred, target, *own, "--export", f"state={pred.stem}.state")
        assert status == 0, err
    whole = ["--id-col", "id", "--on", "id"] if ids else []
    line = ("eval", DATA / "ridge.csv", DATA / "target.csv", *whole)
    status, out, _ = lossctl(*line, "--export", "one.state", "-f", "json")
    assert status == 0
    report = json.loads(out)
    one = Path("one.state").read_bytes()
    names = [f"p{number}.state" for number in range(7)]
    for order in (names, names[::-1], [*names[4:], *names[:4]]):
        status, out, err = lossctl("merge", *order, "-o", "all.state", "--export", "json=all.json")
        assert (status, out) == (0, ""), err
        assert Path("all.state").read_bytes() == one
        again = json.loads(Path("all.json").read_text())
        assert again["signature"] == report["signature"]
        values = [
            (one["spec"], one["value"]) for one in report["losses"] if one["name"][:6] != "median"
        ]
        assert [
            (o["spec"], o["value"]) for o in again["losses"] if o["name"][:6] != "median"
        ] == values
    assert lossctl("merge", *names, "-f", "state")[1].encode() == one
    status, out, _ = lossctl("check", "all.state", "--max", "rmse=58", "-f", "json")
    assert status == 0
    value = json.loads(out)["gate"]["checks"][0]["value"]
    assert value == next(one["value"] for one in report["losses"] if one["spec"] == "rmse")
    assert lossctl("check", "all.state", "--max", "rmse=50", "-q")[0] == 1


def test_merge_is_for_people_too(lossctl: Any) -> None:
    lossctl(
        "eval", DATA / "ridge.csv", DATA / "target.csv", "-l", "mae,rmse", "--export", "a.state"
    )
    status, out, err = lossctl("merge", "a.state", "-f", "table")
    assert (status, err) == (0, "")
    assert "rmse   54.73" in out and "who makes it" in out
    status, out, err = lossctl("merge", "a.state")
    assert out.splitlines()[0].startswith("loss\tvalue") and len(out.splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (("merge",), 2, "STATE"),
        (("merge", "none.state"), 3, "none.state"),
        (("merge", "report.json"), 3, "report.json is no state"),
        (("merge", "p.csv"), 3, "p.csv is no state"),
        (("merge", "a.state", "a.state"), 3, "row #0 is in two states"),
        (("merge", "a.state", "b.state"), 3, "were made by another"),
        (("merge", "cut.state"), 3, "cut.state is a damaged state"),
        (("merge", "a.state", "-f", "junit"), 2, "-f junit is about check"),
        (("merge", "a.state", "-o", "a.state"), 2, "a.state is an input"),
        (("compare", "p.csv", "t.csv", "-f", "state"), 2, "-f state is about eval"),
        (("check", "a.state", "p.csv", "--max", "mae=1"), 2, "a state holds its targets"),
        (("check", "a.state", "--self-test", "--max", "mae=1"), 2, "a state holds none"),
        (("check", "a.state", "--suggest"), 2, "a state holds none"),
        (("check", "cut.state", "--max", "mae=1"), 3, "cut.state is a damaged state"),
        (("check", "a.state", "--max", "smape=1"), 2, "the state has no loss smape"),
        (("check", "a.state", "--max", "mae@sex=1=1"), 2, "does not have the slice sex=1"),
        (("check", "a.state", "--max-increase", "mae=1%"), 2, "none is named"),
        (("check", "a.state", "--max-increase", "mae=1%", "--baseline", "p.csv"), 4, ""),
        (("eval", "p.csv", "t.csv", "--first-row", "-1"), 2, "--first-row"),
    ],
)
def test_what_does_not_go(lossctl: Any, words: tuple[str, ...], status: int, said: str) -> None:
    line = ("eval", DATA / "ridge.csv", DATA / "target.csv")
    assert lossctl(*line, "-l", "mae,rmse", "--export", "a.state", "-o", "report.json")[0] == 0
    assert lossctl(*line, "-l", "mae", "--export", "b.state", "--first-row", 442, "-q")[0] == 0
    Path("cut.state").write_text(Path("a.state").read_text()[:-100])
    for name, copy in (("ridge.csv", "p.csv"), ("target.csv", "t.csv")):
        Path(copy).write_bytes((DATA / name).read_bytes())
    found, out, err = lossctl(*words)
    assert found == status, err
    if status in (2, 3):
        assert out == ""
        assert len(err.splitlines()) == 1
        assert said in err


def test_a_check_keeps_its_slices_in_its_state(lossctl: Any) -> None:
    line = ("check", DATA / "ridge.csv", DATA / "target.csv", "--max", "rmse@sex=1=60")
    assert lossctl(*line, "--export", "a.state", "-q")[0] == 0
    status, out, _ = lossctl("check", "a.state", "--max", "rmse@sex=1=60", "-f", "json")
    again = lossctl(*line, "-f", "json")
    ours, theirs = (json.loads(text)["gate"]["checks"][0] for text in (out, again[1]))
    assert status == 0
    assert ours == theirs


def test_requirements_are_completed() -> None:
    assert "rmse=" in complete_requirement("rm")
    assert complete_requirement("rmse=3") == []
