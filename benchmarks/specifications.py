"""The specifications of states: which there are, and one block to make each of."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import lossctl
from lossctl.aligned import edits_of
from lossctl.analyses.comparison.gaps import Wins
from lossctl.analyses.decompositions.edit_kinds import EditCounts
from lossctl.analyses.digest import Digest
from lossctl.analyses.error_curves import Drawn, Graded, Rows
from lossctl.analyses.held import Held
from lossctl.analyses.levels import Levels
from lossctl.analyses.murphy import Elementary
from lossctl.analyses.within import RowCount, Within
from lossctl.batch import Batch
from lossctl.few import Few
from lossctl.gates.rows import Regressed, Worsening
from lossctl.gram import Gram
from lossctl.grammar import parse
from lossctl.keyed import KeyedSums
from lossctl.models import Model
from lossctl.moments import Moments
from lossctl.ranges import Gather, Range, packed
from lossctl.sequences import encode
from lossctl.states import Sums, Terms, Top
from lossctl.units import UnitSums

ROWS = 1 << 14
Column = Callable[[Batch], Any]


def pred(batch: Batch) -> Any:
    """A column: its value for each row."""
    return batch.columns["pred"]


def share(batch: Batch) -> Any:
    return batch.columns["share"]


def addends(batch: Batch) -> Terms:
    """The terms of a mean."""
    return Terms([(pred(batch), 0)])


def ratios(batch: Batch) -> Terms:
    """The terms of a weighted mean."""
    return Terms([(pred(batch), 0)], share(batch))


def tenth(batch: Batch) -> Any:
    """A key: ten groups of rows."""
    return (5.0 * share(batch)).astype(np.int64)


class Tenths:
    """The cells of ten groups of rows."""

    def __call__(self, batch: Batch) -> Any:
        return list(range(10)), tenth(batch)

    def missing(self, batch: Batch) -> int:
        return 0


def spelled(batch: Batch) -> Any:
    """The edits between two columns of texts of about eight characters."""
    texts = (encode(f"{number:.6f}" for number in column(batch)) for column in (pred, share))
    return edits_of(*texts)


MAE = parse("mae")
EDGES = packed(np.geomspace(1e-3, 1e3, 512))  # thresholds


@dataclass(frozen=True, slots=True)
class Swapped:
    """A view: another model's predictions."""

    def __call__(self, batch: Batch) -> Batch:
        return batch.with_column("pred", share(batch))


EXAMPLES: dict[str, tuple[Any, int]] = {  # and how many columns each reads
    "Sums, of a mean": (Sums(addends), 1),
    "Sums, of a mean, with moments": (Sums(addends, moments=True), 1),
    "Sums, weighted": (Sums(ratios), 2),
    "Sums, weighted, with moments": (Sums(ratios, moments=True), 2),
    "Moments": (Moments(pred), 1),
    "Moments, weighted": (Moments(pred, share), 2),
    "Top, 10 rows": (Top(pred, 10), 1),
    "Range, a thousandth": (Range(pred, 0, 1 << 52), 1),
    "Range, everything": (Range(pred), 1),
    "Gather": (Gather(pred, share), 2),
    "Digest": (Digest(), 3),
    "Few, 1000 rows": (Few(1000, "hash"), 3),
    "Held, everything": (Held(pred, 1 << 20), 1),
    "EditCounts, 8 characters": (EditCounts(spelled), 2),
    "Levels, 10 values": (Levels(Tenths(), 100), 1),
    "Gram, two models": (Gram((addends, ratios)), 2),
    "UnitSums, 10 units": (UnitSums(tenth, (addends, ratios)), 2),
    "Wins": (Wins(MAE, Model("first"), Swapped()), 3),
    "Rows, everything": (Rows((pred, share), 1 << 20), 2),
    "Drawn": (Drawn((pred, share), 1000), 2),
    "Graded, 512 thresholds": (Graded(pred, share, EDGES), 2),
    "Elementary, 512 thresholds": (Elementary(pred, share, None, EDGES), 2),
    "RowCount": (RowCount(), 1),
    "Within, another model": (Within(Swapped(), Sums(addends)), 2),
    "Regressed": (Regressed(Worsening(MAE, Model("first"), Swapped()), 0.1), 3),
    "KeyedSums, 10 groups": (KeyedSums(tenth, addends), 2),
    "KeyedSums, 10 groups, with moments": (KeyedSums(tenth, addends, moments=True), 2),
}


def block(seed: int = 0) -> Batch:
    """Three columns, nothing remembered."""
    rng = np.random.default_rng(seed)
    columns = {"pred": rng.gamma(2.0, 50.0, ROWS), "share": rng.uniform(0.1, 2.0, ROWS)}
    columns["target"] = columns["pred"] + rng.standard_normal(ROWS)
    rows = np.arange(ROWS)
    return Batch(columns, frozenset(), None, rows, rows)


def defined() -> set[str]:
    """The names of all classes of lossctl that have `empty` and `make`, protocols apart."""
    found = set()
    for module in pkgutil.walk_packages(lossctl.__path__, "lossctl."):
        if module.name.endswith("__main__"):
            continue
        for name, made in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            own = made.__module__ == module.name and not getattr(made, "_is_protocol", False)
            if own and hasattr(made, "empty") and hasattr(made, "make"):
                found.add(name)
    return found
