"""Cross entropy, focal and Brier of logits with torch on the CPU: PREDS LABELS; NPY or Parquet.

float32 as it comes, sums in float64, log-softmax once, blocks of 2^14 rows: whole tensors took a
tenth more and twice the memory, and so did reading a whole Parquet file before beginning.
"""

import json
import sys
from collections.abc import Iterator

import numpy as np
import torch

BLOCK = 1 << 14


def blocks(path: str) -> Iterator[torch.Tensor]:
    if path.endswith(".npy"):
        yield from torch.from_numpy(np.load(path, mmap_mode="c")).split(BLOCK)
        return
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(path).iter_batches(BLOCK):
        if batch.num_columns > 1:
            yield torch.from_numpy(np.stack([part.to_numpy() for part in batch.columns], axis=1))
        elif batch.schema.types[0].num_fields == 0:
            yield torch.tensor(batch.column(0).to_numpy())
        else:
            values = batch.column(0).flatten().to_numpy()
            yield torch.tensor(values.reshape(batch.num_rows, -1))


rows, total = 0, torch.zeros(3, dtype=torch.float64)
with torch.inference_mode():
    for scores, truth in zip(*(blocks(path) for path in sys.argv[1:3]), strict=True):
        logs = torch.log_softmax(scores, 1)
        entropy = -logs.gather(1, truth[:, None])[:, 0]
        share = torch.exp(-entropy)
        focal = 0.25 * (1.0 - share).square() * entropy
        brier = logs.exp_().square_().sum(1) - 2.0 * share + 1.0
        total += torch.stack([part.double().sum() for part in (entropy, focal, brier)])
        rows += len(truth)
means = (total / rows).tolist()
print(json.dumps(dict(zip(("scce", "cfocal", "brier"), means, strict=True))))
