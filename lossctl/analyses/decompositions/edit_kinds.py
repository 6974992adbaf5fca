"""Edits by kind, and which unit is most often written for which.

Each row is aligned once more, so that this is asked for and stands in no plain report.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lossctl.aligned import Edits, Pair, edits_of
from lossctl.analyses.context import Context
from lossctl.analyses.wording import counted
from lossctl.batch import Batch
from lossctl.errors import inert
from lossctl.exact import ONE, Exact, exact, ratio
from lossctl.report import Column, Json, Part, Table
from lossctl.rounds import Rounds
from lossctl.spec import Spec
from lossctl.states import UNLIKE

MOST = 100_000  # different edits that are kept
LISTED = 10
NAMED = 3  # in the sentence
KEPT = 1000  # edits of the data
KINDS = ("substitution", "insertion", "deletion")
LEVELS = {"character_error_rate": "char", "word_error_rate": "token"}


class EditsColumn(Hashable, Protocol):
    """The edits of each row of a block; None for a row that is too long. Equal ones hash alike."""

    def __call__(self, batch: Any, /) -> Iterable[Edits | None]: ...


@dataclass(frozen=True, slots=True)
class EditsOf:
    """The edits that a loss counts."""

    spec: Spec

    def __call__(self, batch: Batch) -> Iterable[Edits | None]:
        level, unicode, cost = _compared(self.spec)
        pred, target = batch.columns["pred"], batch.columns["target"]
        return edits_of(pred, target, level=level, unicode=unicode, substitution_cost=cost)


@dataclass(frozen=True, slots=True)
class EditCounts:
    """How often each unit of the target is replaced, inserted or deleted, in rows and by weight."""

    edits: EditsColumn
    most: int = MOST

    def empty(self) -> EditState:
        return EditState(self.most)

    def make(self, batch: Batch) -> EditState:
        pairs: dict[Pair, Exact] = {}
        rows, changed, long = 0, 0, 0
        for row, edits in enumerate(self.edits(batch)):
            weight = ONE if batch.weight is None else exact(float(batch.weight[row]))
            if not weight:
                continue
            rows += 1
            if edits is None:
                long += 1
                continue
            changed += bool(edits.pairs)
            for pair in edits.pairs:
                pairs[pair] = pairs.get(pair, 0) + weight
        return _kept(self.most, rows, changed, long, by_kind(pairs), pairs)


def by_kind(pairs: Mapping[Pair, Exact]) -> tuple[Exact, ...]:
    """The sums over substitutions, insertions and deletions."""
    sums = dict.fromkeys(KINDS, 0)
    for pair, weight in pairs.items():
        sums[kind_of(pair)] += weight
    return tuple(sums.values())


def kind_of(pair: Pair) -> str:
    """What turns the first of a pair into the second."""
    if pair[0] is None:
        return "insertion"
    return "deletion" if pair[1] is None else "substitution"


def _kept(
    most: int,
    rows: int,
    changed: int,
    long: int,
    kinds: tuple[Exact, ...],
    pairs: dict[Pair, Exact],
) -> EditState:
    overfull = len(pairs) > most
    return EditState(most, rows, changed, long, kinds, {} if overfull else pairs, overfull)


@dataclass(frozen=True, slots=True)
class EditState:
    """Sums of the weights of rows, each edit once, in units of 2**-UNIT; counts of rows.

    Of more than `most` different edits the kinds are known, and the pairs are not.
    """

    most: int
    rows: int = 0
    changed: int = 0  # rows with an edit
    long: int = 0  # rows too long to be aligned, of which nothing is known
    kinds: tuple[Exact, ...] = (0, 0, 0)
    pairs: Mapping[Pair, Exact] = field(default_factory=dict)
    overfull: bool = False

    def merge(self, other: EditState) -> EditState:
        if self.most != other.most:
            raise ValueError(UNLIKE)
        kinds = tuple(a + b for a, b in zip(self.kinds, other.kinds, strict=True))
        rows, changed, long = (
            getattr(self, name) + getattr(other, name) for name in ("rows", "changed", "long")
        )
        if self.overfull or other.overfull:
            return EditState(self.most, rows, changed, long, kinds, overfull=True)
        pairs = dict(self.pairs)
        for pair, weight in other.pairs.items():
            pairs[pair] = pairs.get(pair, 0) + weight
        return _kept(self.most, rows, changed, long, kinds, pairs)

    def to_json(self) -> Json:
        pairs = [[*pair, hex(self.pairs[pair])] for pair in sorted(self.pairs, key=_order)]
        return {
            "most": self.most,
            "rows": self.rows,
            "changed": self.changed,
            "long": self.long,
            "kinds": [hex(weight) for weight in self.kinds],
            "pairs": pairs,
            "overfull": self.overfull,
        }

    @classmethod
    def from_json(cls, data: Json) -> EditState:
        return cls(
            data["most"], data["rows"], data["changed"], data["long"],
            tuple(int(weight, 16) for weight in data["kinds"]),
            {(true, ours): int(weight, 16) for true, ours, weight in data["pairs"]},
            data["overfull"],
        )  # fmt: skip


def _order(pair: Pair) -> tuple[Any, ...]:
    return tuple((unit is not None, unit or "") for unit in pair)


def rounds(context: Context, spec: Spec) -> Rounds[Part | None]:
    """For edit distances and error rates: one part for all that count the same edits alike."""
    if "unicode" not in spec.all_settings or spec != _first_like(context, spec):
        return None
    counts = EditCounts(EditsOf(spec))
    state: EditState = (yield (counts,))[counts]
    return _part(context, spec, state) if state.rows else None


def _first_like(context: Context, spec: Spec) -> Spec:
    return next(one for one in context.specs if _compared(one) == _compared(spec))


def _compared(spec: Spec) -> tuple[Any, ...]:
    told = spec.all_settings
    level = LEVELS.get(spec.loss.name, told.get("level"))
    return level, told.get("unicode"), told.get("substitution_cost", 1)


def _part(context: Context, spec: Spec, state: EditState) -> Part:
    total = sum(state.kinds)
    ranked = sorted(state.pairs, key=lambda pair: (-state.pairs[pair], _order(pair)))
    times = {pair: _times(state.pairs[pair]) for pair in ranked[:KEPT]}
    data: Json = {
        "loss": spec.text,
        "weighted": context.weighted,
        "rows": state.rows,
        "changed": state.changed,
        "too_long": state.long,
        "edits": _times(total),
        **{f"{kind}s": _times(n) for kind, n in zip(KINDS, state.kinds, strict=True)},
        "different": None if state.overfull else len(state.pairs),
        "confusions": [
            {
                "target": true,
                "pred": ours,
                "times": n,
                "share": _share(state.pairs[true, ours], total),
            }
            for (true, ours), n in times.items()
        ],
    }
    table = None
    if ranked and (_repeats(state, ranked) or len(ranked) <= LISTED):
        columns = (
            Column("edit", "text"),
            Column("target", "text"),
            Column("pred", "text"),
            Column("times", "value" if context.weighted else "count"),
            Column("of all edits", "share"),
        )
        lines = (
            (kind_of(pair), *map(_shown, pair), times[pair], _share(state.pairs[pair], total))
            for pair in ranked[:LISTED]
        )
        table = Table(columns, tuple(lines))
    return Part(f"edits {spec.brief}", _said(context, state, ranked), data, table)


def _times(weight: Exact) -> int | float:
    whole, rest = divmod(weight, ONE)
    return ratio(weight, ONE) if rest else whole


def _share(weight: Exact, total: Exact) -> float:
    return ratio(weight, total) if total else 0.0


def _said(context: Context, state: EditState, ranked: list[Pair]) -> str:
    """`41 edits in 12 of 40 rows: 23 substitutions, 10 insertions, 8 deletions; ...`."""
    total = sum(state.kinds)
    aligned = state.rows - state.long
    text = f"no edit in {counted(aligned)}"
    if total:
        kinds = [_number(n, kind) for n, kind in zip(state.kinds, KINDS, strict=True) if n]
        text = (
            f"{_number(total, 'edit')} in {state.changed} of {counted(aligned)}: {', '.join(kinds)}"
        )
        text += " (by weight)" if context.weighted else ""
        text += _most_often(state, ranked)
    if state.long:
        verb = "is" if state.long == 1 else "are"
        text += f"; {counted(state.long)} {verb} too long to be aligned"
    return text


def _most_often(state: EditState, ranked: list[Pair]) -> str:
    if state.overfull:
        return f"; more than {state.most} different edits, of which none is listed"
    if not _repeats(state, ranked):
        return "; no edit occurs twice" if len(ranked) > 1 else f": {_arrow(ranked[0])}"
    often = [pair for pair in ranked[:NAMED] if state.pairs[pair] > ONE]
    named = [f"{_arrow(pair)} ({_written(_times(state.pairs[pair]))})" for pair in often]
    return f"; most often {', '.join(named)}"


def _repeats(state: EditState, ranked: list[Pair]) -> bool:
    return state.pairs[ranked[0]] > ONE


def _number(weight: Exact, noun: str) -> str:
    times = _times(weight)
    return f"{_written(times)} {noun}" if times == 1 else f"{_written(times)} {noun}s"


def _written(times: float) -> str:
    return str(times) if isinstance(times, int) else f"{times:.4g}"


def _arrow(pair: Pair) -> str:
    true, ours = map(_shown, pair)
    if true is None:
        return f"{ours} inserted"
    return f"{true} deleted" if ours is None else f"{true} -> {ours}"


def _shown(unit: str | None) -> str | None:
    """A unit that can be seen: in quotation marks where it is empty or white space."""
    if unit is None:
        return None
    return inert(unit) if unit.strip() else repr(unit)
