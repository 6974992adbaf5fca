"""What a decomposition is: a loss taken apart into pieces that have names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lossctl.analyses.context import Context
from lossctl.report import Part
from lossctl.rounds import Rounds
from lossctl.spec import Spec


@dataclass(frozen=True, slots=True)
class Decomposition:
    """`rounds` gives the part of one loss, or None where it says nothing of it.

    The sentence of a `brief` one stands in every `eval`: it must cost next to nothing. The
    tables, and all others, are asked for by `--decompose`.
    """

    name: str
    brief: bool
    rounds: Callable[[Context, Spec], Rounds[Part | None]]
