"""Laws that every loss obeys from columns to report, whatever the shapes of its roles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import lossctl
from lossctl.arrays import Ragged
from lossctl.loss import Loss
from lossctl.report import LossResult, WorstRow
from lossctl.spec import make
from tests.accuracy import oracle
from tests.loss_cases import every_case
from tests.loss_data import Form, Told, columns, given, rowwise
from tests.loss_rows import Data, count, plainly, taken
from tests.oracles import WHOLE

TARGETS = ("target", "label")
ROWS = [1, 4, 7, 13, 14, 19]  # ordinary, equal and nearly equal
# Divisors of a sum that a weight of 2 does not double.
BY_COUNT = {"sum_over_batch_size": "rows", "batchmean": "rows", "sum_by_nonzero_weights": "rows"}


def report(
    loss: Loss, told: Told, form: Form, data: Data, reduction: str | None = None, **options: Any
) -> lossctl.Report:
    """The report on these columns, given as a caller gives them."""
    names = [role.name for role in given(loss, told, form)]
    first = names[0]
    target = next((name for name in names if name in TARGETS), None)
    sides = {name: _shown(data[name]) for name in names if name not in (first, target)}
    spec = str(make(loss, told, reduction))
    against = None if target is None else _shown(data[target])
    return lossctl.evaluate(_shown(data[first]), against, spec, roles=sides, **options)


def _shown(column: Any) -> Any:
    """Texts as texts; all else as it is."""
    if isinstance(column, Ragged) and column.values.dtype == np.uint32:
        rows = plainly(column)
        lists = any(isinstance(row, list) for row in rows)
        return [row or [] for row in rows] if lists else rows
    return column


def result(*args: Any, **options: Any) -> LossResult:
    return report(*args, **options).losses[0]


def worst(full: lossctl.Report) -> tuple[WorstRow, ...]:
    """The rows that make the most; of what is to be large there are none."""
    if full.worst is None:
        assert full.losses[0].direction == "max"
        return ()
    return full.worst.rows


def few(loss: Loss, told: Told, form: Form) -> tuple[Data, list[str]]:
    names = rowwise(loss, told, form)
    data = columns(loss, told, form)
    data = taken(data, names, [row for row in ROWS if row < count(data, names)])
    if not loss.diverges:  # what overflows is no value
        data = taken(data, names, np.isfinite(loss(**data, **told)))
    return data, names


def asked(loss: Loss, told: Told) -> list[str | None]:
    """The reductions to try: all with the defaults, else the loss's own."""
    return [None, *loss.variants] if told == loss.check({}) else [None]


def same(left: float | None, right: float | None, factor: float = 1.0) -> bool:
    if left is None or right is None:
        return left is right
    return math.isclose(left, right * factor, rel_tol=1e-12, abs_tol=1e-300)


@every_case()
def test_a_weight_of_2_is_the_row_twice(loss: Loss, given_settings: Told, form: Form) -> None:
    if scope(loss, given_settings, form) != "row":
        pytest.skip("its rows depend on each other")
    data, names = few(loss, given_settings, form)
    size = count(data, names)
    weight = np.ones(size)
    weight[1] = 2.0
    twice = taken(data, names, [0, 1, 1, *range(2, size)])
    for reduction in asked(loss, given_settings):
        options: Any = {"values_only": True}
        heavy = result(loss, given_settings, form, data, reduction, weight=weight, **options)
        double = result(loss, given_settings, form, twice, reduction, **options)
        factor = 1.0
        if heavy.reduction in BY_COUNT:
            factor = (size + 1) / size
        assert heavy.status == double.status
        assert same(heavy.value, double.value, factor), reduction
        if heavy.reduction == "mean":
            assert heavy.value == double.value


def scope(loss: Loss, told: Told, form: Form) -> str:
    return loss.scope_for([role.name for role in given(loss, told, form)], told)


@every_case()
def test_leaving_a_row_out_is_deleting_it(loss: Loss, given_settings: Told, form: Form) -> None:
    data, names = few(loss, given_settings, form)
    for reduction in asked(loss, given_settings):
        full = report(loss, given_settings, form, data, reduction)
        spec = full.losses[0].spec
        for row in worst(full)[:2]:
            rest = [place for place in range(count(data, names)) if place != row.row]
            deleted = result(loss, given_settings, form, taken(data, names, rest), reduction,
                             values_only=True)  # fmt: skip
            said = row.without[spec]
            if full.losses[0].value is None:
                assert said is None
                continue
            if scope(loss, given_settings, form) != "row" and said is None:
                continue
            assert same(said, deleted.value), (row.row, reduction)
            if deleted.reduction == "mean":
                assert said == deleted.value


@every_case()
def test_values_are_those_of_the_function(loss: Loss, given_settings: Told, form: Form) -> None:
    """Each row's loss as reported, and the same number from blocks of any size."""
    data, _ = few(loss, given_settings, form)
    full = report(loss, given_settings, form, data)
    one = full.losses[0]
    values = loss(**data, **given_settings)
    if not isinstance(loss.evaluate(data, given_settings), tuple):
        for row in worst(full):
            value = row.losses[one.spec]
            assert value == (float(values[row.row]) if np.isfinite(values[row.row]) else None)
    for block_rows in (1, 4):
        blocks = result(loss, given_settings, form, data, block_rows=block_rows, values_only=True)
        assert (blocks.value, blocks.status) == (one.value, one.status)


@every_case(but=lambda loss, told: loss.name not in WHOLE)
def test_the_value_of_the_whole_file_agrees_with_the_oracle(
    loss: Loss, given_settings: Told, form: Form
) -> None:
    data, names = few(loss, given_settings, form)
    got = result(loss, given_settings, form, data, values_only=True)
    lists = [plainly(data[role.name]) for role in loss.own_roles]
    want = float(oracle(loss, given_settings)(*lists))
    if math.isfinite(want):
        assert got.value == pytest.approx(want, rel=1e-14)
    else:
        assert got.value is None
    if scope(loss, given_settings, form) == "row":
        weight = np.arange(count(data, names)) % 3 + 0.5
        got = result(loss, given_settings, form, data, weight=weight, values_only=True)
        want = float(oracle(loss, given_settings)(*lists, weights=weight.tolist()))
        assert got.value == pytest.approx(want, rel=1e-14)
