"""Seven losses with pandas and scikit-learn: PREDS TARGETS; CSV, gzipped CSV or Parquet.

The CSV engine is the default one: `engine="pyarrow"` took as long and half as much memory again.
"""

import json
import sys

import numpy as np
import pandas as pd
from sklearn import metrics


def read(path: str, column: str) -> np.ndarray:
    if path.endswith(".parquet"):
        return pd.read_parquet(path, columns=[column])[column].to_numpy()
    return pd.read_csv(path, usecols=[column])[column].to_numpy()


pred, target = read(sys.argv[1], "pred"), read(sys.argv[2], "target")
error = pred - target
size = np.abs(error)
losses = {
    "mae": metrics.mean_absolute_error(target, pred),
    "mse": metrics.mean_squared_error(target, pred),
    "rmse": metrics.root_mean_squared_error(target, pred),
    "huber": np.mean(np.where(size <= 1.0, 0.5 * error**2, size - 0.5)),
    "log_cosh": np.mean(np.logaddexp(error, -error) - np.log(2.0)),
    "mape": metrics.mean_absolute_percentage_error(target, pred),
    "max_error": metrics.max_error(target, pred),
}
print(json.dumps({name: float(value) for name, value in losses.items()}))
