"""CTC and edit distance: the special points, and what must hold between settings."""

from __future__ import annotations

import itertools
import math
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lossctl import losses
from lossctl.arrays import Ragged, offsets_of
from lossctl.edits import counts
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from lossctl.sequences import encode
from lossctl.softmax import log_softmax
from tests.oracles import sequence as oracles

CTC = losses.ctc
EDIT = losses.edit_distance


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def ragged(rows: list[Any]) -> Ragged:
    return Ragged(np.concatenate(rows), offsets_of([len(row) for row in rows]))


def collapsed(path: Any, blank: int, merge: bool) -> list[int]:
    found, last = [], blank
    for symbol in path:
        if symbol != blank and not (merge and symbol == last):
            found.append(int(symbol))
        last = symbol
    return found


# --- CTC -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("merge", [True, False])
@pytest.mark.parametrize("blank", [0, -1])
def test_ctc_is_the_sum_over_all_paths(rng: np.random.Generator, merge: bool, blank: int) -> None:
    logits = rng.normal(0.0, 2.0, (4, 3))
    probabilities = np.exp(log_softmax(logits))
    sums: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(3), repeat=4):
        label = tuple(collapsed(path, blank % 3, merge))
        product = math.prod(probabilities[frame, symbol] for frame, symbol in enumerate(path))
        sums[label] = sums.get(label, 0.0) + product
    assert math.fsum(sums.values()) == pytest.approx(1.0, rel=1e-14)
    told = {"blank": blank, "merge_repeated": merge}
    got = CTC([logits] * len(sums), [list(label) for label in sums], **told)
    assert np.exp(-got) == pytest.approx(list(sums.values()), rel=1e-13)
    for label, value in zip(sums, got, strict=True):
        assert value == pytest.approx(float(oracles.ctc(logits, label, **told)), rel=1e-14)


@pytest.mark.parametrize("scale", [0.5, 2.0, 8.0, 1e4])
@pytest.mark.parametrize("likely", [False, True])
@pytest.mark.parametrize("merge", [True, False])
def test_ctc_is_accurate(rng: np.random.Generator, scale: float, likely: bool, merge: bool) -> None:
    """Also where the likelihood is nearly 1, and where it underflows."""
    frames = [rng.normal(0.0, scale, (rng.integers(1, 9), 4)) for _ in range(40)]
    paths = [rng.integers(0, 4, len(row)) for row in frames]
    for row, path in zip(frames, paths, strict=True):
        row[np.arange(len(row)), path] += 6.0 * scale if likely else 0.0
    labels, told = [collapsed(path, 0, merge) for path in paths], {"merge_repeated": merge}
    values = CTC(frames, labels, **told)
    assert (values < 1e-3).any() or not likely or scale < 2.0
    for row, label, got in zip(frames, labels, values, strict=True):
        want = oracles.ctc(row.tolist(), label, **told)
        if want > 1e-300:
            bound = 6.0 * max(1.0, abs(float(mpmath.log(want))))
            assert abs(got - want) <= bound * math.ulp(float(want))
        else:
            assert got <= 1e-300
        logs = np.minimum(log_softmax(row), 0.0)
        direct = CTC([logs], [label], from_logits=False, **told)[0]
        want = oracles.ctc(logs.tolist(), label, from_logits=False, **told)
        assert abs(direct - want) <= 4.0 * math.ulp(max(1.0, float(want)))


def test_ctc_of_other_rows_changes_no_bit(rng: np.random.Generator) -> None:
    frames = [rng.normal(0.0, 3.0, (length, 5)) for length in (7, 1, 12, 3, 12, 5)]
    labels = [[1, 1, 2], [4], [3, 2, 3, 1, 4], [], [2], [1, 2, 3, 4, 1]]
    together = CTC(frames, labels)
    alone = [CTC([row], [label])[0] for row, label in zip(frames, labels, strict=True)]
    assert together.tolist() == alone
    order = rng.permutation(6)
    again = CTC([frames[place] for place in order], [labels[place] for place in order])
    assert again.tolist() == together[order].tolist()


def test_ctc_uses_no_frame_beyond_the_input_length(rng: np.random.Generator) -> None:
    frames = rng.normal(0.0, 2.0, (2, 6, 4))
    cut = CTC(frames, [[1, 2], [3]], [4, 5])
    assert cut.tolist() == CTC([frames[0, :4], frames[1, :5]], [[1, 2], [3]]).tolist()
    frames[0, 4:], frames[1, 5:] = 1e4, -1e4
    assert cut.tolist() == CTC(frames, [[1, 2], [3]], [4, 5]).tolist()


