"""Laws that every loss obeys, generated from the registry and the oracles."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import mpmath
import numpy as np
import pytest

from lossctl.arrays import SUMS_TO_ONE, Domain, Ragged
from lossctl.errors import DataError, UsageError
from lossctl.loss import Loss
from lossctl.roles import Role
from lossctl.spec import make
from tests.accuracy import HEAD, PAGE, errors, judged, oracle, promise
from tests.loss_cases import LOSSES, OWN, every_case, every_loss, forms_of
from tests.loss_data import Form, Told, columns, consistent, given, rowwise
from tests.loss_rows import Data, count, ragged, rows_of, taken
from tests.oracles import ORACLES, WHOLE


def shapes(loss: Loss, told: Told) -> set[str]:
    return {role.domain.shape for role in loss.roles(told)} - {"whole"}


def by_row(loss: Loss, told: Told, form: Form) -> bool:
    """Whether no row's value depends on other rows."""
    return loss.scope_for([role.name for role in given(loss, told, form)], told) == "row"


def bits(values: Any) -> bytes:
    return np.ascontiguousarray(values).tobytes()


# --- the oracle --------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", OWN.values(), ids=OWN)
def test_has_an_oracle(loss: Loss) -> None:
    assert loss.name in ORACLES


@every_case(but=lambda loss, told: loss.name in WHOLE)
def test_agrees_with_the_oracle(loss: Loss, given_settings: Told, form: Form) -> None:
    if not judged(loss, given_settings, form):
        pytest.skip("the oracle's value is that of the file")
    data = columns(loss, given_settings, form)
    names = rowwise(loss, given_settings, form)
    limit = promise(loss).limit(given_settings, data)
    found = errors(loss, given_settings, data, names)
    worst = int(np.argmax(found / np.maximum(limit, 1e-9)))
    assert (found <= limit).all(), (row_of(loss, data, names, worst), found[worst])


def row_of(loss: Loss, data: Data, names: list[str], place: int) -> Any:
    return next(rows_of(loss, taken(data, names, [place]), names))


@every_case(but=lambda loss, told: shapes(loss, told) != {"value"} or loss.name in WHOLE
            or told.get("clip") is not None)  # fmt: skip
def test_agrees_with_the_oracle_on_integers_past_2_to_53(
    loss: Loss, given_settings: Told, form: Form
) -> None:
    roles = given(loss, given_settings, form)
    if any(r.domain.choices or r.domain.high < math.inf for r in roles):
        pytest.skip("its domain ends below")
    names = rowwise(loss, given_settings, form)
    data: Data = {
        name: np.array([2**60 + 1, 2**60 + 2, 2**62 - 1, 2**53 + 1])
        + np.array([0, 1, -1025, 3]) * place
        for place, name in enumerate(names)
    }
    data |= {role.name: np.array([2**60 + 1, 2**60 + 4, 2**60 + 9, 2**60 + 27, 2**60 + 29])
             for role in loss.own_roles if role.domain.shape == "whole"}  # fmt: skip
    data = taken(data, names, consistent(loss, given_settings, data, names))
    floats = {name: values.astype(np.float64) for name, values in data.items()}
    limit = promise(loss).limit(given_settings, floats)
    assert (errors(loss, given_settings, data, names) <= limit).all()


def test_the_table_of_accuracy_lists_every_loss() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page.startswith(HEAD)
    cells = [line.split(" | ") for line in page[len(HEAD) :].splitlines()]
    assert [cell[0] for cell in cells] == [f"| `{name}`" for name in OWN], "write it again"
    for name, row in zip(OWN, cells, strict=True):
        if name not in WHOLE:
            assert row[1] == promise(OWN[name]).said, name


# --- what any loss does with any data ------------------------------------------------------------


@every_case()
def test_is_finite_or_infinite_inside_the_domain_but_never_nan(
    loss: Loss, given_settings: Told, form: Form
) -> None:
    data = columns(loss, given_settings, form)
    names = rowwise(loss, given_settings, form)
    values = loss(**data, **given_settings)
    assert values.shape == (count(data, names),)
    assert values.dtype == np.float64
    assert not np.isnan(values).any(), row_of(loss, data, names, int(np.isnan(values).argmax()))
    raw = loss.evaluate(data, given_settings)
    if not isinstance(raw, tuple):
        assert (values >= loss.low_for(given_settings)).all()
        assert (values <= loss.high).all()
    elif loss.low == 0.0 and not loss.reduction_for(given_settings, None).name.startswith(
        "relative"
    ):  # whose columns have a sign
        assert (np.asarray(raw) >= 0.0).all()
    mild = moderate(loss, given_settings, form, data)
    assert mild.any()
    if not loss.diverges or shapes(loss, given_settings) == {"value"}:
        assert np.isfinite(values[mild]).all()


