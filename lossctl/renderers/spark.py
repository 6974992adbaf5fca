"""A few numbers as a curve one line high."""

from __future__ import annotations

from collections.abc import Sequence

_BLOCKS = "▁▂▃▄▅▆▇█"


def spark(values: Sequence[float]) -> str:
    """One block for each of `values` >= 0, the largest as high as the line: `▁▁▂▃█`."""
    most = max(values, default=0.0)
    if most <= 0.0:
        return _BLOCKS[0] * len(values)
    return "".join(_BLOCKS[round((len(_BLOCKS) - 1) * (value / most))] for value in values)
