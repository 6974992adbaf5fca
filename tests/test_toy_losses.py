"""Families to come fit the house: a loss on boxes, one on logits and one on sequences, registered
as any loss is and scored from files of every format that can hold their columns."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

import lossctl
from lossctl.arrays import Array, Box, Label, Logits, Ragged, Tokens
from lossctl.errors import DataError, UsageError
from lossctl.grammar import parse
from lossctl.loss import Loss, loss, losses, unregister
from lossctl.settings import Param
from lossctl.softmax import log_softmax

PRED_BOXES = [[0, 0, 2, 2], [1, 1, 3, 3], [0, 0, 1, 1], [2.5, 0, 4, 1]]
TRUE_BOXES = [[0, 0, 2, 2], [0, 0, 2, 2], [0, 0, 2, 1], [3, 0, 4, 1]]
BOX_LOSSES = [0.0, 1 - 1 / 7, 0.5, 1 - 1 / 1.5]

LOGITS = [[2.0, 1.0, -1.0], [0.0, 0.0, 0.0], [1000.0, 0.0, -1000.0], [0.5, 3.0, 0.25]]
LABELS = [0, 2, 1, 1]

PRED_TOKENS = [[1, 2, 3], [], [5, 5], [7]]
TRUE_TOKENS = [[1, 2], [4], [5, 6, 7, 8], [7]]
TOKEN_LOSSES = [1.0, 1.0, 3.0, 0.0]


@pytest.fixture(autouse=True)
def toys() -> Iterator[None]:
    """Three losses, gone again afterwards."""
    before = list(losses())

    @loss("toy_box", high=1.0, reference="a toy", formula="1 - intersection / union")
    def toy_box_overlap(pred: Box, target: Box) -> Array:
        """One less the intersection over union of two boxes (x1, y1, x2, y2)."""
        low = np.maximum(pred[:, :2], target[:, :2])
        high = np.minimum(pred[:, 2:], target[:, 2:])
        shared = np.prod(np.maximum(high - low, 0.0), axis=1)
        areas = [np.prod(box[:, 2:] - box[:, :2], axis=1) for box in (pred, target)]
        return 1.0 - shared / (areas[0] + areas[1] - shared)

    @loss("toy_nll", diverges=True, reference="a toy", formula="-log softmax(logits)[label]")
    def toy_log_loss(
        logits: Logits,
        label: Label,
        *,
        temperature: Annotated[float, Param("divides the logits", 0.0, low_open=True)] = 1.0,
    ) -> Array:
        """The negative log-likelihood of the label."""
        rows = np.arange(len(label))
        return -log_softmax(logits / temperature)[rows, label.astype(int)]

    @loss("toy_tokens", reference="a toy", formula="Hamming distance, longer ends counting 1 each")
    def toy_token_distance(pred: Tokens, target: Tokens) -> Array:
        """How many places of two sequences differ."""
        found = []
        for place in range(len(pred)):
            left, right = pred.row(place).tolist(), target.row(place).tolist()
            same = sum(a == b for a, b in zip(left, right, strict=False))
            found.append(max(len(left), len(right)) - same)
        return np.array(found, dtype=np.float64)

    yield
    for name in ("toy_box_overlap", "toy_log_loss", "toy_token_distance"):
        unregister(name)
    assert list(losses()) == before


def log_losses(temperature: float = 1.0) -> list[float]:
    found = []
    for row, label in zip(LOGITS, LABELS, strict=True):
        scaled = [value / temperature for value in row]
        top = max(scaled)
        found.append(top - scaled[label] + math.log(sum(math.exp(v - top) for v in scaled)))
    return found


# --- files ------------------------------------------------------------------------------------


def csv(path: Path, columns: dict[str, Any]) -> str:
    """Vectors as one column per value, `x1,x2,...`."""
    names, cells = [], []
    for name, values in columns.items():
        array = np.array(values, dtype=float)
        array = array.reshape(len(values), -1)
        names += [name] if array.shape[1] == 1 else [f"{name}{k}" for k in range(array.shape[1])]
        cells.append(array)
    rows = np.column_stack(cells)
    lines = [",".join(names), *(",".join(f"{value:g}" for value in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def npy(path: Path, columns: dict[str, Any]) -> str:
    (values,) = columns.values()
    np.save(path, np.array(values))
    return str(path)


def parquet(path: Path, columns: dict[str, Any]) -> str:
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    return str(path)


def jsonl(path: Path, columns: dict[str, Any]) -> str:
    rows = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


WRITERS: dict[str, Any] = {"csv": csv, "npy": npy, "parquet": parquet, "jsonl": jsonl}


def contributions(report: lossctl.Report) -> dict[int, float]:
    assert report.worst is not None
    spec = report.losses[0].spec
    return {row.row: row.shares[spec] for row in report.worst.rows}


def check(report: lossctl.Report, expected: list[float]) -> None:
    result = report.losses[0]
    assert result.status == "ok"
    assert result.value == pytest.approx(math.fsum(expected) / len(expected), rel=1e-14)
    total = math.fsum(expected)
    assert contributions(report) == pytest.approx(
        {row: value / total for row, value in enumerate(expected)}, abs=1e-14
    )
    assert report.worst is not None
    for row in report.worst.rows:
        kept = [value for place, value in enumerate(expected) if place != row.row]
        assert row.losses[result.spec] == pytest.approx(expected[row.row], rel=1e-14)
        assert row.without[result.spec] == pytest.approx(math.fsum(kept) / len(kept), rel=1e-14)


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("block_rows", [1, 3, None])
def test_boxes_from_files(form: str, block_rows: int | None, tmp_path: Path) -> None:
    pred = WRITERS[form](tmp_path / f"p.{form}", {"pred": PRED_BOXES})
    target = WRITERS[form](tmp_path / f"t.{form}", {"target": TRUE_BOXES})
    columns = {"pred_col": "pred*", "target_col": "target*"} if form == "csv" else {}
    report = lossctl.evaluate(pred, target, "toy_box", block_rows=block_rows, **columns)
    check(report, BOX_LOSSES)
    assert report.worst is not None
    assert report.worst.rows[0].values == {
        "target": TRUE_BOXES[1], "pred": PRED_BOXES[1], "iou": pytest.approx(1 / 7)
    }  # fmt: skip
    assert json.loads(report.to_json())["losses"][0]["name"] == "toy_box_overlap"


@pytest.mark.parametrize("form", WRITERS)
def test_logits_from_files(form: str, tmp_path: Path) -> None:
    pred = WRITERS[form](tmp_path / f"p.{form}", {"logits": LOGITS})
    target = WRITERS[form](tmp_path / f"t.{form}", {"label": LABELS})
    columns = {"pred_col": "logits*"} if form == "csv" else {}
    check(lossctl.evaluate(pred, target, "toy_nll", **columns), log_losses())
    report = lossctl.evaluate(pred, target, "toy_nll:temperature=4", threads=2, **columns)
    check(report, log_losses(4.0))
    assert report.losses[0].spec == "toy_nll:temperature=4"


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("block_rows", [1, 2, None])
def test_sequences_from_files(form: str, block_rows: int | None, tmp_path: Path) -> None:
    one = WRITERS[form](tmp_path / f"both.{form}", {"pred": PRED_TOKENS, "target": TRUE_TOKENS})
    report = lossctl.evaluate(one, None, "toy_tokens", block_rows=block_rows)
    check(report, TOKEN_LOSSES)
    assert report.worst is not None
    assert report.worst.rows[0].values == {"target": TRUE_TOKENS[2], "pred": PRED_TOKENS[2]}


def test_the_formats_agree(tmp_path: Path) -> None:
    """To the last bit, data digest and all, once the inputs are set aside."""
    said = {}
    for form, write in WRITERS.items():
        pred = write(tmp_path / f"p.{form}", {"logits": LOGITS})
        target = write(tmp_path / f"t.{form}", {"label": LABELS})
        columns = {"pred_col": "logits*"} if form == "csv" else {}
        data = lossctl.evaluate(pred, target, "toy_nll", **columns).to_dict()
        del data["inputs"]
        said[form] = json.dumps(data)
    assert len(set(said.values())) == 1
    tokens = []
    for form in ("parquet", "jsonl"):
        columns = {"pred": PRED_TOKENS, "target": TRUE_TOKENS}
        one = WRITERS[form](tmp_path / f"both.{form}", columns)
        tokens.append(lossctl.evaluate(one, None, "toy_tokens").signature)
    tokens.append(lossctl.evaluate(PRED_TOKENS, TRUE_TOKENS, "toy_tokens").signature)
    assert len(set(tokens)) == 1
    equal = lossctl.evaluate([[1, 2], [3, 4]], [[1], [3, 4]], "toy_tokens")
    assert equal.losses[0].value == 0.5


def test_arrays_and_weights() -> None:
    check(lossctl.evaluate(np.array(PRED_BOXES), np.array(TRUE_BOXES), "toy_box"), BOX_LOSSES)
    weight = [1.0, 2.0, 0.0, 1.0]
    report = lossctl.evaluate(LOGITS, LABELS, "toy_nll", weight=weight)
    expected = np.average(log_losses(), weights=weight)
    assert report.losses[0].value == pytest.approx(expected, rel=1e-14)
    assert lossctl.losses.toy_box_overlap(PRED_BOXES, TRUE_BOXES) == pytest.approx(BOX_LOSSES)


def test_an_infinite_logit_is_legal_and_may_cost_infinitely_much() -> None:
    legal = lossctl.evaluate([[-math.inf, 0.0], [0.0, 1.0]], [1, 1], "toy_nll")
    assert legal.losses[0].value == pytest.approx(math.log1p(math.exp(-1)) / 2, rel=1e-14)
    infinite = lossctl.evaluate([[-math.inf, 0.0], [0.0, 1.0]], [0, 1], "toy_nll").losses[0]
    assert (infinite.value, infinite.status) == (None, "infinite")
    assert infinite.worst == {"row": 0, "id": None, "share": None}


@pytest.mark.parametrize(
    ("pred", "target", "spec", "said"),
    [
        ([[0, 0, 1]], [[0, 0, 1]], "toy_box", "3 values a row, but toy_box needs 4"),
        (PRED_BOXES, [[0, 0, 1, 1]] * 3, "toy_box", "their numbers differ"),
        ([[0, 0, 1, math.nan]], [[0, 0, 1, 1]], "toy_box", "NaN, missing or infinite"),
        ([[1.0, 2.0]], [0.5], "toy_nll", "#0 is 0.5 but toy_nll needs label a whole number"),
        ([[1.0, 2.0]], [-1], "toy_nll", "#0 is -1 but toy_nll needs label a whole number"),
        ([[1, 2], [3.5]], [[1], []], "toy_tokens", "#1 is 3.5 but toy_tokens needs pred"),
        ([1.0, 2.0], [1.0, 2.0], "toy_tokens", "is not a list column, which toy_tokens needs"),
        ([[1], 2], [[1], [2]], "toy_tokens", "holds numbers and lists"),
        ([[[1]], [[2], [3]]], [[1], [2]], "toy_tokens", "column pred is vectors, not numbers"),
        ([["a"], ["b", "c"]], [[1], [2]], "toy_tokens", "column pred is words, not numbers"),
    ],
)
def test_what_does_not_fit_is_refused(pred: Any, target: Any, spec: str, said: str) -> None:
    with pytest.raises(DataError, match=said.replace("(", r"\(")):
        lossctl.evaluate(pred, target, spec)


def test_losses_that_take_a_role_in_unlike_shapes_are_not_scored_together() -> None:
    with pytest.raises(UsageError, match="cannot be scored together"):
        lossctl.evaluate(PRED_BOXES, TRUE_BOXES, ["toy_box", "mae"])


def test_registering() -> None:
    assert isinstance(lossctl.losses.toy_log_loss, Loss)
    assert parse("toy_nll:temperature=2").loss.name == "toy_log_loss"
    with pytest.raises(ValueError, match="exists already"):
        loss("mae", reference="x", formula="x")(toy_second)
    with pytest.raises(UsageError, match="temperature is 0"):
        parse("toy_nll:temperature=0")


def toy_second(pred: Box, target: Box) -> Array:
    """Never registered."""
    return pred[:, 0] - target[:, 0]


def test_ragged_rows_survive_selection() -> None:
    whole = Ragged(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0, 2, 2, 4]))
    assert [whole.take(np.array([2, 0])).row(place).tolist() for place in (0, 1)] == [
        [3, 4],
        [1, 2],
    ]
    assert whole.slice(1, 3).offsets.tolist() == [0, 0, 2]
    joined = Ragged.join([whole, whole.slice(0, 1)])
    assert (joined.offsets.tolist(), joined.values.tolist()) == (
        [0, 2, 2, 4, 6],
        [1, 2, 3, 4, 1, 2],
    )
