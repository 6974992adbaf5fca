"""Every loss with settings worth trying, and data drawn from the domains of its roles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from lossctl.loss import Loss, losses
from lossctl.settings import Setting
from lossctl.spec import make

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
every_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def every_case(but: Callable[[Loss, dict[str, Any]], Any] = lambda loss, told: False) -> Any:
    """Parametrise a test by loss and settings, but for those that a law does not concern."""
    chosen = [case for case in CASES if not but(*case.values)]
    return pytest.mark.parametrize(("loss", "given_settings"), chosen)


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
