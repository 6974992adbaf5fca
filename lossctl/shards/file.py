"""A state in a file: strict JSON, with all that it takes to join it with others and to judge it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lossctl import grammar, strict_json
from lossctl.analyses.context import Context
from lossctl.analyses.digest import DigestState
from lossctl.analyses.within import Slice
from lossctl.arrays import Ragged
from lossctl.batch import Batch
from lossctl.errors import DataError, UsageError, inert
from lossctl.few import array_from, array_json, hollow
from lossctl.reductions import Reduced
from lossctl.shards.kept import Kept, state_of
from lossctl.states import Entry, Json
from lossctl.where import parse as condition_of
from lossctl.where import parted

SCHEMA = 1
MARK = "lossctl_state"  # the first key: what tells such a file from a report
CALLED = {"task": "task", "losses": "list of losses", "plan": "plan", "slices": "list of slices",
          "ids": "way to tell rows apart: by ids or not", "context": "set of options",
          "like": "set of columns", "ragged": "kind of columns"}  # fmt: skip
COUNTS = ("nan", "unmatched", "duplicate", "filtered", "ignored")


class SchemaError(DataError):
    """A state that another version of lossctl wrote."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Which rows a state is of: stretches of row numbers (first, count) that neither touch nor
    overlap; by ids there are none, and rows count alone."""

    by_ids: bool
    stretches: tuple[tuple[int, int], ...] = ()

    def merge(self, other: Parts) -> Parts:
        """The rows of both. Raises DataError where some are in both."""
        found: list[tuple[int, int]] = []
        for first, count in sorted((*self.stretches, *other.stretches)):
            if not count:
                continue
            if found and first < sum(found[-1]):
                raise DataError(f"row #{first} is in two states",
                                "--first-row N says where a part begins, or --id-col what its rows "
                                "are called")  # fmt: skip
            if found and first == sum(found[-1]):
                found[-1] = (found[-1][0], found[-1][1] + count)
            else:
                found.append((first, count))
        return Parts(self.by_ids, tuple(found))


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A state: how it was made, of which rows, and what is known of every loss.

    `made` holds everything that determines the numbers and must be the same in states that are
    joined. `states` are those of `kept.asked`, by its key and by name.
    """

    version: str
    made: Json
    parts: Parts
    read: Mapping[str, int]
    scored: int
    dropped: Mapping[str, int]
    data: DigestState
    targets: DigestState
    order: DigestState  # of the targets, each with what orders its row
    kept: Mapping[tuple[str, str], Kept] = field(default_factory=dict)
    states: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    about: Json | None = None  # of a baseline: when and why it was made, and those before it

    @property
    def context(self) -> Context:
        """The question, as analyses see it."""
        return context_of(self.made)

    @property
    def like(self) -> Batch:
        """A batch of no rows, in whose shape single ones are scored."""
        batch = hollow(self.made["like"])
        for role, (kind, shape) in self.made["ragged"].items():
            none = np.zeros(1, dtype=np.int64)
            batch.columns[role] = Ragged(np.empty((0, *shape), dtype=np.dtype(kind)), none)
        return batch

    @property
    def signature(self) -> str:
        """As a run of all rows has it."""
        plan, _, version = str(self.made["plan"]).rpartition("|v:")
        return f"{plan}|n:{self.scored}|data:{str(self.data)[:16]}|v:{version}"

    def value(self, key: tuple[str, str]) -> Reduced:
        """The value of one loss of one slice."""
        return self.kept[key].value(self.context, self.states[key])

    def worst(self, key: tuple[str, str]) -> tuple[Entry, ...]:
        """The rows that make the most of it."""
        top = self.states[key].get("worst")
        return () if top is None else top.entries

    def merge(self, other: State) -> State:
        """The state of the rows of both. Raises DataError for states that were made otherwise, or
        that share rows."""
        for name, ours, theirs in (
            ("version of lossctl", self.version, other.version),
            *((CALLED.get(key, key), self.made.get(key), other.made.get(key)) for key in self.made),
        ):
            if ours != theirs:
                what = f"they were made by another {name}: {_short(ours)}, {_short(theirs)}"
                raise DataError(what, "evaluate all parts alike")
        if self.parts.by_ids and (self.data, self.scored) == (other.data, other.scored):
            raise DataError("they hold the same rows", "give each part once")
        states = {
            key: {name: one.merge(other.states[key][name]) for name, one in each.items()}
            for key, each in self.states.items()
        }
        return State(
            self.version, self.made, self.parts.merge(other.parts),
            {side: count + other.read[side] for side, count in self.read.items()},
            self.scored + other.scored,
            {why: self.dropped[why] + other.dropped[why] for why in COUNTS},
            self.data.merge(other.data), self.targets.merge(other.targets),
            self.order.merge(other.order), self.kept, states,
        )  # fmt: skip

    def to_json(self) -> str:
        """The file's text: one line for each loss, the same for the same rows in any parts."""
        about = {} if self.about is None else {"about": self.about}
        head: Json = {
            **about,
            "lossctl": self.version,
            "made": self.made,
            "parts": {"by_ids": self.parts.by_ids, "rows": [list(p) for p in self.parts.stretches]},
            "rows": {"read": dict(self.read), "scored": self.scored, "dropped": dict(self.dropped)},
            "data": self.data.to_json(),
            "targets": self.targets.to_json(),
            "order": self.order.to_json(),
        }
        lines = [f"{json.dumps(name)}: {_text(value)}" for name, value in head.items()]
        losses = [
            _text({"spec": key[0], "where": key[1],
                   "states": {name: one.to_json() for name, one in each.items()}})
            for key, each in self.states.items()
        ]  # fmt: skip
        body = ",\n".join(losses)
        text = ",\n".join([*lines, f'"losses": [\n{body}\n]']) + "}\n"
        return f'{{"{MARK}": {SCHEMA}, "digest": "{_digest(text)}",\n{text}'