def test_ctc_special_points() -> None:
    frames = np.log([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25]])
    assert CTC([frames], [[]])[0] == pytest.approx(math.log(8.0), rel=1e-15)
    assert CTC([frames], [[1]])[0] == pytest.approx(-math.log(0.25 + 0.125 + 0.0625), rel=1e-15)
    # A repeated symbol needs a blank between, unless repeats are not merged.
    assert CTC([frames], [[1, 1]])[0] == math.inf
    assert CTC([frames], [[1, 1]], zero_infinity=True)[0] == 0.0
    assert CTC([frames], [[1, 1]], merge_repeated=False)[0] == pytest.approx(math.log(8.0))
    assert CTC([frames], [[1, 2, 1]])[0] == math.inf
    assert CTC([frames], [[1, 2]], normalize="target_length")[0] == pytest.approx(math.log(16) / 2)
    assert CTC([frames], [[]], normalize="target_length")[0] == CTC([frames], [[]])[0]
    assert CTC([[], frames], [[], [1]])[0] == 0.0
    assert CTC([[], []], [[], [1]]).tolist() == [0.0, math.inf]


def test_ctc_of_certain_frames_is_exact() -> None:
    certain = np.array([[0.0, math.inf, 0.0], [math.inf, 0.0, -math.inf]])
    assert CTC([certain], [[1]])[0] == 0.0
    assert CTC([certain], [[2]])[0] == math.inf
    assert CTC([[[math.inf, math.inf, 0.0]]], [[1]])[0] == pytest.approx(math.log(2.0))
    huge = np.full((3, 3), -1e4)
    huge[[0, 1, 2], [1, 0, 1]] = 1e4
    assert CTC([huge], [[1, 1]])[0] == 0.0
    assert CTC([huge], [[2]])[0] == pytest.approx(4e4 - math.log(2.0), rel=1e-15)
    assert CTC([[[-math.inf] * 3]], [[]])[0] == math.inf


@pytest.mark.parametrize("told", [{}, {"normalize": "target_length"}, {"merge_repeated": False},
                                  {"blank": -1}, {"from_logits": False}])  # fmt: skip
def test_the_gradient_of_ctc_is_its_derivative(
    rng: np.random.Generator, told: dict[str, Any]
) -> None:
    logits = log_softmax(rng.normal(0.0, 1.0, (7, 4))) - 0.01
    pred = Ragged(logits, np.array([0, 5, 7]))
    target, lengths = ragged([np.array([1.0, 2.0, 2.0]), np.array([1.0])]), np.array([5.0, 1.0])
    complete = CTC.check(told)
    slope = CTC.gradient(pred, target, lengths, **complete)
    step = 1e-5
    for frame, symbol in np.ndindex(logits.shape):
        ends = []
        for sign in (1.0, -1.0):
            moved = logits.copy()
            moved[frame, symbol] += sign * step
            ends.append(CTC(Ragged(moved, pred.offsets), target, lengths, **told).sum())
        assert slope[frame, symbol] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-8)
    assert (slope[6] == 0.0).all()
    if complete["from_logits"]:
        assert slope.sum(axis=1) == pytest.approx(np.zeros(7), abs=1e-14)


def test_the_gradient_of_ctc_where_no_walk_fits(rng: np.random.Generator) -> None:
    logits, target = rng.normal(size=(3, 3)), ragged([np.array([1.0, 1.0]), np.array([2.0])])
    pred = Ragged(logits, np.array([0, 2, 3]))
    slope = CTC.gradient(pred, target, None, **CTC.check({}))
    assert np.isnan(slope[:2]).all() and np.isfinite(slope[2]).all()
    slope = CTC.gradient(pred, target, None, **CTC.check({"zero_infinity": True}))
    assert (slope[:2] == 0.0).all() and (slope[2] != 0.0).all()


