"""Binding: every role of every loss to columns of open files."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lossctl import readers
from lossctl.align import Feed, Guard
from lossctl.arrays import Array, Domain
from lossctl.carried import carried, either, spare
from lossctl.choose import PREFERRED, Wish, guess, one, select
from lossctl.classes import Classes
from lossctl.errors import DataError, UsageError, quoted
from lossctl.models import APART, Model
from lossctl.naming import class_names, in_one_order, named_column, named_roles
from lossctl.needs import TARGETS, Needs, needs_of, wish_of
from lossctl.plan import Plan
from lossctl.readers.cells import is_number
from lossctl.readers.source import Source
from lossctl.spec import Spec
from lossctl.where import Condition, parse
from lossctl.wholes import PER_CLASS, names_beside, read_whole, wide_places

OpenSource = Callable[[Any], Source]


@dataclass(frozen=True, slots=True)
class Bound:
    """A role's place: which feed, which of its columns, and what the losses need of it."""

    role: str
    feed: int
    places: tuple[int, ...]
    name: str  # for messages: `targets.csv[y]`
    columns: tuple[str, ...]
    domains: tuple[tuple[str, Domain], ...]  # the losses' labels and the domains they need
    classes: Classes | None = None  # of labels that the file gives as text
    single: bool = False  # numbers that the file stores with float32 precision, or less

    @property
    def domain(self) -> Domain:
        return self.domains[0][1]


@dataclass(slots=True)
class Binding:
    """Everything that is read, and what for."""

    feeds: list[Feed]
    bound: dict[str, Bound] = field(default_factory=dict)
    wholes: dict[str, Array] = field(default_factory=dict)
    whole_domains: list[tuple[str, Domain]] = field(default_factory=list)
    whole_places: dict[str, tuple[Source, tuple[int, ...]]] = field(default_factory=dict)
    weight: Bound | None = None
    ids: tuple[int, int] | None = None
    conditions: list[tuple[Condition, int, int]] = field(default_factory=list)
    guards: list[Guard] = field(default_factory=list)
    keys: list[list[int]] = field(default_factory=list)
    extras: dict[str, tuple[int, int]] = field(default_factory=dict)  # feed and place
    models: tuple[Model, ...] = ()  # where there are several
    owners: dict[str, int] = field(default_factory=dict)  # the model that a column is of
    truths: list[tuple[str, Bound]] = field(default_factory=list)  # columns that must be equal
    weights: list[Bound] = field(default_factory=list)  # that must be those of the first model

    def own(self, number: int) -> list[Bound]:
        """The columns of one of the models."""
        return [one for name, one in self.bound.items() if self.owners.get(name) == number]

    def of(self, number: int) -> Binding:
        """What one of the models is bound to."""
        own = self.models[number].columns
        bound = {role: one for role, one in self.bound.items() if APART not in role}
        wholes = {role: one for role, one in self.wholes.items() if APART not in role}
        bound |= {role: self.bound[at] for role, at in own if at in self.bound}
        wholes |= {role: self.wholes[at] for role, at in own if at in self.wholes}
        return replace(self, bound=bound, wholes=wholes)


def bind(
    plan: Plan,
    specs: tuple[Spec, ...],
    pred: Source,
    target: Source | None,
    open_source: OpenSource,
    *,
    several: bool = False,
) -> Binding:
    """Bind every role to columns of the open files, opening those that a role names.

    `several`: the prediction and the target are all columns that could be, one for each label.
    Raises UsageError and DataError.
    """
    wanted = needs_of(specs)
    for given in plan.roles:
        if given.role not in wanted:
            option = "--class-weight" if given.role == "class_weight" else f"--role {given.role}"
            raise UsageError(f"{option}: no loss here takes it", f"they take {', '.join(wanted)}")
    feeds = [Feed(pred)] if target is None else [Feed(pred), Feed(target)]
    binding = Binding(feeds)
    search = _Search(plan, specs, feeds, open_source, _reserved(plan, feeds), several)
    found_at: dict[str, tuple[Feed, list[int]]] = {}
    whole_at: dict[str, tuple[Feed, list[int]]] = {}
    # The target first: what it takes in a file of both cannot be the prediction.
    for role in sorted(wanted, key=lambda name: name not in TARGETS):
        needs = wanted[role]
        found = search.find(role, needs)
        if found is None:
            continue
        feed, places = found
        if needs[0][1].shape == "whole":
            binding.whole_domains.append((role, needs[0][1]))
            binding.whole_places[role] = (feed.source, tuple(places))
            whole_at[role] = (feed, places)
            continue
        if feed not in feeds:
            feeds.append(feed)
        search.taken.setdefault(id(feed), set()).update(places)
        found_at[role] = (feed, places)
    in_one_order(plan, found_at)
    classes = class_names(plan, found_at)
    for role, (feed, places) in whole_at.items():
        binding.wholes[role] = read_whole(feed, places, role, wanted[role][0][1], classes)
    named = named_roles(plan, wanted, found_at)
    for role, (feed, places) in found_at.items():
        binding.bound[role] = _bound(
            feeds.index(feed), feed, places, role, wanted[role], classes=named.get(role)
        )
    _rest(plan, binding)
    return binding


