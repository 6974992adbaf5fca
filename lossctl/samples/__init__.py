"""The rows themselves: what each adds to every loss, and every loss without it."""

from __future__ import annotations
