"""CIoU, GIoU, DIoU and IoU losses of corner boxes with polars, in memory: PREDS TARGETS; NPY."""

import json
import math
import sys

import numpy as np
import polars as pl

corners = ("x1", "y1", "x2", "y2")
columns = {}
for side, path in zip("pt", sys.argv[1:3], strict=True):
    columns |= zip((side + name for name in corners), np.load(path).T.copy(), strict=True)
px1, py1, px2, py2, tx1, ty1, tx2, ty2 = (pl.col(side + name) for side in "pt" for name in corners)
wide = (pl.min_horizontal(px2, tx2) - pl.max_horizontal(px1, tx1)).clip(lower_bound=0.0)
high = (pl.min_horizontal(py2, ty2) - pl.max_horizontal(py1, ty1)).clip(lower_bound=0.0)
rows = (
    pl.DataFrame(columns).lazy().with_columns(
        pw=px2 - px1, ph=py2 - py1, tw=tx2 - tx1, th=ty2 - ty1, inter=wide * high,
        hull_w=pl.max_horizontal(px2, tx2) - pl.min_horizontal(px1, tx1),
        hull_h=pl.max_horizontal(py2, ty2) - pl.min_horizontal(py1, ty1),
        dx=px1 + px2 - tx1 - tx2, dy=py1 + py2 - ty1 - ty2,
    )
)  # fmt: skip
pw, ph, tw, th, inter, hull_w, hull_h, dx, dy = (
    pl.col(name) for name in ("pw", "ph", "tw", "th", "inter", "hull_w", "hull_h", "dx", "dy")
)
rows = rows.with_columns(union=pw * ph + tw * th - inter, hull=hull_w * hull_h)
rows = rows.with_columns(
    iou_loss=1.0 - inter / pl.col("union"),
    v=4.0 / math.pi**2 * ((tw / th).arctan() - (pw / ph).arctan()).pow(2),
    apart=(dx * dx + dy * dy) / 4.0 / (hull_w * hull_w + hull_h * hull_h),
)
iou_loss, v = pl.col("iou_loss"), pl.col("v")
diou = iou_loss + pl.col("apart")
losses = rows.select(
    ciou=(diou + v * v / (iou_loss + v)).mean(),
    giou=(iou_loss + (pl.col("hull") - pl.col("union")) / pl.col("hull")).mean(),
    diou=diou.mean(),
    iou_loss=iou_loss.mean(),
).collect()
print(json.dumps(losses.to_dicts()[0]))
