"""Every loss that torch, Keras, scikit-learn or optax has too, and how to compare the two numbers.

The libraries are a test extra (`pip install -e '.[peers]'`) and imported only when called.
"""

from __future__ import annotations

from importlib.util import find_spec

from tests.peers import of_keras, of_optax, of_sklearn, of_torch
from tests.peers.pair import FLOAT32, FLOAT64, LIBRARIES, Data, Pair, Told, difference, ours

__all__ = ["FLOAT32", "FLOAT64", "LIBRARIES", "PAIRS", "Data", "Pair", "Told", "absent",
           "difference", "ours"]  # fmt: skip

PAIRS: tuple[Pair, ...] = (*of_torch.PAIRS, *of_keras.PAIRS, *of_sklearn.PAIRS, *of_optax.PAIRS)
_NEEDS = {"torch": ("torch",), "keras": ("keras", "torch"), "sklearn": ("sklearn",),
          "optax": ("optax", "jax")}  # fmt: skip


def absent(peer: str) -> str | None:
    """The first package that a library needs and that is not installed."""
    return next((name for name in _NEEDS[peer] if find_spec(name) is None), None)
