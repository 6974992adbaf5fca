"""Edits by kind against the distances themselves, and the pairs against plain counting."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest

from lossctl import aligned
from lossctl.aligned import edits_of
from lossctl.analyses.decompositions.edit_kinds import EditCounts, EditsOf, rounds
from lossctl.batch import Batch
from lossctl.grammar import parse
from lossctl.sequences import encode
from tests.decomposed import batch as rows_of
from tests.decomposed import found


def texts(pred: list[Any], target: list[Any], weight: Any = None) -> Batch:
    return rows_of({"pred": encode(pred), "target": encode(target)}, weight)


def data(weighted: bool = False, n: int = 50) -> Batch:
    rng = np.random.default_rng(4)
    target = ["".join(rng.choice(list("abcd "), rng.integers(0, 12))) for _ in range(n)]
    pred = ["".join(rng.choice([c, c, c, "", "x", c + "b"]) for c in text) for text in target]
    weight = rng.choice([0.0, 0.5, 1.0, 2.0], n) if weighted else None
    return texts(pred, target, weight)


@pytest.mark.parametrize("spec", ["cer", "edit_distance", "wer", "edit_distance:level=token"])
@pytest.mark.parametrize("weighted", [False, True])
def test_kinds_add_up_to_the_distance(spec: str, weighted: bool) -> None:
    batch = data(weighted)
    part = found(rounds, spec, batch)
    assert part is not None
    weight = np.ones(batch.count) if batch.weight is None else batch.weight
    asked = parse(spec).evaluate(batch.columns)
    distance = asked[0] if isinstance(asked, tuple) else asked
    kinds = [part.data[f"{kind}s"] for kind in ("substitution", "insertion", "deletion")]
    assert sum(kinds) == part.data["edits"] == (weight * distance).sum()
    assert part.data["changed"] == ((distance > 0) & (weight > 0)).sum()
    assert part.data["rows"] == (weight > 0).sum()
    expected: Counter[Any] = Counter()
    columns = batch.columns["pred"], batch.columns["target"]
    level = "token" if spec in ("wer", "edit_distance:level=token") else "char"
    for row, edits in enumerate(edits_of(*columns, level=level)):  # type: ignore[arg-type]  # a text
        assert edits is not None
        for pair in edits.pairs:
            expected[pair] += weight[row]
    listed = {(c["target"], c["pred"]): c["times"] for c in part.data["confusions"]}
    assert listed == {pair: times for pair, times in expected.items() if times}
    assert sum(c["share"] for c in part.data["confusions"]) == pytest.approx(1.0, abs=1e-12)
    assert part.data["different"] == len(listed)


def test_sentence_and_table() -> None:
    part = found(
        rounds, "cer", texts(["abc", "abd", "xx", "a b", "ab"], ["aec", "aed", "xx", "ab", "abz"])
    )
    assert part is not None and part.table is not None
    assert part.name == "edits cer"
    assert part.text == (
        "4 edits in 4 of 5 rows: 2 substitutions, 1 insertion, 1 deletion; most often e -> b (2)"
    )
    assert part.table.rows == (
        ("substitution", "e", "b", 2, 0.5),
        ("insertion", None, "' '", 1, 0.25),
        ("deletion", "z", None, 1, 0.25),
    )


@pytest.mark.parametrize(
    ("pred", "target", "text"),
    [
        (["a"], ["a"], "no edit in 1 row"),
        (["a", "b"], ["b", "b"], "1 edit in 1 of 2 rows: 1 substitution: b -> a"),
        (["", "b"], ["a", ""], "2 edits in 2 of 2 rows: 1 insertion, 1 deletion; "
         "no edit occurs twice"),
        (["aa"], ["a"], "1 edit in 1 of 1 row: 1 insertion: a inserted"),
    ],
)  # fmt: skip
def test_few_edits(pred: list[str], target: list[str], text: str) -> None:
    part = found(rounds, "cer", texts(pred, target))
    assert part is not None and part.text == text


def test_edits_that_occur_once_make_no_long_table() -> None:
    letters = [chr(97 + n) for n in range(20)]
    part = found(rounds, "cer", texts(letters, letters[::-1]))
    assert part is not None and part.table is None
    assert part.text.endswith("no edit occurs twice")


def test_weights_and_repeated_rows() -> None:
    batch, twice = data(), np.arange(50) % 3 == 0
    weighted = found(rounds, "cer", rows_of(batch.columns, 1.0 + twice))
    places = np.concatenate([np.arange(50), np.flatnonzero(twice)])
    repeated = found(rounds, "cer", rows_of({r: c.take(places) for r, c in batch.columns.items()}))
    assert weighted is not None and repeated is not None
    assert weighted.data["confusions"] == repeated.data["confusions"]
    assert "(by weight)" in weighted.text and "(by weight)" not in repeated.text
    halved = found(rounds, "cer", texts(["b"], ["a"], [0.5]))
    assert halved is not None and halved.text.startswith("0.5 edits in 1 of 1 row: 0.5 substit")


def test_blocks_and_order_change_nothing() -> None:
    batch = data(weighted=True)
    whole = found(rounds, "cer", batch)
    assert found(rounds, "cer", batch, blocks=[range(9), range(9, 10), range(10, 50)]) == whole
    turned = np.arange(50)[::-1]
    assert batch.weight is not None
    columns = {role: column.take(turned) for role, column in batch.columns.items()}
    assert found(rounds, "cer", rows_of(columns, batch.weight[turned])) == whole


def test_more_edits_than_are_kept_are_counted_and_not_listed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = EditCounts(EditsOf(parse("cer")), most=3)
    batch = data()
    state, everything = asked.make(batch), EditCounts(EditsOf(parse("cer"))).make(batch)
    assert state.overfull and not state.pairs and state.kinds == everything.kinds
    assert not everything.overfull
    monkeypatch.setattr(EditCounts.__init__, "__defaults__", (3,))
    part = found(rounds, "cer", batch)
    assert part is not None and part.table is None and part.data["confusions"] == []
    assert part.text.endswith("; more than 3 different edits, of which none is listed")


def test_rows_too_long_to_be_aligned_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aligned, "PRODUCT", 8)
    part = found(rounds, "cer", texts(["abcd", "a", "a"], ["efgh", "b", "b"]))
    assert part is not None
    assert part.data["too_long"] == 1
    assert part.text == (
        "2 edits in 2 of 2 rows: 2 substitutions; most often b -> a (2); "
        "1 row is too long to be aligned"
    )


def test_one_part_for_losses_that_count_the_same_edits() -> None:
    specs = tuple(parse(spec) for spec in ("edit_distance:level=char", "cer", "wer", "mse"))
    batch = data()

    def of(place: int) -> Any:
        return found(lambda context, _: rounds(context, specs[place]), "cer", batch, specs=specs)

    assert [of(place) is not None for place in range(4)] == [True, False, True, False]
