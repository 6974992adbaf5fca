"""Losses taken apart, one file each: what of a loss is bias, what is noise, who makes it."""

from __future__ import annotations

from lossctl.analyses.decompositions import (
    box_terms,
    class_terms,
    confusion,
    corp,
    edit_kinds,
    entropy,
    kinds,
    mse,
)
from lossctl.analyses.decompositions.record import Decomposition

DECOMPOSITIONS: tuple[Decomposition, ...] = (
    Decomposition("mse", True, mse.rounds),
    Decomposition("kinds", True, kinds.rounds),
    Decomposition("entropy", True, entropy.rounds),
    Decomposition("boxes", True, box_terms.rounds),
    Decomposition("calibration", False, corp.rounds),
    Decomposition("confusion", False, confusion.rounds),
    Decomposition("classes", False, class_terms.rounds),
    Decomposition("edits", False, edit_kinds.rounds),
)

__all__ = ["DECOMPOSITIONS", "Decomposition"]
