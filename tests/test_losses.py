"""Laws that every loss obeys, generated from the registry and the oracles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from lossctl.errors import DataError, UsageError
from lossctl.loss import Loss
from lossctl.spec import make
from tests.loss_cases import LOSSES, OWN, columns, every_case, every_loss, rowwise
from tests.oracles import ORACLES, WHOLE


def oracle_rows(loss: Loss, data: dict[str, Any], told: dict[str, Any]) -> list[Any]:
    """The oracle's value of each row."""
    told = {key: value for key, value in told.items() if key != "zero"}
    lists = [
        [values.tolist()] * len(data["target"]) if role.domain.shape == "whole" else values.tolist()
        for role in loss.own_roles
        for values in [data[role.name]]
    ]
    return [ORACLES[loss.name](*row, **told) for row in zip(*lists, strict=True)]


# --- the oracle --------------------------------------------------------------------------------

ULPS = 4.0


def _nll_terms(data: dict[str, Any], told: dict[str, Any]) -> np.ndarray:
    v = data["scale"] if told["variance"] else data["scale"] ** 2
    return np.abs(np.log(np.maximum(v, max(told["eps"], 5e-324)))) + 1.0


def _poisson_terms(data: dict[str, Any], told: dict[str, Any]) -> np.ndarray:
    count, pred = data["target"], data["pred"]
    if told["full"]:
        return np.maximum(np.where((count > 0.0) & (count < 1.0), 1.0, 0.0), told["eps"])
    if told["log_input"]:
        return np.abs(count * pred)
    logs = np.abs(np.log(np.maximum(pred + told["eps"], 5e-324)))
    return count * np.maximum(logs, 1.0 if told["eps"] else 0.0)


def _barron_bound(told: dict[str, Any], data: dict[str, Any]) -> Any:
    """A power of alpha/2 magnifies the rounding of its base; e**(z/2) that of z."""
    if told["alpha"] == math.inf:
        size = np.minimum(np.abs(data["pred"] - data["target"]) / told["c"], 1e100)
        return 4.0 + 4.0 * size * size
    return 4.0 + 2.0 * max(told["alpha"], 0.0)


def _tweedie_bound(told: dict[str, Any], data: dict[str, Any]) -> Any:
    if told["power"] in (0.0, 1.0, 2.0, 3.0):
        return 4.0
    sizes = np.abs([data["pred"], data["target"]])
    extreme = ((sizes < 1e-100) & (sizes > 0.0)) | (sizes > 1e100)
    return np.where(extreme.any(axis=0), 1000.0, 6.0 if told["power"] == 1.5 else 16.0)


Data = dict[str, Any]
# Losses that are not within 4 ulp of their value, and what is promised instead.
BOUNDS: dict[str, Callable[[dict[str, Any], Data], Any]] = {
    "mean_squared_logarithmic_error": lambda told, data: 6.0,
    "root_mean_squared_logarithmic_error": lambda told, data: 6.0,
    "tweedie_deviance": _tweedie_bound,
    "general_robust": _barron_bound,
    "poisson_nll": lambda told, data: 20.0 if told["full"] else 4.0,
    "linex": lambda told, data: 6.0,
}
# Their value is a difference: the bound is in ulps of its largest term.
TERMS: dict[str, Callable[[Data, dict[str, Any]], np.ndarray]] = {
    "gaussian_nll": _nll_terms,
    "poisson_nll": _poisson_terms,
}
LARGEST = Fraction(np.finfo(np.float64).max)


def errors(loss: Loss, told: dict[str, Any], data: dict[str, Any]) -> np.ndarray:
    """How far each row lies from the oracle, in ulps; rows too large for a float must be inf."""
    with np.errstate(all="ignore"):
        terms = (
            TERMS[loss.name](data, told) if loss.name in TERMS else np.zeros(len(data["target"]))
        )
    found = []
    for got, want, term in zip(
        loss(**data, **told), oracle_rows(loss, data, told), terms, strict=True
    ):
        if abs(want) > LARGEST:
            found.append(0.0 if got == float(mpmath.sign(want)) * math.inf else math.inf)
        elif not math.isfinite(got):
            found.append(0.0 if abs(want) > 0.4 * LARGEST else math.inf)
        else:
            unit = math.ulp(max(abs(float(want)), min(float(term), 1e308)))
            found.append(float(abs(mpmath.mpf(float(got)) - want)) / unit)
    return np.array(found)


@every_case(but=lambda loss, told: loss.name in WHOLE)
def test_agrees_with_the_oracle(loss: Loss, given_settings: dict[str, Any]) -> None:
    data = columns(loss, given_settings)
    if given_settings.get("zero") == "skip":
        data = {name: values[data["target"] != 0.0] for name, values in data.items()}
    bound = BOUNDS.get(loss.name, lambda told, data: ULPS)(given_settings, data)
    found = errors(loss, given_settings, data)
    worst = int(np.argmax(found / bound))
    assert (found <= bound).all(), ({name: v[worst] for name, v in data.items()}, found[worst])


