"""Cross entropy, focal and Brier of logits with scikit-learn: PREDS LABELS; NPY or Parquet.

The focal loss, which scikit-learn has not, with NumPy.
"""

import json
import sys

import numpy as np
from scipy.special import softmax
from sklearn import metrics


def read(path: str) -> np.ndarray:
    if path.endswith(".npy"):
        return np.load(path)
    import pyarrow.parquet as pq

    table = pq.read_table(path).combine_chunks()
    if table.num_columns > 1:
        return np.stack([column.to_numpy() for column in table.columns], axis=1)
    (column,) = table.column(0).chunks
    if table.schema.types[0].num_fields == 0:
        return column.to_numpy()
    return column.flatten().to_numpy().reshape(len(column), -1)


logits, label = read(sys.argv[1]), read(sys.argv[2])
shares = softmax(logits, axis=1)
classes = np.arange(shares.shape[1])
own = shares[np.arange(len(label)), label].astype(np.float64)
losses = {
    "scce": metrics.log_loss(label, shares, labels=classes),
    "cfocal": np.mean(-0.25 * (1.0 - own) ** 2 * np.log(own)),
    "brier": metrics.brier_score_loss(label, shares, labels=classes, scale_by_half=False),
}
print(json.dumps({name: float(value) for name, value in losses.items()}))