def read(text: str, name: str) -> State:
    """The state in a file's text. Raises DataError for what is damaged, or of another schema."""
    try:
        data = strict_json.loads(text)
        if type(data[MARK]) is not int:
            raise ValueError(f"its schema is {data[MARK]}")
        if data[MARK] != SCHEMA:
            raise SchemaError(
                f"{name} is a state of schema {data[MARK]}, and this lossctl reads {SCHEMA}",
                "make it again",
            )
        if data["digest"] != _digest(text.partition("\n")[2]):
            raise ValueError("its digest is another")
        return _state(data)
    except DataError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, UsageError) as problem:
        raise DataError(f"{name} is a damaged state: {inert(str(problem))[:100]}",
                        "make it again") from None  # fmt: skip


def context_of(made: Json) -> Context:
    """The context that was written. Raises KeyError, UsageError and others for damaged data."""
    specs = tuple(grammar.parse(text, grammar.Common(task=made["task"])) for text in made["losses"])
    told = made["context"]
    return Context(
        specs=specs,
        leading=next(one for one in specs if str(one) == told["leading"]),
        weighted=told["weighted"],
        outputs=told["outputs"],
        wholes={role: array_from(one) for role, one in told["wholes"].items()},
        moments=True,
        pooled=told["pooled"],
        point=told["point"],
        single=frozenset(told["single"]),
    )


def context_json(context: Context) -> Json:
    """What `context_of` reads."""
    return {
        "leading": str(context.leading),
        "weighted": context.weighted,
        "outputs": context.outputs,
        "wholes": {role: array_json(context.wholes[role]) for role in sorted(context.wholes)},
        "pooled": context.pooled,
        "point": context.point,
        "single": sorted(context.single),
    }


def slice_of(text: str) -> Slice | None:
    """The slice that a text stands for; None for all rows."""
    return Slice(tuple(condition_of(one) for one in parted(text, "&"))) if text else None


def _state(data: Json) -> State:
    made, rows = data["made"], data["rows"]
    context = context_of(made)
    specs = {str(spec): spec for spec in context.specs}
    kept, states = {}, {}
    for one in data["losses"]:
        mine = Kept(specs[one["spec"]], slice_of(one["where"]))
        asked = mine.asked(context)
        kept[mine.key] = mine
        states[mine.key] = {name: state_of(asked[name], held)
                            for name, held in one["states"].items()}  # fmt: skip
    stretches = tuple((int(first), int(count)) for first, count in data["parts"]["rows"])
    parts = Parts(data["parts"]["by_ids"], stretches)
    digests = [DigestState.from_json(data[name]) for name in ("data", "targets", "order")]
    return State(
        str(data["lossctl"]), made, parts, {side: int(n) for side, n in rows["read"].items()},
        int(rows["scored"]), {why: int(rows["dropped"][why]) for why in COUNTS},
        digests[0], digests[1], digests[2], kept, states, data.get("about"),
    )  # fmt: skip


def _digest(text: str) -> str:
    """What tells a text from one that was changed by accident."""
    from hashlib import blake2b

    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(", ", ": "))


def _short(value: Any) -> str:
    text = inert(str(value))
    return text if len(text) <= 60 else text[:59] + "…"
