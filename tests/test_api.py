"""The Python interface."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas
import pytest

import lossctl
from lossctl.report import Report

DATA = Path(__file__).parent.parent / "sample_data/diabetes"


def test_a_loss_is_a_function_of_arrays():
    values = lossctl.losses.huber([1.0, 2.0, 9.0], [1.0, 1.5, 4.0], delta=2.0)
    assert values.shape == (3,)
    assert values.tolist() == [0.0, 0.125, 8.0]
    assert "huber" in dir(lossctl.losses)
    with pytest.raises(AttributeError, match="hubber"):
        _ = lossctl.losses.hubber


def test_evaluate_takes_arrays():
    report = lossctl.evaluate([2.0, 3.0], [1.0, 0.0], ["mae", "mse"])
    assert report["mae"].value == 2.0
    assert report["mean_squared_error"].value == 5.0
    assert report.worst is not None
    assert report.worst.rows[0].shares == {"mae": 0.75, "mse": 0.9}
    with pytest.raises(KeyError):
        report["huber"]


def test_arrays_frames_and_paths_agree():
    pred, target = np.load(DATA / "ridge.npy"), np.load(DATA / "target.npy")
    expected = lossctl.evaluate(pred, target).losses
    frame = pandas.read_csv(DATA / "ridge.csv").merge(pandas.read_csv(DATA / "target.csv"), on="id")
    assert lossctl.evaluate(DATA / "ridge.parquet", str(DATA / "target.csv")).losses == expected
    assert lossctl.evaluate(frame["pred"], frame["target"]).losses == expected
    assert lossctl.evaluate(frame).losses == expected
    assert lossctl.evaluate(frame[["id", "pred"]], frame[["id", "target"]], on="id")[
        "mae"
    ].value == (expected[0].value)


def test_weights_ids_and_roles():
    report = lossctl.evaluate([1, 3], [0, 1], "mae", weight=[1, 3], ids=["a", "b"])
    assert report["mae"].value == 1.75
    assert report.worst is not None
    assert report.worst.rows[0].id == "b"
    scaled = lossctl.evaluate([1.0, 3.0], [0.0, 1.0], "mase", roles={"train": [1.0, 2.0, 5.0]})
    assert scaled["mase"].value == 0.75


def test_structural_risk_adds_the_penalty_once():
    report = lossctl.evaluate([1.0, 3.0], [0.0, 1.0], "structural_risk:base=(huber:delta=2),l2=0.5",
                              roles={"parameters": [1.0, 2.0]})  # fmt: skip
    result = report.losses[0]
    assert result.penalty == 2.5
    assert result.value == (0.5 + 2.0) / 2 + 2.5
    assert report.worst is not None
    row = report.worst.rows[0]
    assert sum(r.shares[result.spec] or 0 for r in report.worst.rows) == 1.0
    assert row.without[result.spec] == 0.5 + 2.5


@pytest.mark.parametrize("bad", [[1.0, np.nan], [1.0, np.inf]])
def test_values_that_are_not_finite(bad):
    with pytest.raises(lossctl.DataError, match="1 value is NaN"):
        lossctl.evaluate(bad, [1.0, 2.0])
    assert lossctl.evaluate(bad, [1.0, 2.0], nan="drop").rows["dropped"]["nan"] == 1
    assert lossctl.evaluate(bad, [1.0, 2.0], "mae", nan="propagate")["mae"].status == "undefined"


def test_missing_cells_of_a_frame():
    frame = pandas.DataFrame({"pred": pandas.array([1, None, 3], dtype="Int64"), "y": [1, 2, 3]})
    with pytest.raises(lossctl.DataError, match="#1"):
        lossctl.evaluate(frame)
    assert lossctl.evaluate(frame, nan="drop").rows["scored"] == 2


@pytest.mark.parametrize(("pred", "target"), [
    ([1.0, 2.0], [1.0]), ([], []), (["a"], [1.0]),
    (np.zeros((2, 2, 2)), [1.0]),
    ([1 + 2j], [1.0]),
])  # fmt: skip
def test_shapes_and_types_that_cannot_be_scored(pred, target):
    with pytest.raises(lossctl.DataError):
        lossctl.evaluate(pred, target)
    with pytest.raises(lossctl.UsageError, match="quantile, ensemble or multiclass"):
        lossctl.evaluate([[1.0, 2.0]], [1.0])


def test_integers_stay_exact():
    assert lossctl.evaluate([2**53 + 1], [2**53], "mae")["mae"].value == 1.0
    report = lossctl.evaluate([2**63 - 1], [-(2**63)], "mae")
    assert report["mae"].value == 18446744073709551615.0
    assert lossctl.evaluate(np.array([100], np.uint8), np.array([200], np.uint8), "mse")[
        "mse"
    ].value == (10000.0)


def test_reports_round_trip_and_show_themselves():
    report = lossctl.evaluate(DATA / "broken.csv", DATA / "target.csv")
    assert Report.from_dict(report.to_dict()).to_dict() == report.to_dict()
    frame = report.to_frame()
    assert frame.loc["mae", "value"] == report["mae"].value
    assert "Three rows (#371 #17 #233)" in repr(report)
    assert max(map(len, repr(report).splitlines())) <= 100

    class Tags(HTMLParser):
        def __init__(self):
            super().__init__()
            self.seen = set()

        def handle_starttag(self, tag, attributes):
            self.seen.add(tag)

    parser = Tags()
    parser.feed(report._repr_html_())
    assert "table" in parser.seen
    assert "script" not in parser.seen


def test_another_schema_is_refused():
    data = lossctl.evaluate([1.0], [2.0], "mae").to_dict()
    with pytest.raises(ValueError, match="schema 99"):
        Report.from_dict({**data, "schema": 99})
