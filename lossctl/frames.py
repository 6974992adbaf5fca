"""DataFrames in and out. pandas lives here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas

from lossctl.errors import DataError
from lossctl.readers.arrow import strings
from lossctl.readers.memory import MemorySource
from lossctl.readers.source import Cells

if TYPE_CHECKING:
    from lossctl.report import Report


def is_frame(value: object) -> bool:
    """Whether a value is a DataFrame or a Series."""
    return isinstance(value, pandas.DataFrame | pandas.Series)


def frame_source(frame: pandas.DataFrame | pandas.Series[Any], path: str) -> MemorySource:
    """A DataFrame's columns (a Series: one) as a source. Missing cells stay missing."""
    if isinstance(frame, pandas.Series):
        frame = frame.to_frame(frame.name if frame.name is not None else path)
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        raise DataError(f"{path} has two columns of one name")
    return MemorySource(
        path, {name: _cells(frame.iloc[:, place]) for place, name in enumerate(names)}
    )


def _cells(column: pandas.Series[Any]) -> Any:
    missing = column.isna().to_numpy()
    if pandas.api.types.is_bool_dtype(column.dtype) or pandas.api.types.is_numeric_dtype(
        column.dtype
    ):
        if not missing.any():
            return column.to_numpy()
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return Cells(np.ascontiguousarray(values), missing)
    if pandas.api.types.is_string_dtype(column.dtype) or column.dtype == object:
        if any(isinstance(value, list | tuple | np.ndarray) for value in column):
            return column.tolist()
        texts = ["" if gone else str(v) for v, gone in zip(column, missing, strict=True)]
        mask = missing if missing.any() else None
        return Cells(strings(texts, mask), mask)
    return column.astype(str).to_numpy(dtype=str)


def losses_frame(report: Report) -> pandas.DataFrame:
    """One row per loss, indexed by spec; of other commands than `eval`, their table."""
    made = pandas.DataFrame(report.records())
    return made if report.table is not None else made.set_index("loss")
