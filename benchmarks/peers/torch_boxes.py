"""CIoU, GIoU, DIoU and IoU losses of corner boxes with torch on the CPU: PREDS TARGETS; NPY.

The formulas of torchvision.ops (without its eps), what they share computed once; float64.
"""

import json
import math
import sys

import numpy as np
import torch

BLOCK = 1 << 14
preds, targets = (torch.from_numpy(np.load(path, mmap_mode="c")) for path in sys.argv[1:3])
total = torch.zeros(4, dtype=torch.float64)
with torch.inference_mode():
    for pred, target in zip(preds.split(BLOCK), targets.split(BLOCK), strict=True):
        px1, py1, px2, py2 = pred.T.contiguous()
        tx1, ty1, tx2, ty2 = target.T.contiguous()
        pw, ph, tw, th = px2 - px1, py2 - py1, tx2 - tx1, ty2 - ty1
        wide = (torch.minimum(px2, tx2) - torch.maximum(px1, tx1)).clamp_(min=0.0)
        high = (torch.minimum(py2, ty2) - torch.maximum(py1, ty1)).clamp_(min=0.0)
        inter = wide * high
        union = pw * ph + tw * th - inter
        iou = inter / union
        hull_w = torch.maximum(px2, tx2) - torch.minimum(px1, tx1)
        hull_h = torch.maximum(py2, ty2) - torch.minimum(py1, ty1)
        hull = hull_w * hull_h
        giou = 1.0 - iou + (hull - union) / hull
        apart = ((px1 + px2 - tx1 - tx2).square() + (py1 + py2 - ty1 - ty2).square()) / 4.0
        diou = 1.0 - iou + apart / (hull_w.square() + hull_h.square())
        v = 4.0 / math.pi**2 * (torch.atan(tw / th) - torch.atan(pw / ph)).square()
        ciou = diou + v * v / (1.0 - iou + v)
        total += torch.stack([part.sum() for part in (ciou, giou, diou, 1.0 - iou)])
means = (total / len(preds)).tolist()
print(json.dumps(dict(zip(("ciou", "giou", "diou", "iou_loss"), means, strict=True))))
