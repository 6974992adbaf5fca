"""Settings, names and specs of every loss."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl import losses as families
from lossctl.errors import UsageError
from lossctl.loss import Loss, named
from lossctl.settings import Param, Setting
from lossctl.spec import make, parse
from tests.loss_cases import LOSSES, OWN, every_loss

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
