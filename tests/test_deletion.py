"""Every row's leave-one-out at once: to the bit what leaving it out alone gives, for every loss."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st

from lossctl.batch import Batch
from lossctl.grammar import parse
from lossctl.loss import Loss
from lossctl.spec import Spec
from lossctl.twofold import Twofold
from tests.batches import batch
from tests.loss_cases import every_case
from tests.loss_data import Form, Told
from tests.test_leave_one_out import NESTING, WEIGHTS, alone, batch_of, scored, specs_of


def same(spec: Spec, whole: Batch) -> None:
    found, name = scored(spec, whole), str(spec)
    if found.without is None:
        assert found.each is None, name
        return
    if found.each is None:
        slow = spec.reduction.name == "kappa" or whole.together
        assert slow or (spec.reduction.name == "median" and whole.weight is not None), name
        return
    with np.errstate(all="ignore"):
        at_once = found.each(whole).tolist()
    one_by_one = [found.without(alone(whole, row)) for row in range(whole.count)]
    assert [None if math.isnan(value) else value for value in at_once] == one_by_one, name


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@every_case()
def test_all_at_once_is_one_by_one(
    loss: Loss, given_settings: Told, form: Form, weighted: bool
) -> None:
    for spec in specs_of(loss, given_settings):
        same(spec, batch_of(loss, given_settings, form, spec, weighted))


@pytest.mark.parametrize("text", NESTING)
def test_losses_made_of_losses(text: str) -> None:
    spec = parse(text)
    rng = np.random.default_rng(4)
    whole = batch(rng.normal(size=7), np.round(rng.normal(size=7), 1), WEIGHTS)
    given_too = {name: np.array([0.5, -2.0]) for name in spec.loss.wholes}
    same(spec, replace(whole, columns=whole.columns | given_too, wholes=frozenset(given_too)))


SPECS = ["mse", "rmse", "mae", "mae:reduction=sum", "l2", "r2", "explained_variance", "rse",
         "median_absolute_error", "max_error", "mean_bias_error", "huber"]  # fmt: skip


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("text", SPECS)
@pytest.mark.parametrize("scale", [1.0, 1e-160, 1e-290, 1e140, 1e200])
def test_values_of_every_size(text: str, weighted: bool, scale: float) -> None:
    """Where float64's range ends, and one row that is nearly all of the sum."""
    rng = np.random.default_rng(7)
    pred, target = rng.standard_t(1.5, 300), np.round(rng.normal(size=300), 1)
    pred[17] = 3e9
    pred[20:40] = target[20:40]
    weight = np.where(rng.random(300) < 0.1, 0.0, rng.random(300)) if weighted else None
    same(parse(text), batch(pred * scale, target * scale, weight))


@pytest.mark.parametrize("pred", [[1.0, 0.0], [1.0], [0.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
@pytest.mark.parametrize("text", SPECS)
def test_few_rows_and_zeros(text: str, pred: list[float]) -> None:
    same(parse(text), batch(pred, np.arange(len(pred))))
    same(parse(text), batch(pred, np.zeros(len(pred))))


numbers = st.floats(-1e6, 1e6, allow_subnormal=False)


@drawn(st.lists(numbers, min_size=4, max_size=4))
@settings(max_examples=200, deadline=None)
def test_what_is_sure_is_the_exact_value_rounded(values: list[float]) -> None:
    a, b, c, d = (np.array([value]) for value in values)
    fa, fb, fc, fd = map(Fraction, values)
    with np.errstate(all="ignore"):
        twofold = (
            (Twofold.of(a) - Twofold.of(b))
            * Twofold.of(c)
            / (Twofold.of(d) * Twofold.of(d) + Twofold.of(np.ones(1)))
        )
        value, sure = twofold.nearest()
    exact = (fa - fb) * fc / (fd * fd + 1)
    assert abs(Fraction(float(twofold.high[0])) + Fraction(float(twofold.low[0])) - exact) <= (
        Fraction(float(twofold.off[0]))
    )
    if sure[0]:
        assert float(value[0]) == float(exact)


@pytest.mark.parametrize("name", ["sum", "product", "quotient", "root"])
def test_the_bound_holds_and_is_near(name: str) -> None:
    """Of random numbers, some of which nearly cancel: exact, by fractions."""
    rng = np.random.default_rng(11)
    a, b = (rng.random((2, 500)) + 0.5) * [[1.0], [2.0**-53]]
    c = np.where(rng.random(500) < 0.5, -a * (1 + 2.0**-40), rng.random(500) + 0.5)
    left, right = (
        Twofold(high + low, low - ((high + low) - high), 0.0, np.zeros(1))
        for high, low in ((a, b), (c, b[::-1]))
    )
    made = {
        "sum": left + right, "product": left * right, "quotient": left / right,
        "root": left.root(),
    }[name]  # fmt: skip
    for row in range(500):
        x, y = (Fraction(float(o.high[row])) + Fraction(float(o.low[row])) for o in (left, right))
        found = Fraction(float(made.high[row])) + Fraction(float(made.low[row]))
        off = Fraction(float(made.off[row]))
        if name == "root":  # |found - √x| <= off, without the root
            assert (found - off) ** 2 <= x <= (found + off) ** 2
            assert off <= Fraction(2) ** -73
            continue
        exact = {"sum": x + y, "product": x * y, "quotient": x / y}[name]
        assert abs(found - exact) <= off
        assert off <= Fraction(2) ** (-72 if name == "quotient" else -95)


def test_nearly_all_are_sure() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.random(100_000), rng.random(100_000) + 1.0
    _, sure = (Twofold.of(left) / Twofold.of(right)).nearest()
    assert sure.mean() > 0.999
