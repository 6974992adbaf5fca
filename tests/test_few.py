"""A few rows in memory: which they are depends on the rows alone, and they come back whole."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lossctl.arrays import Ragged, offsets_of
from lossctl.batch import Batch, joined
from lossctl.extras import Extra
from lossctl.few import Few, FewState
from lossctl.hashing import halves, mixed
from tests.batches import part

COUNT = 900
RNG = np.random.default_rng(11)
WORDS = [b"north", "s\u00fcd".encode(), b"", b"x" * 9]


def whole(*, keyed: bool = False) -> Batch:
    texts = [WORDS[place % 4] for place in range(COUNT)]
    ragged = Ragged(
        np.frombuffer(b"".join(texts), dtype=np.uint8), offsets_of([len(one) for one in texts])
    )
    missing = np.arange(COUNT) % 7 == 0
    rows = np.arange(COUNT)
    return Batch(
        {"pred": RNG.normal(size=(COUNT, 2)), "target": ragged, "centers": np.eye(3)},
        frozenset({"centers"}),
        np.arange(COUNT) + 0.5,
        rows,
        rows[::-1] * 3 if keyed else rows,
        extras={
            "region": Extra(ragged, missing),
            "age": Extra(np.where(missing, np.nan, rows * 1.5), missing),
        },
        ids=rows * 2,
    )


@pytest.mark.parametrize("by", ["row", "hash"])
@pytest.mark.parametrize("keyed", [False, True])
@pytest.mark.parametrize("size", [1, 7, 100, COUNT])
def test_the_same_rows_whatever_the_blocks(by: str, keyed: bool, size: int) -> None:
    rows, few = whole(keyed=keyed), Few(50, by)  # type: ignore[arg-type]  # one of two words
    starts = list(range(0, COUNT, size))
    RNG.shuffle(starts)
    state = few.empty()
    for start in starts:
        state = few.grow(state, part(rows, range(start, min(start + size, COUNT))))
    expected = np.arange(50)
    if by == "hash":
        expected = np.sort(np.argsort(mixed(rows.order))[:50])
    found = state.batch
    assert found is not None
    assert found.rows.tolist() == expected.tolist()
    assert found.order.tolist() == rows.order[expected].tolist()
    assert found.columns["pred"].tolist() == rows.columns["pred"][expected].tolist()
    assert found.ids is not None and np.asarray(found.ids).tolist() == (expected * 2).tolist()
    for place in (0, 13, 49):
        assert found.sample(place) == rows.sample(int(expected[place]))


def test_fewer_rows_than_wanted_are_all_of_them() -> None:
    found = Few(5000, "hash").make(whole()).batch
    assert found is not None and found.count == COUNT
    assert Few(5, "row").empty().batch is None


@pytest.mark.parametrize("keyed", [False, True])
def test_json_keeps_everything(keyed: bool) -> None:
    state = Few(40, "hash").make(whole(keyed=keyed))
    again = FewState.from_json(json.loads(json.dumps(state.to_json())))
    one, other = state.batch, again.batch
    assert one is not None and other is not None
    assert [one.sample(place) for place in range(40)] == [
        other.sample(place) for place in range(40)
    ]
    assert other.columns["centers"].tolist() == np.eye(3).tolist()
    assert other.wholes == {"centers"}
    empty = FewState.from_json(Few(3, "row").empty().to_json())
    assert empty.batch is None


def test_missing_cells_are_none() -> None:
    rows = whole()
    assert rows.sample(7)["extras"] == {"region": None, "age": None}
    assert rows.sample(9)["extras"] == {"region": "s\u00fcd", "age": 13.5}
    twice = joined([rows, rows], frozenset())
    assert twice.sample(COUNT + 9) == rows.sample(9)


def test_halves_are_halves_and_do_not_depend_on_blocks() -> None:
    half = halves(np.arange(100_000))
    assert abs(half.mean() - 0.5) < 0.01
    assert (halves(np.arange(50, 60)) == half[50:60]).all()
    shifted = half[1:] == half[:-1]
    assert abs(shifted.mean() - 0.5) < 0.01
