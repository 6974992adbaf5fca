"""States of parts of the rows: joined in any order they are those of one run, to the last byte."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import lossctl
from lossctl.errors import DataError, UsageError
from lossctl.gate import check_plan, check_state
from lossctl.gates.baseline import baseline_of
from lossctl.gates.requirement import parse
from lossctl.gates.rules import Rules
from lossctl.plan import Plan
from lossctl.report import Report
from lossctl.run import evaluate_plan
from lossctl.shards.file import SchemaError, read
from lossctl.shards.report import merge_states
from tests.samples import SAMPLES

PARTS = 7


def frame(count: int = 300, seed: int = 0) -> pd.DataFrame:
    """Predictions and targets of sizes of many powers of ten, so that sums would round."""
    rng = np.random.default_rng(seed)
    scale = 10.0 ** rng.integers(-3, 4, count)
    target = scale * rng.normal(size=count)
    return pd.DataFrame({
        "id": [f"row {n}-{'x' * (n % 5)}" for n in range(count)],
        "target": target,
        "pred": target + scale * rng.normal(size=count),
        "other": target + scale * rng.normal(size=count) * 1.02,
        "weight": rng.choice([0.0, 0.5, 1.0, 2.0], count),
        "region": rng.choice(["EU", "US"], count),
        "age": rng.integers(20, 80, count),
    })  # fmt: skip


def plan_of(path: Path, **how: Any) -> Plan:
    plan = Plan(str(path), pred_col="pred", target_col="target", keep_state=True)
    return replace(plan, **how)


def written(data: pd.DataFrame, path: Path) -> Path:
    data.to_parquet(path) if path.suffix == ".parquet" else data.to_csv(path, index=False)
    return path


def states(
    data: pd.DataFrame, folder: Path, parts: int, *, by_ids: bool, **how: Any
) -> list[tuple[str, str]]:
    """The state of every part, by name."""
    made = []
    for number, places in enumerate(np.array_split(np.arange(len(data)), parts)):
        path = written(data.iloc[places], folder / f"part-{number}-of-{parts}.csv")
        own = {"id_col": "id"} if by_ids else {"first_row": int(places[0])}
        report = evaluate_plan(plan_of(path, **own, **how))
        assert report.state is not None
        made.append((f"{number}.state", report.state))
    return made


def merged(parts: list[tuple[str, str]]) -> Report:
    return merge_states([(name, read(text, name)) for name, text in parts])


HOW: dict[str, dict[str, Any]] = {
    "default": {},
    "weighted": {"weight_col": "weight"},
    "filtered": {"where": ("age >= 30",)},
    "losses": {"losses": ("mae", "rmse", "wape", "r2", "huber:delta=2", "max_error", "l2_norm",
                          "explained_variance", "pinball:quantile=0.9")},
}  # fmt: skip


@pytest.mark.parametrize("by_ids", [False, True])
@pytest.mark.parametrize("count", [50, 300, 3000])
@pytest.mark.parametrize("how", HOW)
def test_parts_in_any_order_are_one_run(tmp_path: Path, how: str, count: int, by_ids: bool) -> None:
    data = frame(count)
    one = states(data, tmp_path, 1, by_ids=by_ids, **HOW[how])[0][1]
    parts = states(data, tmp_path, PARTS, by_ids=by_ids, **HOW[how])
    orders = [parts, parts[::-1], parts[3:] + parts[:3], parts[::2] + parts[1::2]]
    for order in orders:
        assert merged(order).state == one
    assert merged([("one", one)]).state == one
    # Joined pairwise, too.
    half = [("a", merged(parts[:4]).state or ""), ("b", merged(parts[4:]).state or "")]
    assert merged(half[::-1]).state == one
    first, second = merged(parts), merged([("one", one)])
    assert first.losses == second.losses
    assert replace(first, inputs={}) == replace(second, inputs={})


def test_all_orders_of_seven_parts(tmp_path: Path) -> None:
    parts = states(frame(70), tmp_path, PARTS, by_ids=False, losses=("mae", "rmse"))
    texts = {name: read(text, name) for name, text in parts}
    one = states(frame(70), tmp_path, 1, by_ids=False, losses=("mae", "rmse"))[0][1]
    for order in itertools.islice(itertools.permutations(texts), 0, None, 97):
        assert merge_states([(name, texts[name]) for name in order]).state == one


def test_blocks_and_formats_change_no_byte(tmp_path: Path) -> None:
    data = frame(200)
    texts = set()
    for path, rows in itertools.product(
        (tmp_path / "a.csv", tmp_path / "a.parquet"), (1, 64, None)
    ):
        report = evaluate_plan(plan_of(written(data, path), block_rows=rows))
        texts.add(report.state)
    assert len(texts) == 1


@pytest.mark.parametrize("how", HOW)
def test_a_state_says_what_eval_says(tmp_path: Path, how: str) -> None:
    data = frame(500)
    report = evaluate_plan(plan_of(written(data, tmp_path / "a.csv"), **HOW[how]))
    assert report.state is not None
    again = merged([("a", report.state)])
    assert again.signature == report.signature
    assert again.rows == report.rows
    for ours, theirs in zip(again.losses, report.losses, strict=True):
        if ours.name == "median_absolute_error":
            assert (ours.status, ours.value) == ("not_applicable", None)
            continue
        assert (ours.value, ours.status, ours.n, ours.worst) == (
            theirs.value, theirs.status, theirs.n, theirs.worst,
        )  # fmt: skip
        if ours.interval is not None and theirs.interval is not None:
            assert ours.interval["low"] == theirs.interval["low"]
            assert ours.interval["high"] == theirs.interval["high"]
        assert (ours.interval is None) == (
            theirs.interval is None or ours.name in ("r2", "explained_variance")
        )
    if report.worst is not None:
        assert again.worst is not None
        assert [row.row for row in again.worst.rows] == [row.row for row in report.worst.rows]
        assert [row.shares for row in again.worst.rows] == [r.shares for r in report.worst.rows]


@pytest.mark.parametrize(
    ("folder", "pred", "target", "how"),
    [
        ("multiclass", "forest.csv", "target.csv", {}),
        ("binary", "boosting.csv", "target.csv", {"task": "binary"}),
    ],
)
def test_other_tasks_join_too(
    tmp_path: Path, folder: str, pred: str, target: str, how: dict[str, Any]
) -> None:
    """Probabilities and labels: parts of two files."""
    sides = {name: pd.read_csv(SAMPLES / folder / name) for name in (pred, target)}
    texts = []
    for parts in (1, PARTS):
        for number, places in enumerate(np.array_split(np.arange(len(sides[pred])), parts)):
            paths = [written(side.iloc[places], tmp_path / f"{parts}-{number}-{name}")
                     for name, side in sides.items()]  # fmt: skip
            plan = Plan(str(paths[0]), str(paths[1]), keep_state=True, first_row=int(places[0]))
            report = evaluate_plan(replace(plan, **how))
            assert report.state is not None
            texts.append((f"{parts}-{number}", report.state))
    one = texts.pop(0)[1]
    assert merged(texts).state == one
    assert merged(texts[::-1]).losses == merged([("one", one)]).losses


# --- what does not go together ----------------------------------------------------------------


def test_rows_that_two_parts_share_are_refused(tmp_path: Path) -> None:
    parts = states(frame(70), tmp_path, PARTS, by_ids=False, losses=("mae",))
    with pytest.raises(DataError, match=r"row #20 is in two states; --first-row"):
        merged([*parts, parts[2]])
    unnumbered = [
        (name, evaluate_plan(plan_of(tmp_path / f"part-{n}-of-7.csv", losses=("mae",))).state or "")
        for n, (name, _) in enumerate(parts)
    ]
    with pytest.raises(DataError, match=r"1\.state does not go with 0\.state: row #0 is in two"):
        merged(unnumbered)
    named = states(frame(70), tmp_path, PARTS, by_ids=True, losses=("mae",))
    with pytest.raises(DataError, match="the same rows"):
        merged([named[0], named[0]])


@pytest.mark.parametrize(
    "how",
    [{"losses": ("rmse",)}, {"losses": ("mae",), "nan": "drop"}, {"losses": ("mae",),
     "where": ("age > 3",)}, {"losses": ("mae",), "weight_col": "weight"}],
)  # fmt: skip
def test_states_that_were_made_otherwise_are_refused(tmp_path: Path, how: dict[str, Any]) -> None:
    first, second = np.array_split(np.arange(60), 2)
    data = frame(60)
    one = evaluate_plan(plan_of(written(data.iloc[first], tmp_path / "a.csv"), losses=("mae",)))
    two = evaluate_plan(
        plan_of(written(data.iloc[second], tmp_path / "b.csv"), first_row=30, **how)
    )
    assert one.state is not None and two.state is not None
    with pytest.raises(DataError, match="were made by another"):
        merged([("a", one.state), ("b", two.state)])


def test_what_cannot_be_a_state(tmp_path: Path) -> None:
    path = written(frame(20), tmp_path / "a.csv")
    with pytest.raises(UsageError, match="--id-col id names them"):
        evaluate_plan(Plan(str(path), str(path), keep_state=True, on=("id",), pred_col="pred",
                           target_col="target"))  # fmt: skip
    with pytest.raises(UsageError, match="--like is not kept"):
        evaluate_plan(plan_of(path, like=("torch",), losses=("mae",)))
    with pytest.raises(UsageError, match="no states are given"):
        merge_states([])


def test_a_damaged_state_is_a_data_error(tmp_path: Path) -> None:
    data = frame(40)
    text = evaluate_plan(plan_of(written(data, tmp_path / "a.csv"), losses=("mae", "r2"))).state
    assert text is not None
    assert read(text, "a").to_json() == text
    for cut in range(0, len(text) - 2, 997):
        with pytest.raises(DataError, match="damaged"):
            read(text[:cut], "a")
    for old, new in (
        ('"count": 40', '"count": "many"'), ('"mae"', '"maee"'), ('"sums"', '"summs"'),
        ('"lossctl_state": 1', '"lossctl_state": NaN'), ('"weighted": false', '"weighted": {}'),
        ('"losses": [\n', '"losses": 3, "more": [\n'), ('"parts"', '"part"'),
    ):  # fmt: skip
        assert old in text, old
        with pytest.raises(DataError, match="damaged"):
            read(text.replace(old, new), "a")
    for place in range(0, len(text), 331):
        with pytest.raises(DataError):
            read(text[:place] + chr(ord(text[place]) ^ 1) + text[place + 1 :], "a")
    with pytest.raises(SchemaError, match="schema 2, and this lossctl reads 1"):
        read(text.replace('"lossctl_state": 1', '"lossctl_state": 2'), "a")


# --- as candidate and as baseline -------------------------------------------------------------

REQUIRED = ("mae <= 1e9", "rmse <= 1", "increase(mae) <= 2%", "increase(rmse) <= 5%",
            "increase(huber:delta=2) <= 0.1", "increase(bias) <= 3", "rows >= 10",
            "abs(bias) <= 100", "dropped <= 0", "max(mae) <= 1")  # fmt: skip


def rules(*texts: str) -> Rules:
    return Rules(tuple(map(parse, texts or REQUIRED)))


@pytest.mark.parametrize("by_ids", [False, True])
@pytest.mark.parametrize("count", [200, 20_000])
def test_states_decide_as_predictions_do(tmp_path: Path, count: int, by_ids: bool) -> None:
    """Of up to 1,024 rows with the same digits; of more the buckets know the error to 2 %."""
    path = written(frame(count), tmp_path / "a.csv")
    own = {"id_col": "id"} if by_ids else {}
    losses = ("mae", "rmse", "huber:delta=2", "bias")
    texts = {}
    for column in ("pred", "other"):
        report = evaluate_plan(plan_of(path, pred_col=column, losses=losses, **own))
        assert report.state is not None
        texts[column] = report.state
        (tmp_path / f"{column}.state").write_text(report.state)
    plan = plan_of(path, keep_state=False, pred_col="other", **own)
    direct = check_plan(plan, rules=rules(), baseline=baseline_of(f"{path}:pred"))
    over = check_plan(plan, rules=rules(), baseline=baseline_of(str(tmp_path / "pred.state")))
    apart = check_state(read(texts["other"], "other"), "other.state", rules=rules(),
                        baseline=baseline_of(str(tmp_path / "pred.state")))  # fmt: skip
    assert direct.gate is not None and over.gate is not None and apart.gate is not None
    near = 1e-9 if count < 1024 else 0.08
    for one, *others in zip(direct.gate.checks, over.gate.checks, apart.gate.checks, strict=True):
        for other in others:
            assert other.value == pytest.approx(one.value, rel=1e-12), one.requirement
            if one.decides is not None:
                assert other.decides == pytest.approx(one.decides, rel=near), one.requirement
            if one.outcome != other.outcome:  # a few rows decide: the tails are not in a state
                assert one.requirement.startswith("increase")
                assert "heavy tail" in one.why or "err alike" in one.why
    assert over.gate.checks == apart.gate.checks or by_ids


def test_a_report_is_a_baseline_whose_errors_are_independent(tmp_path: Path) -> None:
    data = frame(400)
    path = written(data, tmp_path / "a.csv")
    report = evaluate_plan(plan_of(path, keep_state=False, digest_targets=True,
                                   losses=("mae", "rmse", "r2", "bias", "median_ae")))  # fmt: skip
    (tmp_path / "base.json").write_text(report.to_json())
    base = baseline_of(str(tmp_path / "base.json"))
    plan = plan_of(path, keep_state=False, pred_col="other")
    texts = ("increase(mae) <= 2%", "increase(rmse) <= 2%", "increase(r2) <= 0.1",
             "increase(median_ae) <= 2%", "regressed_rows(mae) <= 3",
             "increase(mse) <= 2%")  # fmt: skip
    found = check_plan(plan, rules=rules(*texts), baseline=base)
    direct = check_plan(plan, rules=rules(*texts), baseline=baseline_of(f"{path}:pred"))
    assert found.gate is not None and direct.gate is not None
    checks, paired = found.gate.checks, direct.gate.checks
    for ours, theirs in zip(checks[:3], paired[:3], strict=True):
        assert ours.value == pytest.approx(theirs.value, rel=1e-9)
        assert ours.decides is not None and theirs.decides is not None
        assert ours.decides > theirs.decides
    e, f = (np.abs(data[name] - data.target).to_numpy() for name in ("pred", "other"))
    gap, margin = f.mean() - e.mean(), 0.02
    u = gap - margin * e.mean()
    error = np.sqrt(f.var(ddof=1) + (1 + margin) ** 2 * e.var(ddof=1)) / 20
    from scipy import stats

    assert checks[0].p == pytest.approx(stats.t.sf(u / error, 399), rel=1e-8)
    assert checks[3].outcome in ("met", "undecided")
    assert checks[4].outcome == "undecided" and "give the baseline's predictions" in checks[4].why
    assert checks[5].outcome == "undecided" and "the baseline has no mse" in checks[5].why


def test_other_targets_are_not_comparable(tmp_path: Path) -> None:
    data = frame(100)
    path = written(data, tmp_path / "a.csv")
    texts = ("increase(mae) <= 1e9%", "increase(mae)@region=EU <= 1e9%", "mae <= 1e9")
    bases = {}
    for name, changed in {
        "same": data, "changed": data.assign(target=data.target + (data.index == 3)),
        "fewer": data.iloc[:99], "shuffled": data.iloc[::-1], "weighed": data,
    }.items():  # fmt: skip
        other = written(changed, tmp_path / f"{name}.csv")
        how = {"weight_col": "weight"} if name == "weighed" else {}
        report = evaluate_plan(plan_of(other, losses=("mae",), digest_targets=True, **how))
        (tmp_path / f"{name}.state").write_text(report.state or "")
        (tmp_path / f"{name}.json").write_text(report.to_json())
        bases[name] = report
    plan = plan_of(path, keep_state=False, pred_col="other")
    for name in bases:
        for kind in ("state", "json"):
            base = baseline_of(str(tmp_path / f"{name}.{kind}"))
            gate = check_plan(plan, rules=rules(*texts), baseline=base).gate
            assert gate is not None
            outcomes = [check.outcome for check in gate.checks]
            comparable = name == "same" or (name == "shuffled" and kind == "json")
            assert outcomes == ["met" if comparable else "undecided", "undecided", "met"], name
            assert gate.status == 4
            if name in ("changed", "fewer", "weighed"):
                assert "the targets changed" in gate.checks[0].why


def test_slices_live_in_the_states_of_check(tmp_path: Path) -> None:
    data = frame(210)
    texts = ("mae@region=EU <= 1", "increase(mae)@age>=50&region=US <= 3%", "rows@region=EU >= 9")
    one = None
    parts = []
    for count in (1, PARTS):
        for number, places in enumerate(np.array_split(np.arange(210), count)):
            path = written(data.iloc[places], tmp_path / f"p{count}-{number}.csv")
            plan = plan_of(path, first_row=int(places[0]), pred_col="other")
            missing = baseline_of("nowhere.state")
            report = check_plan(plan, rules=rules(*texts), baseline=missing)
            assert report.state is not None
            if count == 1:
                one = report.state
            else:
                parts.append((str(number), report.state))
    assert merged(parts).state == one
    assert one is not None
    base = check_plan(plan_of(tmp_path / "p1-0.csv", pred_col="pred"), rules=rules(*texts),
                      baseline=baseline_of("nowhere.state"))  # fmt: skip
    (tmp_path / "base.state").write_text(base.state or "")
    found = check_state(read(one, "one"), "one", rules=rules(*texts),
                        baseline=baseline_of(str(tmp_path / "base.state")))  # fmt: skip
    direct = lossctl.check(
        data[["other"]].rename(columns={"other": "pred"}), data[["target", "region", "age"]], texts,
        baseline=data[["pred"]],
    )  # fmt: skip
    assert found.gate is not None and direct.gate is not None
    for ours, theirs in zip(found.gate.checks, direct.gate.checks, strict=True):
        assert ours.value == pytest.approx(theirs.value, rel=1e-12)
        if theirs.decides is not None:
            assert ours.decides == pytest.approx(theirs.decides, rel=1e-9)
    with pytest.raises(UsageError, match="does not have the slice region=UE; it has age>=50"):
        check_state(read(one, "one"), "one", rules=rules("mae@region=UE <= 1"), baseline=None)
    with pytest.raises(UsageError, match="the state has no loss rmse; it has mae"):
        check_state(read(one, "one"), "one", rules=rules("rmse <= 1"), baseline=None)


def test_what_a_state_cannot_tell_is_undecided(tmp_path: Path) -> None:
    report = evaluate_plan(plan_of(written(frame(60), tmp_path / "a.csv")))
    texts = ("p95(mae) <= 1e9", "median(mae) <= 1e9", "min(mae) <= 1e9", "median_ae <= 1e9",
             "regressed_rows <= 1e9", "max(bias) <= 1e9")  # fmt: skip
    found = check_state(read(report.state or "", "a"), "a", rules=rules(*texts),
                        baseline=baseline_of(str(tmp_path / "a.csv")))  # fmt: skip
    assert found.gate is not None
    assert {check.outcome for check in found.gate.checks} == {"undecided"}
    assert found.gate.status == 4


def test_a_report_of_another_schema_says_so(tmp_path: Path) -> None:
    report = evaluate_plan(plan_of(written(frame(60), tmp_path / "a.csv"), digest_targets=True))
    data = report.to_dict()
    (tmp_path / "new.json").write_text(json.dumps(data | {"schema": 2}))
    found = baseline_of(str(tmp_path / "new.json"))
    assert found.missing is not None
    assert "schema 2, and this lossctl reads 1" in found.missing
    data["losses"][0]["added_later"] = 3
    (tmp_path / "later.json").write_text(json.dumps(data | {"further": 1}))
    assert baseline_of(str(tmp_path / "later.json")).report is not None
    for cut in range(1, len(report.to_json()) - 2, 499):
        (tmp_path / "cut.json").write_text(report.to_json()[: 20 + cut])
        with pytest.raises(DataError, match="damaged"):
            baseline_of(str(tmp_path / "cut.json"))
