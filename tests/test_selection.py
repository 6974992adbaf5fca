"""Order statistics, shares of the largest and weighted ranks: exact, however little is gathered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lossctl import ranges, selection
from lossctl.engines import serial
from lossctl.exact import Exact, exact, exact_sum
from lossctl.ranges import sortable
from lossctl.rounds import ask
from lossctl.selection import fewest_for, largest, median, middle, order_statistics
from lossctl.states import Sums, SumsState, Terms
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
    monkeypatch.setattr(ranges, "LIMIT", request.param)
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


class Guess:
    """Rows that are known beforehand: some of them, or others altogether."""

    def __init__(self, samples: list[list[float]], rows: int | None) -> None:
        self.samples = samples
        self.rows = rows
        self.asked = 0

    def sample(self) -> Any:
        self.asked += 1
        return np.array(self.samples[min(self.asked, len(self.samples)) - 1])


@dataclass(frozen=True)
class Total:
    """The terms of the column."""

    def __call__(self, block: Any) -> Terms:
        return Terms([(block, 0)])


SUMS = Sums(Total())
LIKE = st.none() | st.builds(
    Guess,
    st.lists(st.lists(SIGNED, min_size=1, max_size=12), min_size=1, max_size=2),
    st.none() | st.integers(1, 60),
)


@QUICK
@given(values=st.lists(SIGNED, min_size=1, max_size=40), like=LIKE, data=st.data())
def test_order_statistics(
    limit: int, values: list[float], like: Guess | None, data: st.DataObject
) -> None:
    ranks = data.draw(st.lists(st.integers(0, len(values) - 1), max_size=4))
    question = order_statistics(
        COLUMN, len(values), lambda n: [min(rank, n - 1) for rank in ranks], like
    )
    assert passes(question, values) == [sorted(values)[rank] for rank in ranks]


@QUICK
@given(values=st.lists(SIGNED, min_size=1, max_size=40), like=LIKE)
def test_median(limit: int, values: list[float], like: Guess | None) -> None:
    infinite = not np.isfinite(values).all()
    found = passes(median(COLUMN, SUMS, like), values)
    if infinite:
        assert np.isnan(found)
        return
    ordered = sorted(map(Fraction, values))
    n = len(values)
    expected = float((ordered[(n - 1) // 2] + ordered[n // 2]) / 2)
    assert found == passes(median(COLUMN, n, like), values) == expected


@QUICK
@given(values=st.lists(SIGNED, min_size=1, max_size=40), like=LIKE, data=st.data())
def test_largest(limit: int, values: list[float], like: Guess | None, data: st.DataObject) -> None:
    number = data.draw(st.integers(0, min(len(values), limit)))
    question = largest(COLUMN, len(values), lambda n: min(number, n), like)
    expected = sorted(values)[len(values) - number :]
    assert passes(question, values).tolist() == expected
    finite = np.isfinite(values).all()
    question = largest(COLUMN, SUMS, lambda n: min(number, n), like)
    assert passes(question, values).tolist() == (expected if finite else [])


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
@given(values=st.lists(POSITIVE, min_size=1, max_size=40), like=LIKE, fraction=st.integers(0, 64))
def test_fewest(limit: int, values: list[float], like: Guess | None, fraction: int) -> None:
    def goal(state: SumsState) -> Exact:
        return -(-state.a * fraction // 64)

    found = passes(fewest_for(COLUMN, SUMS, goal, like), values)
    assert found == fewest(values, -(-exact_sum(np.array(values)) * fraction // 64))


@QUICK
@given(values=st.lists(POSITIVE, min_size=1, max_size=40), like=LIKE)
def test_fewest_without_a_goal(limit: int, values: list[float], like: Guess | None) -> None:
    assert passes(fewest_for(COLUMN, SUMS, lambda state: None, like), values) is None


def test_fewest_among_many_alike(limit: int) -> None:
    values = [1.0] * 100 + [2.0] * 3
    for wanted in (1.0, 2.0, 6.0, 6.5, 7.0, 53.0, 106.0):
        goal = exact(wanted)
        found = passes(fewest_for(COLUMN, SUMS, lambda state, goal=goal: goal), values)
        assert found == fewest(values, goal)


def test_fewest_of_a_long_tail(limit: int) -> None:
    values = np.random.default_rng(4).pareto(1.1, 3000).tolist()
    goal = -(-exact_sum(np.array(values)) // 2)
    assert passes(fewest_for(COLUMN, SUMS, lambda state: goal), values, 1000) == fewest(
        values, goal
    )


@pytest.mark.parametrize("sampled", [True, False])
def test_passes_are_few_and_bounded(monkeypatch: pytest.MonkeyPatch, sampled: bool) -> None:
    monkeypatch.setattr(ranges, "LIMIT", 1000)
    values = np.random.default_rng(0).normal(size=5000)
    kept, made = [], 0

    def make_pass(asked: Any) -> Any:
        nonlocal made
        made += 1
        states = serial.run([values], asked)
        kept.extend(state.gathered().size for one, state in states.items() if one != SUMS)
        return states

    like = Guess([values[:1000].tolist()], 5000) if sampled else None
    assert ask(median(COLUMN, SUMS, like), make_pass) == np.median(values)
    assert made <= (1 if sampled else 3)
    size = np.abs(values)
    goal = -(-exact_sum(size) // 2)
    like = Guess([size[:1000].tolist()], 5000) if sampled else None
    values = size
    assert ask(fewest_for(COLUMN, SUMS, lambda state: goal, like), make_pass) == fewest(
        size.tolist(), goal
    )
    assert ask(largest(COLUMN, SUMS, lambda n: 20, like), make_pass).tolist() == sorted(size)[-20:]
    assert made <= (3 if sampled else 10)
    assert max(kept) <= 1000


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
