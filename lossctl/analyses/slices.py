"""Where a model fails: the worst slices of one or two conditions on columns that no loss reads.

They are searched by SliceLine's score, and by how sure they are, on one half of the rows, and
their effect is estimated on the other half, which did not choose them: a test against all other
rows of that half (see `contrast`), corrected by Holm over the slices that are told. Each slice
counts the rows that no slice before it has, and elsewhere are the rows that neither has, so that
none is the shadow of another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain, combinations

import numpy as np

from lossctl.analyses import cuts, grouped, sliceline, standouts
from lossctl.analyses.context import Context
from lossctl.analyses.contrast import FEWEST, SURE, as_mean, even, few, holm
from lossctl.analyses.cuts import NOWHERE, Cut
from lossctl.analyses.grouped import Measured
from lossctl.analyses.levels import Coded, Levels, LevelsState
from lossctl.analyses.sliceline import Candidate, Conditions, Sized
from lossctl.arrays import Integers
from lossctl.batch import Batch
from lossctl.choose import KEYS
from lossctl.errors import UsageError
from lossctl.exact import ratio
from lossctl.few import Few, FewState
from lossctl.hashing import halves
from lossctl.keyed import KeyedState, KeyedSums
from lossctl.rounds import Rounds, in_step, one_state
from lossctl.spec import Spec
from lossctl.states import SumsState, merged
from lossctl.terms import LossTerms

BINS = 5  # of a column of numbers
PLAIN = 10  # up to so many different numbers are values, not bins
MOST = 1000  # different texts of a column that may tell slices apart
COLUMNS = 30  # that are searched in pairs
COMPARED = 14  # slices of which it is known how they overlap
TOLD = 5  # slices
SMALL = 6  # of the slices compared, those that their size would shut out
BOTH = 6  # the bits of both conditions
IDS = 10_000  # rows that a column's values are looked through for repetitions


@dataclass(frozen=True, slots=True)
class Cell:
    """The code of each row by one or two columns, of the half that chooses; NOWHERE elsewhere."""

    first: Cut
    second: Cut | None = None

    def __call__(self, batch: Batch) -> Integers:
        codes = self.first(batch)
        outside = ~halves(batch.order) | (codes == NOWHERE)
        if self.second is not None:
            more = self.second(batch)
            outside |= more == NOWHERE
            codes = codes * len(self.second.names) + more
        return np.where(outside, NOWHERE, codes)


@dataclass(frozen=True, slots=True)
class Members:
    """The slices that each row is in, one bit each from bit 1 on; bit 0: the half that chooses."""

    slices: tuple[tuple[tuple[Cut, int], ...], ...] = ()

    def __call__(self, batch: Batch) -> Integers:
        mask = halves(batch.order).astype(np.int64)
        for place, conditions in enumerate(self.slices, 1):
            inside = np.ones(batch.count, dtype=bool)
            for cut, code in conditions:
                inside &= cut(batch) == code
            mask |= inside.astype(np.int64) << place
        return mask


@dataclass(frozen=True, slots=True, eq=False)
class Slice:
    """One slice: what chose it, and what the other half of the rows says of it."""

    conditions: tuple[str, ...]
    score: float
    chose: int  # rows of the half that chose it, without those of the slices before it; so below
    judged: int  # of the half that did not choose it
    others: int  # of that half, elsewhere
    found: Measured
    confirmed: bool

    @property
    def name(self) -> str:
        """`region=south and device=mobile`."""
        return " and ".join(self.conditions)


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What was found: the slices that are told, how many were looked at, and on what."""

    spec: Spec
    slices: tuple[Slice, ...]
    searched: int
    above: int  # slices that score above 0, or stand out in spite of their size
    columns: tuple[str, ...]
    skipped: Mapping[str, str]
    rows: int  # of the half that chooses
    of: str = "rows"  # what a slice's part is a share of: `rows`, or `weight`
    infinite: int = 0  # rows, of both halves, that are left out


