"""What `check` decides: against plain formulas of NumPy and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

import lossctl
from lossctl.checks import Check
from lossctl.errors import DataError, UsageError
from lossctl.report import Report

Array = np.ndarray[Any, Any]


def data(count: int = 200, seed: int = 0) -> tuple[Array, Array, Array]:
    """A baseline's predictions, a candidate's that are a little worse, and targets."""
    rng = np.random.default_rng(seed)
    target = rng.normal(10.0, 3.0, count)
    noise = rng.normal(size=count)
    return target + noise, target + noise * 1.05 + rng.normal(size=count) * 0.3, target


def gate(
    requirements: Any, pred: Any, target: Any, baseline: Any = None, **how: Any
) -> tuple[list[Check], Report]:
    report = lossctl.check(pred, target, requirements, baseline=baseline, **how)
    assert report.gate is not None
    again = Report.from_dict(report.to_dict())
    assert again.gate == report.gate
    return list(report.gate.checks), report


def one(requirement: str, *given: Any, **how: Any) -> Check:
    return gate([requirement], *given, **how)[0][0]


# --- values -----------------------------------------------------------------------------------


def test_values_are_those_of_evaluate() -> None:
    _, pred, target = data()
    names = ["mae", "rmse", "r2", "median_ae", "max_error", "bias", "huber:delta=2"]
    checks, _ = gate([f"{name} <= 1e9" for name in names], pred, target)
    report = lossctl.evaluate(pred, target, names)
    assert [one.value for one in checks] == [report[name].value for name in names]
    assert {one.outcome for one in checks} == {"met"}
    for check, result in zip(checks, report.losses, strict=True):
        if result.interval is not None and check.interval is not None:
            assert check.interval["low"] == result.interval["low"]


@pytest.mark.parametrize("comparison", ["<", "<=", ">", ">="])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_a_limit_is_compared_to_the_last_bit(comparison: str, off: int) -> None:
    _, pred, target = data()
    value = lossctl.evaluate(pred, target, ["rmse"])["rmse"].value
    assert value is not None
    limit = value
    for _ in range(abs(off)):
        limit = math.nextafter(limit, math.copysign(math.inf, off))
    check = one(f"rmse {comparison} {limit!r}", pred, target)
    holds = {"<": value < limit, "<=": value <= limit, ">": value > limit, ">=": value >= limit}
    assert check.outcome == ("met" if holds[comparison] else "violated")
    assert (check.limit, check.value) == (limit, value)


@given(
    st.integers(1, 60), st.sampled_from([0.0, 1.0, 12.5, 50.0, 90.0, 95.0, 99.9, 100.0]),
    st.integers(0, 3),
)  # fmt: skip
def test_percentiles_are_numpys(count: int, percent: float, seed: int) -> None:
    _, pred, target = data(count, seed)
    check = one(f"p{percent:g}(mae) <= 1e9", pred, target)
    assert check.value == pytest.approx(np.percentile(np.abs(pred - target), percent), rel=1e-14)


def test_statistics_of_rows_leave_out_what_weighs_nothing() -> None:
    _, pred, target = data(60)
    pred[:5] += 1000.0
    weight = np.where(np.arange(60) < 5, 0.0, 2.0)
    size = np.abs(pred - target)[5:]
    requirements = ["max(mae) <= 1", "median(mae) <= 1", "min(mae) <= 1", "p90(mse) <= 1"]
    checks, _ = gate(requirements, pred, target, weight=weight)
    expected = [size.max(), np.median(size), size.min(), np.percentile(size**2, 90)]
    assert [check.value for check in checks] == pytest.approx(expected, rel=1e-13)


def test_slices_are_the_rows_of_pandas() -> None:
    _, pred, target = data(300)
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({
        "target": target, "region": rng.choice(["EU", "US", "a & b"], 300),
        "age": rng.integers(20, 80, 300),
    })  # fmt: skip
    frame.loc[7, "region"] = None
    error = np.abs(pred - target)
    eu, old, both = frame.region == "EU", frame.age >= 50, frame.region == "a & b"
    cases = {
        "mae@region=EU <= 9": error[eu].mean(),
        "mae@age>=50 <= 9": error[old].mean(),
        "mae@region=EU&age>=50 <= 9": error[eu & old].mean(),
        "mae@region='a & b' <= 9": error[both].mean(),
        "mae@region!=EU <= 9": error[~eu & frame.region.notna()].mean(),
        "rmse@age<30 <= 9": np.sqrt((error[frame.age < 30] ** 2).mean()),
        "p95(mae)@region=US <= 9": np.percentile(error[frame.region == "US"], 95),
        "median_ae@region=EU <= 9": np.median(error[eu]),
        "max_error@region=EU <= 9": error[eu].max(),
        "rows@region=EU >= 10": eu.sum(),
        "abs(bias)@age=33 <= 9": abs((pred - target)[frame.age == 33].mean()),
    }
    checks, _ = gate(list(cases), pd.DataFrame({"pred": pred}), frame)
    for check, expected in zip(checks, cases.values(), strict=True):
        assert check.value == pytest.approx(expected, rel=1e-13), check.requirement
        assert check.outcome == "met"


@pytest.mark.parametrize("rows", [1, 7, 64, 300])
def test_blocks_change_nothing(rows: int) -> None:
    first, pred, target = data(300)
    frame = pd.DataFrame({"target": target, "part": np.arange(300) // 10 % 7})
    requirements = ["rmse <= 1", "p95(mae)@part=3 <= 1", "increase(mae)@part=0 <= 2%",
                    "increase(rmse) <= 2%", "regressed_rows(mae) <= 3", "median_ae@part=6 < 1",
                    "rows@part=2 >= 1", "r2@part=1 > 0"]  # fmt: skip
    how = {"baseline": pd.DataFrame({"pred": first})}
    pred_frame = pd.DataFrame({"pred": pred})
    whole, _ = gate(requirements, pred_frame, frame, **how)
    assert gate(requirements, pred_frame, frame, **how, block_rows=rows)[0] == whole


# --- undecided --------------------------------------------------------------------------------


def test_a_slice_without_rows_is_undecided_and_says_which_there_are() -> None:
    _, pred, target = data(20)
    frame = pd.DataFrame({"target": target, "region": ["EU", "US"] * 10})
    pred_frame = pd.DataFrame({"pred": pred})
    quantities = ["mae", "r2", "median_ae", "max_error", "p95(mae)", "max(mae)", "bias"]
    checks, report = gate([f"{q}@region=UE <= 9" for q in quantities], pred_frame, frame)
    assert {check.outcome for check in checks} == {"undecided"}
    assert all("region is 'EU', 'US'" in check.why for check in checks)
    assert report.gate is not None
    assert report.gate.status == 4
    checks, _ = gate(["increase(mae)@region=UE <= 5%", "regressed_rows@region=UE <= 1"],
                     pred_frame, frame, pred_frame)  # fmt: skip
    assert {check.outcome for check in checks} == {"undecided"}


def test_too_few_rows_are_undecided() -> None:
    _, pred, target = data(20)
    assert one("rows >= 20", pred, target).outcome == "met"
    check = one("rows >= 21", pred, target)
    assert (check.outcome, check.why) == ("undecided", "20 rows: too few to judge")


def test_a_value_that_is_none_is_undecided() -> None:
    checks, report = gate(["max(mape) < 3", "mape < 3", "mae < 3"], [1.0, 2.0], [0.0, 0.0])
    assert [check.outcome for check in checks] == ["undecided", "undecided", "met"]
    assert [check.value for check in checks][:2] == [None, None]
    assert "infinite" in checks[0].why and "infinite" in checks[1].why
    assert report.gate is not None
    assert report.gate.status == 4
    for how in ({"allow_undecided": True}, {"naive": True}):
        assert gate(["mape < 3"], [1.0, 2.0], [0.0, 0.0], **how)[1].gate.status == 4  # type: ignore[union-attr]  # it is one


def test_undecided_comes_before_violated() -> None:
    _, report = gate(["mape < 1", "mae < 0.1"], [1.0, 2.0], [0.0, 0.0])
    assert report.gate is not None
    assert (report.gate.outcome, report.gate.status) == ("undecided", 4)
    assert any(note.code == "violated" and note.warning for note in report.notes)


# --- against a baseline -----------------------------------------------------------------------


def expected_fieller(base: Array, cand: Array, confidence: float = 0.95) -> tuple[float, float]:
    """Fieller's interval of mean(cand) / mean(base) - 1, as textbooks have it."""
    n = base.size
    t = stats.t.ppf(0.5 + confidence / 2, n - 1)
    cov = np.cov(np.array([base, cand])) / n
    a, b, c = (
        base.mean() ** 2 - t**2 * cov[0, 0],
        base.mean() * cand.mean() - t**2 * cov[0, 1],
        cand.mean() ** 2 - t**2 * cov[1, 1],
    )
    root = math.sqrt(b * b - a * c)
    return (b - root) / a - 1, (b + root) / a - 1


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_the_ratio_of_means_has_fiellers_interval(confidence: float) -> None:
    first, pred, target = data()
    check = one("increase(mae) <= 2%", pred, target, first, confidence=confidence)
    base, cand = np.abs(first - target), np.abs(pred - target)
    assert check.value == pytest.approx(cand.mean() / base.mean() - 1, rel=1e-12)
    assert check.interval is not None
    ends = check.interval["low"], check.interval["high"]
    assert ends == pytest.approx(expected_fieller(base, cand, confidence), abs=1e-11)
    assert check.decides == pytest.approx((ends[1] - ends[0]) / 2, rel=1e-12)
    u = cand - 1.02 * base
    p = stats.ttest_1samp(u, 0.0, alternative="greater").pvalue
    assert check.p == pytest.approx(p, rel=1e-9)


