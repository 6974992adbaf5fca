"""Every row's MSE and the RMSE without it, with polars: PREDS TARGETS OUT [COMPRESSION]; Parquet.

Lazy: the sum first, then the rows as they stream by. One plan with the sum in it takes longer and
twice the memory, and frames in memory take twice that again. Compression is polars' own (zstd)
unless it is named.
"""

import math
import sys

import polars as pl

preds, targets = pl.scan_parquet(sys.argv[1]), pl.scan_parquet(sys.argv[2])
rows = pl.concat([targets.select("target"), preds.select("pred")], how="horizontal")
rows = rows.with_row_index("row").with_columns(residual=pl.col("pred") - pl.col("target"))
rows = rows.with_columns(mse=pl.col("residual") ** 2)
total, count = rows.select(pl.col("mse").sum(), pl.len()).collect(engine="streaming").row(0)
rows = rows.with_columns(
    mse_share=pl.col("mse") / total,
    rmse_without=((total - pl.col("mse")) / (count - 1)).sqrt(),
)
rows = rows.with_columns(rmse_delta=pl.col("rmse_without") - math.sqrt(total / count))
compression = sys.argv[4] if len(sys.argv) > 4 else "zstd"
rows.sink_parquet(sys.argv[3], compression=compression)