def moderate(
    loss: Loss, told: Told, form: Form, data: Data, low: float = 0.02, high: float = 10.0
) -> Any:
    """Rows of which every value is of ordinary size, and inside its domain with room to spare."""
    roles = [role for role in given(loss, told, form) if role.domain.shape != "whole"]
    return np.all([_mild(data[role.name], role.domain, low, high) for role in roles], axis=0)


def _mild(column: Any, domain: Domain, low: float, high: float) -> Any:
    if isinstance(column, Ragged):
        fine = np.isfinite(column.values) & (np.abs(column.values) < max(high, 100.0))
        fine |= column.values.dtype == np.uint32
        pairs = itertools.pairwise(column.offsets)
        return np.array([bool(fine[start:stop].all()) for start, stop in pairs])
    if domain.choices or domain.indexes or domain.shape == "either":
        return np.ones(len(column), dtype=bool)
    fine = (np.abs(column) < min(high, domain.high - min(low, 0.02))) & (np.abs(column) > low)
    if domain.integral or domain.shape == "vector":
        fine |= column == 0.0
    return fine if fine.ndim == 1 else fine.all(axis=1)


@every_case()
def test_never_nan_at_the_ends_of_the_range(loss: Loss, given_settings: Told, form: Form) -> None:
    roles = [r for r in given(loss, given_settings, form) if r.domain.shape != "whole"]
    plain = columns(loss, given_settings, form)
    ends = [extremes(role, form) for role in roles]
    if {role.domain.shape for role in roles} == {"value"}:
        rows = np.array(list(itertools.product(*ends)))
        data = plain | {role.name: rows[:, place] for place, role in enumerate(roles)}
    else:
        data = dict(plain)
        rng = np.random.default_rng(5)
        for role, values in zip(roles, ends, strict=True):
            column = plain[role.name]
            if role.domain.shape in ("value", "vector") and role.domain.row is None:
                data[role.name] = rng.choice(values, column.shape)
    names = rowwise(loss, given_settings, form)
    data = taken(data, names, consistent(loss, given_settings, data, names))
    values = loss(**data, **given_settings)
    assert not np.isnan(values).any(), row_of(loss, data, names, int(np.isnan(values).argmax()))


def extremes(role: Role, form: Form) -> list[float]:
    if role.domain.choices:
        return list(role.domain.choices[min(form.choice, len(role.domain.choices) - 1)])
    most = np.finfo(np.float64).max
    ends = [most, -most, 5e-324, 0.0, 1.0, -1.0]
    return [v for v in ends if not role.domain.outside(np.array([v])).any()]


# Settings that move the minimum, or its value, away from an equal prediction.
MOVE = ("charbonnier", "label_smoothing", "eps", "smooth", "smooth_num", "smooth_den", "empty",
        "log_clamp", "sign", "blank", "direction", "as_similarity", "from_logits", "threshold",
        "clip", "base")  # fmt: skip


@every_case(but=lambda loss, told: loss.low_for(told) != 0.0)
def test_is_smallest_where_prediction_is_target(
    loss: Loss, given_settings: Told, form: Form
) -> None:
    roles = {role.name: role.domain for role in given(loss, given_settings, form)}
    pred, target = roles.get("pred"), roles.get("target")
    if pred is None or target is None or pred.shape != target.shape or _unlike(pred, target):
        pytest.skip("its prediction is of another kind than its target")
    defaults = loss.check({})
    if any(given_settings.get(name) != defaults.get(name) for name in MOVE):
        pytest.skip("a setting moves the minimum")
    data = columns(loss, given_settings, form)
    if pred.row is not None and not pred.row.warning:  # boxes without area share nothing
        data = taken(data, rowwise(loss, given_settings, form), slice(20))
    data["target"] = _hard(data["pred"], pred) if pred.high == 1.0 else data["pred"]
    if shapes(loss, given_settings) == {"value"} and pred.high == math.inf:
        data["target"] = np.maximum(columns(loss, given_settings, form)["target"], data["pred"])
    data["pred"] = data["target"]
    values = loss.evaluate(data, given_settings)
    values = values[0] if isinstance(values, tuple) else values
    assert (values == 0.0).all()