def test_a_root_mean_is_judged_by_its_squares() -> None:
    first, pred, target = data()
    check = one("increase(rmse) <= 2%", pred, target, first)
    base, cand = (first - target) ** 2, (pred - target) ** 2
    low, high = (math.sqrt(1 + end) - 1 for end in expected_fieller(base, cand))
    assert check.value == pytest.approx(math.sqrt(cand.mean() / base.mean()) - 1, rel=1e-12)
    assert check.interval is not None
    assert (check.interval["low"], check.interval["high"]) == pytest.approx((low, high), abs=1e-11)
    u = cand - 1.02**2 * base
    p = stats.ttest_1samp(u, 0.0, alternative="greater").pvalue
    assert check.p == pytest.approx(p, rel=1e-9)


def test_an_exponential_is_judged_by_its_logarithm() -> None:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 400)
    first, second = rng.dirichlet([1, 1, 1], 400), rng.dirichlet([1.2, 1, 1], 400)
    check = one("increase(ppl) <= 10%", second, label, first, task="multiclass")
    rows = np.arange(400)
    base, cand = -np.log(first[rows, label]), -np.log(second[rows, label])
    d = cand - base
    error = d.std(ddof=1) / 20
    t = stats.t.ppf(0.975, 399)
    ends = [math.expm1(d.mean() - t * error), math.expm1(d.mean() + t * error)]
    assert check.value == pytest.approx(math.expm1(d.mean()), rel=1e-9)
    assert check.interval is not None
    assert [check.interval["low"], check.interval["high"]] == pytest.approx(ends, rel=1e-8)
    p = stats.ttest_1samp(d - math.log1p(0.1), 0.0, alternative="greater").pvalue
    assert check.p == pytest.approx(p, rel=1e-7)


