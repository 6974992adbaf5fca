"""Murphy diagrams: against brute force over all thresholds, and the losses they stand for."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.analyses import murphy
from lossctl.analyses.context import Context
from lossctl.analyses.crossings import DRAWN
from lossctl.analyses.murphy import Murphy, curve, murphy_rounds, of_predictions
from lossctl.batch import Batch
from lossctl.engines import processes, serial
from lossctl.grammar import parse
from lossctl.rounds import ask
from tests import rivals
from tests.batches import batch
from tests.rivals import As, Known, two

CONTEXT = Context(specs=(parse("mse"),), leading=parse("mse"), point="pred")
KINDS: list[tuple[murphy.Functional, float]] = [
    ("mean", 0.5), ("quantile", 0.5), ("quantile", 0.9), ("quantile", 1e-10),
]  # fmt: skip


def asked(
    whole: Batch, *more: Any, context: Context = CONTEXT, **settings: Any
) -> tuple[Murphy | None, int]:
    return rivals.asked(murphy_rounds, context, whole, *more, **settings)


def samples(count: int, seed: int = 0) -> Any:
    """Two predictions, targets and sometimes weights; often one is better."""
    rng = np.random.default_rng(seed)
    for trial in range(count):
        n = int(rng.integers(1, 6))
        if trial % 2:
            target = rng.integers(-2, 3, n).astype(float)
            errors = rng.integers(-3, 4, n).astype(float)
        else:
            target, errors = rng.normal(size=(2, n))
        first = target + errors
        second = target + errors * rng.choice([1.0, 1.0, 1.5, 0.5, -1.0], n)
        if trial % 5 == 0:
            first, second = (target + errors, target + errors * 2.0)
        if trial % 7 == 0:
            second = rng.permutation(first)
        if trial % 11 == 0:
            first, second, target = first * 1e300, second * 1e-300, target * 5e-324
        weight = None if trial % 3 else rng.choice([0.5, 1.0, 2.0, 1e-3, 0.1], n)
        yield first, second, target, weight


def score(pred: Any, target: Any, weight: Any, theta: Fraction, below: bool, kind: Any) -> Fraction:
    """The sum of the elementary scores, by the definition."""
    functional, level = kind
    total = Fraction(0)
    for p, y, w in zip(pred, target, weight, strict=True):
        low, high = min(p, y), max(p, y)
        if (low < theta <= high) if below else (low <= theta < high):
            part_of = 1 - Fraction(level) if p > y else Fraction(level)
            total += w * (abs(y - theta) if functional == "mean" else part_of)
    return total


def fractions(values: Any) -> list[Fraction]:
    return [Fraction(float(value)) for value in values]


def verdict(differences: list[Fraction]) -> str:
    if not any(differences):
        return "alike"
    if all(one >= 0 for one in differences):
        return "first"
    return "second" if all(one <= 0 for one in differences) else "neither"


# --- at every threshold -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_verdicts_are_those_of_all_kinks_from_both_sides(kind: Any) -> None:
    seen: Counter[str] = Counter()
    for first, second, target, weight in samples(250):
        a, b, y = fractions(first), fractions(second), fractions(target)
        w = fractions(np.ones(len(y)) if weight is None else weight)
        gaps = [
            score(b, y, w, theta, below, kind) - score(a, y, w, theta, below, kind)
            for theta in sorted({*a, *b, *y}) for below in (True, False)
        ]  # fmt: skip
        found = of_predictions(first, second, target, weight, functional=kind[0], level=kind[1])
        assert found.verdict == verdict(gaps)
        assert (found.functional, found.level, found.exact) == (*kind, True)
        signs = [(gap > 0) - (gap < 0) for gap in gaps]
        runs = [sign for sign in signs if sign]
        changes = sum(x != y for x, y in pairwise(runs))
        # Within a piece the difference is straight: no change of sign is hidden there.
        assert found.curves.turns == changes
        back = of_predictions(second, first, target, weight, functional=kind[0], level=kind[1])
        assert back.curves.turns == changes
        seen[found.verdict] += 1
    assert min(seen.values()) > 5 and len(seen) == 4


@pytest.mark.parametrize("kind", KINDS)
def test_curves_are_the_definition(kind: Any) -> None:
    for pred, _, target, weight in samples(60, 1):
        p, y = fractions(pred), fractions(target)
        w = fractions(np.ones(len(y)) if weight is None else weight)
        thetas = np.concatenate([pred, target, (pred + target) / 2, [-9.0, 9.0]])
        for below in (False, True):
            limits = np.full(thetas.size, below)
            found = curve(pred, target, weight, thetas, limits, functional=kind[0], level=kind[1])
            expected = [float(score(p, y, w, Fraction(t), below, kind) / sum(w))
                        for t in thetas.tolist()]  # fmt: skip
            assert found.tolist() == expected


def area(pred: Any, target: Any, kind: Any) -> float:
    """Under the curve: at the middle of each piece its mean is, for it is straight."""
    kinks = np.unique(np.concatenate([pred, target]))
    middles = (kinks[1:] + kinks[:-1]) / 2
    values = curve(pred, target, None, middles, functional=kind[0], level=kind[1])
    return float((np.diff(kinks) * values).sum())


def test_the_area_is_the_loss() -> None:
    rng = np.random.default_rng(2)
    pred, target = rng.normal(size=(2, 400))
    columns = {"pred": pred, "target": target}
    mse = parse("mse").evaluate(columns).mean()
    assert 2 * area(pred, target, ("mean", 0.5)) == pytest.approx(mse, rel=1e-12)
    for level in (0.1, 0.5, 0.9):
        pinball = parse(f"pinball:quantile={level}").evaluate(columns).mean()
        assert area(pred, target, ("quantile", level)) == pytest.approx(pinball, rel=1e-12)


def means(loss: Callable[[Any, Any], Any], made: Any) -> tuple[Any, Any]:
    """The mean loss of the first and of the second model, in each sample."""

    def of(model: int) -> Any:
        return np.array([np.average(loss(one[model], one[2]), weights=one[3]) for one in made])

    return of(0), of(1)


def agree(losses: Any, made: Any, found: list[Murphy]) -> None:
    who = np.array([one.verdict for one in found])
    assert Counter(who.tolist())["first"] > 20 and Counter(who.tolist())["second"] > 20
    for loss in losses:
        a, b = means(loss, made)
        slack = 1e-12 * (np.abs(a) + np.abs(b)) + 1e-13
        assert (a <= b + slack)[(who == "first") | (who == "alike")].all()
        assert (b <= a + slack)[(who == "second") | (who == "alike")].all()
        assert (a < b)[who == "first"].any()


def of_spec(text: str) -> Callable[[Any, Any], Any]:
    spec = parse(text)
    return lambda p, y: spec.evaluate({"pred": p, "target": y})


def positive(count: int, seed: int, low: float, high: float, binary: bool = False) -> Any:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        n = int(rng.integers(1, 4))
        target = rng.integers(0, 2, n).astype(float) if binary else rng.uniform(low, high, n)
        first = rng.uniform(low, high, n)
        part_of = rng.choice([0.0, 0.3, 0.6, -0.2], n)
        second = np.clip(first + part_of * (target - first), low, high)
        one = (first, second) if rng.random() < 0.5 else (second, first)
        yield *one, target, rng.random(n) + 0.1


def test_losses_of_the_mean_agree() -> None:
    made = list(positive(400, 3, 0.1, 5.0))
    found = [of_predictions(*one) for one in made]
    losses = [of_spec("mse"), of_spec("poisson_deviance"),
              lambda p, y: y / p - np.log(y / p) - 1.0,
              lambda p, y: np.exp(y) - np.exp(p) - np.exp(p) * (y - p)]  # fmt: skip
    agree(losses, made, found)


def test_losses_of_probabilities_agree() -> None:
    made = list(positive(400, 4, 0.01, 0.99, binary=True))
    found = [of_predictions(*one) for one in made]
    agree([of_spec("brier"), of_spec("bce")], made, found)


def test_losses_of_a_quantile_agree() -> None:
    made = list(positive(400, 5, 0.1, 5.0))
    found = [of_predictions(*one, functional="quantile", level=0.8) for one in made]

    def weights(p: Any, y: Any) -> Any:
        return np.where(p > y, 0.2, 0.8)

    losses = [of_spec("pinball:quantile=0.8"), lambda p, y: weights(p, y) * np.abs(p**3 - y**3),
              lambda p, y: weights(p, y) * np.abs(np.log(p) - np.log(y))]  # fmt: skip
    agree(losses, made, found)


def test_where_two_models_change_places() -> None:
    # The first is 1 too high at 0, the second 1 too high at 10.
    found = of_predictions(np.array([1.0, 10.0]), np.array([0.0, 11.0]), np.array([0.0, 10.0]))
    assert found.verdict == "neither"
    below, above = found.curves.leads
    assert (below.ahead, below.low, below.high, below.at) == ("second", 0.0, 1.0, 1.0)
    assert (below.first, below.second) == (0.5, 0.0)  # just below 1, where the curve ends
    assert (above.ahead, above.low, above.high, above.at) == ("first", 10.0, 11.0, 11.0)
    (turn,) = found.curves.crossings
    assert (turn.at, turn.then, turn.first, turn.second) == (10.0, "first", 0.0, 0.0)
    median = of_predictions(np.array([1.0, 10.0]), np.array([0.0, 11.0]), np.array([0.0, 10.0]),
                            functional="quantile")  # fmt: skip
    below, above = median.curves.leads
    assert (below.at, below.until, below.first) == (0.0, 1.0, 0.25)


# --- in passes --------------------------------------------------------------------------------


def many(n: int = 2500, seed: int = 6) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(seed)
    target = rng.normal(1000.0, 3.0, n)
    return target + rng.standard_t(4, n), target + rng.normal(0.3, 1.2, n), target


@pytest.mark.parametrize("kind", [*KINDS[:1], *KINDS[2:3]])
@pytest.mark.parametrize("weighted", [False, True])
def test_blocks_order_and_engines_change_nothing(weighted: bool, kind: Any) -> None:
    first, second, target = many()
    weight = np.random.default_rng(1).random(target.size) if weighted else None
    told = {"functional": kind[0], "level": kind[1], "full": 100}
    whole = two(first, second, target, weight)
    found, passes = asked(whole, **told)
    assert found is not None and not found.exact and found.rows == 2500 and passes == 2
    for blocks in (2, 41):
        assert asked(whole, blocks, **told)[0] == found
    assert asked(whole, 3, 2500, **told) == (found, 2)
    mixed = np.random.default_rng(2).permutation(target.size)
    moved = two(first[mixed], second[mixed], target[mixed],
                None if weight is None else weight[mixed])  # fmt: skip
    assert asked(moved, 5, **told)[0] == found
    assert asked(whole, 20, run=lambda rows, of: processes.run(rows, of, 2), **told)[0] == found
    told["full"] = 10**6
    exact = of_predictions(first, second, target, weight, functional=kind[0], level=kind[1])
    for blocks in (1, 17):
        assert asked(whole, blocks, **told) == (exact, 1)
    straight = [lead.at == lead.until for lead in found.curves.leads]
    assert all(straight) if kind[0] == "mean" else not any(straight)
    # At its thresholds, what is said of many rows is exact.
    assert len(found.curves.at) == DRAWN
    for pred, values in ((first, found.curves.first), (second, found.curves.second)):
        at = np.array(found.curves.at)
        expected = curve(pred, target, weight, at, functional=kind[0], level=kind[1])
        assert values == tuple(expected.tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_said_of_many_rows_is_so_of_all_thresholds_or_of_fewer(kind: Any) -> None:
    first, _, target = many(3000)
    for second in (target + 1.5 * (first - target), target + 0.8 * (first - target),
                   target - (first - target)):  # fmt: skip
        found, _ = asked(two(first, second, target), 3, functional=kind[0], level=kind[1], full=100)
        true = of_predictions(first, second, target, functional=kind[0], level=kind[1])
        assert found is not None and found.verdict in (true.verdict, "first", "second")
        assert found.verdict == true.verdict or true.verdict == "neither"


def test_one_prediction_far_out_decides_among_many_rows() -> None:
    first, _, target = many(20_000)
    second = target + 1.5 * (first - target)
    before, _ = asked(two(first, second, target), full=100)
    assert before is not None and before.verdict == "first"
    first[777] = 1e6
    found, _ = asked(two(first, second, target), 4, full=100)
    assert found is not None and found.verdict == "neither"
    assert found.curves.leads[-1].high == 1e6


@pytest.mark.parametrize("full", [100, 10**6])
def test_a_weight_is_a_row_so_many_times(full: int) -> None:
    columns = many(700)
    times = np.random.default_rng(3).integers(0, 4, 700)
    for functional in ("mean", "quantile"):
        weighted, _ = asked(two(*columns, times), 3, functional=functional, level=0.5, full=full)
        repeated, _ = asked(two(*(np.repeat(column, times) for column in columns)), 2,
                            functional=functional, level=0.5, full=full)  # fmt: skip
        assert repeated is not None
        assert weighted == replace(repeated, rows=int((times > 0).sum()))


@pytest.mark.parametrize("full", [1, 100])
def test_no_answer_and_probabilities(full: int) -> None:
    rows = two([0.2, 0.9, 0.5], [0.1, 0.6, 0.5], [0.0, 1.0, 1.0])
    binary = replace(CONTEXT, point=None)
    assert asked(rows, context=binary, full=full)[0] is None
    assert asked(rows, context=replace(CONTEXT, outputs=2), full=full)[0] is None
    found, _ = asked(rows, context=binary, role="pred", full=full)
    assert found is not None and found.rows == 3 and found.verdict == "neither"
    assert found.curves.at[0] >= 0.0 and found.curves.at[-1] <= 1.0
    nobody = two([1.0, 2.0], [2.0, 1.0], [0.0, 0.0], [0.0, 0.0])
    assert asked(nobody, full=full)[0] is None


def test_predictions_far_apart_overflow_nothing() -> None:
    rows = two([1e308, -1e308], [1e307, -1e308], [-1e308, 1e308])
    for full in (1, 100):
        with np.errstate(over="raise"):
            found, _ = asked(rows, full=full)
        assert found is not None and found.verdict == "second"


def test_a_million_rows_take_about_a_second() -> None:
    rng = np.random.default_rng(0)
    blocks = []
    for start in range(0, 1 << 20, 1 << 15):
        errors, target = rng.standard_normal((2, 1 << 15))
        rows = batch(target + errors, target, start=start)
        rows.columns["other"] = target + 1.1 * errors
        blocks.append(rows)
    context = replace(CONTEXT, like=Known(1 << 20))
    start_time = time.process_time()
    found = ask(murphy_rounds(context, None, As("other")), lambda of: serial.run(blocks, of))
    assert time.process_time() - start_time < 5.0
    assert found is not None and found.verdict == "first" and not found.exact


# --- the topic --------------------------------------------------------------------------------


def test_the_topic_takes_any_thresholds() -> None:
    found = lossctl.stats.murphy_curve([0.0, 2.0], {"A": [1.0, 1.0]}, [1.0, 0.5, 1.0, 0.0])
    assert found == {"mean_elementary_score": {"A": [0.5, 0.25, 0.5, 0.0]}}
    found = lossctl.stats.murphy_curve([0.0, 2.0], {"A": [1.0, 1.0]}, [0.5, 1.0], "quantile", 0.75)
    assert found == {"mean_elementary_score": {"A": [0.125, 0.375]}}


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (lossctl.UsageError, {"functional": "mode"}),
        (lossctl.UsageError, {"level": 0.9}),
        (lossctl.UsageError, {"functional": "quantile", "level": 1.0}),
        (lossctl.DataError, {"models": {"A": [1.0]}}),
        (lossctl.DataError, {"thetas": [float("inf")]}),
    ],
)
def test_the_topic_refuses(problem: type[Exception], told: dict[str, Any]) -> None:
    given = {"y": [0.0, 2.0], "models": {"A": [1.0, 1.0]}, "thetas": [0.5]}
    with pytest.raises(problem):
        lossctl.stats.murphy_curve(**given | told)
