"""Seven losses with DuckDB, one query: PREDS TARGETS [KEY]; CSV, gzipped CSV or Parquet.

Without a key rows are paired by a positional join: faster than joining row numbers, and than
loading tables first. Columns of text files are declared: sniffing them costs more.
"""

import json
import sys

import duckdb


def source(path: str, column: str, keys: list[str]) -> str:
    if path.endswith(".parquet"):
        return f"read_parquet('{path}')"
    names = ", ".join([*(f"'{key}': 'BIGINT'" for key in keys), f"'{column}': 'DOUBLE'"])
    return (
        f"read_csv('{path}', header = true, auto_detect = false, delim = ',', quote = '', "
        f"escape = '', columns = {{{names}}})"
    )


keys = sys.argv[3:]
preds, targets = source(sys.argv[1], "pred", keys), source(sys.argv[2], "target", keys)
paired = f"join {targets} t using ({keys[0]})" if keys else f"positional join {targets} t"
asked = duckdb.connect().execute(f"""
    with pairs as (select pred - target as error, target from {preds} p {paired}),
    rows as (select error, abs(error) as size, target from pairs)
    select
        avg(size) as mae,
        avg(error * error) as mse,
        sqrt(avg(error * error)) as rmse,
        avg(case when size <= 1.0 then 0.5 * error * error else size - 0.5 end) as huber,
        avg(size + ln(1.0 + exp(-2.0 * size))) - ln(2.0) as log_cosh,
        avg(size / abs(target)) as mape,
        max(size) as max_error
    from rows
""")
names = [column[0] for column in asked.description]
print(json.dumps(dict(zip(names, asked.fetchone(), strict=True))))
