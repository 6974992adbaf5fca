"""The simulation of what `check` decides: its short way against `lossctl.check`, what it draws and
counts, and its page.
"""

from __future__ import annotations

import math
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lossctl
from benchmarks import alarms, alarms_page, alarms_runs
from benchmarks.alarms import Line, bars, error
from benchmarks.alarms_judging import HOWS, requirement, rules_of
from benchmarks.alarms_models import (
    FIVE,
    KINDS,
    MARGINS,
    NUMBERS,
    RHOS,
    SIZES,
    Kind,
    noise,
    scale,
    worse,
)
from benchmarks.alarms_runs import (
    ALL,
    EQUAL,
    LOOKS,
    POWER,
    SEQUENTIAL,
    UNPAIRED,
    Cell,
    Key,
    bench,
    cells,
    done,
    look,
    same,
    scales,
)
from benchmarks.alarms_words import words
from lossctl.checks import Check, Gate
from lossctl.gate import check_plan
from lossctl.gates.baseline import Baseline
from lossctl.gates.sequential import Looks
from lossctl.plan import Plan
from lossctl.readers.memory import MemorySource

ROOT = Path(__file__).resolve().parent.parent


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def plain(gate: Gate | None) -> list[Any]:
    """All that a gate decides, and why."""
    assert gate is not None
    return [gate.status, gate.outcome, *(each(check) for check in gate.checks)]


def each(one: Check) -> tuple[Any, ...]:
    return (one.outcome, one.value, one.p, one.interval, one.shown, one.noise, one.decides, one.why)


# --- the short way ----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 100, 1000])
@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
def test_the_short_way_decides_as_check_does(kind: Kind, n: int) -> None:
    judge = bench(kind.name)
    for seed, margin in enumerate(MARGINS):
        drawn = kind.draw(rng(seed), n, 0.9)
        pred = drawn.second if kind not in NUMBERS else worse(drawn, 1.0 + 0.1 * (seed % 3))
        (found,) = judge.measured(drawn.target, drawn.first, [(pred, kind.losses)])
        for losses in {kind.losses[:1], kind.losses}:
            requirements = [requirement(loss, margin) for loss in losses]
            for how, options in HOWS.items():
                report = lossctl.check(pred, drawn.target, requirements, baseline=drawn.first,
                                       **kind.options, **options)  # fmt: skip
                assert plain(judge.gate(found, losses, margin, how)) == plain(report.gate)


def test_candidates_that_are_measured_together_are_so_apart() -> None:
    kind, judge = KINDS["t(5)"], bench("t(5)")
    drawn = kind.draw(rng(3), 300, 0.5)
    preds = [(worse(drawn, 1.1), ("rmse",)), (worse(drawn, 1.4), FIVE), (drawn.second, ("mae",))]
    together = judge.measured(drawn.target, drawn.first, preds)
    assert [tuple(found) for found in together] == [losses for _, losses in preds]
    for (pred, losses), found in zip(preds, together, strict=True):
        requirements = [requirement(loss, 0.02) for loss in losses]
        report = lossctl.check(pred, drawn.target, requirements, baseline=drawn.first)
        assert plain(judge.gate(found, losses, 0.02)) == plain(report.gate)


