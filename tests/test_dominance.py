"""For which losses one model is better, whatever the loss: against brute force over all kinks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from functools import partial
from itertools import chain, pairwise
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.analyses import dominance
from lossctl.analyses.context import Context
from lossctl.analyses.crossings import DRAWN, MOST, Comparison, summed_at, together, traced, wholes
from lossctl.analyses.dominance import Dominance, of_errors
from lossctl.analyses.error_curves import Drawn, ErrorOf, Rows, keys_between
from lossctl.batch import Batch
from lossctl.engines import processes, serial
from lossctl.grammar import parse
from lossctl.rounds import ask
from lossctl.states import grown
from lossctl.terms import RoleColumn
from tests import rivals
from tests.batches import batch, part
from tests.rivals import As, Known

CONTEXT = Context(specs=(parse("mae"),), leading=parse("mae"), point="pred")
CURVES = ("within", "over", "under", "excess", "excess_over", "excess_under")
CLASSES = ("symmetric_monotone", "symmetric_convex", "monotone", "convex")

asked = partial(rivals.asked, dominance.rounds, CONTEXT)


def two(first: Any, second: Any, weight: Any = None) -> Batch:
    """Rows of two models whose errors these are."""
    return rivals.two(first, second, np.zeros(len(first)), weight)


def pairs(count: int, seed: int = 0) -> Any:
    """Errors of two models, often one better than the other in some way; sometimes weights."""
    rng = np.random.default_rng(seed)
    for trial in range(count):
        n = int(rng.integers(1, 7))
        kind = trial % 6
        if kind == 0:
            first, second = rng.integers(-3, 4, (2, n)).astype(float)
        elif kind == 1:
            first = rng.normal(size=n)
            second = first * rng.choice([1.0, 1.0, 1.5, 0.9, -1.0], n)
        elif kind == 2:
            first = rng.choice([0.1, -0.2, 0.3, 1e300, -1e-300, 5e-324], n)
            second = rng.permutation(first) * rng.choice([1.0, 0.5, -1.0], n)
        elif kind == 3:
            first = rng.normal(size=n)
            second = first * 1.5
        elif kind == 4:  # the same on the whole, but more even
            second = rng.normal(size=n)
            first = np.where(second > 0.0, second[second > 0.0].sum() / (second > 0.0).sum(),
                             second) if (second > 0.0).any() else second  # fmt: skip
        else:
            first, second = rng.normal(size=(2, n))
        weight = None if trial % 3 else rng.choice([0.5, 1.0, 2.0, 1e-3, 0.1], n)
        yield (first, second, weight) if rng.random() < 0.5 else (second, first, weight)


def verdict(differences: list[Fraction]) -> str:
    if not any(differences):
        return "alike"
    if all(one >= 0 for one in differences):
        return "first"
    return "second" if all(one <= 0 for one in differences) else "neither"


def beyond(errors: Any, weight: Any, t: Fraction, side: int) -> Fraction:
    return sum((w for e, w in zip(errors, weight, strict=True) if side * e > t), Fraction(0))


def excess(errors: Any, weight: Any, t: Fraction, side: int) -> Fraction:
    return sum(
        (w * (side * e - t) for e, w in zip(errors, weight, strict=True) if side * e > t),
        Fraction(0),
    )


def fractions(values: Any) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def differences(first: Any, second: Any, weight: Any) -> tuple[list[Fraction], dict[str, Any]]:
    """second - first of all curves (of errors beyond t, not within) at all kinks."""
    a, b = fractions(first), fractions(second)
    w = fractions(np.ones(len(a)) if weight is None else weight)
    kinks = sorted({abs(e) for e in a + b} | {Fraction(0)})
    found = {}
    for name, curve in (("within", beyond), ("excess", excess)):
        over, under = ([curve(b, w, t, side) - curve(a, w, t, side) for t in kinks]
                       for side in (1, -1))  # fmt: skip
        sides = ("over", "under") if name == "within" else ("excess_over", "excess_under")
        found |= {name: [x + y for x, y in zip(over, under, strict=True)]}
        found |= dict(zip(sides, (over, under), strict=True))
    return kinks, found


# --- verdicts ---------------------------------------------------------------------------------


def test_verdicts_are_those_of_all_kinks() -> None:
    seen: Counter[tuple[str, ...]] = Counter()
    for first, second, weight in pairs(600):
        _, by = differences(first, second, weight)
        expected = (
            verdict(by["within"]),
            verdict(by["excess"]),
            verdict(by["over"] + by["under"]),
            verdict(by["excess_over"] + by["excess_under"]),
        )
        found = of_errors(first, second, weight)
        assert tuple(getattr(found, name) for name in CLASSES) == expected
        assert [getattr(found, name).verdict for name in CURVES] == [verdict(by[n]) for n in CURVES]
        assert found.exact and found.rows == len(first)
        seen[expected] += 1
    # Every class of losses is decided both ways without the narrower ones being decided.
    for who in ("first", "second"):
        assert seen[who, who, who, who] > 20
        assert seen[who, who, "neither", "neither"] > 5 and seen[who, who, "neither", who] > 5
        assert seen["neither", who, "neither", "neither"] and seen["neither", who, "neither", who]
    assert seen["neither", "neither", "neither", "neither"] > 20
    assert seen["alike", "alike", "alike", "alike"] > 5
    assert seen["alike", "alike", "neither", "neither"] > 5


def test_the_models_exchanged_exchange_the_verdict() -> None:
    other = {"first": "second", "second": "first", "neither": "neither", "alike": "alike"}
    for first, second, weight in pairs(200, 1):
        there, back = of_errors(first, second, weight), of_errors(second, first, weight)
        assert [other[getattr(there, name)] for name in CLASSES] == [
            getattr(back, name) for name in CLASSES
        ]


def test_one_ulp_decides() -> None:
    first = np.array([0.1, 0.2, 0.3])
    second = first.copy()
    assert of_errors(first, second).convex == "alike"
    second[1] = np.nextafter(0.2, 1.0)
    assert of_errors(first, second).monotone == "first"
    second[0] = np.nextafter(0.1, 0.0)
    found = of_errors(first, second)
    assert (found.symmetric_monotone, found.symmetric_convex) == ("neither", "first")


SYMMETRIC_CONVEX = ["mae", "mse", "huber:delta=0.1", "huber:delta=1", "huber:delta=3", "log_cosh",
                    "pseudo_huber", "epsilon_insensitive"]  # fmt: skip
SYMMETRIC = [*SYMMETRIC_CONVEX, "cauchy", "welsch", "geman_mcclure", "tukey_biweight"]
CONVEX = [*SYMMETRIC_CONVEX, "pinball:quantile=0.1", "pinball:quantile=0.9", "linex:a=1",
          "linex:a=-0.5", "expectile:quantile=0.2", "expectile:quantile=0.9"]  # fmt: skip


def of_spec(text: str) -> Callable[[Any], Any]:
    spec = parse(text)
    return lambda e: spec.evaluate({"pred": e, "target": np.zeros(e.size)})


def capped(reach: float) -> list[Callable[[Any], Any]]:
    """Losses that grow with the error, but not for ever."""
    return [
        lambda e: np.minimum(np.abs(e), reach),
        lambda e: np.abs(e) > reach,
        lambda e: np.sqrt(np.abs(e)),
    ]


def lopsided(reach: float) -> list[Callable[[Any], Any]]:
    return [
        lambda e: np.where(e > 0.0, np.minimum(e, reach), 3.0 * np.sqrt(np.abs(e))),
        lambda e: e > reach,
        lambda e: e < -reach,
        lambda e: np.where(e > reach, 2.0, np.where(e < 0.0, np.log1p(np.abs(e)), 0.0)),
    ]


def test_losses_agree_with_the_verdict_of_their_class() -> None:
    reaches = [1e-3, 0.3, 0.5, 1.0, 2.0]
    losses = {
        "symmetric_convex": [of_spec(text) for text in SYMMETRIC_CONVEX],
        "symmetric_monotone": [*map(of_spec, SYMMETRIC), *chain(*map(capped, reaches))],
        "convex": [of_spec(text) for text in CONVEX],
        "monotone": [*map(of_spec, CONVEX), *chain(*map(lopsided, reaches))],
    }
    made = [one for one in pairs(1200, 2) if max(np.abs(one[0]).max(), np.abs(one[1]).max()) < 1e9]
    found = [of_errors(*one) for one in made]
    begins = np.cumsum([0, *(len(first) for first, _, _ in made)])[:-1]
    first, second = (np.concatenate([one[k] for one in made]) for k in (0, 1))
    weight = np.concatenate([np.ones(len(one[0])) if one[2] is None else one[2] for one in made])
    for name, of in losses.items():
        who = np.array([getattr(one, name) for one in found])
        assert min(Counter(who.tolist()).values()) > 20 and len(set(who)) == 4
        for loss in of:
            a, b = (np.add.reduceat(weight * loss(e), begins) for e in (first, second))
            slack = 1e-13 * np.maximum(np.abs(a), np.abs(b))
            assert (a <= b + slack)[(who == "first") | (who == "alike")].all()
            assert (b <= a + slack)[(who == "second") | (who == "alike")].all()
            assert (a < b)[who == "first"].any() and (b < a)[who == "second"].any()
    # Outside its class a loss may disagree.
    absolute = of_spec("mae")
    a, b = (np.add.reduceat(weight * absolute(e), begins) for e in (first, second))
    c, d = (np.add.reduceat(weight * (np.abs(e) > 0.5), begins) for e in (first, second))
    convex = np.array([one.convex for one in found])
    assert ((c > d) & (a < b) & (convex == "first")).any()


def test_a_narrower_class_is_won_with_a_wider_one() -> None:
    for first, second, weight in pairs(300, 3):
        found = of_errors(first, second, weight)
        for wide, narrow in (("monotone", "convex"), ("monotone", "symmetric_monotone"),
                             ("symmetric_monotone", "symmetric_convex"),
                             ("convex", "symmetric_convex")):  # fmt: skip
            who = getattr(found, wide)
            assert who == "neither" or getattr(found, narrow) in (who, "alike")


# --- crossings --------------------------------------------------------------------------------

LATE = np.array([0.1, -0.2, 0.1, -0.1, 0.2, -0.1, 0.1, 6.0])  # often better, once far worse
EVEN = np.array([0.8, -0.9, 0.7, -0.8, 0.9, -0.7, 0.8, 1.0])


def test_where_two_models_change_places() -> None:
    found = of_errors(LATE, EVEN)
    (near, far) = found.within.leads
    assert (near.ahead, near.low, near.high) == ("first", 0.1, 0.9)
    # "A has more errors below 0.70 (88 % vs 0 %)"
    assert (near.at, near.until, near.first, near.second) == (0.2, 0.7, 0.875, 0.0)
    assert (far.ahead, far.low, far.high) == ("second", 1.0, 6.0)
    (turn,) = found.within.crossings
    assert (turn.at, turn.first, turn.second, turn.then) == (1.0, 0.875, 1.0, "second")
    assert found.within.turns == 1
    assert found.symmetric_convex == "second" and not found.excess.crossings
    # E(|e| - t)+ at 0 is the MAE.
    assert found.excess.first[0] == pytest.approx(np.abs(LATE).mean(), rel=1e-15)
    assert found.excess.second[0] == pytest.approx(np.abs(EVEN).mean(), rel=1e-15)


def test_convex_curves_cross_between_kinks() -> None:
    # E(|e| - t)+ is (4 - t) / 2 against 2.5 - t below 2.5: they meet at t = 1.
    found = of_errors(np.array([0.0, 4.0]), np.array([2.5, 2.5]))
    (turn,) = found.excess.crossings
    assert (turn.at, turn.then) == (1.0, "second")
    assert turn.first == turn.second == 1.5
    first, second = found.excess.leads
    assert (first.ahead, first.low, first.high, first.at) == ("first", 0.0, 1.0, 0.0)
    assert (second.ahead, second.low, second.high, second.at) == ("second", 1.0, 4.0, 2.5)
    assert (second.first, second.second) == (0.75, 0.0)


def test_crossings_are_where_the_difference_changes_its_sign() -> None:
    told = 0
    for first, second, weight in pairs(500, 4):
        kinks, by = differences(first, second, weight)
        found = of_errors(first, second, weight)
        for name in CURVES:
            curves: Comparison = getattr(found, name)
            signs = [(d > 0) - (d < 0) for d in by[name]]
            runs = [s for s in signs if s]
            turns = sum(a != b for a, b in pairwise(runs))
            assert curves.turns == turns
            assert len(curves.crossings) == min(turns, MOST)
            assert len(curves.leads) == min(turns + 1, MOST) if runs else not curves.leads
            for lead in curves.leads:
                sign = 1 if lead.ahead == "first" else -1
                inside = [s for t, s in zip(kinks, signs, strict=True) if lead.low < t < lead.high]
                assert all(s * sign >= 0 for s in inside)
                better = lead.first > lead.second if name == "within" else lead.first < lead.second
                tiny = max(abs(lead.first), abs(lead.second)) < 1e-250
                assert better == (lead.ahead == "first") or lead.first == lead.second or tiny
                told += 1
            for one, before, after in zip(curves.crossings, curves.leads, curves.leads[1:],
                                          strict=False):  # fmt: skip
                assert before.high <= one.at == after.low and one.then == after.ahead
    assert told > 1000


def test_curves_are_what_they_are_called() -> None:
    rng = np.random.default_rng(7)
    first, second, weight = rng.normal(size=300), rng.normal(0.2, 1.1, 300), rng.random(300)
    for w in (None, weight):
        found = of_errors(first, second, w)
        for name, curve in PLAIN.items():
            drawn: Comparison = getattr(found, name)
            assert len(drawn.at) == DRAWN and drawn.at[0] == 0.0
            assert drawn.at[-1] == max(np.abs(first).max(), np.abs(second).max())
            for errors, values in ((first, drawn.first), (second, drawn.second)):
                expected = [np.average(curve(errors, t), weights=w) for t in drawn.at]
                np.testing.assert_allclose(values, expected, rtol=1e-12, atol=1e-15)


PLAIN: dict[str, Callable[[Any, float], Any]] = {
    "within": lambda e, t: np.abs(e) <= t,
    "over": lambda e, t: e > t,
    "under": lambda e, t: e < -t,
    "excess": lambda e, t: np.maximum(np.abs(e) - t, 0.0),
    "excess_over": lambda e, t: np.maximum(e - t, 0.0),
    "excess_under": lambda e, t: np.maximum(-t - e, 0.0),
}


def test_of_many_changes_the_largest_are_told() -> None:
    # Leads of 90, 1, 2, ..., 39, 1 and 90, in turn of the one and the other.
    height = np.array([0, 90, *range(1, 40), 1, 90, 0])
    height[2::2] *= -1
    trace = traced(np.arange(float(height.size)), height)
    assert trace.turns == 41
    assert [one.at for one in trace.leads] == [1.0, *range(27, 41), 42.0]
    # A change to or from a small lead is a small one.
    assert [place for place, _ in trace.crossings] == [*range(25, 41)]
    assert len(trace.leads) == len(trace.crossings) == MOST
    even = np.arange(1.0, 101.0)
    found = of_errors(even - 0.75 * (np.arange(100) % 2), even - 0.75 * (np.arange(100) % 2 == 0))
    assert found.within.turns > 3 * MOST
    assert len(found.within.crossings) == len(found.within.leads) == MOST
    assert len(found.within.at) == DRAWN


def test_a_trace_of_pieces() -> None:
    at = np.array([0.0, 1.0, 2.0, 3.0])
    # From 2 down to -2, a jump to 1, down to 0, nothing, and 0 at last.
    trace = traced(at, np.array([2, 1, 0, 0]), np.array([-2, 0, 0]))
    assert (trace.verdict, trace.turns) == ("neither", 2)
    assert trace.crossings == ((0.5, "second"), (1.0, "first"))
    below = [(one.ahead, one.low, one.high, one.at, one.below) for one in trace.leads]
    assert below == [
        ("first", 0.0, 0.5, 0.0, False), ("second", 0.5, 1.0, 1.0, True),
        ("first", 1.0, 2.0, 1.0, False),
    ]  # fmt: skip
    assert traced(at[:1], np.array([0])).verdict == "alike"


def test_whole_numbers_are_exact() -> None:
    values = np.array([0.1, -0.25, 0.0, 5e-324, -1e300, 3.0])
    for some in (values, values[[1, 2, 5]], values[[2]], values[:0]):
        found = wholes(some)
        unit = {Fraction(v) / w for v, w in zip(some.tolist(), found.tolist(), strict=True) if w}
        assert len(unit) <= 1
        assert [w == 0 for w in found.tolist()] == [v == 0.0 for v in some.tolist()]
    assert wholes(values).dtype == object and wholes(values[[1, 2, 5]]).dtype == np.int64
    sums = summed_at(np.array([2, 0, 2]), np.array([1, 2, 4]), 4)
    assert sums.tolist() == [2, 0, 5, 0]


def test_who_is_ahead_on_both() -> None:
    assert together(["first", "alike"]) == "first" and together(["first", "second"]) == "neither"
    assert together(["alike", "alike"]) == "alike" and together(["second", "neither"]) == "neither"


# --- in passes --------------------------------------------------------------------------------


def test_rounds_are_of_errors() -> None:
    rng = np.random.default_rng(5)
    first, second, weight = rng.normal(size=50), rng.normal(size=50), rng.random(50)
    for w in (None, weight):
        for blocks in (1, 7, 50):
            assert asked(two(first, second, w), blocks) == (of_errors(first, second, w), 1)
    weight[::3] = 0.0
    kept = weight > 0.0
    found, _ = asked(two(first, second, weight), 3)
    assert found == of_errors(first[kept], second[kept], weight[kept])


def many(n: int = 2500, seed: int = 6) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_t(4, n).round(3), rng.normal(0.1, 1.2, n)


@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_order_and_engines_change_nothing(weighted: bool) -> None:
    first, second = many()
    weight = np.random.default_rng(1).random(first.size) if weighted else None
    whole = two(first, second, weight)
    found, passes = asked(whole, full=100)
    assert not found.exact and found.rows == first.size and passes == 2
    assert found.within.turns > 0
    for blocks in (2, 9, 70):
        assert asked(whole, blocks, full=100)[0] == found
    mixed = np.random.default_rng(2).permutation(first.size)
    moved = two(first[mixed], second[mixed], None if weight is None else weight[mixed])
    assert asked(moved, 5, full=100)[0] == found
    forked, _ = asked(whole, 20, run=lambda rows, of: processes.run(rows, of, 2), full=100)
    assert forked == found


def test_what_is_known_of_the_rows_changes_passes_alone() -> None:
    whole = two(*many())
    large = asked(whole, 4, None, full=100)[0]
    assert asked(whole, 4, whole.count, full=100) == (large, 2)
    assert asked(whole, 4, 50, full=100)[0] == large  # a file that said too little
    small = asked(whole, 4, None, full=5000)
    assert small == (asked(whole, 4, whole.count, full=5000)[0], 1)
    assert asked(whole, 4, 10**9, full=5000) == (small[0], 2)  # most were filtered away
    assert small[0].exact


@pytest.mark.parametrize("full", [100, 10**6])
def test_a_weight_is_a_row_so_many_times(full: int) -> None:
    first, second = many(800)
    times = np.random.default_rng(3).integers(0, 4, first.size)
    weighted, _ = asked(two(first, second, times), 3, full=full)
    repeated, _ = asked(two(np.repeat(first, times), np.repeat(second, times)), 2, full=full)
    assert weighted == replace(repeated, rows=int((times > 0).sum()))


def test_what_is_said_of_many_rows_is_so_at_its_thresholds() -> None:
    for seed, factor in enumerate((1.0, 1.0, 1.3, 0.8)):
        first, second = many(3000, seed)
        second = first * factor if seed > 1 else second
        found, _ = asked(two(first, second), 3, full=100)
        for name, curve in PLAIN.items():
            drawn: Comparison = getattr(found, name)
            for errors, values in ((first, drawn.first), (second, drawn.second)):
                expected = [curve(errors, t).mean() for t in drawn.at]
                np.testing.assert_allclose(values, expected, rtol=1e-11, atol=1e-15)
        all_thresholds = of_errors(first, second)
        for name in CLASSES:
            said, true = getattr(found, name), getattr(all_thresholds, name)
            # Fewer thresholds see less, but nothing else.
            assert said == true or true == "neither"
        if factor != 1.0:
            assert found.monotone == ("first" if factor > 1.0 else "second")


def test_one_error_far_out_decides_among_many_rows() -> None:
    first, _ = many(20_000)
    second = 1.5 * first
    first[12345] = 1e4  # beyond what a sample shows
    found, _ = asked(two(first, second), 9, full=100)
    assert found.symmetric_convex == found.symmetric_monotone == "neither"
    assert found.excess.leads[-1].ahead == "second" and found.excess.leads[-1].high == 1e4
    second[777] = -2e4
    found, _ = asked(two(first, second), 9, full=100)
    assert (found.symmetric_convex, found.convex) == ("first", "neither")


def test_the_same_model_twice() -> None:
    context = replace(CONTEXT, like=Known())
    whole = two(*many(300))
    for full in (100, 1000):
        found = ask(
            dominance.rounds(context, As("other"), As("other"), full=full),
            lambda of: serial.run([whole], of),
        )
        assert found is not None
        assert {getattr(found, name) for name in CLASSES} == {"alike"}
        assert found.within.first == found.within.second


@pytest.mark.parametrize("full", [1, 100])
def test_no_answer(full: int) -> None:
    rows = two([1.0, 2.0, 3.0], [2.0, 2.0, 5.0])
    assert asked(rows, full=full)[0] is not None
    for context in (replace(CONTEXT, point=None), replace(CONTEXT, outputs=2)):
        question = dominance.rounds(context, None, As("other"), full=full)
        assert ask(question, lambda of: serial.run([rows], of)) is None
    too_far = two([1e308, 0.0, 1.0], [0.0, 1.0, 2.0])
    too_far.columns["target"] = np.array([-1e308, 0.0, 0.0])
    with np.errstate(over="ignore"):
        assert asked(too_far, full=full)[0] is None
    assert asked(two([1.0, 2.0], [2.0, 1.0], [0.0, 0.0]), full=full)[0] is None


def test_errors_of_large_integers_and_of_one_column() -> None:
    rows = two([1.0, 2.0], [1.0, 1.0])
    rows.columns |= {"pred": np.array([2**60 + 1, 7]), "target": np.array([2**60, 9])}
    assert ErrorOf()(rows).tolist() == [1.0, -2.0]
    rows.columns |= {"pred": np.ones((2, 1)), "target": np.array([[3.0], [1.0]])}
    assert ErrorOf()(rows).tolist() == [-2.0, 0.0]


def test_a_sample_is_of_different_rows() -> None:
    values = np.repeat([3.0, -1.0, 0.0, 2.0], [1000, 1, 1, 1])
    found = Drawn((ErrorOf(),), 3).make(batch(values, np.zeros(values.size)))
    assert len(set(found.table[0].tolist())) == 3
    assert (found.count, found.finite, found.low.tolist(), found.high.tolist()) == (
        1003, 1003, [-1.0], [3.0],
    )  # fmt: skip


def test_a_sample_grows_as_it_is_made() -> None:
    rng = np.random.default_rng(8)
    whole = two(rng.normal(size=400).round(1), rng.normal(size=400))
    drawn = Drawn((ErrorOf(), ErrorOf(view=As("other"))), 50)
    expected = drawn.make(whole).to_json()
    for blocks in (2, 11, 400):
        state = drawn.empty()
        for places in np.array_split(np.arange(400), blocks):
            state = grown(drawn, state, part(whole, places))
        assert state.to_json() == expected
    assert drawn.make(whole).table.shape == (2, 50)


def test_the_sign_of_zero_is_nothing() -> None:
    columns = (RoleColumn("pred"), RoleColumn("target"))
    one, other = batch([0.0, -0.0], [1.0, 1.0]), batch([-0.0, 0.0], [1.0, 1.0])
    for asked_of in (Rows(columns, 5), Drawn(columns, 5)):
        assert asked_of.make(one).to_json() == asked_of.make(other).to_json()


def test_values_between_two_others() -> None:
    found = keys_between(-1.0, 2.0, 31)
    assert (np.diff(found) > 0.0).all() and found[0] > -1.0 and found[-1] < 2.0
    assert found.size == 31 and found[15] < 1e-3
    assert keys_between(2.0, 2.0, 3).tolist() == [2.0] * 3


def test_a_million_rows_take_about_a_second() -> None:
    rng = np.random.default_rng(0)
    blocks = []
    for start in range(0, 1 << 20, 1 << 15):
        errors = rng.standard_normal((2, 1 << 15))
        rows = batch(errors[0], np.zeros(1 << 15), start=start)
        rows.columns["other"] = 1.1 * errors[1]
        blocks.append(rows)
    context = replace(CONTEXT, like=Known(1 << 20))
    start_time = time.process_time()
    found = ask(dominance.rounds(context, None, As("other")), lambda of: serial.run(blocks, of))
    assert time.process_time() - start_time < 4.0
    assert found is not None and found.symmetric_convex == "first" and not found.exact


# --- the topic --------------------------------------------------------------------------------


def test_the_topic_says_both_ways_and_where() -> None:
    found = lossctl.stats.error_dominance(LATE, EVEN)
    assert found["B_over_A"]["every_symmetric_convex"] is True
    assert not any(found["A_over_B"].values())
    assert found["crossings"] == {
        "symmetric_monotone": [[1.0, 0.875, 1.0]], "symmetric_convex": []
    }  # fmt: skip
    assert found["losses"]["within_half"] == [0.125, 1.0]
    same = lossctl.stats.error_dominance([1.0, 2.0], [2.0, 1.0])
    assert not any(same["A_over_B"].values()) and not any(same["B_over_A"].values())


@pytest.mark.parametrize(
    ("first", "second"), [([1.0], [1.0, 2.0]), ([], []), ([float("nan")], [1.0]), ([[1.0]], [1.0])]
)
def test_the_topic_refuses(first: Any, second: Any) -> None:
    with pytest.raises(lossctl.DataError):
        lossctl.stats.error_dominance(first, second)


def test_the_result_is_plain() -> None:
    found = of_errors(LATE, EVEN)
    assert isinstance(found, Dominance)
    told = [found.rows, *found.within.at, *found.within.first, *found.excess.second]
    assert all(type(one) in (int, float) for one in told)
    assert isinstance(found.within.turns, int) and type(found.exact) is bool
