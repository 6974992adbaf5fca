"""Binding: every role of every loss to columns of open files."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lossctl.align import Feed
from lossctl.arrays import Array, Domain, Ragged
from lossctl.choose import PREFERRED, guess, one, select
from lossctl.errors import DataError, UsageError, inert, quoted
from lossctl.plan import Plan
from lossctl.readers.cells import is_number
from lossctl.readers.source import Source
from lossctl.report import named
from lossctl.spec import Spec
from lossctl.where import Condition, parse

TARGETS = ("target", "label")  # roles that the target file supplies
WHOLE_LIMIT = 1 << 24  # values of one side input

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

    @property
    def domain(self) -> Domain:
        return self.domains[0][1]


@dataclass(slots=True)
class Binding:
    """Everything that is read, and what for."""

    feeds: list[Feed]
    bound: dict[str, Bound] = field(default_factory=dict)
    wholes: dict[str, Array] = field(default_factory=dict)
    weight: Bound | None = None
    ids: tuple[int, int] | None = None
    conditions: list[tuple[Condition, int, int]] = field(default_factory=list)
    guards: list[tuple[str, tuple[int, int]]] = field(default_factory=list)
    keys: list[list[int]] = field(default_factory=list)


def bind(plan: Plan, specs: tuple[Spec, ...], open_source: OpenSource) -> Binding:
    """Open what the plan names and bind it. Raises UsageError and DataError."""
    wanted = _roles(specs)
    for given in plan.roles:
        if given.role not in wanted:
            known = ", ".join(wanted)
            raise UsageError(f"--role {given.role}: no loss here takes it", f"they take {known}")
    pred = open_source(plan.pred)
    target = pred if plan.target is None else open_source(plan.target)
    feeds = [Feed(pred)] if target is pred else [Feed(pred), Feed(target)]
    binding = Binding(feeds)
    search = _Search(plan, specs, feeds, open_source, _reserved(plan, feeds))
    # The target first: what it takes in a file of both cannot be the prediction.
    for role in sorted(wanted, key=lambda name: name not in TARGETS):
        domain = wanted[role][0][1]
        feed, places = search.find(role, wanted[role])
        if domain.shape == "whole":
            binding.wholes[role] = _read_whole(feed, places, role)
            continue
        if feed not in feeds:
            feeds.append(feed)
        search.taken.setdefault(id(feed), set()).update(places)
        binding.bound[role] = _bound(feeds.index(feed), feed, places, role, wanted[role])
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

    def find(self, role: str, needs: list[tuple[str, Domain]]) -> tuple[Feed, list[int]]:
        """A role's file and columns: as given by hand, as the target, as the prediction, or by
        the role's own name."""
        plan = self.plan
        given = next((one for one in plan.roles if one.role == role), None)
        if given is not None:
            feed = self._feed_of(given.source, needs[0][1])
            return feed, self._columns(feed, given.columns, role, "--role")
        if role in TARGETS:
            feed = self.feeds[min(1, len(self.feeds) - 1)]
            kept = self._prediction(feed) if plan.target is None else set()
            return feed, self._columns(feed, plan.target_col, role, "--target-col", kept)
        leads = any(spec.roles[0].name == role for spec in self.specs)
        named = None if role == "pred" else _by_name(self.feeds, role)
        if named is not None and not (leads and plan.pred_col is not None):
            return named
        if role == "pred" or leads:
            feed = self.feeds[0]
            return feed, self._columns(feed, plan.pred_col, "pred", "--pred-col")
        raise UsageError(f"{needs[0][0]} needs {role}", f"--role {role}=FILE[:COLUMNS] gives it")

    def _columns(
        self, feed: Feed, text: str | None, role: str, option: str, kept: Collection[int] = ()
    ) -> list[int]:
        if text is not None:
            return select(feed.source, text, option)
        places = guess(feed.source, role, option, {*self.taken.get(id(feed), ()), *kept})
        name = feed.source.columns[places[0]].name
        if feed.source.format in ("csv", "tsv") and self.plan.read.header and is_number(name):
            raise DataError(
                f"{feed.name} line 1: the column for {role} would be called {quoted(name)}, which "
                "is a number",
                f"-H if line 1 is data; {option} {name} if it is a name",
            )
        return places

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


def _roles(specs: tuple[Spec, ...]) -> dict[str, list[tuple[str, Domain]]]:
    """Every role, with the domains that the losses need of it."""
    roles: dict[str, list[tuple[str, Domain]]] = {}
    for spec in specs:
        for role in spec.roles:
            known = roles.setdefault(role.name, [])
            if known and known[0][1].shape != role.domain.shape:
                raise UsageError(
                    f"{known[0][0]} takes {role.name} as {known[0][1].shape}, {spec} as "
                    f"{role.domain.shape}: they cannot be scored together"
                )
            if all(role.domain != domain for _, domain in known):
                known.append((str(spec), role.domain))
    return roles


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


