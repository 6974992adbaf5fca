"""Seven losses of two NPY files with NumPy and scikit-learn: PREDS TARGETS."""

import json
import sys

import numpy as np
from sklearn import metrics

pred, target = np.load(sys.argv[1]), np.load(sys.argv[2])
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
