"""Seven losses of two NPY files with torch on the CPU, all threads, float64: PREDS TARGETS.

Whole tensors: working in blocks took longer.
"""

import json
import math
import sys

import numpy as np
import torch
from torch.nn import functional

pred, target = (torch.from_numpy(np.load(path)) for path in sys.argv[1:3])
with torch.inference_mode():
    error = pred - target
    size = error.abs()
    mse = functional.mse_loss(pred, target)
    losses = {
        "mae": size.mean(),
        "mse": mse,
        "rmse": mse.sqrt(),
        "huber": functional.huber_loss(pred, target),
        "log_cosh": (size + functional.softplus(-2.0 * size)).mean() - math.log(2.0),
        "mape": (size / target.abs()).mean(),
        "max_error": size.max(),
    }
print(json.dumps({name: value.item() for name, value in losses.items()}))
