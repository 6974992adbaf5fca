"""Cross entropy, focal and Brier of logits with NumPy by hand: PREDS LABELS; NPY.

float32 as it comes, sums in float64, in blocks that fit the cache.
"""

import json
import sys

import numpy as np

BLOCK = 1 << 12
logits, label = (np.load(path, mmap_mode="r") for path in sys.argv[1:3])
total = np.zeros(3)
for start in range(0, len(label), BLOCK):
    scores = logits[start : start + BLOCK]
    scores = scores - scores.max(axis=1, keepdims=True)
    own = scores[np.arange(len(scores)), label[start : start + BLOCK]]
    parts = np.exp(scores, out=scores)
    whole = parts.sum(axis=1)
    entropy = np.log(whole) - own
    share = np.exp(-entropy)
    brier = np.einsum("ij,ij->i", parts, parts) / (whole * whole) - 2.0 * share + 1.0
    focal = 0.25 * (1.0 - share) ** 2 * entropy
    total += [part.sum(dtype=np.float64) for part in (entropy, focal, brier)]
means = (total / len(label)).tolist()
print(json.dumps(dict(zip(("scce", "cfocal", "brier"), means, strict=True))))
