"""CIoU, GIoU, DIoU and IoU losses of corner boxes with DuckDB: PREDS TARGETS; NPY.

It reads the columns where NumPy has them.
"""

import json
import sys

import duckdb
import numpy as np

corners = ("x1", "y1", "x2", "y2")
boxes = {}
for side, path in zip("pt", sys.argv[1:3], strict=True):
    boxes |= zip((side + name for name in corners), np.load(path).T.copy(), strict=True)
asked = duckdb.connect().execute("""
    with sides as (
        select
            px2 - px1 as pw, py2 - py1 as ph, tx2 - tx1 as tw, ty2 - ty1 as th,
            greatest(least(px2, tx2) - greatest(px1, tx1), 0.0)
                * greatest(least(py2, ty2) - greatest(py1, ty1), 0.0) as shared,
            greatest(px2, tx2) - least(px1, tx1) as hull_w,
            greatest(py2, ty2) - least(py1, ty1) as hull_h,
            px1 + px2 - tx1 - tx2 as dx, py1 + py2 - ty1 - ty2 as dy
        from boxes
    ),
    areas as (
        select
            shared, pw * ph + tw * th - shared as joint, hull_w * hull_h as hull,
            (dx * dx + dy * dy) / 4.0 / (hull_w * hull_w + hull_h * hull_h) as apart,
            pow(atan(tw / th) - atan(pw / ph), 2) * 4.0 / (pi() * pi()) as v
        from sides
    ),
    parts as (
        select 1.0 - shared / joint as loss, (hull - joint) / hull as spare, apart, v from areas
    )
    select
        avg(loss + apart + v * v / (loss + v)) as ciou,
        avg(loss + spare) as giou,
        avg(loss + apart) as diou,
        avg(loss) as iou_loss
    from parts
""")
names = [column[0] for column in asked.description]
print(json.dumps(dict(zip(names, asked.fetchone(), strict=True))))
