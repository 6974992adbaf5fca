"""The laws of every mergeable state: associative, commutative, with an identity, and plain JSON."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lossctl
from lossctl.aligned import edits_of
from lossctl.analyses.comparison.gaps import Wins
from lossctl.analyses.decompositions.edit_kinds import EditCounts
from lossctl.analyses.digest import Digest
from lossctl.analyses.error_curves import Drawn, ErrorOf, Graded, Rows
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
from lossctl.ranges import HIGHEST, Gather, Range, packed
from lossctl.sequences import encode
from lossctl.states import Specification, Sums, Top, grown
from lossctl.terms import LossTerms, Residual, RoleColumn, Score, WeightColumn
from lossctl.units import UnitSums
from tests.batches import batch, part

MSE, MAE, RMSE, WAPE = (parse(name) for name in ("mse", "mae", "rmse", "wape"))

PRED, TARGET, WEIGHT, ERROR = RoleColumn("pred"), RoleColumn("target"), WeightColumn(), ErrorOf()
EDGES, FEWER = packed(np.array([0.0, 1.0, 2.5, 1e200])), packed(np.array([0.0, 1.0]))


@dataclass(frozen=True, slots=True)
class Third:
    """A key: which third of the rows, by number."""

    def __call__(self, block: Batch) -> Any:
        return block.rows % 3 - 1


@dataclass(frozen=True, slots=True)
class ThirdAndHalf:
    """A key of two numbers."""

    def __call__(self, block: Batch) -> Any:
        return np.stack([block.rows % 3, block.rows % 2], axis=1)


@dataclass(frozen=True, slots=True)
class Spelled:
    """The edits that make the text of each target of that of its prediction."""

    def __call__(self, block: Batch) -> Any:
        return edits_of(*(encode(map(str, block.columns[role])) for role in ("pred", "target")))


@dataclass(frozen=True, slots=True)
class Cells:
    """Numbers, texts and missing cells, by row number."""

    def __call__(self, block: Batch) -> Any:
        return [7, "a", None, 0.5], block.rows % 4

    def missing(self, block: Batch) -> int:
        return int((block.rows % 4 == 2).sum())


@dataclass(frozen=True, slots=True)
class Other:
    """A view: another prediction."""

    name: str = "other"

    def __call__(self, block: Batch) -> Batch:
        return block.with_column("pred", block.columns["target"] / 2 + 1)


# Every specification, in each of its forms.
EXAMPLES: dict[str, Any] = {
    "sums": Sums(LossTerms(MAE)),
    "sums of squares": Sums(LossTerms(RMSE), moments=True),
    "sums of two columns": Sums(LossTerms(WAPE), moments=True),
    "top": Top(Score(MSE), 3),
    "top one": Top(Score(MAE), 1),
    "moments": Moments(Residual()),
    "weighted moments": Moments(Residual(), WeightColumn()),
    "range": Range(Residual()),
    "range of some": Range(Residual(), 0, 1 << 62, sums=True),
    "gather": Gather(Residual(), WeightColumn()),
    "digest": Digest(),
    "held": Held(Residual(), 4),
    "few, the first": Few(4, "row"),
    "few, any": Few(3, "hash"),
    "edits": EditCounts(Spelled()),
    "edits of too many sorts": EditCounts(Spelled(), most=1),
    "levels": Levels(Cells(), 4),
    "levels, too many": Levels(Cells(), 2),
    "rows": Rows((ERROR, WEIGHT), 4),
    "drawn": Drawn((PRED, TARGET), 3),
    "drawn errors": Drawn((ERROR,)),
    "graded": Graded(ERROR, None, EDGES),
    "graded by weight": Graded(ERROR, WEIGHT, EDGES),
    "elementary": Elementary(PRED, TARGET, None, EDGES),
    "elementary by weight": Elementary(PRED, TARGET, WEIGHT, EDGES, below=True),
    "elementary of quantiles": Elementary(PRED, TARGET, WEIGHT, EDGES, mean=False),
    "gram": Gram((LossTerms(MAE), LossTerms(MAE, None, Other()))),
    "gram of squares and pairs": Gram((LossTerms(RMSE), LossTerms(WAPE))),
    "units": UnitSums(Third(), (LossTerms(MAE), LossTerms(WAPE, None, Other()))),
    "units, too many": UnitSums(Third(), (LossTerms(RMSE),), most=2),
    "wins": Wins(MAE, Model("one"), Other()),
    "keyed sums": KeyedSums(Third(), LossTerms(MAE)),
    "keyed sums of squares": KeyedSums(ThirdAndHalf(), LossTerms(RMSE), moments=True),
    "rows in a slice": Within(Other(), RowCount()),
    "sums of another view": Within(Other(), Sums(LossTerms(MAE))),
    "row count": RowCount(),
    "regressed": Regressed(Worsening(MAE, None, Other()), 0.25),
    "keyed sums of too many": KeyedSums(Third(), LossTerms(MAE), most=2),
}

# Pairs whose states must not merge.
UNLIKE = [
    (Few(3, "row"), Few(4, "row")),
    (Few(3, "row"), Few(3, "hash")),
    (Sums(LossTerms(MAE)), Sums(LossTerms(MAE), moments=True)),
    (Top(Score(MSE), 3), Top(Score(MSE), 2)),
    (Range(Residual(), 0, HIGHEST), Range(Residual(), 1, HIGHEST)),
    (Range(Residual(), 0, 16), Range(Residual(), 0, 32)),
    (Held(Residual(), 4), Held(Residual(), 5)),
    (EditCounts(Spelled()), EditCounts(Spelled(), most=1)),
    (Rows((PRED,), 4), Rows((PRED,), 5)),
    (Rows((PRED,), 4), Rows((PRED, TARGET), 4)),
    (Drawn((PRED,), 4), Drawn((PRED,), 5)),
    (Drawn((PRED,), 4), Drawn((PRED, TARGET), 4)),
    (Graded(ERROR, None, EDGES), Graded(ERROR, None, FEWER)),
    (Elementary(PRED, TARGET, None, EDGES), Elementary(PRED, TARGET, None, FEWER)),
    (Elementary(PRED, TARGET, None, EDGES), Elementary(PRED, TARGET, None, EDGES, mean=False)),
    (Elementary(PRED, TARGET, None, EDGES), Elementary(PRED, TARGET, None, EDGES, below=True)),
    (Levels(Cells(), 2), Levels(Cells(), 3)),
    (Gram((LossTerms(MAE),)), Gram((LossTerms(MAE), LossTerms(MSE)))),
    (UnitSums(Third(), (LossTerms(MAE),)), UnitSums(Third(), (LossTerms(MAE),), most=7)),
    (KeyedSums(Third(), LossTerms(MAE)), KeyedSums(Third(), LossTerms(MAE), moments=True)),
    (KeyedSums(Third(), LossTerms(MAE)), KeyedSums(Third(), LossTerms(MAE), most=7)),
]

MOMENTS = Moments(Residual())
VALUES = st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e200, -1e-200, 5e-324, 1e308, -1e308])
ROWS = st.lists(st.tuples(VALUES, VALUES, st.sampled_from([0.0, 1.0, 0.5])), min_size=1, max_size=9)


def specifications() -> set[type]:
    """Every class of the package that makes states."""
    found = set()
    for place in pkgutil.walk_packages(lossctl.__path__, "lossctl."):
        if place.name.endswith("__main__"):
            continue
        for made in vars(importlib.import_module(place.name)).values():
            if inspect.isclass(made) and {"empty", "make"} <= set(vars(made)):
                found.add(made)
    return found - {Specification}


def plain(state: Any) -> str:
    return json.dumps(state.to_json(), sort_keys=True, allow_nan=False)


def rows_of(rows: list[tuple[float, float, float]]) -> Batch:
    pred, target, weight = zip(*rows, strict=True)
    return batch(pred, target, weight)


def test_every_specification_is_examined() -> None:
    assert specifications() == {type(example) for example in EXAMPLES.values()}


@pytest.mark.parametrize("name", EXAMPLES)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, cuts=st.tuples(st.integers(0, 9), st.integers(0, 9)))
def test_laws(name: str, rows: list[tuple[float, float, float]], cuts: tuple[int, int]) -> None:
    spec = EXAMPLES[name]
    whole = rows_of(rows)
    first, second = sorted(min(cut, whole.count) for cut in cuts)
    places = (range(first), range(first, second), range(second, whole.count))
    with np.errstate(all="ignore"):
        a, b, c = (spec.make(part(whole, place)) if len(place) else spec.empty()
                   for place in places)  # fmt: skip
        everything = plain(spec.make(whole))
    assert plain(a.merge(b).merge(c)) == plain(a.merge(b.merge(c))) == everything
    assert plain(c.merge(a).merge(b)) == plain(b.merge(a.merge(c))) == everything
    assert plain(spec.empty().merge(a)) == plain(a.merge(spec.empty())) == plain(a)


@pytest.mark.parametrize("name", EXAMPLES)
def test_json_and_back(name: str) -> None:
    spec = EXAMPLES[name]
    whole = batch([1.5, 0.1, -1e200, 5e-324, 3.0], [0.0] * 5, [1.0, 0.0, 2.0, 1.0, 0.1])
    for state in (spec.make(whole), spec.empty()):
        again = type(state).from_json(json.loads(plain(state)))
        assert plain(again) == plain(state)
        assert plain(again.merge(spec.make(whole))) == plain(state.merge(spec.make(whole)))


@pytest.mark.parametrize(("left", "right"), UNLIKE)
def test_unlike_specifications_do_not_merge(left: Any, right: Any) -> None:
    rows = batch([1.0, 2.0], [0.0, 0.0], [1.0, 1.0])
    with pytest.raises(ValueError, match="unlike specifications"):
        left.make(rows).merge(right.make(rows))


@pytest.mark.parametrize("name", EXAMPLES)
def test_equal_specifications_are_one(name: str) -> None:
    import copy

    spec = EXAMPLES[name]
    assert copy.deepcopy(spec) == spec and hash(copy.deepcopy(spec)) == hash(spec)


def test_sums_count_what_is_not_finite() -> None:
    state = Sums(LossTerms(MSE), moments=True).make(batch([1e200, 2.0, 3.0], [0.0, 0.0, 1.0]))
    assert (state.count, state.nonzero, state.infinite) == (3, 2, 1)
    assert state == Sums(LossTerms(MSE), moments=True).make(batch([1e200, 2.0, 3.0], [0, 0, 1]))
    # Also where a weight makes it so, in any of the parts of a square.
    heavy = batch([1e300, 1.0], [0.0, 0.0], [1e308, 1.0])
    with np.errstate(over="ignore"):
        assert Sums(LossTerms(RMSE)).make(heavy).infinite == 1


def test_ties_go_to_the_first_row_whatever_the_blocks() -> None:
    whole = batch([1.0, 3.0, 3.0, 3.0, 2.0], [0.0] * 5)
    top = Top(Score(MSE), 2)
    for cut in range(1, 5):
        left, right = part(whole, range(cut)), part(whole, range(cut, 5))
        merged = top.make(right).merge(top.make(left))
        assert [entry.sample["row"] for entry in merged.entries] == [1, 2]


def test_digest_minds_data_not_order_or_blocks() -> None:
    rows = batch([1.0, 2.0, -0.0], [0.0, 1.0, 5.0])
    digest = Digest()
    made = str(digest.make(rows))
    for changed in (
        batch([1.0, 2.0, 0.0], [0.0, 1.0, 5.0]),
        batch([2.0, 0.0, 1.0], [1.0, 5.0, 0.0]),
    ):
        assert str(digest.make(changed)) == made
    for other in (
        batch([1.0, 2.0, 0.5], [0.0, 1.0, 5.0]),
        batch([0.0, 1.0, 5.0], [1.0, 2.0, 0.0]),
        batch([1.0, 0.0, 2.0], [0.0, 1.0, 5.0]),
        batch([1.0, 2.0], [0.0, 1.0]),
        batch([1.0, 2.0, 0.0], [0.0, 1.0, 5.0], [1, 1, 1]),
    ):
        assert str(digest.make(other)) != made


def test_digest_does_not_mind_the_type_of_a_block() -> None:
    wide, small = [2**60 + 1, 7], [7]
    whole = Batch({"pred": np.array(wide)}, frozenset(), None, np.arange(2), np.arange(2))
    blocks = [
        Batch({"pred": values}, frozenset(), None, np.arange(1), np.arange(1))
        for values in (np.array(wide[:1]), np.array(small, dtype=float))
    ]
    digest = Digest()
    parts = [digest.make(block) for block in blocks]
    assert str(parts[0].merge(parts[1])) == str(digest.make(whole))


@settings(max_examples=60)
@given(rows=ROWS, cut=st.integers(0, 9), k=st.integers(1, 4))
def test_growing_is_making_and_merging(
    rows: list[tuple[float, float, float]], cut: int, k: int
) -> None:
    whole = rows_of(rows)
    cut = min(cut, whole.count)
    top = Top(Score(MSE), k)
    with np.errstate(all="ignore"):
        state = top.make(part(whole, range(cut))) if cut else top.empty()
        rest = part(whole, range(cut, whole.count))
        if rest.count:
            assert plain(grown(top, state, rest)) == plain(state.merge(top.make(rest)))
        assert plain(grown(MOMENTS, MOMENTS.empty(), whole)) == plain(MOMENTS.make(whole))


def test_most_blocks_are_no_work_for_the_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    top = Top(Score(MSE), 2)
    state = top.make(batch([9.0, 8.0], [0.0, 0.0]))
    monkeypatch.setattr(Top, "make", None)
    assert grown(top, state, batch([1.0, 2.0, 7.9], [0.0] * 3, start=2)) is state
