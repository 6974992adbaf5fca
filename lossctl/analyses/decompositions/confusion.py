"""Which classes a loss comes from, and what each is taken for.

Beside a count of errors, what the errors cost: every row's loss goes to the cell of its true class
and the class that the prediction puts first (the first of equals).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lossctl.analyses.context import Context, percent, prose
from lossctl.analyses.wording import counted, rows_or_weight
from lossctl.arrays import Integers, Numbers
from lossctl.batch import Batch
from lossctl.errors import inert
from lossctl.exact import UNIT, ratio
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.numerics import shared
from lossctl.report import Column, Json, Part, Table
from lossctl.roles import Role
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import SumsState, merged
from lossctl.terms import LossTerms

LISTED = 9  # mistakes of the table
KEPT = 1000  # cells and classes of the data
STANDS_OUT = 1.5  # a class stands out that makes so many times its share of the rows,
EXCESS = 0.05  # and so much more than that share

Name = Callable[[int], str]


@dataclass(frozen=True, slots=True)
class ReadAs:
    """The key of a row: its true class and the one that is predicted."""

    truth: str

    def __call__(self, batch: Batch) -> Integers:
        return _both(batch.columns[self.truth], batch.columns["pred"])


@shared
def _both(truth: Numbers, pred: Numbers) -> Integers:
    read = np.argmax(pred, axis=1) if pred.ndim == 2 and pred.shape[1] > 1 else pred
    return np.stack([side.reshape(-1).astype(np.int64) for side in (truth, read)], axis=1)


def truth_of(context: Context, spec: Spec) -> str | None:
    """The role that holds the class of each row, where the prediction is of classes too."""
    roles: dict[str, list[Role]] = {}
    for role in spec.roles:
        roles.setdefault(role.name, []).append(role)
    truth = "label" if "label" in roles else "target"
    if truth not in context.single or "pred" not in roles or truth not in roles:
        return None
    if any(role.domain.name == "category" for role in roles["pred"]):
        return truth if spec.told("threshold") is None else None
    counted = any(role.domain.indexes == "classes" for role in roles[truth])
    by_class = any("classes" in role.domain.axes for role in roles["pred"])
    return truth if counted and by_class and "pred" not in context.single else None


def _fits(context: Context, spec: Spec) -> bool:
    return truth_of(context, spec) is not None and spec.shares and spec.direction == "min"


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """None for a loss whose sum no row adds a part to, or of which no row has a class; one loss
    speaks for all, the leading one where it can."""
    truth = truth_of(context, spec)
    fitting = [one for one in context.specs if _fits(context, one)]
    speaks = context.leading if context.leading in fitting else next(iter(fitting), None)
    if truth is None or spec != speaks:
        return None
    sums = KeyedSums(ReadAs(truth), LossTerms(spec))
    state: KeyedState = (yield (sums,))[sums]
    if any(cell.infinite for cell in state.groups.values()):
        return None
    name = f"confusion {spec.brief}"
    if state.overfull:
        text = f"{prose(spec)}: more than {state.most} pairs of true and predicted class"
        return Part(name, f"{text}; none is listed", {"loss": spec.text, "cells": None})
    cells = {pair: cell for pair, cell in state.groups.items() if cell.count}
    whole = merged(cells.values())
    if not whole.a or not whole.b:
        return None
    return _part(name, spec, cells, whole, _namer(context))


def _namer(context: Context) -> Name:
    known = context.classes
    return lambda value: inert((known.name(value) if known is not None else None) or str(value))


@dataclass(frozen=True, slots=True)
class Group:
    """A class, or a cell: its rows, its share of all weight, and of the loss."""

    rows: int
    of_rows: float
    of_loss: float
    mean: float | None

    @property
    def lift(self) -> float:
        """How many times the average loss its rows have."""
        return self.of_loss / self.of_rows if self.of_rows else 0.0


def _group(sums: SumsState, whole: SumsState) -> Group:
    mean = ratio(sums.a, sums.b) if sums.b else None
    return Group(sums.count, ratio(sums.b, whole.b), ratio(sums.a, whole.a), mean)


def _part(
    name: str,
    spec: Spec,
    cells: dict[tuple[int, int], SumsState],
    whole: SumsState,
    called: Name,
) -> Part:
    rows: dict[int, dict[int, SumsState]] = {}
    for (true, read), cell in cells.items():
        rows.setdefault(true, {})[read] = cell
    classes = {true: _group(merged(each.values()), whole) for true, each in rows.items()}
    found = {pair: _group(cell, whole) for pair, cell in cells.items()}
    ranked = sorted(found, key=lambda pair: (-cells[pair].a, pair))
    by_class = sorted(classes, key=lambda true: (-classes[true].of_loss, true))
    read_right = [cell for pair, cell in cells.items() if pair[0] == pair[1]]
    right = _group(merged(read_right), whole) if read_right else None
    weighed = any(cell.b != cell.count << UNIT for cell in cells.values())
    data: Json = {
        "loss": spec.text,
        "weighted": weighed,
        "read_right": None if right is None else _plain(right),
        "classes": [
            {"class": called(true), **_plain(classes[true]), "lift": classes[true].lift}
            for true in by_class[:KEPT]
        ],
        "cells": [
            {"true": called(pair[0]), "read_as": called(pair[1]), **_plain(found[pair])}
            for pair in ranked[:KEPT]
        ],
        "count": len(cells),
    }
    title = prose(spec)
    columns = (
        Column("true class", "text"),
        Column("read as", "text"),
        Column("rows", "count"),
        Column("of all weight" if weighed else "of all rows", "share", 1),
        Column(f"of the {title}", "share"),
        Column("mean", "value", 2),
    )
    wrong = [pair for pair in ranked if pair[0] != pair[1] and cells[pair].a]
    lines = [_line(called(true), called(read), found[true, read]) for true, read in wrong[:LISTED]]
    if right is not None:
        lines.append(_line("any", "itself", right))
    table = Table(columns, tuple(lines))
    return Part(name, _said(title, classes, found, called, weighed), data, table)


def _line(true: str, read: str, group: Group) -> tuple[Any, ...]:
    return true, read, group.rows, group.of_rows, group.of_loss, group.mean


def _plain(group: Group) -> Json:
    return {
        "rows": group.rows,
        "row_share": group.of_rows,
        "loss_share": group.of_loss,
        "mean": group.mean,
    }


def _said(
    title: str,
    classes: dict[int, Group],
    cells: dict[tuple[int, int], Group],
    called: Name,
    weighed: bool,
) -> str:
    """`class 8 is 10 % of rows and 31 % of scce; most of it read as 1`."""
    rows = rows_or_weight("weight" if weighed else "rows")
    worst = max(classes, key=lambda true: (classes[true].of_loss - classes[true].of_rows, -true))
    one = classes[worst]
    if one.lift >= STANDS_OUT and one.of_loss - one.of_rows >= EXCESS:
        text = f"class {called(worst)} is {percent(one.of_rows)} of {rows} and "
        text += f"{percent(one.of_loss)} of {title}"
        return text + _taken_for(worst, one, cells, called)
    text = f"no class stands out in {title}"
    wrong = {pair: cell for pair, cell in cells.items() if pair[0] != pair[1]}
    if not wrong:
        return f"{text}; every row is read right"
    true, read = max(wrong, key=lambda pair: (wrong[pair].of_loss, -pair[0], -pair[1]))
    cell = wrong[true, read]
    text += f"; the costliest mistake is {called(true)} read as {called(read)}: "
    return f"{text}{counted(cell.rows)}, {percent(cell.of_loss)} of it"


def _taken_for(true: int, one: Group, cells: dict[tuple[int, int], Group], called: Name) -> str:
    """What most of one class's loss comes from."""
    mine = {read: cell for (of, read), cell in cells.items() if of == true}
    read = max(mine, key=lambda read: (mine[read].of_loss, -read))
    most = mine[read].of_loss / one.of_loss
    how = "read right, but not surely" if read == true else f"read as {called(read)}"
    if most >= 0.5:
        return f"; most of it {how} ({counted(mine[read].rows)})"
    return f"; {percent(most)} of that {how} ({counted(mine[read].rows)})"
