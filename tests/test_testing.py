"""`assert_losses` in other people's tests."""

from __future__ import annotations

import doctest
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lossctl.testing
from lossctl.errors import DataError, UsageError
from lossctl.testing import assert_losses

RNG = np.random.default_rng(0)
TARGET = RNG.normal(size=100)
PRED = TARGET + 0.5 * RNG.normal(size=100)


def test_what_is_met_gives_the_report() -> None:
    report = assert_losses(
        PRED, TARGET, "mae < 1", max={"rmse": 2, "p95(mae)": "3"}, min={"r2": 0.1},
        max_row_loss={"mae": 9}, max_increase={"mae": "2%"}, baseline=PRED,
    )  # fmt: skip
    assert report.gate is not None
    assert [one.requirement for one in report.gate.checks] == [
        "mae < 1", "rmse <= 2", "p95(mae) <= 3", "r2 >= 0.1", "increase(mae) <= 2%",
        "max(mae) <= 9",
    ]  # fmt: skip


def test_what_is_violated_says_which_rows() -> None:
    pred = PRED.copy()
    pred[17] += 100.0
    with pytest.raises(AssertionError) as failed:
        assert_losses(pred, TARGET, max={"rmse": 1, "median_ae": 9})
    said = str(failed.value).splitlines()
    assert said[0].startswith("VIOLATED: rmse is 10")
    assert "worst #17" in said[1] and said[1].startswith("  violated   rmse <= 1")
    assert said[2].startswith("  met        median_ae <= 9")


def test_undecided_and_impossible_are_no_pass() -> None:
    with pytest.raises(AssertionError, match="UNDECIDED"):
        worse = TARGET + (PRED - TARGET) * np.tile([0.7, 1.36], 50)
        assert_losses(worse, TARGET, max_increase={"mae": "0%"}, baseline=PRED)
    with pytest.raises(AssertionError, match="UNDECIDED"):
        assert_losses([1.0], [0.0], max={"mape": 3})
    with pytest.raises(UsageError, match="nothing is required"):
        assert_losses(PRED, TARGET)
    with pytest.raises(UsageError, match="finite number"):
        assert_losses(PRED, TARGET, max={"mae": float("nan")})
    with pytest.raises(DataError):
        assert_losses([float("nan")], [0.0], max={"mae": 3})


def test_the_example_in_the_docstring_works() -> None:
    assert doctest.testmod(lossctl.testing).failed == 0


def test_pytest_shows_the_caller_alone(tmp_path: Path) -> None:
    (tmp_path / "test_model.py").write_text(
        "from lossctl.testing import assert_losses\n\n\n"
        "def test_model():\n    assert_losses([1.0, 2.0], [1.0, 9.0], max={'mae': 0.5})\n"
    )
    made = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert made.returncode == 1
    assert "VIOLATED: mae is 3.5, above 0.5; worst #1 (7, 100 %)" in made.stdout
    assert "def assert_losses" not in made.stdout
