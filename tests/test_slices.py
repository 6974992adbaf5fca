"""The worst slices: against brute force, with faults that were planted, and without any."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl.analyses import slices as search
from lossctl.analyses.context import Context
from lossctl.analyses.sliceline import Candidate, Sized, apart, score, support, telling
from lossctl.batch import Batch
from lossctl.cli import run as command
from lossctl.errors import DataError, UsageError
from lossctl.exact import ONE
from lossctl.extras import Extra
from lossctl.grammar import parse
from lossctl.hashing import halves
from lossctl.plan import Plan
from lossctl.report import Part, Report
from lossctl.run import slices_plan
from lossctl.stats import slices
from lossctl.stats.sample import answer
from tests.batches import batch

LEVELS = st.sampled_from("abc")
TABLE = st.lists(st.tuples(LEVELS, LEVELS, LEVELS, st.integers(0, 20)), min_size=4, max_size=40)


def brute(columns: dict[str, list[Any]], loss: Any, least: int) -> dict[Any, tuple[float, int]]:
    """Score and rows of every slice that scores above 0, by its conditions."""
    loss = np.array(loss, dtype=float)
    made = {}
    for size in (1, 2):
        for names in combinations(columns, size):
            for values in sorted(set(zip(*(columns[name] for name in names), strict=True))):
                inside = np.ones(len(loss), dtype=bool)
                for name, value in zip(names, values, strict=True):
                    inside &= np.array(columns[name]) == value
                worse = loss[inside].mean() / loss.mean() - 1
                points = 0.95 * worse - 0.05 * (len(loss) / inside.sum() - 1)
                if inside.sum() >= least and points > 0:
                    conditions = frozenset(zip(names, values, strict=True))
                    made[conditions] = (points, int(inside.sum()))
    return made


@settings(max_examples=60)
@given(TABLE, st.integers(1, 6))
def test_every_slice_is_scored(rows: list[Any], least: int) -> None:
    a, b, c, loss = (list(column) for column in zip(*rows, strict=True))
    columns = {"a": a, "b": b, "c": c}
    made = slices(columns, loss, min_support=least, k=10_000)["top"]
    if not any(loss):
        assert made == []
        return
    expected = brute(columns, loss, least)
    scores = [one["score"] for one in made]
    assert scores == sorted(scores, reverse=True)
    for one in made:
        points, size = expected.pop(frozenset(one["slice"].items()), (one["score"], one["size"]))
        assert (one["score"], one["size"]) == (pytest.approx(points, abs=1e-12), size)
    assert all(points < 1e-12 for points, _ in expected.values())


def test_slices_refuse_what_they_cannot_use() -> None:
    with pytest.raises(DataError, match="loss has a value below 0"):
        slices({"a": [1, 2]}, [1.0, -1.0])
    with pytest.raises(DataError, match="column a has 1 rows, loss has 2"):
        slices({"a": [1]}, [1.0, 1.0])
    with pytest.raises(UsageError, match="max_level is 3"):
        slices({"a": [1, 2]}, [1.0, 1.0], max_level=3)
    with pytest.raises(UsageError, match="alpha is 0"):
        slices({"a": [1, 2]}, [1.0, 1.0], alpha=0.0)
    assert slices({"a": [1, 2]}, [1.0, 3.0])["top"] == []  # too few rows


def test_a_slice_has_a_hundredth_of_the_rows() -> None:
    assert [support(rows) for rows in (0, 3200, 3201, 100_000)] == [32, 32, 33, 1000]


# --- which slices are told --------------------------------------------------------------------


def sized(rows: int, mean: int) -> Sized:
    return Sized(rows, rows * mean * ONE, rows * ONE)


def candidates(whole: Sized, found: dict[Any, Sized]) -> list[Candidate]:
    return [Candidate(conditions, score(one, whole), one) for conditions, one in found.items()]


def test_a_pair_that_adds_nothing_is_left_out() -> None:
    whole = sized(1000, 1)
    alone: dict[Any, Sized] = {((0, 0),): sized(100, 5), ((1, 0),): sized(500, 1)}
    worse: dict[Any, Sized] = {((0, 0), (1, 0)): sized(50, 7)}
    same: dict[Any, Sized] = {((0, 0), (2, 1)): sized(60, 5)}
    found = candidates(whole, worse | alone | same)
    made = telling(found, alone | worse | same, whole, 9)
    assert [one.conditions for one in made] == [*worse, *alone]
    twice = [*found[:1], Candidate(((3, 0),), found[0].score, found[0].sums)]
    assert telling(twice, alone | worse, whole, 9) == found[:1]


def test_a_shadow_is_left_out() -> None:
    whole = sized(1000, 1)
    # The second is bad only for the rows that it shares with the first; the third of its own.
    masks = {1: sized(50, 9), 3: sized(30, 9), 2: sized(100, 1), 4: sized(60, 4)}
    assert apart(range(3), masks, whole, 32, 5) == [0, 2]
    assert apart(range(3), masks, whole, 32, 1) == [0]
    assert apart(range(3), masks, whole, 61, 5) == [0]
    assert apart([1, 2], masks, whole, 32, 5) == [1, 2]


# --- the search -------------------------------------------------------------------------------


def planted(seed: int = 3, rows: int = 3000, worse: float = 3.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "east", "west"], rows)
    device = rng.choice(["mobile", "desktop", "tablet"], rows, p=[0.3, 0.5, 0.2])
    bad = (region == "south") & (device == "mobile")
    target = rng.normal(size=rows)
    pred = target + rng.normal(size=rows) * np.where(bad, worse, 1.0)
    return pd.DataFrame({
        "pred": pred, "target": target, "region": region, "device": device,
        "age": rng.integers(18, 80, rows), "height": rng.normal(size=rows),
        "id": [f"k{row}" for row in range(rows)], "one": "same",
    })  # fmt: skip


def found(folder: Path, frame: pd.DataFrame, **rest: Any) -> tuple[Report, Part]:
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    report = slices_plan(
        Plan(str(path), pred_col="pred", target_col="target", carry_all=True,
             **{"losses": ("mse",), **rest})
    )  # fmt: skip
    return report, next(part for part in report.parts if part.name == "slices")


def test_a_planted_slice_is_named(tmp_path: Path) -> None:
    frame = planted()
    report, part = found(tmp_path, frame)
    assert report.finding.startswith("Where it fails: region=south and device=mobile: ")
    (one,) = [s for s in part.data["slices"] if s["confirmed"]]
    bad = (frame["region"] == "south") & (frame["device"] == "mobile")
    other = ~halves(np.arange(len(frame)))
    loss = (frame["pred"] - frame["target"]) ** 2
    assert one["rows"] == (bad & other).sum() and one["chosen_on"] == (bad & ~other).sum()
    assert one["value"] == pytest.approx(loss[bad & other].mean())
    assert one["elsewhere"] == pytest.approx(loss[~bad & other].mean())
    assert one["share"] == pytest.approx(loss[bad & other].sum() / loss[other].sum())
    chose = loss[~other]
    expected = 0.95 * (chose[bad].mean() / chose.mean() - 1)
    expected -= 0.05 * (len(chose) / len(chose[bad]) - 1)
    assert one["score"] == pytest.approx(expected)
    assert part.data["skipped"] == {"id": "more than 1000 different texts", "one": "one value"}


def test_shares_are_of_the_weight(tmp_path: Path) -> None:
    """Rows of the slice weigh 10, others 1: its share of the weight is above that of the rows."""
    frame = planted()
    bad = (frame["region"] == "south") & (frame["device"] == "mobile")
    frame["weight"] = np.where(bad, 10.0, 1.0)
    report, part = found(tmp_path, frame, weight_col="weight")
    (one,) = [s for s in part.data["slices"] if s["confirmed"]]
    other = ~halves(np.arange(len(frame)))
    weight = frame["weight"][other]
    loss = weight * (frame["pred"] - frame["target"])[other] ** 2
    share, of_weight = loss[bad].sum() / loss.sum(), weight[bad].sum() / weight.sum()
    assert part.data["shares_of"] == "weight"
    assert one["share_of_rows"] == pytest.approx(of_weight) and of_weight > 0.4
    assert (one["share"], one["lift"]) == (pytest.approx(share), pytest.approx(share / of_weight))
    assert f"{100 * of_weight:.0f} % of the weight, MSE" in report.finding.replace(".0 %", " %")
    assert report.table is not None
    assert report.table.columns[2].name == "of weight"
    assert found(tmp_path, frame)[1].data["shares_of"] == "rows"


def test_neither_blocks_nor_processes_change_the_search(tmp_path: Path) -> None:
    frame = planted(rows=600)
    expected = found(tmp_path, frame)[1].data
    assert expected["slices"]
    assert found(tmp_path, frame, block_rows=1)[1].data == expected
    assert found(tmp_path, frame, block_rows=25, processes=True, threads=3)[1].data == expected


def test_numbers_of_few_values_are_not_binned(tmp_path: Path) -> None:
    frame = planted()
    frame["device"] = frame["device"].map({"mobile": 1, "desktop": 2, "tablet": 3})
    assert found(tmp_path, frame)[0].finding.startswith("Where it fails: region=south and device=1")
    frame["height"] = np.where(frame["device"] == 1, 0.5, 0.0) + frame["height"] / 1e3
    frame = frame.drop(columns=["device", "region"])
    assert found(tmp_path, frame)[1].data["slices"][0]["conditions"][0].startswith("height 0.49")


def test_confirmed_slices_of_honest_sets_are_rare() -> None:
    """Of 200 sets without any fault, slices are found in most and confirmed in few."""
    told = confirmed = 0
    spec = parse("mse")
    context = Context(
        specs=(spec,), leading=spec, weighted=False, outputs=1, wholes={}, top=5, moments=True,
        pooled=False, point="pred",
    )  # fmt: skip
    for seed in range(200):
        rng = np.random.default_rng(seed)
        rows: Batch = batch(rng.normal(size=400), np.zeros(400))
        for name, levels in (("a", 3), ("b", 4), ("c", 2)):
            values = rng.integers(0, levels, 400).astype(float)
            rows.extras[name] = Extra(values, np.zeros(400, dtype=bool))
        made = answer(search.rounds(context, {"a": False, "b": False, "c": False}), rows)
        told += bool(made.slices)
        confirmed += any(one.confirmed for one in made.slices)
    assert told > 150
    assert confirmed <= 10  # 5 %: two-sided, and only the worse side confirms


def test_a_small_slice_of_many_rows_is_named(tmp_path: Path) -> None:
    """SliceLine's price of size would shut it out, and the parent is as good as elsewhere."""
    frame = planted(rows=24_000, worse=1.2)[["pred", "target", "region", "device", "height"]]
    report, part = found(tmp_path, frame)
    assert report.finding.startswith("Where it fails: region=south and device=mobile: ")
    assert part.data["slices"][0]["score"] < 0
    assert "on the half of the rows that did not choose it" in report.finding


