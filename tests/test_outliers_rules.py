"""The four rules for outliers against plain formulas, whatever the blocks."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

from lossctl.analyses import evaluation, fences, medcouple, outliers
from lossctl.analyses.context import Context
from lossctl.analyses.fences import RULES, Fences
from lossctl.batch import Batch
from lossctl.engines import serial
from lossctl.errors import UsageError
from lossctl.grammar import parse
from lossctl.rounds import Rounds, ask
from tests.batches import batch, part

SPECS = tuple(parse(text) for text in ("mae", "rmse", "mse", "huber:delta=2"))
CONTEXT = Context(
    specs=SPECS, leading=SPECS[2], weighted=False, outputs=1, wholes={}, top=5, moments=True,
    pooled=False, point="pred",
)  # fmt: skip


def errors(kind: str, count: int, seed: int = 3) -> Any:
    rng = np.random.default_rng(seed)
    if kind == "normal":
        return rng.normal(0.3, 2.0, count)
    if kind == "tails":
        return rng.standard_t(2, count)
    if kind == "skewed":
        return rng.exponential(size=count) ** 2
    if kind == "few values":
        return rng.integers(-3, 9, count) / 4.0
    assert kind == "masked"
    return np.r_[rng.normal(size=count - 3), 40.0, 41.0, -60.0]


KINDS = ("normal", "tails", "skewed", "few values", "masked")


def found_in(question: Rounds[Any], whole: Batch, blocks: int = 1) -> Any:
    """The answer from that many blocks, the last one first."""
    places = np.array_split(np.arange(whole.count), blocks)
    parts = [part(whole, place) for place in places[::-1] if len(place)]
    return ask(question, lambda asked: serial.run(parts, asked))


def rows_with(residuals: Any) -> Batch:
    target = np.zeros(len(residuals))
    return batch(residuals, target)


# --- oracles --------------------------------------------------------------------------------------


def slow_medcouple(values: Any) -> float:
    """All pairs, by the definition."""
    centre = np.median(values)
    ordered = np.sort(values) - centre
    upper, lower = ordered[ordered >= 0.0], ordered[ordered <= 0.0]
    tied = int((ordered == 0.0).sum())
    pairs = []
    for i, high in enumerate(upper):
        for j, low in enumerate(lower):
            if high == low:  # both at the centre: i of the first, j - (len - tied) of the second
                pairs.append(np.sign(tied - 1 - i - (j - (lower.size - tied))))
            else:
                pairs.append((high + low) / (high - low))
    return float(np.median(pairs))


def generalised_esd(values: Any, most: int) -> Any:
    """Rosner 1983, one value after the other; the values taken away."""
    kept, taken, found = list(values), [], 0
    for step in range(most):
        n = len(kept)
        spread = np.std(kept, ddof=1)
        if spread == 0.0:
            break
        distance = np.abs(np.array(kept) - np.mean(kept))
        worst = int(distance.argmax())
        t = scipy.stats.t.ppf(1 - 0.05 / (2 * n), n - 2)
        taken.append(kept.pop(worst))
        if distance[worst] / spread > (n - 1) * t / math.sqrt((n - 2 + t * t) * n):
            found = step + 1
    return taken[:found]


def flagged(rule: str, values: Any) -> Any:
    """Which values the rule flags."""
    if rule == "mad":
        distance = np.abs(values - np.median(values))
        mad = np.median(distance)
        unit = mad / 0.6745 if mad else 1.253314 * distance.mean()
        return distance > 3.5 * unit
    if rule == "esd":
        return np.isin(values, generalised_esd(values, max(10, len(values) // 20)))
    first, third = np.quantile(values, [0.25, 0.75])
    skew = slow_medcouple(values) if rule == "adjusted" else 0.0
    down, up = (-4.0, 3.0) if skew >= 0.0 else (-3.0, 4.0)
    reach = 1.5 * (third - first)
    low, high = first - math.exp(down * skew) * reach, third + math.exp(up * skew) * reach
    return (values < low) | (values > high)


# --- the laws -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_flags_what_the_rule_says(rule: str, kind: str) -> None:
    values = errors(kind, 200)
    expected = flagged(rule, values)
    whole = rows_with(values)
    context = replace(CONTEXT, outliers_rule=rule)
    found = found_in(outliers.rounds(context), whole)
    assert found.count == expected.sum()
    ranked = [one["row"] for one in found.listed]
    assert set(ranked) <= set(np.flatnonzero(expected).tolist())
    assert len(ranked) == min(found.count, outliers.LISTED)
    distance = np.abs(values - np.median(values))
    if rule == "mad":
        assert [distance[row] for row in ranked] == sorted(distance[ranked], reverse=True)
    if not found.count:
        assert found.kept == {}
        return
    rest = part(whole, np.flatnonzero(~expected))
    values_of = found_in(evaluation.rounds(context, full=False), whole).values
    for spec in SPECS:
        left = found_in(context.reduced(spec, moments=False), rest)
        kept = found.kept[str(spec)]
        assert (kept.value, kept.total, kept.count) == (left.value, left.total, left.count)
        share = outliers.shares(found, values_of)[str(spec)]
        added = spec.evaluate(rest.columns)
        added = np.square(added) if spec.reduction.squares else added
        every = spec.evaluate(whole.columns)
        every = np.square(every) if spec.reduction.squares else every
        assert share == pytest.approx(1.0 - added.sum() / every.sum(), rel=1e-9)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_blocks_and_order_change_no_bit(rule: str, kind: str) -> None:
    whole = rows_with(errors(kind, 301))
    context = replace(CONTEXT, outliers_rule=rule)
    once = found_in(fences.rounds(context), whole)
    assert isinstance(once, Fences) and once.rule == rule
    for blocks in (2, 7, 301):
        assert found_in(fences.rounds(context), whole, blocks) == once


@pytest.mark.parametrize("rule", RULES)
def test_the_fences_are_the_score_and_the_view(rule: str) -> None:
    values = errors("masked", 100)
    whole = rows_with(values)
    found = found_in(fences.rounds(replace(CONTEXT, outliers_rule=rule)), whole)
    outside = (values < found.low) | (values > found.high)
    assert outside.any()
    assert (found.view(True)(whole).rows == np.flatnonzero(outside)).all()
    assert (found.view(False)(whole).rows == np.flatnonzero(~outside)).all()
    assert ((found.score(whole) > found.cut) == outside).all()


def test_equal_values_go_together() -> None:
    # The test takes away 50 twice: both are flagged, and nothing else.
    values = np.r_[errors("normal", 40), 50.0, 50.0]
    context = replace(CONTEXT, outliers_rule="esd")
    found = found_in(outliers.rounds(context), rows_with(values))
    assert found.count == 2
    assert {one["row"] for one in found.listed} == {40, 41}
    assert found.fences.low == -math.inf


@pytest.mark.parametrize("rule", ["mad", "iqr", "adjusted"])
def test_gaussian_errors_give_what_is_expected_of_them(rule: str) -> None:
    count = 20_000
    found = found_in(
        outliers.rounds(replace(CONTEXT, outliers_rule=rule)), rows_with(errors("normal", count))
    )
    expected = found.fences.share * count
    assert abs(found.count - expected) < 4.0 * math.sqrt(expected) + (rule == "adjusted") * 20


def test_of_many_rows_the_medcouple_is_that_of_a_sample() -> None:
    values = errors("skewed", 50_000)
    whole, context = rows_with(values), replace(CONTEXT, outliers_rule="adjusted")
    found = found_in(outliers.rounds(context), whole)
    exactly = medcouple.medcouple(values, float(np.median(values)))
    assert found.fences.skew != exactly
    assert abs(found.fences.skew - exactly) <= found.fences.error < 0.02
    assert found_in(fences.rounds(context), whole, 9) == found.fences
    one = outliers.part(context, found, found_in(evaluation.rounds(context, full=False),
                                                 whole).values, set())  # fmt: skip
    assert "outside the adjusted fences, ~-0." in one.text
    assert f"(medcouple ~{found.fences.skew:.2f}; Gaussian errors: 349)" in one.text
    assert one.data["medcouple_error"] == found.fences.error


def test_shares_of_gaussian_errors() -> None:
    assert pytest.approx(2.0 * scipy.stats.norm.sf(3.5), rel=1e-12) == fences.GAUSSIAN
    end = 4.0 * scipy.stats.norm.ppf(0.75)
    assert pytest.approx(2.0 * scipy.stats.norm.sf(end), rel=1e-12) == fences.TUKEY


def test_the_esd_test_is_for_few_rows() -> None:
    context = replace(CONTEXT, outliers_rule="esd")
    assert found_in(fences.rounds(context), rows_with(errors("normal", 5000))).rows == 5000
    with pytest.raises(UsageError, match="for 5000 rows or fewer, and there are 5001"):
        found_in(fences.rounds(context), rows_with(errors("normal", 5001)))


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("values", [[1.0], [1.0, 3.0], [2.0] * 5, [0.0] * 9 + [5.0]])
def test_few_rows_and_equal_ones(rule: str, values: list[float]) -> None:
    found = found_in(outliers.rounds(replace(CONTEXT, outliers_rule=rule)), rows_with(values))
    assert found.count == (1 if 5.0 in values else 0)


@pytest.mark.parametrize("rule", RULES)
def test_no_fences_where_residuals_leave_the_range(rule: str) -> None:
    whole = batch([1.7e308, 1.0, 2.0, 0.0], [-1.7e308, 0.0, 0.0, 0.0])
    assert found_in(fences.rounds(replace(CONTEXT, outliers_rule=rule)), whole) is None
    near = batch([1.7e308, -1.7e308, 2.0, 0.0, 1.0], [0.0] * 5)
    found = found_in(outliers.rounds(replace(CONTEXT, outliers_rule=rule)), near)
    assert found is None or 0 <= found.count <= 2


# --- the sentence ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("mad", r"3 of 100 beyond 3.5 robust deviations \(Gaussian errors: 0.0\) make 9\d"),
        ("iqr", r"\d of 100 outside Tukey's fences, -\d.\d+ to \d.\d+ \(Gaussian errors: 0.7\) m"),
        (
            "adjusted",
            r"\d of 100 outside the adjusted fences, -\d.\d+ to \d.\d+ \(medcouple -?0.\d",
        ),
        ("esd", r"3 of 100 taken away by the generalised ESD test at 5 % make 9\d"),
    ],
)
def test_the_sentence_names_the_rule(rule: str, said: str) -> None:
    context = replace(CONTEXT, outliers_rule=rule)
    whole = rows_with(errors("masked", 100))
    found = found_in(evaluation.rounds(context, full=True), whole)
    part_of = outliers.part(context, found.outliers, found.values, {str(s) for s in SPECS})
    assert re.match(said, part_of.text), part_of.text
    assert "; without them rmse " in part_of.text
    assert part_of.data["rule"] == rule
    share = found.outliers.fences.share
    assert part_of.data["expected"] == (None if rule == "esd" else share * 100)
    calm = found_in(outliers.rounds(context), rows_with(np.linspace(-1.0, 1.0, 30)))
    assert outliers.part(context, calm, {}, set()).text.startswith("none")


# --- the medcouple --------------------------------------------------------------------------------

GRID = st.lists(st.integers(-12, 12).map(lambda n: n / 4), min_size=1, max_size=14)
SPREAD = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=14)


@pytest.mark.parametrize("few", [1, 1 << 18])
@given(values=st.one_of(GRID, SPREAD))
def test_the_medcouple_without_all_pairs(few: int, values: list[float]) -> None:
    array = np.array(values)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(medcouple, "FEW", few)
        found = medcouple.medcouple(array, float(np.median(array)))
    assert found == pytest.approx(slow_medcouple(array), abs=1e-13)


def test_the_medcouple_of_many_values_is_that_of_their_distribution() -> None:
    # Of the standard exponential: by integrating over the pairs' distribution.
    values = scipy.stats.expon.ppf((np.arange(20_000) + 0.5) / 20_000)
    fine = medcouple.medcouple(values, float(np.median(values)))
    coarse = slow_medcouple(values[25::50])
    assert fine == pytest.approx(coarse, abs=1e-3)
