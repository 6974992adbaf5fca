"""FOLDER: the losses of its three models side by side, overall and for two groups of patients."""

import sys
from pathlib import Path

import pandas as pd

import lossctl

folder = Path(sys.argv[1])
groups = {"all": (), "under 50": "age < 50", "50 and over": "age >= 50"}
values = {
    (name, model): lossctl.evaluate(
        folder / f"{model}.csv", folder / "target.csv", ["mae", "rmse", "r2"], on="id", where=where
    ).to_frame()["value"]
    for name, where in groups.items()
    for model in ("ridge", "forest", "knn")
}
print(pd.DataFrame(values).T.round(3).to_string())
