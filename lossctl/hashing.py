"""One hash of row numbers and keys: which half, bucket or sample a row belongs to.

It looks at the row alone, so that membership depends on no block, thread or order.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lossctl.arrays import Integers
from lossctl.numerics import shared


def mixed(numbers: Integers) -> NDArray[np.uint64]:
    """A hash of each of `numbers` (n,): splitmix64 (Steele, Lea and Flood 2014)."""
    bits = numbers.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    mix(bits)
    return bits


def mix(bits: NDArray[np.uint64]) -> None:
    """splitmix64's finaliser, in place."""
    shifted = bits >> np.uint64(30)
    bits ^= shifted
    bits *= np.uint64(0xBF58476D1CE4E5B9)
    np.right_shift(bits, np.uint64(27), out=shifted)
    bits ^= shifted
    bits *= np.uint64(0x94D049BB133111EB)
    np.right_shift(bits, np.uint64(31), out=shifted)
    bits ^= shifted


@shared
def halves(order: Integers) -> NDArray[np.bool_]:
    """One half of the rows: what is chosen on it is judged on the other."""
    half: NDArray[np.bool_] = (mixed(order) & np.uint64(1)).astype(bool)
    return half
