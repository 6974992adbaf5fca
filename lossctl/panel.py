"""Several models' predictions bound beside one target."""

from __future__ import annotations

from dataclasses import replace

from lossctl.align import Feed, Guard
from lossctl.binding import Binding, Bound, OpenSource, bind, guards
from lossctl.classes import of_columns
from lossctl.errors import DataError, UsageError, inert
from lossctl.models import Model, column_name
from lossctl.needs import TARGETS
from lossctl.plan import Contender, Plan
from lossctl.readers.source import Source
from lossctl.spec import Spec


def bind_models(
    plan: Plan,
    specs: tuple[Spec, ...],
    pred: Source,
    target: Source | None,
    open_source: OpenSource,
    *,
    several: bool = False,
) -> Binding:
    """One binding of all models of a plan: the first one's columns are called by their roles, those
    of the others are numbered.

    Where no file holds the targets alone, every model's file must hold the same ones. Raises
    UsageError and DataError, also for classes of other names.
    """
    whole = bind(plan, specs, pred, target, open_source, several=several)
    names = _classes(whole)
    own = [role for role, bound in whole.bound.items() if _is_own(role, bound)]
    whole.owners = dict.fromkeys(own, 0)
    whole.owners |= {
        role: 0 for role, (source, _) in whole.whole_places.items() if source.path == pred.path
    }
    models = [Model(plan.models[0].name)]
    held = [(plan.pred, pred, 0)]  # every file once, also one with the columns of several models
    for number, model in enumerate(plan.models[1:], 1):
        alone = _alone(plan, model)
        known = next((one for one in held if one[0] == model.pred), None)
        source = open_source(model.pred) if known is None else known[1]
        other = bind(alone, specs, source, target, open_source, several=several)
        if not _same_classes(names, _classes(other), plan.models[0], model):
            ordered = replace(alone, labels=names)
            other = bind(ordered, specs, source, target, open_source, several=several)
        place = None if known is None else known[2]
        models.append(_added(whole, other, number, model, own=own, place=place))
        if known is not None:
            continue
        held.append((model.pred, source, len(whole.feeds) - 1))
        if target is None and not (plan.on or plan.by_row):
            whole.guards += _between(whole, len(whole.feeds) - 1)
    whole.models = tuple(models)
    if plan.on and len(whole.feeds) < 2:
        raise UsageError("--on pairs files, and there is one")
    return whole


def _alone(plan: Plan, model: Contender) -> Plan:
    """The plan of one model: what travels with the rows is the first one's."""
    return replace(
        plan, pred=model.pred, pred_col=model.columns, models=(model,), id_col=None, where=(),
        by=(), units=(), show=(), carry_all=False,
    )  # fmt: skip


def _is_own(role: str, bound: Bound) -> bool:
    return bound.feed == 0 and role not in TARGETS


def _classes(binding: Binding) -> tuple[str, ...]:
    """The names of the classes that the prediction's columns give."""
    predicted = binding.bound.get("pred")
    return of_columns(predicted.columns) if predicted is not None else ()


def _same_classes(
    names: tuple[str, ...], others: tuple[str, ...], first: Contender, second: Contender
) -> bool:
    """Whether the classes are in one order. Raises DataError where they are others."""
    if names and others and sorted(names) != sorted(others):
        said = [", ".join(inert(name) for name in side) for side in (names, others)]
        raise DataError(
            f"{first.name} predicts {said[0]}, {second.name} {said[1]}",
            "all models must have the same classes or outputs",
        )
    return not (names and others) or names == others


def _added(
    whole: Binding,
    other: Binding,
    number: int,
    model: Contender,
    *,
    own: list[str],
    place: int | None,
) -> Model:
    """Add one more model's columns; `place` is that of its file among those that are read already,
    for other models."""
    theirs = [role for role, bound in other.bound.items() if _is_own(role, bound)]
    if sorted(theirs) != sorted(own):
        raise UsageError(
            f"{model.name} has {', '.join(theirs)}, the first model {', '.join(own)}",
            "all models must have the same columns",
        )
    shared = place is not None
    if place is None:
        place = len(whole.feeds)
        whole.feeds.append(other.feeds[0])
        if whole.keys:
            whole.keys.append(other.keys[0])
    columns = []
    for role, bound in other.bound.items():
        if bound.feed != 0 or (shared and role in TARGETS):
            continue
        moved = _moved(bound, whole.feeds[place], place, other.feeds[0])
        if role in TARGETS:
            whole.truths.append((role, moved))
            continue
        name = column_name(role, number)
        whole.bound[name] = moved
        whole.owners[name] = number
        columns.append((role, name))
    if other.weight is not None and other.weight.feed == 0 and not shared:
        whole.weights.append(_moved(other.weight, whole.feeds[place], place, other.feeds[0]))
    for role, domain in other.whole_domains:
        if other.whole_places[role][0].path == other.feeds[0].source.path and place:
            name = column_name(role, number)
            whole.wholes[name] = other.wholes[role]
            whole.whole_domains.append((name, domain))
            whole.owners[name] = number
            columns.append((role, name))
    if not shared:
        feeds = {0: place, 1: 1}
        whole.guards += [
            Guard(one.name, (place, one.first[1]), (feeds[one.second[0]],
                  _want(whole.feeds[1], other.feeds[1], one.second[1])))
            for one in other.guards
        ]  # fmt: skip
    return Model(model.name, tuple(columns))


def _between(whole: Binding, place: int) -> list[Guard]:
    """The columns that name the rows in the first model's file and in another one's."""
    feeds = [whole.feeds[0], whole.feeds[place]]
    weights = [one for one in (whole.weight, *whole.weights) if one is not None]
    used = [
        {feed.wanted[at].index for one in (*whole.bound.values(), *weights) if one.feed == number
         for at in one.places}
        for number, feed in zip((0, place), feeds, strict=True)
    ]  # fmt: skip
    return [replace(one, second=(place, one.second[1])) for one in guards(feeds, used)]


def _moved(bound: Bound, feed: Feed, place: int, old: Feed) -> Bound:
    """The same columns, of a feed at another place."""
    if feed is old:
        return replace(bound, feed=place)
    return replace(bound, feed=place, places=tuple(_want(feed, old, at) for at in bound.places))


def _want(feed: Feed, old: Feed, at: int) -> int:
    wanted = old.wanted[at]
    return feed.want(wanted.index, wanted.kind)
