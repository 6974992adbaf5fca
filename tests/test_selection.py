"""Order statistics, shares of the largest and weighted ranks: exact, however little is gathered."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossctl import selection
from lossctl.engines import serial
from lossctl.exact import exact, exact_sum
from lossctl.rounds import ask
from lossctl.selection import fewest_for, largest, median, middle, order_statistic, sortable
from lossctl.stats.sample import Itself

SIGNED = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from(
    [0.0, -0.0, 1.0, 1.0, -1.0, 5e-324, 1e-310, 1.7e308, -1.7e308, 3.0, 3.0, np.inf, -np.inf]
)
POSITIVE = st.floats(0.0, 1e300) | st.sampled_from([0.0, 1.0, 1.0, 5e-324, 2.0**52, 1.7e308])
QUICK = settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
COLUMN = Itself()


@pytest.fixture(params=[1, 4, 1 << 18], ids="limit {}".format)
def limit(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many values are gathered at a time: few, so that histograms narrow, or all."""
    monkeypatch.setattr(selection, "LIMIT", request.param)
    made: int = request.param
    return made


def passes(question: Any, values: list[float], size: int = 3) -> Any:
    """The answer, the values coming in blocks of `size`."""

    def blocks() -> Iterator[Any]:
        for start in range(0, len(values), size):
            yield np.array(values[start : start + size])

    return ask(question, lambda asked: serial.run(blocks(), asked))


@given(st.lists(SIGNED, min_size=2, max_size=2))
def test_keys_sort_as_values(pair: list[float]) -> None:
    low, high = (int(key) for key in sortable(np.array(pair)))
    assert (low < high) == (pair[0] < pair[1])
    assert (low == high) == (pair[0] == pair[1])


@QUICK
@given(values=st.lists(SIGNED, min_size=1, max_size=40), data=st.data())
def test_order_statistic(limit: int, values: list[float], data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, len(values) - 1))
    found = passes(order_statistic(COLUMN, len(values), rank), values)
    assert found == sorted(values)[rank]


@QUICK
@given(values=st.lists(SIGNED.filter(np.isfinite), min_size=1, max_size=40))
def test_median(limit: int, values: list[float]) -> None:
    ordered = sorted(map(Fraction, values))
    n = len(values)
    expected = float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2)
    assert passes(median(COLUMN, n), values) == expected


@QUICK
@given(values=st.lists(SIGNED, min_size=1, max_size=40), data=st.data())
def test_largest(limit: int, values: list[float], data: st.DataObject) -> None:
    number = data.draw(st.integers(1, len(values)))
    found = passes(largest(COLUMN, len(values), number), values)
    assert found.tolist() == sorted(values)[-number:]


def fewest(values: list[float], goal: int) -> int:
    """How many it takes, one at a time."""
    taken, left = 0, goal
    for value in sorted(values, reverse=True):
        if left <= 0:
            break
        left -= exact(value)
        taken += 1
    return taken


@QUICK
@given(values=st.lists(POSITIVE, min_size=1, max_size=40), fraction=st.integers(0, 64))
def test_fewest(limit: int, values: list[float], fraction: int) -> None:
    total = exact_sum(np.array(values))
    goal = -(-total * fraction // 64)
    assert passes(fewest_for(COLUMN, len(values), goal), values) == fewest(values, goal)


def test_fewest_among_many_alike(limit: int) -> None:
    values = [1.0] * 100 + [2.0] * 3
    for goal in (1.0, 2.0, 6.0, 6.5, 7.0, 53.0, 106.0):
        assert passes(fewest_for(COLUMN, 103, exact(goal)), values) == fewest(values, exact(goal))


def test_fewest_of_a_long_tail(limit: int) -> None:
    values = np.random.default_rng(4).pareto(1.1, 3000).tolist()
    goal = -(-exact_sum(np.array(values)) // 2)
    assert passes(fewest_for(COLUMN, 3000, goal), values, 1000) == fewest(values, goal)


def test_passes_are_few_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selection, "LIMIT", 16)
    values = np.random.default_rng(0).normal(size=5000)
    gathered, made = [], 0

    def make_pass(asked: Any) -> Any:
        nonlocal made
        made += 1
        states = serial.run([values], asked)
        gathered.extend(state.values.size for state in states.values() if hasattr(state, "weights"))
        return states

    assert ask(order_statistic(COLUMN, 5000, 2500), make_pass) == np.sort(values)[2500]
    assert made <= 5
    assert max(gathered) <= 16


@given(st.lists(st.tuples(SIGNED.filter(np.isfinite), st.sampled_from([0.0, 0.5, 1.0, 3.0])),
                min_size=1, max_size=200).filter(lambda pairs: any(w for _, w in pairs)),
       st.integers(0, 8), st.booleans())  # fmt: skip
def test_weighted_rank(pairs: list[tuple[float, float]], eighths: int, beyond: bool) -> None:
    pairs = sorted(pairs)
    values, weights = (np.array(column) for column in zip(*pairs, strict=True))
    total = sum(Fraction(w) for _, w in pairs)
    goal = total * eighths / 8
    below, expected = Fraction(0), None
    for value, weight in pairs:
        below += Fraction(weight)
        if weight and expected is None and (below > goal or (below == goal and not beyond)):
            expected = value
    if expected is None:
        expected = pairs[-1][0]
    target = exact_sum(weights) * eighths // 8
    assert selection.reached(values, weights, target, beyond=beyond) == expected


@given(SIGNED.filter(np.isfinite), SIGNED.filter(np.isfinite))
def test_middle_never_overflows(low: float, high: float) -> None:
    assert middle(low, high) == float((Fraction(low) + Fraction(high)) / 2)