def _unlike(pred: Domain, target: Domain) -> bool:
    return (pred.low, pred.high, pred.infinite, pred.integral, pred.choices) != (
        target.low, target.high, target.infinite, target.integral, target.choices
    ) and not (pred.low <= target.low and pred.high == target.high == math.inf
               and not pred.infinite and not target.choices)  # fmt: skip


def _hard(column: Any, domain: Domain) -> Any:
    """Probabilities, masks and class shares made 0 or 1."""
    if domain.row is SUMS_TO_ONE:
        return np.eye(column.shape[1])[np.argmax(column, axis=1)]
    return np.round(column)


@every_case()
def test_order_and_layout_change_no_bit(loss: Loss, given_settings: Told, form: Form) -> None:
    form = replace(form, wide=5)  # numpy sums up to 8 values in order, whatever their layout
    data = columns(loss, given_settings, form)
    names = rowwise(loss, given_settings, form)
    values = loss(**data, **given_settings)
    raw = bits(loss.evaluate(data, given_settings))
    for layout in (np.asfortranarray, _strided):
        other = {n: layout(v) if isinstance(v, np.ndarray) else v for n, v in data.items()}
        assert bits(loss.evaluate(other, given_settings)) == raw
    if not by_row(loss, given_settings, form):
        return
    order = np.random.default_rng(1).permutation(len(values))
    assert bits(loss(**taken(data, names, order), **given_settings)) == bits(values[order])
    for start in range(0, len(values), 7):
        block = loss(**taken(data, names, slice(start, start + 7)), **given_settings)
        assert bits(block) == bits(values[start : start + 7])
    for place in range(0, len(values), 5):
        one = loss(**taken(data, names, [place]), **given_settings)
        assert bits(one) == bits(values[place : place + 1])


def _strided(values: Any) -> Any:
    """The same values, every second one of a larger array."""
    wide = np.zeros((*values.shape[:-1], 2 * values.shape[-1]))
    wide[..., ::2] = values
    return wide[..., ::2]


@every_case(but=lambda loss, told: shapes(loss, told) != {"value"})
def test_several_outputs_are_averaged(loss: Loss, given_settings: Told, form: Form) -> None:
    data = columns(loss, given_settings, form)
    names = rowwise(loss, given_settings, form)
    if not by_row(loss, given_settings, form) and loss.name not in WHOLE:
        pytest.skip("its rows depend on each other")
    upright = data | {name: data[name][:, np.newaxis] for name in names}
    assert bits(loss(**upright, **given_settings)) == bits(loss(**data, **given_settings))
    half = count(data, names) // 2
    columns_of = [taken(data, names, slice(start, start + half)) for start in (0, half)]
    both = data | {name: np.stack([c[name] for c in columns_of], axis=1) for name in names}
    raw = loss.evaluate(both, given_settings)
    if np.ndim(raw[0] if isinstance(raw, tuple) else raw) == 1:
        pytest.skip("it adds its outputs up")
    one, two = (loss(**column, **given_settings) for column in columns_of)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = (one + two) / 2
    assert bits(loss(**both, **given_settings)) == bits(expected)


@every_case()
def test_other_number_types_are_widened_exactly(
    loss: Loss, given_settings: Told, form: Form
) -> None:
    data = columns(loss, given_settings, form)
    names = rowwise(loss, given_settings, form)
    kept = taken(data, names, moderate(loss, given_settings, form, data, 0.05, 1e6))
    assert count(kept, names)
    domains = {role.name: role.domain for role in given(loss, given_settings, form)}
    for kind in (np.float32, np.float16, np.int8, np.uint16, np.int64, ">f8"):
        unsigned = np.dtype(kind).kind == "u"
        typed = kept | {name: _typed(kept[name], domains[name], kind) for name in names}
        wide = typed | {n: _wide(typed[n]) for n in names}
        if loss.rows is not None:
            fit = consistent(loss, given_settings, wide, names)
            wide = taken(wide, names, fit)
            typed = typed | {n: _some(typed[n], fit) for n in names}
        if unsigned and any(_below_zero(domain, form) for domain in domains.values()):
            continue  # a value below 0 that means something
        assert bits(loss(**typed, **given_settings)) == bits(loss(**wide, **given_settings))


def _below_zero(domain: Domain, form: Form) -> bool:
    chosen = domain.choices[form.choice : form.choice + 1]
    return min((*domain.besides, *itertools.chain(*chosen), 0.0)) < 0.0


