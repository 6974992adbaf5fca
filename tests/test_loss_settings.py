"""Settings, names and specs of every loss."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl import losses as families
from lossctl.errors import UsageError
from lossctl.grammar import Common, parse
from lossctl.loss import PEERS, Loss, named
from lossctl.settings import Param, Setting
from lossctl.spec import make
from tests.loss_cases import LOSSES, OWN, every_loss

MEANS = [loss.label for loss in OWN.values() if make(loss, {}).reduction.name == "mean"
         and [role.domain.shape for role in loss.own_roles] == ["value"] * 2]  # fmt: skip
EVERY_SETTING = [
    pytest.param(loss, setting, id=f"{name}-{setting.name}")
    for name, loss in LOSSES.items()
    for setting in loss.settings
    if not (setting.param.nested or setting.param.terms)
]


@pytest.mark.parametrize(("loss", "setting"), EVERY_SETTING)
def test_settings_stay_within_their_bounds(loss: Loss, setting: Setting) -> None:
    param = setting.param
    bad: list[Any] = [math.nan, "rubbish", ((1.0,),), ()]
    bad.append((math.nan, 1.0) if param.vector else (1.0,))
    if setting.type is not bool and True not in param.choices:
        bad.append(True)
    if not param.infinite:
        bad += [math.inf, -math.inf]
    if not param.optional and "none" not in param.choices:  # which null stands for
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
    for name in (loss.name, loss.label):
        assert named(name)[0] is loss
        assert parse(name).loss is loss
    for name in loss.aliases:
        assert loss in named(name)
        meant = [parse(name, Common(task=task)).loss for task in loss.tasks or [None]]
        assert loss in meant, f"{name} never leads to {loss.name}"
    assert getattr(families, loss.name) is loss
    assert loss.summary.strip().endswith((".", ")"))
    assert loss.formula
    assert loss.reference


def values_of(param: Param, kind: type) -> st.SearchStrategy[Any]:
    """Any value that a setting may take."""
    if param.terms:
        factors = st.sampled_from(["", "0.5*", "2*"])
        terms = st.tuples(factors, st.sampled_from(MEANS)).map(lambda term: f"{term[0]}({term[1]})")
        return st.lists(terms, min_size=1, max_size=3).map("+".join)
    if param.nested:
        return st.sampled_from(sorted(OWN)).flatmap(spec_of)
    if param.choices:
        return st.sampled_from(param.choices)
    if kind is bool:
        return st.booleans()
    if kind is int:
        least = None if math.isinf(param.low) else int(param.low)
        whole = st.integers(least, 10**6)
        return whole | st.none() if param.optional else whole
    low, high = (None if math.isinf(end) else end for end in (param.low, param.high))
    numbers: st.SearchStrategy[Any] = st.floats(
        low, high, allow_nan=False, allow_infinity=param.infinite and low is None and high is None
    )
    numbers = numbers.filter(param.allows)
    if param.vector:
        numbers |= st.lists(numbers, min_size=1, max_size=3).map(tuple)
    if param.words:
        numbers |= st.sampled_from(param.words)
    return numbers | st.none() if param.optional else numbers


@st.composite
def spec_of(draw: st.DrawFn, name: str) -> Any:
    loss = LOSSES[name]
    told = {s.name: draw(values_of(s.param, s.type)) for s in loss.settings if draw(st.booleans())}
    reduction = draw(st.none() | st.sampled_from(loss.variants))
    like = draw(
        st.none() | st.sampled_from([peer for peer in PEERS if peer in loss.peers] or [None])
    )
    return make(loss, told, reduction, like)


@given(st.sampled_from(sorted(LOSSES)).flatmap(spec_of))
@settings(max_examples=300, deadline=None)
def test_a_spec_is_read_back_as_it_was_written(spec: Any) -> None:
    again = parse(str(spec))
    assert again == spec
    assert again.all_settings == spec.all_settings
    assert again.reduction.name == spec.reduction.name
    assert parse(str(again)).text == spec.text
