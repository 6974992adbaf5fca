"""A column of rows as an Arrow array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.arrays import Ragged
from lossctl.extras import Extra

if TYPE_CHECKING:
    import pyarrow


def array_of(extra: Extra) -> pyarrow.Array:
    """Numbers, truths or texts; null where there is no value.

    Made of the arrays' own memory: `pyarrow.array` would import pandas.
    """
    import pyarrow

    valid = pyarrow.py_buffer(_bits(~extra.missing)) if extra.missing.any() else None
    values: Any = extra.values
    if isinstance(values, Ragged):
        offsets = np.ascontiguousarray(values.offsets, dtype=np.int64)
        kind, parts = pyarrow.large_string(), [offsets, values.values.astype(np.uint8, copy=False)]
    elif values.dtype.kind == "b":
        kind, parts = pyarrow.bool_(), [_bits(values)]
    else:
        kind, parts = pyarrow.from_numpy_dtype(values.dtype), [values]
    held = [pyarrow.py_buffer(np.ascontiguousarray(part)) for part in parts]
    return pyarrow.Array.from_buffers(kind, len(values), [valid, *held])


def _bits(truths: Any) -> Any:
    return np.packbits(truths, bitorder="little")
