"""Slow, obvious oracles to 50 digits: one plain function per loss, under its canonical name.

`ORACLES[name]` takes the values of one sample (roles by position, settings by keyword) and returns
the per-sample loss; the names in `WHOLE` take whole lists and `weights=`, and return the value.
"""

from __future__ import annotations

from tests.oracles import (
    angular,
    binary,
    boxes,
    categorical,
    companion,
    composite,
    distribution,
    embedding,
    forecasting,
    margin,
    masks,
    regression,
    reshaped,
    robust,
    scoring,
    sequence,
)
from tests.oracles.reductions import REDUCTIONS

ORACLES = regression.ORACLES | robust.ORACLES | forecasting.ORACLES | companion.ORACLES
WHOLE = forecasting.WHOLE | companion.WHOLE
for _family in (
    binary,
    categorical,
    reshaped,
    margin,
    distribution,
    scoring,
    masks,
    boxes,
    sequence,
    embedding,
    angular,
    composite,
):
    ORACLES |= _family.ORACLES
    WHOLE |= _family.WHOLE

__all__ = ["ORACLES", "REDUCTIONS", "WHOLE"]