@dataclass(slots=True)
class _Search:
    """Where each role's columns are looked for."""

    plan: Plan
    specs: tuple[Spec, ...]
    feeds: list[Feed]
    open_source: OpenSource
    taken: dict[int, set[int]]  # by feed: columns that no role may guess any more
    several: bool
    targets: tuple[int, set[int]] = field(default_factory=lambda: (0, set()))  # feed and columns

    def find(self, role: str, needs: Needs) -> tuple[Feed, list[int]] | None:
        """A role's file and columns: as given by hand, as the target, as the prediction, or by
        the role's own name. None for an optional role that is nowhere."""
        plan = self.plan
        wish = wish_of(role, needs)
        if self.several and role in ("pred", *TARGETS):
            wish = replace(wish, kinds=(*wish.kinds, "boolean"), every=True)
        given = next((one for one in plan.roles if one.role == role), None)
        if given is not None:
            feed = self._feed_of(given.source, needs[0][1])
            names: list[int] = []
            if given.columns is None and needs[0][1].axes == PER_CLASS:
                wide = wide_places(feed.source, role)
                if wide:
                    return feed, wide
                beside = names_beside(feed.source)
                names = [] if beside is None else [beside]
            return feed, self._columns(feed, given.columns, role, "--role", wish, names)
        if role in TARGETS:
            feed = self.feeds[min(1, len(self.feeds) - 1)]
            kept = self._prediction(feed) if plan.target is None else set()
            return feed, self._columns(feed, plan.target_col, "target", "--target-col", wish, kept)
        leads = any(spec.roles[0].name == role for spec in self.specs)
        named = None if role == "pred" else self._by_name(role, needs[0][1])
        if named is not None and not (leads and plan.pred_col is not None):
            return named
        if role == "pred" or leads:
            feed = self.feeds[0]
            return feed, self._columns(feed, plan.pred_col, role, "--pred-col", wish)
        if all(one.optional for spec in self.specs for one in spec.roles if one.name == role):
            return None
        raise UsageError(f"{needs[0][0]} needs {role}", f"--role {role}=FILE[:COLUMNS] gives it")

    def _by_name(self, role: str, domain: Domain) -> tuple[Feed, list[int]] | None:
        """The column of that name; a role that is not row-aligned is read by itself."""
        called = (role, *PREFERRED.get(role, ()))
        for feed in self.feeds:
            names = [column.name for column in feed.source.columns]
            name = next((one for one in called if names.count(one) == 1), None)
            if name is None:
                continue
            if domain.shape == "whole":
                if feed.source.path == "-" or feed.source.format == "memory":
                    continue
                feed = Feed(self.open_source(feed.source.path))
            return feed, [names.index(name)]
        return None

    def _columns(
        self,
        feed: Feed,
        text: str | None,
        role: str,
        option: str,
        wish: Wish,
        kept: Collection[int] = (),
    ) -> list[int]:
        if text is not None:
            return select(feed.source, text, option)
        taken = {*self.taken.get(id(feed), ()), *kept}
        # Several losses may call one column by two names.
        shared = set() if role != "target" else self._targets(feed)
        places = guess(feed.source, role, option, taken - shared, wish)
        name = feed.source.columns[places[0]].name
        headed = self.plan.read.header and len(feed.source.columns) > 1
        if feed.source.format in ("csv", "tsv") and headed and is_number(name):
            raise DataError(
                f"{feed.name} line 1: the column for {role} would be called {quoted(name)}, which "
                "is a number",
                f"-H if line 1 is data; {option} {name} if it is a name",
            )
        if role == "target":
            self.targets = (id(feed), set(places))
        return places

    def _targets(self, feed: Feed) -> set[int]:
        return self.targets[1] if self.targets[0] == id(feed) else set()

    def _prediction(self, feed: Feed) -> set[int]:
        """In a file of both, what is plainly the prediction, and so no target."""
        if self.plan.pred_col is not None:
            return set(select(feed.source, self.plan.pred_col, "--pred-col"))
        names = [column.name.lower() for column in feed.source.columns]
        return {names.index(name) for name in PREFERRED["pred"] if name in names}

    def _feed_of(self, given: Any, domain: Domain) -> Feed:
        """The feed of a role's own file; the same file is read once."""
        if domain.shape != "whole":
            for feed, path in zip(self.feeds, (self.plan.pred, self.plan.target), strict=False):
                if given is path or given == path:
                    return feed
            for feed in self.feeds[2:]:
                if given == feed.source.path:
                    return feed
            if self.plan.on:
                raise UsageError(
                    f"--role with a file of its own ({given}) pairs by row order only",
                    "leave out --on",
                )
            return Feed(self.open_source(given))
        try:
            return Feed(self.open_source(given))
        except DataError:
            bare = self._bare(given)
            if bare is None:
                raise
            return Feed(self.open_source(bare))

    def _bare(self, given: Any) -> Source | None:
        """A file of numbers alone, one a line, as a side input may be without a header."""
        if not isinstance(given, str) or not Path(given).is_file():  # what can be opened again
            return None
        source = readers.open_source(given, replace(self.plan.read, header=False))
        kinds = [column.kind for column in source.columns]
        if source.format in ("csv", "tsv") and kinds in (["number"], ["integer"]):
            return source
        source.close()
        return None


