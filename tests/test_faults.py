"""Planted faults are what they say, nothing in the files names them, and the judge's rules fail
where they should."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import faults, planting, verdicts
from benchmarks.planting import FAULTS, DataSet, Fault
from benchmarks.verdicts import ALARMS, Answer, verdict

ROOT = Path(__file__).resolve().parent.parent


def honest(task: str, rows: int = 800, *, columns: bool = True) -> DataSet:
    random = np.random.default_rng(7)
    signal = random.normal(size=rows)
    pred, target = 50.0 + 10.0 * signal, 50.0 + 10.0 * signal + 3.0 * random.normal(size=rows)
    if task == "binary":
        pred = 1.0 / (1.0 + np.exp(-3.0 * signal))
        target = (random.uniform(size=rows) < pred).astype(float)
    held = {
        "region": random.choice(["north", "south", "east"], rows),
        "device": random.choice(["phone", "desktop"], rows),
        "age": random.integers(18, 81, rows),
    }
    held = held if columns else {}
    return DataSet(0, task, ("a test",), pred, target, held, (), np.arange(rows))


def with_fault(task: str, fault: str, seed: int = 0) -> DataSet:
    return planting.PLANT[fault](np.random.default_rng(seed), honest(task))


# --- the generator ----------------------------------------------------------------------------


def test_half_are_honest_and_every_fault_is_as_frequent() -> None:
    given = Counter(planting.names(200, planting.SEED))
    assert given == {"": 100, **dict.fromkeys(FAULTS, 20)}
    assert planting.names(200, 1) != planting.names(200, 2)


@pytest.mark.parametrize("fault", ["", *FAULTS])
def test_a_seed_makes_the_same_files(fault: str, tmp_path: Path) -> None:
    texts = []
    for seed in (5, 5, 6):
        paths = planting.planted(3, fault, seed).write(tmp_path)[:2]
        texts.append([Path(path).read_text(encoding="utf-8") for path in paths])
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


def test_files_do_not_say_what_was_planted(tmp_path: Path) -> None:
    heads = set()
    for number, fault in enumerate(planting.names(40, 1)):
        pred, target = map(Path, planting.planted(number, fault, 1).write(tmp_path)[:2])
        heads |= {path.read_text(encoding="utf-8").partition("\n")[0] for path in (pred, target)}
        assert pred.stem == f"{number:03d}-pred"
    columns = {"target", "target,region,device,age"}
    assert heads == {"pred", "id,pred"} | columns | {f"id,{one}" for one in columns}


def test_honest_numbers_are_the_means_of_their_targets() -> None:
    off = []
    for number in range(60):
        data = planting.planted(number, "", 1)
        error = data.target - data.pred
        off.append(float(error.mean() / (error.std() / np.sqrt(data.rows))))
    regression = np.array(off)[[planting.planted(k, "", 1).task != "binary" for k in range(60)]]
    assert len(regression) > 30
    assert abs(regression.mean()) < 4.0 / np.sqrt(len(regression))
    assert regression.std() < 1.4


def test_shifted_rows() -> None:
    data = with_fault("regression", "shift")
    assert data.fault.shift != 0
    assert (np.roll(data.pred, -data.fault.shift) == honest("regression").pred).all()


@pytest.mark.parametrize("task", ["regression", "binary"])
def test_corrupted_targets(task: str) -> None:
    data, before = with_fault(task, "targets"), honest(task)
    assert set(np.flatnonzero(data.target != before.target)) == data.fault.rows
    low, high = planting.FLIPPED if task == "binary" else planting.CORRUPTED
    assert low * data.rows - 1 <= len(data.fault.rows) <= high * data.rows + 1


@pytest.mark.parametrize("task", ["regression", "binary"])
@pytest.mark.parametrize("seed", range(4))
def test_a_bad_region_has_two_to_five_times_the_error(task: str, seed: int) -> None:
    data, before = with_fault(task, "region", seed), honest(task)
    rows = sorted(data.fault.rows)

    def error(pred: Any) -> float:
        if task == "binary":
            own = np.where(before.target > 0.0, pred, 1.0 - pred)
            return -float(np.log(own[rows]).mean())
        return float(np.abs(pred - before.target)[rows].mean())

    assert 1.99 < error(data.pred) / error(before.pred) < 5.01
    assert (np.delete(data.pred, rows) == np.delete(before.pred, rows)).all()
    for column, value in data.fault.region.items():
        inside = data.columns[column][rows]
        assert ((inside >= value) if column == "age" else (inside == value)).all()


@pytest.mark.parametrize("seed", range(6))
def test_a_unit_is_undone_by_its_factor(seed: int) -> None:
    data = with_fault("regression", "unit", seed)
    slope = np.polyfit(data.pred, data.target, 1)[0]
    assert slope == pytest.approx(data.fault.undo, rel=0.05)


# --- the judge --------------------------------------------------------------------------------


def notes(*texts: str) -> Answer:
    found = [{"code": "wrong-input", "text": text, "warning": True} for text in texts]
    return Answer({"notes": found, "losses": [], "parts": {}})


def data_of(task: str, fault: Fault) -> DataSet:
    return replace(honest(task), fault=fault)


def test_a_shift_is_found_by_its_size_and_direction() -> None:
    said = notes("rows look shifted by one: pairing prediction i with target i - 1 makes mse 1")
    assert verdict("eval", data_of("regression", Fault("shift", shift=1)), said) == "found"
    for by in (-1, 10):
        assert verdict("eval", data_of("regression", Fault("shift", shift=by)), said) == "partly"
    assert verdict("eval", data_of("regression", Fault("shift", shift=1)), notes()) == "missed"


def test_planted_rows_must_stand_first() -> None:
    columns = [{"name": name} for name in ("rank", "row")]
    data = data_of("regression", Fault("targets", rows=frozenset(range(8))))
    for planted, expected in ((8, "found"), (4, "found"), (3, "partly"), (1, "missed")):
        rows = [[place, place if place < planted else 100 + place] for place in range(20)]
        answer = Answer({"table": {"columns": columns, "rows": rows}})
        assert verdict("samples", data, answer) == expected


def slices(*found: tuple[list[str], bool]) -> Answer:
    told = [{"conditions": conditions, "confirmed": held} for conditions, held in found]
    return Answer({"notes": [], "parts": {"slices": {"slices": told}}})


def test_a_region_is_found_by_its_conditions() -> None:
    data = data_of("regression", Fault("region", region={"device": "phone", "age": 60.0}))
    both = ["device=phone", "age 60 … 80"]
    assert verdict("slices", data, slices((both, True))) == "found"
    assert verdict("slices", data, slices((both, False))) == "missed"
    assert verdict("slices", data, slices((["device=phone"], True))) == "partly"
    assert verdict("slices", data, slices(([*both[:1], "region=east"], True))) == "partly"
    assert verdict("slices", data, slices((["age 18 … 40"], True))) == "missed"


def test_a_correction_must_go_the_right_way() -> None:
    everywhere = frozenset(range(800))

    def advised(slope: float, offset: float) -> Answer:
        part = {"advice": "some", "mse": {"slope": slope, "offset": offset}}
        return Answer({"notes": [], "parts": {"correction": part}})

    low = data_of("regression", Fault("bias", rows=everywhere, raises=True))
    assert verdict("advise", low, advised(1.0, 0.4)) == "found"
    assert verdict("advise", low, advised(1.0, -0.4)) == "missed"
    assert verdict("advise", low, Answer({"notes": [], "parts": {}})) == "missed"
    unit = data_of("regression", Fault("unit", undo=0.001))
    assert verdict("advise", unit, advised(0.00105, 3.0)) == "found"
    assert verdict("advise", unit, advised(0.01, 3.0)) == "partly"


def test_a_refusal_finds_a_unit_only_where_it_names_it() -> None:
    data = data_of("binary", Fault("unit", said=("needs pred in [0, 1]",)))
    assert verdict("eval", data, Answer({}, "row #0 is 92 but bce needs pred in [0, 1]")) == "found"
    assert verdict("eval", data, Answer({}, "no such file")) == "missed"
    other = data_of("binary", Fault("shift", shift=1))
    assert verdict("eval", other, Answer({}, "bce needs pred in [0, 1]")) == "missed"


def test_alarms_are_counted_where_they_are_false() -> None:
    held = faults.Judged(honest("regression"), {"slices": slices((["age 18 … 40"], True))})
    quiet = faults.Judged(honest("regression"), {"slices": slices((["age 18 … 40"], False))})
    planted = faults.Judged(data_of("regression", Fault("region")), held.answers)
    lines = {line[0]: line[1:] for line in faults.alarms([held, quiet, planted])}
    assert lines["`slices --find`: a confirmed slice"] == ["1 of 2", "–", "0 of 0"]
    assert [line[2] for line in faults.false([held, quiet, planted], 1)] == [
        "`slices --find`: a confirmed slice"
    ]


# --- the commands -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "command", "seed"),
    [("shift", "eval", 0), ("targets", "samples", 0), ("region", "slices", 1),
     ("bias", "advise", 0), ("unit", "eval", 0)],
)  # fmt: skip
def test_a_plain_fault_is_found(fault: str, command: str, seed: int, tmp_path: Path) -> None:
    data = with_fault("regression", fault, seed)
    found = faults.judged(data, tmp_path)
    assert set(found.answers) == set(verdicts.COMMANDS)
    assert found.verdicts[command] == "found", data.fault.words


def test_an_honest_set_alarms_nobody(tmp_path: Path) -> None:
    found = faults.judged(honest("regression", columns=False), tmp_path)
    assert set(found.answers) == {"eval", "samples", "advise"}
    assert not [alarm.words for alarm in ALARMS if found.raised(alarm)]


def test_every_miss_of_the_page_has_its_reason() -> None:
    lines = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8").splitlines()
    missed = lines[lines.index("| " + " | ".join(faults.MISSED_HEADS) + " |") + 2 :]
    assert missed
    assert [line for line in missed if line.endswith("| – |")] == []


def test_a_pair_that_does_not_help_leaves_its_rows_to_one_that_does(tmp_path: Path) -> None:
    """`region=north and age ...` was chosen first, and `region=north` judged in its place hid
    `region=north and device=phone`."""
    data = planting.planted(20, planting.names(planting.SETS, planting.SEED)[20])
    answer = faults.judged(data, tmp_path).answers["slices"]
    assert "region=north and device=phone" in str(answer.report["finding"])
