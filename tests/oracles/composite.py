"""Losses over others have no formula of their own: theirs is that of the losses inside."""

from __future__ import annotations

from typing import Any

ORACLES: dict[str, Any] = {}
WHOLE: frozenset[str] = frozenset()