@pytest.mark.parametrize(
    ("columns", "told", "words"),
    [
        (([[[1, 2]], [[1, 2]]], [[1], [0]]), {}, "row 1.*without the blank, 0"),
        (([[[1, 2]], [[1, 2]]], [[0], [1]]), {"blank": -1}, "row 1.*without the blank, 1"),
        (([[[1, 2]], [[1, 2]]], [[1], [2]]), {}, "target row 1 is 2 .* below 2"),
        (([[[1, 2]], [[1, 2]]], [[1], [1.5]]), {}, "target row 1 is 1.5"),
        (([[[1, 2]], [[1, 2]]], [[1], [1]], [1, 2]), {}, "row 1.*at most the number of frames"),
        (([[[1, 2]], [[1, math.nan]]], [[1], [1]]), {}, "pred row 1 is nan"),
        (([[[-1, -1]], [[1, -9]]], [[1], [1]]), {"from_logits": False}, "pred row 1 is 1 .*≤ 0"),
        (([[[-1, -1]], [[0, -1]]], [[1], [1]]), {"from_logits": False}, "row 1.*sum to 1"),
    ],
)
def test_ctc_names_the_row_that_it_refuses(columns: Any, told: dict[str, Any], words: str) -> None:
    with pytest.raises(DataError, match=f"(?s){words}"):
        CTC(*columns, **told)


def test_ctc_refuses_a_blank_that_is_no_symbol() -> None:
    for blank in (2, -3):
        with pytest.raises(UsageError, match=f"blank is {blank}, but frames hold 2 symbols"):
            CTC([[[1, 2]]], [[1]], blank=blank)


# --- edit distance -------------------------------------------------------------------------------

PRED = ["sitting", "lawn", "abc", "same", "execution", "", ""]
TARGET = ["kitten", "flaw", "", "same", "intention", "ab", ""]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({}, [3, 2, 3, 0, 5, 2, 0]),
        ({"substitution_cost": 2}, [5, 2, 3, 0, 8, 2, 0]),
        ({"substitution_cost": 9}, [5, 2, 3, 0, 8, 2, 0]),
        ({"substitution_cost": 0}, [1, 0, 3, 0, 0, 2, 0]),
        ({"normalize": "target"}, [0.5, 0.5, math.inf, 0, 5 / 9, 1, 0]),
        ({"normalize": "max"}, [3 / 7, 0.5, 1, 0, 5 / 9, 1, 0]),
        ({"level": "token"}, [1, 1, 1, 0, 1, 1, 0]),
    ],
)
def test_edit_distance_of_texts(told: dict[str, Any], expected: list[float]) -> None:
    assert EDIT(PRED, TARGET, **told).tolist() == expected


def test_rates_are_ratios_of_sums() -> None:
    pred, target = encode(["a b c", "x", "", "q"]), encode(["a c", "", "u v", "q"])
    for rate, told, edits, units in (
        ("cer", {"level": "char"}, [2, 1, 3, 0], [3, 0, 3, 1]),
        ("wer", {"level": "token"}, [1, 1, 2, 0], [2, 0, 2, 1]),
    ):
        spec, same = parse(rate), EDIT.check({"normalize": "corpus", **told})
        assert spec.reduction.name == "ratio"
        columns = {"pred": pred, "target": target}
        for values in (spec.evaluate(columns), EDIT.evaluate(columns, same)):
            assert [part.tolist() for part in values] == [edits, units]
    assert parse("edit:normalize=corpus").reduction.name == "ratio"
    assert parse("edit:normalize=max").reduction.name == "mean"
    assert parse("edit:normalize=none") == parse("levenshtein")


def test_tokens_are_words_of_lists_words_of_texts_or_numbers() -> None:
    texts = ["the hat  sat\tdown", ""], ["the cat sat", "a"]
    words = [["the", "hat", "sat", "down"], []], [["the", "cat", "sat"], ["a"]]
    numbers = [[1, 5, 3, 4.5], []], [[1, 2, 3], [9]]
    assert EDIT(*words).tolist() == EDIT(*numbers).tolist() == [2.0, 1.0]
    assert EDIT(*texts, level="token").tolist() == EDIT(*words, level="token").tolist()
    assert losses.wer(*texts).tolist() == losses.wer(*words).tolist() == [2.0, 1.0]
    assert EDIT([["ab"], ["a", "b"]], [["a", "b"], ["a", "b"]]).tolist() == [2.0, 0.0]
    assert EDIT([[2.0**53]], [[2.0**53 + 2]]).tolist() == [1.0]


