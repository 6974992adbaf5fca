"""Seven losses of two NPY files with NumPy by hand, in blocks that fit the cache: PREDS TARGETS."""

import json
import sys

import numpy as np

BLOCK = 1 << 15
pred, target = (np.load(path, mmap_mode="r") for path in sys.argv[1:3])
total, largest = np.zeros(5), 0.0
for start in range(0, len(pred), BLOCK):
    truth = target[start : start + BLOCK]
    error = pred[start : start + BLOCK] - truth
    size, square = np.abs(error), error * error
    total += (
        size.sum(),
        square.sum(),
        np.where(size <= 1.0, 0.5 * square, size - 0.5).sum(),
        (size + np.log1p(np.exp(-2.0 * size))).sum(),
        (size / np.abs(truth)).sum(),
    )
    largest = max(largest, float(size.max()))
mae, mse, huber, log_cosh, mape = (total / len(pred)).tolist()
losses = {
    "mae": mae,
    "mse": mse,
    "rmse": mse**0.5,
    "huber": huber,
    "log_cosh": log_cosh - float(np.log(2.0)),
    "mape": mape,
    "max_error": largest,
}
print(json.dumps(losses))
