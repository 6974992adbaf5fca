"""The sample files are what their README says: same bits in every format, known numbers."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

SAMPLES = Path(__file__).parent.parent / "sample_data"
DIABETES = SAMPLES / "diabetes"
TINY = SAMPLES / "tiny"
MODELS = ["ridge", "forest", "knn"]
TABLES = [("target", "target"), *((model, "pred") for model in MODELS)]
IDS = [f"d{row:03d}" for row in range(442)]


def read_csv(path: Path) -> dict[str, list[str]]:
    with path.open(newline="") as lines:
        header, *rows = csv.reader(lines)
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True))


def numbers(path: Path, column: str) -> npt.NDArray[np.float64]:
    return np.array([float(text) for text in read_csv(path)[column]], dtype=np.float64)


def errors(model: str) -> npt.NDArray[np.float64]:
    pred = numbers(DIABETES / f"{model}.csv", "pred")
    return pred - numbers(DIABETES / "target.csv", "target")


@pytest.mark.parametrize(("name", "column"), TABLES)
def test_formats_agree_bit_for_bit(name: str, column: str) -> None:
    text = numbers(DIABETES / f"{name}.csv", column)
    array = np.load(DIABETES / f"{name}.npy", allow_pickle=False)
    stored = pq.read_table(DIABETES / f"{name}.parquet")[column].to_numpy()
    assert array.dtype == stored.dtype == np.float64
    assert text.shape == array.shape == stored.shape == (442,)
    assert text.tobytes() == array.tobytes() == stored.tobytes()


@pytest.mark.parametrize("name", ["target", *MODELS])
def test_csv_and_parquet_hold_the_same_table(name: str) -> None:
    table = pq.read_table(DIABETES / f"{name}.parquet")
    text = {column: list(map(str, values)) for column, values in table.to_pydict().items()}
    assert text == read_csv(DIABETES / f"{name}.csv")


@pytest.mark.parametrize("name", ["target", "broken", *MODELS])
def test_ids_are_aligned(name: str) -> None:
    assert read_csv(DIABETES / f"{name}.csv")["id"] == IDS


def test_csv_numbers_are_the_shortest_that_read_back() -> None:
    for name, column in [*TABLES, ("broken", "pred")]:
        for text in read_csv(DIABETES / f"{name}.csv")[column]:
            assert text == repr(float(text))


def test_the_gzip_file_is_the_csv_without_a_time_stamp() -> None:
    packed = (DIABETES / "ridge.csv.gz").read_bytes()
    assert gzip.decompress(packed) == (DIABETES / "ridge.csv").read_bytes()
    assert packed[4:8] == bytes(4)


def test_broken_is_ridge_with_three_predictions_times_ten() -> None:
    expected = numbers(DIABETES / "ridge.csv", "pred")
    expected[[371, 17, 233]] *= 10
    assert numbers(DIABETES / "broken.csv", "pred").tobytes() == expected.tobytes()


@pytest.mark.parametrize(
    ("model", "mae", "rmse", "mse", "r2", "worst"),
    [
        ("ridge", "44.49", "54.73", "2996", "0.495", 102),
        ("forest", "46.98", "58.12", "3378", "0.430", 9),
        ("knn", "45.73", "56.68", "3213", "0.458", 102),
        ("broken", "55.41", "147.22", "21673", "-2.655", 371),
    ],
)
def test_the_numbers_the_readme_prints(
    model: str, mae: str, rmse: str, mse: str, r2: str, worst: int
) -> None:
    e = errors(model)
    mean_square = float(np.mean(e**2))
    assert f"{np.mean(np.abs(e)):.2f}" == mae
    assert f"{mean_square**0.5:.2f}" == rmse
    assert f"{mean_square:.0f}" == mse
    assert f"{1 - mean_square / np.var(np.load(DIABETES / 'target.npy')):.3f}" == r2
    assert int(np.argmax(np.abs(e))) == worst


def test_slicing_columns_are_raw_values() -> None:
    table = read_csv(DIABETES / "target.csv")
    assert list(table) == ["id", "target", "age", "sex", "bmi"]
    assert set(table["sex"]) == {"1", "2"}
    assert all(18 <= int(age) <= 80 for age in table["age"])
    assert all(15 < float(bmi) < 45 for bmi in table["bmi"])


@pytest.mark.parametrize(
    ("name", "listed", "mae", "rmse"),
    [
        ("outliers_none", [0, 1, -2, -0.5, 1.5], 1.0, 1.22),
        ("outliers_one", [0, 1, 1, -2, 15], 3.8, 6.80),
        ("pair", [1, 3], 2.0, 2.24),
    ],
)
def test_tiny_tables(name: str, listed: list[float], mae: float, rmse: float) -> None:
    e = numbers(TINY / f"{name}_pred.csv", "pred") - numbers(TINY / f"{name}_target.csv", "target")
    assert e.tolist() == listed
    assert np.mean(np.abs(e)) == mae
    assert round(float(np.sqrt(np.mean(e**2))), 2) == rmse


def test_the_pair_is_as_the_texts_print_it() -> None:
    assert numbers(TINY / "pair_target.csv", "target").tolist() == [1, 0]
    assert numbers(TINY / "pair_pred.csv", "pred").tolist() == [2, 3]