def _typed(column: Any, domain: Domain, kind: Any) -> Any:
    """Whole numbers of the domain, in another type; sequences as lists of numbers."""
    if isinstance(column, Ragged):
        rows = [column.row(place) for place in range(len(column))]
        if column.values.dtype == np.uint32:
            return column
        near = [np.round(np.clip(row, -90, 90)) for row in rows]
        return [(np.abs(row) if np.dtype(kind).kind == "u" else row).astype(kind) for row in near]
    if domain.choices or domain.integral or domain.indexes or domain.shape == "either":
        return np.clip(column, -120 if np.dtype(kind).kind != "u" else 0, 120).astype(kind)
    if domain.row is SUMS_TO_ONE or domain.high == 1.0:
        return (_hard(column, domain)).astype(kind)
    with np.errstate(all="ignore"):
        return np.clip(np.ceil(np.abs(column)), 1, 90).astype(kind) if domain.row is None \
            else np.sort(np.clip(np.ceil(np.abs(column)), 1, 90), axis=1).astype(kind)  # fmt: skip


def _some(column: Any, chosen: Any) -> Any:
    if isinstance(column, list):
        return [row for row, kept in zip(column, chosen, strict=True) if kept]
    return taken({"": column}, [""], chosen)[""]


def _wide(column: Any) -> Any:
    if isinstance(column, list):
        return ragged([row.astype(np.float64) for row in column])
    return column if isinstance(column, Ragged) else column.astype(np.float64)


# --- what lies outside the domain ----------------------------------------------------------------


def ways(loss: Loss) -> list[tuple[Told, Form]]:
    told = dict(make(loss, {}).all_settings)
    return [(told, form) for form in forms_of(loss, told)]


@every_loss
def test_refuses_what_lies_outside_the_domain(loss: Loss) -> None:
    for told, form in ways(loss):
        names = [r.name for r in given(loss, told, form)]
        aligned = rowwise(loss, told, form)
        good = {n: v for n, v in columns(loss, told, form).items() if n in names}
        good = taken(good, aligned, [1, 2, 3])
        sizes = {name: size for role in given(loss, told, form) if role.domain.axes
                 for name, size in zip(role.domain.axes, _sizes(good[role.name], role.domain),
                                       strict=False)}  # fmt: skip
        loss(**good)
        for role in given(loss, told, form):
            where = role.name if role.domain.shape == "whole" else f"{role.name} row 1"
            for value in _outside(role.domain, sizes):
                bad = _with(good[role.name], value)
                if bad is not None:
                    with pytest.raises(DataError, match=where):
                        loss(**good | {role.name: bad})
            if role.domain.row is not None and not role.domain.row.warning:
                bad = good[role.name].copy()
                bad[1] = bad[1][::-1] + np.arange(bad.shape[1])[::-1]
                with pytest.raises(DataError, match=where):
                    loss(**good | {role.name: bad})
            if len(role.domain.choices) > 1:
                mixed = np.array([-1.0, 0.0, 1.0])
                with pytest.raises(DataError, match=f"{role.name}.*mixture"):
                    loss(**good | {role.name: mixed})


def _sizes(column: Any, domain: Domain) -> tuple[int, ...]:
    shape: tuple[int, ...] = getattr(column, "values", column).shape
    return shape if domain.shape == "whole" else shape[1:]


def _outside(domain: Domain, sizes: dict[str, int]) -> list[float]:
    bad = [math.nan]
    if not domain.infinite:
        bad += [math.inf, -math.inf]
    if domain.low > -math.inf:
        bad.append(domain.low if domain.low_open else domain.low - 1.0)
    if domain.high < math.inf:
        bad.append(domain.high if domain.high_open else domain.high + 1.0)
    if domain.integral:
        bad.append(0.5)
    if domain.indexes in sizes:
        bad.append(float(sizes[domain.indexes]))
    if domain.choices:
        bad.append(0.25)
    return [value for value in bad if value not in domain.besides]


def _with(column: Any, value: float) -> Any:
    """A column whose second row holds this value; None where it can hold none."""
    if isinstance(column, Ragged):
        if column.values.dtype == np.uint32 or not len(column.row(1)):
            return None
        values = column.values.copy()
        values.reshape(len(values), -1)[column.offsets[1], 0] = value
        return Ragged(values, column.offsets)
    bad = column.copy()
    bad.reshape(len(bad), -1)[1, 0] = value
    return bad


