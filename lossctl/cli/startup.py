"""Start-up makes many objects and no garbage: looking for cycles then costs a tenth of its time."""

from __future__ import annotations

import gc


def begin() -> None:
    """Collect nothing while modules load."""
    gc.disable()


def done() -> None:
    """Collect from now on, and leave alone what start-up made."""
    gc.freeze()
    gc.enable()