def test_texts_are_compared_in_a_normal_form() -> None:
    composed, apart, ligature = "na\u00efve", "nai\u0308ve", "\ufb01x"
    assert EDIT([apart], [composed]).tolist() == [0.0]
    assert EDIT([apart], [composed], unicode="none").tolist() == [2.0]
    assert EDIT([ligature], ["fix"]).tolist() == [2.0]
    assert EDIT([ligature], ["fix"], unicode="NFKC").tolist() == [0.0]
    assert EDIT([[apart, "b"]], [[composed, "b"]]).tolist() == [0.0]
    assert EDIT([[apart, "b"]], [[composed, "b"]], unicode="none").tolist() == [1.0]
    assert losses.cer([apart], ["x"], unicode="none").tolist() == [6.0]
    # A mark at the start of a row belongs to no letter of the row before.
    assert EDIT(["i", "\u0308"], ["i", "\u0308"]).tolist() == [0.0, 0.0]
    assert EDIT(["\u635f\u5931", "\U0001f600"], ["\u635f\u5931\u51fd\u6570", ""]).tolist() == [2, 1]


units = st.one_of(
    st.tuples(st.text("ab \u0308\u00e9", max_size=8), st.text("ab \u0308\u00e9", max_size=8)),
    st.tuples(*[st.lists(st.sampled_from(["a", "b", "ab", ""]), max_size=6)] * 2),
    st.tuples(*[st.lists(st.sampled_from([0.0, -1.0, 2.5]), max_size=6)] * 2),
)


@given(units, st.integers(0, 4), st.sampled_from(["none", "target", "max"]),
       st.sampled_from(["NFC", "NFKC", "none"]), st.sampled_from(["auto", "token"]))  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_edit_distance_is_the_plain_recursion(
    pair: Any, cost: int, normalize: str, unicode: str, level: str
) -> None:
    told = {"substitution_cost": cost, "normalize": normalize, "unicode": unicode, "level": level}
    assert EDIT([pair[0]], [pair[1]], **told)[0] == float(oracles.edit_distance(*pair, **told))


def every_alignment(ours: str, true: str) -> set[tuple[int, int, int]]:
    """Substitutions, insertions and deletions of all alignments."""
    if not ours or not true:
        return {(0, len(ours), len(true))}
    kept = int(ours[0] != true[0])
    return (
        {(s + kept, i, d) for s, i, d in every_alignment(ours[1:], true[1:])}
        | {(s, i + 1, d) for s, i, d in every_alignment(ours[1:], true)}
        | {(s, i, d + 1) for s, i, d in every_alignment(ours, true[1:])}
    )


@given(st.text("abc", max_size=5), st.text("abc", max_size=5), st.integers(0, 3))
@settings(max_examples=100, deadline=None)
def test_counts_are_of_a_cheapest_alignment_with_few_moves(ours: str, true: str, cost: int) -> None:
    best = min((cost * s + i + d, i + d, s, i, d) for s, i, d in every_alignment(ours, true))
    rows = encode([ours, true])
    assert counts(rows.row(0), rows.row(1), substitution_cost=cost) == best[2:]


def test_counts_of_rows() -> None:
    pred, target = encode(PRED), encode(TARGET)
    assert [counts(pred.row(place), target.row(place)) for place in range(len(PRED))] == [
        (2, 1, 0), (0, 1, 1), (0, 3, 0), (0, 0, 0), (5, 0, 0), (0, 0, 2), (0, 0, 0),
    ]  # fmt: skip
    texts, lists = encode(["a b c", "a c"]), encode([["ab", "c"], ["c", "d", "ab"]])
    assert counts(texts.row(0), texts.row(1), level="token") == (0, 1, 0)
    assert counts(lists.row(0), lists.row(1)) == (2, 0, 1)
    assert counts(np.array([1.0, 2.0]), np.array([2.0, 1.0])) == (2, 0, 0)
    assert counts(np.array([1.0, 2.0]), np.array([2.0, 1.0]), substitution_cost=3) == (0, 1, 1)


@pytest.mark.parametrize(
    ("pred", "target", "told", "words"),
    [
        (["a"], [["a"]], {}, "pred holds texts, target holds lists of words"),
        (["a"], [[1]], {}, "pred holds texts, target holds lists of numbers"),
        ([["a"]], [["a"]], {"level": "char"}, "lists of words, which have no characters"),
        (["a", ["a"]], ["a", "a"], {}, "pred holds texts and lists"),
    ],
)
def test_texts_are_not_compared_with_lists(pred: Any, target: Any, told: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        EDIT(pred, target, **told)
    assert EDIT([""], [["a"]]).tolist() == [1.0]  # nothing is a list, too


def test_the_cost_of_a_substitution_is_a_whole_number() -> None:
    for cost in (-1, 0.5):
        with pytest.raises(UsageError, match="substitution_cost"):
            EDIT(["a"], ["b"], substitution_cost=cost)