def _reserved(plan: Plan, feeds: list[Feed]) -> dict[int, set[int]]:
    """Columns that no role may guess: keys, ids and weights. A filter changes no choice."""
    taken: dict[int, set[int]] = {}
    names = [*plan.on, plan.id_col, plan.weight_col]
    preferred = {*PREFERRED["pred"], *PREFERRED["target"]}
    for feed in feeds:
        known = [column.name for column in feed.source.columns]
        bare = [name.removeprefix("pred.").removeprefix("target.") for name in names if name]
        taken[id(feed)] = {
            known.index(name) for name in bare if name in known and name.lower() not in preferred
        }
    return taken


def _bound(
    index: int,
    feed: Feed,
    places: list[int],
    role: str,
    domains: Needs,
    *,
    classes: Classes | None = None,
) -> Bound:
    sequence = bool(domains) and domains[0][1].shape == "text"
    wanted = tuple(
        feed.want(place, "text" if classes or (sequence and column.kind == "text") else "number")
        for place, column in ((place, feed.source.columns[place]) for place in places)
    )
    names = tuple(feed.source.columns[place].name for place in places)
    single = all(_SINGLE.search(feed.source.columns[place].type) for place in places)
    name = named_column(feed, places)
    return Bound(role, index, wanted, name, names, tuple(domains), classes, single)


_SINGLE = re.compile(r"\b(float|float32|float16|halffloat)\b")  # as NumPy and Arrow call them


def _rest(plan: Plan, binding: Binding) -> None:
    """Weights, ids, filters, keys, and the columns that guard the pairing."""
    feeds = binding.feeds[:2]
    if plan.weight_col is not None:
        place, column = either(feeds, plan.weight_col, "--weight-col")
        binding.weight = _bound(place, feeds[place], [column], "weight", [])
    for text in plan.where:
        condition = parse(text)
        place, column = either(feeds, condition.column, "--where")
        kind = binding.feeds[place].source.columns[column].kind
        as_text = condition.as_text(kind)
        want = binding.feeds[place].want(column, "text" if as_text else "number")
        binding.conditions.append((condition, place, want))
    if plan.on:
        if len(feeds) < 2 and not plan.models:
            raise UsageError("--on pairs two files, and there is one")
        binding.keys = [
            [feed.key(one(feed.source, key, "--on")) for key in plan.on] for feed in feeds
        ]
    if plan.id_col is not None:
        place, column = either(feeds, plan.id_col, "--id-col", both=True)
        binding.ids = (place, binding.feeds[place].want(column, "text"))
    elif plan.on and len(plan.on) == 1:
        binding.ids = (0, binding.keys[0][0])
    if len(feeds) == 2 and not plan.on and not plan.by_row:
        binding.guards = guards(feeds, _roles(binding, feeds))
    same = {*plan.on, *(guard.name for guard in binding.guards)}
    binding.extras = carried(plan, feeds, same)
    if plan.carry_all:
        binding.extras |= spare(plan, feeds, _roles(binding, feeds), binding.extras)


def _roles(binding: Binding, feeds: list[Feed]) -> list[set[int]]:
    """By feed, the columns that play a role."""
    return [
        {feed.wanted[place].index for b in binding.bound.values() if b.feed == index
         for place in b.places}
        for index, feed in enumerate(feeds)
    ]  # fmt: skip


def guards(feeds: list[Feed], used: list[set[int]]) -> list[Guard]:
    """Columns of text or whole numbers that both of two feeds have, and that play no role: those
    `used`, by feed, do."""
    found = []
    shared = [{c.name: (i, c.kind) for i, c in enumerate(f.source.columns)} for f in feeds]
    for name in shared[0]:
        if not name or name not in shared[1]:
            continue
        (left, kind), (right, other) = shared[0][name], shared[1][name]
        if kind not in ("text", "integer") or other not in ("text", "integer"):
            continue
        if left in used[0] or right in used[1]:
            continue
        places = feeds[0].want(left, "text"), feeds[1].want(right, "text")
        found.append(Guard(name, (0, places[0]), (1, places[1])))
    return found
