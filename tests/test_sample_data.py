"""The sample files are what their README says: same bits in every format, known numbers."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from tests.samples import SAMPLES, jsonl, load, parquet, read_csv, table

DIABETES = SAMPLES / "diabetes"
TINY = SAMPLES / "tiny"
MODELS = ["ridge", "forest", "knn"]
TABLES = [("target", "target"), *((model, "pred") for model in MODELS)]
IDS = [f"d{row:03d}" for row in range(442)]


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


# --- the other folders --------------------------------------------------------------------------

TEN = range(10)
P = [f"p_{k}" for k in TEN]
E = [f"e_{k}" for k in range(8)]
PROPERTIES = ["even", "prime", "loop", "big"]

MEMBERS = [f"m_{tree:02d}" for tree in range(20)]
QUANTILES = ["q_0.1", "q_0.5", "q_0.9"]
SIDES = ["x1", "y1", "x2", "y2"]

# The older predictions of a folder, the other models of its targets, and the columns of these.
COMPARED: dict[str, tuple[list[str], list[str], list[str]]] = {
    "diabetes": (["ridge", "forest", "knn"], ["lasso", "huber", "mean"], ["id", "pred"]),
    "binary": (["logistic", "forest", "boosting"], ["calibrated", "naive_bayes", "prior"],
               ["id", "p"]),
    "multiclass": (["logistic", "forest", "knn"], ["svm", "lda", "prior"], ["id", *P]),
    "multilabel": (["logistic"], ["kernel", "forest", "svm", "knn", "prior"],
                   ["id", *(f"p_{name}" for name in PROPERTIES)]),
    "distribution": (["model"], ["kernel", "naive_bayes", "knn", "forest", "prior"], ["id", *P]),
    "masks": (["model"], ["boosting", "forest", "naive_bayes", "nearest", "prior"], []),
    "boxes": (["model"], ["boosting", "histogram", "knn", "linear", "mean"], ["id", *SIDES]),
    "sequences": (["readings"], ["svm", "knn", "linear", "greedy", "constant"], ["id", "pred"]),
    "embedding": (["embedding"], ["shrunk", "kernel", "network", "pca", "random"], []),
    "quantile": (["quantiles"], ["linear", "ridge", "knn", "trees", "constant"],
                 ["id", *QUANTILES]),
    "ensemble": (["members"], ["bagging", "dressed", "knn", "few", "constant"], ["id", *MEMBERS]),
}  # fmt: skip
INTERVALS = [f"quantile/models/interval/{name}" for name in COMPARED["quantile"][1]]
NORMALS = [f"ensemble/models/gaussian/{name}" for name in ("bagging", "dressed", "knn", "constant")]
MODEL_FILES = {
    f"{folder}/models/{name}.csv": columns
    for folder, (_, names, columns) in COMPARED.items()
    for name in names
    if columns
}
MODEL_FILES["ensemble/models/few.csv"] = ["id", *MEMBERS[:5]]
MODEL_FILES |= {f"{name}.csv": ["id", "lower", "upper"] for name in INTERVALS}
MODEL_FILES |= {f"{name}.csv": ["id", "mean", "scale"] for name in NORMALS}

# Folder by folder: what a .csv, .parquet or .jsonl file has for columns, and an .npy for its array.
TABLE_FILES = {
    "binary/target.csv .parquet": ["id", "label", "target"],
    "binary/logistic.csv .parquet": ["id", "p"],
    "binary/forest.csv .parquet": ["id", "p"],
    "binary/boosting.csv .parquet": ["id", "p"],
    "binary/logistic_logits.csv .parquet": ["id", "logit"],
    "binary/svm.csv": ["id", "score"],
    "multiclass/target.csv .parquet": ["id", "label", "name"],
    "multiclass/logistic.csv .parquet": ["id", *P],
    "multiclass/forest.csv .parquet": ["id", *P],
    "multiclass/knn.csv .parquet": ["id", *P],
    "multiclass/logistic_list.parquet": ["id", "p"],
    "multiclass/predicted.csv": ["id", "label", "digit"],
    "multiclass/ordinal.csv .parquet": ["id", "pred", "label"],
    "multilabel/target.csv .parquet": ["id", *PROPERTIES],
    "multilabel/logistic.csv .parquet": ["id", *(f"p_{name}" for name in PROPERTIES)],
    "distribution/target.csv": ["id", *(f"q_{k}" for k in TEN)],
    "distribution/model.csv": ["id", *P],
    "masks/target.parquet": ["id", "mask"],
    "masks/model.parquet": ["id", "mask"],
    "masks/model_logits.parquet": ["id", "mask"],
    "boxes/target.csv .parquet": ["id", "x1", "y1", "x2", "y2"],
    "boxes/model.csv .parquet": ["id", "x1", "y1", "x2", "y2"],
    "boxes/model_xywh.csv": ["id", "x", "y", "w", "h"],
    "boxes/boxes.parquet": ["id", "pred", "target"],
    "sequences/readings.csv .jsonl": ["id", "pred", "target"],
    "sequences/tokens.jsonl": ["id", "pred", "target"],
    "sequences/ctc_target.jsonl": ["id", "target", "input_length"],
    "sequences/ctc.parquet .jsonl": ["id", "logits", "target"],
    "embedding/embeddings.csv .parquet": ["id", *E],
    "embedding/label.csv": ["id", "label"],
    "embedding/centers.csv": E,
    "embedding/class_vectors.csv": E,
    "embedding/nll.csv": ["id", "nll"],
    "embedding/triplets.parquet .jsonl": ["anchor", "positive", "negative"],
    "embedding/pairs.parquet .jsonl": ["left", "right", "target"],
    "quantile/quantiles.csv .parquet": ["id", "q_0.1", "q_0.5", "q_0.9"],
    "quantile/interval.csv .parquet": ["id", "lower", "upper"],
    "ensemble/members.csv .parquet": ["id", *(f"m_{tree:02d}" for tree in range(20))],
    "ensemble/gaussian.csv .parquet": ["id", "mean", "scale"],
    "ensemble/gaussian_trees.csv .parquet": ["id", "mean", "scale"],
    "structural/parameters.csv": ["parameters"],
    "structural/train.csv": ["train"],
    "diabetes/all.parquet": [
        "id",
        "target",
        "age",
        "sex",
        "bmi",
        *MODELS,
        "lasso",
        "huber",
        "mean",
    ],
    "diabetes/gaps.csv": ["id", "pred"],
    "diabetes/visits.csv": ["patient", "day", "old", "new"],
    "diabetes/visits_target.csv": ["patient", "day", "target"],
    "sequences/readings_target.csv": ["id", "target"],
    **MODEL_FILES,
}
ARRAYS: dict[str, tuple[str, tuple[int, ...]]] = {
    "binary/target": ("int8", (569,)),
    "binary/logistic": ("float64", (569,)),
    "multiclass/target": ("int64", (600,)),
    "multiclass/logistic": ("float64", (600, 10)),
    "multiclass/logistic_logits": ("float64", (600, 10)),
    "multilabel/target": ("int8", (600, 4)),
    "multilabel/logistic": ("float64", (600, 4)),
    "distribution/target": ("float64", (200, 10)),
    "distribution/model": ("float64", (200, 10)),
    "masks/target": ("uint8", (120, 8, 8)),
    "masks/model": ("float64", (120, 8, 8)),
    "masks/model_logits": ("float64", (120, 8, 8)),
    **{
        f"masks/models/{name}": ("uint8" if name == "nearest" else "float32", (120, 8, 8))
        for name in COMPARED["masks"][1]
    },
    "boxes/target": ("int64", (200, 4)),
    "boxes/model": ("float64", (200, 4)),
    "sequences/ctc_logits": ("float64", (40, 20, 11)),
    "embedding/embeddings": ("float64", (300, 8)),
    "embedding/label": ("int64", (300,)),
    "embedding/centers": ("float64", (10, 8)),
    "embedding/class_vectors": ("float64", (10, 8)),
    "embedding/logits": ("float64", (300, 10)),
    "embedding/nll": ("float64", (300,)),
    "embedding/anchor": ("float64", (300, 8)),
    "embedding/positive": ("float64", (300, 8)),
    "embedding/negative": ("float64", (300, 8)),
    "embedding/left": ("float64", (300, 8)),
    "embedding/right": ("float64", (300, 8)),
    "embedding/same": ("int8", (300,)),
    "quantile/quantiles": ("float64", (442, 3)),
    "ensemble/members": ("float64", (442, 20)),
    "structural/parameters": ("float64", (10,)),
    "structural/train": ("float64", (60,)),
}
COLUMNS = {
    f"{name.split('.')[0]}{suffix}": columns
    for name, columns in TABLE_FILES.items()
    for suffix in re.findall(r"\.[a-z]+", name)
}
STEMS = {name.split(".")[0]: None for name in TABLE_FILES}
PROBABILITIES = [
    "multiclass/logistic",
    "multiclass/forest",
    "multiclass/knn",
    "distribution/target",
    "distribution/model",
    *(name.split(".")[0] for name, columns in MODEL_FILES.items() if columns == ["id", *P]),
]


def test_the_folders_hold_these_files_and_no_others() -> None:
    made = {f"{name}.npy" for name in ARRAYS} | set(COLUMNS) | {"embedding/embedding.npz"}
    made |= {f"embedding/models/{name}.npz" for name in COMPARED["embedding"][1]}
    made |= {f"diabetes/{name}" for name in ("broken.csv", "ridge.csv.gz")}
    made |= {f"diabetes/{name}.{form}" for name, _ in TABLES for form in ("csv", "parquet", "npy")}
    parts = {path.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/**/*.*")}
    assert {name for name in parts if not name.startswith(("tiny/", "tasks/"))} == made


def test_the_sample_data_are_small() -> None:
    files = [path for path in SAMPLES.rglob("*") if "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files if path.is_file()) < 4_000_000


@pytest.mark.parametrize("name", COLUMNS)
def test_columns(name: str) -> None:
    path = SAMPLES / name
    if path.suffix == ".csv":
        found = list(read_csv(path))
    elif path.suffix == ".parquet":
        found = pq.read_schema(path).names
    else:
        rows = jsonl(name.removesuffix(".jsonl"))
        assert {tuple(row) for row in rows} == {tuple(rows[0])}
        found = list(rows[0])
    assert found == COLUMNS[name]


@pytest.mark.parametrize("name", ARRAYS)
def test_arrays(name: str) -> None:
    array = np.load(SAMPLES / f"{name}.npy", allow_pickle=False)
    assert (str(array.dtype), array.shape) == ARRAYS[name]
    assert array.flags.c_contiguous
    assert np.isfinite(array).all()


@pytest.mark.parametrize("name", [n for n in STEMS if {f"{n}.csv", f"{n}.parquet"} <= {*COLUMNS}])
def test_parquet_and_csv_are_one_table(name: str) -> None:
    text = {column: list(map(str, values)) for column, values in parquet(name).items()}
    assert text == read_csv(SAMPLES / f"{name}.csv")


@pytest.mark.parametrize("name", [name for name in ARRAYS if f"{name}.csv" in COLUMNS])
def test_npy_and_csv_are_one_table(name: str) -> None:
    array = load(name)
    assert table(name).reshape(array.shape).tobytes() == array.tobytes()


@pytest.mark.parametrize(
    ("name", "column", "array"),
    [
        ("multiclass/logistic_list", "p", "multiclass/logistic"),
        ("masks/target", "mask", "masks/target"),
        ("masks/model", "mask", "masks/model"),
        ("masks/model_logits", "mask", "masks/model_logits"),
        ("boxes/boxes", "pred", "boxes/model"),
        ("boxes/boxes", "target", "boxes/target"),
        ("sequences/ctc", "logits", "sequences/ctc_logits"),
        ("embedding/triplets", "anchor", "embedding/anchor"),
        ("embedding/triplets", "positive", "embedding/positive"),
        ("embedding/triplets", "negative", "embedding/negative"),
        ("embedding/pairs", "left", "embedding/left"),
        ("embedding/pairs", "right", "embedding/right"),
        ("embedding/pairs", "target", "embedding/same"),
    ],
)
def test_lists_and_npy_are_one_array(name: str, column: str, array: str) -> None:
    expected = load(array)
    forms = [parquet(name)[column]]
    if f"{name}.jsonl" in COLUMNS:
        forms.append([row[column] for row in jsonl(name)])
    for form in forms:
        assert np.array(form, float).reshape(expected.shape).tobytes() == expected.tobytes()


def test_the_list_of_probabilities_has_a_fixed_size() -> None:
    schema = pq.read_schema(SAMPLES / "multiclass" / "logistic_list.parquet")
    assert str(schema.field("p").type).startswith("fixed_size_list")
    assert schema.field("p").type.list_size == 10


def ids(name: str) -> list[str]:
    stem, suffix = name.split(".")
    if suffix == "csv":
        return read_csv(SAMPLES / name)["id"]
    return parquet(stem)["id"] if suffix == "parquet" else [row["id"] for row in jsonl(stem)]


@pytest.mark.parametrize(
    "folder", sorted({name.split("/")[0] for name in COLUMNS} - {"structural"})
)
def test_rows_are_aligned_by_id(folder: str) -> None:
    named = [name for name in COLUMNS if name.startswith(f"{folder}/") and "id" in COLUMNS[name]]
    named = [name for name in named if name != "diabetes/gaps.csv"]
    orders = {tuple(ids(name)) for name in named}
    assert all(len(set(order)) == len(order) for order in orders)
    # ordinal.csv grades the diabetes patients; the strips are other strings than the readings.
    assert len(orders) == (2 if folder in {"multiclass", "sequences"} else 1)
    if folder in {"diabetes", "quantile", "ensemble"}:
        assert orders == {tuple(IDS)}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_rows_of_probabilities_sum_to_one(name: str) -> None:
    rows = table(name)
    assert rows.min() >= 0
    assert rows.max() <= 1
    assert np.abs(rows.sum(axis=1) - 1).max() <= 1e-12
    if name in {"multiclass/logistic", "distribution/model"} or "/models/" in name:
        assert rows.min() > 0
    if "/models/" in name:
        assert np.array_equal(np.rint(rows * 1e6) / 1e6, rows)


# --- models to compare --------------------------------------------------------------------------


def six(folder: str) -> list[Path]:
    """The files of predictions of one folder's targets."""
    older, newer, _ = COMPARED[folder]
    form = {"masks": "npy", "embedding": "npz"}.get(folder, "csv")
    names = [*older, *(f"models/{name}" for name in newer)]
    return [SAMPLES / folder / f"{name}.{form}" for name in names]


