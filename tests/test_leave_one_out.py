"""Leave-one-out of every loss: generated from the registry, in every setting, form and reduction.

A loss without a row is told in closed form, from exact sums less those of the row. Brute force is
the oracle: the loss of all rows but that one, from the start.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from lossctl.analyses import worst
from lossctl.analyses.context import Context
from lossctl.batch import Batch
from lossctl.grammar import parse
from lossctl.loss import Loss
from lossctl.reductions import REDUCTIONS, Reduced
from lossctl.spec import Spec, make
from lossctl.states import Sums
from lossctl.stats.sample import answer
from lossctl.terms import LossTerms
from tests.batches import batch, part
from tests.loss_cases import CASES, LOSSES, every_case
from tests.loss_data import Form, Told, columns, given, rowwise
from tests.loss_rows import count, taken

ROWS = [1, 4, 7, 13, 14, 19, 22]  # ordinary, equal and nearly equal
WEIGHTS = (1.0, 0.25, 3.0, 1.0, 2.5, 0.0, 0.7)
# A middle value has no closed form; rows left alone have no value.
WITHOUT_ONE = {"median", "none"}


def batch_of(loss: Loss, told: Told, form: Form, spec: Spec, weighted: bool) -> Batch:
    """A few ordinary rows, as one batch."""
    names = rowwise(loss, told, form)
    data = columns(loss, told, form)
    data = taken(data, names, [row for row in ROWS if row < count(data, names)])
    size = count(data, names)
    wholes = frozenset(r.name for r in given(loss, told, form) if r.domain.shape == "whole")
    weight = np.array(WEIGHTS[:size]) if weighted else None
    rows = np.arange(size)
    held = {role.name: data[role.name] for role in given(loss, told, form)}
    made = Batch(held, wholes, weight, rows, rows)
    together = loss.scope_for([r.name for r in given(loss, told, form)], told) != "row"
    return replace(made, together=frozenset({spec})) if together else made


def context_of(spec: Spec, whole: Batch) -> Context:
    return Context(
        specs=(spec,), leading=spec, weighted=whole.weight is not None, outputs=1,
        wholes={name: whole.columns[name] for name in whole.wholes}, top=1, moments=True,
        pooled=False, point=None, whole=whole if whole.together else None,
    )  # fmt: skip


def scored(spec: Spec, whole: Batch) -> Reduced:
    with np.errstate(all="ignore"):
        found: Reduced = answer(context_of(spec, whole).reduced(spec), whole)
    return found


def alone(whole: Batch, row: int) -> Batch:
    """One row, as it is kept beside the report."""
    return whole.of_sample(whole.sample(row))


def specs_of(loss: Loss, told: Told) -> list[Spec]:
    """All reductions with the defaults, else the loss's own."""
    variants = loss.variants if told == loss.check({}) else ()
    return [make(loss, told, reduction) for reduction in (None, *variants)]


def laws(spec: Spec, whole: Batch) -> None:
    """Without each row, and the shares of all."""
    found, name = scored(spec, whole), str(spec)
    rows = [alone(whole, row) for row in range(whole.count)]
    if found.without is None:
        assert spec.reduction.name in WITHOUT_ONE or found.value is None, name
    else:
        for place, row in enumerate(rows):
            rest = part(whole, [other for other in range(whole.count) if other != place])
            # To the last bit: both round the same exact numbers once.
            assert found.without(row) == scored(spec, rest).value, (name, place)
    sums = Sums(LossTerms(spec))
    with np.errstate(all="ignore"):
        each = [sums.make(row) for row in rows]
        shares = [worst.share(context_of(spec, whole), spec, found, row) for row in rows]
    if found.total is None:
        assert set(shares) == {None}, name
    elif spec.shares:
        assert sum(one.a for one in each) == found.total, name
        if spec.direction != "max" and found.total > 0:
            exactly = [Fraction(one.a, found.total) for one in each]
            assert sum(exactly) == 1
            finite = [not one.infinite for one in each]
            said = [float(one) if sure else None
                    for one, sure in zip(exactly, finite, strict=True)]  # fmt: skip
            assert shares == said, name
            assert math.fsum(one for one in said if one) == pytest.approx(1.0, abs=1e-15)


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@every_case()
def test_without_a_row_is_all_other_rows_and_shares_sum_to_one(
    loss: Loss, given_settings: Told, form: Form, weighted: bool
) -> None:
    for spec in specs_of(loss, given_settings):
        laws(spec, batch_of(loss, given_settings, form, spec, weighted))


NESTING = [
    "combine:(huber:delta=2)+0.5*(mae)",
    "combine:(mse)-0.25*(mae)",
    "combine:2*(mse)+(log_cosh),reduction=sum",
    "combine:(mse)+(mae),reduction=batchmean",
    "structural_risk:base=mae,l2=1",
    "structural_risk:base=(huber:delta=2),l1=0.5,l2=0.25",
    "structural_risk:base=(combine:(mse)+(mae)),l2=0.5",
]


@pytest.mark.parametrize("weighted", [False, True], ids=["", "weighted"])
@pytest.mark.parametrize("text", NESTING)
def test_losses_made_of_losses(text: str, weighted: bool) -> None:
    spec = parse(text)
    rng = np.random.default_rng(4)
    pred, target = rng.normal(size=7), np.round(rng.normal(size=7), 1)
    whole = batch(pred, target, WEIGHTS if weighted else None)
    given_too = {name: np.array([0.5, -2.0]) for name in spec.loss.wholes}
    laws(spec, replace(whole, columns=whole.columns | given_too, wholes=frozenset(given_too)))


def test_nothing_of_the_registry_is_left_out() -> None:
    cases = [case.values[:2] for case in CASES]
    nesting = {parse(text).loss.name for text in NESTING}
    assert {loss.name for loss, _ in cases} | nesting == set(LOSSES)
    met = {spec.reduction.name for loss, told in cases for spec in specs_of(loss, told)}
    assert met == set(REDUCTIONS)
