"""A gate tried on itself, limits from noise, looks at growing data, and baselines that people
review."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from lossctl.cli import run
from lossctl.gates.degraded import Grown, Mixed, Sample
from lossctl.gates.suggest import rounded
from lossctl.report import Report
from lossctl.stats import asymptotic_confidence_sequence
from tests.batches import batch
from tests.samples import SAMPLES

DATA = SAMPLES / "diabetes"


@pytest.fixture
def lossctl(capfd: pytest.CaptureFixture[str]) -> Any:
    """Run the program here: its status, stdout and stderr."""

    def call(*words: object) -> tuple[int, str, str]:
        status = run([str(word) for word in words])
        out, err = capfd.readouterr()
        return status, out, err

    return call


@pytest.fixture
def checked(lossctl: Any) -> Any:
    """The report and the status of one check."""

    def call(*words: object) -> tuple[Report, int]:
        status, out, err = lossctl("check", *words, "-f", "json")
        assert out, err
        return Report.from_dict(json.loads(out)), status

    return call


def three(tmp_path: Path, count: int = 400, seed: int = 0, name: str = "") -> dict[str, Path]:
    """A baseline, a candidate of the same quality, and targets, in files."""
    rng = np.random.default_rng(seed)
    target = rng.normal(size=count)
    shared = rng.normal(size=count)
    columns = {"target": target}
    columns |= {side: target + shared + 0.5 * rng.normal(size=count) for side in ("base", "cand")}
    found = {}
    for side, values in columns.items():
        found[side] = tmp_path / f"{side}{name}.csv"
        role = "target" if side == "target" else "pred"
        pd.DataFrame({role: values}).to_csv(found[side], index=False)
    return found


# --- worse, step by step ----------------------------------------------------------------------


def test_grown_errors_are_larger_by_their_part() -> None:
    rows = batch([1.0, 5.0, -2.0], [2.0, 3.0, -2.0])
    assert Grown(0.5, "pred")(rows).columns["pred"].tolist() == [0.5, 6.0, -2.0]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_mixed_rows_are_as_many_as_said_and_depend_on_no_block(share: float) -> None:
    count = 20_000
    rows = batch(np.arange(count), np.zeros(count))
    view = Mixed(share, Sample(batch([-1.0, -2.0, -3.0], [0.0] * 3)))
    made = view(rows).columns["pred"]
    changed = made != np.arange(count)
    assert abs(changed.mean() - share) < 4 * math.sqrt(share * (1 - share) / count) + 1e-9
    assert set(made[changed]) <= {-1.0, -2.0, -3.0}
    some = rows.take(np.arange(count) % 3 == 1)
    assert (view(some).columns["pred"] == made[np.arange(count) % 3 == 1]).all()
    assert (rows.columns["target"] == view(rows).columns["target"]).all()


def test_more_is_mixed_at_every_step() -> None:
    rows = batch(np.arange(500), np.zeros(500))
    sample = Sample(batch([-1.0], [0.0]))
    before = np.zeros(500, dtype=bool)
    for share in (0.01, 0.1, 0.3, 0.9):
        changed = Mixed(share, sample)(rows).columns["pred"] < 0.0
        assert (changed | ~before).all()
        before = changed


def test_the_self_test_finds_the_smallest_step(checked: Any) -> None:
    """Errors that are larger by s make the RMSE larger by s: 54.73 crosses 57 from 5 % on."""
    line = (DATA / "ridge.csv", DATA / "target.csv", "--self-test")
    for limit, step in ((54.74, 0.001), (57, 0.05), (60, 0.1), (200, 5.0)):
        report, status = checked(*line, "--max", f"rmse={limit}")
        assert status == 0
        row = report.shown[0].rows[0]
        assert row[2]["value"] == step
        assert row[3] == pytest.approx(54.732475556335984 * (1 + step), rel=1e-12)
        assert report.gate is not None
        assert f"errors {100 * step:g} % larger" in report.gate.checks[0].why


def test_a_gate_that_cannot_fire_fails(checked: Any) -> None:
    line = (DATA / "ridge.csv", DATA / "target.csv", "--self-test", "--max", "rmse=57")
    for option, text in (("--max", "mae=1e9"), ("--min", "mae=0"), ("--max", "r2=2")):
        report, status = checked(*line, option, text)
        assert status == 1
        assert report.finding.startswith("CANNOT FIRE")
        assert report.gate is not None
        assert [one.outcome for one in report.gate.checks].count("violated") == 1
    report, status = checked(*line, "--warn-max", "mae=1e9")
    assert status == 0


@pytest.mark.parametrize(
    ("pred", "target", "options", "status"),
    [
        ("multiclass/forest.csv", "multiclass/target.csv", "--max=scce=0.9", 0),
        ("binary/boosting.csv", "binary/target.csv", "--max=bce=0.5 --task=binary", 0),
        ("boxes/model.csv", "boxes/target.csv", "--max=iou_loss=0.5", 0),
        ("boxes/model.csv", "boxes/target.csv", "--max=iou_loss=0.99", 1),
        ("sequences/readings.csv", "sequences/readings_target.csv", "--max=wer=0.9", 0),
        ("multilabel/logistic.csv", "multilabel/target.csv", "--max=hamming=0.4", 0),
        ("masks/model.npy", "masks/target.npy", "--max=dice=0.3", 0),
        ("sequences/ctc.jsonl", "sequences/ctc_target.jsonl", "--max=ctc=90", 0),
    ],
)
def test_the_self_test_of_every_task(
    checked: Any, pred: str, target: str, options: str, status: int
) -> None:
    """Of boxes that are nowhere near the IoU loss is 0.9. Of sequences that no path leads to CTC is
    infinite: then the gate is undecided, and that blocks, too."""
    report, found = checked(SAMPLES / pred, SAMPLES / target, "--self-test", *options.split())
    assert found == status, report.finding
    assert report.gate is not None
    assert ("predictions of others" in report.gate.checks[0].why) == (status == 0)
    assert ("blocks, undecided" in report.gate.checks[0].why) == pred.startswith("sequences/ctc")


def test_the_self_test_against_a_baseline_moves_the_candidate_alone(checked: Any) -> None:
    line = (DATA / "ridge.csv", DATA / "target.csv", "--baseline", DATA / "forest.csv")
    report, status = checked(*line, "--self-test", "--max-increase", "mae=2%")
    assert status == 0
    row = report.shown[0].rows[0]
    value = 44.49 * (1 + row[2]["value"]) / 46.98 - 1
    assert row[3] == pytest.approx(value, abs=1e-3)
    assert 0.02 < row[3] < 0.2


def test_counts_alone_cannot_be_tried(lossctl: Any) -> None:
    status, out, err = lossctl("check", DATA / "ridge.csv", DATA / "target.csv", "--self-test",
                               "--min-samples", 3)  # fmt: skip
    assert (status, out) == (2, "")
    assert "no requirement depends on the predictions" in err


# --- limits from noise ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "up", "text"),
    [(47.4749, True, "47.5"), (47.4749, False, "47.4"), (0.0, True, "0"), (-3.141, True, "-3.14"),
     (-3.149, False, "-3.15"), (1234567.0, True, "1240000"), (9.999, True, "10"),
     (0.00012345, True, "0.000124")],
)  # fmt: skip
def test_limits_are_rounded_outwards(value: float, up: bool, text: str) -> None:
    assert rounded(value, up=up) == text


def test_what_is_suggested_is_met_by_the_same_predictions(lossctl: Any, checked: Any) -> None:
    line = (DATA / "ridge.csv", DATA / "target.csv", "--baseline", DATA / "knn.csv")
    report, status = checked(*line, "--suggest")
    assert status == 0 and report.gate is None
    told = next(part for part in report.parts if part.name == "lossctl.toml").data["check"]
    assert set(told) == {"max", "min", "max-increase"}
    options = [f"--{name}={text}" for name, texts in told.items() for text in texts]
    assert report.finding == "lossctl check ... " + " ".join(
        f"--{one}" for one in sorted(
            (option.removeprefix("--").replace("=", " ", 1) for option in options),
            key=report.finding.index,
        )
    )  # fmt: skip
    again, status = checked(*line, *options)
    assert status == 0, again.finding
    fit, _ = checked(*line, "--suggest", "--max", "mae=1")
    assert set(next(p for p in fit.parts if p.name == "lossctl.toml").data["check"]) == {
        "max", "max-increase",
    }  # fmt: skip


@pytest.mark.parametrize("form", ["github", "junit", "gitlab", "sarif"])
def test_a_suggestion_is_no_verdict(lossctl: Any, form: str) -> None:
    status, out, err = lossctl("check", DATA / "ridge.csv", DATA / "target.csv", "--suggest",
                               "-f", form)  # fmt: skip
    assert (status, out) == (2, "")
    assert f"--suggest has no verdict: {form}" in err


def test_a_margin_is_half_the_interval_of_the_change(checked: Any, tmp_path: Path) -> None:
    files = three(tmp_path)
    report, _ = checked(files["cand"], files["target"], "--baseline", files["base"], "--suggest",
                        "--max", "mae=1")  # fmt: skip
    text = next(p for p in report.parts if p.name == "lossctl.toml").data["check"]["max-increase"][
        0
    ]
    margin = float(text.removeprefix("mae=").removesuffix("%"))
    target = pd.read_csv(files["target"]).target
    e, f = (np.abs(pd.read_csv(files[side]).pred - target) for side in ("base", "cand"))
    half = 100 * stats.t.ppf(0.975, 399) * (f - f.mean() / e.mean() * e).std() / 20 / e.mean()
    assert margin == pytest.approx(half, rel=0.06)
    assert margin >= half * 0.99


# --- repeated looks ---------------------------------------------------------------------------


def grown(tmp_path: Path, counts: list[int], seed: int = 0) -> list[dict[str, Path]]:
    whole = three(tmp_path, max(counts), seed)
    made = []
    for count in counts:
        files = {}
        for side, path in whole.items():
            files[side] = tmp_path / f"{side}-{count}.csv"
            pd.read_csv(path).head(count).to_csv(files[side], index=False)
        made.append(files)
    return made


def look(checked: Any, files: dict[str, Path], state: Path, *more: str) -> tuple[Report, int]:
    found: tuple[Report, int] = checked(
        files["cand"], files["target"], "--baseline", files["base"], "--max-increase", "mae=2%",
        "--sequential", state, *more,
    )  # fmt: skip
    return found


def test_every_look_has_the_interval_of_the_sequence(checked: Any, tmp_path: Path) -> None:
    state = tmp_path / "looks.json"
    for number, files in enumerate(grown(tmp_path, [100, 250, 1000]), 1):
        report, _ = look(checked, files, state)
        assert report.gate is not None
        check = report.gate.checks[0]
        target = pd.read_csv(files["target"]).target
        e, f = (np.abs(pd.read_csv(files[side]).pred - target) for side in ("base", "cand"))
        # The end of the interval is the margin at which the sequence's interval of u ends at 0.
        assert check.interval is not None
        for end in ("low", "high"):
            u = f - (1 + check.interval[end]) * e
            found = asymptotic_confidence_sequence(
                len(u), float(u.mean()), float(u.var()), 0.05, 400.0
            )
            assert abs(u.mean()) == pytest.approx(found["radius"], rel=1e-6)
        assert any(f"look {number} at growing rows" in note.text for note in report.notes)
        looks = json.loads(state.read_text())["looks"]
        assert [one["rows"] for one in looks] == [100, 250, 1000][:number]


def test_a_build_that_is_repeated_is_no_new_look(checked: Any, tmp_path: Path) -> None:
    state = tmp_path / "looks.json"
    files = grown(tmp_path, [100])[0]
    first, _ = look(checked, files, state)
    text = state.read_text()
    again, _ = look(checked, files, state)
    assert state.read_text() == text
    assert first.gate == again.gate


def test_another_candidate_on_the_same_rows_gets_less(checked: Any, tmp_path: Path) -> None:
    state = tmp_path / "looks.json"
    files = grown(tmp_path, [200])[0]
    first, _ = look(checked, files, state)
    swapped = {**files, "cand": tmp_path / "other.csv"}
    pred = pd.read_csv(files["cand"]).pred + 1e-9
    pd.DataFrame({"pred": pred}).to_csv(swapped["cand"], index=False)
    second, _ = look(checked, swapped, state)
    assert first.gate is not None and second.gate is not None
    before, after = (report.gate.checks[0].decides for report in (first, second))
    assert before is not None and after is not None
    assert after > 1.1 * before
    assert [one["candidate"] for one in json.loads(state.read_text())["looks"]] == [1, 2]


def test_rows_that_are_no_continuation_are_undecided(checked: Any, tmp_path: Path) -> None:
    state = tmp_path / "looks.json"
    small, large = grown(tmp_path, [100, 200])
    look(checked, large, state)
    text = state.read_text()
    fewer, status = look(checked, small, state)
    assert status == 4 and "fewer than the 200 of the last look" in fewer.finding
    other, status = look(checked, three(tmp_path, 300, seed=9, name="x"), state)
    assert status == 4 and "have other targets than at the last look" in other.finding
    assert state.read_text() == text


def test_what_looks_cannot_do(lossctl: Any, tmp_path: Path) -> None:
    files = three(tmp_path, 50)
    line = ("check", files["cand"], files["target"], "--max-increase", "mae=2%")
    state = tmp_path / "s.json"
    for more, status in (
        ((), 2), (("--baseline", files["base"], "--naive"), 2),
        (("--baseline", files["base"], "--self-test"), 2),
        (("--baseline", files["base"]), None),
    ):  # fmt: skip
        found, out, err = lossctl(*line, *more, "--sequential", state)
        assert found == status or (status is None and found in (0, 1, 4)), err
    for text in ("", "{}", "[]", '{"lossctl_looks": 2}', '{"lossctl_looks": 1, "looks": [3]}'):
        state.write_text(text)
        found, out, err = lossctl(*line, "--baseline", files["base"], "--sequential", state)
        assert (found, out) == (3, "")
        assert state.read_text() == text
    state.unlink()
    found, out, err = lossctl(*line, "--baseline", files["base"], "--sequential",
                              tmp_path / "no" / "where.json")  # fmt: skip
    assert (found, out) == (5, "")


# --- baselines --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["json", "state"])
def test_the_life_of_a_baseline(
    lossctl: Any, checked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    file = tmp_path / f"base.{kind}"
    update = ("baseline", "update", file)
    ridge, forest = ((DATA / f"{name}.csv", DATA / "target.csv", "-l", "mae,rmse")
                     for name in ("ridge", "forest"))  # fmt: skip
    status, out, err = lossctl(*update, *ridge, "--reason", "first", "-f", "table")
    assert status == 0, err
    assert "is a baseline now: first" in out
    text = file.read_text()
    assert lossctl(*update, *ridge, "--reason", "first", "-f", "table")[0] == 0
    status, out, err = lossctl(*update, *forest, "--reason", "easier to serve", "-f", "table")
    assert status == 0
    assert "accepts 2 changed losses: easier to serve" in out.replace("\n", " ")
    assert "44.49" in out and "46.98" in out
    assert file.read_text() != text
    status, out, err = lossctl("baseline", "show", file, "-f", "table")
    assert status == 0
    assert "- 2023-11-14: easier to serve" in out
    assert "it replaced that of 2023-11-14: first (mae 44.49, rmse 54.73)" in out
    report, status = checked(DATA / "forest.csv", DATA / "target.csv", "--baseline", file,
                             "--max-increase", "mae=0%")  # fmt: skip
    assert status == 0
    assert any("2023-11-14: easier to serve" in note.text for note in report.notes)
    if kind == "json":
        assert file.stat().st_size < 8_000
        assert file.read_text() == json.dumps(json.loads(file.read_text()), indent=2) + "\n"


def test_a_baseline_is_not_replaced_by_accident(lossctl: Any, tmp_path: Path) -> None:
    files = three(tmp_path, 40)
    line = (files["cand"], files["target"])
    good = tmp_path / "b.json"
    for words, said in (
        (("update", good, *line), "needs a reason"),
        (("update", good, *line, "--reason", " "), "--reason is empty"),
        (("update", good, "--reason", "x"), "needs predictions"),
        (("update", files["base"], *line, "--reason", "x"), "name it .json or .state"),
        (("show", files["base"]), "neither a report nor a state"),
        (("show", good), "does not exist"),
        (("show", good, files["cand"]), "takes a file alone"),
        (("forget", good), "it is show or update"),
    ):  # fmt: skip
        status, out, err = lossctl("baseline", *words)
        assert (status, out) == (2, ""), words
        assert said in err
        assert not good.exists()
    taken = tmp_path / "data.json"
    taken.write_text('{"pred": 1}\n{"pred": 2}\n')
    status, out, err = lossctl("baseline", "update", taken, *line, "--reason", "x")
    assert (status, out) == (2, "")
    assert taken.read_text() == '{"pred": 1}\n{"pred": 2}\n'


def test_a_baseline_of_another_version_is_said_to_be_stale(checked: Any, tmp_path: Path) -> None:
    files = three(tmp_path, 40)
    file = tmp_path / "b.json"
    assert run(["baseline", "update", str(file), str(files["base"]), str(files["target"]),
                "--reason", "x", "-q", "-o", str(tmp_path / "out.txt")]) == 0  # fmt: skip
    file.write_text(file.read_text().replace('"lossctl": "', '"lossctl": "0.0.'))
    report, _ = checked(files["cand"], files["target"], "--baseline", file, "--max-increase",
                        "mae=500%")  # fmt: skip
    assert any(note.code == "stale" and note.warning for note in report.notes)
