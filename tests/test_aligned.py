"""Alignments against counts that are made otherwise, and against what they must rebuild."""

from __future__ import annotations

import random
from collections import Counter
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lossctl import aligned
from lossctl.aligned import SAME, Edits, edits_of
from lossctl.arrays import Ragged, Text, domain_of
from lossctl.edits import counts
from lossctl.errors import DataError
from lossctl.roles import Role, as_column

TEXTS = st.text("abcé ", max_size=9)


def column(rows: list[object]) -> Ragged:
    made = as_column(rows, Role("pred", domain_of(Text)))
    assert isinstance(made, Ragged)
    return made


def edits(pred: object, target: object, **told: object) -> Edits:
    found = next(edits_of(column([pred]), column([target]), **told))  # type: ignore[arg-type]  # settings of any sort
    assert found is not None
    return found


def least(ours: str, true: str, cost: int) -> tuple[int, int, int]:
    """Cost, then insertions and deletions, then substitutions, each as few as can be."""

    @cache
    def of(i: int, j: int) -> tuple[int, int, int]:
        ways = []
        if i and j and true[i - 1] == ours[j - 1]:
            ways.append(of(i - 1, j - 1))
        for possible, before, added in (
            (i and j, (i - 1, j - 1), (cost, 0, 1)),
            (i, (i - 1, j), (1, 1, 0)),
            (j, (i, j - 1), (1, 1, 0)),
        ):
            if possible:
                total, moves, replaced = of(*before)
                ways.append((total + added[0], moves + added[1], replaced + added[2]))
        return min(ways, default=(0, 0, 0))

    return of(len(true), len(ours))


@pytest.mark.parametrize("cost", [0, 1, 2, 3])
@given(TEXTS, TEXTS)
def test_pairs_make_the_target_of_the_prediction_at_the_least_cost(
    cost: int, pred: str, target: str
) -> None:
    found = edits(pred, target, substitution_cost=cost)
    kinds = Counter("s" if a and b else "d" if a else "i" for a, b in found.pairs)
    assert (kinds["s"], kinds["i"], kinds["d"]) == (
        found.substitutions,
        found.insertions,
        found.deletions,
    )
    moves = found.insertions + found.deletions
    assert least(pred, target, cost) == (
        cost * found.substitutions + moves,
        moves,
        found.substitutions,
    )
    one, other = (column([text]).row(0) for text in (pred, target))
    assert counts(one, other, substitution_cost=cost) == (
        found.substitutions,
        found.insertions,
        found.deletions,
    )
    assert _rebuilt(pred, found) == Counter(target)


def _rebuilt(pred: str, found: Edits) -> Counter[str]:
    """The characters of the target: those of the prediction, less what it wrote, and what for."""
    units = Counter(pred)
    for true, ours in found.pairs:
        units[ours or ""] -= 1
        units[true or ""] += 1
    return Counter({unit: n for unit, n in units.items() if unit and n})


@pytest.mark.parametrize(
    ("pred", "target", "pairs"),
    [
        ("form", "from", [("o", "r"), ("r", "o")]),
        ("abc", "abc", []),
        ("", "ab", [("b", None), ("a", None)]),
        ("ab", "", [(None, "b"), (None, "a")]),
        ("xbcdy", "abcd", [(None, "y"), ("a", "x")]),
        ("kitten", "sitting", [("g", None), ("i", "e"), ("s", "k")]),
    ],
)
def test_pairs(pred: str, target: str, pairs: list[object]) -> None:
    found = edits(pred, target)
    assert list(found.pairs) == pairs
    assert (found == SAME) == (pred == target)


@given(st.lists(st.integers(0, 3), max_size=8), st.lists(st.integers(0, 3), max_size=8))
def test_words_and_numbers_are_named(left: list[int], right: list[int]) -> None:
    words = ["the", "cat", "sat", ""]
    by_number = edits(left, right)
    of_words = edits([words[n] for n in left] or ["x"], [words[n] for n in right] or ["x"])
    if left and right:
        renamed = [
            tuple(None if unit is None else words[int(unit)] for unit in pair)
            for pair in by_number.pairs
        ]
        assert renamed == list(of_words.pairs)
    as_floats = edits([n + 0.5 for n in left], [n + 0.5 for n in right])
    assert [(a and a[0], b and b[0]) for a, b in as_floats.pairs] == list(by_number.pairs)


def test_tokens_of_texts_and_normal_forms() -> None:
    assert edits("the  bat sat", "the cat sat", level="token").pairs == (("cat", "bat"),)
    assert edits("e\u0301", "é") == SAME
    assert edits("e\u0301", "é", unicode="none").pairs != ()


def test_long_texts_agree_with_the_counts() -> None:
    draw = random.Random(3)
    target = "".join(draw.choice("abcdefgh") for _ in range(600))
    pred = "".join(
        c * draw.choice([0, 1, 1, 1, 1, 1, 1, 1, 2]) if draw.random() < 0.9 else "z" for c in target
    )
    found = edits(pred, target)
    assert len(found.pairs) == sum((found.substitutions, found.insertions, found.deletions))
    assert _rebuilt(pred, found) == Counter(target)
    one, other = (column([text]).row(0) for text in (pred, target))
    assert counts(one, other) == (found.substitutions, found.insertions, found.deletions)


@pytest.mark.parametrize("limit", ["PRODUCT", "BAND"])
def test_rows_that_are_too_long_are_left_out(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligned, limit, 30)
    rows = column(["ab", "abcdefgh" * 2]), column(["b", "hgfedcba"])
    assert [edits is None for edits in edits_of(*rows)] == [False, True]


def test_texts_beside_lists_are_refused() -> None:
    with pytest.raises(DataError):
        edits("ab", [1, 2])
