"""How few rows make most of a loss: against plain NumPy, exactly and between bounds."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import lossctl
from lossctl.analyses import concentration, lorenz
from lossctl.analyses.concentration import ABSOLUTE, SQUARED, Concentration
from lossctl.analyses.context import Context
from lossctl.analyses.finding import COVERED
from lossctl.batch import Batch
from lossctl.engines import serial
from lossctl.exact import exact_sum
from lossctl.grammar import parse
from lossctl.ranges import Range, key_of
from lossctl.renderers.csv import render as render_csv
from lossctl.renderers.html import render as render_html
from lossctl.renderers.md import render as render_md
from lossctl.renderers.spark import spark
from lossctl.renderers.text import render
from lossctl.renderers.tsv import render as render_tsv
from lossctl.report import Report
from lossctl.rounds import ask
from lossctl.stats.sample import Itself
from tests.batches import batch, part

MSE, MAE = parse("mse"), parse("mae")
CONTEXT = Context(
    specs=(MSE, MAE), leading=MSE, weighted=False, outputs=1, wholes={}, top=1, moments=True,
    pooled=False, point="pred",
)  # fmt: skip


@dataclass(frozen=True)
class Known:
    """What is known beforehand: nothing but a few rows."""

    block: Batch
    rows: int | None = None

    def sample(self) -> Any:
        return self.block


def rows_with(residuals: Any, weight: Any = None) -> Batch:
    return batch(residuals, np.zeros(len(residuals)), weight)


def concentrated(
    whole: Batch, context: Context = CONTEXT, spec: Any = MSE, blocks: int = 1
) -> tuple[Concentration, int]:
    """What is found, and in how many passes."""
    context = replace(context, weighted=whole.weight is not None)
    parts = [part(whole, place) for place in np.array_split(np.arange(whole.count), blocks)]
    passes = []

    def one(asked: Any) -> Any:
        passes.append(asked)
        return serial.run([p for p in parts if p.count], asked)

    found = ask(concentration.rounds(context, spec), one)
    assert found is not None
    return found, len(passes)


def fewest(values: Any, share: float) -> int:
    """How many of the largest make that share of all."""
    sums = np.cumsum(np.sort(values)[::-1])
    return int(np.searchsorted(sums, share * values.sum())) + 1


def mean_difference(values: Any) -> float:
    """The Gini coefficient by all pairs."""
    return float(np.abs(values[:, np.newaxis] - values).mean() / (2.0 * values.mean()))


def ranked(values: Any) -> float:
    """The same for many values, by their ranks."""
    ordered = np.sort(values)
    n = ordered.size
    return float(2.0 * (ordered * np.arange(1, n + 1)).sum() / (n * ordered.sum()) - (n + 1) / n)


def tenths(values: Any) -> Any:
    """Each row divided into ten equal ones."""
    fine = np.repeat(np.sort(values), 10) / 10.0
    return fine.reshape(10, -1).sum(axis=1) / values.sum()


RNG = np.random.default_rng(8)
RESIDUALS = {
    "normal": RNG.normal(size=137),
    "tails": RNG.standard_t(2, 200),
    "zeros": np.where(RNG.random(90) < 0.7, 0.0, RNG.normal(size=90)),
    "equal": np.full(13, 2.0),
    "one": np.array([3.0]),
    "large": RNG.normal(size=31) * 1e170,
    "small": RNG.normal(size=31) * 1e-170,
}


@pytest.mark.parametrize("kind", RESIDUALS)
@pytest.mark.parametrize("spec", [MSE, MAE, parse("rmse")], ids=str)
def test_all_of_the_curve(kind: str, spec: Any) -> None:
    residuals = RESIDUALS[kind]
    if kind in ("large", "small") and str(spec) == "mse":
        pytest.skip("its squares leave the range")
    size = np.abs(residuals) / np.abs(residuals).max()
    values = size if spec == MAE else size**2
    found, _ = concentrated(rows_with(residuals), replace(CONTEXT, leading=spec), spec)
    assert found.wide is not None
    if kind != "equal":  # where the share is met to the last bit, NumPy's rounding decides
        assert (found.half, found.wide.k80, found.wide.k90) == tuple(
            fewest(values, share) for share in (0.5, 0.8, 0.9)
        )
    else:
        assert (found.half, found.wide.k80, found.wide.k90) == (7, 11, 12)
    curve = found.wide.lorenz
    assert (curve.bound, curve.tenths_bound) == (0.0, 0.0)
    assert curve.gini == pytest.approx(mean_difference(values), abs=1e-12)
    assert curve.tenths == pytest.approx(tenths(values), abs=1e-12)


def test_weight_zero_is_absence() -> None:
    residuals = RESIDUALS["tails"]
    weight = np.where(np.arange(residuals.size) % 3 == 0, 0.0, 1.5)
    found, _ = concentrated(rows_with(residuals, weight))
    kept, _ = concentrated(rows_with(residuals[weight > 0.0], weight[weight > 0.0]))
    assert found.wide == kept.wide
    assert found.wide is not None
    assert found.wide.lorenz.gini == pytest.approx(mean_difference(residuals[weight > 0.0] ** 2))


@given(st.lists(st.integers(-9, 9).map(lambda n: n / 4), min_size=2, max_size=30))
def test_blocks_and_order_change_no_bit(residuals: list[float]) -> None:
    if not any(residuals):
        return
    once, _ = concentrated(rows_with(residuals))
    back, _ = concentrated(rows_with(residuals[::-1]), blocks=len(residuals))
    assert once == back
    # A sample that knows nothing changes the passes alone.
    misled = replace(CONTEXT, like=Known(rows_with([0.0, 1.0] * 50)))
    assert concentrated(rows_with(residuals), misled, blocks=2)[0] == once


def test_gaussian_errors_have_the_gini_that_is_said_of_them() -> None:
    errors = np.random.default_rng(1).normal(size=50_000)
    squared, _ = concentrated(rows_with(errors))
    absolute, _ = concentrated(rows_with(errors), replace(CONTEXT, leading=MAE), MAE)
    assert squared.wide is not None and absolute.wide is not None
    assert squared.wide.lorenz.gini == pytest.approx(SQUARED, abs=0.004)
    assert absolute.wide.lorenz.gini == pytest.approx(ABSOLUTE, abs=0.004)


def test_the_reference_is_of_plain_errors_alone() -> None:
    assert concentration.gaussian(CONTEXT, MSE) == SQUARED
    assert concentration.gaussian(CONTEXT, parse("huber:delta=1")) is None
    assert concentration.gaussian(replace(CONTEXT, point=None), MSE) is None
    assert concentration.gaussian(replace(CONTEXT, weighted=True), MSE) is None


# --- what is asked of many rows -------------------------------------------------------------------


def test_many_rows_are_asked_for_no_more_than_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(concentration, "FULL", 100)
    residuals = RESIDUALS["tails"]
    whole, some = rows_with(residuals), rows_with(residuals[::4])
    known = replace(CONTEXT, like=Known(some, residuals.size))
    plain, passes = concentrated(whole, known, blocks=3)
    assert plain.wide is None and passes == 1
    full, _ = concentrated(whole, replace(known, decompose=True), blocks=3)
    assert full.wide is not None
    assert full == concentrated(whole, replace(CONTEXT, decompose=True))[0]
    # Another loss than the leading one is looked at where everything is wanted.
    assert concentrated(whole, known, MAE, blocks=3)[0].wide is None
    assert concentrated(whole, replace(known, decompose=True), MAE)[0].wide is not None


@pytest.mark.parametrize("name", ["normal", "pareto", "zeros", "two values"])
def test_bins_bracket_the_curve(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    n = 30_000
    residuals = {
        "normal": rng.normal(size=n),
        "pareto": rng.pareto(0.8, n),
        "zeros": np.where(rng.random(n) < 0.9, 0.0, rng.normal(size=n)),
        "two values": rng.choice([1.0, 1.01, 64.0], n),
    }[name]
    exactly, _ = concentrated(rows_with(residuals))
    for module in (concentration, lossctl.ranges):
        monkeypatch.setattr(module, "LIMIT", 1000)
    context = replace(CONTEXT, decompose=True, like=Known(rows_with(residuals[:300]), n))
    found, _ = concentrated(rows_with(residuals), context, blocks=4)
    assert found.wide is not None and exactly.wide is not None
    assert (found.wide.k80, found.wide.k90) == (exactly.wide.k80, exactly.wide.k90)
    curve, truth = found.wide.lorenz, exactly.wide.lorenz
    assert 0.0 < curve.bound < 2e-4
    assert abs(curve.gini - truth.gini) <= curve.bound
    assert curve.tenths_bound < 0.01
    off = np.abs(np.subtract(curve.tenths, truth.tenths)).max()
    assert off <= curve.tenths_bound
    assert found == concentrated(rows_with(residuals), context, blocks=11)[0]
    assert concentration._about(curve).startswith("~")


def test_the_bracket_holds_whatever_the_values_in_a_bin() -> None:
    # Values at the two ends of bins, and all at one place: the two ends of the bracket.
    values = np.repeat([1.0, 1.0 + 2.0**-6, 3.0], 50_000)
    total = exact_sum(values)
    low, high = lorenz.within(total, values.size)
    state = Range(Itself(), key_of(low), key_of(high) + 1).make(values)
    found = lorenz.of_bins(state, total)
    assert 0.0 < abs(found.gini - ranked(values)) <= found.bound


# --- what is said ---------------------------------------------------------------------------------


def test_the_sentence_and_the_data() -> None:
    residuals = RESIDUALS["normal"]
    report = lossctl.evaluate(residuals, np.zeros(residuals.size), ["mse", "mae"])
    one = next(p for p in report.parts if p.name == "concentration")
    values = residuals**2
    k50, k80, k90 = (fewest(values, share) for share in (0.5, 0.8, 0.9))
    effective = values.sum() ** 2 / (values**2).sum()
    share = round(100 * k50 / residuals.size)
    assert one.text == (
        f"half of mse in {k50} of 137 rows ({share} %), 90 % in {k90}; effective n "
        f"{effective:.4g}; Gini {mean_difference(values):.2f} (Gaussian errors: 0.64)"
    )
    assert one.table is None
    data = one.data["losses"]["mse"]
    assert (data["half"], data["k80"], data["k90"]) == (k50, k80, k90)
    assert data["gini"] == pytest.approx(mean_difference(values))
    assert (data["gini_bound"], data["gini_gaussian"]) == (0.0, 2.0 / math.pi)
    assert sum(data["tenths"]) == pytest.approx(1.0)
    assert "gini" not in one.data["losses"]["mae"]
    assert Report.from_dict(json.loads(report.to_json())) == report


def test_the_table_where_everything_is_wanted() -> None:
    whole = rows_with(RESIDUALS["tails"])
    context = replace(CONTEXT, decompose=True)
    found = {str(spec): concentrated(whole, context, spec)[0] for spec in (MSE, MAE)}
    one = concentration.part(context, found, whole.count)
    assert one is not None and one.table is not None
    assert [column.kind for column in one.table.columns][-1] == "spark"
    assert [row[0] for row in one.table.rows] == ["mse", "mae"]
    for row, spec in zip(one.table.rows, (MSE, MAE), strict=True):
        wide = found[str(spec)].wide
        assert wide is not None
        assert row[2:5] == (found[str(spec)].half, wide.k80, wide.k90)
        assert row[-1] == list(wide.lorenz.tenths)
    assert one.table.rows[0][6:8] == ("0.64", f"{found['mse'].khat:.2f}")


def test_the_table_is_drawn_with_its_curve() -> None:
    whole = rows_with([0.0] * 9 + [2.0])
    found = {"mse": concentrated(whole, replace(CONTEXT, decompose=True))[0]}
    one = concentration.part(replace(CONTEXT, decompose=True), found, 10)
    assert one is not None and one.table is not None
    report = lossctl.evaluate([1.0, 2.0], [0.0, 0.0], "mse")
    drawn = render(replace(report, parts=(one,)), width=100)
    assert "▁▁▁▁▁▁▁▁▁█" in drawn
    assert Report.from_dict(replace(report, parts=(one,)).to_dict()).parts == (one,)


def test_a_small_curve() -> None:
    assert spark([0.0, 1.0, 2.0, 7.0]) == "▁▂▃█"
    assert spark([0.0, 0.0]) == "▁▁"
    assert spark([]) == ""


# --- intervals that are not to be trusted ---------------------------------------------------------


@pytest.mark.parametrize("index", COVERED)
def test_how_often_intervals_of_long_tails_hold(index: float) -> None:
    degrees, rows = 2.0 / index, 1000
    rng = np.random.default_rng(7)
    held = 0
    for _ in range(3000):
        values = rng.standard_t(degrees, rows) ** 2
        reach = 1.962 * values.std(ddof=1) / math.sqrt(rows)
        held += abs(values.mean() - degrees / (degrees - 2.0)) <= reach
    assert held / 3000 == pytest.approx(COVERED[index], abs=0.03)


@pytest.mark.parametrize(
    ("degrees", "said"),
    [
        (2.5, "the variance looks infinite; in simulation 95 % intervals of such losses held in "),
        (1.0, "the mean may not exist)"),
    ],
)
def test_intervals_of_long_tails_are_marked_everywhere(degrees: float, said: str) -> None:
    errors = np.random.default_rng(3).standard_t(degrees, 20_000)
    report = lossctl.evaluate(errors, np.zeros(20_000), ["mse", "median_ae"])
    assert report["mse"].interval is not None and not report["mse"].interval["trusted"]
    [note] = [note for note in report.notes if note.code == "tail"]
    assert note.warning and said in note.text
    assert note.text.startswith("The interval of mse is not to be trusted")
    for text in (render(report), render_md(report), render_html(report)):
        [line] = [line for line in text.splitlines() if "mse" in line and " … " in line]
        assert " !" in line.split("…")[1], line
    assert [row["trusted"] for row in report.records()] == [False, True]
    for plain in (render_tsv(report), render_csv(report)):
        assert "false" in plain and "true" in plain