def test_looks_are_judged_as_check_judges_them() -> None:
    """Of data that grow; and a look is never taken for a plain check."""
    kind, judge = KINDS["Gaussian"], bench("Gaussian")
    drawn = kind.draw(rng(5), 800, 0.5)
    pred, looks = worse(drawn, 1.15), Looks("looks.json")
    outcomes = set()
    for number in range(1, 5):
        rows = slice(number * alarms_runs.FIRST)
        sides = {"pred": pred[rows], "target": drawn.target[rows], "baseline": drawn.first[rows]}
        sources = {name: MemorySource(name, {name: values}) for name, values in sides.items()}
        kept: list[Looks] = []
        report = check_plan(
            Plan(sources["pred"], sources["target"]), rules=rules_of(("mae",), 0.0),
            baseline=Baseline("baseline", sources["baseline"]), looks=looks, keep=kept.append,
        )  # fmt: skip
        looks = kept[0]
        (found,) = judge.measured(drawn.target[rows], drawn.first[rows], [(pred[rows], ("mae",))])
        seen = judge.gate(found, ("mae",), 0.0, look=look(number))
        assert plain(seen) == plain(report.gate)
        fixed = lossctl.check(pred[rows], drawn.target[rows], requirement("mae", 0.0),
                              baseline=drawn.first[rows])  # fmt: skip
        assert plain(judge.gate(found, ("mae",), 0.0)) == plain(fixed.gate)
        assert (seen.checks[0].decides or 0.0) > 1.2 * (fixed.gate.checks[0].decides or 0.0)  # type: ignore[union-attr]  # there is one
        outcomes.add((seen.outcome, fixed.gate.outcome))  # type: ignore[union-attr]  # there is one
    assert ("undecided", "violated") in outcomes


def test_a_decision_that_differs_is_not_taken() -> None:
    kind, judge = KINDS["Gaussian"], bench("Gaussian")
    drawn = kind.draw(rng(1), 200, 0.5)
    (found,) = judge.measured(drawn.target, drawn.first, [(worse(drawn, 2.0), FIVE)])
    gate = judge.gate(found, FIVE, 0.01)
    same(gate, drawn, worse(drawn, 2.0), FIVE, 0.01, "", {})
    with pytest.raises(RuntimeError, match="decides otherwise"):
        same(gate, drawn, drawn.second, FIVE, 0.01, "", {})


# --- what is drawn ----------------------------------------------------------------------------


def test_the_error_of_a_ratio_is_that_of_the_formula() -> None:
    """Of Gaussian errors, by the delta method."""
    rho, n = 0.5, 1000
    size = 2 / math.pi
    both = size * (math.sqrt(1 - rho * rho) + rho * math.asin(rho))
    mae = math.sqrt(2 * (1 - both) / size / n)
    rmse = 0.5 * math.sqrt(2 * (2 - 2 * rho * rho) / n)
    found = noise(KINDS["Gaussian"], n, rho, rng(), samples=2000)
    assert found == pytest.approx({"mae": mae, "rmse": rmse}, rel=0.06)
    assert noise(KINDS["Gaussian"], n, 0.9, rng(), samples=500)["mae"] < 0.7 * mae


@pytest.mark.parametrize("margin", [0.0, 0.05])
def test_a_scale_is_so_many_errors_beyond_the_margin(margin: float) -> None:
    own, near = (scale(margin, 3.0, 0.04, own) for own in (True, False))
    assert own is not None and near is not None
    assert (own - 1.0 - margin) / (own * 0.04) == pytest.approx(3.0)
    assert (near - 1.0 - margin) / ((1.0 + margin) * 0.04) == pytest.approx(3.0)
    assert scale(margin, 3.0, 0.34, own=True) is None


@pytest.mark.parametrize("rho", RHOS)
def test_two_equal_models_are_drawn(rho: float) -> None:
    for kind in KINDS.values():
        drawn = kind.draw(rng(2), 100_000, rho)
        gaps = [np.abs(side - drawn.target) for side in (drawn.first, drawn.second)]
        assert gaps[0].mean() == pytest.approx(gaps[1].mean(), rel=0.03)
        if kind.name == "Gaussian":
            errors = np.array([drawn.first, drawn.second]) - drawn.target
            assert np.corrcoef(errors)[0, 1] == pytest.approx(rho, abs=0.01)
            assert np.abs(worse(drawn, 1.5) - drawn.target).mean() == pytest.approx(
                1.5 * gaps[1].mean()
            )


def test_five_are_beyond_where_each_is() -> None:
    cell = Cell(POWER, "Gaussian", 0.5, 100, {"mae": 0.05, "rmse": 0.1})
    known = scales(cell)
    assert known[Key(ALL, 0.02, 3.0)] == known[Key("rmse", 0.02, 3.0)]
    assert known[Key("mae", 0.02, 1.0)] < known[Key("mae", 0.02, 2.0)]  # type: ignore[operator]  # they exist
    missing = scales(replace(cell, errors={"mae": 0.05, "rmse": 0.4}))
    assert missing[Key("rmse", 0.05, 3.0)] is missing[Key(ALL, 0.02, 3.0)] is None
    assert missing[Key("rmse", 0.02, 3.0, False)] == pytest.approx(1.02 * 2.2)


