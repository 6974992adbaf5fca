"""Losses taken apart, one file each: what of a loss is bias, what is noise, who makes it.

Each gives the part of one loss, or None where it says nothing of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from lossctl.analyses.context import Context
from lossctl.analyses.decompositions import box_terms, entropy, kinds, mse
from lossctl.report import Part
from lossctl.rounds import Rounds
from lossctl.spec import Spec

Decomposition: TypeAlias = Callable[[Context, Spec], Rounds[Part | None]]

# Their sentences stand in every `eval`: they must cost next to nothing.
BRIEF: tuple[Decomposition, ...] = (mse.rounds, kinds.rounds, entropy.rounds, box_terms.rounds)


def every() -> tuple[Decomposition, ...]:
    """All of them, with their tables; those that are not brief are loaded when they are asked."""
    from lossctl.analyses.decompositions import class_terms, confusion, corp, edit_kinds

    return (*BRIEF, corp.rounds, confusion.rounds, class_terms.rounds, edit_kinds.rounds)


__all__ = ["BRIEF", "Decomposition", "every"]