@pytest.mark.parametrize("loss", ["mae", "rmse", "r2", "bias", "huber:delta=2"])
def test_a_margin_in_the_losss_own_unit_has_the_interval_of_compare(loss: str) -> None:
    first, pred, target = data()
    check = one(f"increase({loss}) <= 0.05", pred, target, first)
    record = lossctl.compare({"a": first, "b": pred}, target, [loss]).records()[1]
    assert check.interval is not None and check.value is not None
    sign = -1 if loss == "r2" else 1
    ends = sorted([sign * record["low"], sign * record["high"]])
    assert check.value == pytest.approx(sign * record["difference"], rel=1e-9)
    assert [check.interval["low"], check.interval["high"]] == pytest.approx(ends, rel=1e-9)


def test_within_a_slice_the_interval_is_that_of_its_rows() -> None:
    first, pred, target = data(300)
    part = np.arange(300) % 3
    frame = pd.DataFrame({"target": target, "part": part})
    own = part == 1
    sliced = one("increase(rmse)@part=1 <= 2%", pd.DataFrame({"pred": pred}), frame,
                 pd.DataFrame({"pred": first}))  # fmt: skip
    alone = one("increase(rmse) <= 2%", pred[own], target[own], first[own])
    assert (sliced.value, sliced.interval, sliced.p) == (alone.value, alone.interval, alone.p)


