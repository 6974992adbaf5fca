"""Numbers of any type widened to float64 without loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Numbers

_EXACT = 1 << 53  # every integer up to here is a float64


def widened(values: NDArray[Any]) -> Numbers:
    """Booleans, integers and floats as C-contiguous float64, each value exact.

    An integer array with a value that float64 cannot hold comes back as int64 or uint64.
    """
    kind = values.dtype.kind
    if kind in "iu" and values.dtype.itemsize == 8 and not held(values):
        return np.ascontiguousarray(values, dtype=np.int64 if kind == "i" else np.uint64)
    with np.errstate(invalid="ignore"):  # a signalling NaN becomes a quiet one
        return np.ascontiguousarray(values, dtype=np.float64)


def held(values: NDArray[Any]) -> bool:
    """Whether float64 holds every value of a 64-bit integer array."""
    if values.size == 0 or (values.min() >= -_EXACT and values.max() <= _EXACT):
        return True
    nearest = values.astype(np.float64)
    top = 2.0 ** (63 if values.dtype.kind == "i" else 64)
    inside = nearest < top
    return bool(inside.all() and (nearest.astype(values.dtype.newbyteorder("=")) == values).all())
