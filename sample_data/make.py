"""Write the sample data again: `python sample_data/make.py`.

Needs scikit-learn (an extra of the project, `dev`); its data sets come with it, offline. The same
versions on the same machine give the same bytes. README.md beside this file says what is what;
tasks/ has the parts that fill a folder each, tasks/models/ the other models of a folder, for
comparisons.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn.datasets import load_diabetes
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from tasks.classification import binary, distribution, multiclass, multilabel
from tasks.forecasts import ensemble, ordinal, quantile, structural
from tasks.models.classes import (
    binary_models,
    distribution_models,
    multiclass_models,
    multilabel_models,
)
from tasks.models.forecasts import ensemble_models, quantile_models
from tasks.models.patients import diabetes_models
from tasks.models.pictures import box_models, mask_models
from tasks.models.strings import reading_models
from tasks.models.vectors import embedding_models
from tasks.models.visits import visits
from tasks.pictures import boxes, masks
from tasks.strings import sequences
from tasks.tables import Columns, csv_bytes
from tasks.vectors import embedding
from threadpoolctl import threadpool_limits

HERE = Path(__file__).parent
FOLDS = KFold(10, shuffle=True, random_state=0)
MODELS = {
    "ridge": Ridge(alpha=0.1),
    "forest": RandomForestRegressor(n_estimators=200, random_state=0),
    "knn": KNeighborsRegressor(n_neighbors=20),
}
BROKEN_ROWS = (371, 17, 233)
TINY = {
    "outliers_none": ([0.0, 1.0, -2.0, -0.5, 1.5], [0.0] * 5),
    "outliers_one": ([0.0, 1.0, 1.0, -2.0, 15.0], [0.0] * 5),
    "pair": ([2.0, 3.0], [1.0, 0.0]),
}


def write_table(path: Path, columns: Columns, values: str) -> None:
    """Write `columns` as .csv and .parquet, and the column `values` alone as a float64 .npy."""
    path.with_suffix(".csv").write_bytes(csv_bytes(columns))
    pq.write_table(pa.table(dict(columns)), path.with_suffix(".parquet"), compression="none")
    np.save(path.with_suffix(".npy"), np.array(columns[values], dtype="<f8"))


def diabetes(folder: Path) -> None:
    """The diabetes targets, the out-of-fold predictions of each model, and the broken file."""
    features, target = load_diabetes(return_X_y=True)
    measured = load_diabetes(scaled=False).data
    ids = [f"d{row:03d}" for row in range(len(target))]
    truth: Columns = {
        "id": ids,
        "target": target.tolist(),
        "age": [int(years) for years in measured[:, 0]],
        "sex": [int(code) for code in measured[:, 1]],
        "bmi": measured[:, 2].tolist(),
    }
    write_table(folder / "target", truth, "target")
    predictions = {}
    for name, model in MODELS.items():
        predictions[name] = cross_val_predict(model, features, target, cv=FOLDS).tolist()
        write_table(folder / name, {"id": ids, "pred": predictions[name]}, "pred")
    ridge = predictions["ridge"]
    packed = gzip.compress(csv_bytes({"id": ids, "pred": ridge}), mtime=0)
    (folder / "ridge.csv.gz").write_bytes(packed)
    broken = [p * 10 if row in BROKEN_ROWS else p for row, p in enumerate(ridge)]
    (folder / "broken.csv").write_bytes(csv_bytes({"id": ids, "pred": broken}))


def tiny(folder: Path) -> None:
    """The small worked examples that texts about losses use."""
    for name, (pred, target) in TINY.items():
        (folder / f"{name}_pred.csv").write_bytes(csv_bytes({"pred": pred}))
        (folder / f"{name}_target.csv").write_bytes(csv_bytes({"target": target}))


FOLDERS = {
    "diabetes": [diabetes, visits],
    "tiny": [tiny],
    "binary": [binary],
    "multiclass": [multiclass, ordinal],
    "multilabel": [multilabel],
    "distribution": [distribution],
    "masks": [masks],
    "boxes": [boxes],
    "sequences": [sequences],
    "embedding": [embedding],
    "quantile": [quantile],
    "ensemble": [ensemble],
    "structural": [structural],
}
# What fills `models/` of a folder, and reads nothing but what the folder has by then.
COMPARED = {
    "diabetes": diabetes_models,
    "binary": binary_models,
    "multiclass": multiclass_models,
    "multilabel": multilabel_models,
    "distribution": distribution_models,
    "masks": mask_models,
    "boxes": box_models,
    "sequences": reading_models,
    "embedding": embedding_models,
    "quantile": quantile_models,
    "ensemble": ensemble_models,
}


def main() -> None:
    """Write every file of every folder."""
    # The order in which threads add, and so the last bits, would depend on their number.
    with threadpool_limits(1):
        for name, parts in FOLDERS.items():
            (HERE / name).mkdir(exist_ok=True)
            for fill in parts:
                fill(HERE / name)
        for name, fill in COMPARED.items():
            (HERE / name / "models").mkdir(exist_ok=True)
            fill(HERE / name)


if __name__ == "__main__":
    main()
