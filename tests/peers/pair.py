"""A loss and the same loss of a library: data, settings to try, and how the library is called."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lossctl
from lossctl.loss import losses
from lossctl.spec import written

Data = dict[str, Any]
Told = dict[str, Any]

SAMPLES = 1000
SEED = 20240229
FLOAT64, FLOAT32 = 1e-12, 1e-6
LIBRARIES = ("torch", "keras", "sklearn", "optax")
LOGITS = (("from_logits", True),)
LOGARITHMS = (("log_input", True),)
OPTIONAL = ("weight", "class_weight")  # columns that only trials which name them are given
TRUTHS = ("target", "label")


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """One loss, and what a library has for it.

    shown      the library's call, as the table of peers names it
    data       generator -> 1,000 samples by role, perhaps with `weight` and `class_weight`
    settings   what to try, as settings of ours; {} are the library's own defaults, which nothing
               but `like` asks for. `weight` and `class_weight` say that these columns are given
    call       (data, settings) -> the library's number
    form       settings that say what the columns hold, logits or logarithms: no library's
               convention decides that, so they are told with every trial
    tolerance  largest relative difference allowed; `reason` says why it is not FLOAT64
    """

    loss: str
    peer: str
    shown: str
    data: Callable[[np.random.Generator], Data]
    settings: tuple[Told, ...]
    call: Callable[[Data, Told], Any]
    tolerance: float = FLOAT64
    reason: str = ""
    form: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.loss}-{self.peer}-{self.shown}"


def spec(pair: Pair, told: Told) -> str:
    """The spec of ours that a trial stands for."""
    told = {**dict(pair.form), **told}
    given = [f"{name}={written(value)}" for name, value in told.items() if name not in OPTIONAL]
    return f"{losses()[pair.loss].label}:" + ",".join([f"like={pair.peer}", *given])


def drawn(pair: Pair, told: Told) -> Data:
    """The data of a trial, the same every time."""
    data = pair.data(np.random.default_rng(SEED))
    return {name: column for name, column in data.items() if name not in OPTIONAL or name in told}


def ours(pair: Pair, told: Told) -> float:
    """Our number, with `like` and the settings."""
    data = drawn(pair, told)
    first = "pred" if "pred" in data else next(iter(data))
    truth = next((name for name in TRUTHS if name in data), None)
    sides = {name: column for name, column in data.items()
             if name not in (first, truth, *OPTIONAL)}  # fmt: skip
    report = lossctl.evaluate(
        data[first],
        data.get(truth),
        spec(pair, told),
        roles=sides,
        weight=data.get("weight"),
        class_weight=data.get("class_weight"),
        values_only=True,
    )
    value = report.losses[0].value
    assert value is not None, report.losses[0].reason
    return value


def theirs(pair: Pair, told: Told) -> float:
    """The library's number. What it warns of concerns its own code."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return float(pair.call(drawn(pair, told), told))


def difference(pair: Pair, told: Told) -> float:
    """By how much the two numbers differ, relative to the library's."""
    one, other = ours(pair, told), theirs(pair, told)
    return abs(one - other) / (abs(other) or 1.0)
