"""Corrections of the p-values of several tests; None stays None: no test was made there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from lossctl.analyses import contrast

Ps: TypeAlias = Sequence[float | None]


def holm(p: Ps) -> list[float | None]:
    """The chance of any false alarm keeps its level (Holm 1979)."""
    return _made(p, contrast.holm)


def bonferroni(p: Ps) -> list[float | None]:
    """As `holm`, with every p-value times their number."""
    return _made(p, lambda made: [min(1.0, len(made) * one) for one in made])


def fdr(p: Ps) -> list[float | None]:
    """The share of false alarms among the alarms keeps its level (Benjamini and Hochberg 1995)."""
    return _made(p, _stepped_up)


def none(p: Ps) -> list[float | None]:
    """The p-values as they are."""
    return list(p)


METHODS: dict[str, Callable[[Ps], list[float | None]]] = {
    "holm": holm,
    "fdr": fdr,
    "bonferroni": bonferroni,
    "none": none,
}


def _made(p: Ps, correct: Callable[[list[float]], list[float]]) -> list[float | None]:
    corrected = iter(correct([one for one in p if one is not None]))
    return [None if one is None else next(corrected) for one in p]


def _stepped_up(p: list[float]) -> list[float]:
    order = sorted(range(len(p)), key=lambda place: -p[place])
    corrected = [0.0] * len(p)
    most = 1.0
    for passed, place in enumerate(order):
        most = min(most, len(p) / (len(p) - passed) * p[place])
        corrected[place] = most
    return corrected