@pytest.mark.parametrize("uniform", [False, True])
def test_a_pair_is_named_where_its_parent_is_bad_for_it_alone(
    tmp_path: Path, uniform: bool
) -> None:
    """The pair scores less than its parent, as it is smaller; the whole parent where all of it is
    bad, though one of its pairs is the worst."""
    frame = planted(rows=60_000, worse=1.0)
    city = np.random.default_rng(8).choice([f"c{n}" for n in range(20)], len(frame))
    worst = np.where(frame["device"] == "tablet", 4.0, 3.0 if uniform else 1.0)
    error = frame["pred"] - frame["target"]
    frame = frame[["pred", "target", "device", "height"]].assign(city=city)
    frame["pred"] = frame["target"] + error * np.where(city == "c7", worst, 1.0)
    name = "city=c7" if uniform else "device=tablet and city=c7"
    assert found(tmp_path, frame)[0].finding.startswith(f"Where it fails: {name}: ")


def test_a_condition_that_does_not_help_is_left_out(tmp_path: Path) -> None:
    """On the half that chooses the pair is worse than its parent; on the other it is not."""
    frame = planted(rows=6000, worse=1.0)[["pred", "target", "region", "device"]]
    south = (frame["region"] == "south").to_numpy()
    pair = south & (frame["device"] == "mobile").to_numpy() & halves(np.arange(len(frame)))
    error = frame["pred"] - frame["target"]
    frame["pred"] = frame["target"] + error * np.where(south, 4.0, 1.0) * np.where(pair, 2.0, 1.0)
    report, _ = found(tmp_path, frame)
    assert report.finding.startswith("Where it fails: region=south: ")


