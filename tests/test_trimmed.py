"""Losses without their own largest part, against plain NumPy."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import lossctl
from lossctl.analyses.context import Context
from lossctl.analyses.trimmed import Trimmed, trimmed
from lossctl.batch import Batch
from lossctl.engines import serial
from lossctl.grammar import parse
from lossctl.rounds import ask
from tests.batches import batch, part

MSE = parse("mse")


def cut(whole: Batch, text: str, fraction: float, blocks: int = 1) -> Trimmed | None:
    spec = parse(text)
    context = Context(
        specs=(spec,), leading=spec, weighted=whole.weight is not None, outputs=1, wholes={},
        top=1, moments=True, pooled=False, point="pred",
    )  # fmt: skip
    parts = [part(whole, place) for place in np.array_split(np.arange(whole.count), blocks)]
    parts = [one for one in parts if one.count]
    found: Trimmed | None = ask(
        trimmed(context, spec, fraction), lambda asked: serial.run(parts, asked)
    )
    return found


RNG = np.random.default_rng(2)
PRED, TARGET = RNG.standard_t(2, 150), RNG.normal(size=150)
WEIGHT = RNG.uniform(0.1, 3.0, 150)


def expected(text: str, weight: Any, kept: Any) -> float:
    """The loss of some rows."""
    size, w = np.abs(PRED - TARGET)[kept], np.ones(150)[kept] if weight is None else weight[kept]
    if text == "wape":
        return float((w * size).sum() / (w * np.abs(TARGET[kept])).sum())
    powered = size if text in ("mae", "l1_norm") else size**2
    value = float((w * powered).sum())
    if text not in ("l1_norm", "l2_norm"):
        value /= w.sum()
    return math.sqrt(value) if text in ("rmse", "l2_norm") else value


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("text", ["mae", "mse", "rmse", "l1_norm", "l2_norm", "wape"])
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.1, 0.999])
def test_the_largest_are_gone(text: str, weighted: bool, fraction: float) -> None:
    weight = WEIGHT if weighted else None
    size = np.abs(PRED - TARGET)
    added = (size if text in ("mae", "l1_norm", "wape") else size**2) * (
        weight if weighted else 1.0
    )
    count = int(fraction * 150)
    kept = np.argsort(added)[: 150 - count]
    found = cut(batch(PRED, TARGET, weight), text, fraction)
    assert found is not None and (found.count, found.rows) == (count, 150)
    assert found.value == pytest.approx(expected(text, weight, kept), rel=1e-13)
    assert found.share == pytest.approx(1.0 - added[kept].sum() / added.sum(), abs=1e-13)
    deleted = lossctl.evaluate(
        PRED[kept], TARGET[kept], text, weight=None if weight is None else weight[kept]
    )
    assert found.value == deleted.losses[0].value, "as if they had been deleted, to the last bit"
    for blocks in (3, 150):
        assert cut(batch(PRED, TARGET, weight), text, fraction, blocks) == found


@given(
    st.lists(st.integers(-2, 2).map(float), min_size=2, max_size=30),
    st.floats(0.0, 0.95),
)
def test_of_equal_rows_any_may_go(errors: list[float], fraction: float) -> None:
    assume(any(errors))
    found = cut(batch(errors, [0.0] * len(errors)), "mae", fraction, blocks=2)
    assert found is not None
    kept = sorted(map(abs, errors))[: len(errors) - found.count]
    assert found.count == int(fraction * len(errors))
    assert found.value == math.fsum(kept) / len(kept)
    assert found.share == pytest.approx(1.0 - sum(kept) / sum(map(abs, errors)))


def test_of_equal_rows_with_weights_each_goes_in_part() -> None:
    # 8 = 4 * 2 = 2 * 4 = 1 * 8 of weights 4, 2 and 1: two of three go, of weight 14 / 3.
    whole = batch([2.0, 4.0, 8.0, 1.0], [0.0] * 4, [4.0, 2.0, 1.0, 1.0])
    found = cut(whole, "mae", 0.5)
    assert found is not None and found.count == 2
    assert found.value == pytest.approx((8.0 + 1.0) / (8.0 - 14.0 / 3.0), rel=1e-15)
    assert found.share == 16.0 / 25.0


def test_weight_zero_is_absence() -> None:
    weight = np.where(np.arange(150) % 2 == 0, 0.0, 1.0)
    found = cut(batch(PRED, TARGET, weight), "mse", 0.1)
    kept = cut(batch(PRED[1::2], TARGET[1::2], weight[1::2]), "mse", 0.1)
    assert found == kept
    assert found is not None and found.count == 7


@pytest.mark.parametrize("exponent", [-170, 170])
def test_where_squares_leave_the_range(exponent: int) -> None:
    scale = 10.0**exponent
    found = cut(batch(PRED * scale, np.zeros(150)), "rmse", 0.1)
    plain = cut(batch(PRED, np.zeros(150)), "rmse", 0.1)
    assert found is not None and plain is not None and plain.value is not None
    assert found.value == pytest.approx(plain.value * scale, rel=1e-14)
    assert found.share == pytest.approx(plain.share, rel=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fraction", [0.2, 0.4, 0.6])
def test_infinite_rows_are_the_largest(weighted: bool, fraction: float) -> None:
    """Relative errors 1/2, inf, 2, inf, 1: two of five are infinite."""
    weight = [1.0, 2.0, 2.0, 3.0, 1.5] if weighted else None
    whole = batch([1.0, 3.0, 3.0, 5.0, 2.0], [2.0, 0.0, 1.0, 0.0, 1.0], weight)
    means = {
        0.4: (0.5 + 2 * 2 + 1.5) / 4.5 if weighted else (0.5 + 2 + 1) / 3,
        0.6: (0.5 + 1.5) / 2.5 if weighted else (0.5 + 1) / 2,
    }
    found = cut(whole, "mape", fraction)
    assert found is not None and (found.count, found.rows) == (int(fraction * 5), 5)
    assert found.share is None
    if fraction in means:
        assert found.status == "ok"
        assert found.value == pytest.approx(means[fraction])
    else:
        assert (found.value, found.status, found.reason) == (None, "infinite", "1 row is infinite")
    assert cut(whole, "mape", fraction, blocks=5) == found


def test_all_but_the_infinite_rows_are_zero() -> None:
    found = cut(batch([1.0, 2.0, 3.0], [1.0, 0.0, 3.0]), "mape", 0.4)
    assert found == Trimmed(1, 3, 0.0, None)


@pytest.mark.parametrize("text", ["median_ae", "max_error", "bias", "r2"])
def test_nothing_where_rows_have_no_share(text: str) -> None:
    assert cut(batch(PRED, TARGET), text, 0.1) is None
    assert cut(batch([1.0, 2.0], [1.0, 2.0]), "mse", 0.1) is None, "nor of nothing"


@pytest.mark.parametrize("fraction", [-0.1, 1.0, math.nan])
def test_refuses_what_is_no_fraction(fraction: float) -> None:
    with pytest.raises(lossctl.UsageError, match="cannot trim"):
        cut(batch(PRED, TARGET), "mse", fraction)


def test_a_penalty_stays() -> None:
    spec = parse("structural_risk:base=mae,l2=1")
    context = Context(
        specs=(spec,), leading=spec, weighted=False, outputs=1,
        wholes={"parameters": np.array([2.0])}, top=1, moments=True, pooled=False, point="pred",
    )  # fmt: skip
    whole = batch([1.0, 3.0, 100.0], [0.0] * 3)
    whole = replace(
        whole, columns={**whole.columns, "parameters": np.array([2.0])},
        wholes=frozenset({"parameters"}),
    )  # fmt: skip
    found = ask(trimmed(context, spec, 0.4), lambda asked: serial.run([whole], asked))
    assert found is not None
    assert found.value == 2.0 + 4.0