@every_loss
def test_refuses_columns_that_do_not_belong_together(loss: Loss) -> None:
    for told, form in ways(loss):
        roles = given(loss, told, form)
        aligned = rowwise(loss, told, form)
        good = taken(columns(loss, told, form), aligned, [1, 2, 3])
        good = {role.name: good[role.name] for role in roles}
        first = next(role for role in roles if role.name == aligned[0])
        if len(aligned) > 1:
            short = taken(good, [first.name], [0, 1])
            with pytest.raises(DataError, match="shapes differ"):
                loss(**short)
        if shapes(loss, told) == {"value"} and len(aligned) > 1:
            with pytest.raises(DataError, match="shapes differ"):
                loss(**good | {first.name: np.stack([good[first.name]] * 2, axis=1)})
        axes = [role for role in roles if role.domain.axes and role.domain.shape != "ragged"]
        for one, other in itertools.pairwise(axes):
            if one.domain.axes[0] == other.domain.axes[0]:
                if good[other.name].ndim == 1 and other.domain.shape != "whole":
                    continue
                along = 0 if other.domain.shape == "whole" else 1
                wider = np.concatenate([good[other.name]] * 2, axis=along)
                with pytest.raises(DataError, match=f" has .* {other.name} has "):
                    loss(**good | {other.name: wider})
        if first.domain.shape not in ("either", "text"):
            with pytest.raises(DataError, match=r"not numeric|is text"):
                loss(**good | {first.name: ["a", "b", "c"]})
        with pytest.raises(UsageError):
            loss(good[first.name], no_such_role=good[first.name])


# --- one value of the whole file -----------------------------------------------------------------


def test_columns_of_whole_file_losses() -> None:
    rng = np.random.default_rng(3)
    target, pred = rng.normal(50.0, 3.0, 31), rng.normal(50.0, 4.0, 31)
    for name in sorted(WHOLE):
        loss = LOSSES[name]
        if shapes(loss, loss.check({})) != {"value"}:
            continue
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


# --- gradients ----------------------------------------------------------------------------------


@every_case(but=lambda loss, told: loss.gradient is None)
def test_gradient_lies_between_the_one_sided_differences(
    loss: Loss, given_settings: Told, form: Form
) -> None:
    if not by_row(loss, given_settings, form) and loss.name not in WHOLE:
        pytest.skip("its rows depend on each other")
    names = rowwise(loss, given_settings, form)
    data = columns(loss, given_settings, form, seed=1)
    rows = moderate(loss, given_settings, form, data, 0.01, 30.0)
    few = 25 if shapes(loss, given_settings) == {"value"} else 5
    data = taken(data, names, np.flatnonzero(rows)[:few])
    first = loss.own_roles[0].name
    with np.errstate(all="ignore"):
        slopes = loss.gradient(*(data[r.name] for r in loss.own_roles), **given_settings)
    shape = data[first].values.shape if isinstance(data[first], Ragged) else data[first].shape
    flat = slopes.values if isinstance(slopes, Ragged) else np.asarray(slopes)
    assert flat.shape == shape
    if loss.name in WHOLE and loss.own_roles[0].domain.shape == "value":
        formula: Any = ORACLES["mean_absolute_error"]  # what a row adds to WAPE's numerator
    else:
        formula = oracle(loss, given_settings)
    for place, row in enumerate(rows_of(loss, data, names)):
        slope = slopes.row(place) if isinstance(slopes, Ragged) else (
            flat[data[first].offsets[place] : data[first].offsets[place + 1]]
            if isinstance(data[first], Ragged) else flat[place])  # fmt: skip
        for spot in itertools.islice(np.ndindex(np.shape(slope)), 8):
            low, high = differences(formula, row, spot)
            if not math.isfinite(low):
                continue
            slack = 1e-9 * max(abs(low), abs(high)) + 1e-13
            assert low - slack <= slope[spot] <= high + slack, (row, spot)


def differences(formula: Any, row: list[Any], spot: tuple[int, ...]) -> tuple[float, float]:
    """The one-sided differences at one value of a row's first role, the smaller first."""
    with mpmath.workdps(70):
        step = mpmath.mpf(10) ** -22
        below, here, above = (
            formula(_moved(row[0], spot, side * step), *row[1:]) for side in (-1, 0, 1)
        )
        low, high = sorted([float((here - below) / step), float((above - here) / step)])
    return low, high


def _moved(value: Any, spot: tuple[int, ...], by: Any) -> Any:
    if not spot:
        return mpmath.mpf(value) + by
    return [_moved(part, spot[1:], by) if place == spot[0] else part
            for place, part in enumerate(value)]  # fmt: skip
