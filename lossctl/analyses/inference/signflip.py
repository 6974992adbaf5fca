"""The sign-flip test: how often the sum would be as far from 0 if every sign were a coin's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lossctl.analyses.inference.scaled import near_one
from lossctl.arrays import Array

EXACT = 20  # differences other than 0, up to which all signs are tried
FLIPS = 10_000
_CELLS = 1 << 21  # signs at once
# Sums in other orders differ by rounding: within this part of the sum of sizes they are equal.
_ALIKE = 1e-13


@dataclass(frozen=True, slots=True)
class SignFlip:
    """The two-sided p-value, from all patterns of signs or from `flips` drawn ones."""

    p: float
    exact: bool
    flips: int


def sign_flip(
    d: Array,
    flips: int = FLIPS,
    seed: int = 0,
    progress: Callable[[int], object] | None = None,
) -> SignFlip:
    """The randomisation test that differences `d` (n,) are symmetric about 0 (Fisher 1935).

    Exact up to EXACT differences other than 0; beyond, (b + 1) / (flips + 1) with b of `flips`
    patterns, drawn with `seed`, as extreme as the data (Noreen 1989). The order of d plays no part.
    `progress` is told how many patterns are done. Memory is bounded by some 40 MB beside d.
    """
    sizes = np.sort(np.abs(near_one(d[d != 0.0])[0]))
    if not sizes.size:
        return SignFlip(1.0, True, 1)
    whole = float(sizes.sum())
    far = abs(float(np.sort(near_one(d)[0]).sum())) - 2.0 * _ALIKE * whole
    if sizes.size <= EXACT:
        sums = _all_sums(sizes)
        return SignFlip(float((np.abs(sums) >= far).mean()), True, 2**sizes.size)
    as_far = done = 0
    for sums in _drawn_sums(sizes, whole, flips, seed):
        as_far += int((np.abs(sums) >= far).sum())
        done += sums.size
        if progress is not None:
            progress(done)
    return SignFlip((as_far + 1) / (flips + 1), False, flips)


def _all_sums(sizes: Array) -> Array:
    """The sums of all patterns with the last sign positive: the others are their negatives."""
    sums = sizes[-1:]
    for size in sizes[:-1]:
        sums = np.concatenate([sums + size, sums - size])
    return sums


def _drawn_sums(sizes: Array, whole: float, flips: int, seed: int) -> Iterator[Array]:
    rng = np.random.default_rng(seed)
    words = -(-sizes.size // 64)
    step = max(1, _CELLS // sizes.size)
    for start in range(0, flips, step):
        count = min(step, flips - start)
        # Whole words: what is drawn does not depend on how many are drawn at once.
        drawn = rng.integers(0, 1 << 64, size=(count, words), dtype=np.uint64, endpoint=False)
        signs = np.unpackbits(
            drawn.astype("<u8").view(np.uint8), axis=1, count=sizes.size, bitorder="little"
        )
        yield 2.0 * (signs.astype(np.float64) @ sizes) - whole