# --- what is counted --------------------------------------------------------------------------


def test_builds_do_not_depend_on_how_they_are_shared_out() -> None:
    cell = Cell(EQUAL, "classes", 0.5, 100)
    whole, parts = done(cell, 7, range(4)), [done(cell, 7, range(2)), done(cell, 7, range(2, 4))]
    assert whole == {key: parts[0][key] + parts[1][key] for key in whole}
    assert list(whole) == [Key("zero_one", margin) for margin in MARGINS]
    for seen in whole.values():
        assert seen["runs"] == seen["0"] + seen["1"] + seen["4"] == 4
        assert seen["allowed"] == seen["0"] + seen["4"]
        assert seen["strict"] <= seen["0"]
    assert done(cell, 8, range(4)) != whole


def test_regressions_are_caught_more_often_the_larger_they_are() -> None:
    cell = Cell(POWER, "Gaussian", 0.9, 100, {"mae": 0.047, "rmse": 0.043})
    seen = done(cell, 1, range(30))
    assert set(seen) == set(scales(cell))
    caught = [seen[Key("mae", 0.02, k)]["1"] for k in (1.0, 2.0, 3.0)]
    assert caught == sorted(caught)
    assert caught[0] <= 12 < 18 <= caught[2]
    five = seen[Key(ALL, 0.02, 3.0)]
    assert five["any"] >= five["1"] > 15


def test_looks_end_at_the_first_alarm() -> None:
    seen = done(Cell(SEQUENTIAL, "Gaussian", 0.9, 4000), 1, range(3))
    worse_one, equal = seen[Key("mae", 0.0, 1.0)], seen[Key("mae", 0.0, 0.0)]
    assert worse_one["fixed"] == worse_one["sequential"] == 3
    for how in ("fixed", "sequential"):
        assert sum(worse_one[f"{how} {number}"] for number in range(1, LOOKS + 1)) == 3
    assert equal["sequential"] <= equal["fixed"] <= equal["runs"]


def test_a_report_makes_intervals_wider() -> None:
    (seen,) = done(Cell(UNPAIRED, "Gaussian", 0.9, 1000), 1, range(4)).values()
    assert seen["report width"] > 1.5 * seen["paired width"] > 0
    assert sum(seen[f"report {status}"] for status in (0, 1, 4)) == 4


def test_a_line_fails_beyond_the_noise_of_the_simulation() -> None:
    def line(part: str, key: Key, **seen: int) -> Line:
        return Line(Cell(part, "Gaussian", 0.5, 100), key, Counter({"runs": 1000, **seen}))

    most = 0.05 + 3 * error(0.05, 1000)
    alarms_of = [line(EQUAL, Key("mae", 0.0), **{"1": count})
                 for count in (50, math.floor(1000 * most), math.ceil(1000 * most))]  # fmt: skip
    (bar, *others) = bars(alarms_of)
    assert (bar.failing, bar.plainly) == ([alarms_of[2]], 1)
    assert not any(one.about for one in others)
    least = 0.8 - 3 * error(0.8, 1000)
    power = [line(POWER, Key(loss, 0.02, 3.0, own), **{"1": count})
             for loss, own, count in (("mae", True, math.ceil(1000 * least)), ("mae", False, 0),
                                      ("rmse", True, math.floor(1000 * least)),
                                      (ALL, True, 0))]  # fmt: skip
    found = bars([*alarms_of, *power])
    assert [bar.failing for bar in found] == [[alarms_of[2]], [power[2]], [power[3]], []]
    looked = [line(SEQUENTIAL, Key("mae", 0.0, k), sequential=900, fixed=900) for k in (0.0, 1.0)]
    assert bars(looked)[3].failing == [looked[0]]
    assert "do not all hold" in alarms.verdict([*alarms_of, *power])
    assert alarms_page.missed(found).splitlines()[1] == (
        "- (b) Gaussian, correlation 0.5, 100 rows, rmse, margin 2 %: 76.2 %"
    )


