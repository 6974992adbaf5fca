"""Losses made of losses."""

from __future__ import annotations
