"""How long blocks of rows must be, to be resampled as a whole."""

from __future__ import annotations

from typing import Any

from lossctl.analyses.inference import serial
from lossctl.stats.inputs import bounded


def block_length(x: Any) -> dict[str, Any]:
    """The lengths, in rows, that Politis and White (2004; corrected 2009) choose for the mean of
    `x` (n,) by the stationary and the circular block bootstrap.

    None for fewer than 11 rows, and where nothing varies. Raises DataError for values that are not
    finite.
    """
    found = serial.block_length(bounded(x, "x"))
    return {
        "stationary": None if found is None else found.stationary,
        "circular": None if found is None else found.circular,
    }
