"""Every loss with settings worth trying, in every form that its roles may take."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lossctl.loss import PEERS, Loss, losses
from lossctl.settings import Setting
from lossctl.spec import make
from tests.loss_data import Form, Told, forms

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


# Settings that do not go with a form.
CLASHES: dict[str, Callable[[Told, Form], bool]] = {
    "edit_distance": lambda told, form: told["level"] == "char" and form.text != "text",
    "character_error_rate": lambda told, form: form.text != "text",
    "sparse_categorical_cross_entropy": lambda told, form: (
        told["balanced"] and "class_weight" not in form.absent
    ),
}


def forms_of(loss: Loss, told: Told) -> list[Form]:
    """The forms that go with these settings."""
    clash = CLASHES.get(loss.name, lambda told, form: False)
    return [form for form in forms(loss, told) if not clash(told, form)]


def probes(setting: Setting) -> list[Any]:
    """The values to try for one setting."""
    if setting.param.choices:
        return list(setting.param.choices)
    fitting = [
        value
        for value in PROBES
        if (type(value) is setting.type or value is None) and setting.param.allows(value)
    ]
    return [*fitting, *setting.param.words] or [setting.default]


def told(loss: Loss) -> Iterator[Any]:
    """The specs to try: defaults, one setting changed, the presets of peers, and `MORE`."""
    yield make(loss, {})
    for setting in loss.settings:
        for value in probes(setting):
            yield make(loss, {setting.name: value})
    for peer in PEERS:
        if peer in loss.like:
            yield make(loss, {}, like=peer)
    for settings in MORE.get(loss.name, []):
        yield make(loss, settings)


def cases() -> Iterator[Any]:
    for loss in OWN.values():
        for spec in told(loss):
            settings = dict(spec.all_settings)
            for form in forms_of(loss, settings):
                name = "-".join(part for part in (str(spec), str(form)) if part)
                yield pytest.param(loss, settings, form, id=name)


def unique(found: Iterator[Any]) -> list[Any]:
    return list({case.id: case for case in found}.values())


CASES = unique(cases())
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def every_case(but: Callable[[Loss, dict[str, Any]], Any] = lambda loss, told: False) -> Any:
    """Parametrise a test by loss, settings and form, but for those that a law does not concern."""
    chosen = [case for case in CASES if not but(*case.values[:2])]
    return pytest.mark.parametrize(("loss", "given_settings", "form"), chosen)
