"""The losses that `lossctl eval` shows unasked, with pandas and scikit-learn: PREDS TARGETS."""

import json
import sys

import numpy as np
import pandas as pd
from sklearn import metrics

pred = pd.read_csv(sys.argv[1])["pred"].to_numpy()
target = pd.read_csv(sys.argv[2])["target"].to_numpy()
error = pred - target
size = np.abs(error)
losses = {
    "mae": metrics.mean_absolute_error(target, pred),
    "rmse": metrics.root_mean_squared_error(target, pred),
    "mse": metrics.mean_squared_error(target, pred),
    "huber": np.mean(np.where(size <= 1.0, 0.5 * error**2, size - 0.5)),
    "log_cosh": np.mean(np.logaddexp(error, -error) - np.log(2.0)),
    "median_ae": metrics.median_absolute_error(target, pred),
    "max_error": metrics.max_error(target, pred),
    "bias": np.mean(error),
    "r2": metrics.r2_score(target, pred),
}
print(json.dumps({name: float(value) for name, value in losses.items()}))