@pytest.mark.parametrize("folder", COMPARED)
def test_each_task_has_six_models_and_no_two_are_alike(folder: str) -> None:
    assert len({path.read_bytes() for path in six(folder)}) == 6


def test_one_file_has_all_six_models() -> None:
    whole, target = parquet("diabetes/all"), parquet("diabetes/target")
    assert {name: whole[name] for name in target} == target
    for path in six("diabetes"):
        assert whole[path.stem] == numbers(path, "pred").tolist()


def test_gaps_are_the_rows_that_are_hard_for_ridge() -> None:
    table, forest = read_csv(DIABETES / "gaps.csv"), numbers(DIABETES / "forest.csv", "pred")
    said = dict(zip(table["id"], table["pred"], strict=True))
    assert sorted(set(IDS) - set(said)) == ["d050", "d150", "d200", "d250", "d350"]
    empty = [IDS.index(key) for key, text in said.items() if not text]
    hardest = np.argsort(-np.abs(errors("ridge")), kind="stable")[:40]
    assert empty == sorted(hardest.tolist())
    assert all(float(text) == forest[IDS.index(key)] for key, text in said.items() if text)


def test_vectors_of_the_models_have_one_form() -> None:
    expected = {"embeddings": (300, 8), "centers": (10, 8), "class_vectors": (10, 8)}
    for path in six("embedding")[1:]:
        with np.load(path, allow_pickle=False) as archive:
            assert {name: archive[name].shape for name in archive} == expected
            assert all(np.isfinite(archive[name]).all() for name in archive)


