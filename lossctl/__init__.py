"""lossctl: evaluate losses from files, and say which samples make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lossctl import losses, stats
    from lossctl.api import check, compare, evaluate
    from lossctl.errors import DataError, LossctlError, OutputError, UsageError
    from lossctl.report import Report

__version__ = "0.1.0"
__all__ = [
    "DataError",
    "LossctlError",
    "OutputError",
    "Report",
    "UsageError",
    "__version__",
    "check",
    "compare",
    "evaluate",
    "losses",
    "stats",
]

_HOMES = {
    "check": "lossctl.api",
    "compare": "lossctl.api",
    "evaluate": "lossctl.api",
    "Report": "lossctl.report",
    "DataError": "lossctl.errors",
    "LossctlError": "lossctl.errors",
    "OutputError": "lossctl.errors",
    "UsageError": "lossctl.errors",
}


def __getattr__(name: str) -> Any:
    """Load the public names when they are first used: `lossctl --help` must not import NumPy."""
    from importlib import import_module

    if name in ("losses", "stats"):
        return import_module(f"lossctl.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'lossctl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
