"""Statistics of samples in memory, one function per topic: `lossctl.stats.contribution(y, p)`.

Each takes array-likes and returns a dict of plain numbers and lists. The topics are the modules
of this package; a module here is a topic, whose function has its name.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

TOPICS = ("contribution", "outlier_rules", "pareto_khat")


def __getattr__(name: str) -> Callable[..., dict[str, Any]]:
    """A topic's function, loaded when it is first used."""
    if name not in TOPICS:
        raise AttributeError(f"no topic is called {name}; there are {', '.join(TOPICS)}")
    topic: Callable[..., dict[str, Any]] = getattr(import_module(f"lossctl.stats.{name}"), name)
    globals()[name] = topic  # instead of the module, which the import put there
    return topic


def __dir__() -> list[str]:
    return sorted(TOPICS)