def test_columns_of_whole_file_losses() -> None:
    rng = np.random.default_rng(3)
    target, pred = rng.normal(50.0, 3.0, 31), rng.normal(50.0, 4.0, 31)
    for name in sorted(WHOLE):
        loss = LOSSES[name]
        for told in ({}, {"force_finite": False}) if loss.settings else ({},):
            spec = make(loss, told)
            got = _reduced(spec.reduction.name, loss.evaluate({"pred": pred, "target": target},
                                                              spec.all_settings))  # fmt: skip
            want = ORACLES[name](pred.tolist(), target.tolist(), **told)
            assert abs(float(got) - float(want)) <= 1e-14 * abs(float(want)), name


def _reduced(reduction: str, values: Any) -> Fraction:
    """What a reduction of the record's choosing makes of the columns, in exact arithmetic."""
    if reduction in ("max", "median"):
        return {"max": max, "median": lambda x: sorted(x)[len(x) // 2]}[reduction](
            [Fraction(v) for v in values]
        )
    first, second = ([Fraction(v) for v in column] for column in values)
    if reduction == "ratio":
        return sum(first) / sum(second)
    spread = _spread(first) if reduction.startswith("explained") else sum(v * v for v in first)
    ratio = spread / _spread(second)
    return ratio if reduction == "relative_variance" else 1 - ratio


def _spread(values: list[Fraction]) -> Fraction:
    centre = sum(values, Fraction(0)) / len(values)
    return sum(((v - centre) ** 2 for v in values), Fraction(0))


@pytest.mark.parametrize("loss", OWN.values(), ids=OWN)
def test_has_an_oracle(loss: Loss) -> None:
    assert loss.name in ORACLES


@every_case(but=lambda loss, told: loss.name in WHOLE or told.get("clip") is not None)
def test_agrees_with_the_oracle_on_integers_past_2_to_53(
    loss: Loss, given_settings: dict[str, Any]
) -> None:
    data: dict[str, Any] = {
        name: np.array([2**60 + 1, 2**60 + 2, 2**62 - 1, 2**53 + 1])
        + np.array([0, 1, -1025, 3]) * place
        for place, name in enumerate(rowwise(loss, given_settings))
    }
    data |= {role.name: np.array([2**60 + 1, 2**60 + 4, 2**60 + 9, 2**60 + 27, 2**60 + 29])
             for role in loss.own_roles if role.domain.shape == "whole"}  # fmt: skip
    floats = {name: values.astype(np.float64) for name, values in data.items()}
    bound = BOUNDS.get(loss.name, lambda told, data: ULPS)(given_settings, floats)
    assert (errors(loss, given_settings, data) <= bound).all()


# --- what any loss does with any data ------------------------------------------------------------


@every_case()
def test_is_finite_or_infinite_inside_the_domain_but_never_nan(
    loss: Loss, given_settings: dict[str, Any]
) -> None:
    data = columns(loss, given_settings)
    names = rowwise(loss, given_settings)
    values = loss(**data, **given_settings)
    assert values.shape == data[names[0]].shape
    assert values.dtype == np.float64
    assert not np.isnan(values).any()
    if loss.low == 0.0 and loss.name != "relative_squared_error":  # whose columns have a sign
        assert (values >= 0.0).all()
    small = np.all([(np.abs(data[n]) < 10.0) & (np.abs(data[n]) > 0.02) for n in names], axis=0)
    assert small.any()
    assert np.isfinite(values[small]).all()


@every_case()
def test_never_nan_at_the_ends_of_the_range(loss: Loss, given_settings: dict[str, Any]) -> None:
    most = np.finfo(np.float64).max
    roles = [r for r in loss.roles(given_settings) if r.domain.shape == "value"]
    ends = [
        [v for v in (most, -most, 5e-324, 0.0) if not r.domain.outside(np.array([v])).any()]
        for r in roles
    ]
    rows = np.array(list(itertools.product(*ends)))
    data = {role.name: rows[:, place] for place, role in enumerate(roles)}
    data |= {r.name: np.array([1.0, 3.0, 7.0, 2.0, 1.0]) for r in loss.roles(given_settings)
             if r.domain.shape == "whole"}  # fmt: skip
    assert not np.isnan(loss(**data, **given_settings)).any()


@every_case(but=lambda loss, told: loss.low != 0.0 or told.get("charbonnier"))
def test_is_smallest_where_prediction_is_target(loss: Loss, given_settings: dict[str, Any]) -> None:
    data = columns(loss, given_settings)
    data["target"] = data["pred"] = np.maximum(data["pred"], data["target"])
    values = loss.evaluate(data, given_settings)
    values = values[0] if isinstance(values, tuple) else values
    assert (values == 0.0).all()


@every_case()
def test_order_and_layout_change_no_bit(loss: Loss, given_settings: dict[str, Any]) -> None:
    data = columns(loss, given_settings)
    names = rowwise(loss, given_settings)
    values = loss(**data, **given_settings)
    order = np.random.default_rng(1).permutation(len(values))
    shuffled = data | {name: data[name][order] for name in names}
    assert loss(**shuffled, **given_settings).tobytes() == values[order].tobytes()
    upright = data | {name: data[name][:, np.newaxis] for name in names}
    assert loss(**upright, **given_settings).tobytes() == values.tobytes()
    first = data | {name: data[name][3:4] for name in names}
    assert loss(**first, **given_settings).tobytes() == values[3:4].tobytes()


@every_case()
def test_several_outputs_are_averaged(loss: Loss, given_settings: dict[str, Any]) -> None:
    data = columns(loss, given_settings)
    names = rowwise(loss, given_settings)
    half = len(data[names[0]]) // 2
    columns_of = [
        data | {name: data[name][start : start + half] for name in names} for start in (0, half)
    ]
    both = data | {name: np.stack([c[name] for c in columns_of], axis=1) for name in names}
    one, two = (loss(**column, **given_settings) for column in columns_of)
    with np.errstate(over="ignore"):
        expected = (one + two) / 2
    assert loss(**both, **given_settings).tobytes() == expected.tobytes()


@every_case()
def test_other_number_types_are_widened_exactly(loss: Loss, given_settings: dict[str, Any]) -> None:
    names = rowwise(loss, given_settings)
    data = columns(loss, given_settings)
    rows = np.all([(np.abs(data[n]) < 1e6) & (np.abs(data[n]) > 0.05) for n in names], axis=0)
    kept = data | {name: data[name][rows] for name in names}
    for kind in (np.float32, np.float16, np.int8, np.uint16, np.int64, ">f8"):
        with np.errstate(all="ignore"):
            typed = kept | {n: np.clip(np.ceil(np.abs(kept[n])), 1, 90).astype(kind) for n in names}
        wide = typed | {n: typed[n].astype(np.float64) for n in names}
        assert loss(**typed, **given_settings).tobytes() == loss(**wide, **given_settings).tobytes()


@every_loss
def test_refuses_what_lies_outside_the_domain(loss: Loss) -> None:
    told = dict(make(loss, {}).all_settings)
    roles = loss.roles(told)
    good = {r.name: np.array([1.0, 2.0, 4.0]) for r in roles}
    loss(**good)
    for role in roles:
        bad = [math.nan, math.inf, -math.inf]
        bad += [role.domain.low] if role.domain.low_open else [role.domain.low - 1.0]
        for value in bad:
            with pytest.raises(DataError, match=role.name):
                loss(**good | {role.name: np.array([1.0, value, 4.0])})
    for other in (np.array([1.0, 2.0]), np.ones((3, 2))):
        with pytest.raises(DataError, match="shapes differ"):
            loss(**good | {roles[0].name: other})
    with pytest.raises(DataError, match="not numeric"):
        loss(**good | {roles[0].name: np.array(["a", "b", "c"])})
    with pytest.raises(UsageError):
        loss(good[roles[0].name])


# --- gradients ----------------------------------------------------------------------------------


@every_case(but=lambda loss, told: loss.gradient is None)
def test_gradient_lies_between_the_one_sided_differences(
    loss: Loss, given_settings: dict[str, Any]
) -> None:
    data = columns(loss, given_settings, seed=1)
    names = rowwise(loss, given_settings)
    rows = np.all([(np.abs(data[n]) < 30.0) & (np.abs(data[n]) > 0.01) for n in names], axis=0)
    data |= {name: data[name][rows][:25] for name in names}
    with np.errstate(all="ignore"):
        slopes = loss.gradient(*(data[r.name] for r in loss.own_roles), **given_settings)
    told = {key: value for key, value in given_settings.items() if key != "zero"}
    if loss.name in WHOLE:
        told, oracle = {}, ORACLES["mean_absolute_error"]  # what a row adds to WAPE's numerator
    else:
        oracle = ORACLES[loss.name]
    for place, slope in enumerate(slopes):
        row = [
            data[r.name].tolist() if r.domain.shape == "whole" else float(data[r.name][place])
            for r in loss.own_roles
        ]
        with mpmath.workdps(70):
            step = mpmath.mpf(10) ** -22
            below, here, above = (
                oracle(mpmath.mpf(row[0]) + side * step, *row[1:], **told) for side in (-1, 0, 1)
            )
            sides = sorted([float((here - below) / step), float((above - here) / step)])
        slack = 1e-9 * max(abs(sides[0]), abs(sides[1])) + 1e-13
        assert sides[0] - slack <= slope <= sides[1] + slack, row


def test_losses_without_a_gradient_are_those_that_have_none() -> None:
    assert [name for name, loss in LOSSES.items() if loss.gradient is None] == [
        "structural_risk", "r2", "explained_variance", "relative_squared_error", "max_error",
        "median_absolute_error",
    ]  # fmt: skip
