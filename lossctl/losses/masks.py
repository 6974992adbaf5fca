"""Overlap of masks: one row is one image."""

from __future__ import annotations