def test_clusters_widen_the_interval() -> None:
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(60), 8)
    target = rng.normal(size=480)
    shared = rng.normal(size=60)[group]
    first, pred = target + rng.normal(size=480), target + rng.normal(size=480) + 0.6 * shared
    alone = one("increase(mae) <= 5%", pred, target, first)
    grouped = one("increase(mae) <= 5%", pred, target, first, cluster=group)
    base, cand = np.abs(first - target), np.abs(pred - target)
    gap = cand - 1.05 * base
    sums = np.bincount(group, gap - gap.mean())
    error = math.sqrt(60 / 59 * (sums**2).sum()) / 480
    assert grouped.p == pytest.approx(stats.t.sf(gap.mean() / error, 59), rel=1e-9)
    assert alone.value == grouped.value
    assert alone.decides != grouped.decides


@pytest.mark.parametrize("margin", [-20, -10, -3, 0, 1, 3, 5, 7, 9, 12, 30])
@pytest.mark.parametrize("seed", range(4))
def test_the_three_outcomes(margin: int, seed: int) -> None:
    """By where the value and the ends of the interval lie."""
    first, pred, target = data(150, seed)
    text = f"increase(mae) <= {margin}%"
    check = one(text, pred, target, first)
    assert check.interval is not None and check.value is not None
    low, high, limit = check.interval["low"], check.interval["high"], margin / 100
    if check.value > limit:
        assert check.outcome == ("violated" if low > limit else "undecided")
        assert check.noise == (check.outcome == "undecided")
    else:
        assert check.outcome == "met"
        assert check.shown == (high <= limit)
    strict = one(text, pred, target, first, strict=True)
    assert strict.outcome == (
        "undecided" if check.outcome == "met" and not check.shown else check.outcome
    )
    naive = one(text, pred, target, first, naive=True)
    assert naive.outcome == ("met" if check.value <= limit else "violated")
    allowed = gate([text], pred, target, first, allow_undecided=True)[1].gate
    assert allowed is not None
    assert allowed.status == (1 if check.outcome == "violated" else 0)


def test_all_outcomes_are_seen_above() -> None:
    seen = set()
    for margin in (-20, 3, 5, 7, 9, 30):
        for seed in range(4):
            first, pred, target = data(150, seed)
            check = one(f"increase(mae) <= {margin}%", pred, target, first)
            seen.add((check.outcome, check.shown))
    assert seen >= {("violated", None), ("undecided", None), ("met", True)}


def test_many_margins_are_corrected() -> None:
    """A p-value that is enough alone is not among many: false alarms of a build stay rare."""
    first, pred, target = data(150, 1)
    base, cand = np.abs(first - target), np.abs(pred - target)

    def p(margin: float) -> float:
        return float(
            stats.ttest_1samp(cand - (1 + margin) * base, 0.0, alternative="greater").pvalue
        )

    margin = next(m / 1e4 for m in range(2000) if p(m / 1e4) > 0.02)
    text = f"increase(mae) <= {margin * 100:.2f}%"
    assert one(text, pred, target, first).outcome == "violated"
    harmless = [f"increase(huber:delta={k}) <= 90%" for k in range(1, 4)]
    checks, _ = gate([text, *harmless], pred, target, first)
    assert [check.outcome for check in checks] == ["undecided", "met", "met", "met"]
    assert "among so many margins" in checks[0].why
    pair, _ = gate([text, harmless[0]], pred, target, first)  # 2.5 % each: still 5 % together
    assert pair[0].outcome == "violated"


def test_equal_models_are_met_and_shown() -> None:
    _, pred, target = data(50)
    check = one("increase(mae) <= 0%", pred, target, pred, strict=True)
    assert (check.outcome, check.value, check.shown) == ("met", 0.0, True)
    assert one("increase(mae) <= -1%", pred, target, pred).outcome == "violated"


def test_few_rows_are_not_judged() -> None:
    first, pred, target = data(29)
    check = one("increase(mae) <= 0%", pred + 50.0, target, first)
    assert (check.outcome, check.noise) == ("undecided", True)
    assert "29 rows are too few to judge" in check.why
    better = one("increase(mae) <= 2%", target, target, first)
    assert (better.outcome, better.shown) == ("met", False)


def test_a_few_wild_rows_do_not_make_a_regression() -> None:
    first, _, target = data(400)
    pred = first.copy()
    pred[:2] += 500.0
    check = one("increase(mae) <= 2%", pred, target, first)
    assert check.outcome == "undecided"
    assert "a few rows make nearly all of the difference; worst #" in check.why


