"""Roles whose labels are names: what those stand for, and columns of classes in one order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lossctl.align import Feed
from lossctl.arrays import Domain
from lossctl.classes import Classes, of_columns
from lossctl.errors import DataError, UsageError
from lossctl.needs import TARGETS, Needs, takes_names
from lossctl.plan import Plan
from lossctl.readers.source import Column
from lossctl.report import named


def named_roles(
    plan: Plan, wanted: Mapping[str, Needs], found: Mapping[str, tuple[Feed, list[int]]]
) -> dict[str, Classes]:
    """The roles whose labels are names, and what those stand for: `--labels`, `--positive`, or
    the names of the prediction's columns."""
    names = class_names(plan, found)
    counted = tuple(map(str, range(len(names))))
    told = bool(plan.labels) or plan.positive is not None
    # Columns p_1 p_2 p_3 against labels 1 2 3: the name, not the place, says which is which.
    told = told or (all(name.lstrip("-").isdigit() for name in names) and names != counted)
    classes = Classes(names, plan.positive, plan.ignore_index)
    sides = [need[1] for role in ("pred", *TARGETS) for need in wanted.get(role, ())]
    compared = all(domain.name == "category" for domain in sides)
    named: dict[str, Classes] = {}
    for role, (feed, places) in found.items():
        needs = wanted[role]
        columns = [feed.source.columns[place] for place in places]
        if len(columns) > 1 or not any(takes_names(role, domain) for _, domain in needs):
            continue
        if plan.positive is not None and _one_of_several(found, [need[1] for need in needs]):
            raise UsageError(
                "--positive is for one probability against labels, and "
                f"{named_column(feed, places)} is one of several classes",
                "--labels a,b,c gives the classes in order, which are otherwise the columns'",
            )
        textual = _textual(feed, columns[0])
        numeric = columns[0].width is None and columns[0].kind in ("number", "integer", "boolean")
        # Numbers of the prediction are labels only where all losses compare them with labels.
        if not textual and not (told and numeric and (compared or role in TARGETS)):
            continue
        alike = all(domain.name == "category" for _, domain in needs)
        if not classes.ordered and not alike:
            said = "--positive says which of its labels counts as 1"
            if needs[0][1].indexes is not None:
                said = "--labels a,b,c gives the classes in order"
            name = named_column(feed, places)
            raise UsageError(f"{name} holds names of classes", said)
        named[role] = classes
    if named and not classes.ordered:
        _of_one_kind(found, named)
    option = "--labels" if plan.labels and not _predicted_classes(found) else "--positive"
    if not named and (option == "--labels" or plan.positive is not None):
        raise UsageError(f"{option}: nothing here is the name of a class")
    return named


def _one_of_several(found: Mapping[str, tuple[Feed, list[int]]], domains: Sequence[Domain]) -> bool:
    """Whether a label is a place among classes: that of a score, if any."""
    feed, places = found.get("pred", (None, []))
    wide = feed is not None and (
        len(places) > 1 or any(feed.source.columns[place].width is not None for place in places)
    )
    return any(
        (domain.indexes == "classes" or domain.name == "category")
        and (wide or domain.shape != "either")
        for domain in domains
    )


def _textual(feed: Feed, column: Column) -> bool:
    """Whether a column's labels are names. A text file's true and false are."""
    written = column.kind == "boolean" and feed.source.format in ("csv", "tsv")
    return column.kind == "text" or written


def _of_one_kind(found: Mapping[str, tuple[Feed, list[int]]], named: Mapping[str, Classes]) -> None:
    """Refuse to compare names with numbers: they are never equal."""
    sides = {role: one for role, one in found.items() if role in ("pred", *TARGETS)}
    for role, (feed, places) in sides.items():
        if role in named:
            continue
        other, at = found[next(iter(named))]
        text, column = other.source.columns[at[0]], feed.source.columns[places[0]]
        raise DataError(
            f"{other.name}: column {text.name} is {text.kind}, but {feed.name} column "
            f"{column.name} is {column.kind}: such labels are never equal",
            "--labels gives the classes in order",
        )


def in_one_order(plan: Plan, found: Mapping[str, tuple[Feed, list[int]]]) -> None:
    """Where the prediction has a column for each class or label, and the target's columns or
    `--labels` have the same names, bring it into their order.

    Raises UsageError for more or fewer labels than columns.
    """
    left, columns = found.get("pred", (None, []))
    if left is None:
        return
    ours = of_columns([left.source.columns[place].name for place in columns])
    orders = [plan.labels]
    for role in TARGETS:
        right, others = found.get(role, (None, []))
        titles = tuple(right.source.columns[place].name for place in others) if right else ()
        orders += [titles, of_columns(titles)]
    for order in orders:
        if ours and ours != order and sorted(ours) == sorted(order):
            columns[:] = [columns[ours.index(name)] for name in order]
            return
    if ours and plan.labels and len(plan.labels) != len(ours):
        raise UsageError(
            f"--labels names {len(plan.labels)} classes, and the prediction has {len(ours)}"
        )


def class_names(plan: Plan, found: Mapping[str, tuple[Feed, list[int]]]) -> tuple[str, ...]:
    """The names of the classes in order: `--labels`, or those of the prediction's columns."""
    return plan.labels or _predicted_classes(found)


def _predicted_classes(found: Mapping[str, tuple[Feed, list[int]]]) -> tuple[str, ...]:
    feed, places = found.get("pred", (None, []))
    if feed is None or len(places) < 2:
        return ()
    return of_columns([feed.source.columns[place].name for place in places])


def named_column(feed: Feed, places: list[int]) -> str:
    """`targets.csv[y]`: where a role comes from, for messages."""
    names = tuple(feed.source.columns[place].name for place in places)
    return named({"path": feed.source.path, "columns": names})