def test_infinite_rows_are_left_out_and_told(tmp_path: Path) -> None:
    frame = planted()
    frame[["pred", "target"]] += 10.0
    frame.loc[:2, "target"] = 0.0
    report, part = found(tmp_path, frame, losses=("mape",))
    assert "3 rows are infinite, and left out of the search" in part.text
    assert report.finding.startswith("Where it fails: region=south and device=mobile: ")
    assert part.data["infinite"] == 3


def test_numbers_of_rows_are_not_searched(tmp_path: Path) -> None:
    frame = planted()
    frame["id"] = np.arange(len(frame)) * 3 + 1
    assert found(tmp_path, frame)[1].data["skipped"]["id"] == "it numbers the rows"
    frame["id"] //= 30
    assert "id" in found(tmp_path, frame)[1].data["columns"]


def test_what_does_not_hold_is_said(tmp_path: Path) -> None:
    frame = planted(seed=1, rows=500, worse=1.0)
    report, part = found(tmp_path, frame)
    assert part.data["slices"] and not any(one["confirmed"] for one in part.data["slices"])
    assert report.finding.startswith("No slice fails for sure: the worst of ")
    assert report.table is not None
    assert {row[-1] for row in report.table.rows} <= {"not confirmed", "too few", "few decide"}


def test_what_cannot_be_judged_is_not_said_to_fail(tmp_path: Path) -> None:
    """A bad slice of nearly all rows: those elsewhere are too few to compare with."""
    frame = planted(rows=240, worse=1.0)
    frame["region"] = np.where(np.arange(240) % 8 < 7, "south", "north")
    error = frame["pred"] - frame["target"]
    frame["pred"] = frame["target"] + error * np.where(frame["region"] == "south", 6.0, 0.01)
    report, part = found(tmp_path, frame[["pred", "target", "region"]])
    one = part.data["slices"][0]
    assert one["slice"] == "region=south" and one["verdict"] in {"too few", "few others"}
    judges = ~halves(np.arange(240))
    elsewhere = int((judges & (frame["region"] == "north").to_numpy()).sum())
    assert report.finding.startswith(
        "No slice is sure: the worst of 1 searched (region=south) cannot be judged on the rows "
        f"that did not choose it, as only {elsewhere} rows are elsewhere there: MSE "
    )


