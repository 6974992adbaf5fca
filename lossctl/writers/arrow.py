"""A column of rows as an Arrow array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lossctl.arrays import Ragged
from lossctl.extras import Extra

if TYPE_CHECKING:
    import pyarrow


def array_of(extra: Extra) -> pyarrow.Array:
    """Numbers, truths or texts; null where there is no value."""
    import pyarrow

    mask: Any = extra.missing if extra.missing.any() else None
    values = extra.values
    if not isinstance(values, Ragged):
        return pyarrow.array(np.ascontiguousarray(values), mask=mask)
    offsets = np.ascontiguousarray(values.offsets, dtype=np.int64)
    data = np.ascontiguousarray(values.values, dtype=np.uint8)
    text = pyarrow.LargeStringArray.from_buffers(
        len(values), pyarrow.py_buffer(offsets), pyarrow.py_buffer(data)
    )
    if mask is None:
        return text
    import pyarrow.compute as compute

    return compute.if_else(pyarrow.array(mask), pyarrow.scalar(None, text.type), text)
