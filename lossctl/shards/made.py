"""The state of one run: what it asks of the rows, and what it writes of the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lossctl import __version__
from lossctl.analyses.context import Context
from lossctl.analyses.digest import Digest, DigestState
from lossctl.analyses.within import Within
from lossctl.arrays import Integers, Ragged
from lossctl.batch import Batch
from lossctl.errors import UsageError
from lossctl.few import described
from lossctl.hashing import mix
from lossctl.needs import TARGETS
from lossctl.plan import Plan
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.scoring import Scoring
from lossctl.shards import kept as shard
from lossctl.shards.file import COUNTS, Parts, State, context_json
from lossctl.shards.kept import Kept
from lossctl.states import TopState


@dataclass(frozen=True, slots=True)
class ByIds:
    """A view: the rows in an order of their ids, so that it does not matter in which part they
    stand."""

    def __call__(self, batch: Batch) -> Batch:
        assert batch.ids is not None
        return replace(batch, order=hashed(batch.ids), target_rows=None, memo={}, derived={})


def hashed(ids: Ragged | Integers) -> Integers:
    """A hash of every id, (n,), as numbers of 63 bits."""
    if not isinstance(ids, Ragged):
        bits = ids.astype(np.int64).view(np.uint64).copy()
        mix(bits)
        return (bits >> np.uint64(1)).astype(np.int64)
    lengths = np.diff(ids.offsets)
    bits = lengths.astype(np.uint64)
    for place in range(int(lengths.max(initial=0))):
        longer = lengths > place
        own = bits[longer] ^ ids.values[ids.offsets[:-1][longer] + place].astype(np.uint64)
        mix(own)
        bits[longer] = own
    mix(bits)
    return (bits >> np.uint64(1)).astype(np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The states of a run."""

    states: Mapping[tuple[str, str], Mapping[str, Any]]
    data: DigestState
    targets: DigestState
    order: DigestState


def check(plan: Plan) -> None:
    """Raises UsageError for a plan that leaves a state without what makes its rows unique."""
    if len(plan.on) and plan.id_col is None:
        raise UsageError("a state of rows that are paired by a key needs their ids",
                         f"--id-col {plan.on[0]} names them")  # fmt: skip
    if plan.like:
        raise UsageError("--like is not kept in a state", "write like=torch in the losses")
    if plan.models:
        raise UsageError("a state is of one model", "make one of each")


def rounds(
    context: Context, kept: Mapping[tuple[str, str], Kept], *, by_ids: bool
) -> Rounds[Answers]:
    """What a state asks of the rows, in one pass."""
    digests = (Digest(), Digest(TARGETS), Digest(TARGETS, True))
    question = in_step([shard.rounds(context, kept), *map(one_state, digests)])
    asked = next(question)
    told = {one: Within(ByIds(), one) if by_ids else one for one in asked}
    states = yield tuple(told.values())
    try:
        question.send({one: states[told[one]] for one in asked})
    except StopIteration as stop:
        return Answers(*stop.value)
    raise RuntimeError("a state is made in one pass")


def state(held: Scoring, kept: Mapping[tuple[str, str], Kept], found: Answers) -> State:
    """The state of all rows of a run."""
    plan, context = held.plan, held.rows()[0]
    counts = held.counts()
    read = {"pred": counts["read"]["pred"], "target": counts["read"]["target"]}
    made = {
        "task": held.task.task,
        "losses": [str(spec) for spec in held.specs],
        "plan": plan.signature(None, None, __version__),
        "slices": [key[1] for key in kept],
        "ids": plan.id_col is not None,
        "context": context_json(context),
        "like": described(held.rows()[1]) | {"extras": {}},
        "ragged": {
            role: [column.values.dtype.str, list(column.values.shape[1:])]
            for role, column in held.rows()[1].columns.items()
            if isinstance(column, Ragged)
        },
    }
    stretch = ((plan.first_row, read["pred"]),) if plan.id_col is None else ()
    if plan.id_col is not None:
        found = replace(found, states=_without_numbers(found.states))
    return State(
        __version__, made, Parts(plan.id_col is not None, stretch), read, held.scored,
        {why: counts["dropped"][why] for why in COUNTS}, found.data, found.targets, found.order,
        kept, found.states,
    )  # fmt: skip


def _without_numbers(
    states: Mapping[tuple[str, str], Mapping[str, Any]],
) -> dict[tuple[str, str], dict[str, Any]]:
    """The largest rows without their numbers: they would say where in its part a row stands."""
    return {
        key: {name: _unnumbered(one) if isinstance(one, TopState) else one
              for name, one in each.items()}
        for key, each in states.items()
    }  # fmt: skip


def _unnumbered(top: TopState) -> TopState:
    entries = (replace(one, sample={**one.sample, "row": None}) for one in top.entries)
    return replace(top, entries=tuple(entries))