def _by_name(feeds: list[Feed], role: str) -> tuple[Feed, list[int]] | None:
    for feed in feeds:
        names = [column.name for column in feed.source.columns]
        if names.count(role) == 1:
            return feed, [names.index(role)]
    return None


def _bound(
    index: int, feed: Feed, places: list[int], role: str, domains: list[tuple[str, Domain]]
) -> Bound:
    names = tuple(feed.source.columns[place].name for place in places)
    label = named({"path": feed.source.path, "columns": names})
    wanted = tuple(feed.want(place) for place in places)
    return Bound(role, index, wanted, label, names, tuple(domains))


def _read_whole(feed: Feed, places: list[int], role: str) -> Array:
    """A side input: all values of its columns, rows first, as one flat array (n,) or (n, k)."""
    wanted = [feed.want(place) for place in places]
    parts = []
    count = 0
    for block in feed.source.blocks(feed.wanted, 1 << 15):
        columns = [block.cells[place] for place in wanted]
        for cells in columns:
            if isinstance(cells.values, Ragged):
                raise DataError(f"{feed.name}: {role} is a list column, but numbers are needed")
            if not np.isfinite(np.asarray(cells.values, dtype=np.float64)).all():
                raise DataError(f"{feed.name}: {role} holds a value that is missing or not finite")
        parts.append(np.column_stack([np.asarray(c.values, dtype=np.float64) for c in columns]))
        count += parts[-1].size
        if count > WHOLE_LIMIT:
            raise DataError(f"{feed.name}: {role} has more than {WHOLE_LIMIT} values, the limit")
    feed.source.close()
    if not count:
        raise DataError(f"{feed.name}: {role} has no values")
    whole: Array = np.concatenate(parts)
    return whole[:, 0] if whole.shape[1] == 1 else whole


def _rest(plan: Plan, binding: Binding) -> None:
    """Weights, ids, filters, keys, and the columns that guard the pairing."""
    feeds = binding.feeds[:2]
    if plan.weight_col is not None:
        place, column = _either(feeds, plan.weight_col, "--weight-col")
        binding.weight = _bound(place, feeds[place], [column], "weight", [])
    for text in plan.where:
        condition = parse(text)
        place, column = _either(feeds, condition.column, "--where")
        kind = binding.feeds[place].source.columns[column].kind
        as_text = condition.as_text(kind)
        want = binding.feeds[place].want(column, "text" if as_text else "number")
        binding.conditions.append((condition, place, want))
    if plan.on:
        if len(feeds) < 2:
            raise UsageError("--on pairs two files, and there is one")
        binding.keys = [
            [feed.want(one(feed.source, key, "--on"), "text") for key in plan.on] for feed in feeds
        ]
    if plan.id_col is not None:
        place, column = _either(feeds, plan.id_col, "--id-col", both=True)
        binding.ids = (place, binding.feeds[place].want(column, "text"))
    elif plan.on and len(plan.on) == 1:
        binding.ids = (0, binding.keys[0][0])
    if len(feeds) == 2 and not plan.on and not plan.by_row:
        binding.guards = _guards(binding, feeds)


def _either(feeds: list[Feed], text: str, option: str, *, both: bool = False) -> tuple[int, int]:
    """A column of either file: `pred.x`, `target.x`, or a name that only one of them has."""
    for place, prefix in enumerate(("pred.", "target.")):
        if text.startswith(prefix) and place < len(feeds):
            names = [column.name for column in feeds[place].source.columns]
            if text not in names:
                return place, one(feeds[place].source, text.removeprefix(prefix), option)
    having = [
        place
        for place, feed in enumerate(feeds)
        if any(column.name == text for column in feed.source.columns)
    ]
    if len(having) > 1 and not both:
        raise UsageError(
            f"both files have a column {inert(text)}",
            f"{option} pred.{inert(text)} or target.{inert(text)} says which",
        )
    place = having[0] if having else 0
    if not having and len(feeds) > 1:
        raise UsageError(f"{option}: neither file has a column {inert(text)}")
    return place, one(feeds[place].source, text, option)


def _guards(binding: Binding, feeds: list[Feed]) -> list[tuple[str, tuple[int, int]]]:
    """Columns of text or whole numbers that both files have, and that play no role."""
    found = []
    shared = [{c.name: (i, c.kind) for i, c in enumerate(f.source.columns)} for f in feeds]
    used = [
        {feed.wanted[place].index for b in binding.bound.values() if b.feed == index
         for place in b.places}
        for index, feed in enumerate(feeds)
    ]  # fmt: skip
    for name in shared[0]:
        if not name or name not in shared[1]:
            continue
        (left, kind), (right, other) = shared[0][name], shared[1][name]
        if kind not in ("text", "integer") or other not in ("text", "integer"):
            continue
        if left in used[0] or right in used[1]:
            continue
        found.append((name, (feeds[0].want(left, "text"), feeds[1].want(right, "text"))))
    return found