def rounds(context: Context, columns: Mapping[str, bool], most: int = TOLD) -> Rounds[Search]:
    """The worst slices of the leading loss by `columns` (and whether each holds texts).

    Raises UsageError for a loss without shares, or one that is better the larger it is.
    """
    spec = _leading(context)
    cut_by, skipped = yield from _cuts(context, columns)
    ways = list(cut_by.values())
    places = [(n,) for n in range(len(ways))] + list(combinations(range(len(ways)), 2))
    cells = [
        KeyedSums(Cell(*(ways[n] for n in place)), LossTerms(spec), moments=True)
        for place in places
    ]
    halved = KeyedSums(Members(), LossTerms(spec), moments=True)
    states = yield (halved, *cells)
    infinite = sum(one.infinite for one in states[halved].groups.values())
    whole = _mean(spec, states[halved].groups.get(1, SumsState(moments=True)))
    total = standouts.sized(whole)
    sums: dict[Conditions, SumsState] = {}
    for place, cell in zip(places, cells, strict=True):
        sums |= _slices(spec, ways, place, states[cell])
    slices = {conditions: standouts.sized(one) for conditions, one in sums.items()}
    enough = sliceline.support(total.rows)
    found = sliceline.candidates(slices, total, enough)
    searched = sum(one.rows >= enough for one in slices.values())
    lined = sliceline.telling(found, slices, total, COMPARED)
    small = [one for one in standouts.standouts(sums, whole) if one not in lined][:SMALL]
    both = [*lined[: COMPARED - len(small)], *small]
    chosen: list[Candidate] = []
    for one in chain.from_iterable(standouts.narrowed(each, sums, whole) for each in both):
        if all(one.sums != other.sums for other in chosen):
            chosen.append(one)
    chosen = yield from _helped(spec, ways, chosen[:COMPARED], sums, whole)
    told = yield from _estimated(context, spec, ways, chosen, lined, total, most)
    above = len({one.conditions for one in (*found, *small)})
    of = "rows" if even(whole) else "weight"
    return Search(spec, told, searched, above, tuple(cut_by), skipped, total.rows, of, infinite)


def _leading(context: Context) -> Spec:
    fitting, left_out = grouped.by_group(context)
    shared = [spec for spec in fitting if spec.shares and spec.direction == "min"]
    if not shared:
        why = "; ".join(left_out.values()) or "it may be negative, or is better the larger it is"
        raise UsageError(f"--find: no loss here is shared among its rows: {why}", "ask for -l mse")
    return context.leading if context.leading in shared else shared[0]


def _cuts(
    context: Context, columns: Mapping[str, bool]
) -> Rounds[tuple[dict[str, Cut], dict[str, str]]]:
    """How each column tells rows apart; the columns that do not, and why."""
    ids = yield from _identifiers(columns)
    made = yield from in_step(
        _known(IDENTIFIER) if name in ids
        else _texts(name) if text
        else _numbers(context, name)
        for name, text in columns.items()
    )  # fmt: skip
    cut_by: dict[str, Cut] = {}
    skipped: dict[str, str] = {}
    for name, cut in zip(columns, made, strict=True):
        if isinstance(cut, str):
            skipped[name] = cut
        elif len(cut_by) == COLUMNS:
            skipped[name] = f"only {COLUMNS} columns are searched"
        else:
            cut_by[name] = cut
    return cut_by, skipped


def _known(why: str) -> Rounds[str]:
    yield ()
    return why


def _identifiers(columns: Mapping[str, bool]) -> Rounds[set[str]]:
    """The columns called as keys are, of whole numbers of which none of the first IDS repeats."""
    named = [name for name, text in columns.items() if not text and name.lower() in KEYS]
    if not named:
        return set()
    state: FewState = yield from one_state(Few(IDS, "row"))
    rows = state.batch
    if rows is None:
        return set()
    found = set()
    for name in named:
        extra = rows.extras[name]
        values = np.asarray(extra.values, dtype=np.float64)
        whole = not extra.missing.any() and bool((values == np.floor(values)).all())
        if whole and np.unique(values).size == values.size > PLAIN:
            found.add(name)
    return found


def _numbers(context: Context, column: str) -> Rounds[Cut | str]:
    cut = yield from cuts.binned(column, BINS, context.like, PLAIN)
    return cut if len(cut.edges or cut.levels[1:]) else ONE