def test_a_perfect_baseline_is_no_unit() -> None:
    _, pred, target = data(100)
    check = one("increase(mae) <= 2%", pred, target, target)
    assert (check.value, check.outcome) == (None, "violated")
    assert "and baseline's is 0" in check.why
    assert one("increase(mae) <= 2%", target, target, target).outcome == "met"


def test_losses_without_a_spread_are_met_or_undecided() -> None:
    first, pred, target = data(100)
    median = np.median(np.abs(pred - target)) / np.median(np.abs(first - target)) - 1
    over = one(f"increase(median_ae) <= {100 * (median - 0.01):.3f}%", pred, target, first)
    assert (over.outcome, over.value) == ("undecided", pytest.approx(median))
    under = one(f"increase(median_ae) <= {100 * (median + 0.01):.3f}%", pred, target, first)
    assert (under.outcome, under.shown) == ("met", False)


def test_regressed_rows_are_counted() -> None:
    first, pred, target = data(100)
    worse = np.abs(pred - target) - np.abs(first - target)
    cases = {
        "regressed_rows(mae) <= 100": (worse > 0).sum(),
        "regressed_rows(mae, 0.1) <= 100": (worse > 0.1).sum(),
        "regressed_rows(mae) <= 100%": (worse > 0).mean(),
        "regressed_rows <= 100": (worse > 0).sum(),
        "regressed_rows(bias) <= 100": (worse > 0).sum(),
    }
    for text, expected in cases.items():
        assert one(text, pred, target, first).value == pytest.approx(float(expected)), text
    check = one("regressed_rows(mae) <= 3", pred, target, first)
    assert check.outcome == "violated"
    assert [row["row"] for row in check.rows] == np.argsort(-worse)[:3].tolist()


def test_an_improved_similarity_does_not_regress() -> None:
    rng = np.random.default_rng(0)
    corner = rng.uniform(0, 5, (50, 2))
    target = np.hstack([corner, corner + 4.0])
    first, pred = (target + scale * rng.uniform(0, 1, (50, 1)) for scale in (1.0, 0.5))
    text = "regressed_rows(iou_loss:as_similarity=true) <= 50"
    overlap = [np.prod(4.0 - np.abs(p - target)[:, :2], axis=1) for p in (first, pred)]
    alike = [one / (32.0 - one) for one in overlap]
    check = one(text, pred, target, first, task="boxes")
    assert check.value == (alike[1] < alike[0]).sum()
    assert 0 < check.value < 25


# --- levels and options -----------------------------------------------------------------------


def test_warnings_block_only_when_told_to() -> None:
    _, pred, target = data(60)
    for warn, status in (("mae < 0.001", 1), ("rows >= 61", 4)):
        report = lossctl.check(pred, target, "mae < 9", warn=warn)
        assert report.gate is not None
        assert (report.gate.outcome, report.gate.status) == ("met", 0)
        assert [note.code for note in report.notes if note.warning] == ["warning"]
        again = lossctl.check(pred, target, "mae < 9", warn=warn, error_on_warning=True)
        assert again.gate is not None
        assert again.gate.status == status


def test_what_contradicts_itself_is_refused() -> None:
    _, pred, target = data(60)
    with pytest.raises(UsageError, match="nothing is required"):
        lossctl.check(pred, target)
    for how in ({"strict": True, "naive": True}, {"strict": True, "allow_undecided": True}):
        with pytest.raises(UsageError, match="exclude each other"):
            lossctl.check(pred, target, "mae < 9", **how)
    with pytest.raises(UsageError, match="none is named"):
        lossctl.check(pred, target, "increase(mae) < 9")
    with pytest.raises(UsageError, match="no value for a row"):
        lossctl.check(pred, target, "max(r2) < 9")
    with pytest.raises(UsageError):
        lossctl.check(pred, target, "mae@nowhere=1 < 9")
    frame = pd.DataFrame({"target": target, "name": ["a", "b"] * 30})
    with pytest.raises(UsageError, match="has no order"):
        lossctl.check(pd.DataFrame({"pred": pred}), frame, "mae@name<b < 9")
    with pytest.raises(DataError):
        lossctl.check([*pred[:-1], math.nan], target, "mae < 9")


def test_dropped_rows_are_counted() -> None:
    _, pred, target = data(50)
    pred[:5] = math.nan
    checks, _ = gate(["dropped <= 5", "dropped < 10%", "dropped <= 10%"], pred, target, nan="drop")
    assert [check.value for check in checks] == [5.0, 0.1, 0.1]
    assert [check.outcome for check in checks] == ["met", "violated", "met"]
