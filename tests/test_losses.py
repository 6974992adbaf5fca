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
from lossctl.arrays import Domain
from lossctl.errors import DataError, UsageError
from lossctl.loss import Loss, Param, Setting, get, losses, named
from lossctl.spec import make, parse
from tests.oracles import ORACLES, WHOLE

LOSSES = losses()
OWN = {name: loss for name, loss in LOSSES.items() if loss.nests is None}

# --- settings: every value of these that a setting allows is tried ------------------------------

PROBES: tuple[Any, ...] = (0.0, 0.3, 1.0, 2.0, 2.5, -1.5, math.inf, -math.inf, 1, 3, True, False,
                           None)  # fmt: skip
MORE: dict[str, list[dict[str, Any]]] = {
    "tweedie_deviance": [{"power": p} for p in (1.0 + 1e-9, 1.3, 1.5, 1.9, 2.0 - 1e-9, 3.0, 4.5)],
    "general_robust": [{"alpha": a, "c": 1.7} for a in (-2.0, 1e-9, 2.0 + 1e-9, 7.0, -1e30)],
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
    size = np.exp(rng.normal(0.0, 2.0, 40)) * rng.choice([-1.0, 1.0, 1.0], 40)
    other = np.exp(rng.normal(0.0, 2.0, 40)) * rng.choice([-1.0, 1.0, 1.0], 40)
    close = size * (1.0 + rng.choice([-1.0, 1.0], 40) * 2.0 ** -rng.integers(1, 53, 40))
    edges = np.array([sign * edge for edge in EDGES for sign in (1.0, -1.0)])
    left, right = rng.choice(edges, 50), rng.choice(edges, 50)
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


def _growth(data: dict[str, Any], told: dict[str, Any]) -> np.ndarray:
    """Its value times the magnification of a relative error by e**(z/2)."""
    z = np.square((data["pred"] - data["target"]) / told["c"])
    return z * np.exp(0.5 * z) if told["alpha"] == math.inf else 0.0 * data["pred"]


Terms = Callable[[dict[str, Any], dict[str, Any]], np.ndarray]
# Losses that are not within 4 ulp of their value, and what is promised instead.
BOUNDS: dict[str, Callable[[dict[str, Any]], float]] = {
    "mean_squared_logarithmic_error": lambda told: 6.0,
    "root_mean_squared_logarithmic_error": lambda told: 6.0,
    "tweedie_deviance": lambda told: 4.0 if told["power"] in (0.0, 1.0, 1.5, 2.0, 3.0) else 400.0,
    "general_robust": lambda told: 6.0 + 4.0 * min(abs(told["alpha"]), 10.0),
    "poisson_nll": lambda told: 16.0 if told["full"] else 4.0,
}
# Their value is a difference: the bound is in ulps of its largest term.
TERMS: dict[str, Terms] = {
    "gaussian_nll": _nll_terms,
    "poisson_nll": _poisson_terms,
    "general_robust": _growth,
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
    bound = BOUNDS.get(loss.name, lambda told: ULPS)(given_settings)
    if given_settings.get("zero") == "skip":
        data = {name: values[data["target"] != 0.0] for name, values in data.items()}
    found = errors(loss, given_settings, data)
    worst = int(np.argmax(found))
    assert found[worst] <= bound, {name: values[worst] for name, values in data.items()}
