"""CIoU, GIoU, DIoU and IoU losses of corner boxes with NumPy: PREDS TARGETS; NPY.

Each block is turned so that every corner is a contiguous column.
"""

import json
import math
import sys

import numpy as np

BLOCK = 1 << 14
preds, targets = (np.load(path, mmap_mode="r") for path in sys.argv[1:3])
total = np.zeros(4)
for start in range(0, len(preds), BLOCK):
    px1, py1, px2, py2 = np.ascontiguousarray(preds[start : start + BLOCK].T)
    tx1, ty1, tx2, ty2 = np.ascontiguousarray(targets[start : start + BLOCK].T)
    pw, ph, tw, th = px2 - px1, py2 - py1, tx2 - tx1, ty2 - ty1
    wide = np.maximum(np.minimum(px2, tx2) - np.maximum(px1, tx1), 0.0)
    high = np.maximum(np.minimum(py2, ty2) - np.maximum(py1, ty1), 0.0)
    inter = wide * high
    union = pw * ph + tw * th - inter
    iou = inter / union
    hull_w = np.maximum(px2, tx2) - np.minimum(px1, tx1)
    hull_h = np.maximum(py2, ty2) - np.minimum(py1, ty1)
    hull = hull_w * hull_h
    giou = 1.0 - iou + (hull - union) / hull
    apart = ((px1 + px2 - tx1 - tx2) ** 2 + (py1 + py2 - ty1 - ty2) ** 2) / 4.0
    diou = 1.0 - iou + apart / (hull_w**2 + hull_h**2)
    v = 4.0 / math.pi**2 * (np.arctan(tw / th) - np.arctan(pw / ph)) ** 2
    ciou = diou + v * v / (1.0 - iou + v)
    total += ciou.sum(), giou.sum(), diou.sum(), (1.0 - iou).sum()
means = (total / len(preds)).tolist()
print(json.dumps(dict(zip(("ciou", "giou", "diou", "iou_loss"), means, strict=True))))