def visits() -> tuple[list[str], npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
    """The patient and the day of each visit, and the errors of each model."""
    pred, target = DIABETES / "visits.csv", DIABETES / "visits_target.csv"
    keys = read_csv(pred)
    assert all(keys[name] == read_csv(target)[name] for name in ("patient", "day"))
    off = {name: numbers(pred, name) - numbers(target, "target") for name in ("old", "new")}
    return keys["patient"], np.array(keys["day"], int), off


def test_visits_are_a_panel() -> None:
    patient, day, _ = visits()
    keys = list(zip(patient, day.tolist(), strict=True))
    assert keys == sorted(set(keys))
    counts = [patient.count(one) for one in sorted(set(patient))]
    assert (len(counts), min(counts), max(counts), sum(counts)) == (60, 4, 8, 381)


def test_visits_are_fewer_than_they_seem() -> None:
    """`new` looks surely better than `old` if rows count as independent, and is not."""
    patient, day, off = visits()
    better = np.abs(off["old"]) - np.abs(off["new"])
    rest = better - better.mean()
    rows = float(np.sum(rest**2))
    clusters = 60 / 59 * sum(rest[np.array(patient) == one].sum() ** 2 for one in set(patient))
    ordered = rest[np.argsort(day, kind="stable")]
    series = rows + 2 * sum((1 - k / 13) * (ordered[k:] @ ordered[:-k]) for k in range(1, 13))
    found = [better.sum() / variance**0.5 for variance in (rows, clusters, series)]
    assert [f"{one:.2f}" for one in found] == ["2.45", "1.62", "1.64"]
    assert [f"{np.mean(np.abs(one)):.2f}" for one in off.values()] == ["7.31", "6.46"]
