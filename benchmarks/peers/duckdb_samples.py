"""Every row's MSE and the RMSE without it, with DuckDB: PREDS TARGETS OUT [COMPRESSION]; Parquet.

The sum first, then the rows: faster than one query with the sum in it, than a table of the pairs,
and than a join by row number. The file's own row numbers cost less than row_number(). Compression
is DuckDB's own (snappy) unless it is named.
"""

import sys

import duckdb

pairs = f"read_parquet('{sys.argv[1]}') p positional join read_parquet('{sys.argv[2]}') t"
compression = sys.argv[4] if len(sys.argv) > 4 else "snappy"
connection = duckdb.connect()
total, count = connection.execute(
    f"select sum((pred - target) * (pred - target)), count(*) from {pairs}"
).fetchone()
connection.execute(f"""
    copy (
        select
            p.file_row_number as row,
            target,
            pred,
            pred - target as residual,
            residual * residual as mse,
            mse / {total!r} as mse_share,
            sqrt(({total!r} - mse) / ({count} - 1)) as rmse_without,
            rmse_without - sqrt({total!r} / {count}) as rmse_delta
        from {pairs}
    ) to '{sys.argv[3]}' (format parquet, compression {compression})
""")
