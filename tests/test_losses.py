"""Laws that every loss obeys, generated from the registry and the oracles."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl import losses as families
from lossctl.errors import DataError, UsageError
from lossctl.loss import Loss, Param, Setting, losses, named
from lossctl.spec import make, parse
from tests.oracles import ORACLES, WHOLE

LOSSES = losses()
OWN = {name: loss for name, loss in LOSSES.items() if loss.nests is None}

# --- settings: every value of these that a setting allows is tried ------------------------------

PROBES: tuple[Any, ...] = (0.0, 0.3, 2.5, -1.5, math.inf, -math.inf, 1, 3, True, False,
                           None)  # fmt: skip
MORE: dict[str, list[dict[str, Any]]] = {
    "tweedie_deviance": [
        {"power": p} for p in (1.0, 1.0 + 1e-9, 1.3, 1.9, 2.0 - 1e-9, 2.0, 3.0, 4.5)
    ],
    "general_robust": [{"alpha": a, "c": 1.7} for a in (2.0, -2.0, 1e-9, 2.0 + 1e-9, 7.0, -1e30)],
    "smooth_l1": [{"beta": 1e-200}],
    "gaussian_nll": [{"variance": False, "full": True}, {"variance": False, "eps": 0.0}],
    "poisson_nll": [
        {"log_input": log, "full": full, "eps": 0.0 if log else eps}
        for log in (False, True)
        for full in (True, "stirling")
        for eps in (0.0, 1e-8)
    ],
    "mean_absolute_percentage_error": [{"zero": "skip", "eps": 0.1}],
}


def probes(setting: Setting) -> list[Any]:
    """The values to try for one setting."""
    if setting.param.choices:
        return list(setting.param.choices)
    fitting = [
        value
        for value in PROBES
        if (type(value) is setting.type or value is None) and setting.param.allows(value)
    ]
    return fitting or [setting.default]


def cases() -> Iterator[Any]:
    for name, loss in OWN.items():
        told: list[dict[str, Any]] = [{}]
        told += [{s.name: value} for s in loss.settings for value in probes(s)]
        for given_settings in told + MORE.get(name, []):
            spec = make(loss, given_settings)
            yield pytest.param(loss, dict(spec.all_settings), id=str(spec))


def unique(found: Iterator[Any]) -> list[Any]:
    return list({case.id: case for case in found}.values())


CASES = unique(cases())
every_case = pytest.mark.parametrize(("loss", "given_settings"), CASES)
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


# --- data: drawn from the domains of the roles --------------------------------------------------

EDGES = (0.0, 5e-324, 1e-300, 1e-160, 1e-9, 0.1, 0.5, 1.0, 1.5, 2.0, 3.0, 17.0, 700.0, 1e9, 1e160,
         1e300)  # fmt: skip


def pairs(rng: np.random.Generator) -> tuple[list[float], list[float]]:
    """Two columns: ordinary, nearly equal, and pairs of edges with either sign."""
    size = np.exp(rng.normal(0.0, 2.0, 30)) * rng.choice([-1.0, 1.0, 1.0], 30)
    other = np.exp(rng.normal(0.0, 2.0, 30)) * rng.choice([-1.0, 1.0, 1.0], 30)
    close = size * (1.0 + rng.choice([-1.0, 1.0], 30) * 2.0 ** -rng.integers(1, 53, 30))
    edges = np.array([sign * edge for edge in EDGES for sign in (1.0, -1.0)])
    left, right = rng.choice(edges, 40), rng.choice(edges, 40)
    return [*size, *size, *left, *edges], [*other, *close, *right, *edges]


def columns(loss: Loss, given_settings: dict[str, Any], seed: int = 0) -> dict[str, np.ndarray]:
    """Columns of every role that lie in the domains."""
    rng = np.random.default_rng([seed, len(loss.name), ord(loss.name[-1])])
    roles = loss.roles(given_settings)
    rows = [role for role in roles if role.domain.shape == "value"]
    first, second = pairs(rng)
    third = np.exp(rng.normal(0.0, 3.0, len(first)))
    found = dict(zip((role.name for role in rows), (first, second, third), strict=False))
    if len(rows) == 3:  # the spread stands in the middle
        found[rows[1].name], found[rows[2].name] = list(third), list(second)
    taken = {name: np.array(values) for name, values in found.items()}
    inside = np.ones(len(first), dtype=bool)
    for role in rows:
        inside &= ~role.domain.outside(taken[role.name])
    assert inside.sum() >= 20
    chosen = {name: values[inside] for name, values in taken.items()}
    for role in roles:
        if role.domain.shape == "whole":
            chosen[role.name] = np.cumsum(rng.normal(0.0, 3.0, 25))
    return chosen


def rowwise(loss: Loss, given_settings: dict[str, Any]) -> list[str]:
    return [r.name for r in loss.roles(given_settings) if r.domain.shape == "value"]


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


@every_case
def test_agrees_with_the_oracle(loss: Loss, given_settings: dict[str, Any]) -> None:
    if loss.name in WHOLE:
        pytest.skip("a whole-file oracle: see test_columns_of_whole_file_losses")
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


@every_case
def test_agrees_with_the_oracle_on_integers_past_2_to_53(
    loss: Loss, given_settings: dict[str, Any]
) -> None:
    if loss.name in WHOLE or given_settings.get("clip") is not None:
        pytest.skip("a whole-file oracle, or floored as float64")
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


@every_case
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


@every_case
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


@every_case
def test_is_smallest_where_prediction_is_target(loss: Loss, given_settings: dict[str, Any]) -> None:
    names = rowwise(loss, given_settings)
    if loss.low != 0.0 or given_settings.get("charbonnier") or len(names) != 2:
        pytest.skip("its smallest value is not 0")
    data = columns(loss, given_settings)
    data["target"] = data["pred"] = np.maximum(data["pred"], data["target"])
    values = loss.evaluate(data, given_settings)
    if loss.name not in ("weighted_absolute_percentage_error",):
        values = values[0] if isinstance(values, tuple) else values
        assert (values == 0.0).all()


@every_case
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


@every_case
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


@every_case
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


@every_case
def test_gradient_lies_between_the_one_sided_differences(
    loss: Loss, given_settings: dict[str, Any]
) -> None:
    if loss.gradient is None:
        pytest.skip("no gradient")
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


# --- settings, names, specs -----------------------------------------------------------------------

EVERY_SETTING = [
    pytest.param(loss, setting, id=f"{name}-{setting.name}")
    for name, loss in LOSSES.items()
    for setting in loss.settings
    if not setting.param.nested
]


@pytest.mark.parametrize(("loss", "setting"), EVERY_SETTING)
def test_settings_stay_within_their_bounds(loss: Loss, setting: Setting) -> None:
    param = setting.param
    bad: list[Any] = [math.nan, "rubbish", (1.0,)]
    if setting.type is not bool and True not in param.choices:
        bad.append(True)
    if not param.infinite:
        bad += [math.inf, -math.inf]
    if not param.optional:
        bad.append(None)
    if setting.type is int:
        bad.append(1.5)
    if param.low > -math.inf:
        bad += [param.low if param.low_open else math.nextafter(param.low, -math.inf)]
    if param.high < math.inf:
        bad += [param.high if param.high_open else math.nextafter(param.high, math.inf)]
    if param.gap:
        bad += [math.nextafter(param.gap[0], math.inf), math.nextafter(param.gap[1], -math.inf)]
    for value in bad:
        with pytest.raises(UsageError, match=setting.name):
            make(loss, {setting.name: value})
    assert param.help
    assert param.rule()
    with pytest.raises(UsageError, match="no setting"):
        make(loss, {setting.name + "x": 1})


@every_loss
def test_names_labels_and_aliases_lead_to_the_loss(loss: Loss) -> None:
    for name in (loss.name, loss.label, *loss.aliases):
        assert named(name) == [loss], name
        assert parse(name).loss is loss
    assert getattr(families, loss.name) is loss
    assert loss.summary.strip().endswith((".", ")"))
    assert loss.formula
    assert loss.reference


def values_of(param: Param, kind: type) -> st.SearchStrategy[Any]:
    """Any value that a setting may take."""
    if param.nested:
        return st.sampled_from(sorted(OWN)).flatmap(spec_of)
    if param.choices:
        return st.sampled_from(param.choices)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(int(param.low), 10**6)
    low, high = (None if math.isinf(end) else end for end in (param.low, param.high))
    numbers: st.SearchStrategy[Any] = st.floats(
        low, high, allow_nan=False, allow_infinity=param.infinite and low is None and high is None
    )
    return (numbers | st.none() if param.optional else numbers).filter(param.allows)


@st.composite
def spec_of(draw: st.DrawFn, name: str) -> Any:
    loss = LOSSES[name]
    told = {s.name: draw(values_of(s.param, s.type)) for s in loss.settings if draw(st.booleans())}
    reduction = draw(st.none() | st.sampled_from(loss.variants))
    return make(loss, told, reduction)


@given(st.sampled_from(sorted(LOSSES)).flatmap(spec_of))
@settings(max_examples=300, deadline=None)
def test_a_spec_is_read_back_as_it_was_written(spec: Any) -> None:
    again = parse(str(spec))
    assert again == spec
    assert again.all_settings == spec.all_settings
    assert again.reduction.name == spec.reduction.name
    assert parse(str(again)).text == spec.text


# --- identities between losses ----------------------------------------------------------------

E = np.array([-700.0, -3.0, -1.0, -0.1, -1e-9, 0.0, 1e-200, 0.25, 0.999, 1.0, 1.5, 12.0, 1e6])
Y = np.array([2.0, 1.0, 0.5, 7.0, 3.0, 2.0, 4.0, 1.25, 2.0, 3.0, 1.0, 5.0, 9.0])
COUNTS = np.array([0.0, 1.0, 0.0, 7.0, 3.0, 2.0, 4.0, 1.0, 2.0, 3.0, 1.0, 5.0, 9.0])
POSITIVE = np.abs(E) + 0.1


def score(text: str, pred: np.ndarray = E, target: np.ndarray = Y) -> np.ndarray:
    spec = parse(text)
    return spec.loss(pred, target, **spec.all_settings)


@pytest.mark.parametrize(
    ("left", "factor", "right", "pred", "target"),
    [
        ("huber", 1.0, "smooth_l1", E, Y),
        ("huber:delta=2.5", 2.5, "smooth_l1:beta=2.5", E, Y),
        ("smooth_l1:beta=0", 1.0, "mae", E, Y),
        ("half_mse", 0.5, "mse", E, Y),
        ("rmse", 1.0, "mse", E, Y),
        ("l2_norm", 1.0, "mse", E, Y),
        ("l1_norm", 1.0, "mae", E, Y),
        ("pinball", 0.5, "mae", E, Y),
        ("pinball:scale=2", 1.0, "mae", E, Y),
        ("expectile", 0.5, "mse", E, Y),
        ("epsilon_insensitive:epsilon=0", 1.0, "mae", E, Y),
        ("squared_epsilon_insensitive:epsilon=0", 1.0, "mse", E, Y),
        ("tweedie:power=0", 1.0, "mse", E, Y),
        ("tweedie:power=1", 1.0, "poisson_deviance", POSITIVE, COUNTS),
        ("tweedie:power=2", 1.0, "gamma_deviance", POSITIVE, Y),
        ("tweedie:power=1.0000000000001", 1.0, "poisson_deviance", POSITIVE, COUNTS),
        ("tweedie:power=2.0000000000001", 1.0, "gamma_deviance", POSITIVE, Y),
        ("tweedie:power=1.5000000000001", 1.0, "tweedie", POSITIVE, Y),
        ("general_robust:alpha=2", 0.5, "mse", E, Y),
        ("general_robust", 1.0, "pseudo_huber", E, Y),
        (f"cauchy:c={2 * 2**0.5}", 4.0, "general_robust:alpha=0,c=2", E, Y),
        (f"welsch:c={2 * 2**0.5}", 4.0, "general_robust:alpha=-inf,c=2", E, Y),
        ("geman_mcclure:c=2", 1.0, "general_robust:alpha=-2,c=1", E, Y),
        ("mape:zero=skip", 1.0, "mape", E, Y),
        ("smape:variant=0-1,scale=2", 1.0, "smape", E, Y),
        ("rmsle", 1.0, "msle", POSITIVE, Y),
        ("bias", 1.0, "mae", Y + np.abs(E), Y),
    ],
)
def test_identity(
    left: str, factor: float, right: str, pred: np.ndarray, target: np.ndarray
) -> None:
    one, other = score(left, pred, target), factor * score(right, pred, target)
    np.testing.assert_allclose(one, other, rtol=1e-11, atol=0.0)
    if factor == 1.0 and right in ("mae", "mse", "smooth_l1"):
        assert one.tobytes() == other.tobytes()


def test_gaussian_and_poisson_constants() -> None:
    nll = LOSSES["gaussian_nll"]
    scale = np.abs(E) + 0.5
    dropped = nll(E, scale, Y, full=True) - nll(E, scale, Y)
    np.testing.assert_allclose(dropped, 0.5 * math.log(2 * math.pi), rtol=1e-9)
    by_deviation = nll(E, np.sqrt(scale), Y, variance=False)
    np.testing.assert_allclose(by_deviation, nll(E, scale, Y), rtol=1e-12, atol=1e-12)
    assert "0.9189" in nll.note(**nll.check({}))
    assert nll.note(**nll.check({"full": True})) is None
    with pytest.raises(DataError, match="> 0"):
        nll([0.0], [0.0], [0.0], eps=0.0)
    poisson = LOSSES["poisson_nll"]
    # The log-likelihood of a large count is small though each of its terms is large.
    assert poisson([1e6], [1e6], full=True)[0] == pytest.approx(7.826694, abs=1e-6)
    assert np.exp(-poisson(np.full(60, 4.0), np.arange(60.0), full=True)).sum() == pytest.approx(1)
    assert poisson([0.0, 0.0], [0.0, 2.0]).tolist() == [0.0, math.inf]
    logs = poisson(np.log(POSITIVE), COUNTS, log_input=True)
    np.testing.assert_allclose(logs, poisson(POSITIVE, COUNTS), rtol=1e-12, atol=1e-12)


def test_structural_risk_is_the_base_loss_and_a_penalty() -> None:
    risk = LOSSES["structural_risk"]
    parameters = np.array([3.0, -4.0])
    spec = parse("structural_risk:base=(huber:delta=2),penalty=l1_l2,l1=0.5,l2=0.25")
    assert [role.name for role in spec.roles] == ["pred", "target", "parameters"]
    values = risk(E, Y, parameters, base="huber:delta=2")
    assert values.tobytes() == LOSSES["huber"](E, Y, delta=2.0).tobytes()
    told = {"l1": 0.5, "l2": 0.25, "half": False}
    assert risk.penalty(parameters, penalty="l1_l2", **told) == 0.5 * 7 + 0.25 * 25
    assert risk.penalty(parameters, penalty="l1", **told) == 0.5 * 7
    assert risk.penalty(parameters, penalty="l2", **told) == 0.25 * 25
    assert risk.penalty(parameters, penalty="l2", l1=9.0, l2=0.25, half=True) == 0.125 * 25
    assert risk.penalty(np.array([1e200]), penalty="l2", **told) == math.inf
    assert parse("structural_risk:base=rmse").reduction.name == "root_mean"
    with pytest.raises(UsageError):
        risk(E, Y, parameters, base="hubber")


def test_percentage_errors_at_zero() -> None:
    mape = LOSSES["mean_absolute_percentage_error"]
    pred, target = np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.0, 2.0])
    assert mape(pred, target).tolist() == [0.0, math.inf, 0.5]
    assert mape(pred, target, eps=0.5, scale=100.0).tolist() == [0.0, 200.0, 50.0]
    spec = parse("mape:zero=skip")
    values, counted = spec.evaluate({"pred": pred, "target": target})
    assert (values.tolist(), counted.tolist()) == ([0.0, 0.0, 0.5], [0.0, 0.0, 1.0])
    assert spec.reduction.name == "ratio"
    assert "target is 0" in mape.note(**spec.all_settings)
    assert parse("mape").reduction.name == "mean"
    smape = LOSSES["symmetric_mean_absolute_percentage_error"]
    assert smape(pred, target).tolist() == [0.0, 2.0, 0.4]


@pytest.mark.parametrize("name", ["mase", "rmsse"])
def test_scaled_errors_need_a_series_that_changes(name: str) -> None:
    loss = parse(name).loss
    assert loss([1.0, 2.0], [1.0, 1.0], [5.0, 5.0, 5.0]).tolist() == [0.0, math.inf]
    assert loss([3.0], [1.0], [[1.0], [3.0], [1.0]]).tolist() == [1.0]
    assert loss([2e200], [0.0], [0.0, 1e200, 3e200], seasonality=2).tolist() == [
        pytest.approx((2 / 3) ** (1 if name == "mase" else 2))
    ]
    with pytest.raises(DataError, match="2 values, but seasonality=2"):
        loss([1.0], [1.0], [5.0, 6.0], seasonality=2)
    with pytest.raises(DataError, match="one series"):
        loss([1.0], [1.0], np.ones((4, 2)))


def test_what_a_constant_is_best_for() -> None:
    means = [name for name, loss in LOSSES.items() if loss.elicits == "mean"]
    medians = [name for name, loss in LOSSES.items() if loss.elicits == "median"]
    rng = np.random.default_rng(0)
    target = np.exp(rng.normal(0.0, 1.0, 201))
    for names, best in ((means, target.mean()), (medians, np.median(target))):
        for name in names:
            values = [LOSSES[name](np.full(201, best * f), target).sum() for f in (0.99, 1.0, 1.01)]
            assert values[1] < min(values[0], values[2]), name
    assert set(medians) == {"mean_absolute_error", "l1_norm"}
    assert "tweedie_deviance" in means