def _texts(column: str) -> Rounds[Cut | str]:
    """By the values that enough rows hold; a reason where there are none."""
    state: LevelsState = yield from one_state(Levels(Coded(column), MOST))
    if state.overfull:
        return f"more than {MOST} different texts"
    if len(state.counts) == 1:
        return ONE
    least = sliceline.support((state.count + state.missing) // 2)
    levels = cuts.weighed(state, least)
    return cuts.by_level(column, levels) if levels else f"no text stands in {least} rows or more"


ONE = "one value"
IDENTIFIER = "it numbers the rows"


def _slices(
    spec: Spec, ways: list[Cut], place: tuple[int, ...], state: KeyedState
) -> dict[Conditions, SumsState]:
    """The slices on one or two columns, by their conditions."""
    made: dict[Conditions, SumsState] = {}
    for code, sums in state.groups.items():
        if code == NOWHERE:
            continue
        codes = (code,) if len(place) == 1 else divmod(code, len(ways[place[1]].names))
        made[tuple(zip(place, codes, strict=True))] = _mean(spec, sums)
    return made


def _mean(spec: Spec, sums: SumsState) -> SumsState:
    """The sums of the finite rows, so that a / b is their mean."""
    return as_mean(standouts.finite(sums), grouped.additive(spec))


def _helped(
    spec: Spec,
    ways: list[Cut],
    chosen: list[Candidate],
    sums: Mapping[Conditions, SumsState],
    whole: SumsState,
) -> Rounds[list[Candidate]]:
    """The candidates, with the condition alone in place of a pair that is no worse than the rest of
    that condition on the half that judges: after all others, whose rows it may have."""
    asked = {
        one.conditions: KeyedSums(
            Members(tuple(((ways[place], code),) for place, code in one.conditions)),
            LossTerms(spec),
            moments=True,
        )
        for one in chosen
        if len(one.conditions) == 2
    }
    if not asked:
        return chosen
    states = yield tuple(asked.values())
    kept: list[Candidate] = []
    instead: list[Candidate] = []
    for one in chosen:
        conditions = one.conditions
        if conditions in asked:
            groups = states[asked[conditions]].groups
            none = SumsState(moments=True)
            pair = _mean(spec, groups.get(BOTH, none))
            idle = [
                (condition,)
                for bit, condition in zip((2, 4), conditions, strict=True)
                if standouts.apart(pair, _mean(spec, groups.get(bit, none))) <= standouts.DOUBT
                and groups.get(bit, none).count >= FEWEST <= pair.count
            ]
            if idle:
                conditions = max(idle, key=lambda c: sums[c].a / max(sums[c].b, 1))
        if conditions == one.conditions:
            kept.append(one)
        else:
            instead.append(standouts.candidate(conditions, sums[conditions], whole))
    return list({one.conditions: one for one in (*kept, *instead)}.values())


def _estimated(
    context: Context,
    spec: Spec,
    ways: list[Cut],
    chosen: list[Candidate],
    lined: list[Candidate],
    total: Sized,
    most: int,
) -> Rounds[tuple[Slice, ...]]:
    """The slices that are told, by the half that did not choose them; each without the rows of
    those before it. One that a handful of rows decides is no slice."""
    if not chosen:
        return ()
    members = Members(
        tuple(tuple((ways[place], code) for place, code in one.conditions) for one in chosen)
    )
    asked = KeyedSums(members, LossTerms(spec), moments=True)
    state: KeyedState = (yield (asked,))[asked]
    groups = {mask: standouts.finite(one) for mask, one in state.groups.items()}
    choose = {mask >> 1: one for mask, one in groups.items() if mask & 1}
    chose = {mask: standouts.sized(_mean(spec, one)) for mask, one in choose.items()}
    least = sliceline.support(total.rows)
    judges = {mask >> 1: one for mask, one in groups.items() if not mask & 1}
    whole = merged(judges.values(), moments=True)
    several = [
        place
        for place in range(len(chosen))
        if not few(merged((one for mask, one in choose.items() if mask >> place & 1), moments=True))
    ]
    small = [place for place in several if chosen[place] not in lined]
    kept = sliceline.apart(several, chose, total, least, most, small)
    found: list[tuple[Candidate, int, int, Measured]] = []
    taken = 0
    for place in kept:
        inside = merged(
            (one for mask, one in judges.items() if mask >> place & 1 and not mask & taken),
            moments=True,
        )
        rows = sum(
            one.rows for mask, one in chose.items() if mask >> place & 1 and not mask & taken
        )
        untold = merged((one for mask, one in judges.items() if not mask & taken), moments=True)
        measured = _of_all(spec, grouped.measure(context, spec, inside, untold), whole)
        others = untold.count - inside.count
        found.append((chosen[place], rows, others, measured))
        taken |= 1 << place
    corrected = holm([1.0 if m.contrast is None else m.contrast.p for *_, m in found])
    told = []
    for (one, rows, others, measured), p in zip(found, corrected, strict=True):
        worse = measured.contrast is not None and measured.contrast.difference > 0.0
        conditions = tuple(ways[place].condition(code) for place, code in one.conditions)
        measured = replace(measured, holm=None if measured.contrast is None else p)
        told.append(
            Slice(conditions, one.score, rows, measured.sums.count, others,
                  measured, worse and p < SURE)
        )  # fmt: skip
    return tuple(told)


def _of_all(spec: Spec, measured: Measured, whole: SumsState) -> Measured:
    """With its shares of all rows and their loss, where `measured` is against a part of them."""
    part = grouped.portion(spec, measured.sums, whole)
    if measured.share is None:
        return replace(measured, part=part)
    share = ratio(measured.sums.a, whole.a)
    return replace(measured, part=part, share=share, lift=share / part if part else None)
