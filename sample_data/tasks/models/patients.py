"""More models of the diabetes patients, all of them in one file, and one that leaves rows out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import HuberRegressor, Lasso
from sklearn.model_selection import cross_val_predict

from tasks.forecasts import FOLDS, patients
from tasks.tables import Floats, rounded, write_csv, write_parquet

MODELS = {
    "lasso": Lasso(alpha=0.1),
    "huber": HuberRegressor(max_iter=10_000),
    "mean": DummyRegressor(),
}
OLDER = ("ridge", "forest", "knn")
HARDEST = 40
MISSING = (50, 150, 200, 250, 350)


def diabetes_models(folder: Path) -> None:
    """Three more models, `all.parquet` of six, and `gaps.csv`."""
    features, target, ids = patients()
    measured = load_diabetes(scaled=False).data
    models = {name: np.load(folder / f"{name}.npy") for name in OLDER}
    for name, model in MODELS.items():
        models[name] = rounded(cross_val_predict(model, features, target, cv=FOLDS))
        write_csv(folder / "models" / name, {"id": ids, "pred": models[name].tolist()})
    raw = {
        "age": [int(years) for years in measured[:, 0]],
        "sex": [int(code) for code in measured[:, 1]],
        "bmi": measured[:, 2].tolist(),
    }
    predictions = {name: values.tolist() for name, values in models.items()}
    write_parquet(folder / "all", {"id": ids, "target": target.tolist(), **raw, **predictions})
    hardest = np.argsort(-np.abs(models["ridge"] - target), kind="stable")[:HARDEST]
    gaps(folder, ids, models["forest"], {*hardest.tolist()})


def gaps(folder: Path, ids: list[str], pred: Floats, without: set[int]) -> None:
    """Predictions with empty cells at the rows `without`, and no row at all for MISSING ids."""
    kept = [row for row in range(len(ids)) if row not in MISSING]
    texts = ["" if row in without else repr(float(pred[row])) for row in kept]
    write_csv(folder / "gaps", {"id": [ids[row] for row in kept], "pred": texts})