# --- the page ---------------------------------------------------------------------------------


def written(lines: list[Line]) -> str:
    return alarms_page.text(lines, bars(lines), alarms.verdict(lines), 1000, alarms.SEED)


@pytest.fixture(scope="module")
def kept() -> str:
    return (ROOT / "docs" / "alarms.md").read_text(encoding="utf-8")


def tables(text: str) -> list[list[str]]:
    """The lines of each table."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.startswith("|"):
            found[-1].append(line)
        elif found[-1]:
            found.append([])
    return [table for table in found if table]


def some() -> list[Line]:
    """Lines of every part, from few builds."""
    chosen = [Cell(EQUAL, "Gaussian", 0.5, 100), Cell(EQUAL, "classes", 0.5, 100),
              Cell(POWER, "Gaussian", 0.5, 100, {"mae": 0.09, "rmse": 0.4}),
              Cell(POWER, "Gaussian", 0.9, 100, {"mae": 0.05, "rmse": 0.04}),
              Cell(SEQUENTIAL, "Gaussian", 0.9, 4000),
              Cell(UNPAIRED, "Gaussian", 0.9, 1000)]  # fmt: skip
    return [Line(cell, key, seen) for cell in chosen
            for key, seen in done(cell, 1, range(2)).items()]  # fmt: skip


def test_the_page_is_what_the_program_writes(kept: str) -> None:
    text = written(some())
    heads = [[table[0] for table in tables(one)] for one in (text, kept)]
    assert heads[0] == heads[1]
    titles = [[line for line in one.splitlines() if line.startswith("#")] for one in (text, kept)]
    assert titles[0] == titles[1]
    for table in tables(text):
        assert len({line.count(" | ") for line in table}) == 1
    told = words(alarms.RUNS, alarms.SEED)
    for part in (EQUAL, POWER, SEQUENTIAL, UNPAIRED):
        assert all(line in text and line in kept for line in told[part])
    for line in (*told["start"], told["margins"], told["five"], told["regressed"]):
        assert line in text
        assert line in kept
    assert kept.splitlines()[-1].startswith("The bars ")


def test_the_page_has_every_line(kept: str) -> None:
    by_margin, one, five, power, regressed, looks = tables(kept)
    size = [len(table) - 2 for table in (by_margin, one, five, power, looks)]
    models = len(NUMBERS) * len(RHOS)
    assert size == [2 * len(MARGINS), len(KINDS) * len(RHOS) * len(SIZES) * len(MARGINS),
                    models * len(SIZES) * len(MARGINS), models * len(SIZES) * 2,
                    models * 2]  # fmt: skip
    assert 0 < len(regressed) - 2 <= models * len(SIZES)
    assert len({cell.name for cell in cells()}) == len(cells())


def test_a_regression_that_cannot_be_is_a_dash() -> None:
    table = tables(written(some()))[3]
    rmse = next(line for line in table if "| rmse |" in line)
    assert rmse.split(" | ")[4:9] == ["–", "–", "–", "–", "–"]


def test_all_of_it_is_simulated_alike_twice() -> None:
    said: list[str] = []
    found = [alarms.simulated(2, 3, "equal classes 0.5 100", said.append) for _ in range(2)]
    assert found[0] == found[1]
    assert said[0] == "equal classes 0.5 100"
    assert {line.runs for line in found[0]} == {2}


def test_the_command_refuses_what_it_cannot_do() -> None:
    def refused(*options: str) -> str:
        told = [sys.executable, "-m", "benchmarks.alarms", *options]
        found = subprocess.run(told, cwd=ROOT, capture_output=True, text=True, check=False)
        assert (found.returncode, found.stdout) == (2, "")
        return found.stderr

    assert "there is nothing to run" in refused("--only", "no such thing")
    assert "--write is for the page's runs" in refused("--write", "--runs", "3")
