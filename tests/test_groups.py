"""Groups of rows: against pandas, plain formulas and SciPy, and whatever the blocks."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from lossctl.analyses import cuts, groups
from lossctl.analyses.context import Context
from lossctl.analyses.contrast import compare, few, holm
from lossctl.analyses.levels import Coded, Levels, coded
from lossctl.arrays import Ragged
from lossctl.cli import run as command
from lossctl.errors import DataError, UsageError
from lossctl.extras import Extra
from lossctl.grammar import parse
from lossctl.grouping import Grouping, groupings
from lossctl.plan import Plan
from lossctl.report import Part, Report
from lossctl.run import slices_plan
from lossctl.scoring import scoring
from lossctl.states import Sums, SumsState
from lossctl.stats import kitagawa
from lossctl.stats.sample import answer
from tests.batches import batch

ROWS = 600
LOSSES = ("mse", "mae", "rmse", "bias", "median_ae", "r2")


def data(seed: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """Predictions of which those of the south are off; some cells hold nothing."""
    rng = np.random.default_rng(seed)
    region = rng.choice(["north", "south", "east"], rows, p=[0.6, 0.1, 0.3]).astype(object)
    target = rng.normal(size=rows)
    spread = np.where(region == "south", 4.0, 1.0)
    frame = pd.DataFrame({"pred": target + spread * rng.normal(size=rows), "target": target})
    frame["weight"] = rng.integers(0, 4, rows) / 2
    frame["region"] = region
    frame["age"] = rng.integers(18, 30, rows).astype(float)
    frame["height"] = rng.normal(size=rows)
    frame.loc[::50, ["region", "age", "height"]] = None
    return frame


def plan(folder: Path, frame: pd.DataFrame, by: list[str], **rest: Any) -> Plan:
    path = folder / "rows.csv"
    frame.to_csv(path, index=False)
    return Plan(str(path), pred_col="pred", target_col="target", losses=LOSSES, by=groupings(by),
                **rest)  # fmt: skip


def parts(of: Plan) -> list[Part]:
    with scoring(of) as held:
        assert held.context is not None
        return held.ask(groups.rounds(held.context, of.by))


def found(of: Plan) -> dict[str, dict[str, Any]]:
    """The groups of the first grouping by name."""
    return {group["group"]: group for group in parts(of)[0].data["groups"]}


@pytest.mark.parametrize("weighted", [False, True])
def test_groups_are_those_of_pandas(tmp_path: Path, weighted: bool) -> None:
    frame = data()
    made = found(plan(tmp_path, frame, ["region"], weight_col="weight" if weighted else None))
    frame["w"] = frame["weight"] if weighted else 1.0
    frame["mae"] = (frame["pred"] - frame["target"]).abs()
    frame["mse"] = frame["mae"] ** 2
    whole = {name: (frame[name] * frame["w"]).sum() for name in ("mae", "mse")}
    expected = frame.fillna({"region": cuts.MISSING}).groupby("region")
    assert set(made) == set(expected.groups)
    for name, rows in expected:
        own = made[str(name)]
        assert own["rows"] == len(rows)
        part = rows["w"].sum() / frame["w"].sum()
        assert own["share_of_rows"] == pytest.approx(part)
        for loss in ("mae", "mse"):
            total = (rows[loss] * rows["w"]).sum()
            one = own["losses"][loss]
            assert one["value"] == pytest.approx(total / rows["w"].sum())
            assert one["share"] == pytest.approx(total / whole[loss])
            assert one["lift"] == pytest.approx(total / whole[loss] / part)
            rest = (whole[loss] - total) / (frame["w"].sum() - rows["w"].sum())
            assert one["elsewhere"] == pytest.approx(rest)
        assert own["losses"]["rmse"]["value"] == pytest.approx(own["losses"]["mse"]["value"] ** 0.5)
    assert made[cuts.MISSING]["missing"] and made[cuts.MISSING]["value"] is None


def test_counts_and_shares_sum_to_the_whole(tmp_path: Path) -> None:
    for part in parts(plan(tmp_path, data(), ["region", "bin(height,7)"])):
        each = part.data["groups"]
        assert sum(group["rows"] for group in each) == ROWS
        for loss in ("mse", "mae"):
            assert sum(group["losses"][loss]["share"] for group in each) == pytest.approx(1.0)
            excess = [group["losses"][loss]["excess"] for group in each]
            assert excess == sorted(excess, reverse=True) or loss != "mse"


def test_the_exact_sums_of_groups_are_those_of_all_rows(tmp_path: Path) -> None:
    of = plan(tmp_path, data(), ["region"])
    with scoring(of) as held:
        assert held.context is not None
        (one,) = held.ask(groups.found(held.context, of.by))
        spec = one.specs[0]
        assert held.first is not None
        from lossctl.terms import LossTerms

        whole = Sums(LossTerms(spec), moments=True).make(held.first)
    total = SumsState(moments=True)
    for group in one.groups:
        total = total.merge(group.losses[str(spec)].sums)
    assert total == whole


def test_neither_blocks_nor_processes_nor_order_change_anything(tmp_path: Path) -> None:
    frame = data()
    by = ["region", "age", "bin(age,4)", "bin(height,5)"]

    def everything(rows: pd.DataFrame, **rest: Any) -> Any:
        return [part.data for part in parts(plan(tmp_path, rows, by, **rest))]

    expected = everything(frame)
    assert everything(frame, block_rows=7) == expected
    assert everything(frame, block_rows=20, processes=True, threads=3) == expected
    assert everything(frame.sample(frac=1.0, random_state=1), block_rows=64) == expected


def test_intervals_and_tests_are_those_of_scipy(tmp_path: Path) -> None:
    frame = data()
    made = found(plan(tmp_path, frame, ["region"]))
    loss = (frame["pred"] - frame["target"]) ** 2
    for name in ("north", "south", "east"):
        inside = frame["region"] == name
        own, rest = loss[inside], loss[~inside]
        one = made[name]["losses"]["mse"]
        low, high = scipy_stats.t.interval(
            0.95, len(own) - 1, own.mean(), own.std(ddof=1) / len(own) ** 0.5
        )
        assert (one["interval"]["low"], one["interval"]["high"]) == pytest.approx((low, high))
        p = [scipy_stats.ttest_ind(own, rest, equal_var=one).pvalue for one in (True, False)]
        assert one["difference"] == pytest.approx(own.mean() - rest.mean())
        assert one["p"] == pytest.approx(max(p), rel=1e-6)


def test_groups_that_are_alike_have_no_verdict() -> None:
    """Losses with long tails: a group without the largest has a small variance as well."""
    told = better = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        error, group = rng.exponential(size=2000) - 1.0, rng.integers(0, 8, 2000).astype(float)
        told += any(verdict in ("better", "worse") for verdict in verdicts(error, group))
        better += verdicts(np.where(group == 3.0, 0.2, 1.0) * error, group)[3] == "better"
    assert told <= 3
    assert better >= 55


def verdicts(error: Any, group: Any) -> list[str]:
    rows = batch(error, np.zeros(error.size))
    rows.extras["g"] = Extra(group, np.zeros(error.size, dtype=bool))
    spec = parse("mse")
    context = Context((spec,), spec, moments=True, point="pred")
    (one,) = answer(groups.found(context, groupings(["g"])), rows)
    return [each.losses["mse"].verdict for each in one.groups]


def test_holm_is_over_all_groups_and_losses_once(tmp_path: Path) -> None:
    each = found(plan(tmp_path, data(), ["region"]))
    plain = {}
    for name, group in each.items():
        for loss in ("mse", "mae", "bias"):  # the RMSE's tests are the MSE's
            if group["losses"][loss]["p"] is not None:
                plain[name, loss] = group["losses"][loss]["p"]
    assert len(plain) == 9  # the missing are too few
    order = sorted(plain, key=lambda one: plain[one])
    least = 0.0
    for passed, one in enumerate(order):
        least = max(least, min(1.0, (len(order) - passed) * plain[one]))
        name, loss = one
        assert each[name]["losses"][loss]["holm_p"] == pytest.approx(least, rel=1e-12)
    assert each["south"]["losses"]["rmse"]["holm_p"] == each["south"]["losses"]["mse"]["holm_p"]


@given(st.lists(st.floats(0.0, 1.0), max_size=12))
def test_holm_steps_down(p: list[float]) -> None:
    corrected = holm(p)
    for place, own in enumerate(p):
        smaller = [(len(p) - sum(o < q for o in p)) * q for q in p if q <= own]
        assert corrected[place] == pytest.approx(min(1.0, max(smaller)), abs=1e-15)


def test_what_is_worse_is_said_first(tmp_path: Path) -> None:
    part = parts(plan(tmp_path, data(), ["region"]))[0]
    south = part.data["groups"][0]
    assert south["group"] == "south" and south["losses"]["mse"]["verdict"] == "worse"
    share = f"{100 * south['losses']['mse']['share']:.0f} %"
    assert part.text.startswith(f"south makes {share} of MSE with ")
    assert f"({south['losses']['mse']['lift']:.1f} times its share; Holm p " in part.text


def test_nothing_stands_out_where_nothing_does(tmp_path: Path) -> None:
    frame = data()
    frame["region"] = np.random.default_rng(5).permutation(frame["region"].to_numpy())
    made = parts(plan(tmp_path, frame, ["region"]))[0]
    assert made.text.startswith("no group of region stands out in MSE (least Holm p ")
    assert {g["losses"]["mse"]["verdict"] for g in made.data["groups"]} == {"", "too few"}


def test_few_rows_are_shown_and_not_judged(tmp_path: Path) -> None:
    frame = data(rows=100)
    frame["region"] = ["one"] * 29 + ["other"] * 71
    frame.loc[:28, "pred"] += 50.0
    one = found(plan(tmp_path, frame, ["region"]))["one"]["losses"]["mse"]
    assert one["verdict"] == "too few" and one["p"] is None and one["value"] > 100
    frame.loc[29, "region"] = "one"
    one = found(plan(tmp_path, frame, ["region"]))["one"]["losses"]["mse"]
    assert one["verdict"] == "worse" and one["p"] < 1e-6


def test_a_few_rows_that_make_all_of_a_group_are_no_verdict(tmp_path: Path) -> None:
    frame = data(rows=200)
    frame["region"] = ["one"] * 100 + ["other"] * 100
    frame.loc[3, "pred"] = 1e6
    one = found(plan(tmp_path, frame, ["region"]))["one"]["losses"]["mse"]
    assert one["verdict"] == "few decide" and one["interval"]["trusted"] is False
    assert not few(SumsState(count=40, nonzero=40))


def test_bins_of_many_rows_with_a_heavy_value(tmp_path: Path) -> None:
    """More rows than the sample that says where values lie, nearly half of them 0."""
    rng = np.random.default_rng(0)
    height = np.where(rng.random(20_000) < 0.45, 0.0, rng.lognormal(size=20_000))
    frame = pd.DataFrame({"pred": rng.normal(size=20_000), "target": 0.0, "h": height})
    made = found(plan(tmp_path, frame, ["bin(h,5)"]))
    sizes = sorted(one["rows"] for one in made.values())
    assert sizes[-1] == (height == 0.0).sum() and len(sizes) == 5
    assert sizes[3] - sizes[0] <= 1 and sum(sizes) == 20_000


def test_a_weighted_share_is_of_the_weight(tmp_path: Path) -> None:
    frame = data(rows=400)
    frame["region"] = ["a", "b"] * 200
    frame["weight"] = np.where(frame["region"] == "b", 10.0, 1.0)
    frame.loc[frame["region"] == "a", "pred"] += 2.0  # worse, of little weight
    of = plan(tmp_path, frame, ["region"], weight_col="weight")
    (part,) = parts(of)
    worst = part.data["groups"][0]
    one = worst["losses"]["mse"]
    assert part.data["shares_of"] == "weight" and worst["share_of_rows"] == pytest.approx(1 / 11)
    assert worst["group"] == "a" and one["verdict"] == "worse" and one["lift"] > 1
    assert "with 9.1 % of the weight (" in part.text
    assert part.table is not None
    assert [column.name for column in part.table.columns][1:3] == ["rows", "of weight"]
    assert part.table.rows[0][1] == 200
    report = slices_plan(of, against=of)
    assert report.table is not None
    assert [column.name for column in report.table.columns][1:3] == [
        "weight before",
        "weight after",
    ]


def infinite(tmp_path: Path, losses: tuple[str, ...]) -> Part:
    """MAPE is infinite in `a` alone; `b` fails."""
    frame = data(rows=2000)
    frame["region"] = ["a"] * 1000 + ["b"] * 1000
    frame.loc[3, "target"] = 0.0
    frame.loc[1000:, "pred"] += 30.0
    frame.to_csv(tmp_path / "rows.csv", index=False)
    of = Plan(str(tmp_path / "rows.csv"), pred_col="pred", target_col="target", losses=losses,
              by=groupings(["region"]))  # fmt: skip
    return parts(of)[0]


def test_why_groups_cannot_be_judged_is_told_apart(tmp_path: Path) -> None:
    made = infinite(tmp_path, ("mape",))
    verdicts = {one["group"]: one["losses"]["mape"]["verdict"] for one in made.data["groups"]}
    assert verdicts == {"a": "infinite", "b": "infinite elsewhere"}
    assert made.text == "no group of region can be judged: the loss is infinite"
    frame = data(rows=200)
    frame["region"] = ["a"] * 190 + ["b"] * 10
    one = parts(plan(tmp_path, frame, ["region"]))[0]
    verdicts = {one["group"]: one["losses"]["mse"]["verdict"] for one in one.data["groups"]}
    assert verdicts == {"a": "few others", "b": "too few"}
    frame["region"] = "a"
    one = parts(plan(tmp_path, frame, ["region"]))[0]
    assert one.data["groups"][0]["losses"]["mse"]["verdict"] == "no others"
    assert one.text == "all rows are in one group: a"


def test_a_finite_loss_is_judged_where_another_is_infinite(tmp_path: Path) -> None:
    made = infinite(tmp_path, ("mape", "mae"))
    assert made.data["by"] == "mae"
    assert made.text.startswith("b makes ") and made.text.endswith("; MAPE is infinite in a")


def test_only_what_is_judged_does_not_stand_out(tmp_path: Path) -> None:
    frame = data()
    region = np.random.default_rng(5).permutation(frame["region"].to_numpy())
    frame["region"], frame["key"] = region, [f"k{n}" for n in range(len(frame))]
    of = plan(tmp_path, frame, ["region", "key"])
    finding = slices_plan(of).finding
    assert finding.startswith("No group of region stands out in MSE (least Holm p ")
    assert "of those that can be judged (1 cannot: fewer than 30 rows)" in finding
    assert finding.endswith("no group of key can be judged: fewer than 30 rows.")


def test_losses_that_are_no_mean_are_left_out_and_said(tmp_path: Path) -> None:
    of = plan(tmp_path, data(), ["region"])
    assert set(parts(of)[0].data["left_out"]) == {"median_ae", "r2"}
    with pytest.raises(UsageError, match="no loss here has groups: r2 is no mean"):
        slices_plan(Plan(of.pred, pred_col="pred", target_col="target", losses=("r2",), by=of.by))


def test_bins_hold_equally_many_rows_and_part_no_value(tmp_path: Path) -> None:
    frame = data()
    for column, bins in (("height", 5), ("age", 5), ("age", 100)):
        part = parts(plan(tmp_path, frame, [f"bin({column},{bins})"]))[0]
        values = frame[column].dropna().sort_values().to_numpy()
        edges = np.unique([values[j * len(values) // bins] for j in range(bins)])
        codes = np.searchsorted(edges, values, side="right")
        spans = [(values[codes == code].min(), values[codes == code].max())
                 for code in np.unique(codes)]  # fmt: skip
        names = {
            (f"{low:.6g} … {high:.6g}" if low != high else f"{low:.6g}"): int(
                ((values >= low) & (values <= high)).sum()
            )
            for low, high in spans
        }
        rows = {group["group"]: group["rows"] for group in part.data["groups"]}
        assert rows.pop(cuts.MISSING) == len(frame) - len(values)
        assert rows == names
    assert len(names) == 12  # as many as there are ages


def test_bins_of_more_values_than_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.array([1.0, 2.0, 2.0, 2.0, 3.0, 4.0, 4.0, 5.0])
    rows = batch(values, values)
    rows.extras["x"] = Extra(values, np.isnan(values))
    known = answer(cuts.binned("x", 4, None), rows)
    assert known.names == ("1", "2", "3", "4", "5", cuts.MISSING)
    monkeypatch.setattr(cuts, "HELD", 2)
    unknown = answer(cuts.binned("x", 4, None), rows)
    assert unknown.edges == known.edges
    assert unknown(rows).tolist() == known(rows).tolist()
    assert unknown.names == known.names
    # The value below an edge that several rows hold is not known, and not made up.
    values = np.array([1.0, 2, 2, 3, 4, 5, 6, 7, 8])
    rows = batch(values, values)
    rows.extras["x"] = Extra(values, np.isnan(values))
    assert answer(cuts.binned("x", 4, None), rows).names == (
        "1 … below 2", "2 … 3", "4 … 5", "6 … 8", cuts.MISSING
    )  # fmt: skip


@pytest.mark.parametrize("held", [4096, 2])
@pytest.mark.parametrize("zeros", [860, 600])
def test_a_value_that_fills_bins_is_one_and_the_rest_is_cut(
    monkeypatch: pytest.MonkeyPatch, zeros: int, held: int
) -> None:
    monkeypatch.setattr(cuts, "HELD", held)
    rest = 1000 - zeros
    values = np.random.default_rng(0).permutation([0.0] * zeros + list(range(1, rest + 1)))
    rows = batch(values, values)
    rows.extras["x"] = Extra(values, np.isnan(values))
    made = answer(cuts.binned("x", 4, None), rows)
    counts = np.bincount(made(rows)).tolist()
    assert made.names[0] == "0" and counts[0] == zeros
    assert len(counts) == 4 and max(counts[1:]) - min(counts[1:]) <= 1


@given(
    st.lists(st.integers(-3, 12) | st.just(0), min_size=1, max_size=60),
    st.integers(2, 8),
)
def test_known_and_unknown_values_are_cut_alike(numbers: list[int], bins: int) -> None:
    values = np.array(numbers, dtype=np.float64)
    rows = batch(values, values)
    rows.extras["x"] = Extra(values, np.isnan(values))
    known = answer(cuts.binned("x", bins, None), rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cuts, "HELD", 0)
        unknown = answer(cuts.binned("x", bins, None, 0), rows)
    if known.edges is not None:
        assert unknown.edges == known.edges
    codes = unknown(rows)
    for value, count in zip(*np.unique(values, return_counts=True), strict=True):
        if count * bins >= len(values):  # it holds a whole quantile
            (code,) = set(codes[values == value].tolist())
            assert np.count_nonzero(codes == code) == count


@pytest.mark.parametrize("values", [[], [np.nan, np.nan], [np.inf, -np.inf, 1.0]])
def test_bins_of_nothing_and_of_infinity(values: list[float]) -> None:
    column = np.array(values, dtype=np.float64)
    rows = batch(np.zeros(len(values)), np.zeros(len(values)))
    rows.extras["x"] = Extra(column, np.isnan(column))
    cut = answer(cuts.binned("x", 3, None), rows)
    codes = cut(rows)
    assert len(set(codes.tolist())) == (3 if np.isinf(column).any() else min(len(values), 1))
    assert all(cut.missing(code) for code in codes[np.isnan(column)].tolist())
    assert not any("e+308" in name for name in cut.names)
    assert ("-inf" in cut.names and "inf" in cut.names) == bool(np.isinf(column).any())


def test_cells_are_told_apart_by_what_they_are() -> None:
    texts = ["a", "", "b", "a", "ä", ""]
    octets = [text.encode() for text in texts]
    offsets = np.concatenate([[0], np.cumsum([len(one) for one in octets])])
    rows = Ragged(np.frombuffer(b"".join(octets), np.uint8), offsets)
    missing = np.array([False, True, False, False, False, False])
    levels, codes = coded(Extra(rows, missing))
    assert [levels[code] for code in codes] == ["a", None, "b", "a", "ä", ""]
    numbers = Extra(np.array([1.0, 0.5, np.nan, 1.0]), np.array([False, False, True, False]))
    levels, codes = coded(numbers)
    assert [levels[code] for code in codes] == [1, 0.5, None, 1]
    large = Extra(np.array([2**60, 2**60 + 1]), np.zeros(2, dtype=bool))
    assert coded(large)[0] == [2**60, 2**60 + 1]


def test_levels_grow_as_they_merge() -> None:
    rows = batch(np.zeros(6), np.zeros(6))
    rows.extras["x"] = Extra(np.array([1.0, 2, 3, 4, 5, np.nan]), np.arange(6) == 5)
    for most in (2, 9):
        spec = Levels(Coded("x"), most)
        once = spec.make(rows)
        assert spec.grow(once, rows).to_json() == once.merge(spec.make(rows)).to_json()
        assert (once.count, once.missing, once.overfull) == (5, 1, most == 2)


def test_too_many_groups_are_an_error_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cuts, "MOST", 100)
    with pytest.raises(DataError, match=r"more than 100 different values.*bin\(height,5\)"):
        parts(plan(tmp_path, data(), ["height"], block_rows=30))


def test_means_of_constants() -> None:
    one = SumsState(count=40, nonzero=40, a=40 << 5000, b=40 << 5000, aa=40 << 5000,
                    ab=40 << 5000, bb=40 << 5000, moments=True)  # fmt: skip
    none = SumsState(count=40, nonzero=40, b=40 << 5000, bb=40 << 5000, moments=True)
    same, other = compare(one, one), compare(one, none)
    assert same is not None and (same.difference, same.p) == (0.0, 1.0)
    assert other is not None and (other.difference, other.p) == (1.0, 0.0)
    assert compare(one, SumsState(moments=True)) is None


# --- the change between two files -------------------------------------------------------------


def change(tmp_path: Path, before: pd.DataFrame, after: pd.DataFrame, by: str) -> Report:
    frames = {}
    for name, frame in (("before", before), ("after", after)):
        (tmp_path / name).mkdir(exist_ok=True)
        frames[name] = plan(tmp_path / name, frame, [by])
    return slices_plan(frames["after"], against=frames["before"])


@pytest.mark.parametrize("by", ["region", "bin(height,4)"])
def test_mix_and_within_sum_to_the_change(tmp_path: Path, by: str) -> None:
    before, after = data(0), data(1, 300)
    after.loc[after.index % 4 == 0, "region"] = "new"
    before.loc[before.index % 9 == 0, "region"] = "old"
    report = change(tmp_path, before, after, by)
    found = next(part for part in report.parts if part.name == f"mix {by}").data
    means = [((one["pred"] - one["target"]) ** 2).mean() for one in (before, after)]
    assert [found["before"], found["after"]] == pytest.approx(means)
    assert found["mix"] + found["within"] == pytest.approx(found["change"])
    for kind in ("mix", "within"):
        assert sum(group[kind] for group in found["groups"]) == pytest.approx(found[kind])
    if by == "region":
        own = {group["group"]: group for group in found["groups"]}
        assert own["new"]["share_before"] == 0.0 and own["new"]["within"] == 0.0
        assert own["old"]["share_after"] == 0.0 and own["old"]["after"] is None
        rows = own["south"]
        share = [rows["share_before"], rows["share_after"]]
        mean = [rows["before"], rows["after"]]
        assert rows["mix"] == pytest.approx((share[1] - share[0]) * sum(mean) / 2)
        assert rows["within"] == pytest.approx((mean[1] - mean[0]) * sum(share) / 2)


def test_only_the_mix_changes_where_the_model_does_not(tmp_path: Path) -> None:
    rows = pd.DataFrame({"pred": [1.0, 3.0], "target": 0.0, "region": ["a", "b"]})
    before = rows.loc[[0] * 8 + [1] * 2]
    after = rows.loc[[0] * 5 + [1] * 5]
    report = change(tmp_path, before, after, "region")
    assert report.finding == (
        "MSE +2.4 (from 2.6 to 5): +2.4 from the mix of region, +0 from within its groups."
    )
    assert change(tmp_path, before, before, "region").finding == "MSE is the same in both: 2.6."


@given(
    st.lists(st.tuples(*[st.integers(0, 9), st.floats(-5, 5)] * 2), min_size=1, max_size=6).filter(
        lambda rows: sum(row[0] for row in rows) and sum(row[2] for row in rows)
    )
)
def test_kitagawa_is_exact(rows: list[Any]) -> None:
    n0, m0, n1, m1 = (list(column) for column in zip(*rows, strict=True))
    made = kitagawa(n0, m0, n1, m1)
    w0, w1 = ([Fraction(n, sum(ns)) for n in ns] for ns in (n0, n1))
    mix = Fraction(0)
    for n, old, new, first, second in zip(rows, w0, w1, m0, m1, strict=True):
        first, second = (first if n[0] else second), (second if n[2] else first)
        mix += (new - old) * (Fraction(first) + Fraction(second)) / 2
    assert made["mix_effect"] == float(mix)
    assert made["mix_effect"] + made["rate_effect"] == pytest.approx(made["change"], abs=1e-12)


def test_kitagawa_refuses_what_it_cannot_split() -> None:
    with pytest.raises(DataError, match="count_after must be 0 or more"):
        kitagawa([1.0], [1.0], [0.0], [1.0])
    with pytest.raises(DataError, match="1, 2, 1, 1 groups"):
        kitagawa([1.0], [1.0, 2.0], [1.0], [1.0])


def test_the_command_and_eval_say_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    of = plan(tmp_path, data(), ["region"])
    given = [str(of.pred), "--pred-col", "pred", "--target-col", "target", "--by", "region"]
    assert command(["slices", *given, "-f", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert command(["eval", *given, "-f", "json"]) == 0
    assert (
        json.loads(capsys.readouterr().out)["parts"]["by region"]["groups"]
        == (told["parts"]["by region"]["groups"])
    )
    assert told["finding"].startswith("south makes ")
    assert command(["slices", *given, "--top", "1", "-f", "tsv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("by\tgroup\trows\tof_rows\t") and lines[1].startswith(
        "region\tsouth"
    )
    assert len(lines) == 2
    assert command(["slices", str(of.pred), "--pred-col", "pred", "--target-col", "target"]) == 2
    assert "--by region, or --find" in capsys.readouterr().err


def test_what_is_missing_in_the_question_is_said() -> None:
    with pytest.raises(UsageError, match=r"how many bins.*'bin\(temp,5\)'"):
        groupings(["bin(temp)"])


def test_against_asks_for_by(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    of = plan(tmp_path, data(rows=40), [])
    given = ["slices", str(of.pred), "--pred-col", "pred", "--target-col", "target"]
    assert command([*given, "--find", "--against", str(of.pred)]) == 2
    assert "--against splits a change by groups, and --by names none" in capsys.readouterr().err


def test_a_grouping_is_what_it_was_parsed_from() -> None:
    assert [str(one) for one in groupings(["a", "bin(a, 3)", "a"])] == ["a", "bin(a,3)"]
    assert Grouping("a").bins is None