@pytest.mark.parametrize(("rows", "said"), [(300, True), (900, False)])
def test_the_least_size_is_said_where_rows_are_few(tmp_path: Path, rows: int, said: bool) -> None:
    _, part = found(tmp_path, planted(rows=rows))
    assert ("slices under 64 rows (32 in each half) are not searched" in part.text) == said


def test_what_turns_out_better_is_not_confirmed(tmp_path: Path) -> None:
    frame = planted(worse=1.0)
    south = (frame["region"] == "south").to_numpy()
    chose = halves(np.arange(len(frame)))
    error = frame["pred"] - frame["target"]
    frame["pred"] = frame["target"] + error * np.where(south, np.where(chose, 3.0, 0.1), 1.0)
    report, part = found(tmp_path, frame)
    one = part.data["slices"][0]
    assert one["slice"] == "region=south" and one["holm_p"] < 1e-6
    assert one["value"] < one["elsewhere"] and not one["confirmed"]
    assert report.finding.startswith("No slice fails for sure: ")


def test_what_a_few_rows_decide_is_no_slice(tmp_path: Path) -> None:
    frame = planted(seed=1, rows=500, worse=1.0)
    frame.loc[np.flatnonzero(halves(np.arange(500)))[:2], "pred"] = 1e4
    report, part = found(tmp_path, frame)
    assert part.data["above_zero"] > 0 and part.data["slices"] == []
    assert report.finding.startswith("No slice stands out: a few rows decide the ")


def test_too_few_rows_have_no_slice(tmp_path: Path) -> None:
    report, part = found(tmp_path, planted(rows=40))
    assert part.data["slices"] == []
    assert report.finding.startswith("No slice stands out: nothing could be searched, as none has ")
    assert report.records() == [] and "slice" in report.record_columns


def test_what_has_no_shares_is_not_searched(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    planted(rows=50).to_csv(path, index=False)
    rest: dict[str, Any] = {"pred_col": "pred", "target_col": "target", "carry_all": True}
    with pytest.raises(UsageError, match="--find: no loss here is shared among its rows"):
        slices_plan(Plan(str(path), losses=("bias",), **rest))
    planted(rows=50)[["pred", "target"]].to_csv(path, index=False)
    with pytest.raises(UsageError, match="--find: every column plays a role"):
        slices_plan(Plan(str(path), losses=("mse",), **rest))


def test_the_command_finds_and_groups(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.csv"
    planted().to_csv(path, index=False)
    given = ["slices", str(path), "--pred-col", "pred", "--target-col", "target", "-l", "mse"]
    assert command([*given, "--find", "--by", "region", "-f", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told["parts"]) == {"slices", "by region"}
    assert told["table"]["rows"][0][0] == "region=south and device=mobile"
    assert command([*given, "--find", "-f", "tsv"]) == 0
    head, first, *_ = capsys.readouterr().out.splitlines()
    assert head.startswith("slice\trows\t") and first.startswith("region=south and device=mobile\t")
    assert command([*given, "--by", "region", "--against-targets", "x"]) == 2
    assert "--against-targets is about --against" in capsys.readouterr().err
